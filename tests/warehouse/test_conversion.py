# ruff: noqa: DTZ001, FBT001 - the warehouse keeps UTC without an offset
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.warehouse.conversion import Reading, cell, converted, is_text
from rakurs.warehouse.duckdb_engine import DuckDBEngine

MOSCOW = Reading(zone="Europe/Moscow", company_zone="Europe/Moscow")
NBSP, THIN, NARROW = "\u00a0", "\u2009", "\u202f"


@pytest.fixture(scope="module")
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    engine = DuckDBEngine.in_memory()
    with engine.cursor() as found:
        yield found
    engine.close()


def value(cursor: duckdb.DuckDBPyConnection, text: str, column: Column, reading: Reading = MOSCOW) -> Any:
    source = f"(select {cell('raw') if is_text(column) else 'raw'} as t from (select ?::varchar as raw))"
    return cursor.execute(f"select {converted('t', column, reading)} from {source}", [text]).fetchall()[0][0]


def of(unit: Unit, **kwargs: Any) -> Column:
    return Column(name="x", unit=unit, title=Text(ru="икс", en="x"), **kwargs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1234.56", "1234.56"),
        ("1234,56", "1234.56"),
        (" 1234.56 ", "1234.56"),
        ("1 234,56", "1234.56"),
        (f"1{NBSP}234{NBSP}567,8", "1234567.80"),
        (f"1{THIN}234.5", "1234.50"),
        (f"1{NARROW}234,5", "1234.50"),
        ("1'234.50", "1234.50"),
        ("1’234,50", "1234.50"),
        ("1,234.56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1,234,567", "1234567.00"),
        ("1.234.567", "1234567.00"),
        ("1,234", "1.23"),
        ("1.234", "1.23"),
        ("12,345.6", "12345.60"),
        ("1,23,456.0", None),
        ("1.23.456", None),
        ("1,2,3", None),
        ("1234,56 ₽", "1234.56"),
        ("1 234,56 руб.", "1234.56"),
        ("1234 руб", "1234.00"),
        ("100 р.", "100.00"),
        ("$1,234.50", "1234.50"),
        ("-$5", "-5.00"),
        ("€ 7,5", "7.50"),
        ("7.5 EUR", "7.50"),
        ("RUB 12", "12.00"),
        ("(1 234,56)", "-1234.56"),
        ("($5.00)", "-5.00"),
        ("(5 ₽)", "-5.00"),
        ("-5", "-5.00"),
        ("−5,5", "-5.50"),
        ("–5", "-5.00"),
        ("5-", "-5.00"),
        ("+5", "5.00"),
        ("0", "0.00"),
        ("-0", "0.00"),
        (".5", "0.50"),
        (",5", "0.50"),
        ("5.", "5.00"),
        ("5,", "5.00"),
        ("1e3", "1000.00"),
        ("1.005", "1.01"),
        ("-1.005", "-1.01"),
        ("0.004", "0.00"),
        ("9999999999999999.99", "9999999999999999.99"),
        ("99999999999999999", None),
        ("abc", None),
        ("12 штук", None),
        ("12%", None),
        ("nan", None),
        ("inf", None),
        ("-", None),
        ("1-2", None),
        ("--5", None),
        ("₽", None),
    ],
)
def test_money(cursor, text: str, expected: str | None):
    assert value(cursor, text, of(Unit.MONEY)) == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("1,5", Unit.NUMBER, 1.5),
        ("1 000,25", Unit.NUMBER, 1000.25),
        ("nan", Unit.NUMBER, None),
        ("Infinity", Unit.NUMBER, None),
        ("-inf", Unit.NUMBER, None),
        ("1,2345", Unit.QUANTITY, Decimal("1.235")),
        ("3", Unit.POSITION, 3),
        ("3.0", Unit.POSITION, 3),
        ("three", Unit.POSITION, None),
        ("90", Unit.SECONDS, 90),
        ("1:30", Unit.SECONDS, 90),
        ("0:01:30", Unit.SECONDS, 90),
        ("01:00:00", Unit.SECONDS, 3600),
        ("1:3", Unit.SECONDS, None),
        ("12.3456", Unit.PRICE, Decimal("12.3456")),
        ("  имя  ", Unit.TEXT, "имя"),
        (f"{NBSP}имя{NBSP}", Unit.TEXT, "имя"),
        ("ёж", Unit.TEXT, "ёж"),
        ("   ", Unit.TEXT, None),
        ("", Unit.TEXT, None),
        ("007", Unit.ID, "007"),
    ],
)
def test_other_numbers_and_text(cursor, text: str, unit: Unit, expected: Any):
    assert value(cursor, text, of(unit)) == expected


TIMES = [
    # naive times are Moscow's, three hours ahead of UTC
    ("2025-03-01", datetime(2025, 2, 28, 21)),
    ("2025-03-01 10:20", datetime(2025, 3, 1, 7, 20)),
    (" 2025-03-01 10:20", datetime(2025, 3, 1, 7, 20)),
    (f"2025-03-01 10:20{NBSP}", datetime(2025, 3, 1, 7, 20)),
    ("\t2025-03-01T10:20:30Z\r", datetime(2025, 3, 1, 10, 20, 30)),
    ("2025-03-01 10:20:30", datetime(2025, 3, 1, 7, 20, 30)),
    ("2025-03-01T10:20:30", datetime(2025, 3, 1, 7, 20, 30)),
    ("2025-03-01T10:20", datetime(2025, 3, 1, 7, 20)),
    ("2025-03-01 10:20:30.123456", datetime(2025, 3, 1, 7, 20, 30, 123456)),
    ("2025-3-1", datetime(2025, 2, 28, 21)),
    ("2025/03/01", datetime(2025, 2, 28, 21)),
    ("2025/03/01 10:20", datetime(2025, 3, 1, 7, 20)),
    ("2025.03.01 10:20:30", datetime(2025, 3, 1, 7, 20, 30)),
    # times with an offset say what they mean
    ("2025-03-01T10:20:30Z", datetime(2025, 3, 1, 10, 20, 30)),
    ("2025-03-01T10:20:30.5Z", datetime(2025, 3, 1, 10, 20, 30, 500000)),
    ("2025-03-01T10:20:30+03:00", datetime(2025, 3, 1, 7, 20, 30)),
    ("2025-03-01T10:20:30-05:00", datetime(2025, 3, 1, 15, 20, 30)),
    ("2025-03-01T10:20:30+0300", datetime(2025, 3, 1, 7, 20, 30)),
    ("2025-03-01 10:20:30+03", datetime(2025, 3, 1, 7, 20, 30)),
    ("2025-03-01 10:20:30.123+05", datetime(2025, 3, 1, 5, 20, 30, 123000)),
    ("2025-03-01 10:20:30 +03:00", datetime(2025, 3, 1, 7, 20, 30)),
    ("2025-03-01 10:20:30 UTC", datetime(2025, 3, 1, 10, 20, 30)),
    ("1740820830", datetime(2025, 3, 1, 9, 20, 30)),
    # the way people write days
    ("01.03.2025", datetime(2025, 2, 28, 21)),
    ("1.3.2025", datetime(2025, 2, 28, 21)),
    ("01.03.25", datetime(2025, 2, 28, 21)),
    ("01.03.2025 10:20", datetime(2025, 3, 1, 7, 20)),
    ("01.03.2025 9:20:30", datetime(2025, 3, 1, 6, 20, 30)),
    ("01.03.2025, 10:20", datetime(2025, 3, 1, 7, 20)),
    ("01.03.2025  10:20:30", datetime(2025, 3, 1, 7, 20, 30)),
    ("01/03/2025 10:20", datetime(2025, 3, 1, 7, 20)),
    ("01-03-2025", datetime(2025, 2, 28, 21)),
    ("01-03-25", datetime(2025, 2, 28, 21)),
    ("20250301", datetime(2025, 2, 28, 21)),
    ("20250301102030", datetime(2025, 3, 1, 7, 20, 30)),
    # a workbook's serial numbers
    ("45717", datetime(2025, 2, 28, 21)),
    ("45717.5", datetime(2025, 3, 1, 9)),
    ("45717,25", datetime(2025, 3, 1, 3)),
    ("20000", datetime(1954, 10, 2, 21)),
    ("19999", None),
    ("80000", datetime(2119, 1, 10, 21)),
    ("80001", None),
    # and what is none of these
    ("31.02.2025", None),
    ("2025-02-30", None),
    ("2025-13-01", None),
    ("2025-03-01 25:00", None),
    ("oops", None),
    ("infinity", None),
    ("epoch", None),
    ("today", None),
    ("123", None),
    ("12:30", None),
    ("0000-00-00", None),
]


@pytest.mark.parametrize(("text", "expected"), TIMES)
def test_times(cursor, text: str, expected: datetime | None):
    assert value(cursor, text, of(Unit.TIME)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-03-01", date(2025, 3, 1)),
        ("01.03.2025", date(2025, 3, 1)),
        ("31.12.2024 23:59", date(2024, 12, 31)),
        ("2025-02-28T21:00:00Z", date(2025, 3, 1)),
        ("2025-02-28T20:59:59Z", date(2025, 2, 28)),
        ("2025-03-01T00:30:00+05:00", date(2025, 2, 28)),
        ("2025-03", date(2025, 3, 1)),
        ("03.2025", date(2025, 3, 1)),
        (" 2025-03-01 ", date(2025, 3, 1)),
        ("45717", date(2025, 3, 1)),
        ("20250301", date(2025, 3, 1)),
        ("2025-3-1", date(2025, 3, 1)),
        ("2025-02-30", None),
        ("март", None),
    ],
)
def test_days(cursor, text: str, expected: date | None):
    assert value(cursor, text, of(Unit.DAY)) == expected


@pytest.mark.parametrize(
    ("order", "text", "expected"),
    [
        ("mdy", "3/1/2025", date(2025, 3, 1)),
        ("mdy", "3/1/2025 5:07 PM", date(2025, 3, 1)),
        ("mdy", "12/31/2025", date(2025, 12, 31)),
        ("mdy", "31/12/2025", None),
        ("dmy", "12/31/2025", None),
        ("dmy", "3/1/2025", date(2025, 1, 3)),
        ("ymd", "25/03/01", date(2025, 3, 1)),
        ("ymd", "2025/03/01", date(2025, 3, 1)),
    ],
)
def test_the_order_of_day_and_month_is_the_mappings(cursor, order, text: str, expected: date | None):
    reading = Reading(zone="Europe/Moscow", company_zone="Europe/Moscow", date_order=order)
    assert value(cursor, text, of(Unit.DAY), reading) == expected


def test_afternoon_is_twelve_hours_later(cursor):
    reading = Reading(zone="UTC", company_zone="UTC", date_order="mdy")
    assert value(cursor, "3/1/2025 5:07:09 PM", of(Unit.TIME), reading) == datetime(2025, 3, 1, 17, 7, 9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # clocks in Berlin go forward at 2:00 on 30 March 2025 and back at 3:00 on 26 October
        ("2025-03-30 01:59", datetime(2025, 3, 30, 0, 59)),
        ("2025-03-30 03:00", datetime(2025, 3, 30, 1, 0)),
        ("2025-07-01 12:00", datetime(2025, 7, 1, 10, 0)),
        ("2025-10-26 03:00", datetime(2025, 10, 26, 2, 0)),
        ("2025-12-01 12:00", datetime(2025, 12, 1, 11, 0)),
    ],
)
def test_summer_time_of_the_files_zone(cursor, text: str, expected: datetime):
    reading = Reading(zone="Europe/Berlin", company_zone="Europe/Moscow")
    assert value(cursor, text, of(Unit.TIME), reading) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [(word, True) for word in ("да", "Да", "TRUE", "1", "yes", "Y", "t", "истина", " да ")]
    + [(word, False) for word in ("нет", "НЕТ", "false", "0", "no", "N", "ложь")]
    + [(word, None) for word in ("maybe", "2", "оплачен")],
)
def test_flags(cursor, text: str, expected: bool | None):
    assert value(cursor, text, of(Unit.FLAG)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("person", "person"),
        ("PERSON", "person"),
        ("Человек", "person"),
        ("человек", "person"),
        ("Person", "person"),
        ("Компания", "company"),
        ("robot", None),
    ],
)
def test_choices(cursor, text: str, expected: str | None):
    words = {"person": Text(ru="Человек", en="Person"), "company": Text(ru="Компания", en="Company")}
    assert value(cursor, text, of(Unit.TEXT, choices=words)) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("RUB", "RUB"), ("руб.", "RUB"), ("₽", "RUB"), ("usd", "USD"), ("$", "USD"), ("kzt", "KZT")]
)
def test_currencies(cursor, text: str, expected: str):
    column = Column(name="currency", unit=Unit.TEXT, title=Text(ru="Валюта", en="Currency"))
    assert value(cursor, text, column) == expected
