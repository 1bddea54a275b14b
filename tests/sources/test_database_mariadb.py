"""Do the values of MariaDB, and of MySQL which writes them alike, arrive as what they mean: zero days, bits, emoji, unsigned numbers?"""

from collections.abc import Generator
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rakurs.core.errors import SourceUnreachable
from rakurs.sources.database import SOURCE
from sources import mariadb
from sources.following import Following
from sources.mariadb import Maria, running_maria

SCHEMA = """
create table clients (
    id bigint unsigned primary key, title varchar(200), mail varchar(100), born date, kind enum('опт', 'розница'),
    tags set('vip', 'долг'), likes json, is_new tinyint(1), is_own bit(1), cell binary(4), founded year, opens time,
    changed datetime(6)
) character set utf8mb4;
create table bills (
    number varchar(20) primary key, made datetime, seen timestamp null, buyer bigint unsigned, total decimal(14, 4),
    changed timestamp(6) null
);
create table rings (id int primary key, began datetime, talked time, is_lost tinyint(1), changed bigint);
"""
ROWS = """
insert into clients values
    (18446744073709551615, 'Ёж & сыновья 🎉', 'a@ёж.рф', '1990-02-28', 'опт', 'vip,долг', '{"цвет": "синий"}', 1, b'1', x'00ff10ab',
     2001, '09:30:00', '2026-03-01 10:00:00.123456'),
    (2, 'Никто', null, '0000-00-00', '', '', null, 0, b'0', null, null, '-838:59:59', '0000-00-00 00:00:00');
insert into bills values
    ('Б-1', '2026-03-01 23:30:00', '2026-03-01 23:30:00', 18446744073709551615, 1234567.8950, '2026-03-01 10:00:00.5'),
    ('Б-2', '2026-03-02 10:00:00', null, 2, -0.0050, '2026-03-02 10:00:00'),
    ('Б-3', '0000-00-00 00:00:00', null, 2, 10, null);
insert into rings values (1, '2026-03-01 10:00:00', '26:03:04', 0, 5), (2, '2026-03-01 11:00:00', '00:00:00', 1, 7);
"""
QUERIES = """
customers: select id as customer_id, title as name, mail as email, born, kind as sort, tags, likes, is_new, is_own, cell, founded, opens, changed
           from clients
orders: select number as order_id, made as ordered_at, buyer as customer_id, total as amount, changed from bills where made > 0
calls: select id as call_id, began as started_at, 'in' as direction, talked as talk_seconds, is_lost as is_missed, changed from rings
"""


class Follower(Following):
    """Follows one database."""

    def __init__(self, folder: Path, url: str, queries: str = QUERIES) -> None:
        super().__init__(folder, SOURCE, SOURCE.settings(url=url, queries=queries), prefix="shop")


class Shop:
    """The database, written to as the shop does."""

    def __init__(self, url: str, cursor: Any) -> None:
        self.url, self._cursor = url, cursor

    def run(self, statements: str) -> None:
        for statement in filter(str.strip, statements.split(";")):
            self._cursor.execute(statement)


@pytest.fixture(scope="module")
def maria() -> Generator[Maria]:
    if mariadb.program() is None:
        pytest.skip("no MariaDB on this machine: scripts/ensure-mariadb installs it")
    with running_maria() as found:
        yield found


@pytest.fixture
def shop(maria: Maria) -> Generator[Shop]:
    url = maria.new_database("shop")
    with closing(maria.connected("shop")) as connection, connection.cursor() as cursor:
        found = Shop(url, cursor)
        # As older servers and programs do: days that are none are let in.
        found.run("set sql_mode = ''")
        found.run(SCHEMA)
        found.run(ROWS)
        yield found


@pytest.fixture
def follower(shop: Shop, tmp_path: Path) -> Generator[Follower]:
    found = Follower(tmp_path, shop.url)
    yield found
    found.close()


def test_values_arrive_as_what_they_mean(follower: Follower):
    follower.run("full")
    people = {row["customer_id"]: row for row in follower.rows("customers")}
    first, second = people["shop:18446744073709551615"], people["shop:2"]
    assert (first["name"], first["email"]) == ("Ёж & сыновья 🎉", "a@ёж.рф")
    told = '{"born":"1990-02-28","sort":"опт","tags":"vip,долг","likes":"{\\"цвет\\": \\"синий\\"}","is_new":"1","is_own":"1",'
    assert first["custom"] == told + '"cell":"00ff10ab","founded":"2001","opens":"9:30:00"}'
    assert second["custom"] == '{"is_new":"0","is_own":"0","opens":"-838:59:59"}'
    bills = {row["order_id"]: (row["ordered_at"], row["amount"]) for row in follower.rows("orders")}
    assert bills == {
        "shop:Б-1": (datetime(2026, 3, 1, 20, 30), Decimal("1234567.90")),  # noqa: DTZ001 - UTC without an offset
        "shop:Б-2": (datetime(2026, 3, 2, 7, 0), Decimal("-0.01")),  # noqa: DTZ001
    }
    calls = {row["call_id"]: (row["talk_seconds"], row["is_missed"]) for row in follower.rows("calls")}
    assert calls == {"shop:1": (26 * 3600 + 184, False), "shop:2": (0, True)}
    assert follower.warehouse.quarantine_counts() == []


def test_a_day_that_is_none_where_one_is_needed_is_set_aside(shop: Shop, tmp_path: Path):
    """A row without its day is told of, not lost."""
    follower = Follower(tmp_path, shop.url, QUERIES.replace(" where made > 0", ""))
    follower.run("full")
    assert len(follower.rows("orders")) == 2
    (waiting,) = follower.warehouse.quarantined(table="orders").to_pylist()
    assert (waiting["column_name"], waiting["value"]) == ("ordered_at", None)
    follower.close()


def test_changes_by_moments_and_by_numbers(shop: Shop, follower: Follower):
    follower.run("full")
    assert follower.cursor == {
        "read": "yes",
        "customers 1": "2026-03-01T10:00:00.123456",
        "orders 1": "2026-03-02T10:00:00",
        "calls 1": "7",
    }
    shop.run("update bills set total = 7, changed = '2026-03-02 09:57:00' where number = 'Б-1'")  # within the overlap
    shop.run("update clients set title = 'Кто-то', changed = '2026-03-05 00:00:00.000001' where id = 2")
    shop.run("update rings set is_lost = 0, changed = 8 where id = 2")
    shop.run("insert into rings values (3, '2026-03-02 10:00:00', '00:01:00', 0, 9)")
    report = follower.run("changes")
    assert {count.table: (count.inserted, count.updated) for count in report.tables if count.is_change} == {
        "customers": (0, 1),
        "orders": (0, 1),
        "calls": (1, 1),
    }
    assert follower.cursor["calls 1"] == "9"
    assert not [count for count in follower.run("changes").tables if count.is_change]


def test_deleted_rows_and_a_period(shop: Shop, follower: Follower):
    follower.run("period", (date(2026, 3, 2), date(2026, 3, 2)))
    assert [row["order_id"] for row in follower.rows("orders")] == ["shop:Б-2"]
    follower.run("full")
    shop.run("delete from bills where number = 'Б-1'")
    follower.run("changes", compares=True)
    assert [row["order_id"] for row in follower.rows("orders")] == ["shop:Б-2"]


def test_a_wrong_password_is_named_without_being_said(shop: Shop, maria: Maria, tmp_path: Path):
    wrong = f"mysql://rakurs:не-тот@127.0.0.1:{maria.port}/shop"
    with pytest.raises(SourceUnreachable, match="Access denied for user") as refused:
        SOURCE.check(SOURCE.settings(url=wrong, queries=QUERIES))
    assert "не-тот" not in f"{refused.value.message.ru}{refused.value.message.en}"
