"""What does a person get who asks what is known of him? One archive: every row as CSV and JSON, and pages to read, in two languages."""

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any

from rakurs.app.workspace import Workspace
from rakurs.core.table import Column, Table
from rakurs.core.text import Language, Text
from rakurs.core.units import Unit
from rakurs.schema.segments import SEGMENT_MEMBERSHIPS
from rakurs.warehouse import dossiers, persons
from rakurs.warehouse.dossiers import RawRow
from rakurs.warehouse.persons import Person

LANGUAGES: tuple[Language, ...] = ("ru", "en")
_TITLE = Text(ru="Что известно о человеке", en="What is known of a person")
_MADE = Text(ru="Составлено {at} (UTC) системой Rakurs: {company}", en="Made on {at} (UTC) by Rakurs: {company}")
_ABOUT = Text(
    ru="Здесь всё, что хранится об этом человеке: строки таблиц (CSV и JSON рядом), строки файлов и систем, из которых они взялись, и заметки сотрудников. Времена даны в UTC.",
    en="Here is all that is kept of this person: rows of tables (CSV and JSON beside this page), the rows of files and systems they came from, and notes by employees. Times are in UTC.",
)
_RECORDS = Text(ru="Записи", en="Records")
_CONTACTS = Text(ru="Контакты", en="Contacts")
_SHARED = Text(
    ru="Этот контакт есть и у других людей; строки, где названы они, сюда не вошли: {contacts}",
    en="Other people have this contact too; rows that name them are not here: {contacts}",
)
_NOTES = Text(ru="Заметки сотрудников", en="Notes by employees")
_RAW = Text(ru="Откуда это взялось", en="Where it came from")
_RAW_COLUMNS = (
    ("source", Text(ru="Источник", en="Source")),
    ("file", Text(ru="Файл или поток", en="File or stream")),
    ("loaded_at", Text(ru="Загружено", en="Loaded")),
    ("row_number", Text(ru="Строка", en="Row")),
    ("cells", Text(ru="Что в ней", en="What it says")),
)
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1b1f24}"
    "h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}div{overflow-x:auto}"
    "table{border-collapse:collapse;font-size:.86rem}th,td{border:1px solid #d0d5da;padding:.3rem .5rem;text-align:left;vertical-align:top}"
    "th{background:#f3f5f7}p{max-width:46rem}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A note somebody wrote about the person."""

    at: datetime
    author: str
    about: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """All that is known of a person, ready to be written down."""

    person: Person
    tables: Sequence[tuple[Table, list[dict[str, Any]]]]
    raw: Sequence[RawRow]
    notes: Sequence[Said]
    company: str
    made_at: datetime

    @property
    def rows(self) -> int:
        """How many rows of tables there are."""
        return sum(len(rows) for _, rows in self.tables)


def known_of(workspace: Workspace, who: str, *, notes: Sequence[Said] = (), segments: Mapping[str, str]) -> Known:
    """All that is kept of the person of that id, phone or mailbox. `segments` are the titles of segments by id."""
    warehouse, _ = workspace.whole
    with warehouse.examining() as cursor:
        person = dossiers.with_history(cursor, persons.person_named(cursor, who), warehouse.company)
        tables = [(table, rows.to_pylist()) for table, rows in dossiers.tables_about(cursor, person)]
        raw = list(dossiers.raw_rows(cursor, person, warehouse.company))
    for table, rows in tables:
        if table is SEGMENT_MEMBERSHIPS:
            for row in rows:
                row["segment_id"] = segments.get(row["segment_id"], row["segment_id"])
    return Known(
        person=person,
        tables=tables,
        raw=raw,
        notes=notes,
        company=workspace.company.name,
        made_at=workspace.now,
    )


def write_archive(known: Known, target: Path) -> Path:
    """All of it as one ZIP file."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for language in LANGUAGES:
            archive.writestr(f"README.{language}.html", _page(known, language))
        archive.writestr("everything.json", _json(known))
        for table, rows in known.tables:
            archive.writestr(f"tables/{table.name}.csv", _csv(table.names, [list(row.values()) for row in rows]))
        if known.notes:
            lines = [[note.at, note.author, note.about, note.text] for note in known.notes]
            archive.writestr("notes.csv", _csv(("at", "author", "about", "text"), lines))
        archive.writestr(
            "raw_rows.csv", _csv([name for name, _ in _RAW_COLUMNS], [_raw_line(row) for row in known.raw])
        )
    return target


def _json(known: Known) -> str:
    person = known.person
    document = {
        "customer_id": person.customer_id,
        "records": list(person.records),
        "names": list(person.names),
        "contacts": {kind: sorted(values) for kind, values in person.contacts.items()},
        "made_at": known.made_at,
        "tables": {table.name: rows for table, rows in known.tables},
        "notes": [
            {"at": note.at, "author": note.author, "about": note.about, "text": note.text} for note in known.notes
        ],
        "raw_rows": [
            {
                "source": row.source,
                "file": row.file,
                "loaded_at": row.loaded_at,
                "row_number": row.row_number,
                "cells": dict(row.cells),
            }
            for row in known.raw
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1, default=_plain) + "\n"


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _csv(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO(newline="")
    # With the byte order mark a spreadsheet opens Cyrillic rightly.
    text.write("\ufeff")
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float | Decimal):
        return str(value)
    text = _plain(value)
    # A text that begins like a formula would be run by a spreadsheet; a phone is none.
    is_formula = text.startswith(("=", "@", "+", "-")) and not text[1:2].isdigit()
    return f"'{text}" if is_formula else text


def _raw_line(row: RawRow) -> list[Any]:
    return [row.source, row.file, row.loaded_at, row.row_number, json.dumps(dict(row.cells), ensure_ascii=False)]


def _page(known: Known, language: Language) -> str:
    person = known.person
    contacts = ", ".join(sorted(value for values in person.contacts.values() for value in values))
    head = [
        f"<h1>{escape(_TITLE.to(language))}</h1>",
        f"<p>{escape(_MADE.filled(at=f'{known.made_at:%Y-%m-%d %H:%M}', company=known.company or '—').to(language))}</p>",
        f"<p>{escape(_ABOUT.to(language))}</p>",
        f"<p><b>{escape(_RECORDS.to(language))}:</b> {escape(', '.join(person.records) or '—')}</p>",
        f"<p><b>{escape(_CONTACTS.to(language))}:</b> {escape(contacts or '—')}</p>",
    ]
    if person.shared:
        head.append(f"<p>{escape(_SHARED.filled(contacts=', '.join(person.shared)).to(language))}</p>")
    parts = [_section(table, rows, language) for table, rows in known.tables]
    if known.notes:
        lines = [[note.at, note.author, note.text] for note in known.notes]
        parts.append(f"<h2>{escape(_NOTES.to(language))}</h2>{_table([], lines)}")
    titles = [title.to(language) for _, title in _RAW_COLUMNS]
    said = [
        [*_raw_line(row)[:-1], "; ".join(f"{name}: {text}" for name, text in row.cells.items())] for row in known.raw
    ]
    parts.append(f"<h2>{escape(_RAW.to(language))} ({len(said)})</h2>{_table(titles, said)}")
    body = "\n".join([*head, *parts])
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(_TITLE.to(language))}</title><style>{_STYLE}</style></head><body>{body}</body></html>\n"
    )


def _section(table: Table, rows: Sequence[Mapping[str, Any]], language: Language) -> str:
    told = [column for column in table.columns if column.unit is not Unit.EPOCH and column.name != "batch_id"]
    shown = [column for column in told if any(row[column.name] is not None for row in rows)]
    lines = [[_said(row[column.name], column, language) for column in shown] for row in rows]
    titles = [column.title.to(language) for column in shown]
    return f"<h2>{escape(table.title.to(language))} ({len(rows)})</h2>{_table(titles, lines)}"


def _said(value: Any, column: Column, language: Language) -> Any:
    return column.choices[value].to(language) if value in column.choices else value


def _table(titles: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = f"<tr>{''.join(f'<th>{escape(title)}</th>' for title in titles)}</tr>" if titles else ""
    body = "".join(f"<tr>{''.join(map(_shown, row))}</tr>" for row in rows)
    return f"<div><table>{head}{body}</table></div>"


def _shown(value: Any) -> str:
    return f"<td>{'' if value is None else escape(_plain(value))}</td>"
