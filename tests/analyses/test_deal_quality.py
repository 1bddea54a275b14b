"""Each rule on its boundary, the deals behind a count, splits, and a company that keeps no activities."""

from typing import Any

import pytest

from analyses.asking import answer_to, members
from analyses.test_properties import ENGINE
from engines import frames_on, inputs_on
from rakurs.analyses.sales.deal_quality import ANALYSIS, RULES, DealQualityParams

STAGES = [
    {"pipeline_id": "p", "stage_id": "new", "name": "New", "position": 1, "outcome": "open"},
    {"pipeline_id": "p", "stage_id": "won", "name": "Won", "position": 2, "outcome": "won"},
]


def deal(deal_id: str, **more: Any) -> dict[str, Any]:
    usual = {
        "pipeline_id": "p", "created_at": "2026-03-02 10:00", "stage_id": "new", "customer_id": deal_id, "manager_id": "m",
        "channel_id": "c", "amount": 100,
    }  # fmt: skip
    return {"deal_id": deal_id, **usual, **more}


def params(**more: Any) -> DealQualityParams:
    days = {"from_day": "2026-01-01", "to_day": "2026-12-31", "as_of": "2026-05-01"}
    return DealQualityParams.model_validate({**days, **more})


def asked(tables: dict[str, list[dict[str, Any]]], **more: Any) -> list[dict[str, Any]]:
    inputs = inputs_on(ENGINE, ANALYSIS, {"stages": STAGES, **tables})
    return answer_to(ANALYSIS, ENGINE, inputs, params(**more))


def behind(tables: dict[str, list[dict[str, Any]]], rule: str, key: str | None = None, **more: Any) -> set[str]:
    frames = frames_on(ENGINE, {"stages": STAGES, **tables})
    return set(members(ANALYSIS, ENGINE, frames, params(**more), {"rule": rule, "key": key}))


def by_rule(rows: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    return {row["rule"]: (row["deals"], row["concerned"]) for row in rows}


def test_deals_kept_well_fail_nothing():
    found = by_rule(asked({"deals": [deal("a")], "activities": [
        {"activity_id": "1", "at": "2026-05-02", "deal_id": "a", "kind": "task"},
        {"activity_id": "2", "at": "2026-04-30", "deal_id": "a", "kind": "call"},
    ]}))  # fmt: skip
    assert not [rule for rule, (failed, _) in found.items() if failed]


def test_where_nobody_keeps_activities_nobody_lacks_a_next_step():
    assert "no_next_step" not in by_rule(asked({"deals": [deal("a"), deal("b")]}))


@pytest.mark.parametrize(("days", "forgotten"), [(31, 0), (30, 0), (29, 1)])
def test_silence_is_counted_from_the_last_touch(days: int, forgotten: int):
    tables = {
        "deals": [deal("a")],
        "activities": [{"activity_id": "1", "at": "2026-04-01", "deal_id": "a", "kind": "call"}],
    }
    assert by_rule(asked(tables, silent_days=days))["forgotten"] == (forgotten, 1)


@pytest.mark.parametrize(("bulk", "failed"), [(2, 3), (3, 3), (4, 0)])
def test_closing_in_bulk_is_by_one_person_on_one_day(bulk: int, failed: int):
    closed = {"stage_id": "won", "closed_at": "2026-04-30 18:00"}
    deals = [deal(name, **closed) for name in "abc"] + [deal("d", **closed | {"closed_at": "2026-04-29"})]
    deals += [deal("e", **closed, manager_id="other"), deal("f", **closed, manager_id=None)]
    found = by_rule(asked({"deals": deals}, bulk=bulk))
    assert found["closed_in_bulk"] == (failed, 5)
    assert behind({"deals": deals}, "closed_in_bulk", bulk=bulk) == ({"a", "b", "c"} if failed else set())


def test_the_first_of_two_alike_is_no_duplicate():
    deals = [
        deal("first", customer_id="x"),
        deal("second", customer_id="x", created_at="2026-03-02 10:00:01"),
        deal("other day", customer_id="x", created_at="2026-03-03"),
        deal("other amount", customer_id="x", amount=101),
        deal("free", customer_id="x", amount=0),
        deal("also free", customer_id="x", amount=0),
        deal("nobody's", customer_id=None),
        deal("nobody's either", customer_id=None),
    ]
    assert behind({"deals": deals}, "duplicate") == {"second"}


def test_a_split_counts_each_part_and_its_deals_come_back():
    tables = {
        "employees": [{"employee_id": "m", "name": "Анна"}],
        "deals": [
            deal("a", channel_id=None),
            deal("b", channel_id=None, manager_id=None),
            deal("c", created_at="2026-04-02", amount=None),
            deal("d", amount=0),
        ],
    }
    found = {(row["rule"], row["key"]): (row["name"], row["deals"]) for row in asked(tables, by="managers")}
    assert found["no_source", "m"] == ("Анна", 1)
    assert found["no_source", None] == (None, 1)
    assert behind(tables, "no_source", "m", by="managers") == {"a"}
    assert behind(tables, "no_source", None, by="managers") == {"b"}
    months = {row["key"]: row["deals"] for row in asked(tables, by="months") if row["rule"] == "no_amount"}
    assert months == {"2026-03": 1, "2026-04": 1}
    assert behind(tables, "no_amount", "2026-04", by="months") == {"c"}


def test_the_way_of_a_closed_deal_is_known_by_its_history_only():
    closed = {"stage_id": "won", "closed_at": "2026-04-30"}
    told = [{"deal_id": "told", "stage_id": "won", "pipeline_id": "p", "entered_at": "2026-04-30"}]
    shown = [
        {
            "deal_id": "shown",
            "stage_id": "won",
            "pipeline_id": "p",
            "entered_at": "2026-04-30",
            "provenance": "snapshot",
        }
    ]
    tables = {
        "deals": [deal("told", **closed), deal("shown", **closed), deal("silent", **closed), deal("open")],
        "deal_stage_events": told + shown,
    }
    assert behind(tables, "no_history") == {"shown", "silent"}


@pytest.mark.parametrize("rule", RULES)
def test_every_count_is_the_number_of_its_deals(rule: str):
    tables = {name: list(rows) for name, rows in ANALYSIS.example.tables.items()}
    inputs = inputs_on(ENGINE, ANALYSIS, tables)
    example = ANALYSIS.example.params
    counted = {row["rule"]: row["deals"] for row in answer_to(ANALYSIS, ENGINE, inputs, example)}
    assert len(members(ANALYSIS, ENGINE, frames_on(ENGINE, tables), example, {"rule": rule})) == counted[rule]


def test_without_a_rule_every_deal_that_fails_any_is_behind():
    frames = frames_on(ENGINE, {name: list(rows) for name, rows in ANALYSIS.example.tables.items()})
    example = ANALYSIS.example.params
    each = [members(ANALYSIS, ENGINE, frames, example, {"rule": rule}) for rule in RULES]
    assert sorted(members(ANALYSIS, ENGINE, frames, example, {})) == sorted({deal for some in each for deal in some})
