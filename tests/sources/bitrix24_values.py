"""How a portal writes moments, numbers and amounts, and how they are read back."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

MOSCOW = timezone(timedelta(hours=3))
DAY = 86_400

_MOMENTS: dict[str, float | None] = {}


def moment(text: Any) -> float | None:
    """A date of the portal as seconds; one without an offset is in the portal's own zone."""
    if not isinstance(text, str) or not text:
        return None
    if text not in _MOMENTS:
        if len(_MOMENTS) > 2_000_000:
            _MOMENTS.clear()
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            _MOMENTS[text] = None
        else:
            _MOMENTS[text] = (at if at.tzinfo else at.replace(tzinfo=MOSCOW)).timestamp()
    return _MOMENTS[text]


def number(value: Any) -> float | None:
    """The number in a value, if it is one."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and value[:1] in "0123456789-+.":
        try:
            return float(value)
        except ValueError:
            return None
    return None


def figure(value: Decimal | float) -> float:
    """A number as PHP writes it: whole ones without a point."""
    got = float(value)
    return int(got) if got == int(got) else got


def kept_as(name: str, value: Any) -> Any:
    """A value as the portal keeps it."""
    if isinstance(value, bool):
        return value if name == "ACTIVE" or name.startswith("UF_") else "Y" if value else "N"
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=MOSCOW)).replace(microsecond=0).isoformat()
    if isinstance(value, date):
        return f"{value.isoformat()}T03:00:00+03:00"
    if name in ("OPPORTUNITY", "TAX_VALUE") and value is not None:
        return f"{Decimal(str(value)):.2f}"
    if isinstance(value, Decimal):
        return str(value)
    return value
