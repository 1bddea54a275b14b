"""What does a text of a document say: a number, a moment, a currency, an id, a status?"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from rakurs.sources.commerceml.reading import Node

_BLANKS = re.compile("[\\s\u00a0\u2007\u2009\u202f'’]")
_NO_CHARACTERISTIC = re.compile(r"#(?:0{8}-0{4}-0{4}-0{4}-0{12})?$")
_STATUS_CODE = re.compile(r"^\[[^\]]*\]\s*")
_TOWN = re.compile(r"^(?:г\.?|город)\s+|\s+г\.?$", re.IGNORECASE)
_WRITTEN = ("%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y")
_SAME_CURRENCY = {"руб": "RUB", "руб.": "RUB", "р": "RUB", "р.": "RUB", "rur": "RUB", "643": "RUB", "810": "RUB", "₽": "RUB",
                  "840": "USD", "$": "USD", "978": "EUR", "€": "EUR"}  # fmt: skip


def decimal_of(text: str | None) -> Decimal | None:
    """The number, whatever stands between its thousands and before its fraction; None where it is none."""
    compact = _BLANKS.sub("", text or "")
    if compact.rfind(",") > compact.rfind("."):
        compact = compact.replace(".", "").replace(",", ".")
    try:
        number = Decimal(compact.replace(",", ""))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def plain(number: Decimal) -> str:
    """A number as the warehouse reads it."""
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def negative(text: str | None) -> str | None:
    """Less by so much; a text that is no number stays, so that it is told of."""
    number = decimal_of(text)
    return text if number is None else plain(-abs(number))


def moment(day: str | None, time: str | None, zone: ZoneInfo) -> str | None:
    """A day and a time of `zone` as a moment in UTC; None for 1C's empty date. A text that is none stays, so that it is told of."""
    if not day:
        return None
    text = day if len(day) > len("2025-01-31") or not time else f"{day} {time}"
    written = _written(text)
    if written is None:
        return text
    return None if written.year <= 1 else written.replace(tzinfo=written.tzinfo or zone).astimezone(UTC).isoformat()


def _written(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in _WRITTEN:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is added by who knows it
        except ValueError:
            continue
    return None


def currency_of(text: str | None) -> str | None:
    """The code of a currency, however it was written."""
    word = (text or "").strip()
    return _SAME_CURRENCY.get(word.lower(), word.upper()) or None


def id_of(text: str | None) -> str:
    """An id without the mark of a characteristic that there is none of."""
    return _NO_CHARACTERISTIC.sub("", (text or "").strip())


def product_of(key: str) -> str:
    """The product of a characteristic: what stands before the #."""
    return key.partition("#")[0]


def status_of(text: str | None) -> str | None:
    """The words of a status, without its code: `[N] Принят`."""
    return _STATUS_CODE.sub("", text or "").strip() or None


def town_of(text: str | None) -> str | None:
    """The name of a town, without the word for town."""
    return _TOWN.sub("", (text or "").strip()) or None


def is_deleted(node: Node) -> bool:
    """Whether a record says that it is deleted, in any of the ways that were ever used."""
    status = (node.said("Статус") or "").lower().replace("ё", "е")
    return node.is_said("ПометкаУдаления") or status in {"удален", "удалена"}


def details_of(node: Node) -> dict[str, str]:
    """The values that a record lists by their names."""
    found: dict[str, str] = {}
    for one in node.all("ЗначенияРеквизитов", "ЗначениеРеквизита"):
        name, value = one.said("Наименование"), one.said("Значение")
        if name and value:
            found[name] = value
    return found


def first(values: Mapping[str, str], names: Sequence[str]) -> str | None:
    """The first of these values that there is."""
    return next((values[name] for name in names if values.get(name)), None)


def filled(**values: object) -> dict[str, object]:
    """Only what says something."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}
