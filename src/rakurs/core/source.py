"""The contract of a source: foreign records, described well enough for the warehouse to take them in.

A source never opens the warehouse. It hands over `Delivery` objects: what came (`Scan`), and how each of its
columns becomes a canonical one (`Mapping`). The warehouse writes what came to the raw zone and converts it
with the mapping, inside the engine.
"""

from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from rakurs.core.text import Text

ScanKind = Literal["delimited", "parquet", "jsonl", "arrow"]
DateOrder = Literal["dmy", "mdy", "ymd"]
Deletes = Literal["listed", "unlisted", "siblings"]
"""Which rows of the source a batch of keys (the `values` of its mapping) marks as deleted: those it lists, all it does not
list, or those that share the first of its columns with a listed row and are not listed (lines an order has no more)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """How to read what came as a table of text columns.

    `columns` are the names after merged header rows are flattened and repeats are numbered, in file order.
    `first_row` is the 1-based row of the file that holds the first record, so that an error can name it.
    `tail_rows` is how many rows at the end are totals, not records. A row equal to `header_values` is a header
    repeated in the middle of the file, not a record. `sheet` is the sheet of a workbook. Text is UTF-8: other
    encodings are transcoded into a scratch file before they come here (`encoding` says what it was).
    A row whose cells are all empty is never a record and never a totals row; it only counts for row numbers.
    For kind "arrow" the records come from `batches` instead of `path`.
    """

    kind: ScanKind
    columns: tuple[str, ...]
    path: Path | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    first_row: int = 2
    tail_rows: int = 0
    header_values: tuple[str, ...] = ()
    sheet: str | None = None
    batches: pa.RecordBatchReader | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """How one canonical column is made from the columns of a file.

    The first non-empty of `columns` is taken, looked up in `replace` (exact, trimmed), and where still empty
    `default` stands. `constant` alone gives the same value to every row. Conversion to the column's unit comes
    after. `join` glues all `columns` with that text instead of taking the first. `row_number` is for files
    whose records have no id: the value is "<slot of the delivery>:<row of the file>", the same on every reload.
    """

    columns: tuple[str, ...] = ()
    constant: str | None = None
    default: str | None = None
    replace: AbstractMapping[str, str] = field(default_factory=dict[str, str])
    join: str | None = None
    row_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableMapping:
    """How one file feeds one canonical table: a value per canonical column.

    `distinct` makes one row per distinct key (a "Customer" column of a deals export feeds `customers`);
    rows whose key is empty are then skipped, not errors. `deletes` turns the batch into a list of ids that marks rows
    as deleted instead of bringing any. `only_where` keeps the rows where a column has one
    of the listed values, trimmed; "" stands for an empty cell. `rows` are constant rows (the stages of a pipeline
    a file does not describe).
    """

    table: str
    values: AbstractMapping[str, Value] = field(default_factory=dict[str, Value])
    distinct: bool = False
    only_where: AbstractMapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    rows: tuple[AbstractMapping[str, Any], ...] = ()
    deletes: Deletes | None = None
    keep_custom: bool = True
    """Whether columns no mapping uses are kept as custom fields of this table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMapping:
    """What a file of one shape means: the tables it feeds and how its values are written."""

    name: str
    tables: tuple[TableMapping, ...]
    source: str = "files"
    timezone: str | None = None
    currency: str | None = None
    date_order: DateOrder = "dmy"
    ignored: tuple[str, ...] = ()
    """Columns that a person said are not wanted; they stay in raw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One batch as a source hands it over: where it came from, how to read it, what it means."""

    entity: str
    slot: str
    scan: Scan
    mapping: FileMapping
    content_hash: str
    size_bytes: int = 0
    notes: tuple[Text, ...] = ()
    """What recognition wants a person to know: "2 totals rows at the end were left out"."""
