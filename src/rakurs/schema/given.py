"""A person's own frame -> the stored table: how do columns of a notebook become what the marts read?

Nothing is run: every step is a lazy expression of the frame's own engine. Files go through the intake instead,
which checks and quarantines.
"""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.errors import BadInput
from rakurs.core.frames import absent, conform, row_number, rows_beside, to_money, with_epoch, with_local_time
from rakurs.core.table import Column, Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema.derived import ORIGIN, base_of, day_of, epoch_of, has_currency, stored
from rakurs.schema.rows import stored_rows

Frame = nw.LazyFrame[Any]

_LINE = "line_no"


def given_table(table: Table, frame: Frame, *, timezone: str, currency: str) -> Frame:
    """`frame` as the stored `table`: known columns cast, missing ones empty, derived ones computed.

    A day may stand in for a time (`ordered_on` for `ordered_at`). Times with an offset are moved to `timezone`;
    others are local already, and elapsed time is counted by the local clock. Money is in the company's
    `currency` unless the frame's own `currency` column says otherwise: such rows have no base amount, because a
    notebook has no rates. Columns the table does not know are left out. BadInput names required columns that
    are missing.
    """
    types = dict(frame.collect_schema())
    missing = [column.name for column in table.columns if column.required and _origin_of(column, types) is None]
    if missing:
        raise _columns_missing(table, missing)
    for column in table.columns:
        frame = _with_column(frame, column, types, timezone)
    if _LINE in table.names and _LINE not in types:
        frame = frame.with_columns(row_number((table.key[0],), ("product_id", "quantity", "price")).alias(_LINE))
    if has_currency(table):
        money = [column for column in table.columns if column.unit is Unit.MONEY]
        is_ours = nw.coalesce("currency", nw.lit(currency)) == currency
        frame = frame.with_columns(
            *(nw.when(is_ours).then(nw.col(column.name)).alias(base_of(column.name)) for column in money)
        )
    unknown = [column for column in ORIGIN if column.name not in types]
    frame = frame.with_columns(*(absent(column.unit).alias(column.name) for column in unknown))
    return conform(frame.with_columns(nw.coalesce("source", nw.lit("notebook")).alias("source")), stored(table).columns)


def empty_table(table: Table, beside: Frame) -> Frame:
    """The stored `table` without rows, on the engine of `beside`."""
    return rows_beside(beside, stored_rows(table, ()))


def _origin_of(column: Column, types: dict[str, Any]) -> str | None:
    """The given column that fills `column`; None when nothing does."""
    names = (column.name, day_of(column.name)) if column.unit is Unit.TIME else (column.name,)
    return next((name for name in names if name in types), None)


def _with_column(frame: Frame, column: Column, types: dict[str, Any], timezone: str) -> Frame:
    origin = _origin_of(column, types)
    if column.unit is Unit.TIME:
        return _with_time(frame, column, origin, timezone)
    if origin is None:
        return frame.with_columns(absent(column.unit).alias(column.name))
    if column.unit is Unit.DAY:
        if isinstance(types[origin], nw.String):
            frame = frame.with_columns(_first_of_month(nw.col(origin)).alias(origin))
        return with_local_time(frame, origin, timezone).with_columns(nw.col(origin).dt.date())
    return frame.with_columns(_cast(column, types[origin]))


def _first_of_month(day: nw.Expr) -> nw.Expr:
    """ISO text of a day; "2026-03" is the month's first."""
    is_month = day.str.len_chars() == len("2026-03")
    return nw.when(is_month).then(nw.concat_str(day, nw.lit("-01"))).otherwise(day)


def _with_time(frame: Frame, column: Column, origin: str | None, timezone: str) -> Frame:
    """The time, and beside it the business day and the epoch."""
    day, epoch = day_of(column.name), epoch_of(column.name)
    if origin is None:
        units = {column.name: Unit.TIME, day: Unit.DAY, epoch: Unit.EPOCH}
        return frame.with_columns(*(absent(unit).alias(name) for name, unit in units.items()))
    timed = with_local_time(frame.with_columns(nw.col(origin).alias(column.name)), column.name, timezone)
    dated = timed.with_columns(nw.col(column.name).dt.date().alias(day))
    return with_epoch(dated, column.name, name=epoch)


def _cast(column: Column, dtype: Any) -> nw.Expr:
    value = nw.col(column.name)
    if column.unit is Unit.MONEY and dtype.is_float():
        return to_money(value)
    if column.unit.kind == "text" and dtype.is_float():
        value = value.cast(nw.Int64())  # whole numbers among missing ones, as pandas keeps them
    return value.cast(column.unit.dtype)


def _columns_missing(table: Table, missing: Sequence[str]) -> BadInput:
    names, known = ", ".join(missing), ", ".join(table.names)
    return BadInput(
        Text(
            ru=f"Таблица {table.name}: нет обязательных столбцов: {names}. Её столбцы: {known}.",
            en=f"Table {table.name}: required columns are missing: {names}. Its columns: {known}.",
        )
    )
