"""When is something due next? Days and hours by the company's own clock, moments in UTC.

An hour that a clock change leaves out comes an hour later; an hour that comes twice is taken once, the first time.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def due_after(moment: datetime, *, frequency: str, weekday: int, day: int, at: time, timezone: str) -> datetime:
    """The first moment after `moment` (aware) that is due, in UTC."""
    zone = ZoneInfo(timezone)
    start = moment.astimezone(zone).date()
    for shift in range(63):
        candidate = start + timedelta(days=shift)
        if not _falls_on(candidate, frequency=frequency, weekday=weekday, day=day):
            continue
        due = datetime.combine(candidate, at, tzinfo=zone).astimezone(UTC)
        if due > moment:
            return due
    raise AssertionError("two months hold every weekday and every day of a month")


def _falls_on(day_: date, *, frequency: str, weekday: int, day: int) -> bool:
    if frequency == "weekly":
        return day_.weekday() == weekday
    if frequency == "monthly":
        return day_.day == min(day, monthrange(day_.year, day_.month)[1])
    return True
