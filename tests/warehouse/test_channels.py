"""Are channels that people call one read as one everywhere, together with merged customers, and apart again when told so?"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.warehouse.warehouse import Warehouse
from warehouse.arriving import delivery, rows

ALL = (CALENDAR_MART, *MARTS)
CHANNELS = "channel_id,name\nads:1,Реклама\ncrm:ADS,реклама\nsite:ads,reklama\ncrm:CALL,Звонок\n"
CUSTOMERS = """
customer_id,name,kind,phone,channel_id,created_at
c1,Иванов Пётр,person,+7 916 123-45-67,crm:ADS,2025-02-01 10:00
c2,Иванов Пётр,person,8 (916) 123-45-67,,2025-01-01 10:00
c3,Сидоров Олег,person,8 903 765-43-21,crm:CALL,2025-01-01 10:00
"""
LEADS = "lead_id,created_at,channel_id\nl1,2025-03-01,crm:ADS\nl2,2025-03-02,crm:CALL\nl3,2025-03-02,\n"
COSTS = "spent_at,channel_id,amount\n2025-03-01,ads:1,100\n2025-03-01,site:ads,7\n"


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse.open(tmp_path / "home", timezone="Europe/Moscow", currency="RUB")
    files = {"channels": CHANNELS, "customers": CUSTOMERS, "leads": LEADS, "ad_costs": COSTS}
    opened.load([delivery(tmp_path, name, text) for name, text in files.items()], marts=ALL)
    yield opened
    opened.close()


def told(warehouse: Warehouse, folder: Path, **same: str) -> None:
    """Somebody says which channel is the same as which."""
    lines = "".join(f"{one.replace('_', ':')},{other}\n" for one, other in same.items())
    warehouse.load([delivery(folder, "channels", f"channel_id,same_as\n{lines}")], marts=ALL)


def read(warehouse: Warehouse, table: str, *columns: str) -> list[tuple[str, ...]]:
    with warehouse.reading() as reader:
        found = reader.collect(reader.frame(table).select(*columns)).to_pylist()
    return sorted(tuple(str(row[name]) for name in columns) for row in found)


def test_costs_and_leads_of_one_channel_meet_and_part_again(warehouse: Warehouse, tmp_path: Path) -> None:
    leads, costs = (
        read(warehouse, "leads", "lead_id", "channel_id"),
        read(warehouse, "ad_costs", "channel_id", "amount"),
    )
    told(warehouse, tmp_path, ads_1="crm:ADS", site_ads="ads:1")
    # The chain is followed to its end; what has no channel has none.
    assert read(warehouse, "ad_costs", "channel_id", "amount") == [("crm:ADS", "100.00"), ("crm:ADS", "7.00")]
    assert read(warehouse, "leads", "lead_id", "channel_id") == leads
    assert read(warehouse, "channels", "channel_id") == [("crm:ADS",), ("crm:CALL",)]
    spent = rows(warehouse, "ad_spending", "channel_id", "amount")
    assert {channel for channel, _ in spent} == {"crm:ADS"}
    # The records stay as they were written, and names of channels that were joined too.
    with warehouse.reading() as reader:
        records = reader.collect(reader.records("channels")).to_pylist()
    assert {row["channel_id"] for row in records} == {"ads:1", "crm:ADS", "site:ads", "crm:CALL"}
    told(warehouse, tmp_path, ads_1="ads:1", site_ads="site:ads")
    assert read(warehouse, "ad_costs", "channel_id", "amount") == costs
    assert len(read(warehouse, "channels", "channel_id")) == 4


def test_merged_customers_keep_their_channel_read_as_one(warehouse: Warehouse, tmp_path: Path) -> None:
    told(warehouse, tmp_path, crm_ADS="ads:1")
    assert read(warehouse, "customers", "customer_id", "channel_id") == [("c2", "ads:1"), ("c3", "crm:CALL")]
    assert {row[1] for row in rows(warehouse, "lead_outcomes", "lead_id", "channel_id") if row[0] == "l1"} == {"ads:1"}


def test_a_ring_and_an_unknown_end_lose_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    told(warehouse, tmp_path, ads_1="site:ads", site_ads="ads:1", crm_CALL="nowhere")
    assert read(warehouse, "ad_costs", "channel_id", "amount") == [("ads:1", "100.00"), ("ads:1", "7.00")]
    assert ("l2", "crm:CALL") in read(warehouse, "leads", "lead_id", "channel_id")
    assert read(warehouse, "channels", "channel_id") == [("ads:1",), ("crm:ADS",), ("crm:CALL",)]


def test_it_survives_a_rebuild_and_a_lost_database(warehouse: Warehouse, tmp_path: Path) -> None:
    told(warehouse, tmp_path, ads_1="crm:ADS")
    before = read(warehouse, "ad_costs", "channel_id", "amount")
    warehouse.rebuild(ALL)
    assert read(warehouse, "ad_costs", "channel_id", "amount") == before
    warehouse.close()
    (tmp_path / "home" / "warehouse.duckdb").unlink()
    again = Warehouse.open(tmp_path / "home", timezone="Europe/Moscow", currency="RUB")
    again.rebuild(ALL)
    assert read(again, "ad_costs", "channel_id", "amount") == before
    again.close()
