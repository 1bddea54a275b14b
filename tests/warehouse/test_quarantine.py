"""Rows that break a rule: none is lost, each says why, and a better row answers it."""

import json
from pathlib import Path

import pytest

from rakurs.core.errors import UnknownName
from rakurs.core.source import TableMapping, Value
from rakurs.schema.rules import RULES, rule_named
from rakurs.warehouse import checks as checks_module
from rakurs.warehouse.warehouse import Warehouse
from warehouse.arriving import counts, delivery, rows

DEALS = """
deal_id,created_at,closed_at,amount
good,2025-03-01,2025-03-01,1
,2025-03-01,,1
no-day,,,1
odd-day,oops,,1
odd-money,2025-03-01,,many
old,1969-12-31,,1
first-day,1970-01-02,,1
far,2999-01-01,,1
backwards,2025-03-02 12:00,2025-03-01,1
same-day,2025-03-02 12:00,2025-03-02,1
"""


def broken(warehouse: Warehouse) -> list[tuple]:
    found = warehouse.quarantined().to_pylist()
    return [(row["row_number"], row["rule"], row["column_name"], row["value"]) for row in found]


def test_each_broken_row_names_its_rule_row_column_and_value(warehouse: Warehouse, tmp_path: Path):
    report = warehouse.load([delivery(tmp_path, "deals", DEALS)], marts=())
    assert counts(report, "deals") == (10, 3, 0, 0, 7, 0)
    assert rows(warehouse, "deals", "deal_id") == [("first-day",), ("good",), ("same-day",)]
    assert broken(warehouse) == [
        (3, "required_missing", "deal_id", None),
        (4, "required_missing", "created_at", None),
        (5, "not_a_time", "created_at", "oops"),
        (6, "not_a_number", "amount", "many"),
        (7, "implausible_time", "created_at", "1969-12-31"),
        (9, "implausible_time", "created_at", "2999-01-01"),
        (10, "closed_before_created", "closed_at", "2025-03-01"),
    ]
    entry = warehouse.quarantined(rule="not_a_number").to_pylist()[0]
    assert json.loads(entry["raw"]) == {
        "deal_id": "odd-money",
        "created_at": "2025-03-01",
        "closed_at": None,
        "amount": "many",
    }
    assert (entry["table_name"], entry["file"], entry["key"]) == ("deals", "deals.csv", '["odd-money"]')
    assert warehouse.quarantine_counts() == [
        ("deals", "implausible_time", 2),
        ("deals", "required_missing", 2),
        ("deals", "closed_before_created", 1),
        ("deals", "not_a_number", 1),
        ("deals", "not_a_time", 1),
    ]


def test_words_flags_and_bounds(warehouse: Warehouse, tmp_path: Path):
    found = [
        delivery(
            tmp_path,
            "calls",
            "call_id,started_at,direction,is_missed,talk_seconds\n"
            "1,2025-03-01,up,,\n2,2025-03-01,in,perhaps,\n3,2025-03-01,in,нет,-1\n4,2025-03-01,in,нет,0\n",
        ),
        delivery(tmp_path, "products", "product_id,unit_cost\np1,-0.01\np2,0\n"),
    ]
    report = warehouse.load(found, marts=())
    assert counts(report, "calls") == (4, 1, 0, 0, 3, 0)
    assert counts(report, "products") == (2, 1, 0, 0, 1, 0)
    assert {(rule, value) for _, rule, _, value in broken(warehouse)} == {
        ("not_a_choice", "up"),
        ("not_a_flag", "perhaps"),
        ("below_low", "-1"),
        ("below_low", "-0.01"),
    }


def test_rows_with_too_many_values_are_set_aside_and_stray_quotes_are_read(warehouse: Warehouse, tmp_path: Path):
    text = 'customer_id,name,city\nc1,a,b\nc2,Рога, и копыта,Тверь\nc3,ООО "Ромашка",x\nc4,short\n'
    report = warehouse.load([delivery(tmp_path, "customers", text)], marts=())
    assert counts(report, "customers") == (4, 3, 0, 0, 1, 0)
    assert rows(warehouse, "customers", "customer_id", "name", "city") == [
        ("c1", "a", "b"),
        ("c3", 'ООО "Ромашка"', "x"),
        ("c4", "short", None),
    ]
    entry = warehouse.quarantined().to_pylist()[0]
    assert (entry["rule"], entry["row_number"], entry["value"]) == ("malformed_row", 3, "Тверь")
    assert "Рога" in entry["raw"]


def test_a_better_row_answers(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "deals", DEALS)], marts=())
    better = "deal_id,created_at,amount\nodd-money,2025-03-01,5\nno-day,2025-03-01,5\nodd-day,still odd,5\n"
    report = warehouse.load([delivery(tmp_path, "deals", better, slot="better.csv")], marts=())
    assert counts(report, "deals") == (3, 2, 0, 0, 1, 0)
    found = [(row["file"], row["key"]) for row in warehouse.quarantined().to_pylist()]
    assert found == [
        ("better.csv", '["odd-day"]'),
        ("deals.csv", None),
        ("deals.csv", '["old"]'),
        ("deals.csv", '["far"]'),
        ("deals.csv", '["backwards"]'),
    ]


def test_a_row_without_a_key_is_answered_by_the_next_load_of_its_slot(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "customers", "customer_id,name\n,Анна\nc2,b\n")], marts=())
    assert len(broken(warehouse)) == 1
    warehouse.load([delivery(tmp_path, "customers", "customer_id,name\nc1,Анна\nc2,b\n")], marts=())
    assert broken(warehouse) == []


def test_distinct_rows_without_a_key_are_skipped_not_errors(warehouse: Warehouse, tmp_path: Path):
    mapping = TableMapping(
        table="customers",
        distinct=True,
        values={"customer_id": Value(columns=("Клиент",)), "birth_date": Value(columns=("ДР",))},
    )
    text = "Клиент,ДР\nАнна,\n,\nАнна,01.02.1990\nБорис,никогда\n"
    report = warehouse.load([delivery(tmp_path, "customers", text, tables=[mapping])], marts=())
    assert counts(report, "customers") == (2, 1, 0, 0, 1, 0)
    assert [(number, rule) for number, rule, _, _ in broken(warehouse)] == [(5, "not_a_day")]


def test_a_broken_constant_row_is_set_aside_too(warehouse: Warehouse, tmp_path: Path):
    mapping = TableMapping(table="stages", rows=({"stage_id": "a", "position": "x", "outcome": "open"},))
    report = warehouse.load([delivery(tmp_path, "stages", "unused\n1\n", tables=[mapping])], marts=())
    assert counts(report, "stages") == (1, 0, 0, 0, 1, 0)
    entry = warehouse.quarantined().to_pylist()[0]
    assert (entry["row_number"], entry["rule"]) == (None, "not_a_number")
    assert json.loads(entry["raw"])["stage_id"] == "a"


def test_pages_and_filters(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "deals", DEALS)], marts=())
    first, second = warehouse.quarantined(limit=4), warehouse.quarantined(limit=4, offset=4)
    assert (first.num_rows, second.num_rows) == (4, 3)
    assert warehouse.quarantined(table="orders").num_rows == 0
    assert warehouse.quarantined(table="deals", rule="not_a_time").num_rows == 1


def test_a_changed_rule_repairs_yesterdays_rows(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    warehouse.load([delivery(tmp_path, "deals", DEALS)], marts=())
    monkeypatch.setattr(checks_module.rules, "time_orders", lambda table: ())
    warehouse.rebuild(())
    assert ("backwards",) in rows(warehouse, "deals", "deal_id")
    assert "closed_before_created" not in {rule for _, rule, _ in warehouse.quarantine_counts()}
    assert sum(count for _, _, count in warehouse.quarantine_counts()) == 6


def test_every_rule_is_found_by_its_code():
    assert [rule_named(rule.code) for rule in RULES] == list(RULES)
    with pytest.raises(UnknownName, match="not_a_day"):
        rule_named("not_a_dya")
