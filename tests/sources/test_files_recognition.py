import pytest

from rakurs.core.errors import MappingNeeded, UnreadableFile
from rakurs.core.source import Value
from rakurs.sources.files import RAW_ONLY, deliveries, inspect
from rakurs.sources.files.recognition import canonical_table
from sources.exports import AMO, BITRIX, REGISTER


def tables(found):
    return {mapping.table: mapping for mapping in found.mapping.tables}


def test_a_bitrix24_export_feeds_its_tables(write, one):
    found = one(write("DEAL_20260210.csv", BITRIX))
    assert (found.recognised_by, found.mapping.source, found.entity) == ("known", "bitrix24", "deals")
    assert set(tables(found)) == {"pipelines", "stages", "employees", "channels", "customers", "deals"}
    assert tables(found)["customers"].values["customer_id"] == Value(columns=("Компания", "Контакт"))
    assert tables(found)["customers"].distinct
    stages = [
        (row["pipeline_id"], row["stage_id"], row["position"], row["outcome"]) for row in tables(found)["stages"].rows
    ]
    assert stages == [
        ("Опт", "Новая", 1, "open"),
        ("Опт", "Счёт на предоплату", 2, "open"),
        ("Опт", "Сделка успешна", 3, "won"),
        ("Розница", "Сделка провалена", 1, "lost"),
    ]


def test_the_planned_close_of_an_open_deal_is_no_close(write, one):
    deals = [mapping for mapping in one(write("deals_export.csv", BITRIX)).mapping.tables if mapping.table == "deals"]
    closed, running = deals
    assert "closed_at" in closed.values
    assert "expected_close_on" not in closed.values
    assert closed.only_where == {"Стадия сделки": ("Сделка успешна", "Сделка провалена")}
    assert "closed_at" not in running.values
    assert "expected_close_on" in running.values
    assert running.only_where == {"Стадия сделки": ("Новая", "Счёт на предоплату", "")}


def test_an_amocrm_export_is_told_from_bitrix24(write, one):
    found = one(write("amocrm_export_leads.csv", AMO))
    assert (found.recognised_by, found.mapping.source) == ("known", "amocrm")
    deals = tables(found)["deals"].values
    assert deals["amount"] == Value(columns=("Бюджет ₽",))
    assert deals["closed_at"].columns == ("Дата закрытия",)
    assert deals["closed_at"].replace["не закрыта"] == ""
    assert {row["stage_id"]: row["outcome"] for row in tables(found)["stages"].rows} == {
        "Первичный контакт": "open",
        "Успешно реализовано": "won",
    }
    assert any("order of appearance" in note.en for note in found.notes)


def test_a_1c_register_is_left_with_its_records(write, one, rows):
    found = one(write("Продажи.csv", REGISTER, encoding="cp1251"))
    assert (found.recognised_by, found.mapping.name) == ("known", "1c-sales-register")
    records = rows(found)
    assert [row["Номенклатура"] for row in records] == ["Чайник", "Кружка", "Ложка"]
    assert [row["Группировка"] for row in records] == ["Склад Центральный", "Склад Центральный", "Склад Южный"]
    assert [row["Цена расчётная"] for row in records] == ["500.0000", "100.0000", "50.0000"]
    assert [row["Номер строки документа"] for row in records] == ["1", "2", "1"]
    assert set(tables(found)) == {"customers", "products", "orders", "order_lines"}
    assert tables(found)["orders"].values["order_id"] == Value(columns=("Регистратор",))


def test_a_1c_report_with_two_levels_in_one_column(write, one, rows):
    text = (
        "Продажи по контрагентам;;\n;;\nКонтрагент;Количество;Выручка\nРегистратор;;\n"
        "ООО Луч;5;1500,00\nРеализация 001 от 12.01.2026 10:00:00;2;1000,00\nРеализация 003 от 15.01.2026;3;500,00\n"
        "ИП Котов;1;50,00\nРеализация 002 от 13.01.2026 9:30:00;1;50,00\nИтого;6;1550,00\n"
    )
    found = one(write("Продажи.csv", text.replace("Количество", "Наценка")))
    assert found.mapping.name == "1c-sales-documents"
    assert [(row["Контрагент"], row["Дата из документа"], row["Выручка"]) for row in rows(found)] == [
        ("ООО Луч", "12.01.2026 10:00:00", "1000,00"),
        ("ООО Луч", "15.01.2026", "500,00"),
        ("ИП Котов", "13.01.2026 9:30:00", "50,00"),
    ]
    assert found.scan.first_row == 5


@pytest.mark.parametrize(
    "header",
    ["Клиент;Дата;Сумма", "ФИО клиента;Дата покупки;Итого, руб.", "Customer;Date;Amount", "client_id;order date;total"],
)
def test_a_plain_sheet_in_either_language(write, one, header):
    found = one(write("лист.csv", header + "\nАльфа;31.01.2026;10\nБета;01.02.2026;20\n"))
    assert (found.recognised_by, found.mapping.name, found.entity) == ("known", "plain-sales", "orders")
    orders = tables(found)["orders"].values
    assert orders["order_id"] == Value(row_number=True)
    assert orders["paid_at"] == orders["ordered_at"]
    assert any("row serve" in note.en for note in found.notes)


@pytest.mark.parametrize(
    ("stem", "table"),
    [
        ("deals", "deals"), ("Deals_2024", "deals"), ("deals (1)", "deals"), ("01_deals", "deals"), ("DEALS-2024-01", "deals"),
        ("deals part2", "deals"), ("deals - копия", "deals"), ("deal_stage_events_2024", "deal_stage_events"),
        ("order_lines", "order_lines"), ("dealsheet", None), ("my deals", None), ("сделки", None),
    ],
)  # fmt: skip
def test_names_of_canonical_files(stem, table):
    found = canonical_table(stem)
    assert (found.name if found else None) == table


def test_canonical_columns_by_name_and_the_rest_as_custom_fields(write, one):
    found = one(write("Orders_2026.csv", "Order_ID;ordered at;amount;Этаж\n1;2026-01-01;5;3\n"))
    assert found.recognised_by == "canonical"
    assert tables(found)["orders"].values == {
        "order_id": Value(columns=("Order_ID",)),
        "ordered_at": Value(columns=("ordered at",)),
        "amount": Value(columns=("amount",)),
    }
    assert any("Этаж" in note.en for note in found.notes)


def test_missing_required_columns_are_named(write, one):
    with pytest.raises(UnreadableFile, match="required columns of order_lines are missing: quantity, price"):
        one(write("order_lines.csv", "order_id,product_id,weight\n1,2,3\n"))


def test_only_values_prove_that_months_come_first(write, one):
    russian = one(write("a.csv", "Клиент;Дата;Сумма\nА;03/04/2026;1\nБ;05/06/2026;2\n"))
    american = one(write("b.csv", "Client;Date;Sum\nA;03/04/2026;1\nB;05/26/2026;2\n"))
    mixed = one(write("c.csv", "Client;Date;Sum\nA;26/04/2026;1\nB;05/26/2026;2\n"))
    assert [item.mapping.date_order for item in (russian, american, mixed)] == ["dmy", "mdy", "dmy"]
    assert any("contradict" in note.en for note in mixed.notes)


def test_a_new_shape_is_proposed_column_by_column(write, one):
    text = (
        "Покупатель ФИО;Моб.;Контакт для связи;Оформлено;К оплате итого;Наш менеджер;Цвет\n"
        "Котов Пётр;+7 916 123-45-67;kotov@example.org;31.01.2026;1 500,00;Орлов;синий\n"
        "Лис Анна;8 (903) 765-43-21;lis@example.org;01.02.2026;700,50;Орлов;красный\n"
    )
    found = one(write("непонятное.csv", text))
    assert found.recognised_by == "proposal"
    guesses = {guess.column: guess for guess in found.guesses}
    assert guesses["Контакт для связи"].samples == ("kotov@example.org", "lis@example.org")
    assert all(0 <= guess.confidence <= 1 for guess in found.guesses)
    assert guesses["Цвет"].target is None


def test_values_tell_phones_mails_and_tax_ids(write, one):
    text = "customer;x1;x2;x3\nАльфа;+7 916 123-45-67;a@b.ru;7707083893\nБета;8 903 765-43-21;c@d.ru;7736050003\n"
    targets = {guess.column: guess.target for guess in one(write("t.csv", text)).guesses}
    assert targets == {"customer": "customer_id", "x1": "phone", "x2": "email", "x3": "tax_id"}


def test_a_header_nobody_knows_is_guessed_by_values_and_unsurely(write, one):
    text = (
        "Абон;Дт;Начислено итого;Кто вёл;Шт\nООО Ромашка;01.03.2026;1 000,50;Иванов;1\n"
        "ООО Василёк;02.03.2026;2 500,00;Иванов;2\nООО Лютик;31.02.2026;700,00;Иванов;1\n"
    )
    guesses = {guess.column: (guess.target, guess.confidence) for guess in one(write("т.csv", text)).guesses}
    assert {name: target for name, (target, _) in guesses.items() if target} == {
        "Абон": "customer_id",
        "Дт": "ordered_at",
        "Начислено итого": "amount",
    }
    assert max(confidence for _, confidence in guesses.values()) < 0.3
    assert not [guess for guess in one(write("п.csv", "ыф;яч\nслово;дело\nслово;тело\n")).guesses if guess.target]


def test_a_register_without_numbers_of_orders_is_no_list_of_deals(write, one):
    text = (
        "Дата реализации;Контрагент;Сумма продажи;Ответственный;Подразделение\n01.03.2026;ООО Ромашка;1 000,50;Иванов;Опт\n"
        "02.03.2026;ООО Лютик;700,00;Петров;Опт\n"
    )
    assert one(write("реестр.csv", text)).entity == "orders"


def test_a_very_wide_sheet_of_sales_is_no_list_of_payments(write, one):
    fields = [f"Поле {number}" for number in range(40)]
    lines = [";".join(["Дата", "Клиент", "Сумма", *fields])]
    lines += [f"{day:02}.03.2026;ООО Ромашка;{day * 10},5;" + ";".join(["-"] * 40) for day in (1, 2, 15)]
    assert one(write("продажи.csv", "\n".join(lines) + "\n")).entity == "orders"


def test_a_proposed_pipeline_brings_its_stages(write, one):
    text = "opportunity_id,sales_agent,account,deal_stage,engage_date,close_date,close_value\nA,M,I,Won,2016-10-20,2017-03-01,10\nB,M,I,Engaging,2016-10-20,,\n"
    found = one(write("sales_pipeline.csv", text))
    assert (found.recognised_by, found.entity) == ("proposal", "deals")
    assert [(row["stage_id"], row["outcome"]) for row in tables(found)["stages"].rows] == [
        ("Engaging", "open"),
        ("Won", "won"),
    ]


def test_a_proposal_is_saved_confirmed_and_known_next_time(write, scratch):
    path = write("sales_pipeline.csv", "opportunity_id,account,engage_date,close_value\nA,I,2016-10-20,10\n")
    with pytest.raises(MappingNeeded) as raised:
        list(deliveries([path], scratch=scratch))
    (found,) = inspect(path, profiles=[raised.value.proposal], scratch=scratch)
    assert found.recognised_by == "profile"
    (delivery,) = deliveries([path], profiles=[raised.value.proposal], scratch=scratch)
    assert (delivery.slot, delivery.entity, delivery.mapping) == ("sales_pipeline.csv", "deals", found.mapping)


def test_two_shapes_under_one_file_name_are_two_profiles(write, one):
    first = one(write("a/export.csv", "opportunity_id,account,engage_date\nA,I,2016-10-20\n")).profile
    second = one(write("b/export.csv", "call id,operator,call time\n1,M,2016-10-20\n")).profile
    assert first.name.startswith("export-")
    assert first.name != second.name


def test_a_new_shape_among_known_files_is_kept_raw_and_says_so(write, scratch):
    known = write("export/channels.csv", "channel_id,name\nseo,Search\n")
    write("export/inventory.csv", "shelf,weight\nA1,12\n")
    unknown, channels = sorted(deliveries([known.parent], scratch=scratch), key=lambda item: item.mapping.tables == ())[
        ::-1
    ]
    assert [table.table for table in channels.mapping.tables] == ["channels"]
    assert (unknown.entity, unknown.mapping.tables) == (RAW_ONLY, ())
    assert "kept as it came" in unknown.notes[-1].en
