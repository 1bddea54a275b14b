"""Scratch tables: how is a table that no engine can read as it is written down as text, row under row?"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_BATCH_CELLS = 400_000


def scratch_file(scratch: Path, name: str, suffix: str) -> Path:
    """A file under `scratch` for the part called `name`, the same on every call."""
    return scratch / f"{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}{suffix}"


def write_table(rows: Iterable[Sequence[str | None]], *, columns: Sequence[str], target: Path) -> int:
    """Writes rows of text as Parquet, empty cells as null, and counts them. Rows keep their places."""
    schema = pa.schema([pa.field(name, pa.string()) for name in columns])
    size = max(1, _BATCH_CELLS // max(1, len(columns)))
    count = 0
    remaining = iter(rows)
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        while batch := list(islice(remaining, size)):
            cells = [[_cell(row, place) for row in batch] for place in range(len(columns))]
            writer.write_table(pa.Table.from_arrays([pa.array(cell, pa.string()) for cell in cells], schema=schema))
            count += len(batch)
    return count


def _cell(row: Sequence[str | None], place: int) -> str | None:
    return (row[place] or None) if place < len(row) else None
