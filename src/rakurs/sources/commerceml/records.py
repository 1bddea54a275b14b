"""What does 1C's present state say, row by row, in fields that the engine can take?

A row keeps what no column stands for under its Russian name; `_file` and `_line` say where it stood in the exchange.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rakurs.core.text import Text
from rakurs.sources.commerceml.known import Body, Known, Thing
from rakurs.sources.commerceml.reading import is_yes
from rakurs.sources.commerceml.settings import CommerceMLSettings
from rakurs.sources.commerceml.trade import MANAGERS, PAYMENT, REFUND, RETURN, SALE
from rakurs.sources.commerceml.values import (
    currency_of,
    decimal_of,
    first,
    moment,
    negative,
    plain,
    product_of,
    status_of,
    town_of,
)

Row = dict[str, Any]
PRODUCT_EXTRAS = ("Артикул", "Штрихкод", "Единица", "Вид номенклатуры", "Группа верхнего уровня")
CUSTOMER_EXTRAS = ("Полное наименование", "КПП", "Другие телефоны", "Другие e-mail", "Контактные лица")
ORDER_EXTRAS = ("Номер", "Комментарий")
CANCELLED = "Отменён"
_BRANDS = frozenset({"производитель", "бренд", "торговая марка", "марка", "изготовитель"})
_STATUSES = ("Статус заказа", "Состояние заказа", "Статус")
_PAID_ON = ("Дата оплаты", "Дата оплаты по 1С", "Дата оплаты по 1C")
_NUMBERS = ("Номер по 1С", "Номер по 1C")
_CHANGED_ON = "Дата изменения статуса"
_TAKEN = frozenset({*_STATUSES, *_PAID_ON, *MANAGERS, _CHANGED_ON, "Отменен", "Отменён", "Заказ оплачен", "Оплачен", "ПометкаУдаления",
                    "Проведен", "Проведён"})  # fmt: skip
"""Details of documents that become columns, or only say whether the document is there."""
_RETAIL, _PURCHASE = (
    re.compile("розничн|продаж", re.IGNORECASE),
    re.compile("закуп|себестоим|входящ|приходн", re.IGNORECASE),
)
_PRICE_DIGITS = Decimal("0.0001")
_NO_TYPE = Text(
    ru="Вида цен «{name}» среди присланных нет ({there}): {what} не загружается. Исправьте его в настройках подключения.",
    en="There is no price type “{name}” among those that came ({there}): {what} is not loaded. Mend it in the connection's settings.",
)
_CHOOSE = Text(
    ru="Не выбран вид цен, который значит «{what}». Есть: {there}. Впишите его в настройки подключения.",
    en="Which price type is the {what} is not set. There are: {there}. Put it into the connection's settings.",
)
_OTHER_CURRENCY = Text(
    ru="Вид цен «{name}» в валюте {currency}, а учёт в {own}: {what} не загружается.",
    en="The price type “{name}” is in {currency}, the accounts are in {own}: the {what} is not loaded.",
)
_SALE_WORDS = Text(ru="цена продажи", en="price of sale")
_COST_WORDS = Text(ru="себестоимость", en="cost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The price types that become the price of sale and the cost, by id, and what a person should know of the choice."""

    sale: frozenset[str]
    cost: frozenset[str]
    remarks: tuple[Text, ...] = ()


def chosen_prices(known: Known, settings: CommerceMLSettings) -> Chosen:
    """Which price types the settings mean, or the names of the types themselves."""
    types = {thing.id: thing.body for thing in known.all("price_type")}
    sale, told = _chosen(types, settings.sale_price, _RETAIL, _SALE_WORDS, settings)
    cost, told_more = _chosen(types, settings.cost_price, _PURCHASE, _COST_WORDS, settings)
    # One type of price is the price of sale; that there is none of cost is no oversight then.
    has_one = len(types) <= 1 and not settings.cost_price
    return Chosen(sale=sale, cost=cost, remarks=told if has_one else told + told_more)


def _chosen(
    types: Mapping[str, Body], named: str, words: re.Pattern[str], what: Text, settings: CommerceMLSettings
) -> tuple[frozenset[str], tuple[Text, ...]]:
    """The ids of the type that is meant: several where several catalogues have one of that name."""
    names = {key: str(body.get("name", key)) for key, body in types.items()}
    wanted = named.strip().casefold()
    if wanted:
        found = [key for key, called in names.items() if wanted in {key.casefold(), called.casefold()}]
    else:
        is_only = len(types) == 1 and words is _RETAIL
        found = [key for key, called in names.items() if is_only or words.search(called)]
    there, own = ", ".join(dict.fromkeys(names.values())), settings.own_currency
    if len({names[key] for key in found}) != 1:
        told = _told(_NO_TYPE if wanted else _CHOOSE, what, name=named, there=there)
        return frozenset(), (told,) if types else ()
    currencies = {key: currency_of(types[key].get("currency")) or own for key in found}
    fitting = frozenset(key for key in found if currencies[key] == own)
    if not fitting:
        name, currency = names[found[0]], currencies[found[0]]
        return fitting, (_told(_OTHER_CURRENCY, what, name=name, currency=currency, own=own),)
    return fitting, ()


def _told(template: Text, what: Text, **values: object) -> Text:
    return Text(ru=template.filled(what=what.ru, **values).ru, en=template.filled(what=what.en, **values).en)


class Products:
    """Products as rows: each of what the catalogue, the offers and the price types say of it."""

    def __init__(self, known: Known, settings: CommerceMLSettings, chosen: Chosen) -> None:
        self._known, self._settings, self._chosen = known, settings, chosen
        self._groups = {thing.id: thing.body for thing in known.all("group")}
        self._brands = {
            thing.id: thing.body["values"] for thing in known.all("property") if thing.body["name"].lower() in _BRANDS
        }

    def row(self, key: str) -> Row | None:
        """The row of a product, None where it is there no more. A price alone makes no product."""
        own, offer = self._known.get("good", key), self._known.get("offer", key)
        parent = self._known.get("good", product_of(key)) if product_of(key) != key else None
        if own is not None and own.is_gone:
            return None
        if own is None and (offer is None or offer.is_gone or (parent is not None and parent.is_gone)):
            return None
        offered: Body = offer.body if offer is not None and not offer.is_gone else {}
        listed: Body = own.body if own is not None else parent.body if parent is not None else {}
        place = (own or offer or Thing(id=key, body={})).aside
        group = next((self._groups[one] for one in listed.get("groups", ()) if one in self._groups), {})
        return {
            "product": key or None,
            "name": self._name(key, offered, listed, parent),
            "category": group.get("name"),
            "brand": listed.get("brand") or self._brand(listed.get("values", {})),
            "list_price": self._price(key, self._chosen.sale),
            "unit_cost": self._price(key, self._chosen.cost),
            "Артикул": offered.get("article") or listed.get("article"),
            "Штрихкод": offered.get("barcode") or listed.get("barcode"),
            "Единица": offered.get("unit") or listed.get("unit"),
            "Вид номенклатуры": listed.get("kind"),
            "Группа верхнего уровня": next(iter(group.get("above", ())), None),
            **_place(place),
        }

    def _name(self, key: str, offered: Body, listed: Body, parent: Thing | None) -> str | None:
        """The name with its characteristics, unless 1C has put them there already."""
        name, general = offered.get("name") or listed.get("name"), parent.body.get("name") if parent else None
        traits = [value for _, value in (offered.get("traits") or listed.get("traits") or ())]
        is_told = any(value in (name or "") for value in traits) if general is None else name != general
        return f"{name} ({', '.join(traits)})" if name and traits and not is_told and product_of(key) != key else name

    def _brand(self, values: Mapping[str, str]) -> str | None:
        return next((words.get(values[key], values[key]) for key, words in self._brands.items() if key in values), None)

    def _price(self, key: str, kinds: frozenset[str]) -> str | None:
        """A price per base unit in the currency of accounts."""
        prices = self._known.get("price", key)
        there: Body = prices.body if prices is not None and not prices.is_gone else {}
        told = next((price for kind, price in there.items() if kind in kinds), None)
        if not told or currency_of(told.get("currency")) not in {None, self._settings.own_currency}:
            return None
        price, units = decimal_of(told.get("price")), decimal_of(told.get("units"))
        if price is None or units is None or units <= 0 or units == 1:
            return str(told["price"]) if told.get("price") else None
        return plain((price / units).quantize(_PRICE_DIGITS))


def stock(known: Known, thing: Thing, zone: ZoneInfo) -> Row:
    """How much of a product a warehouse holds; nothing where it was not told of any more."""
    product, _, store = thing.id.partition("\n")
    named = known.get("store", store) if store else None
    return {
        "product": product or None,
        "place": named.body["name"] if named else store or None,
        "quantity": "0" if thing.is_gone else thing.body.get("quantity"),
        "at": moment(thing.aside.get("at"), None, zone),
        **_place(thing.aside),
    }


def renamed_stock(known: Known, after: int, zone: ZoneInfo) -> Iterator[Row]:
    """What lay under the old name of a warehouse lies under the new one."""
    for store in known.changed("store", after):
        if was := store.body.get("was"):
            at = moment(store.aside.get("at"), None, zone)
            for thing in known.stock_of(store.id):
                row = stock(known, thing, zone)
                yield {**row, "at": at}
                yield {**row, "place": was, "quantity": "0", "at": at}


def customer(thing: Thing) -> Row:
    """A counterparty."""
    body = thing.body
    return {
        "customer": thing.id or None,
        "name": body.get("name"),
        "kind": body.get("kind"),
        "phone": body.get("phone"),
        "email": body.get("email"),
        "tax_id": body.get("tax_id"),
        "city": town_of(body.get("city")),
        "region": body.get("region"),
        "country": body.get("country"),
        "born": body.get("born"),
        "Полное наименование": body.get("full_name"),
        "КПП": body.get("branch_code"),
        "Другие телефоны": _joined(body.get("other_phones", ())),
        "Другие e-mail": _joined(body.get("other_mails", ())),
        "Контактные лица": _joined(body.get("people", ())),
        **_place(thing.aside),
    }


def order(thing: Thing, zone: ZoneInfo) -> Row:
    """An order, a sale without one, or a return, whose money is less than nothing."""
    body = thing.body
    details: Mapping[str, str] = body.get("details", {})
    at = moment(body.get("day"), body.get("time"), zone)
    is_return, is_cancelled = body["operation"] == RETURN, is_yes(first(details, ("Отменен", "Отменён")))
    amount = body.get("amount")
    return {
        **{name: value for name, value in details.items() if name not in _TAKEN},
        "order": thing.id or None,
        "at": at,
        "paid_at": at if is_return else _paid_at(details, at, zone),
        "customer": body.get("customer"),
        "manager": body.get("manager") or first(details, MANAGERS),
        "status": CANCELLED if is_cancelled else status_of(first(details, _STATUSES)),
        "amount": negative(amount) if is_return and amount else amount,
        "currency": currency_of(body.get("currency")),
        "discount": _sum(body.get("discount", ())),
        "Номер": first(details, _NUMBERS) or body.get("number"),
        "Комментарий": body.get("comment"),
        **_place(thing.aside),
    }


def lines(thing: Thing) -> Iterator[Row]:
    """The lines of an order, in the order of the document."""
    is_return = str(thing.body["operation"] == RETURN).lower()
    for number, line in enumerate(thing.body.get("lines", ()), 1):
        yield {
            "order": thing.id or None,
            "number": number,
            "product": line.get("product") or (f"N_{line['name']}" if line.get("name") else None),
            "name": line.get("name"),
            "quantity": line.get("quantity"),
            "price": line.get("price"),
            "amount": line.get("amount"),
            "discount": _sum(line.get("discount", ())),
            "is_return": is_return,
            **_place(thing.aside),
        }


def payment(known: Known, thing: Thing, zone: ZoneInfo) -> Row:
    """A payment, or money given back."""
    body = thing.body
    details: Mapping[str, str] = body.get("details", {})
    return {
        "payment": thing.id or None,
        "at": moment(body.get("day"), body.get("time"), zone),
        "amount": body.get("amount"),
        "order": order_of(known, thing.body.get("base", "")),
        "customer": body.get("customer"),
        "method": first(details, ("Метод оплаты", "Вид оплаты")),
        "is_refund": str(body["operation"] == REFUND).lower(),
        **_place(thing.aside),
    }


def order_of(known: Known, base: str) -> str | None:
    """The order that a document was made on, named by its id or its number."""
    if not base or known.get("document", base) is not None:
        return base or None
    number = known.get("number", base)
    return str(number.body["id"]) if number else base


def is_repeated(known: Known, thing: Thing) -> bool:
    """Whether a delivery is of an order that stands by itself."""
    base = order_of(known, thing.body.get("base", "")) if thing.body["operation"] == SALE else None
    found = known.get("document", base) if base else None
    return found is not None and not found.is_gone


def made_on(known: Known, thing: Thing) -> list[Thing]:
    """The documents that were made on an order, by its id or its number."""
    names = [thing.id, thing.body.get("number"), first(thing.body.get("details", {}), _NUMBERS)]
    return [found for name in dict.fromkeys(names) if name for found in known.based_on("document", str(name))]


def is_payment(thing: Thing) -> bool:
    """Whether a document is about money alone."""
    return thing.body["operation"] in {PAYMENT, REFUND}


def _paid_at(details: Mapping[str, str], at: str | None, zone: ZoneInfo) -> str | None:
    """When an order was paid. One that is said to be paid on no day was paid when its status changed, or at once."""
    said, day = first(details, ("Заказ оплачен", "Оплачен")), first(details, _PAID_ON)
    if said is not None and not is_yes(said):
        return None
    if day:
        return moment(day, None, zone)
    return (moment(details.get(_CHANGED_ON), None, zone) or at) if said is not None else None


def _sum(texts: Sequence[str]) -> str | None:
    """All of these numbers; a text that is none stays, so that it is told of."""
    numbers = [decimal_of(text) for text in texts]
    known = [number for number in numbers if number is not None]
    return plain(sum(known, Decimal())) if len(known) == len(texts) and known else next(iter(texts), None)


def _joined(values: Sequence[str]) -> str | None:
    return ", ".join(values) or None


def _place(aside: Body) -> Row:
    return {"_file": aside.get("file"), "_line": aside.get("line")}
