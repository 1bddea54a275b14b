"""Dialect: which mark parts the cells of a text, comma, semicolon, tab, pipe or spaces?"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator

from rakurs.sources.files.values import is_number

DELIMITERS = (",", ";", "\t", "|")
SPACES = " "
"""One or more blanks part the cells; such a text is rewritten before it is read."""
_SNIFFED_ROWS = 200


def split_rows(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Cells of each record; quoted cells may hold the delimiter and line breaks. A blank line is an empty list."""
    if delimiter == SPACES:
        return (line.split() for line in lines)
    return csv.reader(lines, delimiter=delimiter)


def sniffed_delimiter(text: str) -> str:
    """The mark under which most rows have equally many cells, two or more; a comma where there is one column."""
    scores = {mark: _evenness(text, mark) for mark in DELIMITERS}
    best = max(DELIMITERS, key=lambda mark: scores[mark])
    if scores[best] > 0:
        return best
    return SPACES if _is_parted_by_spaces(text) else DELIMITERS[0]


def _evenness(text: str, delimiter: str) -> float:
    rows = _sample(text, delimiter)
    widths = Counter(len(row) for row in rows)
    if not widths:
        return 0.0
    width, count = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
    if width < 2 or (count < 2 and len(rows) > 2):
        return 0.0
    # A decimal comma parts rows evenly too, but not the header, and its pieces hold the true delimiter.
    first_even = next((index for index, row in enumerate(rows) if len(row) == width), 0)
    wider_before = sum(len(row) > width for row in rows[:first_even])
    even = [row for row in rows if len(row) == width]
    cells = [cell for row in even for cell in row]
    others = [mark for mark in DELIMITERS if mark != delimiter]
    foreign = sum(any(mark in cell for mark in others) and not is_number(cell.strip()) for cell in cells) / len(cells)
    top = rows[0] if rows else []
    heads = 0.15 if len(top) == width else 0.0
    return (count / len(rows)) * (1 - 0.7 * foreign) + heads + min(width, 50) / 500 - 0.1 * wider_before


def _sample(text: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        if any(cell.strip() for cell in row):
            rows.append(row)
        if len(rows) >= _SNIFFED_ROWS:
            break
    return rows


def _is_parted_by_spaces(text: str) -> bool:
    rows = [line.split() for line in text.splitlines()[:_SNIFFED_ROWS] if line.strip()]
    widths = Counter(map(len, rows))
    width, count = widths.most_common(1)[0] if widths else (0, 0)
    # Prose has words in plenty too; a table has figures in every row.
    figures = sum(any(any(letter.isdigit() for letter in cell) for cell in row) for row in rows)
    return width >= 2 and count >= 0.9 * len(rows) and figures >= 0.5 * len(rows)
