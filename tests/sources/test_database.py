"""Is a database of one's own followed to its last row: changes, deletions, odd values, wrong settings?"""

import gc
import logging
import sqlite3
from collections.abc import Generator, Mapping
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rakurs.core.errors import Cancelled, SourceRefused, SourceUnreachable
from rakurs.core.loading import LoadReport
from rakurs.core.text import Text
from rakurs.sources import database
from rakurs.sources.database import SOURCE, queries_of
from rakurs.sources.live import Landing, Wanted, WantedKind
from rakurs.sources.spool import Spool
from rakurs.warehouse.warehouse import Warehouse
from sources import mariadb
from sources.mariadb import Maria, running_maria
from sources.t_sql import in_t_sql
from sources.tds_server import TdsServer
from state.postgresql import running_cluster

QUERIES = """
customers: select id as customer_id, title as name, phone, segment as "Сегмент", changed from buyers;
orders: select number as order_id, made as ordered_at, buyer as customer_id,
               total as amount, changed
        from sales where not draft
order_lines: select sale as order_id, line_no, sku as product_id, amount as quantity, price from sale_lines
"""
SCHEMA = """
create table buyers (id integer primary key, title text, phone text, segment text, changed timestamp);
create table sales (number varchar(40) primary key, made timestamp, buyer integer, total numeric(12, 2), draft boolean, changed timestamp);
create table sale_lines (sale text, line_no integer, sku text, amount numeric(12, 3), price numeric(12, 2));
insert into buyers values (1, 'ООО «Ёж»', '+7 900 111-22-33', 'опт', '2026-03-01 10:00:00'), (2, 'Анна', null, null, '2026-02-01 10:00:00');
insert into sales values ('A-1', '2026-03-01 10:00:00', 1, 100.10, false, '2026-03-01 10:00:00'),
                         ('A-2', '2026-03-02 23:30:00', 2, 0, false, '2026-03-02 23:30:00'),
                         ('A-3', '2026-03-03 10:00:00', 2, 5, true, '2026-03-03 10:00:00');
insert into sale_lines values ('A-1', 1, 's1', 1.5, 66.73), ('A-2', 1, 's2', 1, 0);
"""


class Shop:
    """A shop's database, written to as the shop does."""

    def __init__(self, url: str, run: Any, cut: Any = None) -> None:
        self.url = url
        self.run = run
        self.cut = cut
        """Ends what follows the shop, as its administrator would."""


class Follower:
    def __init__(self, folder: Path, url: str, queries: str = QUERIES) -> None:
        self.folder = folder
        self.settings = SOURCE.settings(url=url, queries=in_t_sql(queries) if "mssql" in url else queries)
        self.warehouse = Warehouse.open(folder / "warehouse", timezone="Europe/Moscow", currency="RUB")
        self.cursor: Mapping[str, str] = {}
        self.runs = 0

    def run(
        self, kind: WantedKind = "changes", *, compares: bool = False, days: tuple[date, date] | None = None
    ) -> LoadReport:
        self.runs += 1
        spool = Spool(self.folder / f"run-{self.runs}")
        first, last = days or (None, None)
        wanted = Wanted(kind=kind, cursor=self.cursor, compares=compares, from_day=first, to_day=last)
        self.cursor = SOURCE.fetch(self.settings, wanted, spool, _silent)
        landing = Landing(source="shop", profiles=self.folder)
        return self.warehouse.load(SOURCE.deliveries(self.settings, spool, landing), marts=())

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        with self.warehouse.reading() as reader:
            found = reader.collect(reader.records(table) if table == "customers" else reader.frame(table)).to_pylist()
        return sorted(tuple(row[name] for name in columns) for row in found if row["deleted_at"] is None)


@pytest.fixture(scope="module")
def shop_url() -> Generator[str]:
    with running_cluster() as cluster:
        yield cluster.new_database("shop")


@pytest.fixture(scope="module")
def maria() -> Generator[Maria]:
    if mariadb.program() is None:
        pytest.skip("no MariaDB on this machine: scripts/ensure-mariadb installs it")
    with running_maria() as found:
        yield found


@pytest.fixture(scope="module")
def sql_server() -> Generator[TdsServer]:
    with TdsServer() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql", "mariadb", "mssql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Shop]:
    if request.param == "mariadb":
        maria = request.getfixturevalue("maria")
        url = maria.new_database("shop")
        with closing(maria.connected("shop")) as connection, connection.cursor() as cursor:
            for statement in filter(str.strip, SCHEMA.replace("timestamp", "datetime(6)").split(";")):
                cursor.execute(statement)
            yield Shop(url, cursor.execute)
        return
    if request.param == "mssql":
        server = request.getfixturevalue("sql_server")
        url = server.new_database("shop")
        with closing(server.connected("shop")) as connection, connection.cursor() as cursor:
            cursor.execute(in_t_sql(SCHEMA))
            yield Shop(url, lambda sql: cursor.execute(in_t_sql(sql)), server.end_others)
        return
    if request.param == "sqlite":
        path = tmp_path / "shop.sqlite"
        connection = sqlite3.connect(path)
        connection.executescript(SCHEMA)
        yield Shop(f"sqlite:///{path}", lambda sql: (connection.execute(sql), connection.commit()))
        connection.close()
        return
    url = request.getfixturevalue("shop_url")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("drop table if exists buyers, sales, sale_lines")
        connection.execute(SCHEMA)
        yield Shop(url, connection.execute)


@pytest.fixture
def follower(shop: Shop, tmp_path: Path) -> Generator[Follower]:
    found = Follower(tmp_path, shop.url)
    yield found
    found.warehouse.close()


def test_everything_comes_at_first(follower: Follower):
    follower.run("full", compares=True)
    assert follower.rows("customers", "customer_id", "name", "custom") == [
        ("shop:1", "ООО «Ёж»", '{"Сегмент":"опт"}'),
        ("shop:2", "Анна", None),
    ]
    assert follower.rows("orders", "order_id", "ordered_on", "customer_id", "amount") == [
        ("shop:A-1", date(2026, 3, 1), "shop:1", Decimal("100.10")),
        ("shop:A-2", date(2026, 3, 2), "shop:2", Decimal("0.00")),
    ]
    assert follower.rows("order_lines", "order_id", "quantity", "price") == [
        ("shop:A-1", Decimal("1.5"), Decimal("66.73")),
        ("shop:A-2", Decimal(1), Decimal(0)),
    ]
    assert follower.warehouse.quarantine_counts() == []


def test_changes_bring_what_is_not_older_than_the_newest_change(shop: Shop, follower: Follower):
    follower.run("full")
    shop.run(
        "insert into sales values ('A-4', '2026-03-02 23:30:00', 1, 7, false, '2026-03-02 23:30:00')"
    )  # the same moment
    shop.run("update sales set total = 101, changed = '2026-03-05 09:00:00' where number = 'A-1'")
    shop.run("update buyers set title = 'Тихо' where id = 2")  # not told of: its time of change stays
    report = follower.run("changes")
    assert {count.table: (count.inserted, count.updated) for count in report.tables if count.is_change} == {
        "orders": (1, 1)
    }
    assert [row[1] for row in follower.rows("orders", "order_id", "amount")] == [101, 0, 7]


def test_deleted_rows_and_rows_that_a_query_no_longer_gives_are_gone(shop: Shop, follower: Follower):
    follower.run("full")
    shop.run("delete from sales where number = 'A-1'")
    shop.run("update sales set draft = true where number = 'A-2'")
    shop.run("insert into sales values ('A-5', '2026-03-06', 1, 9, false, '2026-03-06 00:00:00')")
    follower.run("changes", compares=True)
    assert follower.rows("orders", "order_id") == [("shop:A-5",)]
    assert len(follower.rows("customers", "customer_id")) == 2


def test_a_table_that_two_queries_feed_loses_nothing_to_either(shop: Shop, tmp_path: Path):
    both = "customers: select id as customer_id, title as name from buyers where id = 1\ncustomers: select id as customer_id, title as name from buyers where id = 2"
    follower = Follower(tmp_path, shop.url, both)
    follower.run("full", compares=True)
    follower.run("changes", compares=True)
    assert follower.rows("customers", "customer_id") == [("shop:1",), ("shop:2",)]


def test_rows_without_a_time_of_change_come_each_time(shop: Shop, follower: Follower):
    """Many systems write none until a row is changed for the first time."""
    shop.run("insert into buyers values (3, 'Вера', null, null, null)")
    follower.run("full")
    shop.run("insert into buyers values (4, 'Глеб', null, null, null)")
    shop.run("update buyers set title = 'Вера Ивановна' where id = 3")
    shop.run("update buyers set title = 'Тихо' where id = 2")  # older than the newest change, and not told of
    follower.run("changes")
    assert follower.cursor["customers 1"].startswith("2026-03-01")
    assert [row[0] for row in follower.rows("customers", "name")] == ["Анна", "Вера Ивановна", "Глеб", "ООО «Ёж»"]


def test_percents_and_colons_of_a_query_are_its_own(shop: Shop, tmp_path: Path):
    shop.run("insert into buyers values (3, '5% :скидка', null, null, '2026-03-01 10:00:00')")
    asked = "customers: select id as customer_id, title as name from buyers where title like '%5%% :%'"
    follower = Follower(tmp_path, shop.url, asked)
    follower.run("full")
    assert follower.rows("customers", "name") == [("5% :скидка",)]


# The driver of MySQL tells of a connection that was cut once more when it forgets what it was reading.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("shop", ["postgresql", "mariadb", "mssql"], indirect=True)
def test_a_connection_that_is_cut_is_told_and_the_run_goes_through_later(
    shop: Shop, follower: Follower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.CRITICAL, logger="sqlalchemy.pool.impl.NullPool")
    monkeypatch.setattr(database, "_ROWS_A_TIME", 500)
    values = ", ".join(f"({number}, '{'х' * 900}', null, null, '2026-04-01 00:00:00')" for number in range(10, 8_010))
    shop.run(f"insert into buyers values {values}")

    def cut(_step: Text, *, done: int, total: int) -> None:
        if done == 500:
            _cut(shop)

    with pytest.raises(SourceUnreachable, match="shop"):
        SOURCE.fetch(follower.settings, Wanted(kind="full"), Spool(tmp_path / "cut"), cut)
    gc.collect()
    again = Spool(tmp_path / "cut")
    SOURCE.fetch(follower.settings, Wanted(kind="full"), again, _silent)
    follower.warehouse.load(
        SOURCE.deliveries(follower.settings, again, Landing(source="shop", profiles=tmp_path)), marts=()
    )
    assert len(follower.rows("customers", "customer_id")) == 8_002


def _cut(shop: Shop) -> None:
    """End what follows the shop, as its administrator would."""
    if shop.cut is not None:
        shop.cut()
        return
    if "postgresql" in shop.url:
        shop.run(
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = 'shop'"
        )
        return
    shop.run("select id from information_schema.processlist where db = 'shop' and id <> connection_id()")
    for (number,) in shop.run.__self__.fetchall():
        shop.run(f"kill {number}")


def test_a_period_is_read_again(shop: Shop, follower: Follower):
    shop.run("update sales set draft = false where number = 'A-3'")
    follower.run("period", days=(date(2026, 3, 2), date(2026, 3, 3)))
    assert follower.rows("orders", "order_id") == [("shop:A-2",), ("shop:A-3",)]


def test_the_other_side_is_only_read(shop: Shop, tmp_path: Path):
    follower = Follower(
        tmp_path, shop.url, "customers: with gone as (select 1 as one) select id as customer_id from buyers"
    )
    follower.run("full")
    if "postgresql" in shop.url:
        writing = "customers: with gone as (delete from buyers returning id) select id as customer_id from gone"
        with pytest.raises(SourceRefused):
            Follower(tmp_path / "other", shop.url, writing).run("full")
    if "mysql" in shop.url:
        shop.run("create or replace function emptied() returns int begin delete from buyers; return 1; end")
        with pytest.raises(SourceRefused, match="READ ONLY"):
            Follower(tmp_path / "other", shop.url, "customers: select emptied() as customer_id").run("full")
    follower.run("full")
    assert len(follower.rows("customers", "customer_id")) == 2


def test_many_rows_come_in_parts_and_a_stopped_run_is_done_again(shop: Shop, follower: Follower, tmp_path: Path):
    values = ", ".join(
        f"({number}, 'Покупатель {number}', null, null, '2026-04-01 00:00:00')" for number in range(10, 12_010)
    )
    shop.run(f"insert into buyers values {values}")
    seen: list[int] = []

    def stop(_step: Text, *, done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise Cancelled(Text(ru="стоп", en="stop"))

    spool = Spool(tmp_path / "stopped")
    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, Wanted(kind="full"), spool, stop)
    assert seen == [database._ROWS_A_TIME, 2 * database._ROWS_A_TIME]
    again = Spool(tmp_path / "stopped")
    SOURCE.fetch(follower.settings, Wanted(kind="full"), again, _silent)
    landing = Landing(source="shop", profiles=tmp_path)
    follower.warehouse.load(SOURCE.deliveries(follower.settings, again, landing), marts=())
    assert len(follower.rows("customers", "customer_id")) == 12_002


def test_a_test_of_the_connection_counts_rows(shop: Shop, follower: Follower):
    reached = SOURCE.check(follower.settings)
    assert [count for _, count in reached.counts] == [2, 2, 2]
    assert "***" in reached.who or "sqlite" in reached.who


@pytest.mark.parametrize(
    ("queries", "words"),
    [
        ("orders: select nothing as order_id from sales", "orders"),
        ("orders: select number from sales", "order_id"),
        ("orders: select number as order_id from no_such", "no_such"),
    ],
)
def test_a_wrong_query_is_named(shop: Shop, tmp_path: Path, queries: str, words: str):
    settings = SOURCE.settings(url=shop.url, queries=queries)
    with pytest.raises(SourceRefused, match=words):
        SOURCE.check(settings)
    with pytest.raises(SourceRefused, match=words):
        SOURCE.fetch(settings, Wanted(kind="full"), Spool(tmp_path / "wrong"), _silent)


@pytest.mark.parametrize(
    ("queries", "words"),
    [
        ("", "at least one"),
        ("select 1", "no query"),
        ("ordres: select 1", "ordres"),
        ("orders: drop table sales", "no query"),
    ],
)
def test_what_is_no_query_is_refused_at_once(queries: str, words: str):
    with pytest.raises(ValueError, match=words):
        SOURCE.settings(url="sqlite://", queries=queries)


def test_queries_may_take_several_lines():
    found = queries_of("orders: select 1\n  from a\n\ncustomers = with b as (select 2)\nselect * from b;\n")
    assert [(query.table, query.sql) for query in found] == [
        ("orders", "select 1\n  from a"),
        ("customers", "with b as (select 2)\nselect * from b"),
    ]


@pytest.mark.parametrize(
    "kind", ["postgresql", "postgres", "postgresql+psycopg", "mysql", "mariadb", "mysql+pymysql", "mssql"]
)
def test_a_database_that_is_away_is_named_without_the_password(kind: str):
    settings = SOURCE.settings(url=f"{kind}://reader:secret-word@127.0.0.1:9/base", queries=QUERIES)
    with pytest.raises(SourceUnreachable, match=r"127\.0\.0\.1:9/base") as away:
        SOURCE.check(settings)
    assert "secret-word" not in f"{away.value.message.en}{away.value.message.ru}{settings!r}"


def test_a_database_without_a_driver_says_so():
    for url in ("oracle+oracledb://u:p@127.0.0.1/base", "nothing://u:p@127.0.0.1/base"):
        with pytest.raises(SourceRefused, match="driver"):
            SOURCE.check(SOURCE.settings(url=url, queries=QUERIES))


def test_moments_with_a_zone_are_moments(shop_url: str, tmp_path: Path):
    with psycopg.connect(shop_url, autocommit=True) as connection:
        connection.execute("drop table if exists buyers, sales, sale_lines")
        connection.execute(SCHEMA)
    zoned = "orders: select number as order_id, (made at time zone 'Asia/Vladivostok') as ordered_at from sales"
    follower = Follower(tmp_path, shop_url, zoned)
    follower.run("full")
    assert follower.rows("orders", "order_id", "ordered_at")[0] == ("shop:A-1", datetime(2026, 3, 1, 0, 0))  # noqa: DTZ001


def _silent(_step: Text, *, done: int, total: int) -> None:
    """Nobody watches."""
