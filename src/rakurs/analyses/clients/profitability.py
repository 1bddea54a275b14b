"""Profitability: who brings the profit, and who eats it up? The whale curve."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar

import narwhals.stable.v2 as nw

from rakurs.analyses.columns import choice, column, named, overlapping
from rakurs.analyses.filters import SalesFilters, asked_sales, basis_choice, narrowed
from rakurs.analyses.sale_gates import SALES_WITHOUT_REVENUE
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members, Naming, Need
from rakurs.core.frames import (
    absent,
    count_distinct,
    count_where,
    ratio,
    row_number,
    sum_or_null,
    sum_where,
    to_money,
    where_cell,
)
from rakurs.core.params import parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CUSTOMER, CUSTOMER_COSTS, SALE_LINES, SALES
from rakurs.metrics.basis import BUYING_BASIS, Basis
from rakurs.schema import CHANNELS, CUSTOMERS, PRODUCTS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

PARTS_OF_SHARE = 10_000
"""A margin is held against hundredths of a percent of the revenue in whole cents: floats lose the one on the line."""


class By(StrEnum):
    """Whose margin."""

    CUSTOMERS = "customers"
    REGIONS = "regions"
    CHANNELS = "channels"
    KINDS = "kinds"
    PRODUCTS = "products"
    CATEGORIES = "categories"


KEYS: Mapping[By, str] = {
    By.CUSTOMERS: "customer_id",
    By.REGIONS: "region",
    By.CHANNELS: "channel_id",
    By.KINDS: "customer_kind",
    By.PRODUCTS: "product_id",
    By.CATEGORIES: "category",
}
NAMED: Mapping[By, tuple[str, str]] = {
    By.CUSTOMERS: ("customers", "customer_id"),
    By.CHANNELS: ("channels", "channel_id"),
    By.PRODUCTS: ("products", "product_id"),
}
"""The table and key of those that have a name besides their id."""
OF_LINES = frozenset({By.PRODUCTS, By.CATEGORIES})
OWNED = frozenset({By.CUSTOMERS, By.PRODUCTS})
"""Where a sale of nobody, or of no product, is left out; elsewhere those without a region stand in a row."""
KINDS = next(item.choices for item in CUSTOMER if item.name == "customer_kind")
CLASSES: Mapping[str, Text] = {
    "profitable": Text(ru="Прибыльные", en="Profitable"),
    "break_even": Text(ru="Около нуля", en="Break-even"),
    "loss_making": Text(ru="Убыточные", en="Loss-making"),
    "unknown": Text(ru="Себестоимость неизвестна", en="Cost unknown"),
}


class ProfitabilityParams(SalesFilters):
    """Parameters of profitability."""

    PREFERRED: ClassVar[Basis] = Basis.ORDERS

    basis: Basis = BUYING_BASIS
    by: By = parameter(
        By.CUSTOMERS,
        Text(ru="Чья маржа", en="Whose margin"),
        labels={
            By.CUSTOMERS: Text(ru="Клиенты", en="Customers"),
            By.REGIONS: Text(ru="Регионы клиентов", en="Customers' regions"),
            By.CHANNELS: Text(ru="Каналы", en="Channels"),
            By.KINDS: Text(ru="Виды клиентов", en="Customer kinds"),
            By.PRODUCTS: Text(ru="Товары", en="Products"),
            By.CATEGORIES: Text(ru="Группы товаров", en="Product categories"),
        },
    )
    hour_cost: float = parameter(
        0,
        Text(ru="Час сотрудника стоит", en="An employee's hour costs"),
        unit=Unit.MONEY,
        help=Text(
            ru="Встречи, задачи и разговоры с клиентом; 0: их время не считать",
            en="Meetings, tasks and talks with the customer; 0: their time is not counted",
        ),
        ge=0,
        is_advanced=True,
    )
    money_rate: float = parameter(
        0,
        Text(ru="Деньги стоят в год", en="Money costs a year"),
        unit=Unit.SHARE,
        help=Text(
            ru="Ставка, под которую ждут оплаты заказов; 0: ожидание не считать",
            en="The rate at which payments of orders are waited for; 0: waiting is not counted",
        ),
        ge=0,
        le=2,
        is_advanced=True,
    )
    break_even: float = parameter(
        0.02,
        Text(ru="Около нуля: прибыль до доли выручки", en="Break-even: profit up to a share of revenue"),
        unit=Unit.SHARE,
        ge=0,
        le=0.5,
        is_advanced=True,
    )


COLUMNS = (
    column("place", Unit.RANK, "Место", "Place"),
    column("id", Unit.ID, "Код", "Id"),
    named("name", "Название", "Name", KINDS),
    overlapping("customers", Unit.COUNT, "Клиентов", "Customers"),
    column("profit", Unit.MONEY, "Прибыль", "Profit"),
    column("share", Unit.RATIO, "Доля прибыли", "Share of profit"),
    column("cumulative_share", Unit.RATIO, "Доля нарастающим итогом", "Cumulative share"),
    choice("class", "Класс", "Class", CLASSES),
    column("revenue", Unit.MONEY, "Выручка", "Revenue"),
    column("margin", Unit.MONEY, "Маржа", "Margin"),
    column("margin_rate", Unit.RATIO, "Рентабельность", "Margin rate"),
    column("serving", Unit.MONEY, "Доставка и сервис", "Delivery and service"),
    column("work", Unit.MONEY, "Время сотрудников", "Employees' time"),
    column("waiting", Unit.MONEY, "Ожидание оплаты", "Waiting for payment"),
    column("cost", Unit.MONEY, "Себестоимость", "Cost of goods"),
    column("returned", Unit.MONEY, "Возвраты", "Returned"),
    column("discount", Unit.MONEY, "Скидки", "Discounts"),
    column("unknown_revenue", Unit.MONEY, "Выручка без себестоимости", "Revenue without cost"),
)


def sold(frames: Frames, params: ProfitabilityParams) -> Frame:
    """The sales of the period (for products their lines), `id` being whose they are; null is nobody's."""
    rows = asked_sales(frames["sale_lines" if params.by in OF_LINES else "sales"], params)
    if params.by in OF_LINES:
        rows = rows.with_columns(
            nw.when(nw.col("is_return")).then(nw.col("revenue")).alias("returned"),
            absent(Unit.MONEY).alias("discount"),
        )
    return rows.with_columns(nw.col(KEYS[params.by]).alias("id"))


def costs_of(frames: Frames, params: ProfitabilityParams) -> Frame:
    """What serving took in the period; nothing where products are compared, of which none is known."""
    day = nw.col("spent_on")
    in_period = params.window.contains(day), day <= nw.lit(params.today), nw.lit(params.by not in OF_LINES)
    return narrowed(frames["customer_costs"], params).filter(*in_period)


def served(frames: Frames, params: ProfitabilityParams) -> Frame:
    """What customers cost in the period beyond the goods, in money, `id` being whose it is."""
    hour, year = (nw.lit(float(value)) if value else nw.lit(None) for value in (params.hour_cost, params.money_rate))
    return (
        costs_of(frames, params)
        .select(
            nw.col("customer_id" if params.by in OF_LINES else KEYS[params.by]).alias("id"),
            "customer_id",
            nw.col("amount").alias("serving"),
            to_money(nw.col("hours") * hour.cast(nw.Float64())).alias("work"),
            to_money(nw.col("money_years") * year.cast(nw.Float64())).alias("waiting"),
        )
        .filter(~(nw.col("serving").is_null() & nw.col("work").is_null() & nw.col("waiting").is_null()))
    )


COSTS = ("serving", "work", "waiting")
_OF_SALES = ("revenue", "returned", "discount", "margin")


def counted(frames: Frames, params: ProfitabilityParams) -> Frame:
    """The sales of the period and what serving cost in it, without what belongs to nobody where only owners are compared."""
    of_sales = sold(frames, params).select(
        "id",
        "customer_id",
        *(nw.col(name).cast(Unit.MONEY.dtype) for name in _OF_SALES),
        *(absent(Unit.MONEY).alias(name) for name in COSTS),
        nw.lit(value=True).alias("is_sold"),
    )
    of_service = served(frames, params).select(
        "id",
        "customer_id",
        *(absent(Unit.MONEY).alias(name) for name in _OF_SALES),
        *(nw.col(name).cast(Unit.MONEY.dtype) for name in COSTS),
        nw.lit(value=False).alias("is_sold"),
    )
    rows = nw.concat([of_sales, of_service])
    return rows.filter(~nw.col("id").is_null()) if params.by in OWNED else rows


def ranked(frames: Frames, params: ProfitabilityParams) -> Frame:
    """One row per owner with its money, place and class; the greatest profit first, unknown ones last.

    Margin and cost are of the revenue whose cost is known; profit is the margin less what serving cost. Shares are of the
    sum of all known profits, losses taken off; they are null where that sum is not above zero.
    """
    is_costed = ~nw.col("margin").is_null()
    summed = (
        counted(frames, params)
        .group_by("id")
        .agg(
            count_distinct("customer_id").cast(nw.Int64()).alias("customers"),
            nw.col("revenue").sum().alias("revenue"),
            nw.col("returned").sum().alias("returned"),
            sum_or_null("discount").alias("discount"),
            sum_where("revenue", is_costed).alias("known_revenue"),
            sum_or_null("margin").alias("margin"),
            *(sum_or_null(name).alias(name) for name in COSTS),
            count_where(nw.col("is_sold")).alias("sales"),
        )
        .with_columns(
            # Whoever only cost something sold nothing: a margin of 0 is known.
            nw.when(nw.col("sales") == 0)
            .then(nw.lit(0).cast(Unit.MONEY.dtype))
            .otherwise(nw.col("margin"))
            .alias("margin")
        )
        .with_columns(_profit().alias("profit"))
        .with_columns(
            (nw.col("revenue") - nw.col("known_revenue")).alias("unknown_revenue"),
            (nw.col("known_revenue") - nw.col("margin")).alias("cost"),
            (nw.col("profit") * 100).cast(nw.Int64()).alias("cents"),
            (nw.col("margin") * 100).cast(nw.Int64()).alias("margin_cents"),
            (nw.col("known_revenue") * 100).cast(nw.Int64()).alias("revenue_cents"),
        )
    )
    is_unknown = nw.when(nw.col("cents").is_null()).then(nw.lit(1)).otherwise(nw.lit(0))
    in_order = ("is_unknown", "descending", "id")
    running = summed.with_columns(
        is_unknown.alias("is_unknown"),
        nw.col("cents").fill_null(0).alias("worth"),
        (-nw.col("cents").fill_null(0)).alias("descending"),
    ).with_columns(
        row_number((), in_order).alias("place"),
        nw.col("worth").sum().cast(nw.Int64()).alias("whole"),
        nw.col("worth").cum_sum().over(order_by=list(in_order)).cast(nw.Int64()).alias("up_to"),
    )
    return _with_class(running, params)


def _profit() -> nw.Expr:
    nothing = nw.lit(0).cast(Unit.MONEY.dtype)
    profit = nw.col("margin")
    for name in COSTS:
        profit = profit - nw.coalesce(nw.col(name), nothing)
    return profit


def _with_class(running: Frame, params: ProfitabilityParams) -> Frame:
    near_zero = nw.col("revenue_cents").abs() * round(params.break_even * PARTS_OF_SHARE)
    is_known = ~nw.col("cents").is_null()
    is_shared = is_known & (nw.col("whole") > 0)
    in_class = (
        nw.when(~is_known)
        .then(nw.lit("unknown"))
        .when(nw.col("cents").abs() * PARTS_OF_SHARE <= near_zero)
        .then(nw.lit("break_even"))
        .when(nw.col("cents") > 0)
        .then(nw.lit("profitable"))
        .otherwise(nw.lit("loss_making"))
    )
    return running.with_columns(
        in_class.alias("class"),
        nw.when(is_shared).then(ratio(nw.col("cents"), nw.col("whole"))).alias("share"),
        nw.when(is_shared).then(ratio(nw.col("up_to"), nw.col("whole"))).alias("cumulative_share"),
        nw.when(nw.col("revenue_cents") > 0)
        .then(ratio(nw.col("margin_cents"), nw.col("revenue_cents")))
        .alias("margin_rate"),
    )


def profitability(*, params: ProfitabilityParams, **frames: Frame) -> Frame:
    """One row per customer (region, channel, kind, product, category) with a sale, a return or a cost in the period."""
    return _with_names(ranked(frames, params), frames, params)


def _with_names(rows: Frame, frames: Frames, params: ProfitabilityParams) -> Frame:
    if params.by not in NAMED:
        return rows.with_columns(nw.col("id").alias("name"))
    table, key = NAMED[params.by]
    names = frames[table].select(nw.col(key).alias("id"), "name")
    return rows.join(names, on="id", how="left").with_columns(nw.coalesce(nw.col("name"), nw.col("id")).alias("name"))


def _unnamed(*, params: ProfitabilityParams, **frames: Frame) -> Frame:
    return ranked(frames, params)


def members(frames: Frames, params: ProfitabilityParams, cell: Cell) -> Frame:
    """The customers behind a row or a class."""
    rows = counted(frames, params)
    if set(cell) <= {"id"}:
        chosen = where_cell(rows, dict(cell))
    else:
        # Null equals nothing in a join, and no id is empty.
        key = nw.coalesce(nw.col("id"), nw.lit("")).alias("key")
        of_cell = where_cell(ranked(frames, params), dict(cell)).select(key)
        chosen = rows.with_columns(key).join(of_cell, on="key", how="semi")
    return chosen.filter(~nw.col("customer_id").is_null()).group_by("customer_id").agg().select("customer_id")


def _order(order_id: str, day: str, customer: str | None, amount: int, **more: Any) -> dict[str, Any]:
    return {"order_id": order_id, "ordered_at": day, "customer_id": customer, "amount": amount, **more}


def _line(order_id: str, amount: int, cost: int | None, *, is_return: bool = False) -> dict[str, Any]:
    return {"order_id": order_id, "line_no": 1 + is_return, "product_id": "tea", "quantity": 1, "price": amount,
            "amount": amount, "cost": cost, "is_return": is_return}  # fmt: skip


EXAMPLE = Example(
    tables={
        "customers": [{"customer_id": "whale", "name": "Кит"}],
        "service_costs": [
            {"cost_id": "1", "spent_at": "2026-03-31 23:59", "amount": 10, "kind": "delivery", "order_id": "1"},
            {"cost_id": "2", "spent_at": "2026-03-01", "amount": 25, "kind": "service", "customer_id": "only served"},
            {"cost_id": "too early", "spent_at": "2026-02-28 23:59", "amount": 999, "customer_id": "whale"},
            {"cost_id": "too late", "spent_at": "2026-04-01", "amount": 999, "customer_id": "whale"},
            {"cost_id": "of nobody", "spent_at": "2026-03-15", "amount": 999},
        ],
        "activities": [
            {"activity_id": "1", "at": "2026-03-15", "kind": "meeting", "customer_id": "good", "duration_seconds": 360},
        ],
        "orders": [
            _order("1", "2026-03-01", "whale", 1000, discount=50),
            _order("2", "2026-03-31 23:59", "good", 400),
            _order("3", "2026-03-10", "tie a", 200),
            _order("4", "2026-03-10", "tie b", 200),
            _order("5", "2026-03-10", "nearly", 1000),
            _order("6", "2026-03-10", "above nearly", 1000),
            _order("7", "2026-03-10", "in the red", 100),
            _order("8", "2026-03-11", "in the red", 60),
            _order("9", "2026-03-11", "no cost", 500),
            _order("10", "2026-03-12", None, 999),
            _order("too early", "2026-02-28 23:59", "whale", 10000),
            _order("too late", "2026-04-01", "whale", 10000),
        ],
        "order_lines": [
            _line("1", 1200, 700),
            _line("1", 200, 100, is_return=True),
            _line("2", 400, 100),
            _line("3", 200, 120),
            _line("4", 200, 120),
            _line("5", 1000, 980),
            _line("6", 1000, 979),
            _line("7", 100, 281),
            _line("10", 999, 1),
            _line("too early", 10000, 1),
            _line("too late", 10000, 1),
        ],
    },
    params=ProfitabilityParams.model_validate({"from_day": "2026-03-01", "to_day": "2026-03-31", "as_of": "2026-04-30", "hour_cost": 600}),
    expect=[
        # Profits 390, 240, 80, 80, 21, 20, -25 and -181: 625 in all, 831 before the losses.
        {"place": 1, "id": "whale", "name": "Кит", "customers": 1, "revenue": 1000, "returned": -200, "discount": 50,
         "unknown_revenue": 0, "cost": 600, "margin": 400, "margin_rate": 0.4, "serving": 10, "work": None,
         "waiting": None, "profit": 390, "share": 390 / 625, "cumulative_share": 390 / 625, "class": "profitable"},
        # Six minutes of an hour that costs 600.
        {"place": 2, "id": "good", "margin": 300, "discount": None, "serving": None, "work": 60, "profit": 240,
         "cumulative_share": 630 / 625},
        {"place": 3, "id": "tie a", "margin": 80, "cumulative_share": 710 / 625},
        {"place": 4, "id": "tie b", "margin": 80, "cumulative_share": 790 / 625},
        {"place": 5, "id": "above nearly", "margin": 21, "cumulative_share": 811 / 625, "class": "profitable"},
        # Exactly 2 % of the revenue.
        {"place": 6, "id": "nearly", "margin": 20, "cumulative_share": 831 / 625, "class": "break_even"},
        {"place": 7, "id": "only served", "revenue": 0, "cost": 0, "margin": 0, "margin_rate": None, "serving": 25,
         "profit": -25, "share": -25 / 625, "class": "loss_making"},
        # The cost of the second order is not known: its 60 are in the revenue, not in the margin.
        {"place": 8, "id": "in the red", "revenue": 160, "unknown_revenue": 60, "cost": 281, "margin": -181,
         "margin_rate": -1.81, "share": -181 / 625, "cumulative_share": 1.0, "class": "loss_making"},
        {"place": 9, "id": "no cost", "revenue": 500, "unknown_revenue": 500, "cost": None, "margin": None,
         "margin_rate": None, "profit": None, "share": None, "cumulative_share": None, "class": "unknown"},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="profitability",
    area="clients",
    title=Text(ru="Прибыльность", en="Profitability"),
    question=Text(ru="Кто приносит прибыль, а кто её съедает?", en="Who brings the profit, and who eats it up?"),
    how_to_read=Text(
        ru=(
            "Кривая кита: клиенты от самого прибыльного, линия показывает, сколько прибыли набралось. Где она выше 100 %, "
            "прибыльные заработали больше итога; где падает, остальные это съедают. Смотрите на тех, у кого большая "
            "выручка и убыток: цена, скидка, возвраты или дорогое обслуживание."
        ),
        en=(
            "The whale curve: customers from the most profitable on, the line is the profit so far. Where it is above "
            "100 %, the profitable ones earned more than the total; where it falls, the rest eat it up. Look at those "
            "with much revenue and a loss: price, discount, returns or dear service."
        ),
    ),
    definition=Text(
        ru=(
            "Маржа = выручка минус себестоимость товаров, по продажам периода, у которых себестоимость известна; выручка "
            "остальных показана отдельно и в маржу не входит. Возвраты отрицательны и уже вычтены из выручки, скидки уже "
            "не в ней. Скидки известны у заказа целиком, а не у товара. Прибыль = маржа минус обслуживание клиента в те же дни: "
            "загруженные расходы (доставка, сервис), время сотрудников (дела с длительностью, кроме звонков, и разговоры по "
            "телефону) по цене часа hour_cost и ожидание оплаты заказов (от заказа до первой оплаты) под ставку money_rate. Цена "
            "часа и ставка не заданы (0): время и ожидание не считаются. Расход относится к заказу, сделке или клиенту, который в "
            "нём назван; кто в эти дни только стоил денег, тоже в списке, с выручкой 0. У товаров и групп обслуживания нет. Доля: "
            "от суммы всех прибылей, убытки вычтены; нарастающим итогом от большей прибыли к меньшей, затем по коду, поэтому при "
            "убытках она поднимается выше 100 %. Если сумма не больше нуля, долей нет. Около нуля: прибыль по модулю не больше "
            "доли break_even (2 %) выручки с известной себестоимостью. Товары и группы: по строкам заказов, их сумма может "
            "отличаться от суммы заказов."
        ),
        en=(
            "Margin = revenue less cost of goods, over the sales of the period whose cost is known; the revenue of the rest "
            "is shown apart and is not in the margin. Returns are negative and already taken off the revenue, discounts "
            "are not in it. Discounts are known of a whole order, not of a product. Profit = margin less what serving the customer "
            "cost in the same days: loaded costs (delivery, service), employees' time (activities with a length, calls apart, and "
            "talks by phone) at hour_cost an hour, and waiting for payments of orders (from the order to its first payment) at "
            "money_rate a year. With no hour's cost and no rate (0), time and waiting are not counted. A cost belongs to the order, "
            "deal or customer it names; whoever only cost money in those days is listed too, with a revenue of 0. Of products and "
            "categories no service is known. Share: of the sum of all profits, losses taken off; cumulated from the greatest "
            "profit down, then by id, so that losses lift it above 100 %. With a sum not above zero there are no shares. "
            "Break-even: a profit of at most the share break_even (2 %) of the revenue whose cost is known, either way. Products "
            "and categories: by order lines, which may add up to something else than the orders."
        ),
    ),
    source="Kaplan and Narayanan, Measuring and Managing Customer Profitability, Journal of Cost Management, 2001",
    inputs={
        "sales": SALES,
        "customer_costs": CUSTOMER_COSTS,
        "sale_lines": SALE_LINES,
        "customers": stored(CUSTOMERS),
        "products": stored(PRODUCTS),
        "channels": stored(CHANNELS),
    },
    params=ProfitabilityParams,
    columns=COLUMNS,
    order=("place",),
    compute=profitability,
    members=Members(entity="customers", by=("id", "class"), select=members, count="customers"),
    chart=Chart(kind="lines", x="name", y=("cumulative_share",), spread="place", limit=400),
    choice=basis_choice(Basis.ORDERS),
    naming=Naming(columns=("name",), unnamed=_unnamed, add=_with_names),
    gate=DataGate(
        needs=(
            Need(
                what=Text(
                    ru="продаж с известной себестоимостью в выбранном периоде",
                    en="sales of known cost in the chosen period",
                ),
                at_least=1,
                rows=lambda frames, params: counted(frames, params).filter(~nw.col("margin").is_null()),
            ),
        )
    ),
    left_out=(
        LeftOut(
            reason=Text(
                ru="Продажи без себестоимости: их выручка показана, в маржу не входит",
                en="Sales without a cost: their revenue is shown, it is not in the margin",
            ),
            rows=lambda frames, params: counted(frames, params).filter(
                nw.col("margin").is_null(), ~nw.col("revenue").is_null()
            ),
        ),
        LeftOut(
            reason=Text(
                ru="Продажи без клиента или товара: в сравнение не входят",
                en="Sales without a customer or product: not compared",
            ),
            rows=lambda frames, params: sold(frames, params).filter(nw.col("id").is_null(), nw.lit(params.by in OWNED)),
        ),
        LeftOut(
            reason=Text(
                ru="Расходы, дела и ожидания без клиента: ни на кого не отнесены",
                en="Costs, activities and waiting without a customer: put on nobody",
            ),
            rows=lambda frames, params: served(frames, params).filter(
                nw.col("id").is_null(), nw.lit(params.by in OWNED)
            ),
        ),
        LeftOut(
            reason=Text(
                ru="Расходы на клиентов в валюте без курса: не сосчитаны",
                en="Costs to serve in a currency without a rate: not counted",
            ),
            rows=lambda frames, params: costs_of(frames, params).filter(nw.col("is_rate_missing")),
        ),
        SALES_WITHOUT_REVENUE,
    ),
    example=EXAMPLE,
)
