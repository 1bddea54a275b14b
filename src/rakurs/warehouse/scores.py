"""What did models say of whom? The latest scores of each, and the first of every month to hold against what came.

They can be made again at any time from the data and the kept fits, so nothing of them stands in the raw zone.
"""

from datetime import date
from pathlib import Path

from rakurs.schema.ddl import literal, quoted, table_ddl
from rakurs.schema.scores import MODEL_SCORES
from rakurs.warehouse.duckdb_engine import Cursor

_TABLE = quoted(MODEL_SCORES.name)
_FIXED = ("model", "version_id", "scored_on")
_SAID = ", ".join(quoted(name) for name in MODEL_SCORES.names if name not in _FIXED)


def prepare(cursor: Cursor) -> None:
    """Make the table where it is not, and anew where an older release made it of other columns."""
    found = cursor.execute(
        "select column_name from information_schema.columns where table_schema = 'main' and table_name = ? "
        "order by ordinal_position",
        [MODEL_SCORES.name],
    ).fetchall()
    if tuple(name for (name,) in found) != MODEL_SCORES.names:
        cursor.execute(f"drop table if exists {_TABLE}")
        cursor.execute(table_ddl(MODEL_SCORES))


def keep(cursor: Cursor, model: str, version_id: str, file: Path, *, on: date) -> None:
    """The rows of the Parquet `file` are what `model` says as of the day `on`; a day scored again is replaced."""
    named, day = literal(model), f"date {literal(on.isoformat())}"
    cursor.execute(f"delete from {_TABLE} where model = {named} and scored_on = {day}")
    cursor.execute(
        f"delete from {_TABLE} where model = {named} and scored_on not in (select min(scored_on) from {_TABLE} "
        f"where model = {named} group by date_trunc('month', scored_on))"
    )
    cursor.execute(
        f"insert into {_TABLE} (model, version_id, scored_on, {_SAID}) "
        f"select {named}, {literal(version_id)}, {day}, {_SAID} from read_parquet({literal(str(file))})"
    )


def forget(cursor: Cursor, model: str) -> None:
    """The model says nothing any more."""
    cursor.execute(f"delete from {_TABLE} where model = {literal(model)}")
