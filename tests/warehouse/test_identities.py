"""Do a merge and a split change every number that depends on them and nothing else, and come back after a loss?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.warehouse.warehouse import Warehouse
from warehouse.arriving import delivery, rows

ALL = (CALENDAR_MART, *MARTS)
CUSTOMERS = """
customer_id,name,kind,phone,email,city,created_at
c1,Иванов Пётр,person,+7 916 123-45-67,,,2025-02-01 10:00
c2,Иванов Петр Сергеевич,person,8 (916) 123-45-67,p@mail.ru,Тула,2025-01-01 10:00
c3,Иванова Анна,person,89161234567,,,2025-01-01 10:00
c4,Сидоров Олег,person,8 903 765-43-21,,Пермь,2025-01-01 10:00
c5,Сидоров Олег,person,+7 903 555-66-77,,Пермь,2025-01-05 10:00
"""
ORDERS = """
order_id,ordered_at,customer_id,amount
o1,2025-03-01,c1,10
o2,2025-03-02,c2,20
o3,2025-03-03,c3,40
o4,2025-03-04,c4,80
o5,2025-03-05,c5,160
o6,2025-03-06,,320
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Any]:
    """Opens the folder, or opens it anew."""
    open_now: list[Warehouse] = []

    def opened() -> Warehouse:
        for warehouse in open_now:
            warehouse.close()
        open_now[:] = [Warehouse.open(tmp_path / "home", timezone="Europe/Moscow", currency="RUB")]
        return open_now[0]

    yield opened
    open_now[0].close()


def loaded(home: Any, folder: Path) -> Warehouse:
    warehouse = home()
    files = [delivery(folder, "customers", CUSTOMERS), delivery(folder, "orders", ORDERS)]
    warehouse.load(files, marts=ALL)
    return warehouse


def revenue(warehouse: Warehouse) -> dict[str | None, int]:
    found: dict[str | None, int] = {}
    for customer, amount, basis in rows(warehouse, "sales", "customer_id", "revenue", "basis"):
        if basis == "orders":
            found[customer or None] = found.get(customer or None, 0) + int(float(amount))
    return found


APART = {"c1": 10, "c2": 20, "c3": 40, "c4": 80, "c5": 160, None: 320}
FOUND = {"c2": 30, "c3": 40, "c4": 80, "c5": 160, None: 320}


def decide(warehouse: Warehouse, pair: tuple[str, str], kind: Any) -> bool:
    return warehouse.decide_identity([pair], kind, by="olga", marts=ALL)


def test_records_of_one_customer_are_read_as_one_and_stay_as_they_came(home: Any, tmp_path: Path) -> None:
    warehouse = loaded(home, tmp_path)
    assert revenue(warehouse) == FOUND
    assert [row[0] for row in rows(warehouse, "customers", "customer_id")] == ["c2", "c3", "c4", "c5"]
    assert [row[0] for row in rows(warehouse, "orders", "customer_id") if row[0]] == ["c2", "c2", "c3", "c4", "c5"]
    with warehouse.reading() as reader:
        written = reader.collect(reader.records("customers").select("customer_id", "name")).to_pylist()
        assert len(written) == 5
        one = reader.collect(reader.frame("customers")).to_pylist()
        told = reader.collect(reader.frame("identities")).to_pylist()
    (merged,) = [row for row in one if row["customer_id"] == "c2"]
    # The oldest record gives the id and speaks first; where it is silent, the other does.
    assert (merged["name"], merged["city"], merged["email"]) == ("Иванов Петр Сергеевич", "Тула", "p@mail.ru")
    assert str(merged["created_on"]) == "2025-01-01"
    assert {(row["record_id"], row["customer_id"], row["rule"]) for row in told} == {
        ("c1", "c2", "phone"),
        ("c2", "c2", "phone"),
    }


def test_a_merge_and_a_split_change_all_that_depends_and_nothing_else(home: Any, tmp_path: Path) -> None:
    warehouse = loaded(home, tmp_path)
    before = warehouse.data_version
    assert decide(warehouse, ("c5", "c4"), "merge")
    assert warehouse.data_version > before
    assert revenue(warehouse) == {"c2": 30, "c3": 40, "c4": 240, None: 320}
    assert decide(warehouse, ("c1", "c2"), "never")
    assert revenue(warehouse) == {"c1": 10, "c2": 20, "c3": 40, "c4": 240, None: 320}
    assert decide(warehouse, ("c4", "c5"), "never")
    assert revenue(warehouse) == APART
    assert decide(warehouse, ("c1", "c2"), "forget")
    assert revenue(warehouse) == FOUND
    assert not decide(warehouse, ("c1", "c2"), "merge")


def test_decisions_outlive_a_rebuild_and_a_lost_database(home: Any, tmp_path: Path) -> None:
    warehouse = loaded(home, tmp_path)
    decide(warehouse, ("c4", "c5"), "merge")
    decide(warehouse, ("c1", "c2"), "merge")
    decide(warehouse, ("c1", "c2"), "never")
    decided = {"c1": 10, "c2": 20, "c3": 40, "c4": 240, None: 320}
    warehouse.rebuild(ALL)
    assert revenue(warehouse) == decided
    warehouse.close()
    (tmp_path / "home" / "warehouse.duckdb").unlink()
    warehouse = home()
    warehouse.rebuild(ALL)
    assert revenue(warehouse) == decided


def test_a_new_record_joins_its_customer_who_keeps_the_id(home: Any, tmp_path: Path) -> None:
    warehouse = loaded(home, tmp_path)
    older = "customer_id,name,kind,phone,created_at\na0,Иванов Пётр,person,9161234567,2020-01-01 10:00\n"
    order = "order_id,ordered_at,customer_id,amount\no7,2025-04-01,a0,5\n"
    warehouse.load(
        [delivery(tmp_path, "customers", older, slot="2"), delivery(tmp_path, "orders", order, slot="3")], marts=ALL
    )
    assert revenue(warehouse) == FOUND | {"c2": 35}
    with warehouse.reading() as reader:
        one = {row["customer_id"]: row for row in reader.collect(reader.frame("customers")).to_pylist()}
    assert str(one["c2"]["created_on"]) == "2020-01-01"


def test_a_record_that_changes_its_phone_leaves(home: Any, tmp_path: Path) -> None:
    warehouse = loaded(home, tmp_path)
    changed = CUSTOMERS.replace("+7 916 123-45-67", "+7 916 765-43-00")
    warehouse.load([delivery(tmp_path, "customers", changed)], marts=ALL)
    assert revenue(warehouse) == APART
    with warehouse.reading() as reader:
        # Joined and parted on one day: it never was.
        assert reader.collect(reader.frame("identities")).num_rows == 0


def test_records_alike_are_kept_for_people_and_the_likeliest_are_one(home: Any, tmp_path: Path) -> None:
    import pyarrow as pa

    from rakurs.identity.likeness import PAIRS

    warehouse = loaded(home, tmp_path)
    weights = dict.fromkeys(PAIRS.names[3:], 1.0)
    pair = {"left_id": "c4", "right_id": "c5"} | weights
    assert not warehouse.keep_alike(pa.Table.from_pylist([pair | {"probability": 0.98}], PAIRS), marts=ALL)
    assert revenue(warehouse) == FOUND
    assert warehouse.keep_alike(pa.Table.from_pylist([pair | {"probability": 0.995}], PAIRS), marts=ALL)
    assert revenue(warehouse) == {"c2": 30, "c3": 40, "c4": 240, None: 320}
    assert warehouse.keep_alike(pa.Table.from_pylist([], PAIRS), marts=ALL)
    assert revenue(warehouse) == FOUND
