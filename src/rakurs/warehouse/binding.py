"""Why is a step of a question not bound anew every time? Its columns follow from its text while tables stay what they are.

After every verb of a lazy frame the binder is asked for the names and types of its columns: dozens of times a question,
half the work of putting one together. The tables of a warehouse keep their columns while it is open, but for marts made
anew by another release, so what was said of a text once is said of it again, to every cursor of that warehouse. Temporary tables called `passing_…` may differ
between two uses of the same name; nothing that reads one is kept. See docs/decisions/0040.
"""

from hashlib import blake2b
from typing import Any
from weakref import WeakKeyDictionary

import duckdb
from duckdb import _relation, _seam

PASSING = "passing_"
_FLEETING = (f'"{PASSING}', '"__duckdb_source_')
"""How names begin that stand for other columns the next time."""
_MOST = 20_000

Said = dict[tuple[bytes, bool], Any]
"""What the binder said of a text, by its digest and whether Python variables were looked for in it."""

_said_to: WeakKeyDictionary[duckdb.DuckDBPyConnection, Said] = WeakKeyDictionary()
ask = _seam.bind


def share(cursor: duckdb.DuckDBPyConnection, said: Said) -> None:
    """From now on frames on `cursor` ask the binder what is not in `said` yet."""
    _said_to[cursor] = said


def _bound(con: Any, sql: Any, capture: bool = False, values: Any = None) -> Any:  # noqa: FBT001, FBT002 - as the seam is called
    said = _said_to.get(con)
    if said is None or values is not None or not isinstance(sql, str) or any(name in sql for name in _FLEETING):
        return ask(con, sql, capture, values)
    key = (blake2b(sql.encode(), digest_size=16).digest(), capture)
    signature = said.get(key)
    if signature is None:
        signature = ask(con, sql, capture, values)
        # A text that reads a Python variable holds on to it.
        if not signature.captured:
            if len(said) >= _MOST:
                said.clear()
            said[key] = signature
    return signature


# Python variables are looked for above the library's own frames, and this one stands among them.
__name__ = "duckdb.bound_once"
_seam.bind = _bound
# Looks at every column for every expression, to warn those who write relations by hand. Narwhals says which it means.
_relation._warn_on_literal_names = lambda _value, _columns: None  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
