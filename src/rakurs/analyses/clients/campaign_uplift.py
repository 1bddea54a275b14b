"""Campaign uplift: whom is it worth approaching, who buys anyway, and whom is it better to leave alone?"""

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.clients.names import with_customer_names
from rakurs.analyses.columns import CUSTOMER, choice, column
from rakurs.analyses.said import SCORED_ON, reasons, said_by, some_scores
from rakurs.core.analysis import Analysis, Cell, Chart, Example, Frames, Members, Naming
from rakurs.core.frames import where_cell
from rakurs.core.params import CUSTOMER_SEGMENT, Params, parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.models.uplift import MODEL
from rakurs.schema import CUSTOMERS
from rakurs.schema.derived import stored
from rakurs.schema.scores import MODEL_SCORES

Frame = nw.LazyFrame[Any]

ADVICE: Mapping[str, Text] = {
    "approach": Text(ru="Обращаться", en="Approach"),
    "dear": Text(ru="Не окупится", en="Does not pay"),
    "leave": Text(ru="Не трогать", en="Leave alone"),
}


class CampaignUpliftParams(Params):
    """Whom the answer is about, and what an approach costs."""

    contact_cost: float = parameter(
        0.0, Text(ru="Одно обращение стоит", en="One approach costs"), unit=Unit.MONEY, ge=0, le=1_000_000
    )
    customer_segment: str | None = CUSTOMER_SEGMENT


COLUMNS = (
    *CUSTOMER,
    column("uplift", Unit.POINTS, "Вероятность вырастет на", "Probability rises by"),
    column("expected_gain", Unit.MONEY, "Ожидаемая маржа", "Expected margin"),
    column("left_over", Unit.MONEY, "За вычетом обращения", "Less the approach"),
    choice("advice", "Что делать", "What to do", ADVICE),
    *reasons(MODEL),
    SCORED_ON,
)


def campaign_uplift(*, params: CampaignUpliftParams, **frames: Frame) -> Frame:
    """One row per customer who ever bought."""
    return with_customer_names(unnamed(params=params, **frames), frames, params)


def unnamed(*, scores: Frame, customers: Frame, params: CampaignUpliftParams) -> Frame:
    """The same by customers' ids."""
    _ = customers  # only their names are read
    gain = nw.col("amount")
    said = said_by(scores, MODEL, params).with_columns(
        nw.col("score").alias("uplift"),
        gain.alias("expected_gain"),
        (gain.cast(nw.Float64()) - nw.lit(params.contact_cost)).alias("left_over"),
    )
    # Where no cost is known, whoever is moved at all is worth an approach that costs nothing.
    is_worth = nw.coalesce(nw.col("left_over"), nw.col("uplift") - nw.lit(params.contact_cost)) > 0.0
    advice = (
        nw.when(nw.col("uplift") <= 0.0)
        .then(nw.lit("leave"))
        .when(is_worth)
        .then(nw.lit("approach"))
        .otherwise(nw.lit("dear"))
    )
    return said.with_columns(advice.alias("advice"))


def members(frames: Frames, params: CampaignUpliftParams, cell: Cell) -> Frame:
    """The customers of an advice, of a reason, or one by id."""
    return where_cell(unnamed(params=params, **frames), dict(cell)).select("customer_id")


def _score(customer: str, score: float, amount: float | None, on: str = "2026-03-31") -> dict[str, Any]:
    said = {"model": "uplift", "scored_on": on, "customer_id": customer, "factor_1": "+recency.low"}
    return {**said, "score": score, "amount": amount}


EXAMPLE = Example(
    tables={
        "customers": [{"customer_id": "a", "name": "Анна"}],
        "model_scores": [
            _score("a", 0.05, 30),
            _score("b", 0.05, 10),
            _score("even", 0.02, 20),
            _score("off", -0.01, -5),
            _score("not moved", 0.0, 0),
            _score("no cost", 0.04, None),
            _score("a", 0.9, 900, on="2026-03-01"),
            _score("b", 0.9, 900, on="2026-04-01"),
            {"model": "churn", "scored_on": "2026-03-31", "customer_id": "a", "score": 0.9, "amount": 1},
        ],
    },
    params=CampaignUpliftParams.model_validate({"as_of": "2026-03-31", "contact_cost": 20}),
    expect=[
        {"customer_id": "a", "customer": "Анна", "uplift": 0.05, "expected_gain": 30, "left_over": 10,
         "advice": "approach", "factor_1": "+recency.low"},
        # What just pays for itself leaves nothing over.
        {"customer_id": "even", "uplift": 0.02, "expected_gain": 20, "left_over": 0, "advice": "dear"},
        {"customer_id": "b", "customer": "b", "expected_gain": 10, "left_over": -10, "advice": "dear"},
        {"customer_id": "not moved", "uplift": 0, "left_over": -20, "advice": "leave"},
        {"customer_id": "off", "uplift": -0.01, "left_over": -25, "advice": "leave"},
        {"customer_id": "no cost", "uplift": 0.04, "expected_gain": None, "left_over": None, "advice": "dear"},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="campaign_uplift",
    area="clients",
    model=MODEL.name,
    title=Text(ru="К кому обращаться", en="Whom to approach"),
    question=Text(
        ru="К кому стоит обращаться, кто купит и так, а кого лучше не трогать?",
        en="Whom is it worth approaching, who buys anyway, and whom to leave alone?",
    ),
    how_to_read=Text(
        ru=(
            "Сверху те, от обращения к которым ждём больше всего. Это не вероятность покупки: кто купит и так, тому письмо ничего "
            "не добавит. Впишите, сколько стоит одно обращение, и останутся те, на ком оно окупится. Следующей кампании тоже "
            "оставьте контрольную группу, иначе учиться будет не на чем."
        ),
        en=(
            "On top are those of whom an approach is expected to bring most. It is not the probability of buying: a letter adds "
            "nothing to whoever buys anyway. Put in what one approach costs, and those remain with whom it pays. Leave a control "
            "group to the next campaign too, or there will be nothing to learn from."
        ),
    ),
    definition=Text(
        ru=(
            f"{MODEL.definition.ru} Обращаться: вероятность растёт и ожидаемая маржа больше стоимости обращения; не трогать: не "
            "растёт. Показаны последние оценки к дню вопроса."
        ),
        en=(
            f"{MODEL.definition.en} Approach: the probability rises and the expected margin is more than the approach costs; leave "
            "alone: it does not rise. Shown are the latest scores by the day of the question."
        ),
    ),
    source=MODEL.source,
    inputs={"scores": MODEL_SCORES, "customers": stored(CUSTOMERS)},
    params=CampaignUpliftParams,
    columns=COLUMNS,
    order=("-left_over", "customer_id"),
    compute=campaign_uplift,
    members=Members(entity="customers", by=("customer_id", "advice", "factor_1"), select=members),
    chart=Chart(kind="bars", x="customer", y=("left_over",), limit=20),
    naming=Naming(columns=("customer",), unnamed=unnamed, add=with_customer_names),
    gate=some_scores(MODEL),
    example=EXAMPLE,
)
