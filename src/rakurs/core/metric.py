"""The contract of the semantic layer: one measure or dimension is defined once, for every face."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import narwhals.stable.v2 as nw

from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit

Basis = Literal["deals", "orders"]
"""What counts as a sale: a won deal or a paid order. Never both at once: they would count the same money twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One engine-side aggregate of a metric.

    The parts of an additive one sum to its total over any split; a median or a count of different customers
    does not. `empty` is what nothing amounts to: 0 for a count or a sum, None for what cannot be known.
    """

    expression: nw.Expr
    unit: Unit
    is_additive: bool = True
    empty: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One mart a metric can be read from. `day` is the mart's column a period filters on."""

    mart: Table
    day: str
    parts: Mapping[str, Part]
    entity: str = ""
    """What a person sees behind the number: deals, sales, customers."""
    key: str = ""
    """The mart's column that holds the key of `entity`."""
    counted: nw.Expr | None = None
    """Which rows of the mart the number counts; all of them when None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number a company watches.

    `measures` are where it can be read, the preferred mart first; each offers the same parts. `value` combines
    the parts into the number shown, so that a total of a rate is a rate of totals.
    """

    name: str
    title: Text
    definition: Text
    unit: Unit
    measures: tuple[Measure, ...]
    value: Callable[[Mapping[str, nw.Expr]], nw.Expr]
    successes: str | None = None
    """For a share: the part that counts successes; with `trials` it gives the Wilson interval."""
    trials: str | None = None
    operands: tuple["Metric", ...] = ()
    """What a computed measure is made of: it has no marts of its own, and `value` combines their values by name."""

    @property
    def read(self) -> tuple["Metric", ...]:
        """The metrics that are read to know this one."""
        return self.operands or (self,)

    @property
    def is_additive(self) -> bool:
        """Whether the values of groups sum to the total: one part, and that one additive."""
        if self.operands:
            return False
        parts = self.measures[0].parts
        return len(parts) == 1 and all(part.is_additive for part in parts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """A way to split a measure: by a column of the mart, by the calendar, or by a custom field.

    `columns` names, per mart, the column that holds its value. `calendar` names the column of the calendar that
    the measure's day is joined to; such a dimension splits everything. `custom_key` is a key of the JSON object
    in the column. `labels` is (table, key column, title column) where a human title of an id is kept.
    """

    name: str
    title: Text
    unit: Unit
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
    calendar: str | None = None
    custom_key: str | None = None
    labels: tuple[str, str, str] | None = None
    is_split: bool = True
    """Whether rows may be grouped by it; an amount or a day of an event is only filtered on."""

    @property
    def column(self) -> str:
        """The name of its column in an answer: a plain word, because engines read dots in names each their own way."""
        return re.sub(r"\W+", "_", self.name)

    def splits(self, measure: Measure) -> bool:
        """Whether rows of the measure's mart have a value of this dimension."""
        return self.calendar is not None or measure.mart.name in self.columns

    def fits(self, metric: Metric) -> bool:
        """Whether `metric` can be split by this dimension."""
        return all(any(self.splits(measure) for measure in read.measures) for read in metric.read)


Operator = Literal["in", "not_in", "empty", "given", "contains", "between"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What the value of one dimension must be. None among `values` means "those without one".

    `between` includes both ends, either may be open; `contains` does not tell capitals from small letters.
    Rows without a value meet only `empty`, `not_in`, and an `in` that names None.
    """

    dimension: str
    operator: Operator = "in"
    values: tuple[Any, ...] = ()
    low: Any = None
    high: Any = None

    def holds(self, value: nw.Expr) -> nw.Expr:
        """Whether `value` is as wanted; never null."""
        return _HOLDS[self.operator](self, value)


def _is_in(asked: Condition, value: nw.Expr) -> nw.Expr:
    found = value.is_in([wanted for wanted in asked.values if wanted is not None]).fill_null(value=False)
    return found | value.is_null() if None in asked.values else found


def _contains(asked: Condition, value: nw.Expr) -> nw.Expr:
    wanted = str(asked.values[0]).lower() if asked.values else ""
    return value.str.to_lowercase().str.contains(wanted, literal=True).fill_null(value=False)


def _between(asked: Condition, value: nw.Expr) -> nw.Expr:
    inside = ~value.is_null()
    if asked.low is not None:
        inside = inside & (value >= nw.lit(asked.low)).fill_null(value=False)
    if asked.high is not None:
        inside = inside & (value <= nw.lit(asked.high)).fill_null(value=False)
    return inside


_HOLDS: Mapping[Operator, Callable[[Condition, nw.Expr], nw.Expr]] = {
    "in": _is_in,
    "not_in": lambda asked, value: ~_is_in(asked, value),
    "empty": lambda _asked, value: value.is_null(),
    "given": lambda _asked, value: ~value.is_null(),
    "contains": _contains,
    "between": _between,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which values of which dimensions are wanted; an absent dimension is not filtered.

    None among the values means "those without one". `conditions` ask for more than a list of values.
    """

    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict[str, tuple[Any, ...]])
    conditions: tuple[Condition, ...] = ()

    @property
    def all(self) -> tuple[Condition, ...]:
        """Every condition, those of `values` first; a row must meet each."""
        listed = (Condition(dimension=name, values=values) for name, values in self.values.items())
        return (*listed, *self.conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """The `count` values of a dimension with the greatest (or least) `metric`; the rest are taken together.

    A value that is absent stays a group of its own and takes no place. Ties go to the lesser value.
    """

    dimension: "Dimension"
    metric: "Metric"
    count: int
    is_bottom: bool = False


OTHERS = "__others__"
"""What stands in a dimension for all values that are not among the top."""
