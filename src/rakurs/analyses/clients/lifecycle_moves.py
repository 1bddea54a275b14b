"""Lifecycle moves: how many customers fall asleep in a month, how many leave, how many come back?"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.clients.rhythm import (
    KEY,
    RULE,
    SALES_OF_NOBODY,
    SOME_REPEAT_CUSTOMERS,
    STATES,
    RhythmParams,
    purchases,
    rhythms_at,
    with_state,
)
from rakurs.analyses.columns import choice, column, overlapping
from rakurs.analyses.filters import basis_choice
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, Members, Need
from rakurs.core.frames import ratio, where_cell
from rakurs.core.intervals import wilson_bounds
from rakurs.core.params import parameter
from rakurs.core.periods import DAY, add_months
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALES
from rakurs.metrics.basis import Basis

Frame = nw.LazyFrame[Any]

CAME = "came"
FROM: Mapping[str, Text] = {CAME: Text(ru="Ещё не покупал", en="Had not bought yet"), **STATES}


class LifecycleMovesParams(RhythmParams):
    """Parameters of the moves."""

    months: int = parameter(
        12,
        Text(ru="Сколько месяцев сложить", en="Months added up"),
        unit=Unit.COUNT,
        help=Text(
            ru="Последние законченные месяцы; 1: только последний",
            en="The latest finished months; 1 is the last one alone",
        ),
        ge=1,
        le=60,
    )


COLUMNS = (
    choice("from_state", "В начале месяца", "At the month's start", FROM),
    choice("to_state", "В конце месяца", "At the month's end", STATES),
    column("moves", Unit.COUNT, "Переходов", "Moves"),
    overlapping("customers", Unit.COUNT, "Клиентов", "Customers"),
    Column(
        name="share",
        unit=Unit.SHARE,
        title=Text(ru="Доля строки", en="Share of the row"),
        interval=("share_low", "share_high"),
    ),
    column("share_low", Unit.SHARE, "Доля, не меньше", "Share, at least"),
    column("share_high", Unit.SHARE, "Доля, не больше", "Share, at most"),
)


def month_ends(params: LifecycleMovesParams) -> list[date]:
    """The ends of the asked months, oldest first, and before them the end of the month that precedes them."""
    first_after = (params.today + DAY).replace(day=1)
    return [add_months(first_after, -back) - DAY for back in range(params.months, -1, -1)]


def moved(sales: Frame, calendar: Frame, params: LifecycleMovesParams) -> Frame:
    """One row per customer, state at a month's start and state at its end: in how many of the months (`moves`)."""
    ends = month_ends(params)
    bought = purchases(sales, calendar, params)
    standing = with_state(rhythms_at(bought, calendar, ends), params)
    # Whoever has bought stands in every month end after it, so the row before is the month before.
    before = nw.col("state").shift(1).over(KEY, order_by="on_number")
    return (
        standing.with_columns(nw.coalesce(before, nw.lit(CAME)).alias("from_state"), nw.col("state").alias("to_state"))
        .filter(nw.col("on") > nw.lit(ends[0]))
        .group_by(KEY, "from_state", "to_state")
        .agg(nw.len().alias("moves"))
    )


def lifecycle_moves(*, sales: Frame, calendar: Frame, params: LifecycleMovesParams) -> Frame:
    """One row per pair of states that any customer moved between or stayed in; pairs nobody made are absent."""
    cells = (
        moved(sales, calendar, params)
        .group_by("from_state", "to_state")
        .agg(nw.col("moves").sum().alias("moves"), nw.len().alias("customers"))
    )
    whole = cells.with_columns(nw.col("moves").sum().over("from_state").alias("row"))
    low, high = wilson_bounds(nw.col("moves"), nw.col("row"))
    return whole.with_columns(
        ratio(nw.col("moves"), nw.col("row")).alias("share"), low.alias("share_low"), high.alias("share_high")
    )


def members(frames: Frames, params: LifecycleMovesParams, cell: Cell) -> Frame:
    """The customers who made the move in any of the months."""
    made = where_cell(moved(frames["sales"], frames["calendar"], params), dict(cell))
    return made.group_by(KEY).agg().select(KEY)


def _orders(customer: str | None, *days: str) -> list[dict[str, Any]]:
    return [
        {"order_id": f"{customer} {day}", "ordered_at": day, "customer_id": customer, "amount": 100} for day in days
    ]


EXAMPLE = Example(
    tables={
        "orders": [
            *(row for number in range(4) for row in _orders(f"old {number}", "2025-12-01", "2025-12-11")),
            *_orders("back", "2025-12-01", "2025-12-11", "2026-02-15"),
            *_orders("before", "2026-01-31 23:59"),
            *_orders("first day", "2026-02-01"),
            *_orders("came", "2026-02-10"),
            *_orders("last day", "2026-03-31 23:59"),
            *_orders("too late", "2026-04-01"),
            *_orders(None, "2026-02-10"),
        ]
    },
    params=LifecycleMovesParams.model_validate({"months": 2, "as_of": "2026-04-15"}),
    expect=[
        # February and March; the usual gap is 10 days. The four old ones are lost in both months.
        {"from_state": "lost", "to_state": "lost", "moves": 8, "customers": 4, "share": 8 / 9},
        {"from_state": "came", "to_state": "new", "moves": 2, "customers": 2, "share": 2 / 3},
        # Silent for 28 days on the last of February, for 27 the one of the first day: more than 2 gaps, not 4.
        {"from_state": "sleeping", "to_state": "lost", "moves": 2, "customers": 2, "share": 1.0, "share_high": 1.0},
        {"from_state": "came", "to_state": "sleeping", "moves": 1, "customers": 1, "share": 1 / 3},
        {"from_state": "lost", "to_state": "returned", "moves": 1, "customers": 1, "share": 1 / 9,
         "share_low": 0.0198909, "share_high": 0.4349997},
        {"from_state": "new", "to_state": "lost", "moves": 1, "customers": 1, "share": 0.5, "share_low": 0.0945312,
         "share_high": 0.9054688},
        {"from_state": "new", "to_state": "sleeping", "moves": 1, "share": 0.5},
        # Its own gaps are 10 and 66 days, the usual one 10: (2 × 38 + 10) / 3 = 28.7; silent for 44 in the end.
        {"from_state": "returned", "to_state": "returned", "moves": 1, "customers": 1, "share": 1.0},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="lifecycle_moves",
    area="clients",
    title=Text(ru="Переходы между состояниями", en="Lifecycle moves"),
    question=Text(
        ru="Сколько клиентов за месяц засыпает, уходит и возвращается?",
        en="How many customers fall asleep, leave and come back in a month?",
    ),
    how_to_read=Text(
        ru=(
            "Строка: в каком состоянии клиент начал месяц, столбец: в каком закончил. Сколько засыпающих просыпается, а "
            "сколько теряется, видно по строке «Засыпает»: это и есть цена промедления. Нажмите на клетку, чтобы увидеть "
            "клиентов."
        ),
        en=(
            "A row is the state a customer began the month in, a column the one it ended in. The row of the sleeping ones "
            "tells how many wake up and how many are lost: the price of waiting. Click a cell to see the customers."
        ),
    ),
    definition=Text(
        ru=(
            f"Состояние в начале месяца: на конец последнего дня перед ним; в конце: на конец его последнего дня. Берутся "
            "последние months законченных месяцев и складываются: переход это клиент и месяц, поэтому клиент может войти в "
            "клетку несколько раз; «клиентов» считает его один раз. Доля: от переходов своей строки, с интервалом Уилсона "
            "95 %; месяцы одного клиента похожи, поэтому интервал суммы за много месяцев несколько уже, чем следует. «Ещё "
            f"не покупал»: первая покупка пришлась на этот месяц. Пар без переходов нет. Состояния: {RULE.ru} Обычный "
            "перерыв берётся на каждый из дней свой, каким он был тогда известен."
        ),
        en=(
            "The state at a month's start is that at the end of the day before it; at its end, that at the end of its last "
            "day. The latest finished months (parameter months) are added up: a move is a customer and a month, so one "
            'customer may be in a cell several times; "customers" counts each once. Share: of the moves of its row, with '
            "a Wilson 95 % interval; the months of one customer are alike, so over many months it is somewhat too narrow. "
            f'"Had not bought yet": the first purchase fell into the month. Pairs without a move are absent. States: {RULE.en} '
            "The usual gap is taken as it was known on each of the days."
        ),
    ),
    source="docs/definitions.md, Clients",
    inputs={"sales": SALES, "calendar": CALENDAR},
    params=LifecycleMovesParams,
    columns=COLUMNS,
    order=("-moves", "from_state", "to_state"),
    compute=lifecycle_moves,
    members=Members(entity="customers", by=("from_state", "to_state"), select=members, count="customers"),
    chart=Chart(kind="heatmap", x="to_state", y=("from_state",), color="share"),
    choice=basis_choice(Basis.ORDERS),
    gate=DataGate(
        needs=(
            SOME_REPEAT_CUSTOMERS,
            Need(
                what=Text(ru="клиентов, купивших до начала месяцев", en="customers who had bought before the months"),
                at_least=1,
                rows=lambda frames, params: purchases(frames["sales"], frames["calendar"], params).filter(
                    nw.col("purchases") == 1, nw.col("sold_on") <= nw.lit(month_ends(params)[0])
                ),
            ),
        )
    ),
    left_out=(SALES_OF_NOBODY,),
    example=EXAMPLE,
)
