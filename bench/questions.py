"""Which questions are measured, with what parameters, and what do their parameters mean to a peer?

A peer is the same question written by hand against the canonical tables: one SQL file and one polars function
per question, made from docs/definitions.md without looking at the analyses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any

from rakurs.app.params import checked_params
from rakurs.core.analysis import Analysis
from rakurs.core.params import Params, PeriodParams


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One analysis as it is compared: `key` names its rows, `compared` the columns a peer must agree on."""

    name: str
    key: tuple[str, ...]
    compared: tuple[str, ...]
    variants: tuple[Mapping[str, Any], ...] = field(default_factory=tuple)
    """Parameters asked in the agreement test beside the defaults."""
    measured: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Parameters of the measured question, where they are not the defaults."""
    auto_basis: str = "deals"
    """What `auto` means on a company that has both deals and orders: buyers and products go by orders."""


def asked(analysis: Analysis, raw: Mapping[str, Any], *, today: date) -> Params:
    """The parameters of a question, checked and bound to the day it is asked on."""
    return checked_params(analysis.params, raw).bound(today)


def peer_values(question: Question, params: Params) -> dict[str, Any]:
    """What a peer is told: every parameter as a plain value, and the period as half-open `start`..`end`."""
    values = {name: _plain(value) for name, value in params.model_dump(mode="python").items()}
    values["as_of"] = params.today
    if values.get("basis") == "auto":
        values["basis"] = question.auto_basis
    if values.get("metric") == "won":
        values["basis"] = "deals"
    if "grain" in values:
        values["step"] = f"1 {values['grain']}"
    values["start"], values["end"] = None, None
    if isinstance(params, PeriodParams):
        values["start"], values["end"] = params.window.start, params.window.end
    return values


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


_STAGE = ("pipeline_id", "stage_id")
_DEALS = (
    {"pipeline": "corp", "manager": "E002"},
    {"period": "last_365_days", "cohort": "closed"},
    {"period": "last_90_days", "cohort": "active"},
)

_BY_PACE = {"foreseen_by": "pace"}
"""A peer knows no forecast of sales."""

QUESTIONS: tuple[Question, ...] = (
    Question(
        name="funnel",
        key=_STAGE,
        compared=(
            "stage",
            "position",
            "outcome",
            "deals",
            "amount",
            "share_of_all",
            "share_of_previous",
            "median_hours",
            "p90_hours",
            "stuck",
        ),
        variants=(*_DEALS, {"policy": "classic"}, {"policy": "conversion"}, {"policy": "strict"}, {"policy": "any"}),
    ),
    Question(
        name="stage_times",
        key=_STAGE,
        compared=("visits", "median_hours", "p90_hours", "stuck", "reentries", "skips"),
        variants=_DEALS,
    ),
    Question(
        name="loss_reasons",
        key=(*_STAGE, "loss_reason_id"),
        compared=("loss_reason", "deals", "amount", "share"),
        variants=(*_DEALS, {"amount_from": "50000"}),
    ),
    Question(
        name="sales_dynamics",
        key=("period_start",),
        compared=(
            "revenue",
            "sales",
            "first_revenue",
            "repeat_revenue",
            "average_check",
            "compared_revenue",
            "change",
            "is_complete",
        ),
        variants=(
            {"pipeline": "corp", "manager": "E002"},
            {"basis": "orders", "grain": "week", "compare": "weekdays"},
            {"grain": "quarter", "compare": "last_year"},
            {"period": "last_90_days"},
            {"basis": "orders", "grain": "day", "compare": "previous", "period": "last_90_days"},
        ),
    ),
    Question(
        name="managers",
        key=("manager_id",),
        compared=(
            "manager",
            "department",
            "created",
            "in_progress",
            "in_transit",
            "won",
            "lost",
            "won_amount",
            "conversion",
            "conversion_low",
            "conversion_high",
            "conversion_shrunk",
            "win_rate",
            "win_rate_low",
            "win_rate_high",
            "average_check",
            "median_cycle_days",
            "contribution",
        ),
        variants=_DEALS,
    ),
    Question(
        name="customer_rating",
        key=("customer_id",),
        compared=(
            "place",
            "customer",
            "sales",
            "revenue",
            "average_check",
            "created",
            "won",
            "success_ratio",
            "success_low",
            "success_high",
            "first_on",
            "last_on",
        ),
        variants=({"basis": "orders"}, {"period": "last_365_days", "order_by": "sales"}),
    ),
    Question(
        name="rfm",
        auto_basis="orders",
        key=("customer_id",),
        compared=("recency_days", "sales", "revenue", "recency_rank", "frequency_rank", "money_rank"),
        variants=({"basis": "orders"}, {"window_days": "180", "ranks": "3"}),
    ),
    Question(
        name="abc",
        auto_basis="orders",
        key=("id",),
        compared=("name", "value", "share", "cumulative_share", "class"),
        variants=(
            {"basis": "orders", "subject": "products", "measure": "margin"},
            {"basis": "orders", "measure": "sales", "period": "last_365_days"},
            {"subject": "managers"},
        ),
    ),
    Question(
        name="cohorts",
        auto_basis="orders",
        key=("cohort", "period"),
        compared=("size", "kept", "share", "is_complete"),
        variants=({"grain": "quarter", "kept": "on_or_after"}, {"basis": "orders", "measure": "revenue"}),
    ),
    Question(
        name="plan_fact",
        key=("key",),
        compared=("target", "fact", "done", "expected_by_now", "forecast"),
        measured=_BY_PACE,
        variants=(
            _BY_PACE | {"by": "department"},
            _BY_PACE | {"by": "employee", "period": "this_month"},
            _BY_PACE | {"metric": "won", "by": "employee"},
        ),
    ),
)


def question_named(name: str) -> Question:
    """The question called `name`."""
    return next(question for question in QUESTIONS if question.name == name)


WITHOUT_PEERS = frozenset(
    {
        "abc_xyz",
        "acquisition",
        "association_rules",
        "assortment",
        "campaign_effects",
        "campaign_uplift",
        "cancel_risk",
        "churn_risk",
        "customer_groups",
        "customer_value",
        "demand_factors",
        "demand_forecast",
        "elasticity",
        "lead_quality",
        "look_alikes",
        "lost_traits",
        "lifecycle",
        "lifecycle_moves",
        "net_promoter_score",
        "next_offers",
        "pipeline_as_of",
        "pipeline_changes",
        "profitability",
        "recommendations",
        "review_ratings",
        "sales_forecast",
        "satisfaction",
        "stock_cover",
        "subscription_survival",
        "subscription_value",
        "deal_quality",
        "unusual_sales",
        "why_changed",
        "win_chances",
    }
)
"""Questions nobody wrote in SQL and polars yet: they are not measured."""
