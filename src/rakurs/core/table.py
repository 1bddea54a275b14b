"""Tables and columns as data: one declaration gives the DDL, the checks, the template and the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rakurs.core.errors import UnknownName
from rakurs.core.text import Text
from rakurs.core.units import Unit

TABLE = Text(ru="Таблицы", en="table")
COLUMN = Text(ru="Столбца", en="column")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: its name, unit and meaning.

    `required` values may not be empty; `choices` are the only values allowed, or, where the column `is_open`,
    those that have words of their own; `references` names the
    table whose key this column holds (a missing partner is not an error: it may come later).
    `is_derived` columns are computed at load and are never asked of a file. `adds_up` is false where rows of
    an answer overlap (a deal passes many stages), so that no total may be shown although the unit adds up.
    """

    name: str
    unit: Unit
    title: Text
    required: bool = False
    choices: Mapping[str, Text] = field(default_factory=dict[str, Text])
    is_open: bool = False
    references: str | None = None
    low: float | None = None
    is_derived: bool = False
    adds_up: bool = True
    interval: tuple[str, str] | None = None
    """The columns that hold the bounds of this one's values; they are shown beside it."""
    is_change: bool = False
    """Whether its sign is news: it is shown with an arrow."""
    opens: bool = False
    """Whether each of its values opens the rows that this very number counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table under its business name. One row per `key`."""

    name: str
    title: Text
    grain: Text
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column called `name`; UnknownName says which is nearest."""
        for column in self.columns:
            if column.name == name:
                return column
        raise UnknownName(COLUMN, f"{self.name}.{name}", [f"{self.name}.{known}" for known in self.names])

    def __hash__(self) -> int:
        return hash(self.name)
