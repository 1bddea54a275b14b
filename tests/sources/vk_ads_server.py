"""An account of VK Ads on loopback: lists and statistics of API v2 as far as they are known.

It refuses a client's mistakes and can be told to misbehave. Nothing of the product is imported here.
"""

import random
from collections import deque
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sources.ga4_server import Answer, Loopback, Problem

ROOT = "/api/v2/"
MAX_LIMIT, DEFAULT_LIMIT, MAX_IDS, MAX_DAYS = 50, 20, 50, 92
STATUSES = ("active", "blocked", "deleted")
FIELDS = {
    "ad_plans": {"id", "name", "status", "created"},
    "ad_groups": {"id", "name", "status", "created", "ad_plan_id"},
    "banners": {"id", "name", "status", "created", "ad_group_id"},
}
Record = dict[str, Any]
Cost = tuple[int, int, Decimal]  # shows, clicks, spent


class Cabinet(Loopback):
    """One account: plans hold groups, groups hold banners, banners cost money day by day."""

    def __init__(self, *, plans: int = 6, banners: int = 110, days: int = 120, seed: int = 1) -> None:
        super().__init__()
        self._random = random.Random(seed)
        self.zone = ZoneInfo("Europe/Moscow")
        self.token = f"vk-token-{self._random.getrandbits(64):016x}"
        self.is_withdrawn = self.is_closed = False
        self.refusals = 0  # so many coming calls are over a limit
        self.rate: int | None = None  # calls a second; the one over it gets 429
        self._asked: deque[float] = deque()
        self.records: dict[str, dict[int, Record]] = {name: {} for name in FIELDS}
        self.costs: dict[tuple[int, date], Cost] = {}
        self._next_id = 9_000_000
        for _ in range(plans):
            plan = self._put("ad_plans", days)
            for _ in range(2):
                self._put("ad_groups", days, ad_plan_id=plan)
        for _ in range(banners):
            self.add_banner(age=self._random.randrange(days))

    def today(self) -> date:
        return self.now().astimezone(self.zone).date()

    def add_banner(self, *, age: int = 0) -> int:
        number = self._put("banners", age, ad_group_id=self._random.choice(list(self.records["ad_groups"])))
        for back in range(age + 1):
            if self._random.random() < 0.4:
                self.spend(number, self.today() - timedelta(days=back))
        return number

    def spend(self, banner: int, day: date, *, cost: Cost | None = None) -> None:
        clicks = self._random.randrange(90)
        made = (clicks * 31 + self._random.randrange(500), clicks, Decimal(self._random.randrange(1, 99_999)) / 100)
        self.costs[banner, day] = cost or made

    def _put(self, kind: str, age: int, **links: int) -> int:
        self._next_id += self._random.randrange(1, 50)
        born = datetime.combine(self.today() - timedelta(days=age), datetime.min.time())
        self.records[kind][self._next_id] = {
            "id": self._next_id,
            "name": f"{kind} «{self._random.choice(('Ёлка', 'Весна', 'Скидка 🎁'))}» {self._next_id}",
            "status": self._random.choice(STATUSES),
            "created": f"{born:%Y-%m-%d %H:%M:%S}",
            **links,
        }
        return self._next_id

    def truth(self, first: date = date.min, last: date = date.max) -> Mapping[str, Any]:
        """Sums of what the account cost in these days, and on how many days of banners."""
        found = [cost for (_, day), cost in self.costs.items() if first <= day <= last and any(cost)]
        sums = [sum((part for part in parts), Decimal(0)) for parts in zip(*found, strict=True)] or [Decimal(0)] * 3
        return {"impressions": sums[0], "clicks": sums[1], "amount": sums[2], "rows": len(found)}

    def answer(self, method: str, path: str, asked: Any, headers: Mapping[str, str]) -> Answer:
        place = path.removeprefix(ROOT).removesuffix(".json")
        if method != "GET" or path != f"{ROOT}{place}.json":
            raise _refusal(405, "not_allowed", "Method not allowed")
        self._gate(headers.get("Authorization"))
        if place in FIELDS:
            return 200, self._list(place, asked)
        if place == "statistics/banners/day":
            return 200, self._statistics(asked)
        raise _refusal(404, "ERR_WRONG_RESOURCE", "Unknown resource")

    def _gate(self, authorization: str | None) -> None:
        if self.is_withdrawn or authorization != f"Bearer {self.token}":
            # Errors of the entrance come without the wrapping.
            raise Problem(401, {"code": "expired_token", "message": "Access token is expired"})
        if self.is_closed:
            raise _refusal(403, "ERR_ACCESS_DENIED", "Access denied")
        now = self.now().timestamp()
        while self._asked and self._asked[0] <= now - 1:
            self._asked.popleft()
        if self.refusals or (self.rate is not None and len(self._asked) >= self.rate):
            self.refusals = max(0, self.refusals - 1)
            raise _refusal(429, "ERR_LIMIT_EXCEEDED", "Too many requests")
        self._asked.append(now)

    def _list(self, kind: str, asked: Mapping[str, str]) -> Record:
        _only(asked, {"fields", "_status__in", "sorting", "limit", "offset"})
        limit, offset = int(asked.get("limit", DEFAULT_LIMIT)), int(asked.get("offset", 0))
        fields = asked.get("fields", "id").split(",")
        if not 0 < limit <= MAX_LIMIT or not {*fields} <= FIELDS[kind] or asked.get("sorting", "id") != "id":
            raise _refusal(400, "ERR_WRONG_PARAMETER", "limit, fields or sorting is wrong")
        statuses = asked.get("_status__in", "active,blocked").split(",")
        found = [one for one in self.records[kind].values() if one["status"] in statuses]
        if "sorting" in asked:
            found.sort(key=lambda one: one["id"])
        else:
            self._random.shuffle(found)
        items = [{name: one[name] for name in fields if name in one} for one in found[offset : offset + limit]]
        return {"count": len(found), "offset": offset, "limit": limit, "items": items}

    def _statistics(self, asked: Mapping[str, str]) -> Record:
        _only(asked, {"id", "date_from", "date_to", "metrics"})
        ids = [int(one) for one in asked["id"].split(",")]
        first, last = (date.fromisoformat(asked[name]) for name in ("date_from", "date_to"))
        if len(ids) > MAX_IDS or not 0 <= (last - first).days < MAX_DAYS or asked["metrics"] != "base":
            raise _refusal(400, "ERR_LIMIT_EXCEEDED", "Too many objects or days")
        if not {*ids} <= self.records["banners"].keys():
            raise _refusal(400, "ERR_WRONG_BANNERS", "Unknown banners")
        days = [first + timedelta(days=one) for one in range((last - first).days + 1)]
        items = []
        for banner in ids:
            # A day before its first show and one without any are told as zeros.
            rows = [{"date": day.isoformat(), "base": _base(self.costs.get((banner, day)))} for day in days]
            items.append({"id": banner, "rows": rows, "total": {"base": {"shows": 0}}})
        return {"items": items, "total": {"base": {}}}


def _base(cost: Cost | None) -> Record:
    shows, clicks, spent = cost or (0, 0, Decimal(0))
    return {"shows": shows, "clicks": clicks, "goals": 0, "spent": str(spent), "cpm": "0", "ctr": 0}


def _refusal(status: int, code: str, message: str) -> Problem:
    return Problem(status, {"error": {"code": code, "message": message}})


def _only(asked: Mapping[str, str], known: set[str]) -> None:
    if wrong := asked.keys() - known:
        raise _refusal(400, "ERR_WRONG_PARAMETER", f"Unknown parameters: {', '.join(sorted(wrong))}")
