"""How does the story of an answer stand on its page? Sentences in the page's formats, each leading to its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rakurs.app.formats import Format
from rakurs.app.telling import sentences
from rakurs.core.analysis import Statement
from rakurs.web.links import members_query


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One sentence, and where the rows behind it are."""

    text: str
    href: str = ""


def told(story: Sequence[Statement], form: Format, *, given: Mapping[str, Any]) -> tuple[Line, ...]:
    """`story` in the page's language; `given` are the parameters that stand in addresses."""
    return tuple(
        Line(text=text, href="" if statement.cell is None else f"members/{members_query(given, statement.cell)}")
        for text, statement in zip(sentences(story, form), story, strict=True)
    )
