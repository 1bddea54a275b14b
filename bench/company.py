"""Where do the company that is measured and its copies for the peers come from?

One folder holds the generated files, the home they were loaded into, the canonical tables as Parquet (for polars)
and as a bare DuckDB database without marts (for hand-written SQL). What is already there is used again.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from bench.peers import SQL_FOLDER
from rakurs.app.home import Home
from rakurs.app.workspace import Workspace
from rakurs.core.loading import Progress, silent
from rakurs.core.table import Table
from rakurs.marts.tables import CALENDAR
from rakurs.schema import TABLES
from rakurs.schema.ddl import quoted
from rakurs.sources.demo import generate

COPIED: tuple[Table, ...] = (*TABLES, CALENDAR)
"""What the peers are given: canonical tables, and the calendar, which is made from no data."""

PEER_MEMORY = "4GB"
"""What DuckDB may use for the peers: four times ours, so that no peer is slow for want of memory."""


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one measured company."""

    path: Path
    home: Home

    @property
    def files(self) -> Path:
        """The company's files, as they would be dropped in."""
        return self.path / "files"

    @property
    def parquet(self) -> Path:
        """The canonical tables, one Parquet file each."""
        return self.path / "canonical"

    @property
    def peers(self) -> Path:
        """The canonical tables in DuckDB, without marts."""
        return self.path / "peers.duckdb"


def generated(place: Place, *, customers: int, years: int, seed: int, today: date, progress: Progress = silent) -> None:
    """Make the company's files, unless the same company is already there."""
    wanted = {"customers": customers, "years": years, "seed": seed, "today": today.isoformat()}
    receipt = place.files / "made.json"
    if receipt.exists() and {**json.loads(receipt.read_text()), "today": ""} == {**wanted, "today": ""}:
        return
    place.files.mkdir(parents=True, exist_ok=True)
    scratch = place.path / "generator.duckdb"
    scratch.unlink(missing_ok=True)
    spill = str(place.path / "spill")
    connection = duckdb.connect(str(scratch), config={"memory_limit": "2GB", "temp_directory": spill})
    try:
        generate(connection, place.files, customers=customers, years=years, seed=seed, today=today, progress=progress)
    finally:
        connection.close()
        scratch.unlink(missing_ok=True)
    receipt.write_text(json.dumps(wanted))


def table_files(place: Place) -> list[Path]:
    """The files that are loaded: one per canonical table."""
    names = {table.name for table in TABLES}
    return sorted(path for path in place.files.iterdir() if path.stem in names)


def copied_for_peers(place: Place, *, tell: Callable[[str], None]) -> None:
    """Write the canonical tables of the loaded home as Parquet and as a bare database, unless they are there."""
    if place.peers.exists():
        return
    place.parquet.mkdir(parents=True, exist_ok=True)
    with Workspace.open(place.home) as workspace, workspace.reading() as reader:
        for table in COPIED:
            tell(table.name)
            reader.write_parquet(reader.frame(table.name), place.parquet / f"{table.name}.parquet")
    unfinished = place.peers.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with duckdb.connect(str(unfinished), config={"memory_limit": PEER_MEMORY}) as connection:
        fill_peer_database(connection, place.parquet)
    unfinished.rename(place.peers)


def fill_peer_database(connection: duckdb.DuckDBPyConnection, parquet: Path) -> None:
    """The canonical tables as plain tables, and the views that the hand-written questions share."""
    for table in COPIED:
        source = str(parquet / f"{table.name}.parquet").replace("'", "''")
        connection.execute(f"create or replace table {quoted(table.name)} as select * from read_parquet('{source}')")
    connection.execute((SQL_FOLDER / "views.sql").read_text(encoding="utf-8"))
