"""The few table verbs that engines lack or disagree on, written once over narwhals.

Only here may code branch on the engine, by native methods and without importing it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.core.table import Column
from rakurs.core.units import Unit

Frame = nw.LazyFrame[Any]


def conform(frame: Frame, columns: Sequence[Column]) -> Frame:
    """`frame` with exactly the declared columns, in order, cast to the units' types; no row changes."""
    return frame.select(*(nw.col(column.name).cast(column.unit.dtype).alias(column.name) for column in columns))


def absent(unit: Unit) -> nw.Expr:
    """A column of nulls of the unit's type."""
    return nw.lit(None).cast(unit.dtype)


def count_distinct(value: str | nw.Expr) -> nw.Expr:
    """How many different non-null values a column holds (`n_unique` would count null as one)."""
    values = nw.col(value) if isinstance(value, str) else value
    known = values.count()
    different = values.n_unique() - (nw.len() > known).cast(nw.Int64())
    return nw.when(known > 0).then(different).otherwise(nw.lit(0))


def count_where(condition: nw.Expr) -> nw.Expr:
    """How many rows meet `condition`; 0 over nothing, and a row where it is null does not count."""
    return nw.when(condition).then(nw.lit(1)).count().cast(nw.Int64())


def sum_where(name: str, condition: nw.Expr) -> nw.Expr:
    """The sum of a money column over the rows that meet `condition`; 0 over nothing, nulls add nothing."""
    # Without an "otherwise" the column keeps its own, narrower type: adding it up costs a third.
    return nw.when(condition).then(nw.col(name)).sum()


def sum_or_null(name: str) -> nw.Expr:
    """The sum of a column, null when there is nothing to add (engines answer 0 or null)."""
    return nw.when(nw.col(name).count() > 0).then(nw.col(name).sum())


def any_of(condition: nw.Expr) -> nw.Expr:
    """Whether any row of the group meets `condition`; false over nothing and over nulls."""
    return count_where(condition) > 0


def ratio(numerator: nw.Expr, denominator: nw.Expr) -> nw.Expr:
    """`numerator / denominator` as a float; null where the denominator is 0 or null: absent is not zero."""
    bottom = denominator.cast(nw.Float64())
    return nw.when(bottom != 0.0).then(numerator.cast(nw.Float64()) / bottom)


def row_number(within: Sequence[str], order: Sequence[str]) -> nw.Expr:
    """1, 2, 3 ... inside each group of `within`, in the order of `order`, which must end in a key."""
    return nw.col(order[-1]).is_null().cum_count().over(*within, order_by=list(order)).cast(nw.Int64())


def same(left: nw.Expr, right: nw.Expr) -> nw.Expr:
    """Equality of two text columns in which null equals null."""
    return (left == right).fill_null(value=False) | (left.is_null() & right.is_null())


def where_cell(frame: Frame, cell: dict[str, Any]) -> Frame:
    """The rows of `frame` whose columns hold the values of `cell`; a null value means "without one"."""
    for name, value in cell.items():
        column = nw.col(name)
        frame = frame.filter(column.is_null() if value is None else column == nw.lit(value))
    return frame


def united(parts: Sequence[Frame], columns: Sequence[Column]) -> Frame:
    """The rows of all `parts`, each brought to the declared columns first."""
    return nw.concat([conform(part, columns) for part in parts])


def with_json_text(frame: Frame, column: str, key: str, *, name: str) -> Frame:
    """`frame` with `name`: what the JSON object in `column` holds under `key`, as text.

    Null where the row has no object, the object no such key, or the key a null. `key` may hold any sign.
    """
    native: Any = frame.to_native()
    if frame.implementation.is_duckdb():
        pointer = "/" + key.replace("~", "~0").replace("/", "~1").replace("'", "''")
        quoted = name.replace('"', '""')
        return nw.from_native(native.select(f'*, json_extract_string("{column}", \'{pointer}\') AS "{quoted}"'))
    if frame.implementation.is_polars():
        pl: Any = nw.get_native_namespace(frame)
        decoded = pl.col(column).str.json_decode(pl.Struct({key: pl.String}))
        return nw.from_native(native.with_columns(decoded.struct.field(key).alias(name)))
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    found = f"try_element_at(from_json(`{column}`, 'map<string,string>'), '{escaped}')"
    return nw.from_native(native.selectExpr("*", f"{found} AS `{name.replace('`', '``')}`"))


def to_money(amount: nw.Expr) -> nw.Expr:
    """A float amount as money, to the cent, halves away from zero.

    Engines round an exact half to a decimal differently, so it is rounded here, before the cast.
    """
    cents = (amount.abs() * 100.0 + 0.5).floor() / 100.0
    return nw.when(amount < 0.0).then(-cents).otherwise(cents).cast(Unit.MONEY.dtype)


def money_each(money: nw.Expr, count: nw.Expr) -> nw.Expr:
    """`money / count` to the cent, halves away from zero; null where the count is 0 or null."""
    return to_money(ratio(money, count))


def quantiles_by(frame: Frame, by: Sequence[str], value: str, *, shares: Mapping[str, float], count: str) -> Frame:
    """One row per group: under `count` how many values it has, and its exact quantiles, linearly interpolated.

    `shares` names each quantile and says where it stands, 0..1. Rows without a value must be filtered out before.
    """
    if frame.implementation.is_duckdb():
        # One state for all quantiles: each of its own would collect and sort every value again.
        native: Any = frame.to_native()
        keys = ", ".join('"' + name.replace('"', '""') + '"' for name in by)
        listed = ", ".join(f"{share!r}::double" for share in shares.values())
        grouped = native.aggregate(f'{keys}, count(*) AS "{count}", quantile_cont("{value}", [{listed}]) AS cuts', keys)
        named = ", ".join(f'cuts[{place}] AS "{name}"' for place, name in enumerate(shares, start=1))
        return nw.from_native(grouped.select(f'{keys}, "{count}", {named}'))
    cuts = [nw.col(value).quantile(share, "linear").alias(name) for name, share in shares.items()]
    return frame.group_by(*by).agg(nw.len().alias(count), *cuts)


def sums_by_each(
    frame: Frame, sets: Sequence[Sequence[str]], sums: Sequence[str], *, keeps_absent: bool = False
) -> Frame:
    """One row per set of keys and combination of their values: the sums of `sums`, 0 where there is nothing.

    `set` is the place of the set in `sets`, in which each is once; keys of the other sets are null. A row that lacks a
    value of a set is in none of its groups, or with `keeps_absent` in a group of its own. An empty set is everything.
    No rows make none.
    """
    keys = list(dict.fromkeys(key for chosen in sets for key in chosen))
    if not frame.implementation.is_polars():
        return _by_grouping_sets(frame, sets, keys, sums, keeps_absent=keeps_absent)
    kinds = frame.select(*keys).collect_schema()
    parts: list[Frame] = []
    for number, chosen in enumerate(sets):
        known = [] if keeps_absent else [~nw.col(key).is_null() for key in chosen]
        # Everything together has a row in polars where there is none: grouped by a constant it has not.
        counted = (frame.filter(*known) if known else frame).with_columns(nw.lit(number).alias("set"))
        part = counted.group_by("set", *chosen).agg(*(nw.col(name).sum() for name in sums))
        told = (nw.col(key) if key in chosen else nw.lit(None).cast(kinds[key]).alias(key) for key in keys)
        parts.append(part.select("set", *told, *sums))
    return nw.concat(parts)


def _by_grouping_sets(
    frame: Frame, sets: Sequence[Sequence[str]], keys: Sequence[str], sums: Sequence[str], *, keeps_absent: bool
) -> Frame:
    # One pass over the rows: asked set by set, whatever they are made of would be worked out once more for each.
    native: Any = frame.to_native()
    mark = '"' if frame.implementation.is_duckdb() else "`"

    def listed(names: Sequence[str]) -> str:
        return ", ".join(f"{mark}{name.replace(mark, mark * 2)}{mark}" for name in names)

    # A bit for each key that is not of the set, the first one's the highest.
    masks = [sum(1 << place for place, key in enumerate(reversed(keys)) if key not in chosen) for chosen in sets]
    numbers = " ".join(f"when {mask} then {number}" for number, mask in enumerate(masks))
    added = ", ".join(f"coalesce(sum({listed([name])}), 0) as {listed([name])}" for name in sums)
    named = [] if keeps_absent else keys
    known = " and ".join(
        # Without any row, DuckDB makes one of the empty set, and Spark none.
        ["count(*) > 0", *(f"(grouping({listed([key])}) = 1 or {listed([key])} is not null)" for key in named)]
    )
    wanted = f"case grouping_id({listed(keys)}) {numbers} end as {listed(['set'])}, {listed(keys)}, {added}, {known} as is_known"
    grouping = f"grouping sets ({', '.join(f'({listed(chosen)})' for chosen in sets)})"
    if frame.implementation.is_duckdb():
        grouped = native.aggregate(wanted, grouping)
    else:
        asked, by = (text.replace("{", "{{").replace("}", "}}") for text in (wanted, grouping))
        grouped = native.sparkSession.sql(f"select {asked} from {{told}} group by {by}", told=native)
    return nw.from_native(grouped).filter(nw.col("is_known")).drop("is_known")


def run_once(frame: Frame) -> Frame:
    """`frame` for several readers: DuckDB runs it here and keeps its rows, the other engines see by themselves that
    parts of one plan are the same.
    """
    if not frame.implementation.is_duckdb():
        return frame
    native: Any = frame.to_native()
    return nw.from_native(native.materialize())


def rows_beside(frame: Frame, data: pa.Table) -> Frame:
    """`data` as a frame of the same engine and connection as `frame`, so that the two can be joined."""
    native: Any = frame.to_native()
    if frame.implementation.is_duckdb():
        return nw.from_native(native.query("rakurs_rows", "select * from data"))  # finds `data` by its name here
    if frame.implementation.is_polars():
        pl: Any = nw.get_native_namespace(frame)
        return nw.from_native(pl.from_arrow(data).lazy())
    return nw.from_native(native.sparkSession.createDataFrame(data))


def with_local_time(frame: Frame, column: str, zone: str) -> Frame:
    """`frame` with `column` as the time on the clocks of `zone`: a day is its midnight, ISO text is read.

    A time without an offset is local already; a time with one is moved to `zone`.
    """
    dtype = frame.collect_schema()[column]
    # Nanoseconds with an offset, as pandas keeps times, have no name among the frame types.
    if isinstance(dtype, nw.Unknown) or (isinstance(dtype, nw.Datetime) and dtype.time_zone is not None):
        return _moved_to(frame, column, zone)
    is_text = isinstance(dtype, nw.String) and frame.implementation.is_polars()
    value = nw.col(column).str.to_datetime() if is_text else nw.col(column)
    return frame.with_columns(value.cast(nw.Datetime("us")))


def _moved_to(frame: Frame, column: str, zone: str) -> Frame:
    native: Any = frame.to_native()
    if frame.implementation.is_duckdb():
        return nw.from_native(native.select(f'* REPLACE (timezone(\'{zone}\', "{column}")::TIMESTAMP AS "{column}")'))
    if frame.implementation.is_polars():
        moved = nw.col(column).dt.convert_time_zone(zone).dt.replace_time_zone(None)
        return frame.with_columns(moved.cast(nw.Datetime("us")))
    kept = [f"`{name}`" for name in native.columns if name != column]
    moved_sql = f"convert_timezone(current_timezone(), '{zone}', CAST(`{column}` AS TIMESTAMP_NTZ)) AS `{column}`"
    return nw.from_native(native.selectExpr(*kept, moved_sql))


def with_day(frame: Frame, number: str, *, name: str) -> Frame:
    """`frame` with `name`: the day that is `number` days after 1 January 1970; null where the number is.

    The calendar need not reach so far.
    """
    native: Any = frame.to_native()
    if frame.implementation.is_duckdb():
        return nw.from_native(native.select(f'*, DATE \'1970-01-01\' + "{number}"::INTEGER AS "{name}"'))
    if frame.implementation.is_polars():
        return frame.with_columns(nw.col(number).cast(nw.Int32()).cast(nw.Date()).alias(name))
    return nw.from_native(native.selectExpr("*", f"date_from_unix_date(CAST(`{number}` AS INT)) AS `{name}`"))


def with_epoch(frame: Frame, column: str, *, name: str) -> Frame:
    """`frame` with `name`: seconds from 1970 to the time in `column`, a time without an offset."""
    native: Any = frame.to_native()
    if frame.implementation.is_duckdb():
        return nw.from_native(native.select(f'*, epoch("{column}")::BIGINT AS "{name}"'))
    if frame.implementation.is_polars():
        return frame.with_columns((nw.col(column).dt.timestamp("us") // 1_000_000).alias(name))
    # Read as UTC whatever the session's zone: both sides of the difference are in that zone.
    seconds = f"timestampdiff(SECOND, TIMESTAMP_NTZ '1970-01-01 00:00:00', `{column}`)"
    return nw.from_native(native.selectExpr("*", f"{seconds} AS `{name}`"))
