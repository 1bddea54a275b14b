"""Values: what does a column's text look like: numbers, days, phones, e-mails, tax ids, flags?"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from rakurs.core.source import DateOrder

ShapeName = Literal["number", "date", "time", "phone", "email", "tax_id", "flag", "text"]

_CURRENCY = r"(?:\s*(?:₽|р\.?|руб\.?|rub|\$|usd|€|eur|шт\.?|%))?"
_SPACES = "    "
_NUMBER = re.compile(
    rf"^[-+−(]?\s*(?:\$|€|₽)?\s*(?:\d+|\d{{1,3}}(?:[{_SPACES}'’]\d{{3}})+|\d{{1,3}}(?:[.,]\d{{3}})+)(?:[.,]\d+)?\)?{_CURRENCY}$",
    re.IGNORECASE,
)
_PARTED_DAY = re.compile(r"^(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?:[ ,T]+\d{1,2}:\d{2}.*)?$")
_ISO_DAY = re.compile(r"^\d{4}([-./])\d{1,2}\1\d{1,2}(?:[ T].*)?$")
_COMPACT_DAY = re.compile(r"^(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$")
_MONTH_WORD = re.compile(
    r"^\d{1,2}[ -](янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\d{1,2}:\d{2}")
_PHONE = re.compile(r"^\+?[\d\s().-]{10,20}(?:\s*(?:доб|ext|#)\.?\s*\d+)?$")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s.]+$")
_FLAGS = frozenset({"да", "нет", "yes", "no", "true", "false", "y", "n", "истина", "ложь", "д", "н"})
_INN_10 = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_INN_11 = (7, *_INN_10)
_INN_12 = (3, *_INN_11)


@dataclass(frozen=True, slots=True)
class Looks:
    """The share of non-empty values of each shape, and what else tells columns apart."""

    shares: dict[ShapeName, float]
    filled: float
    distinct: float
    is_whole: bool

    def share(self, name: ShapeName) -> float:
        """How much of the column looks like `name`; 0 for an empty column."""
        return self.shares.get(name, 0.0)

    @property
    def best(self) -> ShapeName:
        """The shape that four fifths of the values have, most telling first; else text."""
        for name in ("email", "tax_id", "time", "date", "phone", "flag", "number"):
            if self.share(name) >= 0.8:
                return name
        return "text"


def is_number(value: str) -> bool:
    """A whole or decimal number, with spaces, either decimal mark, a currency sign."""
    return bool(_NUMBER.match(value))


def is_date(value: str) -> bool:
    """A day, with or without the time of day, in the ways exports write it."""
    parted = _PARTED_DAY.match(value)
    if parted:
        return 1 <= int(parted[1]) <= 31 and 1 <= int(parted[3]) <= 31 and min(int(parted[1]), int(parted[3])) <= 12
    return bool(_ISO_DAY.match(value) or _COMPACT_DAY.match(value) or _MONTH_WORD.match(value))


def is_phone(value: str) -> bool:
    """Ten to fifteen digits that start or are parted the way telephone numbers are."""
    if not _PHONE.match(value) or is_date(value):
        return False
    digits = re.sub(r"\D", "", value)
    if value.startswith("+") or "(" in value:
        return 10 <= len(digits) <= 16
    return len(digits) == 11 and digits[0] in "78"


def is_tax_id(value: str) -> bool:
    """A Russian INN: ten or twelve digits with right check digits."""
    if not value.isdigit() or len(value) not in {10, 12}:
        return False
    digits = [int(letter) for letter in value]
    checks = ((_INN_10, 9),) if len(digits) == 10 else ((_INN_11, 10), (_INN_12, 11))
    return any(digits) and all(
        sum(weight * digit for weight, digit in zip(weights, digits, strict=False)) % 11 % 10 == digits[place]
        for weights, place in checks
    )


_CHECKS: dict[ShapeName, Callable[[str], bool]] = {
    "number": is_number,
    "date": is_date,
    "time": lambda value: is_date(value) and bool(_CLOCK.search(value)),
    "phone": is_phone,
    "email": lambda value: bool(_EMAIL.match(value)),
    "tax_id": is_tax_id,
    "flag": lambda value: value.casefold() in _FLAGS,
}


def is_typed(value: str) -> bool:
    """Whether a cell holds data by its look, as no header does: a number, a day, an e-mail, a telephone."""
    return is_number(value) or is_date(value) or is_phone(value) or bool(_EMAIL.match(value))


def looks_of(values: Sequence[str]) -> Looks:
    """How the values of one column look."""
    filled = [value.strip() for value in values if value.strip()]
    if not filled:
        return Looks(shares={}, filled=0.0, distinct=0.0, is_whole=False)
    shares: dict[ShapeName, float] = {name: sum(map(check, filled)) / len(filled) for name, check in _CHECKS.items()}
    return Looks(
        shares=shares,
        filled=len(filled) / len(values),
        distinct=len(set(filled)) / len(filled),
        is_whole=all(value.isdigit() for value in filled),
    )


def date_order(values: Iterable[str]) -> tuple[DateOrder, bool]:
    """Which part of 03.04.2026 is the day, and whether the values contradict each other.

    Month first only where values prove it (a second part above 12) and none disproves it.
    """
    day_first = month_first = False
    for value in values:
        parted = _PARTED_DAY.match(value.strip())
        if parted:
            day_first = day_first or int(parted[1]) > 12
            month_first = month_first or int(parted[3]) > 12
    return ("mdy" if month_first and not day_first else "dmy"), month_first and day_first
