"""How does one process share one DuckDB database among its threads?

One connection owns the database; every request, thread or load works on a cursor of its own, borrowed from a
pool, because a cursor that two threads use at once fails.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Condition, local
from typing import Any

import duckdb
import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.core.errors import WarehouseBusy
from rakurs.core.text import Text
from rakurs.schema.ddl import literal, quoted
from rakurs.warehouse.binding import Said, share
from rakurs.warehouse.engine import Frame

Cursor = duckdb.DuckDBPyConnection


class DuckDBEngine:
    """DuckDB in this process, on a file or in memory. Thread-safe; `close` ends it for every cursor."""

    name = "duckdb"

    def __init__(self, connection: Cursor) -> None:
        self._connection = connection
        self._idle: SimpleQueue[Cursor] = SimpleQueue()
        self._of_thread = local()
        self._gate = Condition()
        self._lent = 0
        self._file: Path | None = None
        self._said: Said = {}
        self._opened: Callable[[], Cursor] | None = None

    @classmethod
    def in_memory(cls, *, memory_limit: str = "1GB", threads: int | None = None) -> "DuckDBEngine":
        """An empty database that is gone when closed: for examples, tests and notebooks."""
        return cls(_connected(":memory:", memory_limit=memory_limit, threads=threads, scratch=None))

    @classmethod
    def on_file(cls, path: Path, *, scratch: Path, memory_limit: str, threads: int | None = None) -> "DuckDBEngine":
        """The database in `path`, made when absent. WarehouseBusy when another process owns it.

        What does not fit into `memory_limit` is spilled to `scratch`.
        """
        opened = partial(_connected, str(path), memory_limit=memory_limit, threads=threads, scratch=scratch)
        engine = cls(opened())
        engine._file, engine._opened = path, opened
        return engine

    @contextmanager
    def cursor(self) -> Generator[Cursor]:
        """A cursor for one thread, given back afterwards; an open transaction is rolled back."""
        with self._gate:
            try:
                cursor = self._idle.get_nowait()
            except Empty:
                cursor = self._connection.cursor()
                share(cursor, self._said)
            self._lent += 1
        try:
            yield cursor
        finally:
            end_transaction(cursor)
            with self._gate:
                self._idle.put(cursor)
                self._lent -= 1
                self._gate.notify_all()

    def exchange(self, fresh: Path, *, patience: float) -> bool:
        """Put the database file `fresh` in the place of this one at a moment when nobody reads, and go on with it.

        Whether there was such a moment within `patience` seconds; whoever wants to read meanwhile waits.
        """
        assert self._file is not None
        assert self._opened is not None
        with self._gate:
            if not self._gate.wait_for(lambda: self._lent == 0, timeout=patience):
                return False
            self._close_idle()
            self._connection.close()
            # What is still to be written into the old file would be written into the new one.
            is_whole = not self._file.with_name(f"{self._file.name}.wal").exists()
            if is_whole:
                fresh.replace(self._file)
            self._connection, self._of_thread = self._opened(), local()
            return is_whole

    def table(self, name: str) -> Frame:
        """The kept table called `name`, lazily. Frames made in one thread share a cursor, so they can be joined."""
        return frame_of(self._thread_cursor(), name)

    def keep(self, name: str, data: pa.Table | Frame) -> None:
        """Materialise `data` under `name`, replacing what was there."""
        if isinstance(data, pa.Table):
            keep_arrow(self._thread_cursor(), name, data)
            return
        relation: duckdb.DuckDBPyRelation = data.to_native()
        self._thread_cursor().execute(f"create or replace table {quoted(name)} as {relation.sql_query()}")

    def collect(self, frame: Frame) -> pa.Table:
        """Run `frame` and bring its rows here."""
        return frame.collect("pyarrow").to_native()

    def sql(self, frame: Frame) -> str:
        """The query `frame` stands for, as DuckDB prints it."""
        relation: duckdb.DuckDBPyRelation = frame.to_native()
        return relation.sql_query()

    def forget_columns(self) -> None:
        """Tables are about to be made with other columns than those `cursor` has read so far."""
        self._said.clear()

    def _thread_cursor(self) -> Cursor:
        if not hasattr(self._of_thread, "cursor"):
            self._of_thread.cursor = self._connection.cursor()
        return self._of_thread.cursor

    def close(self) -> None:
        """Close every idle cursor and the database; committed work is on disk already."""
        self._close_idle()
        self._connection.close()

    def _close_idle(self) -> None:
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return


def frame_of(cursor: Cursor, name: str, *, schema: str | None = None) -> Frame:
    """The table called `name` (of `schema`) as a lazy frame that runs on `cursor`, inside its transaction."""
    place = quoted(name) if schema is None else f"{quoted(schema)}.{quoted(name)}"
    return nw.from_native(cursor.table(place))


def first_row(cursor: Cursor, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
    """The first row of an answer that has one. Reads it to the end: an unfinished one blocks the cursor."""
    return cursor.execute(sql, list(values)).fetchall()[0]


def count(cursor: Cursor, sql: str) -> int:
    """The one whole number `sql` answers."""
    return int(first_row(cursor, sql)[0])


def keep_arrow(cursor: Cursor, name: str, data: pa.Table) -> None:
    """Replace the table called `name` by an Arrow table."""
    cursor.register("arriving", data)
    try:
        cursor.execute(f"create or replace table {quoted(name)} as select * from arriving")
    finally:
        cursor.unregister("arriving")


def end_transaction(cursor: Cursor) -> None:
    """Roll back whatever `cursor` has open; nothing open is fine."""
    try:
        cursor.rollback()
    except duckdb.TransactionException:
        return


def _connected(path: str, *, memory_limit: str, threads: int | None, scratch: Path | None) -> Cursor:
    settings: dict[str, Any] = {
        "memory_limit": memory_limit,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if threads is not None:
        settings["threads"] = threads
    if scratch is not None:
        settings["temp_directory"] = str(scratch)
    try:
        connection = duckdb.connect(path, config=settings)
    except duckdb.IOException as error:
        if "lock" not in str(error).lower():
            raise
        raise WarehouseBusy(
            Text(
                ru=f"Данными в {path} уже владеет другой процесс. Закройте его или обратитесь к нему.",
                en=f"Another process owns the data in {path}. Close it, or go through it.",
            )
        ) from error
    # Aware times become UTC without an offset wherever they are cast.
    connection.execute(f"set global TimeZone = {literal('UTC')}")
    return connection
