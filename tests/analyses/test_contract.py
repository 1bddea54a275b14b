"""Every analysis keeps the contract: its example, its bounds, its drill-down, its words, on every engine."""

import math
from collections.abc import Mapping
from enum import Enum
from functools import cache
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyses.asking import answer, answer_to, inputs_of, members, ordered, plain
from analyses.variants import some_variants
from company import TODAY, random_company
from effort import some_of, tries
from engines import ENGINES, ON_EVERY_ENGINE, DuckDBUnderTest, EngineUnderTest, PolarsUnderTest, frames_on, inputs_on
from rakurs.analyses import AREAS, analysis_named
from rakurs.app.asked_rows import CUSTOMER, FIELD, UNDIVIDED
from rakurs.core.analysis import Analysis
from rakurs.core.errors import UnknownName
from rakurs.core.frames import conform
from rakurs.core.params import Params
from rakurs.core.units import Unit

ANALYSES = [analysis for area in AREAS for analysis in area.analyses]
EACH = pytest.mark.parametrize("analysis", ANALYSES, ids=lambda analysis: analysis.name)
SEEDS = st.integers(min_value=0, max_value=10_000)
QUIET = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}

KEPT_NAMES = {
    "funnel": (
        "cohort policy pipeline manager channel amount_from amount_to",
        "stage_id stage position outcome deals amount share_of_all share_of_previous median_hours p90_hours stuck",
    ),
    "stage_times": (
        "cohort pipeline manager channel amount_from amount_to",
        "stage_id visits median_hours p90_hours stuck reentries skips",
    ),
    "loss_reasons": (
        "cohort pipeline manager channel amount_from amount_to",
        "stage_id loss_reason_id loss_reason deals amount share",
    ),
    "sales_dynamics": (
        "basis grain compare",
        "period_start revenue sales first_revenue repeat_revenue average_check compared_revenue change is_complete",
    ),
    "managers": (
        "cohort pipeline manager channel amount_from amount_to",
        (
            "manager_id manager created in_progress won lost won_amount conversion conversion_low conversion_high "
            "conversion_shrunk average_check median_cycle_days contribution"
        ),
    ),
    "customer_rating": (
        "basis order_by",
        "customer_id customer sales revenue created success_ratio first_on last_on",
    ),
    "rfm": (
        "as_of window_days ranks",
        "customer_id recency_days sales revenue recency_rank frequency_rank money_rank segment",
    ),
    "abc": ("subject measure a_share b_share", "id name value share cumulative_share class"),
    "cohorts": ("grain measure kept", "cohort size period kept share is_complete"),
    "lifecycle": (
        "as_of basis sleeping_after lost_after own_gaps",
        "customer_id customer state times purchases own_gap_days gap_days last_on silent_days overdue expected_on revenue",
    ),
    "lifecycle_moves": ("as_of basis months", "from_state to_state moves customers share share_low share_high"),
    "profitability": (
        "period from_day to_day basis by break_even",
        "place id name customers revenue returned discount unknown_revenue cost margin share cumulative_share class",
    ),
    "abc_xyz": (
        "basis months a_share b_share x_to y_to min_months",
        "product_id product abc xyz revenue share cumulative_share quantity months variation",
    ),
    "plan_fact": (
        "metric by foreseen_by to_end",
        "key target fact done expected_by_now forecast forecast_low forecast_high foreseen_by",
    ),
    "pipeline_as_of": (
        "as_of pipeline manager channel",
        "pipeline_id stage_id stage deals amount win_share weighted expected_this_month overdue unseen",
    ),
    "pipeline_changes": (
        "period from_day to_day pipeline manager channel expected_from expected_to",
        "step kind deals change level amount unseen",
    ),
    "why_changed": (
        "metric period against basis pipeline manager channel false_share",
        "rank dimension key name factor before after effect level is_claimed q_value p_value records",
    ),
    "customer_value": ("customer_segment", "customer_id customer active expected_purchases value value_low value_high"),
    "churn_risk": (
        "customer_segment high_from middle_from",
        "customer_id customer risk level at_stake factor_1 factor_2 factor_3",
    ),
    "elasticity": (
        "basis period grain max_change min_margin price_change",
        "product_id product elasticity elasticity_low elasticity_high price unit_cost verdict best_price gain change_margin",
    ),
    "next_offers": (
        "basis customer_segment max_discount min_margin quiet_days price_days",
        "customer product_id product chance expected_margin because_of state occasion price discount lowest_price chance_needed",
    ),
    "recommendations": (
        "product per_customer least_chance customer_segment",
        "customer_id customer product_id product place chance expected_margin reason because_of_id because_of",
    ),
    "acquisition": (
        "by basis discount early_days",
        "id name verdict cost leads newcomers cac earned value surplus value_to_cost payback_months most_per_lead trend",
    ),
    "win_chances": (
        "pipeline manager channel customer_segment",
        "deal_id deal customer manager_id manager amount chance level expected factor_1 factor_2 factor_3",
    ),
    "association_rules": (
        "items min_support min_confidence min_count max_items min_lift false_share",
        "rule rule_id baskets support cause_baskets confidence lift expected adjusted_lift leverage q_value lacking",
    ),
    "customer_groups": (
        "basis customer_segment",
        "group customers share revenue revenue_share purchases recency_days average_check sureness stayed",
    ),
    "stock_cover": (
        "basis place demand sales_days lead_days order_days reserve dead_days excess_days",
        "product_id product state on_hand per_day foreseen_per_day demand_by cover_days last_sold_on order_point to_order frozen excess_money",
    ),
    "demand_factors": (
        "period basis grain pipeline manager channel",
        "factor effect effect_low effect_high verdict change change_low change_high products customers",
    ),
    "assortment": (
        "period place basis pipeline manager channel customer_segment",
        "product_id product state buyers buyers_share revenue revenue_share on_hand stock_money stock_share",
    ),
    "campaign_effects": (
        "experiment horizon_days measure basis customer_segment",
        "experiment_id experiment assigned_on verdict treated control effect effect_low effect_high brought cost profit",
    ),
    "campaign_uplift": (
        "contact_cost customer_segment",
        "customer_id customer uplift expected_gain left_over advice factor_1 factor_2 factor_3",
    ),
    "lead_quality": (
        "channel manager junk customer_segment",
        "lead_id created_on customer channel manager_id manager status chance level expected factor_1 factor_2 factor_3",
    ),
    "lost_traits": (
        "gone_days active_days false_share basis customer_segment",
        "trait value name customers gone gone_share others_share difference more_gone revenue chance",
    ),
    "look_alikes": (
        "best_share active_days only_silent basis",
        "customer_id customer likeness alike_share trait because_id because because_lift revenue",
    ),
    "cancel_risk": (
        "customer_segment high_from middle_from",
        "customer_id customer risk level at_stake factor_1 factor_2 factor_3",
    ),
    "subscription_survival": ("by customer_segment", "id name month at_risk ended leaving survival"),
    "subscription_value": (
        "by customer_segment years discount margin_share",
        "id name subscriptions active ended ended_share monthly_churn median_months kept_12 monthly_price value_new value_left",
    ),
    "deal_quality": ("by silent_days bulk", "rule key name deals concerned share amount"),
    "unusual_sales": (
        "basis discount_from max_support min_count false_share",
        "event trait id name other_trait other_id other_name cases sales share expected_share lift amount support q_value",
    ),
    "demand_forecast": (
        "what grain ahead top level basis",
        "level product_id name category products forecast low high next_step came_before came_a_year_ago way mase coverage",
    ),
    "net_promoter_score": (
        "by survey customer_segment",
        "period_start key name answers promoters passives detractors nps nps_low nps_high",
    ),
    "satisfaction": (
        "by question survey customer_segment",
        "period_start key name answers satisfied satisfaction satisfaction_low satisfaction_high average_score",
    ),
    "review_ratings": (
        "by platform customer_segment",
        "period_start key name reviews rating rating_low rating_high replied replied_share",
    ),
    "sales_forecast": (
        "grain ahead level basis pipeline manager channel",
        "period_start actual forecast low high is_forecast way mase naive_mase coverage",
    ),
}
"""Names that users and their scripts rely on."""


def differences(got: list[dict[str, Any]], expected: list[Mapping[str, Any]]) -> list[Any]:
    found: list[Any] = []
    for number, (row, wanted) in enumerate(zip(got, expected, strict=True)):
        for name, value in wanted.items():
            if not is_same(row[name], value):
                found.append((number, name, row[name], value))
    return found


def is_same(one: Any, other: Any) -> bool:
    one, other = plain(one), plain(other)
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    return one == other


@EACH
@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_example_is_answered_as_documented(engine: EngineUnderTest, analysis: Analysis) -> None:
    example = analysis.example
    got = answer_to(analysis, engine, inputs_on(engine, analysis, example.tables), example.params)
    assert len(got) == len(example.expect)
    assert differences(got, list(example.expect)) == []


@EACH
@pytest.mark.parametrize("engine", some_of(ENGINES, 2), ids=lambda engine: engine.name)
def test_order_of_rows_does_not_matter(engine: EngineUnderTest, analysis: Analysis) -> None:
    example = analysis.example
    shuffled = {name: Random(name).sample(list(rows), len(rows)) for name, rows in example.tables.items()}
    first = answer_to(analysis, engine, inputs_on(engine, analysis, example.tables), example.params)
    second = answer_to(analysis, engine, inputs_on(engine, analysis, shuffled), example.params)
    assert differences(second, first) == []


@EACH
@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_nothing_in_gives_nothing_out_and_says_what_is_missing(engine: EngineUnderTest, analysis: Analysis) -> None:
    inputs = inputs_on(engine, analysis, {})
    params = analysis.params().bound(TODAY)
    assert answer_to(analysis, engine, inputs, params) == []
    assert analysis.gate.needs
    assert all(engine.collect(need.rows(inputs, params)).num_rows < need.at_least for need in analysis.gate.needs)
    assert all(engine.collect(left.rows(inputs, params)).num_rows == 0 for left in analysis.left_out)


@EACH
@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_example_meets_the_gate(engine: EngineUnderTest, analysis: Analysis) -> None:
    inputs = inputs_on(engine, analysis, analysis.example.tables)
    for need in analysis.gate.needs:
        assert engine.collect(need.rows(inputs, analysis.example.params)).num_rows >= need.at_least
    for left in analysis.left_out:
        assert engine.collect(left.rows(inputs, analysis.example.params)).num_rows >= 0


@settings(max_examples=tries(1, 5), **QUIET)
@given(seed=SEEDS)
def test_answers_on_random_companies_keep_the_contract(seed: int) -> None:
    engine = PolarsUnderTest()
    frames = frames_on(engine, random_company(seed))
    for analysis in ANALYSES:
        for params in some_variants(analysis, seed, count=3):
            rows = answer(analysis, engine, frames, params)
            assert_bounds(analysis, rows, params)
            assert_rows_are_distinct(analysis, rows)
            assert_members_count(analysis, engine, frames, params, rows)


@settings(max_examples=tries(1, 5), **QUIET)
@given(seed=SEEDS)
def test_engines_agree_on_random_companies(seed: int) -> None:
    rows = random_company(seed)
    duckdb, polars = ENGINES
    on_duckdb, on_polars = frames_on(duckdb, rows), frames_on(polars, rows)
    for analysis in ANALYSES:
        for params in some_variants(analysis, seed, count=3):
            one = answer(analysis, duckdb, on_duckdb, params)
            other = answer(analysis, polars, on_polars, params)
            assert len(one) == len(other), (analysis.name, params)
            assert differences(one, other) == [], (analysis.name, params)


def assert_bounds(analysis: Analysis, rows: list[dict[str, Any]], params: Params) -> None:
    for column in analysis.columns:
        low, high = column.unit.bounds
        for row in rows:
            value = row[column.name]
            where = (analysis.name, column.name, value, params)
            if value is None:
                continue
            assert not (isinstance(value, float) and not math.isfinite(value)), where
            assert low is None or value >= low - 1e-9, where
            assert high is None or value <= high + 1e-9, where
            assert not column.choices or column.is_open or value in column.choices, where


def assert_rows_are_distinct(analysis: Analysis, rows: list[dict[str, Any]]) -> None:
    keys = [tuple(row[name.removeprefix("-")] for name in analysis.order) for row in rows]
    assert len(set(keys)) == len(keys), analysis.name


def assert_members_count(
    analysis: Analysis, engine: EngineUnderTest, frames: Mapping[str, Any], params: Params, rows: list[dict[str, Any]]
) -> None:
    for row in rows[:2] + rows[-1:]:
        cell = {name: row[name] for name in analysis.members.by}
        found = members(analysis, engine, frames, params, cell)
        counted = 1 if analysis.members.count is None else row[analysis.members.count]
        assert len(found) == len(set(found)) == counted, (analysis.name, cell, params)


@settings(max_examples=tries(1, 5), **QUIET)
@given(seed=SEEDS)
def test_a_cell_named_by_one_column_holds_the_rows_that_share_it(seed: int) -> None:
    engine = PolarsUnderTest()
    frames = frames_on(engine, random_company(seed))
    analysis = analysis_named("rfm")
    params = analysis.params().bound(TODAY)
    rows = answer(analysis, engine, frames, params)
    for name in ("segment", "recency_rank"):
        for value in {row[name] for row in rows}:
            found = members(analysis, engine, frames, params, {name: value})
            assert sorted(found) == sorted(row["customer_id"] for row in rows if row[name] == value)


@EACH
def test_texts_are_there_in_both_languages(analysis: Analysis) -> None:
    texts = [analysis.title, analysis.question, analysis.how_to_read, analysis.definition]
    texts += [column.title for column in analysis.columns]
    texts += [left.reason for left in analysis.left_out]
    texts += [need.what for need in analysis.gate.needs]
    for text in texts:
        assert text.ru != text.en or text.ru.isupper()
        assert any("а" <= letter <= "я" for letter in text.ru.lower()), text
    assert analysis.source


@EACH
def test_parameters_are_explained(analysis: Analysis) -> None:
    infos = analysis.params.infos()
    assert set(infos) == set(analysis.params.model_fields)
    for name, field in analysis.params.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Enum):
            assert set(infos[name].labels) == set(field.annotation), name


@EACH
def test_promised_names_are_kept(analysis: Analysis) -> None:
    params, columns = (set(names.split()) for names in KEPT_NAMES[analysis.name])
    assert params <= set(analysis.params.model_fields)
    assert columns <= {column.name for column in analysis.columns}


@EACH
def test_what_the_contract_names_exists(analysis: Analysis) -> None:
    names = {column.name for column in analysis.columns}
    chart = analysis.chart
    drawn = {chart.x, *chart.y, *(chart.interval or ())} | ({chart.compare, chart.complete} - {None})
    assert drawn <= names
    assert {name.removeprefix("-") for name in analysis.order} <= names
    assert set(analysis.members.by) <= names
    assert analysis.members.count is None or analysis.column(analysis.members.count).unit is Unit.COUNT
    assert {name for row in analysis.example.expect for name in row} <= names


@EACH
def test_names_are_added_to_the_same_rows(analysis: Analysis) -> None:
    naming = analysis.naming
    if naming is None:
        return
    engine = PolarsUnderTest()
    frames = inputs_on(engine, analysis, analysis.example.tables)
    params = analysis.example.params
    columns = [column for column in analysis.columns if column.name not in naming.columns]
    unnamed = engine.collect(conform(naming.unnamed(params=params, **frames), columns))
    named = engine.collect(
        conform(naming.add(naming.unnamed(params=params, **frames), frames, params), analysis.columns)
    )
    whole = engine.collect(conform(analysis.compute(params=params, **frames), analysis.columns))
    assert set(naming.columns) <= {column.name for column in analysis.columns}
    assert unnamed.num_rows == named.num_rows
    assert _rounded(ordered(analysis, named)) == _rounded(ordered(analysis, whole))


def _rounded(table: pa.Table) -> list[dict[str, object]]:
    """The rows; polars divides the same two numbers now and then to another last digit."""
    return [
        {name: round(value, 9) if isinstance(value, float) else value for name, value in row.items()}
        for row in table.to_pylist()
    ]


@EACH
def test_what_is_left_to_the_data_may_be_decided_before(analysis: Analysis) -> None:
    choice = analysis.choice
    if choice is None:
        return
    engine = PolarsUnderTest()
    frames = frames_on(engine, random_company(5))
    params = analysis.params().bound(TODAY)
    assert getattr(params, choice.name) == choice.undecided
    decided = params.model_copy(update={choice.name: choice.values[0]})
    assert answer(analysis, engine, frames, params) == answer(analysis, engine, frames, decided)


@cache
def nothing_on_duckdb() -> dict[str, Any]:
    return frames_on(DuckDBUnderTest(), {})


@EACH
def test_query_of_the_passport_is_stable(analysis: Analysis, snapshot: Any) -> None:
    frames = inputs_of(analysis, nothing_on_duckdb())
    frame = analysis.compute(params=analysis.params().bound(TODAY), **frames)
    query = frame if analysis.finish is not None else conform(frame, analysis.columns)
    assert query.to_native().sql_query() == snapshot


def test_catalogue_finds_by_name_and_suggests() -> None:
    assert [analysis.name for analysis in ANALYSES] == [analysis_named(a.name).name for a in ANALYSES]
    assert {analysis.area for analysis in ANALYSES} == {area.name for area in AREAS}
    with pytest.raises(UnknownName) as caught:
        analysis_named("funel")
    assert caught.value.did_you_mean == "funnel"


@EACH
def test_a_question_of_a_segment_reads_only_tables_that_name_customers(analysis: Analysis) -> None:
    if FIELD in analysis.params.model_fields:
        tables = [table for table in analysis.inputs.values() if table.name not in UNDIVIDED]
        assert [table.name for table in tables if CUSTOMER not in table.names] == []
