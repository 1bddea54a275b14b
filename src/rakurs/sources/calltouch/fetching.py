"""In which order is a site read, and where does a stopped run go on? By days: calls page by page, requests a month at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from rakurs.core.loading import Progress, silent
from rakurs.core.text import Text
from rakurs.sources.calltouch import records
from rakurs.sources.calltouch.settings import CalltouchSettings
from rakurs.sources.calltouch.site import Site
from rakurs.sources.live import Change, Cursor, Reached, Teller, Wanted
from rakurs.sources.spool import Spool

PAGE = 1_000
"""Calls asked for at once, the most there may be."""
SLICE = timedelta(days=30)
"""Days asked for at once."""
AGAIN = timedelta(days=3)
"""How far back of the last run days are read again: managers, tags and sources are set later."""
HISTORY = timedelta(days=730)
"""How far back the first run goes where the settings name no day."""
_DAY = timedelta(days=1)
_CALLS, _REQUESTS = Text(ru="Звонки", en="Calls"), Text(ru="Заявки", en="Requests")
_CALLS_OF_A_MONTH = Text(ru="Звонки за 30 дней", en="Calls in 30 days")
_REQUESTS_OF_A_DAY = Text(ru="Заявки за сегодня", en="Requests of today")


def check(settings: CalltouchSettings) -> Reached:
    """Whether the token opens the site, and how much there is."""
    with Site(settings, is_trial=True) as site:
        today = site.now.astimezone(ZoneInfo(settings.timezone)).date()
        calls = int(site.calls(today - SLICE + _DAY, today, page=1, limit=1).get("recordsTotal") or 0)
        counts = ((_CALLS_OF_A_MONTH, calls), (_REQUESTS_OF_A_DAY, len(site.requests(today, today))))
        return Reached(who=f"{site.host}, {settings.site_id}", counts=counts)


def fetch(settings: CalltouchSettings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Bring what is wanted into the spool; the cursor of the next run. Single records cannot be asked for: nothing tells of them."""
    if wanted.kind == "records":
        return wanted.cursor
    teller = Teller(progress, _CALLS, done=spool.total)
    with Site(settings, breathe=teller.breathe) as site:
        return _Run(settings=settings, wanted=wanted, spool=spool, site=site, teller=teller).go()


def told(_settings: CalltouchSettings, _form: Mapping[str, str]) -> tuple[Change, ...]:
    """Nothing: webhooks of the system are unsigned and made of fields somebody chose; they are not read."""
    return ()


@dataclass(slots=True, kw_only=True)
class _Run:
    settings: CalltouchSettings
    wanted: Wanted
    spool: Spool
    site: Site
    teller: Teller

    def go(self) -> Cursor:
        """The whole run; what is in the spool already is not asked for again."""
        zone = ZoneInfo(self.settings.timezone)
        if self.spool.noted("today") is None:
            # An answer, whatever it holds, tells the site's day.
            guess = self.site.now.astimezone(zone).date()
            self.site.calls(guess, guess, page=1, limit=1)
            self.spool.note(today=self.site.now.astimezone(zone).date().isoformat())
        first, last = self._bounds(date.fromisoformat(self.spool.noted("today")))
        self._calls(first, last, zone)
        self._requests(first, last)
        if self.wanted.kind == "period":
            return self.wanted.cursor
        return {**self.wanted.cursor, "day": self.spool.noted("today")}

    def _bounds(self, today: date) -> tuple[date, date]:
        """From which to which day records are wanted, both inclusive."""
        if self.wanted.kind == "period" and self.wanted.from_day and self.wanted.to_day:
            return self.wanted.from_day, self.wanted.to_day
        if self.wanted.kind == "changes" and self.wanted.cursor.get("day"):
            return date.fromisoformat(self.wanted.cursor["day"]) - AGAIN, today
        return date.fromisoformat(self.settings.since) if self.settings.since else today - HISTORY, today

    def _calls(self, first: date, last: date, zone: ZoneInfo) -> None:
        """Pages of a slice of days; the place is the slice's first day and the next page."""
        if self.spool.is_done("calls"):
            return
        self.teller.step = _CALLS
        kept, _, number = self.spool.place("calls").partition(" ")
        day, page = date.fromisoformat(kept) if kept else first, int(number or 1)
        while day <= last:
            until = min(day + SLICE - _DAY, last)
            answer = self.site.calls(day, until, page=page, limit=PAGE)
            found = answer["records"]
            is_last = not found or page >= int(answer.get("pageTotal") or 0)
            day, page = (until + _DAY, 1) if is_last else (day, page + 1)
            self.spool.append("calls", (records.call(one, zone) for one in found), place=f"{day} {page}")
            self.teller.came(len(found))
        self.spool.append("calls", (), is_done=True)

    def _requests(self, first: date, last: date) -> None:
        """A slice of days at once; the place is the first day of the next."""
        if self.spool.is_done("requests"):
            return
        self.teller.step = _REQUESTS
        kept = self.spool.place("requests")
        day = date.fromisoformat(kept) if kept else first
        while day <= last:
            until = min(day + SLICE - _DAY, last)
            found = self.site.requests(day, until)
            day = until + _DAY
            self.spool.append("requests", map(records.request, found), place=day.isoformat())
            self.teller.came(len(found))
        self.spool.append("requests", (), is_done=True)
