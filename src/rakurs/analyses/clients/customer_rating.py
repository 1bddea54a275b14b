"""Customer rating: who brings the most, and how often do deals with them succeed?"""

from datetime import date
from enum import StrEnum
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.clients.names import with_customer_names
from rakurs.analyses.columns import CUSTOMER, column, overlapping
from rakurs.analyses.filters import SalesFilters, as_known, asked_sales, basis_choice, narrowed
from rakurs.analyses.sale_gates import SALES_WITHOUT_CUSTOMER, SALES_WITHOUT_REVENUE, SOME_SALES
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, Members, Naming
from rakurs.core.frames import count_where, money_each, ratio, where_cell
from rakurs.core.intervals import wilson_bounds
from rakurs.core.params import parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_OUTCOMES, SALES
from rakurs.schema import CUSTOMERS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]


class OrderBy(StrEnum):
    """What the rating ranks by."""

    REVENUE = "revenue"
    SALES = "sales"


class CustomerRatingParams(SalesFilters):
    """Parameters of the rating."""

    order_by: OrderBy = parameter(
        OrderBy.REVENUE,
        Text(ru="По чему рейтинг", en="Rank by"),
        labels={
            OrderBy.REVENUE: Text(ru="Выручка", en="Revenue"),
            OrderBy.SALES: Text(ru="Число продаж", en="Number of sales"),
        },
    )


COLUMNS = (
    column("place", Unit.RANK, "Место", "Place"),
    *CUSTOMER,
    column("sales", Unit.COUNT, "Продаж", "Sales"),
    column("revenue", Unit.MONEY, "Выручка", "Revenue"),
    overlapping("average_check", Unit.MONEY, "Средний чек", "Average check"),
    column("created", Unit.COUNT, "Создано сделок", "Deals created"),
    column("won", Unit.COUNT, "Из них выиграно", "Of them won"),
    column("success_ratio", Unit.SHARE, "Успешность", "Success ratio"),
    column("success_low", Unit.SHARE, "Успешность, не ниже", "Success, low"),
    column("success_high", Unit.SHARE, "Успешность, не выше", "Success, high"),
    column("first_on", Unit.DAY, "Первая продажа", "First sale"),
    column("last_on", Unit.DAY, "Последняя продажа", "Last sale"),
)


def customer_rating(*, params: CustomerRatingParams, **frames: Frame) -> Frame:
    """One row per customer with a sale or a created deal in the period, the best first; equal ones share a place."""
    return with_customer_names(rated(params=params, **frames), frames, params)


def rated(*, sales: Frame, deal_outcomes: Frame, customers: Frame, params: CustomerRatingParams) -> Frame:
    """The rating by customers' ids."""
    _ = customers  # only their names are read
    both = _of_sales(sales, params).join(
        _of_deals(deal_outcomes, params), on="customer_id", how="full", suffix="_of_deal"
    )
    summed = both.with_columns(
        nw.coalesce("customer_id", "customer_id_of_deal").alias("customer_id"),
        *(nw.col(name).fill_null(0) for name in ("sales", "revenue", "created", "won")),
    ).drop("customer_id_of_deal")
    low, high = wilson_bounds(nw.col("won"), nw.col("created"))
    return summed.with_columns(
        nw.col(params.order_by.value).rank("min", descending=True).alias("place"),
        money_each(nw.col("revenue"), nw.col("sales")).alias("average_check"),
        ratio(nw.col("won"), nw.col("created")).alias("success_ratio"),
        low.alias("success_low"),
        high.alias("success_high"),
    )


def _of_sales(sales: Frame, params: CustomerRatingParams) -> Frame:
    is_sale = nw.col("is_sale")
    return (
        asked_sales(sales, params)
        .filter(~nw.col("customer_id").is_null())
        .with_columns(nw.when(is_sale).then(nw.col("sold_on")).alias("bought_on"))
        .group_by("customer_id")
        .agg(
            count_where(is_sale).alias("sales"),
            nw.col("revenue").sum().alias("revenue"),
            nw.col("bought_on").min().alias("first_on"),
            nw.col("bought_on").max().alias("last_on"),
        )
    )


def _of_deals(deal_outcomes: Frame, params: CustomerRatingParams) -> Frame:
    created = as_known(
        narrowed(deal_outcomes, params).filter(
            ~nw.col("customer_id").is_null(),
            params.window.contains(nw.col("created_on")),
            nw.col("created_on") <= nw.lit(params.today),
        ),
        params.today,
    )
    return created.group_by("customer_id").agg(
        nw.len().alias("created"), count_where(nw.col("outcome") == "won").alias("won")
    )


def members(frames: Frames, params: CustomerRatingParams, cell: Cell) -> Frame:
    """The customer's sales in the period, returns left out."""
    sold = asked_sales(frames["sales"], params).filter(~nw.col("customer_id").is_null(), nw.col("is_sale"))
    return where_cell(sold, dict(cell)).select("sale_id")


EXAMPLE = Example(
    tables={
        "customers": [{"customer_id": "anna", "name": "Анна"}, {"customer_id": "boris", "name": "Борис"}],
        "stages": [
            {"pipeline_id": "b2b", "stage_id": "new", "position": 1, "outcome": "open"},
            {"pipeline_id": "b2b", "stage_id": "won", "position": 2, "outcome": "won"},
        ],
        "deals": [
            {"deal_id": deal, "pipeline_id": "b2b", "stage_id": stage, "customer_id": customer, "amount": amount,
             "created_at": created, "closed_at": closed}
            for deal, stage, customer, amount, created, closed in (
                ("first day", "won", "anna", 300, "2026-03-01", "2026-03-01"),
                ("last day", "won", "anna", 200, "2026-03-20", "2026-03-31 23:59"),
                ("still open", "new", "anna", 900, "2026-03-31 23:59", None),
                ("a tie", "won", "boris", 500, "2026-02-01", "2026-03-15"),
                ("too early", "won", "boris", 70, "2026-02-01", "2026-02-28 23:59"),
                ("too late", "won", "boris", 70, "2026-04-01", "2026-04-01"),
                ("nobody's", "won", None, 70, "2026-03-02", "2026-03-02"),
                ("only a deal", "new", "vera", 70, "2026-03-02", None),
            )
        ],
    },
    params=CustomerRatingParams.model_validate({"from_day": "2026-03-01", "to_day": "2026-03-31", "as_of": "2026-04-30"}),
    expect=[
        {"place": 1, "customer_id": "anna", "customer": "Анна", "sales": 2, "revenue": 500, "average_check": 250,
         "created": 3, "won": 2, "success_ratio": 2 / 3, "first_on": date(2026, 3, 1), "last_on": date(2026, 3, 31)},
        {"place": 1, "customer_id": "boris", "sales": 1, "revenue": 500, "created": 0, "success_ratio": None},
        {"place": 3, "customer_id": "vera", "sales": 0, "revenue": 0, "average_check": None, "created": 1,
         "success_ratio": 0.0, "first_on": None},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="customer_rating",
    area="clients",
    title=Text(ru="Рейтинг клиентов", en="Customer rating"),
    question=Text(ru="Кто приносит больше всех?", en="Who brings the most?"),
    how_to_read=Text(
        ru=(
            "Сверху клиенты с наибольшей выручкой (или числом продаж). Успешность говорит, какая доля сделок с "
            "клиентом выигрывается; по одной-двум сделкам судить рано, смотрите на границы."
        ),
        en=(
            "Customers with the highest revenue (or number of sales) stand first. The success ratio is the share of "
            "deals won with the customer; one or two deals say little, look at the bounds."
        ),
    ),
    definition=Text(
        ru=(
            "Продажи периода по клиенту: выигранные сделки в день закрытия или заказы в день оплаты; возвраты "
            "уменьшают выручку и в число продаж не входят. Успешность = выигранные / созданные, по сделкам, созданным "
            "в периоде, с интервалом Уилсона 95 %. Равные делят место. Продажи без клиента в рейтинг не входят."
        ),
        en=(
            "Sales of the period by customer: won deals on their closing day or orders on the day of payment; returns "
            "lower the revenue and are not counted as sales. Success ratio = won / created over deals created in the "
            "period, with a Wilson 95 % interval. Equal customers share a place. Sales without a customer are left out."
        ),
    ),
    source="docs/definitions.md, Clients",
    inputs={"sales": SALES, "deal_outcomes": DEAL_OUTCOMES, "customers": stored(CUSTOMERS)},
    params=CustomerRatingParams,
    columns=COLUMNS,
    order=("place", "customer_id"),
    compute=customer_rating,
    members=Members(entity="sales", by=("customer_id",), select=members, count="sales"),
    chart=Chart(kind="bars", x="customer", y=("revenue",), limit=20),
    choice=basis_choice(),
    naming=Naming(columns=("customer",), unnamed=rated, add=with_customer_names),
    gate=DataGate(needs=(SOME_SALES,)),
    left_out=(SALES_WITHOUT_CUSTOMER, SALES_WITHOUT_REVENUE),
    example=EXAMPLE,
)
