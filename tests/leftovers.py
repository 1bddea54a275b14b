"""Where in a folder does a text still stand? In every byte of every file, and in what databases and Parquet files hold packed."""

import io
import re
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb


def left_of(folder: Path, *words: str) -> list[str]:
    """`file: what` for each place under `folder` that still holds one of `words`, whatever its capitals; digits also when
    they are written apart. Nothing may have the databases in it open.
    """
    wanted = [_pattern(word) for word in words]
    found: list[str] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for place, text in texts_in(path):
            found += [
                f"{path.relative_to(folder)}{place}: {text[max(0, hit.start() - 40) : hit.end() + 40]!r}"
                for one in wanted
                for hit in [one.search(text)]
                if hit
            ]
    return found


def texts_in(path: Path) -> Iterator[tuple[str, str]]:
    """Every text a file holds: its bytes as they are, and its cells where it packs them."""
    content = path.read_bytes()
    yield " bytes", content.decode("utf-8", errors="replace")
    if path.suffix == ".parquet":
        rows = duckdb.sql(f"select columns(*)::varchar from read_parquet('{path}')").fetchall()
        yield from ((" cells", cell) for row in rows for cell in row if cell is not None)
    elif path.suffix == ".duckdb":
        yield from _duckdb(path)
    elif path.suffix == ".sqlite":
        yield from _sqlite(path)
    elif zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            yield from ((f" {name}", packed.read(name).decode("utf-8", errors="replace")) for name in packed.namelist())


def _duckdb(path: Path) -> Iterator[tuple[str, str]]:
    with duckdb.connect(str(path), read_only=True) as database:
        tables = database.execute("select table_schema, table_name from information_schema.tables").fetchall()
        for schema, name in tables:
            rows = database.execute(f'select columns(*)::varchar from "{schema}"."{name}"').fetchall()
            yield from ((f" {schema}.{name}", cell) for row in rows for cell in row if cell is not None)


def _sqlite(path: Path) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        for (name,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
            rows: Iterable[tuple[object, ...]] = database.execute(f'select * from "{name}"')
            yield from ((f" {name}", str(cell)) for row in rows for cell in row if cell is not None)


def _pattern(word: str) -> re.Pattern[str]:
    if word.isdigit() and len(word) >= 10:
        return re.compile(r"[\s().\-]*".join(word))
    return re.compile(re.sub("[её]", "[её]", re.escape(word)), re.IGNORECASE)
