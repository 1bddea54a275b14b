"""Churn: who will not come back? The client buys nothing for the next `horizon_days`, by the user's own definition."""

from datetime import timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa

from rakurs.core.analysis import DataGate, Frames, Need
from rakurs.core.model import Artefact, Feature, Fitted, Model
from rakurs.core.params import Params, parameter
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALES
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.models.classifier import fit_classifier, scores
from rakurs.models.history import KEY, bought, bought_between, buying_days, numbered
from rakurs.models.scored import scored, with_came

Frame = nw.LazyFrame[Any]

LEAST_CUSTOMERS = 100


class ChurnParams(Params):
    """What leaving means in this company."""

    horizon_days: int = parameter(
        90,
        Text(ru="Ушёл: не купит столько дней", en="Gone: buys nothing for so many days"),
        unit=Unit.DAYS,
        ge=7,
        le=730,
    )
    active_days: int = parameter(
        365,
        Text(ru="О ком речь: покупал за столько дней", en="Of whom: bought within so many days"),
        unit=Unit.DAYS,
        help=Text(
            ru="Кто не покупал дольше, уже ушёл и не оценивается",
            en="Whoever bought longer ago has left already and is not scored",
        ),
        ge=7,
        le=3650,
    )
    basis: Basis = BUYING_BASIS


FEATURES = (
    Feature(
        name="recency",
        title=Text(ru="Дней с последней покупки", en="Days since the last purchase"),
        unit=Unit.DAYS,
        high=Text(ru="Давно не покупал", en="Bought long ago"),
        low=Text(ru="Покупал недавно", en="Bought recently"),
    ),
    Feature(
        name="overdue",
        title=Text(ru="Молчит, в своих промежутках", en="Silence, in own gaps"),
        unit=Unit.NUMBER,
        high=Text(ru="Молчит дольше своего обычного", en="Silent longer than usual"),
        low=Text(ru="Молчит не дольше обычного", en="Not silent for long, by own measure"),
    ),
    Feature(
        name="gap",
        title=Text(ru="Обычный промежуток, дней", en="Usual gap, days"),
        unit=Unit.DAYS,
        high=Text(ru="Покупает редко", en="Buys rarely"),
        low=Text(ru="Покупает часто", en="Buys often"),
    ),
    Feature(
        name="age",
        title=Text(ru="Дней с первой покупки", en="Days since the first purchase"),
        unit=Unit.DAYS,
        high=Text(ru="С нами давно", en="With us for long"),
        low=Text(ru="С нами недавно", en="With us lately"),
    ),
    Feature(
        name="purchases",
        title=Text(ru="Покупок всего", en="Purchases of all time"),
        unit=Unit.COUNT,
        high=Text(ru="Много покупок за всё время", en="Many purchases of all time"),
        low=Text(ru="Мало покупок за всё время", en="Few purchases of all time"),
    ),
    Feature(
        name="purchases_365",
        title=Text(ru="Покупок за год", en="Purchases in a year"),
        unit=Unit.COUNT,
        high=Text(ru="Много покупок за год", en="Many purchases in a year"),
        low=Text(ru="Мало покупок за год", en="Few purchases in a year"),
    ),
    Feature(
        name="purchases_90",
        title=Text(ru="Покупок за 90 дней", en="Purchases in 90 days"),
        unit=Unit.COUNT,
        high=Text(ru="Есть покупки за 90 дней", en="Purchases in the last 90 days"),
        low=Text(ru="Мало покупок за 90 дней", en="Few purchases in 90 days"),
    ),
    Feature(
        name="revenue_365",
        title=Text(ru="Выручка за год", en="Revenue of a year"),
        unit=Unit.MONEY,
        high=Text(ru="Большая выручка за год", en="Much revenue in a year"),
        low=Text(ru="Небольшая выручка за год", en="Little revenue in a year"),
    ),
    Feature(
        name="average_check",
        title=Text(ru="Средний чек", en="Average check"),
        unit=Unit.MONEY,
        high=Text(ru="Высокий средний чек", en="High average check"),
        low=Text(ru="Низкий средний чек", en="Low average check"),
    ),
    Feature(
        name="returned_share",
        title=Text(ru="Доля возвратов", en="Share returned"),
        unit=Unit.RATIO,
        high=Text(ru="Возвращал больше других", en="Returned more than most"),
        low=Text(ru="Возвращал не больше других", en="Returned no more than most"),
    ),
    Feature(
        name="discount_share",
        title=Text(ru="Доля скидок", en="Share of discounts"),
        unit=Unit.RATIO,
        high=Text(ru="Больше скидок, чем у других", en="More discounts than most"),
        low=Text(ru="Скидок не больше, чем у других", en="No more discounts than most"),
    ),
)
_NAMES = tuple(feature.name for feature in FEATURES)
BASELINE = Text(ru="Доля ушедших по давности покупки", en="Share gone by recency")


def as_of(sales: Frame, until: int, params: ChurnParams) -> Frame:
    """One row per customer who bought on the last `active_days` days up to `until`, with the features of that day."""
    rows = bought(buying_days(sales, until), until)
    return rows.filter(nw.col("recency") < nw.lit(params.active_days)).select(
        KEY, *(nw.col(name).cast(nw.Float64()).alias(name) for name in _NAMES)
    )


def samples(frames: Frames, params: ChurnParams) -> Frame:
    """The customers of two past days, a horizon and two horizons ago, and whether they then bought nothing."""
    sales = _sales(frames, params)
    return nw.concat([_labelled(sales, round_, params) for round_ in (0, 1)])


def _labelled(sales: Frame, round_: int, params: ChurnParams) -> Frame:
    until = day_number(params.today) - params.horizon_days * (round_ + 1)
    came = bought_between(sales, until, until + params.horizon_days)
    return (
        as_of(sales, until, params)
        .join(came.filter(nw.col("came") > 0).select(KEY, "came"), on=KEY, how="left")
        .with_columns(
            nw.when(nw.col("came").is_null()).then(nw.lit(1)).otherwise(nw.lit(0)).alias("label"),
            nw.lit(round_).alias("round"),
        )
        .drop("came")
    )


def present(frames: Frames, params: ChurnParams) -> Frame:
    """Whoever may leave, with the features of today."""
    return as_of(_sales(frames, params), day_number(params.today), params)


def fit(rows: pa.Table, params: ChurnParams) -> Fitted:
    """Learned on the earlier day, judged on the later one."""
    days = {back: str(params.today - timedelta(days=params.horizon_days * (back + 1))) for back in (0, 1)}
    return fit_classifier(rows, features=FEATURES, baseline="recency", baseline_title=BASELINE, days=days)


def score(artefact: Artefact, rows: pa.Table, params: ChurnParams) -> pa.Table:
    """The chance to leave, the money of the horizon that leaves with him, and the reasons."""
    chances, reasons = scores(artefact, rows)
    # Whoever gave back more than he bought takes no revenue along.
    usual = np.maximum(rows["revenue_365"].to_numpy(), 0.0) / 365 * params.horizon_days
    return scored(rows, KEY, score=chances, amount=chances * usual, reasons=reasons)


def held(said: Frame, frames: Frames, params: ChurnParams, day: int) -> Frame:
    """Whether those who were scored bought nothing for the horizon."""
    came = bought_between(_sales(frames, params), day, day + params.horizon_days).filter(nw.col("came") > 0)
    return with_came(said, came, KEY, is_expected=False)


def _sales(frames: Frames, params: ChurnParams) -> Frame:
    return numbered(in_basis(frames["sales"], params.basis, preferred=Basis.ORDERS), frames["calendar"])


def _known_before(frames: Frames, params: ChurnParams) -> Frame:
    until = day_number(params.today) - 2 * params.horizon_days
    return as_of(_sales(frames, params), until, params)


MODEL = Model(
    name="churn",
    entity="customers",
    icon="trending-down",
    title=Text(ru="Уход клиентов", en="Churn"),
    question=Text(ru="Кто не вернётся, и почему?", en="Who will not come back, and why?"),
    definition=Text(
        ru=(
            "Ушёл тот, кто ничего не купит ближайшие horizon_days дней. Оцениваются купившие за последние active_days "
            "дней. Признаки каждого клиента посчитаны на прошлый день только по тому, что было известно к его концу; "
            "исход смотрится на horizon_days дней вперёд. Учится на дне два горизонта назад, проверяется на дне один "
            "горизонт назад, затем учится на обоих. Под угрозой: вероятность × выручка клиента за год, пересчитанная на "
            "горизонт."
        ),
        en=(
            "Gone is whoever buys nothing for the next horizon_days days. Scored are those who bought on the last "
            "active_days days. Each customer's features are as of a past day, from what was known by its end alone; what "
            "came is looked up horizon_days ahead. It learns on the day two horizons ago, is judged on the day one "
            "horizon ago, then learns on both. At stake: probability × the customer's revenue of a year, brought to the "
            "horizon."
        ),
    ),
    source="Verbeke et al., European Journal of Operational Research 218 (2012), 211-229; Ke et al., LightGBM, NeurIPS 2017",
    inputs={"sales": SALES, "calendar": CALENDAR},
    params=ChurnParams,
    features=FEATURES,
    samples=samples,
    present=present,
    fit=fit,
    score=score,
    held=held,
    gate=DataGate(
        needs=(
            Need(
                what=Text(
                    ru="клиентов, купивших не позже двух горизонтов назад",
                    en="customers who bought two horizons ago or before",
                ),
                at_least=LEAST_CUSTOMERS,
                rows=_known_before,
            ),
        )
    ),
)
