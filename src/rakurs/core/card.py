"""The contract of a card: everything known about one customer, deal or employee, section by section."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol

import narwhals.stable.v2 as nw

from rakurs.core.analysis import Frames
from rakurs.core.table import Column, Table
from rakurs.core.text import Text

Rows = Sequence[Mapping[str, Any]]
Shape = Literal["facts", "tiles", "table", "path", "against"]
"""How a section stands on the page: one row as pairs or as tiles; rows as a table, a way through stages, or
numbers against those of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What a section reads of a table: the rows whose column `by` holds the subject's id; all of them without `by`.

    Either way only rows the user may see.
    """

    table: Table
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose card it is, and the day it is looked at."""

    id: str
    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """What subjects are held against: computed once per scope of rights and data version, then kept.

    `measure(collect, frames, today)` returns small plain values; `collect` runs a frame and gives its rows. The page
    does not wait for one that `is_heavy`.
    """

    name: str
    reads: Mapping[str, Slice]
    measure: Callable[[Callable[[nw.LazyFrame[Any]], Rows], Frames, date], Any]
    is_heavy: bool = False


class SectionCompute(Protocol):
    """(subject, frames, against) -> one lazy frame; `against` is what the section's standard measured."""

    def __call__(self, subject: Subject, frames: Frames, against: Any) -> nw.LazyFrame[Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of a card. `compute` runs inside the engine; `finish`, when given, is pure Python over its few rows.

    A column that `references` a table is shown by name and opens that row's card, where it has one. `nothing` is
    what a person reads when there is no row. A section held against a heavy `standard` is fetched after the page
    while the standard is not yet known.
    """

    name: str
    title: Text
    help: Text
    shown: Shape
    reads: Mapping[str, Slice]
    columns: tuple[Column, ...]
    compute: SectionCompute
    nothing: Text
    standard: Standard | None = None
    finish: Callable[[Rows, Subject, Any], Rows] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One kind of thing that happens, as it stands in a timeline.

    `at` is the column of its second (UTC epoch); `by` says for each card which column holds the subject's id;
    `shown` are the columns told beside the title, the first of them in bold; `keep` leaves out rows that are no event
    of this kind.
    """

    name: str
    title: Text
    icon: str
    table: Table
    at: str
    by: Mapping[str, str]
    shown: tuple[str, ...]
    keep: Callable[[nw.LazyFrame[Any]], nw.LazyFrame[Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Everything about one row of `table`. `seen_through` are the rows that open the card to a limited user.

    `label` is the column that names the subject; `searched` the columns it is found by besides its key, the ones in
    `digits` by their digits alone.
    """

    name: str
    table: Table
    title: Text
    icon: str
    label: str
    seen_through: tuple[Slice, ...]
    sections: tuple[Section, ...]
    events: tuple[Event, ...] = ()
    searched: tuple[str, ...] = ()
    digits: tuple[str, ...] = ()
    beside: tuple[str, ...] = field(default=())
    """Columns that tell one found row from another of the same name."""

    @property
    def key(self) -> str:
        """The column of the subject's id."""
        return self.table.key[0]
