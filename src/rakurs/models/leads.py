"""Lead quality: will a lead bring a won deal within `horizon_days`? Told by what was known when it came."""

from datetime import timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.core.analysis import DataGate, Frames, Need
from rakurs.core.frames import count_where
from rakurs.core.model import Artefact, Feature, Fitted, Model
from rakurs.core.params import Params, parameter
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, DEAL_OUTCOMES, LEAD_OUTCOMES
from rakurs.models.classifier import fit_classifier, scores
from rakurs.models.history import with_number
from rakurs.models.scored import scored, with_came
from rakurs.models.trees import numbers
from rakurs.schema import CUSTOMERS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

KEY = "lead_id"
LEAST_WON = 30
JUDGED_DAYS = 90
"""Leads of so many days are judged on: the latest whose outcome is known. Older ones teach, up to two years."""
TAUGHT_DAYS = 730
PRIOR_WINS = 10.0
"""The mean check of a channel counts as its won leads, the common one as so many more."""


class LeadsParams(Params):
    """Within which time, and which leads are scored."""

    horizon_days: int = parameter(
        90,
        Text(ru="Принесёт продажу за столько дней", en="Brings a sale within so many days"),
        unit=Unit.DAYS,
        ge=7,
        le=730,
    )
    open_days: int = parameter(
        60,
        Text(ru="О каких речь: пришли за столько дней", en="Of which: came within so many days"),
        unit=Unit.DAYS,
        ge=1,
        le=730,
    )


FEATURES = (
    Feature(name="channel", title=Text(ru="Канал", en="Channel"), unit=Unit.ID),
    Feature(name="campaign", title=Text(ru="Кампания", en="Campaign"), unit=Unit.ID),
    Feature(name="customer_kind", title=Text(ru="Вид клиента", en="Customer kind"), unit=Unit.TEXT),
    Feature(name="region", title=Text(ru="Регион", en="Region"), unit=Unit.TEXT),
    Feature(
        name="came_before",
        title=Text(ru="Обращался раньше, раз", en="Came before, times"),
        unit=Unit.COUNT,
        high=Text(ru="Обращался и раньше", en="Came before"),
        low=Text(ru="Обратился впервые", en="Came for the first time"),
    ),
    Feature(
        name="won_before",
        title=Text(ru="Выигранных сделок раньше", en="Deals won before"),
        unit=Unit.COUNT,
        high=Text(ru="Клиент уже покупал", en="The customer bought before"),
        low=Text(ru="Клиент ещё не покупал", en="The customer has not bought yet"),
    ),
)
BASELINE = Text(ru="Доля продаж по каналу", en="Share of sales by channel")


def came(frames: Frames, after: int, until: int) -> Frame:
    """One row per lead that came on the days from `after` (exclusive) to `until`, with what was known of it when it came.

    Many systems make a customer of a lead only when it succeeds: who he is counts where he was known before that day.
    """
    known = with_number(frames["leads"], "created_on", "came_number", frames["calendar"])
    opened = known.filter(nw.col("came_number") > nw.lit(after), nw.col("came_number") <= nw.lit(until))
    made = with_number(frames["customers"], "created_on", "made_number", frames["calendar"])
    his = (
        opened.join(made.select("customer_id", "made_number"), on="customer_id", how="inner")
        .filter(nw.col("made_number") < nw.col("came_number"))
        .select(KEY, "customer_id", "came_number", nw.lit(value=True).alias("is_known"))
    )
    others = known.select("customer_id", nw.col("came_number").alias("other_number"))
    wins = with_number(frames["deals"], "closed_on", "won_number", frames["calendar"]).filter(
        nw.col("outcome") == "won"
    )
    earlier = (
        his.join(others, on="customer_id", how="inner")
        .group_by(KEY)
        .agg(count_where(nw.col("other_number") < nw.col("came_number")).cast(nw.Float64()).alias("came_before"))
    )
    won = (
        his.join(wins.select("customer_id", "won_number"), on="customer_id", how="inner")
        .group_by(KEY)
        .agg(count_where(nw.col("won_number") < nw.col("came_number")).cast(nw.Float64()).alias("won_before"))
    )
    is_known = nw.col("is_known").fill_null(value=False)
    return (
        opened.join(his.select(KEY, "is_known"), on=KEY, how="left")
        .join(earlier, on=KEY, how="left")
        .join(won, on=KEY, how="left")
        .select(
            KEY,
            "customer_id",
            "came_number",
            nw.col("channel_id").alias("channel"),
            nw.col("campaign_id").alias("campaign"),
            nw.when(is_known).then(nw.col("customer_kind")).alias("customer_kind"),
            nw.when(is_known).then(nw.col("region")).alias("region"),
            nw.when(is_known).then(nw.col("came_before").fill_null(0.0)).alias("came_before"),
            nw.when(is_known).then(nw.col("won_before").fill_null(0.0)).alias("won_before"),
        )
    )


def samples(frames: Frames, params: LeadsParams) -> Frame:
    """Leads whose days are over, whether each brought a won deal on them, and of how much.

    What taught was known before the first of those judged came.
    """
    known = day_number(params.today) - params.horizon_days
    judged = _labelled(frames, known - JUDGED_DAYS, known, params).with_columns(nw.lit(0).alias("round"))
    taught_until = known - JUDGED_DAYS - params.horizon_days
    taught = _labelled(frames, taught_until - TAUGHT_DAYS, taught_until, params).with_columns(nw.lit(1).alias("round"))
    return nw.concat([judged, taught])


def _labelled(frames: Frames, after: int, until: int, params: LeadsParams) -> Frame:
    won = _wins(frames).select(KEY, "won_number", nw.col("amount").cast(nw.Float64()).alias("won_amount"))
    rows = came(frames, after, until).join(won, on=KEY, how="left")
    is_won = ((nw.col("won_number") - nw.col("came_number")) <= nw.lit(params.horizon_days)).fill_null(value=False)
    return rows.with_columns(
        nw.when(is_won).then(nw.lit(1)).otherwise(nw.lit(0)).alias("label"),
        nw.when(is_won).then(nw.col("won_amount")).alias("came_amount"),
    ).drop("won_number", "won_amount", "came_number")


def _wins(frames: Frames) -> Frame:
    """The leads whose deal was won, the day of that as a number, and the amount."""
    closed = with_number(frames["deals"], "closed_on", "won_number", frames["calendar"]).filter(
        nw.col("outcome") == "won"
    )
    deals = closed.select(nw.col("deal_id").alias("converted_deal_id"), "won_number", "amount")
    return frames["leads"].select(KEY, "converted_deal_id").join(deals, on="converted_deal_id", how="inner")


def held(said: Frame, frames: Frames, params: LeadsParams, day: int) -> Frame:
    """Whether the leads that were scored have brought a won deal within the horizon after that."""
    won = _wins(frames).filter(
        nw.col("won_number") > nw.lit(day), nw.col("won_number") <= nw.lit(day + params.horizon_days)
    )
    return with_came(said, won, KEY)


def present(frames: Frames, params: LeadsParams) -> Frame:
    """The leads of the last days whose deal is not over."""
    today = day_number(params.today)
    over = frames["deals"].filter(nw.col("closed_on") <= nw.lit(params.today))
    done = frames["leads"].join(
        over.select(nw.col("deal_id").alias("converted_deal_id")), on="converted_deal_id", how="semi"
    )
    return came(frames, today - params.open_days, today).join(done.select(KEY), on=KEY, how="anti").drop("came_number")


def fit(rows: pa.Table, params: LeadsParams) -> Fitted:
    """Learned on earlier leads, judged on the latest whose outcome is known; and the mean check of each channel."""
    known = params.today - timedelta(days=params.horizon_days)
    days = {0: str(known), 1: str(known - timedelta(days=JUDGED_DAYS + params.horizon_days))}
    fitted = fit_classifier(rows, features=FEATURES, baseline="channel", baseline_title=BASELINE, days=days)
    return Fitted(artefact={"chance": dict(fitted.artefact), "checks": _checks(rows)}, card=fitted.card)


def _checks(rows: pa.Table) -> dict[str, Any]:
    """The mean amount of a won lead, and each channel's, pulled to it."""
    amounts = numbers(rows, "came_amount")
    is_known = (numbers(rows, "label") > 0) & ~np.isnan(amounts)
    common = float(amounts[is_known].mean()) if is_known.any() else None
    channels: dict[str, float] = {}
    if common is not None:
        names = np.array([name or "" for name in rows["channel"].to_pylist()])
        for name in sorted(set(names[is_known].tolist())):
            own = amounts[is_known & (names == name)]
            channels[name] = float((own.sum() + PRIOR_WINS * common) / (len(own) + PRIOR_WINS))
    return {"common": common, "channels": channels}


def score(artefact: Artefact, rows: pa.Table, params: LeadsParams) -> pa.Table:
    """The chance of each open lead, the money it is expected to bring, and the reasons."""
    _ = params
    chances, reasons = scores(artefact["chance"], rows)
    return scored(rows, KEY, "customer_id", score=chances, amount=chances * _check(artefact, rows), reasons=reasons)


def _check(artefact: Artefact, rows: pa.Table) -> NDArray[np.float64]:
    common, channels = artefact["checks"]["common"], artefact["checks"]["channels"]
    unknown = np.nan if common is None else common
    return np.array([channels.get(name or "", unknown) for name in rows["channel"].to_pylist()], dtype=np.float64)


def _ever_won(frames: Frames, params: LeadsParams) -> Frame:
    return _wins(frames).filter(nw.col("won_number") <= nw.lit(day_number(params.today)))


MODEL = Model(
    name="leads",
    entity="leads",
    icon="filter",
    title=Text(ru="Качество лида", en="Lead quality"),
    question=Text(ru="Какие лиды принесут продажу?", en="Which leads will bring a sale?"),
    definition=Text(
        ru=(
            "Вероятность, что лид за horizon_days дней принесёт выигранную сделку, по тому, что известно, когда он пришёл: канал, "
            "кампания, а о знакомом до того дня клиенте ещё вид, регион, обращался ли и покупал ли он раньше. Учится на лидах, чей исход за горизонт "
            "уже известен, проверяется на последних 90 днях таких лидов. Оцениваются лиды за open_days дней, чья сделка не "
            "закрыта. Ожидаемая сумма = вероятность × средняя сумма выигранной сделки канала."
        ),
        en=(
            "The probability that a lead brings a won deal within horizon_days days, by what is known when it comes: channel, "
            "campaign, and of a customer known before that day his kind, region, whether he came or bought before. It learns from leads whose "
            "outcome within the horizon is known, and is judged on the last 90 days of them. Scored are the leads of open_days days "
            "whose deal is not over. Expected amount = probability × the mean won deal of the channel."
        ),
    ),
    source="Ke et al., LightGBM, NeurIPS 2017",
    inputs={"leads": LEAD_OUTCOMES, "deals": DEAL_OUTCOMES, "customers": stored(CUSTOMERS), "calendar": CALENDAR},
    params=LeadsParams,
    features=FEATURES,
    samples=samples,
    present=present,
    fit=fit,
    score=score,
    held=held,
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="лидов, ставших выигранными сделками", en="leads that became won deals"),
                at_least=LEAST_WON,
                rows=_ever_won,
            ),
        )
    ),
)
