"""A person's own list of deals: ids, and amounts beside them where there are any."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from rakurs.core.errors import BadInput
from rakurs.core.text import Text

MOST_IDS = 1_000_000
_SEPARATORS = re.compile(r"[\t;]|,(?=[^,]*$)")
_BLANKS = re.compile(r"[\s\u00a0\u202f₽$€]")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdList:
    """`amounts` holds each id once, in order, None where no amount stands beside it; `repeated` the further mentions."""

    amounts: Mapping[str, Decimal | None]
    repeated: tuple[tuple[str, Decimal | None], ...] = ()


def id_list(text: str) -> IdList:
    """One id a line, an optional amount after a tab, a semicolon or the line's only comma; a head line is passed by.

    BadInput when there is no id at all, or more than a million.
    """
    amounts: dict[str, Decimal | None] = {}
    repeated: list[tuple[str, Decimal | None]] = []
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        name, amount = _entry(line)
        if number == 0 and _is_head(name, line):
            continue
        if name in amounts:
            repeated.append((name, amount))
        else:
            amounts[name] = amount
    if not amounts or len(amounts) > MOST_IDS:
        raise BadInput(
            Text(
                ru=f"В списке {len(amounts)} номеров: нужен хотя бы один и не больше {MOST_IDS}, по одному в строке.",
                en=f"The list holds {len(amounts)} ids: at least one is needed and at most {MOST_IDS}, one a line.",
            )
        )
    return IdList(amounts=amounts, repeated=tuple(repeated))


def text_of_bytes(content: bytes) -> str:
    """The text of a file with a list: UTF-8, else Windows-1251."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1251", errors="replace")


def _entry(line: str) -> tuple[str, Decimal | None]:
    parts = [part.strip().strip('"') for part in _SEPARATORS.split(line, maxsplit=1)]
    return parts[0], _amount(parts[1]) if len(parts) > 1 else None


def _amount(text: str) -> Decimal | None:
    """1234.56, 1 234,56: as people write money; None where it is no number."""
    plain = _BLANKS.sub("", text).replace(",", ".")
    try:
        return Decimal(plain) if _NUMBER.fullmatch(plain) else None
    except InvalidOperation:
        return None


def _is_head(name: str, line: str) -> bool:
    """Whether the first line names columns: no digit in it at all, and a word people use for ids."""
    words = {
        "id", "deal_id", "ид", "номер", "сделка", "код", "№", "deal",
        "customer_id", "customer", "клиент", "email", "e-mail", "почта", "phone", "телефон",
    }  # fmt: skip
    return not any(sign.isdigit() for sign in line) and any(word in name.lower().split() for word in words)
