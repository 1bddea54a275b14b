"""In which order are an exchange's calls read, and where does a stopped run go on? By slices of days, each with what is around it.

The legs of one call may lie on both sides of a slice's end: a little more is asked for, and a call is of the slice it began in.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rakurs.core.loading import Progress, silent
from rakurs.core.text import Text
from rakurs.sources.live import Cursor, Reached, Teller, Wanted
from rakurs.sources.mango import records
from rakurs.sources.mango.exchange import Exchange
from rakurs.sources.mango.settings import MangoSettings
from rakurs.sources.spool import Spool

SLICE = timedelta(days=25)
"""Days asked for at once; the exchange allows a month."""
MARGIN = timedelta(hours=2)
"""How long a call may last from its first leg to the beginning of its last one."""
AGAIN = timedelta(days=3)
"""How far back of the last run calls are read again: their recordings come later."""
TOLD = timedelta(hours=12)
"""How far back calls are looked for that a webhook told of."""
HISTORY = timedelta(days=730)
"""How far back the first run goes where the settings name no day."""
_ZONE = ZoneInfo("Europe/Moscow")
_CALLS = Text(ru="Звонки", en="Calls")


def check(settings: MangoSettings) -> Reached:
    """Whether the exchange takes the code and the signature."""
    with Exchange(settings, is_trial=True) as exchange:
        _clock(exchange)
        return Reached(who=exchange.host)


def fetch(settings: MangoSettings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Bring what is wanted into the spool; the cursor of the next run."""
    teller = Teller(progress, _CALLS, done=spool.total)
    with Exchange(settings, breathe=teller.breathe) as exchange:
        return _Run(settings=settings, wanted=wanted, spool=spool, exchange=exchange, teller=teller).go()


@dataclass(slots=True, kw_only=True)
class _Run:
    settings: MangoSettings
    wanted: Wanted
    spool: Spool
    exchange: Exchange
    teller: Teller

    def go(self) -> Cursor:
        """The whole run; what is in the spool already is not asked for again."""
        if self.wanted.kind == "records":
            self._told()
            return self.wanted.cursor
        if self.spool.noted("began") is None:
            # The exchange's clock before the first call was read: whatever begins later is of the next run.
            self.spool.note(began=_clock(self.exchange))
        if not self.spool.is_done("calls"):
            self._calls(*self._bounds(self.spool.noted("began")))
        if self.wanted.kind == "period":
            return self.wanted.cursor
        return {**self.wanted.cursor, "since": str(self.spool.noted("began"))}

    def _bounds(self, began: int) -> tuple[int, int]:
        """From when to before when calls are wanted, in seconds."""
        if self.wanted.kind == "period" and self.wanted.from_day and self.wanted.to_day:
            return _midnight(self.wanted.from_day), min(_midnight(self.wanted.to_day + timedelta(days=1)), began)
        if self.wanted.kind == "changes" and self.wanted.cursor.get("since"):
            return int(self.wanted.cursor["since"]) - _seconds(AGAIN), began
        day = self.settings.since
        return _midnight(date.fromisoformat(day)) if day else began - _seconds(HISTORY), began

    def _calls(self, first: int, last: int) -> None:
        since = int(self.spool.place("calls") or first)
        while since < last:
            until = min(since + _seconds(SLICE), last)
            found = self._slice(since, until, now=self.spool.noted("began"))
            since = until
            self.spool.append("calls", found, place=str(since))
            self.teller.came(len(found))
        self.spool.append("calls", (), is_done=True)

    def _slice(self, since: int, until: int, *, now: int) -> list[dict[str, Any]]:
        legs = self.exchange.statistics(since - _seconds(MARGIN), min(until + _seconds(MARGIN), now))
        return list(records.calls(legs, since=since, until=until))

    def _told(self) -> None:
        """The calls that webhooks named, as the statistics have them; those that are not in them yet come with the next run."""
        named = {change.record_id for change in self.wanted.changes if change.stream == "calls"}
        if named:
            now = _clock(self.exchange)
            found = [one for one in self._slice(now - _seconds(TOLD), now + 1, now=now) if one["id"] in named]
            self.spool.append("calls", found)


def _clock(exchange: Exchange) -> int:
    """What time it is there, in seconds; an order of a minute's statistics is the smallest thing that can be asked."""
    now = int(datetime.now(UTC).timestamp())
    exchange.order(now - 60, now)
    return int(exchange.now.timestamp())


def _midnight(day: date) -> int:
    return int(datetime.combine(day, time(), _ZONE).timestamp())


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
