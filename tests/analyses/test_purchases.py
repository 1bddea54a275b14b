"""What do purchase days say of the next one, and of a customer's state of life?"""

from datetime import date, timedelta

import pytest

from rakurs.analyses.cards.purchases import life_state, rhythm

START = date(2026, 1, 1)


def days(*numbers: int) -> list[date]:
    return [START + timedelta(days=number) for number in numbers]


def test_the_next_purchase_is_the_last_plus_the_median_gap() -> None:
    own = rhythm(days(0, 10, 20, 50, 60))  # gaps 10, 10, 30, 10
    assert (own.purchases, own.gaps, own.gap_days) == (5, 4, 10.0)
    assert own.expected_on == START + timedelta(days=70)
    # The 10th and 90th percentile of 10, 10, 10, 30 are 10 and 24, by linear interpolation.
    assert own.expected_from == START + timedelta(days=70)
    assert own.expected_to == START + timedelta(days=84)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_with_too_few_purchases_no_day_is_named(count: int) -> None:
    own = rhythm(days(*range(0, count * 10, 10)))
    assert own.expected_on is own.expected_from is own.expected_to is None
    assert own.gap_days == (10.0 if count > 1 else None)


@pytest.mark.parametrize(
    ("bought", "on", "state"),
    [
        ((), 5, None),
        ((0,), 20, "new"),  # the company's usual gap is 10: two of them is still new
        ((0,), 21, "sleeping"),
        ((0,), 40, "sleeping"),
        ((0,), 41, "lost"),
        ((0, 10), 15, "active"),
        ((0, 40), 80, "active"),  # one own gap of 40 and two usual ones: the measure is 20
        ((0, 40), 81, "sleeping"),
        ((0, 40), 121, "lost"),
        ((0, 41), 45, "returned"),  # by the usual gap of 10 it had been lost for a day
        ((0, 10, 20, 30), 50, "regular"),
        ((0, 10, 20, 30), 51, "sleeping"),
        ((0, 10, 20, 30), 71, "lost"),
        ((0, 10, 20, 30, 75), 80, "returned"),
        ((0, 10, 20, 30, 75), 60, "sleeping"),  # what came after the day is not known on it
    ],
)
def test_states_of_life(bought: tuple[int, ...], on: int, state: str | None) -> None:
    assert life_state(days(*bought), on=START + timedelta(days=on), usual_gap=10.0) == state
