"""From a file to stored rows: what intake promises of a file is what the warehouse keeps."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rakurs.sources.files import deliveries, read_profile
from rakurs.warehouse.warehouse import Warehouse
from sources.exports import AMO, BITRIX, REGISTER

PROFILES = Path(__file__).parents[2] / "examples" / "profiles"


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse.open(tmp_path / "home", timezone="Europe/Moscow", currency="RUB", memory_limit="500MB")
    yield opened
    opened.close()


@pytest.fixture
def stored(warehouse: Warehouse) -> Callable[..., list[dict]]:
    def rows(table: str, *columns: str) -> list[dict]:
        with warehouse.reading() as reader:
            return reader.collect(reader.frame(table).select(*columns).sort(*columns)).to_pylist()

    return rows


@pytest.fixture
def load(warehouse: Warehouse, scratch: Path) -> Callable:
    def loaded(*paths: Path, **options):
        return warehouse.load(deliveries(paths, scratch=scratch, **options), marts=())

    return loaded


def test_a_header_with_line_breaks_loses_no_record(write, load, stored):
    load(write("customers.csv", '"customer_id","name","first\nvisit"\nc1,Анна,2026\nc2,Борис,2025\n'))
    assert [row["customer_id"] for row in stored("customers", "customer_id")] == ["c1", "c2"]


@pytest.mark.parametrize("signature", ["Исполнитель: Сидорова;;", "Исполнитель: Сидорова"])
def test_totals_with_blank_rows_around_them_are_no_records(write, load, stored, signature):
    text = f"Продажи;;\n;;\nКлиент;Дата;Сумма\nАльфа;31.01.2026;1 500,50\n\n;;\nБета;01.02.2026;2\n;;\nИтого;;1502,50\n;;\n{signature}\n"
    report = load(write("sales.csv", text, encoding="cp1251"))
    assert [(str(row["amount"]), str(row["ordered_on"])) for row in stored("orders", "amount", "ordered_on")] == [
        ("2.00", "2026-02-01"),
        ("1500.50", "2026-01-31"),
    ]
    assert [row["name"] for row in stored("customers", "name")] == ["Альфа", "Бета"]
    assert all(count.quarantined == 0 for count in report.tables)


def test_rows_without_numbers_keep_their_identity(write, load, stored):
    text = "Client,Date,Sum\nA,2026-01-01,1\nA,2026-01-01,1\nB,2026-01-02,2\n"
    load(write("january.csv", text))
    load(write("january.csv", text + "C,2026-01-03,3\n"))
    load(write("february.csv", "Client,Date,Sum\nA,2026-02-01,7\n"))
    assert [row["order_id"] for row in stored("orders", "order_id")] == [
        "february.csv:2",
        "january.csv:2",
        "january.csv:3",
        "january.csv:4",
        "january.csv:5",
    ]


def test_a_shipped_profile_loads_a_pipeline(write, load, stored):
    write(
        "crm/sales_pipeline.csv",
        "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n"
        "A1,Moses,GTXPro,Isdom,Won,2016-10-25,2017-03-11,4514\n"
        "A2,Moses,GTX Basic,,Prospecting,,,\n",
    )
    write("crm/products.csv", "product,series,sales_price\nGTX Pro,GTX,4821\n")
    folder = write("crm/sales_teams.csv", "sales_agent,manager,regional_office\nMoses,Dustin,Central\n").parent
    load(folder, profiles=[read_profile(PROFILES / "b2b-pipeline.yaml")])
    assert stored("deals", "deal_id", "stage_id", "product_id", "customer_id", "created_on") == [
        {
            "deal_id": "A1",
            "stage_id": "Won",
            "product_id": "GTX Pro",
            "customer_id": "Isdom",
            "created_on": stored("deals", "created_on")[0]["created_on"],
        },
        {
            "deal_id": "A2",
            "stage_id": "Prospecting",
            "product_id": "GTX Basic",
            "customer_id": None,
            "created_on": stored("deals", "created_on")[1]["created_on"],
        },
    ]
    assert [str(row["created_on"]) for row in stored("deals", "created_on")] == ["2016-10-25", "2017-12-31"]
    assert {row["stage_id"]: row["outcome"] for row in stored("stages", "stage_id", "outcome")}["Won"] == "won"


def test_a_purchase_log_parted_by_blanks_loads(write, load, stored):
    text = (
        " customer_id  date number_of_cds  dollar_value\r\n 00001 19970101  1   11.77\r\n 00002 19970112  5   77.00\r\n"
    )
    load(write("CDNOW_master.txt", text), profiles=[read_profile(PROFILES / "cdnow.yaml")])
    assert [(row["order_id"], str(row["amount"])) for row in stored("orders", "order_id", "amount")] == [
        ("CDNOW_master.txt:2", "11.77"),
        ("CDNOW_master.txt:3", "77.00"),
    ]
    assert [row["customer_id"] for row in stored("customers", "customer_id")] == ["00001", "00002"]


def test_a_bitrix24_export_is_stored_whole(write, load, stored):
    report = load(write("DEAL.csv", BITRIX))
    assert sum(count.quarantined for count in report.tables) == 0
    assert [
        (row["deal_id"], row["stage_id"], str(row["closed_on"]), str(row["expected_close_on"]), row["currency"])
        for row in stored("deals", "deal_id", "stage_id", "closed_on", "expected_close_on", "currency")
    ] == [
        ("bitrix24:11", "bitrix24:Новая", "None", "2026-02-20", "RUB"),
        ("bitrix24:12", "bitrix24:Сделка успешна", "2026-02-09", "None", "RUB"),
        ("bitrix24:13", "bitrix24:Сделка провалена", "2026-02-05", "None", "RUB"),
        ("bitrix24:14", "bitrix24:Счёт на предоплату", "None", "2026-03-05", "RUB"),
    ]
    stages = {(row["pipeline_id"], row["stage_id"]) for row in stored("stages", "pipeline_id", "stage_id")}
    deals = {(row["pipeline_id"], row["stage_id"]) for row in stored("deals", "pipeline_id", "stage_id")}
    assert deals == stages
    assert [row["name"] for row in stored("customers", "name")] == ["ООО Луч", "Пётр Котов"]


def test_an_amocrm_export_is_stored_whole(write, load, stored):
    report = load(write("amocrm.csv", AMO))
    assert sum(count.quarantined for count in report.tables) == 0
    assert [(row["deal_id"], str(row["closed_on"])) for row in stored("deals", "deal_id", "closed_on")] == [
        ("amocrm:501", "2026-02-05"),
        ("amocrm:502", "None"),
    ]


def test_a_1c_register_is_stored_as_orders_and_lines(write, load, stored):
    report = load(write("Продажи.csv", REGISTER, encoding="cp1251"))
    assert sum(count.quarantined for count in report.tables) == 0
    assert len(stored("orders", "order_id")) == 2
    lines = stored("order_lines", "order_id", "line_no", "amount", "price", "cost")
    assert sum(line["amount"] for line in lines) == 1350
    assert [str(line["price"]) for line in lines] == ["500.0000", "100.0000", "50.0000"]
