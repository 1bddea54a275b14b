"""The ten questions written by hand in polars, from the definitions, without looking at the analyses."""

from collections.abc import Callable, Mapping

import polars as pl

from bench.polars_questions.deals import funnel, loss_reasons, managers, stage_times
from bench.polars_questions.plans import plan_fact
from bench.polars_questions.sales import abc, cohorts, customer_rating, rfm, sales_dynamics
from bench.polars_questions.tables import Tables, Values

POLARS_QUESTIONS: Mapping[str, Callable[[Tables, Values], pl.LazyFrame]] = {
    "funnel": funnel,
    "stage_times": stage_times,
    "loss_reasons": loss_reasons,
    "sales_dynamics": sales_dynamics,
    "managers": managers,
    "customer_rating": customer_rating,
    "rfm": rfm,
    "abc": abc,
    "cohorts": cohorts,
    "plan_fact": plan_fact,
}
__all__ = ["POLARS_QUESTIONS"]
