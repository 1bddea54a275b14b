"""What people write into the settings of a source, read one way: a day, a time zone, an address of an API."""

from datetime import date
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

MOSCOW = "Europe/Moscow"


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value.strip()).isoformat() if value.strip() else ""
    except ValueError:
        raise ValueError("a day such as 2025-01-31 is needed") from None


def _zone(value: str) -> str:
    try:
        return ZoneInfo(value.strip()).key if value.strip() else ""
    except (OSError, LookupError, ValueError):
        raise ValueError(f"a time zone such as {MOSCOW} is needed") from None


def base_of(value: str, *, usual: str) -> str:
    """Scheme and host of an address; `usual` where none was written. Raises ValueError."""
    parts = urlsplit(value.strip() or usual)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"an address such as {usual} is needed")
    return f"{parts.scheme}://{parts.netloc}"


Day = Annotated[str, AfterValidator(_day)]
"""A day, `2025-01-31`; empty where none is meant."""
Zone = Annotated[str, AfterValidator(_zone)]
"""The name of a time zone; empty where the source's own, or the usual one, is meant."""
ZoneOrMoscow = Annotated[str, AfterValidator(lambda value: _zone(value) or MOSCOW)]
"""The name of a time zone; Moscow's where none was written."""
