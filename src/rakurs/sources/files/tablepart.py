"""Table parts: what a reader found out about one table before anyone decides what it means."""

from dataclasses import dataclass

from rakurs.core.source import Scan
from rakurs.core.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePart:
    """One table as it lies in a file. `sample` are its first records as text, one cell per column."""

    file: str
    stem: str
    scan: Scan
    sample: tuple[tuple[str, ...], ...]
    rows_estimate: int
    content_hash: str
    size_bytes: int
    notes: tuple[Text, ...] = ()

    def samples_of(self, column: str) -> tuple[str, ...]:
        """The sampled cells of one column."""
        place = self.scan.columns.index(column)
        return tuple(record[place] for record in self.sample)
