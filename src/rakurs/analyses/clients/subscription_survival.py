"""Subscription survival: which share of subscriptions is still there after each month of their life?"""

from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.clients.subscription_value import EXAMPLE as OF_VALUE
from rakurs.analyses.clients.subscription_value import WORDS
from rakurs.analyses.clients.survival import SurvivalParams, counted, groups_of, lives, members
from rakurs.analyses.columns import answered, column, named, overlapping
from rakurs.core.analysis import Analysis, Chart, DataGate, Example, Members, Need
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SUBSCRIPTION_LIVES
from rakurs.schema import CHANNELS, PRODUCTS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

COLUMNS = (
    column("id", Unit.ID, "Код", "Id"),
    named("name", "Название", "Name", WORDS),
    overlapping("size", Unit.COUNT, "Подписок", "Subscriptions"),
    column("month", Unit.POSITION, "Месяц жизни", "Month of life"),
    overlapping("at_risk", Unit.COUNT, "Могли уйти", "Could leave"),
    overlapping("ended", Unit.COUNT, "Ушли", "Left"),
    column("leaving", Unit.SHARE, "Доля ушедших в месяце", "Share leaving in the month"),
    Column(
        name="survival",
        unit=Unit.SHARE,
        title=Text(ru="Дожили", en="Still there"),
        interval=("survival_low", "survival_high"),
    ),
    Column(name="survival_low", unit=Unit.SHARE, title=Text(ru="Не ниже", en="Low")),
    Column(name="survival_high", unit=Unit.SHARE, title=Text(ru="Не выше", en="High")),
)


def subscription_survival(*, params: SurvivalParams, **frames: Frame) -> Frame:
    """Counts by group and whole months lived."""
    return counted(frames, params)


def curve(parts: pa.Table, params: SurvivalParams) -> pa.Table:
    """One row per group and month seen by enough subscriptions, from the first; the share is that at the month's end."""
    _ = params
    rows: list[dict[str, Any]] = []
    for group in groups_of(parts):
        survival = group.survival(group.seen)
        for month in range(1, group.seen + 1):
            bounds = group.bounds(month)
            risk, ended = group.at_risk[month - 1], group.ended[month - 1]
            rows.append(
                {
                    "id": group.id,
                    "name": group.name,
                    "size": int(group.ended.sum() + group.active.sum()),
                    "month": month,
                    "at_risk": int(risk),
                    "ended": int(ended),
                    "leaving": float(ended / risk),
                    "survival": float(survival[month]),
                    "survival_low": bounds[0] if bounds else None,
                    "survival_high": bounds[1] if bounds else None,
                }
            )
    return answered(rows, COLUMNS)


EXAMPLE = Example(
    tables=OF_VALUE.tables,
    params=SurvivalParams.model_validate({"as_of": "2025-04-30"}),
    expect=[
        {
            "id": "free",
            "size": 40,
            "month": 1,
            "at_risk": 40,
            "ended": 0,
            "leaving": 0,
            "survival": 1,
            "survival_low": None,
        },
        {"month": 2, "at_risk": 40, "ended": 10, "leaving": 0.25, "survival": 0.75},
        {"month": 3, "at_risk": 30, "ended": 10, "leaving": 1 / 3, "survival": 0.5},
    ],
)

ANALYSIS = Analysis(
    name="subscription_survival",
    area="clients",
    title=Text(ru="Подписки: сколько доживает", en="Subscriptions: how many live on"),
    question=Text(
        ru="Какая доля подписок доживает до каждого месяца и где уходят?",
        en="Which share of subscriptions lives through each month, and where do they leave?",
    ),
    how_to_read=Text(
        ru=(
            "Строка: тариф (товар, канал); слева направо доля доживших до конца первого, второго, третьего месяца жизни. Резкое "
            "падение в одном месяце: в нём и ищите причину (конец пробного срока, первый счёт, конец договора)."
        ),
        en=(
            "A row is a plan (product, channel); from left to right the share that lives through the first, second, third month of "
            "life. A sharp fall in one month: look for the cause there (a trial's end, the first bill, the end of a contract)."
        ),
    ),
    definition=Text(
        ru=(
            "Месяцы жизни: целые (30,4375 дня) от начала до конца или дня вопроса. Могли уйти: прожившие месяц и закончившие в нём. "
            "Дожили: произведение (1 − доля ушедших) по месяцам (Каплан и Мейер), 95 % интервал по Гринвуду на шкале log-log. "
            "Показаны месяцы, о которых говорят не меньше 20 подписок."
        ),
        en=(
            "Months of life are whole ones (30.4375 days) from the beginning to the end or the day of the question. Could leave: those "
            "that lived through the month and those that ended in it. Still there: the product of (1 - share leaving) over months "
            "(Kaplan and Meier), 95% interval by Greenwood on the log-log scale. Shown are months told by at least 20 subscriptions."
        ),
    ),
    source="Kaplan, Meier, JASA 53 (1958), 457-481; Kalbfleisch, Prentice (2002), ch. 1",
    inputs={
        "subscriptions": SUBSCRIPTION_LIVES,
        "products": stored(PRODUCTS),
        "channels": stored(CHANNELS),
        "calendar": CALENDAR,
    },
    params=SurvivalParams,
    columns=COLUMNS,
    order=("-size", "id", "month"),
    compute=subscription_survival,
    finish=curve,
    members=Members(entity="subscriptions", by=("id",), select=members, count="size"),
    chart=Chart(kind="cohorts", x="month", y=("name",), color="survival", limit=2000),
    gate=DataGate(needs=(Need(what=Text(ru="подписок", en="subscriptions"), at_least=20, rows=lives),)),
    example=EXAMPLE,
)
