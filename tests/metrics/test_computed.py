"""Does a formula over metrics count what it says, and is nonsense refused in words?"""

from decimal import Decimal
from typing import Any

import pytest
from test_pivot import ALWAYS, MARCH, frames_of

from engines import ENGINES, EngineUnderTest
from rakurs.core.errors import BadParameter, UnknownName
from rakurs.core.units import Unit
from rakurs.metrics import Cut, dimension_named, measure_named, pivot

EXACT = [engine for engine in ENGINES if engine.name in {"duckdb", "polars"}]


@pytest.mark.parametrize(
    ("formula", "unit"),
    [
        ("revenue / deals_won", Unit.MONEY),
        ("revenue + won_amount", Unit.MONEY),
        ("margin / revenue", Unit.RATIO),
        ("first_revenue / (first_revenue + repeat_revenue)", Unit.RATIO),
        ("deals_won / deals_created", Unit.RATIO),
        ("deals_won + deals_lost", Unit.COUNT),
        ("deals_created - deals_won", Unit.NUMBER),
        ("1 - conversion", Unit.RATIO),
        ("win_rate - conversion", Unit.RATIO),
        ("revenue * conversion", Unit.MONEY),
        ("revenue / 1000", Unit.MONEY),
        ("won_amount / cycle_days", Unit.MONEY),
        ("-returned", Unit.MONEY),
    ],
)
def test_a_formula_knows_what_it_counts(formula: str, unit: Unit) -> None:
    assert measure_named(formula).unit is unit


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("revenue + deals_won", "“Revenue” is money, “Deals won” is a number"),
        ("revenue - conversion", "“Revenue” is money, “Conversion” is a share"),
        ("cycle_days + 5", "“Deal cycle, days” is days, “5” is a number"),
        ("revenue * margin", "no sense to multiply"),
        ("deals_won / revenue", "no sense to divide"),
        ("revenue ** 2", "Not known"),
        ("revenue if sales else 0", "Not known"),
        ("__import__('os')", "Not known|no metric"),
        ("revenue.real", "Not known"),
        ("revenue / 'x'", "Not known"),
        ("revenue / True", "Not known"),
        ("revenue / ", "A formula is names"),
        ("2 * 2", "names no metric"),
        ("revenue + " * 60 + "revenue", "A formula is names"),
    ],
)
def test_nonsense_is_refused_in_words(formula: str, words: str) -> None:
    with pytest.raises((BadParameter, UnknownName), match=words):
        measure_named(formula)


def test_an_unknown_metric_is_named_with_its_neighbour() -> None:
    with pytest.raises(UnknownName, match="deals_won"):
        measure_named("revenue / deals_wom")


def test_a_formula_is_one_measure_however_it_is_spaced_and_titled() -> None:
    spaced, titled = measure_named("revenue/ deals_won"), measure_named("На сделку = revenue / deals_won")
    assert spaced.name == titled.name
    assert (spaced.title.ru, titled.title.ru) == ("Выручка / Выигранные сделки", "На сделку")


@pytest.mark.parametrize("engine", EXACT, ids=lambda engine: engine.name)
class TestValues:
    def asked(self, engine: EngineUnderTest, *formulas: str, **cut: Any) -> list[dict[str, Any]]:
        measures = [measure_named(formula) for formula in formulas]
        asked = Cut(**{"basis": "orders", "period": MARCH, **cut})
        table = engine.collect(pivot(frames_of(engine), measures, asked))
        return [
            {formula: row[measure.name] for formula, measure in zip(formulas, measures, strict=True)}
            for row in table.to_pylist()
        ]

    def test_it_is_worked_out_from_totals_of_different_marts(self, engine: EngineUnderTest) -> None:
        # Orders of March: 100.00 + 50.01 - 20.00; deals created in March: 1, 2, 3, 5.
        assert self.asked(engine, "revenue / deals_created", "margin / revenue") == [
            {"revenue / deals_created": Decimal("32.50"), "margin / revenue": pytest.approx(40 / 130.01)}
        ]

    def test_each_group_and_the_total_have_their_own(self, engine: EngineUnderTest) -> None:
        manager = dimension_named("manager")
        (formula,) = ("deals_won / deals_created",)
        by = self.asked(engine, formula, by=(manager,))
        assert [row[formula] for row in by] == [pytest.approx(1 / 3), 0.0, None]
        assert self.asked(engine, formula, by=(manager,), is_total=True) == [{formula: 0.5}]

    def test_nothing_to_divide_by_is_absent(self, engine: EngineUnderTest) -> None:
        early = {"period": ALWAYS, "filters": _nobody()}
        assert self.asked(engine, "revenue / sales", **early) == [{"revenue / sales": None}]


def _nobody() -> Any:
    from rakurs.core.metric import Filters

    return Filters(values={"manager": ("nobody",)})
