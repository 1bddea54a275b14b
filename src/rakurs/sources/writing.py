"""The contract of writing back: what may be written into a system that is followed, and how nothing is done twice.

The systems know no idempotency keys. So a task or comment carries its mark in its own text, and where an answer was lost the
mark is looked for before anything is repeated. A field is compared with what stands in it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from rakurs.core.text import Text

DeedKind = Literal["field", "comment", "task"]
ValueKind = Literal["text", "number"]
Came = Literal["done", "failed", "later", "unknown"]
"""`later`: a limit refused it, so it was surely not done; `unknown`: it may have been done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing to write about one record of the system, which is named as its rows are ("C_5")."""

    mark: str
    record: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDeed(Deed):
    """A value for one of our fields, by its code; None empties it."""

    field: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentDeed(Deed):
    """A comment on the record's card."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDeed(Deed):
    """A task for an employee of the system; its first line is the title."""

    text: str
    to: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a deed: the id it has at the system, or the system's own words where it failed."""

    came: Came
    answer: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnField:
    """A field that Rakurs keeps at the system. `code` is up to 13 capital letters, digits and lines."""

    code: str
    title: str
    kind: ValueKind = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """A field that a kind of records does not have yet; `place` is the system's name of that kind."""

    place: str
    place_title: Text
    field: OwnField


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A record as the system has it now: who answers for it, and what stands in our fields."""

    responsible: str | None
    values: Mapping[str, str | None] = field(default_factory=dict[str, str | None])


class Pen(Protocol):
    """A system opened for writing. Not thread-safe."""

    @property
    def at_once(self) -> int:
        """How many deeds the next call may carry."""
        ...

    def closed(self, kinds: Sequence[DeedKind]) -> Mapping[DeedKind, Text]:
        """What the key lacks for each of `kinds` that is closed to it, as far as the system tells beforehand."""
        ...

    def read(self, records: Sequence[str], fields: Sequence[str]) -> Mapping[str, Card]:
        """The records that are there."""
        ...

    def lacking(self, records: Sequence[str], fields: Sequence[OwnField]) -> tuple[Lacking, ...]:
        """Which of our fields these kinds of records do not have yet."""
        ...

    def add(self, lacking: Lacking) -> None:
        """Make a field, unless it is there by now."""
        ...

    def write(self, deeds: Sequence[Deed]) -> Iterator[tuple[str, Outcome]]:
        """Do deeds of one kind, each at most once; marks with what came of them, as they are known.

        Raises SourceRefused where we are shut out: what was not told of before that was not done.
        """
        ...

    def found(self, deeds: Sequence[Deed]) -> Mapping[str, str]:
        """Which of these comments or tasks are there, by their marks, and their ids."""
        ...


Open = Callable[[Any, Callable[[], None]], AbstractContextManager[Pen]]
"""(settings, breathe) -> the system; `breathe` is called before calls and during waits, and ends them by raising."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """How a system is written to. After `settles_seconds` a deed whose answer was lost is there, or never will be."""

    kinds: tuple[DeedKind, ...]
    needs: Text
    """What the key must be allowed."""
    settles_seconds: float
    open: Open


def marked(text: str, mark: str) -> str:
    """The text with its mark below."""
    return f"{text}\n\n{mark}"
