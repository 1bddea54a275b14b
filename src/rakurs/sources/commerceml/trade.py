"""What do documents and counterparties tell: who bought what, brought back what, paid what?

An order is a sale as it stands. A delivery (`Отпуск товара`) of an order we know is the same sale and not told twice; one of no order is
a sale by itself. A return is a document of its own, on its own day. A delivery, a return or a payment that is not posted is a draft and not there.
"""

from collections.abc import Mapping
from typing import Any

from rakurs.sources.commerceml.goods import Document
from rakurs.sources.commerceml.known import Known
from rakurs.sources.commerceml.reading import Node, Part, is_yes
from rakurs.sources.commerceml.values import details_of, filled, id_of, is_deleted

ORDER, SALE, RETURN, PAYMENT, REFUND = "order", "sale", "return", "payment", "refund"
_OPERATIONS: Mapping[str, str] = {
    "заказ товара": ORDER,
    "отпуск товара": SALE,
    "возврат товара": RETURN,
    "выплата наличных денег": PAYMENT,
    "выплата безналичных денег": PAYMENT,
    "эквайринговая операция": PAYMENT,
    "возврат наличных денег": REFUND,
    "возврат безналичных денег": REFUND,
}
"""What a document is by its `ХозОперация`; documents of other operations (invoices, commission, revaluation) are left out."""
_BUYERS, _SELLER = ("Покупатель", "Плательщик", "Получатель"), "Продавец"
_BASES = ("Основание", "ДокументОснование", "ИдДокументаОснования")
MANAGERS = ("Менеджер", "Ответственный", "Ответственный менеджер")
_PHONE_WORDS, _MAIL_WORDS = ("телефон", "мобильн", "phone"), ("почта", "mail")


def hear_container(known: Known, document: Document, part: Part) -> None:
    """An order with the payments and deliveries that belong to it."""
    nodes = part.node.all("Документ")
    orders = [id_of(node.said("Ид")) for node in nodes if _operation_of(node) == ORDER]
    for node in nodes:
        _hear(known, document, node, base=orders[0] if len(orders) == 1 else None)


def hear_document(known: Known, document: Document, part: Part) -> None:
    """A document of trade by itself."""
    _hear(known, document, part.node, base=None)


def hear_customer(known: Known, document: Document, part: Part) -> None:
    """A counterparty by itself."""
    keep_customer(known, document, part.node)


def _hear(known: Known, document: Document, node: Node, *, base: str | None) -> None:
    operation = _operation_of(node)
    if operation is None or node.said("Роль") == _BUYERS[0]:
        return
    key, details = id_of(node.said("Ид")), details_of(node)
    customer = _buyer_of(known, document, node)
    base = next((told for told in (_base_of(node), base) if told and told != key), "") if operation != ORDER else ""
    body = filled(
        operation=operation,
        number=node.said("Номер"),
        day=node.said("Дата"),
        time=node.said("Время"),
        amount=node.said("Сумма"),
        currency=node.said("Валюта"),
        discount=[one.said("Сумма") for one in node.all("Скидки", "Скидка") if one.said("Сумма")],
        customer=customer,
        base=base,
        manager=node.said(*MANAGERS),
        comment=node.said("Комментарий"),
        details=details,
    )
    if node.child("Товары") is not None:
        body["lines"] = [_line(one) for one in node.all("Товары", "Товар")]
    elif "amount" not in body:
        body = _added_to(known, key, body)
    known.put("document", key, body, owner=operation, base=base, aside=document.place(node))
    for number in (body.get("number"), details.get("Номер по 1С")):
        if operation == ORDER and number:
            known.put("number", str(number), {"id": key})
    if is_deleted(node) or is_yes(details.get("ПометкаУдаления")) or _is_draft(operation, details):
        known.gone("document", key)


def _added_to(known: Known, key: str, body: dict[str, object]) -> dict[str, object]:
    """A document that tells only its state leaves the rest as it was."""
    before = known.get("document", key)
    if before is None or before.body.get("operation") != body["operation"]:
        return body
    details = {**before.body.get("details", {}), **body.get("details", {})}  # type: ignore[dict-item]
    return {**before.body, **body, "details": details}


def _is_draft(operation: str, details: Mapping[str, str]) -> bool:
    said = ("Проведен", "Проведён", "Оплачен") if operation in {PAYMENT, REFUND} else ("Проведен", "Проведён")
    return operation != ORDER and any(name in details and not is_yes(details[name]) for name in said)


def _operation_of(node: Node) -> str | None:
    return _OPERATIONS.get((node.said("ХозОперация") or "").lower())


def _base_of(node: Node) -> str | None:
    """The document that this one was made on."""
    for name in _BASES:
        for one in (*node.all(name), *node.all("ДокументыОснования", name)):
            if told := one.said("Ид") or one.text:
                return id_of(told)
    return None


def _line(node: Node) -> dict[str, Any]:
    return filled(
        product=id_of(node.said("Ид")),
        name=node.said("Наименование"),
        quantity=node.said("Количество"),
        price=node.said("ЦенаЗаЕдиницу"),
        amount=node.said("Сумма"),
        discount=[one.said("Сумма") for one in node.all("Скидки", "Скидка") if one.said("Сумма")],
    )


def _buyer_of(known: Known, document: Document, node: Node) -> str | None:
    """The id of the counterparty on the other side; what is told of it is kept."""
    told = node.all("Контрагенты", "Контрагент")
    rank = {role: place for place, role in enumerate(_BUYERS)}
    others = [one for one in told if one.said("Роль") != _SELLER]
    others.sort(key=lambda one: rank.get(one.said("Роль") or "", len(rank)))
    return keep_customer(known, document, others[0]) if others else None


def keep_customer(known: Known, document: Document, node: Node) -> str | None:
    """Add what is told of a counterparty to what is known of it; its id, or what stands for one."""
    body = _customer(node)
    stands_for = body.get("tax_id") or body.get("name")
    key = node.said("Ид") or (f"N_{stands_for}" if stands_for else None)
    if key is None:
        return None
    before = known.get("customer", key)
    known.put("customer", key, {**(before.body if before else {}), **body}, aside=document.place(node))
    if is_deleted(node):
        known.gone("customer", key)
    return key


def _customer(node: Node) -> dict[str, Any]:
    name = node.said("Наименование", "ПолноеНаименование", "ОфициальноеНаименование")
    person = " ".join(part for part in (node.said("Фамилия"), node.said("Имя"), node.said("Отчество")) if part)
    tax_id, address = node.said("ИНН"), _address_of(node)
    phones, mails = _contacts_of(node)
    representatives = [one.said("Наименование") for one in _representatives_of(node)]
    is_company = node.said("ОфициальноеНаименование", "КПП") or len(tax_id or "") == len("7701234567")
    return filled(
        name=person or name,
        full_name=node.said("ПолноеНаименование", "ОфициальноеНаименование"),
        kind="company" if is_company else "person" if person or len(tax_id or "") == len("770123456789") else None,
        tax_id=tax_id,
        branch_code=node.said("КПП"),
        phone=next(iter(phones), None),
        other_phones=phones[1:],
        email=next(iter(mails), None),
        other_mails=mails[1:],
        city=address.get("Город") or address.get("Населенный пункт") or address.get("НаселенныйПункт"),
        region=address.get("Регион"),
        country=address.get("Страна"),
        born=node.said("ДатаРождения"),
        people=[one for one in representatives if one and one != name],
    )


def _representatives_of(node: Node) -> list[Node]:
    return [one.child("Контрагент") or one for one in node.all("Представители", "Представитель")]


def _contacts_of(node: Node) -> tuple[list[str], list[str]]:
    """Phones and mailboxes, those of representatives last."""
    phones: dict[str, None] = {}
    mails: dict[str, None] = {}
    for one in (node, *_representatives_of(node)):
        for contact in (*one.all("Контакты", "Контакт"), *one.all("Контакты", "КонтактнаяИнформация")):
            kind, value = (
                (contact.said("Тип", "КонтактВид", "Вид") or "").lower(),
                contact.said("Значение", "Представление"),
            )
            if value and "@" in value and any(word in kind for word in _MAIL_WORDS):
                mails[value] = None
            elif value and any(word in kind for word in _PHONE_WORDS):
                phones[value] = None
    return list(phones), list(mails)


def _address_of(node: Node) -> dict[str, str]:
    """The parts of the first address that has any."""
    for name in ("АдресРегистрации", "ЮридическийАдрес", "Адрес", "ФактическийАдрес", "АдресДоставки"):
        parts = {one.said("Тип"): one.said("Значение") for one in node.all(name, "АдресноеПоле")}
        if parts:
            return {kind: value for kind, value in parts.items() if kind and value}
    return {}
