"""How is a number shown? By its unit and the language of the page.

The browser shows numbers on charts by the same rules (static/rakurs/formats.js); a test holds the two together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rakurs.core.periods import Grain
from rakurs.core.text import Language, Text
from rakurs.core.units import Unit

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
ABSENT = "\N{EM DASH}"

SYMBOLS = {"RUB": "₽", "USD": "$", "EUR": "€", "KZT": "₸", "GBP": "£", "UAH": "₴", "CNY": "CN¥"}
MONTHS = {
    "ru": ("янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
MONTH_NAMES_RU = ("Янв", "Фев", "Март", "Апр", "Май", "Июнь", "Июль", "Авг", "Сен", "Окт", "Ноя", "Дек")
SCALES = (
    (Decimal("1e12"), Text(ru="трлн", en="T")),
    (Decimal("1e9"), Text(ru="млрд", en="B")),
    (Decimal("1e6"), Text(ru="млн", en="M")),
    (Decimal("1e3"), Text(ru="тыс.", en="K")),
)


SINCE = Text(ru="с {day}", en="since {day}")
UNTIL = Text(ru="по {day}", en="until {day}")
EVER = Text(ru="всё время", en="all time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """What showing a value takes beside the value: whose eyes, whose money, whose clock."""

    language: Language
    currency: str = "RUB"
    timezone: str = "Europe/Moscow"
    has_fiscal_year: bool = False
    """Whether the company's year begins in another month than the calendar's: fiscal periods are offered then."""

    def shown(self, value: Any, unit: Unit, *, decimals: int | None = None, grain: Grain | None = None) -> str:
        """`value` in full, as it stands in a table; a missing one is a dash."""
        if value is None:
            return ABSENT
        if unit is Unit.DAY and grain is not None:
            return bucket(value, grain, self.language)
        return _SHOWN[unit](value, self, decimals)

    def compact(self, value: Any, unit: Unit) -> str:
        """`value` in short, as it stands on a tile: «1,5 млн ₽»."""
        if value is None:
            return ABSENT
        if unit.kind == "money":
            return self.with_currency(short(value, self.language))
        return short(value, self.language) if unit.kind == "number" and not _is_time(unit) else self.shown(value, unit)

    def change(self, value: Any, unit: Unit) -> str:
        """A signed change: points for a change of a rate, per cent for a change of a sum."""
        if value is None:
            return ABSENT
        text = self.shown(abs(value), unit)
        return text if value == 0 else f"{'+' if value > 0 else MINUS}{text}"

    def with_currency(self, number: str) -> str:
        """An amount already in digits, with its currency where the language puts it."""
        symbol = SYMBOLS.get(self.currency, self.currency)
        if self.language == "ru":
            return f"{number}{NBSP}{symbol}"
        sign, digits = (MINUS, number[1:]) if number.startswith(MINUS) else ("", number)
        return f"{sign}{symbol}{NBSP if len(symbol) > 2 else ''}{digits}"


def grouped(value: Any, language: Language, *, decimals: int, is_trimmed: bool = False) -> str:
    """Digits in groups of three, `decimals` after the point (or at most so many), halves away from zero."""
    rounded = _decimal(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    text = f"{abs(rounded):,f}"
    if is_trimmed and "." in text:
        text = text.rstrip("0").rstrip(".")
    if language == "ru":
        text = text.replace(",", NBSP).replace(".", ",")
    return f"{MINUS if rounded < 0 else ''}{text}"


def short(value: Any, language: Language) -> str:
    """One decimal at most, with a word for the scale: «15,2 тыс.», "15.2K"; below a thousand as it is."""
    number = _decimal(value)
    for scale, word in SCALES:
        if abs(number) >= scale * Decimal("0.99995"):
            digits = grouped(number / scale, language, decimals=1, is_trimmed=True)
            return f"{digits}{NBSP}{word.ru}" if language == "ru" else f"{digits}{word.en}"
    return grouped(number, language, decimals=1, is_trimmed=True)


def duration(hours: Any, language: Language) -> str:
    """Minutes below an hour, hours below two days, then days: «25 мин», «18 ч», «6,3 дн.»."""
    amount = _decimal(hours)
    if 0 < abs(amount) < 1:
        return f"{grouped(amount * 60, language, decimals=0)}{NBSP}{'мин' if language == 'ru' else 'min'}"
    if abs(amount) < 48:
        return f"{grouped(amount, language, decimals=1, is_trimmed=True)}{NBSP}{'ч' if language == 'ru' else 'h'}"
    return days(amount / 24, language)


def days(value: Any, language: Language) -> str:
    """«6,3 дн.», "6.3 d"; whole from a hundred on."""
    digits = 0 if abs(_decimal(value)) >= 100 else 1
    return f"{grouped(value, language, decimals=digits, is_trimmed=True)}{NBSP}{'дн.' if language == 'ru' else 'd'}"


def day(value: date, language: Language) -> str:
    """«31.01.2026», "31 Jan 2026"."""
    return f"{value:%d.%m.%Y}" if language == "ru" else f"{value.day} {MONTHS['en'][value.month - 1]} {value.year}"


def bucket(value: date, grain: Grain, language: Language) -> str:
    """The name of the bucket of time that starts on `value`."""
    return _BUCKETS[grain](value, language)


def custom_period(first: date | None, last: date | None, form: Format) -> str:
    """Days, both included: «01.01.2026 – 31.01.2026», «по 31.01.2026»."""
    shown = [form.shown(day, Unit.DAY) for day in (first, last) if day]
    if len(shown) == 2:
        return shown[0] if first == last else " – ".join(shown)
    words = EVER if not shown else SINCE if first else UNTIL
    return words.to(form.language).format(day=shown[0] if shown else "")


def _decimal(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _is_time(unit: Unit) -> bool:
    return unit in (Unit.DAYS, Unit.HOURS, Unit.SECONDS)


def _number(decimals: int) -> Callable[[Any, Format, int | None], str]:
    def shown(value: Any, form: Format, asked: int | None) -> str:
        return grouped(value, form.language, decimals=decimals if asked is None else asked, is_trimmed=asked is None)

    return shown


def _money(value: Any, form: Format, decimals: int | None) -> str:
    if decimals is None:
        decimals = 0 if _decimal(value) == _decimal(value).to_integral_value() else 2
    return form.with_currency(grouped(value, form.language, decimals=decimals))


def _share(value: Any, form: Format, decimals: int | None) -> str:
    text = grouped(_decimal(value) * 100, form.language, decimals=1 if decimals is None else decimals)
    return f"{text}{NBSP if form.language == 'ru' else ''}%"


def _points(value: Any, form: Format, _decimals: int | None) -> str:
    text = grouped(_decimal(value) * 100, form.language, decimals=1)
    return f"{text}{NBSP}{'п.п.' if form.language == 'ru' else 'pp'}"


def _seconds(value: Any, form: Format, _decimals: int | None) -> str:
    if abs(value) >= 3600:
        return duration(_decimal(value) / 3600, form.language)
    minutes, seconds = divmod(int(value), 60)
    ru = form.language == "ru"
    rest = f"{seconds}{NBSP}{'с' if ru else 's'}"
    return f"{minutes}{NBSP}{'мин' if ru else 'min'}{NBSP}{rest}" if minutes else rest


def _time(value: datetime, form: Format, _decimals: int | None) -> str:
    moment = (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(ZoneInfo(form.timezone))
    return f"{day(moment.date(), form.language)} {moment:%H:%M}"


def _flag(value: bool, form: Format, _decimals: int | None) -> str:  # noqa: FBT001 — the value itself
    words = ("да", "нет") if form.language == "ru" else ("yes", "no")
    return words[0] if value else words[1]


_SHOWN: Mapping[Unit, Callable[[Any, Format, int | None], str]] = {
    Unit.ID: lambda value, _form, _decimals: str(value),
    Unit.TEXT: lambda value, _form, _decimals: str(value),
    Unit.COUNT: _number(0),
    Unit.POSITION: _number(0),
    Unit.RANK: _number(0),
    Unit.EPOCH: _number(0),
    Unit.QUANTITY: _number(3),
    Unit.NUMBER: _number(2),
    Unit.MONEY: _money,
    Unit.PRICE: lambda value, form, decimals: _money(value, form, 2 if decimals is None else decimals),
    Unit.SHARE: _share,
    Unit.RATIO: _share,
    Unit.POINTS: _points,
    Unit.DAYS: lambda value, form, _decimals: days(value, form.language),
    Unit.HOURS: lambda value, form, _decimals: duration(value, form.language),
    Unit.SECONDS: _seconds,
    Unit.DAY: lambda value, form, _decimals: day(value, form.language),
    Unit.TIME: _time,
    Unit.FLAG: _flag,
}

_BUCKETS: Mapping[Grain, Callable[[date, Language], str]] = {
    Grain.DAY: day,
    Grain.WEEK: day,
    Grain.MONTH: lambda value, language: (
        f"{MONTH_NAMES_RU[value.month - 1]} {value.year}"
        if language == "ru"
        else f"{MONTHS['en'][value.month - 1]} {value.year}"
    ),
    Grain.QUARTER: lambda value, language: (
        f"{(value.month + 2) // 3} кв. {value.year}" if language == "ru" else f"Q{(value.month + 2) // 3} {value.year}"
    ),
    Grain.YEAR: lambda value, _language: str(value.year),
}
