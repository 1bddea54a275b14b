"""Subscription value: how long do subscriptions live, and what is a new one, or those we have, still worth?"""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa

from rakurs.analyses.clients.survival import Group, SurvivalParams, counted, groups_of, lives, members
from rakurs.analyses.columns import answered, column, named, overlapping
from rakurs.core.analysis import Analysis, Chart, DataGate, Example, LeftOut, Members, Need
from rakurs.core.intervals import wilson
from rakurs.core.money import cents
from rakurs.core.params import parameter
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, CUSTOMER, SUBSCRIPTION_LIVES
from rakurs.schema import CHANNELS, PRODUCTS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

MONTHS = 12
LEAST_ENDED = 5
WORDS = {
    **(next(item.choices for item in CUSTOMER if item.name == "customer_kind") or {}),
    "all": Text(ru="Все вместе", en="All together"),
}


class SubscriptionValueParams(SurvivalParams):
    """How far, and at which price of time."""

    years: int = parameter(5, Text(ru="Горизонт, лет", en="Horizon, years"), unit=Unit.COUNT, ge=1, le=30)
    discount: float = parameter(
        0.15, Text(ru="Ставка дисконтирования в год", en="Discount rate a year"), unit=Unit.RATIO, ge=0, le=1
    )
    margin_share: float = parameter(
        1.0,
        Text(ru="Доля маржи в плате", en="Share of the price that is margin"),
        unit=Unit.RATIO,
        help=Text(ru="1: ценность по выручке", en="1: the value is of revenue"),
        ge=0,
        le=1,
    )


def _share(name: str, ru: str, en: str) -> tuple[Column, Column, Column]:
    return (
        Column(name=name, unit=Unit.SHARE, title=Text(ru=ru, en=en), interval=(f"{name}_low", f"{name}_high")),
        Column(name=f"{name}_low", unit=Unit.SHARE, title=Text(ru="Не ниже", en="Low")),
        Column(name=f"{name}_high", unit=Unit.SHARE, title=Text(ru="Не выше", en="High")),
    )


COLUMNS = (
    column("id", Unit.ID, "Код", "Id"),
    named("name", "Название", "Name", WORDS),
    column("subscriptions", Unit.COUNT, "Подписок", "Subscriptions"),
    column("active", Unit.COUNT, "Действует", "Active"),
    column("ended", Unit.COUNT, "Закончено", "Ended"),
    *_share("ended_share", "Доля законченных", "Share ended"),
    column("monthly_churn", Unit.SHARE, "Уходит за месяц", "Leaves a month"),
    overlapping("median_months", Unit.COUNT, "Половина живёт месяцев", "Half live months"),
    *_share("kept_12", "Доживает до года", "Lives through a year"),
    overlapping("monthly_price", Unit.MONEY, "Плата в месяц", "Price a month"),
    overlapping("value_new", Unit.MONEY, "Ценность новой (CLV)", "Value of a new one (CLV)"),
    column("value_left", Unit.MONEY, "Впереди у действующих", "Ahead of the active ones"),
    overlapping("seen_months", Unit.COUNT, "Видно месяцев", "Months seen"),
)


def subscription_value(*, params: SubscriptionValueParams, **frames: Frame) -> Frame:
    """Counts by group and whole months lived."""
    return counted(frames, params)


def valued(parts: pa.Table, params: SubscriptionValueParams) -> pa.Table:
    """One row per group."""
    return answered([_row(group, params) for group in groups_of(parts)], COLUMNS)


def _row(group: Group, params: SubscriptionValueParams) -> dict[str, Any]:
    horizon = MONTHS * params.years
    ended, active = int(group.ended.sum()), int(group.active.sum())
    interval = wilson(ended, ended + active)
    at_risk = float(group.at_risk.sum())
    survival = group.survival(max(horizon, len(group.ended)) + horizon)
    below = np.flatnonzero(survival[: group.seen + 1] <= 0.5)
    is_seen = group.seen >= MONTHS
    year = group.bounds(MONTHS) if is_seen else None
    prices = (1 + params.discount) ** (-np.arange(len(survival)) / MONTHS) * params.margin_share
    return {
        "id": group.id,
        "name": group.name,
        "subscriptions": ended + active,
        "active": active,
        "ended": ended,
        "ended_share": ended / (ended + active),
        "ended_share_low": interval.low if interval else None,
        "ended_share_high": interval.high if interval else None,
        "monthly_churn": ended / at_risk if at_risk else None,
        "median_months": int(below[0]) if len(below) else None,
        "kept_12": float(survival[MONTHS]) if is_seen else None,
        "kept_12_low": year[0] if year else None,
        "kept_12_high": year[1] if year else None,
        "monthly_price": cents(group.price),
        "value_new": cents(None if group.price is None else group.price * float(survival[:horizon] @ prices[:horizon])),
        "value_left": cents(None if group.price is None else _left(group, survival, prices, horizon)),
        "seen_months": group.seen,
    }


def _left(group: Group, survival: Sequence[float] | Any, prices: Any, horizon: int) -> float:
    """What the active ones are still to pay: each from its own age on, the next month first."""
    total = 0.0
    for age in np.flatnonzero(group.active_price):
        if survival[age] > 0:
            ahead = survival[age + 1 : age + 1 + horizon] / survival[age]
            total += group.active_price[age] * float(ahead @ prices[1 : 1 + len(ahead)])
    return total


def _subscription(number: int, plan: str, started: str, ended: str | None = None, price: int = 100) -> dict[str, Any]:
    return {
        "subscription_id": f"{plan}{number}",
        "plan": plan,
        "started_at": started,
        "ended_at": ended,
        "monthly_price": price,
    }


EXAMPLE = Example(
    tables={
        "subscriptions": [
            # Forty began a year ago; ten ended after one whole month, ten after two, on the day of the question one more.
            *(_subscription(number, "free", "2025-01-01", "2025-02-10") for number in range(10)),
            *(_subscription(number, "free", "2025-01-01", "2025-03-15") for number in range(10, 20)),
            _subscription(20, "free", "2025-01-01", "2025-12-31"),
            # One that ends tomorrow is active today.
            _subscription(21, "free", "2025-01-01", "2026-01-01"),
            *(_subscription(number, "free", "2025-01-01") for number in range(22, 40)),
            _subscription(0, "tied", "2025-12-01", price=70),
            _subscription(1, "tied", "2026-01-01"),
        ]
    },
    params=SubscriptionValueParams.model_validate({"as_of": "2025-12-31", "years": 1, "discount": 0}),
    expect=[
        # Half are left after two whole months and the third: 40, 40, 30, 20 and then 20 until the eleventh month.
        {"id": "free", "name": "free", "subscriptions": 40, "active": 19, "ended": 21, "ended_share": 21 / 40,
         "median_months": 3, "monthly_price": 100, "seen_months": 12 - 1},
        {"id": "tied", "subscriptions": 1, "active": 1, "ended": 0, "monthly_churn": None, "value_new": 840,
         "value_left": 840, "seen_months": 0},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="subscription_value",
    area="clients",
    title=Text(ru="Подписки: уход и ценность", en="Subscriptions: leaving and value"),
    question=Text(
        ru="Сколько живут подписки, чего стоит новая и сколько ещё впереди у действующих?",
        en="How long do subscriptions live, what is a new one worth, and what is still ahead of the active ones?",
    ),
    how_to_read=Text(
        ru=(
            "Точка: доля доживших до года с 95 % интервалом. «Уходит за месяц»: законченные на прожитые месяцы. Ценность новой: "
            "плата, взвешенная долей доживших; сравните её с ценой привлечения. «Видно месяцев»: дальше доживших мало, и "
            "ценность продолжена тем же уходом, что в последние видные месяцы."
        ),
        en=(
            "The dot is the share that lives through a year, with its 95% interval. “Leaves a month”: ended ones per month lived. The "
            "value of a new one is the price weighed by the share still there; hold it against the cost of winning one. “Months "
            "seen”: beyond them few are left, and the value goes on with the leaving of the latest months seen."
        ),
    ),
    definition=Text(
        ru=(
            "Жизнь: целые месяцы (30,4375 дня) от начала до конца или дня вопроса. В месяц уходит: закончившие в нём / прожившие его "
            "и закончившие в нём; кто в середине месяца, о нём ещё не говорит. Доживают: произведение (1 − уход) (Каплан и Мейер), "
            "интервал по Гринвуду. Видны месяцы, которые прожили или в которых ушли не меньше 20. Ценность новой = сумма по "
            "месяцам горизонта: плата × доля маржи × доля доживших ÷ (1 + ставка) в степени времени; у действующих так же от их "
            "возраста, со следующего месяца."
        ),
        en=(
            "Life: whole months (30.4375 days) from the beginning to the end or the day of the question. Leaving in a month: those that "
            "ended in it / those that lived through it or ended in it; whoever is in the middle of it says nothing of it yet. The share "
            "that lives on: the product of (1 - leaving) (Kaplan and Meier), its interval by Greenwood. Seen are months that at "
            "least 20 lived through or ended in. Value of a new one = over the months of the horizon: price × margin share × share "
            "still there ÷ (1 + rate) to the time; of active ones the same from their age on, the next month first."
        ),
    ),
    source="Kaplan, Meier, JASA 53 (1958), 457-481; Kalbfleisch, Prentice (2002), ch. 1",
    inputs={
        "subscriptions": SUBSCRIPTION_LIVES,
        "products": stored(PRODUCTS),
        "channels": stored(CHANNELS),
        "calendar": CALENDAR,
    },
    params=SubscriptionValueParams,
    columns=COLUMNS,
    order=("-subscriptions", "id"),
    compute=subscription_value,
    finish=valued,
    members=Members(entity="subscriptions", by=("id",), select=members, count="subscriptions"),
    chart=Chart(kind="intervals", x="name", y=("kept_12",), interval=("kept_12_low", "kept_12_high")),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="подписок", en="subscriptions"),
                at_least=1,
                rows=lives,
            ),
            Need(
                what=Text(ru="законченных подписок", en="ended subscriptions"),
                at_least=LEAST_ENDED,
                rows=lambda frames, params: lives(frames, params).filter(nw.col("is_ended")),
            ),
        )
    ),
    left_out=(
        LeftOut(
            reason=Text(
                ru="Подписки без платы: в ценность не входят", en="Subscriptions without a price: not in the value"
            ),
            rows=lambda frames, params: lives(frames, params).filter(nw.col("monthly_price").is_null()),
        ),
    ),
    example=EXAMPLE,
)
