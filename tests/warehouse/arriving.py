"""Deliveries made by hand, as a source would hand them over."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rakurs.core.loading import LoadReport
from rakurs.core.source import Delivery, FileMapping, Scan, TableMapping, Value
from rakurs.schema import table_named
from rakurs.warehouse.warehouse import Warehouse


def columns_of(table: str, header: Sequence[str]) -> dict[str, Value]:
    """Each canonical column from the file's column of the same name."""
    known = table_named(table).names
    return {name: Value(columns=(name,)) for name in header if name in known}


def delivery(
    folder: Path,
    table: str,
    text: str,
    *,
    slot: str | None = None,
    source: str = "files",
    values: Mapping[str, Value] | None = None,
    tables: Sequence[TableMapping] | None = None,
    scan: Mapping[str, Any] | None = None,
    **mapping: Any,
) -> Delivery:
    """The CSV `text` as a delivery for `table`, its columns under canonical names unless told otherwise."""
    text = text.lstrip("\n")
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.csv"
    path.write_text(text, encoding="utf-8", newline="")
    delimiter = (scan or {}).get("delimiter", ",")
    header = tuple(next(csv.reader(io.StringIO(text), delimiter=delimiter)))
    file_mapping = FileMapping(
        name=f"canonical {table}",
        source=source,
        tables=tuple(tables or [TableMapping(table=table, values=dict(values or columns_of(table, header)))]),
        **mapping,
    )
    return Delivery(
        entity=table,
        slot=slot or f"{table}.csv",
        scan=Scan(**{"kind": "delimited", "path": path, "columns": header, **(scan or {})}),
        mapping=file_mapping,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        size_bytes=len(text.encode()),
    )


def rows(warehouse: Warehouse, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """The named columns of a table, sorted; moments by time, the rest as text."""
    with warehouse.reading() as reader:
        found = reader.collect(reader.frame(table).select(*columns))
    return sorted(
        (tuple(row[name] for name in columns) for row in found.to_pylist()),
        key=lambda row: [value.isoformat() if isinstance(value, date) else repr(value) for value in row],
    )


def counts(report: LoadReport, table: str) -> tuple[int, int, int, int, int, int]:
    """read, inserted, updated, unchanged, quarantined, repeated."""
    found = next(count for count in report.tables if count.table == table)
    parts = (found.inserted, found.updated, found.unchanged, found.quarantined, found.repeated)
    assert found.read == sum(parts)
    return (found.read, *parts)
