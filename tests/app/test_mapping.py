"""Do a person's choices become a mapping that loads?"""

import pytest

from rakurs.app.mapping import CUSTOM, IGNORED, Details, Lacking, Stage, mapping_from, target_groups
from rakurs.core.errors import BadInput
from rakurs.core.source import FileMapping, TableMapping, Value

NOTHING_KNOWN = FileMapping(name="начисления", tables=())


def test_orders_bring_their_customers_along() -> None:
    choices = {
        "Абон": "orders.customer_id",
        "Дт": "orders.ordered_at",
        "Итого": "orders.amount",
        "Тел": "customers.phone",
        "Прим": CUSTOM,
        "Подпись": IGNORED,
    }
    mapping = mapping_from(NOTHING_KNOWN, choices, main="raw")
    customers, orders = mapping.tables
    assert (customers.table, orders.table) == ("customers", "orders")
    assert customers.distinct
    assert customers.values == {
        "customer_id": Value(columns=("Абон",)),
        "name": Value(columns=("Абон",)),
        "phone": Value(columns=("Тел",)),
    }
    assert orders.values["order_id"] == Value(row_number=True)
    assert orders.keep_custom
    assert mapping.ignored == ("Подпись",)


def test_what_the_proposal_filled_without_a_column_stays() -> None:
    proposal = FileMapping(
        name="сделки",
        tables=(
            TableMapping(
                table="deals",
                values={
                    "deal_id": Value(columns=("№",)),
                    "created_at": Value(columns=("Когда",)),
                    "pipeline_id": Value(constant="main"),
                    "amount": Value(columns=("Сумма",)),
                },
            ),
        ),
    )
    choices = {"№": "deals.deal_id", "Когда": "deals.created_at", "Сумма": CUSTOM}
    (deals,) = (table for table in mapping_from(proposal, choices, main="deals").tables if table.table == "deals")
    assert deals.values["pipeline_id"] == Value(constant="main")
    assert "amount" not in deals.values


def test_lacking_columns_are_named() -> None:
    with pytest.raises(BadInput, match="Ordered"):
        mapping_from(NOTHING_KNOWN, {"Итого": "orders.amount", "Дт": CUSTOM}, main="raw")


def test_no_choice_at_all_is_refused() -> None:
    with pytest.raises(BadInput, match="No column"):
        mapping_from(NOTHING_KNOWN, {"Итого": CUSTOM}, main="raw")


def test_targets_start_with_the_likeliest_table() -> None:
    groups = target_groups("en", main="deals")
    assert groups[0].label == "Deals"
    assert any(target.value == "deals.deal_id" and target.is_required for target in groups[0].targets)


DEALS = {
    "№": "deals.deal_id",
    "Когда": "deals.created_at",
    "Стадия": "deals.stage_id",
    "Товар": "deals.product_id",
}


def test_words_stages_constants_and_writing_reach_the_mapping() -> None:
    details = Details(
        replacements={"Товар": {"GTXPro": "GTX Pro", "MG": "MG"}},
        constants={"deals.pipeline_id": "ремонт"},
        stages=(
            Stage(pipeline="ремонт", word="Новое", name="Новое", outcome="open", position=1),
            Stage(pipeline="ремонт", word="Подписали", name="Договор", outcome="won", position=2),
            Stage(pipeline="ремонт", word="подписали", name="Договор", outcome="won", position=2),
            Stage(pipeline="ремонт", word="Слилось", name="Отказ", outcome="lost", position=3),
        ),
        date_order="mdy",
        currency="KZT",
    )
    mapping = mapping_from(NOTHING_KNOWN, DEALS, main="deals", details=details)
    tables = {table.table: table for table in mapping.tables}
    assert [(row["stage_id"], row["name"], row["outcome"]) for row in tables["stages"].rows] == [
        ("Новое", "Новое", "open"),
        ("Подписали", "Договор", "won"),
        ("Слилось", "Отказ", "lost"),
    ]
    assert tables["deals"].values["stage_id"].replace == {"подписали": "Подписали"}
    assert tables["deals"].values["pipeline_id"] == Value(constant="ремонт")
    assert tables["deals"].values["product_id"].replace == {"GTXPro": "GTX Pro"}
    assert tables["products"].values["product_id"].replace == {"GTXPro": "GTX Pro"}
    assert (mapping.date_order, mapping.currency) == ("mdy", "KZT")


def test_stages_that_were_proposed_stay() -> None:
    rows = ({"pipeline_id": "main", "stage_id": "Новое", "name": "Новое", "position": 1, "outcome": "open"},)
    proposal = FileMapping(
        name="сделки",
        tables=(
            TableMapping(table="pipelines", rows=({"pipeline_id": "main", "name": "Основная"},)),
            TableMapping(table="stages", rows=rows),
            TableMapping(table="deals", values={"pipeline_id": Value(constant="main")}),
        ),
    )
    mapping = mapping_from(proposal, DEALS, main="deals")
    assert next(table.rows for table in mapping.tables if table.table == "stages") == rows


def test_what_is_lacking_is_named_column_by_column() -> None:
    with pytest.raises(Lacking) as lacking:
        mapping_from(NOTHING_KNOWN, {"Стадия": "deals.stage_id", "Товар": "deals.product_id"}, main="deals")
    assert lacking.value.targets == ("deals.created_at",)
