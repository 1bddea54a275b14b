"""Churn risk: who is about to leave, why, and how much money goes with them?"""

from typing import Any

from rakurs.analyses.clients.names import with_customer_names
from rakurs.analyses.clients.risks import Risk
from rakurs.analyses.said import some_scores
from rakurs.core.analysis import Analysis, Chart, Example, Members, Naming
from rakurs.core.params import CUSTOMER_SEGMENT, Params, parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.models.churn import MODEL
from rakurs.models.uplift import MODEL as UPLIFT
from rakurs.schema import CUSTOMERS
from rakurs.schema.derived import stored
from rakurs.schema.scores import MODEL_SCORES


class ChurnRiskParams(Params):
    """Whom the answer is about, and where the levels begin."""

    customer_segment: str | None = CUSTOMER_SEGMENT
    high_from: float = parameter(
        0.7, Text(ru="Высокий риск от", en="High risk from"), unit=Unit.SHARE, ge=0, le=1, is_advanced=True
    )
    middle_from: float = parameter(
        0.4, Text(ru="Средний риск от", en="Middle risk from"), unit=Unit.SHARE, ge=0, le=1, is_advanced=True
    )


RISK = Risk(MODEL, saving=UPLIFT)


def _score(customer: str, score: float, amount: float, reason: str, on: str = "2026-03-31") -> dict[str, Any]:
    said = {"model": "churn", "scored_on": on, "customer_id": customer}
    return {**said, "score": score, "amount": amount, "factor_1": reason}


EXAMPLE = Example(
    tables={
        "customers": [{"customer_id": "a", "name": "Анна"}],
        "model_scores": [
            _score("a", 0.7, 900, "+recency.high"),
            _score("b", 0.4, 900, "+gap.high"),
            _score("c", 0.39, 50, "-purchases_90.high"),
            _score("a", 0.1, 10, "-recency.low", on="2026-03-01"),
            _score("tomorrow", 0.9, 10, "+recency.high", on="2026-04-01"),
            {"model": "uplift", "scored_on": "2026-03-30", "customer_id": "a", "score": 0.04, "amount": 1},
            {"model": "lifetime", "scored_on": "2026-03-31", "customer_id": "a", "score": 0.9, "amount": 1},
        ],
    },
    params=ChurnRiskParams.model_validate({"as_of": "2026-03-31"}),
    expect=[
        # Equal sums: by id. The bounds of the levels belong to the higher one.
        {
            "customer_id": "a",
            "customer": "Анна",
            "risk": 0.7,
            "level": "high",
            "at_stake": 900,
            "uplift": 0.04,
            "factor_1": "+recency.high",
        },
        {
            "customer_id": "b",
            "customer": "b",
            "risk": 0.4,
            "level": "middle",
            "at_stake": 900,
            "uplift": None,
            "factor_1": "+gap.high",
        },
        {
            "customer_id": "c",
            "customer": "c",
            "risk": 0.39,
            "level": "low",
            "at_stake": 50,
            "factor_1": "-purchases_90.high",
        },
    ],
)

ANALYSIS = Analysis(
    name="churn_risk",
    area="clients",
    model=MODEL.name,
    title=Text(ru="Риск ухода", en="Churn risk"),
    question=Text(
        ru="Кто вот-вот уйдёт, почему, и сколько денег с ним?", en="Who is about to leave, why, and with how much?"
    ),
    how_to_read=Text(
        ru=(
            "Сверху те, с кем уходит больше денег: им и звонить первыми. Стрелка вверх у причины: она говорит за уход, вниз: "
            "против. Насколько верить вероятности, сказано в карточке модели. Если "
            "были пробы с контрольной группой, сказано и то, поднимет ли обращение его покупки: спасать стоит тех, у кого да."
        ),
        en=(
            "On top are those with whom the most money leaves: call them first. An arrow up by a reason speaks for leaving, "
            "down against it. How far to trust the probability is told by the model's card. Where there were experiments with a "
            "control group, it is told whether an approach raises his buying: worth saving are those of whom it does."
        ),
    ),
    definition=Text(
        ru=f"{MODEL.definition.ru} Показаны последние оценки к дню вопроса.",
        en=f"{MODEL.definition.en} Shown are the latest scores by the day of the question.",
    ),
    source=MODEL.source,
    inputs={"scores": MODEL_SCORES, "customers": stored(CUSTOMERS)},
    params=ChurnRiskParams,
    columns=RISK.columns(Text(ru="Риск ухода", en="Risk to leave")),
    order=("-at_stake", "customer_id"),
    compute=RISK.named,
    members=Members(entity="customers", by=("customer_id", "level", "factor_1"), select=RISK.members),
    chart=Chart(kind="bars", x="customer", y=("at_stake",), limit=20),
    naming=Naming(columns=("customer",), unnamed=RISK.unnamed, add=with_customer_names),
    gate=some_scores(MODEL),
    example=EXAMPLE,
)
