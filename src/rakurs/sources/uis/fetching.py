"""In which order are an account's calls read, and where does a stopped run go on?

By the time they began, in slices of days, each by a window that moves to the last call that came: offsets, which end at 100,000 and
shift while calls come, are not needed, and a run goes on at the time that was kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.loading import Progress, silent
from rakurs.core.text import Text
from rakurs.sources.live import Change, Cursor, Reached, Teller, Wanted
from rakurs.sources.spool import Spool
from rakurs.sources.uis import records
from rakurs.sources.uis.account import Account
from rakurs.sources.uis.settings import UisSettings

PAGE = 5_000
"""Calls asked for at once; the API allows 10,000."""
SLICE = timedelta(days=60)
"""Days asked for at once; the API allows three months."""
AGAIN = timedelta(days=3)
"""How far back of the last run calls are read again: their recordings and tags come later."""
HISTORY = timedelta(days=730)
"""How far back the first run goes where the settings name no day."""
_ZONE = "Europe/Moscow"
_WRITTEN = "%Y-%m-%d %H:%M:%S"
_CALLS = Text(ru="Звонки", en="Calls")
_CALLS_OF_A_MONTH = Text(ru="Звонки за 30 дней", en="Calls in 30 days")
_OUT_OF_ORDER = Text(
    ru="{host} отдал звонки не в том порядке, который просили. Чтобы ничего не потерять, запуск остановлен.",
    en="{host} answered with calls in another order than asked. The run stops rather than lose any.",
)
_TOO_DENSE = Text(
    ru="{host} отдал больше звонков за одну секунду ({at}), чем можно прочитать за раз. Запуск остановлен.",
    en="{host} answered with more calls of one second ({at}) than can be read at once. The run stops.",
)
_NO_ZONE = Text(
    ru="{host} назвал неизвестный часовой пояс «{zone}». Укажите пояс в настройках источника.",
    en="{host} named an unknown time zone “{zone}”. Name the zone in the source's settings.",
)


def check(settings: UisSettings) -> Reached:
    """Whose account it is, and how many calls the last month had."""
    with Account(settings, is_trial=True) as account:
        told = _told(account)
        until = account.now.astimezone(_zone(settings, account, told)).replace(tzinfo=None)
        report = _report(account, until - timedelta(days=30), until, limit=1)
        total = int((report.get("metadata") or {}).get("total_items") or 0)
        name = f"{told.get('name') or ''} ({account.host})".strip()
        return Reached(who=name, counts=((_CALLS_OF_A_MONTH, total),))


def fetch(settings: UisSettings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Bring what is wanted into the spool; the cursor of the next run. Single records cannot be asked for: nothing tells of them."""
    if wanted.kind == "records":
        return wanted.cursor
    teller = Teller(progress, _CALLS, done=spool.total)
    with Account(settings, breathe=teller.breathe) as account:
        return _Run(settings=settings, wanted=wanted, spool=spool, account=account, teller=teller).go()


def told(_settings: UisSettings, _form: Mapping[str, str]) -> tuple[Change, ...]:
    """Nothing: the system's notifications are not read."""
    return ()


@dataclass(slots=True, kw_only=True)
class _Run:
    settings: UisSettings
    wanted: Wanted
    spool: Spool
    account: Account
    teller: Teller

    def go(self) -> Cursor:
        """The whole run; what is in the spool already is not asked for again."""
        if self.spool.noted("began") is None:
            told = _told(self.account)
            zone = _zone(self.settings, self.account, told)
            # The account's clock before the first call was read: whatever begins later is of the next run.
            self.spool.note(began=self.account.now.astimezone(UTC).isoformat(), zone=zone.key)
        if not self.spool.is_done("calls"):
            self._calls()
        if self.wanted.kind == "period":
            return self.wanted.cursor
        return {**self.wanted.cursor, "since": self.spool.noted("began")}

    def _bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """From when to when calls are wanted, by the account's clock."""
        if self.wanted.kind == "period" and self.wanted.from_day and self.wanted.to_day:
            return datetime.combine(self.wanted.from_day, time()), datetime.combine(
                self.wanted.to_day, time(23, 59, 59)
            )
        began = datetime.fromisoformat(self.spool.noted("began")).astimezone(zone).replace(tzinfo=None)
        if self.wanted.kind == "changes" and self.wanted.cursor.get("since"):
            since = datetime.fromisoformat(self.wanted.cursor["since"]).astimezone(zone).replace(tzinfo=None)
            return since - AGAIN, began
        day = self.settings.since
        return datetime.fromisoformat(day) if day else datetime.combine(began - HISTORY, time()), began

    def _calls(self) -> None:
        """Calls in the order they began; those of the second a window begins with come twice and are kept once."""
        zone = ZoneInfo(self.spool.noted("zone"))
        since, last = self._bounds(zone)
        since = datetime.fromisoformat(self.spool.place("calls") or since.isoformat())
        seen: set[int] = set()
        people: set[int] = set()
        is_done = since > last
        while not is_done:
            until = min(since + SLICE, last)
            page = self._page(since, until)
            is_full = len(page) == PAGE
            place = datetime.fromisoformat(page[-1]["start_time"]) if is_full else until
            if is_full and place == since:
                raise SourceUnreachable(_TOO_DENSE.filled(host=self.account.host, at=since))
            fresh = [one for one in page if one["id"] not in seen]
            found = records.employees(fresh)
            self.spool.append("employees", [one for key, one in found.items() if key not in people])
            self.spool.append("calls", (records.call(one, zone) for one in fresh), place=place.isoformat())
            people |= found.keys()
            seen = {one["id"] for one in page if datetime.fromisoformat(one["start_time"]) == place}
            since, is_done = place, not is_full and until == last
            self.teller.came(len(fresh))
        self.spool.append("calls", (), is_done=True)

    def _page(self, since: datetime, until: datetime) -> list[dict[str, Any]]:
        page = list(_report(self.account, since, until, limit=PAGE)["data"])
        starts = [str(one["start_time"]) for one in page]
        if starts != sorted(starts):
            raise SourceUnreachable(_OUT_OF_ORDER.filled(host=self.account.host))
        return page


def _report(account: Account, since: datetime, until: datetime, *, limit: int) -> dict[str, Any]:
    return account.ask(
        "get.calls_report",
        date_from=since.strftime(_WRITTEN),
        date_till=until.strftime(_WRITTEN),
        limit=limit,
        fields=list(records.FIELDS),
        sort=[{"field": "start_time", "order": "asc"}],
    )


def _told(account: Account) -> dict[str, Any]:
    """What an account says of itself."""
    return next(iter(account.ask("get.account")["data"]), {})


def _zone(settings: UisSettings, account: Account, told: Mapping[str, Any]) -> ZoneInfo:
    name = settings.timezone or str(told.get("timezone") or _ZONE)
    try:
        return ZoneInfo(name)
    except (OSError, LookupError, ValueError):
        raise SourceRefused(_NO_ZONE.filled(host=account.host, zone=name)) from None
