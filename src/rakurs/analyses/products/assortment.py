"""Assortment: does a shop hold what its buyers, or those of a segment, buy?"""

from collections.abc import Mapping
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import choice, column, overlapping
from rakurs.analyses.filters import SalesFilters, asked_sales, basis_choice
from rakurs.analyses.products.names import PRODUCT
from rakurs.analyses.products.stock_counts import PLACE, counted
from rakurs.analyses.sale_gates import LINES_WITHOUT_PRODUCT
from rakurs.core.analysis import (
    Analysis,
    Cell,
    Chart,
    DataGate,
    Example,
    Frames,
    Members,
    Need,
    Statement,
    Told,
)
from rakurs.core.frames import count_distinct, ratio, to_money, where_cell
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import SALE_LINES
from rakurs.metrics.basis import BUYING_BASIS, Basis
from rakurs.schema import PRODUCTS, STOCK
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

STATES: Mapping[str, Text] = {
    "fits": Text(ru="Покупают, и есть", en="Bought and there"),
    "missing": Text(ru="Покупают, но нет", en="Bought, not there"),
    "idle": Text(ru="Есть, но не покупают", en="There, not bought"),
}


class AssortmentParams(SalesFilters):
    """Whose purchases are held against which place."""

    PREFERRED: ClassVar[Basis] = Basis.ORDERS

    basis: Basis = BUYING_BASIS
    place: str | None = PLACE


COLUMNS = (
    *PRODUCT,
    column("category", Unit.TEXT, "Группа товаров", "Product category"),
    choice("state", "Состояние", "State", STATES),
    overlapping("buyers", Unit.COUNT, "Покупателей", "Buyers"),
    column("buyers_share", Unit.SHARE, "Доля покупателей", "Share of buyers"),
    column("units", Unit.QUANTITY, "Куплено, единиц", "Units bought"),
    column("revenue", Unit.MONEY, "Выручка", "Revenue"),
    column("revenue_share", Unit.SHARE, "Доля выручки", "Share of revenue"),
    column("held_revenue", Unit.MONEY, "Выручка того, что есть", "Revenue of what is there"),
    column("missing_revenue", Unit.MONEY, "Выручка того, чего нет", "Revenue of what is not"),
    overlapping("on_hand", Unit.QUANTITY, "На складе", "On hand"),
    column("stock_money", Unit.MONEY, "Денег в остатке", "Money in stock"),
    column("stock_share", Unit.SHARE, "Доля денег в остатке", "Share of the money in stock"),
    column("counted_on", Unit.DAY, "Подсчитано", "Counted"),
)


def assortment(*, params: AssortmentParams, **frames: Frame) -> Frame:
    """One row per product that the chosen customers bought in the period or the place holds at the end of `as_of`."""
    rows = _sides(frames, params)
    buyers = _bought(frames, params).select(count_distinct("customer_id").cast(nw.Float64()).alias("all_buyers"))
    products = frames["products"].select("product_id", nw.col("name").alias("product"), "category", "unit_cost")
    is_bought, is_there = nw.col("lines") > 0, nw.col("on_hand") > 0
    state = (
        nw.when(is_bought & is_there)
        .then(nw.lit("fits"))
        .when(is_bought)
        .then(nw.lit("missing"))
        .otherwise(nw.lit("idle"))
    )
    told = (
        rows.filter(is_bought | is_there)
        .join(products, on="product_id", how="left")
        .join(buyers, how="cross")
        .with_columns(
            nw.coalesce("product", "product_id").alias("product"),
            state.alias("state"),
            nw.when(is_there).then(nw.col("on_hand") * nw.col("unit_cost").cast(nw.Float64())).alias("stock_money"),
            nw.lit(1).alias("all"),
        )
    )
    all_revenue, all_money = nw.col("revenue").sum().over("all"), nw.col("stock_money").sum().over("all")
    return told.with_columns(
        ratio(nw.col("buyers"), nw.col("all_buyers")).alias("buyers_share"),
        ratio(nw.col("revenue"), all_revenue).alias("revenue_share"),
        ratio(nw.col("stock_money"), all_money).alias("stock_share"),
        to_money(nw.col("revenue")).alias("revenue"),
        to_money(nw.when(is_there).then(nw.col("revenue"))).alias("held_revenue"),
        to_money(nw.when(~is_there).then(nw.col("revenue"))).alias("missing_revenue"),
        to_money(nw.col("stock_money")).alias("stock_money"),
    )


def _bought(frames: Frames, params: AssortmentParams) -> Frame:
    """The lines of the chosen customers in the period, returns left out: what was brought back was wanted all the same."""
    return asked_sales(frames["sale_lines"], params).filter(
        ~nw.col("is_return").fill_null(value=False), ~nw.col("product_id").is_null()
    )


def _sides(frames: Frames, params: AssortmentParams) -> Frame:
    """One row per product: what was bought of it, and what there is."""
    bought = (
        _bought(frames, params)
        .group_by("product_id")
        .agg(
            nw.len().cast(nw.Int64()).alias("lines"),
            count_distinct("customer_id").alias("buyers"),
            nw.col("quantity").cast(nw.Float64()).sum().alias("units"),
            nw.col("revenue").cast(nw.Float64()).sum().alias("revenue"),
        )
    )
    held = counted(frames["stock"], place=params.place, day=params.today)
    ids = nw.concat([bought.select("product_id"), held.select("product_id")]).group_by("product_id").agg()
    nothing = [nw.col(name).fill_null(0) for name in ("lines", "buyers", "units", "revenue", "on_hand")]
    return ids.join(bought, on="product_id", how="left").join(held, on="product_id", how="left").with_columns(*nothing)


def story(table: pa.Table, params: AssortmentParams) -> tuple[Statement, ...]:
    """How much of what they buy is there, and how much money lies in what they do not buy."""
    _ = params
    rows = table.to_pylist()
    bought = sum(float(row["revenue"] or 0) for row in rows)
    if bought <= 0:
        return ()
    idle = sum(float(row["stock_money"] or 0) for row in rows if row["state"] == "idle")
    told = [
        Statement(
            words=Text(
                ru="По деньгам есть {share} того, что покупают; нет товаров, которые принесли {missing}.",
                en="By money, {share} of what they buy is there; what is not there brought {missing}.",
            ),
            values={
                "share": Told(value=sum(float(row["held_revenue"] or 0) for row in rows) / bought, unit=Unit.SHARE),
                "missing": Told(value=sum(float(row["missing_revenue"] or 0) for row in rows), unit=Unit.MONEY),
            },
            cell={"state": "missing"},
        )
    ]
    if idle > 0:
        told.append(
            Statement(
                words=Text(
                    ru="В товарах, которых за период не покупали, лежит {idle}.",
                    en="{idle} lie in products that were not bought in the period.",
                ),
                values={"idle": Told(value=idle, unit=Unit.MONEY)},
                cell={"state": "idle"},
            )
        )
    return tuple(told)


def members(frames: Frames, params: AssortmentParams, cell: Cell) -> Frame:
    """The products of a state, a category, or one."""
    return where_cell(assortment(params=params, **frames), dict(cell)).select("product_id")


def _counted(frames: Frames, params: AssortmentParams) -> Frame:
    return counted(frames["stock"], place=params.place, day=params.today)


def _sold(order: str, product: str, day: str, customer: str, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        {"order_id": order, "ordered_at": day, "customer_id": customer},
        {"order_id": order, "product_id": product, "quantity": 2, "price": 50, **more},
    )


_SALES = (
    _sold("1", "tea", "2026-03-01", "a"),
    _sold("2", "tea", "2026-03-31", "b"),
    _sold("3", "jam", "2026-03-10", "a"),
    # Counted, and none is left.
    _sold("4", "milk", "2026-03-10", "a"),
    # Before the period, and after the day.
    _sold("5", "salt", "2026-02-28", "a"),
    _sold("6", "salt", "2026-04-01", "a"),
    _sold("7", "oil", "2026-03-10", "b", is_return=True),
)

EXAMPLE = Example(
    tables={
        "products": [
            {"product_id": "tea", "name": "Чай", "category": "Еда", "unit_cost": 20},
            *({"product_id": name, "unit_cost": 30} for name in ("jam", "milk", "salt", "oil", "gone")),
        ],
        "orders": [order for order, _ in _SALES],
        "order_lines": [line for _, line in _SALES],
        "stock": [
            {"product_id": "tea", "quantity": 5, "counted_at": "2026-03-31", "place": "shop"},
            {"product_id": "jam", "quantity": 9, "counted_at": "2026-03-31", "place": "depot"},
            *(
                {"product_id": name, "quantity": number, "counted_at": "2026-03-20", "place": "shop"}
                for name, number in (("milk", 0), ("salt", 10), ("gone", 0))
            ),
        ],
    },
    params=AssortmentParams.model_validate(
        {"period": "custom", "from_day": "2026-03-01", "to_day": "2026-03-31", "as_of": "2026-03-31", "place": "shop"}
    ),
    expect=[
        {"product_id": "tea", "product": "Чай", "category": "Еда", "state": "fits", "buyers": 2, "buyers_share": 1,
         "units": 4, "revenue": 200, "revenue_share": 0.5, "held_revenue": 200, "missing_revenue": None, "on_hand": 5,
         "stock_money": 100, "stock_share": 0.25},
        {"product_id": "jam", "state": "missing", "buyers": 1, "buyers_share": 0.5, "revenue": 100, "on_hand": 0,
         "missing_revenue": 100, "stock_money": None, "counted_on": None},
        {"product_id": "milk", "state": "missing", "revenue": 100, "on_hand": 0},
        {"product_id": "salt", "state": "idle", "buyers": 0, "revenue": 0, "on_hand": 10, "stock_money": 300,
         "stock_share": 0.75, "held_revenue": 0},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="assortment",
    area="products",
    title=Text(ru="Ассортимент", en="Assortment"),
    question=Text(
        ru="Есть ли в магазине то, что покупают, и что лежит зря?",
        en="Does the shop hold what is bought, and what lies there in vain?",
    ),
    how_to_read=Text(
        ru=(
            "Сверху то, что приносит больше всего. Выберите склад или магазин и тех, кто в нём покупает: сегмент, канал или "
            "менеджера. «Покупают, но нет»: завезти или не терять. «Есть, но не покупают»: перевезти туда, где покупают, или "
            "распродать. Доля выручки рядом с долей денег в остатке: где вторая много больше, запас велик."
        ),
        en=(
            "On top is what brings most. Choose a warehouse or shop and those who buy in it: a segment, a channel or a manager. "
            "“Bought, not there”: bring it in. “There, not bought”: move it where it is bought, or sell it off. The share of "
            "revenue stands beside the share of the money in stock: where the second is much larger, there is too much."
        ),
    ),
    definition=Text(
        ru=(
            "Куплено: строки выбранных продаж за период, без возвратов. На складе: последний подсчёт места к дню вопроса без "
            "резерва; без места по всем местам вместе. Есть: на складе больше нуля; чего в месте не считали, того в нём нет. "
            "Доля покупателей: от всех клиентов с такими покупками. Деньги: остаток × себестоимость. В продажах не сказано, в "
            "каком месте купили: покупателей места задаёт фильтр."
        ),
        en=(
            "Bought: lines of the chosen sales in the period, without returns. On hand: the last count of the place by the day of "
            "the question, less what is reserved; without a place, of all together. There: more than none on hand; what was not "
            "counted in a place is not in it. Share of buyers: of all customers with such purchases. Money: on hand × unit cost. "
            "Sales do not say in which place they were made: the filters say who buys in it."
        ),
    ),
    source="Kök, Fisher, Vaidyanathan (2015), Assortment Planning, in Retail Supply Chain Management, ch. 8",
    inputs={"sale_lines": SALE_LINES, "stock": stored(STOCK), "products": stored(PRODUCTS)},
    params=AssortmentParams,
    columns=COLUMNS,
    order=("-revenue", "product_id"),
    compute=assortment,
    story=story,
    members=Members(entity="products", by=("product_id", "state", "category"), select=members),
    chart=Chart(kind="bars", x="product", y=("held_revenue", "missing_revenue"), limit=20),
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
    left_out=(LINES_WITHOUT_PRODUCT,),
    example=EXAMPLE,
)
