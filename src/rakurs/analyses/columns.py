"""Columns that several answers show: declared once, so that they read the same everywhere."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema.columns import choice, column, flag, named
from rakurs.schema.deals import OUTCOMES


def overlapping(name: str, unit: Unit, ru: str, en: str) -> Column:
    """A column whose rows count the same things more than once, so that a total of it would be a lie."""
    return Column(name=name, unit=unit, title=Text(ru=ru, en=en), adds_up=False)


_ARROW: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "number": pa.float64(),
    "money": pa.decimal128(38, 2),
    "share": pa.float64(),
    "day": pa.date32(),
    "flag": pa.bool_(),
}


def answered(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> pa.Table:
    """Rows made in Python as an answer with the declared columns; works for no rows too."""
    arrays: dict[str, pa.Array] = {}
    for item in columns:
        kind = pa.int64() if item.unit.sql == "BIGINT" else _ARROW[item.unit.kind]
        arrays[item.name] = pa.array([row[item.name] for row in rows], type=kind)
    return pa.table(arrays)


PIPELINE = (
    column("pipeline_id", Unit.ID, "Код воронки", "Pipeline id"),
    column("pipeline", Unit.TEXT, "Воронка", "Pipeline"),
)
STAGE = (
    column("stage_id", Unit.ID, "Код этапа", "Stage id"),
    column("stage", Unit.TEXT, "Этап", "Stage"),
    column("position", Unit.POSITION, "Порядок", "Position"),
    choice("outcome", "Исход", "Outcome", OUTCOMES),
)
MANAGER = (
    column("manager_id", Unit.ID, "Код менеджера", "Manager id"),
    column("manager", Unit.TEXT, "Менеджер", "Manager"),
)
CUSTOMER = (
    column("customer_id", Unit.ID, "Код клиента", "Customer id"),
    column("customer", Unit.TEXT, "Клиент", "Customer"),
)

__all__ = ["CUSTOMER", "MANAGER", "PIPELINE", "STAGE", "answered", "choice", "column", "flag", "named", "overlapping"]
