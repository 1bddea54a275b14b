"""The statements of the tests of databases, written as T-SQL wants them."""

import re

_TEXT = re.compile(r"(?<!N)('(?:[^']|'')*')")
_WORDS = (
    (r"\btimestamp\b", "datetime2(6)"),
    (r"\bboolean\b", "bit"),
    (r"\btext\b", "nvarchar(1000)"),
    (r"\bfalse\b", "0"),
    (r"\btrue\b", "1"),
    (r"\bnot draft\b", "draft = 0"),
)


def in_t_sql(sql: str) -> str:
    """The same with its types, bits and texts of T-SQL; what stands in texts is left alone."""
    parts = _TEXT.split(sql)
    for place, part in enumerate(parts):
        if place % 2:
            parts[place] = f"N{part}"
            continue
        for ours, theirs in _WORDS:
            part = re.sub(ours, theirs, part)  # noqa: PLW2901 - one word after another
        parts[place] = part
    return "".join(parts)
