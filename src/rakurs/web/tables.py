"""How do the rows of an answer stand in a table? Shown, sorted, linked to what is behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from rakurs.app.asked import Highlight
from rakurs.app.charts.drawing import UNNAMED, grain_of, plain
from rakurs.app.formats import Format
from rakurs.app.showing import decimals_of, is_named_elsewhere, shown_columns, value_text
from rakurs.core.analysis import Analysis
from rakurs.core.answer import Answer
from rakurs.core.periods import Grain
from rakurs.core.table import Column
from rakurs.web.highlights import Mark, marks_of
from rakurs.web.links import card_href, members_query, query

CURRENCY = "currency"
CHANGES = ("change",)
"""Columns whose sign is news: shown with an arrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A column's head: what it says, and where a click on it leads."""

    title: str
    is_numeric: bool
    href: str = ""
    sorted: str = ""
    """"ascending", "descending" or nothing, as aria-sort has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell as it is shown."""

    text: str
    is_numeric: bool = False
    href: str = ""
    is_name: bool = False
    beside: str = ""
    direction: str = ""
    mark: str = ""
    """The class that tells the cell apart at a glance: a bar, a shade, a tone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row; an unfinished bucket is marked."""

    cells: tuple[Cell, ...]
    is_finished: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Where this page of rows stands among all."""

    first: int
    last: int
    total: int
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTable:
    """Everything the table's template needs."""

    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    totals: tuple[Cell, ...]
    pages: Pages


def table_of(
    analysis: Analysis,
    answer: Answer,
    form: Format,
    *,
    given: Mapping[str, Any],
    sort: str | None,
    offset: int,
    limit: int,
    highlights: Sequence[Highlight] = (),
) -> DataTable:
    """The page of rows in `answer`; `given` are the parameters that stand in addresses."""
    columns = shown_columns(analysis, answer.columns)
    decimals = {column.name: decimals_of(answer.table, column) for column in columns}
    grain = grain_of(answer.params, analysis)
    marks = marks_of(highlights, answer.table)
    view = _View(
        analysis=analysis, columns=columns, decimals=decimals, grain=grain, form=form, given=given, marks=marks
    )
    return DataTable(
        heads=tuple(_head(column, analysis, given, sort, form) for column in columns),
        rows=tuple(view.row(row) for row in answer.table.to_pylist()),
        totals=view.totals(answer) if answer.total_rows > 1 else (),
        pages=pages_of(answer.total_rows, offset=offset, limit=limit, given={**given, "sort": sort}),
    )


def plain_table(
    columns: Sequence[Column], table: pa.Table, form: Format, *, entity: str = "", key: str = ""
) -> tuple[tuple[Head, ...], tuple[Row, ...]]:
    """Heads and rows of entities: no sorting; money in each row's own currency.

    The key of `entity` and every reference open the card of what they name, where it has one.
    """
    shown = tuple(column for column in columns if column.name != CURRENCY and not is_named_elsewhere(column, columns))
    decimals = {column.name: decimals_of(table, column) for column in shown}
    heads = tuple(Head(title=column.title.to(form.language), is_numeric=column.unit.is_numeric) for column in shown)
    rows = tuple(
        Row(
            cells=tuple(
                Cell(
                    text=value_text(
                        column,
                        row[column.name],
                        replace(form, currency=row.get(CURRENCY) or form.currency),
                        decimals=decimals[column.name],
                    ),
                    is_numeric=column.unit.is_numeric,
                    href=_card_of(column, columns, row, entity=entity, key=key),
                    is_name=column.name == key,
                )
                for column in shown
            )
        )
        for row in table.to_pylist()
    )
    return heads, rows


def _card_of(column: Column, columns: Sequence[Column], row: Mapping[str, Any], *, entity: str, key: str) -> str:
    """The card that a cell opens: the row's own by its key, another's by its id or by the name beside its id."""
    if column.name == key:
        return card_href(entity, row[key])
    held = next((item for item in columns if item.name in (column.name, f"{column.name}_id") and item.references), None)
    return card_href(held.references, row[held.name]) if held is not None else ""


def cell_words(
    analysis: Analysis, answer: Answer, cell: Mapping[str, str | None], form: Format
) -> list[tuple[str, str]]:
    """A cell in words, as (title, value): names instead of ids, from the row of `answer` it stands in."""
    known = {column.name: column for column in answer.columns}
    named = {name: _name_column(name, known) for name in cell if name in known}
    rows = answer.table.select(list(dict.fromkeys([*named, *named.values()]))).to_pylist()
    row = next((row for row in rows if all(_is_same(row[name], cell[name]) for name in named)), None)
    grain = grain_of(answer.params, analysis)
    words: list[tuple[str, str]] = []
    for name, label in named.items():
        value = cell[name] if row is None else row[label]
        text = str(value) if row is None else value_text(known[label], value, form, grain=grain)
        words.append((known[label].title.to(form.language), UNNAMED.to(form.language) if value is None else text))
    return words


def _name_column(name: str, known: Mapping[str, Column]) -> str:
    """The column that says in words what `name` holds an id of; itself when there is none."""
    if not is_named_elsewhere(known[name], list(known.values())):
        return name
    return "name" if name in ("id", "key") else name.removesuffix("_id")


def _is_same(value: Any, asked: str | None) -> bool:
    return asked is None if value is None else str(plain(value)) == asked


def pages_of(
    total: int, *, offset: int, limit: int, given: Mapping[str, Any], keep_empty: tuple[str, ...] = ()
) -> Pages:
    """Links to the pages around this one; the names in `keep_empty` stand in them also without a value."""
    last = min(offset + limit, total)
    earlier = max(offset - limit, 0)
    return Pages(
        first=offset + 1 if total else 0,
        last=last,
        total=total,
        before=(query({**given, "offset": earlier or None}, keep_empty=keep_empty) or "?") if offset else "",
        after=query({**given, "offset": last}, keep_empty=keep_empty) if last < total else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    analysis: Analysis
    columns: tuple[Column, ...]
    decimals: Mapping[str, int | None]
    grain: Grain | None
    form: Format
    given: Mapping[str, Any]
    marks: Mapping[str, Mark]

    def row(self, row: Mapping[str, Any]) -> Row:
        chart = self.analysis.chart
        cell = {name: row[name] for name in self.analysis.members.by if name in row}
        href = f"members/{members_query(self.given, cell)}"
        words = [column.name for column in self.columns if not column.unit.is_numeric]
        name = chart.x if chart.x in words else (words or [self.columns[0].name])[0]
        cells = tuple(self._cell(column, row, href, is_name=column.name == name) for column in self.columns)
        return Row(cells=cells, is_finished=chart.complete is None or row.get(chart.complete) is not False)

    def _cell(self, column: Column, row: Mapping[str, Any], href: str, *, is_name: bool) -> Cell:
        value = row[column.name]
        is_change = column.is_change or column.name in CHANGES
        if is_change:
            text = self.form.change(value, column.unit)
        else:
            grain = self.grain if column.name in self.analysis.members.by else None
            text = value_text(column, value, self.form, decimals=self.decimals[column.name], grain=grain)
        if is_name and value is None:
            text = UNNAMED.to(self.form.language)
        if column.opens:
            href = f"{href}{'' if href.endswith('?') else '&'}of={column.name}"
        opens = is_name or ((column.opens or column.name == self.analysis.members.count) and bool(value))
        return Cell(
            text=text,
            is_numeric=column.unit.is_numeric,
            href=href if opens else "",
            is_name=is_name,
            beside=self._interval(column, row),
            direction=_direction(value) if is_change else "",
            mark=self.marks[column.name](value) if column.name in self.marks else "",
        )

    def _interval(self, column: Column, row: Mapping[str, Any]) -> str:
        chart = self.analysis.chart
        bounds = column.interval or (chart.interval if column.name == chart.y[0] else None)
        if bounds is None:
            return ""
        low, high = (row[name] for name in bounds)
        if low is None or high is None:
            return ""
        return f"{self.form.shown(low, column.unit)} – {self.form.shown(high, column.unit)}"

    def _total(self, column: Column, value: Any) -> str:
        if column.is_change:
            return self.form.change(value, column.unit)
        return value_text(column, value, self.form, decimals=self.decimals[column.name])

    def totals(self, answer: Answer) -> tuple[Cell, ...]:
        if not any(answer.totals.get(column.name) is not None for column in self.columns):
            return ()
        return tuple(
            Cell(
                text=self._total(column, answer.totals[column.name])
                if answer.totals.get(column.name) is not None
                else "",
                is_numeric=column.unit.is_numeric,
            )
            for column in self.columns
        )


def _head(column: Column, analysis: Analysis, given: Mapping[str, Any], sort: str | None, form: Format) -> Head:
    order = sort or analysis.order[0]
    is_sorted = order.removeprefix("-") == column.name
    descends = order.startswith("-")
    # A number is first asked for from its greatest, a word from its first.
    wanted_first = f"-{column.name}" if column.unit.is_numeric else column.name
    wanted = (column.name if descends else f"-{column.name}") if is_sorted else wanted_first
    return Head(
        title=column.title.to(form.language),
        is_numeric=column.unit.is_numeric,
        href=query({**given, "sort": None if wanted == analysis.order[0] else wanted}) or "?",
        sorted=("descending" if descends else "ascending") if is_sorted else "",
    )


def _direction(value: Any) -> str:
    if value is None or value == 0:
        return ""
    return "up" if value > 0 else "down"
