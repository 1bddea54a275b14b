"""How does the same question run beyond one machine? Apache Spark behind the engine interface.

Needs the extra `spark` and, unless the cluster is reached over Spark Connect, Java 17 or newer.
"""

import io
import os
import shutil
import threading
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.core.errors import BadInput, UnknownName
from rakurs.core.table import TABLE
from rakurs.core.text import Text

try:
    from pyspark.sql import DataFrame, SparkSession
except ImportError as missing:
    raise BadInput(
        Text(
            ru="Для Spark нужна библиотека pyspark: поставьте rakurs[spark].",
            en="Spark needs the pyspark library: install rakurs[spark].",
        )
    ) from missing

Frame = nw.LazyFrame[Any]

LOCAL = "local[2]"
_WRITTEN = "_SUCCESS"  # Spark leaves this file only behind a finished write
_printing = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkSettings:
    """Where Spark is: `url` is a master (`local[2]`, `spark://host:7077`, `yarn`, `k8s://...`) or a
    Connect address (`sc://host:15002`). `folder` keeps the tables as Parquet and must be reachable by every worker.
    `shuffle_partitions` suits the number of cores: few on one machine, hundreds on a cluster. `options` are further
    settings of Spark's own and win over ours.
    """

    folder: Path
    url: str = LOCAL
    shuffle_partitions: int = 2
    options: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_connect(self) -> bool:
        """Whether a running server is spoken to, so that no Java is needed here."""
        return self.url.startswith("sc://")

    @property
    def is_local(self) -> bool:
        """Whether Spark runs inside this machine."""
        return self.url.startswith("local")


def java_is_present() -> bool:
    """Whether a Java to run Spark can be found: by JAVA_HOME, otherwise on the PATH."""
    home = os.environ.get("JAVA_HOME")
    return (Path(home) / "bin" / "java").exists() if home else shutil.which("java") is not None


def open_session(settings: SparkSettings) -> SparkSession:
    """A session in UTC, with Arrow both ways, no web page of its own and few words. BadInput without Java."""
    if not settings.is_connect and not java_is_present():
        raise BadInput(
            Text(
                ru="Для Spark нужна Java 17 или новее: поставьте её и укажите JAVA_HOME.",
                en="Spark needs Java 17 or newer: install it and set JAVA_HOME.",
            )
        )
    builder = SparkSession.builder.appName("rakurs")
    builder = builder.remote(settings.url) if settings.is_connect else builder.master(settings.url)
    for key, value in _options(settings).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _options(settings: SparkSettings) -> dict[str, str]:
    chosen = {
        "spark.sql.session.timeZone": "UTC",
        # Times are UTC without an offset everywhere in Rakurs; an instant would be shifted on its way to Python.
        "spark.sql.timestampType": "TIMESTAMP_NTZ",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
    }
    if not settings.is_connect:
        chosen |= {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "ERROR",
            "spark.sql.catalogImplementation": "in-memory",
            "spark.sql.warehouse.dir": str(settings.folder / "catalogue"),
        }
    if settings.is_local:
        chosen |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": str(settings.folder / "scratch"),
        }
    return chosen | dict(settings.options)


class SparkEngine:
    """Tables as Parquet folders, questions as Spark plans. Implements `warehouse.engine.Engine`.

    A kept table is a new numbered folder beside the old one; the newest finished one counts, so a write
    that was cut short changes nothing.
    """

    name = "spark"

    def __init__(self, session: SparkSession, folder: Path) -> None:
        self.session = session
        self.folder = folder

    @classmethod
    def open(cls, settings: SparkSettings) -> Self:
        """The engine over a session of its own, or over the one this process already has."""
        return cls(open_session(settings), settings.folder / "tables")

    def close(self) -> None:
        """Ends the session; the tables stay."""
        self.session.stop()

    def table(self, name: str) -> Frame:
        """The kept table called `name`, lazily; UnknownName when nothing was kept under it."""
        versions = self._versions(name)
        if not versions:
            raise UnknownName(TABLE, name, self.tables)
        return nw.from_native(self.session.read.parquet(str(versions[-1])))

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the kept tables."""
        return tuple(sorted(path.name for path in self.folder.glob("*") if self._versions(path.name)))

    def keep(self, name: str, data: pa.Table | Frame) -> None:
        """Writes `data` as Parquet under `name`, replacing what was there once the write is whole."""
        old = self._versions(name)
        number = int(old[-1].name) + 1 if old else 1
        target = self.folder / name / f"{number:06d}"
        shutil.rmtree(target, ignore_errors=True)  # what an interrupted write left
        self._native(data).write.parquet(str(target))
        for path in old[:-1]:  # the version before stays for questions under way
            shutil.rmtree(path)

    def frame(self, data: pa.Table) -> Frame:
        """Rows from here as a frame there, without keeping them."""
        return nw.from_native(self._native(data))

    def parquet(self, *paths: Path) -> Frame:
        """Parquet files written elsewhere, as a frame: the way tables come from the DuckDB warehouse."""
        return nw.from_native(self.session.read.parquet(*(str(path) for path in paths)))

    def collect(self, frame: Frame) -> pa.Table:
        """Runs `frame` and brings its rows here."""
        return nw.to_native(frame).toArrow()

    def sql(self, frame: Frame) -> str:
        """The plan `frame` stands for: Spark keeps no query text for frames."""
        text = io.StringIO()
        # Spark only prints plans; the lock keeps two plans out of one text.
        with _printing, redirect_stdout(text):
            nw.to_native(frame).explain(mode="formatted")
        return text.getvalue().strip()

    def _native(self, data: pa.Table | Frame) -> DataFrame:
        return self.session.createDataFrame(data) if isinstance(data, pa.Table) else nw.to_native(data)

    def _versions(self, name: str) -> list[Path]:
        return sorted(path.parent for path in (self.folder / name).glob(f"*/{_WRITTEN}"))
