"""What was believed of a deal on a past day, counted by hand on every engine."""

from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from company import random_company
from engines import ENGINES, ON_EVERY_ENGINE, EngineUnderTest, frames_on

STAGES = [
    {"pipeline_id": "b2b", "stage_id": "new", "position": 1, "outcome": "open"},
    {"pipeline_id": "b2b", "stage_id": "offer", "position": 2, "outcome": "open"},
    {"pipeline_id": "b2b", "stage_id": "won", "position": 3, "outcome": "won"},
    {"pipeline_id": "b2b", "stage_id": "lost", "position": 4, "outcome": "lost"},
]


def deal(deal_id: str, **more: Any) -> dict[str, Any]:
    return {
        "deal_id": deal_id,
        "pipeline_id": "b2b",
        "created_at": "2026-03-01",
        "stage_id": "offer",
        "amount": 100,
        **more,
    }


def snapshot(deal_id: str, seen_at: str, **more: Any) -> dict[str, Any]:
    return {"deal_id": deal_id, "created_at": "2026-03-01", "seen_at": seen_at, **more}


def moved(deal_id: str, **entries: str) -> list[dict[str, Any]]:
    return [
        {"deal_id": deal_id, "pipeline_id": "b2b", "stage_id": stage.split("_")[0], "entered_at": at}
        for stage, at in entries.items()
    ]


def states(engine: EngineUnderTest, rows: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    table = engine.collect(frames_on(engine, rows)["deal_states"])
    return sorted(
        (tuple(row[name] for name in ("deal_id", "valid_from", "valid_to", *names)) for row in table.to_pylist()),
        key=lambda row: row[:2],
    )


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_stages_and_snapshots_make_runs_of_days(engine: EngineUnderTest) -> None:
    rows = {
        "stages": STAGES,
        "deals": [deal("d1", amount=150, closed_at="2026-03-20 12:00", stage_id="won")],
        "deal_stage_events": moved("d1", new="2026-03-01", offer="2026-03-05 10:00", won="2026-03-21"),
        "deal_snapshots": [
            snapshot("d1", "2026-03-10 09:00", amount=100, manager_id="anna", expected_close_on="2026-03-31"),
            snapshot("d1", "2026-03-10 20:00", amount=120, manager_id="anna", expected_close_on="2026-03-31"),
            snapshot("d1", "2026-03-15 09:00", amount=150, manager_id="boris", expected_close_on="2026-04-30"),
        ],
    }
    names = ("stage_id", "outcome", "amount", "expected_close_on", "then_manager_id", "is_seen")
    march, april = date(2026, 3, 31), date(2026, 4, 30)
    day = lambda number: date(2026, 3, number)  # noqa: E731
    # Until the 10th nobody had looked: the first thing seen stands, and says that it is not known. Of two on one
    # day the later counts. The last stage counts from the closing, whatever the history says.
    assert states(engine, rows, *names) == [
        ("d1", day(1), day(5), "new", "open", 100, march, "anna", False),
        ("d1", day(5), day(10), "offer", "open", 100, march, "anna", False),
        ("d1", day(10), day(15), "offer", "open", 120, march, "anna", True),
        ("d1", day(15), day(20), "offer", "open", 150, april, "boris", True),
        ("d1", day(20), None, "won", "won", 150, april, "boris", True),
    ]


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_without_snapshots_the_present_values_stand_and_say_so(engine: EngineUnderTest) -> None:
    rows = {
        "stages": STAGES,
        "deals": [deal("d1", expected_close_on="2026-04-01"), deal("d2", stage_id=None, amount=None)],
    }
    assert states(engine, rows, "stage_id", "outcome", "amount", "is_seen", "is_stage_seen") == [
        ("d1", date(2026, 3, 1), None, "offer", "open", 100, False, False),
        ("d2", date(2026, 3, 1), None, None, "open", None, False, False),
    ]


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_a_deal_known_only_by_its_end_was_open_before_it(engine: EngineUnderTest) -> None:
    rows = {"stages": STAGES, "deals": [deal("d1", stage_id="won", closed_at="2026-03-20")]}
    assert states(engine, rows, "stage_id", "outcome", "is_stage_seen") == [
        ("d1", date(2026, 3, 1), date(2026, 3, 20), None, "open", False),
        ("d1", date(2026, 3, 20), None, "won", "won", True),
    ]


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_a_reopened_deal_is_open_again(engine: EngineUnderTest) -> None:
    rows = {
        "stages": STAGES,
        "deals": [deal("d1", stage_id="offer")],
        "deal_stage_events": moved("d1", new="2026-03-01", lost="2026-03-04", offer_again="2026-03-09"),
    }
    assert [row[3] for row in states(engine, rows, "outcome")] == ["open", "lost", "open"]


@pytest.mark.parametrize("seed", range(25))
def test_runs_cover_every_day_once_and_end_as_the_deal_stands(seed: int) -> None:
    engine = ENGINES[1]
    frames = frames_on(engine, random_company(seed))
    outcomes = {row["deal_id"]: row for row in engine.collect(frames["deal_outcomes"]).to_pylist()}
    runs: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(engine.collect(frames["deal_states"]).to_pylist(), key=lambda row: row["valid_from"]):
        runs.setdefault(row["deal_id"], []).append(row)
    assert set(runs) == set(outcomes)
    for deal_id, own in runs.items():
        assert own[0]["valid_from"] == own[0]["created_on"]
        assert all(one["valid_to"] == other["valid_from"] for one, other in pairwise(own))
        last = own[-1]
        assert last["valid_to"] is None
        assert (last["stage_id"], last["outcome"]) == (outcomes[deal_id]["stage_id"], outcomes[deal_id]["outcome"])
