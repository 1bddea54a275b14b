"""How do the tables forget a person, so that a rebuild from raw forgets him too and nothing brings him back?

Who is in the list of the forgotten (`forgotten`) is washed out of every raw batch before it is replayed (`washing`,
`rewriting`), so an erasure is a line in the list and a rebuild: tables, history, quarantine and marts follow by the same road as
ever. What Rakurs itself wrote about him (who is who, segments, scores) goes by other ids from here on. Killed at any moment, the
database is as before, and doing it again does the rest.

What was deleted still lies in the file of the database until its pages are used anew; so the database is copied into a new file
that takes its place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rakurs.schema.ddl import literal, quoted
from rakurs.schema.identities import IDENTITIES, IDENTITY_DECISIONS, IDENTITY_PAIRS
from rakurs.schema.scores import MODEL_SCORES
from rakurs.schema.segments import SEGMENT_MEMBERSHIPS
from rakurs.warehouse import forgotten, identities, ledger, memberships
from rakurs.warehouse.duckdb_engine import Cursor, count
from rakurs.warehouse.forgotten import MARK, Forgotten, hashed, hashed_sql, replaced_id, replaced_id_sql
from rakurs.warehouse.journal import FOLDER as JOURNAL
from rakurs.warehouse.raw import UNFINISHED, flush_to_disk
from rakurs.warehouse.raw_parts import Stored
from rakurs.warehouse.rewriting import wash
from rakurs.warehouse.shaping import Occasion
from rakurs.warehouse.washing import CHANGED, HOLDERS, Washing, begin, come_again, end

APPLIED = "erased"
"""The name in the ledger's state of the erasures that this database has been through."""
UNCOPIED = "holds_deleted_pages"
_RENAMED = "renamed_ids"
_NAMING = {
    IDENTITIES.name: ("record_id", "customer_id"),
    IDENTITY_DECISIONS.name: ("left_id", "right_id"),
    SEGMENT_MEMBERSHIPS.name: ("customer_id",),
    MODEL_SCORES.name: ("customer_id",),
}
_NO_SOURCES = (JOURNAL, identities.FOLDER, memberships.FOLDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure changed: rows of raw batches, and in how many of them."""

    raw_files: int
    raw_rows: int


def washed_arrivals(cursor: Cursor, arrivals: Sequence[Stored], *, occasion: Occasion, raw: Path) -> None:
    """Take whoever must not be known out of what has just come, before anything of it is read."""
    people = [item for item in forgotten.listed(raw.parent) if not item.only_past]
    washing = begin(cursor, people, sources=[arrival.mapping.source for arrival in arrivals], is_arriving=True)
    if washing is None:
        return
    known = count(cursor, f"select count(*) from {HOLDERS}")
    for arrival in arrivals:
        wash(cursor, washing, arrival, occasion)
    has_learned = _learn(cursor, washing, raw)
    if has_learned or count(cursor, f"select count(*) from {HOLDERS}") > known:
        # Rows that name what was found only now.
        for arrival in arrivals:
            wash(cursor, washing, arrival, occasion)
    end(cursor)


def applied(cursor: Cursor) -> frozenset[str]:
    """The erasures this database has been through: an older backup lacks some."""
    return frozenset(ledger.state(cursor).get(APPLIED, "").split())


def renamed(cursor: Cursor, washing: Washing | None, raw: Path) -> None:
    """What Rakurs wrote about forgotten people names their other ids; their records stay one customer by a decision."""
    if washing is None or not washing.people:
        return
    _find_renamed(cursor, washing, raw)
    if count(cursor, f"select count(*) from {_RENAMED}"):
        pairs = cursor.execute(
            f"select one.after, other.after from main.{IDENTITIES.name} told join {_RENAMED} one on one.before = record_id "
            f'join {_RENAMED} other on other.before = customer_id where "until" is null and record_id <> customer_id'
        ).fetchall()
        for table, columns in _NAMING.items():
            for column in columns:
                cursor.execute(f"update main.{table} set {column} = after from {_RENAMED} where {column} = before")
        _order_pairs(cursor)
        cursor.execute(
            f"delete from main.{IDENTITY_PAIRS.name} where left_id in (select before from {_RENAMED}) "
            f"or right_id in (select before from {_RENAMED})"
        )
        _rename_files(cursor, raw)
        identities.keep_decisions(cursor, raw, pairs, "merge", by="", at=_now())
    cursor.execute(f"drop table {_RENAMED}")


def forget_set_aside(cursor: Cursor, washing: Washing | None) -> None:
    """Rows that were washed are not to be remembered as they were set aside before: call before the replay ends."""
    if washing is not None:
        cursor.execute(
            f"delete from set_aside_before where (batch_id, row_number) in (select (batch_id, row_number) from {CHANGED})"
        )
        end(cursor)


def without_orphans(cursor: Cursor, raw: Path) -> int:
    """Remove batches that no load remembers, left by loads that were stopped; how many there were."""
    known = {entry.path for entry in ledger.entries(cursor)}
    orphans = [
        path
        for path in raw.glob("*/*/*.parquet")
        if path.relative_to(raw).parts[0] not in _NO_SOURCES and path.relative_to(raw).as_posix() not in known
    ]
    for path in orphans:
        path.unlink()
    return len(orphans)


def noted(cursor: Cursor, people: Sequence[Forgotten]) -> None:
    """This database has been through the erasures of `people`; its file still holds what was deleted."""
    ledger.set_state(cursor, **{APPLIED: " ".join(item.erasure for item in people), UNCOPIED: 1})


def copied(cursor: Cursor, target: Path) -> None:
    """The whole database in a new file, which holds nothing but what is there."""
    target.unlink(missing_ok=True)
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    ((name,),) = cursor.execute("select current_database()").fetchall()
    cursor.execute(f"attach {literal(str(target))} as fresh")
    try:
        cursor.execute(f"copy from database {quoted(name)} to fresh")
    finally:
        cursor.execute("detach fresh")
    flush_to_disk(target)


def _learn(cursor: Cursor, washing: Washing, raw: Path) -> bool:
    """Keep under which new ids forgotten people came, here and for the next loads; whether there were any."""
    by_name = {item.erasure: item for item in washing.people}
    found: dict[str, dict[forgotten.Kind, list[str]]] = {}
    pairs: list[tuple[str, str]] = []
    for erasure, kind, value in come_again(cursor):
        person = by_name[erasure]
        found.setdefault(erasure, {}).setdefault(_kind(kind), []).append(hashed(person.salt, kind, value))
        if kind == "id" and person.main_id is not None:
            pairs.append((replaced_id(person.salt, value, washing.sources), person.main_id))
    if not found:
        return False
    forgotten.learned(raw.parent, found)
    forgotten.prepare(cursor, [item for item in forgotten.listed(raw.parent) if not item.only_past])
    if pairs:
        identities.keep_decisions(cursor, raw, pairs, "merge", by="", at=_now())
    return True


def _kind(name: str) -> forgotten.Kind:
    return next(kind for kind in forgotten.KINDS if kind == name)


def _find_renamed(cursor: Cursor, washing: Washing, raw: Path) -> None:
    """The ids of forgotten records, wherever Rakurs itself wrote them, and the ids in their place."""
    told = [f"select {column} as id from main.{table}" for table, columns in _NAMING.items() for column in columns]
    told += [
        f"select {column} as id from read_parquet({literal(str(path))})"
        for path, columns in _files(raw)
        for column in columns
    ]
    every = f"select distinct id from ({' union all '.join(told)}) where id is not null and not contains(id, {literal(MARK)})"
    ways = [
        f"select id as before, {replaced_id_sql(salt, 'id', washing.sources)} as after from ({every}) "
        f"where {hashed_sql(salt, 'id', 'id')} in (select hash from {forgotten.HASHES} where kind = 'id')"
        for salt in washing.salts
    ]
    cursor.execute(
        f"create or replace temp table {_RENAMED} as select before, any_value(after) as after "
        f"from ({' union all '.join(ways)}) group by before"
    )


def _order_pairs(cursor: Cursor) -> None:
    """Of a pair the lesser id stands left."""
    cursor.execute(
        f"update main.{IDENTITY_DECISIONS.name} set left_id = right_id, right_id = left_id where left_id > right_id"
    )


def _rename_files(cursor: Cursor, raw: Path) -> None:
    for path, columns in _files(raw):
        names = " or ".join(f"{column} in (select before from {_RENAMED})" for column in columns)
        if not count(cursor, f"select count(*) from read_parquet({literal(str(path))}) where {names}"):
            continue
        joins = " ".join(
            f"left join {_RENAMED} as new_{column} on new_{column}.before = told.{column}" for column in columns
        )
        replaced = ", ".join(f"coalesce(new_{column}.after, told.{column}) as {column}" for column in columns)
        if columns == ("left_id", "right_id"):
            left, right = (f"coalesce(new_{column}.after, told.{column})" for column in columns)
            replaced = f"least({left}, {right}) as left_id, greatest({left}, {right}) as right_id"
        draft = path.with_name(path.name + UNFINISHED)
        cursor.execute(
            f"copy (select told.* replace ({replaced}) from read_parquet({literal(str(path))}) told {joins}) "
            f"to {literal(str(draft))} (format parquet, compression zstd)"
        )
        flush_to_disk(draft)
        draft.replace(path)


def _files(raw: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The logs beside the raw batches that name records, with the columns that do."""
    for path in sorted((raw / identities.FOLDER).glob("*.parquet")):
        yield path, ("left_id", "right_id")
    for path in sorted((raw / memberships.FOLDER).glob("*/*.parquet")):
        yield path, ("customer_id",)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
