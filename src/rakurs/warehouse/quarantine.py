"""Which rows were set aside, why, and when is that over?"""

from rakurs.schema.ddl import literal, quoted
from rakurs.warehouse.duckdb_engine import Cursor, count
from rakurs.warehouse.execution import Watch, watched
from rakurs.warehouse.raw import OVERFLOW
from rakurs.warehouse.shaping import Shaping, text_of


def set_aside(cursor: Cursor, shaping: Shaping, *, slot: str, watch: Watch) -> int:
    """Put the rows that break a rule into quarantine, one entry a row, under its first broken rule; how many."""
    texts = ", ".join(quoted(text_of(name)) for name in shaping.table.names)
    watched(
        cursor,
        f"create or replace temp table broken as select _row, _broken, {texts}, {OVERFLOW}, "
        f"{shaping.key_text} as _key from ({shaping.judged}) where _broken is not null",
        watch,
    )
    found = count(cursor, "select count(*) from broken")
    if found:
        cursor.execute(_insert(shaping, slot))
    return found


def resolve(cursor: Cursor, shaping: Shaping, *, slot: str, watch: Watch) -> None:
    """Close earlier entries that this batch answers: the same key came again, fine or broken in a new way.

    An entry without a key is answered by the next load of the same slot. Call after `set_aside`.
    """
    source, table = literal(shaping.mapping.source), literal(shaping.table.name)
    waiting = (
        f"from meta.quarantine where resolved_at is null and table_name = {table} and source = {source} "
        f"and load_id <> {literal(shaping.occasion.load_id)}"
    )
    if count(cursor, f"select count(*) {waiting}") == 0:
        return
    watched(
        cursor,
        "create or replace temp table answered as select distinct _key from "
        f"(select {shaping.key_text} as _key from ({shaping.texts})) "
        f"where _key in (select key {waiting})",
        watch,
    )
    cursor.execute(
        f"update meta.quarantine set resolved_at = {_at(shaping)} where rowid in (select rowid {waiting} "
        f"and (key in (select _key from answered) or (key is null and slot = {literal(slot)})))"
    )


def _insert(shaping: Shaping, slot: str) -> str:
    columns = " ".join(f"when {number} then {literal(check.column)}" for number, check in enumerate(shaping.checks))
    rules = " ".join(f"when {number} then {literal(check.rule.code)}" for number, check in enumerate(shaping.checks))
    values = " ".join(f"when {number} then {check.shown}" for number, check in enumerate(shaping.checks))
    records = f"select * from ({shaping.records}) where _row in (select _row from broken)"
    row = "null" if shaping.is_constant else "broken._row"
    return (
        f"insert into meta.quarantine select {literal(shaping.occasion.load_id)}, {literal(shaping.batch.batch_id)}, "
        f"{literal(shaping.mapping.source)}, {literal(slot)}, {row}, {literal(shaping.table.name)}, "
        f"nullif(case _broken {columns} end, ''), case _broken {values} end, case _broken {rules} end, _key, _raw, "
        f"{_at(shaping)}, null from broken join (select _row as _record, {shaping.raw_row} as _raw "
        f"from ({records}) record) on _record = broken._row order by broken._row"
    )


def _at(shaping: Shaping) -> str:
    return f"timestamp {literal(shaping.occasion.at.isoformat(sep=' '))}"
