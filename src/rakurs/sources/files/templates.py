"""Templates: which empty file can a person fill in so that it loads without any mapping?"""

import csv
import io
from typing import Literal

import xlsxwriter

from rakurs.core.table import Column, Table
from rakurs.core.text import Language
from rakurs.core.units import Unit

TemplateKind = Literal["csv", "xlsx"]
_WIDTH_CHARS = 18
_FORMAT = {
    Unit.MONEY: "#,##0.00",
    Unit.PRICE: "#,##0.00##",
    Unit.DAY: "yyyy-mm-dd",
    Unit.TIME: "yyyy-mm-dd hh:mm:ss",
    Unit.ID: "@",
    Unit.TEXT: "@",
}
_HINT = {
    Unit.DAY: "2026-01-31",
    Unit.TIME: "2026-01-31 14:05:00",
    Unit.MONEY: "1234.56",
    Unit.FLAG: "true / false",
}
_REQUIRED = {"ru": "обязательно", "en": "required"}


def template(table: Table, kind: TemplateKind, *, language: Language = "ru") -> bytes:
    """A file with the table's header and no rows; in the workbook every column explains itself in a note."""
    return _xlsx(table, language) if kind == "xlsx" else _csv(table)


def _csv(table: Table) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerow(table.names)
    # The mark makes Excel read Cyrillic rows that a person adds as UTF-8.
    return out.getvalue().encode("utf-8-sig")


def _xlsx(table: Table, language: Language) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet(table.name[:31])
        styles = {
            is_required: book.add_format({"bold": is_required, "bottom": 1, "bg_color": "#EEF2F7"})
            for is_required in (True, False)
        }
        for place, column in enumerate(table.columns):
            cells = book.add_format({"num_format": _FORMAT[column.unit]}) if column.unit in _FORMAT else None
            sheet.set_column(place, place, max(_WIDTH_CHARS, len(column.name) + 2), cells)
            sheet.write_string(0, place, column.name, styles[column.required])
            sheet.write_comment(0, place, _note(column, language))
            if column.choices:
                sheet.data_validation(1, place, 100_000, place, {"validate": "list", "source": list(column.choices)})
        sheet.freeze_panes(1, 0)
    return out.getvalue()


def _note(column: Column, language: Language) -> str:
    lines = [column.title.to(language)]
    lines += [_REQUIRED[language]] if column.required else []
    lines += [f"{code}: {title.to(language)}" for code, title in column.choices.items()]
    lines += [f"→ {column.references}"] if column.references else []
    lines += [_HINT[column.unit]] if column.unit in _HINT else []
    return "\n".join(lines)
