"""One Spark session for a whole test run; tests that need it are skipped, with the reason, without Java."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest

from rakurs.warehouse.spark import SparkEngine, SparkSettings, java_is_present

needs_spark = [
    pytest.mark.spark,
    pytest.mark.skipif(not java_is_present(), reason="no Java: neither JAVA_HOME nor `java` on the PATH"),
    # pyspark drops the socket it brought Arrow batches through without closing it.
    pytest.mark.filterwarnings("ignore:unclosed <socket.socket.*raddr=..127.0.0.1:ResourceWarning"),
]
"""Marks for a test, or a parameter of one, that runs on Spark."""


FOR_A_HANDFUL_OF_ROWS = {
    # Generating and compiling Java for each plan takes longer than interpreting it over a few rows.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


@cache
def spark_engine() -> SparkEngine:
    """The engine over the run's one local session, started on first use and stopped at exit."""
    folder = Path(tempfile.mkdtemp(prefix="rakurs-spark-"))
    engine = SparkEngine.open(
        SparkSettings(folder=folder, shuffle_partitions=1, url="local[1]", options=FOR_A_HANDFUL_OF_ROWS)
    )
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(engine.close)
    return engine
