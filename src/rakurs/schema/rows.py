"""Rows as a person writes them -> the stored table: how do a few rows become what the marts read?

Files go through the intake, which checks and quarantines; this is for rows that are already clean: the examples
of the analyses, tests, and frames of a notebook.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from rakurs.core.table import Column, Table
from rakurs.core.units import Unit
from rakurs.schema.derived import base_of, day_of, epoch_of, has_currency, stored

Row = Mapping[str, Any]

_ARROW: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "BOOLEAN": pa.bool_(),
    "DECIMAL(18,2)": pa.decimal128(18, 2),
    "DECIMAL(18,3)": pa.decimal128(18, 3),
    "DECIMAL(18,4)": pa.decimal128(18, 4),
}


def stored_rows(table: Table, rows: Sequence[Row], timezone: str = "UTC", currency: str = "RUB") -> pa.Table:
    """`rows` of `table` as they would be stored, with business days, epochs and base currency beside them.

    Times without an offset are in `timezone`; money without a currency is in `currency`. Money in another
    currency has no base amount, because rows carry no rates. Columns the table does not declare become custom
    fields. Order lines without `line_no` are numbered in the order they come.
    """
    whole = stored(table)
    zone = ZoneInfo(timezone)
    filled = [_filled(table, row, zone, currency) for row in _numbered(table, rows)]
    return pa.table({column.name: _array(column, filled) for column in whole.columns}, schema=arrow_schema(whole))


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow types of a table's columns, exactly as they are stored."""
    return pa.schema([(column.name, _ARROW[column.unit.sql]) for column in table.columns])


def _array(column: Column, rows: Sequence[Row]) -> pa.Array:
    return pa.array([row.get(column.name) for row in rows], type=_ARROW[column.unit.sql])


def _numbered(table: Table, rows: Sequence[Row]) -> list[Row]:
    if "line_no" not in table.names:
        return list(rows)
    last: dict[Any, int] = {}
    numbered: list[Row] = []
    for row in rows:
        owner = row[table.key[0]]
        last[owner] = int(row.get("line_no") or last.get(owner, 0) + 1)
        numbered.append({**row, "line_no": last[owner]})
    return numbered


def _filled(table: Table, row: Row, zone: ZoneInfo, currency: str) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for column in table.columns:
        value = row.get(column.name)
        if value is None or value == "":
            continue
        if column.unit is Unit.TIME:
            filled.update(_moment(column.name, value, zone))
        else:
            filled[column.name] = _READERS.get(column.unit.sql, str)(value)
    filled.update(_base_money(table, filled, currency))
    filled.update(_origin(table, row, filled))
    return filled


def _moment(name: str, value: Any, zone: ZoneInfo) -> dict[str, Any]:
    """A time column with its business day and epoch. A bare day is its midnight in `zone`."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    local = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
    return {
        name: local.astimezone(UTC).replace(tzinfo=None),
        day_of(name): local.date(),
        epoch_of(name): int(local.timestamp()),
    }


def _base_money(table: Table, filled: Row, currency: str) -> dict[str, Any]:
    if not has_currency(table) or filled.get("currency", currency) != currency:
        return {}
    money = [column.name for column in table.columns if column.unit is Unit.MONEY and column.name in filled]
    return {base_of(name): filled[name] for name in money}


def _origin(table: Table, row: Row, filled: Row) -> dict[str, Any]:
    unknown = {name: value for name, value in row.items() if name not in stored(table).names}
    return {
        "source": str(row.get("source") or "rows"),
        "source_id": "/".join(str(filled.get(name, "")) for name in table.key),
        "batch_id": "rows",
        "loaded_at": datetime(1970, 1, 1),  # noqa: DTZ001 - stored times are UTC without an offset
        "deleted_at": row.get("deleted_at"),
        "custom": json.dumps(unknown, ensure_ascii=False, default=str) if unknown else None,
    }


def _day(value: Any) -> date:
    """A day; "2026-03" is the month's first."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return date.fromisoformat(value if len(value) > len("2026-03") else f"{value}-01")


def _flag(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).strip().lower() in {"true", "1", "yes", "да"}


def _decimal(places: int) -> Callable[[Any], Decimal]:
    step = Decimal(1).scaleb(-places)
    return lambda value: Decimal(str(value)).quantize(step)


_READERS: dict[str, Callable[[Any], Any]] = {
    "BIGINT": int,
    "DOUBLE": float,
    "DATE": _day,
    "BOOLEAN": _flag,
    "DECIMAL(18,2)": _decimal(2),
    "DECIMAL(18,3)": _decimal(3),
    "DECIMAL(18,4)": _decimal(4),
}
