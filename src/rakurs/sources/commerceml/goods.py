"""What do a classifier, a catalogue and a package of offers tell: groups, products, their variants, prices and stock?

A product with characteristics (a size, a colour) is as many products as it has offers, each under its own id `product#characteristic`
and with its own name, price, cost and stock. Order lines name the same ids, so sales, stock and prices meet; and a document of changes,
which tells of one variant alone, is right by itself. Adding variants up to their product would need those that it does not tell, and
would give their different costs one number. The product itself stays as the one that variants have their group and brand from.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from rakurs.sources.commerceml.known import Kind, Known
from rakurs.sources.commerceml.reading import Node, Part, is_yes
from rakurs.sources.commerceml.values import decimal_of, details_of, filled, id_of, is_deleted, plain, product_of

ONLY_CHANGES = "СодержитТолькоИзменения"
PACKAGE, CHANGED_PACKAGE = "ПакетПредложений", "ИзмененияПакетаПредложений"
ASPECTS: tuple[Kind, ...] = ("offer", "price", "stock")
"""What an offer may tell of, each in a document of its own or all in one."""


@dataclass(slots=True)
class Document:
    """The document that is being read: its name, when it was made, and whose goods it lists. `covers` are the sets that it gives
    wholly, by kind and owner: what is missing in them is there no more.
    """

    name: str
    made_at: str
    owner: str = ""
    covers: set[tuple[Kind, str]] = field(default_factory=set[tuple[Kind, str]])

    def place(self, node: Node) -> dict[str, object]:
        """Where a record stands, for whoever must mend it."""
        return {"file": self.name, "line": node.line}


def hear_group(known: Known, _document: Document, part: Part) -> None:
    """A group with those below it."""
    _keep_group(known, part.node, above=[])


def _keep_group(known: Known, node: Node, *, above: list[str]) -> None:
    key, name = node.said("Ид"), node.said("Наименование")
    if key and name:
        known.put("group", key, {"name": name, "above": above})
    for below in node.all("Группы", "Группа"):
        _keep_group(known, below, above=[*above, name or ""])


def hear_property(known: Known, _document: Document, part: Part) -> None:
    """What a property is called, and the words of its values."""
    node = part.node
    values = {one.said("ИдЗначения"): one.said("Значение") for one in node.all("ВариантыЗначений", "Справочник")}
    if key := node.said("Ид"):
        words = {key: value for key, value in values.items() if key and value}
        known.put("property", key, {"name": node.said("Наименование") or "", "values": words})


def hear_price_type(known: Known, _document: Document, part: Part) -> None:
    """What a price type is called, and its currency."""
    if key := part.node.said("Ид"):
        known.put("price_type", key, filled(name=part.node.said("Наименование"), currency=part.node.said("Валюта")))


def hear_store(known: Known, document: Document, part: Part) -> None:
    """What a warehouse is called; and what it was called where that was other, so that nothing is left lying under the old name."""
    key, name = part.node.said("Ид"), part.node.said("Наименование")
    if key and name:
        before = known.get("store", key)
        if before is None:
            was = key if known.holds_stock_of(key) else None
        else:
            was = before.body.get("was") if before.body["name"] == name else before.body["name"]
        known.put("store", key, filled(name=name, was=was), aside={"at": document.made_at})


def hear_owner(known: Known, _document: Document, part: Part) -> None:
    """Whose catalogue it is."""
    if name := part.node.said("Наименование", "ОфициальноеНаименование"):
        known.put("owner", "", {"name": name})


def hear_catalogue(_known: Known, document: Document, part: Part) -> None:
    """Which catalogue it is, and whether it is all here."""
    document.owner = part.node.text
    if _is_full(part.above):
        document.covers.add(("good", document.owner))


def hear_good(known: Known, document: Document, part: Part) -> None:
    """A product, or a variant that a catalogue of an older kind lists by itself."""
    node = part.node
    key = id_of(node.said("Ид"))
    details = details_of(node)
    body = filled(
        name=node.said("Наименование") or details.get("Полное наименование"),
        groups=[one.text for one in node.all("Группы", "Ид") if one.text],
        article=node.said("Артикул"),
        barcode=node.said("Штрихкод", "ШтрихКод"),
        unit=_unit_of(node),
        brand=_brand_of(node),
        kind=details.get("ВидНоменклатуры"),
        values=_properties_of(node),
        traits=_traits_of(node),
    )
    if "name" not in body and (before := known.get("good", key)) is not None:
        body = {**before.body, **body}
    known.put("good", key, body, owner=document.owner, base=product_of(key), aside=document.place(node))
    if is_deleted(node):
        known.gone("good", key)


def hear_package(_known: Known, document: Document, part: Part) -> None:
    """Which package of offers it is."""
    document.owner = part.node.text


def hear_offer(known: Known, document: Document, part: Part) -> None:
    """A variant of a product, or the product itself: its name, its prices, and where how much of it is."""
    node = part.node
    key = id_of(node.said("Ид"))
    if is_deleted(node):
        for aspect in ("offer", "price"):
            known.gone(aspect, key)
        known.gone_unseen("stock", base=key, aside={"at": document.made_at})
        return
    told = [aspect for aspect in ASPECTS if _TELLERS[aspect](known, document, node, key)]
    if part.path[0] == PACKAGE and _is_full(part.above):
        document.covers.update((aspect, document.owner) for aspect in told)


def _hear_name(known: Known, document: Document, node: Node, key: str) -> bool:
    name = node.said("Наименование")
    if name is None and key:
        return False
    body = filled(
        name=name,
        article=node.said("Артикул"),
        barcode=node.said("Штрихкод", "ШтрихКод"),
        unit=_unit_of(node),
        traits=_traits_of(node),
    )
    known.put("offer", key, body, owner=document.owner, base=product_of(key), aside=document.place(node))
    return True


def _hear_prices(known: Known, document: Document, node: Node, key: str) -> bool:
    if node.child("Цены") is None:
        return False
    prices = {
        one.said("ИдТипаЦены") or "": filled(
            price=one.said("ЦенаЗаЕдиницу"), currency=one.said("Валюта"), units=one.said("Коэффициент")
        )
        for one in node.all("Цены", "Цена")
    }
    known.put("price", key, prices, owner=document.owner, base=product_of(key), aside=document.place(node))
    return True


def _hear_stock(known: Known, document: Document, node: Node, key: str) -> bool:
    """An offer that tells of stock tells of every place that holds some."""
    told = stock_of(node)
    if told is None:
        return False
    day = document.made_at[: len("2025-01-31")]
    for store, quantity in told.items():
        # Counted once a day where nothing changes: counts that come often would say the same over and over.
        aside = {**document.place(node), "at": document.made_at}
        known.put("stock", f"{key}\n{store}", filled(quantity=quantity, on=day), owner=document.owner, base=key, aside=aside)  # fmt: skip
    known.gone_unseen("stock", base=key, aside={"at": document.made_at})
    return True


_TELLERS: Mapping[Kind, Callable[[Known, Document, Node, str], bool]] = {
    "offer": _hear_name,
    "price": _hear_prices,
    "stock": _hear_stock,
}


def stock_of(node: Node) -> dict[str, str] | None:
    """How much there is by warehouse, in each of the ways it was ever written; "" is no warehouse in particular. None where nothing
    is told of it.
    """
    places = [(one.said("ИдСклада", "Ид"), one) for one in node.children if one.name in {"Склад", "Склады"}]
    found = [(store, one.said("КоличествоНаСкладе", "Количество") or "0") for store, one in places if store]
    for rest in node.all("Остатки", "Остаток"):
        at = rest.child("Склад") or rest
        found.append((at.said("Ид") or "", at.said("Количество") or rest.said("Количество") or "0"))
    if not found and (quantity := node.said("Количество")):
        found.append(("", quantity))
    if not found and node.child("Остатки") is None:
        return None
    return _added_up(found)


def _added_up(found: list[tuple[str, str]]) -> dict[str, str]:
    """One quantity per warehouse; a text that is no number stays as it is, so that it is told of."""
    told: dict[str, str] = {}
    for store, text in found:
        before, quantity = told.get(store), decimal_of(text)
        if before is None or quantity is None:
            told[store] = text if quantity is None else plain(quantity)
        else:
            told[store] = plain((decimal_of(before) or Decimal()) + quantity)
    return told


def _is_full(attributes: Mapping[str, str]) -> bool:
    """Whether a package says that it is the whole set; one that says nothing is taken for changes."""
    return ONLY_CHANGES in attributes and not is_yes(attributes[ONLY_CHANGES])


def _unit_of(node: Node) -> str | None:
    unit = node.child("БазоваяЕдиница")
    return (unit.text or unit.said("НаименованиеПолное", "Код")) if unit else None


def _brand_of(node: Node) -> str | None:
    maker = node.child("Изготовитель")
    return (maker.said("Наименование") or maker.text or None) if maker else None


def _properties_of(node: Node) -> dict[str, str]:
    values = {one.said("Ид"): one.said("Значение") for one in node.all("ЗначенияСвойств", "ЗначенияСвойства")}
    return {key: value for key, value in values.items() if key and value}


def _traits_of(node: Node) -> list[list[str]]:
    """The characteristics of a variant, each with its name and value."""
    pairs = [(one.said("Наименование"), one.said("Значение")) for one in node.all("ХарактеристикиТовара", "ХарактеристикаТовара")]  # fmt: skip
    return [[name or "", value] for name, value in pairs if value]
