"""Reads a scan the way the contract says an engine does: with DuckDB, blank rows, repeated headers and totals out."""

import duckdb

from rakurs.core.source import Scan

Rows = list[dict[str, str | None]]


def rows_of(scan: Scan) -> Rows:
    columns = ", ".join(f"'{name.replace(chr(39), chr(39) * 2)}': 'VARCHAR'" for name in scan.columns)
    path = str(scan.path).replace("'", "''")
    delimiter = scan.delimiter.replace("'", "''")
    readers = {
        "delimited": f"read_csv('{path}', header=false, skip={scan.first_row - 1}, auto_detect=false, "
        f"columns={{{columns}}}, delim='{delimiter}', quote='\"', escape='\"', null_padding=true, strict_mode=false, parallel=false)",
        "parquet": f"read_parquet('{path}')",
        "jsonl": f"read_json('{path}', format='newline_delimited', columns={{{columns}}})",
    }
    with duckdb.connect() as connection:
        found = connection.execute(f"select * from {readers[scan.kind]}")
        names = [column[0] for column in found.description]
        rows = [tuple(row) for row in found.fetchall() if any(cell not in {None, ""} for cell in row)]
    header = tuple(cell or None for cell in scan.header_values)
    rows = [row for row in rows if row != header]
    kept = rows[: len(rows) - scan.tail_rows]
    return [dict(zip(names, (None if cell is None else str(cell) for cell in row), strict=True)) for row in kept]
