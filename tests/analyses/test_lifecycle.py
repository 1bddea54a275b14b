"""Are customers' states as another program counts them, and do the months' moves lead from one day's states to the next's?"""

from collections import Counter
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import pytest
from hypothesis import given
from pydantic import ValidationError

from analyses.asking import answer, members
from analyses.test_properties import QUIET, SEEDS
from company import random_company
from engines import DuckDBUnderTest, EngineUnderTest, Frame, PolarsUnderTest, frames_on
from rakurs.analyses import analysis_named

STATES, MOVES = analysis_named("lifecycle"), analysis_named("lifecycle_moves")
TWENTY_YEARS = timedelta(days=7305)
"""CDNOW is of 1997 and 1998, the calendar of the tests begins later; the gaps stay what they are."""
LAST = date(1998, 6, 30) + TWENTY_YEARS


@cache
def cdnow() -> dict[str, Frame]:
    """2,357 customers of CDNOW and their 6,919 orders over 18 months."""
    import lifetimes

    orders: list[dict[str, Any]] = []
    for number, line in enumerate(
        (Path(lifetimes.__file__).parent / "datasets/CDNOW_sample.txt").read_text().splitlines()
    ):
        _, customer, day, _, amount = line.split()
        at = datetime.strptime(day, "%Y%m%d") + TWENTY_YEARS  # noqa: DTZ007 - a day has no zone
        orders.append({"order_id": f"{number}", "customer_id": customer, "ordered_at": at, "amount": amount})
    return frames_on(DuckDBUnderTest(), {"orders": orders})


# Written apart from the analysis, from the words of its definition.
BY_HAND = """
with days as (select distinct customer_id, sold_on from sales where is_sale and sold_on <= $day),
gaps as (
    select customer_id, sold_on, sold_on - lag(sold_on) over (partition by customer_id order by sold_on) as gap,
        row_number() over (partition by customer_id order by sold_on desc) as from_the_end
    from days
),
own as (
    select customer_id, count(gap) as n, median(gap) as own, max(sold_on) as last_on,
        median(gap) filter (where from_the_end > 1) as own_before, max(gap) filter (where from_the_end = 1) as last_gap
    from gaps group by customer_id
),
usual as (select median(own) as usual from own),
measured as (
    select *, $day - last_on as silent,
        case when n >= 3 then own when n > 0 then (n * own + (3 - n) * usual) / 3 else usual end as measure,
        case when n >= 4 then own_before when n > 1 then ((n - 1) * own_before + (4 - n) * usual) / 3
            else usual end as measure_before
    from own, usual
)
select customer_id, case
    when silent > 4 * measure then 'lost'
    when silent > 2 * measure then 'sleeping'
    when n = 0 then 'new'
    when last_gap > 4 * measure_before then 'returned'
    when n >= 3 then 'regular'
    else 'active' end as state
from measured
"""


DAYS = {
    LAST: {"lost": 1696, "regular": 228, "sleeping": 193, "returned": 173, "active": 67},
    LAST - timedelta(days=150): {"lost": 1707, "sleeping": 195, "regular": 192, "returned": 150, "active": 113},
    LAST - timedelta(days=365): {"lost": 1111, "sleeping": 846, "active": 237, "regular": 100, "returned": 63},
}


@pytest.mark.slow
@pytest.mark.parametrize("day", list(DAYS), ids=str)
def test_states_of_cdnow_are_as_counted_apart(day: date) -> None:
    told = states_on(cdnow(), day)
    sql = BY_HAND.replace("$day", f"date '{day}'")
    assert told == dict(cdnow()["sales"].to_native().query("sales", sql).fetchall())
    assert Counter(told.values()) == DAYS[day]


def states_on(frames: dict[str, Frame], day: date, *, engine: EngineUnderTest | None = None) -> dict[str, str]:
    rows = answer(STATES, engine or DuckDBUnderTest(), frames, STATES.params.model_validate({"as_of": day}))
    return {row["customer_id"]: row["state"] for row in rows}


def moves_between(before: dict[str, str], after: dict[str, str]) -> Counter[tuple[str, str]]:
    return Counter((before.get(customer, "came"), state) for customer, state in after.items())


def assert_moves_lead_from_state_to_state(
    engine: EngineUnderTest, frames: dict[str, Frame], ends: list[date], as_of: date
) -> None:
    standing = [states_on(frames, day, engine=engine) for day in ends]
    by_month = [moves_between(before, after) for before, after in pairwise(standing)]
    params = MOVES.params.model_validate({"as_of": as_of, "months": len(by_month)})
    rows = answer(MOVES, engine, frames, params)
    assert Counter({(row["from_state"], row["to_state"]): row["moves"] for row in rows}) == sum(by_month, Counter())
    for row in rows[:3]:
        cell = {"from_state": row["from_state"], "to_state": row["to_state"]}
        made = {
            customer
            for before, after in pairwise(standing)
            for customer, state in after.items()
            if (before.get(customer, "came"), state) == tuple(cell.values())
        }
        assert set(members(MOVES, engine, frames, params, cell)) == made


@pytest.mark.slow
def test_moves_of_cdnow_lead_from_state_to_state() -> None:
    ends = [date(2018, 2, 28), date(2018, 3, 31), date(2018, 4, 30), date(2018, 5, 31), date(2018, 6, 30)]
    # On the last day of a month that month is finished, on the day before it is not.
    assert_moves_lead_from_state_to_state(DuckDBUnderTest(), cdnow(), ends, as_of=ends[-1])
    assert_moves_lead_from_state_to_state(DuckDBUnderTest(), cdnow(), ends[:-1], as_of=date(2018, 6, 29))


@pytest.mark.slow
@QUIET
@given(seed=SEEDS)
def test_moves_lead_from_state_to_state(seed: int) -> None:
    engine = PolarsUnderTest()
    ends = [date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)]
    frames = frames_on(engine, random_company(seed, orders=60))
    assert_moves_lead_from_state_to_state(engine, frames, ends, as_of=date(2026, 4, 10))


def test_what_came_after_the_day_is_not_known_on_it() -> None:
    """A year later the same day tells the same: neither the states nor the usual gap look ahead."""
    day = LAST - timedelta(days=300)
    known = cdnow()["sales"].filter(nw.col("sold_on") <= nw.lit(day))
    assert states_on(cdnow(), day) == states_on({**cdnow(), "sales": known}, day)


def test_a_lost_customer_slept_before() -> None:
    with pytest.raises(ValidationError, match="lost_after"):
        STATES.params.model_validate({"sleeping_after": 3, "lost_after": 2})
