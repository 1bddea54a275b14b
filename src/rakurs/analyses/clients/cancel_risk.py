"""Cancel risk: which subscribers are about to end a subscription, why, and how much money goes with them?"""

from typing import Any

from rakurs.analyses.clients.churn_risk import ChurnRiskParams
from rakurs.analyses.clients.names import with_customer_names
from rakurs.analyses.clients.risks import Risk
from rakurs.analyses.said import some_scores
from rakurs.core.analysis import Analysis, Chart, Example, Members, Naming
from rakurs.core.params import parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.models.cancelling import MODEL
from rakurs.schema import CUSTOMERS
from rakurs.schema.derived import stored
from rakurs.schema.scores import MODEL_SCORES


class CancelRiskParams(ChurnRiskParams):
    """Whom the answer is about, and where the levels begin: two months take fewer along than a quarter without a purchase."""

    high_from: float = parameter(
        0.3, Text(ru="Высокий риск от", en="High risk from"), unit=Unit.SHARE, ge=0, le=1, is_advanced=True
    )
    middle_from: float = parameter(
        0.1, Text(ru="Средний риск от", en="Middle risk from"), unit=Unit.SHARE, ge=0, le=1, is_advanced=True
    )


RISK = Risk(MODEL)


def _score(customer: str, score: float, amount: float, reason: str, on: str = "2026-03-31") -> dict[str, Any]:
    said = {"model": MODEL.name, "scored_on": on, "customer_id": customer}
    return {**said, "score": score, "amount": amount, "factor_1": reason}


EXAMPLE = Example(
    tables={
        "customers": [{"customer_id": "a", "name": "Анна"}],
        "model_scores": [
            _score("a", 0.3, 900, "+months.low"),
            _score("b", 0.1, 900, "+price.high"),
            _score("c", 0.09, 50, "-months.high"),
            _score("a", 0.9, 10, "+price.high", on="2026-03-01"),
            _score("tomorrow", 0.9, 10, "+price.high", on="2026-04-01"),
            {"model": "churn", "scored_on": "2026-03-31", "customer_id": "a", "score": 0.9, "amount": 1},
        ],
    },
    params=CancelRiskParams.model_validate({"as_of": "2026-03-31"}),
    expect=[
        # The bounds of the levels belong to the higher one.
        {
            "customer_id": "a",
            "customer": "Анна",
            "risk": 0.3,
            "level": "high",
            "at_stake": 900,
            "factor_1": "+months.low",
        },
        {"customer_id": "b", "customer": "b", "risk": 0.1, "level": "middle", "at_stake": 900},
        {"customer_id": "c", "risk": 0.09, "level": "low", "at_stake": 50, "factor_1": "-months.high"},
    ],
)

ANALYSIS = Analysis(
    name="cancel_risk",
    area="clients",
    model=MODEL.name,
    title=Text(ru="Риск отказа от подписки", en="Risk to cancel a subscription"),
    question=Text(
        ru="Кто из подписчиков вот-вот откажется, почему, и сколько денег с ним?",
        en="Which subscribers are about to cancel, why, and with how much?",
    ),
    how_to_read=Text(
        ru=(
            "Сверху те, с кем уходит больше денег. Стрелка вверх у причины: она говорит за отказ, вниз: против. Насколько верить "
            "вероятности, сказано в карточке модели."
        ),
        en=(
            "On top are those with whom the most money leaves. An arrow up by a reason speaks for cancelling, down against it. How far "
            "to trust the probability is told by the model's card."
        ),
    ),
    definition=Text(
        ru=f"{MODEL.definition.ru} Показаны последние оценки к дню вопроса.",
        en=f"{MODEL.definition.en} Shown are the latest scores by the day of the question.",
    ),
    source=MODEL.source,
    inputs={"scores": MODEL_SCORES, "customers": stored(CUSTOMERS)},
    params=CancelRiskParams,
    columns=RISK.columns(Text(ru="Риск отказа", en="Risk to cancel")),
    order=("-at_stake", "customer_id"),
    compute=RISK.named,
    members=Members(entity="customers", by=("customer_id", "level", "factor_1"), select=RISK.members),
    chart=Chart(kind="bars", x="customer", y=("at_stake",), limit=20),
    naming=Naming(columns=("customer",), unnamed=RISK.unnamed, add=with_customer_names),
    gate=some_scores(MODEL),
    example=EXAMPLE,
)
