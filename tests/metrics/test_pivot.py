"""Numbers counted by hand must come out of every engine alike."""

from decimal import Decimal
from typing import Any

import narwhals.stable.v2 as nw
import pytest
from mart_rows import deal, mart_frames, on, sale

from engines import ENGINES, ON_EVERY_ENGINE, EngineUnderTest, Frame
from rakurs.core.errors import BadParameter, UnknownName
from rakurs.core.intervals import wilson
from rakurs.core.metric import Filters
from rakurs.core.periods import Comparison, Period
from rakurs.metrics import DIMENSIONS, METRICS, Cut, dimension_named, metric_named, pivot

MARCH = Period(on("2024-03-01"), on("2024-04-01"))
ALWAYS = Period(None, None)

SALES_ROWS = [
    sale("1", "2024-03-01", "100.00", manager_id="m1", channel_id="ads", margin="40.00", custom='{"Город": "Казань"}'),
    sale("2", "2024-03-31", "50.01", manager_id="m2", channel_id="ads", customer_id="c1", is_first=False),
    sale("3", "2024-03-15", "-20.00", manager_id="m1", customer_id="c1", is_sale=False, is_first=False, returned="-20"),
    sale("4", "2024-02-29", "30.00", manager_id=None, margin="-5.00", custom='{"Город": null}'),
    sale("5", "2024-04-01", "7.00", manager_id="m2", customer_id=None, is_first=False),
    sale("6", "2024-03-10", "999.00", basis="deals", manager_id="m1"),
]
DEAL_ROWS = [
    deal("1", "2024-03-01", "won", "2024-03-11", manager_id="m1", amount="100", stage_id="won", product_id="p1"),
    deal("2", "2024-03-02", "lost", "2024-03-04", manager_id="m1", stage_id="lost"),
    deal("3", "2024-03-31", "open", manager_id="m2", stage_id="new"),
    deal("4", "2024-02-01", "won", "2024-03-01", manager_id=None, amount="10.50", stage_id="won"),
    deal("5", "2024-03-05", "won", "2024-04-02", manager_id="m1", amount="1000", stage_id="won"),
]
LINE_ROWS = [
    {"basis": "orders", "sale_id": "1", "line_no": 1, "product_id": "p1", "category": "Чай", "revenue": "60"},
    {"basis": "orders", "sale_id": "1", "line_no": 2, "product_id": "p2", "category": "Чай", "revenue": "40"},
    {"basis": "orders", "sale_id": "2", "line_no": 1, "product_id": "p1", "category": "Чай", "revenue": "50.01"},
    {"basis": "orders", "sale_id": "2", "line_no": 2, "product_id": None, "revenue": "9", "is_return": True},
]
ROWS: dict[str, Any] = {
    "sales": SALES_ROWS,
    "deal_outcomes": DEAL_ROWS,
    "sale_lines": [
        {"sold_on": on("2024-03-01"), "is_return": False, "customer_id": "c" + line["sale_id"], **line}
        for line in LINE_ROWS
    ],
    "touchpoints": [{"visit_id": "1", "started_on": on("2024-03-05"), "visitor_id": "v", "is_contact": True}],
    "phone_calls": [{"call_id": "1", "direction": "in", "started_on": on("2024-03-05"), "is_missed": False}],
    "lead_outcomes": [{"lead_id": "1", "created_on": on("2024-03-05"), "is_converted": True}],
    "ad_spending": [
        {"spending_id": "1", "spent_on": on("2024-03-05"), "channel_id": "ads", "amount": "5", "clicks": 2}
    ],
    "employees": [{"employee_id": "m1", "name": "Анна"}, {"employee_id": "m2", "name": "Борис"}],
}


_FRAMES: dict[str, dict[str, Frame]] = {}


def frames_of(engine: EngineUnderTest) -> dict[str, Frame]:
    if engine.name not in _FRAMES:
        _FRAMES[engine.name] = mart_frames(engine, ROWS)
    return _FRAMES[engine.name]


def answer(engine: EngineUnderTest, metrics: str, *by: str, period: Period = MARCH, **cut: Any) -> list[dict[str, Any]]:
    wanted = [metric_named(name) for name in metrics.split()]
    split = tuple(dimension_named(name) for name in by)
    asked = Cut(**{"basis": "orders", "period": period, "by": split, **cut})
    table = engine.collect(pivot(frames_of(engine), wanted, asked))
    assert table.schema.names == [column.name for column in asked.columns(wanted)]
    return table.to_pylist()


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
class TestPivot:
    def test_totals_of_march(self, engine: EngineUnderTest) -> None:
        metrics = "revenue sales average_check first_revenue repeat_revenue returned margin customers"
        assert answer(engine, metrics) == [
            {
                "revenue": Decimal("130.01"),
                "sales": 2,
                "average_check": Decimal("65.01"),
                "first_revenue": Decimal("100.00"),
                "repeat_revenue": Decimal("30.01"),
                "returned": Decimal("-20.00"),
                "margin": Decimal("40.00"),
                "customers": 1,
            }
        ]

    def test_a_sale_without_a_customer_is_neither_first_nor_repeated(self, engine: EngineUnderTest) -> None:
        april = Period(on("2024-04-01"), on("2024-05-01"))
        assert answer(engine, "revenue first_revenue repeat_revenue customers", period=april) == [
            {"revenue": Decimal(7), "first_revenue": Decimal(0), "repeat_revenue": Decimal(0), "customers": 0}
        ]

    def test_totals_by_deals(self, engine: EngineUnderTest) -> None:
        metrics = "deals_created deals_won deals_lost won_amount conversion win_rate cycle_days revenue"
        by_conversion, by_rate = wilson(2, 4), wilson(2, 3)
        assert by_conversion
        assert by_rate
        [total] = answer(engine, metrics, basis="deals")
        assert total == {
            "deals_created": 4,
            "deals_won": 2,
            "deals_lost": 1,
            "won_amount": Decimal("110.50"),
            "conversion": 0.5,
            "conversion_low": pytest.approx(by_conversion.low),
            "conversion_high": pytest.approx(by_conversion.high),
            "win_rate": pytest.approx(2 / 3),
            "win_rate_low": pytest.approx(by_rate.low),
            "win_rate_high": pytest.approx(by_rate.high),
            "cycle_days": 10.0,
            "revenue": Decimal("999.00"),
        }

    def test_nothing_is_zero_for_sums_and_empty_for_rates(self, engine: EngineUnderTest) -> None:
        nothing = Period(on("2020-01-01"), on("2020-02-01"))
        [total] = answer(engine, "revenue sales average_check margin conversion cycle_days", period=nothing)
        assert total == {
            "revenue": Decimal(0),
            "sales": 0,
            "average_check": None,
            "margin": None,
            "conversion": None,
            "conversion_low": None,
            "conversion_high": None,
            "cycle_days": None,
        }

    def test_those_without_a_manager_are_a_group(self, engine: EngineUnderTest) -> None:
        assert answer(engine, "revenue deals_won", "manager", period=ALWAYS) == [
            {"manager": "m1", "manager_name": "Анна", "revenue": Decimal("80.00"), "deals_won": 2},
            {"manager": "m2", "manager_name": "Борис", "revenue": Decimal("57.01"), "deals_won": 0},
            {"manager": None, "manager_name": None, "revenue": Decimal("30.00"), "deals_won": 1},
        ]

    def test_months_come_from_the_calendar(self, engine: EngineUnderTest) -> None:
        assert answer(engine, "revenue deals_created", "month", period=ALWAYS) == [
            {"month": on("2024-02-01"), "revenue": Decimal("30.00"), "deals_created": 1},
            {"month": on("2024-03-01"), "revenue": Decimal("130.01"), "deals_created": 4},
            {"month": on("2024-04-01"), "revenue": Decimal("7.00"), "deals_created": 0},
        ]

    def test_a_sale_of_two_products_is_one_sale_of_each(self, engine: EngineUnderTest) -> None:
        assert answer(engine, "revenue sales deals_won", "product") == [
            {"product": "p1", "product_name": None, "revenue": Decimal("110.01"), "sales": 2, "deals_won": 1},
            {"product": "p2", "product_name": None, "revenue": Decimal("40.00"), "sales": 1, "deals_won": 0},
            {"product": None, "product_name": None, "revenue": Decimal("9.00"), "sales": 0, "deals_won": 1},
        ]

    def test_the_total_of_a_split_reads_the_same_mart(self, engine: EngineUnderTest) -> None:
        by = (dimension_named("product"),)
        assert answer(engine, "revenue sales", by=by, is_total=True) == [{"revenue": Decimal("159.01"), "sales": 2}]

    def test_custom_fields(self, engine: EngineUnderTest) -> None:
        assert answer(engine, "sales", "custom.Город", period=ALWAYS) == [
            {"custom_Город": "Казань", "sales": 1},
            {"custom_Город": None, "sales": 3},
        ]

    def test_filters(self, engine: EngineUnderTest) -> None:
        def revenue(**values: tuple[Any, ...]) -> Decimal:
            named = {name.replace("__", "."): wanted for name, wanted in values.items()}
            return answer(engine, "revenue", period=ALWAYS, filters=Filters(values=named))[0]["revenue"]

        assert revenue(manager=("m2",)) == Decimal("57.01")
        assert revenue(manager=("m2", None)) == Decimal("87.01")
        assert revenue(manager=(None,)) == Decimal("30.00")
        assert revenue(manager=("m1",), channel=("ads",)) == Decimal("100.00")
        assert revenue(month=(on("2024-02-01"), on("2024-04-01"))) == Decimal("37.00")
        assert revenue(custom__Город=("Казань",)) == Decimal("100.00")
        assert revenue(product=("p1",)) == Decimal("110.01")

    def test_a_sum_changes_in_money_and_per_cent(self, engine: EngineUnderTest) -> None:
        [total] = answer(engine, "revenue sales", compare=Comparison.PREVIOUS)
        assert total["revenue_compared"] == Decimal("30.00")
        assert total["revenue_difference"] == Decimal("100.01")
        assert total["revenue_change"] == pytest.approx(100.01 / 30)
        assert (total["sales_compared"], total["sales_difference"], total["sales_change"]) == (1, 1.0, 1.0)

    def test_a_rate_changes_in_points(self, engine: EngineUnderTest) -> None:
        [total] = answer(engine, "conversion", compare=Comparison.PREVIOUS)
        assert total["conversion_compared"] == 1.0
        assert total["conversion_change"] == -0.5
        assert "conversion_difference" not in total

    def test_groups_of_the_compared_days_stay(self, engine: EngineUnderTest) -> None:
        rows = answer(engine, "revenue", "manager", compare=Comparison.PREVIOUS)
        assert [(row["manager"], row["revenue"], row["revenue_compared"]) for row in rows] == [
            ("m1", Decimal("80.00"), Decimal(0)),
            ("m2", Decimal("50.01"), Decimal(0)),
            (None, Decimal(0), Decimal("30.00")),
        ]
        assert [row["revenue_change"] for row in rows] == [None, None, -1.0]

    def test_an_endless_period_has_nothing_beside_it(self, engine: EngineUnderTest) -> None:
        [total] = answer(engine, "revenue sales", period=ALWAYS, compare=Comparison.PREVIOUS)
        assert total["revenue"] == Decimal("167.01")
        assert total["revenue_compared"] is None
        assert total["sales_compared"] is None
        assert total["revenue_change"] is None


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        pytest.param(*engine.values, dimension.name, marks=engine.marks, id=f"{dimension.name}-{engine.id}")
        for dimension in DIMENSIONS
        for engine in ON_EVERY_ENGINE
        if engine.id != "spark" or dimension.name in {"month", "product"}  # the other plans are alike
    ],
)
def test_every_metric_by_every_fitting_dimension(engine: EngineUnderTest, name: str) -> None:
    dimension = dimension_named(name)
    fitting = [metric for metric in METRICS if dimension.fits(metric)]
    cut = Cut(period=MARCH, basis="orders", by=(dimension,), compare=Comparison.LAST_YEAR)
    assert fitting
    assert engine.collect(pivot(frames_of(engine), fitting, cut)).num_rows > 0


def test_an_unfitting_split_is_refused() -> None:
    cut = Cut(period=MARCH, basis="orders", by=(dimension_named("stage"),))
    with pytest.raises(BadParameter, match="“Revenue” cannot be split that way"):
        cut.measure(metric_named("revenue"))


def test_unknown_names_say_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean “revenue”"):
        metric_named("revenu")
    with pytest.raises(UnknownName, match="Did you mean “manager”"):
        dimension_named("maneger")
    with pytest.raises(UnknownName):
        dimension_named("custom.")


def test_frames_stay_lazy() -> None:
    lazy = pivot(frames_of(ENGINES[0]), [metric_named("revenue")], Cut(period=MARCH, basis="orders"))
    assert isinstance(lazy, nw.LazyFrame)
