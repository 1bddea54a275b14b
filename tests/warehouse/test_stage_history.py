# ruff: noqa: DTZ001 - the warehouse keeps UTC without an offset
"""What is known of a deal's way through the stages when only its present stage is told."""

from datetime import datetime
from pathlib import Path

from rakurs.warehouse.warehouse import Warehouse
from warehouse.arriving import delivery, rows

STAGES = "stage_id,position,outcome\nnew,1,open\nwork,2,open\nwon,3,won\n"


def deals(*lines: str) -> str:
    return "\n".join(["deal_id,created_at,closed_at,stage_id", *lines, ""])


def events(warehouse: Warehouse) -> list[tuple]:
    found = rows(warehouse, "deal_stage_events", "deal_id", "entered_at", "stage_id", "provenance")
    return [(deal, stage, entered, provenance) for deal, entered, stage, provenance in found]


def load(warehouse: Warehouse, folder: Path, **texts: str) -> datetime:
    return warehouse.load([delivery(folder, table, text) for table, text in texts.items()], marts=()).started_at


def test_first_sight_is_the_creation_or_the_close(warehouse: Warehouse, tmp_path: Path):
    text = deals("d1,2025-03-01T10:00:00Z,,work", "d2,2025-03-01T10:00:00Z,2025-03-05T10:00:00Z,won", "d3,2025-03-01,,")
    load(warehouse, tmp_path, stages=STAGES, deals=text)
    assert events(warehouse) == [
        ("d1", "work", datetime(2025, 3, 1, 10), "snapshot"),
        ("d2", "won", datetime(2025, 3, 5, 10), "snapshot"),
    ]


def test_later_loads_add_the_difference(warehouse: Warehouse, tmp_path: Path):
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01T10:00:00Z,,new", "d2,2025-03-01T10:00:00Z,,new"))
    moved = load(warehouse, tmp_path, deals=deals("d1,2025-03-01T10:00:00Z,,work", "d2,2025-03-01T10:00:00Z,,new"))
    load(
        warehouse,
        tmp_path,
        deals=deals("d1,2025-03-01T10:00:00Z,,work", "d2,2025-03-01T10:00:00Z,2025-03-09T10:00:00Z,won"),
    )
    assert events(warehouse) == [
        ("d1", "new", datetime(2025, 3, 1, 10), "snapshot"),
        ("d1", "work", moved, "snapshot"),
        ("d2", "new", datetime(2025, 3, 1, 10), "snapshot"),
        ("d2", "won", datetime(2025, 3, 9, 10), "snapshot"),
    ]


def test_a_close_is_never_put_before_the_stage_it_follows(warehouse: Warehouse, tmp_path: Path):
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01T10:00:00Z,,new"))
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01T10:00:00Z,2025-03-01T10:00:00Z,won"))
    assert [entered for _, _, entered, _ in events(warehouse)] == [
        datetime(2025, 3, 1, 10),
        datetime(2025, 3, 1, 10, 0, 1),
    ]


def test_history_in_the_same_load_is_enough(warehouse: Warehouse, tmp_path: Path):
    told = "deal_id,stage_id,entered_at\nd1,new,2025-03-01T10:00:00Z\n"
    text = deals("d1,2025-03-01T10:00:00Z,,work", "d2,2025-03-02T10:00:00Z,,new")
    load(warehouse, tmp_path, deals=text, deal_stage_events=told)
    assert events(warehouse) == [
        ("d1", "new", datetime(2025, 3, 1, 10), "history"),
        ("d2", "new", datetime(2025, 3, 2, 10), "snapshot"),
    ]


def test_other_changes_of_a_deal_are_no_moves(warehouse: Warehouse, tmp_path: Path):
    told = "deal_id,stage_id,entered_at\nd1,new,2025-03-01T10:00:00Z\n"
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01T10:00:00Z,,work"), deal_stage_events=told)
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01T09:00:00Z,,work"))
    assert len(events(warehouse)) == 1


def test_after_history_the_differences_go_on(warehouse: Warehouse, tmp_path: Path):
    told = "deal_id,stage_id,entered_at\nd1,new,2025-03-01T10:00:00Z\n"
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01T10:00:00Z,,new"), deal_stage_events=told)
    moved = load(warehouse, tmp_path, deals=deals("d1,2025-03-01T10:00:00Z,,work"))
    assert events(warehouse) == [
        ("d1", "new", datetime(2025, 3, 1, 10), "history"),
        ("d1", "work", moved, "snapshot"),
    ]


def test_history_takes_the_place_of_what_it_covers(warehouse: Warehouse, tmp_path: Path):
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01T10:00:00Z,,new"))
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01T10:00:00Z,,work"))
    told = """
deal_id,stage_id,entered_at
d1,new,2025-03-01T10:00:00Z
d1,work,2025-03-04T10:00:00Z
"""
    load(warehouse, tmp_path, deal_stage_events=told)
    assert events(warehouse) == [
        ("d1", "new", datetime(2025, 3, 1, 10), "history"),
        ("d1", "work", datetime(2025, 3, 4, 10), "history"),
    ]


def test_a_rebuild_tells_the_same(warehouse: Warehouse, tmp_path: Path):
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01T10:00:00Z,,new"))
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01T10:00:00Z,,work"))
    before = events(warehouse)
    warehouse.rebuild(())
    assert events(warehouse) == before
