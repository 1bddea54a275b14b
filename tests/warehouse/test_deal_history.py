"""What each load leaves behind of the deals it showed."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from rakurs.core.errors import Cancelled
from rakurs.core.text import Text
from rakurs.marts import CALENDAR_MART
from rakurs.warehouse.warehouse import Warehouse
from warehouse.arriving import delivery, rows


def deals(*lines: str) -> str:
    return "\n".join(["deal_id,created_at,stage_id,amount,currency,expected_close_on,manager_id,title", *lines, ""])


def load(warehouse: Warehouse, folder: Path, **texts: str) -> datetime:
    return warehouse.load([delivery(folder, table, text) for table, text in texts.items()], marts=()).started_at


def seen(warehouse: Warehouse, *names: str) -> list[tuple]:
    return rows(warehouse, "deal_snapshots", "deal_id", "seen_at", *names)


def test_first_sight_and_every_difference_leave_a_row(warehouse: Warehouse, tmp_path: Path):
    first = load(
        warehouse, tmp_path, deals=deals("d1,2025-03-01,new,100,RUB,2025-05-01,anna,a", "d2,2025-03-01,new,5,RUB,,,")
    )
    second = load(
        warehouse, tmp_path, deals=deals("d1,2025-03-01,new,150,RUB,2025-06-01,boris,a", "d2,2025-03-01,new,5,RUB,,,")
    )
    found = seen(warehouse, "amount", "amount_base", "expected_close_on", "manager_id", "provenance")
    assert [(row[0], row[1], row[2], str(row[4]), row[5], row[6]) for row in found] == [
        ("d1", first, Decimal(100), "2025-05-01", "anna", "snapshot"),
        ("d1", second, Decimal(150), "2025-06-01", "boris", "snapshot"),
        ("d2", first, Decimal(5), "None", None, "snapshot"),
    ]


def test_what_is_not_watched_leaves_none(warehouse: Warehouse, tmp_path: Path):
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01,new,100,RUB,,anna,a"))
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01,new,100,RUB,,anna,another title"))
    assert len(seen(warehouse)) == 1


def test_foreign_money_has_the_rate_of_the_creation_however_late_it_changes(warehouse: Warehouse, tmp_path: Path):
    rates = "currency,rate_on,rate\nUSD,2025-01-01,90\nUSD,2025-04-01,100\n"
    load(warehouse, tmp_path, exchange_rates=rates, deals=deals("d1,2025-03-01,new,10,USD,,,"))
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01,new,20,USD,,,"))
    assert [row[2] for row in seen(warehouse, "amount_base")] == [Decimal(900), Decimal(1800)]


def test_old_exports_may_be_told(warehouse: Warehouse, tmp_path: Path):
    told = "deal_id,created_at,seen_at,amount\nd1,2025-03-01,2025-03-02,70\n"
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01,new,100,RUB,,,"), deal_snapshots=told)
    assert [row[2:] for row in seen(warehouse, "amount", "provenance")] == [
        (Decimal(70), "history"),
        (Decimal(100), "snapshot"),
    ]


def test_a_rebuild_tells_the_same(warehouse: Warehouse, tmp_path: Path):
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01,new,100,RUB,2025-05-01,anna,a"))
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01,new,150,RUB,2025-05-01,anna,a"))
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01,work,150,RUB,2025-05-01,anna,a"))
    before = seen(warehouse, "stage_id", "amount", "seen_on", "provenance")
    assert len(before) == 3
    warehouse.rebuild(())
    assert seen(warehouse, "stage_id", "amount", "seen_on", "provenance") == before


def test_a_load_that_is_stopped_leaves_nothing(warehouse: Warehouse, tmp_path: Path):
    load(warehouse, tmp_path, deals=deals("d1,2025-03-01,new,100,RUB,,,"))

    def stop(step: Text, *, done: int, total: int) -> None:
        if step.en.startswith("Mart"):  # the differences are written by then
            raise Cancelled(Text(ru="стоп", en="stop"))

    before = seen(warehouse, "amount")
    with pytest.raises(Cancelled):
        warehouse.load(
            [delivery(tmp_path, "deals", deals("d1,2025-03-01,new,7,RUB,,,"))], marts=(CALENDAR_MART,), progress=stop
        )
    assert seen(warehouse, "amount") == before
