"""Lifecycle: who buys as usual, who is falling asleep, who is lost, each by the customer's own rhythm?"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.clients.names import with_customer_names
from rakurs.analyses.clients.rhythm import (
    KEY,
    RULE,
    SALES_OF_NOBODY,
    SOME_REPEAT_CUSTOMERS,
    STATES,
    RhythmParams,
    customers_sales,
    purchases,
    rhythms_on,
    with_state,
)
from rakurs.analyses.columns import CUSTOMER, choice, column
from rakurs.analyses.filters import basis_choice
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, Members, Naming
from rakurs.core.frames import where_cell, with_day
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALES
from rakurs.metrics.basis import Basis
from rakurs.schema import CUSTOMERS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

TIMES: Mapping[str, Text] = {
    "10+": Text(ru="10 раз и больше", en="10 times or more"),
    "4-9": Text(ru="4–9 раз", en="4–9 times"),
    "2-3": Text(ru="2–3 раза", en="2–3 times"),
    "1": Text(ru="1 раз", en="Once"),
}
COLUMNS = (
    *CUSTOMER,
    choice("state", "Состояние", "State", STATES),
    choice("times", "Сколько раз покупал", "How often bought", TIMES),
    column("purchases", Unit.COUNT, "Покупок", "Purchases"),
    column("own_gap_days", Unit.DAYS, "Свой перерыв, дней", "Own gap, days"),
    column("gap_days", Unit.DAYS, "Мера, дней", "Measure, days"),
    column("last_on", Unit.DAY, "Последняя покупка", "Last purchase"),
    column("silent_days", Unit.DAYS, "Молчит, дней", "Silent, days"),
    column("overdue", Unit.NUMBER, "Молчит, в мерах", "Silent, in measures"),
    column("expected_on", Unit.DAY, "Ждали покупку", "Purchase expected"),
    column("late_days", Unit.DAYS, "Опаздывает, дней", "Late, days"),
    column("revenue", Unit.MONEY, "Выручка за всё время", "Revenue of all time"),
)


def lifecycle(*, params: RhythmParams, **frames: Frame) -> Frame:
    """One row per customer who had bought by the day of the question."""
    return with_customer_names(unnamed(params=params, **frames), frames, params)


def unnamed(*, sales: Frame, calendar: Frame, customers: Frame, params: RhythmParams) -> Frame:
    """The same by customers' ids."""
    _ = customers  # only their names are read
    money = customers_sales(sales, params).group_by(KEY).agg(nw.col("revenue").sum().alias("revenue"))
    return _foretold(states(sales, calendar, params), params).join(money, on=KEY, how="left")


def states(sales: Frame, calendar: Frame, params: RhythmParams) -> Frame:
    """One row per customer who had bought: the rhythm and the state at the end of the day of the question."""
    now = rhythms_on(purchases(sales, calendar, params), params.today)
    return with_state(now, params).with_columns(how_often(nw.col("purchases")).alias("times"))


def how_often(purchases: nw.Expr) -> nw.Expr:
    """Which of `TIMES` a number of purchases is."""
    return (
        nw.when(purchases >= 10)
        .then(nw.lit("10+"))
        .when(purchases >= 4)
        .then(nw.lit("4-9"))
        .when(purchases >= 2)
        .then(nw.lit("2-3"))
        .otherwise(nw.lit("1"))
    )


def _foretold(rows: Frame, params: RhythmParams) -> Frame:
    """`rows` with the day of the next purchase, by the own gap to whole days, halves up; null without an own rhythm."""
    has_rhythm = nw.col("purchases") > params.own_gaps
    due = nw.col("day_number") + (nw.col("own_gap") + 0.5).floor().cast(nw.Int64())
    late = nw.lit(day_number(params.today)) - nw.col("expected_number")
    foretold = rows.with_columns(
        nw.when(has_rhythm).then(due).alias("expected_number"), nw.col("own_gap").alias("own_gap_days")
    )
    dated = with_day(with_day(foretold, "day_number", name="last_on"), "expected_number", name="expected_on")
    return dated.with_columns(nw.when(late > 0).then(late).alias("late_days"))


def members(frames: Frames, params: RhythmParams, cell: Cell) -> Frame:
    """The customers in a state, of those who bought so many times, or one by id."""
    return where_cell(states(frames["sales"], frames["calendar"], params), dict(cell)).select(KEY)


def _orders(customer: str | None, *sold: tuple[str, int]) -> list[dict[str, Any]]:
    return [
        {"order_id": f"{customer} {number}", "ordered_at": day, "customer_id": customer, "amount": amount}
        for number, (day, amount) in enumerate(sold)
    ]


def _regularly(customer: str, *days: str) -> list[dict[str, Any]]:
    return _orders(customer, *((day, 100) for day in days))


EXAMPLE = Example(
    tables={
        "customers": [{"customer_id": "regular", "name": "Анна"}],
        "orders": [
            *_regularly("regular", "2026-02-09", "2026-02-19", "2026-03-01", "2026-03-11 23:59"),
            *_regularly("asleep", "2026-02-08", "2026-02-18", "2026-02-28", "2026-03-10"),
            *_regularly("still asleep", "2026-01-20", "2026-01-30", "2026-02-09", "2026-02-19"),
            *_regularly("gone", "2026-01-19", "2026-01-29", "2026-02-08", "2026-02-18"),
            *_regularly("back", "2026-01-14", "2026-01-24", "2026-02-03", "2026-02-13", "2026-03-26"),
            *_regularly("not away", "2026-01-15", "2026-01-25", "2026-02-04", "2026-02-14", "2026-03-26"),
            *_regularly("twice", "2026-01-10", "2026-02-19"),
            *_orders("new", ("2026-03-11", 50), ("2026-03-11 15:00", 50), ("2026-03-12", -30)),
            *_orders("new asleep", ("2026-03-10", 70)),
            *_orders("tomorrow", ("2026-04-01", 900)),
            *_orders("only a return", ("2026-03-01", -5)),
            *_orders(None, ("2026-03-01", 1000)),
        ],
    },
    params=RhythmParams.model_validate({"as_of": "2026-03-31"}),
    expect=[
        # The usual gap is 10 days. "back" was away for 41 days, more than four of its gaps; "not away" for 40.
        {"customer_id": "back", "state": "returned", "times": "4-9", "purchases": 5, "own_gap_days": 10,
         "silent_days": 5, "expected_on": date(2026, 4, 5), "late_days": None, "revenue": 500},
        {"customer_id": "not away", "state": "regular", "silent_days": 5, "revenue": 500},
        {"customer_id": "asleep", "customer": "asleep", "state": "sleeping", "silent_days": 21, "overdue": 2.1,
         "late_days": 11},
        {"customer_id": "gone", "state": "lost", "silent_days": 41, "overdue": 4.1},
        {"customer_id": "regular", "customer": "Анна", "state": "regular", "last_on": date(2026, 3, 11),
         "silent_days": 20, "gap_days": 10, "overdue": 2.0, "expected_on": date(2026, 3, 21), "late_days": 10},
        {"customer_id": "still asleep", "state": "sleeping", "silent_days": 40, "overdue": 4.0},
        # One own gap of 40 days and the usual 10 for the two missing ones: (40 + 2 × 10) / 3 = 20.
        {"customer_id": "twice", "state": "active", "times": "2-3", "own_gap_days": 40, "gap_days": 20,
         "silent_days": 40, "overdue": 2.0, "expected_on": None, "late_days": None, "revenue": 200},
        # Two sales of a day are one purchase, a return is none.
        {"customer_id": "new", "state": "new", "times": "1", "purchases": 1, "own_gap_days": None, "gap_days": 10,
         "silent_days": 20, "overdue": 2.0, "revenue": 70},
        {"customer_id": "new asleep", "state": "sleeping", "silent_days": 21, "revenue": 70},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="lifecycle",
    area="clients",
    title=Text(ru="Состояния клиентов", en="Lifecycle states"),
    question=Text(
        ru="Кто покупает как обычно, кто засыпает, а кто потерян?",
        en="Who buys as usual, who falls asleep, who is lost?",
    ),
    how_to_read=Text(
        ru=(
            "Каждый сравнивается с самим собой: кто покупал раз в неделю, засыпает через две недели тишины, а кто раз в "
            "год, только через два года. Начинайте со «засыпает» там, где покупали много раз: они ещё помнят вас. Нажмите "
            "на клетку, чтобы увидеть клиентов."
        ),
        en=(
            "Everyone is held against oneself: a weekly buyer falls asleep after two silent weeks, a yearly one after two "
            "years. Begin with the sleeping ones who bought many times: they still remember you. Click a cell to see the "
            "customers."
        ),
    ),
    definition=Text(
        ru=(
            f"{RULE.ru} Ждали покупку: последняя плюс медиана своих перерывов; день назван, когда перерывов не меньше "
            "own_gaps. Выручка: за всё время до дня вопроса, возвраты вычтены."
        ),
        en=(
            f"{RULE.en} Purchase expected: the last one plus the median of the own gaps, named with own_gaps gaps or more. "
            "Revenue: of all time up to the day of the question, less returns."
        ),
    ),
    source="docs/definitions.md, Clients",
    inputs={"sales": SALES, "customers": stored(CUSTOMERS), "calendar": CALENDAR},
    params=RhythmParams,
    columns=COLUMNS,
    order=("-revenue", "customer_id"),
    compute=lifecycle,
    members=Members(entity="customers", by=("customer_id", "state", "times"), select=members),
    chart=Chart(kind="heatmap", x="state", y=("times",), color="customers"),
    choice=basis_choice(Basis.ORDERS),
    naming=Naming(columns=("customer",), unnamed=unnamed, add=with_customer_names),
    gate=DataGate(needs=(SOME_REPEAT_CUSTOMERS,)),
    left_out=(SALES_OF_NOBODY,),
    example=EXAMPLE,
)
