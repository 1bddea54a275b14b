"""Where does the company's data live, and how does it get in, stay right and come out?

A folder holds `raw/` (what came, as it came, and the journal of loads), `warehouse.duckdb` (canonical tables, marts
and the ledger of loads) and `scratch/` (what may vanish). One process owns it. A load is one transaction over
canonical tables, quarantine, ledger and marts: readers see the state before it or the state after it. A lost database
is made again from `raw/` alone, by `rebuild` or with the next load.
"""

import os
import shutil
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from threading import RLock
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from rakurs.core.loading import LoadReport, Progress, silent
from rakurs.core.mart import MartSettings
from rakurs.core.source import Delivery
from rakurs.core.text import Text
from rakurs.schema.ddl import literal
from rakurs.warehouse import erasing, forgotten, identities, journal, ledger, memberships, readings, retaining, scores
from rakurs.warehouse.duckdb_engine import Cursor, DuckDBEngine, first_row
from rakurs.warehouse.engine import Frame
from rakurs.warehouse.journal import LoadRecord
from rakurs.warehouse.loading import Arrival, Company, Correction, changed_tables, latest_arrival, load, rebuild
from rakurs.warehouse.orphans import Orphans, orphans
from rakurs.warehouse.rates import sole_currency, without_rate
from rakurs.warehouse.raw import remove_unfinished
from rakurs.warehouse.reading import Reader
from rakurs.warehouse.refreshing import AnyMart, refresh, signature
from rakurs.warehouse.washing import Past, Washing, begin

MEMORY_LIMIT = "RAKURS_MEMORY_LIMIT"
_DATABASE = "warehouse.duckdb"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """How many rows a canonical table has, and when a load last brought any."""

    table: str
    rows: int
    loaded_at: datetime | None


class Warehouse:
    """The company's tables. Thread-safe: readers have cursors of their own, loads come one after another."""

    def __init__(self, folder: Path, engine: DuckDBEngine, company: Company) -> None:
        self.folder = folder
        self.company = company
        self._engine = engine
        self._writing = RLock()
        self._newest: tuple[tuple[int, date], date | None] | None = None
        self._version = 0

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        timezone: str,
        currency: str,
        memory_limit: str | None = None,
        threads: int | None = None,
    ) -> "Warehouse":
        """The warehouse in `folder`, made when absent and repaired after a crash.

        WarehouseBusy when another process owns it. `memory_limit` is the engine's own ("1GB" unless the
        environment says otherwise); what does not fit is spilled to `scratch/`.
        """
        raw, scratch = folder / "raw", folder / "scratch"
        for path in (raw, scratch):
            path.mkdir(parents=True, exist_ok=True)
        limit = memory_limit or os.environ.get(MEMORY_LIMIT, "1GB")
        spill = scratch / "spill"
        is_new = not (folder / _DATABASE).exists()
        if is_new:
            # The unsaved rest of a database that is gone says nothing without it.
            (folder / f"{_DATABASE}.wal").unlink(missing_ok=True)
        engine = DuckDBEngine.on_file(folder / _DATABASE, scratch=spill, memory_limit=limit, threads=threads)
        warehouse = cls(folder, engine, Company(raw=raw, zone=timezone, currency=currency))
        remove_unfinished(raw)
        (folder / f"{_DATABASE}.fresh").unlink(missing_ok=True)
        _empty(scratch)
        with warehouse._transaction() as cursor:
            ledger.prepare(cursor)
            memberships.prepare(cursor, raw)
            readings.prepare(cursor)
            identities.prepare(cursor, raw)
            scores.prepare(cursor)
        if is_new:
            journal.settle(raw, committed=None)
        else:
            warehouse._settle_journal()
            warehouse._complete_journal()
        return warehouse

    def close(self) -> None:
        """Give the data up; another process may open it then."""
        with self._writing:
            self._engine.close()

    def load(
        self,
        deliveries: Iterable[Delivery],
        *,
        marts: Sequence[AnyMart],
        mart_settings: MartSettings | None = None,
        progress: Progress = silent,
    ) -> LoadReport:
        """Take in what came, all or nothing, and refresh the marts when it changed something.

        Stopped by Cancelled from `progress`, by Ctrl-C or by a kill, it leaves the old state. Loads that only the raw
        zone remembers are made again first.
        """
        with self._journaled() as cursor:
            if self._lost(cursor):
                self._rebuild(cursor, marts, mart_settings, progress)
            report = load(cursor, deliveries, company=self.company, now=_now(), progress=progress)
            if report.data_version > ledger.data_version(cursor):
                changed = changed_tables(report)
                if readings.CHANNELS.name in changed:
                    changed |= readings.settle_channels(cursor)
                if identities.CUSTOMERS.name in changed:
                    changed |= self._settle_identities(cursor, progress)
                self._refresh(cursor, marts, mart_settings, progress, changed=changed)
                ledger.set_state(cursor, data_version=report.data_version)
            report = ledger.timed(report, until=_now())
            ledger.keep_report(cursor, report)
            journal.prepare(self.company.raw, self._record(cursor, report))
        return report

    def refresh(
        self, marts: Sequence[AnyMart], settings: MartSettings | None = None, *, progress: Progress = silent
    ) -> None:
        """Make the marts anew from the canonical tables; the data version rises, for answers may change."""
        with self._transaction() as cursor:
            self._refresh(cursor, marts, settings, progress)
            ledger.set_state(cursor, data_version=ledger.data_version(cursor) + 1)

    def ensure_marts(self, marts: Sequence[AnyMart], settings: MartSettings | None = None) -> None:
        """Make the marts where they are not, or were made by another release or under other settings.

        So an empty home answers that it is empty, and an upgraded one answers by its new rules.
        """
        with self._transaction() as cursor:
            if ledger.state(cursor).get("marts") == signature(marts, settings or MartSettings()):
                return
            self._settle_identities(cursor, silent)
            self._refresh(cursor, marts, settings, silent)
            version = ledger.data_version(cursor)
            ledger.set_state(cursor, data_version=version + 1 if version else 0)

    def rebuild(
        self, marts: Sequence[AnyMart], settings: MartSettings | None = None, *, progress: Progress = silent
    ) -> None:
        """Make every table anew from the raw zone, with today's rules: replays all loads in order.

        Loads that a lost database took with it are remembered by the raw zone and come back with their history.
        """
        with self._transaction() as cursor:
            self._rebuild(cursor, marts, settings, progress)

    def erase(
        self,
        *,
        names: str | None = None,
        past: Sequence[Past] = (),
        outdated: datetime | None = None,
        marts: Sequence[AnyMart],
        mart_settings: MartSettings | None = None,
        progress: Progress = silent,
    ) -> Mapping[Path, int]:
        """Take whoever is in the list of the forgotten, what is `past` and what is outdated out of every raw batch, and make
        all tables anew.

        The tables follow all at once; batches are rewritten one by one, and done again they change no more. How many rows
        of each batch were rewritten.
        """
        with self._transaction() as cursor:
            going: Any = {"names": names, "past": past, "outdated": outdated}
            washing = self._rebuild(cursor, marts, mart_settings, progress, going=going)
            if outdated is not None:
                retaining.forget_answered(cursor, outdated)
            erasing.without_orphans(cursor, self.company.raw)
            erasing.noted(cursor, forgotten.listed(self.folder))
        return {} if washing is None else washing.changed

    def compact(self, *, patience: float = 60.0) -> bool:
        """Go on in a new database file, which does not hold what was erased; False where readers left no moment for it."""
        fresh = self.folder / f"{_DATABASE}.fresh"
        with self._writing:
            with self._engine.cursor() as cursor:
                if ledger.state(cursor).get(erasing.UNCOPIED) != "1":
                    return True
                erasing.copied(cursor, fresh)
            is_done = self._engine.exchange(fresh, patience=patience)
            fresh.unlink(missing_ok=True)
            if is_done:
                with self._transaction() as cursor:
                    ledger.set_state(cursor, **{erasing.UNCOPIED: 0})
        return is_done

    @contextmanager
    def examining(self) -> Generator[Cursor]:
        """The tables of one moment with all that is known of each row, for what asks about one person."""
        with self._engine.cursor() as cursor:
            cursor.begin()
            yield cursor

    def settle_members(
        self,
        segment_id: str,
        members: Callable[[Reader], Frame],
        *,
        on: date,
        provenance: memberships.Provenance = "observed",
    ) -> tuple[int, int]:
        """From day `on` exactly the customers of `members` (one column of ids) are in the segment; how many came, went.

        Counted and kept in one transaction. The data version stays; `memberships_version` rises when anything changed.
        """
        with self._transaction() as cursor:
            frame = members(Reader(cursor, data_version=ledger.data_version(cursor)))
            changed = memberships.settle(cursor, self.company.raw, segment_id, frame, on=on, provenance=provenance)
            if any(changed):
                self._mark_memberships(cursor)
        return changed

    def forget_members(self, segment_id: str) -> None:
        """The segment is gone, with its history."""
        with self._transaction() as cursor:
            memberships.forget(cursor, self.company.raw, segment_id)
            self._mark_memberships(cursor)

    @property
    def memberships_version(self) -> int:
        """Rises with every change of who is in which segment: answers that read them are cached under it too."""
        with self._engine.cursor() as cursor:
            return _memberships_version(cursor)

    def keep_scores(self, model: str, version_id: str, file: Path, *, on: date) -> None:
        """The rows of the Parquet `file` are the latest scores of `model`. The data version stays; `scores_version` rises."""
        with self._transaction() as cursor:
            scores.keep(cursor, model, version_id, file, on=on)
            self._mark_scores(cursor)

    def forget_scores(self, model: str) -> None:
        """The model says nothing any more."""
        with self._transaction() as cursor:
            scores.forget(cursor, model)
            self._mark_scores(cursor)

    @property
    def scores_version(self) -> int:
        """Rises with every scoring: answers that read scores are cached under it too."""
        with self._engine.cursor() as cursor:
            return int(ledger.state(cursor).get("scores_version", "0"))

    def _mark_scores(self, cursor: Cursor) -> None:
        version = int(ledger.state(cursor).get("scores_version", "0")) + 1
        ledger.set_state(cursor, scores_version=version)

    def _mark_memberships(self, cursor: Cursor) -> None:
        ledger.set_state(cursor, memberships_version=_memberships_version(cursor) + 1)

    def decide_identity(
        self,
        pairs: Iterable[tuple[str, str]],
        kind: identities.DecisionKind,
        *,
        by: str,
        marts: Sequence[AnyMart],
        mart_settings: MartSettings | None = None,
        progress: Progress = silent,
    ) -> bool:
        """Somebody decided of pairs of records that they are one customer, never one, or to leave it to the rules again.

        Whether anything changed. All that depends on who is one customer follows in the same transaction.
        """
        with self._transaction() as cursor:
            identities.keep_decisions(cursor, self.company.raw, pairs, kind, by=by, at=_now())
            return self._follow_identities(cursor, marts, mart_settings, progress)

    def records_to_compare(self) -> tuple[pa.Table, pa.Table]:
        """What each record of a customer is known by, and the pairs that are surely one: what likeness is learned from."""
        with self._engine.cursor() as cursor:
            return identities.keys_and_links(cursor)

    def keep_alike(
        self,
        pairs: pa.Table,
        *,
        marts: Sequence[AnyMart],
        mart_settings: MartSettings | None = None,
        progress: Progress = silent,
    ) -> bool:
        """These records look alike now; the likeliest are one customer from here on. Whether anything changed."""
        with self._transaction() as cursor:
            identities.keep_pairs(cursor, pairs)
            return self._follow_identities(cursor, marts, mart_settings, progress)

    def _settle_identities(self, cursor: Cursor, progress: Progress) -> frozenset[str]:
        progress(Text(ru="Кто есть кто", en="Who is who"), done=0, total=1)
        changed = readings.settle_channels(cursor)
        return changed | identities.settle(cursor, on=datetime.now(ZoneInfo(self.company.zone)).date())

    def _follow_identities(
        self, cursor: Cursor, marts: Sequence[AnyMart], settings: MartSettings | None, progress: Progress
    ) -> bool:
        changed = self._settle_identities(cursor, progress)
        if changed:
            self._refresh(cursor, marts, settings, progress, changed=changed)
        # What is undecided changed too, so answers about it are asked anew.
        ledger.set_state(cursor, data_version=ledger.data_version(cursor) + 1)
        return bool(changed)

    def arrival(self, slot: str) -> Arrival | None:
        """What was last loaded in `slot`, as it lies in the raw zone; None where nothing ever was."""
        with self._engine.cursor() as cursor:
            return latest_arrival(cursor, slot, company=self.company)

    def correct(
        self,
        correction: Correction,
        *,
        marts: Sequence[AnyMart],
        mart_settings: MartSettings | None = None,
        progress: Progress = silent,
    ) -> tuple[LoadReport, ...]:
        """Read batches anew that were taken to mean something else, and make every table again from the raw zone.

        All or nothing, as a load. The reports of the loads that brought them, with their new counts, newest first.
        """
        with self._transaction() as cursor:
            if self._lost(cursor):
                self._rebuild(cursor, marts, mart_settings, progress)
            concerned = [entry for entry in ledger.entries(cursor) if correction.concerns(entry)]
            self._rebuild(cursor, marts, mart_settings, progress, correction)
            reports = ledger.revise(cursor, concerned, name=correction.after.name)
            records = [self._record(cursor, report) for report in reports]
        for record in records:
            journal.confirm(journal.prepare(self.company.raw, record))
        return tuple(reports)

    @property
    def lost_loads(self) -> int:
        """How many loads the raw zone remembers and the database does not: `rebuild` brings them back."""
        with self._engine.cursor() as cursor:
            return len(self._lost(cursor))

    @contextmanager
    def reading(self) -> Generator[Reader]:
        """A reader that sees one state of all tables, whatever is loaded meanwhile."""
        with self._engine.cursor() as cursor:
            cursor.begin()
            yield Reader(cursor, data_version=ledger.data_version(cursor))

    @property
    def data_version(self) -> int:
        """Rises with every load that changed something: answers are cached under it."""
        return self._version

    def table_states(self) -> dict[str, TableState]:
        """Every canonical table by name: its rows and when it was last fed."""
        with self._engine.cursor() as cursor:
            rows = cursor.execute("select table_name, row_count, loaded_at from meta.table_states").fetchall()
        known = {name: TableState(table=name, rows=count, loaded_at=at) for name, count, at in rows}
        return {name: known.get(name, TableState(table=name, rows=0, loaded_at=None)) for name in ledger.table_names()}

    def newest_on(self, *, today: date | None = None) -> date | None:
        """The latest business day on which something happened to a deal or an order; None without any.

        Days after `today` (in the company's zone) are plans, not facts.
        """
        last = today or datetime.now(ZoneInfo(self.company.zone)).date()
        known = self._newest
        if known is not None and known[0] == (self._version, last):
            return known[1]
        with self._engine.cursor() as cursor:
            cursor.begin()
            newest = _newest_on(cursor, last)
            self._newest = ((ledger.data_version(cursor), last), newest)
            return newest

    def quarantined(
        self, *, table: str | None = None, rule: str | None = None, limit: int = 100, offset: int = 0
    ) -> pa.Table:
        """Rows set aside and not yet answered, the latest load first, in file order."""
        where, values = _waiting(table, rule)
        with self._engine.cursor() as cursor:
            return cursor.sql(
                "select table_name, column_name, value, rule, slot as file, row_number, key, raw, load_id, batch_id, "
                f"source, quarantined_at from meta.quarantine where {where} "
                "order by quarantined_at desc, slot, row_number, table_name, column_name limit ? offset ?",
                params=[*values, limit, offset],
            ).to_arrow_table()

    def quarantine_counts(self, *, table: str | None = None, rule: str | None = None) -> list[tuple[str, str, int]]:
        """(table, rule, rows) of what is set aside, the most frequent first."""
        where, values = _waiting(table, rule)
        with self._engine.cursor() as cursor:
            return cursor.execute(
                f"select table_name, rule, count(*) as n from meta.quarantine where {where} "
                "group by all order by n desc, table_name, rule",
                values,
            ).fetchall()

    def settle(self, *, timezone: str, currency: str) -> None:
        """From now on loads and rebuilds follow these; what is stored follows after a rebuild."""
        with self._writing:
            self.company = replace(self.company, zone=timezone, currency=currency)

    def sole_currency(self) -> str | None:
        """The one currency all money is in, when every amount names it."""
        with self._engine.cursor() as cursor:
            return sole_currency(cursor)

    def missing_rates(self) -> list[tuple[str, str, int]]:
        """(table, currency, rows) whose amounts are left out of sums for want of an exchange rate."""
        with self._engine.cursor() as cursor:
            return without_rate(cursor, currency=self.company.currency)

    def orphans(self) -> list[Orphans]:
        """Rows that refer to what is not there, of every table."""
        with self._engine.cursor() as cursor:
            return orphans(cursor)

    def loads(self, limit: int = 50) -> tuple[LoadReport, ...]:
        """The latest loads, newest first."""
        with self._engine.cursor() as cursor:
            return ledger.reports(cursor, limit)

    def backup(self, target: Path) -> None:
        """Copy the raw zone and the database, as they are between two loads, into the new folder `target`."""
        target.mkdir(parents=True)
        with self._writing, self._engine.cursor() as cursor:
            shutil.copytree(self.folder / "raw", target / "raw")
            forgotten.unite(self.folder, target)
            erasing.copied(cursor, target / _DATABASE)

    @staticmethod
    def restore(folder: Path, backup: Path) -> None:
        """Put a backup in the place of the warehouse in `folder`, which must be closed.

        WarehouseBusy when a process still owns it. Restored beside first, then swapped in. Whoever was erased since the
        backup was made is still in the list, and is erased anew at the next rebuild.
        """
        DuckDBEngine.on_file(folder / _DATABASE, scratch=folder / "scratch", memory_limit="1GB").close()
        arriving = folder / "restoring"
        shutil.rmtree(arriving, ignore_errors=True)
        shutil.copytree(backup, arriving)
        forgotten.unite(arriving, folder)
        for name in (_DATABASE, f"{_DATABASE}.wal"):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / "raw", ignore_errors=True)
        (arriving / "raw").rename(folder / "raw")
        (arriving / _DATABASE).rename(folder / _DATABASE)
        shutil.rmtree(arriving)

    def _rebuild(
        self,
        cursor: Cursor,
        marts: Sequence[AnyMart],
        settings: MartSettings | None,
        progress: Progress,
        correction: Correction | None = None,
        *,
        going: Mapping[str, Any] | None = None,
    ) -> Washing | None:
        if self._lost(cursor):
            for record in journal.records(self.company.raw, without=ledger.load_ids(cursor)):
                ledger.adopt(cursor, record.report, record.entries)
        washing = begin(cursor, forgotten.listed(self.folder), **(going or {}))
        if washing is not None and washing.outdated is not None:
            retaining.find_newer(cursor, self.company)
        erasing.renamed(cursor, washing, self.company.raw)
        rebuild(cursor, company=self.company, now=_now(), progress=progress, correction=correction, washing=washing)
        self._settle_identities(cursor, progress)
        self._refresh(cursor, marts, settings, progress)
        ledger.set_state(cursor, data_version=ledger.data_version(cursor) + 1)
        return washing

    def _lost(self, cursor: Cursor) -> set[str]:
        return journal.recorded(self.company.raw) - ledger.load_ids(cursor)

    def _record(self, cursor: Cursor, report: LoadReport) -> LoadRecord:
        entries = ledger.entries_of(cursor, report.load_id)
        return LoadRecord(report=report, entries=entries, timezone=self.company.zone, currency=self.company.currency)

    def _complete_journal(self) -> None:
        """Write down what the raw zone does not remember yet: the loads of a home made before it did."""
        with self._engine.cursor() as cursor:
            known = journal.recorded(self.company.raw)
            if ledger.load_ids(cursor) <= known:
                return
            for report in reversed(ledger.reports(cursor, limit=None)):
                if report.load_id not in known:
                    journal.confirm(journal.prepare(self.company.raw, self._record(cursor, report)))

    def _settle_journal(self) -> None:
        with self._engine.cursor() as cursor:
            journal.settle(self.company.raw, committed=ledger.load_ids(cursor))

    @contextmanager
    def _journaled(self) -> Generator[Cursor]:
        """A transaction whose load the raw zone remembers exactly when it was committed."""
        with self._writing:
            try:
                with self._transaction() as cursor:
                    yield cursor
            finally:
                self._settle_journal()

    def _refresh(
        self,
        cursor: Cursor,
        marts: Sequence[AnyMart],
        settings: MartSettings | None,
        progress: Progress,
        *,
        changed: AbstractSet[str] | None = None,
    ) -> None:
        """All marts; only those made of what `changed`, where all are known to be of these settings."""
        today = datetime.now(ZoneInfo(self.company.zone)).date()
        asked = settings or MartSettings()
        signed = signature(marts, asked)
        if ledger.state(cursor).get("marts") != signed:
            changed = None
            self._engine.forget_columns()
        refresh(cursor, marts, asked, today=today, progress=progress, changed=changed)
        ledger.set_state(cursor, marts=signed)

    @contextmanager
    def _transaction(self) -> Generator[Cursor]:
        with self._writing, self._engine.cursor() as cursor:
            cursor.begin()
            yield cursor
            cursor.commit()
            self._version = ledger.data_version(cursor)


def _memberships_version(cursor: Cursor) -> int:
    return int(ledger.state(cursor).get("memberships_version", "0"))


def _newest_on(cursor: Cursor, last: date) -> date | None:
    until = f"date {literal(last.isoformat())}"
    facts = (
        ("deals", "created_on", "true"),
        ("deals", "closed_on", "true"),
        ("orders", "ordered_on", "true"),
        ("deal_stage_events", "entered_on", "provenance = 'history'"),
    )
    parts = " union all ".join(
        f"select max({day}) as day from {table} where {day} <= {until} and {only}" for table, day, only in facts
    )
    return first_row(cursor, f"select max(day) from ({parts})")[0]


def _waiting(table: str | None, rule: str | None) -> tuple[str, list[Any]]:
    named = {"table_name = ?": table, "rule = ?": rule}
    asked = {condition: value for condition, value in named.items() if value is not None}
    return " and ".join(["resolved_at is null", *asked]), list(asked.values())


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
