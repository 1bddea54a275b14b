"""What a load says of itself: progress while it runs, a report when it is done."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rakurs.core.text import Text


class Progress(Protocol):
    """Told how far a long work is; raises Cancelled where the user wants it stopped."""

    def __call__(self, step: Text, *, done: int, total: int) -> None: ...


def silent(step: Text, *, done: int, total: int) -> None:
    """Progress nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCount:
    """What happened to the rows meant for one canonical table.

    `read` = `inserted` + `updated` + `unchanged` + `quarantined` + `repeated`; `repeated` rows had a key
    that came again later in the same load: the later row won, these are kept in raw. `removed` rows were known and are
    gone from the source: they are kept with a deletion mark and counted nowhere.
    """

    table: str
    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    quarantined: int = 0
    repeated: int = 0
    removed: int = 0

    @property
    def is_change(self) -> bool:
        """Whether the table holds other rows since."""
        return bool(self.inserted or self.updated or self.removed)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCount:
    """What was found in one file: the shape it was recognised as and its number of records."""

    file: str
    shape: str
    rows: int
    is_unchanged: bool
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """One load, finished: what each file and each table became."""

    load_id: str
    started_at: datetime
    seconds: float
    files: tuple[FileCount, ...]
    tables: tuple[TableCount, ...]
    data_version: int
