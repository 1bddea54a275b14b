"""Of 20,000 customers whose duplicates are known: how many are found, and how many are joined that are not one?"""

from collections.abc import Iterator
from datetime import date
from itertools import combinations

import narwhals.stable.v2 as nw
import polars as pl
import pytest

from rakurs.app.demonstration import DemoCompany, load_demo
from rakurs.app.home import Home
from rakurs.app.identities import pairs_to_judge, state_of
from rakurs.app.workspace import Workspace

pytestmark = pytest.mark.xdist_group("identities")

TODAY = date(2026, 8, 31)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    home = Home(tmp_path_factory.mktemp("identities") / "home")
    with Workspace.open(home) as opened:
        load_demo(home, DemoCompany(customers=20_000, years=1, seed=11, today=TODAY), opened)
        opened.compare_records()
        yield opened


def planted(workspace: Workspace) -> set[tuple[str, str]]:
    truth = pl.read_parquet(workspace.home.path / "demo" / "customer_duplicates.parquet")
    return {(min(pair), max(pair)) for pair in truth.select("original_id", "duplicate_id").iter_rows()}


def joined(workspace: Workspace) -> set[tuple[str, str]]:
    with workspace.reading() as reader:
        live = reader.frame("identities").filter(nw.col("until").is_null())
        rows = reader.collect(live.select("customer_id", "record_id").sort("customer_id", "record_id")).to_pylist()
    of: dict[str, list[str]] = {}
    for row in rows:
        of.setdefault(row["customer_id"], []).append(row["record_id"])
    return {pair for records in of.values() for pair in combinations(records, 2)}


def test_nearly_all_duplicates_are_found_and_nearly_nobody_else_is_joined(workspace: Workspace) -> None:
    known, found = planted(workspace), joined(workspace)
    assert len(known) > 500
    assert len(known & found) >= 0.95 * len(known)
    assert len(known & found) >= 0.995 * len(found)


def test_pairs_that_wait_for_people_are_mostly_one_customer(workspace: Workspace) -> None:
    pairs, total = pairs_to_judge(workspace, limit=1_000)
    assert total == len(pairs) == state_of(workspace).waiting
    said = [(pair.left["customer_id"], pair.right["customer_id"]) for pair in pairs]
    assert not set(said) & joined(workspace)
    assert sum((min(pair), max(pair)) in planted(workspace) for pair in said) >= len(said) / 2


def test_no_money_is_lost_or_made_by_joining_records(workspace: Workspace) -> None:
    with workspace.reading() as reader:
        for table, column in (("orders", "amount"), ("deals", "amount"), ("payments", "amount")):
            records, read = reader.records(table), reader.frame(table)
            assert reader.count(records) == reader.count(read)
            sums = [reader.collect(frame.select(nw.col(column).sum())).to_pylist() for frame in (records, read)]
            assert sums[0] == sums[1]
        customers = reader.collect(reader.frame("customers").select("customer_id"))["customer_id"]
        assert len(set(customers.to_pylist())) == len(customers)
        orders = reader.frame("orders").filter(~nw.col("customer_id").is_null())
        strangers = orders.join(reader.frame("customers").select("customer_id"), on="customer_id", how="anti")
        records = reader.records("orders").filter(~nw.col("customer_id").is_null())
        unknown = records.join(reader.records("customers").select("customer_id"), on="customer_id", how="anti")
        assert reader.count(strangers) == reader.count(unknown)
