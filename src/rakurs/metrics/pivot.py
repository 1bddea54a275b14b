"""Any number, by anything it can be split by, over any days, held against any others: one lazy frame."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import conform, ratio, with_json_text
from rakurs.core.intervals import wilson_bounds
from rakurs.core.metric import OTHERS, Dimension, Measure, Metric, Part, Top
from rakurs.core.periods import Comparison
from rakurs.metrics.comparing import paired_days
from rakurs.metrics.cut import Cut

Frame = nw.LazyFrame[Any]

_COMPARED = "__compared"
_LEADER = "__leader"
_SHOWN_ON = "shown_on"
"""The day of the period a row is counted on: its own, or the one its day is compared with."""


def pivot(frames: Mapping[str, Frame], metrics: Sequence[Metric], cut: Cut) -> Frame:
    """One row per value of the split found in the period or the compared one, in its order; `cut.columns` says more.

    `frames` holds the tables of `cut.tables`. Without a split there is one row, the total: rates of it are
    rates of totals. Where one metric has rows and another none, sums and counts of the other are 0, rates empty.
    """
    leaders = _leaders(frames, cut.top, cut) if cut.is_topped and cut.top else None
    read = list({read.name: read for metric in metrics for read in metric.read}.values())
    pieces = list(_pieces(frames, read, cut, leaders))
    merged = _merged(pieces, _parts(read, cut), cut)
    valued = merged.with_columns(*(column for metric in metrics for column in _values(metric, cut)))
    answer = conform(_labelled(frames, valued, cut), cut.columns(metrics))
    return answer.sort(*cut.split_columns, nulls_last=True) if cut.split else answer


def _parts(metrics: Sequence[Metric], cut: Cut) -> dict[str, Part]:
    """Every aggregate of the answer by the name of its column, the compared ones too."""
    ends = ("", _COMPARED) if cut.compare is not Comparison.NONE else ("",)
    return {
        _part_column(metric, name) + end: part
        for metric in metrics
        for name, part in cut.measure(metric).parts.items()
        for end in ends
    }


def _part_column(metric: Metric, part: str) -> str:
    return f"{metric.name}__{part}"


def _leaders(frames: Mapping[str, Frame], top: Top, cut: Cut) -> Frame:
    """The values that are among the top, one a row, ranked by the totals of the whole question."""
    alone = replace(cut, only=(top.dimension,), is_total=False, top=None, compare=Comparison.NONE)
    name, metric = top.dimension.column, top.metric.name
    ranked = pivot(frames, [top.metric], alone).filter(~nw.col(name).is_null(), ~nw.col(metric).is_null())
    ranked = ranked.sort(metric, name, descending=[not top.is_bottom, False])
    return ranked.head(top.count).select(nw.col(name).alias(_LEADER))


def _pieces(frames: Mapping[str, Frame], metrics: Sequence[Metric], cut: Cut, leaders: Frame | None) -> Iterator[Frame]:
    """One aggregated frame per mart, day column and side: metrics that read the same rows read them once."""
    readings: dict[tuple[str, str], list[tuple[Metric, Measure]]] = {}
    for metric in metrics:
        measure = cut.measure(metric)
        readings.setdefault((measure.mart.name, measure.day), []).append((metric, measure))
    for together in readings.values():
        measure = together[0][1]
        yield _aggregated(_topped(_rows_now(frames, measure, cut), cut, leaders), together, cut, end="")
        if cut.is_compared:
            before = _topped(_rows_before(frames, measure, cut), cut, leaders)
            yield _aggregated(before, together, cut, end=_COMPARED)


def _topped(rows: Frame, cut: Cut, leaders: Frame | None) -> Frame:
    """`rows` with every value that leads nowhere taken for one: their rows are then counted together, not their rates."""
    if leaders is None or cut.top is None:
        return rows
    name = cut.top.dimension.column
    value = nw.col(name)
    known = rows.join(leaders.with_columns(is_leader=nw.lit(True)), left_on=name, right_on=_LEADER, how="left")
    kept = nw.when(value.is_null() | ~nw.col("is_leader").is_null()).then(value).otherwise(nw.lit(OTHERS))
    return known.with_columns(kept.alias(name))


def _rows_now(frames: Mapping[str, Frame], measure: Measure, cut: Cut) -> Frame:
    day = nw.col(measure.day)
    rows = _of_basis(frames, measure, cut).filter(cut.period.contains(day)).with_columns(day.alias(_SHOWN_ON))
    return _kept(_with_dimensions(frames, rows, measure, cut), cut)


def _rows_before(frames: Mapping[str, Frame], measure: Measure, cut: Cut) -> Frame:
    pairs = paired_days(frames["calendar"], cut.period, cut.compare)
    rows = _of_basis(frames, measure, cut).join(
        pairs.rename({"day": _SHOWN_ON}), left_on=measure.day, right_on="compared_on", how="inner"
    )
    return _kept(_with_dimensions(frames, rows, measure, cut), cut)


def _of_basis(frames: Mapping[str, Frame], measure: Measure, cut: Cut) -> Frame:
    rows = frames[measure.mart.name]
    return rows.filter(nw.col("basis") == cut.basis) if "basis" in measure.mart.names else rows


def _with_dimensions(frames: Mapping[str, Frame], rows: Frame, measure: Measure, cut: Cut) -> Frame:
    """`rows` with a column per dimension, each under its own name."""
    on_calendar = [dimension for dimension in cut.dimensions if dimension.calendar]
    if on_calendar:
        named = (nw.col(str(dimension.calendar)).alias(dimension.column) for dimension in on_calendar)
        days = frames["calendar"].select(nw.col("day").alias("calendar_day"), *named)
        rows = rows.join(days, left_on=_SHOWN_ON, right_on="calendar_day", how="left")
    for dimension in cut.dimensions:
        if dimension.calendar is None:
            rows = _with_dimension(rows, dimension, dimension.columns[measure.mart.name])
    return rows


def _with_dimension(rows: Frame, dimension: Dimension, column: str) -> Frame:
    if dimension.custom_key is not None:
        return with_json_text(rows, column, dimension.custom_key, name=dimension.column)
    return rows.with_columns(nw.col(column).alias(dimension.column))


def _kept(rows: Frame, cut: Cut) -> Frame:
    for dimension, asked in cut.wanted:
        rows = rows.filter(asked.holds(nw.col(dimension.column)))
    return rows


def rows_behind(frames: Mapping[str, Frame], metric: Metric, cut: Cut) -> Frame:
    """The rows of the metric's mart that it counts, with a column per dimension of the cut."""
    measure = cut.measure(metric)
    rows = _rows_now(frames, measure, cut)
    return rows if measure.counted is None else rows.filter(measure.counted)


def leading_values(frames: Mapping[str, Frame], cut: Cut) -> Frame:
    """One column, `leader`: the values of the cut's top."""
    if cut.top is None:
        raise ValueError("the cut has no top")
    return _leaders(frames, cut.top, cut).rename({_LEADER: "leader"})


def _aggregated(rows: Frame, together: Sequence[tuple[Metric, Measure]], cut: Cut, *, end: str) -> Frame:
    aggregates = [
        part.expression.cast(part.unit.dtype).alias(_part_column(metric, name) + end)
        for metric, measure in together
        for name, part in measure.parts.items()
    ]
    return rows.group_by(*cut.split_columns).agg(*aggregates) if cut.split else rows.select(*aggregates)


def _merged(pieces: Sequence[Frame], parts: Mapping[str, Part], cut: Cut) -> Frame:
    """All pieces side by side, matched on the split, in which an empty value is a value like any other.

    A join would lose rows whose split is empty, so the pieces are stacked and each part's only value is taken.
    """
    stacked = nw.concat([_widened(piece, parts, cut) for piece in pieces])
    only = [nw.col(name).max() for name in parts]
    whole = stacked.group_by(*cut.split_columns).agg(*only) if cut.split else stacked.select(*only)
    fillable = [name for name, part in parts.items() if part.empty is not None and _is_known(name, cut)]
    return whole.with_columns(*(nw.col(name).fill_null(parts[name].empty) for name in fillable)) if fillable else whole


def _is_known(part_column: str, cut: Cut) -> bool:
    """Whether a missing part means nothing was there, rather than that there is nothing to compare with."""
    return cut.is_compared or not part_column.endswith(_COMPARED)


def _widened(piece: Frame, parts: Mapping[str, Part], cut: Cut) -> Frame:
    own = set(piece.collect_schema().names())
    return piece.select(
        *cut.split_columns,
        *(
            nw.col(name) if name in own else nw.lit(None).cast(part.unit.dtype).alias(name)
            for name, part in parts.items()
        ),
    )


def _values(metric: Metric, cut: Cut) -> Iterator[nw.Expr]:
    """The columns of one metric: its value, interval, and how it stands against the compared days."""
    value = _value(metric, cut)
    yield value.alias(metric.name)
    if metric.successes and metric.trials:
        successes, trials = (nw.col(_part_column(metric, name)) for name in (metric.successes, metric.trials))
        low, high = wilson_bounds(successes, trials)
        yield low.alias(f"{metric.name}_low")
        yield high.alias(f"{metric.name}_high")
    if cut.compare is Comparison.NONE:
        return
    before = _value(metric, cut, end=_COMPARED)
    difference = value - before
    yield before.alias(f"{metric.name}_compared")
    if metric.unit.kind == "share":
        yield difference.alias(f"{metric.name}_change")
        return
    # Per cent of nothing, or of a loss, say nothing; the difference still does.
    yield nw.when(before > 0).then(ratio(difference, before)).alias(f"{metric.name}_change")
    yield difference.alias(f"{metric.name}_difference")


def _value(metric: Metric, cut: Cut, *, end: str = "") -> nw.Expr:
    """The number itself, from its parts; of a computed measure, from the numbers it is made of."""
    if metric.operands:
        return metric.value({operand.name: _value(operand, cut, end=end) for operand in metric.operands})
    return metric.value({name: nw.col(_part_column(metric, name) + end) for name in cut.measure(metric).parts})


def _labelled(frames: Mapping[str, Frame], rows: Frame, cut: Cut) -> Frame:
    for dimension in cut.split:
        if dimension.labels is not None:
            table, key, title = dimension.labels
            named = frames[table].group_by(key).agg(nw.col(title).min().alias(f"{dimension.column}_name"))
            rows = rows.join(named, left_on=dimension.column, right_on=key, how="left")
    return rows
