"""Does what is kept too long lose whoever it tells of, in the tables and in raw, while numbers by month and what is newer stay?"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leftovers import left_of
from rakurs.marts import MARTS
from rakurs.warehouse import retaining
from rakurs.warehouse.warehouse import Warehouse
from rakurs.warehouse.washing import Past
from warehouse import known_people as known
from warehouse.arriving import delivery, rows

FEW = tuple(mart for mart in MARTS if mart.table.name in {"phone_calls", "touchpoints"})
MARCH = datetime(2025, 3, 2, 21)  # noqa: DTZ001 - stored times are UTC without an offset
SITE = Past(until=MARCH, tables={"visits": "started_at", "web_events": "at"}, nobodys=True)
CALLS = Past(until=MARCH, tables={"calls": "started_at"})
WORDS = Past(until=MARCH, tables={"activities": "at", "survey_responses": "answered_at"})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture
def warehouse(tmp_path: Path, files: Path) -> Iterator[Warehouse]:
    made = Warehouse.open(tmp_path / "home", timezone="Europe/Moscow", currency="RUB")
    for group in known.everything(files):
        made.load(group, marts=FEW)
    yield made
    made.close()


def by_month(warehouse: Warehouse) -> dict[str, Any]:
    """Calls and visits by month, and what is counted of them."""
    with warehouse.reading() as reader:
        calls = reader.collect(reader.frame("phone_calls")).to_pylist()
        visits = reader.collect(reader.frame("touchpoints")).to_pylist()
    found: dict[str, Any] = {}
    for row in calls:
        month = found.setdefault(f"calls {row['started_on']:%Y-%m}", [0, 0, 0])
        month[0] += 1
        month[1] += row["is_missed"]
        month[2] += row["talk_seconds"] or 0
    for row in visits:
        month = found.setdefault(f"visits {row['started_on']:%Y-%m}", [0, 0, set()])
        month[0] += 1
        month[1] += row["is_contact"]
        month[2].add(row["visitor_id"])
    return {name: [len(value) if isinstance(value, set) else value for value in told] for name, told in found.items()}


def counted(warehouse: Warehouse, *pasts: Past) -> dict[str, int]:
    with warehouse.examining() as cursor:
        return {table: rows for past in pasts for table, rows in retaining.past_counts(cursor, past).items()}


def test_what_is_past_names_nobody_and_months_stay(warehouse: Warehouse) -> None:
    before = by_month(warehouse)
    assert counted(warehouse, SITE, CALLS, WORDS) == {"visits": 2, "web_events": 2, "calls": 3, "activities": 1}
    warehouse.erase(past=(SITE, CALLS, WORDS), marts=FEW)
    assert warehouse.compact()
    assert by_month(warehouse) == before
    assert counted(warehouse, SITE, CALLS, WORDS) == {}
    phones = dict(rows(warehouse, "calls", "call_id", "phone"))
    assert phones == {"phones:c1": None, "phones:c2": None, "phones:c3": "84957000001", "phones:c4": None}
    visitors = dict(rows(warehouse, "visits", "visit_id", "visitor_id"))
    assert visitors["v3"] == "browser-both"
    assert {visitors["v1"], visitors["v2"]}.isdisjoint({"browser-his", "browser-hers"})
    assert visitors["v1"] != visitors["v2"]
    assert dict(rows(warehouse, "activities", "activity_id", "result")) == {
        "a1": None,
        "a2": "договор",
        "a3": "была Анна",
    }
    customers = {name for (name,) in rows(warehouse, "customers", "name")}
    assert "Кочетков Петр Сергеевич" in customers, "customers themselves are not past"
    warehouse.rebuild(FEW)
    assert counted(warehouse, SITE, CALLS, WORDS) == {}
    assert by_month(warehouse) == before
    warehouse.close()
    assert not left_of(warehouse.folder, "browser-his", "browser-hers", "rec/1", "rec/2", "день рождения у него")


def test_what_is_done_once_is_not_done_again(warehouse: Warehouse) -> None:
    assert warehouse.erase(past=(CALLS,), marts=FEW)
    assert warehouse.erase(past=(CALLS,), marts=FEW) == {}


def test_an_outdated_version_goes_from_raw_and_nothing_changes(warehouse: Warehouse, files: Path) -> None:
    before = rows(warehouse, "customers", "customer_id", "name", "phone", "email", "birth_date", "custom")
    tomorrow = datetime.now() + timedelta(days=1)  # noqa: DTZ005 - loads are stamped in UTC, a day is wide enough
    with warehouse.examining() as cursor:
        assert retaining.outdated_rows(cursor, warehouse.company, tomorrow) == 6
        assert retaining.outdated_rows(cursor, warehouse.company, MARCH) == 0
    warehouse.erase(outdated=tomorrow, marts=FEW)
    warehouse.compact()
    assert rows(warehouse, "customers", "customer_id", "name", "phone", "email", "birth_date", "custom") == before
    with warehouse.examining() as cursor:
        assert retaining.outdated_rows(cursor, warehouse.company, tomorrow) == 0
    warehouse.rebuild(FEW)
    assert rows(warehouse, "customers", "customer_id", "name", "phone", "email", "birth_date", "custom") == before
    batches = list((warehouse.folder / "raw" / "crm" / "customers").glob("*.parquet"))
    assert not left_of(warehouse.folder / "raw" / "crm" / "customers", known.OLD_PHONE)
    assert len(batches) == 2
    # A version that came in a file of another shape stays: nobody can say that it is the same.
    assert left_of(warehouse.folder / "raw" / "shop", "Пётр Кочетков")
    warehouse.load([known.of_crm(files, known.CRM.replace("ул. Мира 1", "ул. Мира 2"))], marts=FEW)
    assert any("Мира 2" in str(row) for row in rows(warehouse, "customers", "customer_id", "custom"))


def test_a_row_without_its_time_is_as_old_as_its_load(warehouse: Warehouse, files: Path) -> None:
    broken = "id,started_at,direction,phone\nc8,когда-то,in,+7 999 000-00-01\n"
    warehouse.load([known.calls(files, broken)], marts=FEW)
    assert [row["rule"] for row in warehouse.quarantined(table="calls").to_pylist()] == ["not_a_time"]
    warehouse.erase(past=(CALLS,), marts=FEW)
    assert "0000001" in str(warehouse.quarantined(table="calls").to_pylist()).replace("-", "")
    tomorrow = datetime.now() + timedelta(days=1)  # noqa: DTZ005 - as above
    warehouse.erase(past=(Past(until=tomorrow, tables={"calls": "started_at"}),), marts=FEW)
    (left,) = warehouse.quarantined(table="calls").to_pylist()
    assert left["rule"] == "not_a_time"
    assert "+7 999" not in str(left)


def test_records_that_their_source_deleted_are_counted(warehouse: Warehouse, files: Path) -> None:
    from rakurs.core.source import TableMapping, Value

    mapping = TableMapping(table="customers", values={"customer_id": Value(columns=("id",))}, deletes="listed")
    warehouse.load([delivery(files, "customers", "id\n21\n", source="crm", slot="gone", tables=[mapping])], marts=FEW)
    tomorrow = datetime.now() + timedelta(days=1)  # noqa: DTZ005 - as above
    with warehouse.examining() as cursor:
        assert retaining.deleted_records(cursor, tomorrow) == ["crm:21"]
        assert retaining.deleted_records(cursor, MARCH) == []
