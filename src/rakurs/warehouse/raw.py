"""What came, as it came: how does a file become an immutable Parquet batch of text columns?

`raw/<source>/<entity>/<batch>.parquet` holds one text column per column of the file, in the file's row order,
totals rows and repeated headers included, so that a row's number is `first_row` plus its position. The batch is
named after the content and the way it is read, so the same content is stored once. It is written under a
temporary name, flushed to disk and renamed: a batch is there wholly or not at all.
"""

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from rakurs.core.errors import UnreadableFile
from rakurs.core.source import Delivery, Scan
from rakurs.core.text import Text
from rakurs.schema.ddl import literal, quoted
from rakurs.warehouse.codec import fingerprint, scan_json
from rakurs.warehouse.delimited import RawTable, write_delimited
from rakurs.warehouse.duckdb_engine import Cursor
from rakurs.warehouse.execution import Watch, watched

UNFINISHED = ".unfinished"
OVERFLOW = "rakurs_overflow"
"""The raw column with a record's values beyond the file's last column; there only in files that have such rows."""

# Text pages above this size are not worth a dictionary: without one, writing takes a third less time.
_PARQUET = (
    "format parquet, compression zstd, compression_level 1, parquet_version v2, string_dictionary_page_size_limit 10000"
)
_GONE = Text(
    ru="этой части сырых данных больше нет. Верните файл из копии (rakurs restore).",
    en="this part of the raw data is gone. Bring the file back from a backup (rakurs restore).",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One stored batch. `columns` are the raw column names, in the order of the scan's."""

    batch_id: str
    path: Path
    columns: tuple[str, ...]
    rows: int
    has_overflow: bool


def raw_names(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The scan's columns as Parquet names: never empty, different also when case is ignored."""
    taken: set[str] = {OVERFLOW, "file_row_number", "filename"}
    names: list[str] = []
    for position, column in enumerate(columns, start=1):
        name = wanted = column.strip() or f"column_{position}"
        repeat = 1
        while name.lower() in taken:
            repeat += 1
            name = f"{wanted} ({repeat})"
        taken.add(name.lower())
        names.append(name)
    return tuple(names)


def stored_batch(cursor: Cursor, delivery: Delivery, *, raw: Path, watch: Watch) -> Batch:
    """The batch of `delivery` in the raw zone, written now unless the same content is already there."""
    batch_id = fingerprint(delivery.content_hash, scan_json(delivery.scan))
    folder = raw / _folder_name(delivery.mapping.source) / _folder_name(delivery.entity)
    path = folder / f"{batch_id}.parquet"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(UNFINISHED)
        _write(cursor, delivery, unfinished, watch)
        flush_to_disk(unfinished)
        unfinished.rename(path)
        for made in (folder, folder.parent, raw):
            flush_to_disk(made)
    return opened_batch(path, delivery.scan)


def opened_batch(path: Path, scan: Scan) -> Batch:
    """A batch that is already in the raw zone. UnreadableFile where somebody took it away."""
    if not path.exists():
        raise UnreadableFile(str(path), _GONE)
    metadata = pq.read_metadata(path)
    has_overflow = OVERFLOW in metadata.schema.names
    return Batch(
        batch_id=path.stem,
        path=path,
        columns=raw_names(scan.columns),
        rows=metadata.num_rows,
        has_overflow=has_overflow,
    )


def remove_unfinished(raw: Path) -> int:
    """Clear what a killed load left half written; how many files there were."""
    left = list(raw.rglob(f"*{UNFINISHED}"))
    for path in left:
        path.unlink()
    return len(left)


def _write(cursor: Cursor, delivery: Delivery, target: Path, watch: Watch) -> None:
    scan = delivery.scan
    target.unlink(missing_ok=True)
    try:
        if scan.kind == "delimited":
            # A text that cannot be read strictly aborts the transaction it is read in: not the load's own.
            with cursor.cursor() as apart:
                names = raw_names(scan.columns)
                table = RawTable(columns=names, overflow=OVERFLOW, target=target, options=_PARQUET)
                write_delimited(apart, scan, table, watch)
        elif scan.kind == "arrow":
            if scan.batches is None:
                raise ValueError(f"{delivery.slot}: an arrow scan needs batches")
            _write_arrow(cursor, _as_text(scan), scan.batches, target, watch)
        else:
            watched(cursor, _copy(_SELECT[scan.kind](scan), target), watch)
    except (duckdb.InvalidInputException, duckdb.IOException, csv.Error, UnicodeDecodeError) as error:
        detail = str(error).splitlines()[0]
        raise UnreadableFile(
            delivery.slot,
            Text(ru=f"не читается: {detail}", en=f"cannot be read: {detail}"),
        ) from error


def _write_arrow(cursor: Cursor, select: str, reader: pa.RecordBatchReader, target: Path, watch: Watch) -> None:
    cursor.register("arriving", reader)
    try:
        watched(cursor, _copy(f"select {select} from arriving", target), watch)
    finally:
        cursor.unregister("arriving")


def _as_text(scan: Scan) -> str:
    pairs = zip(scan.columns, raw_names(scan.columns), strict=True)
    return ", ".join(f"{quoted(column)}::varchar as {quoted(name)}" for column, name in pairs)


def _parquet(scan: Scan) -> str:
    return f"select {_as_text(scan)} from read_parquet({_path(scan)})"


def _jsonl(scan: Scan) -> str:
    columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in scan.columns)
    source = f"read_json({_path(scan)}, format='newline_delimited', columns={{{columns}}})"
    return f"select {_as_text(scan)} from {source}"


_SELECT = {"parquet": _parquet, "jsonl": _jsonl}


def _copy(select: str, target: Path) -> str:
    return f"copy ({select}) to {literal(str(target))} ({_PARQUET})"


def _path(scan: Scan) -> str:
    return literal(str(scan.path))


def _folder_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "unnamed"


def flush_to_disk(path: Path) -> None:
    """What was written to a file, or which names a folder holds, survives a loss of power from here on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
