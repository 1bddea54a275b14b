"""How does one load go: raw zone first, then table by table, in the order in which they refer to each other?

Everything but the raw batches happens in the caller's transaction. A batch that is already in the raw zone and not
in the ledger (a load that was stopped) harms nobody: the next load of the same content finds it there.
"""

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from rakurs.core.loading import FileCount, LoadReport, Progress, TableCount
from rakurs.core.source import Delivery, FileMapping, Scan, TableMapping
from rakurs.core.text import Text
from rakurs.schema import TABLES
from rakurs.warehouse import ledger
from rakurs.warehouse.codec import mapping_json, mapping_of, scan_json, scan_of
from rakurs.warehouse.deal_history import add_snapshots, remember_deals
from rakurs.warehouse.defaults import ORDINALS
from rakurs.warehouse.duckdb_engine import Cursor
from rakurs.warehouse.erasing import forget_set_aside, washed_arrivals
from rakurs.warehouse.execution import Watch
from rakurs.warehouse.ledger import Entry
from rakurs.warehouse.merging import marked_deleted, merged
from rakurs.warehouse.rates import CURRENCY_TABLES, apply_rates
from rakurs.warehouse.raw import Batch, opened_batch, stored_batch
from rakurs.warehouse.rewriting import wash
from rakurs.warehouse.shaping import Occasion, Shaping
from rakurs.warehouse.stage_history import add_differences, remember_stages
from rakurs.warehouse.washing import Washing

_RUN_NUMBER = re.compile(r"/[0-9a-f]{32}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """What a load must know of the company: where raw batches are kept, its time zone and currency."""

    raw: Path
    zone: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One batch to be brought in: new from a source, or read again from the raw zone."""

    slot: str
    entity: str
    content_hash: str
    scan: Scan
    mapping: FileMapping
    batch: Batch
    notes: tuple[Text, ...] = ()

    @property
    def records(self) -> int:
        """How many records the file holds, totals left out."""
        return self.batch.rows - self.scan.tail_rows


def load(
    cursor: Cursor, deliveries: Iterable[Delivery], *, company: Company, now: datetime, progress: Progress
) -> LoadReport:
    """Bring `deliveries` in. The report's data version is one higher when something changed."""
    occasion = _occasion(cursor, company, load_id=uuid.uuid4().hex, now=now)
    arrivals: list[Arrival] = []
    files: list[FileCount] = []
    counts: list[TableCount] = []
    brought: set[str] = set()
    for delivery in deliveries:
        # What comes again after another content of its slot in the same load is the slot's newest content.
        is_first = delivery.slot not in brought
        known = _unchanged(cursor, delivery, company) if is_first else None
        if known is None:
            arrival = _arrived(cursor, delivery, company, progress)
            brought.add(delivery.slot)
            arrivals.append(arrival)
            files.append(_file_count(arrival, is_unchanged=False))
        else:
            arrival, entry = known
            files.append(_file_count(arrival, is_unchanged=True))
            counts += [_as_unchanged(count) for count in ledger.counts_of(entry.counts)]
    washed_arrivals(cursor, arrivals, occasion=occasion, raw=company.raw)
    counts += apply(cursor, arrivals, occasion=occasion, company=company, progress=progress)
    has_changed = any(count.is_change for count in counts)
    return LoadReport(
        load_id=occasion.load_id,
        started_at=occasion.at,
        seconds=0.0,
        files=tuple(files),
        tables=ledger.added(counts),
        data_version=ledger.data_version(cursor) + has_changed,
    )


def changed_tables(report: LoadReport) -> frozenset[str]:
    """The canonical tables that hold other rows since the load, what it left behind of deals and rates included."""
    changed = {count.table for count in report.tables if count.is_change}
    if "deals" in changed:
        changed |= {"deal_stage_events", "deal_snapshots"}
    if "exchange_rates" in changed:
        changed |= {table.name for table in CURRENCY_TABLES}
    return frozenset(changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Batches that were taken to mean `before` mean `after`."""

    before: FileMapping
    after: FileMapping

    def concerns(self, entry: Entry) -> bool:
        """Whether a batch was read the way that is corrected."""
        return entry.mapping == mapping_json(self.before)

    def applied(self, entry: Entry) -> Entry:
        """The entry with what it means now."""
        return replace(entry, mapping=mapping_json(self.after)) if self.concerns(entry) else entry


def rebuild(
    cursor: Cursor,
    *,
    company: Company,
    now: datetime,
    progress: Progress,
    correction: Correction | None = None,
    washing: Washing | None = None,
) -> None:
    """Empty the canonical tables and replay every load of the ledger from the raw zone, with today's rules.

    What was set aside before and no longer is counts as answered now. What is to go is washed out of each batch first.
    """
    known = ledger.entries(cursor)
    if correction is not None:
        known = [correction.applied(entry) for entry in known]
    ledger.begin_replay(cursor)
    for _, group in groupby(known, key=lambda entry: entry.load_id):
        entries = list(group)
        occasion = Occasion(
            load_id=entries[0].load_id, at=entries[0].started_at, zone=company.zone, currency=company.currency
        )
        arrivals = [replayed(entry, company) for entry in entries]
        if washing is not None:
            for arrival in arrivals:
                wash(cursor, washing, arrival, occasion)
        apply(cursor, arrivals, occasion=occasion, company=company, progress=progress)
    forget_set_aside(cursor, washing)
    ledger.end_replay(cursor, now=now)


def apply(
    cursor: Cursor, arrivals: Sequence[Arrival], *, occasion: Occasion, company: Company, progress: Progress
) -> list[TableCount]:
    """Bring stored batches into the canonical tables and the ledger: one count per batch and table."""
    counted: dict[int, list[TableCount]] = {number: [] for number in range(len(arrivals))}
    remember_stages(cursor)
    remember_deals(cursor)
    for table in TABLES:
        for number, arrival in enumerate(arrivals):
            for table_mapping in arrival.mapping.tables:
                if table_mapping.table == table.name:
                    counted[number] += _brought(cursor, arrival, table_mapping, occasion, progress)
    if not any(counted.values()):
        return []
    add_differences(cursor, at=occasion.at, zone=company.zone)
    add_snapshots(cursor, at=occasion.at, zone=company.zone)
    apply_rates(cursor, currency=company.currency)
    for number, arrival in enumerate(arrivals):
        ledger.log(cursor, _entry(arrival, occasion, company, counted[number]))
    counts = [count for found in counted.values() for count in found]
    ledger.keep_states(cursor, {count.table for count in counts}, at=occasion.at)
    return counts


def _brought(
    cursor: Cursor, arrival: Arrival, table_mapping: TableMapping, occasion: Occasion, progress: Progress
) -> list[TableCount]:
    """What one mapping makes of one batch: its records, and its constant rows."""
    table = next(table for table in TABLES if table.name == table_mapping.table)
    place = _place_of(arrival.slot)
    step = Text(ru=f"{table.title.ru} из {place}", en=f"{table.title.en} from {place}")
    watch = _watch(progress, step, arrival.records)
    found: list[TableCount] = []
    for is_constant in (False, True):
        if not (table_mapping.rows if is_constant else table_mapping.values):
            continue
        shaping = Shaping(
            table=table,
            mapping=arrival.mapping,
            table_mapping=table_mapping,
            scan=arrival.scan,
            batch=arrival.batch,
            occasion=occasion,
            slot=arrival.slot,
            is_constant=is_constant,
        )
        if table.name in ORDINALS:
            shaping = _numbered(cursor, shaping)
        if table_mapping.deletes:
            found.append(marked_deleted(cursor, shaping, deletes=table_mapping.deletes))
        else:
            found.append(merged(cursor, shaping, slot=arrival.slot, watch=watch))
    return found


def _place_of(slot: str) -> str:
    """A slot as people are told of it: without the number of a run that some end with."""
    return _RUN_NUMBER.sub("", slot)


def _numbered(cursor: Cursor, shaping: Shaping) -> Shaping:
    """The shaping, told to number rows where the file leaves the number out."""
    source = shaping.ordinal_source
    if source is not None:
        empty = cursor.execute(f"select 1 from ({shaping.records}) where {source} is null limit 1").fetchall()
        if not empty:
            return shaping
    return replace(shaping, needs_ordinal=True)


def _arrived(cursor: Cursor, delivery: Delivery, company: Company, progress: Progress) -> Arrival:
    place = _place_of(delivery.slot)
    step = Text(ru=f"Читаю {place}", en=f"Reading {place}")
    size = delivery.size_bytes or 100
    batch = stored_batch(cursor, delivery, raw=company.raw, watch=_watch(progress, step, size))
    return Arrival(
        slot=delivery.slot,
        entity=delivery.entity,
        content_hash=delivery.content_hash,
        scan=delivery.scan,
        mapping=delivery.mapping,
        batch=batch,
        notes=delivery.notes,
    )


def _unchanged(cursor: Cursor, delivery: Delivery, company: Company) -> tuple[Arrival, Entry] | None:
    """What was last loaded in the delivery's slot, when it is the very same content, read the very same way."""
    entry = ledger.last_entry(cursor, delivery.slot, delivery.mapping.source)
    if entry is None or entry.content_hash != delivery.content_hash:
        return None
    if entry.mapping != mapping_json(delivery.mapping) or entry.scan != scan_json(delivery.scan):
        return None
    return (replayed(entry, company, delivery.notes), entry) if (company.raw / entry.path).exists() else None


def latest_arrival(cursor: Cursor, slot: str, *, company: Company) -> Arrival | None:
    """What was last loaded in `slot`, as it lies in the raw zone; None where nothing ever was."""
    entry = ledger.latest_in(cursor, slot)
    return None if entry is None else replayed(entry, company)


def replayed(entry: Entry, company: Company, notes: tuple[Text, ...] = ()) -> Arrival:
    """A batch that was loaded, as it lies in the raw zone, and the way it was read."""
    scan = scan_of(entry.scan)
    return Arrival(
        slot=entry.slot,
        entity=entry.entity,
        content_hash=entry.content_hash,
        scan=scan,
        mapping=mapping_of(entry.mapping),
        batch=opened_batch(company.raw / entry.path, scan),
        notes=notes,
    )


def _entry(arrival: Arrival, occasion: Occasion, company: Company, counts: Sequence[TableCount]) -> Entry:
    return Entry(
        load_id=occasion.load_id,
        started_at=occasion.at,
        batch_id=arrival.batch.batch_id,
        path=arrival.batch.path.relative_to(company.raw).as_posix(),
        entity=arrival.entity,
        slot=arrival.slot,
        source=arrival.mapping.source,
        content_hash=arrival.content_hash,
        scan=scan_json(arrival.scan),
        mapping=mapping_json(arrival.mapping),
        counts=ledger.counts_json(counts),
    )


def _occasion(cursor: Cursor, company: Company, *, load_id: str, now: datetime) -> Occasion:
    """Every load has a moment of its own, later than that of any load before it, whatever the clock says."""
    last = ledger.last_moment(cursor)
    at = now if last is None or now > last else last + timedelta(microseconds=1)
    return Occasion(load_id=load_id, at=at, zone=company.zone, currency=company.currency)


def _file_count(arrival: Arrival, *, is_unchanged: bool) -> FileCount:
    return FileCount(
        file=arrival.slot,
        shape=arrival.mapping.name,
        rows=arrival.records,
        is_unchanged=is_unchanged,
        notes=arrival.notes,
    )


def _as_unchanged(count: TableCount) -> TableCount:
    return TableCount(
        table=count.table,
        read=count.read,
        unchanged=count.inserted + count.updated + count.unchanged,
        quarantined=count.quarantined,
        repeated=count.repeated,
    )


def _watch(progress: Progress, step: Text, total: int) -> Watch:
    return lambda share: progress(step, done=int(share * total), total=total)
