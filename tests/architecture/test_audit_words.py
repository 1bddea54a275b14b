"""Does the audit call every deed by its words?"""

import ast
from collections.abc import Iterator
from pathlib import Path

from rakurs.app.audit_words import DEED_WORDS

SOURCES = Path(__file__).resolve().parents[2] / "src" / "rakurs"
WRITERS = {"note", "looked", "_noted"}


def deeds_in(tree: ast.AST) -> Iterator[str]:
    """Second arguments of calls that write a line, both branches of a choice."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and len(call.args) > 1:
            named = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if named in WRITERS:
                second = call.args[1]
                choices = (second.body, second.orelse) if isinstance(second, ast.IfExp) else (second,)
                yield from (str(word.value) for word in choices if isinstance(word, ast.Constant))


def test_every_deed_written_down_has_words() -> None:
    texts = (path.read_text("utf-8") for path in SOURCES.rglob("*.py"))
    telling = (text for text in texts if any(f"{writer}(" in text for writer in WRITERS))
    written = {deed for text in telling for deed in deeds_in(ast.parse(text))}
    assert len(written) > 40
    assert written <= set(DEED_WORDS), written - set(DEED_WORDS)
