"""Stock cover: what runs out, what lies dead, and how much to order?"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar

import narwhals.stable.v2 as nw

from rakurs.analyses.columns import choice, column, overlapping
from rakurs.analyses.filters import basis_choice
from rakurs.analyses.products.names import PRODUCT
from rakurs.analyses.products.stock_counts import PLACE, counted
from rakurs.analyses.said import SCORES, said_by
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members, Need
from rakurs.core.frames import ratio, to_money, where_cell
from rakurs.core.params import Params, parameter
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.canonical import present
from rakurs.marts.tables import CALENDAR, SALE_LINES
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.models.demand import MODEL, RATE, WAYS
from rakurs.schema import PRODUCTS, STOCK
from rakurs.schema.derived import stored
from rakurs.schema.scores import MODEL_SCORES

Frame = nw.LazyFrame[Any]

STATES: Mapping[str, Text] = {
    "out": Text(ru="Кончился", en="Out of stock"),
    "low": Text(ru="Пора заказать", en="Time to order"),
    "enough": Text(ru="Достаточно", en="Enough"),
    "excess": Text(ru="Слишком много", en="Too much"),
    "dead": Text(ru="Лежит без продаж", en="Dead stock"),
    "nothing": Text(ru="Нет и не продаётся", en="Neither there nor sold"),
}


class Demand(StrEnum):
    """By what the demand to come is told."""

    FORESEEN = "foreseen"
    RATE = "rate"


class StockCoverParams(Params):
    """How the demand to come is told, and what is too little or too much."""

    PREFERRED: ClassVar[Basis] = Basis.ORDERS

    basis: Basis = BUYING_BASIS
    place: str | None = PLACE
    demand: Demand = parameter(
        Demand.FORESEEN,
        Text(ru="Спрос", en="Demand"),
        labels={
            Demand.FORESEEN: Text(ru="По прогнозу, где он есть", en="As foreseen, where it is"),
            Demand.RATE: Text(ru="По темпу последних дней", en="At the rate of the last days"),
        },
    )
    sales_days: int = parameter(
        90, Text(ru="Продажи за последние дни", en="Sales of the last days"), unit=Unit.DAYS, ge=7, le=730
    )
    lead_days: int = parameter(
        14,
        Text(ru="Срок поставки, где не указан, дней", en="Lead time where none is given, days"),
        unit=Unit.DAYS,
        ge=0,
        le=365,
    )
    order_days: int = parameter(
        30, Text(ru="Заказывать раз в столько дней", en="Days from order to order"), unit=Unit.DAYS, ge=1, le=365
    )
    reserve: float = parameter(
        1.28,
        Text(ru="Запас, стандартных отклонений", en="Reserve, standard deviations"),
        unit=Unit.NUMBER,
        help=Text(ru="1,28: хватит в 90 % случаев", en="1.28: enough in 90% of cases"),
        ge=0,
        le=4,
        is_advanced=True,
    )
    dead_days: int = parameter(
        180,
        Text(ru="Без продаж дней, чтобы считать мёртвым", en="Days without sales to be dead"),
        unit=Unit.DAYS,
        ge=30,
        le=1_095,
    )
    excess_days: int = parameter(
        180, Text(ru="Слишком много: запас на дней", en="Too much: days of cover"), unit=Unit.DAYS, ge=30, le=1_095
    )


COLUMNS = (
    *PRODUCT,
    column("category", Unit.TEXT, "Группа товаров", "Product category"),
    choice("state", "Состояние", "State", STATES),
    overlapping("on_hand", Unit.QUANTITY, "На складе", "On hand"),
    overlapping("per_day", Unit.NUMBER, "Продаётся в день", "Sold a day"),
    overlapping("foreseen_per_day", Unit.NUMBER, "Понадобится в день", "Needed a day"),
    choice("demand_by", "Откуда спрос", "Demand told by", WAYS),
    column("cover_days", Unit.DAYS, "Хватит на дней", "Days of cover"),
    column("last_sold_on", Unit.DAY, "Последняя продажа", "Last sold"),
    column("lead_days", Unit.DAYS, "Срок поставки, дней", "Lead time, days"),
    column("order_point", Unit.NUMBER, "Заказывать при остатке", "Order when down to"),
    overlapping("to_order", Unit.QUANTITY, "Заказать", "To order"),
    column("frozen", Unit.MONEY, "Денег в остатке", "Money in stock"),
    column("working_money", Unit.MONEY, "Из них в деле", "Of it at work"),
    column("excess_money", Unit.MONEY, "Из них лишних", "Of it too much"),
    column("counted_on", Unit.DAY, "Подсчитано", "Counted"),
)


def sold(frames: Frames, params: StockCoverParams) -> Frame:
    """One row per product ever sold up to the day: pieces a day of the last days, their spread, the last day."""
    numbers = frames["calendar"].select(nw.col("day").alias("sold_on"), "day_number")
    lines = in_basis(frames["sale_lines"], params.basis, preferred=params.PREFERRED).filter(
        ~nw.col("product_id").is_null(),
        ~nw.col("is_return").fill_null(value=False),
        nw.col("sold_on") <= nw.lit(params.today),
    )
    by_day = (
        lines.join(numbers, on="sold_on", how="inner")
        .group_by("product_id", "sold_on", "day_number")
        .agg(nw.col("quantity").cast(nw.Float64()).sum().alias("pieces"))
    )
    is_recent = nw.col("day_number") > nw.lit(day_number(params.today) - params.sales_days)
    pieces = nw.when(is_recent).then(nw.col("pieces")).otherwise(nw.lit(0.0))
    days = float(params.sales_days)
    return (
        by_day.group_by("product_id")
        .agg(
            (pieces.sum() / days).alias("per_day"),
            ((pieces * pieces).sum() / days).alias("mean_square"),
            nw.col("sold_on").max().alias("last_sold_on"),
            nw.col("day_number").max().alias("last_number"),
        )
        .with_columns(
            nw.max_horizontal(nw.col("mean_square") - nw.col("per_day") * nw.col("per_day"), nw.lit(0.0))
            .sqrt()
            .alias("spread")
        )
    )


def stock_cover(*, params: StockCoverParams, **frames: Frame) -> Frame:
    """One row per product that was ever counted."""
    products = present(frames["products"]).select(
        "product_id",
        nw.col("name").alias("product"),
        "category",
        "unit_cost",
        nw.col("lead_time_days").alias("own_lead"),
    )
    rows = (
        counted(frames["stock"], place=params.place, day=params.today)
        .join(sold(frames, params), on="product_id", how="left")
        .join(products, on="product_id", how="left")
        .join(foreseen(frames[SCORES], params), on="product_id", how="left")
        .with_columns(
            nw.col("per_day").fill_null(0.0),
            nw.col("spread").fill_null(0.0),
            nw.coalesce(nw.col("foreseen_per_day"), nw.col("per_day"), nw.lit(0.0)).alias("foreseen_per_day"),
            nw.coalesce(nw.col("demand_by"), nw.lit(RATE)).alias("demand_by"),
            nw.coalesce(nw.col("own_lead").cast(nw.Float64()), nw.lit(float(params.lead_days))).alias("lead_days"),
            nw.coalesce(nw.col("product"), nw.col("product_id")).alias("product"),
            (nw.lit(day_number(params.today)) - nw.col("last_number")).alias("quiet_days"),
        )
    )
    needed = nw.col("foreseen_per_day")
    grown = nw.when(nw.col("per_day") > 0).then((needed / nw.col("per_day")).sqrt()).otherwise(nw.lit(1.0))
    reserve = nw.col("spread") * grown * nw.col("lead_days").sqrt() * params.reserve
    return _judged(
        rows.with_columns(
            nw.when(needed > 0)
            .then(nw.max_horizontal(ratio(nw.col("on_hand"), needed), nw.lit(0.0)))
            .alias("cover_days"),
            (needed * nw.col("lead_days") + reserve).alias("order_point"),
        ),
        params,
    )


def foreseen(scores: Frame, params: StockCoverParams) -> Frame:
    """One row per product whose demand the model foresees: pieces a day to come, and by which way. Of deals it knows nothing."""
    said = said_by(scores, MODEL, params).filter(nw.col("factor_1") != nw.lit(RATE))
    if params.demand is Demand.RATE or params.basis is Basis.DEALS:
        said = said.head(0)
    return said.select(
        "product_id", nw.col("expected_count").alias("foreseen_per_day"), nw.col("factor_1").alias("demand_by")
    )


def _judged(rows: Frame, params: StockCoverParams) -> Frame:
    """With the state, what to order, and the money that lies there."""
    on_hand, per_day = nw.col("on_hand"), nw.col("foreseen_per_day")
    is_there, is_quiet = on_hand > 0, (nw.col("quiet_days") >= params.dead_days).fill_null(value=True)
    state = (
        nw.when(~is_there & is_quiet)
        .then(nw.lit("nothing"))
        .when(is_there & is_quiet)
        .then(nw.lit("dead"))
        .when(~is_there)
        .then(nw.lit("out"))
        .when((per_day > 0) & (on_hand <= nw.col("order_point")))
        .then(nw.lit("low"))
        .when((nw.col("cover_days") > params.excess_days).fill_null(value=True))
        .then(nw.lit("excess"))
        .otherwise(nw.lit("enough"))
    )
    money = nw.max_horizontal(on_hand, nw.lit(0.0)) * nw.col("unit_cost").cast(nw.Float64())
    kept = per_day * float(params.excess_days)
    too_much = nw.max_horizontal(on_hand - kept, nw.lit(0.0)) * nw.col("unit_cost").cast(nw.Float64())
    wanted = nw.col("order_point") + per_day * float(params.order_days) - on_hand
    judged = rows.with_columns(state.alias("state"))
    is_ordered = nw.col("state").is_in(["out", "low"])
    is_too_much = nw.col("state").is_in(["dead", "excess"])
    return judged.with_columns(
        nw.when(is_ordered).then(nw.max_horizontal(wanted, nw.lit(0.0)).ceil()).alias("to_order"),
        to_money(money).alias("frozen"),
        to_money(nw.when(is_too_much).then(too_much)).alias("excess_money"),
        to_money(money - nw.when(is_too_much).then(too_much).otherwise(nw.lit(0.0))).alias("working_money"),
    )


def members(frames: Frames, params: StockCoverParams, cell: Cell) -> Frame:
    """The products of a state, a category, or one."""
    return where_cell(stock_cover(params=params, **frames), dict(cell)).select("product_id")


def _counted(frames: Frames, params: StockCoverParams) -> Frame:
    return counted(frames["stock"], place=params.place, day=params.today)


def _unsold_rows(frames: Frames, params: StockCoverParams) -> Frame:
    has_count = _counted(frames, params).select("product_id")
    return sold(frames, params).select("product_id").join(has_count, on="product_id", how="anti")


def _product(product: str, **more: Any) -> dict[str, Any]:
    return {"product_id": product, "category": "g", "unit_cost": 10, **more}


def _count(product: str, quantity: int, day: str = "2026-03-31", **more: Any) -> dict[str, Any]:
    return {"product_id": product, "quantity": quantity, "counted_at": day, **more}


def _said(product: str, per_day: float, **more: Any) -> dict[str, Any]:
    said = {"model": "demand", "scored_on": "2026-03-31", "score": 1.0, "factor_1": "own", **more}
    return {**said, "product_id": product, "expected_count": per_day}


def _sold_on(*sales: tuple[str, str, int]) -> dict[str, list[dict[str, Any]]]:
    orders = [
        {"order_id": f"{number}", "ordered_at": day, "customer_id": "c"} for number, (_, day, _) in enumerate(sales)
    ]
    lines = [
        {"order_id": f"{number}", "product_id": product, "quantity": quantity, "price": 20, "line_no": 1}
        for number, (product, _, quantity) in enumerate(sales)
    ]
    return {"orders": orders, "order_lines": lines}


EXAMPLE = Example(
    tables={
        "products": [
            _product("even", name="Чай", lead_time_days=10),
            *(_product(name) for name in ("short", "gone", "much", "dead", "new")),
        ],
        "model_scores": [
            # Spring is coming: what the last days sold is not what is needed. A score of tomorrow is not known yet.
            _said("short", 2.0), _said("short", 9.0, scored_on="2026-04-01"), _said("short", 9.0, scored_on="2026-03-30"),
        ],
        "stock": [
            # The last count of each place, less what is reserved; a count of tomorrow is not known yet.
            _count("even", 5, "2026-03-01", place="shop"),
            _count("even", 12, place="shop", reserved=2),
            _count("even", 5, "2026-03-01", place="depot"),
            _count("even", 99, "2026-04-01", place="shop"),
            _count("short", 4),
            _count("gone", 0),
            _count("much", 40),
            _count("dead", 3),
            _count("new", 7),
        ],
        # Ten a window of ten days is one a day.
        **_sold_on(
            *(("even", f"2026-03-{day:02}", 1) for day in range(22, 32)),
            *(("short", f"2026-03-{day:02}", 1) for day in range(22, 32)),
            ("gone", "2026-03-22", 10),
            ("gone", "2026-03-21", 500),
            ("much", "2026-03-31", 10),
            ("dead", "2026-03-01", 1),
        ),
    },
    params=StockCoverParams.model_validate(
        {"as_of": "2026-03-31", "sales_days": 10, "lead_days": 5, "order_days": 10, "reserve": 0, "dead_days": 30,
         "excess_days": 30}
    ),
    expect=[
        # 30 quiet days are dead, the day itself included; a product never sold is dead too.
        {"product_id": "much", "state": "excess", "on_hand": 40, "per_day": 1, "demand_by": "rate", "cover_days": 40, "frozen": 400,
         "excess_money": 100, "to_order": None},
        {"product_id": "even", "product": "Чай", "state": "enough", "on_hand": 15, "cover_days": 15, "lead_days": 10,
         "order_point": 10, "frozen": 150, "excess_money": None},
        {"product_id": "new", "state": "dead", "on_hand": 7, "cover_days": None, "frozen": 70, "excess_money": 70},
        {"product_id": "short", "state": "low", "on_hand": 4, "per_day": 1, "foreseen_per_day": 2, "demand_by": "own",
         "cover_days": 2, "order_point": 10, "to_order": 26, "frozen": 40},
        {"product_id": "dead", "state": "dead", "on_hand": 3, "frozen": 30, "excess_money": 30},
        {"product_id": "gone", "state": "out", "on_hand": 0, "per_day": 1, "to_order": 15, "frozen": 0},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="stock_cover",
    area="products",
    title=Text(ru="Запасы", en="Stock"),
    question=Text(
        ru="Что кончается, что лежит мёртвым грузом и сколько заказать?",
        en="What runs out, what lies dead, and how much to order?",
    ),
    how_to_read=Text(
        ru=(
            "Сверху то, в чём больше денег. «Пора заказать»: остатка меньше, чем уйдёт за срок поставки с запасом. «Заказать»: сколько "
            "нужно до следующего заказа. «Лишнее»: сверх excess_days дней продаж; у мёртвого лишнее всё."
        ),
        en=(
            "On top is what holds the most money. “Time to order”: less is left than will go in the lead time and its reserve. “To "
            "order”: what is needed until the next order. “Too much”: beyond excess_days of sales; all of what is dead."
        ),
    ),
    definition=Text(
        ru=(
            "Остаток: последний подсчёт каждого места к дню вопроса без резерва. Продаётся в день: проданное за sales_days дней "
            "(без возвратов) / их число, дни без продаж тоже. Понадобится в день: по модели «Спрос на товары» (сезон, праздники, "
            "акции), если она о товаре говорит, иначе столько же. Точка заказа = понадобится в день × срок поставки + reserve × "
            "отклонение дневных продаж (растёт как корень из спроса) × корень из срока. Заказать = точка заказа + понадобится в "
            "день × order_days − остаток. Мёртвый: есть на складе, "
            "последняя продажа dead_days дней назад или раньше. Деньги: остаток × себестоимость. Дни без товара на складе "
            "занижают спрос: о них подсчёты ничего не говорят."
        ),
        en=(
            "On hand: the last count of each place by the day of the question, less what is reserved. Sold a day: pieces sold in "
            "sales_days days (returns apart) / their number, days without sales too. Needed a day: by the model “Demand for products” "
            "(season, holidays, promotions) where it speaks of the product, else the same. Order point = needed a day × lead time + "
            "reserve × the deviation of a day's sales (it grows as the root of demand) × root of the lead time. To order = order point "
            "+ needed a day × order_days - on hand. Dead: on "
            "hand, last sold dead_days ago or earlier. Money: on hand × unit cost. Days without stock make demand look less: "
            "counts tell nothing of them."
        ),
    ),
    source="Silver, Pyke, Thomas (2017), Inventory and Production Management in Supply Chains, ch. 6",
    inputs={
        "stock": stored(STOCK),
        "sale_lines": SALE_LINES,
        "products": stored(PRODUCTS),
        "calendar": CALENDAR,
        SCORES: MODEL_SCORES,
    },
    model=MODEL.name,
    params=StockCoverParams,
    columns=COLUMNS,
    order=("-frozen", "product_id"),
    compute=stock_cover,
    members=Members(entity="products", by=("product_id", "state", "category"), select=members),
    chart=Chart(kind="bars", x="product", y=("working_money", "excess_money"), limit=20),
    choice=basis_choice(Basis.ORDERS, rows=lambda frames, _params: frames["sale_lines"]),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="товаров с подсчитанным остатком", en="products whose stock was counted"),
                at_least=1,
                rows=_counted,
            ),
        )
    ),
    left_out=(
        LeftOut(
            reason=Text(
                ru="Товары, которые продавались, но остаток не подсчитан",
                en="Products sold whose stock was not counted",
            ),
            rows=_unsold_rows,
        ),
    ),
    example=EXAMPLE,
)
