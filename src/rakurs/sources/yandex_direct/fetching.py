"""In which order is an advertiser read, and where does a stopped run go on?

Names of campaigns first, then reports of a few days each. A report is kept as a whole or not at all, so a run goes on with the days that
have not been kept.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from rakurs.core.errors import SourceUnreachable
from rakurs.core.loading import Progress, silent
from rakurs.core.text import Text
from rakurs.sources.live import Cursor, Reached, Teller, Wanted
from rakurs.sources.spool import Spool
from rakurs.sources.yandex_direct.advertiser import Advertiser
from rakurs.sources.yandex_direct.settings import DirectSettings

SLICE_DAYS = 7
"""How many days one report asks for, so that an answer stays small."""
RECENT_DAYS = 14
"""How many days before the last one are asked for again: clicks are checked and struck out for days after they were counted."""
HISTORY_YEARS = 3
"""Statistics are kept for three years before the month that is under way."""
MOST_ROWS = 1_000_000
"""A report of so many rows is cut: its days are asked for in halves."""
_ABSENT = frozenset({"", "--"})
_STEP = Text(ru="Расходы на рекламу", en="Advertising costs")
_CAMPAIGNS = Text(ru="Кампании", en="Campaigns")
_TOO_MANY = Text(
    ru="За {day} в отчёте Яндекс Директа больше строк, чем он отдаёт за раз. Чтобы ничего не потерять, запуск остановлен.",
    en="The report of Yandex Direct for {day} has more rows than it gives at once. The run stops rather than lose anything.",
)


def check(settings: DirectSettings) -> Reached:
    """Whether the advertiser's campaigns may be seen, and how many there are."""
    with Advertiser(settings, is_trial=True) as advertiser:
        count = sum(len(page) for page, _ in advertiser.campaigns())
        return Reached(who=f"{settings.login} ({advertiser.host})", counts=((_CAMPAIGNS, count),))


def fetch(settings: DirectSettings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Bring what is wanted into the spool; the cursor is the last day that was read, by Direct's own clock."""
    if wanted.kind == "records":
        return wanted.cursor
    teller = Teller(progress, _CAMPAIGNS, done=spool.total)
    with Advertiser(settings, breathe=teller.breathe) as advertiser:
        return _Run(settings=settings, wanted=wanted, spool=spool, advertiser=advertiser, teller=teller).go()


@dataclass(slots=True, kw_only=True)
class _Run:
    settings: DirectSettings
    wanted: Wanted
    spool: Spool
    advertiser: Advertiser
    teller: Teller

    def go(self) -> Cursor:
        """The whole run; what is in the spool already is not asked for again."""
        self._campaigns()
        today = date.fromisoformat(self.spool.noted("today"))
        self.teller.step = _STEP
        self._costs(*self._bounds(today))
        return self.wanted.cursor if self.wanted.kind == "period" else {**self.wanted.cursor, "day": today.isoformat()}

    def _campaigns(self) -> None:
        if self.spool.is_done("campaigns"):
            return
        for page, offset in self.advertiser.campaigns(int(self.spool.place("campaigns") or 0)):
            if not self.spool.noted("today"):
                # The name is kept: a report that waits in the queue is asked for by the same name after a stop.
                self.spool.note(today=self.advertiser.today.isoformat(), reports=uuid.uuid4().hex)
            records = [{"id": str(one["Id"]), "name": one.get("Name")} for one in page]
            self.spool.append("campaigns", records, place=str(offset), is_done=not offset)
            self.teller.came(len(records))

    def _bounds(self, today: date) -> tuple[date, date]:
        earliest = today.replace(year=today.year - HISTORY_YEARS, day=1)
        if self.wanted.kind == "period":
            return max(self.wanted.from_day or earliest, earliest), min(self.wanted.to_day or today, today)
        if self.settings.first_day:
            earliest = max(earliest, date.fromisoformat(self.settings.first_day))
        known = self.wanted.cursor.get("day") if self.wanted.kind == "changes" else None
        return (max(earliest, date.fromisoformat(known) - timedelta(days=RECENT_DAYS)) if known else earliest), today

    def _costs(self, first: date, last: date) -> None:
        if self.spool.is_done("costs"):
            return
        names = {record["id"]: record["name"] for record in self.spool.records("campaigns")}
        day = date.fromisoformat(self.spool.place("costs") or first.isoformat())
        length = SLICE_DAYS
        while day <= last:
            until = min(day + timedelta(days=length - 1), last)
            rows = self.advertiser.report(day, until, name=f"{self.spool.noted('reports')} {day} {until}")
            if len(rows) >= MOST_ROWS:
                if day == until:
                    raise SourceUnreachable(_TOO_MANY.filled(day=day.isoformat()))
                length = ((until - day).days + 1) // 2
                continue
            day = until + timedelta(days=1)
            self.spool.append("costs", costs(rows, names), place=day.isoformat())
            self.teller.came(len(rows))
        self.spool.append("costs", (), is_done=True)


def costs(rows: Iterable[Mapping[str, str]], names: Mapping[str, str | None]) -> Iterable[dict[str, Any]]:
    """One record per day and canonical campaign: what a group's criterion cost, in the account's currency.

    The id is `campaign/group/criterion`, without the parts a campaign does not have: campaigns of the wizard have neither group nor
    criterion. Criteria of several types under one id are added up.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        told = {name: None if value.strip() in _ABSENT else value.strip() for name, value in row.items()}
        parts = (told["CampaignId"] or "", told["AdGroupId"] or "", told["CriteriaId"] or "")
        record = found.setdefault(
            (row["Date"], "/".join(parts).rstrip("/")),
            {
                "day": told["Date"],
                "id": "/".join(parts).rstrip("/"),
                "campaign": names.get(parts[0]) or told["CampaignName"],
                "group": told["AdGroupName"],
                "criterion": told["Criteria"],
                "amount": None,
                "clicks": None,
                "impressions": None,
            },
        )
        for target, name in (("amount", "Cost"), ("clicks", "Clicks"), ("impressions", "Impressions")):
            record[target] = _added(record[target], told[name])
    return found.values()


def _added(known: str | None, value: str | None) -> str | None:
    """Figures written as text are added without loss; what is absent on both sides stays absent."""
    return known if value is None else value if known is None else str(Decimal(known) + Decimal(value))
