"""What stands on the paper of one answer: its question, filters, chart, table and passport, all in words."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rakurs.app.charts import chart_json
from rakurs.app.charts.drawing import UNNAMED, grain_of
from rakurs.app.formats import Format
from rakurs.app.passports import asked_words, passport_page
from rakurs.app.showing import decimals_of, is_named_elsewhere, shown_columns, value_text
from rakurs.core.analysis import Analysis
from rakurs.core.answer import Answer, MembersAnswer
from rakurs.core.table import Column
from rakurs.core.text import Text

PAPER_ROWS = 500
"""Rows of a table that go on paper. The whole of a long answer is a workbook's work, and the paper says so."""

_MORE = Text(
    ru="Показаны первые {shown} из {total} строк; все строки — в Excel, CSV или Parquet.",
    en="The first {shown} of {total} rows are shown; all of them are in Excel, CSV or Parquet.",
)
_NOT_ENOUGH = Text(ru="Для честного ответа данных пока мало", en="Not enough data for an honest answer")
_EMPTY = Text(ru="Под этот отбор ничего не попало", en="Nothing matches these filters")
_TOTAL = Text(ru="Итого", en="Total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One answer, ready to be set in type. `chart` is a chart's JSON; every text is in one language."""

    title: str
    question: str
    lines: tuple[tuple[str, str], ...]
    chart: Mapping[str, Any] | None
    heads: tuple[str, ...]
    is_numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[str, ...]
    notice: str
    passport: tuple[tuple[str, str], ...]

    @property
    def document(self) -> dict[str, Any]:
        """The sheet as the template reads it."""
        return {**asdict(self), "chart": None, "side_heads": list((self.chart or {}).get("heads") or ())}


def sheet_of(analysis: Analysis, answer: Answer, form: Format, *, title: str = "") -> Sheet:
    """The sheet of `answer`; `title` is a saved report's own."""
    columns = shown_columns(analysis, answer.columns)
    is_told = answer.status == "ok" and answer.total_rows > 0
    return Sheet(
        title=title or analysis.title.to(form.language),
        question=analysis.question.to(form.language),
        lines=asked_words(answer.passport, analysis.params, form),
        chart=chart_json(analysis, answer, form) if is_told else None,
        heads=tuple(column.title.to(form.language) for column in columns) if is_told else (),
        is_numeric=tuple(column.unit.is_numeric for column in columns),
        rows=_rows(analysis, answer, columns, form) if is_told else (),
        totals=_totals(answer, columns, form) if is_told and answer.total_rows > 1 else (),
        notice=_notice(answer, form),
        passport=tuple(
            (fact.label, fact.words) for fact in passport_page(answer.passport, analysis.params, form).facts
        ),
    )


def members_sheet(title: str, members: MembersAnswer, form: Format) -> Sheet:
    """The rows behind one number, without a chart."""
    columns = tuple(column for column in members.columns if not is_named_elsewhere(column, members.columns))
    shown = members.table.slice(0, PAPER_ROWS)
    decimals = {column.name: decimals_of(shown, column) for column in columns}
    return Sheet(
        title=title,
        question="",
        lines=(),
        chart=None,
        heads=tuple(column.title.to(form.language) for column in columns),
        is_numeric=tuple(column.unit.is_numeric for column in columns),
        rows=tuple(
            tuple(value_text(column, row[column.name], form, decimals=decimals[column.name]) for column in columns)
            for row in shown.to_pylist()
        ),
        totals=(),
        notice=_cut_short(members.total_rows, form),
        passport=(),
    )


def _rows(analysis: Analysis, answer: Answer, columns: tuple[Column, ...], form: Format) -> tuple[tuple[str, ...], ...]:
    table = answer.table.slice(0, PAPER_ROWS)
    decimals = {column.name: decimals_of(table, column) for column in columns}
    grain = grain_of(answer.params, analysis)
    first = columns[0].name

    def text(column: Column, value: Any) -> str:
        if value is None and column.name == first:
            return UNNAMED.to(form.language)
        bucket = grain if column.name in analysis.members.by else None
        return value_text(column, value, form, decimals=decimals[column.name], grain=bucket)

    return tuple(tuple(text(column, row[column.name]) for column in columns) for row in table.to_pylist())


def _totals(answer: Answer, columns: tuple[Column, ...], form: Format) -> tuple[str, ...]:
    known = {name: value for name, value in answer.totals.items() if value is not None}
    if not any(column.name in known for column in columns):
        return ()
    texts = [value_text(column, known[column.name], form) if column.name in known else "" for column in columns]
    return (texts[0] or _TOTAL.to(form.language), *texts[1:])


def _notice(answer: Answer, form: Format) -> str:
    if answer.status == "not_enough_data":
        missing = "; ".join(item.message.to(form.language) for item in answer.missing)
        return f"{_NOT_ENOUGH.to(form.language)}. {missing}"
    if answer.total_rows == 0:
        return _EMPTY.to(form.language)
    return _cut_short(answer.total_rows, form)


def _cut_short(total: int, form: Format) -> str:
    return _MORE.filled(shown=PAPER_ROWS, total=total).to(form.language) if total > PAPER_ROWS else ""
