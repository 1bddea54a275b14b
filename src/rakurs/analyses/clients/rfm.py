"""RFM: whom to keep, whom to wake, whom to let go?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.clients.names import with_customer_names
from rakurs.analyses.columns import CUSTOMER, choice, column
from rakurs.analyses.filters import basis_choice
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members, Naming, Need
from rakurs.core.frames import count_where, row_number, where_cell
from rakurs.core.params import CUSTOMER_SEGMENT, Params, parameter
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALES
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.schema import CUSTOMERS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]


class RankMethod(StrEnum):
    """How customers are put on a scale."""

    SHARE_WORSE = "share_worse"
    EQUAL_GROUPS = "equal_groups"


class RfmParams(Params):
    """Parameters of RFM; the window ends with the day of the question."""

    window_days: int = parameter(365, Text(ru="Окно, дней", en="Window, days"), unit=Unit.DAYS, ge=1, le=36500)
    ranks: int = parameter(5, Text(ru="Сколько рангов", en="Number of ranks"), unit=Unit.COUNT, ge=2, le=10)
    basis: Basis = BUYING_BASIS
    customer_segment: str | None = CUSTOMER_SEGMENT
    method: RankMethod = parameter(
        RankMethod.SHARE_WORSE,
        Text(ru="Как делить на ранги", en="How to rank"),
        help=Text(
            ru="По доле клиентов, которые хуже: равные всегда в одном ранге. Равные группы: поровну, равные могут разойтись",
            en="By the share of customers strictly worse: equal ones share a rank. Equal groups: equal ones may part",
        ),
        labels={
            RankMethod.SHARE_WORSE: Text(ru="По доле клиентов хуже", en="By the share worse"),
            RankMethod.EQUAL_GROUPS: Text(ru="Равные группы", en="Equal groups"),
        },
        is_advanced=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A named corner of the cube. Bounds are least shares of the highest rank, 0 for any."""

    name: str
    recency: float = 0.0
    frequency: float = 0.0
    money: float = 0.0


SEGMENTS = (
    Segment(name="champions", recency=0.8, frequency=0.8, money=0.8),
    Segment(name="loyal", recency=0.6, frequency=0.6),
    Segment(name="promising", recency=0.6, money=0.6),
    Segment(name="new", recency=0.8),
    Segment(name="at_risk", frequency=0.6),
    Segment(name="at_risk", money=0.8),
    Segment(name="sleeping", recency=0.4),
    Segment(name="lost"),
)
"""The first row whose bounds a customer reaches names the segment."""

SEGMENT_NAMES: Mapping[str, Text] = {
    "champions": Text(ru="Лучшие", en="Champions"),
    "loyal": Text(ru="Верные", en="Loyal"),
    "promising": Text(ru="Перспективные", en="Promising"),
    "new": Text(ru="Новые", en="New"),
    "sleeping": Text(ru="Засыпающие", en="Sleeping"),
    "at_risk": Text(ru="Под угрозой", en="At risk"),
    "lost": Text(ru="Потерянные", en="Lost"),
}

COLUMNS = (
    *CUSTOMER,
    column("recency_days", Unit.DAYS, "Давность, дней", "Recency, days"),
    column("sales", Unit.COUNT, "Продаж", "Sales"),
    column("revenue", Unit.MONEY, "Выручка", "Revenue"),
    column("recency_rank", Unit.RANK, "Ранг давности", "Recency rank"),
    column("frequency_rank", Unit.RANK, "Ранг частоты", "Frequency rank"),
    column("money_rank", Unit.RANK, "Ранг денег", "Money rank"),
    choice("segment", "Сегмент", "Segment", SEGMENT_NAMES),
)


def window_sales(sales: Frame, params: RfmParams) -> Frame:
    """The sales of known customers on the last `window_days` days, the day of the question included."""
    first = params.today - timedelta(days=params.window_days - 1)
    return in_basis(sales, params.basis, preferred=Basis.ORDERS).filter(
        nw.col("sold_on") >= nw.lit(first),
        nw.col("sold_on") <= nw.lit(params.today),
        ~nw.col("customer_id").is_null(),
    )


def ranked(sales: Frame, calendar: Frame, params: RfmParams) -> Frame:
    """One row per customer with a sale in the window, with ranks (the best is `ranks`) and segment."""
    bought = (
        window_sales(sales, params)
        .with_columns(nw.when(nw.col("is_sale")).then(nw.col("sold_on")).alias("bought_on"))
        .group_by("customer_id")
        .agg(
            nw.col("bought_on").max().alias("last_on"),
            count_where(nw.col("is_sale")).alias("sales"),
            nw.col("revenue").sum().alias("revenue"),
        )
        .filter(nw.col("sales") > 0)
    )
    numbers = calendar.select(nw.col("day").alias("last_on"), "day_number")
    aged = bought.join(numbers, on="last_on", how="inner").with_columns(
        (nw.lit(day_number(params.today)) - nw.col("day_number")).alias("recency_days")
    )
    scored = aged.with_columns(
        _rank("recency_days", params, is_less_better=True).alias("recency_rank"),
        _rank("sales", params).alias("frequency_rank"),
        _rank("revenue", params).alias("money_rank"),
    )
    return scored.with_columns(_segment(params.ranks).alias("segment"))


def _rank(name: str, params: RfmParams, *, is_less_better: bool = False) -> nw.Expr:
    """1 + floor(ranks * share of customers strictly worse), in whole numbers, so that no rounding decides."""
    goodness = -nw.col(name) if is_less_better else nw.col(name)
    if params.method is RankMethod.EQUAL_GROUPS:
        worse = row_number((), (name, "customer_id")) - 1
        if is_less_better:
            worse = nw.len() - 1 - worse
    else:
        worse = goodness.rank("min").cast(nw.Int64()) - 1
    return (worse * params.ranks) // nw.len() + 1


def _segment(ranks: int) -> nw.Expr:
    named = nw.lit(SEGMENTS[-1].name)
    for segment in reversed(SEGMENTS[:-1]):
        fits = (
            (nw.col("recency_rank") >= segment.recency * ranks)
            & (nw.col("frequency_rank") >= segment.frequency * ranks)
            & (nw.col("money_rank") >= segment.money * ranks)
        )
        named = nw.when(fits).then(nw.lit(segment.name)).otherwise(named)
    return named


def segment_of(recency_rank: int, frequency_rank: int, money_rank: int, *, ranks: int = 5) -> str:
    """The segment of one customer whose ranks are known."""
    return next(
        segment.name
        for segment in SEGMENTS
        if recency_rank >= segment.recency * ranks
        and frequency_rank >= segment.frequency * ranks
        and money_rank >= segment.money * ranks
    )


def rfm(*, params: RfmParams, **frames: Frame) -> Frame:
    """One row per customer who bought in the window."""
    return with_customer_names(scored(params=params, **frames), frames, params)


def scored(*, sales: Frame, customers: Frame, calendar: Frame, params: RfmParams) -> Frame:
    """The ranks and segments by customers' ids."""
    _ = customers  # only their names are read
    return ranked(sales, calendar, params)


def members(frames: Frames, params: RfmParams, cell: Cell) -> Frame:
    """The customers of the segment, of a cell of the cube, or one by id."""
    return where_cell(ranked(frames["sales"], frames["calendar"], params), dict(cell)).select("customer_id")


def _orders(customer: str | None, *sold: tuple[str, int]) -> list[dict[str, Any]]:
    return [
        {"order_id": f"{customer} {number}", "ordered_at": day, "customer_id": customer, "amount": amount}
        for number, (day, amount) in enumerate(sold)
    ]


EXAMPLE = Example(
    tables={
        "orders": [
            *_orders("best", ("2026-03-31 23:59", 500), ("2026-03-01", 500), ("2026-02-01", 500)),
            *_orders("edge of the window", ("2025-04-01", 100)),
            *_orders("out of the window", ("2025-03-31 23:59", 900)),
            *_orders("tomorrow", ("2026-04-01", 900)),
            *_orders("tie a", ("2026-01-30", 200)),
            *_orders("tie b", ("2026-01-30", 200)),
            *_orders("twice", ("2025-12-01", 300), ("2025-11-01", 400)),
            *_orders(None, ("2026-03-01", 1000)),
        ]
    },
    params=RfmParams.model_validate({"as_of": "2026-03-31"}),
    expect=[
        # Five customers, five ranks: rank = 1 + the number of customers strictly worse.
        {"customer_id": "best", "recency_days": 0, "sales": 3, "revenue": 1500, "recency_rank": 5,
         "frequency_rank": 5, "money_rank": 5, "segment": "champions"},
        {"customer_id": "tie a", "recency_days": 60, "sales": 1, "revenue": 200, "recency_rank": 3,
         "frequency_rank": 1, "money_rank": 2, "segment": "sleeping"},
        {"customer_id": "tie b", "recency_days": 60, "sales": 1, "revenue": 200, "recency_rank": 3,
         "frequency_rank": 1, "money_rank": 2, "segment": "sleeping"},
        {"customer_id": "twice", "recency_days": 120, "sales": 2, "revenue": 700, "recency_rank": 2,
         "frequency_rank": 4, "money_rank": 4, "segment": "at_risk"},
        {"customer_id": "edge of the window", "recency_days": 364, "sales": 1, "revenue": 100, "recency_rank": 1,
         "frequency_rank": 1, "money_rank": 1, "segment": "lost"},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="rfm",
    area="clients",
    title=Text(ru="RFM-сегменты", en="RFM segments"),
    question=Text(ru="Кого беречь, кого будить, кого отпустить?", en="Whom to keep, to wake, to let go?"),
    how_to_read=Text(
        ru=(
            "Чем выше ранг, тем лучше: покупал недавно, часто и на много. Лучших берегите, «под угрозой» верните в "
            "первую очередь: они были ценны и давно молчат. Нажмите на клетку, чтобы увидеть клиентов."
        ),
        en=(
            "The higher the rank the better: bought recently, often, for much. Keep the champions; win back those at "
            "risk first: they were worth much and have been silent. Click a cell to see the customers."
        ),
    ),
    definition=Text(
        ru=(
            "Окно: последние window_days дней, день вопроса включён. Давность: дней от последней покупки до дня "
            "вопроса; частота: число продаж; деньги: выручка окна за вычетом возвратов. Ранг по каждой оси = 1 + "
            "целая часть от (число рангов × доля клиентов строго хуже), поэтому равные клиенты всегда в одном ранге. "
            "Клиенты без покупок в окне не показаны. Сегмент: первая подходящая строка; доля от высшего ранга "
            "(давность, частота, деньги): лучшие 0,8/0,8/0,8; верные 0,6/0,6/любая; перспективные 0,6/любая/0,6; "
            "новые 0,8/любая/любая; под угрозой частота 0,6 или деньги 0,8; засыпающие 0,4/любая/любая; иначе "
            "потерянные."
        ),
        en=(
            "Window: the last window_days days, the day of the question included. Recency: days from the last purchase "
            "to that day; frequency: number of sales; money: revenue of the window less returns. Rank on each axis = "
            "1 + floor(ranks × share of customers strictly worse), so equal customers always share a rank. Customers "
            "without a purchase in the window are not shown. Segment: the first row that fits, as least shares of the "
            "highest rank (recency, frequency, money): champions .8/.8/.8; loyal .6/.6/any; promising .6/any/.6; new "
            ".8/any/any; at risk frequency .6 or money .8; sleeping .4/any/any; else lost."
        ),
    ),
    source="Hughes, Strategic Database Marketing, 1994, ch. 5",
    inputs={"sales": SALES, "customers": stored(CUSTOMERS), "calendar": CALENDAR},
    params=RfmParams,
    columns=COLUMNS,
    order=("-recency_rank", "-frequency_rank", "-money_rank", "customer_id"),
    compute=rfm,
    members=Members(
        entity="customers",
        by=("customer_id", "segment", "recency_rank", "frequency_rank", "money_rank"),
        select=members,
    ),
    chart=Chart(kind="heatmap", x="frequency_rank", y=("recency_rank",), color="customers"),
    choice=basis_choice(Basis.ORDERS),
    naming=Naming(columns=("customer",), unnamed=scored, add=with_customer_names),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="продаж известным клиентам в окне", en="sales to known customers in the window"),
                at_least=1,
                rows=lambda frames, params: window_sales(frames["sales"], params),
            ),
        )
    ),
    left_out=(
        LeftOut(
            reason=Text(ru="Продажи без клиента", en="Sales without a customer"),
            rows=lambda frames, params: in_basis(frames["sales"], params.basis, preferred=Basis.ORDERS).filter(
                nw.col("customer_id").is_null(), nw.col("sold_on") <= nw.lit(params.today)
            ),
        ),
    ),
    example=EXAMPLE,
)
