"""What does each raw column of a batch tell of people? The batch once more, read for each table it feeds, every row of it.

Totals, repeated headers and rows that a mapping leaves out are looked at too: what they hold lies in the raw zone all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

from rakurs.core.source import FileMapping, Scan, Value
from rakurs.core.table import Column, Table
from rakurs.core.units import Unit
from rakurs.schema import TABLES
from rakurs.schema.ddl import literal, quoted
from rakurs.schema.personal import ABOUT_PEOPLE, HOLDERS, Trace, customer_columns, holder_columns, traces_of
from rakurs.warehouse.conversion import Reading, converted, is_text, trimmed
from rakurs.warehouse.raw import Batch, raw_names
from rakurs.warehouse.shaping import PLAIN_SOURCE, Occasion, Shaping, text_of

RoleKind = Literal["customer", "kept", "unknown"] | Trace
_FIRST: tuple[RoleKind, ...] = ("customer", "browser", "phone", "email", "tax_id", "words", "kept")
"""What a raw column is that several canonical ones are made of: the first of these it is to any."""
_PEOPLE = frozenset(table.name for table in ABOUT_PEOPLE)


class Stored(Protocol):
    """A batch of the raw zone and the way it is read."""

    @property
    def slot(self) -> str: ...
    @property
    def scan(self) -> Scan: ...
    @property
    def mapping(self) -> FileMapping: ...
    @property
    def batch(self) -> Batch: ...


@dataclass(frozen=True, kw_only=True)
class Part:
    """One batch read for one table. `number` tells it from the others of its batch."""

    number: int
    shaping: Shaping

    @property
    def table(self) -> Table:
        """The canonical table it feeds."""
        return self.shaping.table

    @property
    def is_about_people(self) -> bool:
        """Whether its rows are, or may be, about somebody."""
        return self.table.name in _PEOPLE

    @cached_property
    def values(self) -> Mapping[str, Value]:
        """The canonical columns that the mapping fills, and how."""
        return {name: value for name, value in self.shaping.table_mapping.values.items() if name in self.table.names}

    @property
    def customers(self) -> tuple[str, ...]:
        """Its columns that hold the id of a customer's record."""
        return tuple(name for name in customer_columns(self.table) if name in self.values)

    @property
    def holders(self) -> Mapping[str, str]:
        """Its columns that point to a deal, an order or a visit."""
        return {name: holder for name, holder in holder_columns(self.table).items() if name in self.values}

    @property
    def own_id(self) -> str | None:
        """The key by which other rows point to its own; None where none do."""
        key = self.table.key[0]
        return key if self.table.name in HOLDERS and key in self.values else None

    @property
    def browsers(self) -> tuple[str, ...]:
        """Its columns that hold the id of a browser."""
        return tuple(
            name for name, trace in traces_of(self.table.name).items() if trace == "browser" and name in self.values
        )

    @property
    def prefix(self) -> str:
        """What stands before the ids of its source."""
        source = self.shaping.mapping.source
        return "" if source == PLAIN_SOURCE else f"{source}:"

    @property
    def told(self) -> str:
        """Every row: `pos`, its place in the file, and the text meant for each canonical column; ids as they are stored."""
        ids = {*self.customers, *self.holders, *self.browsers, *([self.own_id] if self.own_id else [])}
        columns = [
            f"{literal(self.prefix)} || {quoted(text_of(name))} as {quoted(name)}"
            if name in ids
            else f"{quoted(text_of(name))} as {quoted(name)}"
            for name in self.values
        ]
        return f"select _row - {self.shaping.scan.first_row} as pos, {', '.join(columns)} from ({self.shaping.texts})"

    def readable(self, name: str, text: str) -> str:
        """SQL: `text` as a value of the canonical column, null where it cannot be read."""
        mapping, occasion = self.shaping.mapping, self.shaping.occasion
        reading = Reading(
            zone=mapping.timezone or occasion.zone, company_zone=occasion.zone, date_order=mapping.date_order
        )
        return converted(text, self.table.column(name), reading)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a raw column is: to which part's canonical column it gives its value, as the `first` of those that make it."""

    kind: RoleKind
    part: Part | None = None
    column: Column | None = None
    is_first: bool = True


def parts_of(stored: Stored, occasion: Occasion) -> tuple[Part, ...]:
    """The batch read for every table it feeds."""
    scan = replace(stored.scan, tail_rows=0, header_values=())
    by_name = {table.name: table for table in TABLES}
    found: list[Part] = []
    for table_mapping in stored.mapping.tables:
        if not table_mapping.values or table_mapping.table not in by_name:
            continue
        shaping = Shaping(
            table=by_name[table_mapping.table],
            mapping=stored.mapping,
            table_mapping=replace(table_mapping, only_where={}, distinct=False, rows=()),
            scan=scan,
            batch=stored.batch,
            occasion=occasion,
            slot=stored.slot,
        )
        found.append(Part(number=len(found), shaping=shaping))
    return tuple(found)


def roles_of(stored: Stored, parts: Sequence[Part]) -> Mapping[str, Role]:
    """What each raw column is, by its raw name; one that no mapping uses is unknown and may hold anything."""
    raw = dict(zip(stored.scan.columns, raw_names(stored.scan.columns), strict=True))
    found = {name: Role(kind="unknown") for name in raw.values()}
    for name, role in _given(parts, raw):
        known = found[name]
        if known.kind == "unknown" or _FIRST.index(role.kind) < _FIRST.index(known.kind):
            found[name] = role
    # What tells whether a row is a record at all must stay.
    chosen = {raw[name] for table in stored.mapping.tables for name in table.only_where if name in raw}
    return found | {name: Role(kind="kept") for name in chosen}


def _given(parts: Sequence[Part], raw: Mapping[str, str]) -> Iterator[tuple[str, Role]]:
    for part in parts:
        traces = traces_of(part.table.name)
        for name, value in part.values.items():
            used = [raw[column] for column in value.columns if column in raw]
            kind: RoleKind = "customer" if name in part.customers else traces.get(name, "kept")
            for place, column in enumerate(used):
                yield column, Role(kind=kind, part=part, column=part.table.column(name), is_first=place == 0)


def may_hold_words(role: Role) -> bool:
    """Whether a contact or a name of anybody may stand in a raw column: not in ids, numbers, days and chosen words."""
    if role.kind in {"customer", "browser"}:
        return False
    if role.kind == "kept":
        return role.column is not None and role.column.unit is Unit.TEXT and not role.column.choices
    return role.column is None or is_text(role.column)


def unreadable(part: Part, column: Column, raw: str) -> str:
    """SQL: whether a raw cell breaks the rule of its column, so that its row is set aside."""
    if is_text(column):
        return "false"
    return f"({part.readable(column.name, raw)}) is null and {trimmed(raw)} <> ''"
