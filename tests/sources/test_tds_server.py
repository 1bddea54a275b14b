# ruff: noqa: DTZ001 - most types of the server know no zones
"""Is the loopback server a fair stand-in: does it refuse what SQL Server refuses, and tell values and faults as the protocol does?"""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pymssql
import pytest

from sources.tds_moments import moment
from sources.tds_refusals import Refusal
from sources.tds_server import LOGIN, PASSWORD, TdsServer

_ZONE = timezone(timedelta(hours=3))
TYPES: dict[str, tuple[str, Any]] = {
    "tinyint": ("255", 255),
    "smallint": ("-32768", -32768),
    "int": ("-2147483648", -2147483648),
    "bigint": ("9223372036854775807", 9223372036854775807),
    "bit": ("1", True),
    "decimal(9,2)": ("-1234567.89", Decimal("-1234567.89")),
    "decimal(12,2)": ("0.01", Decimal("0.01")),
    "numeric(28,10)": ("123456789012345678.0123456789", Decimal("123456789012345678.0123456789")),
    "decimal(38,10)": ("-1234567890123456789012345678.0123456789", Decimal("-1234567890123456789012345678.0123456789")),
    "money": ("-922337203685477.5808", Decimal("-922337203685477.5808")),
    "smallmoney": ("-1.2345", Decimal("-1.2345")),
    "float": ("0.1", 0.1),
    "real": ("-0.5", -0.5),
    "char(4)": ("'ёж'", "ёж  "),
    "varchar(20)": ("N'ёж и €'", "ёж и €"),
    "varchar(max)": (f"'{'длинно ' * 3000}'", "длинно " * 3000),
    "nchar(4)": ("N'ёж'", "ёж  "),
    "nvarchar(20)": ("N'ёж 🎉 it''s'", "ёж 🎉 it's"),
    "nvarchar(max)": (f"N'{'текст 🎉 ' * 5000}'", "текст 🎉 " * 5000),
    "date": ("'0001-01-01'", date(1, 1, 1)),
    "time(0)": ("'23:59:59'", time(23, 59, 59)),
    "time(7)": ("'09:30:00.123456'", time(9, 30, 0, 123456)),
    "datetime": ("'2026-03-01T23:59:59.997'", datetime(2026, 3, 1, 23, 59, 59, 997000)),
    "smalldatetime": ("'2026-03-01 10:00:29'", datetime(2026, 3, 1, 10)),
    "datetime2(0)": ("'2026-03-01 10:00:01'", datetime(2026, 3, 1, 10, 0, 1)),
    "datetime2(3)": ("'9999-12-31 23:59:59.999'", datetime(9999, 12, 31, 23, 59, 59, 999000)),
    "datetime2(7)": ("'2026-03-01 10:00:00.123456'", datetime(2026, 3, 1, 10, 0, 0, 123456)),
    "datetimeoffset(7)": ("'2026-03-01 01:00:00.5 +03:00'", datetime(2026, 3, 1, 1, 0, 0, 500000, tzinfo=_ZONE)),
    "datetimeoffset(0)": (
        "'2026-03-01 01:00:00 -09:30'",
        datetime(2026, 3, 1, 1, tzinfo=timezone(-timedelta(hours=9, minutes=30))),
    ),
    "uniqueidentifier": ("'6F9619FF-8B86-D011-B42D-00C04FC964FF'", UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")),
    "binary(4)": ("0x00ff", b"\x00\xff\x00\x00"),
    "varbinary(8)": ("0x00ff10ab", b"\x00\xff\x10\xab"),
    "varbinary(max)": (f"0x{'00ab' * 9000}", b"\x00\xab" * 9000),
}


@pytest.fixture(scope="module")
def server() -> Generator[TdsServer]:
    with TdsServer() as found:
        found.new_database("shop")
        yield found


@pytest.fixture
def cursor(server: TdsServer) -> Generator[Any]:
    with closing(server.connected("shop")) as connection, connection.cursor() as found:
        found.execute("drop table if exists sales")
        found.execute("create table sales (id int primary key, title nvarchar(40), draft bit, made datetime2(3))")
        found.execute("insert into sales values (1, N'Ёж', 0, '2026-03-01'), (2, N'Анна', 1, null)")
        yield found


@pytest.mark.parametrize("declared", TYPES)
def test_a_value_of_every_type_and_none_of_it_come_as_they_were_written(server: TdsServer, declared: str):
    written, expected = TYPES[declared]
    with closing(server.connected("shop")) as connection, connection.cursor() as cursor:
        cursor.execute("drop table if exists typed")
        cursor.execute(f"create table typed (id int primary key, value {declared}, [after] nvarchar(5))")
        cursor.execute(f"insert into typed values (1, {written}, N'да'), (2, null, N'нет'), (3, {written}, null)")
        cursor.execute("select * from typed order by id")
        assert cursor.fetchall() == [(1, expected, "да"), (2, None, "нет"), (3, expected, None)]
        assert [column[0] for column in cursor.description] == ["id", "value", "after"]


@pytest.mark.parametrize(
    ("number", "sql"),
    [
        (102, "select id from sales limit 1"),
        (102, "select id from"),
        (102, "select id::bigint as id from sales"),
        (102, "select title || 'x' as t from sales"),
        (102, "select count(*) as n from (select id from sales)"),
        (102, "select draft = 0 and id = 1 from sales"),
        (156, "select count(*) as n from (with a as (select id from sales) select id from a) counted"),
        (1033, "select count(*) as n from (select id from sales order by id) counted"),
        (1033, "with a as (select id from sales order by id) select id from a"),
        (207, "select id from sales where draft = true"),
        (207, "select nothing from sales"),
        (207, "update sales set nothing = 1"),
        (208, "select id from no_such"),
        (208, "delete from no_such"),
        (4145, "select id from sales where not draft"),
        (4145, "select id from sales where draft"),
        (8155, "select * from (select count(*) from sales) counted"),
        (8156, "select * from (select id, id from sales) twice"),
        (195, "select now() as n"),
        (137, "select @nothing as n"),
        (241, "select id from sales where made > 'yesterday'"),
        (241, "select id from sales where made > '2026-03-01 10:00:00.12345678'"),
        (242, "select id from sales where made > '2026-02-30'"),
        (2627, "insert into sales values (1, null, null, null)"),
        (2714, "create table sales (id int)"),
        (3701, "drop table no_such"),
        (911, "use another"),
    ],
)
def test_what_sql_server_refuses_is_refused_with_its_number(cursor: Any, number: int, sql: str):
    with pytest.raises(pymssql.Error) as refused:
        cursor.execute(sql)
    assert refused.value.args[0] == number, refused.value
    cursor.execute("select count(*) from sales")
    assert cursor.fetchall() == [(2,)]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select top 1 id from sales order by id desc", [(2,)]),
        ("select id from (select top 1 id from sales order by id) first", [(1,)]),
        ("select id from (select id from sales order by id offset 1 rows fetch next 1 rows only) second", [(2,)]),
        ("with a (n) as (select id from sales) select n from a where n > 1", [(2,)]),
        ("select ID, [Title] from dbo.Sales with (nolock) where DRAFT = 0", [(1, "Ёж")]),
        ("select title + N'!' as t, isnull(made, '2026-01-01') as made from sales where id = 1", None),
        ("select case when draft = 1 then N'да' else N'нет' end as t from sales order by id", [("нет",), ("да",)]),
        (
            "select a.id, b.title from sales a left join sales b on a.id = b.id + 1 order by a.id",
            [(1, None), (2, "Ёж")],
        ),
        ("select sum(id) as s, count(*) as n, max(made) as m from sales", [(3, 2, datetime(2026, 3, 1))]),
        ("select id from sales where id in (select id from sales where title like N'Ё%')", [(1,)]),
        ("set dateformat dmy; select id from sales where made >= '2026-03-01'", [(1,)]),
        ("select 5 / 2 as whole, @@trancount as depth", [(2, 0)]),
    ],
)
def test_what_t_sql_means_is_answered(cursor: Any, sql: str, rows: list[Any] | None):
    cursor.execute(sql)
    if cursor.description is None:
        cursor.nextset()
    expected = [("Ёж!", datetime(2026, 3, 1))] if rows is None else rows
    assert cursor.fetchall() == expected


@pytest.mark.parametrize(
    ("text", "kind", "order", "expected"),
    [
        ("2026-03-01 10:00:00.000", "datetime", "mdy", datetime(2026, 3, 1, 10)),
        ("2026-03-01 10:00:00.000", "datetime", "dmy", datetime(2026, 1, 3, 10)),
        ("2026-03-01T10:00:00.000", "datetime", "dmy", datetime(2026, 3, 1, 10)),
        ("2026-03-01 10:00:00.000", "datetime2", "dmy", datetime(2026, 3, 1, 10)),
        ("20260301", "datetime", "dmy", datetime(2026, 3, 1)),
        ("01.03.2026", "datetime", "dmy", datetime(2026, 3, 1)),
        ("01.03.2026", "datetime", "mdy", datetime(2026, 1, 3)),
    ],
)
def test_old_moments_are_read_in_the_order_of_the_language(text: str, kind: str, order: str, expected: datetime):
    assert moment(text, kind, order) == expected


def test_an_old_moment_knows_neither_zones_nor_microseconds():
    for text in ("2026-03-01T10:00:00+03:00", "2026-03-01T10:00:00.123456"):
        with pytest.raises(Refusal, match="241"):
            moment(text, "datetime", "mdy")


def test_a_transaction_is_kept_or_taken_back(server: TdsServer, cursor: Any):
    with closing(server.connected("shop")) as other:
        other.autocommit(False)
        with other.cursor() as theirs:
            for ends, expected in ((other.rollback, 2), (other.commit, 1)):
                theirs.execute("delete from sales where id = 2")
                cursor.execute("select count(*) from sales")
                assert cursor.fetchall() == [(2,)]
                ends()
                cursor.execute("select count(*) from sales")
                assert cursor.fetchall() == [(expected,)]


@pytest.mark.parametrize(
    ("database", "password", "words"),
    [
        ("shop", "не тот", [f"Login failed for user '{LOGIN}'"]),
        ("no_such", PASSWORD, ['Cannot open database "no_such"', f"Login failed for user '{LOGIN}'"]),
    ],
    ids=["password", "database"],
)
def test_who_is_not_let_in_hears_why(server: TdsServer, tmp_path: Path, database: str, password: str, words: list[str]):
    """In a process of its own: the driver keeps the first refusal for ever, and all of them only in its journal."""
    script = "import pymssql, sys; pymssql.connect(*sys.argv[1:4], database=sys.argv[4], port=sys.argv[5])"
    journal = tmp_path / "journal"
    told = subprocess.run(
        [sys.executable, "-c", script, "127.0.0.1", LOGIN, password, database, str(server.port)],
        env={**os.environ, "TDSDUMP": str(journal), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "pymssql.exceptions.OperationalError: (18456, " in told.stderr
    heard = journal.read_bytes().replace(b"\0", b"").decode(errors="replace")
    for one in words:
        assert one in heard


def test_a_reader_who_has_enough_is_answered_again(server: TdsServer, cursor: Any):
    """The client sends an attention in the middle of the rows."""
    values = ", ".join(f"({n}, N'{'х' * 40}', 0, null)" for n in range(10, 410))
    cursor.execute(f"insert into sales values {values}")
    seen = server.attentions
    cursor.execute("select a.id, b.title from sales a cross join sales b order by a.id")
    assert cursor.fetchone()[0] == 1
    cursor.execute("select count(*) from sales")
    assert cursor.fetchall() == [(402,)]
    assert server.attentions == seen + 1
