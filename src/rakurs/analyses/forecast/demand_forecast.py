"""Demand forecast: how much of each product and group will be needed, and how sure is that?"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.analyses.columns import answered, choice, column, flag, named, overlapping
from rakurs.analyses.filters import SalesFilters, basis_choice, filtered_sales, within
from rakurs.analyses.forecast.sales_forecast import WAYS, Level
from rakurs.analyses.sale_gates import LINES_OF_RETURNS
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, Members, Need, Statement, Told
from rakurs.core.params import parameter
from rakurs.core.periods import Grain
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALE_LINES
from rakurs.metrics.basis import BUYING_BASIS, Basis
from rakurs.models.forecasting.demand import (
    LEAST_BUCKETS,
    SEASONS,
    Asked,
    by_sort,
    demand_rows,
    foreseen_demand,
    in_buckets,
)
from rakurs.models.forecasting.demand_lines import Series
from rakurs.models.forecasting.series import Foreseen
from rakurs.schema import PRODUCTS, PROMOTIONS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]
Array = NDArray[np.float64]


class Step(StrEnum):
    """The buckets of the forecast."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


class What(StrEnum):
    """What is needed: pieces, or their money."""

    QUANTITY = "quantity"
    REVENUE = "revenue"


LEVELS: Mapping[str, Text] = {
    "total": Text(ru="Всё вместе", en="Everything"),
    "category": Text(ru="Группа", en="Category"),
    "product": Text(ru="Товар", en="Product"),
    "rest": Text(ru="Остальные товары", en="Other products"),
}


class DemandForecastParams(SalesFilters):
    """Parameters of the forecast. The period says which past it learns from."""

    PREFERRED: ClassVar[Basis] = Basis.ORDERS

    basis: Basis = BUYING_BASIS
    what: What = parameter(
        What.QUANTITY,
        Text(ru="Что прогнозировать", en="What to forecast"),
        labels={
            What.QUANTITY: Text(ru="Количество", en="Quantity"),
            What.REVENUE: Text(ru="Выручку", en="Revenue"),
        },
    )
    grain: Step = parameter(
        Step.MONTH,
        Text(ru="Шаг", en="Grain"),
        labels={
            Step.WEEK: Text(ru="Неделя", en="Week"),
            Step.MONTH: Text(ru="Месяц", en="Month"),
            Step.QUARTER: Text(ru="Квартал", en="Quarter"),
        },
    )
    ahead: int = parameter(3, Text(ru="На сколько шагов", en="Steps ahead"), unit=Unit.COUNT, ge=1, le=26)
    top: int = parameter(
        50,
        Text(ru="Сколько товаров по отдельности", en="Products one by one"),
        unit=Unit.COUNT,
        help=Text(
            ru="Самые продаваемые; остальные вместе, по группам", en="The best selling; the rest together, by category"
        ),
        ge=0,
        le=5_000,
    )
    level: Level = parameter(
        Level.L80,
        Text(ru="Интервал, %", en="Interval, %"),
        labels={value: Text(ru=f"{value} % случаев", en=f"{value}% of cases") for value in Level},
        is_advanced=True,
    )


COLUMNS = (
    column("place", Unit.RANK, "Место", "Place"),
    choice("level", "Уровень", "Level", LEVELS),
    column("product_id", Unit.ID, "Код товара", "Product id"),
    named("name", "Название", "Name", {level: LEVELS[level] for level in ("total", "rest")}),
    column("category", Unit.TEXT, "Группа товаров", "Product category"),
    overlapping("products", Unit.COUNT, "Товаров", "Products"),
    overlapping("forecast", Unit.NUMBER, "Понадобится", "Will be needed"),
    overlapping("low", Unit.NUMBER, "Не ниже", "Low"),
    overlapping("high", Unit.NUMBER, "Не выше", "High"),
    overlapping("next_step", Unit.NUMBER, "В ближайший шаг", "In the next step"),
    overlapping("came_before", Unit.NUMBER, "Столько же шагов до того", "In as many steps before"),
    column("change", Unit.RATIO, "Изменение", "Change"),
    overlapping("came_a_year_ago", Unit.NUMBER, "Год назад", "A year ago"),
    column("promoted", Unit.SHARE, "Под акциями", "Under promotions"),
    column("by_promotions", Unit.RATIO, "Добавят акции", "Promotions add"),
    column("promotion_effect", Unit.RATIO, "Акция меняет спрос на", "A promotion changes demand by"),
    column("promotion_effect_low", Unit.RATIO, "Акция меняет спрос, не ниже", "Effect of a promotion, low"),
    column("promotion_effect_high", Unit.RATIO, "Акция меняет спрос, не выше", "Effect of a promotion, high"),
    flag("by_days", "С учётом праздников", "Holidays allowed for"),
    choice("way", "Способ", "Way", WAYS),
    column("mase", Unit.NUMBER, "Ошибка (MASE)", "Error (MASE)"),
    column("naive_mase", Unit.NUMBER, "Ошибка «как в прошлый сезон»", "Error of “as a season ago”"),
    column("coverage", Unit.SHARE, "Попадало в интервал", "Held by the interval"),
)


_EFFECT = ("promotion_effect", "promotion_effect_low", "promotion_effect_high")


def sold(frames: Frames, params: DemandForecastParams) -> Frame:
    """The lines sold in finished buckets, each valued, with the product where it is forecast by itself."""
    lines = within(filtered_sales(frames["sale_lines"], params), params)
    valued = lines.with_columns(nw.col(params.what.value).cast(nw.Float64()).fill_null(0.0).alias("value"))
    return in_buckets(valued, frames["calendar"], asked(params))


def asked(params: DemandForecastParams) -> Asked:
    """What the question says of buckets and products."""
    return Asked(today=params.today, grain=Grain(params.grain.value), ahead=params.ahead, top=params.top)


def demand_forecast(*, params: DemandForecastParams, **frames: Frame) -> Frame:
    """What was sold, of how many products, on which days and under which promotions: everything `finish` needs, reduced."""
    return demand_rows(
        sold(frames, params),
        products=frames["products"],
        promotions=frames["promotions"],
        calendar=frames["calendar"],
        asked=asked(params),
    )


def finish(told: pa.Table, params: DemandForecastParams) -> pa.Table:
    """One row per line: the whole, its categories and their products, made to add up."""
    level = int(params.level) / 100
    demand = foreseen_demand(by_sort(told), asked(params), level=level)
    if demand is None:
        return answered([], COLUMNS)
    series, worth, values = demand.series, demand.worth, demand.usual
    foreseen, plain, shares = demand.foreseen, demand.unpromoted, demand.promoted
    answers = []
    for place, one in enumerate(series):
        whole = float(values[place].sum())
        row = _row(one, demand.found[place], foreseen[place], season=SEASONS[Grain(params.grain.value)])
        width = demand.found[place].width_of_sum(level) * (row["forecast"] / whole if whole else 1.0)
        is_promoted = worth.effect is not None and plain[place].sum() > 0
        answers.append(
            row
            | {
                "low": max(row["forecast"] - width, 0.0),
                "high": row["forecast"] + width,
                "promoted": float(shares[place].sum()) / whole if whole else float(worth.promoted[place].mean()),
                "by_promotions": row["forecast"] / float(plain[place].sum()) - 1 if is_promoted else None,
                **dict(zip(_EFFECT, worth.effect or (None, None, None), strict=True)),
                "by_days": worth.by_days,
            }
        )
    order = sorted(range(len(answers)), key=lambda place: _standing(series, answers, place))
    return answered([{**answers[place], "place": number} for number, place in enumerate(order, start=1)], COLUMNS)


def _row(one: Series, said: Foreseen, values: Array, *, season: int) -> dict[str, Any]:
    ahead, whole = len(values), float(values.sum())
    before = float(one.past[-ahead:].sum())
    year_ago = one.past[-season:][:ahead] if len(one.past) >= season and ahead <= season else None
    return {
        "level": one.level,
        "product_id": one.product_id,
        "name": one.name,
        "category": one.category,
        "products": one.products,
        "forecast": whole,
        "next_step": float(values[0]),
        "came_before": before,
        "change": whole / before - 1 if before else None,
        "came_a_year_ago": None if year_ago is None else float(year_ago.sum()),
        "way": said.way,
        "mase": said.mase,
        "naive_mase": said.naive_mase,
        "coverage": said.coverage,
    }


def _standing(series: Sequence[Series], rows: list[dict[str, Any]], place: int) -> tuple[Any, ...]:
    """The total, then categories by what they need, each with its products by what they need, the rest last."""
    one = series[place]
    if one.parent is None:
        return (0,)
    whole = place if one.level == "category" else one.parent
    levels = {"category": 0, "product": 1, "rest": 2}
    return (1, -rows[whole]["forecast"], whole, levels[one.level], -rows[place]["forecast"], one.product_id or "")


def story(table: pa.Table, params: DemandForecastParams) -> tuple[Statement, ...]:
    """How many products go with a tried way better than the last season again; what promotions do."""
    rows = table.to_pylist()
    return (*_told_of_ways(rows, params), *_told_of_promotions(rows))


def _told_of_promotions(rows: Sequence[Mapping[str, Any]]) -> tuple[Statement, ...]:
    known = [row for row in rows if row["level"] == "total" and row["by_promotions"] is not None]
    return tuple(
        Statement(
            words=Text(
                ru="Под акцией спрос в прошлом менялся на {effect} (от {low} до {high}); намеченные акции меняют прогноз целого на {added}.",
                en="Under a promotion demand changed by {effect} in the past ({low} to {high}); those planned change the forecast of the whole by {added}.",
            ),
            values={
                "effect": Told(value=row["promotion_effect"], unit=Unit.RATIO),
                "low": Told(value=row["promotion_effect_low"], unit=Unit.RATIO),
                "high": Told(value=row["promotion_effect_high"], unit=Unit.RATIO),
                "added": Told(value=row["by_promotions"], unit=Unit.RATIO),
            },
        )
        for row in known
    )


def _told_of_ways(rows: Sequence[Mapping[str, Any]], params: DemandForecastParams) -> tuple[Statement, ...]:
    tried = [row for row in rows if row["level"] == "product" and row["mase"] is not None]
    if not tried:
        return ()
    better = [row for row in tried if row["mase"] < row["naive_mase"]]
    coverage = float(np.mean([row["coverage"] for row in tried]))
    return (
        Statement(
            words=Text(
                ru=(
                    "Из {products} товаров, прогноз которых проверен на прошлом, для {better} нашёлся способ точнее, чем «как в прошлый "
                    "сезон». В обещанный интервал ({level} %) попадало {coverage}."
                ),
                en=(
                    "Of {products} products whose forecast was tried on the past, for {better} a way better than “as a season ago” was "
                    "found. The promised interval ({level}%) held {coverage}."
                ),
            ),
            values={
                "products": Told(value=len(tried), unit=Unit.COUNT),
                "better": Told(value=len(better), unit=Unit.COUNT),
                "level": Told(value=int(params.level), unit=Unit.COUNT),
                "coverage": Told(value=coverage, unit=Unit.SHARE),
            },
        ),
    )


def members(frames: Frames, params: DemandForecastParams, cell: Cell) -> Frame:
    """The products of a line: one, those of a category, the rest of it, or all."""
    lines = sold(frames, params)
    level = cell.get("level")
    if level in {"category", "product", "rest"} and "category" in cell:
        category = nw.col("category")
        wanted = cell["category"]
        lines = lines.filter(category.is_null() if wanted is None else category == nw.lit(wanted))
    if level == "rest":
        lines = lines.filter(nw.col("own_id").is_null())
    if level == "product" and cell.get("product_id") is not None:
        lines = lines.filter(nw.col("product_id") == nw.lit(cell["product_id"]))
    return lines.group_by("product_id").agg().select("product_id")


def _sold(product: str, *quantities: int) -> list[dict[str, Any]]:
    return [
        {"order_id": f"{month}", "product_id": product, "quantity": quantity, "price": 10, "line_no": product[-1]}
        for month, quantity in enumerate(quantities, start=1)
        if quantity
    ]


EXAMPLE = Example(
    tables={
        "products": [
            {"product_id": "p1", "name": "Чай", "category": "Напитки"},
            {"product_id": "p2", "category": "Напитки"},
            {"product_id": "p3", "name": "Кружка", "category": "Посуда"},
        ],
        "orders": [
            *(
                {"order_id": f"{month}", "ordered_at": f"2025-{month:02}-01", "customer_id": "c"}
                for month in range(1, 7)
            ),
            {"order_id": "unfinished", "ordered_at": "2025-07-01", "customer_id": "c"},
        ],
        "order_lines": [
            *_sold("p1", 10, 10, 10, 10, 10, 10),
            *_sold("p2", 1, 1, 1, 1, 1, 1),
            *_sold("p3", 4, 4, 4, 4, 4, 4),
            {"order_id": "6", "product_id": "p3", "quantity": 1, "price": 10, "line_no": 9, "is_return": True},
            {"order_id": "unfinished", "product_id": "p1", "quantity": 99, "price": 10, "line_no": 1},
        ],
    },
    params=DemandForecastParams.model_validate({"as_of": "2025-07-15", "ahead": 2, "top": 2}),
    expect=[
        {"place": 1, "level": "total", "forecast": 30, "products": 3, "came_before": 30, "came_a_year_ago": None},
        {"level": "category", "category": "Напитки", "name": "Напитки", "forecast": 22, "next_step": 11, "products": 2},
        {"level": "product", "product_id": "p1", "name": "Чай", "forecast": 20, "low": 20, "high": 20, "way": "naive"},
        {"level": "rest", "product_id": None, "name": "rest", "category": "Напитки", "forecast": 2, "products": 1},
        {"level": "category", "category": "Посуда", "forecast": 8},
        {"level": "product", "product_id": "p3", "name": "Кружка", "forecast": 8},
    ],
)

ANALYSIS = Analysis(
    name="demand_forecast",
    area="forecast",
    title=Text(ru="Прогноз спроса по товарам", en="Demand forecast by product"),
    question=Text(
        ru="Сколько каждого товара понадобится и насколько это надёжно?",
        en="How much of each product will be needed, and how sure is that?",
    ),
    how_to_read=Text(
        ru=(
            "Сверху всё вместе, ниже группы и их товары; товары складываются в группы, группы в целое. Ошибка меньше «как в "
            "прошлый сезон»: способ что-то знает. Попадание в интервал намного ниже обещанного: берите запас больше."
        ),
        en=(
            "Everything is on top, below it the categories and their products; products add up to categories, categories to the "
            "whole. An error below that of “as a season ago”: the way knows something. An interval that held much less than "
            "promised: keep more in reserve."
        ),
    ),
    definition=Text(
        ru=(
            "Спрос: проданное (без возвратов) по законченным неделям, месяцам или кварталам, от первой продажи товара. Для "
            "каждого товара, группы и целого на прошлом испытаны несколько способов (тета, сглаживание уровня, Кростон для "
            "редких продаж) против «как в прошлый сезон»; берётся лучший, если он точнее хотя бы на 5 %. Затем прогнозы "
            "сведены: сумма товаров равна группе, сумма групп целому; меньше сдвигается то, что прежде предсказывалось точнее. "
            "Интервал суммы шагов: по ошибкам такой же суммы в прошлом. Акции (таблица promotions): насколько при них берут "
            "больше, узнано по всем товарам вместе, сравнением товаров друг с другом в одном шаге, и учтено, только если влияние "
            "видно на уровне 95 %; будущие акции берутся из той же таблицы. Акция на весь ассортимент ничему не учит. Праздники и "
            "состав дней шага учтены, если на прошлом это делало прогноз целого точнее хотя бы на 5 %; так же и общий сезон, который берут "
            "строки, не ошибавшиеся с ним больше. Цен и остатков прогноз не "
            "знает."
        ),
        en=(
            "Demand: what was sold (returns apart) in finished weeks, months or quarters, from a product's first sale on. For each "
            "product, category and the whole several ways (theta, level smoothing, Croston for rare sales) are tried on the past "
            "against “as a season ago”; the best is taken if it is 5% better at least. The forecasts are then reconciled: "
            "products add up to categories, categories to the whole; what was foreseen better in the past moves less. The interval "
            "of the sum of steps: by the errors of the same sum in the past. Promotions (the table promotions): how much more is "
            "bought under one is learned from all products together, held against each other in the same bucket, and used only "
            "where the effect shows at 95%; those to come are taken from the same table. A promotion of everything teaches "
            "nothing. Holidays and the days a bucket is made of are allowed for where that made the forecast of the whole 5% "
            "better at least on the past; so is the season of the whole, taken by lines that erred no more with it. It knows nothing of prices and stock."
        ),
    ),
    source=(
        "Fiorucci et al., IJF 32 (2016), 1151-1161; Syntetos, Boylan, IJF 21 (2005), 303-314; Wickramasuriya et al., "
        "JASA 114 (2019), 804-819"
    ),
    inputs={
        "sale_lines": SALE_LINES,
        "products": stored(PRODUCTS),
        "promotions": stored(PROMOTIONS),
        "calendar": CALENDAR,
    },
    params=DemandForecastParams,
    columns=COLUMNS,
    order=("place",),
    compute=demand_forecast,
    finish=finish,
    story=story,
    members=Members(entity="products", by=("level", "category", "product_id"), select=members, count="products"),
    chart=Chart(kind="bars", x="name", y=("change",)),
    choice=basis_choice(Basis.ORDERS, rows=lambda frames, _params: frames["sale_lines"]),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="законченных периодов с продажами товаров", en="finished periods with sales of products"),
                at_least=LEAST_BUCKETS,
                rows=lambda frames, params: sold(frames, params).group_by("period_start").agg(),
            ),
        )
    ),
    left_out=(LINES_OF_RETURNS,),
    example=EXAMPLE,
)
