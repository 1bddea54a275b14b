"""The records of a portal: what it holds, and what changes when its users work."""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sources.bitrix24_dictionaries import LEAD_SEMANTICS, PROCESS, STAGE_SEMANTICS
from sources.bitrix24_filters import Table
from sources.bitrix24_records import CHANGED, MULTI, TEMPLATES, WITH_PHONES, Record, product_row, rows_sum
from sources.bitrix24_values import DAY, MOSCOW, figure, kept_as, moment


class Crm:
    """What a portal holds, by kind and id, and what its users do to it. Has a clock of its own that can be put forward."""

    def __init__(self, *, seed: int, now: datetime | None, clock_skew: timedelta) -> None:
        self.lock = threading.RLock()
        self._began = time.monotonic()
        begin = now or datetime.now(UTC)
        self._base = (begin if begin.tzinfo else begin.replace(tzinfo=MOSCOW)).timestamp() + clock_skew.total_seconds()
        self._secret = random.Random(f"secrets of {seed}")
        self.deleted: dict[str, list[int]] = defaultdict(list)
        self.rows_of: dict[int, list[int]] = defaultdict(list)
        small = {"productrow", "product", "price", "smart", "category", "catalog", "type", "section"}
        self.tables = {kind: Table(kind, "id" if kind in small else "ID") for kind in TEMPLATES}
        self.records: dict[str, dict[int, Record]] = {kind: table.rows for kind, table in self.tables.items()}
        self._multis = 150

    # --- the clock

    def clock(self) -> float:
        """The portal's time, in seconds."""
        return self._base + time.monotonic() - self._began

    def now(self) -> datetime:
        """The portal's time, in the portal's zone."""
        return datetime.fromtimestamp(self.clock(), MOSCOW)

    def advance(self, delta: timedelta) -> None:
        """The portal's clock goes forward."""
        self._base += delta.total_seconds()

    def _stamp(self) -> str:
        return self.now().replace(microsecond=0).isoformat()

    def _today(self) -> str:
        return datetime.fromtimestamp(int(self.clock()) // DAY * DAY, MOSCOW).isoformat()

    # --- what the portal's users do

    def add_deal(self, **fields: Any) -> int:
        """A new deal, and the first entry of its history."""
        with self.lock:
            category = int(fields.get("CATEGORY_ID", 0))
            stage = fields.setdefault("STAGE_ID", PROCESS[category][0])
            self._check_stage(category, stage)
            semantics = STAGE_SEMANTICS[stage][1]
            closed = {"CLOSED": "Y", "CLOSEDATE": self._today()} if semantics != "P" else {}
            computed = {
                "STAGE_SEMANTIC_ID": semantics,
                "IS_NEW": "Y" if stage == PROCESS[category][0] else "N",
                "IS_MANUAL_OPPORTUNITY": "Y" if "OPPORTUNITY" in fields else "N",
                "MOVED_TIME": self._stamp(),
                "BEGINDATE": self._today(),
                **closed,
            }
            deal_id = self.add("deal", **{**computed, **fields})
            self._tell(deal_id, 1, category, stage)
            return deal_id

    def change_deal(self, deal_id: int, **fields: Any) -> None:
        """A deal edited; a move to another stage or pipeline is written down as the portal does."""
        with self.lock:
            before = self.records["deal"][deal_id]
            category = int(fields.get("CATEGORY_ID", before["CATEGORY_ID"]))
            other = category != int(before["CATEGORY_ID"])
            if other:
                fields.setdefault("STAGE_ID", PROCESS[category][0])
            stage = fields.get("STAGE_ID", before["STAGE_ID"])
            self._check_stage(category, stage)
            computed: Record = {}
            if moved := other or stage != before["STAGE_ID"]:
                semantics = STAGE_SEMANTICS[stage][1]
                computed = {
                    "STAGE_SEMANTIC_ID": semantics,
                    "CLOSED": "N" if semantics == "P" else "Y",
                    "IS_NEW": "Y" if stage == PROCESS[category][0] else "N",
                    "MOVED_TIME": self._stamp(),
                    "MOVED_BY_ID": "1",
                    "LAST_ACTIVITY_TIME": self._stamp(),
                }
                if semantics != "P":
                    computed["CLOSEDATE"] = self._today()
            if "OPPORTUNITY" in fields:
                computed["IS_MANUAL_OPPORTUNITY"] = "Y"
            self._edit("deal", deal_id, {**computed, **fields})
            if moved:
                kind = 5 if other else 2 if STAGE_SEMANTICS[stage][1] == "P" else 3
                self._tell(deal_id, kind, category, stage)

    def add_contact(self, **fields: Any) -> int:
        """A new contact; PHONE and EMAIL may be a text, texts, or entries as the portal keeps them."""
        return self.add("contact", **fields)

    def add_company(self, **fields: Any) -> int:
        """A new company."""
        return self.add("company", **fields)

    def add_lead(self, **fields: Any) -> int:
        """A new lead, and the first entry of its history."""
        with self.lock:
            status = fields.setdefault("STATUS_ID", "NEW")
            semantics = LEAD_SEMANTICS[status]
            closed = {"DATE_CLOSED": self._stamp()} if semantics != "P" else {}
            computed = {"STATUS_SEMANTIC_ID": semantics, "MOVED_TIME": self._stamp(), **closed}
            lead_id = self.add("lead", **{**computed, **fields})
            self._tell_lead(lead_id, 1, status)
            return lead_id

    def add_activity(self, **fields: Any) -> int:
        """A new activity."""
        return self.add("activity", **fields)

    def add_call(self, **fields: Any) -> int:
        """A call that has ended."""
        with self.lock:
            computed = {
                "CALL_START_DATE": self._stamp(),
                "CALL_ID": f"externalCall.{self._secret.getrandbits(64):016x}.{int(self.clock())}",
            }
            return self.add("call", **{**computed, **fields})

    def add(self, kind: str, **fields: Any) -> int:
        """A new record of any kind."""
        with self.lock:
            table = self.tables[kind]
            record = {
                name: value.copy() if isinstance(value, list | dict) else value
                for name, value in TEMPLATES[kind].items()
            }
            created = {"DATE_CREATE", "CREATED", "START_TIME", "END_TIME", "DEADLINE", "LAST_ACTIVITY_TIME"}
            created |= {"createdTime", "movedTime", "lastActivityTime", "dateCreate", CHANGED.get(kind, "")}
            for name in created & record.keys():
                record[name] = self._stamp()
            record_id = table.last + 1
            record[table.key] = record_id if table.key == "id" else str(record_id)
            record |= self._kept(kind, fields)
            table.put(record_id, record)
            return record_id

    def change(self, kind: str, record_id: int, **fields: Any) -> None:
        """A record of any kind edited."""
        with self.lock:
            if kind == "deal":
                self.change_deal(record_id, **fields)
                return
            before = self.records[kind][record_id]
            computed: Record = {}
            status = fields.get("STATUS_ID")
            moved = kind == "lead" and status is not None and status != before["STATUS_ID"]
            if moved:
                final = LEAD_SEMANTICS[status] != "P"
                computed = {
                    "STATUS_SEMANTIC_ID": LEAD_SEMANTICS[status],
                    "MOVED_TIME": self._stamp(),
                    "DATE_CLOSED": self._stamp() if final else "",
                }
            self._edit(kind, record_id, {**computed, **fields})
            if moved:
                self._tell_lead(record_id, 3 if LEAD_SEMANTICS[status] != "P" else 2, status)

    def delete(self, kind: str, record_id: int) -> None:
        """A record gone for good; a deal or lead takes its rows and history along."""
        with self.lock:
            self.tables[kind].drop(record_id)
            self.deleted[kind].append(record_id)
            if kind == "deal":
                for row_id in self.rows_of.pop(record_id, []):
                    self.tables["productrow"].drop(row_id)
            if kind in ("deal", "lead"):
                history = self.tables["stagehistory" if kind == "deal" else "leadhistory"]
                for entry in [n for n, row in history.rows.items() if row["OWNER_ID"] == record_id]:
                    history.drop(entry)

    def set_product_rows(self, deal_id: int, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """The goods of a deal replaced; its amount follows unless it was set by hand."""
        with self.lock:
            table = self.tables["productrow"]
            for row_id in self.rows_of.pop(deal_id, []):
                table.drop(row_id)
            for n, given in enumerate(rows, 1):
                record = product_row(given, table.last + 1, deal_id, 10 * n)
                table.put(record["id"], record)
                self.rows_of[deal_id].append(record["id"])
            deal = self.records["deal"][deal_id]
            kept = [table.rows[row_id] for row_id in self.rows_of[deal_id]]
            follows = deal["IS_MANUAL_OPPORTUNITY"] == "N"
            self._edit("deal", deal_id, {"OPPORTUNITY": rows_sum(kept)} if follows else {})
            return list(self.rows_of[deal_id])

    def _edit(self, kind: str, record_id: int, fields: Mapping[str, Any]) -> None:
        changed = {CHANGED[kind]: self._stamp()} if kind in CHANGED else {}
        record = {**self.records[kind][record_id], **changed, **self._kept(kind, fields)}
        for name in MULTI:
            if name in record and not record[name]:
                del record[name]
        self.tables[kind].put(record_id, record)

    def _kept(self, kind: str, fields: Mapping[str, Any]) -> Record:
        unknown = fields.keys() - TEMPLATES[kind].keys() - (set(MULTI) if kind in WITH_PHONES else set())
        if unknown:
            raise ValueError(f"a {kind} has no {', '.join(sorted(unknown))}")
        found: Record = {}
        for name, value in fields.items():
            if name in MULTI:
                entries = [value] if isinstance(value, str) else value
                found[name] = [self.multi(name, e, "WORK") if isinstance(e, str) else e for e in entries]
                found[f"HAS_{name}"] = "Y" if entries else "N"
            elif self.tables[kind].key == "id":
                found[name] = figure(value) if isinstance(value, Decimal) else kept_as(name, value)
            else:
                written = kept_as(name, value)
                numeric = isinstance(written, int | float) and not isinstance(written, bool)
                as_is = kind in ("stagehistory", "leadhistory", "user", "department") or name == "RECORD_FILE_ID"
                found[name] = str(written) if numeric and not as_is else written
        return found

    def multi(self, name: str, value: str, kind: str) -> Record:
        self._multis += 1
        return {"ID": str(self._multis), "VALUE_TYPE": kind, "VALUE": value, "TYPE_ID": name}

    def _check_stage(self, category: int, stage: str) -> None:
        if STAGE_SEMANTICS.get(stage, (None, ""))[0] != category:
            raise ValueError(f"pipeline {category} has no stage {stage}")

    def _tell(self, deal_id: int, kind: int, category: int, stage: str) -> None:
        entry = {"TYPE_ID": kind, "OWNER_ID": deal_id, "CREATED_TIME": self._stamp(), "CATEGORY_ID": category}
        entry |= {"STAGE_SEMANTIC_ID": STAGE_SEMANTICS[stage][1], "STAGE_ID": stage}
        table = self.tables["stagehistory"]
        table.put(table.last + 1, {"ID": table.last + 1, **entry})

    def _tell_lead(self, lead_id: int, kind: int, status: str) -> None:
        entry = {"TYPE_ID": kind, "OWNER_ID": lead_id, "CREATED_TIME": self._stamp()}
        entry |= {"STATUS_SEMANTIC_ID": LEAD_SEMANTICS[status], "STATUS_ID": status}
        table = self.tables["leadhistory"]
        table.put(table.last + 1, {"ID": table.last + 1, **entry})

    # --- what tests compare with

    def truth(self) -> dict[str, Any]:
        """Counts and sums of what the portal holds now."""
        with self.lock:
            won: dict[int, dict[str, Any]] = {}
            lost = opened = 0
            sold = Decimal(0)
            for deal_id, deal in self.records["deal"].items():
                if deal["STAGE_SEMANTIC_ID"] == "S":
                    category = int(deal["CATEGORY_ID"])
                    place = won.setdefault(
                        category, {"count": 0, "sum": Decimal(0), "by_currency": defaultdict(Decimal)}
                    )
                    place["count"] += 1
                    place["sum"] += Decimal(deal["OPPORTUNITY"])
                    place["by_currency"][deal["CURRENCY_ID"]] += Decimal(deal["OPPORTUNITY"])
                    rows = self.records["productrow"]
                    for row_id in self.rows_of.get(deal_id, ()):
                        sold += Decimal(str(rows[row_id]["price"])) * Decimal(str(rows[row_id]["quantity"]))
                elif deal["STAGE_SEMANTIC_ID"] == "F":
                    lost += 1
                else:
                    opened += 1
            for place in won.values():
                place["by_currency"] = dict(place["by_currency"])
            calls = self.records["call"].values()
            incoming = [call for call in calls if call["CALL_TYPE"] in ("2", "3")]
            return {
                "counts": {kind: len(rows) for kind, rows in self.records.items()},
                "won": dict(sorted(won.items())),
                "won_count": sum(place["count"] for place in won.values()),
                "won_sum": sum((place["sum"] for place in won.values()), Decimal(0)),
                "lost": lost,
                "open": opened,
                "won_rows_sum": sold,
                "deals_with_rows": sum(1 for rows in self.rows_of.values() if rows),
                "missed_calls": sum(1 for call in incoming if call["CALL_FAILED_CODE"] == "304"),
                "calls_by_type": dict(Counter(call["CALL_TYPE"] for call in calls)),
                "calls_by_code": dict(Counter(call["CALL_FAILED_CODE"] for call in calls)),
                "completed_activities": sum(1 for a in self.records["activity"].values() if a["COMPLETED"] == "Y"),
                "converted_leads": sum(1 for r in self.records["lead"].values() if r["STATUS_SEMANTIC_ID"] == "S"),
                "last_modified": {
                    kind: max(
                        (at for r in self.records[kind].values() if (at := moment(r[name])) is not None), default=None
                    )
                    for kind, name in CHANGED.items()
                },
            }
