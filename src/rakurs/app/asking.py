"""One question, asked: parameters checked, frames limited, the engine run, the passport filled."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from time import perf_counter
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.app.asked_rows import (
    FIELD,
    asked_rows,
    leaves_suspects_out,
    omitted_suspects,
    segment_of,
    segment_title,
    with_suspects,
)
from rakurs.app.measuring import table_called
from rakurs.app.params import given_params
from rakurs.app.rights import Scope, nameable
from rakurs.core.analysis import Analysis, Frames, Naming, Statement
from rakurs.core.answer import Answer, InputRead, Missing, Omitted, Passport, Status
from rakurs.core.errors import UnknownName
from rakurs.core.frames import conform, sum_or_null
from rakurs.core.params import Params, PeriodParams
from rakurs.core.periods import DAY
from rakurs.core.table import COLUMN, Column
from rakurs.core.text import Text
from rakurs.marts import MARTS
from rakurs.metrics import dimension_named
from rakurs.warehouse.reading import Reader
from rakurs.warehouse.warehouse import TableState

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataState:
    """The warehouse at the moment of the question."""

    version: int
    newest_on: date | None
    tables: Mapping[str, TableState]

    def loaded_at(self, table: str) -> datetime | None:
        """When a load last brought rows to `table`, or to what a mart of that name is made of."""
        times = (self.tables[name].loaded_at for name in canonical_behind(table) if name in self.tables)
        return max((time for time in times if time is not None), default=None)


WHOLE_ROWS = 20_000
"""An answer of up to so many rows is brought here whole."""
FIRST_ROWS = 2_000
"""Of a longer one only the first rows are: nobody turns more pages, and a million rows take longer than the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """An answer before paging: what is kept in the cache. `table` holds its first rows, all of a short one."""

    table: pa.Table
    total_rows: int
    chart: pa.Table
    passport: Passport
    status: Status
    missing: tuple[Missing, ...]
    totals: Mapping[str, Any]
    story: tuple[Statement, ...] = ()

    def covers(self, *, limit: int | None, offset: int, sort: str | None) -> bool:
        """Whether that page can be cut out of `table`."""
        if self.table.num_rows == self.total_rows:
            return True
        return sort is None and limit is not None and offset + limit <= self.table.num_rows


def canonical_behind(table: str) -> frozenset[str]:
    """The canonical tables a mart is made of, through other marts too; a canonical table is its own."""
    mart = _MARTS.get(table)
    if mart is None:
        return frozenset({table})
    return frozenset(name for source in mart.inputs.values() for name in canonical_behind(source.name))


_MARTS = {mart.table.name: mart for mart in MARTS}


def frames_of(reader: Reader, analysis: Analysis, params: Params, scope: Scope) -> dict[str, Frame]:
    """The analysis' inputs, limited to what `scope` reaches and to the segment of `params`."""
    return asked_rows(reader, analysis.inputs, params, scope)


def computed(reader: Reader, analysis: Analysis, params: Params, *, scope: Scope, state: DataState) -> Computed:
    """The answer to `analysis`, in its own order, with passport; below its gate, what is missing."""
    started = perf_counter()
    frames = frames_of(reader, analysis, params, scope)
    decided = _decided(reader, analysis, frames, params)
    missing = _missing(reader, analysis, frames, decided)
    if missing:
        found = _whole(reader, analysis, frames, decided, _empty(analysis.columns))
    else:
        found = _found(reader, analysis, frames, decided)
    passport = _passport(
        reader, analysis, frames, params, decided, scope=scope, state=state, sql=found.sql, started=started
    )
    return Computed(
        table=found.table,
        total_rows=found.total_rows,
        chart=found.chart,
        passport=passport,
        status="not_enough_data" if missing else "ok",
        missing=missing,
        totals=found.totals,
        story=analysis.story(found.table, params) if analysis.story and not missing else (),
    )


def rows_beyond(
    reader: Reader,
    analysis: Analysis,
    params: Params,
    *,
    scope: Scope,
    limit: int | None,
    offset: int,
    sort: str | None,
) -> pa.Table:
    """A page that a long answer's first rows do not hold, or all its rows: asked of the engine again."""
    names = [column.name for column in analysis.columns]
    if sort is not None and sort.removeprefix("-") not in names:
        raise UnknownName(COLUMN, sort.removeprefix("-"), names)
    frames = frames_of(reader, analysis, params, scope)
    answer = analysis.compute(params=_decided(reader, analysis, frames, params), **frames)
    order = analysis.order if sort is None else (*analysis.pinned, sort, *analysis.order)
    return reader.pages(_in_order(conform(answer, analysis.columns), order), limit=limit, offset=offset)


def page_of(
    whole: Computed, analysis: Analysis, params: Params, *, limit: int | None, offset: int, sort: str | None
) -> Answer:
    """One page of a computed answer that covers it, sorted by `sort` ("-revenue" descends) or in its own order."""
    table = whole.table if sort is None else sorted_by(whole.table, (*analysis.pinned, sort, *analysis.order))
    return answer_of(whole, analysis, params, table.slice(offset, limit))


def answer_of(whole: Computed, analysis: Analysis, params: Params, page: pa.Table) -> Answer:
    """`page` with everything else an answer carries."""
    return Answer(
        analysis=analysis.name,
        params=params.model_dump(mode="json"),
        columns=analysis.columns,
        table=page,
        chart=whole.chart,
        total_rows=whole.total_rows,
        passport=whole.passport,
        status=whole.status,
        missing=whole.missing,
        totals=whole.totals,
        story=whole.story,
    )


def sorted_by(table: pa.Table, order: Sequence[str]) -> pa.Table:
    """`table` sorted; a leading "-" descends; nulls stand last either way; the first mention of a column counts."""
    keys: dict[str, tuple[str, str, str]] = {}
    for item in order:
        name = item.removeprefix("-")
        if name not in table.column_names:
            raise UnknownName(COLUMN, name, table.column_names)
        keys.setdefault(name, (name, "descending" if item.startswith("-") else "ascending", "at_end"))
    return table.sort_by(list(keys.values()))


def chart_rows(table: pa.Table, analysis: Analysis) -> pa.Table:
    """The rows the chart draws: counts per pair for a heatmap of customers, rows spread along a curve, else the first."""
    chart = analysis.chart
    if _counts_pairs(analysis):
        pair = [chart.x, *chart.y]
        return table.group_by(pair).aggregate([([], "count_all")]).rename_columns([*pair, chart.color])
    if chart.spread is not None:
        return table.take(pa.array((number - 1 for number in _spread(table.num_rows, chart.limit)), pa.int64()))
    return table.slice(0, chart.limit)


def _spread(rows: int, most: int) -> list[int]:
    """At most `most` numbers from 1 to `rows`, evenly spread, both ends included."""
    if rows <= most:
        return list(range(1, rows + 1))
    return [1 + step * (rows - 1) // (most - 1) for step in range(most)]


def _counts_pairs(analysis: Analysis) -> bool:
    """Whether the chart's colour is no column of the answer, but how many rows a pair has."""
    chart = analysis.chart
    return chart.kind == "heatmap" and chart.color not in {None, *(column.name for column in analysis.columns)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the engine answered: the first rows, and what is said of all of them."""

    sql: str
    table: pa.Table
    total_rows: int
    chart: pa.Table
    totals: Mapping[str, Any]


def _decided(reader: Reader, analysis: Analysis, frames: Frames, params: Params) -> Params:
    """`params` with what they leave to the data decided; as they are where there are no such rows at all."""
    choice = analysis.choice
    if choice is None or getattr(params, choice.name) != choice.undecided:
        return params
    for value in choice.values:
        decided = params.model_copy(update={choice.name: value})
        if reader.count(choice.rows(frames, decided).head(1)):
            return decided
    return params


def _found(reader: Reader, analysis: Analysis, frames: Frames, params: Params) -> _Found:
    if analysis.naming is not None:
        return _found_and_named(reader, analysis, analysis.naming, frames, params)
    frame = analysis.compute(params=params, **frames)
    if analysis.finish is None:
        table = reader.collect(_in_order(conform(frame, analysis.columns), analysis.order))
    else:
        reduced = analysis.finish(reader.collect(frame), params)
        table = sorted_by(_cast(reduced, analysis.columns), analysis.order)
    return _whole(reader, analysis, frames, params, table, sql=reader.sql(frame))


def _found_and_named(reader: Reader, analysis: Analysis, naming: Naming, frames: Frames, params: Params) -> _Found:
    """An answer that may be long: it stays in the engine, and only what is shown of it is named and brought here."""
    unnamed = naming.unnamed(params=params, **frames)
    sql = reader.sql(naming.add(unnamed, frames, params))
    columns = [column for column in analysis.columns if column.name not in naming.columns]
    with reader.kept(conform(unnamed, columns)) as (kept, rows):
        is_long = rows > WHOLE_ROWS
        first = _in_order(kept, analysis.order).head(FIRST_ROWS) if is_long else kept

        def named(part: Frame) -> pa.Table:
            whole = conform(naming.add(part, frames, params), analysis.columns)
            return reader.collect(_in_order(whole, analysis.order))

        table = named(first)
        if not is_long:
            return _whole(reader, analysis, frames, params, table, sql=sql)
        return _Found(
            sql=sql,
            table=table,
            total_rows=rows,
            chart=_chart_of_long(reader, kept, table, analysis, named=named, rows=rows),
            totals=_totals_of_long(reader, kept, analysis, frames, params),
        )


def _whole(
    reader: Reader, analysis: Analysis, frames: Frames, params: Params, table: pa.Table, *, sql: str = ""
) -> _Found:
    return _Found(
        sql=sql,
        table=table,
        total_rows=table.num_rows,
        chart=chart_rows(table, analysis),
        totals=_totals(reader, analysis, frames, params, table),
    )


def _chart_of_long(
    reader: Reader,
    kept: Frame,
    first: pa.Table,
    analysis: Analysis,
    *,
    named: Callable[[Frame], pa.Table],
    rows: int,
) -> pa.Table:
    """`chart_rows` of an answer whose rows stay in the engine; `named` brings some of them here with their names."""
    chart = analysis.chart
    if chart.spread is not None:
        return named(kept.filter(nw.col(chart.spread).is_in(_spread(rows, chart.limit))))
    if not _counts_pairs(analysis):
        return chart_rows(first, analysis)
    pair = [chart.x, *chart.y]
    return reader.collect(kept.group_by(*pair).agg(nw.len().alias(str(chart.color))).sort(*pair))


def _totals_of_long(reader: Reader, kept: Frame, analysis: Analysis, frames: Frames, params: Params) -> dict[str, Any]:
    """`_totals` of an answer whose rows stay in the engine."""
    if analysis.totals is not None:
        return dict(reader.collect(analysis.totals(frames, params)).to_pylist()[0])
    added = [column for column in analysis.columns if column.unit.is_additive and column.adds_up]
    if not added:
        return {}
    sums = kept.select(*(sum_or_null(column.name).alias(column.name) for column in added))
    (row,) = reader.collect(conform(sums, added)).to_pylist()
    return dict(row)


def _in_order(frame: Frame, order: Sequence[str]) -> Frame:
    """`frame` sorted inside the engine, as `sorted_by` sorts a table: the first mention of a column counts."""
    wanted = {item.removeprefix("-"): item for item in reversed(order)}
    names = list(dict.fromkeys(item.removeprefix("-") for item in order))
    return frame.sort(*names, descending=[wanted[name].startswith("-") for name in names], nulls_last=True)


def _cast(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    schema = _empty(columns).schema
    return table.select(schema.names).cast(schema)


def _empty(columns: Sequence[Column]) -> pa.Table:
    return pa.table({column.name: pa.array([], type=ARROW_TYPES[column.unit.sql]) for column in columns})


ARROW_TYPES: Mapping[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "BOOLEAN": pa.bool_(),
    "DECIMAL(18,2)": pa.decimal128(38, 2),
    "DECIMAL(18,3)": pa.decimal128(38, 3),
    "DECIMAL(18,4)": pa.decimal128(38, 4),
}


def _missing(reader: Reader, analysis: Analysis, frames: Frames, params: Params) -> tuple[Missing, ...]:
    unmet: list[Missing] = []
    for need in analysis.gate.needs:
        have = reader.count(need.rows(frames, params).head(need.at_least))
        if have < need.at_least:
            unmet.append(Missing(what=need.what, at_least=need.at_least, have=have))
    return tuple(unmet)


def _totals(reader: Reader, analysis: Analysis, frames: Frames, params: Params, table: pa.Table) -> dict[str, Any]:
    """The analysis' own totals, or the sums of the columns whose parts add up to the whole."""
    if analysis.totals is None:
        return _sums(table, analysis.columns)
    if not table.num_rows:
        return {}
    (row,) = reader.collect(analysis.totals(frames, params)).to_pylist()
    return dict(row)


def _sums(table: pa.Table, columns: Sequence[Column]) -> dict[str, Any]:
    """Sums of the columns whose parts add up to the whole; a total of rates would be a lie."""
    names = [column.name for column in columns if column.unit.is_additive and column.adds_up]
    if not names:
        return {}
    (sums,) = table.group_by([]).aggregate([(name, "sum") for name in names]).to_pylist()
    return {name: sums[f"{name}_sum"] for name in names}


def _passport(
    reader: Reader,
    analysis: Analysis,
    frames: Frames,
    params: Params,
    decided: Params,
    *,
    scope: Scope,
    state: DataState,
    sql: str,
    started: float,
) -> Passport:
    is_whole = scope.kind == "all" and segment_of(params) is None and not leaves_suspects_out(params)
    inputs = tuple(
        InputRead(
            table=table.name,
            title=table.title,
            rows=_rows_read(reader, frames[name], table.name, state, is_whole=is_whole),
            loaded_at=state.loaded_at(table.name),
        )
        for name, table in analysis.inputs.items()
    )
    left_out = [Omitted(reason=i.reason, rows=reader.count(i.rows(frames, decided))) for i in analysis.left_out]
    suspect = omitted_suspects(
        reader, params, scope, counted=lambda deals: _counted_of(deals, reader, analysis, decided, scope)
    )
    filters = {name: value for name, value in given_params(params).items() if name not in _PERIOD_FIELDS}
    return Passport(
        definition=analysis.definition,
        how_to_read=analysis.how_to_read,
        source=analysis.source,
        period=period_words(params),
        filters=filters,
        names=_names_of(reader, params, filters, scope),
        scope=scope.title,
        inputs=inputs,
        left_out=(*suspect, *(item for item in left_out if item.rows)),
        notes=_age_notes(params, state),
        data_version=state.version,
        loaded_at=max((item.loaded_at for item in inputs if item.loaded_at), default=None),
        newest_on=state.newest_on.isoformat() if state.newest_on else None,
        computed_at=datetime.now(UTC),
        seconds=perf_counter() - started,
        sql=sql,
    )


def _counted_of(deals: Frame, reader: Reader, analysis: Analysis, params: Params, scope: Scope) -> Frame:
    """Those of `deals` that the answer would count, were no record suspect."""
    if analysis.counted_deals is None:
        return params.spoken_of(deals)
    everything = with_suspects(params)
    return analysis.counted_deals(deals, frames_of(reader, analysis, everything, scope), everything)


def _names_of(reader: Reader, params: Params, filters: Mapping[str, Any], scope: Scope) -> dict[str, str]:
    """What a person calls the managers, channels, segments that the question is narrowed to."""
    names: dict[str, str] = {}
    for name, info in params.infos().items():
        if name not in filters or info.options is None:
            continue
        if info.options == FIELD:
            names[filters[name]] = segment_title(filters[name])
        elif (labels := dimension_named(info.options).labels) is not None:
            table, key, title = labels
            values = filters[name] if isinstance(filters[name], list) else [filters[name]]
            rows = nameable(reader, table_called(table), scope).filter(nw.col(key).is_in(values)).select(key, title)
            names |= {row[key]: row[title] for row in reader.collect(rows).to_pylist() if row[title]}
    return names


def _rows_read(reader: Reader, frame: Frame, table: str, state: DataState, *, is_whole: bool) -> int:
    if is_whole and table in state.tables:
        return state.tables[table].rows
    return reader.count(frame)


def _age_notes(params: Params, state: DataState) -> tuple[Text, ...]:
    if state.newest_on is None or state.newest_on >= params.today:
        return ()
    return (
        Text(
            ru="Данные есть по {newest}; вопрос задан на {today}",
            en="Data reaches {newest}; the question is asked as of {today}",
        ).filled(newest=state.newest_on, today=params.today),
    )


_PERIOD_FIELDS = frozenset({"period", "from_day", "to_day", "as_of"})


def period_words(params: Params) -> str:
    """The period as ISO days, both included: "2026-01-01..2026-01-31"; open ends are left blank."""
    if not isinstance(params, PeriodParams):
        return f"..{params.today.isoformat()}"
    window = params.window
    start = window.start.isoformat() if window.start else ""
    end = (window.end - DAY).isoformat() if window.end else ""
    return f"{start}..{end}"
