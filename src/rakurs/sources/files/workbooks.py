"""Workbooks: which tables do the visible sheets of an Excel or LibreOffice file hold, as plain text?"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from rakurs.core.errors import UnreadableFile
from rakurs.core.source import Scan
from rakurs.core.text import Text
from rakurs.sources.files.charset import Told, content_hash
from rakurs.sources.files.layout import Layout, Merge, layout_of, totals_at_end, unique_names
from rakurs.sources.files.parts import Part
from rakurs.sources.files.scratch_tables import scratch_file, write_table
from rakurs.sources.files.synonyms import is_known_word
from rakurs.sources.files.tablepart import TablePart
from rakurs.sources.files.texts import SAMPLE_ROWS

_HEAD_ROWS = 5000
_LAST_ROWS = 60
_TOLD_ROWS = 500

_BROKEN = Text(
    ru="книга не открывается ({reason}). Откройте её в Excel и сохраните заново.",
    en="the workbook does not open ({reason}). Open it in Excel and save it again.",
)
_LOCKED = Text(
    ru="книга закрыта паролем. Снимите пароль и повторите.", en="the workbook is locked. Remove the password and retry."
)
_EMPTY = Text(
    ru="в книге нет видимых листов с данными.", en="the workbook has no visible sheet with data. Check its sheets."
)
_HIDDEN = Text(ru="Скрытые листы пропущены: {names}", en="Hidden sheets skipped: {names}")
_TITLES = Text(
    ru="Строк над заголовком таблицы, которые пропущены: {count}", en="Rows above the table's header, skipped: {count}"
)
_TOTALS = Text(
    ru="Строк итогов в конце, которые не считаются записями: {count}",
    en="Totals rows at the end that are not counted as records: {count}",
)


def workbook_parts(part: Part, *, scratch: Path, told: Told) -> tuple[TablePart, ...]:
    """One table per visible sheet with data, written to `scratch` as text."""
    try:
        with CalamineWorkbook.from_path(str(part.path)) as book:
            sheets = [meta for meta in book.sheets_metadata if meta.typ is SheetTypeEnum.WorkSheet]
            visible = [meta.name for meta in sheets if meta.visible is SheetVisibleEnum.Visible]
            hidden = [meta.name for meta in sheets if meta.visible is not SheetVisibleEnum.Visible]
            digest = content_hash(part.path, told=lambda _: None)
            found: list[TablePart] = []
            for place, name in enumerate(visible):
                told(place / len(visible))
                sheet = book.get_sheet_by_name(name)
                of_sheet = _of_sheet(told, place=place, sheets=len(visible))
                if table := _sheet_part(part, sheet, digest=digest, scratch=scratch, told=of_sheet):
                    found.append(table)
    except PasswordError as error:
        raise UnreadableFile(part.file, _LOCKED) from error
    except CalamineError as error:
        raise UnreadableFile(part.file, _BROKEN.filled(reason=error)) from error
    if not found:
        raise UnreadableFile(part.file, _EMPTY)
    if hidden:
        note = _HIDDEN.filled(names=", ".join(hidden))
        found = [replace(table, notes=(*table.notes, note)) for table in found]
    return tuple(found)


def as_text(value: Any) -> str:
    """A cell as text: ISO days and times, plain decimals without the noise of binary floats."""
    return _AS_TEXT.get(type(value), str)(value)


@dataclass(frozen=True, slots=True)
class _Survey:
    """What a first pass over a sheet tells: its head, its last filled rows with their places, columns with values."""

    head: list[list[str]]
    last: list[tuple[int, list[str]]]
    filled: set[int]


def _of_sheet(told: Told, *, place: int, sheets: int) -> Told:
    return lambda share: told((place + share) / sheets)


def _sheet_part(part: Part, sheet: CalamineSheet, *, digest: str, scratch: Path, told: Told) -> TablePart | None:
    survey = _surveyed(sheet, told=lambda share: told(0.3 + 0.3 * share))
    if not survey.last:
        return None
    merges = [
        Merge(top=top, left=left, bottom=bottom, right=right)
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()
    ]
    layout = layout_of(survey.head, merges=merges, is_header_word=is_known_word)
    below = [(place, row) for place, row in survey.last if place >= layout.first_record]
    totals = totals_at_end([row for _, row in below], width=len(layout.columns))
    end = below[-totals - 1][0] + 1 if len(below) > totals else layout.first_record
    kept = _kept_columns(layout, survey)
    columns = unique_names([layout.columns[place] for place in kept])
    file = f"{part.file} · {sheet.name}"
    target = scratch_file(scratch, file, ".parquet")
    sample: list[tuple[str, ...]] = []
    count = write_table(
        _sampled(
            _records(sheet, layout, survey, merges=merges, end=end, told=lambda share: told(0.6 + 0.4 * share)),
            kept,
            into=sample,
        ),
        columns=columns,
        target=target,
    )
    titles = layout.header_rows[0] if layout.header_rows else 0
    notes = (
        (titles > 0, _TITLES.filled(count=titles)),
        (totals > 0, _TOTALS.filled(count=totals)),
    )
    return TablePart(
        file=file,
        stem=sheet.name,
        scan=Scan(kind="parquet", columns=columns, path=target, first_row=layout.first_record + 1, sheet=sheet.name),
        sample=tuple(sample),
        rows_estimate=len(sample) if len(sample) < SAMPLE_ROWS else count,
        content_hash=f"{digest}:{sheet.name}",
        size_bytes=part.path.stat().st_size,
        notes=tuple(note for is_true, note in notes if is_true),
    )


def _rows(sheet: CalamineSheet, *, told: Told) -> Iterator[list[Any]]:
    """Every row from the first of the sheet on, from the first column on."""
    before = [""] * (sheet.start[1] if sheet.start else 0)
    height = max(1, sheet.end[0] + 1 if sheet.end else 1)
    for place, row in enumerate(sheet.iter_rows()):
        if place % _TOLD_ROWS == 0:
            told(min(1.0, place / height))
        yield [*before, *row]


def _surveyed(sheet: CalamineSheet, *, told: Told) -> _Survey:
    head: list[list[str]] = []
    last: deque[tuple[int, list[Any]]] = deque(maxlen=_LAST_ROWS)
    empty: set[int] = set(range(sheet.end[1] + 1 if sheet.end else 0))
    for place, row in enumerate(_rows(sheet, told=told)):
        if len(head) < _HEAD_ROWS:
            head.append([as_text(cell) for cell in row])
        if any(cell != "" for cell in row):
            last.append((place, row))
            empty -= {column for column in empty if row[column] != ""}
    filled = set(range(sheet.end[1] + 1 if sheet.end else 0)) - empty
    return _Survey(head, [(place, [as_text(cell) for cell in row]) for place, row in last], filled)


def _records(
    sheet: CalamineSheet, layout: Layout, survey: _Survey, *, merges: Sequence[Merge], end: int, told: Told
) -> Iterator[list[str]]:
    """Rows from the first record to the last: repeated headers blanked, cells merged downwards filled."""
    width = len(layout.columns)
    headers = {tuple(_fitted(survey.head[index], width)) for index in layout.header_rows}
    tops = {(merge.top, merge.left): merge.bottom for merge in merges if merge.left == merge.right < width}
    open_merges: dict[int, tuple[int, str]] = {}
    for place, row in enumerate(_rows(sheet, told=told)):
        if not layout.first_record <= place < end:
            continue
        cells = _fitted([as_text(cell) for cell in row], width)
        if tuple(cells) in headers:
            cells = [""] * width
        for column, (bottom, text) in list(open_merges.items()):
            if place > bottom:
                del open_merges[column]
            else:
                cells[column] = cells[column] or text
        if tops:
            for column, cell in enumerate(cells):
                if (bottom := tops.get((place, column))) is not None:
                    open_merges[column] = (bottom, cell)
        yield cells


def _sampled(
    rows: Iterator[list[str]], kept: Sequence[int], *, into: list[tuple[str, ...]]
) -> Iterator[tuple[str, ...]]:
    for row in rows:
        cells = tuple(row[place] for place in kept)
        if len(into) < SAMPLE_ROWS and any(cells):
            into.append(cells)
        yield cells


def _fitted(row: list[str], width: int) -> list[str]:
    return (row + [""] * width)[:width]


def _kept_columns(layout: Layout, survey: _Survey) -> list[int]:
    """Columns with a name or a value; what is neither named nor filled was only formatting."""
    return [
        place
        for place, name in enumerate(layout.columns)
        if place in survey.filled or (layout.header_rows and name != f"column_{place + 1}")
    ]


def _float_text(value: float) -> str:
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    # Excel itself keeps 15 digits; what is beyond them is noise: 0.1 + 0.2 is 0.3.
    return format(Decimal(f"{value:.15g}"), "f")


def _datetime_text(value: datetime) -> str:
    rounded = (value + timedelta(microseconds=500_000)).replace(microsecond=0)
    is_day = (rounded.hour, rounded.minute, rounded.second) == (0, 0, 0)
    return rounded.date().isoformat() if is_day else rounded.isoformat(sep=" ")


_AS_TEXT: dict[type, Callable[[Any], str]] = {
    str: lambda value: value.strip(),
    float: _float_text,
    int: str,
    Decimal: lambda value: format(value, "f"),
    bool: lambda value: "true" if value else "false",
    datetime: _datetime_text,
    date: date.isoformat,
    time: lambda value: value.isoformat(timespec="seconds"),
    timedelta: lambda value: str(round(value.total_seconds())),
    type(None): lambda _: "",
}
