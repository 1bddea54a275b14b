"""In which order is a property read, and where does a stopped run go on?

Days in slices, oldest first; a slice counts once all its rows are here. Numbers of a day change for days after it, so each run of changes
asks for the latest days again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from rakurs.core.errors import SourceUnreachable
from rakurs.core.loading import Progress, silent
from rakurs.core.text import Text
from rakurs.sources.ga4.property import EARLIEST, Property, Report
from rakurs.sources.ga4.settings import Ga4Settings
from rakurs.sources.live import Cursor, Reached, Teller, Wanted
from rakurs.sources.spool import Spool

TRAFFIC = "traffic"
RESTATED_DAYS = 14
"""Each run of changes asks for so many days before the last one again: processing takes up to 48 hours, and key events are credited
to other channels for up to 12 days."""
SLICE_DAYS = 28
_DIMENSIONS = ("date", "sessionSource", "sessionMedium", "sessionCampaignName")
_METRICS = ("sessions", "engagedSessions", "totalUsers", "keyEvents")
_TITLE = Text(ru="Посещаемость сайта", en="Site traffic")
_LATELY = Text(ru="Посещения за 28 дней", en="Visits of 28 days")
_ONE_DAY = timedelta(days=1)
_NO_NUMBER = Text(
    ru="Google Аналитика прислала «{value}» там, где ждали число. Запуск остановлен.",
    en="Google Analytics sent “{value}” where a number was expected. The run stops.",
)


def check(settings: Ga4Settings) -> Reached:
    """Which property answers, in which zone, and how many visits it counted lately."""
    with Property(settings, is_trial=True) as found:
        report = found.page((), ("sessions",), days=("28daysAgo", "today"), limit=1)
        visits = sum(_whole(row["sessions"]) for row in report.rows)
        about = ", ".join(part for part in (report.zone, report.currency) if part)
        return Reached(who=f"Google Analytics {found.property_id} ({about})", counts=((_LATELY, visits),))


def fetch(settings: Ga4Settings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Bring what is wanted into the spool; the cursor of the next run is the property's latest day."""
    if wanted.kind == "records":
        return wanted.cursor
    teller = Teller(progress, _TITLE, done=spool.total)
    with Property(settings, breathe=teller.breathe) as found:
        return _Run(wanted=wanted, spool=spool, property=found, teller=teller).go()


@dataclass(slots=True, kw_only=True)
class _Run:
    wanted: Wanted
    spool: Spool
    property: Property
    teller: Teller

    def go(self) -> Cursor:
        """The whole run; slices that are in the spool already are not asked for again."""
        if self.spool.noted("today") is None:
            self._begin()
        if not self.spool.is_done(TRAFFIC):
            for first, last in self._slices():
                report = self.property.whole(_DIMENSIONS, _METRICS, days=(first, last))
                self._note(report)
                self.spool.append(TRAFFIC, _flat(report), place=last.isoformat())
                self.teller.came(len(report.rows))
            self.spool.append(TRAFFIC, (), is_done=True)
        if self.wanted.kind == "period":
            return self.wanted.cursor
        return {**self.wanted.cursor, "day": str(self.spool.noted("today"))}

    def _begin(self) -> None:
        """Fix the days of the run: from the first day with visits, or the days that may still change, to the property's today."""
        report = self.property.page(("date",), ("sessions",), days=(EARLIEST, "today"), limit=1)
        today = self.property.today(report.zone)
        first = min((_day(row["date"]) for row in report.rows), default=None)
        self.spool.note(first=first and first.isoformat(), today=today.isoformat(), zone=report.zone)

    def _slices(self) -> Iterator[tuple[date, date]]:
        """The days that are left to ask for, in slices; both ends belong to a slice."""
        first, last = self._bounds()
        kept = self.spool.place(TRAFFIC)
        first = max(first, date.fromisoformat(kept) + _ONE_DAY) if kept else first
        while first <= last:
            end = min(first + timedelta(days=SLICE_DAYS - 1), last)
            yield first, end
            first = end + _ONE_DAY

    def _bounds(self) -> tuple[date, date]:
        """The first and the last day that are wanted; the last one is before the first where there are none."""
        today = date.fromisoformat(self.spool.noted("today"))
        if self.wanted.kind == "period" and self.wanted.from_day and self.wanted.to_day:
            return self.wanted.from_day, min(self.wanted.to_day, today)
        told = self.spool.noted("first")
        opened = date.fromisoformat(told) if told else today + _ONE_DAY
        since = self.wanted.cursor.get("day") if self.wanted.kind == "changes" else None
        return (max(opened, date.fromisoformat(since) - timedelta(days=RESTATED_DAYS)) if since else opened), today

    def _note(self, report: Report) -> None:
        """Keep what the API says of the numbers' quality, once it is less than perfect."""
        told = {
            "thresholded": report.is_thresholded,
            "folded": report.is_folded,
            "sampled": report.sample_share != "1.0",
        }
        if fresh := {name: True for name, is_so in told.items() if is_so and not self.spool.noted(name)}:
            self.spool.note(**fresh)


def _flat(report: Report) -> Iterator[dict[str, Any]]:
    """A row of the report as a row of a table. Bounces are visits that were not engaged, as Google counts its rate of them."""
    for row in report.rows:
        visits = _whole(row["sessions"])
        source, medium = row["sessionSource"], row["sessionMedium"]
        yield {
            "day": _day(row["date"]).isoformat(),
            "channel": f"{source} / {medium}",
            "source": source,
            "medium": medium,
            "campaign": row["sessionCampaignName"] or "(empty)",
            "visits": visits,
            "visitors": _whole(row["totalUsers"]),
            "bounces": max(0, visits - _whole(row["engagedSessions"])),
            "goals": _whole(row["keyEvents"]),
            "sample_share": report.sample_share,
        }


def _day(text: str) -> date:
    """`20260131` as a day. Raises SourceUnreachable."""
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise SourceUnreachable(_NO_NUMBER.filled(value=text)) from None


def _whole(text: str) -> int:
    """A count; one that attribution split is rounded. Raises SourceUnreachable."""
    try:
        return int(Decimal(text).quantize(Decimal(1), ROUND_HALF_UP))
    except (InvalidOperation, ValueError):
        raise SourceUnreachable(_NO_NUMBER.filled(value=text)) from None


def told(_settings: Ga4Settings, _form: Mapping[str, str]) -> tuple[()]:
    """Google Analytics tells nothing by itself."""
    return ()
