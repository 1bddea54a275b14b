"""What does the state of a base of 1C mean in canonical tables?"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rakurs.core.source import Delivery, TableMapping
from rakurs.core.text import Text
from rakurs.sources.commerceml.records import CUSTOMER_EXTRAS, PRODUCT_EXTRAS
from rakurs.sources.commerceml.settings import CommerceMLSettings
from rakurs.sources.live import Landing
from rakurs.sources.rows import Dependents, brought, deleted, listed, of
from rakurs.sources.spool import Spool

NAME = "commerceml"
_ORDER = {
    "order_id": of("order"), "ordered_at": of("at"), "customer_id": of("customer"), "paid_at": of("paid_at"), "status": of("status"),
    "amount": of("amount"), "currency": of("currency"), "discount": of("discount"), "manager_id": of("manager"),
}  # fmt: skip
_MEANT: Mapping[str, tuple[TableMapping, ...]] = {
    "unknown_products": (listed("products", "product_id", "product", name=of("name")),),
    "products": (TableMapping(table="products", values={
        "product_id": of("product"), "name": of("name"), "category": of("category"), "brand": of("brand"),
        "unit_cost": of("unit_cost"), "list_price": of("list_price"),
    }),),
    "stock": (TableMapping(table="stock", values={
        "product_id": of("product"), "place": of("place"), "quantity": of("quantity"), "counted_at": of("at"),
    }),),
    "customers": (TableMapping(table="customers", values={
        "customer_id": of("customer"), "name": of("name"), "kind": of("kind"), "phone": of("phone"), "email": of("email"),
        "tax_id": of("tax_id"), "city": of("city"), "region": of("region"), "country": of("country"), "birth_date": of("born"),
    }),),
    "orders": (listed("employees", "employee_id", "manager"), TableMapping(table="orders", values=_ORDER)),
    "lines": (
        TableMapping(table="order_lines", values={
            "order_id": of("order"), "line_no": of("number"), "product_id": of("product"), "quantity": of("quantity"),
            "price": of("price"), "amount": of("amount"), "discount": of("discount"), "is_return": of("is_return"),
        }),
        TableMapping(table="order_lines", values={"order_id": of("order"), "line_no": of("number")}, deletes="siblings"),
    ),
    "payments": (TableMapping(table="payments", values={
        "payment_id": of("payment"), "paid_at": of("at"), "amount": of("amount"), "order_id": of("order"),
        "customer_id": of("customer"), "method": of("method"), "is_refund": of("is_refund"),
    }),),
}  # fmt: skip
_EXTRAS = {"products": PRODUCT_EXTRAS, "customers": CUSTOMER_EXTRAS}
_ASIDE = ("_file", "_line")
DEPENDENTS: Dependents = {
    "products": (("products", "product_id"),),
    "customers": (("customers", "customer_id"),),
    "orders": (("orders", "order_id"), ("order_lines", "order_id")),
    "emptied": (("order_lines", "order_id"),),
    "payments": (("payments", "payment_id"),),
}
"""What goes when a record is gone: the tables, and the column in each that holds its id."""


def deliveries(settings: CommerceMLSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What a run has brought, as rows of the landing's source; what a person should know goes with the first of them."""
    notes = tuple(Text(ru=told["ru"], en=told["en"]) for told in spool.noted("remarks", []))
    for delivery in _all(settings, spool, landing):
        yield replace(delivery, notes=notes)
        notes = ()


def _all(settings: CommerceMLSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    source, currency = landing.source, settings.own_currency
    for stream, tables in _MEANT.items():
        # What an order's document lists besides stands under its own names.
        kept = set(spool.columns(stream)) - {*_ASIDE} if stream == "orders" else _EXTRAS.get(stream, ())
        yield from brought(spool, stream, tables, name=NAME, source=source, kept=kept, currency=currency)
    yield from deleted(spool, DEPENDENTS, name=NAME, source=source)
