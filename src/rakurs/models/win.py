"""Win: will an open deal be won within `horizon_days`? Learned from deals as they looked on past days."""

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa

from rakurs.core.analysis import DataGate, Frames, Need
from rakurs.core.frames import count_where, ratio
from rakurs.core.model import Artefact, Feature, Fitted, Model
from rakurs.core.params import Params, parameter
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, DEAL_OUTCOMES, DEAL_STATES
from rakurs.models.classifier import fit_classifier, scores
from rakurs.models.history import day_of_round, days_of_rounds, with_number
from rakurs.models.scored import scored, with_came

Frame = nw.LazyFrame[Any]

KEY = "deal_id"
LEAST_CLOSED = 30
PRIOR_DEALS = 10.0
"""A manager's or channel's own share of wins counts as its closed deals, the common one as so many more."""
ROUNDS = 4
"""Past days: the latest is judged on, the others teach."""


class WinParams(Params):
    """Within which time."""

    horizon_days: int = parameter(
        90, Text(ru="Выиграна за столько дней", en="Won within so many days"), unit=Unit.DAYS, ge=7, le=730
    )
    step_days: int = parameter(
        30,
        Text(ru="Шаг между днями, на которых учится", en="Days between those it learns on"),
        unit=Unit.DAYS,
        ge=7,
        le=365,
        is_advanced=True,
    )


FEATURES = (
    Feature(name="stage", title=Text(ru="Этап", en="Stage"), unit=Unit.ID),
    Feature(
        name="position",
        title=Text(ru="Порядок этапа", en="Position of the stage"),
        unit=Unit.POSITION,
        high=Text(ru="Дальний этап", en="A late stage"),
        low=Text(ru="Ранний этап", en="An early stage"),
    ),
    Feature(
        name="age",
        title=Text(ru="Дней в работе", en="Days open"),
        unit=Unit.DAYS,
        high=Text(ru="Давно в работе", en="Open for long"),
        low=Text(ru="Недавно в работе", en="Opened lately"),
    ),
    Feature(
        name="still",
        title=Text(ru="Дней без перемен", en="Days without a change"),
        unit=Unit.DAYS,
        high=Text(ru="Давно без движения", en="Long without a change"),
        low=Text(ru="Недавно двигалась", en="Changed lately"),
    ),
    Feature(
        name="amount",
        title=Text(ru="Сумма", en="Amount"),
        unit=Unit.MONEY,
        high=Text(ru="Крупная сумма", en="A large amount"),
        low=Text(ru="Небольшая сумма", en="A small amount"),
    ),
    Feature(
        name="overdue",
        title=Text(ru="Дней после обещанного срока", en="Days past the expected day"),
        unit=Unit.DAYS,
        high=Text(ru="Обещанный срок близко или прошёл", en="The expected day is near or past"),
        low=Text(ru="До обещанного срока далеко", en="The expected day is far"),
    ),
    Feature(
        name="manager_rate",
        title=Text(ru="Выигрыши менеджера", en="The manager's wins"),
        unit=Unit.SHARE,
        high=Text(ru="Менеджер выигрывает чаще других", en="The manager wins more than most"),
        low=Text(ru="Менеджер выигрывает реже других", en="The manager wins less than most"),
    ),
    Feature(
        name="channel_rate",
        title=Text(ru="Выигрыши канала", en="The channel's wins"),
        unit=Unit.SHARE,
        high=Text(ru="Сильный канал", en="A strong channel"),
        low=Text(ru="Слабый канал", en="A weak channel"),
    ),
    Feature(
        name="load",
        title=Text(ru="Сделок у менеджера", en="Open deals of the manager"),
        unit=Unit.COUNT,
        high=Text(ru="Менеджер загружен", en="The manager is loaded"),
        low=Text(ru="У менеджера мало сделок", en="The manager has few deals"),
    ),
    Feature(
        name="won_before",
        title=Text(ru="Выигранных у клиента раньше", en="Won from the customer before"),
        unit=Unit.COUNT,
        high=Text(ru="Клиент уже покупал", en="The customer bought before"),
        low=Text(ru="Клиент ещё не покупал", en="The customer has not bought yet"),
    ),
)
BASELINE = Text(ru="Доля выигранных по этапу", en="Share won by stage")


def as_of(frames: Frames, until: int, params: WinParams) -> Frame:
    """One row per deal open at the end of day number `until`, as it was believed on that day.

    What is not known of that day stays empty: today's amount of a past deal may be what winning it made of it.
    """
    _ = params
    is_seen = nw.col("is_seen")
    numbers = frames["calendar"]
    states = with_number(frames["states"], "valid_from", "from_number", numbers)
    states = with_number(states, "valid_to", "to_number", numbers)
    open_then = states.filter(
        nw.col("outcome") == "open",
        nw.col("is_stage_seen"),
        nw.col("from_number") <= nw.lit(until),
        nw.col("to_number").is_null() | (nw.col("to_number") > nw.lit(until)),
    )
    rows = with_number(open_then, "created_on", "created_number", numbers)
    rows = with_number(rows, "expected_close_on", "expected_number", numbers)
    closed = with_number(frames["deals"], "closed_on", "closed_number", numbers).filter(
        nw.col("outcome").is_in(["won", "lost"]), nw.col("closed_number") <= nw.lit(until)
    )
    loads = rows.group_by("then_manager_id").agg(nw.len().cast(nw.Float64()).alias("load"))
    won_before = closed.filter(nw.col("outcome") == "won", ~nw.col("customer_id").is_null())
    won_before = won_before.group_by("customer_id").agg(nw.len().cast(nw.Float64()).alias("won_before"))
    return (
        rows.join(
            _rates(closed, "manager_id", "manager_rate"), left_on="then_manager_id", right_on="manager_id", how="left"
        )
        .join(_rates(closed, "channel_id", "channel_rate"), on="channel_id", how="left")
        .join(loads, on="then_manager_id", how="left")
        .join(won_before, on="customer_id", how="left")
        .select(
            KEY,
            "customer_id",
            nw.concat_str([nw.col("pipeline_id").fill_null(""), nw.col("stage_id").fill_null("")], separator="/").alias(
                "stage"
            ),
            nw.col("position").cast(nw.Float64()).alias("position"),
            (nw.lit(until) - nw.col("created_number")).cast(nw.Float64()).alias("age"),
            (nw.lit(until) - nw.col("from_number")).cast(nw.Float64()).alias("still"),
            nw.when(is_seen).then(nw.col("amount").cast(nw.Float64())).alias("amount"),
            nw.when(is_seen).then((nw.lit(until) - nw.col("expected_number")).cast(nw.Float64())).alias("overdue"),
            "manager_rate",
            "channel_rate",
            "load",
            nw.col("won_before").fill_null(0.0).alias("won_before"),
        )
    )


def _rates(closed: Frame, by: str, name: str) -> Frame:
    """Of each manager or channel the share of wins among the deals closed so far, pulled to the common one."""
    common = closed.select(ratio(count_where(nw.col("outcome") == "won"), nw.len()).alias("common"))
    counted = (
        closed.filter(~nw.col(by).is_null())
        .group_by(by)
        .agg(
            count_where(nw.col("outcome") == "won").cast(nw.Float64()).alias("won"),
            nw.len().cast(nw.Float64()).alias("closed"),
        )
    )
    pulled = (nw.col("won") + PRIOR_DEALS * nw.col("common")) / (nw.col("closed") + PRIOR_DEALS)
    return counted.join(common, how="cross").select(by, pulled.alias(name))


def samples(frames: Frames, params: WinParams) -> Frame:
    """Deals open on past days, and whether they were won within the horizon: by now that is known of each."""
    return nw.concat([_labelled(frames, back, params) for back in range(ROUNDS)])


def _labelled(frames: Frames, back: int, params: WinParams) -> Frame:
    until = day_of_round(params, back)
    won = _won(frames, params, until).select(KEY, nw.lit(1).alias("is_won"))
    return (
        as_of(frames, until, params)
        .join(won, on=KEY, how="left")
        .with_columns(nw.col("is_won").fill_null(0).alias("label"), nw.lit(back).alias("round"))
        .drop("is_won")
    )


def _won(frames: Frames, params: WinParams, until: int) -> Frame:
    """The deals won within the horizon after the day number `until`."""
    closed = with_number(frames["deals"], "closed_on", "closed_number", frames["calendar"])
    return closed.filter(
        nw.col("outcome") == "won",
        nw.col("closed_number") > nw.lit(until),
        nw.col("closed_number") <= nw.lit(until + params.horizon_days),
    )


def held(said: Frame, frames: Frames, params: WinParams, day: int) -> Frame:
    """Whether the deals that were scored have been won within the horizon."""
    return with_came(said, _won(frames, params, day), KEY)


def present(frames: Frames, params: WinParams) -> Frame:
    """The deals open today."""
    return as_of(frames, day_number(params.today), params)


def fit(rows: pa.Table, params: WinParams) -> Fitted:
    """Learned on the earlier days, judged on the latest whose outcome is known."""
    return fit_classifier(
        rows, features=FEATURES, baseline="stage", baseline_title=BASELINE, days=days_of_rounds(params, ROUNDS)
    )


def score(artefact: Artefact, rows: pa.Table, params: WinParams) -> pa.Table:
    """The chance of each open deal, the money it is expected to bring, and the reasons."""
    _ = params
    chances, reasons = scores(artefact, rows)
    amount = rows["amount"].to_numpy(zero_copy_only=False)
    return scored(rows, KEY, "customer_id", score=chances, amount=np.asarray(chances * amount), reasons=reasons)


def _closed(frames: Frames, params: WinParams) -> Frame:
    return frames["deals"].filter(nw.col("outcome").is_in(["won", "lost"]), nw.col("closed_on") <= nw.lit(params.today))


MODEL = Model(
    name="win",
    entity="deals",
    icon="trophy",
    title=Text(ru="Шанс сделки", en="Win probability"),
    question=Text(
        ru="Какие сделки мы выиграем, и сколько это денег?", en="Which deals will be won, and how much money is it?"
    ),
    definition=Text(
        ru=(
            "Вероятность, что открытая сделка будет выиграна за horizon_days дней. Учится на сделках, какими они были в "
            "прошлые дни: этап, сумма, срок и ответственный взяты из истории того дня, доли выигрышей менеджера и канала "
            "по закрытым к тому дню сделкам. Исход за горизонт уже известен для каждой, поэтому открытые сделки не считаются "
            "проигранными. Проверяется на последнем дне с известным исходом. Ожидаемая сумма = вероятность × сумма."
        ),
        en=(
            "The probability that an open deal is won within horizon_days days. It learns from deals as they were on past "
            "days: stage, amount, expected day and owner are of that day's history, the win shares of manager and channel of "
            "deals closed by then. What came within the horizon is known of each by now, so no open deal is taken for a lost "
            "one. Judged on the latest day whose outcome is known. Expected amount = probability × amount."
        ),
    ),
    source="Singer, Willett, Journal of Educational Statistics 18 (1993), 155-195; Ke et al., LightGBM, NeurIPS 2017",
    inputs={"states": DEAL_STATES, "deals": DEAL_OUTCOMES, "calendar": CALENDAR},
    params=WinParams,
    features=FEATURES,
    samples=samples,
    present=present,
    fit=fit,
    score=score,
    held=held,
    gate=DataGate(
        needs=(Need(what=Text(ru="закрытых сделок", en="closed deals"), at_least=LEAST_CLOSED, rows=_closed),)
    ),
)
