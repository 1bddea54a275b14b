"""Do raw strings become checked parameters, and do bad ones say what is wrong?"""

from datetime import date
from decimal import Decimal

import pytest

from rakurs.app.params import checked_params, given_params
from rakurs.core.errors import BadParameter, UnknownName
from rakurs.core.params import PeriodParams, parameter
from rakurs.core.periods import Grain, Period, Preset
from rakurs.core.text import Text


class Asked(PeriodParams):
    grain: Grain = parameter(Grain.MONTH, Text(ru="Шаг", en="Grain"))
    ranks: int = parameter(5, Text(ru="Рангов", en="Ranks"), ge=2, le=10)
    amount_from: Decimal | None = parameter(None, Text(ru="Сумма от", en="Amount from"))


def test_strings_become_values() -> None:
    asked = checked_params(Asked, {"grain": "week", "ranks": "3", "amount_from": "10.50", "from_day": "2026-01-31"})
    assert (asked.grain, asked.ranks, asked.amount_from) == (Grain.WEEK, 3, Decimal("10.50"))
    assert asked.period is Preset.CUSTOM


def test_empty_means_not_given() -> None:
    assert checked_params(Asked, {"ranks": "", "amount_from": None}) == Asked()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"grain": "fortnight"}, "Allowed: 'day', 'week', 'month', 'quarter' or 'year'"),
        ({"ranks": "1"}, "At least 2"),
        ({"ranks": "11"}, "At most 10"),
        ({"ranks": "many"}, "A whole number is needed"),
        ({"amount_from": "ten"}, "A number is needed"),
        ({"from_day": "31/01/2026"}, "A day like 2026-01-31 is needed"),
        ({"from_day": "2026-02-01", "to_day": "2026-01-31"}, "ends (2026-01-31) before it starts (2026-02-01)"),
    ],
)
def test_a_bad_value_says_what_is_allowed(raw: dict[str, str], words: str) -> None:
    with pytest.raises(BadParameter) as caught:
        checked_params(Asked, raw)
    assert words in caught.value.message.en


def test_an_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(UnknownName) as caught:
        checked_params(Asked, {"grian": "week"})
    assert caught.value.did_you_mean == "grain"


def test_only_what_differs_from_the_defaults_is_said() -> None:
    assert given_params(checked_params(Asked, {"grain": "month", "ranks": "3"})) == {"ranks": 3}


def test_open_ends_of_a_period() -> None:
    today = date(2026, 3, 10)
    assert Asked(from_day=date(2026, 3, 1)).bound(today).window == Period(date(2026, 3, 1), date(2026, 3, 11))
    assert Asked(to_day=date(2026, 3, 1)).bound(today).window == Period(None, date(2026, 3, 2))
    assert Asked(from_day=date(2026, 4, 1)).bound(today).window == Period(date(2026, 4, 1), date(2026, 4, 2))
