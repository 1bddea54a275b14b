"""What an engine must offer: tables as lazy frames, a place to keep results, Arrow out."""

from typing import Any, Protocol

import narwhals.stable.v2 as nw
import pyarrow as pa

Frame = nw.LazyFrame[Any]


class Engine(Protocol):
    """DuckDB in this process, or Spark: the same frames, the same answers."""

    name: str

    def table(self, name: str) -> Frame:
        """The kept table called `name`, lazily."""
        ...

    def keep(self, name: str, data: pa.Table | Frame) -> None:
        """Materialise `data` under `name`, replacing what was there."""
        ...

    def collect(self, frame: Frame) -> pa.Table:
        """Run `frame` and bring its rows here."""
        ...

    def sql(self, frame: Frame) -> str:
        """The query `frame` stands for, as the engine would print it."""
        ...
