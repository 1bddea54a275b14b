"""Which columns of an answer does a person read, and how does each value stand in a table?"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from rakurs.app.formats import Format
from rakurs.core.analysis import Analysis
from rakurs.core.periods import Grain
from rakurs.core.table import Column
from rakurs.core.units import Unit

WHOLE_MONEY_FROM = 1000


def shown_columns(analysis: Analysis, columns: Sequence[Column]) -> tuple[Column, ...]:
    """What a person reads: an id beside its name, bounds of an interval and order numbers stay out."""
    chart = analysis.chart
    bounds = (name for column in columns for name in column.interval or ())
    aside = {*(chart.interval or ()), *bounds, chart.complete}
    telling = {chart.x, *analysis.members.by}
    return tuple(
        column
        for column in columns
        if column.name not in aside
        and (column.unit is not Unit.POSITION or column.name in telling)
        and not is_named_elsewhere(column, columns)
    )


def value_text(
    column: Column, value: Any, form: Format, *, decimals: int | None = None, grain: Grain | None = None
) -> str:
    """A value as it stands in a table; a chosen word in the page's language."""
    if value in column.choices:
        return column.choices[value].to(form.language)
    return form.shown(value, column.unit, decimals=decimals, grain=grain)


def is_named_elsewhere(column: Column, columns: Sequence[Column]) -> bool:
    """Whether an id stands beside its own name: `manager_id` beside `manager`, `id` or `key` beside `name`."""
    names = {item.name for item in columns}
    if column.unit is Unit.ID and column.name in ("id", "key"):
        return "name" in names
    return column.unit is Unit.ID and column.name.endswith("_id") and column.name.removesuffix("_id") in names


def decimals_of(table: pa.Table, column: Column) -> int | None:
    """One number of decimals for a whole column of money: none where amounts are large or all whole."""
    if column.unit is not Unit.MONEY:
        return None
    known = [abs(value) for value in table[column.name].to_pylist() if value is not None]
    is_whole = all(value == Decimal(value).to_integral_value() for value in known)
    return 0 if is_whole or max(known, default=0) >= WHOLE_MONEY_FROM else 2
