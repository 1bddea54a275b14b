"""A source that is followed without an application around it: settings, spools, a warehouse, and the cursor between runs."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from rakurs.core.loading import LoadReport, silent
from rakurs.core.mart import CalendarMart, Mart
from rakurs.sources.live import Change, Landing, LiveSource, SourceSettings, Wanted, WantedKind
from rakurs.sources.spool import Spool
from rakurs.warehouse.warehouse import Warehouse


class Following:
    """One system followed into a warehouse of its own. What its numbers are, each source's tests say."""

    timezone = "Europe/Moscow"
    marts: Sequence[Mart | CalendarMart] = ()

    def __init__(self, folder: Path, source: LiveSource, settings: SourceSettings, *, prefix: str) -> None:
        self.folder, self.source, self.settings, self.prefix = folder, source, settings, prefix
        self.cursor: Mapping[str, str] = {}
        self.runs = 0

    @cached_property
    def warehouse(self) -> Warehouse:
        """Opened where something is loaded."""
        return Warehouse.open(self.folder / "warehouse", timezone=self.timezone, currency="RUB")

    def close(self) -> None:
        if "warehouse" in self.__dict__:
            self.warehouse.close()

    def spool(self) -> Spool:
        """That of a new run."""
        self.runs += 1
        return Spool(self.folder / f"run-{self.runs}")

    def run(
        self,
        kind: WantedKind = "changes",
        days: tuple[date, date] | None = None,
        *,
        changes: Sequence[Change] = (),
        compares: bool | None = None,
    ) -> LoadReport:
        """One run, fetched and taken in; it compares what is left where it is full, unless told otherwise."""
        spool = self.spool()
        first, last = days or (None, None)
        wanted = Wanted(
            kind=kind,
            cursor=self.cursor,
            compares=kind == "full" if compares is None else compares,
            from_day=first,
            to_day=last,
            changes=tuple(changes),
        )
        return self.taken(spool, self.source.fetch(self.settings, wanted, spool, silent))

    def taken(self, spool: Spool, cursor: Mapping[str, str]) -> LoadReport:
        """Load what a spool holds; then its cursor counts."""
        landing = Landing(source=self.prefix, profiles=self.folder)
        report = self.warehouse.load(self.source.deliveries(self.settings, spool, landing), marts=self.marts)
        self.cursor = cursor
        return report

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows that are there, those marked as deleted left out."""
        with self.warehouse.reading() as reader:
            found = reader.collect(reader.records(table) if table == "customers" else reader.frame(table)).to_pylist()
        return [row for row in found if row.get("deleted_at") is None]
