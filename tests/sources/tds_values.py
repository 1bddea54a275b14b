"""How does TDS 7.3 and 7.4 write the types of a column and its values? Source: MS-TDS, 2.2.5 (data types) and 2.2.7 (tokens)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from uuid import UUID

COLLATION = bytes((0x19, 0x04, 0xD0, 0x00, 0x00))
"""Cyrillic_General_CI_AS: what is not Unicode is Windows-1251."""
CODE_PAGE = "cp1251"
_PLP_CHUNK = 4000
_NULL_PLP = b"\xff" * 8
_UNKNOWN_LENGTH = struct.pack("<Q", 0xFFFFFFFFFFFFFFFE)
_INTEGERS = {"tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}
_TEXTS = {"char": 0xAF, "varchar": 0xA7, "nchar": 0xEF, "nvarchar": 0xE7}
_BYTES = {"binary": 0xAD, "varbinary": 0xA5}
_ALL_DIGITS = Context(prec=60)
_DAY_ZERO = date(1, 1, 1).toordinal()
_DAY_1900 = date(1900, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of T-SQL. `length` is in characters or bytes and None for (max)."""

    name: str
    precision: int = 0
    scale: int = 0
    length: int | None = 0

    @property
    def is_max(self) -> bool:
        return self.name in _TEXTS | _BYTES and self.length is None

    @property
    def is_unicode(self) -> bool:
        return self.name in {"nchar", "nvarchar"}


@dataclass(frozen=True, slots=True)
class Named:
    """A column of an answer."""

    name: str
    kind: Kind


def short_text(text: str) -> bytes:
    """B_VARCHAR: the number of characters in a byte, then UTF-16."""
    return bytes((len(text),)) + text.encode("utf-16-le")


def column_metadata(columns: Sequence[Named]) -> bytes:
    """COLMETADATA: all columns may be null."""
    told = b"".join(struct.pack("<IH", 0, 0x0009) + _type(one.kind) + short_text(one.name) for one in columns)
    return b"\x81" + struct.pack("<H", len(columns)) + told


def row(columns: Sequence[Named], values: Sequence[Any]) -> bytes:
    """ROW, or NBCROW where a value is missing: then a bit for each column says so and nothing stands in its place."""
    written = zip(columns, values, strict=True)
    if all(value is not None for value in values):
        return b"\xd1" + b"".join(value_of(column.kind, value) for column, value in written)
    bits = sum(1 << place for place, value in enumerate(values) if value is None)
    missing = bits.to_bytes((len(columns) + 7) // 8, "little")
    return b"\xd2" + missing + b"".join(value_of(column.kind, value) for column, value in written if value is not None)


def _type(kind: Kind) -> bytes:
    name = kind.name
    if name in _INTEGERS:
        return bytes((0x26, _INTEGERS[name]))
    if name in _TEXTS:
        size = 0xFFFF if kind.length is None else kind.length * (2 if kind.is_unicode else 1)
        return struct.pack("<BH", _TEXTS[name], size) + COLLATION
    if name in _BYTES:
        return struct.pack("<BH", _BYTES[name], 0xFFFF if kind.length is None else kind.length)
    return {
        "bit": bytes((0x68, 1)),
        "decimal": bytes((0x6A, 1 + _magnitude_bytes(kind.precision), kind.precision, kind.scale)),
        "numeric": bytes((0x6C, 1 + _magnitude_bytes(kind.precision), kind.precision, kind.scale)),
        "money": bytes((0x6E, 8)),
        "smallmoney": bytes((0x6E, 4)),
        "float": bytes((0x6D, 8)),
        "real": bytes((0x6D, 4)),
        "datetime": bytes((0x6F, 8)),
        "smalldatetime": bytes((0x6F, 4)),
        "date": bytes((0x28,)),
        "time": bytes((0x29, kind.scale)),
        "datetime2": bytes((0x2A, kind.scale)),
        "datetimeoffset": bytes((0x2B, kind.scale)),
        "uniqueidentifier": bytes((0x24, 16)),
    }[name]


def value_of(kind: Kind, value: Any) -> bytes:
    """A value that is there, with its length before it."""
    if kind.is_max:
        return _in_pieces(_content(kind, value))
    content = _content(kind, value)
    if kind.name in _TEXTS or kind.name in _BYTES:
        return struct.pack("<H", len(content)) + content
    return bytes((len(content),)) + content


def _content(kind: Kind, value: Any) -> bytes:
    name = kind.name
    if name in _INTEGERS:
        return int(value).to_bytes(_INTEGERS[name], "little", signed=name != "tinyint")
    if name in _TEXTS:
        return _text(kind, value)
    if name in _BYTES:
        return bytes(value).ljust(kind.length or 0, b"\0") if name == "binary" else bytes(value)
    return _CONTENTS[name](kind, value)


def _text(kind: Kind, value: Any) -> bytes:
    text = str(value)
    if kind.name in {"char", "nchar"}:
        text = text.ljust(kind.length or 0)
    return text.encode("utf-16-le") if kind.is_unicode else text.encode(CODE_PAGE, errors="replace")


def _in_pieces(content: bytes) -> bytes:
    """Of (max): the length is not told beforehand, pieces follow each other until an empty one."""
    pieces = [content[start : start + _PLP_CHUNK] for start in range(0, len(content), _PLP_CHUNK)]
    return _UNKNOWN_LENGTH + b"".join(struct.pack("<I", len(one)) + one for one in pieces) + struct.pack("<I", 0)


def _magnitude_bytes(precision: int) -> int:
    return next(size for most, size in ((9, 4), (19, 8), (28, 12), (38, 16)) if precision <= most)


def _scaled(value: Any, scale: int) -> int:
    """The digits as a whole number; the usual context would keep 28 of them."""
    return int(Decimal(value).scaleb(scale, _ALL_DIGITS).to_integral_value(ROUND_HALF_UP, _ALL_DIGITS))


def _decimal(kind: Kind, value: Any) -> bytes:
    scaled = _scaled(value, kind.scale)
    return bytes((scaled >= 0,)) + abs(scaled).to_bytes(_magnitude_bytes(kind.precision), "little")


def _money(_kind: Kind, value: Any) -> bytes:
    whole = _scaled(value, 4) & 0xFFFFFFFFFFFFFFFF
    return struct.pack("<II", whole >> 32, whole & 0xFFFFFFFF)


def _small_money(_kind: Kind, value: Any) -> bytes:
    return struct.pack("<i", _scaled(value, 4))


def _datetime(_kind: Kind, value: datetime) -> bytes:
    """Days since 1900 and three hundredths of a second."""
    days, ticks = divmod(round(_seconds(value.time()) * 300), 86_400 * 300)
    return struct.pack("<iI", value.toordinal() - _DAY_1900 + days, ticks)


def _small_datetime(_kind: Kind, value: datetime) -> bytes:
    days, minutes = divmod(round(_seconds(value.time()) / 60), 1440)
    return struct.pack("<HH", value.toordinal() - _DAY_1900 + days, minutes)


def _seconds(value: time) -> Decimal:
    whole = value.hour * 3600 + value.minute * 60 + value.second
    return Decimal(whole * 1_000_000 + value.microsecond) / 1_000_000


def _date(_kind: Kind, value: date) -> bytes:
    return (value.toordinal() - _DAY_ZERO).to_bytes(3, "little")


def _time(kind: Kind, value: time) -> bytes:
    ticks = int(_seconds(value).scaleb(kind.scale).to_integral_value())
    return ticks.to_bytes(3 if kind.scale <= 2 else 4 if kind.scale <= 4 else 5, "little")


def _datetime2(kind: Kind, value: datetime) -> bytes:
    return _time(kind, value.time()) + _date(kind, value)


def _datetimeoffset(kind: Kind, value: datetime) -> bytes:
    """The moment in UTC, then the minutes its zone is ahead."""
    ahead = value.utcoffset()
    assert ahead is not None
    moment = value.replace(tzinfo=None) - ahead
    return _datetime2(kind, moment) + struct.pack("<h", ahead // timedelta(minutes=1))


_CONTENTS = {
    "bit": lambda _kind, value: bytes((bool(value),)),
    "decimal": _decimal,
    "numeric": _decimal,
    "money": _money,
    "smallmoney": _small_money,
    "float": lambda _kind, value: struct.pack("<d", value),
    "real": lambda _kind, value: struct.pack("<f", value),
    "datetime": _datetime,
    "smalldatetime": _small_datetime,
    "date": _date,
    "time": _time,
    "datetime2": _datetime2,
    "datetimeoffset": _datetimeoffset,
    "uniqueidentifier": lambda _kind, value: UUID(str(value)).bytes_le,
}


class Given:
    """The bytes of a request, read from their beginning."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    @property
    def is_over(self) -> bool:
        return self.place >= len(self.content)

    def raw(self, count: int) -> bytes:
        found = self.content[self.place : self.place + count]
        assert len(found) == count, "the request ends too soon"
        self.place += count
        return found

    def number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.raw(size), "little", signed=signed)

    def text(self, characters: int) -> str:
        return self.raw(2 * characters).decode("utf-16-le")

    def parameter(self) -> tuple[str, Any]:
        """A parameter of a call: its name and value; of the types that clients send."""
        name = self.text(self.number(1))
        self.raw(1)
        kind = self.number(1)
        return name, _GIVEN[kind](self)

    def _long(self) -> bytes | None:
        """A value of (max), in pieces."""
        if self.raw(8) == _NULL_PLP:
            return None
        found = b""
        while size := self.number(4):
            found += self.raw(size)
        return found

    def _sized(self, *, has_collation: bool) -> bytes | None:
        most = self.number(2)
        if has_collation:
            self.raw(5)
        if most == 0xFFFF:
            return self._long()
        size = self.number(2)
        return None if size == 0xFFFF else self.raw(size)

    def wide(self) -> str | None:
        found = self._sized(has_collation=True)
        return None if found is None else found.decode("utf-16-le")

    def narrow(self) -> str | None:
        found = self._sized(has_collation=True)
        return None if found is None else found.decode(CODE_PAGE)

    def binary(self) -> bytes | None:
        return self._sized(has_collation=False)

    def integer(self) -> int | None:
        self.number(1)
        size = self.number(1)
        return self.number(size, signed=True) if size else None

    def decimal(self) -> Decimal | None:
        _, _, scale = self.raw(3)
        size = self.number(1)
        if not size:
            return None
        sign, whole = self.number(1), self.number(size - 1)
        return Decimal(whole if sign else -whole).scaleb(-scale)

    def floating(self) -> float | None:
        self.number(1)
        size = self.number(1)
        return struct.unpack("<d" if size == 8 else "<f", self.raw(size))[0] if size else None

    def day(self) -> date | None:
        return date.fromordinal(self.number(3) + _DAY_ZERO) if self.number(1) else None

    def moment(self) -> datetime | None:
        scale, size = self.number(1), self.number(1)
        if not size:
            return None
        ticks = self.number(size - 3)
        day = datetime.fromordinal(self.number(3) + _DAY_ZERO)
        return day + timedelta(microseconds=ticks * 10 ** (6 - scale) if scale <= 6 else ticks // 10)


_GIVEN = {
    0xE7: Given.wide,
    0xA7: Given.narrow,
    0xA5: Given.binary,
    0x26: Given.integer,
    0x68: Given.integer,
    0x6A: Given.decimal,
    0x6C: Given.decimal,
    0x6D: Given.floating,
    0x28: Given.day,
    0x2A: Given.moment,
}
