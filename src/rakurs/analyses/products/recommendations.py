"""Recommendations: what to offer to whom, how likely they take it, and why?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.clients.names import with_customer_names
from rakurs.analyses.columns import CUSTOMER, choice, column
from rakurs.analyses.products.names import PRODUCT, with_product_names
from rakurs.analyses.products.sold_out import NOT_SOLD_OUT, without_sold_out
from rakurs.analyses.said import SCORED_ON, said_by, some_scores
from rakurs.core.analysis import Analysis, Cell, Chart, Example, Frames, Members, Naming
from rakurs.core.frames import row_number, where_cell
from rakurs.core.params import CUSTOMER_SEGMENT, Params, parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import AVAILABILITY
from rakurs.models.offers import MODEL, REASONS
from rakurs.schema import CUSTOMERS, PRODUCTS
from rakurs.schema.derived import stored
from rakurs.schema.scores import MODEL_SCORES

Frame = nw.LazyFrame[Any]


class RecommendationsParams(Params):
    """Whom, what and how much to offer."""

    product: str | None = parameter(
        None,
        Text(ru="Товар", en="Product"),
        unit=Unit.ID,
        help=Text(ru="Кому предложить этот товар", en="Whom to offer this product"),
        options="product",
    )
    per_customer: int = parameter(
        3, Text(ru="Предложений клиенту", en="Offers per customer"), unit=Unit.COUNT, ge=1, le=20
    )
    least_chance: float = parameter(
        0.0, Text(ru="Вероятность не ниже", en="Probability at least"), unit=Unit.SHARE, ge=0, le=1, is_advanced=True
    )
    customer_segment: str | None = CUSTOMER_SEGMENT


COLUMNS = (
    *CUSTOMER,
    *PRODUCT,
    column("place", Unit.RANK, "Какое по счёту", "Place"),
    column("chance", Unit.SHARE, "Вероятность", "Probability"),
    column("expected_margin", Unit.MONEY, "Ожидаемая маржа", "Expected margin"),
    choice("reason", "Почему", "Why", REASONS),
    column("because_of_id", Unit.ID, "Код причины", "Id of the reason"),
    column("because_of", Unit.TEXT, "Потому что есть", "Because of"),
    SCORED_ON,
)


def recommendations(*, params: RecommendationsParams, **frames: Frame) -> Frame:
    """One row per customer and product offered."""
    return named(unnamed(params=params, **frames), frames, params)


def named(rows: Frame, frames: Frames, params: Any) -> Frame:
    """`rows` with what their ids are called."""
    people = with_customer_names(rows, frames, params)
    products = with_product_names(people, frames, by="product_id", name="product")
    return with_product_names(products, frames, by="because_of_id", name="because_of")


def unnamed(
    *, scores: Frame, availability: Frame, customers: Frame, products: Frame, params: RecommendationsParams
) -> Frame:
    """The same by ids."""
    _ = customers, products  # only their names are read
    offered = said_by(scores, MODEL, params).with_columns(
        nw.col("score").alias("chance"),
        nw.col("amount").alias("expected_margin"),
        nw.col("factor_1").alias("reason"),
        nw.col("factor_2").alias("because_of_id"),
        (nw.lit(0.0) - nw.col("score")).alias("last_first"),
    )
    if params.product is not None:
        offered = offered.filter(nw.col("product_id") == nw.lit(params.product))
    offered = without_sold_out(offered, availability, params.today)
    placed = offered.with_columns(row_number(["customer_id"], ["last_first", "product_id"]).alias("place"))
    return placed.filter(
        nw.col("place") <= nw.lit(params.per_customer), nw.col("chance") >= nw.lit(params.least_chance)
    )


def members(frames: Frames, params: RecommendationsParams, cell: Cell) -> Frame:
    """The customers to whom a product is offered, or for a reason, or one by id."""
    return where_cell(unnamed(params=params, **frames), dict(cell)).select("customer_id").unique()


def _offer(customer: str, product: str, score: float, amount: float | None = None, **more: Any) -> dict[str, Any]:
    said = {"model": "offers", "scored_on": "2026-03-31", "factor_1": "popular", **more}
    return {**said, "customer_id": customer, "product_id": product, "score": score, "amount": amount}


def _count(product: str, quantity: int, counted_at: str, **more: Any) -> dict[str, Any]:
    return {"product_id": product, "quantity": quantity, "counted_at": counted_at, **more}


EXAMPLE = Example(
    tables={
        "customers": [{"customer_id": "a", "name": "Анна"}],
        "products": [{"product_id": "filters", "name": "Фильтры"}, {"product_id": "coffee", "name": "Кофе"}],
        "stock": [
            _count("gone", 5, "2026-03-30"),
            _count("gone", 2, "2026-03-31 09:00", reserved=2),
            _count("gone", 0, "2026-03-31 09:00", place="depot"),
            _count("gone", 9, "2026-04-01"),
            # Out in one place and there in another; counted out in the morning, and found at noon.
            _count("tea", 0, "2026-03-31"),
            _count("tea", 1, "2026-02-01", place="depot"),
            _count("coffee", 0, "2026-03-31 09:00"),
            _count("coffee", 1, "2026-03-31 12:00"),
        ],
        "model_scores": [
            _offer("a", "filters", 0.3, 60, factor_1="together", factor_2="coffee"),
            # Equal chances: by the id of the product; the third of them is one too many.
            _offer("a", "sugar", 0.2, factor_1="similar"),
            _offer("a", "tea", 0.2, 10),
            _offer("b", "coffee", 0.25, 50),
            _offer("b", "cups", 0.09, 5),
            # Sold out everywhere by that day, though there tomorrow.
            _offer("a", "gone", 0.5, 50),
            _offer("a", "cups", 0.9, 5, scored_on="2026-03-01"),
            _offer("b", "tea", 0.9, 5, scored_on="2026-04-01"),
            {"model": "churn", "scored_on": "2026-03-31", "customer_id": "a", "score": 0.9, "amount": 1},
        ],
    },
    params=RecommendationsParams.model_validate({"as_of": "2026-03-31", "per_customer": 2, "least_chance": 0.1}),
    expect=[
        {"customer_id": "a", "customer": "Анна", "product_id": "filters", "product": "Фильтры", "place": 1, "chance": 0.3,
         "expected_margin": 60, "reason": "together", "because_of_id": "coffee", "because_of": "Кофе"},
        {"customer_id": "b", "customer": "b", "product_id": "coffee", "product": "Кофе", "place": 1, "chance": 0.25,
         "reason": "popular", "because_of_id": None, "because_of": None},
        {"customer_id": "a", "product_id": "sugar", "product": "sugar", "place": 2, "expected_margin": None,
         "reason": "similar"},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="recommendations",
    area="products",
    model=MODEL.name,
    title=Text(ru="Кому что предложить", en="What to offer whom"),
    question=Text(
        ru="Что предложить каждому клиенту, и кому предложить этот товар?",
        en="What to offer each customer, and whom to offer this product?",
    ),
    how_to_read=Text(
        ru=(
            "Сверху самые вероятные покупки. «Идёт вместе с купленным»: у владельцев названного товара это встречается заметно "
            "чаще, чем вышло бы само собой. Выберите товар, и останутся те, кому его предложить. Предложение не обещает "
            "покупки: доля взявших на прошлых днях стоит в карточке модели рядом с популярным."
        ),
        en=(
            "On top are the likeliest purchases. “Goes with what he has”: owners of the product named have it notably more often "
            "than would come by itself. Choose a product, and those remain whom to offer it. An offer promises no purchase: how "
            "many took it on past days stands in the model's card, beside what is popular."
        ),
    ),
    definition=Text(
        ru=(
            f"{MODEL.definition.ru} Показаны последние оценки к дню вопроса, per_customer самых вероятных каждому. "
            f"{NOT_SOLD_OUT.ru}"
        ),
        en=(
            f"{MODEL.definition.en} Shown are the latest scores by the day of the question, the per_customer likeliest of each. "
            f"{NOT_SOLD_OUT.en}"
        ),
    ),
    source=MODEL.source,
    inputs={
        "scores": MODEL_SCORES,
        "availability": AVAILABILITY,
        "customers": stored(CUSTOMERS),
        "products": stored(PRODUCTS),
    },
    params=RecommendationsParams,
    columns=COLUMNS,
    order=("-chance", "customer_id", "product_id"),
    compute=recommendations,
    members=Members(entity="customers", by=("customer_id", "product_id", "reason"), select=members),
    chart=Chart(kind="bars", x="customer", y=("expected_margin",), limit=20),
    naming=Naming(columns=("customer", "product", "because_of"), unnamed=unnamed, add=named),
    gate=some_scores(MODEL),
    example=EXAMPLE,
)
