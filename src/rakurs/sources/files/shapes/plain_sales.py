"""A plain sheet "client, date, sum": one sale a row, nothing else needed."""

from rakurs.core.source import TableMapping
from rakurs.core.text import Text
from rakurs.sources.files.shapes.shape import CURRENCY_WORDS, Shape, listed, of

_IDS_NOTE = Text(
    ru="Номеров продаж в файле нет: номером служит имя файла со строкой. Не переименовывайте файл между загрузками.",
    en="The file has no sale numbers: file name and row serve as one. Keep the file's name between loads.",
)
_FIELDS = {
    "customer": (
        "Клиент", "Контрагент", "Покупатель", "Заказчик", "ФИО", "ФИО клиента", "Имя клиента", "Client", "Customer", "Buyer",
        "Customer name", "Client name", "Customer id", "Client id", "Customer_id",
    ),
    "date": (
        "Дата", "Дата продажи", "Дата покупки", "Дата заказа", "Дата оплаты", "День", "Период", "Date", "Order date",
        "Sale date", "Purchase date", "Day",
    ),
    "amount": (
        "Сумма", "Сумма продажи", "Сумма покупки", "Сумма заказа", "Стоимость", "Итого", "Выручка", "Оплата", "Sum", "Amount",
        "Total", "Revenue", "Value", "Order total",
    ),
    "number": ("Номер заказа", "Номер чека", "Заказ", "Чек", "Order", "Order id", "Order number", "Invoice", "Receipt"),
    "manager": ("Менеджер", "Ответственный", "Продавец", "Manager", "Seller", "Sales rep"),
    "channel": ("Канал", "Источник", "Channel", "Source"),
    "phone": ("Телефон", "Phone"),
    "email": ("Почта", "E-mail", "Email"),
    "city": ("Город", "City"),
    "currency": ("Валюта", "Currency"),
    "product": ("Товар", "Номенклатура", "Артикул", "Product", "Item", "SKU"),
    "quantity": ("Количество", "Кол-во", "Quantity", "Qty"),
    "stage": ("Этап", "Стадия", "Стадия сделки", "Этап сделки", "Stage", "Deal stage"),
}  # fmt: skip
_SALE = {
    "ordered_at": of("date"),
    "paid_at": of("date"),
    "customer_id": of("customer"),
    "amount": of("amount"),
    "currency": of("currency", replace=CURRENCY_WORDS),
    "manager_id": of("manager"),
    "channel_id": of("channel"),
}
_LISTS = (
    listed("employees", "employee_id", "manager"),
    listed("channels", "channel_id", "channel"),
    listed("customers", "customer_id", "customer", phone=of("phone"), email=of("email"), city=of("city")),
)

NUMBERED = Shape(
    name="plain-sales-numbered",
    title=Text(ru="Продажи с номерами: номер, клиент, дата, сумма", en="Numbered sales: number, client, date, sum"),
    fields=_FIELDS,
    needs=("number", "customer", "date", "amount"),
    excludes=("product", "quantity", "stage"),
    most_columns=10,
    tables=(*_LISTS, TableMapping(table="orders", values={"order_id": of("number"), **_SALE})),
)

PLAIN = Shape(
    name="plain-sales",
    title=Text(ru="Простая таблица: клиент, дата, сумма", en="A plain sheet: client, date, sum"),
    fields=_FIELDS,
    needs=("customer", "date", "amount"),
    excludes=("number", "product", "quantity", "stage"),
    most_columns=8,
    notes=(_IDS_NOTE,),
    tables=(*_LISTS, TableMapping(table="orders", values={"order_id": of(row_number=True), **_SALE})),
)
