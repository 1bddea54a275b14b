"""What do the models say of this customer or this deal? The latest scores up to the day, with their reasons."""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.columns import column
from rakurs.analyses.said import SCORED_ON, SCORES, reasons, said_by
from rakurs.core.analysis import Frames
from rakurs.core.card import Rows, Section, Slice, Subject
from rakurs.core.model import Model
from rakurs.core.params import Params
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.models.churn import MODEL as CHURN
from rakurs.models.lifetime import MODEL as LIFETIME
from rakurs.models.win import MODEL as WIN
from rakurs.schema.scores import MODEL_SCORES

Frame = nw.LazyFrame[Any]

_HELP = Text(
    ru="Последние оценки моделей к этому дню. Насколько им верить, сказано на странице «Модели».",
    en="The models' latest scores by this day. How far to trust them is told on the page “Models”.",
)
_REASONS = ("factor_1", "factor_2", "factor_3")


def _said(subject: Subject, frames: Frames, model: Model) -> Frame:
    return said_by(frames[SCORES], model, Params(as_of=subject.today)).with_columns(nw.lit(model.name).alias("said_by"))


def _of_customer(subject: Subject, frames: Frames, _against: Any) -> Frame:
    names = ("said_by", "scored_on", "score", "expected_count", "amount", "amount_low", "amount_high", *_REASONS)
    return nw.concat([_said(subject, frames, model).select(*names) for model in (LIFETIME, CHURN)])


def _beside_each_other(rows: Rows, _subject: Subject, _against: Any) -> Rows:
    """One row of what both models say."""
    known = {row["said_by"]: row for row in rows}
    if not known:
        return []
    value, leaving = known.get(LIFETIME.name, {}), known.get(CHURN.name, {})
    return [
        {
            "active": value.get("score"),
            "value": value.get("amount"),
            "value_low": value.get("amount_low"),
            "value_high": value.get("amount_high"),
            "expected_purchases": value.get("expected_count"),
            "risk": leaving.get("score"),
            "at_stake": leaving.get("amount"),
            **{name: leaving.get(name) for name in _REASONS},
            "scored_on": max(row["scored_on"] for row in rows),
        }
    ]


OF_CUSTOMER = Section(
    name="foreseen",
    title=Text(ru="Что дальше", en="What is ahead"),
    help=_HELP,
    shown="facts",
    reads={SCORES: Slice(table=MODEL_SCORES, by="customer_id")},
    columns=(
        Column(
            name="value",
            unit=Unit.MONEY,
            title=Text(ru="Ценность (CLV)", en="Value (CLV)"),
            interval=("value_low", "value_high"),
        ),
        column("value_low", Unit.MONEY, "Ценность, не ниже", "Value, low"),
        column("value_high", Unit.MONEY, "Ценность, не выше", "Value, high"),
        column("active", Unit.SHARE, "Ещё с нами", "Still active"),
        column("expected_purchases", Unit.NUMBER, "Ждём покупок", "Expected purchases"),
        column("risk", Unit.SHARE, "Риск ухода", "Risk to leave"),
        column("at_stake", Unit.MONEY, "Под угрозой", "At stake"),
        *reasons(CHURN),
        SCORED_ON,
    ),
    compute=_of_customer,
    finish=_beside_each_other,
    nothing=Text(ru="Модели ещё ничего не говорят об этом клиенте.", en="The models say nothing of this customer yet."),
)


def _of_deal(subject: Subject, frames: Frames, _against: Any) -> Frame:
    return _said(subject, frames, WIN).with_columns(nw.col("score").alias("chance"), nw.col("amount").alias("expected"))


OF_DEAL = Section(
    name="foreseen",
    title=Text(ru="Шанс выигрыша", en="Chance to win"),
    help=_HELP,
    shown="facts",
    reads={SCORES: Slice(table=MODEL_SCORES, by="deal_id")},
    columns=(
        column("chance", Unit.SHARE, "Шанс", "Chance"),
        column("expected", Unit.MONEY, "Ожидаемая сумма", "Expected amount"),
        *reasons(WIN),
        SCORED_ON,
    ),
    compute=_of_deal,
    nothing=Text(
        ru="Сделка закрыта, или модель ещё не оценила её.", en="The deal is closed, or not scored by the model yet."
    ),
)
