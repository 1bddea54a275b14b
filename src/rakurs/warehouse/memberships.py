"""Who is in a set of customers since when? Runs of days, and beside the raw zone a log to make them again from.

Each count of a set is compared with the one before it, inside the engine; only who came and who went is kept. The log
holds the same changes as immutable files, `raw/segments/<segment>/<number>.parquet`, and is replayed where the
database was lost. A change written to the log whose transaction then failed does no harm: replayed, it is overtaken
by the next count.
"""

from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb
import narwhals.stable.v2 as nw

from rakurs.schema.ddl import literal, quoted, table_ddl
from rakurs.schema.segments import SEGMENT_MEMBERSHIPS
from rakurs.warehouse.duckdb_engine import Cursor, count
from rakurs.warehouse.raw import UNFINISHED

Provenance = Literal["observed", "reckoned"]
Frame = nw.LazyFrame[Any]

FOLDER = "segments"
_TABLE = quoted(SEGMENT_MEMBERSHIPS.name)
_NAMES = ", ".join(quoted(name) for name in SEGMENT_MEMBERSHIPS.names)


def prepare(cursor: Cursor, raw: Path) -> None:
    """Make the table where it is not, from the log."""
    known = "select count(*) from information_schema.tables where table_schema = 'main' and table_name = "
    if count(cursor, known + literal(SEGMENT_MEMBERSHIPS.name)):
        return
    cursor.execute(table_ddl(SEGMENT_MEMBERSHIPS))
    for path in _logged(raw):
        cursor.execute(f"create or replace temp table changes as select * from read_parquet({literal(str(path))})")
        _apply(cursor)


def settle(
    cursor: Cursor, raw: Path, segment_id: str, members: Frame, *, on: date, provenance: Provenance
) -> tuple[int, int]:
    """From day `on` exactly `members` (one column, the customers' ids) are in the set; how many came and went."""
    relation: duckdb.DuckDBPyRelation = members.to_native()
    cursor.execute("drop table if exists members_now")
    relation.create("members_now")
    wanted, day = literal(segment_id), f"date {literal(on.isoformat())}"
    (name,) = (quoted(column) for column in relation.columns)
    cursor.execute(
        "create or replace temp table changes as "
        f"with present as (select distinct {name} as customer_id from members_now where {name} is not null), "
        f'before as (select customer_id from {_TABLE} where segment_id = {wanted} and "until" is null) '
        f"select {wanted} as segment_id, customer_id, {day} as day, true as is_in, {literal(provenance)} as provenance "
        "from present anti join before using (customer_id) union all "
        f"select {wanted}, customer_id, {day}, false, {literal(provenance)} from before anti join present using (customer_id) "
        "order by customer_id"
    )
    cursor.execute("drop table members_now")
    came = count(cursor, "select count(*) from changes where is_in")
    went = count(cursor, "select count(*) from changes where not is_in")
    if came or went:
        _log(cursor, raw / FOLDER / segment_id)
        _apply(cursor)
    return came, went


def forget(cursor: Cursor, raw: Path, segment_id: str) -> None:
    """The set is gone, with its history."""
    cursor.execute(f"delete from {_TABLE} where segment_id = {literal(segment_id)}")
    folder = raw / FOLDER / segment_id
    for path in folder.glob("*.parquet"):
        path.unlink()
    if folder.exists():
        folder.rmdir()


def _apply(cursor: Cursor) -> None:
    """Bring `changes` into the runs; what happens several times in a day counts as it stands at the day's end."""

    def is_same(other: str) -> str:
        return f"{_TABLE}.segment_id = {other}.segment_id and {_TABLE}.customer_id = {other}.customer_id"

    is_open, has_run = '"until" is null', f"select 1 from {_TABLE} where"
    gone = (
        f"update {_TABLE} set until = changes.day from changes where {is_same('changes')} and not is_in and {is_open}"
    )
    unlived = f"delete from {_TABLE} where not {is_open} and until <= since"
    coming = f"select * from changes where is_in and not exists ({has_run} {is_same('changes')} and {is_open})"
    back = f"update {_TABLE} set until = null from coming where {is_same('coming')} and until = coming.day"
    new = (
        f"insert into {_TABLE} ({_NAMES}) select segment_id, customer_id, day, null, provenance from coming "
        f"where not exists ({has_run} {is_same('coming')} and {is_open})"
    )
    for statement in (gone, unlived, f"create or replace temp table coming as {coming}", back, new):
        cursor.execute(statement)
    cursor.execute("drop table coming")
    cursor.execute("drop table changes")


def _log(cursor: Cursor, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{_next_number(folder):08d}.parquet"
    draft = target.with_name(target.name + UNFINISHED)
    cursor.execute(f"copy changes to {literal(str(draft))} (format parquet, compression zstd)")
    draft.replace(target)


def _next_number(folder: Path) -> int:
    return max((int(path.stem) for path in folder.glob("*.parquet")), default=0) + 1


def _logged(raw: Path) -> list[Path]:
    """Every file of the log, each set's in the order of writing."""
    return sorted((raw / FOLDER).glob("*/*.parquet"))
