"""A statement that takes long says how far it is, whoever feeds it."""

from itertools import pairwise
from pathlib import Path

import pytest

from rakurs.warehouse import execution
from rakurs.warehouse.duckdb_engine import DuckDBEngine
from rakurs.warehouse.execution import watched
from rakurs.warehouse.warehouse import Warehouse
from warehouse.arriving import delivery


def test_a_long_statement_moves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(execution, "TICK_SECONDS", 0.01)
    engine = DuckDBEngine.in_memory(threads=1)
    shares: list[float] = []
    with engine.cursor() as cursor:
        cursor.execute("create table numbers as select i::varchar as i from range(1_500_000) t(i)")
        target = tmp_path / "numbers.parquet"
        watched(cursor, f"copy (select md5(md5(i)) from numbers) to '{target}' (format parquet)", shares.append)
    engine.close()
    assert all(before <= after for before, after in pairwise(shares))
    assert len(set(shares)) > 3


def test_our_own_reader_says_how_many_bytes_it_has_read(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(execution, "TICK_SECONDS", 0.01)
    # The first record is too long for the engine's reader.
    text = "order_id,ordered_at\n,,,,x\n" + "".join(f"o{number},2025-01-01\n" for number in range(300_000))
    told: list[tuple[int, int]] = []

    def progress(step, *, done, total):
        if step.en.startswith("Reading"):
            told.append((done, total))

    warehouse.load([delivery(tmp_path, "orders", text)], marts=(), progress=progress)
    assert {total for _, total in told} == {len(text)}
    assert len({done for done, total in told if 0.15 * total < done < total}) > 2
