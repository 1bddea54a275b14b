"""How much was sold, to how many, and what was left of it?"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import narwhals.stable.v2 as nw

from rakurs.core.frames import count_distinct, money_each, sum_or_null
from rakurs.core.metric import Measure, Metric, Part
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import SALE_LINES, SALES

_REPEATED = ~nw.col("is_first") & ~nw.col("customer_id").is_null()
_RETURNED_SOME = (nw.col("returned") != 0).fill_null(value=False)
_SOLD, _RETURNED = nw.col("is_sale"), nw.col("is_return")


def alone(part: str) -> Callable[[Mapping[str, nw.Expr]], nw.Expr]:
    """The value of a metric that is one of its parts."""
    return lambda parts: parts[part]


def _of_sales(counted: nw.Expr | None = None, **parts: Part) -> Measure:
    return Measure(mart=SALES, day="sold_on", parts=parts, entity="sales", key="sale_id", counted=counted)


def _of_lines(counted: nw.Expr | None = None, **parts: Part) -> Measure:
    return Measure(mart=SALE_LINES, day="sold_on", parts=parts, entity="sales", key="sale_id", counted=counted)


def _buyers_of(measure: Measure) -> Measure:
    """The same rows, with the customers behind them instead of the sales."""
    return replace(measure, entity="customers", key="customer_id")


_REVENUE = Part(expression=nw.col("revenue").sum(), unit=Unit.MONEY)
_SALES = Part(expression=nw.when(_SOLD).then(nw.lit(1)).count(), unit=Unit.COUNT)
# A sale of two products is one sale of each of them, so sales by product do not sum to the total.
_SALES_WITH = Part(
    expression=count_distinct(nw.when(~_RETURNED).then(nw.col("sale_id"))), unit=Unit.COUNT, is_additive=False
)
_BUYERS = Part(
    expression=count_distinct(nw.when(_SOLD).then(nw.col("customer_id"))), unit=Unit.COUNT, is_additive=False
)
_BUYERS_OF = Part(
    expression=count_distinct(nw.when(~_RETURNED).then(nw.col("customer_id"))), unit=Unit.COUNT, is_additive=False
)
_MARGIN = Part(expression=sum_or_null("margin"), unit=Unit.MONEY, empty=None)

REVENUE = Metric(
    name="revenue",
    title=Text(ru="Выручка", en="Revenue"),
    definition=Text(
        ru="Сумма продаж за вычетом возвратов: выигранных сделок по дню закрытия или оплаченных заказов",
        en="The sum of sales less returns: of deals won by closing day, or of paid orders",
    ),
    unit=Unit.MONEY,
    measures=(_of_sales(revenue=_REVENUE), _of_lines(revenue=_REVENUE)),
    value=alone("revenue"),
)
SALES_COUNT = Metric(
    name="sales",
    title=Text(ru="Продажи", en="Sales"),
    definition=Text(
        ru="Сколько выигранных сделок или оплаченных заказов; возвраты не считаются",
        en="How many deals won or paid orders; returns are not counted",
    ),
    unit=Unit.COUNT,
    measures=(_of_sales(_SOLD, sales=_SALES), _of_lines(~_RETURNED, sales=_SALES_WITH)),
    value=alone("sales"),
)
AVERAGE_CHECK = Metric(
    name="average_check",
    title=Text(ru="Средний чек", en="Average check"),
    definition=Text(ru="Выручка / продажи; пусто, если продаж нет", en="Revenue / sales; empty without sales"),
    unit=Unit.MONEY,
    measures=(
        _of_sales(revenue=_REVENUE, sales=_SALES),
        _of_lines(revenue=_REVENUE, sales=_SALES_WITH),
    ),
    value=lambda parts: money_each(parts["revenue"], parts["sales"]),
)
FIRST_REVENUE = Metric(
    name="first_revenue",
    title=Text(ru="Выручка первых покупок", en="First revenue"),
    definition=Text(
        ru="Выручка первой за всю историю продажи каждого клиента",
        en="Revenue of each customer's first sale ever, not the first of the period",
    ),
    unit=Unit.MONEY,
    measures=(
        _of_sales(
            nw.col("is_first"),
            first_revenue=Part(expression=nw.when(nw.col("is_first")).then(nw.col("revenue")).sum(), unit=Unit.MONEY),
        ),
    ),
    value=alone("first_revenue"),
)
REPEAT_REVENUE = Metric(
    name="repeat_revenue",
    title=Text(ru="Выручка повторных покупок", en="Repeat revenue"),
    definition=Text(
        ru="Выручка всех продаж известным клиентам, кроме первой у каждого; продажи без клиента сюда не входят",
        en="Revenue of every sale to a known customer but the first; sales without a customer are in neither",
    ),
    unit=Unit.MONEY,
    measures=(
        _of_sales(
            _REPEATED, repeat_revenue=Part(expression=nw.when(_REPEATED).then(nw.col("revenue")).sum(), unit=Unit.MONEY)
        ),
    ),
    value=alone("repeat_revenue"),
)
RETURNED = Metric(
    name="returned",
    title=Text(ru="Возвраты", en="Returns"),
    definition=Text(
        ru="Сумма возвратов; уже вычтена из выручки", en="The sum of returns, already taken out of revenue"
    ),
    unit=Unit.MONEY,
    measures=(_of_sales(_RETURNED_SOME, returned=Part(expression=nw.col("returned").sum(), unit=Unit.MONEY)),),
    value=alone("returned"),
)
MARGIN = Metric(
    name="margin",
    title=Text(ru="Маржа", en="Margin"),
    definition=Text(
        ru="Маржа продаж, у которых она известна; пусто, если не известна ни у одной",
        en="Margin of the sales that have one; empty when none has",
    ),
    unit=Unit.MONEY,
    measures=(_of_sales(margin=_MARGIN), _of_lines(margin=_MARGIN)),
    value=alone("margin"),
)
CUSTOMERS = Metric(
    name="customers",
    title=Text(ru="Покупатели", en="Customers"),
    definition=Text(
        ru="Сколько разных клиентов купили; один клиент может быть в нескольких группах",
        en="How many different customers bought; one customer may be in several groups",
    ),
    unit=Unit.COUNT,
    measures=(_buyers_of(_of_sales(_SOLD, customers=_BUYERS)), _buyers_of(_of_lines(~_RETURNED, customers=_BUYERS_OF))),
    value=alone("customers"),
)
