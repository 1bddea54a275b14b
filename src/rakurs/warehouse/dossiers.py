"""What does a company hold of one person: rows of its tables, and the raw rows they came from with file, source and time?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from rakurs.core.table import Table
from rakurs.schema.ddl import literal, quoted
from rakurs.schema.derived import stored
from rakurs.warehouse import ledger
from rakurs.warehouse.codec import mapping_of
from rakurs.warehouse.contacts import CONTACTS
from rakurs.warehouse.duckdb_engine import Cursor, count
from rakurs.warehouse.forgotten import Forgotten, hashed
from rakurs.warehouse.ledger import Entry
from rakurs.warehouse.loading import Arrival, Company, replayed
from rakurs.warehouse.persons import OWN_TABLES, TOLD_TABLES, Person, rows_about, with_past_contacts
from rakurs.warehouse.raw_parts import parts_of
from rakurs.warehouse.rewriting import rows_of
from rakurs.warehouse.shaping import PLAIN_SOURCE, Occasion
from rakurs.warehouse.washing import begin, end


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One row as it came: from which source and file, when, which row of the file, and its filled cells."""

    source: str
    file: str
    loaded_at: datetime
    row_number: int
    cells: Mapping[str, str]


def counts_about(cursor: Cursor, person: Person) -> dict[str, int]:
    """How many rows of each table are about the person; tables without any are left out."""
    found = {
        table.name: count(cursor, f"select count(*) from ({rows_about(person, table)})")
        for table in (*TOLD_TABLES, *OWN_TABLES)
    }
    return {name: rows for name, rows in found.items() if rows}


def tables_about(cursor: Cursor, person: Person) -> Iterator[tuple[Table, pa.Table]]:
    """The rows of each table that has any about the person, with all that is stored of them."""
    for table in (*TOLD_TABLES, *OWN_TABLES):
        whole = table if table in OWN_TABLES else stored(table)
        columns = ", ".join(map(quoted, whole.names))
        rows = cursor.sql(f"select {columns} from ({rows_about(person, table)}) order by all").to_arrow_table()
        if rows.num_rows:
            yield whole, rows


def keys_about(cursor: Cursor, person: Person, table: Table) -> list[str]:
    """The ids of the rows of a table that are about the person."""
    rows = cursor.execute(f"select {quoted(table.key[0])} from ({rows_about(person, table)}) order by all").fetchall()
    return [str(key) for (key,) in rows]


def batches_about(cursor: Cursor, person: Person) -> int:
    """How many files and runs of sources the rows about the person came with last."""
    told = " union all ".join(f"select batch_id from ({rows_about(person, table)})" for table in TOLD_TABLES)
    return count(cursor, f"select count(distinct batch_id) from ({told})")


def sources(cursor: Cursor) -> tuple[str, ...]:
    """The sources whose ids have a prefix."""
    found = cursor.execute("select distinct source from meta.load_log where source <> ? order by all", [PLAIN_SOURCE])
    return tuple(name for (name,) in found.fetchall())


def raw_rows(cursor: Cursor, person: Person, company: Company) -> Iterator[RawRow]:
    """Every raw row that is about the person, in the order of the loads."""
    salt = "for once"
    known_by = {
        kind: frozenset(hashed(salt, kind, value) for value in values) for kind, values in person.known_by.items()
    }
    now = datetime.now(UTC).replace(tzinfo=None)
    alone = Forgotten(erasure="", begun_at=now, at=now, salt=salt, hashes=known_by)
    washing = begin(cursor, [alone])
    assert washing is not None
    for entry, arrival, occasion in _replay(cursor, company):
        for number, cells in rows_of(cursor, washing, arrival, occasion):
            yield RawRow(
                source=entry.source, file=entry.slot, loaded_at=entry.started_at, row_number=number, cells=cells
            )
    end(cursor)


def with_history(cursor: Cursor, person: Person, company: Company) -> Person:
    """The person with the contacts and names that older versions of his records have."""
    found: dict[str, set[str]] = {kind: set() for kind in CONTACTS}
    names: list[str] = []
    for _, arrival, occasion in _replay(cursor, company, feeding="customers") if person.records else ():
        for part in parts_of(arrival, occasion):
            if part.table.name != "customers" or not part.customers:
                continue
            records = ", ".join(map(literal, person.records))
            mine = f"select * from ({part.told}) where customer_id in ({records})"
            for kind in (kind for kind in CONTACTS if kind in part.values):
                told = f"select unnest({CONTACTS[kind](quoted(kind))}).known from ({mine})"
                found[kind] |= {value for (value,) in cursor.execute(told).fetchall()}
            if "name" in part.values:
                told = f"select distinct name from ({mine}) where name is not null order by all"
                names += [name for (name,) in cursor.execute(told).fetchall()]
    return with_past_contacts(cursor, person, found, names)


def _replay(
    cursor: Cursor, company: Company, *, feeding: str | None = None
) -> Iterator[tuple[Entry, Arrival, Occasion]]:
    """Every batch that was loaded, in order, as it lies in the raw zone; those only that feed a table, where one is named."""
    for entry in ledger.entries(cursor):
        if feeding is not None and all(one.table != feeding for one in mapping_of(entry.mapping).tables):
            continue
        occasion = Occasion(load_id=entry.load_id, at=entry.started_at, zone=company.zone, currency=company.currency)
        yield entry, replayed(entry, company), occasion
