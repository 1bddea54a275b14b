"""Which cells of a column does the eye find first? Each value gets the name of a style of builder.css."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from rakurs.app.asked import Highlight

Mark = Callable[[Any], str]
STEPS = 20
SHADES = 6


def marks_of(highlights: Sequence[Highlight], table: pa.Table) -> Mapping[str, Mark]:
    """For each highlighted column, the style of a value. Lengths and shades are held against the page that is shown."""
    return {item.column: _mark(item, table) for item in highlights if item.column in table.column_names}


def _mark(asked: Highlight, table: pa.Table) -> Mark:
    known = [float(value) for value in table[asked.column].to_pylist() if value is not None]
    return _MARKS[asked.style](asked, known)


def _bars(_asked: Highlight, known: Sequence[float]) -> Mark:
    greatest = max((abs(value) for value in known), default=0) or 1

    def mark(value: Any) -> str:
        if value is None:
            return ""
        kind = "minus" if value < 0 else "plus"
        return f"bar {kind} w{round(abs(float(value)) / greatest * STEPS)}"

    return mark


def _scale(_asked: Highlight, known: Sequence[float]) -> Mark:
    low, high = min(known, default=0), max(known, default=0)
    width = (high - low) or 1

    def mark(value: Any) -> str:
        return "" if value is None else f"shade s{min(int((float(value) - low) / width * SHADES), SHADES - 1)}"

    return mark


def _above(asked: Highlight, _known: Sequence[float]) -> Mark:
    return lambda value: asked.tone if value is not None and float(value) > (asked.threshold or 0) else ""


def _below(asked: Highlight, _known: Sequence[float]) -> Mark:
    return lambda value: asked.tone if value is not None and float(value) < (asked.threshold or 0) else ""


_MARKS: Mapping[str, Callable[[Highlight, Sequence[float]], Mark]] = {
    "bars": _bars,
    "scale": _scale,
    "above": _above,
    "below": _below,
}
