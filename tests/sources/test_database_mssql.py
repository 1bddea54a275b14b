"""Do the values of MS SQL arrive as what they mean, are its changes found whatever its language, and what happens where it fails?

The other side is a loopback server of the protocol, not the product: `tds_server.py` says what it knows.
"""

import json
import random
from collections.abc import Generator
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from effort import tries
from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.loading import silent
from rakurs.sources import database
from rakurs.sources.database import SOURCE, Query
from rakurs.sources.live import Wanted
from sources.following import Following
from sources.tds_server import Faults, TdsServer

SCHEMA = """
create table clients (
    id uniqueidentifier primary key, title nvarchar(200), story nvarchar(max), mail varchar(100), code char(6), born date,
    founded smallint, grade tinyint, is_own bit, share float, weight real, opens time(0), photo varbinary(max), thumb binary(4),
    [limit] money, debt smallmoney, seen smalldatetime, signed datetimeoffset(7), rate decimal(38, 10), changed datetime2(7)
);
create table bills (number nvarchar(20) primary key, made datetime, buyer uniqueidentifier, total money, changed datetimeoffset(3));
create table rings (id bigint primary key, began datetimeoffset(0), talked int, is_lost bit, changed bigint)
"""
EZH, NOBODY = "6f9619ff-8b86-d011-b42d-00c04fc964ff", "00000000-0000-0000-0000-000000000002"
LONG = "Долгая история: ёж 🎉 и «сыновья».\n" * 2_000 + "конец"
ROWS = f"""
insert into clients values
    ('{EZH}', N'Ёж & сыновья 🎉', N'{LONG}', 'a@b.ru', 'Ж-1', '1990-02-28', -2001, 255, 1, 0.1, -0.5, '09:30:00', 0x00ff10ab, 0x00ff,
     922337203685477.5807, -0.0001, '2026-03-01 10:00:00', '2026-03-01 01:00:00.5 +10:00', -1234567890123456789012345678.0123456789,
     '2026-03-01 10:00:00.123456'),
    ('{NOBODY}', N'Никто', null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);
insert into bills values
    (N'Б-1', '2026-03-01T23:30:00', '{EZH}', 1234567.8950, '2026-03-01 10:00:00.5 +03:00'),
    (N'Б-2', '2026-03-02T10:00:00', '{NOBODY}', -0.0050, '2026-03-02 10:00:00 +03:00'),
    (N'Б-3', '2026-03-03T10:00:00', null, 10, null);
insert into rings values (1, '2026-03-01 10:00:00 +10:00', 93784, 0, 20260301), (2, '2026-03-01 11:00:00 +00:00', 0, 1, 20260302)
"""
QUERIES = """
customers: select id as customer_id, title as name, mail as email, story, code, born, founded, grade, is_own, share, weight, opens, photo,
           thumb, [limit], debt, seen, signed, rate, changed from clients
orders: with written (order_id, ordered_at, customer_id, amount, changed) as (
            select number, made, buyer, total, changed from bills -- a comment: )
        ) select * from written where order_id <> N'with (select'
calls: select id as call_id, began as started_at, 'in' as direction, talked as talk_seconds, is_lost as is_missed, changed from rings
"""
CUSTOM = {
    "story": LONG,
    "code": "Ж-1",
    "born": "1990-02-28",
    "founded": "-2001",
    "grade": "255",
    "is_own": "true",
    "share": "0.1",
    "weight": "-0.5",
    "opens": "09:30:00",
    "photo": "00ff10ab",
    "thumb": "00ff0000",
    "limit": "922337203685477.5807",
    "debt": "-0.0001",
    "seen": "2026-03-01T10:00:00",
    "signed": "2026-03-01T01:00:00.500000+10:00",
    "rate": "-1234567890123456789012345678.0123456789",
}
SALES = "orders: select number as order_id, made as ordered_at, total as amount, changed from sales"
BEGAN = datetime(2026, 3, 1, 10)  # noqa: DTZ001 - as the shop's program writes it


class Shop:
    """The database, written to by the shop's own program in T-SQL."""

    def __init__(self, server: TdsServer, cursor: Any) -> None:
        self.server, self.run = server, cursor.execute
        self.url = server.url("shop")

    def sold(self, count: int, *, chance: random.Random) -> None:
        """That many orders of some roubles and kopecks."""
        self.run("create table sales (number int primary key, made datetime, total money, changed datetime)")
        for start in range(0, count, 500):
            values = ", ".join(
                f"({n}, '2026-03-01T10:00:00', {chance.randrange(10**9)}.{chance.randrange(100):02}, '2026-03-01T10:00:00')"
                for n in range(start, min(start + 500, count))
            )
            self.run(f"insert into sales values {values}")

    def truth(self) -> dict[str, Decimal]:
        """What is sold by the engine's own reckoning, past the protocol."""
        rows = self.server.databases["shop"].truth("select number, total from sales")
        return {f"shop:{number}": total for number, total in rows}


class Follower(Following):
    """Follows the database."""

    def __init__(self, folder: Path, url: str, queries: str = QUERIES) -> None:
        super().__init__(folder, SOURCE, SOURCE.settings(url=url, queries=queries), prefix="shop")

    def amounts(self) -> dict[str, Decimal]:
        return {row["order_id"]: row["amount"] for row in self.rows("orders")}


@pytest.fixture(scope="module")
def server() -> Generator[TdsServer]:
    with TdsServer() as found:
        yield found


@pytest.fixture
def shop(server: TdsServer) -> Generator[Shop]:
    server.new_database("shop")
    server.faults = Faults()
    server.asked.clear()
    with closing(server.connected("shop")) as connection, connection.cursor() as cursor:
        found = Shop(server, cursor)
        found.run(SCHEMA)
        found.run(ROWS)
        yield found
    server.faults = Faults()


@pytest.fixture
def follower(shop: Shop, tmp_path: Path) -> Generator[Follower]:
    found = Follower(tmp_path, shop.url)
    yield found
    found.close()


@pytest.fixture
def sales(shop: Shop, tmp_path: Path) -> Generator[Follower]:
    """A follower of 1 500 orders, which come in parts of a hundred."""
    shop.sold(1_500, chance=random.Random(20261201))
    found = Follower(tmp_path, shop.url, SALES)
    yield found
    found.close()


def test_values_arrive_as_what_they_mean(follower: Follower):
    follower.run("full")
    people = {row["customer_id"]: row for row in follower.rows("customers")}
    first, second = people[f"shop:{EZH}"], people[f"shop:{NOBODY}"]
    assert (first["name"], first["email"]) == ("Ёж & сыновья 🎉", "a@b.ru")
    assert json.loads(first["custom"]) == CUSTOM
    assert second["custom"] is None
    bills = {row["order_id"]: (row["ordered_at"], row["customer_id"], row["amount"]) for row in follower.rows("orders")}
    assert bills == {
        "shop:Б-1": (datetime(2026, 3, 1, 20, 30), f"shop:{EZH}", Decimal("1234567.90")),  # noqa: DTZ001 - UTC without an offset
        "shop:Б-2": (datetime(2026, 3, 2, 7, 0), f"shop:{NOBODY}", Decimal("-0.01")),  # noqa: DTZ001
        "shop:Б-3": (datetime(2026, 3, 3, 7, 0), None, Decimal("10.00")),  # noqa: DTZ001
    }
    calls = {
        row["call_id"]: (row["started_at"], row["talk_seconds"], row["is_missed"]) for row in follower.rows("calls")
    }
    assert calls == {
        "shop:1": (datetime(2026, 3, 1, 0, 0), 93784, False),  # noqa: DTZ001
        "shop:2": (datetime(2026, 3, 1, 11, 0), 0, True),  # noqa: DTZ001
    }
    assert follower.warehouse.quarantine_counts() == []


def test_a_test_of_the_connection_counts_rows(shop: Shop, follower: Follower):
    reached = SOURCE.check(follower.settings)
    assert [count for _, count in reached.counts] == [2, 3, 2]
    assert reached.who == f"mssql://rakurs:***@127.0.0.1:{shop.server.port}/shop"


def test_changes_by_moments_with_zones_and_by_numbers(shop: Shop, follower: Follower):
    follower.run("full")
    assert follower.cursor == {
        "read": "yes",
        "customers 1": "2026-03-01T10:00:00.123456",
        "orders 1": "2026-03-02T10:00:00+03:00",
        "calls 1": "20260302",
    }
    shop.run(
        "update bills set total = 7, changed = '2026-03-02 06:57:00 +00:00' where number = N'Б-1'"
    )  # within the overlap
    shop.run(f"update clients set title = N'Кто-то', changed = '2026-03-05 00:00:00.0000010' where id = '{NOBODY}'")
    shop.run("update rings set is_lost = 0, changed = 20260303 where id = 2")
    shop.run("insert into rings values (3, '2026-03-02 10:00:00 +03:00', 60, 0, 20260304)")
    report = follower.run("changes")
    assert {count.table: (count.inserted, count.updated) for count in report.tables if count.is_change} == {
        "customers": (0, 1),
        "orders": (0, 1),
        "calls": (1, 1),
    }
    assert follower.cursor["calls 1"] == "20260304"
    assert not [count for count in follower.run("changes").tables if count.is_change]


def test_what_is_older_than_the_newest_change_is_not_asked_for_again(shop: Shop, follower: Follower):
    """A moment with a zone is compared as a moment: an order of three hours before is left alone."""
    follower.run("full")
    shop.run("update bills set total = 1, changed = '2026-03-02 07:00:00 +03:00' where number = N'Б-1'")
    shop.run("update bills set total = 2, changed = '2026-03-02 07:00:00 +00:00' where number = N'Б-2'")
    follower.run("changes")
    assert follower.amounts() == {"shop:Б-1": Decimal("1234567.90"), "shop:Б-2": 2, "shop:Б-3": 10}


@pytest.mark.parametrize("order", ["mdy", "dmy"])
@pytest.mark.parametrize("day", [date(2026, 1, 3), date(2026, 3, 13)], ids=str)
def test_changes_are_found_whatever_the_order_of_days(shop: Shop, tmp_path: Path, order: str, day: date):
    """In a session that puts days first the old `datetime` takes 2026-01-03 for the first of March: changes would never come."""
    shop.run("create table sales (number int primary key, made datetime, total money, changed datetime)")
    shop.run(
        f"insert into sales values (1, '{day}T10:00:00', 10, '{day}T10:00:00'), (2, '{day}T10:00:00', 20, '{day}T10:00:00')"
    )
    follower = Follower(tmp_path, f"{shop.url}?conn_properties=set dateformat {order}", SALES)
    follower.run("full")
    shop.run(f"update sales set total = 30.55, changed = '{day + timedelta(days=1)}T09:00:00' where number = 2")
    follower.run("changes")
    assert follower.amounts() == {"shop:1": 10, "shop:2": Decimal("30.55")}
    follower.run("period", (day, day))
    assert follower.amounts() == {"shop:1": 10, "shop:2": Decimal("30.55")}
    follower.close()


def test_a_period_is_what_changed_in_its_days(shop: Shop, tmp_path: Path):
    shop.run("create table sales (number int primary key, made datetime, total money, changed datetime)")
    days = ("2026-02-28T23:59:59.997", "2026-03-01T00:00:00", "2026-03-02T23:59:59.997", "2026-03-03T00:00:00")
    values = ", ".join(f"({number}, '{day}', {number}, '{day}')" for number, day in enumerate(days))
    shop.run(f"insert into sales values {values}")
    follower = Follower(tmp_path, shop.url, SALES)
    follower.run("period", (date(2026, 3, 1), date(2026, 3, 2)))
    assert follower.amounts() == {"shop:1": 1, "shop:2": 2}
    follower.close()


def test_rounds_of_random_changes_end_at_the_truth_to_the_kopeck(shop: Shop, sales: Follower):
    chance = random.Random(7)
    sales.run("full")
    assert sales.amounts() == shop.truth()
    assert len(shop.truth()) == 1_500
    moment, next_number = BEGAN, 1_500
    for _ in range(tries(3, 20)):
        moment += timedelta(minutes=chance.randrange(1, 3_000))
        written = f"'{moment.isoformat(timespec='milliseconds')}'"
        for number in chance.sample(range(next_number), 20):
            shop.run(
                f"update sales set total = {chance.randrange(10**8)}.{chance.randrange(100):02}, changed = {written} where number = {number}"
            )
        for number in chance.sample(range(next_number), 10):
            shop.run(f"delete from sales where number = {number}")
        shop.run(
            f"insert into sales values ({next_number}, {written}, 0.01, {written}), ({next_number + 1}, {written}, -0.01, null)"
        )
        next_number += 2
        sales.run("changes", compares=True)
        assert sales.amounts() == shop.truth()


@pytest.mark.parametrize("after_rows", [0, 700])
@pytest.mark.parametrize(
    "fault",
    [
        ("cuts", "does not answer"),
        ("silences_in_rows", "timed out"),
        ("deadlocks", "broke the query for “orders” off: Transaction .* was deadlocked"),
        ("lock_waits", "broke the query for “orders” off: Lock request time out"),
    ],
    ids=lambda fault: fault[0],
)
def test_what_fails_in_the_middle_of_rows_is_told_and_the_run_goes_through_later(
    shop: Shop, sales: Follower, monkeypatch: pytest.MonkeyPatch, fault: tuple[str, str], after_rows: int
):
    name, words = fault
    monkeypatch.setattr(database, "_ROWS_A_TIME", 100)
    shop.server.faults = Faults(**{name: 1, "after_rows": after_rows})
    with monkeypatch.context() as hurried:
        hurried.setattr(database, "_SILENCE_SECONDS", 2)
        with pytest.raises(SourceUnreachable, match=words):
            SOURCE.fetch(sales.settings, Wanted(kind="full", compares=True), sales.spool(), silent)
    assert getattr(shop.server.faults, name) == 0
    sales.runs = 0
    again = sales.spool()
    assert (again.rows("q0") > 0) == (after_rows > 0)
    sales.taken(again, SOURCE.fetch(sales.settings, Wanted(kind="full", compares=True), again, silent))
    assert sales.amounts() == shop.truth()


def test_a_server_that_never_answers_is_waited_for_no_longer_than_agreed(
    shop: Shop, sales: Follower, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as hurried:
        hurried.setattr(database, "_SILENCE_SECONDS", 2)
        hurried.setattr(database, "_CONNECT_SECONDS", 1)
        shop.server.faults = Faults(silences=1)
        with pytest.raises(SourceUnreachable, match="timed out"):
            SOURCE.check(sales.settings)
        shop.server.faults = Faults(is_silent_at_login=True)
        before = shop.server.logins
        with pytest.raises(SourceUnreachable, match="timed out"):
            SOURCE.check(sales.settings)
    assert shop.server.logins == before + 1, "one try, not one for each version of the protocol"
    shop.server.faults = Faults()
    assert [count for _, count in SOURCE.check(sales.settings).counts] == [1_500]


def test_a_wrong_password_or_database_is_named_each_time_without_being_said(shop: Shop):
    """The driver keeps the words of the first refusal only."""
    for url in (shop.server.url("shop", password="не-тот"), shop.server.url("no_such")) * 2:
        with pytest.raises(SourceUnreachable, match="Login failed") as refused:
            SOURCE.check(SOURCE.settings(url=url, queries=QUERIES))
        assert "не-тот" not in f"{refused.value.message.ru}{refused.value.message.en}"


def test_the_language_of_a_login_does_not_matter(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    """The driver asks for English whatever the login's own language is: a query's days mean the same to everybody."""
    monkeypatch.setattr(shop.server, "language", "Russian")
    asked = "orders: select number as order_id, made as ordered_at from bills where made < '2026-03-02 00:00:00'"
    assert [count for _, count in SOURCE.check(SOURCE.settings(url=shop.url, queries=asked)).counts] == [1]


@pytest.mark.parametrize("who", ["we", "the server"])
def test_everything_is_hidden_where_either_side_asks_for_it(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str
):
    monkeypatch.setattr(shop.server, "hides_everything", who == "the server")
    follower = Follower(tmp_path, f"{shop.url}?encryption=require" if who == "we" else shop.url)
    hidden, asked = shop.server.hidden, len(shop.server.asked)
    follower.run("full")
    assert shop.server.hidden - hidden == len(shop.server.asked) - asked > 0
    assert len(follower.rows("orders")) == 3
    follower.close()


def test_a_server_that_hides_everything_does_not_let_in_who_will_not(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shop.server, "hides_everything", True)
    with pytest.raises(SourceUnreachable, match=r"connection failed|Login failed"):
        SOURCE.check(SOURCE.settings(url=f"{shop.url}?encryption=off", queries=QUERIES))


def test_an_older_server_answers_in_its_own_version(shop: Shop, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shop.server, "newest", 0x730B0003)
    follower.run("full")
    assert len(follower.rows("orders")) == 3


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select number as order_id from bills order by number", "ORDER BY clause is invalid"),
        ("select number as order_id from bills limit 5", "Incorrect syntax near 'limit'"),
        ("select number as order_id from bills where paid = 1", "Invalid column name"),
        ("select number as order_id, count(*) over () from bills", "No column name was specified for column 2"),
    ],
)
def test_a_query_of_another_dialect_is_refused_in_the_words_of_the_server(shop: Shop, query: str, words: str):
    with pytest.raises(SourceRefused, match=words) as refused:
        SOURCE.check(SOURCE.settings(url=shop.url, queries=f"orders: {query}"))
    assert "DB-Lib" not in refused.value.message.en
    assert "b'" not in refused.value.message.en


def test_what_a_query_writes_is_taken_back(shop: Shop):
    """The session cannot be told to read only; but it ends as it began, in a transaction that nobody commits."""
    writing = "orders: select number as order_id from bills) a; delete from bills; select * from (select number as order_id from bills"
    SOURCE.check(SOURCE.settings(url=shop.url, queries=writing))
    assert any("delete from bills" in asked for asked in shop.server.asked)
    assert shop.server.databases["shop"].truth("select count(*) from bills") == [(3,)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1 as a", "count(select 1 as a)"),
        ("with a as (select 1 as b) select b from a", "with a as (select 1 as b) count(select b from a)"),
        ("WITH a (b) AS (select (1)), c as (select ')' as d) SELECT b", "WITH a (b) AS (select (1)), c as (select ')' as d) count(SELECT b)"),
        ("with a as (select [select ) x] from t) -- select )\nselect 'it''s ('", "with a as (select [select ) x] from t) -- select )\ncount(select 'it''s (')"),
        ("with a as (select 1 as b) (select b from a)", "count(with a as (select 1 as b) (select b from a))"),
        ("select ':x' as a", r"count(select '\:x' as a)"),
    ],
)  # fmt: skip
def test_with_stands_before_what_is_asked_of_a_query(sql: str, expected: str):
    assert Query("orders", sql).within("count({})", "mssql") == expected
    assert Query("orders", sql).within("count({})", "postgresql") == f"count({sql})".replace(":", r"\:")
