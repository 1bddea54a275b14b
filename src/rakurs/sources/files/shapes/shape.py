"""Known shapes: which export is this, and what do its columns mean, said as data."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rakurs.core.source import FileMapping, TableMapping, Value
from rakurs.core.text import Text
from rakurs.schema import table_named
from rakurs.sources.files.synonyms import columns_by_word, plain

Rows = Iterable[Sequence[str]]

CURRENCY_WORDS = {
    "Российский рубль": "RUB",
    "Рубль": "RUB",
    "руб.": "RUB",
    "₽": "RUB",
    "Доллар США": "USD",
    "US Dollar": "USD",
    "$": "USD",
    "Евро": "EUR",
    "Euro": "EUR",
    "€": "EUR",
    "Тенге": "KZT",
    "Белорусский рубль": "BYN",
    "Гривна": "UAH",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """Where a deals export names pipeline and stage; their outcomes and order are read from the words."""

    stage: str
    pipeline: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One known export.

    `fields` name what its columns mean, each with the headers it goes under. The shape is recognised when every
    one of `needs` is there, none of `excludes`, and at least `least_marks` of `marks`, the headers only this
    system writes, and there are no more than `most_columns`. `tables` are mappings whose values name fields instead of columns. `tidied` rewrites a printed
    report as records; it gets the columns and the rows, and returns both, row under row; `expanded` says which
    columns it will return.
    """

    name: str
    title: Text
    fields: Mapping[str, tuple[str, ...]]
    needs: tuple[str, ...]
    tables: tuple[TableMapping, ...]
    source: str = "files"
    marks: tuple[str, ...] = ()
    least_marks: int = 0
    excludes: tuple[str, ...] = ()
    most_columns: int | None = None
    stages: Stages | None = None
    expanded: Callable[[Sequence[str]], tuple[str, ...]] = tuple
    tidied: Callable[[Sequence[str], Rows], tuple[tuple[str, ...], Iterator[Sequence[str]]]] | None = None
    notes: tuple[Text, ...] = ()

    def bound(self, columns: Sequence[str]) -> dict[str, str]:
        """Field -> the column of the file it stands for; each column serves one field."""
        by_word = columns_by_word(columns)
        found: dict[str, str] = {}
        for name, words in self.fields.items():
            free = (by_word[plain(word)] for word in words if plain(word) in by_word)
            column = next((candidate for candidate in free if candidate not in found.values()), None)
            if column is not None:
                found[name] = column
        return found

    def fits(self, columns: Sequence[str]) -> bool:
        """Whether a file with these columns is such an export."""
        if self.most_columns is not None and len(columns) > self.most_columns:
            return False
        columns = self.expanded(columns)
        found = self.bound(columns)
        present = columns_by_word(columns)
        marks = sum(plain(mark) in present for mark in self.marks)
        return (
            all(name in found for name in self.needs)
            and not any(name in found for name in self.excludes)
            and marks >= self.least_marks
        )

    def mapping(self, columns: Sequence[str]) -> FileMapping:
        """What the columns of such an export mean. Fields the file lacks are left out, and tables without key."""
        found = self.bound(self.expanded(columns))
        tables = (_bound_table(table, found) for table in self.tables)
        return FileMapping(name=self.name, source=self.source, tables=tuple(table for table in tables if table))


def of(
    *fields: str, default: str | None = None, replace: Mapping[str, str] | None = None, row_number: bool = False
) -> Value:
    """The first non-empty of these fields."""
    return Value(columns=fields, default=default, replace=replace or {}, row_number=row_number)


def listed(table: str, key: str, *fields: str, **others: Value) -> TableMapping:
    """A table fed by the distinct values of a field, which serve as key and as name: exports hold no ids."""
    values = {key: of(*fields), "name": of(*fields), **others}
    return TableMapping(table=table, values=values, distinct=True, keep_custom=False)


def _bound_table(table: TableMapping, found: Mapping[str, str]) -> TableMapping | None:
    values = {name: bound for name, value in table.values.items() if (bound := _bound_value(value, found))}
    required = [column.name for column in table_named(table.table).columns if column.required]
    if not all(name in values for name in required):
        return None
    only_where = {found[name]: words for name, words in table.only_where.items() if name in found}
    return dataclasses.replace(table, values=values, only_where=only_where)


def _bound_value(value: Value, found: Mapping[str, str]) -> Value | None:
    columns = tuple(found[name] for name in value.columns if name in found)
    if columns:
        return dataclasses.replace(value, columns=columns)
    is_fixed = value.constant is not None or value.default is not None or value.row_number
    return dataclasses.replace(value, columns=()) if is_fixed else None
