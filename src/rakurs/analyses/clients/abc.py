"""ABC: which few bring the most, and which many bring little?"""

from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Self

import narwhals.stable.v2 as nw
from pydantic import model_validator

from rakurs.analyses.abc_classes import CLASSES, with_abc
from rakurs.analyses.columns import choice, column
from rakurs.analyses.filters import SalesFilters, basis_choice, filtered_sales, within
from rakurs.analyses.sale_gates import SALES_WITHOUT_REVENUE
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members, Naming, Need
from rakurs.core.frames import count_distinct, where_cell
from rakurs.core.params import parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import SALE_LINES, SALES
from rakurs.metrics.basis import BUYING_BASIS, Basis
from rakurs.schema import CHANNELS, CUSTOMERS, EMPLOYEES, PRODUCTS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]


class Subject(StrEnum):
    """Who or what is put into classes."""

    CUSTOMERS = "customers"
    PRODUCTS = "products"
    MANAGERS = "managers"
    CHANNELS = "channels"


class Measure(StrEnum):
    """By what."""

    REVENUE = "revenue"
    MARGIN = "margin"
    SALES = "sales"


KEY_OF = {
    Subject.CUSTOMERS: "customer_id",
    Subject.PRODUCTS: "product_id",
    Subject.MANAGERS: "manager_id",
    Subject.CHANNELS: "channel_id",
}
NAMES_OF = {
    Subject.CUSTOMERS: ("customers", "customer_id"),
    Subject.PRODUCTS: ("products", "product_id"),
    Subject.MANAGERS: ("employees", "employee_id"),
    Subject.CHANNELS: ("channels", "channel_id"),
}


class AbcParams(SalesFilters):
    """Parameters of ABC."""

    PREFERRED: ClassVar[Basis] = Basis.ORDERS

    basis: Basis = BUYING_BASIS
    subject: Subject = parameter(
        Subject.CUSTOMERS,
        Text(ru="Кого делим", en="Subject"),
        labels={
            Subject.CUSTOMERS: Text(ru="Клиенты", en="Customers"),
            Subject.PRODUCTS: Text(ru="Товары", en="Products"),
            Subject.MANAGERS: Text(ru="Менеджеры", en="Managers"),
            Subject.CHANNELS: Text(ru="Каналы", en="Channels"),
        },
    )
    measure: Measure = parameter(
        Measure.REVENUE,
        Text(ru="По чему", en="Measure"),
        labels={
            Measure.REVENUE: Text(ru="Выручка", en="Revenue"),
            Measure.MARGIN: Text(ru="Маржа", en="Margin"),
            Measure.SALES: Text(ru="Число продаж", en="Number of sales"),
        },
    )
    a_share: float = parameter(
        0.75, Text(ru="Граница A", en="Share of A"), unit=Unit.SHARE, ge=0.0001, le=1, is_advanced=True
    )
    b_share: float = parameter(
        0.95, Text(ru="Граница A и B", en="Share of A and B"), unit=Unit.SHARE, ge=0.0001, le=1, is_advanced=True
    )

    @model_validator(mode="after")
    def _b_reaches_beyond_a(self) -> Self:
        if self.b_share < self.a_share:
            raise ValueError(f"b_share ({self.b_share}) cannot be less than a_share ({self.a_share})")
        return self


COLUMNS = (
    column("id", Unit.ID, "Код", "Id"),
    column("name", Unit.TEXT, "Название", "Name"),
    column("value", Unit.MONEY, "Величина", "Value"),
    column("sales", Unit.COUNT, "Продаж", "Sales"),
    column("share", Unit.SHARE, "Доля", "Share"),
    column("cumulative_share", Unit.SHARE, "Доля нарастающим итогом", "Cumulative share"),
    choice("class", "Класс", "Class", CLASSES),
)


def owned_sales(frames: Frames, params: AbcParams) -> Frame:
    """The sales (for products: their lines) of all time and every basis that belong to somebody."""
    source = "sale_lines" if params.subject is Subject.PRODUCTS else "sales"
    return frames[source].filter(~nw.col(KEY_OF[params.subject]).is_null())


def subject_sales(frames: Frames, params: AbcParams) -> Frame:
    """The sales (for products: their lines) of the period that belong to somebody, `id` being whom."""
    owned = owned_sales(frames, params)
    if params.subject is Subject.PRODUCTS:
        owned = owned.with_columns((~nw.col("is_return")).alias("is_sale"))
    return within(filtered_sales(owned, params), params).with_columns(nw.col(KEY_OF[params.subject]).alias("id"))


def classed(frames: Frames, params: AbcParams) -> Frame:
    """One row per subject with its value, shares and class.

    Sorted by value descending, then id. A row whose cumulative share before it is less than `a_share` is A, less
    than `b_share` B, else C; zero and negative values are C and have no share. Shares are of the positive sum.
    """
    sale = nw.when(nw.col("is_sale")).then(nw.col("sale_id"))
    counted = count_distinct("sale") if params.subject is Subject.PRODUCTS else nw.col("sale").count()
    summed = (
        subject_sales(frames, params)
        .with_columns(sale.alias("sale"))
        .group_by("id")
        .agg(
            counted.cast(nw.Int64()).alias("sales"),
            nw.col("revenue").sum().alias("revenue"),
            nw.col("margin").sum().alias("margin"),
            nw.col("margin").count().alias("margins"),
        )
    )
    if params.measure is Measure.MARGIN:
        # A subject of which no margin is known is absent, not worth zero.
        summed = summed.filter(nw.col("margins") > 0)
    valued = summed.with_columns(nw.col(params.measure.value).cast(Unit.MONEY.dtype).alias("value"))
    return with_abc(valued, a_share=params.a_share, b_share=params.b_share)


def abc(*, params: AbcParams, **frames: Frame) -> Frame:
    """One row per customer (product, manager, channel) with a sale in the period."""
    return _with_names(classed(frames, params), frames, params)


def _with_names(rows: Frame, frames: Frames, params: AbcParams) -> Frame:
    table, key = NAMES_OF[params.subject]
    names = frames[table].select(nw.col(key).alias("id"), "name")
    return rows.join(names, on="id", how="left").with_columns(nw.coalesce(nw.col("name"), nw.col("id")).alias("name"))


def _unnamed(*, params: AbcParams, **frames: Frame) -> Frame:
    return classed(frames, params)


def _ownerless(frames: Frames, params: AbcParams) -> Frame:
    source = "sale_lines" if params.subject is Subject.PRODUCTS else "sales"
    return within(filtered_sales(frames[source].filter(nw.col(KEY_OF[params.subject]).is_null()), params), params)


def members(frames: Frames, params: AbcParams, cell: Cell) -> Frame:
    """The sales behind a class or one of its rows, returns left out."""
    chosen = where_cell(classed(frames, params), dict(cell)).select("id")
    sold = subject_sales(frames, params).filter(nw.col("is_sale"))
    return sold.join(chosen, on="id", how="semi").group_by("sale_id").agg().select("sale_id")


def _order(order_id: str, day: str, customer: str | None, amount: int) -> dict[str, Any]:
    return {"order_id": order_id, "ordered_at": day, "customer_id": customer, "amount": amount}


EXAMPLE = Example(
    tables={
        "customers": [{"customer_id": "first", "name": "Первый"}],
        "orders": [
            _order("1", "2026-03-01", "first", 500),
            _order("2", "2026-03-31 23:59", "second", 250),
            _order("3", "2026-03-10", "third", 100),
            _order("4", "2026-03-10", "tie", 100),
            _order("5", "2026-03-10", "fifth", 50),
            _order("6", "2026-03-10", "returned", 300),
            _order("7", "2026-03-11", "returned", -300),
            _order("8", "2026-03-12", "in the red", -40),
            _order("9", "2026-03-12", None, 999),
            _order("too early", "2026-02-28 23:59", "fifth", 10000),
            _order("too late", "2026-04-01", "fifth", 10000),
        ],
    },
    params=AbcParams.model_validate({"from_day": "2026-03-01", "to_day": "2026-03-31", "as_of": "2026-04-30"}),
    expect=[
        {
            "id": "first",
            "name": "Первый",
            "value": 500,
            "sales": 1,
            "share": 0.5,
            "cumulative_share": 0.5,
            "class": "A",
        },
        {"id": "second", "value": 250, "share": 0.25, "cumulative_share": 0.75, "class": "A"},
        # Exactly 75 % before it: B. Exactly 95 % before the fifth: C.
        {"id": "third", "value": 100, "share": 0.1, "cumulative_share": 0.85, "class": "B"},
        {"id": "tie", "value": 100, "cumulative_share": 0.95, "class": "B"},
        {"id": "fifth", "value": 50, "cumulative_share": 1.0, "class": "C"},
        {"id": "returned", "value": 0, "sales": 1, "share": None, "cumulative_share": None, "class": "C"},
        {"id": "in the red", "value": Decimal(-40), "sales": 0, "share": None, "class": "C"},
    ],
)

ANALYSIS = Analysis(
    name="abc",
    area="clients",
    title=Text(ru="ABC-анализ", en="ABC analysis"),
    question=Text(ru="Кто даёт основную часть, а кто почти ничего?", en="Which few bring the most?"),
    how_to_read=Text(
        ru=(
            "Класс A: немногие, на ком держится выручка; потеря любого заметна. C: многие, которые вместе дают мало. "
            "Чем круче кривая, тем сильнее зависимость от немногих."
        ),
        en=(
            "Class A: the few that carry the revenue, each loss is felt. C: the many that together bring little. The "
            "steeper the curve, the stronger the dependence on the few."
        ),
    ),
    definition=Text(
        ru=(
            "Сортировка по величине по убыванию, затем по коду. Если накопленная доля ДО строки меньше границы A "
            "(75 %), класс A; меньше границы B (95 %), класс B; иначе C. Показанная накопленная доля включает саму "
            "строку. Доли считаются от суммы положительных величин; нулевые и отрицательные идут в C без доли. Маржа: "
            "только там, где известна себестоимость. Товары по строкам заказов или товару сделки. Продажи без "
            "владельца (клиента, товара, менеджера, канала) в деление не входят."
        ),
        en=(
            "Sorted by value descending, then by id. With a cumulative share BEFORE the row below A's bound (75 %) the "
            "class is A, below B's (95 %) B, else C. The cumulative share shown includes the row itself. Shares are of "
            "the sum of positive values; zero and negative ones are C without a share. Margin: only where costs are "
            "known. Products by order lines or the deal's product. Sales without an owner (customer, product, manager, "
            "channel) are left out."
        ),
    ),
    source="docs/definitions.md, Clients",
    inputs={
        "sales": SALES,
        "sale_lines": SALE_LINES,
        "customers": stored(CUSTOMERS),
        "products": stored(PRODUCTS),
        "employees": stored(EMPLOYEES),
        "channels": stored(CHANNELS),
    },
    params=AbcParams,
    columns=COLUMNS,
    order=("-value", "id"),
    compute=abc,
    members=Members(entity="sales", by=("id", "class"), select=members, count="sales"),
    chart=Chart(kind="pareto", x="name", y=("value", "cumulative_share"), color="class", limit=100),
    choice=basis_choice(Basis.ORDERS, rows=owned_sales),
    naming=Naming(columns=("name",), unnamed=_unnamed, add=_with_names),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="продаж с владельцем в выбранном периоде", en="sales with an owner in the chosen period"),
                at_least=1,
                rows=subject_sales,
            ),
        )
    ),
    left_out=(
        LeftOut(
            reason=Text(ru="Продажи без владельца: в деление не входят", en="Sales without an owner: left out"),
            rows=_ownerless,
        ),
        SALES_WITHOUT_REVENUE,
    ),
    example=EXAMPLE,
)
