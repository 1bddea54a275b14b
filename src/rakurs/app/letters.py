"""How does an answer read in a letter and in a chat? The question, its first rows, a word on the rest; files go along."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from html import escape
from pathlib import Path

from rakurs.app.exporting import KINDS, PAPERS, Content, ExportKind, write_file, write_papers
from rakurs.app.formats import Format
from rakurs.app.printing.sheet import Sheet
from rakurs.core.channel import Attachment, Message
from rakurs.core.text import Text

LETTER_ROWS = 15
CHAT_ROWS = 8
_MORE = Text(ru="…и ещё {rows} строк во вложении.", en="…and {rows} more rows in the attachment.")
_OPEN = Text(ru="Открыть в Ракурсе", en="Open in Rakurs")

_PAGE = "font:14px/1.5 -apple-system,'Segoe UI',Roboto,Arial,sans-serif;color:#0f1728;max-width:760px"
_CELL = "padding:6px 10px;border-bottom:1px solid #e9ebf0;"
_MUTED = "color:#586377"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One answer to tell: how it reads on a sheet, what its files are made of, where it opens."""

    sheet: Sheet
    content: Content
    total_rows: int
    address: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return self.total_rows == 0


def message_of(
    told: Sequence[Told], *, subject: str, form: Format, files: Sequence[ExportKind], at: datetime
) -> Message:
    """A letter that tells `told` one under another, with `files` of each attached."""
    return Message(
        subject=subject,
        text="\n\n".join(_plain(item, form) for item in told),
        html=f'<div style="{_PAGE}">' + "".join(_html(item, form) for item in told) + "</div>",
        attachments=tuple(file for kind in files for file in _attached(told, kind, subject=subject, at=at)),
    )


def _plain(item: Told, form: Format) -> str:
    sheet = item.sheet
    lines = [sheet.title, *(f"{name}: {value}" for name, value in sheet.lines), ""]
    lines += [" · ".join(cell for cell in row if cell) for row in sheet.rows[:CHAT_ROWS]]
    left = item.total_rows - CHAT_ROWS
    lines += [_MORE.filled(rows=left).to(form.language)] if left > 0 and sheet.rows else []
    lines += [text for text in (sheet.notice if not sheet.rows else "", item.address) if text]
    return "\n".join(lines)


def _html(item: Told, form: Format) -> str:
    sheet = item.sheet
    asked = " · ".join(f"{escape(name)}: <b>{escape(value)}</b>" for name, value in sheet.lines)
    head = f'<h2 style="margin:24px 0 2px;font-size:19px">{escape(sheet.title)}</h2><p style="margin:0 0 12px;{_MUTED}">{asked}</p>'
    notice = f'<p style="{_MUTED}">{escape(sheet.notice)}</p>' if sheet.notice and not sheet.rows else ""
    left = item.total_rows - LETTER_ROWS
    more = f'<p style="{_MUTED}">{_MORE.filled(rows=left).to(form.language)}</p>' if left > 0 and sheet.rows else ""
    link = f'<p><a href="{escape(item.address)}">{_OPEN.to(form.language)}</a></p>' if item.address else ""
    return head + notice + (_table(sheet) if sheet.rows else "") + more + link


def _table(sheet: Sheet) -> str:
    sides = ["right" if is_numeric else "left" for is_numeric in sheet.is_numeric]

    def cells(values: Sequence[str], tag: str, style: str) -> str:
        return "".join(
            f'<{tag} style="{_CELL}text-align:{side};{style}">{escape(value)}</{tag}>'
            for value, side in zip(values, sides, strict=True)
        )

    rows = "".join(f"<tr>{cells(row, 'td', '')}</tr>" for row in sheet.rows[:LETTER_ROWS])
    totals = f"<tr>{cells(sheet.totals, 'td', 'font-weight:600')}</tr>" if sheet.totals else ""
    head = f"<tr>{cells(sheet.heads, 'th', f'font-weight:500;{_MUTED}')}</tr>"
    return f'<table style="border-collapse:collapse;font-size:13px">{head}{rows}{totals}</table>'


def _attached(told: Sequence[Told], kind: ExportKind, *, subject: str, at: datetime) -> Iterator[Attachment]:
    """Several answers go on one paper; of any other kind each has a file of its own."""
    if kind in PAPERS and len(told) > 1:
        contents = [item.content for item in told]
        yield _file(subject, kind, at, lambda target: write_papers(contents, target, kind=kind))
        return
    for item in told:
        yield _file(item.sheet.title, kind, at, partial(_write, item.content, kind))


def _write(content: Content, kind: ExportKind, target: Path) -> None:
    write_file(content, target=target, kind=kind)


def _file(title: str, kind: ExportKind, at: datetime, write: Callable[[Path], None]) -> Attachment:
    file = KINDS[kind]
    with tempfile.TemporaryDirectory(prefix="rakurs-letter-") as folder:
        target = Path(folder) / f"answer.{file.extension}"
        write(target)
        name = f"{_file_name(title)} {at:%Y-%m-%d}.{file.extension}"
        return Attachment(name=name, content_type=file.content_type, content=target.read_bytes())


def _file_name(title: str) -> str:
    return (
        "".join(letter if letter.isalnum() or letter in " -_.," else " " for letter in title).strip()[:80] or "report"
    )
