"""Win chances: which open deals will be won, and how much money is to be expected of all of them?"""

from math import sqrt
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import MANAGER, choice, column
from rakurs.analyses.filters import narrowed, still_open
from rakurs.analyses.said import LEVELS, SCORED_ON, classed, reasons, said_by, some_scores
from rakurs.core.analysis import Analysis, Cell, Chart, Example, Frames, Members, Statement, Told
from rakurs.core.frames import where_cell
from rakurs.core.params import CUSTOMER_SEGMENT, Params, parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_OUTCOMES
from rakurs.models.win import MODEL
from rakurs.schema import CUSTOMERS, DEALS, EMPLOYEES
from rakurs.schema.derived import stored
from rakurs.schema.scores import MODEL_SCORES

Frame = nw.LazyFrame[Any]

Z_80 = 1.2815515655446004
HIGH_FROM, MIDDLE_FROM = 0.6, 0.3


class WinChancesParams(Params):
    """Of which deals."""

    pipeline: str | None = parameter(None, Text(ru="Воронка", en="Pipeline"), unit=Unit.ID, options="pipeline")
    manager: str | None = parameter(None, Text(ru="Менеджер", en="Manager"), unit=Unit.ID, options="manager")
    channel: str | None = parameter(None, Text(ru="Канал", en="Channel"), unit=Unit.ID, options="channel")
    customer_segment: str | None = CUSTOMER_SEGMENT


COLUMNS = (
    column("deal_id", Unit.ID, "Сделка", "Deal"),
    column("deal", Unit.TEXT, "Название", "Title"),
    column("customer", Unit.TEXT, "Клиент", "Customer"),
    *MANAGER,
    column("amount", Unit.MONEY, "Сумма", "Amount"),
    column("chance", Unit.SHARE, "Шанс", "Chance"),
    choice("level", "Уровень", "Level", LEVELS),
    column("expected", Unit.MONEY, "Ожидаемая сумма", "Expected amount"),
    *reasons(MODEL),
    SCORED_ON,
)

_STORY = Text(
    ru="Из {amount} в {deals} открытых сделках за срок модели ожидается {expected}: с вероятностью 80 % от {low} до {high}.",
    en="Of {amount} in {deals} open deals {expected} is expected within the model's horizon: 80% likely from {low} to {high}.",
)


def win_chances(
    *, scores: Frame, outcomes: Frame, deals: Frame, customers: Frame, employees: Frame, params: WinChancesParams
) -> Frame:
    """One row per deal that was open when it was scored and has not closed by the day of the question."""
    titles = deals.select("deal_id", nw.col("title").alias("deal"))
    people = customers.select("customer_id", nw.col("name").alias("customer"))
    staff = employees.select(nw.col("employee_id").alias("manager_id"), nw.col("name").alias("manager"))
    return (
        asked(scores, outcomes, params)
        .join(titles, on="deal_id", how="left")
        .join(people, on="customer_id", how="left")
        .join(staff, on="manager_id", how="left")
        .with_columns(
            nw.coalesce("deal", "deal_id").alias("deal"),
            nw.coalesce("customer", "customer_id").alias("customer"),
            nw.coalesce("manager", "manager_id").alias("manager"),
        )
    )


def asked(scores: Frame, outcomes: Frame, params: WinChancesParams) -> Frame:
    """The open deals in question, with what the model said of each."""
    known = narrowed(still_open(outcomes, params.today), params)
    said = said_by(scores, MODEL, params).select(
        "deal_id",
        "scored_on",
        "factor_1",
        "factor_2",
        "factor_3",
        nw.col("score").alias("chance"),
        nw.col("amount").alias("expected"),
    )
    deals = known.select("deal_id", "customer_id", "manager_id", "amount")
    return said.join(deals, on="deal_id", how="inner").with_columns(
        classed("chance", high=HIGH_FROM, middle=MIDDLE_FROM).alias("level")
    )


def members(frames: Frames, params: WinChancesParams, cell: Cell) -> Frame:
    """The deals of a level, of a manager, of a reason, or one by id."""
    return where_cell(asked(frames["scores"], frames["outcomes"], params), dict(cell)).select("deal_id")


def story(table: pa.Table, params: WinChancesParams) -> tuple[Statement, ...]:
    """What all of them bring: deals are won or lost each for itself, so the spread of the sum is that of its parts."""
    _ = params
    rows = [row for row in table.select(["amount", "chance"]).to_pylist() if row["amount"] is not None]
    if not rows:
        return ()
    expected = sum(float(row["amount"]) * row["chance"] for row in rows)
    spread = Z_80 * sqrt(sum(float(row["amount"]) ** 2 * row["chance"] * (1 - row["chance"]) for row in rows))
    values = {
        "amount": Told(value=sum(row["amount"] for row in rows), unit=Unit.MONEY),
        "deals": Told(value=len(rows), unit=Unit.COUNT),
        "expected": Told(value=expected, unit=Unit.MONEY),
        "low": Told(value=max(0.0, expected - spread), unit=Unit.MONEY),
        "high": Told(value=expected + spread, unit=Unit.MONEY),
    }
    return (Statement(words=_STORY, values=values),)


def _deal(deal_id: str, amount: float, **more: Any) -> dict[str, Any]:
    made = {"deal_id": deal_id, "pipeline_id": "b2b", "stage_id": "new", "created_at": "2026-03-01", "amount": amount}
    return {**made, "manager_id": "m", "customer_id": "c", **more}


def _score(deal_id: str, score: float, amount: float, on: str = "2026-03-31") -> dict[str, Any]:
    said = {"model": "win", "scored_on": on, "deal_id": deal_id, "customer_id": "c"}
    return {**said, "score": score, "amount": amount, "factor_1": "+stage"}


EXAMPLE = Example(
    tables={
        "pipelines": [{"pipeline_id": "b2b", "name": "Опт"}],
        "stages": [
            {"pipeline_id": "b2b", "stage_id": "new", "name": "Новая", "position": 1, "outcome": "open"},
            {"pipeline_id": "b2b", "stage_id": "won", "name": "Выиграна", "position": 2, "outcome": "won"},
        ],
        "customers": [{"customer_id": "c", "name": "ООО «Север»"}],
        "employees": [{"employee_id": "m", "name": "Мария"}],
        "deals": [
            _deal("sure", 1000, title="Кофемашина"),
            _deal("half", 1200),
            _deal("tie", 1200),
            _deal("unlikely", 100),
            _deal("closed since", 5000, stage_id="won", closed_at="2026-03-31 23:59"),
        ],
        "model_scores": [
            _score("sure", 0.6, 600),
            _score("half", 0.3, 360),
            _score("tie", 0.3, 360),
            _score("unlikely", 0.29, 29),
            _score("closed since", 0.9, 4500),
            _score("sure", 0.1, 100, on="2026-03-01"),
        ],
    },
    params=WinChancesParams.model_validate({"as_of": "2026-03-31"}),
    expect=[
        {"deal_id": "sure", "deal": "Кофемашина", "customer": "ООО «Север»", "manager": "Мария", "amount": 1000,
         "chance": 0.6, "level": "high", "expected": 600, "factor_1": "+stage"},
        {"deal_id": "half", "deal": "half", "amount": 1200, "chance": 0.3, "level": "middle", "expected": 360},
        {"deal_id": "tie", "deal": "tie", "amount": 1200, "chance": 0.3, "level": "middle", "expected": 360},
        {"deal_id": "unlikely", "amount": 100, "chance": 0.29, "level": "low", "expected": 29},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="win_chances",
    area="sales",
    model=MODEL.name,
    title=Text(ru="Шансы сделок", en="Win chances"),
    question=Text(
        ru="Какие сделки мы выиграем, и сколько денег ждать?", en="Which deals will be won, and how much to expect?"
    ),
    how_to_read=Text(
        ru=(
            "Сверху сделки, от которых ждём больше всего. Стрелка вверх у причины: она говорит за выигрыш, вниз: против. Сумма "
            "по всем надёжнее любой отдельной сделки; насколько верить шансу, сказано в карточке модели."
        ),
        en=(
            "On top are the deals that most is expected of. An arrow up by a reason speaks for winning, down against it. The sum "
            "of all is surer than any one deal; how far to trust a chance is told by the model's card."
        ),
    ),
    definition=Text(
        ru=f"{MODEL.definition.ru} Показаны последние оценки сделок, которые ещё открыты на день вопроса.",
        en=f"{MODEL.definition.en} Shown are the latest scores of the deals still open on the day of the question.",
    ),
    source=MODEL.source,
    inputs={
        "scores": MODEL_SCORES,
        "outcomes": DEAL_OUTCOMES,
        "deals": stored(DEALS),
        "customers": stored(CUSTOMERS),
        "employees": stored(EMPLOYEES),
    },
    params=WinChancesParams,
    columns=COLUMNS,
    order=("-expected", "deal_id"),
    compute=win_chances,
    members=Members(entity="deals", by=("deal_id", "level", "manager_id", "factor_1"), select=members),
    chart=Chart(kind="bars", x="deal", y=("expected",), limit=20),
    gate=some_scores(MODEL),
    story=story,
    example=EXAMPLE,
)
