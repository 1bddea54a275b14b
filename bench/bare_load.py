"""How long would DuckDB alone take for the same files, with nothing checked, kept raw, or derived?

`plain` is `create table as select *`. `typed` is what a person would write to have usable columns: each column cast
to its type and the business days, epochs and base amounts that questions need; the cast trusts the file.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from bench.company import PEER_MEMORY
from rakurs.core.table import Table
from rakurs.core.units import Unit
from rakurs.schema import table_named
from rakurs.schema.ddl import literal, quoted
from rakurs.schema.derived import base_of, day_of, epoch_of, has_currency

_READERS = {".parquet": "read_parquet({})", ".csv": "read_csv({})"}


def plain(target: Path, files: Iterable[Path]) -> int:
    """Every file as a table, as it is; the rows loaded."""
    return _loaded(target, ((path, "*") for path in files))


def typed(target: Path, files: Iterable[Path]) -> int:
    """Every file as a table with typed and derived columns; rows that do not convert get nulls."""
    with duckdb.connect() as connection:
        listed = [(path, _typed_columns(connection, path)) for path in files]
    return _loaded(target, listed)


def _loaded(target: Path, selections: Iterable[tuple[Path, str]]) -> int:
    config = {"memory_limit": PEER_MEMORY, "temp_directory": str(target.with_suffix(".spill"))}
    rows = 0
    with duckdb.connect(str(target), config=config) as connection:
        for path, columns in selections:
            made = f"create table {quoted(path.stem)} as select {columns} from {_reader(path)}"
            rows += connection.execute(made).fetchall()[0][0]
        connection.execute("checkpoint")
    return rows


def _reader(path: Path) -> str:
    return _READERS[path.suffix].format(literal(str(path)))


def _typed_columns(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    table = table_named(path.stem)
    there = [row[0] for row in connection.execute(f"describe select * from {_reader(path)}").fetchall()]
    return ", ".join(_columns(table, there))


def _columns(table: Table, there: Sequence[str]) -> list[str]:
    found: list[str] = []
    for column in table.columns:
        if column.name not in there:
            continue
        cast = f"try_cast({quoted(column.name)} as {column.unit.sql})"
        if column.unit is Unit.TIME:
            utc = f"({cast}::timestamp - interval 3 hour)"
            found += [
                f"{utc} as {quoted(column.name)}",
                f"({cast})::date as {quoted(day_of(column.name))}",
                f"epoch({utc})::bigint as {quoted(epoch_of(column.name))}",
            ]
            continue
        found.append(f"{cast} as {quoted(column.name)}")
        if column.unit is Unit.MONEY and has_currency(table):
            found.append(f"{cast} as {quoted(base_of(column.name))}")
    return found


LOADS: Mapping[str, Callable[[Path, Iterable[Path]], int]] = {"plain": plain, "typed": typed}
