"""Yandex Metrica on loopback: a real HTTP server with a made-up site that speaks the reports API.

It answers as the documentation tells, refuses a client's mistakes, and can be told to misbehave. Nothing of the product is imported here.
"""

import random
from collections import Counter as Sums
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sources.yandex_direct_server import Answer, Asked, Loopback

SOURCES = {
    "organic": "Переходы из поисковых систем",
    "ad": "Переходы по рекламе",
    "direct": "Прямые заходы",
    "messenger": "Переходы из мессенджеров",
}
CAMPAIGNS: Sequence[str | None] = (None, "spring_sale", "Ёлка «−20%»", "brand|search")
GOALS = (101, 102, 103)
METRICS = ("ym:s:visits", "ym:s:users", "ym:s:bounceRate", *(f"ym:s:goal{goal}reaches" for goal in GOALS))


class Site(Loopback):
    """A site with one counter. `rows` is the truth: one per day, traffic source and campaign tag."""

    def __init__(self, *, days: int = 30, zone: str = "Asia/Vladivostok", now: datetime | None = None) -> None:
        # Morning of the next day where the counter is.
        super().__init__(now or datetime(2026, 3, 10, 20, 0, tzinfo=UTC))
        self.token, self.counter, self.zone = "y0_secret-token", 44_147_844, zone
        self.rows: list[dict[str, Any]] = []
        self.share = 1.0
        self.most_days = 1_000
        self.lost_rows = 0
        self.error: Callable[[Asked], Answer | None] = lambda _asked: None
        self._random = random.Random(11)
        for back in range(days):
            self.add_day(self.today - timedelta(days=back))
        self.made = self.today - timedelta(days=days - 1)

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def add_day(self, day: date) -> None:
        """Advertising is tagged, the rest mostly not."""
        for source in SOURCES:
            for campaign in CAMPAIGNS if source in {"ad", "messenger"} else CAMPAIGNS[:1]:
                self.add(day, source, campaign)

    def add(self, day: date, source: str, campaign: str | None) -> None:
        visits = self._random.randrange(1, 5_000)
        figures = {
            "visits": visits,
            "users": self._random.randrange(visits // 2, visits + 1),
            "bounces": self._random.randrange(0, visits + 1),
        }
        goals = {str(goal): self._random.randrange(0, 40) for goal in GOALS}
        self.rows.append({"day": day.isoformat(), "source": source, "campaign": campaign, **figures, **goals})

    def between(self, first: date, last: date) -> Iterator[dict[str, Any]]:
        return (row for row in self.rows if first.isoformat() <= row["day"] <= last.isoformat())

    def truth(self, first: date, last: date, *, goals: Sequence[int] = ()) -> dict[str, Any]:
        """What a company must see of these days."""
        found = list(self.between(first, last))
        visits: Sums[tuple[str, str | None]] = Sums()
        for row in found:
            visits[row["source"], row["campaign"]] += row["visits"]
        sums = {name: sum(row[name] for row in found) for name in ("visits", "users", "bounces")}
        reached = sum(row[str(goal)] for row in found for goal in goals)
        return {"rows": len(found), **sums, "goals": reached if goals else None, "by_campaign": dict(visits)}

    # --- answers ---

    def answered(self, asked: Asked) -> Answer:
        special = self.error(asked)
        if special is not None:
            return special
        if asked.headers.get("authorization") != f"OAuth {self.token}":
            return problem(403, "invalid_token", "Invalid oauth_token")
        if asked.path == "/stat/v1/data":
            return self._table(asked)
        if asked.path == f"/management/v1/counter/{self.counter}":
            made = datetime.combine(self.made, datetime.min.time(), ZoneInfo(self.zone)).astimezone(UTC)
            told = {
                "id": self.counter,
                "name": "Лавка",
                "site2": {"site": "shop.example"},
                "time_zone_name": self.zone,
                "create_time": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            return Answer({"counter": told})
        return problem(403, "access_denied", "Access is denied")

    def _table(self, asked: Asked) -> Answer:
        params = asked.params
        metrics, dimensions = params["metrics"].split(","), params["dimensions"].split(",")
        limit, offset = int(params.get("limit", "100")), int(params.get("offset", "1"))
        if params["ids"] != str(self.counter):
            return problem(403, "access_denied", "Access is denied")
        if len(metrics) > 20 or len(dimensions) > 10 or not 0 <= limit <= 100_000 or offset < 1:
            return problem(400, "invalid_parameter", "Wrong parameter: limits")
        unknown = [one for one in metrics if one not in METRICS]
        if unknown:
            return problem(400, "invalid_parameter", f"Wrong parameter: metrics, value: {unknown[0]}")
        first, last = date.fromisoformat(params["date1"]), date.fromisoformat(params["date2"])
        if (last - first).days >= self.most_days:
            return problem(400, "too_much_rows", "Query reads too much")
        # Anything but the whole is a tenth of it.
        share = self.share if params.get("accuracy") in {"full", "1"} else 0.1
        table = sorted(
            (_row(row, dimensions, metrics, share >= self.share) for row in self.between(first, last)), key=str
        )
        page = table[offset - 1 : offset - 1 + limit]
        return Answer(
            {
                "query": {**params, "limit": limit, "offset": offset, "metrics": metrics, "dimensions": dimensions},
                "data": page[self.lost_rows :],
                "total_rows": len(table),
                "total_rows_rounded": False,
                "sampled": share < 1,
                "sample_share": share,
                "contains_sensitive_data": False,
                "data_lag": 42,
            }
        )


def _row(row: dict[str, Any], dimensions: list[str], metrics: list[str], is_whole: bool) -> dict[str, Any]:  # noqa: FBT001
    named = {
        "ym:s:date": {"name": row["day"]},
        "ym:s:lastsignTrafficSource": {"id": row["source"], "name": SOURCES[row["source"]]},
        "ym:s:lastsignUTMCampaign": {"name": row["campaign"]},
    }
    rate = 100 * row["bounces"] / row["visits"]
    reaches = (row[str(goal)] for goal in GOALS)
    figures = dict(zip(METRICS, (row["visits"], row["users"], rate, *reaches), strict=True))
    return {
        "dimensions": [named[one] for one in dimensions],
        "metrics": [float(figures[one]) if is_whole else 0.0 for one in metrics],
    }


def problem(status: int, kind: str, words: str) -> Answer:
    """An error as the API says it."""
    return Answer({"errors": [{"error_type": kind, "message": words}], "code": status, "message": words}, status)
