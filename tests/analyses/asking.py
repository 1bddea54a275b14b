"""Asking an analysis in a test, the way the app does: compute in the engine, conform, finish, order."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from engines import EngineUnderTest, Frame
from rakurs.core.analysis import Analysis
from rakurs.core.frames import conform


def inputs_of(analysis: Analysis, frames: Mapping[str, Frame]) -> dict[str, Frame]:
    return {name: frames[table.name] for name, table in analysis.inputs.items()}


def answer(
    analysis: Analysis, engine: EngineUnderTest, frames: Mapping[str, Frame], params: Any
) -> list[dict[str, Any]]:
    return answer_to(analysis, engine, inputs_of(analysis, frames), params)


def answer_to(
    analysis: Analysis, engine: EngineUnderTest, inputs: Mapping[str, Frame], params: Any
) -> list[dict[str, Any]]:
    frame = analysis.compute(params=params, **inputs)
    if analysis.finish is None:
        table = engine.collect(conform(frame, analysis.columns))
    else:
        table = analysis.finish(engine.collect(frame), params)
    return ordered(analysis, table).to_pylist()


def ordered(analysis: Analysis, table: pa.Table) -> pa.Table:
    names = [column.name for column in analysis.columns]
    keys = [
        (item.removeprefix("-"), "descending" if item.startswith("-") else "ascending", "at_end")
        for item in analysis.order
    ]
    return table.select(names).sort_by(keys)


def members(
    analysis: Analysis, engine: EngineUnderTest, frames: Mapping[str, Frame], params: Any, cell: Mapping[str, Any]
) -> list[Any]:
    table = engine.collect(analysis.members.select(inputs_of(analysis, frames), params, cell))
    (name,) = table.column_names
    return table[name].to_pylist()


def plain(value: Any) -> Any:
    """Numbers as floats, so that a Decimal, an int and a float of the same size are equal."""
    return float(value) if isinstance(value, (Decimal, int, float)) and not isinstance(value, bool) else value
