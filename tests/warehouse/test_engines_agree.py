"""Marts made of the same messy rows, and answers to the same questions, are the same on every engine."""

import random
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from effort import some_of
from engines import ENGINES, ON_EVERY_ENGINE, EngineUnderTest, Frame, frames_on, handed_on
from rakurs.analyses import AREAS
from rakurs.core.analysis import Analysis
from rakurs.core.frames import conform
from rakurs.core.mart import MartSettings
from rakurs.core.params import Params
from rakurs.marts import MARTS

START = datetime.fromisoformat("2023-11-20T00:00:00")
STAGES = [
    {"pipeline_id": line, "stage_id": stage, "name": stage, "position": position, "outcome": outcome}
    for line in ("p1", "p2")
    for position, (stage, outcome) in enumerate(
        [("new", "open"), ("talk", "open"), ("offer", "open"), ("won", "won"), ("lost", "lost")], start=1
    )
]


def messy_rows(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Deals that jump, return and tie; orders with and without lines, payments, customers and known products."""
    some = random.Random(seed)

    def maybe(value: Any, chance: float = 0.7) -> Any:
        return value if some.random() < chance else None

    def moment() -> str:
        # Whole hours, so that equal moments happen.
        return (START + timedelta(hours=some.randrange(24 * 200))).isoformat()

    def cents(low: int, high: int) -> str:
        return f"{some.randrange(low, high) / 100:.2f}"

    people = {
        "customer_id": lambda: maybe(f"c{some.randrange(8)}"),
        "manager_id": lambda: maybe(f"m{some.randrange(4)}"),
    }
    deals, events, orders, lines, payments = [], [], [], [], []
    for number in range(60):
        deal_id, line = f"d{number}", some.choice(["p1", "p2", "p3"])
        created = moment()
        path = [some.choice(["new", "talk", "offer", "won", "lost", "gone"]) for _ in range(some.randrange(5))]
        deals.append(
            {
                "deal_id": deal_id,
                "pipeline_id": maybe(line, 0.9),
                "created_at": created,
                "closed_at": maybe(moment(), 0.5),
                "stage_id": path[-1] if path else maybe("new"),
                "amount": maybe(cents(-1000, 100_000)),
                "currency": maybe("RUB", 0.9) or "USD",
                "margin": maybe(cents(0, 1000), 0.3),
                "product_id": maybe(f"g{some.randrange(4)}"),
                "loss_reason_id": maybe("dear", 0.2),
                "Город": maybe("Казань", 0.2),
                **{name: value() for name, value in people.items()},
            }
        )
        events += [
            {"deal_id": deal_id, "stage_id": stage, "entered_at": moment(), "pipeline_id": maybe(line)}
            for stage in path
        ]
    for number in range(60):
        order_id = f"o{number}"
        orders.append(
            {
                "order_id": order_id,
                "ordered_at": moment(),
                "paid_at": maybe(moment(), 0.6),
                "status": some.choice([None, "paid", "cancelled", "returned"]),
                "amount": maybe(cents(-1000, 100_000)),
                "currency": "RUB",
                "deal_id": maybe(f"d{some.randrange(60)}", 0.3),
                **{name: value() for name, value in people.items()},
            }
        )
        lines += [
            {
                "order_id": order_id,
                "product_id": f"g{some.randrange(6)}",
                "quantity": some.choice(["1", "2.5", "-1"]),
                "price": cents(0, 9999),
                "amount": maybe(cents(-500, 9999), 0.5),
                "cost": maybe(cents(0, 500), 0.5),
                "is_return": maybe(value=True, chance=0.2),
            }
            for _ in range(some.randrange(4))
        ]
        payments += [
            {
                "payment_id": f"{order_id}-{index}",
                "paid_at": moment(),
                "amount": cents(1, 5000),
                "order_id": maybe(order_id),
                "is_refund": maybe(value=True, chance=0.3),
            }
            for index in range(some.randrange(3))
        ]
    calls = [
        {
            "call_id": f"t{number}",
            "started_at": moment(),
            "direction": some.choice(["in", "out"]),
            "customer_id": maybe(f"c{some.randrange(8)}"),
            "employee_id": maybe(f"m{some.randrange(4)}"),
            "is_missed": maybe(value=some.random() < 0.5),
            "called_back_at": maybe(moment(), 0.3),
            "wait_seconds": maybe(some.randrange(90)),
            "talk_seconds": maybe(some.randrange(900)),
        }
        for number in range(30)
    ]
    return {
        "calls": calls,
        "stages": STAGES,
        "deals": deals,
        "deal_stage_events": events,
        "deal_snapshots": [
            {
                "deal_id": deal["deal_id"],
                "created_at": deal["created_at"],
                "seen_at": moment(),
                "provenance": "snapshot",
            }
            for deal in deals[::4]
        ],
        "orders": orders,
        "order_lines": lines,
        "payments": payments,
        "employees": [{"employee_id": f"m{n}", "name": f"М{n}", "department": maybe("Север")} for n in range(3)],
        "customers": [{"customer_id": f"c{n}", "kind": maybe("person"), "region": maybe("Юг")} for n in range(6)],
        "products": [
            {"product_id": f"g{n}", "category": maybe("Чай"), "unit_cost": maybe(cents(0, 100))} for n in range(4)
        ],
        "campaigns": [{"campaign_id": "k1", "channel_id": "ads"}, {"campaign_id": "k2"}],
        "leads": [
            {
                "lead_id": f"l{n}",
                "created_at": moment(),
                "customer_id": maybe(f"c{n % 6}"),
                "manager_id": maybe(f"m{n % 3}"),
                "channel_id": maybe("ads"),
                "converted_deal_id": maybe(f"d{n}"),
            }
            for n in range(8)
        ],
        "ad_costs": [
            {
                "spent_at": moment(),
                "amount": cents(0, 100),
                "channel_id": maybe("ads"),
                "campaign_id": maybe(f"k{n % 3}"),
                "currency": maybe("USD"),
                "clicks": maybe("3"),
            }
            for n in range(8)
        ],
        "visits": [
            {
                "visit_id": f"v{n}",
                "started_at": moment(),
                "visitor_id": f"b{n % 3}",
                "customer_id": maybe("c1"),
                "channel_id": maybe("ads"),
            }
            for n in range(8)
        ],
        "web_events": [
            {
                "event_id": f"e{n}",
                "at": moment(),
                "kind": "form",
                "visit_id": f"v{n % 5}",
                "visitor_id": f"b{n % 3}",
                "phone": maybe("+7 916 123-45-67"),
                "customer_id": maybe("c2"),
            }
            for n in range(8)
        ],
        "stock": [
            {
                "product_id": f"p{n % 3}",
                "counted_at": moment(),
                "quantity": cents(0, 2),
                "place": maybe("shop"),
                "reserved": maybe("1"),
            }
            for n in range(8)
        ],
        "experiment_assignments": [
            {
                "experiment_id": f"e{n % 2}",
                "customer_id": f"c{n % 6}",
                "assigned_at": moment(),
                "arm": "treatment" if n % 3 else "control",
                "cost": maybe(cents(0, 9)),
            }
            for n in range(12)
        ],
        "subscriptions": [
            {
                "subscription_id": f"s{n}",
                "started_at": moment(),
                "ended_at": maybe(moment()),
                "customer_id": maybe(f"c{n % 6}"),
                "manager_id": maybe(f"m{n % 3}"),
                "plan": maybe("free"),
                "monthly_price": maybe(cents(0, 100)),
            }
            for n in range(8)
        ],
        "plans": [
            {"month": "2024-01", "metric": "revenue", "target": "100", "employee_id": maybe(f"m{n}")} for n in range(4)
        ],
    }


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: [str(value) for value in row.values()])


def marts_on(engine: EngineUnderTest, settings: MartSettings, seed: int) -> dict[str, list[dict[str, Any]]]:
    frames = frames_on(engine, messy_rows(seed), settings=settings)
    return {mart.table.name: rows_of(engine.collect(frames[mart.table.name])) for mart in MARTS}


SETTINGS = {"auto": MartSettings(), "order": MartSettings(orders_dated_by="order")}


@pytest.mark.parametrize(
    ("engine", "settings"),
    [
        pytest.param(*engine.values, settings, marks=engine.marks, id=f"{engine.id}-{name}")
        for engine in ON_EVERY_ENGINE[1:]
        for name, settings in SETTINGS.items()
        if engine.id != "spark" or name == "auto"  # it takes seconds for each mart
    ],
)
def test_marts_are_the_same_as_on_duckdb(engine: EngineUnderTest, settings: MartSettings) -> None:
    for seed in (1,) if engine.name == "spark" else (1, 2):
        expected = marts_on(ENGINES[0], settings, seed)
        found = marts_on(engine, settings, seed)
        for name, rows in expected.items():
            assert rows, name
            assert len(found[name]) == len(rows), name
            for one, other in zip(found[name], rows, strict=True):
                assert one == {key: near(value) for key, value in other.items()}, name


def near(value: Any, rel: float = 1e-12) -> Any:
    return pytest.approx(value, rel=rel) if isinstance(value, float) else value


ANALYSES = [analysis for area in AREAS for analysis in area.analyses]


_MESSY: dict[str, dict[str, Frame]] = {}


def messy_frames(engine: EngineUnderTest, analysis: Analysis) -> dict[str, Frame]:
    """The inputs of `analysis` made of messy rows. DuckDB keeps tables by name, so there they are made anew."""
    if engine.name == "duckdb" or engine.name not in _MESSY:
        _MESSY[engine.name] = handed_on(engine, messy_rows(3))
    return {argument: _MESSY[engine.name][table.name] for argument, table in analysis.inputs.items()}


def answer_on(
    engine: EngineUnderTest, analysis: Analysis, frames: dict[str, Frame], params: Params
) -> list[dict[str, Any]]:
    frame = analysis.compute(params=params, **frames)
    if analysis.finish is None:
        table = engine.collect(conform(frame, analysis.columns))
    else:
        table = analysis.finish(engine.collect(frame), params)
    keys = [(key.removeprefix("-"), "descending" if key.startswith("-") else "ascending") for key in analysis.order]
    return table.sort_by(keys).to_pylist()


@pytest.mark.parametrize(
    ("engine", "analysis"),
    [
        pytest.param(*engine.values, analysis, marks=engine.marks, id=f"{engine.id}-{analysis.name}")
        for engine in ON_EVERY_ENGINE[1:]
        # Spark takes seconds for each, and is asked every example elsewhere.
        for analysis in (some_of(ANALYSES, 4) if engine.id == "spark" else ANALYSES)
    ],
)
def test_messy_rows_are_answered_as_on_duckdb(engine: EngineUnderTest, analysis: Analysis) -> None:
    params = analysis.params.model_validate({"as_of": "2024-04-15"})
    expected = answer_on(ENGINES[0], analysis, messy_frames(ENGINES[0], analysis), params)
    found = answer_on(engine, analysis, messy_frames(engine, analysis), params)
    assert found == [{name: near(value) for name, value in row.items()} for row in expected]
