"""In which order is a counter read, and where does a stopped run go on?

A few days at a time: all pages of some days are kept together or not at all, so a run goes on with the days that have not been kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from rakurs.core.errors import SourceUnreachable
from rakurs.core.loading import Progress, silent
from rakurs.core.text import Text
from rakurs.sources.live import Cursor, Reached, Teller, Wanted
from rakurs.sources.spool import Spool
from rakurs.sources.yandex_metrica.counter import Counter, TooMuch
from rakurs.sources.yandex_metrica.settings import MetricaSettings

PAGE = 10_000
SLICE_DAYS = 7
"""How many days are asked for at once: the fewer, the less is sampled and the smaller an answer."""
RECENT_DAYS = 22
"""How many days before the last one are asked for again: robots are struck out, and conversions and calls are sent in, days later."""
HISTORY_YEARS = 3
"""How far a full load goes back where a counter does not say when it was made."""
_ABSENT = frozenset({"", "(not set)"})
_STEP = Text(ru="Посещаемость сайта", en="Site traffic")
_NOT_ALL = Text(
    ru="Яндекс Метрика отдала {count} строк из {total} за {first}–{last}. Чтобы ничего не потерять, запуск остановлен и повторится сам.",
    en="Yandex Metrica gave {count} of {total} rows for {first}–{last}. The run stops rather than lose anything, and is tried again.",
)


def check(settings: MetricaSettings) -> Reached:
    """Whose counter it is, and whether its figures and goals can be read."""
    with Counter(settings, is_trial=True) as counter:
        told = counter.described()
        today = counter.today(str(told.get("time_zone_name") or ""))
        counter.table(today, today, offset=1, limit=1)
        site = told.get("site2") or {}
        who = " ".join(str(part) for part in (told.get("name"), site.get("site")) if part)
        return Reached(who=f"{who or counter.host} ({settings.counter})")


def fetch(settings: MetricaSettings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Bring what is wanted into the spool; the cursor is the last day that was read, by the counter's own clock."""
    if wanted.kind == "records":
        return wanted.cursor
    teller = Teller(progress, _STEP, done=spool.total)
    with Counter(settings, breathe=teller.breathe) as counter:
        return _Run(settings=settings, wanted=wanted, spool=spool, counter=counter, teller=teller).go()


@dataclass(slots=True, kw_only=True)
class _Run:
    settings: MetricaSettings
    wanted: Wanted
    spool: Spool
    counter: Counter
    teller: Teller

    def go(self) -> Cursor:
        """The whole run; what is in the spool already is not asked for again."""
        if not self.spool.noted("today"):
            told = self.counter.described()
            today = self.counter.today(str(told.get("time_zone_name") or ""))
            self.spool.note(today=today.isoformat(), made=_day_before(told.get("create_time")))
        today = date.fromisoformat(self.spool.noted("today"))
        self._traffic(*self._bounds(today))
        return self.wanted.cursor if self.wanted.kind == "period" else {**self.wanted.cursor, "day": today.isoformat()}

    def _bounds(self, today: date) -> tuple[date, date]:
        if self.wanted.kind == "period":
            return self.wanted.from_day or today, min(self.wanted.to_day or today, today)
        earliest = self.settings.first_day or self.spool.noted("made")
        first = date.fromisoformat(earliest) if earliest else today.replace(year=today.year - HISTORY_YEARS, day=1)
        known = self.wanted.cursor.get("day") if self.wanted.kind == "changes" else None
        return (max(first, date.fromisoformat(known) - timedelta(days=RECENT_DAYS)) if known else first), today

    def _traffic(self, first: date, last: date) -> None:
        if self.spool.is_done("traffic"):
            return
        day = date.fromisoformat(self.spool.place("traffic") or first.isoformat())
        length = SLICE_DAYS
        while day <= last:
            until = min(day + timedelta(days=length - 1), last)
            try:
                records = list(self._records(day, until))
            except TooMuch:
                if day == until:
                    raise
                length = ((until - day).days + 1) // 2
                continue
            day = until + timedelta(days=1)
            self.spool.append("traffic", records, place=day.isoformat())
            self.teller.came(len(records))
        self.spool.append("traffic", (), is_done=True)

    def _records(self, first: date, last: date) -> Iterable[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        shares: list[float] = []
        while True:
            page = self.counter.table(first, last, offset=len(rows) + 1, limit=PAGE)
            rows += page.rows
            shares += [] if page.sample_share is None else [page.sample_share]
            if len(page.rows) < PAGE:
                break
        if page.is_total_exact and len(rows) != page.total_rows:
            told = _NOT_ALL.filled(count=len(rows), total=page.total_rows, first=first, last=last)
            raise SourceUnreachable(told)
        return traffic(rows, goals=len(self.settings.goals), sample_share=min(shares, default=None))


def traffic(rows: Iterable[Mapping[str, Any]], *, goals: int, sample_share: float | None) -> Iterable[dict[str, Any]]:
    """One record per day, traffic source and campaign tag; tags that differ in blanks only are one.

    Bounces are visits times their rate, rounded; visitors of tags that became one are added up, though somebody may be among both.
    Without goals there are none, rather than zero.
    """
    found: dict[tuple[str | None, ...], dict[str, Any]] = {}
    for row in rows:
        day, source, campaign = row["dimensions"]
        visits, visitors, bounce_rate, *reaches = row["metrics"]
        source_id = _filled(source.get("id")) or _filled(source.get("name"))
        key = (_filled(day["name"]), source_id, _filled(campaign.get("name")))
        record = found.setdefault(
            key,
            {
                "day": key[0],
                "source": source_id,
                "source_name": _filled(source.get("name")),
                "campaign": key[2],
                "visits": 0,
                "visitors": 0,
                "bounces": 0,
                "goals": 0 if goals else None,
                "sample_share": sample_share,
            },
        )
        record["visits"] += round(visits or 0)
        record["visitors"] += round(visitors or 0)
        record["bounces"] += round((visits or 0) * (bounce_rate or 0) / 100)
        if goals:
            record["goals"] += round(sum(count or 0 for count in reaches))
    return found.values()


def _day_before(moment: Any) -> str:
    """The day before a moment, which is not later in any zone; empty where it says none."""
    try:
        return (date.fromisoformat(str(moment)[:10]) - timedelta(days=1)).isoformat()
    except ValueError:
        return ""


def _filled(value: Any) -> str | None:
    text = "" if value is None else str(value).strip()
    return None if text in _ABSENT else text
