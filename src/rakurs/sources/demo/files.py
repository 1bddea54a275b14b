"""Files: how does the company leave the engine? One file per canonical table, written in parts, all values text."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from rakurs.sources.demo.dirt import DEFECTS, spoilt_rows
from rakurs.sources.demo.steps import Connection, literal

FileKind = Literal["parquet", "csv"]
_OPTIONS: Mapping[FileKind, str] = {"parquet": "format parquet, compression zstd", "csv": "format csv, header true"}

_OF_TRUTH = "truth~"
"""Opens the name of a part that belongs to the truth."""


class Folder:
    """Where the tables go: parts of a table while chunks are made, then one file under its canonical name."""

    def __init__(self, path: Path, *, kind: FileKind) -> None:
        self.path = path
        self.parts = path / ".parts"
        self.truth = path / "truth"
        self._kind: FileKind = kind

    def __enter__(self) -> Self:
        """Parts of a run that was killed are thrown away."""
        if self.parts.exists():
            shutil.rmtree(self.parts)
        self.parts.mkdir(parents=True)
        self.truth.mkdir(exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.parts)

    def write_parts(self, connection: Connection, records: Mapping[str, str], *, part: int) -> None:
        """One part of each table: the good rows in order, then their broken copies; both are counted in `facts`."""
        for table, query in records.items():
            connection.execute(f"create or replace view written_{table} as {query}")
            broken = ""
            if table in DEFECTS:
                connection.execute(f"create or replace table spoilt_{table} as {spoilt_rows(table)}")
                connection.execute(f"""
                    insert into facts select 'dirty', '{table}', defect, count(*) from spoilt_{table} group by defect
                """)
                broken = (
                    f"union all select * exclude (row_no, defect) from (select * from spoilt_{table} order by row_no)"
                )
            good = f"select * exclude (row_no) from (select * from written_{table} order by row_no)"
            target = literal(str(self.parts / f"{table}-{part:04d}.{self._kind}"))
            counted = connection.execute(f"copy ({good} {broken}) to {target} ({_OPTIONS[self._kind]})").fetchone()
            connection.execute(f"insert into facts values ('written', '{table}', 'rows', {counted[0]})")

    def write_truth_parts(self, connection: Connection, records: Mapping[str, str], *, part: int) -> None:
        """One part of each table of the truth: typed, in order, never loaded."""
        for table, query in records.items():
            target = literal(str(self.parts / f"{_OF_TRUTH}{table}-{part:04d}.{self._kind}"))
            ordered = f"select * exclude (row_no) from ({query}) order by row_no"
            connection.execute(f"copy ({ordered}) to {target} ({_OPTIONS[self._kind]})")

    def join_parts(self, connection: Connection) -> None:
        """One file per table out of its parts, in their order."""
        tables = sorted({part.name.rsplit("-", 1)[0] for part in self.parts.iterdir()})
        for table in tables:
            parts = sorted(self.parts.glob(f"{table}-*.{self._kind}"))
            home = self.truth if table.startswith(_OF_TRUTH) else self.path
            target = home / f"{table.removeprefix(_OF_TRUTH)}.{self._kind}"
            if len(parts) == 1:
                parts[0].replace(target)
            else:
                self._concatenate(connection, parts, target)

    def _concatenate(self, connection: Connection, parts: list[Path], target: Path) -> None:
        listed = "[" + ", ".join(literal(str(part)) for part in parts) + "]"
        readers = {
            "parquet": f"read_parquet({listed})",
            "csv": f"read_csv({listed}, header = true, all_varchar = true)",
        }
        connection.execute(f"copy (from {readers[self._kind]}) to {literal(str(target))} ({_OPTIONS[self._kind]})")
