"""ABC and XYZ: which products bring much, and of which can the demand be relied on?"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Self

import narwhals.stable.v2 as nw
from pydantic import model_validator

from rakurs.analyses.abc_classes import CLASSES as ABC
from rakurs.analyses.abc_classes import with_abc
from rakurs.analyses.columns import choice, column, overlapping
from rakurs.analyses.filters import basis_choice
from rakurs.analyses.products.names import PRODUCT, with_product_names
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members, Naming, Need
from rakurs.core.frames import count_where, ratio, where_cell
from rakurs.core.params import CUSTOMER_SEGMENT, Params, parameter
from rakurs.core.periods import DAY, Period, add_months
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import SALE_LINES
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.schema import PRODUCTS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

LINES = "sale_lines"
KEY = "product_id"
XYZ: Mapping[str, Text] = {
    "X": Text(ru="X: ровный спрос", en="X: steady demand"),
    "Y": Text(ru="Y: колеблется", en="Y: varying"),
    "Z": Text(ru="Z: непредсказуем", en="Z: erratic"),
    "unclear": Text(ru="Рано судить", en="Too early to tell"),
}


class AbcXyzParams(Params):
    """Parameters of ABC and XYZ."""

    basis: Basis = BUYING_BASIS
    customer_segment: str | None = CUSTOMER_SEGMENT
    months: int = parameter(
        12,
        Text(ru="Законченных месяцев", en="Finished months"),
        unit=Unit.COUNT,
        help=Text(ru="Текущий месяц не входит, пока не кончился", en="The running month is out until it ends"),
        ge=3,
        le=120,
    )
    a_share: float = parameter(
        0.75, Text(ru="Граница A", en="Share of A"), unit=Unit.SHARE, ge=0.0001, le=1, is_advanced=True
    )
    b_share: float = parameter(
        0.95, Text(ru="Граница A и B", en="Share of A and B"), unit=Unit.SHARE, ge=0.0001, le=1, is_advanced=True
    )
    x_to: float = parameter(
        0.5,
        Text(ru="X: вариация до", en="X: variation up to"),
        unit=Unit.RATIO,
        help=Text(
            ru="Отклонение спроса по месяцам, делённое на средний. В учебниках встречаются и 10 %, и 25 %",
            en="Deviation of monthly demand by its mean. Textbooks also have 10 % and 25 %",
        ),
        ge=0,
        le=10,
        is_advanced=True,
    )
    y_to: float = parameter(
        1.0, Text(ru="Y: вариация до", en="Y: variation up to"), unit=Unit.RATIO, ge=0, le=10, is_advanced=True
    )
    min_months: int = parameter(
        3, Text(ru="Месяцев для суждения", en="Months to tell by"), unit=Unit.COUNT, ge=2, le=120, is_advanced=True
    )

    @model_validator(mode="after")
    def _bounds_do_not_cross(self) -> Self:
        if self.b_share < self.a_share:
            raise ValueError(f"b_share ({self.b_share}) cannot be less than a_share ({self.a_share})")
        if self.y_to < self.x_to:
            raise ValueError(f"y_to ({self.y_to}) cannot be less than x_to ({self.x_to})")
        return self

    @property
    def window(self) -> Period:
        """The finished months up to the day of the question."""
        end = (self.today + DAY).replace(day=1)
        return Period(add_months(end, -self.months), end)


COLUMNS = (
    *PRODUCT,
    choice("abc", "Класс ABC", "ABC class", ABC),
    choice("xyz", "Класс XYZ", "XYZ class", XYZ),
    column("revenue", Unit.MONEY, "Выручка", "Revenue"),
    column("share", Unit.SHARE, "Доля", "Share"),
    column("cumulative_share", Unit.SHARE, "Доля нарастающим итогом", "Cumulative share"),
    column("quantity", Unit.QUANTITY, "Количество", "Quantity"),
    column("monthly_quantity", Unit.NUMBER, "В среднем за месяц", "Mean of a month"),
    overlapping("months", Unit.COUNT, "Месяцев в продаже", "Months on sale"),
    overlapping("sold_months", Unit.COUNT, "Месяцев со спросом", "Months with demand"),
    column("variation", Unit.RATIO, "Вариация спроса", "Variation of demand"),
)


def product_lines(frames: Frames, params: AbcXyzParams) -> Frame:
    """The lines of products up to the end of the last finished month, with the number of their month."""
    known = in_basis(frames[LINES], params.basis, preferred=Basis.ORDERS).filter(
        ~nw.col(KEY).is_null(), nw.col("sold_on") < nw.lit(params.window.end)
    )
    sold_on = nw.col("sold_on")
    number = sold_on.dt.year().cast(nw.Int64()) * 12 + sold_on.dt.month().cast(nw.Int64())
    return known.with_columns(number.alias("month_number"))


def window_lines(frames: Frames, params: AbcXyzParams) -> Frame:
    """Those of them in the finished months asked about."""
    return product_lines(frames, params).filter(params.window.contains(nw.col("sold_on")))


def classed(frames: Frames, params: AbcXyzParams) -> Frame:
    """One row per product with a sale or a return in the months, with its demand and both classes.

    A month without a line is a month of no demand; the months before the product's first sale ever are not counted.
    """
    start, end = params.window.start, params.window.end
    assert start is not None
    assert end is not None
    first = (
        product_lines(frames, params)
        .filter(~nw.col("is_return"))
        .group_by(KEY)
        .agg(nw.col("month_number").min().alias("first_month"))
    )
    monthly = (
        window_lines(frames, params)
        .group_by(KEY, "month_number")
        .agg(nw.col("quantity").sum().alias("quantity"), nw.col("revenue").sum().alias("revenue"))
        .with_columns(nw.col("quantity").cast(nw.Float64()).alias("demand"))
        .with_columns((nw.col("demand") * nw.col("demand")).alias("square"))
    )
    summed = monthly.group_by(KEY).agg(
        nw.col("quantity").sum().alias("quantity"),
        nw.col("revenue").sum().alias("value"),
        nw.col("demand").sum().alias("demand"),
        nw.col("square").sum().alias("squares"),
        count_where(nw.col("quantity") > 0).alias("sold_months"),
    )
    begins, ends = _month_number(start), _month_number(end)
    first_month = nw.when(nw.col("first_month") > begins).then(nw.col("first_month")).otherwise(nw.lit(begins))
    counted = summed.join(first, on=KEY, how="left").with_columns(
        nw.when(~nw.col("first_month").is_null()).then(nw.lit(ends) - first_month).alias("months")
    )
    valued = _with_xyz(counted, params).with_columns(nw.col(KEY).alias("id"))
    rows = with_abc(valued, a_share=params.a_share, b_share=params.b_share)
    return rows.with_columns(nw.col("class").alias("abc"), nw.col("value").alias("revenue"))


def _with_xyz(rows: Frame, params: AbcXyzParams) -> Frame:
    """`rows` with `variation`, the coefficient of variation of monthly demand, and its class."""
    # The square of the variation, times the square of the sum: no root and no division decides a bound.
    sum_squared = nw.col("demand") * nw.col("demand")
    spread = nw.col("squares") * nw.col("months").cast(nw.Float64()) - sum_squared
    is_told = (nw.col("demand") > 0) & (nw.col("months") >= params.min_months)
    positive = nw.when(spread > 0).then(spread).otherwise(nw.lit(0.0))
    xyz = (
        nw.when(is_told & (spread <= sum_squared * params.x_to**2))
        .then(nw.lit("X"))
        .when(is_told & (spread <= sum_squared * params.y_to**2))
        .then(nw.lit("Y"))
        .when(is_told)
        .then(nw.lit("Z"))
        .otherwise(nw.lit("unclear"))
    )
    return rows.with_columns(
        ratio(nw.col("demand"), nw.col("months")).alias("monthly_quantity"),
        nw.when(is_told).then(ratio(positive.sqrt(), nw.col("demand"))).alias("variation"),
        xyz.alias("xyz"),
    )


def _month_number(day: date) -> int:
    return day.year * 12 + day.month


def abc_xyz(*, params: AbcXyzParams, **frames: Frame) -> Frame:
    """One row per product."""
    return _with_names(classed(frames, params), frames, params)


def _unnamed(*, params: AbcXyzParams, **frames: Frame) -> Frame:
    return classed(frames, params)


def _with_names(rows: Frame, frames: Frames, params: AbcXyzParams) -> Frame:
    _ = params
    return with_product_names(rows, frames, by=KEY, name="product")


def members(frames: Frames, params: AbcXyzParams, cell: Cell) -> Frame:
    """The products of a cell, or one by id."""
    return where_cell(classed(frames, params), dict(cell)).select(KEY)


MONTHS = ("2025-12", "2026-01", "2026-02", "2026-03")


def _sold(product: str, revenue: int, *quantities: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Orders of one product in the months, the whole revenue in the first of them."""
    orders: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for month, quantity in zip(MONTHS[-len(quantities) :], quantities, strict=True):
        if quantity:
            order_id, amount = f"{product} {month}", 0 if lines else revenue
            orders.append({"order_id": order_id, "ordered_at": f"{month}-28 23:59", "amount": amount})
            lines.append({"order_id": order_id, "line_no": 1, "product_id": product, "quantity": quantity, "price": 1,
                          "amount": amount})  # fmt: skip
    return orders, lines


def _on(day: str, product: str, quantity: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    order_id = f"{product} {day}"
    line = {"order_id": order_id, "line_no": 1, "product_id": product, "quantity": quantity, "price": 1, "amount": 9000}
    return [{"order_id": order_id, "ordered_at": day, "amount": 9000}], [line]


_SALES = (
    _sold("steady", 5000, 10, 10, 10, 10),
    _sold("edge of X", 2500, 5, 15, 5, 15),
    _sold("beyond X", 1000, 4, 15, 5, 16),
    _sold("edge of Y", 500, 0, 20, 0, 20),
    _on("2025-11-30 23:59", "edge of Y", 7),
    _sold("erratic", 500, 0, 0, 40, 0),
    _on("2025-11-30", "erratic", 7),
    _sold("young", 300, 10, 10, 10),
    _sold("too young", 200, 10, 10),
    _on("2026-04-01", "steady", 900),
)
EXAMPLE = Example(
    tables={
        "products": [{"product_id": "steady", "name": "Чай"}],
        "orders": [row for orders, _ in _SALES for row in orders],
        "order_lines": [row for _, lines in _SALES for row in lines],
    },
    params=AbcXyzParams.model_validate({"months": 4, "as_of": "2026-04-15"}),
    expect=[
        {"product_id": "steady", "product": "Чай", "abc": "A", "xyz": "X", "revenue": 5000, "share": 0.5,
         "quantity": 40, "monthly_quantity": 10, "months": 4, "sold_months": 4, "variation": 0.0},
        # Mean 10, deviation 5.
        {"product_id": "edge of X", "abc": "A", "xyz": "X", "cumulative_share": 0.75, "variation": 0.5},
        # Exactly 75 % before it. Deviations 6, 5, 5, 6: the root of 30.5 by 10.
        {"product_id": "beyond X", "abc": "B", "xyz": "Y", "variation": 0.5522681},
        # Sold before the four months: the two without a sale are months of no demand.
        {"product_id": "edge of Y", "abc": "B", "xyz": "Y", "revenue": 500, "months": 4, "sold_months": 2,
         "variation": 1.0},
        {"product_id": "erratic", "abc": "B", "xyz": "Z", "sold_months": 1, "variation": 1.7320508},
        # Exactly 95 % before it. First sold in January: December is not counted.
        {"product_id": "young", "abc": "C", "xyz": "X", "months": 3, "variation": 0.0},
        {"product_id": "too young", "abc": "C", "xyz": "unclear", "months": 2, "variation": None},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="abc_xyz",
    area="products",
    title=Text(ru="ABC-XYZ товаров", en="ABC-XYZ of products"),
    question=Text(
        ru="Какие товары дают основную выручку, и на чей спрос можно рассчитывать?",
        en="Which products bring the most, and whose demand can be relied on?",
    ),
    how_to_read=Text(
        ru=(
            "AX: много денег и ровный спрос, держите всегда в наличии. AZ: много денег, но скачками, нужен запас или "
            "предзаказ. CZ: мало и непредсказуемо, возите под заказ. Нажмите на клетку, чтобы увидеть товары."
        ),
        en=(
            "AX: much money and steady demand, keep it always in stock. AZ: much money by leaps, hold a reserve or sell to "
            "order. CZ: little and erratic, bring it to order. Click a cell to see the products."
        ),
    ),
    definition=Text(
        ru=(
            "Последние months законченных месяцев, по строкам заказов или товару сделки; возвраты вычтены. ABC по выручке: "
            "накопленная доля ДО товара меньше 75 %: A, меньше 95 %: B, иначе C; нулевая и отрицательная выручка: C. XYZ по "
            "вариации: стандартное отклонение месячного количества (по всем месяцам, делённое на их число), делённое на "
            "среднее. До x_to (50 %) включительно X, до y_to (100 %) включительно Y, иначе Z. Месяц без продаж считается "
            "нулём, месяцы до первой продажи товара не считаются, неоконченный не входит. Рано судить: месяцев меньше "
            "min_months (3) или всё вернули. Спрос здесь то, что купили: товар, которого не было в наличии, выглядит "
            "непредсказуемым; сезон тоже увеличивает вариацию. Товаров без продаж в эти месяцы здесь нет."
        ),
        en=(
            "The latest finished months (parameter months), by order lines or the deal's product, less returns. ABC by "
            "revenue: a cumulative share BEFORE the product below 75 % is A, below 95 % B, else C; no or negative revenue "
            "is C. XYZ by variation: the standard deviation of monthly quantity (over all months, by their number) divided "
            "by the mean. Up to x_to (50 %) X, up to y_to (100 %) Y, both included, else Z. A month without a sale is a "
            "zero, months before the product's first sale are not counted, the unfinished one is out. Too early to tell: "
            "fewer months than min_months (3), or all returned. Demand here is what was bought: a product out of stock "
            "looks erratic; a season adds to the variation too. Products without a sale in these months are absent."
        ),
    ),
    source="Scholz-Reiter et al., Integration of demand forecasts in ABC-XYZ analysis, IJPPM 61 (2012), 445-451",
    inputs={LINES: SALE_LINES, "products": stored(PRODUCTS)},
    params=AbcXyzParams,
    columns=COLUMNS,
    order=("-revenue", "product_id"),
    compute=abc_xyz,
    members=Members(entity="products", by=("product_id", "abc", "xyz"), select=members),
    chart=Chart(kind="heatmap", x="xyz", y=("abc",), color="products"),
    choice=basis_choice(Basis.ORDERS, rows=lambda frames, _params: frames[LINES]),
    naming=Naming(columns=("product",), unnamed=_unnamed, add=_with_names),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="законченных месяцев с продажами товаров", en="finished months with sales of products"),
                at_least=3,
                rows=lambda frames, params: window_lines(frames, params).group_by("month_number").agg(),
            ),
        )
    ),
    left_out=(
        LeftOut(
            reason=Text(ru="Продажи без товара", en="Sales without a product"),
            rows=lambda frames, params: in_basis(frames[LINES], params.basis, preferred=Basis.ORDERS).filter(
                nw.col(KEY).is_null(), params.window.contains(nw.col("sold_on"))
            ),
        ),
        LeftOut(
            reason=Text(ru="Продажи месяца, который ещё не кончился", en="Sales of the month that has not ended yet"),
            rows=lambda frames, params: in_basis(frames[LINES], params.basis, preferred=Basis.ORDERS).filter(
                ~nw.col(KEY).is_null(),
                nw.col("sold_on") >= nw.lit(params.window.end),
                nw.col("sold_on") <= nw.lit(params.today),
            ),
        ),
    ),
    example=EXAMPLE,
)
