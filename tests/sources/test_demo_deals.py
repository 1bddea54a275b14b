"""Do the deals of the demo company behave as its truth says? Measured again from the files alone."""

import math

import numpy as np

from sources.demo_company import TOLERANCE, Company, assert_fits


def test_a_deal_stands_where_its_history_ends(company: Company) -> None:
    wrong = company.value("""
        with histories as (
            select deal_id, arg_max(stage_id, entered_at::timestamp) as stage_id, min(entered_at::timestamp) as first_at,
                max(entered_at::timestamp) as last_at, count(*) as events, count(distinct entered_at) as moments
            from deal_stage_events group by deal_id
        )
        select count(*) from deals as d
        left join histories as h using (deal_id)
        join stages as s on s.pipeline_id = d.pipeline_id and s.stage_id = d.stage_id
        where h.deal_id is null or h.stage_id <> d.stage_id or h.events <> h.moments
            or h.first_at < d.created_at::timestamp
            or (s.outcome = 'open') <> (d.closed_at is null)
            or (s.outcome <> 'open' and d.closed_at::timestamp <> h.last_at)
            or (s.outcome <> 'lost' and d.loss_reason_id is not null)
            or (s.outcome = 'won') <> (d.margin is not null)
    """)
    assert wrong == 0


def test_a_final_stage_is_entered_once_and_last(company: Company) -> None:
    assert (
        company.value("""
        select count(*) from deal_stage_events as e
        join stages as s using (pipeline_id, stage_id) join deals as d using (deal_id)
        where s.outcome <> 'open' and e.entered_at <> d.closed_at
    """)
        == 0
    )


def test_managers_win_by_their_skill(company: Company) -> None:
    counted = {
        manager: (deals, won, lost, still_open)
        for manager, deals, won, lost, still_open in company.rows("""
            select d.manager_id, count(*), count(*) filter (where s.outcome = 'won'),
                count(*) filter (where s.outcome = 'lost'), count(*) filter (where s.outcome = 'open')
            from deals as d join stages as s using (pipeline_id, stage_id) group by d.manager_id
        """)
    }
    for manager in company.truth.managers:
        odds = manager.odds
        assert counted[odds.id] == (odds.deals, odds.won, odds.lost, odds.open)
        if odds.mature_deals:
            chance = odds.mature_expected_won / odds.mature_deals
            spread = math.sqrt(odds.mature_deals * chance * (1 - chance))
            assert abs(odds.mature_won - odds.mature_expected_won) <= TOLERANCE * spread + 0.5, odds


def test_skill_shows(company: Company) -> None:
    for department in {manager.department for manager in company.truth.managers}:
        judged = [
            manager.odds
            for manager in company.truth.managers
            if manager.department == department and manager.odds.mature_deals >= 50
        ]
        won = [odds.mature_won / odds.mature_deals for odds in judged]
        assert np.corrcoef([odds.log_odds for odds in judged], won)[0, 1] > 0.5, department


def test_special_managers_are_what_they_are_said_to_be(company: Company) -> None:
    special = {manager.special: manager for manager in company.truth.managers if manager.special}
    peers = [
        manager
        for manager in company.truth.managers
        if (manager.branch, manager.department) == (special["overloaded"].branch, special["overloaded"].department)
    ]
    assert special["overloaded"].odds.deals == max(manager.odds.deals for manager in peers)
    hired, left = (
        company.rows(f"select hired_on::date, left_on::date from employees where employee_id = '{one.odds.id}'")[0]
        for one in (special["newcomer"], special["left"])
    )
    newcomer_first, left_last = (
        company.value(f"select {edge}(created_at::date) from deals where manager_id = '{one.odds.id}'")
        for edge, one in (("min", special["newcomer"]), ("max", special["left"]))
    )
    assert newcomer_first >= hired[0]
    assert left_last <= left[1]


def test_pipelines_skip_return_and_lose_at_known_rates(company: Company) -> None:
    for pipeline in company.truth.pipelines:
        for name in ("skipped", "backward", "repeated", "straight_to_lost", "abandoned"):
            assert_fits(getattr(pipeline, name), f"{pipeline.odds.id} {name}")
        for stage, rate in pipeline.lost_at.items():
            # what is lost early closes early, so the newest deals lean to the first stages a little
            assert abs(rate.successes / rate.trials - rate.parameter) < 0.06, stage


def test_skips_seen_in_won_histories_are_the_planted_ones(company: Company) -> None:
    for pipeline in company.truth.pipelines:
        code = pipeline.odds.id
        working = company.value(f"select count(*) from stages where pipeline_id = '{code}' and outcome = 'open'")
        won, entered = company.rows(f"""
            select count(distinct d.deal_id), count(distinct (d.deal_id, e.stage_id)) from deals as d
            join deal_stage_events as e using (deal_id) join stages as s on s.stage_id = e.stage_id
            where d.stage_id = '{code}-won' and s.outcome = 'open'
        """)[0]
        possible = won * (working - 1)
        # a stage skipped and then entered on the way back from the next one is no skip any more
        planted = pipeline.skipped.parameter * (1 - pipeline.backward.parameter)
        spread = math.sqrt(planted * (1 - planted) / possible)
        assert abs((won * working - entered) / possible - planted) < TOLERANCE * spread + 0.01


def test_loss_reasons_keep_their_mix_by_phase(company: Company) -> None:
    for reason in company.truth.loss_reasons:
        for phase, rate in reason.by_phase.items():
            assert_fits(rate, f"{reason.name} {phase}")
        seen = company.value(f"select count(*) from deals where loss_reason_id = '{reason.id}'")
        assert seen == sum(rate.successes for rate in reason.by_phase.values())
    assert_fits(company.truth.without_reason, "without a reason")


def test_foreign_deals_are_worth_their_orders_at_the_rate_of_their_day(company: Company) -> None:
    rows = company.rows("""
        select d.currency, d.amount::double * r.rate::double, o.amount::double, r.rate::double
        from deals as d join orders as o using (deal_id)
        join exchange_rates as r on r.currency = d.currency and r.rate_on::date = d.created_at::date
        where d.currency <> 'RUB'
    """)
    assert rows
    for currency, converted, amount, rate in rows:
        assert abs(converted - amount) <= 0.005 * rate + 0.005, currency
    counted = dict(company.rows("select currency, count(*) from deals where currency <> 'RUB' group by currency"))
    assert counted == company.truth.foreign_deals


def test_a_channel_got_worse(company: Company) -> None:
    change = next(change for change in company.truth.changes if change.name == "channel_quality_drop")
    assert change.before is not None
    assert_fits(change.before, "before")
    assert_fits(change.after, "after")
    assert change.after.parameter < change.before.parameter - 0.1
