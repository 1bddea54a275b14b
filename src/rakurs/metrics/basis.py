"""What is a sale: a won deal or an order? The choice that questions and models share."""

from enum import StrEnum
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.params import parameter
from rakurs.core.text import Text

Frame = nw.LazyFrame[Any]


class Basis(StrEnum):
    """What a sale is."""

    AUTO = "auto"
    DEALS = "deals"
    ORDERS = "orders"


BASIS_LABELS = {
    Basis.AUTO: Text(ru="Сделки, а если их нет, заказы", en="Deals, or orders where there are none"),
    Basis.DEALS: Text(ru="Выигранные сделки", en="Won deals"),
    Basis.ORDERS: Text(ru="Заказы", en="Orders"),
}

BASIS = parameter(
    Basis.AUTO,
    Text(ru="Что считать продажей", en="What counts as a sale"),
    help=Text(
        ru="Выигранная сделка в день закрытия или заказ в день оплаты (отгрузки)",
        en="A won deal on its closing day, or an order on the day of payment (or ordering)",
    ),
    labels=BASIS_LABELS,
)


BUYING_BASIS = parameter(
    Basis.AUTO,
    Text(ru="Что считать продажей", en="What counts as a sale"),
    help=Text(
        ru="Заказ в день оплаты (отгрузки) или выигранная сделка в день закрытия",
        en="An order on the day of payment (or ordering), or a won deal on its closing day",
    ),
    labels={**BASIS_LABELS, Basis.AUTO: Text(ru="Заказы, а если их нет, сделки", en="Orders, or deals without them")},
)
"""The same choice for questions about buyers and products: what they bought is in the orders."""


def in_basis(frame: Frame, basis: Basis, *, preferred: Basis = Basis.DEALS) -> Frame:
    """The rows of one basis. `auto` means the preferred one, or the other where there is not one row of it."""
    if basis is not Basis.AUTO:
        return frame.filter(nw.col("basis") == nw.lit(basis.value))
    # "deals" < "orders": the least name is the one to prefer, or the greatest.
    name = nw.col("basis").min() if preferred is Basis.DEALS else nw.col("basis").max()
    preferred_name = frame.select(name.alias("preferred_basis"))
    chosen = frame.join(preferred_name, how="cross").filter(nw.col("basis") == nw.col("preferred_basis"))
    return chosen.drop("preferred_basis")
