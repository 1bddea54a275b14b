"""Readers, crashes, cancels, a second process: what must never be seen half done."""

import random
import subprocess
import sys
import threading
import time
from datetime import date, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from effort import tries
from rakurs.core.errors import Cancelled
from rakurs.core.mart import Mart
from rakurs.core.text import Text
from rakurs.schema import ORDERS
from rakurs.warehouse.warehouse import Warehouse
from warehouse import victim
from warehouse.arriving import counts, delivery, rows
from warehouse.trial_marts import BEST, MARTS


def orders(*amounts: int, customer: str = "c1") -> str:
    lines = [f"o{number},2025-03-01,{customer},{amount}" for number, amount in enumerate(amounts)]
    return "\n".join(["order_id,ordered_at,customer_id,amount", *lines, ""])


def test_marts_are_made_in_order_inside_the_load(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "orders", orders(4, 6))], marts=MARTS)
    assert [(name, float(revenue)) for name, revenue in rows(warehouse, "per_customer", "customer_id", "amount")] == [
        ("c1", 10.0)
    ]
    assert rows(warehouse, "best", "customer_id") == [("c1",)]
    today = datetime.now().astimezone().year
    assert rows(warehouse, "days", "day") == [(date(2024, 1, 1),), (date(today + 1, 12, 31),)]


def test_a_mart_is_stored_in_its_order_and_type(warehouse: Warehouse, tmp_path: Path):
    text = (
        orders(5, 1, 3).replace("o1,2025-03-01,c1", "o1,2025-03-01,c2").replace("o2,2025-03-01,c1", "o2,2025-03-01,c3")
    )
    warehouse.load([delivery(tmp_path, "orders", text)], marts=MARTS)
    with warehouse.reading() as reader:
        found = reader.collect(reader.frame("per_customer"))
    assert found.column("customer_id").to_pylist() == ["c2", "c3", "c1"]
    assert found.schema.field("amount").type == pa.decimal128(18, 2)


def test_a_failing_mart_takes_the_load_with_it(warehouse: Warehouse, tmp_path: Path):
    def failing(*, settings, orders):
        raise ZeroDivisionError

    mart = Mart(table=BEST, inputs={"orders": ORDERS}, build=failing)
    with pytest.raises(ZeroDivisionError):
        warehouse.load([delivery(tmp_path, "orders", orders(1))], marts=(mart,))
    assert (warehouse.data_version, rows(warehouse, "orders", "order_id"), warehouse.loads()) == (0, [], ())
    warehouse.load([delivery(tmp_path, "orders", orders(1))], marts=MARTS)
    assert rows(warehouse, "orders", "order_id") == [("o0",)]


def test_a_reader_keeps_its_state_while_a_load_goes_on(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "orders", orders(1, 2))], marts=MARTS)
    with warehouse.reading() as early:
        frame = early.frame("per_customer")
        warehouse.load([delivery(tmp_path, "orders", orders(1, 2, 3))], marts=MARTS)
        assert float(early.collect(frame)["amount"][0].as_py()) == 3
        assert (early.count(early.frame("orders")), early.data_version) == (2, 1)
        assert float(early.collect(early.frame("per_customer"))["amount"][0].as_py()) == 3
    with warehouse.reading() as late:
        assert float(late.collect(late.frame("per_customer"))["amount"][0].as_py()) == 6
        assert (late.count(late.frame("orders")), late.data_version) == (3, 2)


def test_readers_during_loads_see_whole_states_only(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "orders", orders(1))], marts=MARTS)
    seen: list[tuple[int, int, float]] = []
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                with warehouse.reading() as reader:
                    total = reader.collect(reader.frame("per_customer"))["amount"][0].as_py()
                    seen.append((reader.data_version, reader.count(reader.frame("orders")), float(total)))
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for size in range(2, 9):
        warehouse.load([delivery(tmp_path, "orders", orders(*[1] * size))], marts=MARTS)
    done.set()
    for reader in readers:
        reader.join()
    assert not failures
    assert seen
    assert all(version == count == total for version, count, total in seen)


def test_frames_pages_and_files(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "orders", orders(*range(10)))], marts=())
    with warehouse.reading() as reader:
        frame = reader.frame("orders").select("order_id", "amount").sort("order_id")
        assert reader.pages(frame, limit=3, offset=8)["order_id"].to_pylist() == ["o8", "o9"]
        assert reader.pages(frame, limit=None, offset=9).num_rows == 1
        assert "orders" in reader.sql(frame)
        assert sum(batch.num_rows for batch in reader.batches(frame, size=4)) == 10
        reader.write_parquet(frame, tmp_path / "out.parquet")
        reader.write_csv(frame, tmp_path / "out.csv")
        assert reader.has("orders")
        assert not reader.has("per_customer")
    assert duckdb.read_parquet(str(tmp_path / "out.parquet")).fetchall()[9][0] == "o9"
    assert (tmp_path / "out.csv").read_text().splitlines()[:2] == ["order_id,amount", "o0,0.00"]


@pytest.mark.parametrize("stop_at", range(1, 10, 2))
def test_a_cancelled_load_leaves_the_old_state(warehouse: Warehouse, tmp_path: Path, stop_at: int):
    warehouse.load([delivery(tmp_path, "orders", orders(1))], marts=MARTS)
    calls = 0

    def progress(step: Text, *, done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        if calls == stop_at:
            raise Cancelled(Text(ru="стоп", en="stop"))

    with pytest.raises(Cancelled):
        warehouse.load([delivery(tmp_path, "orders", orders(5, 6, 7))], marts=MARTS, progress=progress)
    assert warehouse.data_version == 1
    assert rows(warehouse, "orders", "order_id") == [("o0",)]
    assert not list((warehouse.folder / "raw").rglob("*.unfinished"))
    report = warehouse.load([delivery(tmp_path, "orders", orders(5, 6, 7))], marts=MARTS)
    assert counts(report, "orders") == (3, 2, 1, 0, 0, 0)


def test_a_second_process_is_refused(warehouse: Warehouse, tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from rakurs.warehouse.warehouse import Warehouse\n"
        "from rakurs.core.errors import WarehouseBusy\n"
        "try: Warehouse.open(Path(sys.argv[1]), timezone='UTC', currency='RUB')\n"
        "except WarehouseBusy as error: print(error.message.en)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(warehouse.folder)], capture_output=True, text=True, check=True
    )
    assert "Another process owns the data" in done.stdout


def test_backup_and_restore(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "orders", orders(1, 2))], marts=MARTS)
    warehouse.backup(tmp_path / "backup")
    warehouse.load([delivery(tmp_path, "orders", orders(9, 9, 9))], marts=MARTS)
    warehouse.close()
    Warehouse.restore(warehouse.folder, tmp_path / "backup")
    again = Warehouse.open(warehouse.folder, timezone="Europe/Moscow", currency="RUB")
    try:
        assert rows(again, "orders", "order_id") == [("o0",), ("o1",)]
        assert again.data_version == 1
        again.rebuild(MARTS)
        assert rows(again, "best", "customer_id") == []
    finally:
        again.close()


def test_what_a_crash_left_is_cleared_on_opening(tmp_path: Path):
    home = tmp_path / "home"
    Warehouse.open(home, timezone="UTC", currency="RUB").close()
    (home / "raw" / "files").mkdir()
    (home / "raw" / "files" / "x.unfinished").write_text("half")
    (home / "scratch" / "spill").mkdir(exist_ok=True)
    (home / "scratch" / "spill" / "old.tmp").write_text("old")
    Warehouse.open(home, timezone="UTC", currency="RUB").close()
    assert not [path for path in home.rglob("*") if path.suffix in {".unfinished", ".tmp"}]


KILLS = tries(10, 50)
SEED = 20261122
SIZE = 20_000


def test_killed_loads_leave_the_old_or_the_new_state(tmp_path: Path):
    """Loads killed (-9) at random moments: never a part of one, and the next one goes through.

    Each round loads version k of a file whose rows all carry k. The whole table must always carry one version,
    have each key once, and agree with the mart and with the ledger.
    """
    print(f"seed {SEED}")  # noqa: T201 - shown when the test fails
    chance = random.Random(SEED)
    owner = Owner(tmp_path / "home")
    span = max(owner.whole_load(version) for version in (1, 2))
    version, was_done, kills = 2, 0, 0
    while kills < KILLS or (not 0 < was_done < kills and kills < 4 * KILLS):
        kills += 1
        said_done = owner.killed_load(version + 1, after=chance.uniform(0, span))
        state = owner.state()
        assert state["versions"] in ([version], [version + 1]), state
        assert (state["rows"], state["keys"]) == (SIZE, SIZE)
        [version_now] = state["versions"]
        assert state["mart"] == [(version_now, SIZE)]
        assert (state["loads"], state["data_version"]) == (version_now, version_now)
        assert version_now == version + 1 or not said_done
        was_done += version_now - version
        # Follows the machine as it slows down and speeds up, so that kills keep falling around the commit.
        span *= 0.8 if version_now > version else 1.1
        version = version_now
    assert owner.whole_load(version + 1) > 0
    assert owner.state()["versions"] == [version + 1]
    assert 0 < was_done < kills, "the kills must fall on both sides of the commit"
    before = owner.state()
    owner.lose_database()
    after = owner.state()
    assert after.pop("data_version") > before.pop("data_version")
    assert after == before
    owner.kill()


def test_a_database_lost_with_a_killed_load_is_made_again_whole(tmp_path: Path):
    """The kill and the loss at once: nobody is left to say whether the load was done, yet it is there or it is not."""
    print(f"seed {SEED}")  # noqa: T201 - shown when the test fails
    chance = random.Random(SEED)
    owner = Owner(tmp_path / "home")
    span = max(owner.whole_load(version) for version in (1, 2))
    version = 2
    for _ in range(4):
        said_done = owner.killed_load(version + 1, after=chance.uniform(0.5, 1.1) * span, loses_database=True)
        state = owner.state()
        assert state["versions"] in ([version], [version + 1]), state
        assert (state["rows"], state["keys"], state["loads"]) == (SIZE, SIZE, state["versions"][0])
        assert state["mart"] == [(state["versions"][0], SIZE)]
        assert state["versions"] == [version + 1] or not said_done
        [version] = state["versions"]
    owner.kill()


class Owner:
    """A process that owns the warehouse; when it is killed, the next one takes over what it left."""

    def __init__(self, home: Path) -> None:
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["warehouse.victim"])
        self._home = home
        self._start()

    def _start(self) -> None:
        self._pipe, theirs = self._context.Pipe()
        self._process = self._context.Process(target=victim.main, args=(self._home, SIZE, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def whole_load(self, version: int) -> float:
        """The seconds a load takes that nobody disturbs."""
        self._pipe.send(version)
        assert self._pipe.recv() == "started"
        began = time.monotonic()
        assert self._pipe.recv() == "done"
        return time.monotonic() - began

    def killed_load(self, version: int, *, after: float, loses_database: bool = False) -> bool:
        """Whether the load had said it was done before it was killed; then the next owner takes over."""
        self._pipe.send(version)
        assert self._pipe.recv() == "started"
        time.sleep(after)
        said_done = self._pipe.poll()
        if loses_database:
            self.lose_database()
        else:
            self.kill()
            self._start()
        return said_done

    def lose_database(self) -> None:
        """Kill, delete everything but the raw zone, and make it again."""
        self.kill()
        for path in self._home.glob("warehouse.duckdb*"):
            path.unlink()
        self._start()
        self._pipe.send("rebuild")
        assert self._pipe.recv() == "rebuilt"

    def state(self) -> dict[str, Any]:
        self._pipe.send(None)
        return self._pipe.recv()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()
