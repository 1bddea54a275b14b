"""Synonyms: by which words do people call our columns in Russian and in English?"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache

from rakurs.schema import TABLES

_UNIT_WORDS = frozenset({"руб", "рублей", "р", "rub", "usd", "eur", "шт", "in", "в", "тг", "kzt", "byn"})
_NOT_LETTERS = re.compile(r"[^\w]+|_")
_CAMEL = re.compile(r"(?<=[a-zа-я])(?=[A-ZА-Я])")

WORDS: Mapping[str, tuple[str, ...]] = {
    "customer_id": (
        "клиент", "контрагент", "покупатель", "заказчик", "компания", "контакт", "партнер", "фио", "фио клиента",
        "имя клиента", "id клиента", "код клиента", "номер клиента", "клиент id", "основной контакт", "плательщик",
        "грузополучатель", "получатель", "customer", "client", "buyer", "account", "company", "contact",
        "customer name", "client name", "client id", "customer number", "user id", "account name", "customerid",
        "customer unique id", "bill to",
    ),
    "manager_id": (
        "менеджер", "ответственный", "продавец", "ответственный менеджер", "ответственный пользователь", "кассир",
        "manager", "owner", "responsible", "sales agent", "agent", "seller", "sales rep", "salesperson", "assigned to",
        "assigned", "responsible user", "deal owner", "assigned by",
    ),
    "employee_id": (
        "сотрудник", "sales agent", "менеджер", "оператор", "ответственный", "фио сотрудника", "табельный номер", "employee", "agent",
        "operator", "manager", "staff", "id сотрудника", "rep",
    ),
    "channel_id": (
        "источник", "канал", "рекламный канал", "источник сделки", "источник заявки", "канал продаж", "source",
        "channel", "lead source", "utm source", "traffic source", "откуда узнали",
    ),
    "campaign_id": ("кампания", "рекламная кампания", "campaign", "utm campaign", "campaign name"),
    "product_id": (
        "товар", "номенклатура", "продукт", "артикул", "услуга", "код товара", "sku", "наименование товара", "product",
        "item", "product name", "product code", "stockcode", "stock code", "позиция", "наименование номенклатуры",
    ),
    "order_id": (
        "номер заказа", "заказ", "чек", "номер чека", "документ", "регистратор", "номер документа", "накладная",
        "номер", "реализация", "order", "order number", "order no", "invoice", "invoice no", "invoice number",
        "invoiceno", "receipt", "transaction", "transaction id", "id заказа", "заказ клиента", "document",
    ),
    "deal_id": (
        "id", "id сделки", "номер сделки", "сделка", "deal", "opportunity id", "opportunity", "deal number", "deal no",
        "lead id",
    ),
    "lead_id": ("лид", "id лида", "номер лида", "заявка", "номер заявки", "id заявки", "lead", "lead number"),
    "payment_id": (
        "платеж", "номер платежа", "id платежа", "номер платежного документа", "payment", "payment number",
    ),
    "call_id": ("id звонка", "звонок", "номер звонка", "call", "call number", "call id"),
    "activity_id": ("дело", "id дела", "номер дела", "активность", "activity", "task", "id задачи"),
    "pipeline_id": ("воронка", "направление", "воронка продаж", "pipeline", "funnel"),
    "stage_id": (
        "этап", "стадия", "стадия сделки", "этап сделки", "статус сделки", "статус", "stage", "deal stage", "status",
        "sales stage",
    ),
    "loss_reason_id": ("причина отказа", "причина проигрыша", "причина закрытия", "loss reason", "lost reason"),
    "status": ("статус", "состояние", "статус заказа", "status", "state", "order status"),
    "amount": (
        "сумма", "итого", "стоимость", "выручка", "бюджет", "сумма заказа", "сумма сделки", "сумма продажи",
        "сумма документа", "к оплате", "оборот", "продажи", "сумма платежа", "сумма с ндс", "стоимость продажи",
        "amount", "sum", "total", "value", "revenue", "deal value", "close value", "sales", "budget", "total amount",
        "order total", "price total", "payment value", "dollar value", "grand total", "turnover", "paid", "spent",
    ),
    "currency": ("валюта", "currency", "код валюты", "currency code"),
    "discount": ("скидка", "сумма скидки", "discount", "discount amount"),
    "margin": ("маржа", "прибыль", "валовая прибыль", "margin", "profit", "gross profit"),
    "quantity": (
        "количество", "кол во", "колво", "кол", "штук", "объем", "quantity", "qty", "units", "count", "number of items",
    ),
    "price": ("цена", "цена за единицу", "цена продажи", "price", "unit price", "unitprice", "item price"),
    "cost": ("себестоимость", "закупка", "сумма закупки", "себестоимость продаж", "cost", "cogs", "total cost"),
    "unit_cost": ("себестоимость", "закупочная цена", "цена закупки", "unit cost", "cost", "purchase price"),
    "list_price": ("цена", "прайс", "розничная цена", "price", "sales price", "list price", "retail price"),
    "line_no": ("номер строки", "n строки", "line", "line number", "order item id", "позиция в заказе"),
    "is_return": ("возврат", "return", "returned"),
    "is_refund": ("возврат", "refund"),
    "phone": (
        "телефон", "тел", "мобильный", "номер телефона", "мобильный телефон", "рабочий телефон", "контактный телефон",
        "phone", "mobile", "phone number", "telephone", "cell",
    ),
    "email": ("почта", "e mail", "email", "эл почта", "электронная почта", "mail", "адрес почты", "email address"),
    "tax_id": ("инн", "инн контрагента", "инн клиента", "tax id", "vat", "vat id", "tax number"),
    "city": ("город", "населенный пункт", "city", "town", "customer city"),
    "region": ("регион", "область", "край", "region", "state", "province", "customer state", "district"),
    "country": ("страна", "country", "office location"),
    "latitude": ("широта", "lat", "latitude"),
    "longitude": ("долгота", "lon", "lng", "longitude"),
    "birth_date": ("дата рождения", "день рождения", "др", "birth date", "birthday", "date of birth", "dob"),
    "created_at": (
        "дата создания", "создан", "создана", "дата", "дата начала", "дата заявки", "дата обращения",
        "дата регистрации", "дата создания сделки", "created", "created at", "date created", "created date",
        "creation date", "engage date", "open date", "date", "registered", "signup date",
    ),
    "closed_at": (
        "дата закрытия", "закрыта", "дата завершения", "дата закрытия сделки", "closed", "close date", "closed at",
        "date closed", "closed date",
    ),
    "expected_close_on": (
        "предполагаемая дата закрытия", "ожидаемая дата закрытия", "планируемая дата закрытия", "плановая дата",
        "expected close date", "expected close",
    ),
    "ordered_at": (
        "дата заказа", "дата", "дата продажи", "дата покупки", "период", "дата документа", "дата реализации",
        "дата и время", "дата чека", "день", "date", "order date", "purchase date", "sale date", "invoice date",
        "invoicedate", "transaction date", "datetime", "order purchase timestamp", "day", "purchased at", "timestamp",
    ),
    "paid_at": (
        "дата оплаты", "оплачен", "дата платежа", "оплачено", "paid", "payment date", "paid at", "paid date",
        "date paid", "дата поступления",
    ),
    "started_at": ("дата звонка", "начало", "дата и время", "время звонка", "дата", "start", "started", "call time",
                   "call date", "date"),
    "at": ("дата", "когда", "срок", "дата дела", "дата и время", "date", "when", "due date"),
    "called_back_at": ("перезвонили", "дата перезвона", "called back"),
    "first_response_at": ("первый ответ", "дата первого ответа", "first response"),
    "talk_seconds": ("разговор", "длительность", "длительность разговора", "длительность звонка", "talk", "duration",
                     "talk duration", "call duration"),
    "wait_seconds": ("ожидание", "время ожидания", "длительность ожидания", "wait", "wait time", "speed of answer"),
    "duration_seconds": ("длительность", "duration"),
    "is_missed": ("пропущен", "пропущенный", "missed"),
    "direction": ("направление", "тип звонка", "тип", "direction", "call type"),
    "recording_url": ("запись", "ссылка на запись", "recording", "record"),
    "promo_code": ("промокод", "купон", "promo", "promo code", "coupon"),
    "method": ("способ оплаты", "вид оплаты", "тип оплаты", "payment method", "payment type", "method"),
    "title": ("название сделки", "название", "тема", "title", "deal name", "deal title", "opportunity name", "name"),
    "name": ("название", "наименование", "имя", "фио", "name", "full name", "полное наименование"),
    "category": ("категория", "группа", "группа товаров", "товарная группа", "номенклатурная группа", "вид номенклатуры",
                 "category", "product category", "group", "product category name", "series"),
    "brand": ("бренд", "марка", "производитель", "brand", "manufacturer", "vendor"),
    "supplier_id": ("поставщик", "supplier"),
    "lead_time_days": ("срок поставки", "lead time", "lead time days"),
    "department": ("отдел", "подразделение", "департамент", "department", "team"),
    "branch": ("филиал", "офис", "branch", "office", "regional office"),
    "role": ("должность", "роль", "position", "role", "job title"),
    "hired_on": ("дата приема", "принят", "дата найма", "hired", "hire date", "start date"),
    "left_on": ("дата увольнения", "уволен", "left", "termination date", "end date"),
    "kind": ("вид", "тип", "тип клиента", "type", "kind"),
    "month": ("месяц", "период", "month", "period"),
    "metric": ("показатель", "метрика", "metric", "kpi"),
    "target": ("план", "цель", "target", "plan", "goal"),
    "medium": ("тип трафика", "medium", "utm medium"),
    "keyword": ("ключевое слово", "ключевая фраза", "keyword", "utm term"),
    "rate": ("курс", "rate", "exchange rate"),
    "rate_on": ("дата курса", "дата", "date", "rate date"),
    "position": ("порядок", "номер", "сортировка", "position", "order", "sort"),
    "outcome": ("исход", "результат", "outcome"),
    "result": ("результат", "итог", "result"),
}  # fmt: skip
"""Canonical column -> words for it, as `plain` writes them, the most telling first."""

HEADER_WORDS = frozenset({
    "договор", "склад", "организация", "характеристика", "единица измерения", "ед изм", "ндс", "план", "факт",
    "отклонение", "комментарий", "примечание", "теги", "вероятность", "n", "пп", "n пп", "сумма без ндс", "код",
    "артикул", "движение документов", "доход", "рентабельность", "comment", "notes", "tags", "probability",
})  # fmt: skip
"""Words of headers that mean no column of ours."""


def plain(words: str) -> str:
    """A header for comparing: lower case, ё as е, marks and underscores as blanks, units left out."""
    text = _CAMEL.sub(" ", words).replace("№", " номер ").casefold().replace("ё", "е")
    tokens = [token for token in _NOT_LETTERS.sub(" ", text).split() if token]
    kept = [token for token in tokens if token not in _UNIT_WORDS] or tokens
    return " ".join(kept)


def columns_by_word(columns: Sequence[str]) -> dict[str, str]:
    """Columns by their names as `plain` writes them.

    A column under a spanning header ("Продажи / Выручка") also answers to its own word, unless another does.
    """
    found: dict[str, str] = {}
    for column in columns:
        found.setdefault(plain(column), column)
    own = [(plain(column.rsplit(" / ", 1)[-1]), column) for column in columns if " / " in column]
    repeats = Counter(word for word, _ in own)
    return {word: column for word, column in own if repeats[word] == 1} | found


@cache
def words_for(table: str, column: str) -> tuple[str, ...]:
    """Everything the column is called, its own name and titles included."""
    declared = next(known for known in TABLES if known.name == table).column(column)
    own = (plain(column), plain(declared.title.ru), plain(declared.title.en))
    return tuple(dict.fromkeys((*own, *(plain(word) for word in WORDS.get(column, ())))))


@cache
def _all_words() -> frozenset[str]:
    known = {plain(word) for words in WORDS.values() for word in words}
    known |= {word for table in TABLES for column in table.names for word in words_for(table.name, column)}
    return frozenset(known | {plain(word) for word in HEADER_WORDS})


def is_known_word(cell: str) -> bool:
    """Whether a cell reads like the name of a column."""
    return bool(cell) and len(cell) < 80 and plain(cell) in _all_words()
