"""What must hold in any company: parts sum to the total, a funnel never grows, a cohort starts whole.

The totals are counted again in plain Python from the marts' rows, not with the analyses' own code.
"""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyses.asking import answer
from company import TODAY, random_company
from effort import tries
from engines import PolarsUnderTest, frames_on
from rakurs.analyses import analysis_named
from rakurs.core.periods import Grain, bucket_start

SEEDS = st.integers(min_value=0, max_value=10_000)
QUIET = settings(max_examples=tries(3, 12), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
ENGINE = PolarsUnderTest()
FIRST_DAY = date(2025, 11, 1)


class Company:
    """A random company that can be asked, and whose marts can be read row by row."""

    def __init__(self, seed: int) -> None:
        self.frames = frames_on(ENGINE, random_company(seed))

    def ask(self, name: str, **asked: Any) -> list[dict[str, Any]]:
        analysis = analysis_named(name)
        return answer(analysis, ENGINE, self.frames, analysis.params.model_validate(asked).bound(TODAY))

    def rows(self, mart: str) -> list[dict[str, Any]]:
        return ENGINE.collect(self.frames[mart]).to_pylist()

    def sold(self, basis: str) -> list[dict[str, Any]]:
        return [row for row in self.rows("sales") if row["basis"] == basis and row["sold_on"] <= TODAY]


def total(rows: list[dict[str, Any]], name: str) -> Decimal:
    return sum((row[name] or Decimal(0) for row in rows), Decimal(0))


@QUIET
@given(seed=SEEDS)
def test_a_conversion_funnel_never_grows_and_ends_in_its_outcomes(seed: int) -> None:
    by_pipeline: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in Company(seed).ask("funnel"):
        by_pipeline[row["pipeline_id"]].append(row)
    for rows in by_pipeline.values():
        open_stages = [row["deals"] for row in rows if row["outcome"] == "open"]
        assert open_stages == sorted(open_stages, reverse=True)
        assert sum(row["deals"] for row in rows if row["outcome"] == "won") <= open_stages[-1]
        whole = sum(row["standing"] for row in rows)
        assert rows[0]["share_of_all"] is None or all(
            abs(row["share_of_all"] * whole - row["deals"]) < 1e-6 for row in rows
        )


@QUIET
@given(seed=SEEDS)
def test_managers_and_losses_add_up_to_the_deals(seed: int) -> None:
    company = Company(seed)
    deals = [row for row in company.rows("deal_outcomes") if row["created_on"] <= TODAY]
    rows = company.ask("managers")
    late = [row for row in deals if row["closed_on"] is not None and row["closed_on"] > TODAY]
    assert sum(row["created"] for row in rows) == len(deals)
    assert sum(row["won"] for row in rows) == sum(row["outcome"] == "won" for row in deals if row not in late)
    assert all(row["created"] == row["in_progress"] + row["won"] + row["lost"] for row in rows)
    lost = [row for row in deals if row["outcome"] == "lost" and row not in late]
    reasons = company.ask("loss_reasons")
    assert sum(row["deals"] for row in reasons) == len(lost)
    assert not reasons or abs(sum(row["share"] for row in reasons) - 1) < 1e-9
    assert total(reasons, "amount") == total(lost, "amount")


@QUIET
@given(
    seed=SEEDS,
    basis=st.sampled_from(["deals", "orders"]),
    grain=st.sampled_from(["day", "week", "month", "quarter", "year"]),
)
def test_revenue_is_the_same_from_every_side(seed: int, basis: str, grain: str) -> None:
    company = Company(seed)
    sold = company.sold(basis)
    dynamics = company.ask("sales_dynamics", basis=basis, grain=grain)
    parts = sum((total(dynamics, f"{part}_revenue") for part in ("first", "repeat", "anonymous")), Decimal(0))
    assert total(dynamics, "revenue") == parts == total(sold, "revenue")
    assert sum(row["sales"] for row in dynamics) == sum(row["is_sale"] for row in sold)
    known = [row for row in sold if row["customer_id"] is not None]
    assert total(company.ask("customer_rating", basis=basis), "revenue") == total(known, "revenue")
    assert total(company.ask("abc", basis=basis), "value") == total(known, "revenue")
    # What was bought before the data begins may be returned before the first sale in it: no cohort holds that.
    buyers = {row["customer_id"]: bucket_start(row["sold_on"], Grain(grain)) for row in known if row["is_first"]}
    assert set(buyers) == {row["customer_id"] for row in known if row["is_sale"]}
    of_buyers = [row for row in known if row["sold_on"] >= buyers.get(row["customer_id"], date.max)]
    cohorts = company.ask("cohorts", basis=basis, grain=grain)
    assert total(cohorts, "revenue") == total(of_buyers, "revenue")
    assert sum(row["size"] for row in cohorts if row["period"] == 0) == len(buyers)


@QUIET
@given(seed=SEEDS, kept=st.sampled_from(["on", "on_or_after"]))
def test_cohorts_start_whole_and_those_kept_after_never_grow(seed: int, kept: str) -> None:
    rows = Company(seed).ask("cohorts", basis="orders", kept=kept)
    assert all(row["share"] == 1.0 for row in rows if row["period"] == 0)
    if kept == "on_or_after":
        for one, other in pairwise(rows):
            assert one["cohort"] != other["cohort"] or one["kept"] >= other["kept"]


@QUIET
@given(seed=SEEDS)
def test_abc_and_rfm_as_a_person_would_count_them(seed: int) -> None:
    company = Company(seed)
    rows = company.ask("abc", basis="orders")
    before = Decimal(0)
    whole = sum((max(row["value"], Decimal(0)) for row in rows), Decimal(0))
    for row in rows:
        worth = max(row["value"], Decimal(0))
        expected = "C" if not worth else "A" if before < whole * 3 / 4 else "B" if before < whole * 19 / 20 else "C"
        assert row["class"] == expected
        before += worth
    customers = company.ask("rfm", basis="orders")
    for row in customers:
        worse = sum(other["revenue"] < row["revenue"] for other in customers)
        assert row["money_rank"] == 1 + 5 * worse // len(customers)
        older = sum(other["recency_days"] > row["recency_days"] for other in customers)
        assert row["recency_rank"] == 1 + 5 * older // len(customers)


def believed_on(rows: list[dict[str, Any]], day: Any) -> dict[str, dict[str, Any]]:
    """What a person reading the runs of days would say of each deal on the evening of `day`."""
    return {
        row["deal_id"]: row
        for row in rows
        if row["valid_from"] <= day and (row["valid_to"] is None or row["valid_to"] > day)
    }


@QUIET
@given(
    seed=SEEDS, pipeline=st.sampled_from([None, "sales"]), first=st.dates(FIRST_DAY, TODAY), length=st.integers(1, 90)
)
def test_a_pipeline_changes_by_its_steps_to_the_cent(seed: int, pipeline: str | None, first: Any, length: int) -> None:
    company = Company(seed)
    last = min(first + timedelta(days=length - 1), TODAY)
    asked = {"from_day": first, "to_day": last, **({"pipeline": pipeline} if pipeline else {})}
    rows = {row["kind"]: row for row in company.ask("pipeline_changes", **asked)}
    states = company.rows("deal_states")
    ends = [
        sum(
            (row["amount"] or Decimal(0) for row in believed_on(states, day).values() if is_counted(row, pipeline)),
            Decimal(0),
        )
        for day in (first - timedelta(days=1), last)
    ]
    opening, closing = (rows[kind]["level"] if rows else Decimal(0) for kind in ("opening", "closing"))
    assert [opening, closing] == ends
    assert opening + sum((row["change"] or Decimal(0) for row in rows.values()), Decimal(0)) == closing
    by_stage = company.ask("pipeline_as_of", as_of=last, **({"pipeline": pipeline} if pipeline else {}))
    assert total(by_stage, "amount") == closing
    won = [row for row in company.sold("deals") if first <= row["sold_on"] <= last]
    if pipeline is None:
        assert (rows["won"]["amount"] if "won" in rows else Decimal(0)) <= total(won, "revenue")


def is_counted(row: dict[str, Any], pipeline: str | None) -> bool:
    return row["outcome"] == "open" and pipeline in (None, row["pipeline_id"])
