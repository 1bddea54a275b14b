"""A base of 1C as Rakurs meets it: it holds a shop's goods and documents, writes them as CommerceML 2, and sends them as the protocol says.

What it holds is the truth that the warehouse must end with. How it writes (`Writing`) varies as versions of 1C do.
"""

import io
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self
from xml.etree import ElementTree as ET

import httpx

BOM = b"\xef\xbb\xbf"
CATALOGUE, PACKAGE = "catalogue-1", "catalogue-1#"
RETAIL, PURCHASE, WHOLESALE = "price-retail", "price-purchase", "price-wholesale"
PRICE_TYPES = {RETAIL: "Розничная", PURCHASE: "Закупочная", WHOLESALE: "Оптовая"}
OWNER = "ООО «Стройснаб»"
Rows = Callable[[str], list[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How documents are written: encoding, namespace, numbers with commas, the way stock is told, which documents offers come in."""

    encoding: str = "utf-8"
    has_bom: bool = False
    namespace: str | None = "urn:1C.ru:commerceml_2"
    has_commas: bool = False
    stock: str = "attributes"
    is_split: bool = False

    def number(self, value: Decimal) -> str:
        return f"{value:,}".replace(",", "\u00a0").replace(".", ",") if self.has_commas else str(value)


@dataclass
class Good:
    """A product, or where it has characteristics the product that they are of."""

    id: str
    name: str
    group: str
    brand: str | None = None
    article: str | None = None
    variants: dict[str, "Variant"] = field(default_factory=dict)


@dataclass
class Variant:
    """What is sold: a characteristic of a good, or the good itself where its id is the good's."""

    id: str
    traits: Mapping[str, str]
    prices: dict[str, Decimal]
    stock: dict[str, Decimal]


@dataclass
class Paper:
    """A document of trade."""

    id: str
    operation: str
    at: datetime
    customer: str
    lines: list[tuple[str, Decimal, Decimal]]
    details: dict[str, str] = field(default_factory=dict)
    amount: Decimal | None = None
    base: str | None = None
    is_deleted: bool = False

    @property
    def total(self) -> Decimal:
        return (
            self.amount
            if self.amount is not None
            else sum((quantity * price for _, quantity, price in self.lines), Decimal())
        )


class Base:
    """A shop: groups, goods with and without characteristics, three price types, two warehouses, customers, documents."""

    def __init__(self, *, goods: int = 12, orders: int = 20, writing: Writing | None = None) -> None:
        self.writing = writing or Writing()
        self.now = datetime(2026, 9, 1, 8, 30)  # noqa: DTZ001 - 1C writes its own clock
        self.groups = {"g-tools": ("Инструмент", None), "g-drills": ("Дрели", "g-tools"), "g-paint": ("Краски", None)}
        self.brands = {"b-1": "Зубр", "b-2": "Текс"}
        self.stores = {"s-main": "Основной склад", "s-shop": "Магазин «Центр»"}
        self.customers: dict[str, dict[str, str]] = {
            "c-firm": {"name": "ООО «Ромашка & Ко»", "tax": "7701234567", "branch": "770101001", "phone": "+7 495 123-45-67", "mail": "zakaz@romashka.example"},
            "c-man": {"last": "Петров", "first": "Пётр", "phone": "8 (916) 000-11-22", "city": "г Тула"},
        }  # fmt: skip
        self.goods: dict[str, Good] = {}
        self.papers: dict[str, Paper] = {}
        for number in range(goods):
            self.add_good(f"good-{number:04}", variants=2 if number % 3 == 0 else 0)
        for number in range(orders):
            self.add_order(f"order-{number:04}", lines=1 + number % 3)

    def add_good(self, key: str, *, variants: int = 0) -> Good:
        number = len(self.goods)
        good = Good(
            id=key,
            name=f"Товар «{number}» <А&Б>",
            group="g-drills" if number % 2 else "g-paint",
            brand="b-1" if number % 2 else "b-2",
            article=f"А-{number:05}",
        )
        sizes = [f"{key}#size-{size}" for size in range(variants)] or [key]
        for place, one in enumerate(sizes):
            price = Decimal(1000 + 10 * number + place) + Decimal("0.50")
            good.variants[one] = Variant(
                id=one,
                traits={"Размер": str(40 + place), "Цвет": "Синий"} if variants else {},
                prices={RETAIL: price, PURCHASE: price - 300, WHOLESALE: price - 100},
                stock={"s-main": Decimal(5 + number), **({"s-shop": Decimal("1.5")} if number % 2 else {})},
            )
        self.goods[key] = good
        return good

    def add_order(self, key: str, *, lines: int = 1, **details: str) -> Paper:
        sold = [one for good in self.goods.values() for one in good.variants.values()]
        number = len(self.papers)
        taken = [sold[(number + place) % len(sold)] for place in range(lines)]
        paper = Paper(
            id=key,
            operation="Заказ товара",
            at=self.now - timedelta(days=number, minutes=number),
            customer="c-firm" if number % 2 else "c-man",
            lines=[(one.id, Decimal(1 + place), one.prices[RETAIL]) for place, one in enumerate(taken)],
            details={"Статус заказа": "[N] Принят", "Менеджер": "Анна Ковалёва", **details},
        )
        self.papers[key] = paper
        return paper

    # What it writes.

    def catalogue(
        self, *, goods: Collection[str] | None = None, is_full: bool = True, deleted: Collection[str] = ()
    ) -> bytes:
        """The classifier and the catalogue: all goods, or those that are asked for."""
        root = self._root()
        classifier = _in(root, "Классификатор")
        _said(classifier, Ид="classifier-1", Наименование="Классификатор")
        self._groups(classifier, None)
        maker = _in(_in(classifier, "Свойства"), "Свойство")
        _said(maker, Ид="p-maker", Наименование="Производитель", ТипЗначений="Справочник")
        values = _in(maker, "ВариантыЗначений")
        for key, name in self.brands.items():
            _said(_in(values, "Справочник"), ИдЗначения=key, Значение=name)
        listed = _in(root, "Каталог", СодержитТолькоИзменения="false" if is_full else "true")
        _said(listed, Ид=CATALOGUE, Наименование="Основной каталог")
        _said(_in(listed, "Владелец"), Ид="owner-1", Наименование=OWNER)
        items = _in(listed, "Товары")
        for key in self.goods if goods is None else goods:
            self._good(_in(items, "Товар"), self.goods[key])
        for key in deleted:
            _said(_in(items, "Товар", Статус="Удален"), Ид=key, Наименование="Был товар")
        return self._written(root)

    def offers(
        self,
        *,
        goods: Collection[str] | None = None,
        is_full: bool = True,
        tells: Collection[str] = ("names", "prices", "stock"),
        changed: bool = False,
    ) -> bytes:
        """A package of offers: names, prices and stock, or a part of them."""
        root = self._root()
        package = _in(
            root,
            "ИзмененияПакетаПредложений" if changed else "ПакетПредложений",
            СодержитТолькоИзменения="false" if is_full else "true",
        )
        _said(package, Ид=PACKAGE, Наименование="Предложения", ИдКаталога=CATALOGUE)
        types = _in(package, "ТипыЦен")
        for key, name in PRICE_TYPES.items():
            _said(_in(types, "ТипЦены"), Ид=key, Наименование=name, Валюта="руб")
        stores = _in(package, "Склады")
        for key, name in self.stores.items():
            _said(_in(stores, "Склад"), Ид=key, Наименование=name)
        items = _in(package, "Предложения")
        for key in self.goods if goods is None else goods:
            for variant in self.goods[key].variants.values():
                self._offer(_in(items, "Предложение"), self.goods[key], variant, tells)
        return self._written(root)

    def documents(self, *papers: str, in_containers: bool = False) -> bytes:
        """Documents of trade: all, or those that are asked for."""
        root = self._root()
        for key in papers or self.papers:
            above = _in(root, "Контейнер") if in_containers and self.papers[key].base is None else root
            self._paper(_in(above, "Документ"), self.papers[key])
            for paper in self.papers.values() if in_containers else ():
                if paper.base == key:
                    self._paper(_in(above, "Документ"), paper, is_held=True)
        return self._written(root)

    def status(self, key: str, **details: str) -> bytes:
        """A document that tells nothing but the state of an order."""
        paper = self.papers[key]
        paper.details |= details
        root = self._root()
        node = _in(root, "Документ")
        _said(
            node,
            Ид=key,
            Номер=key,
            Дата=f"{paper.at:%Y-%m-%d}",
            Время=f"{paper.at:%H:%M:%S}",
            ХозОперация=paper.operation,
        )
        _details(node, details)
        return self._written(root)

    # What Rakurs must end with.

    def truth(self) -> dict[str, Any]:
        return {
            "products": self._products(),
            "stock": {
                (variant.id, self.stores[store]): quantity
                for good in self.goods.values()
                for variant in good.variants.values()
                for store, quantity in variant.stock.items()
                if quantity
            },
            "orders": {paper.id: self._order(paper) for paper in self._trade()},
            "lines": {
                (paper.id, number): (product, _signed(paper, quantity), price, _signed(paper, quantity * price), _is_return(paper))
                for paper in self._trade()
                for number, (product, quantity, price) in enumerate(paper.lines, 1)
            },
            "payments": {
                paper.id: (paper.base, paper.total, paper.operation.startswith("Возврат"))
                for paper in self.papers.values()
                if "денег" in paper.operation and not paper.is_deleted
            },
        }  # fmt: skip

    def _products(self) -> dict[str, tuple[Any, ...]]:
        told: dict[str, tuple[Any, ...]] = {}
        for good in self.goods.values():
            about = (self.groups[good.group][0], self.brands.get(good.brand or ""))
            told[good.id] = (good.name, *about, None, None)
            for one in good.variants.values():
                told[one.id] = (_full_name(good, one), *about, one.prices.get(RETAIL), one.prices.get(PURCHASE))
        return told

    def _trade(self) -> list[Paper]:
        there = [paper for paper in self.papers.values() if not paper.is_deleted and "денег" not in paper.operation]
        return [paper for paper in there if paper.operation != "Отпуск товара" or paper.base is None]

    def _order(self, paper: Paper) -> tuple[Any, ...]:
        is_cancelled = paper.details.get("Отменен") == "true"
        status = "Отменён" if is_cancelled else paper.details.get("Статус заказа", "").partition("] ")[2] or None
        return (paper.customer, -paper.total if _is_return(paper) else paper.total, status, paper.at)

    def _root(self) -> ET.Element:
        attributes = {"xmlns": self.writing.namespace} if self.writing.namespace else {}
        self.now += timedelta(minutes=1)
        return ET.Element(
            "КоммерческаяИнформация", attributes, ВерсияСхемы="2.07", ДатаФормирования=f"{self.now:%Y-%m-%dT%H:%M:%S}"
        )

    def _written(self, root: ET.Element) -> bytes:
        text = ET.tostring(root, encoding=self.writing.encoding, xml_declaration=True)
        return (BOM if self.writing.has_bom else b"") + text

    def _groups(self, above: ET.Element, parent: str | None) -> None:
        own = [(key, name) for key, (name, over) in self.groups.items() if over == parent]
        box = _in(above, "Группы") if own else above
        for key, name in own:
            group = _in(box, "Группа")
            _said(group, Ид=key, Наименование=name)
            self._groups(group, key)

    def _good(self, node: ET.Element, good: Good) -> None:
        _said(node, Ид=good.id, Артикул=good.article or "", Наименование=good.name)
        unit = _in(node, "БазоваяЕдиница", Код="796 ", НаименованиеПолное="Штука")
        unit.text = "шт"
        _said(_in(node, "Группы"), Ид=good.group)
        _said(node, Описание="<p>Длинное описание</p>" * 20, Картинка="import_files/1a/1.jpg")
        if good.brand:
            _said(_in(_in(node, "ЗначенияСвойств"), "ЗначенияСвойства"), Ид="p-maker", Значение=good.brand)
        _details(node, {"ВидНоменклатуры": "Товар", "ТипНоменклатуры": "Товар"})

    def _offer(self, node: ET.Element, good: Good, variant: Variant, tells: Collection[str]) -> None:
        _said(node, Ид=variant.id)
        if "names" in tells:
            _said(node, Артикул=good.article or "", Наименование=good.name)
            box = _in(node, "ХарактеристикиТовара") if variant.traits else node
            for name, value in variant.traits.items():
                _said(_in(box, "ХарактеристикаТовара"), Наименование=name, Значение=value)
        if "prices" in tells:
            box = _in(node, "Цены")
            for kind, price in variant.prices.items():
                _said(
                    _in(box, "Цена"),
                    Представление="…",
                    ИдТипаЦены=kind,
                    ЦенаЗаЕдиницу=self.writing.number(price),
                    Валюта="руб",
                    Коэффициент="1",
                )
        if "stock" in tells:
            self._stock(node, variant)

    def _stock(self, node: ET.Element, variant: Variant) -> None:
        if self.writing.stock == "attributes":
            _said(node, Количество=self.writing.number(sum(variant.stock.values(), Decimal())))
            for store, quantity in variant.stock.items():
                _in(node, "Склад", ИдСклада=store, КоличествоНаСкладе=self.writing.number(quantity))
        else:
            box = _in(node, "Остатки")
            for store, quantity in variant.stock.items():
                _said(_in(_in(box, "Остаток"), "Склад"), Ид=store, Количество=self.writing.number(quantity))

    def _paper(self, node: ET.Element, paper: Paper, *, is_held: bool = False) -> None:
        number = self.writing.number
        _said(node, Ид=paper.id, Номер=paper.id, Дата=f"{paper.at:%Y-%m-%d}", Время=f"{paper.at:%H:%M:%S}", ХозОперация=paper.operation,
              Роль="Продавец", Валюта="руб", Курс="1", Сумма=number(paper.total))  # fmt: skip
        if paper.base and not is_held:
            _said(node, Основание=paper.base)
        self._customer(_in(_in(node, "Контрагенты"), "Контрагент"), paper.customer)
        box = _in(node, "Товары")
        for product, quantity, price in paper.lines:
            _said(
                _in(box, "Товар"),
                Ид=product,
                Наименование="Строка",
                ЦенаЗаЕдиницу=number(price),
                Количество=number(quantity),
                Сумма=number(quantity * price),
            )
        _details(node, {**paper.details, **({"ПометкаУдаления": "true"} if paper.is_deleted else {})})

    def _customer(self, node: ET.Element, key: str) -> None:
        told = self.customers[key]
        _said(node, Ид=key, Наименование=told.get("name", "Частное лицо"), Роль="Покупатель")
        for tag, name in (("ИНН", "tax"), ("КПП", "branch"), ("Фамилия", "last"), ("Имя", "first")):
            if name in told:
                _said(node, **{tag: told[name]})
        contacts = _in(node, "Контакты")
        for kind, name in (("Телефон рабочий", "phone"), ("Электронная почта", "mail")):
            if name in told:
                _said(_in(contacts, "Контакт"), Тип=kind, Значение=told[name])
        if "city" in told:
            _said(_in(_in(node, "АдресРегистрации"), "АдресноеПоле"), Тип="Город", Значение=told["city"])


def numbers_of(rows: Rows) -> dict[str, Any]:
    """What a warehouse holds, told as `Base.truth` tells it."""
    latest: dict[tuple[str, str], tuple[datetime, Decimal]] = {}
    for row in rows("stock"):
        key = (_bare(row["product_id"]), row["place"])
        latest[key] = max(latest.get(key, (row["counted_at"], row["quantity"])), (row["counted_at"], row["quantity"]))
    return {
        "products": {
            _bare(row["product_id"]): (row["name"], row["category"], row["brand"], row["list_price"], row["unit_cost"])
            for row in rows("products")
        },
        "stock": {key: quantity for key, (_, quantity) in latest.items() if quantity},
        "orders": {
            _bare(row["order_id"]): (_bare(row["customer_id"]), row["amount"], row["status"], row["ordered_at"] + timedelta(hours=3))
            for row in rows("orders")
        },
        "lines": {
            (_bare(row["order_id"]), row["line_no"]): (_bare(row["product_id"]), row["quantity"], row["price"], row["amount"], row["is_return"])
            for row in rows("order_lines")
        },
        "payments": {
            _bare(row["payment_id"]): (_bare(row["order_id"]) if row["order_id"] else None, row["amount"], row["is_refund"])
            for row in rows("payments")
        },
    }  # fmt: skip


def _bare(key: str) -> str:
    return key.partition(":")[2]


def _full_name(good: Good, variant: Variant) -> str:
    return f"{good.name} ({', '.join(variant.traits.values())})" if variant.traits else good.name


def _is_return(paper: Paper) -> bool:
    return paper.operation == "Возврат товара"


def _signed(paper: Paper, value: Decimal) -> Decimal:
    return -value if _is_return(paper) else value


def _in(above: ET.Element, name: str, /, **attributes: str) -> ET.Element:
    return ET.SubElement(above, name, attributes)


def _said(above: ET.Element, **texts: str) -> None:
    for name, text in texts.items():
        _in(above, name).text = text


def _details(node: ET.Element, details: Mapping[str, str]) -> None:
    box = _in(node, "ЗначенияРеквизитов")
    for name, value in details.items():
        _said(_in(box, "ЗначениеРеквизита"), Наименование=name, Значение=value)


def packed(files: Mapping[str, bytes]) -> bytes:
    """Documents in one archive, as 1C sends them where the site allows it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return archive.getvalue()


class Client:
    """Sends documents to an address as 1C does: login, what the site allows, pieces, import until it is done."""

    def __init__(self, address: str, login: str, password: str) -> None:
        self.address = address
        self.answers: list[str] = []
        self._http = httpx.Client(auth=httpx.BasicAuth(login, password), trust_env=False, timeout=60)
        self._sessid = ""
        self.limit, self.has_zip = 0, False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, kind: str, mode: str, *, content: bytes | None = None, **params: str) -> list[str]:
        """One command; the lines of its answer, read as 1C reads them."""
        answer = self.raw(kind, mode, content=content, **params)
        assert "windows-1251" in answer.headers["Content-Type"], answer.headers
        text = answer.content.decode("windows-1251")
        self.answers.append(f"{kind} {mode} {params.get('filename', '')}: {text}")
        return text.splitlines()

    def raw(self, kind: str, mode: str, *, content: bytes | None = None, **params: str) -> httpx.Response:
        asked = {"type": kind, "mode": mode, **({"sessid": self._sessid} if self._sessid else {}), **params}
        return self._http.request("GET" if content is None else "POST", self.address, params=asked, content=content)

    def login(self, kind: str) -> None:
        self._sessid = ""
        said, name, value, sessid, stamp = self.ask(kind, "checkauth")
        assert (said, stamp.partition("=")[0]) == ("success", "timestamp")
        self._http.cookies.clear()
        self._http.cookies.set(name, value)
        self._sessid = sessid.removeprefix("sessid=")
        allowed = dict(line.split("=") for line in self.ask(kind, "init"))
        self.has_zip, self.limit = allowed["zip"] == "yes", int(allowed["file_limit"])

    def pieces(self, content: bytes) -> list[bytes]:
        return [content[begin : begin + self.limit] for begin in range(0, len(content), self.limit)] or [b""]

    def upload(self, kind: str, name: str, content: bytes) -> None:
        for piece in self.pieces(content):
            assert self.ask(kind, "file", content=piece, filename=name) == ["success"], self.answers[-1]

    def take(self, kind: str, name: str) -> list[str]:
        """Import a file: asked again while there is more to do."""
        while (lines := self.ask(kind, "import", filename=name))[0] == "progress":
            pass
        return lines

    def send(
        self,
        kind: str,
        files: Mapping[str, bytes],
        *,
        is_zipped: bool = False,
        completes: bool = True,
        imports: bool = True,
    ) -> None:
        """A whole exchange."""
        self.login(kind)
        for name, content in ({"v8_1C.zip": packed(files)} if is_zipped else files).items():
            self.upload(kind, name, content)
        for name in files if imports else ():
            assert self.take(kind, name) == ["success"], self.answers[-1]
        if completes:
            assert self.ask(kind, "complete") == ["success"]

    def trade(self, content: bytes, name: str = "documents.xml") -> None:
        """The exchange of orders: those of the site are asked for first, then one's own are sent."""
        self.login("sale")
        answer = self.raw("sale", "query")
        assert ET.fromstring(answer.content).tag == "КоммерческаяИнформация"
        assert self.ask("sale", "success") == ["success"]
        self.upload("sale", name, content)
        assert self.ask("sale", "complete") == ["success"]


def pages(base: Base, count: int, writer: Callable[..., bytes], stem: str) -> dict[str, bytes]:
    """A full set in several documents, as 1C cuts large catalogues."""
    keys: Sequence[str] = list(base.goods)
    size = -(-len(keys) // count)
    parts: Iterable[Sequence[str]] = (keys[begin : begin + size] for begin in range(0, len(keys), size))
    return {f"{stem}0_{number}.xml": writer(goods=part) for number, part in enumerate(parts, 1)}
