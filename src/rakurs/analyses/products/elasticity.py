"""Elasticity: by how much does demand fall when a price rises, and which price brings most margin?"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa

from rakurs.analyses.columns import answered, choice, column, overlapping
from rakurs.analyses.filters import basis_choice
from rakurs.analyses.products.demand_panel import GATE, LINES, Grid, PanelParams, bought_lines, in_periods
from rakurs.analyses.products.names import PRODUCT, with_product_names
from rakurs.analyses.sale_gates import LINES_OF_RETURNS, LINES_WITHOUT_PRODUCT
from rakurs.core.analysis import (
    Analysis,
    Cell,
    Chart,
    Example,
    Frames,
    Members,
    Statement,
    Told,
)
from rakurs.core.frames import count_distinct, sum_where
from rakurs.core.params import parameter
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALE_LINES
from rakurs.metrics.basis import Basis
from rakurs.models.forecasting.price_panel import Panel, Slope, common_slopes, filled, own_slope, shrunk
from rakurs.schema import PRODUCTS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

RECENT = 3
"""The present price, cost and demand are those of the last periods with sales, so many."""
TELLING = 0.02
"""A price that differs by less from the best one is left alone."""


VERDICTS: Mapping[str, Text] = {
    "raise": Text(ru="Поднять", en="Raise"),
    "lower": Text(ru="Снизить", en="Lower"),
    "leave": Text(ru="Оставить", en="Leave"),
    "unclear": Text(ru="Неясно", en="Not clear"),
    "no_cost": Text(ru="Себестоимость неизвестна", en="Cost unknown"),
    "not_told_apart": Text(ru="Не отделить: цены почти не менялись", en="Not told apart: prices hardly moved"),
}


class ElasticityParams(PanelParams):
    """What is looked at, how far a price may go, and what if."""

    max_change: float = parameter(
        0.15, Text(ru="Менять цену не больше чем на", en="Change a price by at most"), unit=Unit.SHARE, ge=0.01, le=0.9
    )
    min_margin: float = parameter(
        0.05,
        Text(ru="Маржа не меньше доли цены", en="Margin at least this share of the price"),
        unit=Unit.SHARE,
        ge=0,
        le=0.9,
        is_advanced=True,
    )
    price_change: float = parameter(
        -0.1,
        Text(ru="Что если цена изменится на", en="What if the price changes by"),
        unit=Unit.RATIO,
        help=Text(ru="-0.1: дешевле на десятую", en="-0.1: a tenth cheaper"),
        ge=-0.9,
        le=2,
    )


COLUMNS = (
    *PRODUCT,
    Column(
        name="elasticity",
        unit=Unit.NUMBER,
        title=Text(ru="Эластичность", en="Elasticity"),
        interval=("elasticity_low", "elasticity_high"),
    ),
    column("elasticity_low", Unit.NUMBER, "Эластичность, не ниже", "Elasticity, low"),
    column("elasticity_high", Unit.NUMBER, "Эластичность, не выше", "Elasticity, high"),
    choice("verdict", "Вывод", "Verdict", VERDICTS),
    overlapping("price", Unit.MONEY, "Цена", "Price"),
    overlapping("best_price", Unit.MONEY, "Лучшая цена", "Best price"),
    Column(
        name="gain",
        unit=Unit.MONEY,
        title=Text(ru="Маржи больше за период", en="More margin a period"),
        interval=("gain_low", "gain_high"),
    ),
    overlapping("gain_low", Unit.MONEY, "Прибавка, не ниже", "Gain, low"),
    overlapping("gain_high", Unit.MONEY, "Прибавка, не выше", "Gain, high"),
    column("change_margin", Unit.MONEY, "Если изменить: маржи", "If changed: margin"),
    column("change_revenue", Unit.MONEY, "Если изменить: выручки", "If changed: revenue"),
    column("change_units", Unit.NUMBER, "Если изменить: единиц", "If changed: units"),
    column("units", Unit.NUMBER, "Единиц за период", "Units a period"),
    overlapping("unit_cost", Unit.MONEY, "Себестоимость", "Unit cost"),
    column("own_elasticity", Unit.NUMBER, "По одному товару", "By the product alone"),
    column("own_error", Unit.NUMBER, "Её ошибка", "Its error"),
    overlapping("customers", Unit.COUNT, "Покупателей", "Buyers"),
    overlapping("periods", Unit.COUNT, "Периодов", "Periods"),
    column("category", Unit.TEXT, "Группа", "Category"),
    column("common", Unit.NUMBER, "Эластичность всех товаров", "Elasticity of all products"),
    column("common_low", Unit.NUMBER, "Всех, не ниже", "Of all, low"),
    column("common_high", Unit.NUMBER, "Всех, не выше", "Of all, high"),
)


def elasticity(*, products: Frame, params: ElasticityParams, **frames: Frame) -> Frame:
    """The panel, for `finish`: one row per product and period with a sale."""
    has_cost = ~nw.col("margin").is_null()
    summed = (
        in_periods(frames, params)
        .group_by("product_id", "period")
        .agg(
            nw.col("category").max().alias("category"),
            nw.col("quantity").sum().alias("units"),
            nw.col("revenue").sum().alias("revenue"),
            sum_where("quantity", has_cost).alias("costed_units"),
            (sum_where("revenue", has_cost) - sum_where("margin", has_cost)).alias("cost"),
        )
    )
    buyers = (
        bought_lines(frames[LINES], params).group_by("product_id").agg(count_distinct("customer_id").alias("customers"))
    )
    floats = [nw.col(name).cast(nw.Float64()).alias(name) for name in ("units", "revenue", "costed_units", "cost")]
    return with_product_names(
        summed.with_columns(*floats).join(buyers, on="product_id", how="left"),
        {"products": products},
        by="product_id",
        name="product",
    ).sort("product_id", "period")


def finish(rows: pa.Table, params: ElasticityParams) -> pa.Table:
    """The elasticities the panel holds, and what follows of them for each product."""
    if not rows.num_rows:
        return answered([], COLUMNS)
    goods = _Goods(rows)
    panel, is_steady = goods.panel, goods.is_steady
    found = common_slopes(Panel(panel.units[is_steady], panel.log_price[is_steady]))
    if found is None:
        return answered([goods.untold(place) for place in range(len(goods.ids))], COLUMNS)
    (common,), effects = found.slopes, found.effects
    own = [
        own_slope(panel.units[place], panel.log_price[place], effects) if is_steady[place] else None
        for place in range(len(goods.ids))
    ]
    slopes = shrunk(own, common)
    return answered(
        [goods.row(place, own[place], slopes[place], common, params) for place in range(len(goods.ids))], COLUMNS
    )


class _Goods:
    """The rows of `elasticity` as a panel, and each product's present price, cost and demand."""

    def __init__(self, rows: pa.Table) -> None:
        grid = Grid(rows)
        self.ids, self._count = grid.ids, grid.count
        self._named = grid.of_products("product", "category", "customers")
        self._units, self._revenue = grid.spread("units"), grid.spread("revenue")
        self._costed, self._cost = grid.spread("costed_units"), grid.spread("cost")
        self.panel: Panel = filled(self._units, self._revenue / self._units)
        self.is_steady = grid.is_steady(self.panel.known)

    def _lately(self, place: int) -> tuple[float, float, float | None]:
        """Units a period, price and cost of a unit, over the last periods with sales."""
        seen = np.flatnonzero(~np.isnan(self._units[place]))[-RECENT:]
        units, revenue = self._units[place, seen].sum(), self._revenue[place, seen].sum()
        costed = float(np.nansum(self._costed[place, seen]))
        cost = float(np.nansum(self._cost[place, seen])) / costed if costed > 0 else None
        # Periods without a sale since the first of them count too.
        span = self.panel.log_price.shape[1] - int(seen[0])
        return float(units / span), float(revenue / units), cost

    def _plain(self, place: int) -> dict[str, Any]:
        name, category, customers = self._named[place]
        units, price, cost = self._lately(place)
        row: dict[str, Any] = dict.fromkeys(item.name for item in COLUMNS)
        return row | {
            "product_id": self.ids[place],
            "product": name,
            "category": category,
            "customers": customers,
            "periods": int(self._count[place]),
            "units": units,
            "price": _money(price),
            "unit_cost": None if cost is None else _money(cost),
        }

    def untold(self, place: int) -> dict[str, Any]:
        """The row of a product of which nothing can be said."""
        return self._plain(place) | {"verdict": "not_told_apart"}

    def row(
        self, place: int, own: Slope | None, slope: Slope, common: Slope, params: ElasticityParams
    ) -> dict[str, Any]:
        """The row of a product: its elasticity, the best price within bounds, and the what-if."""
        units, price, cost = self._lately(place)
        told = self._plain(place) | {
            "elasticity": slope.value,
            "elasticity_low": slope.low,
            "elasticity_high": slope.high,
            "own_elasticity": None if own is None else own.value,
            "own_error": None if own is None else own.error,
            "common": common.value,
            "common_low": common.low,
            "common_high": common.high,
        }
        factor = 1 + params.price_change
        then = units * factor**slope.value
        told |= {"change_units": then - units, "change_revenue": _money((then * factor - units) * price)}
        if cost is None:
            return told | {"verdict": "no_cost"}
        told["change_margin"] = _money(then * (price * factor - cost) - units * (price - cost))
        best = best_price(
            slope.value, price=price, cost=cost, max_change=params.max_change, min_margin=params.min_margin
        )

        def gain(elasticity: float) -> float:
            return units * (best / price) ** elasticity * (best - cost) - units * (price - cost)

        edges = sorted((gain(slope.low), gain(slope.value), gain(slope.high)))
        return told | {
            "best_price": _money(best),
            "gain": _money(gain(slope.value)),
            "gain_low": _money(edges[0]),
            "gain_high": _money(edges[-1]),
            "verdict": _verdict(best / price, edges[0]),
        }


def best_price(elasticity: float, *, price: float, cost: float, max_change: float, min_margin: float) -> float:
    """The price that brings most margin at a constant elasticity, within `max_change` of the present one and at least
    `min_margin` of the price above the cost; that floor wins over the ceiling.

    Source: Lerner, Review of Economic Studies 1 (1934), 157-175.
    """
    # Demand that hardly answers the price has no best one: the bound is it.
    free = cost * elasticity / (1 + elasticity) if elasticity < -1 else float("inf")
    bounded = min(max(free, price * (1 - max_change)), price * (1 + max_change))
    return max(bounded, cost / (1 - min_margin))


def _verdict(change: float, least_gain: float) -> str:
    if abs(change - 1) < TELLING:
        return "leave"
    if least_gain <= 0:
        return "unclear"
    return "raise" if change > 1 else "lower"


def _money(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def story(table: pa.Table, params: ElasticityParams) -> tuple[Statement, ...]:
    """What one percent of price does to all products together."""
    _ = params
    known = [value for value in table["common"].to_pylist() if value is not None]
    if not known:
        return ()
    low, high = (next(v for v in table[name].to_pylist() if v is not None) for name in ("common_low", "common_high"))
    told = {
        "products": Told(value=len(known), unit=Unit.COUNT),
        **{
            name: Told(value=value, unit=Unit.NUMBER)
            for name, value in (("common", known[0]), ("low", low), ("high", high))
        },
    }
    return (
        Statement(
            words=Text(
                ru=(
                    "На процент дороже, и спрос меняется на {common} % (95 %: от {low} до {high} %), по {products} товарам вместе. "
                    "Это связь цены и спроса в прошлом; скрытых причин она не исключает."
                ),
                en=(
                    "One percent dearer, and demand changes by {common}% (95%: from {low} to {high}%), over {products} products "
                    "together. This is how price and demand went along in the past; hidden causes are not ruled out."
                ),
            ),
            values=told,
        ),
    )


def members(frames: Frames, params: ElasticityParams, cell: Cell) -> Frame:
    """The customers who bought the product in the period: whom another price would touch."""
    found = bought_lines(frames[LINES], params).filter(~nw.col("customer_id").is_null())
    if "product_id" in cell:
        found = found.filter(nw.col("product_id") == nw.lit(cell["product_id"]))
    return found.select("customer_id").unique()


def _sold(product: str, month: int, units: int, price: float) -> tuple[dict[str, Any], dict[str, Any]]:
    order = f"{product} {month:02}"
    placed = {"order_id": order, "ordered_at": f"2025-{month:02}-10", "customer_id": "c", "amount": units * price}
    line = {"order_id": order, "product_id": product, "quantity": units, "price": price, "cost": units * 50}
    return placed, line


def _example_tables() -> dict[str, list[dict[str, Any]]]:
    """Twelve months of six products: at a price a half as high again each sells 4/9 as much, elasticity exactly -2.

    Two cost 100 or 150 by turns, two the other way round, two always 100; everything sells twice as well from July on.
    """
    orders, lines = [], []
    for product, turn in (("a", 0), ("b", 1), ("c", 0), ("d", 1), ("e", None), ("f", None)):
        for month in range(1, 13):
            is_dear = turn is not None and month % 2 == turn
            units = (400 if is_dear else 900) * (2 if month >= 7 else 1)
            placed, line = _sold(product, month, units, 150 if is_dear else 100)
            orders.append(placed)
            lines.append(line)
    returned = {"order_id": "a 01", "product_id": "a", "quantity": 500, "price": 1, "is_return": True}
    return {
        "products": [{"product_id": "a", "name": "Чай", "category": "Еда"}],
        "orders": orders,
        "order_lines": [*lines, returned],
    }


EXAMPLE = Example(
    tables=_example_tables(),
    params=ElasticityParams.model_validate({"as_of": "2025-12-31", "price_change": -0.2}),
    # The last three months of a: 150, 100 and 150, 3400 units for 420000; of b the other way round, 4400 for 480000.
    # At elasticity -2 and a cost of 50 the best price is 100.
    expect=[
        {"product_id": "a", "product": "Чай", "category": "Еда", "periods": 12, "elasticity": -2, "elasticity_low": -2,
         "elasticity_high": -2, "own_elasticity": -2, "units": 3400 / 3, "price": 123.53, "unit_cost": 50,
         "verdict": "lower", "best_price": 105, "common": -2},
        {"product_id": "c", "product": "c", "verdict": "lower", "best_price": 105},
        {"product_id": "b", "units": 4400 / 3, "price": 109.09, "best_price": 100, "verdict": "lower"},
        {"product_id": "d", "verdict": "lower", "best_price": 100},
        {"product_id": "e", "elasticity": -2, "own_elasticity": None, "price": 100, "best_price": 100, "gain": 0,
         "verdict": "leave", "units": 1800, "change_units": 1800 * (0.8**-2 - 1), "change_revenue": 45000,
         "change_margin": -5625},
        {"product_id": "f", "verdict": "leave"},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="elasticity",
    area="products",
    title=Text(ru="Эластичность и лучшая цена", en="Elasticity and the best price"),
    question=Text(
        ru="На сколько упадёт спрос, если поднять цену, и какая цена принесёт больше маржи?",
        en="By how much does demand fall when a price rises, and which price brings most margin?",
    ),
    how_to_read=Text(
        ru=(
            "Эластичность −2: на процент дороже, на два процента меньше продаж. Ниже −1 дешевле значит больше выручки, выше −1 "
            "наоборот. Сверху товары, где другая цена прибавит больше маржи; «неясно» значит, что на краях интервала прибавка "
            "может оказаться потерей. Оценка товара по нему одному обычно груба: она притянута к общей тем сильнее, чем "
            "неувереннее. Проверяйте на части покупателей: прошлое показывает связь, а не причину."
        ),
        en=(
            "Elasticity −2: one percent dearer, two percent fewer sales. Below −1 cheaper means more revenue, above −1 the other "
            "way round. On top are products where another price adds most margin; “not clear” means that at an end of the "
            "interval the gain may be a loss. What a product tells by itself is rough: it is pulled to the common elasticity the "
            "more, the less sure it is. Try it on a part of the buyers: the past shows what went along, not what caused it."
        ),
    ),
    definition=Text(
        ru=(
            "Панель: товар и период (grain) по дню заказа; спрос: единиц продано, возвраты не в счёт; цена: выручка на единицу. Период без продаж "
            "между первой и последней: спрос 0 по прежней цене. Эластичность: псевдоправдоподобие Пуассона, логарифм спроса = "
            "товар + период + эластичность × логарифм цены; ошибки по товарам. Учат товары, которые продавались хотя бы в 90 % своих периодов: у остальных цена известна слишком редко. Если цены почти не двигались сами по себе, она не "
            "называется. По одному товару: то же при общих эффектах периодов. Показанная: эмпирический Байес, смесь своей и "
            "общей. Лучшая цена: себестоимость × e / (1 + e) при e < −1, иначе предел; не дальше max_change от нынешней и не "
            "ниже маржи min_margin. Нынешние цена, себестоимость и спрос: последние три периода с продажами. Прибавка: маржа за "
            "период при лучшей цене минус нынешняя, на краях интервала эластичности."
        ),
        en=(
            "Panel: product and period (grain) by the day of the order; demand: units sold, returns not counted; price: revenue per unit. A period without "
            "sales between the first and the last: demand 0 at the price before. Elasticity: Poisson pseudo-likelihood, log of "
            "demand = product + period + elasticity × log of price; errors by product. It is learned from products that sold in at least 90% of their periods: of the others the price is known too rarely. Where prices hardly moved by themselves "
            "it is not named. By the product alone: the same with the common effects of periods. Shown: empirical Bayes, a mix "
            "of the own and the common one. Best price: unit cost × e / (1 + e) for e < −1, else the bound; within max_change of "
            "the present price and not below the margin min_margin. Present price, cost and demand: the last three periods with "
            "sales. Gain: margin of a period at the best price less the present one, at the ends of the elasticity's interval."
        ),
    ),
    source=(
        "Santos Silva, Tenreyro, Review of Economics and Statistics 88 (2006), 641-658; Lerner, Review of Economic Studies 1 "
        "(1934), 157-175; Morris, JASA 78 (1983), 47-55"
    ),
    inputs={LINES: SALE_LINES, "calendar": CALENDAR, "products": stored(PRODUCTS)},
    params=ElasticityParams,
    columns=COLUMNS,
    order=("-gain", "product_id"),
    compute=elasticity,
    finish=finish,
    story=story,
    members=Members(entity="customers", by=("product_id",), select=members, count="customers"),
    chart=Chart(
        kind="intervals", x="product", y=("elasticity",), interval=("elasticity_low", "elasticity_high"), limit=30
    ),
    choice=basis_choice(Basis.ORDERS, rows=lambda frames, _params: frames[LINES]),
    gate=GATE,
    left_out=(
        LINES_WITHOUT_PRODUCT,
        LINES_OF_RETURNS,
    ),
    example=EXAMPLE,
)
