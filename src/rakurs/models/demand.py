"""Demand: how many pieces a day of each product will be needed? The demand forecast of weeks, for stock to be ordered by."""

from collections.abc import Sequence
from datetime import date, timedelta
from math import ceil
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.core.analysis import DataGate, Frames, Need
from rakurs.core.answer import Missing
from rakurs.core.intervals import Interval, bootstrap
from rakurs.core.model import Artefact, Fitted, Grade, Measure, Model, ModelCard, NotEnough
from rakurs.core.params import Params, parameter
from rakurs.core.periods import DAY, Grain, day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALE_LINES
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.models.forecasting.demand import Asked, Demand, Rows, by_sort, demand_rows, foreseen_demand, in_buckets
from rakurs.models.forecasting.series import CLEARLY
from rakurs.models.history import with_number
from rakurs.models.scored import scored, with_came
from rakurs.schema import PRODUCTS, PROMOTIONS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]
Array = NDArray[np.float64]

KEY = "product_id"
WEEK = 7
RATE_WEEKS = 13
"""Over so many weeks the rate of sales is taken that the forecast must beat."""
LEAST_WEEKS = 26
SLACK_WEEKS = 2
"""A fit is asked some days after it learned too."""
TRIALS = 3
LEVEL = 0.8
SURELY_MUCH = 0.25
OWN, GROUP, RATE = "own", "group", "rate"
WAYS = {
    OWN: Text(ru="Свой прогноз товара", en="A forecast of its own"),
    GROUP: Text(ru="Прогноз группы", en="The forecast of its category"),
    RATE: Text(ru="Темп последних недель", en="The rate of the last weeks"),
}
"""Codes of the first reason."""
_FORECAST = Text(
    ru="Прогноз по неделям: сезон, праздники, акции; самые продаваемые товары по отдельности, остальные по группам",
    en="A forecast of weeks: season, holidays, promotions; the best selling products one by one, others by category",
)
_RATE = Text(ru="Темп последних 13 недель", en="The rate of the last 13 weeks")
_NOT_BETTER = Text(
    ru="На прошлом прогноз ошибался не меньше, чем темп последних 13 недель: взят темп.",
    en="On the past the forecast erred no less than the rate of the last 13 weeks: the rate is taken.",
)
_WEEKS = Text(ru="законченных недель с продажами товаров", en="finished weeks with sales of products")


class DemandParams(Params):
    """How far ahead, and how many products one by one."""

    horizon_days: int = parameter(
        45,
        Text(ru="На сколько дней вперёд", en="So many days ahead"),
        unit=Unit.DAYS,
        help=Text(
            ru="Срок поставки и время до следующего заказа вместе",
            en="The lead time and the time until the next order together",
        ),
        ge=7,
        le=180,
    )
    top: int = parameter(
        200,
        Text(ru="Сколько товаров по отдельности", en="Products one by one"),
        unit=Unit.COUNT,
        help=Text(
            ru="Самые продаваемые; остальным спрос меняет прогноз их группы",
            en="The best selling; the demand of others changes as their category's does",
        ),
        ge=0,
        le=5_000,
        is_advanced=True,
    )
    basis: Basis = BUYING_BASIS

    @property
    def weeks(self) -> int:
        """How many weeks hold the horizon."""
        return ceil(self.horizon_days / WEEK)


def _asked(params: DemandParams, today: date | None = None) -> Asked:
    return Asked(today=today or params.today, grain=Grain.WEEK, ahead=params.weeks + SLACK_WEEKS, top=params.top)


def _lines(frames: Frames, params: DemandParams) -> Frame:
    lines = in_basis(frames["lines"], params.basis, preferred=Basis.ORDERS).filter(
        nw.col("sold_on") <= nw.lit(params.today)
    )
    return lines.with_columns(nw.col("quantity").cast(nw.Float64()).fill_null(0.0).alias("value"))


def samples(frames: Frames, params: DemandParams) -> Frame:
    """What was sold by weeks, with days and promotions, as `demand_rows` tells it; `product_id` is that of a product by itself."""
    asked = _asked(params)
    rows = demand_rows(
        in_buckets(_lines(frames, params), frames["calendar"], asked),
        products=frames["products"],
        promotions=frames["promotions"],
        calendar=frames["calendar"],
        asked=asked,
    )
    return rows.with_columns(nw.col("own_id").alias(KEY))


def present(frames: Frames, params: DemandParams) -> Frame:
    """One row per product ever sold: its category, and the pieces a day of the last 13 weeks."""
    bought = _lines(frames, params).filter(~nw.col("is_return").fill_null(value=False), ~nw.col(KEY).is_null())
    numbered = with_number(bought, "sold_on", "day_number", frames["calendar"])
    is_recent = nw.col("day_number") > nw.lit(day_number(params.today) - RATE_WEEKS * WEEK)
    recent = nw.when(is_recent).then(nw.col("value")).otherwise(nw.lit(0.0))
    return numbered.group_by(KEY).agg(
        nw.col("category").max().alias("category"), (recent.sum() / float(RATE_WEEKS * WEEK)).alias("rate")
    )


def fit(rows: pa.Table, params: DemandParams) -> Fitted:
    """The forecast of the next weeks; where it was no better than the rate on the past, nothing but that is kept.

    Raises NotEnough of fewer than 26 finished weeks.
    """
    told, asked = by_sort(rows), _asked(params)
    demand = foreseen_demand(told, asked, level=LEVEL)
    weeks = 0 if demand is None else len(demand.series[0].past)
    least = max(LEAST_WEEKS, RATE_WEEKS + params.weeks)
    if demand is None or weeks < least:
        raise NotEnough((Missing(what=_WEEKS, at_least=least, have=weeks),))
    came, said, plain = _tried(told, demand, params)
    is_better = bool(np.abs(said - came).sum() < CLEARLY * np.abs(plain - came).sum())
    return Fitted(
        artefact=_kept(demand, asked) if is_better else {},
        card=ModelCard(
            grade=_grade(_share_gained(came, said, plain), is_better=is_better),
            chosen=_FORECAST if is_better else _RATE,
            baseline=_RATE,
            learned_rows=len(demand.series) * weeks,
            tested_rows=len(came),
            learned_until=str(params.today),
            tested_until=str(asked.unfinished - DAY),
            measures=_measures(came, said, plain, demand),
            notes=() if is_better else (_NOT_BETTER,),
        ),
    )


def score(artefact: Artefact, rows: pa.Table, params: DemandParams) -> pa.Table:
    """One row per product: `expected_count` pieces a day over the horizon, `score` the probability that any is sold.

    The first reason is the code of the way: its own forecast, its category's, or the rate of the last weeks.
    """
    rates = rows["rate"].to_numpy(zero_copy_only=False)
    weights = _weights(artefact, params)
    own = {name: _mean_of(weeks, weights) for name, weeks in artefact.get(OWN, ())}
    changes = {category: _mean_of(weeks, weights) for category, weeks in artefact.get(GROUP, ())}
    a_day = np.empty(rows.num_rows)
    ways: list[str | None] = []
    for place, (product, category) in enumerate(zip(rows[KEY].to_pylist(), rows["category"].to_pylist(), strict=True)):
        way = OWN if product in own else GROUP if category in changes else RATE
        a_day[place] = own[product] if way == OWN else rates[place] * changes.get(category, 1.0)
        ways.append(way)
    chance = -np.expm1(-a_day * params.horizon_days)
    return scored(rows, KEY, score=chance, expected_count=a_day, reasons=(ways,))


def held(said: Frame, frames: Frames, params: DemandParams, day: int) -> Frame:
    """Whether any piece was sold within the horizon."""
    bought = _lines(frames, params).filter(~nw.col("is_return").fill_null(value=False), ~nw.col(KEY).is_null())
    numbered = with_number(bought, "sold_on", "day_number", frames["calendar"])
    later = numbered.filter(
        nw.col("day_number") > nw.lit(day), nw.col("day_number") <= nw.lit(day + params.horizon_days)
    )
    return with_came(said, later.group_by(KEY).agg(), KEY)


def _kept(demand: Demand, asked: Asked) -> Artefact:
    """Pieces a day in each week to come: of the products by themselves, and of each category's others as a share of their rate."""
    foreseen = np.maximum(demand.foreseen, 0.0) / WEEK
    own: list[tuple[str, list[float]]] = []
    changes: list[tuple[str | None, list[float]]] = []
    wholes = {one.parent for one in demand.series}
    for place, one in enumerate(demand.series):
        if one.level == "product" and one.product_id is not None:
            own.append((one.product_id, foreseen[place].round(6).tolist()))
        elif place not in wholes and one.level != "total":
            rate = float(one.past[-RATE_WEEKS:].mean()) / WEEK
            if rate > 0:
                changes.append((one.category, (foreseen[place] / rate).round(6).tolist()))
    return {"first_on": str(asked.unfinished), OWN: own, GROUP: changes}


def _weights(artefact: Artefact, params: DemandParams) -> Array:
    """How much of the horizon falls into each week that was foreseen; a horizon beyond the last week goes on with it."""
    if not artefact:
        return np.empty(0)
    weeks = len((artefact[OWN] or artefact[GROUP])[0][1])
    first = date.fromisoformat(artefact["first_on"])
    days = [(params.today - first).days + ahead for ahead in range(1, params.horizon_days + 1)]
    places = np.clip(np.array(days) // WEEK, 0, weeks - 1)
    return np.bincount(places, minlength=weeks) / params.horizon_days


def _mean_of(weeks: Sequence[float], weights: Array) -> float:
    return float(np.dot(weeks, weights))


def _tried(told: Rows, whole: Demand, params: DemandParams) -> tuple[Array, Array, Array]:
    """Of each line's horizon on up to three past days: the pieces that came, those foreseen then, and those of the rate."""
    pasts = {(one.level, one.category, one.product_id): one.past for one in whole.series}
    tried: list[tuple[float, float, float]] = []
    for back in range(1, TRIALS + 1):
        on = _asked(params).unfinished - timedelta(weeks=back * params.weeks)
        then = foreseen_demand(told, _asked(params, on - DAY), level=LEVEL)
        if then is None or len(then.series[0].past) < RATE_WEEKS:
            break
        foreseen = then.foreseen[:, : params.weeks].sum(axis=1)
        wholes = {one.parent for one in then.series}
        for place, one in enumerate(then.series):
            if place in wholes:
                continue
            later = pasts[one.level, one.category, one.product_id][len(one.past) :][: params.weeks]
            plain = float(one.past[-RATE_WEEKS:].mean()) * params.weeks
            tried.append((float(later.sum()), float(foreseen[place]), plain))
    came, said, rates = np.array(tried).T
    return came, said, rates


def _share_gained(came: Array, said: Array, plain: Array) -> Interval:
    """How much less of what came was missed than by the rate, with its interval by lines."""
    missed = np.abs(plain - came)
    gains = (missed - np.abs(said - came)) / max(float(missed.mean()), 1e-9)
    return bootstrap(gains.tolist()) or Interval(float(gains.mean()), float(gains.mean()))


def _measures(came: Array, said: Array, plain: Array, demand: Demand) -> tuple[Measure, ...]:
    total = max(float(came.sum()), 1e-9)
    gained = _share_gained(came, said, plain)
    missed, missed_plainly = float(np.abs(said - came).sum()), float(np.abs(plain - came).sum())
    known = [one.coverage for one in demand.found if one.coverage is not None]
    return (
        Measure(
            name="wape",
            title=Text(
                ru="Ошибка: пропущено штук от проданных (WAPE)", en="Error: pieces missed, of those sold (WAPE)"
            ),
            value=missed / total,
            baseline=missed_plainly / total,
            unit=Unit.SHARE,
        ),
        Measure(
            name="gain",
            title=Text(ru="Ошибка меньше, чем у темпа, на", en="Error less than the rate's by"),
            value=1 - missed / max(missed_plainly, 1e-9),
            low=gained.low,
            high=gained.high,
            unit=Unit.SHARE,
        ),
        Measure(
            name="bias",
            title=Text(ru="Предсказано штук к проданным", en="Pieces foreseen, of those sold"),
            value=float(said.sum()) / total,
            baseline=float(plain.sum()) / total,
            unit=Unit.SHARE,
        ),
        *(
            [
                Measure(
                    name="coverage",
                    title=Text(ru="Попадало в интервал 80 %", en="Held by the 80% interval"),
                    value=float(np.mean(known)),
                    baseline=LEVEL,
                    unit=Unit.SHARE,
                )
            ]
            if known
            else []
        ),
    )


def _grade(gained: Interval, *, is_better: bool) -> Grade:
    """A: surely a quarter less error than the rate; B: surely less; C: no better."""
    if not is_better or gained.low <= 0:
        return "C"
    return "A" if gained.low >= SURELY_MUCH else "B"


def _weeks_sold(frames: Frames, params: DemandParams) -> Frame:
    return in_buckets(_lines(frames, params), frames["calendar"], _asked(params)).group_by("period_start").agg()


MODEL = Model(
    name="demand",
    entity="products",
    icon="package",
    title=Text(ru="Спрос на товары", en="Demand for products"),
    question=Text(
        ru="Сколько штук каждого товара понадобится в день?", en="How many pieces of each product will be needed a day?"
    ),
    definition=Text(
        ru=(
            "Сколько штук товара в день купят за horizon_days дней: прогноз спроса по неделям (как в отчёте «Прогноз спроса по "
            "товарам»: сезон, праздники, акции, сумма товаров равна группе). Самые продаваемые top товаров прогнозируются по "
            "отдельности; остальным темп последних 13 недель умножается на то, во сколько раз изменится спрос остальных товаров "
            "группы. Проверяется на трёх прошлых горизонтах рядом с темпом последних 13 недель; если ошибка меньше не хотя бы на "
            "5 %, берётся темп. Вероятность: что купят хоть одну штуку, по закону Пуассона."
        ),
        en=(
            "How many pieces of a product are bought a day over horizon_days days: the demand forecast of weeks (as in the report “Demand "
            "forecast by product”: season, holidays, promotions; products add up to categories). The best selling top products are "
            "forecast one by one; of the others the rate of the last 13 weeks is multiplied by how the demand for the others of their "
            "category will change. Judged on three past horizons beside the rate of the last 13 weeks; where the error is not 5% "
            "less at least, the rate is taken. Probability: that any piece is bought, by Poisson's law."
        ),
    ),
    source="Syntetos, Boylan, IJF 21 (2005), 303-314; Wickramasuriya et al., JASA 114 (2019), 804-819; Kolassa, Schuetz, Foresight 6 (2007), 40-43",
    inputs={
        "lines": SALE_LINES,
        "products": stored(PRODUCTS),
        "promotions": stored(PROMOTIONS),
        "calendar": CALENDAR,
    },
    params=DemandParams,
    features=(),
    samples=samples,
    present=present,
    fit=fit,
    score=score,
    held=held,
    retrain_days=7,
    gate=DataGate(needs=(Need(what=_WEEKS, at_least=LEAST_WEEKS, rows=_weeks_sold),)),
)
