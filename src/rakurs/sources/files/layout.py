"""Layout: where in a grid of cells is the header, where do the records begin and end, how are columns called?"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rakurs.sources.files.values import is_typed

Row = Sequence[str]
_HEADER_DEPTH = 3
_HEAD_ROWS = 40
_TAIL_ROWS = 30
_TOTAL = re.compile(
    r"^(?:(?:общий\s+)?итог(?:о|и)?(?:\s+(?:по|за)\s.*)?|всего(?:\s+(?:по|за)\s.*)?|(?:grand\s+|sub)?totals?)\s*[:.]?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merged block of cells, ends included, counted from 0."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Columns by name, and the index of the first record; `header_rows` are indexes, empty without a header."""

    columns: tuple[str, ...]
    header_rows: tuple[int, ...]
    first_record: int
    header_values: tuple[str, ...]


def is_total(row: Row) -> bool:
    """Whether a row sums others up: one of its first filled cells says so, and it is not full."""
    filled = [cell.strip() for cell in row if cell.strip()]
    return len(filled) < max(len(row), 2) and any(_TOTAL.match(cell) for cell in filled[:3])


def layout_of(
    rows: Sequence[Row], *, merges: Sequence[Merge] = (), is_header_word: Callable[[str], bool] = lambda _: False
) -> Layout:
    """The layout of a table whose first rows are `rows`."""
    head = [[cell.strip() for cell in row] for row in rows[:_HEAD_ROWS]]
    width = _width(rows)
    body = [row for row in rows if sum(bool(cell.strip()) for cell in row) >= 0.5 * width and not is_total(row)]
    full = max(width, _usual_length(body))
    main = _main_header(head, width=width, is_header_word=is_header_word)
    if main is None or _is_headless(head[main], body[1:], is_header_word=is_header_word):
        first = next((index for index, row in enumerate(head) if any(row)), 0)
        return Layout(
            columns=unique_names([f"column_{number}" for number in range(1, full + 1)]),
            header_rows=(),
            first_record=first if main is None else main,
            header_values=(),
        )
    header_rows = _header_rows(head, main, merges=merges, is_header_word=is_header_word)
    width = max(full, *(len(_trimmed(head[index])) for index in header_rows))
    names = _flattened([head[index] for index in header_rows], header_rows, width=width, merges=merges)
    last = header_rows[-1]
    raw = list(rows[last])
    return Layout(
        columns=unique_names(names),
        header_rows=tuple(header_rows),
        first_record=_first_record(head, last),
        header_values=tuple((raw + [""] * width)[:width]),
    )


def totals_at_end(rows: Sequence[Row], *, width: int) -> int:
    """How many of the last rows are no records: totals, and the signatures under them. Blank rows are not counted."""
    tail = [row for row in rows if any(cell.strip() for cell in row)][-_TAIL_ROWS:]
    for index, row in enumerate(tail):
        if is_total(row) and all(is_total(after) or _is_footnote(after, width=width) for after in tail[index + 1 :]):
            return len(tail) - index
    return 0


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names with blanks filled ("column_3") and repeats numbered ("Sum (2)"), case apart."""
    taken: set[str] = set()
    unique: list[str] = []
    for number, name in enumerate(names, start=1):
        base = candidate = name or f"column_{number}"
        repeat = 2
        while candidate.casefold() in taken:
            candidate = f"{base} ({repeat})"
            repeat += 1
        taken.add(candidate.casefold())
        unique.append(candidate)
    return tuple(unique)


def _width(rows: Sequence[Row]) -> int:
    widths = Counter(len(_trimmed(row)) for row in rows if any(cell.strip() for cell in row))
    if not widths:
        return 0
    common = max(widths.values())
    # The widest of the usual widths: trailing cells are often empty, a stray note is rare.
    return max(width for width, count in widths.items() if count >= 0.1 * common and (count > 1 or common == 1))


def _usual_length(rows: Sequence[Row]) -> int:
    """The length most records have, empty cells at their end included: an engine reads those as columns too."""
    lengths = Counter(map(len, rows))
    return lengths.most_common(1)[0][0] if lengths else 0


def _main_header(head: Sequence[Row], *, width: int, is_header_word: Callable[[str], bool]) -> int | None:
    """The first row that names most columns; title and parameter rows above it name one or two."""
    needed = 1 if width == 1 else max(2, 0.6 * width)
    for index, row in enumerate(head):
        filled = [cell for cell in row if cell]
        known = sum(map(is_header_word, filled))
        if len(filled) >= needed or (known >= 2 and known >= 0.6 * len(filled) and len(filled) >= 0.4 * width):
            return index
    return None


def _is_headless(row: Row, records: Sequence[Row], *, is_header_word: Callable[[str], bool]) -> bool:
    """Whether a supposed header looks like the records under it."""
    filled = [cell for cell in row if cell]
    typed = sum(map(is_typed, filled))
    if not filled or any(map(is_header_word, filled)):
        return False
    if typed > 0.5 * len(filled):
        return not _is_scale(filled)
    sample = records[:50]
    typed_columns = [
        place
        for place in range(len(row))
        if sum(is_typed(record[place].strip()) for record in sample if place < len(record)) > 0.8 * len(sample) > 0
    ]
    return bool(typed_columns) and all(is_typed(row[place]) for place in typed_columns)


def _is_scale(cells: Sequence[str]) -> bool:
    """Whether the typed cells of a row are a running scale, as years are over the columns of a pivot."""
    typed = [cell for cell in cells if is_typed(cell)]
    years = [int(cell) for cell in typed if re.fullmatch(r"(19|20)\d\d", cell)]
    return len(years) == len(typed) >= 2 and years == list(range(years[0], years[0] + len(years)))


def _header_rows(
    head: Sequence[Row], main: int, *, merges: Sequence[Merge], is_header_word: Callable[[str], bool]
) -> list[int]:
    rows = [main]
    while len(rows) < _HEADER_DEPTH and rows[0] > 0 and _belongs_above(head, rows[0], merges=merges):
        rows.insert(0, rows[0] - 1)
    while len(rows) < _HEADER_DEPTH and _belongs_below(head, rows[-1], merges=merges, is_header_word=is_header_word):
        rows.append(rows[-1] + 1)
    return rows


def _belongs_above(head: Sequence[Row], index: int, *, merges: Sequence[Merge]) -> bool:
    """A row above is a header's upper floor when it fills its gaps, or spans its cells from beyond the first."""
    above, row = head[index - 1], head[index]
    if not any(above) or any(is_typed(cell) for cell in above if cell):
        return False
    gaps = [place for place, cell in enumerate(above) if cell and (place >= len(row) or not row[place])]
    spans = any(merge.top == index - 1 and merge.right > merge.left > 0 for merge in merges)
    return (bool(gaps) and sum(map(bool, above)) >= 2) or spans


def _belongs_below(
    head: Sequence[Row], index: int, *, merges: Sequence[Merge], is_header_word: Callable[[str], bool]
) -> bool:
    """A row below is a header's lower floor when it names parts of a spanning cell, or holds only header words."""
    if index + 1 >= len(head):
        return False
    row, below = head[index], head[index + 1]
    filled = [cell for cell in below if cell]
    if not filled or any(map(is_typed, filled)):
        return False
    if any(merge.top <= index < merge.bottom for merge in merges):
        return True
    if any(merge.top == index and merge.right > merge.left for merge in merges):
        return True
    if all(map(is_header_word, filled)) and len(filled) < len([cell for cell in row if cell]) + 1:
        return True
    gaps = [place for place, cell in enumerate(below) if cell and (place >= len(row) or not row[place])]
    deeper = head[index + 2] if index + 2 < len(head) else []
    is_data_below = any(is_typed(deeper[place]) for place in gaps if place < len(deeper))
    return bool(gaps) and is_data_below and len(filled) < len(_trimmed(row)) + 1


def _flattened(rows: Sequence[Row], indexes: Sequence[int], *, width: int, merges: Sequence[Merge]) -> list[str]:
    floors = [_spread([*row, *[""] * (width - len(row))], rows[depth + 1 :]) for depth, row in enumerate(rows)]
    for merge in merges:
        for depth, index in enumerate(indexes):
            if merge.top <= index <= merge.bottom and merge.top in indexes:
                text = floors[indexes.index(merge.top)][merge.left] if merge.left < width else ""
                for place in range(merge.left, min(merge.right + 1, width)):
                    floors[depth][place] = text
    return [_joined([floor[place] for floor in floors]) for place in range(width)]


def _spread(row: list[str], below: Sequence[Row]) -> list[str]:
    """Upper names reach right over the cells of the lower floor that they have nothing above."""
    spread, current = list(row), ""
    for place, cell in enumerate(row):
        has_lower = any(place < len(lower) and lower[place] for lower in below)
        if cell:
            current = cell if has_lower else ""
        elif has_lower and current:
            spread[place] = current
        else:
            current = ""
    return spread


def _joined(parts: Sequence[str]) -> str:
    kept: list[str] = []
    for part in parts:
        text = re.sub(r"\s+", " ", part).strip()
        if text and text not in kept:
            kept.append(text)
    return " / ".join(kept)


def _first_record(head: Sequence[Row], last_header: int) -> int:
    """Blank rows stand between header and records; in printed forms also a row that numbers the columns."""
    index = last_header + 1
    is_form = last_header > 0
    while index < len(head) and (not any(head[index]) or (is_form and _numbers_columns(head[index]))):
        index += 1
    return index


def _numbers_columns(row: Row) -> bool:
    filled = [cell for cell in row if cell]
    return len(filled) >= 4 and filled == [str(number) for number in range(1, len(filled) + 1)]


def _is_footnote(row: Row, *, width: int) -> bool:
    filled = sum(bool(cell.strip()) for cell in row)
    return filled <= (2 if width > 3 else 1) < width


def _trimmed(row: Row) -> Row:
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return row[:end]
