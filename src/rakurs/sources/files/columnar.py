"""Columnar and JSON files: which columns do Parquet and JSON Lines hold?"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rakurs.core.errors import UnreadableFile
from rakurs.core.source import Scan
from rakurs.core.text import Text
from rakurs.sources.files.charset import Told, as_utf8, content_hash
from rakurs.sources.files.layout import unique_names
from rakurs.sources.files.parts import Part
from rakurs.sources.files.scratch_tables import scratch_file, write_table
from rakurs.sources.files.tablepart import TablePart
from rakurs.sources.files.texts import SAMPLE_ROWS
from rakurs.sources.files.workbooks import as_text

_MAX_ARRAY_BYTES = 256 << 20
_TOLD_LINES = 5000
_BROKEN_PARQUET = Text(
    ru="Parquet не читается ({reason}). Выгрузите файл заново.",
    en="the Parquet file cannot be read ({reason}). Export it again.",
)
_BAD_LINE = Text(
    ru="строка {row}: не JSON ({reason}). Исправьте её или выгрузите файл заново.",
    en="row {row}: not JSON ({reason}). Correct it or export the file again.",
)
_NOT_OBJECT = Text(
    ru="строка {row}: ожидается объект {{...}} с полями.", en="row {row}: an object {{...}} with fields is expected."
)
_LARGE_ARRAY = Text(
    ru="большой JSON одним списком. Выгрузите его как JSON Lines: один объект на строку.",
    en="a large JSON in one list. Export it as JSON Lines: one object per line.",
)
_NO_RECORDS = Text(ru="в файле нет записей. Выгрузите его заново.", en="the file has no records. Export it again.")


def parquet_parts(part: Part, *, scratch: Path, told: Told) -> tuple[TablePart, ...]:
    """The one table of a Parquet file, read where it lies."""
    del scratch
    try:
        with pq.ParquetFile(part.path) as parquet:
            columns = tuple(parquet.schema_arrow.names)
            count = parquet.metadata.num_rows
            first = next(parquet.iter_batches(batch_size=SAMPLE_ROWS), None)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(part.file, _BROKEN_PARQUET.filled(reason=error)) from error
    rows = first.to_pylist() if first is not None else []
    return (
        TablePart(
            file=part.file,
            stem=Path(part.file).stem,
            scan=Scan(kind="parquet", columns=columns, path=part.path, first_row=1),
            sample=tuple(tuple(_cell(row[name]) for name in columns) for row in rows),
            rows_estimate=count,
            content_hash=content_hash(part.path, told=told),
            size_bytes=part.path.stat().st_size,
        ),
    )


def json_parts(part: Part, *, scratch: Path, told: Told) -> tuple[TablePart, ...]:
    """The one table of a JSON Lines file; a JSON list of objects is rewritten as lines first.

    Every line is read, since a field may first occur in the last one.
    """
    text = as_utf8(part.path, file=part.file, scratch=scratch, told=lambda share: told(share / 2))
    path = _as_lines(text.path, file=part.file, scratch=scratch)
    columns: dict[str, None] = {}
    sample: list[dict[str, Any]] = []
    count = 0
    for record in _objects(path, file=part.file, told=lambda share: told((1 + share) / 2)):
        count += 1
        columns.update(dict.fromkeys(record))
        if len(sample) < SAMPLE_ROWS:
            sample.append(record)
    if not columns:
        raise UnreadableFile(part.file, _NO_RECORDS)
    names = tuple(columns)
    rows = tuple(tuple(_cell(record.get(name)) for name in names) for record in sample)
    scan = Scan(kind="jsonl", columns=names, path=path, encoding=text.encoding, first_row=1)
    if len({name.casefold() for name in names}) < len(names):
        scan = _without_twins(scan, file=part.file, scratch=scratch)
    return (
        TablePart(
            file=part.file,
            stem=Path(part.file).stem,
            scan=scan,
            sample=rows,
            rows_estimate=count,
            content_hash=text.content_hash,
            size_bytes=text.size_bytes,
        ),
    )


def json_records(scan: Scan, *, file: str) -> Iterator[list[str]]:
    """Every record of a JSON Lines scan as text."""
    assert scan.path is not None
    for record in _objects(scan.path, file=file):
        yield [_cell(record.get(name)) for name in scan.columns]


def parquet_records(scan: Scan, *, file: str) -> Iterator[list[str]]:
    """Every row of a Parquet scan as text, blank ones too."""
    assert scan.path is not None
    try:
        with pq.ParquetFile(scan.path) as parquet:
            for batch in parquet.iter_batches(batch_size=20_000):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    yield [_cell(value) for value in row]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(file, _BROKEN_PARQUET.filled(reason=error)) from error


def _cell(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=as_text)
    return as_text(value)


def _objects(path: Path, *, file: str, told: Told = lambda _: None) -> Iterator[dict[str, Any]]:
    size = max(1, path.stat().st_size)
    with path.open(encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, start=1):
            if number % _TOLD_LINES == 0:
                told(min(1.0, stream.buffer.tell() / size))
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise UnreadableFile(file, _BAD_LINE.filled(row=number, reason=error.msg)) from error
            if not isinstance(record, dict):
                raise UnreadableFile(file, _NOT_OBJECT.filled(row=number))
            yield record


def _as_lines(path: Path, *, file: str, scratch: Path) -> Path:
    with path.open(encoding="utf-8-sig") as stream:
        head = stream.read(4096).lstrip()
    is_indented_object = head.startswith("{") and not _is_json(head.split("\n", 1)[0])
    if not head.startswith("[") and not (is_indented_object and len(head) > 1):
        return path
    if path.stat().st_size > _MAX_ARRAY_BYTES:
        raise UnreadableFile(file, _LARGE_ARRAY)
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise UnreadableFile(file, _BAD_LINE.filled(row=error.lineno, reason=error.msg)) from error
    records = data if isinstance(data, list) else next((v for v in data.values() if isinstance(v, list)), [data])
    target = scratch_file(scratch, file, ".jsonl")
    with target.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return target


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except json.JSONDecodeError:
        return len(line) >= 4000  # a line longer than what was read cannot be judged: take it as a record
    return True


def _without_twins(scan: Scan, *, file: str, scratch: Path) -> Scan:
    """Fields that differ only in case are one name to a database: such a file is rewritten with numbered names."""
    columns = unique_names(scan.columns)
    target = scratch_file(scratch, file, ".parquet")
    write_table(json_records(scan, file=file), columns=columns, target=target)
    return Scan(kind="parquet", columns=columns, path=target, encoding=scan.encoding, first_row=1)
