"""The story of an answer as plain sentences, its numbers in the formats of whoever reads."""

from collections.abc import Sequence
from typing import Any

from rakurs.app.formats import MINUS, Format
from rakurs.core.analysis import Statement, Told
from rakurs.core.text import Language, Text
from rakurs.core.units import Unit

WORD_JOINER = "\N{WORD JOINER}"
_IN_SHORT = Text(ru="Коротко", en="In short")


def sentences(story: Sequence[Statement], form: Format) -> list[str]:
    """Each statement as `form` shows numbers."""
    said = (statement.said(form.language, lambda told: _shown(told, form)) for statement in story)
    # A value may end in the point of an abbreviation, and stand before the full stop.
    return [text.replace("..", ".") for text in said]


def story_document(story: Sequence[Statement], language: Language, currency: str) -> list[dict[str, Any]]:
    """Each sentence with the cell it speaks of."""
    texts = sentences(story, Format(language=language, currency=currency))
    return [
        {"text": text, "cell": None if statement.cell is None else dict(statement.cell)}
        for text, statement in zip(texts, story, strict=True)
    ]


def story_words(story: Sequence[Statement], form: Format) -> tuple[tuple[str, str], ...]:
    """The story as lines of the sheet that stands beside an answer in a workbook."""
    return tuple((_IN_SHORT.to(form.language), text) for text in sentences(story, form))


def _shown(told: Told, form: Format) -> str:
    value = told.value
    if value is None or not told.is_change:
        return _value(value, told.unit, form)
    sign = "" if value == 0 else "+" if value > 0 else MINUS
    # A sign is never left at the end of a line by its number.
    return f"{sign}{WORD_JOINER if sign else ''}{_value(abs(value), told.unit, form)}"


def _value(value: Any, unit: Unit, form: Format) -> str:
    return form.compact(value, unit) if unit.kind == "money" else form.shown(value, unit)
