"""Rows that programs send one by one: each names its canonical table and its columns, so nothing is guessed."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rakurs.core.errors import BadInput
from rakurs.core.source import Delivery, FileMapping, Scan, TableMapping, Value
from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.schema import table_named

NAME = "events"
MOST_ROWS = 10_000
"""Rows of one call: more belong into a file."""
_NO_ROWS = Text(
    ru="нужен объект или список объектов, хотя бы один.", en="an object or a list of objects is needed, at least one."
)
_TOO_MANY = Text(
    ru="{rows} строк за раз, можно до {most}: разделите или загрузите файлом.",
    en="{rows} rows at once, up to {most} are taken: split them, or load a file.",
)
_NO_OBJECT = Text(
    ru="строка {row}: нужен объект с полями таблицы.", en="row {row}: an object with the table's columns is needed."
)
_NO_KEY = Text(
    ru="строка {row}: нет значения «{column}», по нему строка узнаётся при повторе.",
    en="row {row}: “{column}” has no value; by it a row is known when it is sent again.",
)


def checked(table_name: str, body: Any) -> list[Mapping[str, Any]]:
    """The rows of a call, each an object with its table's key. Raises UnknownName, or BadInput that names the row."""
    table = table_named(table_name)
    rows: list[Any] = [body] if isinstance(body, dict) else body
    if not isinstance(rows, list) or not rows:
        raise BadInput(_NO_ROWS)
    if len(rows) > MOST_ROWS:
        raise BadInput(_TOO_MANY.filled(rows=len(rows), most=MOST_ROWS))
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise BadInput(_NO_OBJECT.filled(row=number))
        for column in table.key:
            if row.get(column) in (None, ""):
                raise BadInput(_NO_KEY.filled(row=number, column=column))
    return rows


def line_of(table_name: str, row: Mapping[str, Any]) -> bytes:
    """A row as one line of the inbox."""
    return f"{table_name}\t{json.dumps(row, ensure_ascii=False, default=str)}\n".encode()


def deliveries(segments: Sequence[Path], *, scratch: Path) -> Iterator[Delivery]:
    """What the lines of inbox files bring, in the order they came: one delivery per file and table.

    A last line without its end was never answered for, and is left out.
    """
    for segment in segments:
        by_table: dict[str, list[bytes]] = {}
        columns: dict[str, dict[str, None]] = {}
        for line in _whole_lines(segment):
            name, _, text = line.partition(b"\t")
            table_name = name.decode()
            by_table.setdefault(table_name, []).append(text)
            columns.setdefault(table_name, {}).update(dict.fromkeys(json.loads(text)))
        for table_name, lines in by_table.items():
            yield _delivery(table_named(table_name), segment.stem, lines, tuple(columns[table_name]), scratch=scratch)


def _whole_lines(segment: Path) -> Iterable[bytes]:
    with segment.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line[:-1]


def _delivery(table: Table, stem: str, lines: list[bytes], columns: tuple[str, ...], *, scratch: Path) -> Delivery:
    content = b"\n".join(lines) + b"\n"
    path = scratch / f"{stem}-{table.name}.jsonl"
    path.write_bytes(content)
    known = {name: Value(columns=(name,)) for name in columns if name in table.names}
    return Delivery(
        entity=table.name,
        slot=f"{NAME}/{table.name}/{stem}",
        scan=Scan(kind="jsonl", path=path, columns=columns, first_row=1),
        mapping=FileMapping(
            name=f"{NAME} {table.name}",
            date_order="ymd",
            tables=(TableMapping(table=table.name, values=known),),
        ),
        content_hash=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
    )
