"""Money rounds and refuses to mix, units say how they are stored, parameters know their bounds and days."""

from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from rakurs.core.money import Money
from rakurs.core.params import Params, PeriodParams, parameter
from rakurs.core.periods import Period, Preset
from rakurs.core.text import Text
from rakurs.core.units import Unit


def test_money_rounds_halves_away_from_zero() -> None:
    assert Money(Decimal("0.125"), "RUB").amount == Decimal("0.13")
    assert Money(Decimal("-0.125"), "RUB").amount == Decimal("-0.13")


def test_money_of_different_currencies_does_not_add_up() -> None:
    assert Money(Decimal(2), "RUB") + Money(Decimal("0.5"), "RUB") == Money(Decimal("2.50"), "RUB")
    assert -(Money(Decimal(1), "RUB") - Money(Decimal(3), "RUB")) == Money(Decimal(2), "RUB")
    with pytest.raises(ValueError, match="USD"):
        Money(Decimal(1), "RUB") + Money(Decimal(1), "USD")


@pytest.mark.parametrize("unit", list(Unit), ids=lambda unit: unit.code)
def test_every_unit_has_a_type_and_honest_bounds(unit: Unit) -> None:
    low, high = unit.bounds
    assert unit.dtype is not None
    assert low is None or high is None or low < high
    assert not unit.is_additive or unit.is_numeric
    assert unit is Unit[unit.name]


def test_codes_of_units_differ() -> None:
    assert len({unit.code for unit in Unit}) == len(list(Unit))


class Asked(PeriodParams):
    ranks: int = parameter(5, Text(ru="Ранги", en="Ranks"), unit=Unit.COUNT, ge=2, le=10)


def test_parameters_keep_their_meaning_beside_them() -> None:
    infos = Asked.infos()
    assert set(infos) == {"as_of", "period", "from_day", "to_day", "ranks"}
    assert infos["ranks"].unit is Unit.COUNT
    assert infos["as_of"].is_advanced


@pytest.mark.parametrize(
    "wrong", [{"ranks": 1}, {"ranks": 11}, {"unknown": 1}, {"from_day": "2026-03-02", "to_day": "2026-03-01"}]
)
def test_parameters_refuse_what_is_out_of_bounds(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Asked.model_validate(wrong)


def test_an_unbound_question_has_no_day() -> None:
    with pytest.raises(ValueError, match="bound"):
        _ = Params().today
    assert Params().bound(date(2026, 3, 1)).today == date(2026, 3, 1)
    assert Params(as_of=date(2026, 2, 1)).bound(date(2026, 3, 1)).today == date(2026, 2, 1)


def test_inclusive_days_become_a_half_open_period() -> None:
    asked = Asked.model_validate({"from_day": "2026-03-01", "to_day": "2026-03-31"}).bound(date(2026, 4, 10))
    assert asked.period is Preset.CUSTOM
    assert asked.window == Period(date(2026, 3, 1), date(2026, 4, 1))


def test_an_open_end_reaches_to_the_day_of_the_question() -> None:
    today = date(2026, 4, 10)
    assert Asked.model_validate({"from_day": "2026-03-01"}).bound(today).window == Period(
        date(2026, 3, 1), date(2026, 4, 11)
    )
    assert Asked.model_validate({"to_day": "2026-03-31"}).bound(today).window == Period(None, date(2026, 4, 1))
    assert Asked.model_validate({"from_day": "2026-05-01"}).bound(today).window == Period(
        date(2026, 5, 1), date(2026, 5, 2)
    )
