"""The contract of one question: from an `Analysis` every face derives its page, route and command."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.core.params import Params
from rakurs.core.table import Column, Table
from rakurs.core.text import Language, Text
from rakurs.core.units import Unit

Frames = Mapping[str, nw.LazyFrame[Any]]
Cell = Mapping[str, Any]
Row = Mapping[str, Any]
ChartKind = Literal[
    "funnel",
    "bars",
    "columns",
    "lines",
    "heatmap",
    "cohorts",
    "pareto",
    "bullet",
    "intervals",
    "number",
    "table",
    "waterfall",
]


class Compute(Protocol):
    """frames -> one lazy frame with the declared columns; runs inside the engine."""

    def __call__(self, *, params: Any, **frames: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """How an answer is drawn: column names on visual channels. Colours and formats are the face's.

    Drawn are the first `limit` rows, or, where `spread` names the column that numbers all rows from 1, as many of them
    evenly spread, the first and the last included.
    """

    kind: ChartKind
    x: str
    y: tuple[str, ...]
    color: str | None = None
    compare: str | None = None
    interval: tuple[str, str] | None = None
    complete: str | None = None
    limit: int = 40
    spread: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """The drill-down: which rows of `entity` stand behind one cell of the answer.

    Where `entity_of` is given, it says the entity by the question's parameters, and `entity` is the usual one.
    `select(frames, params, cell)` returns one column, the key of `entity`, distinct. `cell` holds the
    values of the answer's `by` columns; a missing one means "all", null means "those without one".
    `count` names the column of the answer that says how many members a row has; None where a row of the
    answer is one member.
    """

    entity: str
    by: tuple[str, ...]
    select: Callable[[Frames, Any, Cell], nw.LazyFrame[Any]]
    count: str | None = None
    entity_of: Callable[[Any], str] | None = None

    def entity_for(self, params: Any) -> str:
        """What kind of rows stand behind the answer to this very question."""
        return self.entity if self.entity_of is None else self.entity_of(params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A value inside a sentence. A change is shown with its sign."""

    value: Any
    unit: Unit
    is_change: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One sentence of an answer's story: `words` with `{names}` of `values`, which each face shows in its own formats.

    `cell` is what the sentence speaks of: its members stand behind it. None where it speaks of no rows.
    """

    words: Text
    values: Mapping[str, Told] = field(default_factory=dict[str, Told])
    cell: Cell | None = None

    def said(self, language: Language, show: Callable[[Told], str]) -> str:
        """The sentence with its values shown by `show`."""
        return self.words.to(language).format(**{name: show(value) for name, value in self.values.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One thing an answer needs before it may be shown: at least `at_least` rows of `rows(frames, params)`."""

    what: Text
    at_least: int
    rows: Callable[[Frames, Any], nw.LazyFrame[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataGate:
    """What must be there before a number is honest; below it the answer says what is missing."""

    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Rows the answer does not count, and why; the passport prints how many there are."""

    reason: Text
    rows: Callable[[Frames, Any], nw.LazyFrame[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A parameter that may be left to the data: it means the first of `values` that `rows` has a row of.

    `rows(frames, params)` gets the parameters with that value put in. `app` decides it with a quick look before the
    question, so that the question reads only the rows it needs; `compute` must give the same answer undecided.
    """

    name: str
    undecided: Any
    values: tuple[Any, ...]
    rows: Callable[[Frames, Any], nw.LazyFrame[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """Names beside the ids of a long answer: looked up for the rows that are shown, not for a million others.

    `compute` is `add(unnamed(...), frames, params)`; `columns` are those of the answer that `add` adds. Of a long answer
    a `story` would see the first rows only: an analysis has the one or the other.
    """

    columns: tuple[str, ...]
    unnamed: Compute
    add: Callable[[nw.LazyFrame[Any], Frames, Any], nw.LazyFrame[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Canonical rows, parameters and the expected answer: documentation and test at once.

    `tables` holds rows as a user would write them in files, under canonical names. `expect` lists the
    answer's rows in order; a row may name fewer columns than the answer has.
    """

    tables: Mapping[str, Sequence[Row]]
    params: Params
    expect: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """One question, answered the same way on every engine and shown the same way on every face.

    `inputs` maps each argument of `compute` to the table or mart it is bound to. The frames arrive already
    limited to what the user may see. `compute` reduces inside the engine; `finish`, when given, is pure
    Python over the reduced Arrow table. `story` tells the finished answer in a few sentences. `order` sorts the answer ("-revenue" is descending) and ends in a key.
    """

    name: str
    area: str
    title: Text
    question: Text
    how_to_read: Text
    definition: Text
    source: str
    inputs: Mapping[str, Table]
    params: type[Params]
    columns: tuple[Column, ...]
    order: tuple[str, ...]
    compute: Compute
    members: Members
    chart: Chart
    example: Example
    gate: DataGate = field(default_factory=DataGate)
    left_out: tuple[LeftOut, ...] = ()
    counted_deals: Callable[[nw.LazyFrame[Any], Frames, Any], nw.LazyFrame[Any]] | None = None
    """Given deals, the frames and the parameters: the deals the answer counts, where parameters alone (`spoken_of`) do not tell."""
    choice: Choice | None = None
    naming: Naming | None = None
    finish: Callable[[pa.Table, Any], pa.Table] | None = None
    totals: Callable[[Frames, Any], nw.LazyFrame[Any]] | None = None
    """One row with the totals, by column name, where sums of the answer's rows would be wrong or are not all there is."""
    pinned: tuple[str, ...] = ()
    """The columns that order the answer before anything a reader sorts by: "others" stay at the end."""
    story: Callable[[pa.Table, Any], tuple[Statement, ...]] | None = None
    model: str | None = None
    """The model whose scores the answer shows: its card is shown beside them."""

    def column(self, name: str) -> Column:
        """The answer's column called `name`."""
        return next(column for column in self.columns if column.name == name)

    def __hash__(self) -> int:
        return hash(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One part of the menu and its analyses, in menu order."""

    name: str
    title: Text
    icon: str
    analyses: tuple[Analysis, ...]
