"""The funnel of a company small enough to count by hand, for every cohort rule and every policy."""

from dataclasses import replace
from typing import Any

import pytest

from analyses.asking import answer, members
from engines import ENGINES, ON_EVERY_ENGINE, EngineUnderTest, Frame, handed_on
from rakurs.analyses.sales.funnel import ANALYSIS, FunnelParams

STAGES = [
    {"pipeline_id": pipeline, "stage_id": stage, "position": position, "outcome": outcome}
    for pipeline, stage, position, outcome in (
        ("P", "A", 10, "open"),
        ("P", "B", 20, "open"),
        ("P", "C", 30, "open"),
        ("P", "won", 40, "won"),
        ("P", "lost", 50, "lost"),
        ("Q", "X", 1, "open"),
        ("Q", "won", 2, "won"),
        ("Q", "lost", 3, "lost"),
    )
]

# deal: pipeline, created, way through the stages. Amounts are powers of two, so that a sum names its deals.
WAYS: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    # Created in the first second of March, straight through.
    "d1": ("P", "2026-03-01", [("A", "2026-03-01"), ("B", "2026-03-04"), ("C", "2026-03-06"), ("won", "2026-03-10")]),
    # Created in the last minute of March, still open.
    "d2": ("P", "2026-03-31 23:59", [("A", "2026-03-31 23:59")]),
    # A minute too early for March, still open: active in March.
    "d3": ("P", "2026-02-28 23:59", [("A", "2026-02-28 23:59"), ("B", "2026-03-05")]),
    # Created in the first second of April: not even active in March.
    "d4": ("P", "2026-04-01", [("A", "2026-04-01")]),
    # Skipped B; won in the last minute of March.
    "d5": ("P", "2026-03-02", [("A", "2026-03-02"), ("C", "2026-03-05"), ("won", "2026-03-31 23:59")]),
    # Went back to A and was lost from there in the first second of April.
    "d6": ("P", "2026-03-02", [("A", "2026-03-02"), ("B", "2026-03-03"), ("A", "2026-03-09"), ("lost", "2026-04-01")]),
    # Jumped straight to the lost stage.
    "d7": ("P", "2026-03-03", [("lost", "2026-03-03")]),
    # Lost in the first second of March.
    "d8": ("P", "2026-02-10", [("A", "2026-02-10"), ("B", "2026-02-11"), ("lost", "2026-03-01")]),
    # Won in the last minute of February: not active in March.
    "d9": ("P", "2026-02-10", [("A", "2026-02-10"), ("C", "2026-02-11"), ("B", "2026-02-12"), ("C", "2026-02-13"), ("won", "2026-02-28 23:59")]),
    # Began at B.
    "d10": ("P", "2026-03-04", [("B", "2026-03-04")]),
    # Won at once, then opened again at C: open, so never closed.
    "d11": ("P", "2026-02-01", [("A", "2026-02-01"), ("won", "2026-03-15"), ("C", "2026-03-20")]),
    "q1": ("Q", "2026-03-05", [("X", "2026-03-05"), ("won", "2026-03-06")]),
    "q2": ("Q", "2026-03-05", [("lost", "2026-03-05")]),
    "q3": ("Q", "2026-02-01", [("X", "2026-02-01")]),
}  # fmt: skip
AMOUNTS = {deal: 2**number for number, deal in enumerate(WAYS)}

# Which deals each cohort holds, counted by hand:
#   created: created on 1..31 March                            d1 d2 d5 d6 d7 d10             q1 q2
#   closed:  on a final stage since a day of March             d1 d5 d7 d8                    q1 q2
#   active:  created before 1 April, not closed before 1 March d1 d2 d3 d5 d6 d7 d8 d10 d11   q1 q2 q3
# Which stages each deal passes:
#          conversion    classic and any  strict
#   d1     A B C won     A B C won        A B C won
#   d2     A             A                A
#   d3     A B           A B              A B
#   d5     A B C won     A C won          A              (skipped B, so nothing after A)
#   d6     A B lost      A B lost         A B lost       (going back is no skip)
#   d7     A lost        lost             lost           (supposes the first stage only; losing skips nothing)
#   d8     A B lost      A B lost         A B lost
#   d10    A B           B                -              (skipped A)
#   d11    A B C         A C              A              (reached won once; stands on C)
#   q1     X won         X won            X won
#   q2     X lost        lost             lost
#   q3     X             X                X
EXPECTED: dict[tuple[str, str], dict[str, str]] = {
    ("created", "conversion"): {
        "P A": "d1 d2 d5 d6 d7 d10", "P B": "d1 d5 d6 d10", "P C": "d1 d5", "P won": "d1 d5", "P lost": "d6 d7",
        "Q X": "q1 q2", "Q won": "q1", "Q lost": "q2",
    },
    ("created", "classic"): {
        "P A": "d1 d2 d5 d6", "P B": "d1 d6 d10", "P C": "d1 d5", "P won": "d1 d5", "P lost": "d6 d7",
        "Q X": "q1", "Q won": "q1", "Q lost": "q2",
    },
    ("created", "strict"): {
        "P A": "d1 d2 d5 d6", "P B": "d1 d6", "P C": "d1", "P won": "d1", "P lost": "d6 d7",
        "Q X": "q1", "Q won": "q1", "Q lost": "q2",
    },
    ("closed", "conversion"): {
        "P A": "d1 d5 d7 d8", "P B": "d1 d5 d8", "P C": "d1 d5", "P won": "d1 d5", "P lost": "d7 d8",
        "Q X": "q1 q2", "Q won": "q1", "Q lost": "q2",
    },
    ("closed", "classic"): {
        "P A": "d1 d5 d8", "P B": "d1 d8", "P C": "d1 d5", "P won": "d1 d5", "P lost": "d7 d8",
        "Q X": "q1", "Q won": "q1", "Q lost": "q2",
    },
    ("closed", "strict"): {
        "P A": "d1 d5 d8", "P B": "d1 d8", "P C": "d1", "P won": "d1", "P lost": "d7 d8",
        "Q X": "q1", "Q won": "q1", "Q lost": "q2",
    },
    ("active", "conversion"): {
        "P A": "d1 d2 d3 d5 d6 d7 d8 d10 d11", "P B": "d1 d3 d5 d6 d8 d10 d11", "P C": "d1 d5 d11",
        "P won": "d1 d5", "P lost": "d6 d7 d8", "Q X": "q1 q2 q3", "Q won": "q1", "Q lost": "q2",
    },
    ("active", "classic"): {
        "P A": "d1 d2 d3 d5 d6 d8 d11", "P B": "d1 d3 d6 d8 d10", "P C": "d1 d5 d11", "P won": "d1 d5",
        "P lost": "d6 d7 d8", "Q X": "q1 q3", "Q won": "q1", "Q lost": "q2",
    },
    ("active", "strict"): {
        "P A": "d1 d2 d3 d5 d6 d8 d11", "P B": "d1 d3 d6 d8", "P C": "d1", "P won": "d1", "P lost": "d6 d7 d8",
        "Q X": "q1 q3", "Q won": "q1", "Q lost": "q2",
    },
}  # fmt: skip
for cohort in ("created", "closed", "active"):
    EXPECTED[cohort, "any"] = EXPECTED[cohort, "classic"]

SKIPPED = {  # d5 skipped B; d10 skipped A; d11 won without B (it came to C later)
    "created": {"P A": 1, "P B": 1},
    "closed": {"P B": 1},
    "active": {"P A": 1, "P B": 2},
}

COMPANY: dict[str, list[dict[str, Any]]] = {
    "stages": STAGES,
    "deals": [
        {
            "deal_id": deal,
            "pipeline_id": pipeline,
            "created_at": created,
            "amount": AMOUNTS[deal],
            "stage_id": way[-1][0],
        }
        for deal, (pipeline, created, way) in WAYS.items()
    ],
    "deal_stage_events": [
        {"deal_id": deal, "stage_id": stage, "entered_at": at}
        for deal, (_, _, way) in WAYS.items()
        for stage, at in way
    ],
}


_COMPANIES: dict[str, dict[str, Frame]] = {}


def company_on(engine: EngineUnderTest) -> dict[str, Frame]:
    """The company on `engine`, made once; apart from that of other tests, which replace tables of the same names."""
    if engine.name not in _COMPANIES:
        _COMPANIES[engine.name] = handed_on(replace(engine), COMPANY)
    return _COMPANIES[engine.name]


def params(**asked: Any) -> FunnelParams:
    march = {"from_day": "2026-03-01", "to_day": "2026-03-31", "as_of": "2026-04-10"}
    return FunnelParams.model_validate(march | asked)


def named(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"{row['pipeline_id']} {row['stage_id']}": row for row in rows}


@pytest.mark.parametrize(("cohort", "policy"), sorted(EXPECTED))
@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_funnel_counted_by_hand(engine: EngineUnderTest, cohort: str, policy: str) -> None:
    frames = company_on(engine)
    asked = params(cohort=cohort, policy=policy)
    rows = named(answer(ANALYSIS, engine, frames, asked))
    expected = {cell: deals.split() for cell, deals in EXPECTED[cohort, policy].items()}
    assert {cell: row["deals"] for cell, row in rows.items()} == {cell: len(deals) for cell, deals in expected.items()}
    assert {cell: int(row["amount"]) for cell, row in rows.items()} == {
        cell: sum(AMOUNTS[deal] for deal in deals) for cell, deals in expected.items()
    }
    skipped = {cell: row["skipped"] for cell, row in rows.items() if row["skipped"]}
    assert skipped == ({} if policy == "any" else SKIPPED[cohort])
    for cell in ("P A", "P lost"):
        pipeline, stage = cell.split()
        found = members(ANALYSIS, engine, frames, asked, {"pipeline_id": pipeline, "stage_id": stage})
        assert sorted(found) == sorted(expected[cell])


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_shares_standing_and_losses(engine: EngineUnderTest) -> None:
    rows = named(answer(ANALYSIS, engine, company_on(engine), params()))
    # Of 6 deals: A 6, B 4, C 2, won 2, lost 2. A won stage is held against the last open one.
    assert [round(row["share_of_all"], 4) for cell, row in rows.items() if cell[0] == "P"] == [
        1,
        0.6667,
        0.3333,
        0.3333,
        0.3333,
    ]
    assert [rows[cell]["share_of_previous"] for cell in ("P A", "P B", "P C", "P won", "P lost")] == [
        None,
        4 / 6,
        0.5,
        1.0,
        None,
    ]
    # On 10 April d2 stands on A, d10 on B; d1 and d5 are won, d6 and d7 lost, d6 from A, d7 from nowhere.
    assert [rows[cell]["standing"] for cell in ("P A", "P B", "P C", "P won", "P lost")] == [1, 1, 0, 2, 2]
    assert [rows[cell]["lost_here"] for cell in ("P A", "P B", "P C")] == [1, 0, 0]


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_times_stuck_and_still_on_the_way(engine: EngineUnderTest) -> None:
    rows = named(answer(ANALYSIS, engine, company_on(engine), params(cohort="active")))
    # Finished visits to A, hours: d1 72, d3 96 + 1/60, d5 72, d6 24 and 552, d8 24, d11 1008. Median of seven: 72.
    assert rows["P A"]["median_hours"] == 72
    # p90 at place 0.9 * 6 = 5.4: 552 + 0.4 * (1008 - 552).
    assert rows["P A"]["p90_hours"] == pytest.approx(734.4)
    # d2 has stood on A for ten days (240 h): not stuck. B, hours: d1 48, d6 144, d8 432; p90 374.4.
    # d3 stood there from 5 March (888 h by the end of 10 April), d10 from 4 March: both stuck.
    assert rows["P A"]["stuck"] == 0
    assert rows["P B"]["p90_hours"] == pytest.approx(374.4)
    assert rows["P B"]["stuck"] == 2
    # Cycles of the pipeline's closed deals, days: d1 9, d5 30 - 1/1440, d6 30, d7 0, d8 19, d9 19 - 1/1440. Median 19.
    # Open: d2 is 10 days old (on the way), d10 38, d3 41, d11 69.
    assert {cell: row["in_transit"] for cell, row in rows.items() if cell[0] == "P" and row["in_transit"]} == {"P A": 1}
    assert rows["P won"]["median_hours"] is None


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_as_of_a_past_day_knows_nothing_of_later(engine: EngineUnderTest) -> None:
    rows = named(answer(ANALYSIS, engine, company_on(engine), params(as_of="2026-03-10")))
    # By 10 March: d1 won; d5 on C; d6 on A; d7 lost; d10 on B. d2 is not created yet.
    assert {cell: row["deals"] for cell, row in rows.items() if cell[0] == "P"} == {
        "P A": 5,
        "P B": 4,
        "P C": 2,
        "P won": 1,
        "P lost": 1,
    }
    assert [rows[cell]["standing"] for cell in ("P A", "P B", "P C", "P won", "P lost")] == [1, 1, 1, 1, 1]
    # Cycles of what was closed by then, days: d1 9, d7 0, d8 19, d9 19 - 1/1440; median 14. d5 and d6, closed later, are 9
    # days old, d10 is 7: all on the way.
    assert [rows[cell]["in_transit"] for cell in ("P A", "P B", "P C")] == [1, 1, 1]
    # Visits that ended by then, hours: to A d1 72, d5 72, d6 24 (its second ends in April); to B d1 48, d6 144.
    assert [rows[cell]["median_hours"] for cell in ("P A", "P B", "P C")] == [72, 96, 96]


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)  # Spark refuses days of the old calendar
def test_a_period_may_begin_with_the_calendar(engine: EngineUnderTest) -> None:
    asked = params(cohort="active", from_day="0001-01-01")
    assert {*named(answer(ANALYSIS, engine, company_on(engine), asked))} >= {"P A", "Q X"}


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_filters_and_amounts_include_their_edges(engine: EngineUnderTest) -> None:
    frames = company_on(engine)
    rows = named(answer(ANALYSIS, engine, frames, params(amount_from=AMOUNTS["d2"], amount_to=AMOUNTS["d6"])))
    assert rows["P A"]["deals"] == 3  # d2 d5 d6
    assert set(named(answer(ANALYSIS, engine, frames, params(pipeline="Q")))) == {"Q X", "Q won", "Q lost"}
