"""The database is lost, the raw zone is not: do tables, load history and quarantine come back, and nothing else?"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rakurs.core.errors import Cancelled, UnreadableFile
from rakurs.core.source import Value
from rakurs.core.text import Text
from rakurs.schema import TABLES
from rakurs.warehouse.warehouse import Warehouse
from warehouse.arriving import counts, delivery, rows
from warehouse.trial_marts import TOTALS_MART

Opener = Callable[[], Warehouse]
ORDERS = "order_id,ordered_at,customer_id,amount\no1,2025-03-01,c1,10\no2,2025-03-02,c2,{amount}\n"
DEALS = "deal_id,created_at,stage_id,amount\nd1,2025-03-01 10:00,{stage},5\n"
HASHED = {"order_id": Value(row_number=True), "ordered_at": Value(columns=("ordered_at",))}


@pytest.fixture
def reopened(tmp_path: Path) -> Any:
    """Closes what is open, then opens the same folder."""
    open_now: list[Warehouse] = []

    def opened() -> Warehouse:
        for warehouse in open_now:
            warehouse.close()
        open_now[:] = [
            Warehouse.open(tmp_path / "home", timezone="Europe/Moscow", currency="RUB", memory_limit="500MB")
        ]
        return open_now[0]

    yield opened
    open_now[0].close()


def everything(warehouse: Warehouse) -> dict[str, Any]:
    """All that a person could miss: rows with their origin, waiting rows, the history of loads, states."""
    with warehouse.reading() as reader:
        tables = {
            table.name: sorted(map(str, reader.collect(reader.frame(table.name)).to_pylist())) for table in TABLES
        }
    return {
        **tables,
        "quarantine": warehouse.quarantined().to_pylist(),
        "loads": warehouse.loads(),
        "states": warehouse.table_states(),
    }


def loaded(warehouse: Warehouse, folder: Path) -> None:
    """Five loads: changed rows, broken rows, moved deals, numbered rows, and one that brings nothing new."""
    marts = (TOTALS_MART,)
    warehouse.load([delivery(folder, "orders", ORDERS.format(amount="много"))], marts=marts)
    warehouse.load([delivery(folder, "deals", DEALS.format(stage="new"), source="crm")], marts=marts)
    warehouse.load(
        [
            delivery(folder, "deals", DEALS.format(stage="talks"), source="crm"),
            delivery(folder, "orders", ORDERS.format(amount="20")),
        ],
        marts=marts,
    )
    numbered = delivery(folder, "orders", "ordered_at\n2025-01-01\n2025-01-02\n", slot="numbered.csv", values=HASHED)
    warehouse.load([numbered], marts=marts)
    warehouse.load([delivery(folder, "orders", ORDERS.format(amount="20"))], marts=marts)
    warehouse.load([delivery(folder, "customers", "customer_id,name\n,Никто\nc1,Анна\n")], marts=marts)


def lose(folder: Path) -> None:
    for path in (folder / "home").glob("warehouse.duckdb*"):
        path.unlink()


def journal(folder: Path, pattern: str = "*.json") -> list[Path]:
    return sorted((folder / "home" / "raw" / "_loads").glob(pattern))


def test_rebuild_brings_everything_back(reopened: Opener, tmp_path: Path):
    warehouse = reopened()
    loaded(warehouse, tmp_path)
    before, version = everything(warehouse), warehouse.data_version
    assert before["quarantine"], "a row must be waiting"
    warehouse.close()
    lose(tmp_path)
    warehouse = reopened()
    assert warehouse.lost_loads == len(before["loads"]) == 6
    assert rows(warehouse, "orders", "order_id") == []
    warehouse.rebuild((TOTALS_MART,))
    assert everything(warehouse) == before
    assert (warehouse.lost_loads, warehouse.data_version > version) == (0, True)
    with warehouse.reading() as reader:
        assert sum(row["orders"] for row in reader.collect(reader.frame("totals")).to_pylist()) == 4
    # The same files are known again.
    report = warehouse.load([delivery(tmp_path, "orders", ORDERS.format(amount="20"))], marts=())
    assert report.files[0].is_unchanged
    assert counts(report, "orders") == (2, 0, 0, 2, 0, 0)


def test_the_next_load_brings_the_lost_ones_back_first(reopened: Opener, tmp_path: Path):
    warehouse = reopened()
    loaded(warehouse, tmp_path)
    before = rows(warehouse, "orders", "order_id", "amount")
    warehouse.close()
    lose(tmp_path)
    warehouse = reopened()
    report = warehouse.load([delivery(tmp_path, "orders", ORDERS.format(amount="30"))], marts=(TOTALS_MART,))
    assert counts(report, "orders") == (2, 0, 1, 1, 0, 0)
    after = rows(warehouse, "orders", "order_id", "amount")
    assert [order_id for order_id, _ in after] == [order_id for order_id, _ in before]
    assert len(warehouse.loads()) == 7
    assert warehouse.loads()[0] == report


def test_a_home_without_a_journal_gets_one_from_its_database(reopened: Opener, tmp_path: Path):
    warehouse = reopened()
    loaded(warehouse, tmp_path)
    before = everything(warehouse)
    written = [path.read_text() for path in journal(tmp_path)]
    for path in journal(tmp_path):
        path.unlink()
    warehouse = reopened()
    assert [path.read_text() for path in journal(tmp_path)] == written
    warehouse.rebuild((TOTALS_MART,))
    assert everything(warehouse) == before
    warehouse.close()
    lose(tmp_path)
    warehouse = reopened()
    warehouse.rebuild((TOTALS_MART,))
    assert everything(warehouse) == before


def test_a_record_says_what_a_person_would_ask(reopened: Opener, tmp_path: Path):
    reopened().load([delivery(tmp_path, "orders", ORDERS.format(amount="5"), source="shop")], marts=())
    [path] = journal(tmp_path)
    record = json.loads(path.read_text())
    [batch] = record["batches"]
    assert record["company"] == {"timezone": "Europe/Moscow", "currency": "RUB"}
    assert record["report"]["files"][0]["rows"] == 2
    assert (batch["source"], batch["entity"], batch["slot"]) == ("shop", "orders", "orders.csv")
    assert batch["mapping"]["tables"][0]["values"]["amount"]["columns"] == ["amount"]
    assert (tmp_path / "home" / "raw" / batch["path"]).exists()
    assert batch["content_hash"]


def prepared_again(folder: Path) -> Path:
    """The last record, as a kill between commit and renaming leaves it."""
    path = journal(folder)[-1]
    return path.rename(path.with_suffix(".prepared"))


def test_a_prepared_record_is_what_the_database_says(reopened: Opener, tmp_path: Path):
    reopened().load([delivery(tmp_path, "orders", ORDERS.format(amount="5"))], marts=())
    prepared = prepared_again(tmp_path)
    never = prepared.with_name(f"20250101T000000.000000-{'f' * 32}.prepared")
    never.write_text(prepared.read_text())
    reopened()
    assert [path.stem for path in journal(tmp_path, "*")] == [prepared.stem]
    assert journal(tmp_path)


def test_a_prepared_record_counts_where_the_database_is_gone(reopened: Opener, tmp_path: Path):
    warehouse = reopened()
    warehouse.load([delivery(tmp_path, "orders", ORDERS.format(amount="5"))], marts=())
    warehouse.close()
    prepared_again(tmp_path)
    (tmp_path / "home" / "raw" / "_loads" / "half.unfinished").write_text("{")
    lose(tmp_path)
    reopened()
    warehouse = reopened()
    warehouse.rebuild(())
    assert rows(warehouse, "orders", "order_id") == [("o1",), ("o2",)]
    assert [path.suffix for path in journal(tmp_path, "*")] == [".json"]


def test_a_load_that_failed_is_not_remembered(reopened: Opener, tmp_path: Path):
    def stop(step: Text, *, done: int, total: int) -> None:
        raise Cancelled(Text(ru="стоп", en="stop"))

    with pytest.raises(Cancelled):
        reopened().load([delivery(tmp_path, "orders", ORDERS.format(amount="5"))], marts=(), progress=stop)
    assert journal(tmp_path, "*") == []


def test_a_rebuild_without_a_batch_says_which_and_leaves_the_tables(reopened: Opener, tmp_path: Path):
    warehouse = reopened()
    warehouse.load([delivery(tmp_path, "orders", ORDERS.format(amount="5"))], marts=())
    [batch] = (tmp_path / "home" / "raw").rglob("*.parquet")
    batch.unlink()
    with pytest.raises(UnreadableFile, match=batch.name):
        warehouse.rebuild(())
    assert rows(warehouse, "orders", "order_id") == [("o1",), ("o2",)]
