"""Metrics split any way, as an analysis: so that they get the page, the drill-down, the chart and the files of one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from typing import Any

import narwhals.stable.v2 as nw
from pydantic import create_model

from rakurs.app.asked import PivotAsked, Where
from rakurs.app.measuring import COMPARISON_LABELS, MeasureParams, counted_deals, table_called
from rakurs.app.params import checked_params
from rakurs.core.analysis import Analysis, Cell, Chart, ChartKind, Example, Frames, Members
from rakurs.core.errors import BadParameter
from rakurs.core.frames import conform
from rakurs.core.metric import OTHERS, Basis, Condition, Dimension, Filters, Metric, Operator, Top
from rakurs.core.params import parameter
from rakurs.core.periods import Comparison, Grain
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR
from rakurs.metrics import Cut, dimension_named, measure_named, pivot
from rakurs.metrics.pivot import leading_values, rows_behind
from rakurs.metrics.series import unfinished_buckets

Frame = nw.LazyFrame[Any]

OTHERS_TITLE = Text(ru="Остальные", en="Others")
PLACE = "place"
IS_COMPLETE = "is_complete"


class PivotParams(MeasureParams):
    """The parameters of a split of metrics, and its conditions."""

    compare: Comparison = parameter(Comparison.NONE, Text(ru="Сравнить", en="Compare"), labels=COMPARISON_LABELS)
    where: tuple[Where, ...] = ()

    @property
    def filters(self) -> Filters:
        """The wanted pipeline, manager and channel, and every condition."""
        conditions = tuple(condition_of(item, dimension_named(item.field)) for item in self.where)
        return Filters(values=super().filters.values, conditions=conditions)


@lru_cache
def _params_by(grain: Grain) -> type[PivotParams]:
    """Parameters that say how long a bucket of the answer is, as those of the analyses do."""
    return create_model("PivotParams", __base__=PivotParams, grain=(Grain, grain))


def condition_of(where: Where, dimension: Dimension) -> Condition:
    """A condition on `dimension` with its values typed by its unit; BadParameter when they are not of it."""

    def typed(value: str | None) -> Any:
        if value is None:
            return None
        try:
            return _TYPED.get(dimension.unit.kind, str)(value)
        except (ValueError, InvalidOperation) as error:
            expected = Text(ru=f"Ожидается: {dimension.title.ru}.", en=f"Expected: {dimension.title.en}.")
            raise BadParameter(where.field, value, expected) from error

    values = where.values if where.operator == "contains" else tuple(typed(value) for value in where.values)
    return Condition(
        dimension=where.field,
        operator=where.operator,
        values=values,
        low=typed(where.low),
        high=typed(where.high),
    )


OPERATORS: Mapping[Operator, Text] = {
    "in": Text(ru="одно из", en="is one of"),
    "not_in": Text(ru="кроме", en="is none of"),
    "contains": Text(ru="содержит", en="contains"),
    "between": Text(ru="от и до", en="between"),
    "given": Text(ru="заполнено", en="is given"),
    "empty": Text(ru="не заполнено", en="is empty"),
}


def condition_words(where: Where) -> Text:
    """A condition as a phrase; values as they are asked for, by id."""
    title, verb = dimension_named(where.field).title, OPERATORS[where.operator]
    values = (
        [where.low or "…", where.high or "…"]
        if where.operator == "between"
        else [value or "—" for value in where.values]
    )
    listed = ", ".join(values)
    return Text(ru=f"{title.ru} {verb.ru} {listed}".strip(), en=f"{title.en} {verb.en} {listed}".strip())


_TYPED: Mapping[str, Any] = {"day": date.fromisoformat, "money": Decimal, "number": Decimal, "share": float}


def pivot_analysis(
    asked: PivotAsked, *, basis: Basis, over: tuple[str, ...] | None = None
) -> tuple[Analysis, PivotParams]:
    """The question as an analysis, with its checked parameters. `basis` is what a sale is when the question says nothing.

    `over` names the dimensions whose subtotals are wanted: the same rows, grouped by these only.

    Raises UnknownName for a metric or dimension that is not there, BadParameter where they do not fit each other.
    """
    model = _params_by(_grain(asked))
    params = checked_params(model, asked.params)
    params = params.model_copy(update={"where": asked.where, "basis": params.basis or basis})
    return PivotQuestion(asked, params, over).analysis, params


@dataclass(frozen=True)
class PivotQuestion:
    """A split of metrics with everything looked up."""

    asked: PivotAsked
    params: PivotParams
    over: tuple[str, ...] | None = None

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """What is measured."""
        return tuple(measure_named(name) for name in self.asked.metrics)

    @cached_property
    def by(self) -> tuple[Dimension, ...]:
        """What the answer has rows by."""
        return tuple(item for item in self.split if self.over is None or item.name in self.over)

    @cached_property
    def split(self) -> tuple[Dimension, ...]:
        """What the question is split by, rows first. BadParameter for a field that is only filtered on."""
        found = tuple(dimension_named(name) for name in self.asked.split)
        for dimension in found:
            if not dimension.is_split:
                reason = Text(ru="По этому полю можно только отбирать.", en="This field can only be filtered on.")
                raise BadParameter("rows", dimension.name, reason)
        return found

    @cached_property
    def top(self) -> Top | None:
        """The top that is asked for, of the first row split."""
        if self.asked.top is None:
            return None
        first, asked = self.split[0], self.asked.top
        if first.unit.kind != "text":
            reason = Text(ru="Первые N считаются только по названиям.", en="A top is taken of named values only.")
            raise BadParameter("top", first.name, reason)
        metric = measure_named(asked.metric) if asked.metric else self.metrics[0]
        return Top(dimension=first, metric=metric, count=asked.count, is_bottom=asked.is_bottom)

    def cut(self, params: PivotParams, *, is_total: bool = False) -> Cut:
        """The cut around the metrics."""
        return Cut(
            period=params.window,
            basis=params.basis or "deals",
            by=self.split,
            only=None if self.over is None else self.by,
            filters=params.filters,
            compare=params.compare,
            top=self.top,
            is_total=is_total,
        )

    @cached_property
    def names(self) -> Mapping[str, Dimension]:
        """Each dimension under the answer's column that tells its values apart."""
        return {key_column(dimension): dimension for dimension in self.by}

    @cached_property
    def analysis(self) -> Analysis:
        """The question as the contract has it."""
        cut = self.cut(self.params.bound(date.today()))  # noqa: DTZ011 -- only its shape is looked at
        tables = dict.fromkeys((*cut.tables(self.metrics), CALENDAR.name))
        return Analysis(
            name="pivot",
            area="",
            title=self._title,
            question=self._title,
            how_to_read=HOW_TO_READ,
            definition=self._definition,
            source="",
            inputs={name: table_called(name) for name in tables},
            params=type(self.params),
            columns=self.columns(cut),
            order=self.order,
            compute=self.compute,
            members=Members(entity=cut.measure(self.metrics[0]).entity, by=tuple(self.names), select=self.members),
            chart=self.chart,
            example=Example(tables={}, params=self.params, expect=()),
            totals=self.totals if self.by else None,
            counted_deals=self.counted_deals,
            pinned=(PLACE,) if self.has_place else (),
        )

    @cached_property
    def _definition(self) -> Text:
        """What each metric is, and which rows are counted."""
        told = _together([metric.definition for metric in self.metrics], [metric.title for metric in self.metrics])
        if not self.asked.where:
            return told
        conditions = [condition_words(item) for item in self.asked.where]
        return Text(
            ru=f"{told.ru}. Только строки: {'; '.join(words.ru for words in conditions)}",
            en=f"{told.en}. Only rows: {'; '.join(words.en for words in conditions)}",
        )

    @cached_property
    def _title(self) -> Text:
        measured = Text(
            ru=", ".join(metric.title.ru for metric in self.metrics),
            en=", ".join(metric.title.en for metric in self.metrics),
        )
        if not self.by:
            return measured
        return Text(
            ru=f"{measured.ru}: {' × '.join(dimension.title.ru.lower() for dimension in self.by)}",
            en=f"{measured.en} by {' × '.join(dimension.title.en.lower() for dimension in self.by)}",
        )

    # -- rows ------------------------------------------------------------------------------------------

    def columns(self, cut: Cut) -> tuple[Column, ...]:
        """The split, ids before their names; then each metric with its interval and comparison."""
        split = [column for dimension in self.by for column in self._split_columns(dimension, cut)]
        # Measures beside each other overlap (revenue holds margin), so a chart must not stack them.
        alone = len(self.metrics) == 1 and self.metrics[0].is_additive
        measured = [replace(column, adds_up=alone) for column in _measured(cut, self.metrics)]
        marks = [Column(name=PLACE, unit=Unit.POSITION, title=OTHERS_TITLE)] if self.has_place else []
        if self.time is not None:
            marks.append(Column(name=IS_COMPLETE, unit=Unit.FLAG, title=Text(ru="Завершён", en="Is complete")))
        return (*split, *measured, *marks)

    def _split_columns(self, dimension: Dimension, cut: Cut) -> tuple[Column, ...]:
        words = self._words(dimension, cut)
        key = Column(name=key_column(dimension), unit=dimension.unit, title=dimension.title, choices=words)
        if dimension.labels is None:
            return (key,)
        return (key, Column(name=dimension.column, unit=Unit.TEXT, title=dimension.title, choices=words))

    def _words(self, dimension: Dimension, cut: Cut) -> dict[str, Text]:
        mart = cut.measure(self.metrics[0]).mart
        own = dimension.columns.get(mart.name)
        known = dict(mart.column(own).choices) if own and dimension.custom_key is None else {}
        return {**known, OTHERS: OTHERS_TITLE} if self._is_topped(dimension) else known

    def _is_topped(self, dimension: Dimension) -> bool:
        return self.top is not None and self.top.dimension.name == dimension.name

    @cached_property
    def has_place(self) -> bool:
        """Whether "others" may stand among the rows, which then have a place after the rest."""
        return any(self._is_topped(dimension) for dimension in self.by)

    @cached_property
    def time(self) -> Dimension | None:
        """The first row split, when it is the calendar's."""
        return self.by[0] if self.by and self.by[0].calendar else None

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The asked order, else time forward, else the greatest first; a key at the end."""
        keys = tuple(self.names)
        usual = () if self.time or not self.by else (f"-{self.metrics[0].name}",)
        asked = (self.asked.sort,) if self.asked.sort else usual
        return ((PLACE,) if self.has_place else ()) + asked + keys or (self.metrics[0].name,)

    def compute(self, *, params: PivotParams, **frames: Frame) -> Frame:
        """One row per combination of the split."""
        cut = self.cut(params)
        rows = pivot(frames, self.metrics, cut)
        for dimension in self.by:
            if dimension.labels is not None:
                column = nw.col(dimension.column)
                named = nw.when(column == OTHERS).then(nw.lit(OTHERS)).otherwise(nw.col(f"{dimension.column}_name"))
                rows = rows.with_columns(column.alias(key_column(dimension)), named.alias("__named"))
                rows = rows.with_columns(nw.coalesce("__named", key_column(dimension)).alias(dimension.column))
        if self.has_place and self.top is not None:
            first = nw.col(key_column(self.top.dimension))
            rows = rows.with_columns(nw.when(first == OTHERS).then(nw.lit(1)).otherwise(nw.lit(0)).alias(PLACE))
        if self.time is not None:
            unfinished = unfinished_buckets(params.window, Grain(str(self.time.calendar)))
            rows = rows.with_columns((~nw.col(self.time.column).is_in(unfinished)).alias(IS_COMPLETE))
        return conform(rows, self.columns(cut))

    def totals(self, frames: Frames, params: PivotParams) -> Frame:
        """The totals of the whole question: a rate's is the rate of totals."""
        cut = self.cut(params, is_total=True)
        return pivot(frames, self.metrics, cut)

    def counted_deals(self, deals: Frame, frames: Frames, params: PivotParams) -> Frame:
        """The deals that any of the metrics counts."""
        return counted_deals(deals, frames=frames, metrics=self.metrics, cut=self.cut(params))

    def members(self, frames: Frames, params: PivotParams, cell: Cell) -> Frame:
        """The keys of what the first metric counts in one cell."""
        metric, cut = self.metrics[0], self.cut(params)
        rows = rows_behind(frames, metric.read[0], cut)
        for name, value in cell.items():
            column = nw.col(self.names[name].column)
            if value == OTHERS:
                leaders = leading_values(frames, cut)
                rows = rows.filter(~column.is_null())
                rows = rows.join(leaders, left_on=self.names[name].column, right_on="leader", how="anti")
            else:
                rows = rows.filter(column.is_null() if value is None else column == nw.lit(value))
        key = cut.measure(metric).key
        return rows.filter(~nw.col(key).is_null()).group_by(key).agg()

    # -- picture ---------------------------------------------------------------------------------------

    @cached_property
    def charts(self) -> tuple[ChartKind, ...]:
        """The kinds of chart that fit, the best first; the table always does."""
        return (*_fitting(self), "table")

    @cached_property
    def chart(self) -> Chart:
        """The asked chart, or the best one."""
        kind = self.asked.chart if self.asked.chart in self.charts else self.charts[0]
        first = self.metrics[0]
        alike = tuple(metric.name for metric in self.metrics if metric.unit is first.unit)
        if not self.by:
            return Chart(kind=kind, x=first.name, y=alike)
        shown = tuple(dimension.column for dimension in self.by)
        if kind == "heatmap":
            return Chart(kind=kind, x=shown[1], y=(shown[0],), color=first.name, limit=2_000)
        is_compared = self.params.compare is not Comparison.NONE
        return Chart(
            kind=kind,
            x=shown[0],
            y=(first.name,) if len(self.by) > 1 else alike,
            color=shown[1] if len(self.by) > 1 else None,
            compare=f"{first.name}_compared" if is_compared and kind in {"lines", "columns"} else None,
            interval=(f"{first.name}_low", f"{first.name}_high") if first.trials and len(self.by) == 1 else None,
            complete=IS_COMPLETE if self.time else None,
            limit=400 if self.time else 25,
        )


HOW_TO_READ = Text(
    ru="Строка — одно значение разреза. Итог доли считается по всем строкам сразу, а не суммой или средним долей.",
    en="A row is one value of the split. The total of a rate is the rate of totals, never a sum or a mean of rates.",
)


def key_column(dimension: Dimension) -> str:
    """The answer's column that tells values of a dimension apart: its id where it has one."""
    return f"{dimension.column}_id" if dimension.labels is not None else dimension.column


def _fitting(question: PivotQuestion) -> tuple[ChartKind, ...]:
    first, splits = question.metrics[0], len(question.by)
    if splits == 0:
        return ("number",)
    if splits > 2:
        return ()
    if splits == 2:
        stacked: tuple[ChartKind, ...] = ("bars",) if first.is_additive and not question.time else ()
        return ("heatmap", *stacked)
    if question.time:
        return ("lines", "columns")
    certain: tuple[ChartKind, ...] = ("intervals",) if first.trials else ()
    return ("bars", "columns", *certain)


def _measured(cut: Cut, metrics: tuple[Metric, ...]) -> tuple[Column, ...]:
    """The columns of the metrics alone."""
    split = sum(2 if dimension.labels else 1 for dimension in cut.split)
    return cut.columns(metrics)[split:]


def _together(definitions: list[Text], titles: list[Text]) -> Text:
    pairs = list(zip(titles, definitions, strict=True))
    return Text(
        ru="; ".join(f"{title.ru}: {words.ru}" for title, words in pairs),
        en="; ".join(f"{title.en}: {words.en}" for title, words in pairs),
    )


def _grain(asked: PivotAsked) -> Grain:
    """The bucket of the first split by the calendar."""
    found = (dimension_named(name).calendar for name in asked.split)
    return next((Grain(name) for name in found if name), Grain.DAY)
