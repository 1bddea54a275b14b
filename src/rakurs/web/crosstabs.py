"""How does a two-way split stand on a page? Columns spread to the right, the totals of rows and columns around."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rakurs.app.asked import PivotAsked
from rakurs.app.charts.drawing import UNNAMED, grain_of
from rakurs.app.formats import Format
from rakurs.app.rights import Scope
from rakurs.app.showing import decimals_of, shown_columns, value_text
from rakurs.app.workspace import Workspace
from rakurs.core.analysis import Analysis
from rakurs.core.answer import Answer
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.web.highlights import Mark, marks_of
from rakurs.web.links import members_query, query
from rakurs.web.tables import Cell, Head, Pages, Row, pages_of

MOST_COLUMNS = 36
TOTAL = Text(ru="Итого", en="Total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A value of the columns' split, over its measures."""

    title: str
    span: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossTable:
    """Everything the template needs; `more_columns` says how many values did not fit."""

    names: tuple[Head, ...]
    groups: tuple[Group, ...]
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    totals: tuple[Cell, ...]
    pages: Pages
    more_columns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One side of the table: its analysis and answer, and what tells its rows apart."""

    analysis: Analysis
    answer: Answer

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.answer.table.to_pylist()

    def key(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(row[name] for name in self.analysis.members.by)

    def cell(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: row[name] for name in self.analysis.members.by}

    @property
    def names(self) -> tuple[Column, ...]:
        shown = shown_columns(self.analysis, self.answer.columns)
        return tuple(column for column in shown if not column.opens and not column.unit.is_numeric)


def crosstab(
    company: Workspace,
    asked: PivotAsked,
    form: Format,
    *,
    scope: Scope,
    given: Mapping[str, Any],
    offset: int,
    limit: int,
) -> CrossTable:
    """The page of rows of a split that has both rows and columns; `given` is the address of the question."""
    whole = _side(company, asked, scope, over=None, limit=None, offset=0)
    down = _side(company, asked, scope, over=asked.rows, limit=limit, offset=offset)
    # Columns run in time or from the greatest, whatever the rows are sorted by.
    right = _side(company, asked.model_copy(update={"sort": None}), scope, over=asked.columns, limit=None, offset=0)
    measures = tuple(column for column in whole.answer.columns if column.opens or column.is_change)
    drawn = _Drawn(
        whole=whole,
        measures=measures,
        decimals={column.name: decimals_of(down.answer.table, column) for column in measures},
        marks=marks_of(asked.highlights, whole.answer.table),
        given=given,
        form=form,
    )
    return drawn.table(down, right, sort=asked.sort, offset=offset, limit=limit)


def _side(
    company: Workspace, asked: PivotAsked, scope: Scope, *, over: tuple[str, ...] | None, limit: int | None, offset: int
) -> _Side:
    analysis, _ = company.question(asked, scope=scope, over=over)
    return _Side(analysis=analysis, answer=company.ask(asked, scope=scope, over=over, limit=limit, offset=offset))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    whole: _Side
    measures: tuple[Column, ...]
    decimals: Mapping[str, int | None]
    marks: Mapping[str, Mark]
    given: Mapping[str, Any]
    form: Format

    def table(self, down: _Side, right: _Side, *, sort: str | None, offset: int, limit: int) -> CrossTable:
        places = right.rows[:MOST_COLUMNS]
        by_place = {self.whole.key(row): row for row in self.whole.rows}
        titles = [self._words(right, row) for row in places]
        groups = [Group(title=title, span=len(self.measures)) for title in (*titles, TOTAL.to(self.form.language))]
        return CrossTable(
            names=tuple(self._head(column, sort, down.analysis) for column in down.names),
            groups=tuple(groups),
            heads=(
                *(self._plain_head(column) for _ in places for column in self.measures),
                *(self._head(column, sort, down.analysis) for column in self.measures),
            ),
            rows=tuple(self._row(down, row, right, places, by_place) for row in down.rows),
            totals=self._totals(down, right, places),
            pages=pages_of(down.answer.total_rows, offset=offset, limit=limit, given=self.given),
            more_columns=right.answer.total_rows - len(places),
        )

    def _row(
        self,
        down: _Side,
        row: Mapping[str, Any],
        right: _Side,
        places: Sequence[Mapping[str, Any]],
        by_place: Mapping[tuple[Any, ...], Mapping[str, Any]],
    ) -> Row:
        grain = grain_of(down.answer.params, down.analysis)
        names = [
            Cell(
                text=UNNAMED.to(self.form.language)
                if row[column.name] is None
                else value_text(column, row[column.name], self.form, grain=grain),
                href=self._href(down.cell(row)),
                is_name=True,
            )
            for column in down.names
        ]
        inner = [
            cell
            for place in places
            for cell in self._cells(
                by_place.get(down.key(row) + right.key(place)), {**down.cell(row), **right.cell(place)}
            )
        ]
        return Row(cells=(*names, *inner, *self._cells(row, down.cell(row), is_marked=False)))

    def _cells(
        self, values: Mapping[str, Any] | None, cell: Mapping[str, Any], *, is_marked: bool = True
    ) -> list[Cell]:
        if values is None:
            return [Cell(text="", is_numeric=True) for _ in self.measures]
        return [self._cell(column, values[column.name], cell, is_marked=is_marked) for column in self.measures]

    def _cell(self, column: Column, value: Any, cell: Mapping[str, Any], *, is_marked: bool) -> Cell:
        if column.is_change:
            direction = "" if not value else "up" if value > 0 else "down"
            return Cell(text=self.form.change(value, column.unit), is_numeric=True, direction=direction)
        return Cell(
            text=value_text(column, value, self.form, decimals=self.decimals[column.name]),
            is_numeric=True,
            href=self._href(cell, of=column.name) if value else "",
            mark=self.marks[column.name](value) if is_marked and column.name in self.marks else "",
        )

    def _totals(self, down: _Side, right: _Side, places: Sequence[Mapping[str, Any]]) -> tuple[Cell, ...]:
        if down.answer.total_rows < 2:
            return ()
        blank = [Cell(text="") for _ in down.names]
        below = [cell for place in places for cell in self._cells(place, right.cell(place), is_marked=False)]
        return (*blank, *below, *self._cells(down.answer.totals, {}, is_marked=False))

    def _href(self, cell: Mapping[str, Any], *, of: str | None = None) -> str:
        return f"members/{members_query({**self.given, 'of': of}, cell)}"

    def _words(self, side: _Side, row: Mapping[str, Any]) -> str:
        grain = grain_of(side.answer.params, side.analysis)
        words = [
            UNNAMED.to(self.form.language)
            if row[column.name] is None
            else value_text(column, row[column.name], self.form, grain=grain)
            for column in side.names
        ]
        return " · ".join(words)

    def _plain_head(self, column: Column) -> Head:
        return Head(title=column.title.to(self.form.language), is_numeric=True)

    def _head(self, column: Column, sort: str | None, analysis: Analysis) -> Head:
        order = sort or next((item for item in analysis.order if item not in analysis.pinned), "")
        is_sorted, descends = order.removeprefix("-") == column.name, order.startswith("-")
        first = f"-{column.name}" if column.unit.is_numeric else column.name
        wanted = (column.name if descends else f"-{column.name}") if is_sorted else first
        return Head(
            title=column.title.to(self.form.language),
            is_numeric=column.unit.is_numeric,
            href=query({**self.given, "sort": wanted}),
            sorted=("descending" if descends else "ascending") if is_sorted else "",
        )
