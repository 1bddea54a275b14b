"""What becomes of rows that are gone from their source: marked, counted nowhere, back when they come back."""

from pathlib import Path

import pytest

from rakurs.core.source import Deletes, TableMapping, Value
from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.warehouse.warehouse import Warehouse
from warehouse.arriving import columns_of, delivery, rows

DEALS = "deal_id,created_at,customer_id,amount\n1,2026-03-01,a,10\n2,2026-03-02,b,20\n3,2026-03-03,,30\n"
LINES = "order_id,line_no,product_id,quantity,price\no1,1,p,1,5\no1,2,q,1,5\no2,1,p,1,5\n"


def gone(folder: Path, text: str, *, deletes: Deletes, table: str = "deals", source: str = "crm", slot: str = "gone"):
    """A list of ids under the names of the columns they are looked for in."""
    header = text.splitlines()[0].split(",")
    mapping = TableMapping(table=table, values={name: Value(columns=(name,)) for name in header}, deletes=deletes)
    return delivery(folder, table, text, source=source, slot=slot, tables=[mapping])


def alive(warehouse: Warehouse, table: str, *columns: str) -> list[tuple[object, ...]]:
    return [row[:-1] for row in rows(warehouse, table, *columns, "deleted_at") if row[-1] is None]


def test_listed_rows_are_marked_and_counted_nowhere(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "deals", DEALS, source="crm")], marts=(CALENDAR_MART, *MARTS))
    report = warehouse.load([gone(tmp_path, "deal_id\n2\n2\n\n99\n", deletes="listed")], marts=(CALENDAR_MART, *MARTS))
    assert [(count.table, count.removed, count.read) for count in report.tables] == [("deals", 1, 0)]
    assert warehouse.data_version == 2
    assert alive(warehouse, "deals", "deal_id") == [("crm:1",), ("crm:3",)]
    with warehouse.reading() as reader:
        assert sorted(reader.collect(reader.frame("deal_outcomes"))["deal_id"].to_pylist()) == ["crm:1", "crm:3"]


def test_unlisted_rows_of_this_source_only_are_marked(warehouse: Warehouse, tmp_path: Path):
    own, others = delivery(tmp_path, "deals", DEALS, source="crm"), delivery(tmp_path, "deals", DEALS, slot="files.csv")
    warehouse.load([own, others], marts=())
    warehouse.load([gone(tmp_path, "deal_id\n1\n3\n", deletes="unlisted")], marts=())
    assert alive(warehouse, "deals", "deal_id") == [("1",), ("2",), ("3",), ("crm:1",), ("crm:3",)]


def test_rows_without_the_id_that_is_compared_stay(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "deals", DEALS, source="crm")], marts=())
    warehouse.load([gone(tmp_path, "customer_id\na\n", deletes="unlisted")], marts=())
    assert alive(warehouse, "deals", "deal_id") == [("crm:1",), ("crm:3",)]


def test_a_row_that_comes_back_loses_the_mark(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "deals", DEALS, source="crm")], marts=())
    warehouse.load([gone(tmp_path, "deal_id\n2\n", deletes="listed")], marts=())
    again = warehouse.load([delivery(tmp_path, "deals", DEALS, source="crm", slot="again.csv")], marts=())
    assert (again.tables[0].updated, again.tables[0].unchanged) == (1, 2)
    assert alive(warehouse, "deals", "deal_id") == [("crm:1",), ("crm:2",), ("crm:3",)]


def test_lines_are_replaced_by_their_order(warehouse: Warehouse, tmp_path: Path):
    """Lines that an order has no more go, those of other orders stay, and what stays as it was is no change."""
    warehouse.load([delivery(tmp_path, "order_lines", LINES, source="crm")], marts=())
    now = "order_id,line_no,product_id,quantity,price\no1,1,z,3,7\n"
    values = columns_of("order_lines", now.splitlines()[0].split(","))
    replaced = [
        TableMapping(table="order_lines", values=values),
        TableMapping(
            table="order_lines", values={name: values[name] for name in ("order_id", "line_no")}, deletes="siblings"
        ),
    ]
    warehouse.load([delivery(tmp_path, "order_lines", now, source="crm", slot="now.csv", tables=replaced)], marts=())
    assert alive(warehouse, "order_lines", "order_id", "line_no", "product_id") == [
        ("crm:o1", 1, "crm:z"),
        ("crm:o2", 1, "crm:p"),
    ]


@pytest.mark.parametrize("deletes", ["listed", "unlisted"])
def test_a_rebuild_deletes_the_same_rows_at_the_same_moments(warehouse: Warehouse, tmp_path: Path, deletes: Deletes):
    warehouse.load([delivery(tmp_path, "deals", DEALS, source="crm")], marts=())
    warehouse.load([gone(tmp_path, "deal_id\n2\n", deletes=deletes)], marts=())
    before = rows(warehouse, "deals", "deal_id", "deleted_at")
    assert len([row for row in before if row[1] is not None]) == (1 if deletes == "listed" else 2)
    warehouse.rebuild(marts=())
    assert rows(warehouse, "deals", "deal_id", "deleted_at") == before


def test_what_a_day_no_longer_has_goes_by_its_source_and_by_the_stored_day(warehouse: Warehouse, tmp_path: Path):
    traffic = "visited_at,channel_id,campaign_id,visits\n2026-03-01,ads,x,5\n2026-03-01,ads,y,5\n2026-03-01,free,,5\n2026-03-02,ads,y,5\n"
    own = delivery(tmp_path, "site_traffic", traffic, source="crm")
    warehouse.load([own, delivery(tmp_path, "site_traffic", traffic, slot="files.csv")], marts=())
    left = "visited_at,channel_id,campaign_id\n2026-03-01,ads,x\n"
    warehouse.load([gone(tmp_path, left, deletes="siblings", table="site_traffic")], marts=())
    # Another source's rows of that day, another day's, and one without a campaign stay.
    assert alive(warehouse, "site_traffic", "channel_id", "campaign_id") == [
        ("ads", "x"),
        ("ads", "y"),
        ("ads", "y"),
        ("crm:ads", "crm:x"),
        ("crm:ads", "crm:y"),
        ("crm:free", None),
        ("free", None),
    ]
