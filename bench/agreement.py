"""Do two answers to one question say the same, row by row?"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from math import isclose, isnan
from typing import Any

import pyarrow as pa

TOLERANCE = 1e-9
HALF_A_CENT = 0.005 + TOLERANCE
SHOWN = 5


def disagreements(ours: pa.Table, theirs: pa.Table, *, key: Sequence[str], compared: Sequence[str]) -> list[str]:
    """What differs, one sentence each, the first few of every kind; empty when the answers agree."""
    mine, other = _by_key(ours, key, compared), _by_key(theirs, key, compared)
    found = [f"{len(mine)} distinct keys in {ours.num_rows} rows of ours"] if len(mine) != ours.num_rows else []
    found += [f"only ours: {name}" for name in _some(mine.keys() - other.keys())]
    found += [f"only the peer's: {name}" for name in _some(other.keys() - mine.keys())]
    for column in compared:
        pairs = [(name, mine[name][column], other[name][column]) for name in mine.keys() & other.keys()]
        differing = [(name, a, b) for name, a, b in pairs if not agree(a, b)]
        found += [f"{column} of {name}: ours {a!r}, the peer's {b!r}" for name, a, b in differing[:SHOWN]]
        if len(differing) > SHOWN:
            found.append(f"{column}: {len(differing)} of {len(pairs)} rows differ")
    return found


def agree(ours: Any, theirs: Any) -> bool:
    """Whether two values are the same: numbers within a billionth or rounded to the cent, absent only with absent."""
    if ours is None or theirs is None:
        return ours is theirs
    if isinstance(ours, Decimal) and isinstance(theirs, float):
        # Ours is money to the cent; the peer's quotient is not rounded.
        return isclose(float(ours), theirs, rel_tol=TOLERANCE, abs_tol=HALF_A_CENT)
    if isinstance(ours, int | float | Decimal) and isinstance(theirs, int | float | Decimal):
        return isclose(float(ours), float(theirs), rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return ours == theirs


def _by_key(table: pa.Table, key: Sequence[str], compared: Sequence[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = table.select(list(dict.fromkeys([*key, *compared]))).to_pylist()
    return {tuple(_plain(row[name]) for name in key): {name: _plain(row[name]) for name in row} for row in rows}


def _plain(value: Any) -> Any:
    """The same day or number whatever type a peer gave it; NaN is absent."""
    if isinstance(value, float) and isnan(value):
        return None
    return value.date() if hasattr(value, "date") and not isinstance(value, type(date)) else value


def _some(names: set[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(names, key=repr)[:SHOWN]
