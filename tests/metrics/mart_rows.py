"""Marts written by hand, small enough to count on fingers."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import pyarrow as pa

from engines import EngineUnderTest, Frame, calendar_rows
from rakurs.core.table import Table
from rakurs.marts.tables import AD_SPENDING, DEAL_OUTCOMES, LEAD_OUTCOMES, PHONE_CALLS, SALE_LINES, SALES, TOUCHPOINTS
from rakurs.schema import CAMPAIGNS, CHANNELS, CUSTOMERS, EMPLOYEES, LOSS_REASONS, PIPELINES, PRODUCTS, STAGES
from rakurs.schema.derived import stored
from rakurs.schema.rows import arrow_schema

Rows = Sequence[Mapping[str, Any]]
_BATCHES = count()
_CALENDARS: dict[str, Frame] = {}
_TITLED = (EMPLOYEES, PIPELINES, STAGES, CHANNELS, CAMPAIGNS, PRODUCTS, CUSTOMERS, LOSS_REASONS)


def on(day: str) -> date:
    return date.fromisoformat(day)


def sale(sale_id: str, sold_on: str, revenue: str, **columns: Any) -> dict[str, Any]:
    """A sale by orders of manager `m1`, first of its customer unless said otherwise."""
    filled = {"basis": "orders", "is_sale": True, "is_first": True, "customer_id": f"c{sale_id}", "returned": "0"}
    return {**filled, "sale_id": sale_id, "sold_on": on(sold_on), "revenue": revenue, **columns}


def deal(deal_id: str, created_on: str, outcome: str, closed_on: str | None = None, **columns: Any) -> dict[str, Any]:
    closed = on(closed_on) if closed_on else None
    cycle = float((closed - on(created_on)).days) if closed else None
    return {
        "deal_id": deal_id,
        "created_on": on(created_on),
        "outcome": outcome,
        "closed_on": closed,
        "cycle_days": cycle,
        **columns,
    }


def mart_frames(engine: EngineUnderTest, rows: Mapping[str, Rows]) -> dict[str, Frame]:
    """The marts and the tables of titles on `engine`, under names of their own; those not given are empty."""
    batch = next(_BATCHES)
    marts = (SALES, SALE_LINES, DEAL_OUTCOMES, PHONE_CALLS, LEAD_OUTCOMES, AD_SPENDING, TOUCHPOINTS)
    tables = [*marts, *(stored(table) for table in _TITLED)]
    frames = {
        table.name: engine.frame(f"{table.name}_{batch}", arrow_rows(table, rows.get(table.name, ())))
        for table in tables
    }
    frames["calendar"] = _calendar(engine)
    return frames


def _calendar(engine: EngineUnderTest) -> Frame:
    if engine.name not in _CALENDARS:
        _CALENDARS[engine.name] = engine.frame("calendar_of_metrics", calendar_rows())
    return _CALENDARS[engine.name]


def arrow_rows(table: Table, rows: Rows) -> pa.Table:
    schema = arrow_schema(table)
    columns = {
        field.name: pa.array([_read(field.type, row.get(field.name)) for row in rows], field.type) for field in schema
    }
    return pa.table(columns, schema=schema)


def _read(kind: pa.DataType, value: Any) -> Any:
    return Decimal(value) if value is not None and pa.types.is_decimal(kind) else value
