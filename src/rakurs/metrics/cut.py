"""What is a number asked for: over which days, split by what, of whom, held against what?"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rakurs.core.errors import BadParameter
from rakurs.core.metric import Basis, Condition, Dimension, Filters, Measure, Metric, Top
from rakurs.core.periods import Comparison, Period
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.metrics.catalogue import dimension_named


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The question around a metric. `basis` says what a sale is; without `by` there is one total.

    `is_total` asks for the total of a split: one row over the same marts the split reads. `only` asks for its
    subtotals: rows grouped by these of its dimensions. `top` takes all but the first values of a dimension together.
    """

    period: Period
    basis: Basis
    by: tuple[Dimension, ...] = ()
    filters: Filters = field(default_factory=Filters)
    compare: Comparison = Comparison.NONE
    is_total: bool = False
    only: tuple[Dimension, ...] | None = None
    top: Top | None = None

    @property
    def split(self) -> tuple[Dimension, ...]:
        """What rows are grouped by."""
        if self.is_total:
            return ()
        return self.by if self.only is None else self.only

    @property
    def is_topped(self) -> bool:
        """Whether the split holds the dimension that is cut to its top."""
        return self.top is not None and self.top.dimension in self.split

    @property
    def is_compared(self) -> bool:
        """Whether there are days to compare with: only a bounded period has them."""
        is_bounded = self.period.start is not None and self.period.end is not None
        return self.compare is not Comparison.NONE and is_bounded

    @property
    def wanted(self) -> tuple[tuple[Dimension, Condition], ...]:
        """The conditions, each with its dimension."""
        return tuple((dimension_named(asked.dimension), asked) for asked in self.filters.all)

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """Every dimension a row must have a value of, once each: the split's, then the filters'."""
        named = {dimension.name: dimension for dimension in (*self.by, *(dimension for dimension, _ in self.wanted))}
        return tuple(named.values())

    @property
    def split_columns(self) -> tuple[str, ...]:
        """The columns that hold the split's values."""
        return tuple(dimension.column for dimension in self.split)

    def measure(self, metric: Metric) -> Measure:
        """The first mart of `metric` that this cut fits; BadParameter when none does.

        Of a computed measure, that of the first metric it is made of.
        """
        fitting = (m for m in metric.read[0].measures if all(dimension.splits(m) for dimension in self.dimensions))
        found = next(fitting, None)
        if found is None:
            names = ", ".join(dimension.name for dimension in self.dimensions)
            raise BadParameter(
                "by",
                names,
                Text(
                    ru=f"Показатель «{metric.title.ru}» так не делится.",
                    en=f"“{metric.title.en}” cannot be split that way.",
                ),
            )
        return found

    def tables(self, metrics: Sequence[Metric]) -> tuple[str, ...]:
        """The tables that must be at hand: marts, the calendar where days are grouped or paired, titles of ids."""
        ranked = [self.top.metric] if self.top is not None else []
        marts = [self.measure(read).mart.name for metric in (*metrics, *ranked) for read in metric.read]
        needs_calendar = self.is_compared or any(dimension.calendar for dimension in self.dimensions)
        titles = [dimension.labels[0] for dimension in self.split if dimension.labels]
        return tuple(dict.fromkeys((*marts, *(["calendar"] if needs_calendar else []), *titles)))

    def columns(self, metrics: Sequence[Metric]) -> tuple[Column, ...]:
        """What the answer holds: the split with the titles of its ids, then each metric with its company."""
        split = [column for dimension in self.split for column in _split_columns(dimension)]
        return (*split, *(column for metric in metrics for column in self._metric_columns(metric)))

    def _metric_columns(self, metric: Metric) -> tuple[Column, ...]:
        name, title = metric.name, metric.title
        bounds = (f"{name}_low", f"{name}_high") if metric.trials else None
        found = [Column(name=name, unit=metric.unit, title=title, interval=bounds, opens=True)]
        if metric.trials:
            low, high = Text(ru="не ниже", en="low"), Text(ru="не выше", en="high")
            found.append(Column(name=f"{name}_low", unit=metric.unit, title=_joined(title, low)))
            found.append(Column(name=f"{name}_high", unit=metric.unit, title=_joined(title, high)))
        if self.compare is not Comparison.NONE:
            found.append(Column(name=f"{name}_compared", unit=metric.unit, title=_joined(title, COMPARED)))
            found.append(
                Column(name=f"{name}_change", unit=change_unit(metric), title=_joined(title, CHANGE), is_change=True)
            )
            if metric.unit.kind != "share":
                unit = difference_unit(metric)
                found.append(Column(name=f"{name}_difference", unit=unit, title=_joined(title, DIFFERENCE)))
        return tuple(found)


COMPARED = Text(ru="было", en="compared")
CHANGE = Text(ru="изменение", en="change")
DIFFERENCE = Text(ru="разница", en="difference")


def change_unit(metric: Metric) -> Unit:
    """A rate changes in percentage points, anything else in per cent."""
    return Unit.POINTS if metric.unit.kind == "share" else Unit.RATIO


def difference_unit(metric: Metric) -> Unit:
    """Money differs in money; counts and days in numbers that may be negative."""
    return Unit.MONEY if metric.unit is Unit.MONEY else Unit.NUMBER


def _split_columns(dimension: Dimension) -> tuple[Column, ...]:
    value = Column(name=dimension.column, unit=dimension.unit, title=dimension.title)
    if dimension.labels is None:
        return (value,)
    named = _joined(dimension.title, Text(ru="название", en="name"))
    return (value, Column(name=f"{dimension.column}_name", unit=Unit.TEXT, title=named))


def _joined(title: Text, word: Text) -> Text:
    return Text(ru=f"{title.ru}, {word.ru}", en=f"{title.en}, {word.en}")
