"""How does a delimited text become raw rows so that every record keeps its place in the file?

The engine's own reader is many times faster than ours and is tried first. It takes blank lines away, counts the lines
above the table in its own way, and refuses ragged rows; a text where any of this matters is read by ours.

A row number counts records as a spreadsheet shows them: a blank line is a row, a quoted cell with line breaks stays in
one. Where no cell holds a line break, that is the line an editor shows.
"""

import codecs
import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from rakurs.core.source import Scan
from rakurs.schema.ddl import literal, quoted
from rakurs.warehouse.duckdb_engine import Cursor
from rakurs.warehouse.execution import Watch, watched

_CHUNK_CELLS = 400_000
_CHUNK_ROWS = 20_000
_CHUNK_BYTES = 4 << 20
_LONGEST_FIELD = 64 << 20
_BLANK_LINES = (b"\n\n", b"\n\r\n", b"\r\r")
_LOOK = 0.1
"""The share of the work that looking for blank lines is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """The raw columns of a text and where to write them: `overflow` takes what stands beyond the last one."""

    columns: tuple[str, ...]
    overflow: str
    target: Path
    options: str


def write_delimited(cursor: Cursor, scan: Scan, table: RawTable, watch: Watch) -> None:
    """Write the text of `scan` as Parquet, row under row, in the fast way where that loses no place."""
    rest = _later(watch, _LOOK)
    start = _start(scan)
    if not _has_blank_lines(scan, start.offset, watch):
        try:
            watched(cursor, _copy(_strict(scan, table), table), rest)
        except duckdb.InvalidInputException:
            rest = watch  # ragged rows or stray quotes
        else:
            if _first_row(table.target) == _fitted(start.record, len(table.columns))[:-1]:
                return
    table.target.unlink(missing_ok=True)
    reader = _Lenient(scan, table)
    cursor.register("arriving", pa.RecordBatchReader.from_batches(reader.schema, reader.batches()))
    try:
        names = ", ".join(map(quoted, reader.schema.names))
        watched(cursor, _copy(f"select {names} from arriving", table), rest, done=lambda: reader.share)
    finally:
        cursor.unregister("arriving")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """Where the first record begins, in bytes, and its cells; blank lines are passed over."""

    offset: int
    record: list[str]


def _start(scan: Scan) -> _Start:
    assert scan.path is not None
    with scan.path.open("rb") as head:
        passed = len(codecs.BOM_UTF8) if head.read(3) == codecs.BOM_UTF8 else 0

    def lines(file: TextIO) -> Iterator[str]:
        nonlocal passed
        for line in file:
            passed += len(line.encode())
            yield line

    with _opened(scan) as file:
        records = _records(lines(file), scan)
        for _ in islice(records, scan.first_row - 1):
            pass
        return _Start(offset=passed, record=next((record for record in records if record), []))


def _has_blank_lines(scan: Scan, offset: int, watch: Watch) -> bool:
    """Whether a blank line stands between two records, or seems to: in a quoted cell it does no harm."""
    assert scan.path is not None
    if len(scan.columns) == 1:  # there a blank line is a row to the engine too
        return False
    with scan.path.open("rb") as file:
        end = _end(file.seek(0, os.SEEK_END), scan.path)
        place = max(0, offset - 1)
        file.seek(place)
        before = b""
        while place < end and (chunk := file.read(min(_CHUNK_BYTES, end - place))):
            if any(mark in before + chunk for mark in _BLANK_LINES):
                return True
            before = chunk[-2:]
            place += len(chunk)
            watch(_LOOK * place / end)
    return False


def _end(size: int, path: Path) -> int:
    """Where the text ends but for the line ends after its last record."""
    with path.open("rb") as file:
        while size:
            step = min(_CHUNK_BYTES, size)
            file.seek(size - step)
            kept = len(file.read(step).rstrip(b"\r\n"))
            size += kept - step
            if kept:
                break
    return size


def _strict(scan: Scan, table: RawTable) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in table.columns)
    return (
        f"select * from read_csv({literal(str(scan.path))}, columns={{{columns}}}, auto_detect=false, header=false, "
        f"skip={scan.first_row - 1}, delim={literal(scan.delimiter)}, quote={literal(scan.quote)}, "
        f"escape={literal(scan.quote)})"
    )


def _first_row(target: Path) -> list[str | None]:
    with pq.ParquetFile(target) as written:
        for batch in written.iter_batches(batch_size=1):
            return [column[0].as_py() or None for column in batch.columns]
        return [None] * len(written.schema_arrow)


class _Lenient:
    """Every record, whatever its width: short ones are padded, the rest of long ones goes to the overflow column."""

    def __init__(self, scan: Scan, table: RawTable) -> None:
        self.schema = pa.schema([(name, pa.string()) for name in (*table.columns, table.overflow)])
        self.share = 0.0
        self._scan = scan
        self._width = len(table.columns)

    def batches(self) -> Iterator[pa.RecordBatch]:
        assert self._scan.path is not None
        size = max(1, self._scan.path.stat().st_size)
        rows = max(1, min(_CHUNK_ROWS, _CHUNK_CELLS // (self._width + 1)))
        with _opened(self._scan) as file:
            records = islice(_records(file, self._scan), self._scan.first_row - 1, None)
            while chunk := [_fitted(record, self._width) for record in islice(records, rows)]:
                self.share = file.buffer.tell() / size
                arrays = [pa.array(column, pa.string()) for column in zip(*chunk, strict=True)]
                yield pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def _fitted(record: list[str], width: int) -> list[str | None]:
    cells: list[str | None] = [cell or None for cell in record[:width]]
    beyond = [cell for cell in record[width:] if cell.strip()]
    return [*cells, *[None] * (width - len(cells)), " | ".join(beyond) or None]


def _records(lines: Iterator[str] | TextIO, scan: Scan) -> Iterator[list[str]]:
    csv.field_size_limit(_LONGEST_FIELD)
    return csv.reader(lines, delimiter=scan.delimiter, quotechar=scan.quote or None)


def _opened(scan: Scan):  # noqa: ANN202 - the exact text stream type has no public name
    assert scan.path is not None
    return scan.path.open(encoding="utf-8-sig", newline="", errors="strict")


def _copy(select: str, table: RawTable) -> str:
    return f"copy ({select}) to {literal(str(table.target))} ({table.options})"


def _later(watch: Watch, share: float) -> Watch:
    """The watch of what comes after the first `share` of a work."""
    return lambda done: watch(share + (1 - share) * done)
