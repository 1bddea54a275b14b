"""Metrics by dimensions, and the values one may choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.app.asked_rows import asked_rows, omitted_suspects, with_suspects
from rakurs.app.params import checked_params
from rakurs.app.rights import Scope, reached
from rakurs.core.answer import Omitted
from rakurs.core.frames import conform, with_json_text
from rakurs.core.metric import Basis, Dimension, Filters, Metric
from rakurs.core.params import CUSTOMER_SEGMENT, PRESET_LABELS, RECORDS, Params, PeriodParams, Records, parameter
from rakurs.core.periods import Comparison, Preset
from rakurs.core.table import Column, Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.marts.tables import DEAL_OUTCOMES, SALE_LINES, SALES
from rakurs.metrics import Cut, dimension_named, metric_named, pivot
from rakurs.metrics.pivot import rows_behind
from rakurs.schema import TABLES
from rakurs.schema.derived import stored
from rakurs.warehouse.reading import Reader

Frame = nw.LazyFrame[Any]

COMPARISON_LABELS = {
    Comparison.PREVIOUS: Text(ru="Прошлый период", en="Previous period"),
    Comparison.LAST_YEAR: Text(ru="Год назад", en="Last year"),
    Comparison.WEEKDAYS: Text(ru="Те же дни недели год назад", en="Same weekdays last year"),
    Comparison.HOLIDAYS: Text(ru="Год назад с поправкой на праздники", en="Last year, holidays aligned"),
    Comparison.NONE: Text(ru="Не сравнивать", en="No comparison"),
}
SHOWN_OPTIONS = 2_000

_TABLES: Mapping[str, Table] = {
    **{table.name: stored(table) for table in TABLES},
    **{mart.table.name: mart.table for mart in (CALENDAR_MART, *MARTS)},
}


def table_called(name: str) -> Table:
    """The canonical table or mart a metric reads."""
    return _TABLES[name]


class MeasureParams(PeriodParams):
    """Which days, held against which, of whom."""

    period: Preset = parameter(Preset.LAST_30_DAYS, Text(ru="Период", en="Period"), labels=PRESET_LABELS)
    compare: Comparison = parameter(Comparison.PREVIOUS, Text(ru="Сравнить", en="Compare"), labels=COMPARISON_LABELS)
    basis: Basis | None = parameter(
        None,
        Text(ru="Что считать продажей", en="What counts as a sale"),
        labels={"deals": Text(ru="Выигранные сделки", en="Won deals"), "orders": Text(ru="Заказы", en="Orders")},
    )
    pipeline: str | None = parameter(None, Text(ru="Воронка", en="Pipeline"), unit=Unit.ID, options="pipeline")
    manager: str | None = parameter(None, Text(ru="Менеджер", en="Manager"), unit=Unit.ID, options="manager")
    channel: str | None = parameter(None, Text(ru="Канал", en="Channel"), unit=Unit.ID, options="channel")
    customer_segment: str | None = CUSTOMER_SEGMENT
    records: Records = RECORDS

    @property
    def filters(self) -> Filters:
        """The wanted pipeline, manager and channel, where given."""
        wanted = {name: getattr(self, name) for name in ("pipeline", "manager", "channel")}
        return Filters(values={name: (value,) for name, value in wanted.items() if value is not None})


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotAnswer:
    """Metrics by dimensions: the split's values first, then each metric with its interval and comparison."""

    columns: tuple[Column, ...]
    table: pa.Table
    left_out: tuple[Omitted, ...] = ()


def pivot_of(
    reader: Reader,
    metrics: Sequence[str],
    by: Sequence[str],
    raw: Mapping[str, Any],
    *,
    today: date,
    scope: Scope,
    fiscal_year_start: int = 1,
) -> PivotAnswer:
    """Any metrics by any dimensions that fit them; without a comparison unless one is asked for."""
    params = checked_params(MeasureParams, {"compare": Comparison.NONE, **raw}).bound(
        today, fiscal_year_start=fiscal_year_start
    )
    wanted = [metric_named(name) for name in metrics]
    cut = cut_of(reader, params, tuple(dimension_named(name) for name in by), scope)
    columns = cut.columns(wanted)
    table = reader.collect(conform(pivot(frames_of_cut(reader, cut, wanted, params, scope), wanted, cut), columns))
    order = [(name, "ascending", "at_end") for name in cut.split_columns]
    left_out = omitted_suspects(
        reader,
        params,
        scope,
        counted=lambda deals: counted_deals(
            deals, frames=frames_of_cut(reader, cut, wanted, with_suspects(params), scope), metrics=wanted, cut=cut
        ),
    )
    return PivotAnswer(columns=columns, table=table.sort_by(order) if order else table, left_out=left_out)


def counted_deals(deals: Frame, *, frames: Mapping[str, Frame], metrics: Sequence[Metric], cut: Cut) -> Frame:
    """Those of `deals` that any of the metrics counts in the period of `cut`."""
    found: list[Frame] = []
    for read in {read.name: read for metric in metrics for read in metric.read}.values():
        mart = cut.measure(read).mart.name
        key = _DEAL_OF.get(mart)
        if key is not None and (mart == DEAL_OUTCOMES.name or cut.basis == "deals"):
            found.append(rows_behind(frames, read, cut).select(nw.col(key).alias("deal_id")))
    if not found:
        return deals.head(0)
    return deals.join(nw.concat(found).group_by("deal_id").agg(), on="deal_id", how="semi")


_DEAL_OF = {DEAL_OUTCOMES.name: "deal_id", SALES.name: "sale_id", SALE_LINES.name: "sale_id"}
"""Where a mart that metrics are read from keeps the deal."""


def options_of(reader: Reader, dimension_name: str, *, scope: Scope) -> tuple[tuple[str, str], ...]:
    """(value, label) of a dimension, by label: only values found in rows this user may see; none of a time's buckets."""
    dimension = dimension_named(dimension_name)
    if not dimension.columns:
        return ()
    values = _values(reader, dimension, scope)
    labelled = values.with_columns(nw.col("value").alias("label"))
    if dimension.labels is not None:
        table, key, title = dimension.labels
        names = (
            reached(reader, _TABLES[table], scope)
            .group_by(nw.col(key).alias("value"))
            .agg(nw.col(title).max().alias("title"))
        )
        labelled = values.join(names, on="value", how="left").with_columns(
            nw.coalesce(nw.col("title"), nw.col("value")).alias("label")
        )
    shown = reader.collect(labelled.select("value", "label").sort("label", "value").head(SHOWN_OPTIONS))
    return tuple((row["value"], row["label"]) for row in shown.to_pylist())


def custom_fields_of(reader: Reader, *, scope: Scope) -> tuple[str, ...]:
    """The names of the company's own fields, by name: only of rows this user may see."""
    found = {key for mart in (DEAL_OUTCOMES, SALES) for key in reader.keys_in(_rows_of(reader, mart, scope), "custom")}
    return tuple(sorted(found))


def cut_of(reader: Reader, params: MeasureParams, by: tuple[Dimension, ...], scope: Scope) -> Cut:
    """The question around the metrics. What a sale is, when not said, is what this user's sales are."""
    return Cut(
        period=params.window,
        basis=params.basis or usual_basis(reader, scope),
        by=by,
        filters=params.filters,
        compare=params.compare,
    )


def usual_basis(reader: Reader, scope: Scope) -> Basis:
    """What a sale is for this user when nobody says: a won deal where there are any, else an order."""
    sales = reached(reader, SALES, scope)
    # Won deals where there are any, else orders: "deals" < "orders".
    (row,) = reader.collect(sales.select(nw.col("basis").min())).to_pylist()
    return row["basis"] or "deals"


def frames_of_cut(
    reader: Reader, cut: Cut, metrics: Sequence[Metric], params: Params, scope: Scope
) -> dict[str, Frame]:
    """The tables a cut of metrics reads, limited to what `scope` reaches and to the segment of `params`."""
    names = {*cut.tables(metrics), CALENDAR_MART.table.name}
    return asked_rows(reader, {name: _TABLES[name] for name in names}, params, scope)


def _values(reader: Reader, dimension: Dimension, scope: Scope) -> Frame:
    """The values of a dimension in the deals and sales that have it, or in the mart that alone does."""
    marts = [mart for mart in (DEAL_OUTCOMES, SALES) if mart.name in dimension.columns] or [
        table_called(next(iter(dimension.columns)))
    ]
    found = nw.concat([_values_in(_rows_of(reader, mart, scope), dimension, mart) for mart in marts])
    return found.filter(~nw.col("value").is_null()).group_by("value").agg()


def _values_in(rows: Frame, dimension: Dimension, mart: Table) -> Frame:
    column = dimension.columns[mart.name]
    if dimension.custom_key is not None:
        return with_json_text(rows.select(column), column, dimension.custom_key, name="value").select("value")
    return rows.group_by(nw.col(column).alias("value")).agg()


def _rows_of(reader: Reader, mart: Table, scope: Scope) -> Frame:
    return reached(reader, mart, scope)
