"""A company that follows a portal: a warehouse, a cursor, and its numbers as the portal would tell them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from rakurs.core.loading import LoadReport, Progress, silent
from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.sources.bitrix24 import SOURCE
from rakurs.sources.live import Change, Landing, Wanted, WantedKind
from rakurs.sources.spool import Spool
from rakurs.warehouse.warehouse import Warehouse
from sources.bitrix24_portal import Portal

PREFIX = "bitrix24"
ALL_MARTS = (CALENDAR_MART, *MARTS)


class Follower:
    """Follows one portal without a server: fetches, loads, remembers where it was."""

    def __init__(self, folder: Path, portal: Portal, **settings: Any) -> None:
        self.folder = folder
        self.settings = SOURCE.settings(webhook=portal.url, application_token=portal.application_token, **settings)
        self.warehouse = Warehouse.open(folder / "warehouse", timezone="Europe/Moscow", currency="RUB")
        self.cursor: Mapping[str, str] = {}
        self.notes: Mapping[str, Any] = {}
        self.runs = 0

    def run(
        self,
        kind: WantedKind = "changes",
        *,
        compares: bool = False,
        changes: Sequence[Change] = (),
        days: tuple[date, date] | None = None,
        progress: Progress = silent,
    ) -> LoadReport:
        """One run, fetched and taken in."""
        self.runs += 1
        spool = Spool(self.folder / f"run-{self.runs}")
        if kind == "records":
            spool.note(**self.notes)
        first, last = days or (None, None)
        wanted = Wanted(
            kind=kind, cursor=self.cursor, changes=tuple(changes), compares=compares, from_day=first, to_day=last
        )
        cursor = SOURCE.fetch(self.settings, wanted, spool, progress)
        return self.taken(spool, cursor)

    def taken(self, spool: Spool, cursor: Mapping[str, str]) -> LoadReport:
        """What was fetched, taken in."""
        report = self.warehouse.load(
            SOURCE.deliveries(self.settings, spool, Landing(source=PREFIX, profiles=self.folder)), marts=ALL_MARTS
        )
        self.cursor, self.notes = cursor, spool.notes
        return report

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table that are not deleted."""
        with self.warehouse.reading() as reader:
            found = reader.collect(reader.records(table) if table == "customers" else reader.frame(table)).to_pylist()
        return [row for row in found if row["deleted_at"] is None]

    def mart(self, name: str) -> list[dict[str, Any]]:
        """The rows of a mart."""
        with self.warehouse.reading() as reader:
            return reader.collect(reader.frame(name)).to_pylist()

    def numbers(self) -> dict[str, Any]:
        """What the company knows, in the words of the portal's truth."""
        deals = {row["deal_id"]: row for row in self.rows("deals")}
        outcomes = {row["deal_id"]: row["outcome"] for row in self.mart("deal_outcomes")}
        won: dict[int, dict[str, Any]] = {}
        for deal_id, row in deals.items():
            if outcomes[deal_id] == "won":
                told = won.setdefault(
                    int(row["pipeline_id"].removeprefix(f"{PREFIX}:")), {"count": 0, "sum": Decimal(0)}
                )
                told["count"] += 1
                told["sum"] += row["amount"]
        customers = Counter(row["customer_id"].split(":")[1].split("_")[0] for row in self.rows("customers"))
        orders = {row["order_id"] for row in self.rows("orders")}
        lines = [row for row in self.rows("order_lines") if row["order_id"] in orders]
        return {
            "deal": len(deals),
            "outcomes": dict(Counter(outcomes.values())),
            "won": won,
            "stagehistory": sum(row["provenance"] == "history" for row in self.rows("deal_stage_events")),
            "lead": len(self.rows("leads")),
            "converted_leads": sum(row["converted_deal_id"] in deals for row in self.rows("leads")),
            "contact": customers["C"],
            "company": customers["CO"],
            "activity": len(self.rows("activities")),
            "call": len(self.rows("calls")),
            "missed_calls": sum(bool(row["is_missed"]) for row in self.rows("calls")),
            "lines": len(lines),
            "lines_sum": sum((row["amount"] for row in lines), Decimal(0)),
            "tax_ids": sum(row["tax_id"] is not None for row in self.rows("customers")),
        }


def truth_of(portal: Portal) -> dict[str, Any]:
    """The same numbers, by the portal itself."""
    told = portal.truth()
    counts = told["counts"]
    deals, rows = portal.records["deal"], portal.records["productrow"]
    sold = [row for row in rows.values() if deals[row["ownerId"]]["STAGE_SEMANTIC_ID"] == "S"]
    kopeck = Decimal("0.01")
    amounts = (Decimal(str(row["price"])) * Decimal(str(row["quantity"])) for row in sold)
    amount = sum((one.quantize(kopeck, ROUND_HALF_UP) for one in amounts), Decimal(0))
    outcomes = {"won": told["won_count"], "lost": told["lost"], "open": told["open"]}
    return {
        "deal": counts["deal"],
        "outcomes": {name: count for name, count in outcomes.items() if count},
        "won": {
            category: {"count": one["count"], "sum": one["sum"]}
            for category, one in told["won"].items()
            if one["count"]
        },
        "stagehistory": counts["stagehistory"],
        "lead": counts["lead"],
        "converted_leads": len(
            {row["LEAD_ID"] for row in deals.values()} & {str(one) for one in portal.records["lead"]}
        ),
        "contact": counts["contact"],
        "company": counts["company"],
        "activity": counts["activity"],
        "call": counts["call"],
        "missed_calls": told["missed_calls"],
        "lines": len(sold),
        "lines_sum": amount,
        "tax_ids": counts["requisite"],
    }
