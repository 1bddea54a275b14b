"""1C: what do the columns of its sales register and of its list of sales documents mean?

A printed report has title rows, groups and subtotals between the records; `tidied` leaves the records.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from rakurs.core.source import TableMapping
from rakurs.core.text import Text
from rakurs.sources.files.layout import is_total
from rakurs.sources.files.shapes.shape import CURRENCY_WORDS, Rows, Shape, listed, of
from rakurs.sources.files.synonyms import columns_by_word, plain
from rakurs.sources.files.values import is_date

GROUP, LINE_NUMBER, PRICE, DOCUMENT_DAY = "Группировка", "Номер строки документа", "Цена расчётная", "Дата из документа"
_DATES = ("Период", "Дата", "Дата документа", "Дата продажи", "Период, день", "По дням")
_DOCUMENTS = (
    "Регистратор", "Документ", "Документ продажи", "Документ движения", "Документ реализации", "Ссылка", "Номер",
    "Номер документа", "Реализация",
)  # fmt: skip
_PRODUCTS = ("Номенклатура", "Товар", "Номенклатура, Характеристика", "Наименование")
_CUSTOMERS = ("Контрагент", "Покупатель", "Клиент", "Партнер", "Заказчик", "Контрагент покупатель")
_AMOUNTS = (
    "Выручка", "Сумма", "Сумма выручки", "Стоимость", "Стоимость продажи", "Продажи", "Сумма продажи", "Сумма документа",
    "Сумма с НДС", "Выручка с НДС", "Всего", "Оборот", "Сумма оборот", "Стоимость оборот",
)  # fmt: skip
_QUANTITIES = ("Количество", "Кол-во", "Количество оборот", "Кол.")
_LEVELS = frozenset(plain(word) for word in (*_DATES, *_DOCUMENTS, *_PRODUCTS, *_CUSTOMERS, "Менеджер", "Склад"))
_DOCUMENT_TEXT = re.compile(r"\bот\s+(\d{1,2}\.\d{1,2}\.\d{4})(?:\s+(\d{1,2}:\d{2}(?::\d{2})?))?")

_FIELDS = {
    "date": (*_DATES, DOCUMENT_DAY),
    "document": _DOCUMENTS,
    "product": _PRODUCTS,
    "customer": (*_CUSTOMERS, GROUP),
    "quantity": _QUANTITIES,
    "amount": _AMOUNTS,
    "price": ("Цена", PRICE),
    "cost": ("Себестоимость", "Себестоимость продаж", "Сумма себестоимости", "Себестоимость оборот"),
    "line": (LINE_NUMBER,),
    "manager": ("Менеджер", "Ответственный", "Ответственный менеджер", "Автор"),
    "currency": ("Валюта",),
    "discount": ("Сумма скидки", "Скидка"),
}
_MARKS = (
    "Регистратор", "Номенклатура", "Контрагент", "Выручка", "Себестоимость", "Организация", "Склад", "Документ продажи",
    "Документ движения", "Период", "Партнер", "Ссылка",
)  # fmt: skip
_GROUPS_NOTE = Text(
    ru="Строки групп и промежуточных итогов отчёта не считаются записями",
    en="Group and subtotal rows of the report are not counted as records",
)


def expanded(columns: Sequence[str]) -> tuple[str, ...]:
    """The columns that `tidied` makes of a report's: levels written in one column get a column each."""
    names = (*_levels(columns), *columns[1:]) if len(_levels(columns)) == 2 else tuple(columns)
    has_date = any(plain(name) in {plain(word) for word in _DATES} for name in names)
    derived = (GROUP, LINE_NUMBER, PRICE) if has_date else (GROUP, LINE_NUMBER, PRICE, DOCUMENT_DAY)
    return (*names, *derived)


def tidied(columns: Sequence[str], rows: Rows) -> tuple[tuple[str, ...], Iterator[Sequence[str]]]:
    """The report's records under `expanded` columns; rows that are none become blank and keep their place."""
    names = expanded(columns)
    reader = _nested if len(_levels(columns)) == 2 else _flat
    return names, _numbered(reader(columns, names, rows), names)


def _levels(columns: Sequence[str]) -> list[str]:
    levels = [level.strip() for level in columns[0].split(" / ")] if columns else []
    return levels if len(levels) > 1 and all(plain(level) in _LEVELS for level in levels) else []


def _flat(columns: Sequence[str], names: Sequence[str], rows: Rows) -> Iterator[dict[str, str]]:
    """Records have a day or a dated document; other rows with text are groups, whose name goes to their records."""
    dated = [place for place, name in enumerate(columns) if plain(name) in {plain(word) for word in _DATES}]
    documents = [place for place, name in enumerate(columns) if plain(name) in {plain(word) for word in _DOCUMENTS}]
    group = ""
    for row in rows:
        is_record = any(is_date(row[place].strip()) for place in dated) or (
            not dated and any(_DOCUMENT_TEXT.search(row[place]) for place in documents)
        )
        if is_record:
            record = dict(zip(columns, row, strict=False))
            yield {**record, GROUP: group, **_dated_by_document(record, documents, columns, names)}
            continue
        if any(row) and not is_total(row):
            group = next(cell.strip() for cell in row if cell.strip())
        yield {}


def _nested(columns: Sequence[str], names: Sequence[str], rows: Rows) -> Iterator[dict[str, str]]:
    """Two levels in the first column: an outer row opens a group, the inner rows under it are the records."""
    outer, inner = _levels(columns)
    is_inner_document = plain(inner) in {plain(word) for word in _DOCUMENTS}
    group = ""
    for row in rows:
        text = row[0].strip()
        if not text or is_total(row):
            yield {}
        elif bool(_DOCUMENT_TEXT.search(text)) == is_inner_document:
            record = dict(zip(columns[1:], row[1:], strict=False)) | {outer: group, inner: text}
            document = text if is_inner_document else group
            yield {**record, DOCUMENT_DAY: _day_of(document)} if DOCUMENT_DAY in names else record
        else:
            group = text
            yield {}


def _dated_by_document(
    record: dict[str, str], documents: Sequence[int], columns: Sequence[str], names: Sequence[str]
) -> dict[str, str]:
    if DOCUMENT_DAY not in names:
        return {}
    days = (_day_of(record[columns[place]]) for place in documents)
    return {DOCUMENT_DAY: next((day for day in days if day), "")}


def _day_of(document: str) -> str:
    match = _DOCUMENT_TEXT.search(document)
    return " ".join(part for part in match.groups() if part) if match else ""


def _numbered(records: Iterator[dict[str, str]], names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Lines numbered within their document, with a price where the report has only sums."""
    lines: Counter[str] = Counter()
    document = _first(names, _DOCUMENTS)
    quantity, amount = _first(names, _QUANTITIES), _first(names, _AMOUNTS)
    for record in records:
        if record:
            number = record.get(document, "") if document else ""
            lines[number] += 1
            price = _price(record.get(amount or "", ""), record.get(quantity or "", ""))
            record |= {LINE_NUMBER: str(lines[number]), PRICE: price}
        yield tuple(record.get(name, "") for name in names)


def _first(names: Sequence[str], words: Sequence[str]) -> str | None:
    by_word = columns_by_word(names)
    return next((by_word[plain(word)] for word in words if plain(word) in by_word), None)


def _price(amount: str, quantity: str) -> str:
    """Sum over quantity; the sum itself where the quantity is absent; empty where the sum is no number."""
    total, count = _decimal(amount), _decimal(quantity)
    if total is None:
        return ""
    return format(abs(total / count if count else total).quantize(Decimal("0.0001")), "f")


def _decimal(text: str) -> Decimal | None:
    compact = re.sub(r"\s", "", text)
    if compact.rfind(",") > compact.rfind("."):
        compact = compact.replace(".", "").replace(",", ".")
    compact = compact.replace(",", "")
    try:
        return Decimal(compact)
    except InvalidOperation:
        return None


_PEOPLE = (listed("employees", "employee_id", "manager"), listed("customers", "customer_id", "customer"))
_ORDER = {
    "order_id": of("document"),
    "ordered_at": of("date"),
    "paid_at": of("date"),
    "customer_id": of("customer"),
    "manager_id": of("manager"),
    "currency": of("currency", replace=CURRENCY_WORDS),
}

REGISTER = Shape(
    name="1c-sales-register",
    title=Text(ru="Продажи из 1С по номенклатуре", en="1C sales register by product"),
    fields=_FIELDS,
    needs=("document", "date", "product", "amount"),
    marks=_MARKS,
    least_marks=2,
    expanded=expanded,
    tidied=tidied,
    notes=(_GROUPS_NOTE,),
    tables=(
        *_PEOPLE,
        listed("products", "product_id", "product"),
        TableMapping(table="orders", values=_ORDER, distinct=True, keep_custom=False),
        TableMapping(
            table="order_lines",
            values={
                "order_id": of("document"),
                "product_id": of("product"),
                "quantity": of("quantity", default="1"),
                "price": of("price"),
                "line_no": of("line"),
                "amount": of("amount"),
                "cost": of("cost"),
                "discount": of("discount"),
            },
        ),
    ),
)

DOCUMENTS = Shape(
    name="1c-sales-documents",
    title=Text(ru="Документы продажи из 1С", en="1C sales documents"),
    fields=_FIELDS,
    needs=("document", "date", "amount", "customer"),
    excludes=("product", "quantity"),
    marks=_MARKS,
    least_marks=2,
    expanded=expanded,
    tidied=tidied,
    notes=(_GROUPS_NOTE,),
    tables=(
        *_PEOPLE,
        TableMapping(table="orders", values={**_ORDER, "amount": of("amount"), "discount": of("discount")}),
    ),
)
