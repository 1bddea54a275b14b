"""In which order is an account read, and where does a stopped run go on?

Campaigns (ad plans), groups and banners first, then the statistics of banners: the lowest level, and the only one, because each level counts
the same money again. Numbers of a day change for days after it, so each run of changes asks for the latest days again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from rakurs.core.loading import Progress, silent
from rakurs.core.text import Text
from rakurs.sources.live import Cursor, Reached, Teller, Wanted
from rakurs.sources.spool import Spool
from rakurs.sources.vk_ads.account import STATISTICS_DAYS, STATISTICS_IDS, Account, Record
from rakurs.sources.vk_ads.settings import VkAdsSettings

BANNERS, COSTS = "banners", "costs"
RESTATED_DAYS = 14
"""Each run of changes asks for so many days before the last one again: clicks found false are taken back days later."""
EARLIEST = date(2022, 1, 1)
"""Where a banner does not tell when it was made: the service opened in 2022."""
_CAMPAIGNS = Text(ru="Кампании", en="Campaigns")
_ADS = Text(ru="Объявления", en="Ads")
_COSTS = Text(ru="Расходы на рекламу", en="Advertising costs")
_ONE_DAY = timedelta(days=1)


def check(settings: VkAdsSettings) -> Reached:
    """Whether the token opens the account, and how much of it."""
    with Account(settings, is_trial=True) as account:
        counts = ((_CAMPAIGNS, account.count("ad_plans.json")), (_ADS, account.count("banners.json")))
        return Reached(who=f"VK Ads {settings.account}", counts=counts)


def fetch(settings: VkAdsSettings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Bring what is wanted into the spool; the cursor of the next run is the account's latest day."""
    if wanted.kind == "records":
        return wanted.cursor
    teller = Teller(progress, _CAMPAIGNS, done=spool.total)
    with Account(settings, breathe=teller.breathe) as account:
        return _Run(wanted=wanted, spool=spool, account=account, teller=teller).go()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """Some banners and some days, as many as may be asked for at once."""

    ids: tuple[int, ...]
    first: date
    last: date


@dataclass(slots=True, kw_only=True)
class _Run:
    wanted: Wanted
    spool: Spool
    account: Account
    teller: Teller

    def go(self) -> Cursor:
        """The whole run; what is in the spool already is not asked for again."""
        if not self.spool.is_done(BANNERS):
            self._lists()
        if not self.spool.is_done(COSTS):
            self._costs()
        if self.wanted.kind == "period":
            return self.wanted.cursor
        return {**self.wanted.cursor, "day": str(self.spool.noted("today"))}

    def _lists(self) -> None:
        plans = {plan["id"]: plan for plan in self.account.listed("ad_plans.json", fields="id,name")}
        # The account's day before the first number was read: later days are of the next run.
        self.spool.note(today=self.account.today.isoformat())
        groups = {group["id"]: group for group in self.account.listed("ad_groups.json", fields="id,name,ad_plan_id")}
        self.teller.step = _ADS
        banners = self.account.listed("banners.json", fields="id,name,ad_group_id,created")
        self.spool.append(BANNERS, [_banner(one, groups=groups, plans=plans) for one in banners], is_done=True)
        self.teller.came(len(banners))

    def _costs(self) -> None:
        self.teller.step = _COSTS
        done = int(self.spool.place(COSTS) or 0)
        for number, question in enumerate(islice(self._questions(), done, None), done + 1):
            items = self.account.statistics(question.ids, first=question.first, last=question.last)
            rows = [row for item in items for row in self._days(item, question)]
            self.spool.append(COSTS, rows, place=str(number))
            self.teller.came(len(rows))
        self.spool.append(COSTS, (), is_done=True)

    def _questions(self) -> Iterator[_Question]:
        """All there is to ask, the same for the same spool."""
        first, last = self._bounds()
        # Banners that are near in time stand together: few days are asked for in vain.
        known = sorted((str(one["created"] or EARLIEST), int(one["id"])) for one in self.spool.records(BANNERS))
        for start in range(0, len(known), STATISTICS_IDS):
            some = known[start : start + STATISTICS_IDS]
            begin = max(first, date.fromisoformat(some[0][0]))
            while begin <= last:
                end = min(begin + timedelta(days=STATISTICS_DAYS - 1), last)
                yield _Question(ids=tuple(number for _, number in some), first=begin, last=end)
                begin = end + _ONE_DAY

    def _bounds(self) -> tuple[date, date]:
        """The first and the last day that are wanted."""
        today = date.fromisoformat(self.spool.noted("today"))
        if self.wanted.kind == "period" and self.wanted.from_day and self.wanted.to_day:
            return self.wanted.from_day, min(self.wanted.to_day, today)
        since = self.wanted.cursor.get("day") if self.wanted.kind == "changes" else None
        return (date.fromisoformat(since) - timedelta(days=RESTATED_DAYS) if since else date.min), today

    def _days(self, item: Record, question: _Question) -> Sequence[Mapping[str, Any]]:
        """The days of one banner; none where nothing happened on any. Days of zeros may take earlier numbers back, and stay."""
        try:
            rows = [_cost(item["id"], row) for row in item.get("rows") or ()]
            is_asked = int(item["id"]) in question.ids and all(
                question.first <= date.fromisoformat(row["day"]) <= question.last for row in rows
            )
        except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation):
            raise self.account.strange() from None
        if not is_asked:
            raise self.account.strange()
        return rows if any(row["clicks"] or row["shows"] or Decimal(row["spent"]) for row in rows) else ()


def _banner(record: Record, *, groups: Mapping[int, Record], plans: Mapping[int, Record]) -> dict[str, Any]:
    """A banner with the names of what it belongs to."""
    group: Record = groups.get(record.get("ad_group_id") or 0, {})
    plan: Record = plans.get(group.get("ad_plan_id") or 0, {})
    return {
        "id": record["id"],
        "ad": record.get("name") or str(record["id"]),
        "group": group.get("name"),
        "plan": plan.get("name"),
        "created": _day(record.get("created")),
    }


def _day(moment: Any) -> str | None:
    """The day of `2023-08-28 16:49:34`; None where it is none."""
    try:
        return date.fromisoformat(str(moment)[:10]).isoformat()
    except ValueError:
        return None


def _cost(banner: Any, row: Record) -> dict[str, Any]:
    """One day of one banner, money as it is written. Raises where something is no number."""
    base = row["base"]
    spent = Decimal(str(base.get("spent") or 0))
    if not spent.is_finite():
        raise ValueError("not an amount")
    return {
        "banner": int(banner),
        "day": date.fromisoformat(row["date"]).isoformat(),
        "shows": int(base.get("shows") or 0),
        "clicks": int(base.get("clicks") or 0),
        "spent": f"{spent:f}",
    }


def told(_settings: VkAdsSettings, _form: Mapping[str, str]) -> tuple[()]:
    """VK Ads tells nothing by itself."""
    return ()
