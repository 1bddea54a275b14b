"""Demand factors: how does demand answer a product's own price and the prices of the products beside it?"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa

from rakurs.analyses.columns import answered, choice, column
from rakurs.analyses.filters import basis_choice
from rakurs.analyses.products.demand_panel import GATE, LINES, Grid, PanelParams, bought_lines, in_periods
from rakurs.analyses.sale_gates import LINES_OF_RETURNS
from rakurs.core.analysis import Analysis, Cell, Chart, Example, Frames, Members, Statement, Told
from rakurs.core.frames import count_distinct
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALE_LINES
from rakurs.metrics.basis import Basis
from rakurs.models.forecasting.price_panel import Array, Panel, Slope, common_slopes, filled, told_apart

Frame = nw.LazyFrame[Any]

TENTH = float(np.log(1.1))
LEAST_MOVE = 1e-4
HALF_A_YEAR = 7
DEAR_MONTHS = ((1, 4, 7, 9, 12), (2, 4, 5, 8, 9), (1, 3, 5, 10, 12), (2, 3, 6, 7, 11), (1, 6, 8, 10), (4, 5, 9, 11, 12))
FACTORS: Mapping[str, Text] = {
    "price": Text(ru="Цена до скидки", en="Price before discount"),
    "rivals": Text(ru="Цены других товаров группы", en="Prices of the category's other products"),
}
VERDICTS: Mapping[str, Text] = {
    "falls": Text(ru="Больше фактор, меньше спрос", en="More of it, less demand"),
    "rises": Text(ru="Больше фактор, больше спрос", en="More of it, more demand"),
    "not_seen": Text(ru="Влияние не видно", en="No effect seen"),
    "not_told_apart": Text(ru="Не отделить: сам по себе не менялся", en="Not told apart: did not move by itself"),
}


class DemandFactorsParams(PanelParams):
    """Which sales are looked at."""


COLUMNS = (
    choice("factor", "Фактор", "Factor", FACTORS),
    Column(
        name="effect",
        unit=Unit.NUMBER,
        title=Text(ru="Эластичность", en="Elasticity"),
        interval=("effect_low", "effect_high"),
    ),
    column("effect_low", Unit.NUMBER, "Не ниже", "Low"),
    column("effect_high", Unit.NUMBER, "Не выше", "High"),
    choice("verdict", "Вывод", "Verdict", VERDICTS),
    Column(
        name="change",
        unit=Unit.RATIO,
        title=Text(ru="На десятую больше: спрос", en="A tenth more: demand"),
        interval=("change_low", "change_high"),
    ),
    column("change_low", Unit.RATIO, "Спрос, не ниже", "Demand, low"),
    column("change_high", Unit.RATIO, "Спрос, не выше", "Demand, high"),
    column("products", Unit.COUNT, "Товаров, у которых он менялся", "Products in which it moved"),
    column("customers", Unit.COUNT, "Покупателей", "Buyers"),
)


def demand_factors(*, params: DemandFactorsParams, **frames: Frame) -> Frame:
    """The panel, for `finish`: one row per product and period with a sale."""
    revenue, off = nw.col("revenue").cast(nw.Float64()), nw.col("discount").cast(nw.Float64()).fill_null(0.0)
    full = nw.when(off > 0).then(revenue + off).otherwise(revenue)
    buyers = bought_lines(frames[LINES], params).select(count_distinct("customer_id").alias("customers"))
    return (
        in_periods(frames, params)
        .with_columns(revenue.alias("revenue"), full.alias("full"))
        .group_by("product_id", "period")
        .agg(
            nw.col("category").max().alias("category"),
            nw.col("quantity").cast(nw.Float64()).sum().alias("units"),
            nw.col("full").sum().alias("full"),
        )
        .join(buyers, how="cross")
        .sort("product_id", "period")
    )


def finish(rows: pa.Table, params: DemandFactorsParams) -> pa.Table:
    """One row per factor."""
    _ = params
    if not rows.num_rows:
        return answered([], COLUMNS)
    grid = Grid(rows)
    units, full = grid.spread("units"), grid.spread("full")
    panel = filled(units, full / units)
    steady = grid.is_steady(panel.known)
    categories = [category for (category,) in grid.of_products("category")]
    factors = {
        "price": panel.log_price[steady],
        "rivals": _rivals(panel, categories)[steady],
    }
    slopes = _slopes(Panel(panel.units[steady], panel.log_price[steady]), factors)
    customers = rows["customers"][0].as_py()
    return answered(
        [_row(name, slopes.get(name), moved=_moved(factors[name]), customers=customers) for name in FACTORS],
        COLUMNS,
    )


def _slopes(panel: Panel, factors: Mapping[str, Array]) -> dict[str, Slope]:
    """The slope of each factor that moves by itself; none where the price does not."""
    beside = [name for name in factors if name != "price"]
    for name in list(beside):
        if told_apart(panel, factors[name]):
            panel = replace(panel, beside=(*panel.beside, factors[name]))
        else:
            beside.remove(name)
    found = common_slopes(panel) if len(panel.units) else None
    return {} if found is None else dict(zip(("price", *beside), found.slopes, strict=True))


def _rivals(panel: Panel, categories: list[str | None]) -> Array:
    """How far the other products of the category are from their usual prices, on average; 0 where there are none."""
    usual = np.array([row[~np.isnan(row)].mean() if (~np.isnan(row)).any() else 0.0 for row in panel.log_price])
    away = np.where(panel.known, panel.log_price - usual[:, None], 0.0)
    found = np.zeros_like(away)
    for category in {one for one in categories if one is not None}:
        rows = np.array([one == category for one in categories])
        others = np.where(panel.known[rows], panel.known[rows].sum(axis=0) - 1, 0)
        found[rows] = np.where(others > 0, (away[rows].sum(axis=0) - away[rows]) / np.maximum(others, 1), 0.0)
    return found


def _moved(factor: Array) -> int:
    return sum(bool(np.ptp(row[~np.isnan(row)]) > LEAST_MOVE) for row in factor if (~np.isnan(row)).any())


def _row(name: str, slope: Slope | None, *, moved: int, customers: int) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(item.name for item in COLUMNS)
    row |= {"factor": name, "products": moved, "customers": customers, "verdict": "not_told_apart"}
    if slope is None:
        return row
    changes = {
        f"change{end}": float(np.expm1(value * TENTH))
        for end, value in (("", slope.value), ("_low", slope.low), ("_high", slope.high))
    }
    verdict = "rises" if slope.low > 0 else "falls" if slope.high < 0 else "not_seen"
    return (
        row
        | changes
        | {
            "effect": slope.value,
            "effect_low": slope.low,
            "effect_high": slope.high,
            "verdict": verdict,
        }
    )


def story(table: pa.Table, params: DemandFactorsParams) -> tuple[Statement, ...]:
    """A sentence for each factor whose effect is sure."""
    _ = params
    return tuple(
        Statement(
            words=_STORY[row["factor"]],
            values={
                name: Told(value=row[name], unit=Unit.RATIO, is_change=True)
                for name in ("change", "change_low", "change_high")
            },
            cell={"factor": row["factor"]},
        )
        for row in table.to_pylist()
        if row["verdict"] in ("rises", "falls")
    )


_STORY = {
    "price": Text(
        ru="Цена выше на 10 %, и спрос меняется на {change} (95 %: от {change_low} до {change_high}).",
        en="A price 10% higher, and demand changes by {change} (95%: {change_low} to {change_high}).",
    ),
    "rivals": Text(
        ru="Другие товары группы дороже на 10 %, и спрос меняется на {change} (95 %: от {change_low} до {change_high}).",
        en=(
            "The category's other products dearer by 10%, and demand changes by {change} (95%: {change_low} to "
            "{change_high})."
        ),
    ),
}


def members(frames: Frames, params: DemandFactorsParams, cell: Cell) -> Frame:
    """The customers whose purchases were looked at: the same for every factor."""
    _ = cell
    bought = bought_lines(frames[LINES], params).filter(~nw.col("customer_id").is_null())
    return bought.group_by("customer_id").agg().select("customer_id")


def _example_tables() -> dict[str, list[dict[str, Any]]]:
    """Twelve months of six products in two categories, each at 100 or 200 by turns of its own.

    At twice the price each sells a quarter as much, elasticity exactly -2; with the other two of its category at their dear
    price twice as much, which is exactly 1; from July on everything sells twice as well. A fifth is taken off at the till.
    """
    dear = {product: frozenset(months) for product, months in zip("abcdef", DEAR_MONTHS, strict=True)}
    orders, lines = [], []
    for product, category in zip("abcdef", ("tea",) * 3 + ("jam",) * 3, strict=True):
        others = [other for other in ("abc" if category == "tea" else "def") if other != product]
        for month in range(1, 13):
            is_dear, rivals = month in dear[product], sum(month in dear[other] for other in others) / 2
            price = 200 if is_dear else 100
            units = (256 if is_dear else 1024) * (2 if month >= HALF_A_YEAR else 1) * 2.0**rivals
            order = f"{product} {month:02}"
            orders.append({"order_id": order, "ordered_at": f"2025-{month:02}-10", "customer_id": product})
            lines.append(
                {"order_id": order, "product_id": product, "quantity": round(units, 3), "price": price, "line_no": 1,
                 "discount": round(round(units, 3) * price * 0.2, 2)}
            )  # fmt: skip
    products = [{"product_id": one, "category": "tea" if one in "abc" else "jam"} for one in "abcdef"]
    return {"products": products, "orders": orders, "order_lines": lines}


EXAMPLE = Example(
    tables=_example_tables(),
    params=DemandFactorsParams.model_validate({"as_of": "2025-12-31"}),
    # A tenth more: 1.1 ** -2 and 1.1 ** 1.
    expect=[
        {"factor": "price", "effect": -2, "effect_low": -2, "effect_high": -2, "verdict": "falls",
         "change": 1.1**-2 - 1, "products": 6, "customers": 6},
        {"factor": "rivals", "effect": 1, "verdict": "rises", "change": 0.1, "products": 6, "customers": 6},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="demand_factors",
    area="products",
    title=Text(ru="Что движет спросом", en="What moves demand"),
    question=Text(
        ru="Как спрос отвечает на свою цену и на цены соседних товаров?",
        en="How does demand answer a product's own price, and the prices of those beside it?",
    ),
    how_to_read=Text(
        ru=(
            "Каждая строка: что делает один фактор, пока другие стоят на месте. «На десятую больше»: спрос при ценах выше на 10 %. "
            "«Влияние не видно»: интервал захватывает ноль. Цены соседних товаров с плюсом: покупатели переходят с одного товара "
            "группы на другой, и подешевевший товар отнимает продажи у своих же соседей."
        ),
        en=(
            "Each row tells what one factor does while the others stay. “A tenth more”: demand at prices 10% higher. “No effect "
            "seen”: the interval holds zero. Prices of the others with a plus: buyers go from one product of the category to "
            "another, and one made cheaper takes sales from its own neighbours."
        ),
    ),
    definition=Text(
        ru=(
            "Панель: товар и период (grain) по дню заказа; спрос: единиц продано, возвраты не в счёт. Цена: до скидки, выручка и "
            "скидка на единицу: скидки часто дают за большой заказ, и цена после них сама зависит от спроса. Цены группы: "
            "среднее отклонение log цены других товаров группы от их обычной. Псевдоправдоподобие Пуассона: log спроса = товар + "
            "период + сумма эффект × фактор, ошибки по товарам. Учат товары, которые продавались хотя бы в 90 % своих периодов. "
            "Фактор, который почти не менялся отдельно от товара, периода и остальных, не называется. Спрос при "
            "десятой: exp(эффект × log 1,1) − 1. Это связь в прошлом; скрытых причин она не исключает."
        ),
        en=(
            "Panel: product and period (grain) by the day of the order; demand: units sold, returns not counted. Price: before "
            "discount, revenue and discount per unit: discounts are often given for a large order, and a price after them itself "
            "depends on demand. Prices of the category: the mean deviation of the log prices of its other products from their "
            "usual ones. Poisson pseudo-likelihood: log of demand = product + period + sum of effect × factor, errors by product. "
            "Learned from products that sold in at least 90% of their periods. A factor that hardly moved apart from product, "
            "period and the others is not named. Demand at a tenth more: exp(effect × log 1.1) - 1. This is how they went along "
            "in the past; hidden causes are not ruled out."
        ),
    ),
    source=(
        "Santos Silva, Tenreyro, Review of Economics and Statistics 88 (2006), 641-658; Bell, McCaffrey, Survey Methodology 28 "
        "(2002), 169-181"
    ),
    inputs={LINES: SALE_LINES, "calendar": CALENDAR},
    params=DemandFactorsParams,
    columns=COLUMNS,
    order=("factor",),
    compute=demand_factors,
    finish=finish,
    story=story,
    members=Members(entity="customers", by=("factor",), select=members, count="customers"),
    chart=Chart(kind="intervals", x="factor", y=("effect",), interval=("effect_low", "effect_high")),
    choice=basis_choice(Basis.ORDERS, rows=lambda frames, _params: frames[LINES]),
    gate=GATE,
    left_out=(LINES_OF_RETURNS,),
    example=EXAMPLE,
)
