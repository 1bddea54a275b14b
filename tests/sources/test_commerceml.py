"""Does what a base of 1C sends end in the base's own numbers: catalogue, prices, stock, documents, changes and deletions?"""

import shutil
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rakurs.core.errors import Cancelled, SourceRefused, UnreadableFile
from rakurs.core.loading import silent
from rakurs.core.text import Text
from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.marts.orders import CANCELLED
from rakurs.sources.commerceml import SOURCE, reading
from rakurs.sources.commerceml.known import Known
from rakurs.sources.commerceml.reading import ROOT
from rakurs.sources.live import Wanted
from rakurs.sources.receiving import DONE, OPEN, ReceivedFile, Unfinished
from rakurs.sources.spool import Spool
from sources.commerceml_client import (
    OWNER,
    PRICE_TYPES,
    RETAIL,
    WHOLESALE,
    Base,
    Paper,
    Writing,
    pages,
)
from sources.commerceml_follower import PASSWORD, Follower, remarks, whole


@pytest.fixture
def base() -> Base:
    return Base()


@pytest.fixture
def follower(tmp_path: Path) -> Iterator[Follower]:
    found = Follower(tmp_path)
    yield found
    found.close()


WRITINGS = {
    "plain": Writing(),
    "marked": Writing(has_bom=True),
    "windows-1251": Writing(encoding="windows-1251", namespace=None),
    "utf-16": Writing(encoding="utf-16"),
    "commas": Writing(has_commas=True, encoding="windows-1251"),
    "rests": Writing(stock="rests"),
}


@pytest.mark.parametrize("writing", WRITINGS.values(), ids=WRITINGS)
def test_a_full_exchange_has_the_bases_own_numbers(tmp_path: Path, writing: Writing) -> None:
    base, follower = Base(writing=writing), Follower(tmp_path)
    base.papers["order-0000"].amount = Decimal("1234567.50")
    report = follower.sent(whole(base))
    assert follower.numbers() == base.truth()
    assert follower.warehouse.quarantine_counts() == []
    assert remarks(report) == ""
    counts = {count.table: count.inserted for count in report.tables}
    assert counts["products"] == len(base.truth()["products"])
    assert counts["orders"] == len(base.papers)
    follower.close()


def test_what_is_told_besides_stands_beside(base: Base, follower: Follower) -> None:
    base.papers["order-0001"].details |= {"Метод оплаты": "Наличный расчет", "Комментарий по доставке": "до 18:00"}
    follower.sent(whole(base))
    product = follower.row("products", "good-0000#size-1")
    assert product["name"] == "Товар «0» <А&Б> (41, Синий)"
    assert '"Артикул":"А-00000"' in product["custom"]
    assert '"Единица":"шт"' in product["custom"]
    assert '"Группа верхнего уровня":"Инструмент"' in follower.row("products", "good-0001")["custom"]
    firm, man = follower.row("customers", "c-firm"), follower.row("customers", "c-man")
    assert (firm["kind"], firm["tax_id"], firm["phone"], firm["email"]) == ("company", "7701234567", "+7 495 123-45-67", "zakaz@romashka.example")  # fmt: skip
    assert '"КПП":"770101001"' in firm["custom"]
    assert (man["kind"], man["name"], man["city"]) == ("person", "Петров Пётр", "Тула")
    order = follower.row("orders", "order-0001")
    assert order["manager_id"] == "commerceml:Анна Ковалёва"
    assert '"Метод оплаты":"Наличный расчет"' in order["custom"]
    assert "Менеджер" not in order["custom"]
    assert {row["name"] for row in follower.rows("employees")} == {"Анна Ковалёва"}
    assert SOURCE.check(follower.settings).who == f"1C: {OWNER}"


def test_changes_alone_change_what_they_tell(base: Base, follower: Follower) -> None:
    follower.sent(whole(base))
    variant = base.goods["good-0003"].variants["good-0003#size-0"]
    variant.prices[RETAIL], variant.stock = Decimal("77.10"), {"s-shop": Decimal(3)}
    del base.goods["good-0003"].variants["good-0003#size-1"].stock["s-shop"]
    base.goods["good-0004"].group = "g-drills"
    fresh = base.add_good("good-new", variants=2)
    base.add_order("order-new", lines=2)
    report = follower.sent(
        {
            "import.xml": base.catalogue(goods=["good-0004", fresh.id], is_full=False),
            "offers.xml": base.offers(goods=["good-0003", fresh.id], is_full=False),
            "orders.xml": base.documents("order-new"),
        }
    )
    assert follower.numbers() == base.truth()
    counts = {count.table: (count.inserted, count.updated, count.removed) for count in report.tables}
    assert counts["orders"] == (1, 0, 0)
    # The new product with its variants; the one that moved to another group; of the one with variants the one whose price is other.
    assert counts["products"] == (3, 2, 0)


def test_a_group_that_is_called_otherwise_renames_the_category_of_variants_too(base: Base, follower: Follower) -> None:
    follower.sent(whole(base))
    base.groups["g-paint"] = ("Лаки и краски", None)
    follower.sent({"import.xml": base.catalogue(goods=[], is_full=False)})
    assert follower.numbers() == base.truth()


def test_what_a_full_set_lacks_is_gone_and_of_what_it_covers_only(base: Base, follower: Follower) -> None:
    follower.sent(whole(base))
    gone = [base.goods.pop(key) for key in ("good-0000", "good-0005")]
    report = follower.sent({"import.xml": base.catalogue(), "offers.xml": base.offers()})
    assert follower.numbers() == {**base.truth(), "stock": follower.numbers()["stock"]}
    assert sum(count.removed for count in report.tables) == 1 + len(gone[0].variants) + 1
    assert len(follower.rows("orders")) == len(base.papers)
    # What was sold stays sold, and nothing is left in stock.
    assert {product for product, _ in follower.numbers()["stock"]} == {
        key for good in base.goods.values() for key in good.variants
    }
    base.goods |= {good.id: good for good in gone}
    follower.sent(whole(base))
    assert follower.numbers() == base.truth()


def test_a_set_of_stock_or_prices_alone_covers_these_alone(base: Base, follower: Follower) -> None:
    follower.sent(whole(base))
    for good in list(base.goods)[::2]:
        for variant in base.goods[good].variants.values():
            variant.stock = {}
    left = list(base.goods)[1::2]
    follower.sent({"rests.xml": base.offers(goods=left, tells=("stock",))})
    assert follower.numbers() == base.truth()
    for good in list(base.goods)[::2]:
        for variant in base.goods[good].variants.values():
            variant.prices = {}
    follower.sent({"prices.xml": base.offers(goods=left, tells=("prices",))})
    assert follower.numbers() == base.truth()


@pytest.mark.parametrize("stage", ["told", "as many as before", "cut off", "not whole"])
def test_a_set_in_several_documents_deletes_only_when_all_of_it_is_here(
    base: Base, follower: Follower, stage: str
) -> None:
    follower.sent({**pages(base, 3, base.catalogue, "import"), **pages(base, 3, base.offers, "offers")}, is_told=False)
    assert follower.numbers()["products"] == base.truth()["products"]
    first, second, *_ = base.goods
    del base.goods[first]
    base.goods[second].name = "Другое название"
    catalogue = pages(base, 3, base.catalogue, "import")
    if stage == "cut off":
        catalogue.pop("import0_3.xml")
    report = follower.sent(catalogue, is_told=stage == "told", is_whole=stage != "not whole")
    is_there = any(row["source_id"] == first for row in follower.rows("products"))
    assert is_there == (stage in {"cut off", "not whole"})
    assert ("did not come to its end" in remarks(report)) == is_there
    assert bool(SOURCE.check(follower.settings).advice) == is_there


def test_a_set_that_goes_on_after_a_silence_is_one_set(base: Base, follower: Follower) -> None:
    follower.sent(pages(base, 3, base.catalogue, "import"))
    first, *_, last = base.goods
    del base.goods[first]
    documents = pages(base, 3, base.catalogue, "import")
    ending = {"import0_3.xml": documents.pop("import0_3.xml")}
    begun = follower.number + 1
    follower.sent(documents, is_told=False)
    assert {first, last} <= {row["source_id"] for row in follower.rows("products")}
    follower.sent(ending, since=begun)
    assert {first, last} & {row["source_id"] for row in follower.rows("products")} == {last}


def test_what_is_marked_as_deleted_is_gone(base: Base, follower: Follower) -> None:
    follower.sent(whole(base))
    del base.goods["good-0003"]
    base.papers["order-0002"].is_deleted = True
    follower.sent(
        {
            "import.xml": base.catalogue(goods=[], is_full=False, deleted=["good-0003"]),
            "orders.xml": base.documents("order-0002"),
        }
    )
    found = follower.numbers()
    assert (found["products"], found["orders"], found["lines"]) == tuple(
        base.truth()[name] for name in ("products", "orders", "lines")
    )
    base.papers["order-0002"].is_deleted = False
    follower.sent({"orders.xml": base.documents("order-0002")})
    assert follower.numbers()["lines"] == base.truth()["lines"]


def test_orders_change_lose_lines_are_cancelled_and_paid(base: Base, follower: Follower) -> None:
    follower.sent(whole(base))
    changed, cancelled, paid, emptied = (base.papers[f"order-{number:04}"] for number in (2, 3, 4, 5))
    changed.lines = [(changed.lines[0][0], Decimal(9), Decimal("10.05"))]
    changed.details["Статус заказа"] = "[F] Выполнен"
    cancelled.details["Отменен"] = "true"
    paid.details |= {"Заказ оплачен": "true", "Дата оплаты": "2026-08-30 10:15:00"}
    emptied.lines = []
    follower.sent({"orders.xml": base.documents(changed.id, cancelled.id, paid.id, emptied.id)})
    assert follower.numbers() == base.truth()
    assert follower.row("orders", cancelled.id)["status"].lower() in CANCELLED
    assert follower.row("orders", paid.id)["paid_at"] == datetime(2026, 8, 30, 7, 15)  # noqa: DTZ001
    # Twice in one exchange: the later document counts, its lines too.
    changed.lines = [
        *changed.lines,
        (changed.lines[0][0], Decimal(1), Decimal(1)),
        (changed.lines[0][0], Decimal(2), Decimal(1)),
    ]
    more = base.documents(changed.id)
    changed.lines = changed.lines[:2]
    follower.sent({"orders1.xml": more, "orders2.xml": base.documents(changed.id)})
    assert follower.numbers() == base.truth()


def test_a_document_of_the_state_alone_changes_nothing_else(base: Base, follower: Follower) -> None:
    follower.sent(whole(base))
    state = base.status("order-0001", **{"Статус заказа": "[P] Отгружен", "Отменен": "false"})
    follower.sent({"documents.xml": state}, kind="sale")
    assert follower.numbers() == base.truth()
    assert follower.row("orders", "order-0001")["status"] == "Отгружен"


def test_returns_payments_and_deliveries_belong_to_their_orders(base: Base, follower: Follower) -> None:
    order = base.papers["order-0000"]
    product, _, price = order.lines[0]

    def add(key: str, operation: str, *, lines: int = 0, held: bool = True, **details: str) -> Paper:
        paper = Paper(
            id=key,
            operation=operation,
            at=base.now,
            customer=order.customer,
            lines=[(product, Decimal(1), price)] * lines,
            amount=None if lines else Decimal("500.00"),
            base=order.id if held else None,
            details=details,
        )
        base.papers[key] = paper
        return paper

    add("return-1", "Возврат товара", lines=1, Проведен="true")
    add("payment-1", "Выплата безналичных денег", Оплачен="true")
    add("refund-1", "Возврат наличных денег")
    add("delivery-1", "Отпуск товара", lines=1)
    add("till-1", "Отпуск товара", lines=2, held=False)
    draft = add("draft-1", "Возврат товара", lines=1, Проведен="false")
    draft.is_deleted = True  # so the truth: a document that is not posted is not there
    follower.marts = (CALENDAR_MART, *MARTS)
    draft_text = base.documents(draft.id).replace("ПометкаУдаления".encode(), "Пометка".encode())
    follower.sent({"import.xml": base.catalogue(), "offers.xml": base.offers()})
    del base.papers[draft.id]
    follower.sent({"orders.xml": base.documents(), "draft.xml": draft_text}, kind="sale")
    assert follower.numbers() == base.truth()
    with follower.warehouse.reading() as reader:
        sales = {row["sale_id"]: row for row in reader.collect(reader.frame("sales")).to_pylist()}
    assert "commerceml:delivery-1" not in sales
    assert sales["commerceml:return-1"]["revenue"] == -price
    assert sales["commerceml:return-1"]["is_sale"] is False
    # A delivery that came before its order was a sale by itself until then.
    late = Base(goods=2, orders=1)
    other = Follower(follower.folder / "late")
    shipped = Paper("ship", "Отпуск товара", late.now, "c-firm", late.papers["order-0000"].lines, base="order-0000")
    late.papers["ship"] = shipped
    other.sent({"d.xml": late.documents("ship")}, kind="sale")
    assert {row["source_id"] for row in other.rows("orders")} == {"ship"}
    other.sent({"d.xml": late.documents("order-0000")}, kind="sale")
    assert {row["source_id"] for row in other.rows("orders")} == {"order-0000"}
    other.close()


def test_documents_in_a_container_belong_together(base: Base, follower: Follower) -> None:
    base.papers["pay"] = Paper(
        "pay", "Эквайринговая операция", base.now, "c-man", [], amount=Decimal(10), base="order-0000"
    )
    base.papers["ship"] = Paper(
        "ship", "Отпуск товара", base.now, "c-man", base.papers["order-0000"].lines, base="order-0000"
    )
    follower.sent(
        {
            "import.xml": base.catalogue(),
            "offers.xml": base.offers(),
            "d.xml": base.documents("order-0000", in_containers=True),
        }
    )
    found = follower.numbers()
    assert found["orders"].keys() == {"order-0000"}
    assert found["payments"] == {"pay": ("order-0000", Decimal(10), False)}


def test_what_is_sold_and_in_no_catalogue_is_known_by_its_line(base: Base, follower: Follower) -> None:
    base.papers["order-0000"].lines.append(("ORDER_DELIVERY", Decimal(1), Decimal(340)))
    follower.sent(whole(base))
    assert follower.row("products", "ORDER_DELIVERY")["name"] == "Строка"
    assert follower.numbers()["lines"] == base.truth()["lines"]
    # Names of the catalogue are not written over by lines.
    follower.sent({"orders.xml": base.documents("order-0001")})
    assert follower.row("products", "good-0001")["name"] == base.goods["good-0001"].name


def test_a_customer_keeps_what_a_later_document_leaves_out(base: Base, follower: Follower) -> None:
    follower.sent(whole(base))
    base.customers["c-firm"] = {"name": "ООО «Ромашка»"}
    follower.sent({"orders.xml": base.documents("order-0001")})
    firm = follower.row("customers", "c-firm")
    assert (firm["name"], firm["phone"], firm["tax_id"]) == ("ООО «Ромашка»", "+7 495 123-45-67", "7701234567")


def test_a_warehouse_that_is_called_otherwise_keeps_its_stock_once(base: Base, follower: Follower) -> None:
    follower.sent(whole(base))
    base.stores["s-main"] = "Центральный склад"
    follower.sent({"offers.xml": base.offers(goods=[], is_full=False)})
    assert follower.numbers()["stock"] == base.truth()["stock"]


def test_stock_that_stays_is_counted_once_a_day(base: Base, follower: Follower) -> None:
    follower.sent(whole(base))
    counted = len(follower.rows("stock"))
    version = follower.warehouse.data_version
    follower.sent({"offers.xml": base.offers()})
    assert (len(follower.rows("stock")), follower.warehouse.data_version) == (counted, version)
    base.now += timedelta(days=1)
    follower.sent({"offers.xml": base.offers()})
    assert len(follower.rows("stock")) == 2 * counted
    assert follower.numbers() == base.truth()


@pytest.mark.parametrize(
    ("settings", "prices", "told"),
    [
        ({}, (Decimal("1010.50"), Decimal("710.50")), ""),
        ({"sale_price": "оптовая"}, (Decimal("910.50"), Decimal("710.50")), ""),
        ({"sale_price": RETAIL, "cost_price": WHOLESALE}, (Decimal("1010.50"), Decimal("910.50")), ""),
        ({"sale_price": "Акция"}, (None, Decimal("710.50")), "There is no price type “Акция” among those that came (Закупочная, Розничная, Оптовая)"),
        ({"currency": "KZT"}, (None, None), "is in RUB, the accounts are in KZT"),
    ],
)  # fmt: skip
def test_price_types_are_chosen_by_name(
    base: Base, tmp_path: Path, settings: dict[str, str], prices: tuple[Decimal | None, ...], told: str
) -> None:
    follower = Follower(tmp_path, **settings)
    report = follower.sent(whole(base))
    row = follower.row("products", "good-0001")
    assert (row["list_price"], row["unit_cost"]) == prices
    assert told in remarks(report)
    assert bool(told) == bool(SOURCE.check(follower.settings).advice)
    # Other settings are a full run: nothing has to be sent again.
    follower.settings = SOURCE.settings.model_validate(
        {**follower.given, "sale_price": PRICE_TYPES[WHOLESALE], "currency": "RUB"}
    )
    follower.run("full")
    assert follower.row("products", "good-0001")["list_price"] == Decimal("910.50")
    follower.close()


def test_a_price_for_a_box_is_a_price_for_a_piece(base: Base, follower: Follower) -> None:
    offers = base.offers().replace("<Коэффициент>1<".encode(), "<Коэффициент>12<".encode())
    follower.sent({"import.xml": base.catalogue(), "offers.xml": offers})
    assert follower.row("products", "good-0001")["list_price"] == Decimal("84.2083")


def test_values_that_cannot_be_are_set_aside_with_their_place_and_the_rest_comes(
    base: Base, follower: Follower
) -> None:
    orders = base.documents().replace("<Количество>1<".encode(), "<Количество>много<".encode(), 1)
    offers = base.offers().replace('КоличествоНаСкладе="7"'.encode(), 'КоличествоНаСкладе="семь"'.encode())
    catalogue = base.catalogue().replace(b"<" + "Ид".encode() + b">good-0004<", b"<" + "Ид".encode() + b"><")
    follower.sent({"import.xml": catalogue, "offers.xml": offers, "orders.xml": orders})
    assert follower.warehouse.quarantine_counts() == [
        ("order_lines", "not_a_number", 1),
        ("products", "required_missing", 1),
        ("stock", "not_a_number", 1),
    ]
    told = {row["table_name"]: row["raw"] for row in follower.warehouse.quarantined().to_pylist()}
    assert all(word in told["order_lines"] for word in ("orders.xml", "много"))
    assert all(word in told["stock"] for word in ("offers.xml", "семь"))
    assert len(follower.rows("order_lines")) == len(base.truth()["lines"]) - 1


BROKEN = {
    "half": (lambda text: text[: len(text) // 2], "breaks off"),
    "tags": (lambda text: text.replace(b"</", b"<", 1), "mismatched|damaged"),
    "external entity": (
        lambda text: text.replace(f"<{ROOT}".encode(), b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + f"<{ROOT}".encode(), 1),
        "DOCTYPE",
    ),
    "billion laughs": (
        lambda text: text.replace(f"<{ROOT}".encode(), b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>' + f"<{ROOT}".encode(), 1),
        "DOCTYPE",
    ),
    "another format": (lambda _: b"<html><body>Sign in</body></html>", "begins with “html”"),
    "nothing": (lambda _: b"", "breaks off"),
    "other letters": (lambda text: text.replace(b"utf-8", b"x-klingon", 1), "encoding|damaged"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_document_is_told_with_its_line_and_the_others_are_not_lost(
    base: Base, follower: Follower, kind: str
) -> None:
    spoil, words = BROKEN[kind]
    bad = spoil(base.offers())
    path = follower.folder / "bad.xml"
    path.write_bytes(bad)
    with pytest.raises(UnreadableFile, match=words) as broken:
        SOURCE.exchange.inspect(path, "offers0_1.xml")
    assert str(broken.value).startswith("offers0_1.xml: ")
    assert isinstance(broken.value, Unfinished) == (kind in {"half", "nothing"})
    # Even past the look at the door it stops nothing else, and deletes nothing.
    report = follower.sent({"import.xml": base.catalogue(), "offers0_1.xml": bad, "orders.xml": base.documents()})
    assert follower.numbers()["orders"] == base.truth()["orders"]
    assert "offers0_1.xml" in remarks(report)
    with pytest.raises(SourceRefused, match=r"offers0_1\.xml"):
        follower.run()
    assert "offers0_1.xml" in SOURCE.check(follower.settings).advice.en
    follower.sent(whole(base))
    assert follower.numbers() == base.truth()
    assert SOURCE.check(follower.settings).advice is None


def test_what_was_refused_at_the_door_is_told(base: Base, follower: Follower) -> None:
    refused = ReceivedFile(
        name="offers.xml",
        stored="9",
        state="refused",
        trouble_ru="offers.xml: строка 7",
        trouble_en="offers.xml: line 7",
    )
    follower.sent({"import.xml": base.catalogue()}, is_whole=False, troubles=(refused,))
    with pytest.raises(SourceRefused, match="line 7"):
        follower.run()


@pytest.mark.parametrize(("limit", "name"), [("MOST_SIGNS", "Каталог"), ("MOST_DEPTH", "Группа")])
def test_a_record_without_measure_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str, name: str
) -> None:
    monkeypatch.setattr(reading, limit, 30)
    deep = "<Группы><Группа>" * 40 + "</Группа></Группы>" * 40
    (tmp_path / "x").write_text(f"<{ROOT}><Классификатор>{deep}</Классификатор></{ROOT}>", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="too large"):
        list(reading.parts(tmp_path / "x", "x.xml"))


def test_a_large_document_is_read_a_record_at_a_time(tmp_path: Path) -> None:
    peaks: list[int] = []
    for count in (4_000, 16_000):
        with (tmp_path / "x").open("w", encoding="utf-8") as file:
            file.write(f"<{ROOT}><Каталог><Ид>c</Ид><Товары>")
            file.writelines(
                f"<Товар><Ид>{number}</Ид><Наименование>Товар</Наименование></Товар>" for number in range(count)
            )
            file.write(f"</Товары></Каталог></{ROOT}>")
        tracemalloc.start()
        assert sum(1 for _ in reading.parts(tmp_path / "x", "x.xml")) == count + 2
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.parametrize("after", [1, 30, 70])
def test_a_run_that_is_stopped_anywhere_ends_with_the_same_numbers(
    base: Base, follower: Follower, tmp_path: Path, after: int
) -> None:
    def stop(_step: Text, *, done: int, total: int) -> None:
        if done >= after:
            raise Cancelled(Text(ru="стоп", en="stop"))

    follower.left({"import.xml": base.catalogue(), "offers.xml": base.offers()})
    follower.left({"orders.xml": base.documents()}, kind="sale")
    wanted = Wanted(kind="full")
    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, wanted, Spool(tmp_path / "stopped"), stop)
    again = Spool(tmp_path / "stopped")
    follower.taken(again, SOURCE.fetch(follower.settings, wanted, again, silent))
    assert follower.numbers() == base.truth()
    assert not list((follower.received / DONE).iterdir())


def test_a_run_that_was_not_loaded_is_fetched_again(base: Base, follower: Follower, tmp_path: Path) -> None:
    follower.left(whole(base))
    SOURCE.fetch(follower.settings, Wanted(kind="full"), Spool(tmp_path / "lost"), silent)
    shutil.rmtree(tmp_path / "lost")
    follower.run("full")
    assert follower.numbers() == base.truth()


def test_a_person_can_be_taken_out_of_what_is_kept(base: Base, follower: Follower) -> None:
    assert SOURCE.exchange.clean(follower.received, (), lambda body: body) == 0
    base.papers["order-0000"].details["Адрес"] = "Тула, Петров Пётр"
    follower.sent(whole(base))
    version = follower.warehouse.data_version

    def cleaned(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: cleaned(item) for name, item in value.items()}
        return value.replace("Петров Пётр", "█") if isinstance(value, str) else value

    assert SOURCE.exchange.clean(follower.received, {"c-man"}, cleaned) == 2
    assert SOURCE.exchange.clean(follower.received, {"c-man"}, cleaned) == 0
    follower.run()
    assert follower.warehouse.data_version == version
    follower.run("full")
    assert follower.row("customers", "c-man")["name"] is None
    assert "Тула, █" in follower.row("orders", "order-0000")["custom"]
    with Known(follower.received / "known.sqlite") as known:
        assert "Петров" not in "".join(str(thing) for kind in ("customer", "document") for thing in known.all(kind))


def test_nothing_new_changes_nothing(base: Base, follower: Follower) -> None:
    follower.sent(whole(base))
    version = follower.warehouse.data_version
    follower.run()
    assert follower.warehouse.data_version == version
    follower.run("full")
    assert follower.warehouse.data_version == version
    assert SOURCE.fetch(follower.settings, Wanted(kind="period"), follower.spool(), silent) == {}


def test_before_anything_came_the_check_says_what_to_do(base: Base, follower: Follower) -> None:
    fresh = SOURCE.settings.model_validate({"login": "exchange", "password": PASSWORD})
    for settings in (fresh, follower.settings):
        reached = SOURCE.check(settings)
        assert "the user “exchange”" in reached.advice.en
    follower.run("full")
    assert follower.cursor == {"exchange": "0"}
    assert "the user “exchange”" in SOURCE.check(follower.settings).advice.en
    follower.left(whole(base))
    assert "waits to be loaded" in SOURCE.check(follower.settings).advice.en
    follower.run()
    reached = SOURCE.check(follower.settings)
    assert (reached.advice, {title.en: count for title, count in reached.counts}["Documents"]) == (None, 20)
    (follower.received / OPEN / "000000000009").mkdir(parents=True)
    assert "sending files now" in SOURCE.check(follower.settings).advice.en
    assert PASSWORD not in f"{follower.settings!r}{SOURCE.identity(follower.settings)}{reached}"


@pytest.mark.parametrize(
    "wrong", [{"login": ""}, {"login": "a:b"}, {"password": "short"}, {"piece_mb": "0"}, {"timezone": "Mars/Olympus"}]
)
def test_settings_that_cannot_be_are_refused_at_once(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is needed"):
        SOURCE.settings.model_validate({"login": "exchange", "password": PASSWORD, **wrong})
