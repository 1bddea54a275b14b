"""Next best offer: the one product that is worth offering to each customer, and how far its price may go down."""

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.clients.lifecycle import states
from rakurs.analyses.clients.rhythm import KEY, RULE, STATES, RhythmParams, customers_sales
from rakurs.analyses.columns import CUSTOMER, choice, column, overlapping
from rakurs.analyses.products.names import PRODUCT
from rakurs.analyses.products.recommendations import named
from rakurs.analyses.products.sold_out import NOT_SOLD_OUT, without_sold_out
from rakurs.analyses.said import SCORED_ON, said_by, some_scores
from rakurs.core.analysis import Analysis, Cell, Chart, Example, Frames, Members, Naming
from rakurs.core.frames import any_of, ratio, row_number, sum_where, to_money, where_cell
from rakurs.core.params import parameter
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import AVAILABILITY, CALENDAR, SALE_LINES, SALES
from rakurs.metrics.basis import Basis, in_basis
from rakurs.models.offers import MODEL, REASONS
from rakurs.schema import CUSTOMERS, PRODUCTS
from rakurs.schema.derived import stored
from rakurs.schema.scores import MODEL_SCORES

Frame = nw.LazyFrame[Any]

OCCASIONS: Mapping[str, Text] = {
    "reward": Text(ru="Постоянный: скидка положена", en="A regular: a discount is due"),
    "win_back": Text(ru="Засыпает: повод вернуться", en="Falling asleep: a reason to come back"),
    "none": Text(ru="Без скидки", en="No discount"),
}


class NextOffersParams(RhythmParams):
    """How far prices may go down, and for whom."""

    max_discount: float = parameter(
        0.15, Text(ru="Скидка не больше", en="Discount at most"), unit=Unit.SHARE, ge=0, le=0.9
    )
    min_margin: float = parameter(
        0.1,
        Text(ru="Маржа после скидки не меньше доли цены", en="Margin left, at least this share of the price"),
        unit=Unit.SHARE,
        ge=0,
        le=0.9,
    )
    quiet_days: int = parameter(
        180,
        Text(ru="Скидка положена, если её не было столько дней", en="A discount is due after so many days without one"),
        unit=Unit.DAYS,
        ge=1,
        le=3650,
        is_advanced=True,
    )
    price_days: int = parameter(
        90, Text(ru="Цена: средняя за столько дней", en="Price: mean of so many days"), unit=Unit.DAYS, ge=1, le=730,
        is_advanced=True,
    )  # fmt: skip


COLUMNS = (
    *CUSTOMER,
    *PRODUCT,
    column("chance", Unit.SHARE, "Вероятность", "Probability"),
    column("expected_margin", Unit.MONEY, "Ожидаемая маржа", "Expected margin"),
    choice("reason", "Почему", "Why", REASONS),
    column("because_of_id", Unit.ID, "Код причины", "Id of the reason"),
    column("because_of", Unit.TEXT, "Потому что есть", "Because of"),
    choice("state", "Состояние", "State", STATES),
    choice("occasion", "Повод", "Occasion", OCCASIONS),
    overlapping("price", Unit.MONEY, "Цена", "Price"),
    column("discount", Unit.SHARE, "Скидка до", "Discount up to"),
    overlapping("lowest_price", Unit.MONEY, "Цена не ниже", "Price not below"),
    column("chance_needed", Unit.SHARE, "Окупится, если шанс станет", "Pays if the chance becomes"),
    SCORED_ON,
)


def next_offers(*, params: NextOffersParams, **frames: Frame) -> Frame:
    """One row per customer to whom anything can be offered."""
    return named(unnamed(params=params, **frames), frames, params)


def unnamed(
    *,
    scores: Frame,
    availability: Frame,
    sales: Frame,
    lines: Frame,
    calendar: Frame,
    customers: Frame,
    products: Frame,
    params: NextOffersParams,
) -> Frame:
    """The same by ids."""
    _ = customers, products  # only their names are read
    best = _best(scores, availability, params)
    known = states(sales, calendar, params).select(KEY, "state")
    lately = customers_sales(sales, params).join(
        calendar.select(nw.col("day").alias("sold_on"), "day_number"), on="sold_on", how="inner"
    )
    since = nw.lit(day_number(params.today) - params.quiet_days)
    discounted = (
        lately.filter(nw.col("day_number") > since)
        .group_by(KEY)
        .agg(any_of(nw.col("discount").fill_null(0) > 0).alias("had_discount"))
    )
    rows = (
        best.join(known, on=KEY, how="left")
        .join(discounted, on=KEY, how="left")
        .join(_prices(lines, calendar, params), on="product_id", how="left")
    )
    is_due = (nw.col("state") == "regular") & ~nw.col("had_discount").fill_null(value=False)
    occasion = (
        nw.when(is_due)
        .then(nw.lit("reward"))
        .when(nw.col("state") == "sleeping")
        .then(nw.lit("win_back"))
        .otherwise(nw.lit("none"))
    )
    return _discounted(rows.with_columns(occasion.alias("occasion")), params)


def _best(scores: Frame, availability: Frame, params: NextOffersParams) -> Frame:
    """Of each customer the offer with the greatest expected margin; where no cost is known, the likeliest."""
    gain = (nw.lit(0.0) - nw.col("amount").cast(nw.Float64()).fill_null(0.0)).alias("gain_last")
    chance = (nw.lit(0.0) - nw.col("score")).alias("chance_last")
    offered = without_sold_out(said_by(scores, MODEL, params), availability, params.today)
    placed = offered.with_columns(gain, chance)
    return (
        placed.with_columns(row_number([KEY], ["gain_last", "chance_last", "product_id"]).alias("place"))
        .filter(nw.col("place") == 1)
        .select(
            KEY,
            "product_id",
            nw.col("score").alias("chance"),
            nw.col("amount").alias("expected_margin"),
            nw.col("factor_1").alias("reason"),
            nw.col("factor_2").alias("because_of_id"),
            "scored_on",
        )
    )


def _prices(lines: Frame, calendar: Frame, params: NextOffersParams) -> Frame:
    """One row per product sold lately: the mean price of a unit, and its mean cost where that is known."""
    days = calendar.select(nw.col("day").alias("sold_on"), "day_number")
    today = day_number(params.today)
    sold = (
        in_basis(lines, params.basis, preferred=Basis.ORDERS)
        .filter(~nw.col("is_return"), ~nw.col("product_id").is_null(), nw.col("quantity") > 0)
        .join(days, on="sold_on", how="inner")
        .filter(nw.col("day_number") > nw.lit(today - params.price_days), nw.col("day_number") <= nw.lit(today))
    )
    has_cost = ~nw.col("margin").is_null()
    return (
        sold.group_by("product_id")
        .agg(
            nw.col("revenue").sum().alias("sold_for"),
            nw.col("quantity").sum().alias("units"),
            sum_where("revenue", has_cost).alias("costed_for"),
            sum_where("margin", has_cost).alias("earned"),
            sum_where("quantity", has_cost).alias("costed_units"),
        )
        .with_columns(
            ratio(nw.col("sold_for"), nw.col("units")).alias("unit_price"),
            ratio(nw.col("costed_for") - nw.col("earned"), nw.col("costed_units")).alias("unit_cost"),
        )
        .select("product_id", "unit_price", "unit_cost")
    )


def _discounted(rows: Frame, params: NextOffersParams) -> Frame:
    """With the discount each may get: none without an occasion, and never so much that too little margin is left."""
    price, cost = nw.col("unit_price"), nw.col("unit_cost")
    least = cost / nw.lit(1 - params.min_margin)
    room = nw.lit(1.0) - least / price
    most = nw.when(room > nw.lit(params.max_discount)).then(nw.lit(params.max_discount)).otherwise(room)
    has_room = (nw.col("occasion") != "none") & (price > 0.0) & ~cost.is_null() & (room > 0.0)
    given = rows.with_columns(nw.when(has_room).then(most).alias("discount"))
    left = price * (nw.lit(1.0) - nw.col("discount"))
    needed = nw.col("chance") * (price - cost) / (left - cost)
    return given.with_columns(
        to_money(price).alias("price"),
        to_money(left).alias("lowest_price"),
        nw.when((left > cost) & (needed <= 1.0)).then(needed).alias("chance_needed"),
    )


def members(frames: Frames, params: NextOffersParams, cell: Cell) -> Frame:
    """The customers to whom a product is offered, of an occasion or a state, or one by id."""
    return where_cell(unnamed(params=params, **frames), dict(cell)).select(KEY)


def _offer(customer: str, product: str, score: float, amount: float | None, **more: Any) -> dict[str, Any]:
    said = {"model": "offers", "scored_on": "2026-03-31", "factor_1": "popular", **more}
    return {**said, "customer_id": customer, "product_id": product, "score": score, "amount": amount}


def _orders(customer: str, *days: str, discount: float | None = None) -> list[dict[str, Any]]:
    return [
        {
            "order_id": f"{customer} {day}",
            "ordered_at": day,
            "customer_id": customer,
            "amount": 100,
            "discount": discount,
        }
        for day in days
    ]


def _line(order: str, product: str, quantity: int, price: float, cost: float | None) -> dict[str, Any]:
    return {
        "order_id": order,
        "product_id": product,
        "quantity": quantity,
        "price": price,
        "cost": cost,
        "amount": quantity * price,
    }


REGULARLY = ("2026-02-19", "2026-03-01", "2026-03-11", "2026-03-21")
EXAMPLE = Example(
    tables={
        "customers": [{"customer_id": "a", "name": "Анна"}],
        "products": [{"product_id": "tea", "name": "Чай"}],
        "orders": [
            *_orders("a", *REGULARLY),
            *_orders("b", *REGULARLY, discount=5),
            *_orders("asleep", "2026-01-20", "2026-01-30", "2026-02-09", "2026-03-01"),
            *_orders("old price", "2025-12-31"),
        ],
        "order_lines": [
            # Two at 110 and two at 90: 100 a unit, which costs 80; at a tenth of margin it may go down to 88.89.
            _line("a 2026-03-21", "tea", 2, 110, 160),
            _line("b 2026-03-21", "tea", 2, 90, 160),
            _line("a 2026-03-11", "sugar", 1, 50, None),
            _line("asleep 2026-03-01", "cup", 1, 100, 20),
            _line("old price 2025-12-31", "tea", 1, 500, 10),
        ],
        "stock": [{"product_id": "gone", "quantity": 0, "counted_at": "2026-03-31"}],
        "model_scores": [
            _offer("a", "sugar", 0.4, 5),
            _offer("a", "tea", 0.2, 40),
            _offer("b", "tea", 0.5, 30, factor_1="together", factor_2="tea"),
            # Equal margins: the likelier.
            _offer("asleep", "tea", 0.09, 10),
            _offer("asleep", "cup", 0.1, 10),
            # What brings most is sold out.
            _offer("b", "gone", 0.6, 90),
            _offer("no cost", "sugar", 0.3, None),
            _offer("no cost", "tea", 0.2, None),
        ],
    },
    params=NextOffersParams.model_validate({"as_of": "2026-03-31"}),
    expect=[
        {"customer_id": "a", "customer": "Анна", "product_id": "tea", "product": "Чай", "chance": 0.2,
         "expected_margin": 40, "state": "regular", "occasion": "reward", "price": 100, "discount": 1 - 80 / 0.9 / 100,
         "lowest_price": 88.89, "chance_needed": 0.2 * 20 / (80 / 0.9 - 80)},
        {"customer_id": "b", "product_id": "tea", "state": "regular", "occasion": "none", "discount": None,
         "lowest_price": None, "because_of": "Чай"},
        {"customer_id": "asleep", "product_id": "cup", "state": "sleeping", "occasion": "win_back", "discount": 0.15,
         "lowest_price": 85, "chance_needed": 0.1 * 80 / 65},
        {"customer_id": "no cost", "product_id": "sugar", "expected_margin": None, "state": None, "occasion": "none",
         "price": 50, "discount": None},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="next_offers",
    area="products",
    model=MODEL.name,
    title=Text(ru="Следующее предложение", en="Next best offer"),
    question=Text(
        ru="Что одно предложить каждому, и насколько можно уступить в цене?",
        en="Which one thing to offer each customer, and how far may the price go down?",
    ),
    how_to_read=Text(
        ru=(
            "Сверху предложения, которые принесут больше маржи. Скидка названа только там, где есть повод: постоянному, у "
            "которого её давно не было, и засыпающему; уступить можно до «цены не ниже». «Окупится, если шанс станет»: скидка "
            "принесёт не меньше, чем без неё, только если вероятность покупки вырастет до этого числа. Вырастет ли, покажет "
            "лишь проба с контрольной группой."
        ),
        en=(
            "On top are the offers that bring most margin. A discount is named only where there is an occasion: for a regular "
            "who has had none for long, and for one falling asleep; the price may go down to “not below”. “Pays if the chance "
            "becomes”: the discount brings no less than none only if the probability of buying rises to that. Whether it does, "
            "only a trial with a control group can tell."
        ),
    ),
    definition=Text(
        ru=(
            f"Из предложений модели «{MODEL.title.ru}» каждому клиенту выбрано одно, с наибольшей ожидаемой маржей (равные: "
            f"вероятнее). {NOT_SOLD_OUT.ru} Цена: выручка на единицу за price_days дней, возвраты не в счёт; себестоимость: так же, где она "
            "известна. Скидка положена постоянному без скидок quiet_days дней и засыпающему; она не больше max_discount и "
            "оставляет маржу не меньше min_margin цены. Нужная вероятность = вероятность × маржа единицы без скидки / маржа со "
            f"скидкой. {RULE.ru}"
        ),
        en=(
            f"Of the offers of the model “{MODEL.title.en}” one is chosen for each customer, with the greatest expected margin "
            "(equal ones: the likelier). "
            f"{NOT_SOLD_OUT.en} Price: revenue per unit of price_days days, returns not counted; cost: likewise, where "
            "it is known. A discount is due to a regular without one for quiet_days days, and to one falling asleep; it is at "
            "most max_discount and leaves a margin of at least min_margin of the price. Chance needed = probability × margin of "
            f"a unit without the discount / margin with it. {RULE.en}"
        ),
    ),
    source=MODEL.source,
    inputs={
        "scores": MODEL_SCORES,
        "availability": AVAILABILITY,
        "sales": SALES,
        "lines": SALE_LINES,
        "calendar": CALENDAR,
        "customers": stored(CUSTOMERS),
        "products": stored(PRODUCTS),
    },
    params=NextOffersParams,
    columns=COLUMNS,
    order=("-expected_margin", "customer_id"),
    compute=next_offers,
    members=Members(entity="customers", by=("customer_id", "product_id", "occasion", "state"), select=members),
    chart=Chart(kind="bars", x="customer", y=("expected_margin",), limit=20),
    naming=Naming(columns=("customer", "product", "because_of"), unnamed=unnamed, add=named),
    gate=some_scores(MODEL),
    example=EXAMPLE,
)
