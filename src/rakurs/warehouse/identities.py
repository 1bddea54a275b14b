"""Who is one customer? Found by keys, likeness and people's decisions; every reading sees one customer, every record stays.

The canonical tables hold records as their sources write them; `readings` shows the customer's id in place of the record's. So a
merge or a split changes rows of `identities` and the marts, and can always be taken back. Decisions of people lie as immutable files in `raw/identities/` and are replayed where the database was lost.
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from rakurs.identity import Decision, Link, Person, clustered, keys_sql, links_sql, needs_parsing_sql, parsed_phones
from rakurs.identity.links import STRENGTH
from rakurs.schema import CUSTOMERS
from rakurs.schema.ddl import literal, table_ddl
from rakurs.schema.identities import IDENTITIES, IDENTITY_DECISIONS, IDENTITY_PAIRS
from rakurs.warehouse.duckdb_engine import Cursor, count
from rakurs.warehouse.raw import UNFINISHED
from rakurs.warehouse.readings import LIVE, NAMING, draw

DecisionKind = Literal["merge", "never", "forget"]
FOLDER = "identities"
KEY = "customer_id"
SURE = 0.99
"""Records likelier than that to be one customer are one; between a half and that, people are asked."""


def prepare(cursor: Cursor, raw: Path) -> None:
    """Make the tables where they are not; decisions come from their files."""
    has_decisions = count(
        cursor, f"select count(*) from information_schema.tables where table_name = {literal(IDENTITY_DECISIONS.name)}"
    )
    for table in (IDENTITIES, IDENTITY_PAIRS, IDENTITY_DECISIONS):
        cursor.execute(table_ddl(table))
    if not has_decisions:
        for path in sorted((raw / FOLDER).glob("*.parquet")):
            cursor.execute(
                f"insert into {IDENTITY_DECISIONS.name} by name select * from read_parquet({literal(str(path))})"
            )


def settle(cursor: Cursor, *, on: date) -> frozenset[str]:
    """Find anew who is one customer, from day `on`; the tables whose readings changed, none where nobody did."""
    found = _clusters(cursor)
    cursor.execute(f"delete from {IDENTITY_PAIRS.name} where rule <> 'likeness'")
    cursor.execute(
        f"insert into {IDENTITY_PAIRS.name} by name select left_id, right_id, rule from identity_links where not is_sure"
    )
    cursor.register("found_now", found)
    try:
        same = "a.record_id = b.record_id and a.customer_id = b.customer_id"
        gone = f"select a.record_id from {LIVE} as a anti join found_now as b on {same}"
        new = f"select a.* from found_now as a anti join {LIVE} as b on {same}"
        cursor.execute(f"create or replace temp table records_gone as {gone}")
        cursor.execute(f"create or replace temp table records_new as {new}")
    finally:
        cursor.unregister("found_now")
    changes = count(cursor, "select (select count(*) from records_gone) + (select count(*) from records_new)")
    day = f"date {literal(on.isoformat())}"
    cursor.execute(
        f'update {IDENTITIES.name} set "until" = {day} where "until" is null and record_id in (from records_gone)'
    )
    cursor.execute(f'delete from {IDENTITIES.name} where "until" <= since')
    cursor.execute(
        f"insert into {IDENTITIES.name} by name select record_id, customer_id, {day} as since, rule, probability "
        "from records_new"
    )
    cursor.execute("drop table records_gone")
    cursor.execute("drop table records_new")
    _forget_links(cursor)
    draw(cursor)
    return frozenset({CUSTOMERS.name, *NAMING}) if changes else frozenset()


def keys_and_links(cursor: Cursor) -> tuple[pa.Table, pa.Table]:
    """What each record is known by, and the sure pairs: what likeness is learned from."""
    _find_links(cursor)
    keys = cursor.sql("select * from identity_keys").to_arrow_table()
    links = cursor.sql("select left_id, right_id from identity_links where is_sure").to_arrow_table()
    _forget_links(cursor)
    return keys, links


def keys_of(cursor: Cursor, record_ids: Iterable[str]) -> list[dict[str, Any]]:
    """What these records are known by, in one way of writing: rows of `identity.keys_sql`, of those that are there."""
    listed = ", ".join(literal(record_id) for record_id in sorted(set(record_ids)))
    if not listed:
        return []
    records = f"(select * from main.{CUSTOMERS.name} where deleted_at is null and {KEY} in ({listed}))"
    with _phones_of(cursor, records) as phones:
        return cursor.sql(keys_sql(records, phones)).to_arrow_table().to_pylist()


def keep_pairs(cursor: Cursor, pairs: pa.Table) -> None:
    """These are the pairs that look alike now, in place of those before."""
    cursor.execute(f"delete from {IDENTITY_PAIRS.name} where rule = 'likeness'")
    cursor.register("arriving", pairs)
    try:
        cursor.execute(f"insert into {IDENTITY_PAIRS.name} by name select *, 'likeness' as rule from arriving")
    finally:
        cursor.unregister("arriving")


def keep_decisions(
    cursor: Cursor, raw: Path, pairs: Iterable[tuple[str, str]], kind: DecisionKind, *, by: str, at: datetime
) -> None:
    """Somebody decided this of these pairs of records; it overtakes what was decided before."""
    ordered = sorted({(min(pair), max(pair)) for pair in pairs})
    rows = pa.table(
        {
            "left_id": [left for left, _ in ordered],
            "right_id": [right for _, right in ordered],
            "kind": [kind] * len(ordered),
            "decided_by": [by] * len(ordered),
            "decided_at": pa.array([at.replace(tzinfo=None)] * len(ordered), pa.timestamp("us")),
        }
    )
    cursor.register("arriving", rows)
    try:
        cursor.execute(f"insert into {IDENTITY_DECISIONS.name} by name select * from arriving")
        folder = raw / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        number = max((int(path.stem) for path in folder.glob("*.parquet")), default=0) + 1
        target = folder / f"{number:08d}.parquet"
        draft = target.with_name(target.name + UNFINISHED)
        cursor.execute(f"copy (select * from arriving) to {literal(str(draft))} (format parquet)")
        draft.replace(target)
    finally:
        cursor.unregister("arriving")


def _find_links(cursor: Cursor) -> None:
    """The temporary tables `identity_keys` and `identity_links`."""
    records = f"(select * from main.{CUSTOMERS.name} where deleted_at is null)"
    with _phones_of(cursor, records) as phones:
        cursor.execute(f"create or replace temp table identity_keys as {keys_sql(records, phones)}")
    cursor.execute(f"create or replace temp table identity_links as {links_sql('identity_keys')}")


@contextmanager
def _phones_of(cursor: Cursor, records: str) -> Generator[str]:
    """The phones of `records` that are no plain mobiles, parsed, as a relation of that name."""
    name = "identity_phones"
    cursor.register(name, parsed_phones(text for (text,) in cursor.execute(needs_parsing_sql(records)).fetchall()))
    try:
        yield name
    finally:
        cursor.unregister(name)


def _forget_links(cursor: Cursor) -> None:
    """Cursors are pooled, and what is temporary would live as long as they."""
    cursor.execute("drop table identity_keys")
    cursor.execute("drop table identity_links")


def _clusters(cursor: Cursor) -> pa.Table:
    """One row per record that shares its customer with another: `record_id`, `customer_id`, `rule`, `probability`."""
    _find_links(cursor)
    links = [
        Link(left_id=left, right_id=right, rule=rule, probability=STRENGTH[rule])
        for left, right, rule in cursor.execute(
            "select left_id, right_id, rule from identity_links where is_sure"
        ).fetchall()
    ]
    links += [
        Link(left_id=left, right_id=right, rule=rule, probability=probability)
        for left, right, rule, probability in cursor.execute(
            f"select left_id, right_id, rule, probability from {IDENTITY_PAIRS.name} "
            f"where rule = 'likeness' and probability >= {SURE} and left_id in (select record_id from identity_keys) "
            "and right_id in (select record_id from identity_keys)"
        ).fetchall()
    ]
    decisions = _decisions(cursor)
    asked = sorted({record for one in (*links, *decisions) for record in (one.left_id, one.right_id)})
    cursor.register("asked", pa.table({"record_id": pa.array(asked, pa.string())}))
    try:
        people = {
            record: (Person(tax_id=tax, birth_date=born, kind=kind, branch=kpp), created)
            for record, tax, born, kind, kpp, created in cursor.execute(
                "select record_id, tax_id, birth_date, kind, kpp, created_at from identity_keys semi join asked using (record_id)"
            ).fetchall()
        }
    finally:
        cursor.unregister("asked")
    heads = {head for (head,) in cursor.execute(f"select distinct customer_id from {LIVE}").fetchall()}
    known = [one for one in decisions if one.left_id in people and one.right_id in people]
    rows: list[tuple[str, str, str, float]] = []
    for cluster in clustered(links, known, {record: person for record, (person, _) in people.items()}):
        # Who was the customer stays it; else the oldest record.
        head = min(cluster, key=lambda one: (one not in heads, people[one][1] is None, people[one][1] or 0, one))
        rows += [(record, head, link.rule, link.probability) for record, link in cluster.items()]
    names = ("record_id", KEY, "rule", "probability")
    types = (pa.string(), pa.string(), pa.string(), pa.float64())
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table({name: pa.array(values, kind) for name, values, kind in zip(names, columns, types, strict=True)})


def _decisions(cursor: Cursor) -> list[Decision]:
    rows = cursor.execute(
        f"select left_id, right_id, arg_max(kind, decided_at) from {IDENTITY_DECISIONS.name} group by all order by all"
    ).fetchall()
    return [Decision(left_id=left, right_id=right, kind=kind) for left, right, kind in rows if kind != "forget"]
