"""How is a document shown in a terminal? As a table with numbers in the reader's manner, or as JSON."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from rakurs.app.documents import Document
from rakurs.app.languages import default_language
from rakurs.core.text import Language, Text
from rakurs.core.units import Unit

NOTHING = "—"
_DIGITS: Mapping[str, int] = {"money": 2, "number": 1}
SHOWN_ROWS = 50
_UNITS: Mapping[str, Unit] = {unit.code: unit for unit in Unit}
_MORE = Text(ru="… и ещё {rows}: --limit или --format csv", en="… and {rows} more: --limit or --format csv")
_YES_NO: Mapping[Language, tuple[str, str]] = {"ru": ("да", "нет"), "en": ("yes", "no")}
_ROWS = Text(ru="строк", en="rows")


def use_settings() -> None:
    """What people keep stands in the state: Django, which reads the environment only now, is told where its settings are."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rakurs.config.settings")


def console() -> Console:
    """Where answers go. Piped into a file it is as wide as the table needs."""
    return Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else 240)


def print_json(document: Any) -> None:
    """A document as the API would send it."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def print_rows(
    columns: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], *, total: int | None = None
) -> None:
    """Rows as a table: titles above, numbers to the right; says how many rows are not shown."""
    language = default_language()
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        is_number = _UNITS[column["unit"]].is_numeric
        table.add_column(column["title"], justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Styled(shown(row[column["name"]], column["unit"], language)) for column in columns))
    out = console()
    out.print(table)
    if total is not None and total > len(rows):
        out.print(_MORE.filled(rows=total - len(rows)).to(language), style="dim")


def shown(value: Any, unit: str, language: Language, *, digits: int | None = None) -> str:
    """A value of a document as a person of this language writes it; a number with its usual `digits` or so many."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return _YES_NO[language][0 if value else 1]
    kind = _UNITS[unit].kind
    if kind == "share" and isinstance(value, int | float):
        return _grouped(value * 100, 1, language) + (" %" if language == "ru" else "%")
    if isinstance(value, int | float) and kind in _DIGITS:
        usual = _DIGITS[kind] if isinstance(value, float) or kind == "money" else 0
        return _grouped(value, usual if digits is None else digits, language)
    return str(value)


def _grouped(value: float, digits: int, language: Language) -> str:
    text = f"{value:,.{digits}f}"
    # A no-break space between thousands, as Russian typography has it.
    return text.replace(",", "\u00a0").replace(".", ",") if language == "ru" else text


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Label and words, one pair a line, the words wrapped under themselves."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, words in pairs:
        table.add_row(label, Styled(words))
    console().print(table)


_LABELS: Mapping[str, Text] = {
    "definition": Text(ru="Что это", en="What it is"),
    "period": Text(ru="Период", en="Period"),
    "filters": Text(ru="Отбор", en="Filters"),
    "inputs": Text(ru="Прочитано", en="Read"),
    "left_out": Text(ru="Не вошло", en="Left out"),
    "notes": Text(ru="Замечания", en="Notes"),
    "newest_on": Text(ru="Данные по", en="Data up to"),
}


def _omitted(item: Document) -> str:
    language = default_language()
    words = f"{item['reason']}: {shown(item['rows'], 'count', language)}"
    return f"{words} ({shown(item['amount'], 'money', language)})" if "amount" in item else words


def print_left_out(items: Sequence[Document]) -> None:
    """The rows a table of metrics does not count, below it."""
    print_pairs((_LABELS["left_out"].to(default_language()), _omitted(item)) for item in items)


def print_passport(passport: Document) -> None:
    """What stands behind the numbers; the query and the rest are in the JSON form."""
    language = default_language()
    rows = _ROWS.to(language)
    words = {
        "definition": passport["definition"],
        "period": passport["period"],
        "filters": ", ".join(f"{name} = {value}" for name, value in passport["filters"].items()),
        "inputs": "; ".join(
            f"{item['title']}: {shown(item['rows'], 'count', language)} {rows}" for item in passport["inputs"]
        ),
        "left_out": "; ".join(_omitted(item) for item in passport["left_out"]),
        "notes": "; ".join(passport["notes"]),
        "newest_on": passport["newest_on"] or "",
    }
    print_pairs((_LABELS[name].to(language), text) for name, text in words.items() if text)
