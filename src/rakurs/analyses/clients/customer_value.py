"""Customer lifetime value: what is each client still worth, and is he still with us?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.clients.names import with_customer_names
from rakurs.analyses.columns import CUSTOMER, column
from rakurs.analyses.said import SCORED_ON, said_by, some_scores
from rakurs.core.analysis import Analysis, Cell, Chart, Example, Frames, Members, Naming
from rakurs.core.frames import where_cell
from rakurs.core.params import CUSTOMER_SEGMENT, Params
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.models.lifetime import MODEL
from rakurs.schema import CUSTOMERS
from rakurs.schema.derived import stored
from rakurs.schema.scores import MODEL_SCORES

Frame = nw.LazyFrame[Any]


class CustomerValueParams(Params):
    """Whom the answer is about."""

    customer_segment: str | None = CUSTOMER_SEGMENT


COLUMNS = (
    *CUSTOMER,
    column("active", Unit.SHARE, "Ещё с нами", "Still active"),
    column("expected_purchases", Unit.NUMBER, "Ждём покупок", "Expected purchases"),
    Column(
        name="value",
        unit=Unit.MONEY,
        title=Text(ru="Ценность (CLV)", en="Value (CLV)"),
        interval=("value_low", "value_high"),
    ),
    Column(name="value_low", unit=Unit.MONEY, title=Text(ru="Не ниже", en="Low"), adds_up=False),
    Column(name="value_high", unit=Unit.MONEY, title=Text(ru="Не выше", en="High"), adds_up=False),
    SCORED_ON,
)


def customer_value(*, params: CustomerValueParams, **frames: Frame) -> Frame:
    """One row per customer who ever bought."""
    return with_customer_names(unnamed(params=params, **frames), frames, params)


def unnamed(*, scores: Frame, customers: Frame, params: CustomerValueParams) -> Frame:
    """The same by customers' ids."""
    _ = customers  # only their names are read
    return said_by(scores, MODEL, params).with_columns(
        nw.col("score").alias("active"),
        nw.col("expected_count").alias("expected_purchases"),
        nw.col("amount").alias("value"),
        nw.col("amount_low").alias("value_low"),
        nw.col("amount_high").alias("value_high"),
    )


def members(frames: Frames, params: CustomerValueParams, cell: Cell) -> Frame:
    """One customer by id, or all of them."""
    return where_cell(unnamed(params=params, **frames), dict(cell)).select("customer_id")


def _score(customer: str, on: str = "2026-03-31", **said: float) -> dict[str, Any]:
    return {"model": "lifetime", "scored_on": on, "customer_id": customer, **said}


EXAMPLE = Example(
    tables={
        "customers": [{"customer_id": "b", "name": "Борис"}],
        "model_scores": [
            _score("a", score=0.5, expected_count=2.5, amount=1000, amount_low=0, amount_high=2500),
            _score("b", score=0.9, expected_count=7, amount=5000, amount_low=1000, amount_high=9000),
            _score("c", score=0.9, expected_count=7, amount=1000, amount_low=1000, amount_high=9000),
            _score("b", on="2026-03-01", score=0.1, expected_count=1, amount=9, amount_low=0, amount_high=99),
            _score("later", on="2026-04-01", score=0.1, expected_count=1, amount=9, amount_low=0, amount_high=99),
        ],
    },
    params=CustomerValueParams.model_validate({"as_of": "2026-03-31"}),
    expect=[
        {
            "customer_id": "b",
            "customer": "Борис",
            "active": 0.9,
            "expected_purchases": 7,
            "value": 5000,
            "value_low": 1000,
        },
        {
            "customer_id": "a",
            "customer": "a",
            "active": 0.5,
            "expected_purchases": 2.5,
            "value": 1000,
            "value_high": 2500,
        },
        {"customer_id": "c", "customer": "c", "active": 0.9, "expected_purchases": 7, "value": 1000, "value_low": 1000},
    ],
)

ANALYSIS = Analysis(
    name="customer_value",
    area="clients",
    model=MODEL.name,
    title=Text(ru="Ценность клиентов", en="Customer value"),
    question=Text(
        ru="Чего стоит каждый клиент, и с нами ли он ещё?", en="What is each client worth, and is he still with us?"
    ),
    how_to_read=Text(
        ru=(
            "Ценность: маржа, которую клиент ещё принесёт, в сегодняшних деньгах. Дорогих с низкой вероятностью «ещё с нами» "
            "возвращайте первыми. Под ценностью интервал: в него попадут восемь клиентов из десяти таких же."
        ),
        en=(
            "Value: the margin a client will still bring, in today's money. Win back first those who are dear and little likely "
            "to be active. Below the value, its interval: eight of ten such clients will fall into it."
        ),
    ),
    definition=Text(
        ru=f"{MODEL.definition.ru} Показаны последние оценки к дню вопроса.",
        en=f"{MODEL.definition.en} Shown are the latest scores by the day of the question.",
    ),
    source=MODEL.source,
    inputs={"scores": MODEL_SCORES, "customers": stored(CUSTOMERS)},
    params=CustomerValueParams,
    columns=COLUMNS,
    order=("-value", "customer_id"),
    compute=customer_value,
    members=Members(entity="customers", by=("customer_id",), select=members),
    chart=Chart(kind="bars", x="customer", y=("value",), limit=20),
    naming=Naming(columns=("customer",), unnamed=unnamed, add=with_customer_names),
    gate=some_scores(MODEL),
    example=EXAMPLE,
)
