"""Customer groups: into which kinds do clients fall by themselves, what tells them apart, and do they stay?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.columns import column, overlapping
from rakurs.analyses.said import SCORED_ON, said_by, some_scores
from rakurs.core.analysis import Analysis, Cell, Chart, Example, Frames, Members
from rakurs.core.frames import count_where, ratio, to_money, where_cell
from rakurs.core.params import CUSTOMER_SEGMENT, Params
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALES
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.models.groups import GROUP_NAMES, MODEL
from rakurs.models.history import KEY, bought, buying_days, numbered
from rakurs.schema.columns import choice
from rakurs.schema.scores import MODEL_SCORES

Frame = nw.LazyFrame[Any]


class CustomerGroupsParams(Params):
    """Whom the answer is about."""

    basis: Basis = BUYING_BASIS
    customer_segment: str | None = CUSTOMER_SEGMENT


COLUMNS = (
    choice("group", "Группа", "Group", GROUP_NAMES),
    column("customers", Unit.COUNT, "Клиентов", "Customers"),
    column("share", Unit.SHARE, "Доля клиентов", "Share of customers"),
    column("revenue", Unit.MONEY, "Выручка за год", "Revenue of a year"),
    column("revenue_share", Unit.RATIO, "Доля выручки", "Share of revenue"),
    column("purchases", Unit.NUMBER, "Покупок за год", "Purchases in a year"),
    column("recency_days", Unit.DAYS, "Дней с последней покупки", "Days since the last purchase"),
    overlapping("average_check", Unit.MONEY, "Средний чек", "Average check"),
    column("with_us_days", Unit.DAYS, "Дней с первой покупки", "Days since the first purchase"),
    column("discount_share", Unit.RATIO, "Доля скидок", "Share of discounts"),
    column("returned_share", Unit.RATIO, "Доля возвратов", "Share returned"),
    column("sureness", Unit.SHARE, "Насколько ближе к своей", "Nearness to its own"),
    column("stayed", Unit.SHARE, "Осталось в группе", "Stayed in the group"),
    SCORED_ON,
)


def customer_groups(*, scores: Frame, sales: Frame, calendar: Frame, params: CustomerGroupsParams) -> Frame:
    """One row per group: its size and money, the means of its members' traits, and how many were in it a scoring ago."""
    said = said_by(scores, MODEL, params).select(KEY, "scored_on", "score", "amount", nw.col("factor_1").alias("group"))
    rows = numbered(in_basis(sales, params.basis, preferred=Basis.ORDERS), calendar)
    until = day_number(params.today)
    traits = bought(buying_days(rows, until), until).select(
        KEY,
        "purchases_365",
        "recency",
        "average_check",
        "age",
        "discount",
        "returned",
        nw.col("revenue").alias("all_time"),
    )
    before = _before(scores, params).select(KEY, nw.col("factor_1").alias("group_before"))
    each = said.join(traits, on=KEY, how="left").join(before, on=KEY, how="left")
    grouped = each.group_by("group").agg(
        nw.len().alias("customers"),
        nw.col("amount").sum().alias("revenue"),
        nw.col("purchases_365").cast(nw.Float64()).mean().alias("purchases"),
        nw.col("recency").cast(nw.Float64()).mean().alias("recency_days"),
        nw.col("average_check").cast(nw.Float64()).mean().alias("check"),
        nw.col("age").cast(nw.Float64()).mean().alias("with_us_days"),
        *(nw.col(name).sum().alias(name) for name in ("discount", "returned", "all_time")),
        nw.col("score").mean().alias("sureness"),
        count_where(nw.col("group_before") == nw.col("group")).alias("same"),
        nw.col("scored_on").max().alias("scored_on"),
    )
    was = (
        before.group_by("group_before").agg(nw.len().alias("were")).with_columns(nw.col("group_before").alias("group"))
    )
    whole = each.select(nw.len().alias("everybody"), nw.col("amount").sum().alias("all_revenue"))
    return (
        grouped.join(was.select("group", "were"), on="group", how="left")
        .join(whole, how="cross")
        .with_columns(
            ratio(nw.col("customers"), nw.col("everybody")).alias("share"),
            ratio(nw.col("revenue"), nw.col("all_revenue")).alias("revenue_share"),
            ratio(nw.col("discount"), nw.col("all_time") + nw.col("discount")).alias("discount_share"),
            ratio(nw.col("returned").abs(), nw.col("all_time") + nw.col("returned").abs()).alias("returned_share"),
            to_money(nw.col("check")).alias("average_check"),
            # Of those who were in it and are still customers.
            ratio(nw.col("same"), nw.col("were")).alias("stayed"),
        )
    )


def _before(scores: Frame, params: CustomerGroupsParams) -> Frame:
    """The scores before the latest ones."""
    latest = said_by(scores, MODEL, params).select(nw.col("scored_on").max().alias("latest_on"))
    known = scores.filter(nw.col("model") == nw.lit(MODEL.name)).join(latest, how="cross")
    past = known.filter(nw.col("scored_on") < nw.col("latest_on")).drop("latest_on")
    last = past.select(nw.col("scored_on").max().alias("last_on"))
    return past.join(last, how="cross").filter(nw.col("scored_on") == nw.col("last_on")).drop("last_on")


def members(frames: Frames, params: CustomerGroupsParams, cell: Cell) -> Frame:
    """The customers of a group."""
    said = said_by(frames["scores"], MODEL, params).with_columns(nw.col("factor_1").alias("group"))
    return where_cell(said, dict(cell)).select(KEY)


def _score(customer: str, group: str, amount: float, on: str = "2026-03-31") -> dict[str, Any]:
    said = {"model": "groups", "scored_on": on, "customer_id": customer, "score": 0.75}
    return {**said, "amount": amount, "factor_1": group}


_OFTEN, _RARELY = "purchases_365.high", "purchases_365.low,average_check.high"

EXAMPLE = Example(
    tables={
        "orders": [
            {"order_id": "1", "ordered_at": "2026-03-01", "customer_id": "a", "amount": 100},
            {"order_id": "2", "ordered_at": "2026-03-31", "customer_id": "a", "amount": 200},
            {"order_id": "3", "ordered_at": "2025-03-31", "customer_id": "b", "amount": 900},
            {"order_id": "4", "ordered_at": "2026-04-01", "customer_id": "b", "amount": 900},
        ],
        "model_scores": [
            _score("a", _OFTEN, 300),
            _score("b", _RARELY, 100),
            _score("c", _RARELY, 0),
            _score("a", _OFTEN, 1, on="2026-03-01"),
            _score("b", _OFTEN, 1, on="2026-03-01"),
            _score("c", _RARELY, 1, on="2026-02-01"),
            _score("a", "usual", 1, on="2026-04-01"),
        ],
    },
    params=CustomerGroupsParams.model_validate({"as_of": "2026-03-31"}),
    expect=[
        {"group": _RARELY, "customers": 2, "revenue": 100, "purchases": 0, "recency_days": 365, "average_check": 900,
         "stayed": None},
        # Of the two who bought often a scoring ago one still does.
        {"group": _OFTEN, "customers": 1, "share": 1 / 3, "revenue": 300, "revenue_share": 0.75, "purchases": 2,
         "recency_days": 0, "average_check": 150, "with_us_days": 30, "sureness": 0.75, "stayed": 0.5},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="customer_groups",
    area="clients",
    model=MODEL.name,
    title=Text(ru="Группы клиентов", en="Customer groups"),
    question=Text(
        ru="На какие группы клиенты делятся сами и чем эти группы различаются?",
        en="Into which groups do customers fall by themselves, and what tells them apart?",
    ),
    how_to_read=Text(
        ru=(
            "Название группы: черты, в которых она дальше всего от остальных. Сравните доли клиентов и выручки и средние по столбцам. "
            "«Осталось в группе»: сколько из бывших в ней при прошлой оценке в ней и теперь; если мало, на группу не стоит опираться. "
            "Группа: готовое условие для сегмента."
        ),
        en=(
            "A group is called by the traits in which it is farthest from the others. Compare the shares of customers and revenue, and "
            "the means column by column. “Stayed”: how many of those in it at the scoring before are in it now; where few are, do not "
            "rely on it. A group is ready as a condition of a segment."
        ),
    ),
    definition=Text(
        ru=f"{MODEL.definition.ru} Черты: средние по группе на день вопроса; группы: последние оценки к этому дню.",
        en=f"{MODEL.definition.en} Traits are means of the group on the day of the question; groups are the latest by that day.",
    ),
    source=MODEL.source,
    inputs={"scores": MODEL_SCORES, "sales": SALES, "calendar": CALENDAR},
    params=CustomerGroupsParams,
    columns=COLUMNS,
    order=("-customers", "group"),
    compute=customer_groups,
    members=Members(entity="customers", by=("group",), select=members, count="customers"),
    chart=Chart(kind="bars", x="group", y=("share", "revenue_share")),
    gate=some_scores(MODEL),
    example=EXAMPLE,
)
