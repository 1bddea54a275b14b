"""Cancelling: which subscribers will end a subscription within the horizon, and why?"""

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
from rakurs.marts.tables import CALENDAR, SUBSCRIPTION_LIVES
from rakurs.models.classifier import fit_classifier, scores
from rakurs.models.history import KEY, day_of_round, days_of_rounds
from rakurs.models.scored import scored, with_came

Frame = nw.LazyFrame[Any]

LEAST_ENDED = 30
ROUNDS = 4
DAYS_OF_MONTH, MONTHS_OF_YEAR = 30.4375, 12


class CancellingParams(Params):
    """How far ahead it looks."""

    horizon_days: int = parameter(
        60,
        Text(ru="Закончит подписку за столько дней", en="Ends a subscription within so many days"),
        unit=Unit.DAYS,
        ge=7,
        le=365,
    )
    step_days: int = parameter(
        60,
        Text(ru="Учиться на днях с шагом", en="Days to learn from lie apart"),
        unit=Unit.DAYS,
        ge=7,
        le=365,
        is_advanced=True,
    )


FEATURES = (
    Feature(name="plan", title=Text(ru="Тариф", en="Plan"), unit=Unit.TEXT),
    Feature(
        name="months",
        title=Text(ru="Месяцев с начала", en="Months since the start"),
        unit=Unit.COUNT,
        high=Text(ru="Подписан давно", en="Subscribed for long"),
        low=Text(ru="Подписан недавно", en="Subscribed lately"),
    ),
    Feature(
        name="to_anniversary",
        title=Text(ru="Месяцев до годовщины", en="Months to the anniversary"),
        unit=Unit.COUNT,
        high=Text(ru="До годовщины далеко", en="The anniversary is far"),
        low=Text(ru="Скоро годовщина", en="The anniversary is near"),
    ),
    Feature(
        name="price",
        title=Text(ru="Плата в месяц", en="Price a month"),
        unit=Unit.MONEY,
        high=Text(ru="Платит больше других", en="Pays more than most"),
        low=Text(ru="Платит немного", en="Pays little"),
    ),
    Feature(
        name="subscriptions",
        title=Text(ru="Действующих подписок", en="Active subscriptions"),
        unit=Unit.COUNT,
        high=Text(ru="Подписок несколько", en="Several subscriptions"),
        low=Text(ru="Подписка одна", en="One subscription"),
    ),
    Feature(
        name="ended_before",
        title=Text(ru="Закончил раньше", en="Ended before"),
        unit=Unit.COUNT,
        high=Text(ru="Уже заканчивал подписки", en="Has ended subscriptions before"),
        low=Text(ru="Ещё не заканчивал", en="Has ended none before"),
    ),
    Feature(name="kind", title=Text(ru="Вид клиента", en="Customer kind"), unit=Unit.TEXT),
    Feature(name="channel", title=Text(ru="Канал", en="Channel"), unit=Unit.ID),
)
BASELINE = Text(ru="Доля закончивших по тарифу", en="Share that ended by plan")


def as_of(frames: Frames, until: int) -> Frame:
    """One row per customer with a subscription active at the end of day number `until`, as it was then.

    Of several subscriptions the plan is that of the one first in the alphabet, months are those of the oldest.
    """
    lives = _numbered(frames)
    began = lives.filter(nw.col("began") <= nw.lit(until))
    is_active = nw.col("over").is_null() | (nw.col("over") > nw.lit(until))
    months = (nw.lit(until) - nw.col("began")).cast(nw.Float64()) / DAYS_OF_MONTH
    active = (
        began.filter(is_active)
        .with_columns(months.alias("months"))
        .group_by(KEY)
        .agg(
            nw.col("plan").min().alias("plan"),
            nw.col("months").max().alias("months"),
            nw.col("monthly_price").cast(nw.Float64()).sum().alias("price"),
            nw.len().cast(nw.Float64()).alias("subscriptions"),
            nw.col("customer_kind").min().alias("kind"),
            nw.col("channel_id").min().alias("channel"),
        )
    )
    ended = (
        began.filter(nw.col("over") <= nw.lit(until))
        .group_by(KEY)
        .agg(nw.len().cast(nw.Float64()).alias("ended_before"))
    )
    since_year = nw.col("months") - (nw.col("months") / MONTHS_OF_YEAR).floor() * MONTHS_OF_YEAR
    return (
        active.join(ended, on=KEY, how="left")
        .with_columns(
            nw.col("ended_before").fill_null(0.0),
            nw.col("plan").fill_null(""),
            nw.col("kind").fill_null(""),
            nw.col("channel").fill_null(""),
            (nw.lit(float(MONTHS_OF_YEAR)) - since_year).alias("to_anniversary"),
        )
        .select(KEY, *(feature.name for feature in FEATURES))
    )


def _numbered(frames: Frames) -> Frame:
    """The subscriptions of known customers with the numbers of the days they began and ended on."""
    days = frames["calendar"]
    began = days.select(nw.col("day").alias("started_on"), nw.col("day_number").alias("began"))
    over = days.select(nw.col("day").alias("ended_on"), nw.col("day_number").alias("over"))
    known = frames["subscriptions"].filter(~nw.col(KEY).is_null())
    return known.join(began, on="started_on", how="inner").join(over, on="ended_on", how="left")


def _ended(frames: Frames, after: int, until: int) -> Frame:
    """The customers who ended a subscription on the days from `after` (exclusive) to `until`, begun by `after`."""
    over = nw.col("over")
    ended = _numbered(frames).filter(nw.col("began") <= nw.lit(after), over > nw.lit(after), over <= nw.lit(until))
    return ended.group_by(KEY).agg()


def samples(frames: Frames, params: CancellingParams) -> Frame:
    """The subscribers of past days, and whether they then ended a subscription within the horizon."""
    return nw.concat([_labelled(frames, back, params) for back in range(ROUNDS)])


def _labelled(frames: Frames, back: int, params: CancellingParams) -> Frame:
    until = day_of_round(params, back)
    ended = _ended(frames, until, until + params.horizon_days).select(KEY, nw.lit(1).alias("has_ended"))
    return (
        as_of(frames, until)
        .join(ended, on=KEY, how="left")
        .with_columns(nw.col("has_ended").fill_null(0).alias("label"), nw.lit(back).alias("round"))
        .drop("has_ended")
    )


def present(frames: Frames, params: CancellingParams) -> Frame:
    """Whoever has an active subscription today."""
    return as_of(frames, day_number(params.today))


def fit(rows: pa.Table, params: CancellingParams) -> Fitted:
    """Learned on the earlier days, judged on the latest whose outcome is known."""
    return fit_classifier(
        rows, features=FEATURES, baseline="plan", baseline_title=BASELINE, days=days_of_rounds(params, ROUNDS)
    )


def score(artefact: Artefact, rows: pa.Table, params: CancellingParams) -> pa.Table:
    """The chance to end a subscription, the money a month it would take along over the horizon, and the reasons."""
    chances, reasons = scores(artefact, rows)
    price = np.nan_to_num(rows["price"].to_numpy(zero_copy_only=False))
    return scored(
        rows, KEY, score=chances, amount=chances * price * params.horizon_days / DAYS_OF_MONTH, reasons=reasons
    )


def held(said: Frame, frames: Frames, params: CancellingParams, day: int) -> Frame:
    """Whether those who were scored ended a subscription within the horizon."""
    return with_came(said, _ended(frames, day, day + params.horizon_days), KEY)


def _known_ends(frames: Frames, params: CancellingParams) -> Frame:
    return _numbered(frames).filter(nw.col("over") <= nw.lit(day_number(params.today)))


MODEL = Model(
    name="cancelling",
    entity="customers",
    icon="calendar",
    title=Text(ru="Отказ от подписки", en="Cancelling of subscriptions"),
    question=Text(
        ru="Кто из подписчиков скоро закончит подписку, и почему?", en="Which subscribers will soon end one, and why?"
    ),
    definition=Text(
        ru=(
            "Вероятность, что клиент с действующей подпиской закончит хоть одну за horizon_days дней. Учится на подписчиках, "
            "какими они были в прошлые дни: тариф, стаж, годовщина, плата, сколько подписок действует и закончено к тому дню. "
            "Плата известна только нынешняя. Проверяется на последнем дне с известным исходом, рядом с долей по тарифу. Под "
            "угрозой: вероятность × плата за горизонт."
        ),
        en=(
            "The probability that a customer with an active subscription ends one at least within horizon_days days. It learns from "
            "subscribers as they were on past days: plan, time subscribed, anniversary, price, how many subscriptions were active and "
            "ended by then. The price is known as of now only. Judged on the latest day whose outcome is known, beside the share by "
            "plan. At stake: probability × price of the horizon."
        ),
    ),
    source="Verbeke et al., European Journal of Operational Research 218 (2012), 211-229; Ke et al., LightGBM, NeurIPS 2017",
    inputs={"subscriptions": SUBSCRIPTION_LIVES, "calendar": CALENDAR},
    params=CancellingParams,
    features=FEATURES,
    samples=samples,
    present=present,
    fit=fit,
    score=score,
    held=held,
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="законченных подписок", en="ended subscriptions"), at_least=LEAST_ENDED, rows=_known_ends
            ),
        )
    ),
)
