"""An answer as an Excel workbook: typed cells, the chart as Excel draws it, the passport on its own sheet.

Rows are written batch by batch with XlsxWriter's constant memory, so that a million rows take no more than ten.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from rakurs.app.charts.drawing import Drawing, plain
from rakurs.core.table import Column
from rakurs.core.text import Language, Text
from rakurs.core.units import Kind, Unit

_FORMATS: Mapping[Kind, str] = {
    "text": "@",
    "number": "#,##0.##",
    "money": "#,##0.00",
    "share": "0.0%",
    "day": "yyyy-mm-dd",
    "time": "yyyy-mm-dd hh:mm",
    "flag": "General",
}
_WHOLE_UNITS = frozenset({Unit.COUNT, Unit.POSITION, Unit.RANK, Unit.SECONDS})
SHEET_ROWS = 1_048_575
"""Rows of one sheet besides its head; a longer table goes on on the next sheet."""
BATCH_ROWS = 10_000

DATA = Text(ru="Данные", en="Data")
CHART = Text(ru="График", en="Chart")
PASSPORT = Text(ru="Паспорт", en="Passport")

ACCENT, COMPARE, PALE = "#4F46E5", "#A2AABA", "#F1F1FD"


def write_workbook(
    table: pa.Table,
    columns: Sequence[Column],
    *,
    target: Path,
    language: Language,
    drawing: Drawing | None,
    about: Sequence[tuple[str, str]],
) -> None:
    """`table` as a workbook at `target`; `drawing` becomes a chart sheet, `about` the passport's."""
    with xlsxwriter.Workbook(target, {"constant_memory": True, "in_memory": False}) as book:
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        formats = [book.add_format({"num_format": _number_format(column.unit)}) for column in columns]
        for part in range(max(1, -(-table.num_rows // SHEET_ROWS))):
            sheet = book.add_worksheet(DATA.to(language) + (f" {part + 1}" if part else ""))
            _write_head(sheet, columns, head, language)
            _write_rows(sheet, table.slice(part * SHEET_ROWS, SHEET_ROWS), columns, formats)
        draw = _CHARTS.get(drawing.chart.kind) if drawing is not None and drawing.rows else None
        if drawing is not None and draw is not None:
            draw(book, drawing, head)
        if about:
            _write_passport(book, about, head, language)


def _write_passport(book: Workbook, about: Sequence[tuple[str, str]], head: Format, language: Language) -> None:
    sheet = book.add_worksheet(PASSPORT.to(language))
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 100)
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    for row, (what, words) in enumerate(about):
        sheet.write_string(row, 0, what, head)
        sheet.write_string(row, 1, words, wrapped)


def _number_format(unit: Unit) -> str:
    return "#,##0" if unit in _WHOLE_UNITS else _FORMATS[unit.kind]


def _write_head(sheet: Worksheet, columns: Sequence[Column], head: Format, language: Language) -> None:
    sheet.freeze_panes(1, 0)
    for index, column in enumerate(columns):
        title = column.title.to(language)
        sheet.set_column(index, index, max(12, min(40, len(title) + 2)))
        sheet.write_string(0, index, title, head)


def _write_rows(sheet: Worksheet, table: pa.Table, columns: Sequence[Column], formats: Sequence[Format]) -> None:
    writers = [_CELL_WRITERS.get(column.unit.kind, _write_number) for column in columns]
    row = 0
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        for record in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            row += 1
            for index, value in enumerate(record):
                if value is not None:
                    writers[index](sheet, (row, index), value, formats[index])


def _write_text(sheet: Worksheet, cell: tuple[int, int], value: Any, style: Format) -> None:
    # As text, so that an id keeps its zeros and a name that starts with "=" never becomes a formula.
    sheet.write_string(*cell, str(value), style)


def _write_moment(sheet: Worksheet, cell: tuple[int, int], value: Any, style: Format) -> None:
    sheet.write_datetime(*cell, value, style)


def _write_flag(sheet: Worksheet, cell: tuple[int, int], value: Any, style: Format) -> None:
    sheet.write_boolean(*cell, value, style)


def _write_number(sheet: Worksheet, cell: tuple[int, int], value: Any, style: Format) -> None:
    sheet.write_number(*cell, float(value), style)


_CELL_WRITERS: Mapping[Kind, Callable[[Worksheet, tuple[int, int], Any, Format], None]] = {
    "text": _write_text,
    "day": _write_moment,
    "time": _write_moment,
    "flag": _write_flag,
}


def _chart_data(book: Workbook, drawing: Drawing, head: Format) -> tuple[Worksheet, tuple[str, ...]]:
    """The chart's sheet with its numbers in columns: names first, then each measure, then what it is held against."""
    chart = drawing.chart
    measures = (*chart.y, *((chart.compare,) if chart.compare else ()))
    sheet = book.add_worksheet(CHART.to(drawing.form.language))
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, len(measures), 16)
    for index, name in enumerate((chart.x, *measures)):
        sheet.write_string(0, index, drawing.title(name), head)
    formats = [book.add_format({"num_format": _number_format(drawing.unit(name))}) for name in measures]
    for number, row in enumerate(drawing.rows, start=1):
        sheet.write_string(number, 0, drawing.word(chart.x, row[chart.x]))
        for index, name in enumerate(measures, start=1):
            value = plain(row.get(name))
            if value is not None:
                sheet.write_number(number, index, value, formats[index - 1])
    return sheet, measures


def _chart(book: Workbook, kind: str) -> Any:
    return book.add_chart({"type": kind})


def _series(sheet: Worksheet, drawing: Drawing, column: int) -> dict[str, Any]:
    name, last = sheet.get_name(), len(drawing.rows)
    return {
        "name": [name, 0, column],
        "categories": [name, 1, 0, last, 0],
        "values": [name, 1, column, last, column],
    }


def _placed(sheet: Worksheet, chart: Any, columns: int, *, height: int = 420) -> None:
    chart.set_size({"width": 900, "height": height})
    chart.set_legend({"position": "top"} if columns > 1 else {"none": True})
    chart.set_chartarea({"border": {"none": True}})
    sheet.insert_chart(1, columns + 2, chart)


def _bars_chart(book: Workbook, drawing: Drawing, head: Format) -> None:
    """Named things, the first on top."""
    sheet, measures = _chart_data(book, drawing, head)
    chart = _chart(book, "bar")
    for index, name in enumerate(measures, start=1):
        fill = COMPARE if name == drawing.chart.compare else ACCENT if index == 1 else None
        chart.add_series(_series(sheet, drawing, index) | ({"fill": {"color": fill}} if fill else {}) | {"gap": 60})
    chart.set_y_axis({"reverse": True, "major_gridlines": {"visible": False}})
    chart.set_x_axis({"major_gridlines": {"visible": True, "line": {"color": "#E9EBF0"}}})
    _placed(sheet, chart, len(measures), height=max(320, 24 * len(drawing.rows) * len(measures) + 80))


def _columns_chart(book: Workbook, drawing: Drawing, head: Format) -> None:
    """Buckets of time from left to right; what they are held against is a grey dashed line."""
    _upright_chart(book, drawing, head, kind="column")


def _lines_chart(book: Workbook, drawing: Drawing, head: Format) -> None:
    _upright_chart(book, drawing, head, kind="line")


def _upright_chart(book: Workbook, drawing: Drawing, head: Format, *, kind: str) -> None:
    sheet, measures = _chart_data(book, drawing, head)
    chart, lines = _chart(book, kind), _chart(book, "line")
    on_line = 0
    for index, name in enumerate(measures, start=1):
        series = _series(sheet, drawing, index)
        if name == drawing.chart.compare:
            lines.add_series(series | {"line": {"color": COMPARE, "dash_type": "dash", "width": 1.5}})
            on_line += 1
        elif kind == "column" and index > 1 and drawing.unit(name) is Unit.SHARE:
            lines.add_series(series | {"y2_axis": True})
            on_line += 1
        else:
            chart.add_series(series | ({"fill": {"color": ACCENT}} if index == 1 and kind == "column" else {}))
    if on_line:
        chart.combine(lines)
    chart.set_y_axis({"major_gridlines": {"visible": True, "line": {"color": "#E9EBF0"}}})
    _placed(sheet, chart, len(measures))


def _grid_chart(book: Workbook, drawing: Drawing, head: Format) -> None:
    """Two splits across: a grid whose colour is the number, as a colour scale."""
    chart = drawing.chart
    measure, x, y = chart.color or chart.y[0], chart.x, chart.y[0]
    xs, ys = ([value for value in drawing.values(name) if value is not None] for name in (x, y))
    if chart.kind == "heatmap" and not drawing.is_listed(y):
        ys.reverse()
    values = {(row[x], row[y]): plain(row.get(measure)) for row in drawing.rows}
    sheet = book.add_worksheet(CHART.to(drawing.form.language))
    sheet.set_column(0, 0, 22)
    shown = book.add_format({"num_format": _number_format(drawing.unit(measure)), "align": "center"})
    sheet.write_string(0, 0, f"{drawing.title(y)} / {drawing.title(x)}", head)
    for column, value in enumerate(xs, start=1):
        sheet.write_string(0, column, drawing.word(x, value), head)
    for number, value in enumerate(ys, start=1):
        sheet.write_string(number, 0, drawing.word(y, value))
        for column, other in enumerate(xs, start=1):
            number_here = values.get((other, value))
            if number_here is not None:
                sheet.write_number(number, column, number_here, shown)
    scale = {"type": "2_color_scale", "min_color": PALE, "max_color": ACCENT}
    sheet.conditional_format(1, 1, max(len(ys), 1), max(len(xs), 1), scale)


_CHARTS: Mapping[str, Callable[[Workbook, Drawing, Format], None]] = {
    "bars": _bars_chart,
    "funnel": _bars_chart,
    "bullet": _bars_chart,
    "intervals": _bars_chart,
    "columns": _columns_chart,
    "waterfall": _columns_chart,
    "pareto": _columns_chart,
    "lines": _lines_chart,
    "heatmap": _grid_chart,
    "cohorts": _grid_chart,
}
"""A kind not named here (a number, a table) is told by its rows alone."""
