"""Which moment does a text mean to SQL Server? `datetime` reads days as the login's language orders them, the newer types do not."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

from sources.tds_refusals import Refusal

_TEXT = re.compile(
    r"(?:(\d{4})-(\d\d?)-(\d\d?)|(\d{4})(\d\d)(\d\d)|(\d\d?)[./-](\d\d?)[./-](\d{4}))"
    r"(?:(T| )(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?)?(?:\s*(Z|[+-]\d\d:\d\d))?"
)
_OLD = {"datetime", "smalldatetime"}
ORDERS = {"us_english": "mdy", "Русский": "dmy", "Russian": "dmy"}
"""How languages of a login order a day."""


def moment(text: str, kind: str, order: str) -> datetime:
    """Aware where the text has a zone. Raises Refusal 241 where it is no moment, 242 where there is no such day."""
    match = _TEXT.fullmatch(text.strip())
    fraction = match[14] or "" if match else ""
    if match is None or (kind in _OLD and (match[15] or len(fraction) > 3)):
        raise Refusal(241, "Conversion failed when converting date and/or time from character string.", severity=16)
    year, month, day = _day(match, kind, order)
    hour, minute, second = (int(match[place] or 0) for place in (11, 12, 13))
    try:
        found = datetime(year, month, day, hour, minute, second, int(fraction[:6].ljust(6, "0")))  # noqa: DTZ001
    except ValueError:
        message = f"The conversion of a varchar data type to a {kind} data type resulted in an out-of-range value."
        raise Refusal(242, message, severity=16) from None
    return found.replace(tzinfo=_zone(match[15])) if match[15] else found


def _day(match: re.Match[str], kind: str, order: str) -> tuple[int, int, int]:
    if match[1]:
        year, month, day = int(match[1]), int(match[2]), int(match[3])
        # With a T it is ISO 8601; without, `datetime` puts the day before the month where the language does.
        return (year, day, month) if kind in _OLD and match[10] != "T" and order == "dmy" else (year, month, day)
    if match[4]:
        return int(match[4]), int(match[5]), int(match[6])
    first, second, year = int(match[7]), int(match[8]), int(match[9])
    return (year, second, first) if order == "dmy" else (year, first, second)


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    ahead = timedelta(hours=int(text[1:3]), minutes=int(text[4:]))
    return timezone(ahead if text[0] == "+" else -ahead)


def kept(value: datetime) -> str:
    """A datetimeoffset as a text that sorts by its moment and remembers its zone."""
    zoned = value if value.tzinfo else value.replace(tzinfo=UTC)
    ahead = zoned.utcoffset() or timedelta()
    return f"{zoned.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}|{ahead // timedelta(minutes=1)}"


def told(value: str) -> datetime:
    """What was kept, in its own zone."""
    text, _, minutes = value.partition("|")
    moment_in_utc = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return moment_in_utc.astimezone(timezone(timedelta(minutes=int(minutes))))


def literal(text: str, kind: str, order: str) -> str:
    """The text as the engine behind the server writes such a value."""
    if kind == "time":
        return text
    found = moment(text, kind, order)
    if kind == "datetimeoffset":
        return kept(found)
    bare = found.replace(tzinfo=None)
    return date.isoformat(bare) if kind == "date" else bare.isoformat(sep=" ")
