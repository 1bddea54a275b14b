"""What is the name of an id? Looked up for the few rows that are shown, never joined to a whole table."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.app.rights import Scope, reached
from rakurs.core.table import Column, Table
from rakurs.schema import TABLES
from rakurs.warehouse.reading import Reader

Rows = Sequence[Mapping[str, Any]]
Key = tuple[str, ...]

_LABELS = ("name", "title")
_TABLES: Mapping[str, Table] = {table.name: table for table in TABLES}
_LABEL_OF: Mapping[str, str] = {
    table.name: next(label for label in _LABELS if label in table.names)
    for table in TABLES
    if any(label in table.names for label in _LABELS)
}


class Names:
    """Names by table and key. An id without a name is called by itself."""

    def __init__(self, known: Mapping[tuple[str, Key], str]) -> None:
        self._known = known

    def of(self, column: Column, row: Mapping[str, Any]) -> str:
        """What to call the value of a column that references a table; empty for none."""
        value = row.get(column.name)
        if value is None:
            return ""
        key = key_of(column, row)
        return self._known.get((column.references or "", key), str(value)) if key else str(value)


def key_of(column: Column, row: Mapping[str, Any]) -> Key | None:
    """The key of the row that `column` references; its other parts stand in columns of their own names."""
    table = _TABLES.get(column.references or "")
    if table is None or row.get(column.name) is None:
        return None
    parts = [*(row.get(part) for part in table.key[:-1]), row[column.name]]
    return tuple(str(part) for part in parts) if None not in parts else None


def names_in(reader: Reader, groups: Iterable[tuple[Sequence[Column], Rows]], *, scope: Scope) -> Names:
    """The names behind every reference in some groups of rows, where `scope` reaches them; one query for each table."""
    wanted: dict[str, set[Key]] = {}
    for columns, rows in groups:
        for column in columns:
            referred = column.references or ""
            if referred in _LABEL_OF:
                keys = (key_of(column, row) for row in rows)
                wanted.setdefault(referred, set()).update(key for key in keys if key is not None)
    known: dict[tuple[str, Key], str] = {}
    for name, keys in wanted.items():
        if keys:
            known |= {(name, key): label for key, label in _labels(reader, _TABLES[name], keys, scope)}
    return Names(known)


def _labels(reader: Reader, table: Table, keys: set[Key], scope: Scope) -> Iterable[tuple[Key, str]]:
    label = _LABEL_OF[table.name]
    last = sorted({key[-1] for key in keys})
    found = reached(reader, table, scope).filter(nw.col(table.key[-1]).is_in(last)).select(*table.key, label)
    for row in reader.collect(found).to_pylist():
        key = tuple(str(row[part]) for part in table.key)
        if key in keys and row[label]:
            yield key, row[label]
