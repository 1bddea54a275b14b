"""How do typed rows meet those already known: which are new, which changed, which came twice?

Rows meet by key. Columns the batch has no say in keep the value known before; a given but empty one empties it.
Custom fields are added to those known. Of rows with one key in a batch the last wins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rakurs.core.loading import TableCount
from rakurs.core.source import Deletes
from rakurs.core.table import Table
from rakurs.schema.ddl import literal, quoted
from rakurs.schema.derived import ORIGIN, base_of, stored
from rakurs.warehouse.duckdb_engine import Cursor, count
from rakurs.warehouse.execution import Watch, watched
from rakurs.warehouse.forgotten import MARK
from rakurs.warehouse.quarantine import resolve, set_aside
from rakurs.warehouse.shaping import Shaping

_ORIGIN = frozenset(column.name for column in ORIGIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """How the good rows of a batch met the known ones."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0

    @property
    def rows(self) -> int:
        """All of them."""
        return self.inserted + self.updated + self.unchanged + self.repeated


def merged(cursor: Cursor, shaping: Shaping, *, slot: str, watch: Watch) -> TableCount:
    """Bring one batch into its table and set aside what breaks a rule."""
    table = quoted(shaping.table.name)
    is_empty = not cursor.execute(f"select 1 from {table} limit 1").fetchall()
    met = (_filled if is_empty else _met)(cursor, shaping, watch)
    quarantined = 0
    may_differ = shaping.is_constant or shaping.table_mapping.distinct
    if may_differ or met.rows < shaping.batch.rows - shaping.scan.tail_rows:
        quarantined = set_aside(cursor, shaping, slot=slot, watch=watch)
    resolve(cursor, shaping, slot=slot, watch=watch)
    return TableCount(
        table=shaping.table.name,
        read=met.rows + quarantined,
        inserted=met.inserted,
        updated=met.updated,
        unchanged=met.unchanged,
        quarantined=quarantined,
        repeated=met.repeated,
    )


def marked_deleted(cursor: Cursor, shaping: Shaping, *, deletes: Deletes) -> TableCount:
    """Mark rows of the source by a batch of keys; a row that comes again later loses the mark."""
    table = quoted(shaping.table.name)
    at = f"timestamp {literal(shaping.occasion.at.isoformat(sep=' '))}"
    names = [quoted(name) for name in shaping.table_mapping.values]
    cursor.execute(f"create or replace temp table listed as {shaping.ids}")
    is_listed = _among("listed", table, names)
    known = " and ".join(f"{name} is not null" for name in names)
    of_source = f"source = {literal(shaping.mapping.source)}"
    belongs = {
        "listed": is_listed,
        "unlisted": f"{of_source} and {known} and not {is_listed}",
        "siblings": f"{of_source} and {known} and {_among('listed', table, names[:1])} and not {is_listed}",
    }[deletes]
    # Whoever was erased is to be deleted at the source too; here the anonymous record stays, for sums are made of it.
    stays = f" and not contains(customer_id, {literal(MARK)})" if shaping.table.name == "customers" else ""
    removed = cursor.execute(
        f"update {table} set deleted_at = {at} where deleted_at is null and {belongs}{stays}"
    ).fetchall()[0][0]
    return TableCount(table=shaping.table.name, removed=int(removed))


def _among(listed: str, table: str, names: Sequence[str]) -> str:
    met = " and ".join(f"{listed}.{name} = {table}.{name}::varchar" for name in names)
    return f"exists (select 1 from {listed} where {met})"


def _filled(cursor: Cursor, shaping: Shaping, watch: Watch) -> Met:
    """The first rows of a table go straight in."""
    name = quoted(shaping.table.name)
    columns = _listed(stored(shaping.table).names)
    rows = watched(cursor, f"insert into {name} ({columns}) select {columns} from ({shaping.good})", watch)
    repeated = _without_repeats(cursor, shaping, name, order="rowid", watch=watch)
    return Met(inserted=rows - repeated, repeated=repeated)


def _met(cursor: Cursor, shaping: Shaping, watch: Watch) -> Met:
    """Rows are typed aside, compared with those known by key, and only differences are written."""
    rows = watched(cursor, f"create or replace temp table staged as {shaping.good}", watch)
    rows = count(cursor, "select count(*) from staged") if rows == 0 else rows
    repeated = _without_repeats(cursor, shaping, "staged", order="_row", watch=watch)
    name = quoted(shaping.table.name)
    keys = _equal_keys(shaping.table)
    watched(
        cursor,
        f"create or replace temp table matched as select staged.rowid as staged_id, known.rowid as known_id, "
        f"{_differs(shaping)} as is_changed from staged join {name} known on {keys}",
        watch,
    )
    updated = count(cursor, "select count(*) from matched where is_changed")
    known = count(cursor, "select count(*) from matched")
    columns = _listed(stored(shaping.table).names)
    if updated:
        cursor.execute(
            f"create or replace temp table fresh as select {_fresh(shaping)} from matched "
            f"join staged on staged.rowid = staged_id join {name} known on known.rowid = known_id where is_changed"
        )
        cursor.execute(f"delete from {name} where rowid in (select known_id from matched where is_changed)")
        cursor.execute(f"insert into {name} ({columns}) select {columns} from fresh")
    if known < rows - repeated:
        watched(
            cursor,
            f"insert into {name} ({columns}) select {columns} from staged "
            "where rowid not in (select staged_id from matched)",
            watch,
        )
    inserted = rows - repeated - known
    return Met(inserted=inserted, updated=updated, unchanged=known - updated, repeated=repeated)


def _without_repeats(cursor: Cursor, shaping: Shaping, name: str, *, order: str, watch: Watch) -> int:
    """Delete all but the last row of each key; how many. Keys made unique by counting need no look."""
    if shaping.table_mapping.distinct or (shaping.needs_ordinal and shaping.ordinal_source is None):
        return 0
    keys = _listed(shaping.table.key)
    watched(
        cursor,
        f"create or replace temp table twice as select h from (select hash({keys}) as h from {name}) "
        "group by h having count(*) > 1",
        watch,
    )
    if count(cursor, "select count(*) from twice") == 0:
        return 0
    ranked = (
        f"select rowid as id, row_number() over (partition by {keys} order by {order} desc) as place from {name} "
        f"where hash({keys}) in (select h from twice)"
    )
    cursor.execute(f"create or replace temp table losers as select id from ({ranked}) where place > 1")
    cursor.execute(f"delete from {name} where rowid in (select id from losers)")
    return count(cursor, "select count(*) from losers")


def _equal_keys(table: Table) -> str:
    """Keys are equal also where an optional part is empty on both sides."""
    required = {column.name for column in table.columns if column.required}
    return " and ".join(
        f"known.{quoted(name)} {'=' if name in required else 'is not distinct from'} staged.{quoted(name)}"
        for name in table.key
    )


def _differs(shaping: Shaping) -> str:
    # Base amounts follow from the rates, which are applied after all tables of a load are in.
    left_out = _ORIGIN | {base_of(name) for name in shaping.table.names} | {*shaping.table.key}
    compared = [name for name in stored(shaping.table).names if name in shaping.provided - left_out]
    conditions = [f"known.{quoted(name)} is distinct from staged.{quoted(name)}" for name in compared]
    added = "(staged.custom is not null and (known.custom is null or not json_contains(known.custom, staged.custom)))"
    return " or ".join([*conditions, added, "known.deleted_at is not null"])


def _fresh(shaping: Shaping) -> str:
    columns: list[str] = []
    for name in stored(shaping.table).names:
        if name == "custom":
            both = "known.custom is not null and staged.custom is not null"
            patched = "json_merge_patch(known.custom, staged.custom)::varchar"
            columns.append(f"case when {both} then {patched} else coalesce(staged.custom, known.custom) end as custom")
        else:
            side = "staged" if name in shaping.provided | _ORIGIN else "known"
            columns.append(f"{side}.{quoted(name)}")
    return ", ".join(columns)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names))
