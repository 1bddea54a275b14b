# ruff: noqa: DTZ001, FBT001 - the warehouse keeps UTC without an offset
"""What becomes of rows: read, inserted, updated, unchanged, repeated; which columns they touch."""

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rakurs.core.errors import UnreadableFile
from rakurs.core.source import Delivery, FileMapping, Scan, TableMapping, Value
from rakurs.core.text import Text
from rakurs.warehouse.warehouse import Warehouse
from warehouse.arriving import columns_of, counts, delivery, rows

CUSTOMERS = "customer_id,name,phone,loyalty\nc1,Анна,+7 900,gold\nc2,Борис,,\n"


def test_first_load_inserts(warehouse: Warehouse, tmp_path: Path):
    report = warehouse.load([delivery(tmp_path, "customers", CUSTOMERS)], marts=())
    assert counts(report, "customers") == (2, 2, 0, 0, 0, 0)
    assert report.data_version == warehouse.data_version == 1
    assert rows(warehouse, "customers", "customer_id", "name", "phone", "custom") == [
        ("c1", "Анна", "+7 900", '{"loyalty":"gold"}'),
        ("c2", "Борис", None, None),
    ]


def test_the_same_content_again_is_known_at_once(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "customers", CUSTOMERS)], marts=())
    report = warehouse.load([delivery(tmp_path, "customers", CUSTOMERS)], marts=())
    assert counts(report, "customers") == (2, 0, 0, 2, 0, 0)
    assert report.files[0].is_unchanged
    assert report.files[0].rows == 2
    assert warehouse.data_version == 1


def test_the_same_content_in_another_slot_changes_nothing_either(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "customers", CUSTOMERS)], marts=())
    report = warehouse.load([delivery(tmp_path, "customers", CUSTOMERS, slot="again.csv")], marts=())
    assert counts(report, "customers") == (2, 0, 0, 2, 0, 0)
    assert not report.files[0].is_unchanged
    assert warehouse.data_version == 1
    assert len(list((warehouse.folder / "raw").rglob("*.parquet"))) == 1


def test_a_b_a_in_one_slot_ends_with_a(warehouse: Warehouse, tmp_path: Path):
    one, other = ("customer_id,name\nc1,Анна\n", "customer_id,name\nc1,Яна\n")
    for text in (one, other, one):
        warehouse.load([delivery(tmp_path, "customers", text)], marts=())
    assert rows(warehouse, "customers", "name") == [("Анна",)]
    assert warehouse.data_version == 3


def test_columns_a_file_lacks_stay_and_empty_ones_are_emptied(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "customers", CUSTOMERS)], marts=())
    later = "customer_id,name,city\nc2,,Тверь\nc3,Вера,\nc1,Анна,\n"
    report = warehouse.load([delivery(tmp_path, "customers", later)], marts=())
    assert counts(report, "customers") == (3, 1, 1, 1, 0, 0)
    assert rows(warehouse, "customers", "customer_id", "name", "phone", "city", "custom") == [
        ("c1", "Анна", "+7 900", None, '{"loyalty":"gold"}'),
        ("c2", None, None, "Тверь", None),
        ("c3", "Вера", None, None, None),
    ]


def test_a_file_of_a_thousand_columns_keeps_every_custom_field(warehouse: Warehouse, tmp_path: Path):
    extra = [f'Поле "{number}"' for number in range(1000)]
    header = ["customer_id", *extra]
    filled = ["c1", *("" if number % 3 else f" значение {number}\\" for number in range(1000))]
    text = io.StringIO()
    csv.writer(text).writerows([header, filled, header, ["c2", *[""] * 1000]])
    given = delivery(tmp_path, "customers", text.getvalue(), scan={"header_values": tuple(header)})
    report = warehouse.load([given], marts=())
    assert counts(report, "customers") == (2, 2, 0, 0, 0, 0)
    (_, first), (_, second) = rows(warehouse, "customers", "customer_id", "custom")
    assert json.loads(first) == {f'Поле "{n}"': f"значение {n}\\" for n in range(0, 1000, 3)}
    assert second is None


def test_custom_fields_of_several_files_come_together(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "customers", "customer_id,Скидка\nc1,5\n")], marts=())
    other = "customer_id,Источник\nc1,сайт\n"
    report = warehouse.load([delivery(tmp_path, "customers", other, slot="b.csv")], marts=())
    assert counts(report, "customers") == (1, 0, 1, 0, 0, 0)
    found = json.loads(rows(warehouse, "customers", "custom")[0][0])
    assert found == {"Скидка": "5", "Источник": "сайт"}
    again = warehouse.load([delivery(tmp_path, "customers", "customer_id,Скидка\nc1,5\n", slot="c.csv")], marts=())
    assert counts(again, "customers") == (1, 0, 0, 1, 0, 0)


def test_columns_that_are_not_wanted_are_not_kept(warehouse: Warehouse, tmp_path: Path):
    text = "customer_id,a,b\nc1,1,2\n"
    warehouse.load([delivery(tmp_path, "customers", text, ignored=("a",))], marts=())
    assert rows(warehouse, "customers", "custom") == [('{"b":"2"}',)]


@pytest.mark.parametrize("is_first", [True, False])
def test_of_repeated_keys_the_last_wins(warehouse: Warehouse, tmp_path: Path, is_first: bool):
    if not is_first:
        warehouse.load([delivery(tmp_path, "customers", "customer_id,name\nc0,Ноль\n")], marts=())
    text = "customer_id,name\nc1,a\nc2,b\nc1,c\nc1,d\n"
    report = warehouse.load([delivery(tmp_path, "customers", text, slot="b.csv")], marts=())
    assert counts(report, "customers") == (4, 2, 0, 0, 0, 2)
    found = [row for row in rows(warehouse, "customers", "customer_id", "name") if row[0] != "c0"]
    assert found == [("c1", "d"), ("c2", "b")]


def test_empty_parts_of_a_key_are_equal(warehouse: Warehouse, tmp_path: Path):
    plan = "month,metric,target,department\n2025-03,revenue,100,\n2025-03,revenue,50,Отдел 1\n"
    warehouse.load([delivery(tmp_path, "plans", plan)], marts=())
    report = warehouse.load([delivery(tmp_path, "plans", plan.replace("100", "120"))], marts=())
    assert counts(report, "plans") == (2, 0, 1, 1, 0, 0)
    assert rows(warehouse, "plans", "month", "target", "department") == [
        (date(2025, 3, 1), Decimal("120.00"), None),
        (date(2025, 3, 1), Decimal("50.00"), "Отдел 1"),
    ]


def test_ids_of_other_sources_carry_their_name(warehouse: Warehouse, tmp_path: Path):
    deals = "deal_id,created_at,stage_id,customer_id,title\n7,2025-03-01,new,12,Дом\n"
    stages = "stage_id,position,outcome\nnew,1,open\n"
    found = [delivery(tmp_path, "deals", deals, source="shop"), delivery(tmp_path, "stages", stages, source="shop")]
    warehouse.load(found, marts=())
    assert rows(warehouse, "deals", "deal_id", "source_id", "pipeline_id", "stage_id", "customer_id", "title") == [
        ("shop:7", "7", "shop:main", "shop:new", "shop:12", "Дом")
    ]
    assert rows(warehouse, "stages", "pipeline_id", "stage_id", "source") == [("shop:main", "shop:new", "shop")]
    warehouse.load([delivery(tmp_path, "deals", deals.replace("7,", "8,"))], marts=())
    assert rows(warehouse, "deals", "deal_id") == [("8",), ("shop:7",)]


def test_the_default_pipeline_does_not_move_a_known_deal(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "deals", "deal_id,created_at,pipeline_id\nd1,2025-03-01,опт\n")], marts=())
    warehouse.load([delivery(tmp_path, "deals", "deal_id,created_at,amount\nd1,2025-03-01,5\n")], marts=())
    assert rows(warehouse, "deals", "deal_id", "pipeline_id", "amount") == [("d1", "опт", Decimal("5.00"))]


def test_order_lines_are_numbered_priced_and_signed(warehouse: Warehouse, tmp_path: Path):
    lines = """
order_id,product_id,quantity,price,discount,cost,is_return
o1,p1,2,"10,50",1,8,
o2,p1,1,5,,,
o1,p2,1,100,,60,да
o1,p3,-2,7,,4,
"""
    warehouse.load([delivery(tmp_path, "order_lines", lines)], marts=())
    columns = ("order_id", "line_no", "product_id", "quantity", "amount", "discount", "cost", "is_return")
    assert rows(warehouse, "order_lines", *columns) == [
        ("o1", 1, "p1", Decimal("2.000"), Decimal("20.00"), Decimal("1.00"), Decimal("8.00"), False),
        ("o1", 2, "p2", Decimal("-1.000"), Decimal("-100.00"), None, Decimal("-60.00"), True),
        ("o1", 3, "p3", Decimal("-2.000"), Decimal("-14.00"), None, Decimal("-4.00"), True),
        ("o2", 1, "p1", Decimal("1.000"), Decimal("5.00"), None, None, False),
    ]


def test_order_lines_keep_their_own_numbers_and_amounts(warehouse: Warehouse, tmp_path: Path):
    lines = "order_id,product_id,quantity,price,line_no,amount\no1,p1,2,10,7,19.99\no1,p2,1,5,,\n"
    warehouse.load([delivery(tmp_path, "order_lines", lines)], marts=())
    assert rows(warehouse, "order_lines", "line_no", "product_id", "amount") == [
        (2, "p2", Decimal("5.00")),
        (7, "p1", Decimal("19.99")),
    ]


def test_days_and_seconds_stand_beside_times(warehouse: Warehouse, tmp_path: Path):
    warehouse.load([delivery(tmp_path, "leads", "lead_id,created_at\nl1,2025-02-28T21:30:00Z\n")], marts=())
    assert rows(warehouse, "leads", "created_at", "created_on", "created_epoch") == [
        (datetime(2025, 2, 28, 21, 30), date(2025, 3, 1), 1740778200)
    ]


def test_the_files_time_zone_comes_before_the_companys(warehouse: Warehouse, tmp_path: Path):
    text = "lead_id,created_at\nl1,2025-03-01 01:00\n"
    warehouse.load([delivery(tmp_path, "leads", text, timezone="Asia/Vladivostok")], marts=())
    assert rows(warehouse, "leads", "created_at", "created_on") == [(datetime(2025, 2, 28, 15), date(2025, 2, 28))]


def test_money_takes_the_rate_of_its_day(warehouse: Warehouse, tmp_path: Path):
    rates = "currency,rate_on,rate\nUSD,2025-02-01,90\nUSD,2025-03-01,100\n"
    orders = """
order_id,ordered_at,amount,discount,currency
before,2025-01-31 12:00,1,,USD
first,2025-02-01 00:00,1,,USD
last,2025-02-28 23:59,2,1,usd
later,2025-03-01 00:00,1.005,,$
own,2025-03-01,5,,руб
none,2025-03-01,6,,
euro,2025-03-01,7,,EUR
"""
    warehouse.load([delivery(tmp_path, "exchange_rates", rates), delivery(tmp_path, "orders", orders)], marts=())
    assert rows(warehouse, "orders", "order_id", "amount_base", "discount_base") == [
        ("before", None, None),
        ("euro", None, None),
        ("first", Decimal("90.00"), None),
        ("last", Decimal("180.00"), Decimal("90.00")),
        ("later", Decimal("101.00"), None),
        ("none", Decimal("6.00"), None),
        ("own", Decimal("5.00"), None),
    ]
    assert warehouse.missing_rates() == [("orders", "EUR", 1), ("orders", "USD", 1)]
    more = "currency,rate_on,rate\nEUR,2025-01-01,110\nUSD,2025-01-01,80\n"
    warehouse.load([delivery(tmp_path, "exchange_rates", more, slot="more.csv")], marts=())
    assert warehouse.missing_rates() == []
    found = dict(rows(warehouse, "orders", "order_id", "amount_base"))
    assert (found["before"], found["euro"], found["last"]) == (Decimal("80.00"), Decimal("770.00"), Decimal("180.00"))


def test_the_files_currency_is_that_of_silent_rows(warehouse: Warehouse, tmp_path: Path):
    orders = "order_id,ordered_at,amount\no1,2025-03-01,2\n"
    rates = "currency,rate_on,rate\nUSD,2025-01-01,100\n"
    found = [delivery(tmp_path, "orders", orders, currency="USD"), delivery(tmp_path, "exchange_rates", rates)]
    warehouse.load(found, marts=())
    assert rows(warehouse, "orders", "currency", "amount_base") == [("USD", Decimal("200.00"))]


def test_one_file_feeds_several_tables(warehouse: Warehouse, tmp_path: Path):
    text = """
Сделка,Дата,Клиент,Телефон,Стадия,Товар
1,01.03.2025,Анна,,Успех,Дом
2,02.03.2025,Анна,900,Новая,
3,03.03.2025,,,Новая,Сад
"""
    by_name = {name: Value(columns=(name,)) for name in ("Сделка", "Дата", "Клиент", "Телефон", "Стадия", "Товар")}
    stages = Value(columns=("Стадия",), replace={"Успех": "won", "Новая": "new"})
    deals = TableMapping(
        table="deals",
        values={
            "deal_id": by_name["Сделка"],
            "created_at": by_name["Дата"],
            "customer_id": by_name["Клиент"],
            "stage_id": stages,
            "title": Value(columns=("Товар", "Клиент"), join=", ", default="без названия"),
            "channel_id": Value(constant="сайт"),
        },
    )
    customers = TableMapping(
        table="customers",
        distinct=True,
        values={"customer_id": by_name["Клиент"], "name": by_name["Клиент"], "phone": by_name["Телефон"]},
    )
    constants = TableMapping(
        table="stages",
        rows=(
            {"stage_id": "new", "name": "Новая", "position": 1, "outcome": "open"},
            {"stage_id": "won", "name": "Успех", "position": 2, "outcome": "won"},
        ),
    )
    products = TableMapping(
        table="products",
        distinct=True,
        values={"product_id": by_name["Товар"]},
        only_where={"Стадия": ("Успех",)},
    )
    report = warehouse.load(
        [delivery(tmp_path, "deals", text, tables=[deals, customers, constants, products])], marts=()
    )
    assert rows(warehouse, "deals", "deal_id", "stage_id", "title", "channel_id", "custom") == [
        ("1", "won", "Дом, Анна", "сайт", None),
        ("2", "new", "Анна", "сайт", None),
        ("3", "new", "Сад", "сайт", None),
    ]
    assert rows(warehouse, "customers", "customer_id", "phone", "custom") == [("Анна", "900", None)]
    assert rows(warehouse, "products", "product_id") == [("Дом",)]
    assert rows(warehouse, "stages", "stage_id", "position", "outcome", "pipeline_id") == [
        ("new", 1, "open", "main"),
        ("won", 2, "won", "main"),
    ]
    assert [counts(report, name)[0] for name in ("deals", "customers", "stages", "products")] == [3, 1, 2, 1]


def test_totals_repeated_headers_and_blank_rows_are_no_records(warehouse: Warehouse, tmp_path: Path):
    text = "Отчёт,,\ncustomer_id,name,city\nc1,a,x\n,,\ncustomer_id,name,city\nc2,b,y\nИтого,2,\n"
    layout = {"columns": ("customer_id", "name", "city"), "first_row": 3, "tail_rows": 1}
    header = ("customer_id", "name", "city")
    sent = delivery(
        tmp_path,
        "customers",
        text,
        values=columns_of("customers", header),
        scan={**layout, "header_values": header},
    )
    report = warehouse.load([sent], marts=())
    assert counts(report, "customers") == (2, 2, 0, 0, 0, 0)
    assert rows(warehouse, "customers", "customer_id", "name", "city") == [("c1", "a", "x"), ("c2", "b", "y")]


def test_line_breaks_quotes_and_odd_names(warehouse: Warehouse, tmp_path: Path):
    text = 'customer_id;Name;name;\n"c;1";"он сказал ""да""\nи ушёл";x;y\n'
    values = {"customer_id": Value(columns=("customer_id",)), "name": Value(columns=("Name",))}
    sent = delivery(tmp_path, "customers", text, values=values, scan={"delimiter": ";"})
    warehouse.load([sent], marts=())
    assert rows(warehouse, "customers", "customer_id", "name", "custom") == [
        ("c;1", 'он сказал "да"\nи ушёл', '{"name (2)":"x","column_4":"y"}')
    ]


def arrow(name: str, scan: Scan, table: str = "orders") -> Delivery:
    mapping = FileMapping(name=name, tables=(TableMapping(table=table, values=columns_of(table, scan.columns)),))
    return Delivery(entity=table, slot=name, scan=scan, mapping=mapping, content_hash=name)


def test_parquet_json_lines_and_arrow_give_the_same_rows(warehouse: Warehouse, tmp_path: Path):
    columns = ("order_id", "ordered_at", "amount")
    table = pa.table(
        {"order_id": ["1"], "ordered_at": pa.array([datetime(2025, 3, 1, 12)]), "amount": pa.array([Decimal("5.50")])}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text('{"order_id": 2, "ordered_at": "2025-03-01 12:00:00", "amount": 5.5}\n')
    third = table.set_column(0, "order_id", pa.array(["3"]))
    found = [
        arrow("a.parquet", Scan(kind="parquet", path=tmp_path / "a.parquet", columns=columns, first_row=1)),
        arrow("a.jsonl", Scan(kind="jsonl", path=tmp_path / "a.jsonl", columns=columns, first_row=1)),
        arrow("sheet", Scan(kind="arrow", batches=third.to_reader(), columns=columns)),
    ]
    warehouse.load(found, marts=())
    expected = (datetime(2025, 3, 1, 9), Decimal("5.50"))
    assert rows(warehouse, "orders", *columns) == [("1", *expected), ("2", *expected), ("3", *expected)]


def test_a_file_that_is_not_text_is_named(warehouse: Warehouse, tmp_path: Path):
    sent = delivery(tmp_path, "customers", "customer_id,name\nc1,a\n")
    assert sent.scan.path is not None
    sent.scan.path.write_bytes(b"customer_id,name\nc1,\xff\xfe\n")
    with pytest.raises(UnreadableFile, match=r"customers\.csv"):
        warehouse.load([sent], marts=())
    assert warehouse.data_version == 0
    assert not list((warehouse.folder / "raw").rglob("*.*"))


def test_states_loads_and_the_newest_day(warehouse: Warehouse, tmp_path: Path):
    note = Text(ru="итоги пропущены", en="totals left out")
    deals = "deal_id,created_at,closed_at\nd1,2025-03-01,2025-04-02\nd2,2025-03-05,2027-01-01\n"
    sent = delivery(tmp_path, "deals", deals)
    fields = {name: getattr(sent, name) for name in Delivery.__dataclass_fields__}
    report = warehouse.load([Delivery(**{**fields, "notes": (note,)})], marts=())
    assert warehouse.newest_on(today=date(2025, 12, 31)) == date(2025, 4, 2)
    assert warehouse.newest_on(today=date(2025, 3, 31)) == date(2025, 3, 5)
    assert warehouse.table_states()["deals"].rows == 2
    assert warehouse.table_states()["deals"].loaded_at == report.started_at
    assert warehouse.table_states()["orders"].loaded_at is None
    assert warehouse.loads() == (report,)
    assert report.files[0].notes == (note,)
