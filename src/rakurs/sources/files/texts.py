"""Texts: how is a CSV, TSV or space-separated file to be read? Only its head and tail are looked at."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rakurs.core.errors import UnreadableFile
from rakurs.core.source import Scan
from rakurs.core.text import Text
from rakurs.sources.files.charset import Told, Utf8File, as_utf8
from rakurs.sources.files.dialect import SPACES, sniffed_delimiter, split_rows
from rakurs.sources.files.layout import Layout, layout_of, totals_at_end
from rakurs.sources.files.parts import Part
from rakurs.sources.files.scratch_tables import scratch_file, write_table
from rakurs.sources.files.synonyms import is_known_word
from rakurs.sources.files.tablepart import TablePart

HEAD_BYTES = 512 << 10
SAMPLE_ROWS = 1000
_TAIL_BYTES = 64 << 10
_HEAD_ROWS = 5000
_WIDE_HEAD_BYTES = 16 << 20

csv.field_size_limit(1 << 27)

_EMPTY = Text(ru="файл пуст. Выгрузите его заново.", en="the file is empty. Export it again.")
_TOTALS = Text(
    ru="Строк итогов в конце, которые не считаются записями: {count}",
    en="Totals rows at the end that are not counted as records: {count}",
)
_TITLES = Text(
    ru="Строк над заголовком таблицы, которые пропущены: {count}", en="Rows above the table's header, skipped: {count}"
)
_ENCODING = Text(ru="Кодировка {encoding}, перекодировано в UTF-8", en="Encoding {encoding}, transcoded to UTF-8")
_NO_HEADER = Text(
    ru="В файле нет строки заголовков: столбцы названы по порядку", en="The file has no header: columns are numbered"
)
_BAD_ROW = Text(
    ru="строка {row}: не удаётся разделить на ячейки ({reason}). Исправьте её или пересохраните файл.",
    en="row {row}: cannot be split into cells ({reason}). Correct it or save the file again.",
)


def text_parts(part: Part, *, scratch: Path, told: Told) -> tuple[TablePart, ...]:
    """The one table of a text file."""
    text = as_utf8(part.path, file=part.file, scratch=scratch, told=told)
    head, is_whole = _head(text.path)
    if not head.strip():
        raise UnreadableFile(part.file, _EMPTY)
    delimiter = _declared_delimiter(head) or sniffed_delimiter(head)
    rows = _rows(head, delimiter, file=part.file, is_whole=is_whole)
    layout = layout_of(rows, is_header_word=is_known_word)
    tail_rows = totals_at_end(
        _tail(text.path, delimiter, rows=rows[layout.first_record :], is_whole=is_whole), width=len(layout.columns)
    )
    scan = Scan(
        kind="delimited",
        columns=layout.columns,
        path=text.path,
        encoding=text.encoding,
        delimiter=delimiter,
        first_row=layout.first_record + 1,
        tail_rows=tail_rows,
        header_values=layout.header_values,
    )
    sample = _sample(rows, layout, without_last=tail_rows if is_whole else 0)
    rows_estimate = len(sample) if is_whole else _estimate(text, head, rows)
    if delimiter == SPACES or (is_whole and not sample):
        scan, rows_estimate = _rewritten(scan, file=part.file, is_empty=not sample, scratch=scratch)
    return (
        TablePart(
            file=part.file,
            stem=Path(part.file).stem,
            scan=scan,
            sample=sample[:SAMPLE_ROWS],
            rows_estimate=rows_estimate,
            content_hash=text.content_hash,
            size_bytes=text.size_bytes,
            notes=_notes(text, layout, tail_rows),
        ),
    )


def text_records(scan: Scan, *, file: str) -> Iterator[list[str]]:
    """Every row of a delimited scan from its first record on, blank ones too, padded to the columns."""
    width = len(scan.columns)
    assert scan.path is not None
    with scan.path.open(encoding="utf-8-sig", newline="") as stream:
        for number, row in enumerate(_checked(split_rows(stream, scan.delimiter), file=file), start=1):
            if number >= scan.first_row:
                yield (row + [""] * width)[:width]


def _rewritten(scan: Scan, *, file: str, is_empty: bool, scratch: Path) -> tuple[Scan, int]:
    """Texts parted by blanks, and tables without a record, become a scratch Parquet that any engine reads."""
    target = scratch_file(scratch, file, ".parquet")
    rows: Iterable[Sequence[str]] = () if is_empty else text_records(scan, file=file)
    count = write_table(rows, columns=scan.columns, target=target)
    return replace(scan, kind="parquet", path=target, tail_rows=0 if is_empty else scan.tail_rows), count


def _head(path: Path) -> tuple[str, bool]:
    """The first rows of a text, and whether they are all of it."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        # Thousands of columns make long rows: read on until there are a few of them.
        while head.count(b"\n") + head.count(b"\r") < 20 and len(head) < _WIDE_HEAD_BYTES:
            more = stream.read(HEAD_BYTES)
            if not more:
                break
            head += more
    return head.decode("utf-8-sig", errors="ignore"), path.stat().st_size <= len(head)


def _declared_delimiter(head: str) -> str | None:
    """Excel's own first line, "sep=;"."""
    line = head.split("\n", 1)[0].strip().strip('"').lower()
    return line.removeprefix("sep=") if line.startswith("sep=") and len(line) == len("sep=;") else None


def _rows(head: str, delimiter: str, *, file: str, is_whole: bool) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in split_rows(io.StringIO(head, newline=""), delimiter):
            rows.append(row)
            if len(rows) >= _HEAD_ROWS and not is_whole:
                break
    except csv.Error as error:
        raise UnreadableFile(file, _BAD_ROW.filled(row=len(rows) + 1, reason=error)) from error
    # The last row of a cut head may be half a row.
    return rows if is_whole or len(rows) < 2 else rows[:-1]


def _tail(path: Path, delimiter: str, *, rows: list[list[str]], is_whole: bool) -> list[list[str]]:
    if is_whole:
        return rows
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        tail = stream.read()
    lines = tail[tail.find(b"\n") + 1 :].decode("utf-8", errors="ignore")
    try:
        return list(split_rows(io.StringIO(lines, newline=""), delimiter))
    except csv.Error:  # the cut fell into a quoted cell: such a tail says nothing of totals
        return []


def _sample(rows: list[list[str]], layout: Layout, *, without_last: int) -> tuple[tuple[str, ...], ...]:
    width = len(layout.columns)
    padded = ((row + [""] * width)[:width] for row in rows[layout.first_record :])
    records = [tuple(row) for row in padded if any(cell.strip() for cell in row) and tuple(row) != layout.header_values]
    return tuple(records[: len(records) - without_last])


def _estimate(text: Utf8File, head: str, rows: list[list[str]]) -> int:
    seen = head.count("\n") or len(rows)
    return round(text.path.stat().st_size / max(1, len(head.encode())) * seen)


def _notes(text: Utf8File, layout: Layout, tail_rows: int) -> tuple[Text, ...]:
    titles = layout.header_rows[0] if layout.header_rows else 0
    notes = (
        (text.encoding != "utf-8", _ENCODING.filled(encoding=text.encoding)),
        (not layout.header_rows, _NO_HEADER),
        (titles > 0, _TITLES.filled(count=titles)),
        (tail_rows > 0, _TOTALS.filled(count=tail_rows)),
    )
    return tuple(note for is_true, note in notes if is_true)


def _checked(rows: Iterator[list[str]], *, file: str) -> Iterator[list[str]]:
    number = 0
    try:
        for row in rows:
            number += 1
            yield row
    except csv.Error as error:
        raise UnreadableFile(file, _BAD_ROW.filled(row=number + 1, reason=error)) from error
