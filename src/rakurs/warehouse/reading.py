"""How does a question read the tables of one moment while loads go on?"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import narwhals.stable.v2 as nw
import pyarrow as pa
import pyarrow.compute as pc

from rakurs.schema.ddl import literal, quoted
from rakurs.warehouse import identities, readings
from rakurs.warehouse.binding import PASSING
from rakurs.warehouse.duckdb_engine import Cursor, count, frame_of
from rakurs.warehouse.engine import Frame

_KEPT = f"{PASSING}answer"


class Reader:
    """All tables as they were when the reading began. For one thread; ends with `Warehouse.reading`."""

    def __init__(self, cursor: Cursor, *, data_version: int) -> None:
        self._cursor = cursor
        self.data_version = data_version
        self._unified = readings.unified(cursor)

    def frame(self, name: str) -> Frame:
        """A canonical table or a mart, lazily; rows name the customer, whichever record of his their source named."""
        return frame_of(self._cursor, name, schema=readings.ONE if name in self._unified else None)

    def records(self, name: str) -> Frame:
        """A canonical table as its sources write it: `customer_id` is a record's, and a customer may have several."""
        return frame_of(self._cursor, name)

    def aliases(self) -> Frame:
        """Records whose customer goes by another record's id: `customer_id` is the customer's, `record_id` their own."""
        others = (
            frame_of(self._cursor, identities.IDENTITIES.name)
            .filter(nw.col("until").is_null(), nw.col("record_id") != nw.col("customer_id"))
            .select("record_id", "customer_id")
        )
        records = self.records(identities.CUSTOMERS.name).filter(nw.col("deleted_at").is_null())
        return records.rename({"customer_id": "record_id"}).join(others, on="record_id", how="inner")

    def keys_of(self, record_ids: Iterable[str]) -> list[dict[str, Any]]:
        """What these records of customers are known by: phone, mailbox, tax id, name, address, each written in one way."""
        return identities.keys_of(self._cursor, record_ids)

    def has(self, name: str) -> bool:
        """Whether there is a table or mart called `name` yet."""
        found = self._cursor.execute(
            "select 1 from information_schema.tables where table_schema = 'main' and table_name = ?", [name]
        )
        return bool(found.fetchall())

    def collect(self, frame: Frame) -> pa.Table:
        """Run `frame` and bring its rows here."""
        return frame.collect("pyarrow").to_native()

    @contextmanager
    def kept(self, frame: Frame) -> Generator[tuple[Frame, int]]:
        """The rows of `frame`, worked out once and held in the engine for as long as they are looked at; how many."""
        self._cursor.execute(f"create or replace temp table {_KEPT} as {self.sql(frame)}")
        try:
            yield frame_of(self._cursor, _KEPT), self.rows(_KEPT)
        finally:
            self._cursor.execute(f"drop table {_KEPT}")

    def count(self, frame: Frame) -> int:
        """How many rows `frame` has."""
        return count(self._cursor, f"select count(*) from ({self.sql(frame)})")

    def sql(self, frame: Frame) -> str:
        """The query `frame` stands for."""
        return _native(frame).sql_query()

    def pages(self, frame: Frame, *, limit: int | None, offset: int = 0) -> pa.Table:
        """Rows `offset` to `offset + limit` of `frame`, in its order."""
        if limit is None and offset == 0:
            return self.collect(frame)
        page = _native(frame).limit(limit if limit is not None else 2**62, offset)
        return self.collect(nw.from_native(page))

    def keys_in(self, frame: Frame, column: str) -> tuple[str, ...]:
        """The keys of the JSON objects in `column`, each once, by name."""
        keys = _native(frame).select(f"unnest(json_keys({quoted(column)})) AS key").distinct().order("key")
        return tuple(row[0] for row in keys.fetchall())

    def batches(self, frame: Frame, *, size: int = 50_000) -> Iterator[pa.RecordBatch]:
        """The rows of `frame`, `size` at a time, never all in memory."""
        yield from _native(frame).to_arrow_reader(size)

    def write_parquet(self, frame: Frame, path: Path) -> None:
        """Write `frame` to a Parquet file, inside the engine."""
        self._copy(frame, path, "format parquet, compression zstd")

    def write_csv(self, frame: Frame, path: Path, *, delimiter: str = ",") -> None:
        """Write `frame` to a CSV file with a header, inside the engine."""
        self._copy(frame, path, f"format csv, header true, delimiter {literal(delimiter)}")

    def _copy(self, frame: Frame, path: Path, options: str) -> None:
        self._cursor.execute(f"copy ({self.sql(frame)}) to {literal(str(path))} ({options})")

    def rows(self, name: str) -> int:
        """How many rows the table called `name` has."""
        return count(self._cursor, f"select count(*) from {quoted(name)}")


def _native(frame: Frame) -> duckdb.DuckDBPyRelation:
    return frame.to_native()


def uncut(batches: Iterable[pa.RecordBatch], key: str) -> Iterator[pa.Table]:
    """The same rows, sorted by `key`, in parts that never cut the rows of one key."""
    held: pa.Table | None = None
    for batch in batches:
        rows = pa.Table.from_batches([batch])
        rows = rows if held is None else pa.concat_tables([held, rows])
        last = pc.index(rows[key], rows[key][-1]).as_py()
        held = rows.slice(last)
        if last:
            yield rows.slice(0, last)
    if held is not None:
        yield held
