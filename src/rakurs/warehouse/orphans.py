"""Which rows refer to a customer, deal, employee, product, pipeline or stage that is not there?"""

from collections.abc import Iterator
from dataclasses import dataclass

from rakurs.core.table import Table
from rakurs.schema import TABLES
from rakurs.schema.ddl import literal, quoted
from rakurs.warehouse.duckdb_engine import Cursor

_TARGETS = {table.name: table for table in TABLES}
_STAGE = ("pipeline_id", "stage_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphans:
    """Rows of `table` whose `column` names no row of `target`."""

    table: str
    column: str
    target: str
    rows: int


def orphans(cursor: Cursor) -> list[Orphans]:
    """Every such kind of rows; what refers to a table of which nothing is loaded is not counted, nor deleted rows."""
    loaded = {name for name in _TARGETS if cursor.execute(f"select 1 from {quoted(name)} limit 1").fetchall()}
    parts = [
        f"select {literal(table.name)}, {literal(names[-1])}, {literal(target)}, count(*) from {quoted(table.name)} as a "
        f"where deleted_at is null and {' and '.join(f'{quoted(name)} is not null' for name in names)} and not exists "
        f"(from {quoted(target)} as b where {' and '.join(f'a.{quoted(n)} = b.{quoted(k)}' for n, k in _pairs(names, target))})"
        for table in TABLES
        if table.name in loaded
        for names, target in _references(table)
        if target in loaded
    ]
    if not parts:
        return []
    found = cursor.execute(" union all ".join(parts)).fetchall()
    return [
        Orphans(table=table, column=column, target=target, rows=rows) for table, column, target, rows in found if rows
    ]


def _references(table: Table) -> list[tuple[tuple[str, ...], str]]:
    """The columns that name a row of another table, and that table."""
    single = [
        ((column.name,), column.references)
        for column in table.columns
        if column.references in _TARGETS and len(_TARGETS[column.references].key) == 1
    ]
    names_stage = set(_STAGE) <= set(table.names) and table.name != "stages"
    return [*single, (_STAGE, "stages")] if names_stage else single


def _pairs(names: tuple[str, ...], target: str) -> Iterator[tuple[str, str]]:
    return zip(names, _TARGETS[target].key, strict=True)
