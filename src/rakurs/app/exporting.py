"""An answer, or the rows behind a number, as a file: Excel, CSV, Parquet, JSON, PDF, a picture."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from rakurs.app.answers_json import answer_document, members_document
from rakurs.app.charts.drawing import Drawing, drawing_of
from rakurs.app.formats import Format
from rakurs.app.passports import passport_page
from rakurs.app.printing.sheet import Sheet, members_sheet, sheet_of
from rakurs.app.telling import story_words
from rakurs.app.workbooks import write_workbook
from rakurs.core.analysis import Analysis
from rakurs.core.answer import Answer, MembersAnswer
from rakurs.core.table import Column
from rakurs.core.text import Text

PaperKind = Literal["pdf", "png"]
ExportKind = Literal["xlsx", "csv", "csv-excel", "parquet", "json"] | PaperKind
PAPERS: tuple[PaperKind, ...] = ("pdf", "png")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """One form an answer may leave in."""

    title: Text
    extension: str
    content_type: str


KINDS: Mapping[str, FileKind] = {
    "xlsx": FileKind(
        title=Text(ru="Excel", en="Excel"),
        extension="xlsx",
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    "pdf": FileKind(title=Text(ru="PDF", en="PDF"), extension="pdf", content_type="application/pdf"),
    "png": FileKind(title=Text(ru="Картинка PNG", en="PNG picture"), extension="png", content_type="image/png"),
    "csv-excel": FileKind(
        title=Text(ru="CSV для Excel", en="CSV for Excel"), extension="csv", content_type="text/csv; charset=utf-8"
    ),
    "csv": FileKind(title=Text(ru="CSV", en="CSV"), extension="csv", content_type="text/csv; charset=utf-8"),
    "parquet": FileKind(
        title=Text(ru="Parquet", en="Parquet"), extension="parquet", content_type="application/vnd.apache.parquet"
    ),
    "json": FileKind(
        title=Text(ru="JSON с паспортом", en="JSON with the passport"),
        extension="json",
        content_type="application/json",
    ),
}
"""Every form, in menu order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What goes into a file: whole rows, and how they are told in words, drawn and set on paper.

    `made_at` is the moment a printed file says it was made; `company` stands at its foot.
    """

    table: pa.Table
    columns: tuple[Column, ...]
    form: Format
    company: str
    made_at: datetime
    document: Callable[[], Mapping[str, Any]]
    sheet: Callable[[], Sheet]
    drawing: Callable[[], Drawing | None] = lambda: None
    about: tuple[tuple[str, str], ...] = ()


def answer_content(
    analysis: Analysis,
    answer: Answer,
    form: Format,
    *,
    company: str,
    made_at: datetime,
    title: str = "",
) -> Content:
    """A whole answer with its chart and passport; `title` is a saved report's own."""
    return Content(
        table=answer.table,
        columns=answer.columns,
        form=form,
        company=company,
        made_at=made_at,
        document=lambda: answer_document(answer, form.language, currency=form.currency),
        sheet=lambda: sheet_of(analysis, answer, form, title=title),
        drawing=lambda: drawing_of(analysis, answer, form),
        about=(*story_words(answer.story, form), *passport_page(answer.passport, analysis.params, form).lines),
    )


def members_content(
    analysis: Analysis, members: MembersAnswer, form: Format, *, company: str, made_at: datetime
) -> Content:
    """All rows behind a cell."""
    return Content(
        table=members.table,
        columns=members.columns,
        form=form,
        company=company,
        made_at=made_at,
        document=lambda: members_document(members, form.language),
        sheet=lambda: members_sheet(analysis.title.to(form.language), members, form),
    )


def write_file(content: Content, *, target: Path, kind: ExportKind) -> Path:
    """`content` written to `target` in the form `kind`."""
    _WRITERS[kind](content, target)
    return target


def _write_workbook(content: Content, target: Path) -> None:
    write_workbook(
        content.table,
        content.columns,
        target=target,
        language=content.form.language,
        drawing=content.drawing(),
        about=content.about,
    )


def _write_csv(content: Content, target: Path) -> None:
    pa_csv.write_csv(content.table, target)


def _write_excel_csv(content: Content, target: Path) -> None:
    # With the byte order mark Excel opens Cyrillic rightly.
    with target.open("wb") as file:
        file.write(b"\xef\xbb\xbf")
        pa_csv.write_csv(content.table, file)


def _write_parquet(content: Content, target: Path) -> None:
    pa_parquet.write_table(content.table, target, compression="zstd")


def _write_json(content: Content, target: Path) -> None:
    target.write_text(json.dumps(content.document(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def write_papers(contents: Sequence[Content], target: Path, *, kind: PaperKind) -> None:
    """Several answers one under another, on the paper of the first."""
    # A typesetter and a JavaScript engine would be half of every command's start-up.
    from rakurs.app.printing.paper import printed  # noqa: PLC0415

    first = contents[0]
    sheets = [content.sheet() for content in contents]
    printed(sheets, target=target, kind=kind, form=first.form, company=first.company, at=first.made_at)


def _print(content: Content, target: Path, *, kind: PaperKind) -> None:
    write_papers([content], target, kind=kind)


_WRITERS: Mapping[str, Callable[[Content, Path], None]] = {
    "xlsx": _write_workbook,
    "csv": _write_csv,
    "csv-excel": _write_excel_csv,
    "parquet": _write_parquet,
    "json": _write_json,
    "pdf": partial(_print, kind="pdf"),
    "png": partial(_print, kind="png"),
}
