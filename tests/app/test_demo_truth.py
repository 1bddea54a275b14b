"""Do the answers on the demo company agree with what is known to be true of it?

Where an answer counts the very thing the truth wrote down, the numbers must be equal; where the truth is a chance,
they must agree within sampling error (four standard deviations: a right answer fails once in 16,000).
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from math import exp, log, sqrt
from statistics import fmean
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from rakurs.app.demonstration import DemoCompany, load_demo
from rakurs.app.home import Home
from rakurs.app.rights import EVERYTHING
from rakurs.app.workspace import Workspace
from rakurs.core.loading import LoadReport
from rakurs.core.model import ModelCard
from rakurs.models import model_named
from rakurs.sources.demo import Truth, read_truth
from rakurs.sources.demo.orders import COMPANY_PAYS_DAYS
from rakurs.sources.demo.subscriptions import PLANS

TODAY = date(2026, 11, 1)

pytestmark = pytest.mark.slow


class Company:
    def __init__(self, workspace: Workspace, truth: Truth, report: LoadReport) -> None:
        self.workspace = workspace
        self.truth = truth
        self.loaded = {count.table: count for count in report.tables}

    def rows(self, name: str, **params: Any) -> list[dict[str, Any]]:
        asked = {"as_of": TODAY.isoformat(), **params}
        return self.workspace.answer(name, asked, scope=EVERYTHING).table.to_pylist()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    home = Home(tmp_path_factory.mktemp("demo-truth") / "home")
    with Workspace.open(home) as workspace:
        report = load_demo(home, DemoCompany(customers=3_000, years=3, seed=7, today=TODAY), workspace)
        yield Company(workspace, read_truth(home.path / "demo" / "truth.json"), report)


def agrees(successes: float, trials: int, chance: float) -> bool:
    return abs(successes - trials * chance) <= 4 * sqrt(trials * chance * (1 - chance)) + 1


def test_every_valid_row_is_in_and_every_dirty_row_is_set_aside(company: Company) -> None:
    for table, rows in company.truth.rows.items():
        count = company.loaded[table]
        assert count.read == count.inserted + count.updated + count.unchanged + count.quarantined + count.repeated
        loadable = sum(
            company.truth.dirty.get(table, {}).get(defect, 0)
            for defect in company.truth.loadable_defects.get(table, ())
        )
        assert count.inserted == rows + loadable, table


def test_managers_are_counted_as_they_were_planted(company: Company) -> None:
    answered = {row["manager_id"]: row for row in company.rows("managers")}
    for manager in company.truth.managers:
        odds = manager.odds
        row = answered.get(odds.id, {"created": 0, "won": 0, "lost": 0, "in_progress": 0})
        assert (row["created"], row["won"], row["lost"], row["in_progress"]) == (
            odds.deals,
            odds.won,
            odds.lost,
            odds.open,
        ), odds.name


def test_win_rates_of_ripe_deals_agree_with_the_planted_skill(company: Company) -> None:
    ripe_until = TODAY - timedelta(days=366)
    answered = {row["manager_id"]: row for row in company.rows("managers", to_day=ripe_until.isoformat())}
    judged = 0
    for manager in company.truth.managers:
        odds = manager.odds
        if odds.mature_deals >= 20:
            row = answered[odds.id]
            chance = odds.mature_expected_won / odds.mature_deals
            assert agrees(row["won"], row["created"], chance), odds.name
            judged += 1
    assert judged > 10


def test_pipelines_lose_and_win_as_planted(company: Company) -> None:
    rows = company.rows("funnel")
    for pipeline in company.truth.pipelines:
        own = [row for row in rows if row["pipeline_id"] == pipeline.odds.id]
        standing = {outcome: sum(row["standing"] for row in own if row["outcome"] == outcome) for outcome in OUTCOMES}
        assert standing == {"open": pipeline.odds.open, "won": pipeline.odds.won, "lost": pipeline.odds.lost}


OUTCOMES = ("open", "won", "lost")


def test_loss_reasons_have_the_planted_mix(company: Company) -> None:
    rows = company.rows("loss_reasons")
    lost = sum(row["deals"] for row in rows)
    assert lost == company.truth.without_reason.trials
    for reason in company.truth.loss_reasons:
        counted = sum(row["deals"] for row in rows if row["loss_reason_id"] == reason.id)
        assert counted == sum(rate.successes for rate in reason.by_phase.values()), reason.name


def test_revenue_is_the_money_that_came(company: Company) -> None:
    totals = company.truth.totals
    won = sum(row["revenue"] for row in company.rows("sales_dynamics", basis="deals", grain="year"))
    # A deal in another currency is rounded to the cent at the rate of its own day.
    foreign = sum(company.truth.foreign_deals.values())
    assert abs(won - Decimal(totals["won_deals_kopecks"]) / 100) <= Decimal("0.01") * foreign
    sold = company.rows("sales_dynamics", basis="orders", grain="year")
    assert sum(row["sales"] for row in sold) == totals["paid"]


def test_repeat_buyers_come_back_as_their_rates_say(company: Company) -> None:
    """Cohort month 0 holds every buyer once; the shares of the following months only shrink with deaths."""
    rows = company.rows("cohorts", basis="orders", grain="quarter")
    firsts = sum(row["size"] for row in rows if row["period"] == 0)
    rating = company.rows("customer_rating", basis="orders")
    assert firsts == len([row for row in rating if row["sales"]])
    means = {row["period"]: row["mean_share"] for row in rows if row["mean_share"] is not None}
    assert means[0] == 1.0
    assert means[1] > means[4] > means[8]


def test_states_of_life_tell_who_comes_back(company: Company) -> None:
    """Lives end by a planted hazard and gaps follow chance: the silent are dead more often the longer they are silent."""
    day = TODAY - timedelta(days=200)
    before = company.rows("lifecycle", basis="orders", as_of=day.isoformat())
    last = {row["customer_id"]: row["last_on"] for row in company.rows("lifecycle", basis="orders")}
    came_back = {
        state: fmean([last[row["customer_id"]] > day for row in before if row["state"] == state])
        for state in ("regular", "sleeping", "lost")
    }
    assert came_back["regular"] > 3 * came_back["lost"]
    assert came_back["regular"] > came_back["sleeping"] > came_back["lost"]


def test_one_gap_in_four_is_longer_than_two_medians(company: Company) -> None:
    """As the definition of the states says of those who buy on random days, and in the demo company all do.

    The silence of whoever is alive on a day is a gap by the same law. Alive is who bought again within 200 days.
    """
    day = TODAY - timedelta(days=200)
    last = {row["customer_id"]: row["last_on"] for row in company.rows("lifecycle", basis="orders")}
    alive = [
        row["overdue"]
        for row in company.rows("lifecycle", basis="orders", as_of=day.isoformat())
        if row["purchases"] > 8 and last[row["customer_id"]] > day
    ]
    assert agrees(sum(overdue > 2 for overdue in alive), len(alive), 1 / 4)
    assert agrees(sum(overdue > 4 for overdue in alive), len(alive), 1 / 16)


def test_margins_add_up_to_the_revenue_less_costs(company: Company) -> None:
    whole = {by: company.rows("profitability", basis="orders", by=by) for by in ("customers", "channels", "kinds")}
    margins = {by: sum(row["margin"] or 0 for row in rows) for by, rows in whole.items()}
    assert margins["channels"] == margins["kinds"] >= margins["customers"] > 0


def test_plans_are_the_planted_targets(company: Company) -> None:
    (whole,) = company.rows("plan_fact", by="company", metric="revenue")
    departments = company.rows("plan_fact", by="department", metric="revenue")
    assert sum(row["target"] for row in departments) == whole["target"]
    assert sum(row["fact"] for row in departments) <= whole["fact"]


def test_the_channel_that_went_bad_shows(company: Company) -> None:
    (change,) = [item for item in company.truth.changes if item.name == "channel_quality_drop"]
    assert change.before is not None
    split = change.from_day - timedelta(days=1)
    before = sum(row["won"] for row in company.rows("managers", channel=change.subject, to_day=split.isoformat()))
    after = sum(
        row["won"] for row in company.rows("managers", channel=change.subject, from_day=change.from_day.isoformat())
    )
    assert (before, after) == (change.before.successes, change.after.successes)


def said_by(company: Company, name: str, **params: Any) -> tuple[ModelCard, pa.Table]:
    """What a model learns of the company, and what it then says of whoever is there."""
    model = model_named(name)
    bound = model.params.model_validate(params).bound(TODAY)
    with company.workspace.reading() as reader:
        frames = {argument: reader.frame(table.name) for argument, table in model.inputs.items()}
        fitted = model.fit(reader.collect(model.samples(frames, bound)).sort_by(model.key), bound)
        return fitted.card, model.score(fitted.artefact, reader.collect(model.present(frames, bound)), bound)


def beside_truth(company: Company, said: pa.Table, file: str, key: str) -> pl.DataFrame:
    truth = pl.read_parquet(company.workspace.home.path / "demo" / f"{file}.parquet")
    return pl.DataFrame(pl.from_arrow(said)).join(truth, on=key, how="inner")


def test_who_is_still_a_customer_is_told_from_who_has_left(company: Company) -> None:
    card, said = said_by(company, "lifetime")
    shoppers = beside_truth(company, said, "customer_lives", "customer_id").filter(pl.col("segment") == "retail")
    alive = shoppers["died_on"].is_null().cast(int).to_numpy()
    assert shoppers["score"].to_numpy().mean() == pytest.approx(alive.mean(), abs=0.03)
    assert roc_auc_score(alive, shoppers["score"].to_numpy()) > 0.85
    assert card.grade in {"A", "B"}
    (total,) = [item for item in card.measures if item.name == "total"]
    assert total.value == pytest.approx(1.0, abs=0.2)
    assert all(row["amount_low"] <= row["amount_high"] for row in said.to_pylist())


def test_ten_years_ahead_are_worth_what_the_planted_lives_bring(company: Company) -> None:
    """True worth of whoever is still there: his own rate of paid orders over his planted life, discounted, by kind."""
    card, said = said_by(company, "lifetime")
    assert card.chosen.en == "Pareto/NBD and gamma-gamma, apart by customer kind"
    with company.workspace.reading() as reader:
        sales = pl.DataFrame(pl.from_arrow(reader.collect(reader.frame("sales"))))
    bought = sales.filter(pl.col("basis") == "orders", pl.col("is_sale"), pl.col("sold_on") <= TODAY)
    lives = beside_truth(company, said, "customer_lives", "customer_id")
    money = bought.join(lives.select("customer_id", "segment"), on="customer_id")
    margins = dict(money.group_by("segment").agg(pl.col("margin").cast(float).mean()).iter_rows())
    won = sum(row["won"] for row in company.rows("managers"))
    win_rate = won / sum(row["created"] for row in company.rows("managers"))
    rate_of_time = log(1.15) / 365
    for kind in ({"retail", "consult"}, {"office", "horeca"}):
        true = 0.0
        for segment in (item for item in company.truth.segments if item.name in kind):
            own = lives.filter(pl.col("segment") == segment.name, pl.col("died_on").is_null())
            rate = own["shop_orders_per_year"].sum() * 0.95 + own["deals_per_year"].sum() * win_rate
            hazard = 1 / segment.life_days + rate_of_time
            true += rate / 365.25 * (1 - exp(-hazard * 3650)) / hazard * margins[segment.name]
        foreseen = float(lives.filter(pl.col("segment").is_in(kind))["amount"].cast(float).sum())
        assert foreseen == pytest.approx(true, rel=0.2), kind


def test_advertising_costs_and_newcomers_are_the_planted_ones(company: Company) -> None:
    rows = {row["id"]: row for row in company.rows("acquisition", basis="orders")}
    for channel in company.truth.channels:
        row = rows.get(channel.odds.id)
        if row is None:  # the company's own base brings nobody and costs nothing
            assert (channel.odds.id, channel.spent_kopecks) == ("CH10", 0)
            continue
        assert row["cost"] * 100 == channel.spent_kopecks, channel.odds.name
        # A contact costs the planted price give or take a day's haggling; those of the first and last days are paid in part.
        assert float(row["cost"]) == pytest.approx(channel.contacts * channel.lead_cost, rel=0.05), channel.odds.name
    first = {row["cohort"]: row["size"] for row in company.rows("cohorts", grain="month") if row["period"] == 0}
    by_month = {row["id"]: row["newcomers"] for row in company.rows("acquisition", by="months") if row["newcomers"]}
    assert by_month == {cohort.strftime("%Y-%m"): size for cohort, size in first.items()}


def test_categories_that_come_back_more_than_planted_for_most_are_found(company: Company) -> None:
    rows = company.rows("unusual_sales", basis="orders", max_support=0.05)
    found = {
        row["id"]
        for row in rows
        if row["event"] == "returned" and row["trait"] == "category" and not row["other_trait"]
    }
    rates = {name: rate.parameter for name, rate in company.truth.returned_by_category.items()}
    usual = sorted(rates.values())[len(rates) // 2]
    assert found
    assert all(rates[name] > usual for name in found), (found, rates)


def test_stock_that_is_out_short_or_idle_is_told_as_planted(company: Company) -> None:
    planted = pl.read_parquet(company.workspace.home.path / "demo" / "product_stock.parquet")
    answered = pl.DataFrame(pl.from_arrow(pa.Table.from_pylist(company.rows("stock_cover", basis="orders"))))
    both = planted.join(answered.select("product_id", "state", "on_hand"), on="product_id").filter(pl.col("sold") >= 60)
    assert both["quantity"].to_list() == [int(value) for value in both["on_hand"].to_list()]
    states = {cover: set(both.filter(pl.col("cover") == cover)["state"]) for cover in ("out", "short", "idle")}
    assert states == {"out": {"out"}, "short": {"low"}, "idle": {"excess"}}


def test_what_is_bought_and_planted_as_out_is_missing_from_the_assortment(company: Company) -> None:
    planted = pl.read_parquet(company.workspace.home.path / "demo" / "product_stock.parquet")
    rows = company.rows("assortment", basis="orders", period="last_365_days")
    answered = pl.DataFrame(pl.from_arrow(pa.Table.from_pylist(rows))).select("product_id", "state", "buyers")
    bought = planted.join(answered, on="product_id").filter(pl.col("buyers") > 0)
    assert bought.filter(pl.col("cover") == "out").height
    assert set(bought.filter(pl.col("quantity") <= 0)["state"]) == {"missing"}
    assert set(bought.filter(pl.col("quantity") > 0)["state"]) == {"fits"}
    assert sum(row["stock_share"] or 0 for row in rows) == pytest.approx(1)
    assert sum(row["revenue_share"] or 0 for row in rows) == pytest.approx(1)


def test_the_planted_price_moves_demand_and_the_prices_beside_it_do_not(company: Company) -> None:
    rows = {row["factor"]: row for row in company.rows("demand_factors", basis="orders")}
    planted = company.truth.elasticity
    low, high = rows["price"]["effect_low"], rows["price"]["effect_high"]
    assert abs(rows["price"]["effect"] - planted) <= high - low < 0.3
    assert rows["rivals"]["verdict"] == "not_seen"


def test_rents_end_at_the_planted_chance_of_their_plan(company: Company) -> None:
    rows = {row["id"]: row for row in company.rows("subscription_value")}
    assert set(rows) == {plan for plan, *_ in PLANS}
    for plan, ends, price, _ in PLANS:
        row = rows[plan]
        assert row["monthly_price"] == price
        at_risk = row["ended"] / row["monthly_churn"]
        assert agrees(row["ended"], at_risk, ends), plan


def test_open_deals_that_will_be_won_get_the_higher_chance(company: Company) -> None:
    card, said = said_by(company, "win")
    deals = beside_truth(company, said, "deal_chances", "deal_id")
    is_won = (deals["fate"] == "won").cast(int).to_numpy()
    assert roc_auc_score(is_won, deals["score"].to_numpy()) > 0.75
    # Some are won later than the horizon.
    assert deals["score"].to_numpy().sum() <= is_won.sum() * 1.15
    (rate,) = [item for item in card.measures if item.name == "rate"]
    assert rate.baseline is not None
    assert rate.value == pytest.approx(rate.baseline, abs=0.06)


def test_leaving_is_foreseen_better_than_by_recency_alone(company: Company) -> None:
    card, said = said_by(company, "churn")
    auc = card.measures[0]
    assert auc.value > 0.75
    assert auc.baseline is not None
    assert auc.value >= auc.baseline - 0.01
    lives = beside_truth(company, said, "customer_lives", "customer_id").filter(pl.col("segment") == "retail")
    left = lives["died_on"].is_not_null().cast(int).to_numpy()
    assert roc_auc_score(left, lives["score"].to_numpy()) > 0.8


def test_the_planted_pairs_of_products_are_the_strongest_rules(company: Company) -> None:
    rules = company.rows("association_rules", max_items=2)
    planted = {(pair.antecedent, pair.consequent): pair for pair in company.truth.affinities}
    seen = {(cause, effect): row for row in rules for (cause,), effect in [json.loads(row["rule_id"])]}
    # Pairs bought often enough to be told from chance in a company this small.
    common = [pair for pair in planted.values() if pair.both_orders >= 40]
    assert common
    for pair in common:
        row = seen[pair.antecedent, pair.consequent]
        assert row["lift"] == pytest.approx(pair.lift, rel=0.15)
    either = {*planted, *((effect, cause) for cause, effect in planted)}
    strongest = [pair for pair, _ in list(seen.items())[: len(common)]]
    assert set(strongest) <= either


def test_promotions_bring_the_planted_demand_and_are_foreseen(company: Company) -> None:
    planted = company.truth.doubled_by_promotions.parameter
    rows = company.rows("demand_forecast", grain="week", ahead=8, top=100)
    assert rows[0]["promotion_effect"] == pytest.approx(planted, abs=0.12)
    assert rows[0]["promotion_effect_low"] < planted < rows[0]["promotion_effect_high"]
    coming = {
        row["category"]: row["by_promotions"] for row in rows if row["level"] == "category" and row["promoted"] > 0
    }
    # Two promotions of two weeks begin within the sixty days that are known ahead.
    assert 1 <= len(coming) <= 2
    assert all(0 < more < planted for more in coming.values())


def test_deliveries_are_taken_off_the_margin(company: Company) -> None:
    rows = company.rows("profitability", by="kinds")
    assert all(row["profit"] == row["margin"] - row["serving"] for row in rows)
    assert {row["work"] for row in rows} == {row["waiting"] for row in rows} == {None}
    dear = company.rows("profitability", by="kinds", hour_cost=900, money_rate=0.2)
    waiting = {row["id"]: row["waiting"] / row["revenue"] for row in dear}
    # Companies pay after six days, people at once: 20 % a year of six days is a third of a percent.
    assert float(waiting["company"]) == pytest.approx(0.2 * COMPANY_PAYS_DAYS / 365, rel=0.1)
    assert float(waiting["person"]) < 1e-4
    assert all(row["work"] > 0 for row in dear)


def test_demand_answers_price_as_planted(company: Company) -> None:
    rows = company.rows("elasticity")
    common, low, high = (rows[0][name] for name in ("common", "common_low", "common_high"))
    assert abs(common - company.truth.elasticity) <= 4 * (high - low) / 4
    assert high - low < 0.5
    told = [row for row in rows if row["own_error"] is not None and row["own_error"] < 0.5]
    assert len(told) > 10
    held = sum(row["elasticity_low"] <= company.truth.elasticity <= row["elasticity_high"] for row in told)
    assert held >= 0.85 * len(told)


def test_customers_say_what_was_planted(company: Company) -> None:
    """The very counts; the fall of NPS is seen, no manager is told apart, and what is rated worse is the poor category."""
    truth = company.truth
    for planted in (*truth.promoters.values(), *truth.detractors.values(), truth.satisfied, *truth.five_stars.values()):
        assert agrees(planted.successes, planted.trials, planted.parameter), planted
    months = company.rows("net_promoter_score")
    for name, planted in (("promoters", truth.promoters), ("detractors", truth.detractors)):
        assert sum(row[name] for row in months) == sum(rate.successes for rate in planted.values())
    assert sum(row["answers"] for row in months) == sum(rate.trials for rate in truth.promoters.values())
    first, last = months[0]["period_start"], months[-1]["period_start"]
    assert first < last - timedelta(days=365)
    recent = company.rows("net_promoter_score", by="channel", from_day="2026-06-05")
    earlier = company.rows("net_promoter_score", by="channel", to_day="2026-05-31")
    lead = [
        sum(row["promoters"] - row["detractors"] for row in rows) / sum(row["answers"] for row in rows)
        for rows in (earlier, recent)
    ]
    assert lead[0] - lead[1] > 0.15

    people = company.rows("satisfaction", by="employee")
    assert sum(row["satisfied"] for row in people) == truth.satisfied.successes
    own = truth.satisfied.parameter
    apart = [row for row in people if not row["satisfaction_low"] <= own <= row["satisfaction_high"]]
    assert len(apart) <= 0.15 * len(people) + 1

    products = company.rows("review_ratings", by="product")
    assert sum(row["reviews"] for row in products) == sum(rate.trials for rate in truth.five_stars.values())
    sure = [row for row in products if row["reviews"] >= 10]
    # Means of the two kinds: 3.25 and 4.25.
    assert min(row["rating"] for row in sure) < 3.75 < max(row["rating"] for row in sure)


def test_campaigns_brought_what_was_planted_and_nothing_where_nothing_was(company: Company) -> None:
    rows = {row["experiment_id"]: row for row in company.rows("campaign_effects", basis="orders")}
    planted = {experiment.experiment_id: experiment for experiment in company.truth.experiments}
    assert set(rows) == set(planted)
    for code, truth in planted.items():
        row = rows[code]
        assert (row["customers"], row["treated"]) == (truth.customers, truth.treated), truth.name
        assert row["running"] == 0
        # A company's deals bring orders too: they are in both groups.
        error = (row["effect_high"] - row["effect_low"]) / (2 * 1.96)
        assert abs(row["effect"] - truth.effect) < 3.5 * error, truth.name
        assert abs(row["before_gap"]) < 3.5 * error, truth.name
    helped = {code for code, row in rows.items() if row["verdict"] == "helps"}
    assert helped <= {code for code, truth in planted.items() if truth.effect}
    assert rows["EX3"]["verdict"] == "unclear"
    assert rows["EX3"]["more_needed"] is None or rows["EX3"]["more_needed"] > 0
