"""What is kept longer than the company wants to? Rows with somebody's data in them from before a day, and outdated versions in raw.

What goes is washed out of raw and of the tables like an erased person (`washing`); rows stay, so that numbers by month stay.
"""

from datetime import datetime

from rakurs.schema import table_named
from rakurs.schema.ddl import literal, quoted
from rakurs.schema.personal import customer_columns, traces_of
from rakurs.warehouse import ledger
from rakurs.warehouse.duckdb_engine import Cursor, count
from rakurs.warehouse.forgotten import MARK
from rakurs.warehouse.loading import Company, replayed
from rakurs.warehouse.raw_parts import parts_of
from rakurs.warehouse.shaping import Occasion
from rakurs.warehouse.washing import NEWER, Past, shape_of


def past_counts(cursor: Cursor, past: Past) -> dict[str, int]:
    """How many rows of each table hold somebody's data and are past; tables without any are left out."""
    found: dict[str, int] = {}
    for table, time in past.tables.items():
        known = [f"coalesce(not contains({quoted(name)}, {literal(MARK)}), false)" for name in traces_of(table)]
        known.append("custom is not null")
        if past.nobodys:
            known += [f"{quoted(name)} is not null" for name in customer_columns(table_named(table))]
        rows = f"select 1 from main.{table} where {quoted(time)} < {moment(past.until)} and ({' or '.join(known)})"
        found[table] = count(cursor, f"select count(*) from ({rows})")
    return {table: rows for table, rows in found.items() if rows}


def deleted_records(cursor: Cursor, until: datetime) -> list[str]:
    """Records that their sources deleted before then, and that still say who it was."""
    rows = cursor.execute(
        f"select customer_id from main.customers where deleted_at < {moment(until)} "
        f"and not contains(customer_id, {literal(MARK)}) order by all"
    ).fetchall()
    return [record for (record,) in rows]


def find_newer(cursor: Cursor, company: Company) -> None:
    """The temporary table of which record came again, in a file of the same shape, at which later loads."""
    cursor.execute(f"create or replace temp table {NEWER} (shape varchar, id varchar, seen timestamp)")
    for entry in ledger.entries(cursor):
        occasion = Occasion(load_id=entry.load_id, at=entry.started_at, zone=company.zone, currency=company.currency)
        for part in parts_of(replayed(entry, company), occasion):
            if part.table.name == "customers" and part.customers:
                cursor.execute(
                    f"insert into {NEWER} select distinct {literal(shape_of(part.shaping.mapping))}, customer_id, {moment(entry.started_at)} "
                    f"from ({part.told}) where customer_id is not null"
                )
    cursor.execute(
        f"create or replace temp table {NEWER} as select shape, id, max(seen) as seen from {NEWER} group by shape, id"
    )


def outdated_rows(cursor: Cursor, company: Company, until: datetime) -> int:
    """How many rows of customers in raw batches from before then are versions that a later load has replaced."""
    find_newer(cursor, company)
    found = 0
    for entry in ledger.entries(cursor):
        if entry.started_at >= until:
            continue
        occasion = Occasion(load_id=entry.load_id, at=entry.started_at, zone=company.zone, currency=company.currency)
        for part in parts_of(replayed(entry, company), occasion):
            if part.table.name == "customers" and part.customers:
                known = [f"{quoted(name)} is not null" for name in traces_of("customers") if name in part.values]
                found += count(
                    cursor,
                    f"select count(*) from ({part.told}) told join {NEWER} newer on newer.id = told.customer_id "
                    f"where shape = {literal(shape_of(part.shaping.mapping))} and newer.seen > {moment(entry.started_at)} "
                    f"and ({' or '.join(known) or 'false'})",
                )
    cursor.execute(f"drop table {NEWER}")
    return found


def forget_answered(cursor: Cursor, until: datetime) -> int:
    """Rows that were set aside before then and are answered since are remembered no more; how many."""
    gone = cursor.execute(f"delete from meta.quarantine where resolved_at < {moment(until)}").fetchall()
    return int(gone[0][0])


def moment(at: datetime) -> str:
    """A moment as SQL."""
    return f"timestamp {literal(at.isoformat(sep=' '))}"
