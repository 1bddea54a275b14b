"""Is a mart the same mart built share by share, after what it is made of changed, and out of nothing?"""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import duckdb
import pytest

from rakurs.core.text import Text
from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.schema.ddl import quoted
from rakurs.sources import files
from rakurs.sources.demo import generate
from rakurs.warehouse import refreshing
from rakurs.warehouse.warehouse import Warehouse

SPLIT = [mart for mart in MARTS if mart.split]
EVERY = (CALENDAR_MART, *MARTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shares")
    with duckdb.connect() as scratch:
        generate(scratch, folder, customers=300, years=2, seed=5, today=date(2026, 11, 22))
    return folder


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse.open(tmp_path / "warehouse", timezone="Europe/Moscow", currency="RUB")
    yield opened
    opened.close()


def rows_of(warehouse: Warehouse, table: str) -> list[tuple[object, ...]]:
    with warehouse.reading() as reader:
        return reader.frame(table).to_native().order("all").fetchall()


def test_shares_make_the_same_marts(
    warehouse: Warehouse, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought(warehouse, sorted(folder.glob("*.parquet")), tmp_path)
    whole = {mart.table.name: rows_of(warehouse, mart.table.name) for mart in SPLIT}
    monkeypatch.setattr(refreshing, "ROWS_AT_ONCE", 400)
    warehouse.refresh(EVERY)
    assert len(SPLIT) > 3
    assert {name: rows_of(warehouse, name) for name in whole} == whole
    assert all(whole.values())


def test_a_load_makes_anew_what_its_tables_go_into(warehouse: Warehouse, folder: Path, tmp_path: Path) -> None:
    """Facts first, then one by one what they refer to: a mart that missed a change is not what a refresh makes."""
    paths = {path.stem: path for path in folder.glob("*.parquet")}
    later = (
        "calls",
        "plans",
        "exchange_rates",
        "products",
        "channels",
        "customers",
        "employees",
        "stages",
        "pipelines",
    )
    warehouse.ensure_marts(EVERY)
    assert not any(rows_of(warehouse, mart.table.name) for mart in MARTS)
    brought(warehouse, [path for name, path in paths.items() if name not in later], tmp_path)
    steps = {name: brought(warehouse, [paths[name]], tmp_path) for name in later}
    assert steps["calls"] >= {"Calls with outcome"}
    assert not steps["calls"] & {"Deals with outcome", "Sales", "Stage visits"}
    assert steps["pipelines"] < steps["employees"]
    followed = {mart.table.name: rows_of(warehouse, mart.table.name) for mart in EVERY}
    warehouse.refresh(EVERY)
    for mart in EVERY:
        assert followed[mart.table.name] == rows_of(warehouse, mart.table.name), mart.table.name


def brought(warehouse: Warehouse, paths: Sequence[Path], scratch: Path) -> set[str]:
    """Loads the files; the titles of the marts the load made."""
    made: set[str] = set()

    def told(step: Text, *, done: int, total: int) -> None:
        if step.en.startswith("Mart “"):
            made.add(step.en.removeprefix("Mart “").removesuffix("”"))

    warehouse.load(files.deliveries(paths, profiles=(), scratch=scratch), marts=EVERY, progress=told)
    return made


def test_a_split_names_inputs_and_their_columns() -> None:
    for mart in SPLIT:
        for name, column in mart.split.items():
            assert column in mart.inputs[name].names, quoted(mart.table.name)
