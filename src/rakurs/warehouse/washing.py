"""How does what came lose whoever must not be known? Rows of raw batches are rewritten in place, cell by cell.

A row is somebody's who is forgotten when it names his record; or, naming no customer at all, his contact, his deal, order,
visit or browser. Of such a row ids become other ids (the same for the same record, so that sums stay), contacts become words
by which nobody can be reached, and all that may name somebody is emptied. In rows of others only the contact or the full name
itself is struck out. No row is added, moved or dropped, so a row's number stays the file's.

The same is done with what arrives, with what a rebuild replays, and with a backup that came back: each time by the hashes of
the list, never by what they stand for. Washing what is washed changes nothing.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rakurs.core.source import FileMapping
from rakurs.schema.ddl import literal
from rakurs.warehouse import forgotten
from rakurs.warehouse.codec import fingerprint, mapping_json
from rakurs.warehouse.contacts import CONTACTS, words_sql
from rakurs.warehouse.duckdb_engine import Cursor, count
from rakurs.warehouse.forgotten import HASHES, MARK, Forgotten

HOLDERS, BROWSERS, OTHERS = "washed_holders", "washed_browsers", "washed_others"
AGAIN, CHANGED, NEWER = "washed_again", "washed_rows", "washed_newer"
_HOLDER_KEYS = (("deals", "deal_id"), ("orders", "order_id"), ("visits", "visit_id"))


@dataclass(frozen=True, kw_only=True)
class Past:
    """Rows of `tables` (each with its time column) before `until` lose what is personal; of `nobodys` also their customer."""

    until: datetime
    tables: Mapping[str, str]
    nobodys: bool = False


@dataclass(frozen=True, kw_only=True)
class Washing:
    """Who and what is washed out. `names` finds full names that nobody else has; `sources` are those whose ids have a prefix.

    `is_arriving` tells that rows come for the first time: people are then known by contact and name under new ids too.
    """

    people: Sequence[Forgotten]
    sources: Sequence[str]
    names: str | None = None
    past: Sequence[Past] = ()
    outdated: datetime | None = None
    """Versions of customers in batches from before then, that came again later, go too: see `retaining`."""
    is_arriving: bool = False
    changed: dict[Path, int] = field(default_factory=dict[Path, int])
    """Rows that were rewritten, by batch."""
    once: str = field(default_factory=lambda: secrets.token_hex(16))
    """A salt that nobody keeps."""

    @property
    def salts(self) -> tuple[str, ...]:
        """Those of the list: one, unless lists of two homes met."""
        return tuple(dict.fromkeys(item.salt for item in self.people))

    def past_of(self, table: str) -> Past | None:
        """What is past of a table's rows."""
        return next((past for past in self.past if table in past.tables), None)


def begin(
    cursor: Cursor,
    people: Sequence[Forgotten],
    *,
    names: str | None = None,
    past: Sequence[Past] = (),
    outdated: datetime | None = None,
    sources: Iterable[str] = (),
    is_arriving: bool = False,
) -> Washing | None:
    """Prepare to wash by what the canonical tables say now; None where there is nobody and nothing to wash out.

    `sources` are such that no load knows yet.
    """
    if not people and not past and outdated is None:
        return None
    forgotten.prepare(cursor, people)
    loaded = cursor.execute("select distinct source from meta.load_log").fetchall()
    known = sorted({*sources, *(name for (name,) in loaded)})
    washing = Washing(people=people, sources=known, names=names, past=past, outdated=outdated, is_arriving=is_arriving)
    for name, columns in (
        (AGAIN, "erasure varchar, kind varchar, value varchar"),
        (HOLDERS, "holder varchar, id varchar, with_deals boolean, erasure varchar"),
        (BROWSERS, "id varchar"),
        (OTHERS, "kind varchar, value varchar"),
        (CHANGED, "batch_id varchar, row_number bigint"),
    ):
        cursor.execute(f"create or replace temp table {name} ({columns})")
    _find_holders(cursor, washing)
    if people and not is_arriving:
        _find_others(cursor, washing)
        _find_browsers(cursor, washing)
    return washing


def end(cursor: Cursor) -> None:
    """Cursors are pooled, and what is temporary would live as long as they."""
    for name in (HASHES, HOLDERS, BROWSERS, OTHERS, AGAIN, CHANGED, NEWER):
        cursor.execute(f"drop table if exists {name}")


def come_again(cursor: Cursor) -> list[tuple[str, str, str]]:
    """(erasure, kind, id) of what belongs to people of the list and came under ids that the list did not have."""
    return cursor.execute(f"select distinct erasure, kind, value from {AGAIN} order by all").fetchall()


def listed(washing: Washing, kind: str, rows: str, *, at: str | None = None) -> str:
    """SQL: those of `rows` whose `value` is in the list as a `kind`, with `erasure` and `with_deals`.

    `at` is the moment of the load they came with: whoever is welcome again is held only against what came before.
    """
    hashes = ", ".join(forgotten.hashed_sql(salt, kind, "value") for salt in washing.salts) or "null::varchar"
    holds = "" if at is None else f" and (until is null or until >= {at})"
    return (
        f"select told.* exclude (hash), erasure, with_deals from (select *, unnest([{hashes}]) as hash from ({rows})) told "
        f"join {HASHES} known on known.hash = told.hash and kind = {literal(kind)}{holds}"
    )


def shape_of(mapping: FileMapping) -> str:
    """A short name for the way a file is read."""
    return fingerprint(mapping_json(mapping))


def _find_holders(cursor: Cursor, washing: Washing) -> None:
    """Deals, orders and visits of forgotten people, by the tables as they are."""
    for table, key in _HOLDER_KEYS:
        named = f"select {key} as id, customer_id as value from main.{table} where customer_id is not null"
        marked = f"select '{table}', id, false, null from ({named}) where contains(value, {literal(MARK)})"
        # What arrives is held against tables in which nobody of the list is left: to hash every row would take seconds.
        by_id = (
            ""
            if washing.is_arriving
            else f" union all select '{table}', id, with_deals, erasure from ({listed(washing, 'id', named)})"
        )
        cursor.execute(f"insert into {HOLDERS} {marked}{by_id}")
    cursor.execute(
        f"insert into {HOLDERS} select 'orders', order_id, with_deals, erasure from main.orders "
        f"join {HOLDERS} on holder = 'deals' and id = deal_id where customer_id is null"
    )


def _find_others(cursor: Cursor, washing: Washing) -> None:
    """Contacts of the list that somebody else has too: they tell nothing."""
    known = "select customer_id as value from main.customers where deleted_at is null"
    his = f"select value from ({listed(washing, 'id', known)}) union all select value from ({known}) where contains(value, {literal(MARK)})"
    for kind, contacts in CONTACTS.items():
        told = (
            f"select unnest({contacts(kind)}).known as value from main.customers "
            f"where {kind} is not null and deleted_at is null and customer_id not in ({his})"
        )
        cursor.execute(f"insert into {OTHERS} select distinct '{kind}', value from ({listed(washing, kind, told)})")


def others_arriving(cursor: Cursor, found: str) -> None:
    """The same, of the few contacts and full names (`kind`, `value`) in the table `found`, where everybody of the list is
    already erased.
    """
    for kind, contacts in CONTACTS.items():
        if count(cursor, f"select count(*) from {found} where kind = '{kind}'"):
            told = f"select unnest({contacts(kind)}).known as value from main.customers where {kind} is not null and deleted_at is null"
            cursor.execute(
                f"insert into {OTHERS} select distinct '{kind}', value from ({told}) "
                f"where value in (select value from {found} where kind = '{kind}')"
            )
    names = [name for (name,) in cursor.execute(f"select distinct value from {found} where kind = 'name'").fetchall()]
    for name in names:
        held = f"list_has_all({words_sql('name')}, [{', '.join(map(literal, name.split()))}])"
        told = f"select 1 from main.customers where {held} union all select 1 from main.employees where {held}"
        if cursor.execute(f"{told} limit 1").fetchall():
            cursor.execute(f"insert into {OTHERS} values ('name', {literal(name)})")


def _find_browsers(cursor: Cursor, washing: Washing) -> None:
    """Browsers in which forgotten people told who they are, and nobody else did."""
    told = (
        "select * from main.web_events where visitor_id is not null and coalesce(customer_id, phone, email) is not null"
    )
    by_id = f"select event_id, customer_id as value from ({told}) where customer_id is not null"
    ways = [f"select event_id from ({listed(washing, 'id', by_id)})"]
    for kind in ("phone", "email"):
        known = f"unnest({CONTACTS[kind](kind)}).known"
        contacts = f"select event_id, {known} as value from ({told}) where customer_id is null and {kind} is not null"
        ways.append(
            f"select event_id from ({listed(washing, kind, contacts)}) "
            f"where value not in (select value from {OTHERS} where kind = '{kind}')"
        )
    marked = f"contains(coalesce(customer_id, phone, email), {literal(MARK)})"
    his = f"{' union all '.join(ways)} union all select event_id from ({told}) where {marked}"
    cursor.execute(
        f"insert into {BROWSERS} select visitor_id from ({told}) group by visitor_id having bool_and(event_id in ({his}))"
    )
