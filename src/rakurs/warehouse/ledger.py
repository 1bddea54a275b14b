"""What does the warehouse remember of its loads: which, from what, with which outcome, and what was set aside?

Everything stands in the schema `meta` of the same database, so it changes in the same transaction as the data.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from rakurs.core.loading import FileCount, LoadReport, TableCount
from rakurs.core.text import Text
from rakurs.schema import TABLES
from rakurs.schema.ddl import canonical_ddl, quoted
from rakurs.warehouse.duckdb_engine import Cursor, first_row

LAYOUT = 1
"""The layout of `meta` and of the canonical tables; a database of another layout is rebuilt from raw."""

_PARTS = ("read", "inserted", "updated", "unchanged", "quarantined", "repeated", "removed")
_META = (
    "create schema if not exists meta",
    "create table if not exists meta.state (name varchar, value varchar)",
    """create table if not exists meta.loads (
        load_id varchar, started_at timestamp, seconds double, data_version bigint, report varchar)""",
    """create table if not exists meta.load_log (
        sequence bigint, load_id varchar, started_at timestamp, batch_id varchar, path varchar, entity varchar,
        slot varchar, source varchar, content_hash varchar, scan varchar, mapping varchar, counts varchar)""",
    """create table if not exists meta.quarantine (
        load_id varchar, batch_id varchar, source varchar, slot varchar, row_number bigint, table_name varchar,
        column_name varchar, value varchar, rule varchar, key varchar, raw varchar, quarantined_at timestamp,
        resolved_at timestamp)""",
    "create table if not exists meta.table_states (table_name varchar, row_count bigint, loaded_at timestamp)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One batch that was loaded: enough to load it again from the raw zone."""

    load_id: str
    started_at: datetime
    batch_id: str
    path: str
    entity: str
    slot: str
    source: str
    content_hash: str
    scan: str
    mapping: str
    counts: str


def prepare(cursor: Cursor) -> None:
    """Make what is not there yet: the ledger and the canonical tables."""
    for statement in (*_META, *map(canonical_ddl, TABLES)):
        cursor.execute(statement)


def state(cursor: Cursor) -> Mapping[str, str]:
    """The warehouse's own settings and counters."""
    return dict(cursor.execute("select name, value from meta.state").fetchall())


def set_state(cursor: Cursor, **values: object) -> None:
    """Keep `values` in the warehouse's own settings."""
    for name, value in values.items():
        cursor.execute("delete from meta.state where name = ?", [name])
        cursor.execute("insert into meta.state values (?, ?)", [name, str(value)])


def data_version(cursor: Cursor) -> int:
    """How many loads have changed something so far."""
    return int(state(cursor).get("data_version", "0"))


def last_entry(cursor: Cursor, slot: str, source: str) -> Entry | None:
    """What was last loaded in `slot`."""
    found = _entries(cursor, "where slot = ? and source = ? order by sequence desc limit 1", [slot, source])
    return found[0] if found else None


def entries(cursor: Cursor) -> list[Entry]:
    """Every batch ever loaded, in the order of the loads."""
    return _entries(cursor, "order by started_at, load_id, sequence", [])


def latest_in(cursor: Cursor, slot: str) -> Entry | None:
    """What was last loaded in `slot`, from whichever source."""
    found = _entries(cursor, "where slot = ? order by sequence desc limit 1", [slot])
    return found[0] if found else None


def entries_of(cursor: Cursor, load_id: str) -> list[Entry]:
    """The batches of one load, in order."""
    return _entries(cursor, "where load_id = ? order by sequence", [load_id])


def log(cursor: Cursor, entry: Entry) -> None:
    """Remember a loaded batch."""
    values = list(asdict(entry).values())
    marks = ", ".join("?" for _ in values)
    cursor.execute(
        f"insert into meta.load_log select (select coalesce(max(sequence), 0) + 1 from meta.load_log), {marks}", values
    )


def keep_report(cursor: Cursor, report: LoadReport) -> None:
    """Remember how a load went."""
    cursor.execute(
        "insert into meta.loads values (?, ?, ?, ?, ?)",
        [
            report.load_id,
            report.started_at,
            report.seconds,
            report.data_version,
            json.dumps(report_fields(report)),
        ],
    )


def revise(cursor: Cursor, before: Iterable[Entry], *, name: str) -> list[LoadReport]:
    """Tell the reports of loads whose batches `before` now mean something else: the new counts, the shape's `name`."""
    read_anew: dict[str, list[Entry]] = {}
    for entry in before:
        read_anew.setdefault(entry.load_id, []).append(entry)
    revised = [
        _revised(report, read_anew[report.load_id], entries_of(cursor, report.load_id), name=name)
        for report in reports(cursor, limit=None)
        if report.load_id in read_anew
    ]
    for report in revised:
        cursor.execute(
            "update meta.loads set report = ? where load_id = ?", [json.dumps(report_fields(report)), report.load_id]
        )
    return revised


def adopt(cursor: Cursor, report: LoadReport, batches: Iterable[Entry]) -> None:
    """Take over a load that only the raw zone remembers; `begin_replay` and a replay make its rows."""
    keep_report(cursor, report)
    for entry in batches:
        log(cursor, entry)
    set_state(cursor, data_version=max(data_version(cursor), report.data_version))


def reports(cursor: Cursor, limit: int | None) -> tuple[LoadReport, ...]:
    """The latest loads, newest first; all of them where `limit` is None."""
    rows = cursor.execute(
        "select report from meta.loads order by started_at desc, load_id desc limit ?", [limit]
    ).fetchall()
    return tuple(report_of(json.loads(row[0])) for row in rows)


def load_ids(cursor: Cursor) -> set[str]:
    """Every load that was done."""
    return {load_id for (load_id,) in cursor.execute("select load_id from meta.loads").fetchall()}


def report_fields(report: LoadReport) -> dict[str, Any]:
    """The report as plain JSON values."""
    return {**asdict(report), "started_at": str(report.started_at)}


def report_of(fields: dict[str, Any]) -> LoadReport:
    """The report that `report_fields` wrote."""
    named = {
        "started_at": datetime.fromisoformat(fields["started_at"]),
        "files": tuple(_file_count(file) for file in fields["files"]),
        "tables": tuple(TableCount(**table) for table in fields["tables"]),
    }
    return LoadReport(**{**fields, **named})


def counts_json(counts: Iterable[TableCount]) -> str:
    """What a batch became, table by table."""
    return json.dumps([asdict(count) for count in counts])


def counts_of(text: str) -> tuple[TableCount, ...]:
    """The counts that `counts_json` wrote."""
    return tuple(TableCount(**fields) for fields in json.loads(text))


def added(counts: Iterable[TableCount]) -> tuple[TableCount, ...]:
    """One count per table, the sums of several."""
    sums: dict[str, TableCount] = {}
    for count in counts:
        before = sums.get(count.table, TableCount(table=count.table))
        sums[count.table] = TableCount(
            table=count.table, **{part: getattr(before, part) + getattr(count, part) for part in _PARTS}
        )
    return tuple(sums.values())


def _revised(report: LoadReport, before: Sequence[Entry], now: Iterable[Entry], *, name: str) -> LoadReport:
    slots = {entry.slot for entry in before}
    taken_back = [
        TableCount(table=count.table, **{part: -getattr(count, part) for part in _PARTS})
        for entry in before
        for count in counts_of(entry.counts)
    ]
    counted = [count for entry in now if entry.slot in slots for count in counts_of(entry.counts)]
    tables = [count for count in added([*report.tables, *taken_back, *counted]) if count.read or count.removed]
    files = tuple(replace(file, shape=name) if file.file in slots else file for file in report.files)
    return replace(report, tables=tuple(tables), files=files)


def last_moment(cursor: Cursor) -> datetime | None:
    """When the latest load began."""
    return first_row(
        cursor,
        "select max(moment) from (select max(started_at) as moment from meta.loads union all "
        "select max(started_at) from meta.load_log)",
    )[0]


def table_names() -> tuple[str, ...]:
    """The canonical tables, in load order."""
    return tuple(table.name for table in TABLES)


def keep_states(cursor: Cursor, fed: Collection[str], *, at: datetime) -> None:
    """Note the rows of every table, and `at` for those a load has fed."""
    known = dict(cursor.execute("select table_name, loaded_at from meta.table_states").fetchall())
    cursor.execute("delete from meta.table_states")
    for name in table_names():
        loaded_at = at if name in fed else known.get(name)
        cursor.execute(
            f"insert into meta.table_states select ?, (select count(*) from {quoted(name)}), ?", [name, loaded_at]
        )


def timed(report: LoadReport, *, until: datetime) -> LoadReport:
    """The report with the time the load took."""
    return replace(report, seconds=max(0.0, (until - report.started_at).total_seconds()))


def begin_replay(cursor: Cursor) -> None:
    """Empty the canonical tables, the quarantine and the log of batches; what was set aside is kept aside."""
    cursor.execute("create or replace temp table set_aside_before as select * from meta.quarantine")
    cursor.execute("delete from meta.quarantine")
    cursor.execute("delete from meta.load_log")
    cursor.execute("delete from meta.table_states")
    for table in TABLES:
        cursor.execute(f"drop table if exists {quoted(table.name)}")
        cursor.execute(canonical_ddl(table))


def end_replay(cursor: Cursor, *, now: datetime) -> None:
    """Note as answered at `now` what was set aside before the replay and is fine after it."""
    cursor.execute(
        "insert into meta.quarantine select before.* replace (coalesce(before.resolved_at, ?) as resolved_at) "
        "from set_aside_before before anti join meta.quarantine after on before.load_id = after.load_id "
        "and before.batch_id = after.batch_id and before.table_name = after.table_name "
        "and before.row_number is not distinct from after.row_number",
        [now],
    )


def _entries(cursor: Cursor, clause: str, values: list[Any]) -> list[Entry]:
    names = Entry.__dataclass_fields__
    rows = cursor.execute(f"select {', '.join(names)} from meta.load_log {clause}", values).fetchall()
    return [Entry(**dict(zip(names, row, strict=True))) for row in rows]


def _file_count(fields: dict[str, Any]) -> FileCount:
    return FileCount(**{**fields, "notes": tuple(Text(**note) for note in fields["notes"])})
