"""Reckoning: how do the scenario's parameters and the counts of this sample become the truth?"""

from collections.abc import Mapping
from datetime import date, timedelta

from rakurs.sources.demo import catalogue, contacts, days, dirt, experiments, facts, people, promotions, voice
from rakurs.sources.demo import deals as deals_part
from rakurs.sources.demo.steps import Connection
from rakurs.sources.demo.truth import (
    AffinityTruth,
    ChangeTruth,
    ChannelTruth,
    ExperimentTruth,
    ManagerTruth,
    Odds,
    PipelineTruth,
    Rate,
    ReasonTruth,
    SeasonTruth,
    SegmentTruth,
    Truth,
)

COMPANY_NAME = "ООО «Тёплый север»"

Counts = Mapping[str, Mapping[str, Mapping[str, int]]]


def truth_of(connection: Connection, *, customers: int, seed: int, first_day: date, past_day: date) -> Truth:
    """The scenario's parameters beside what `facts` counted."""
    counts = facts.counted(connection)
    broken = counts.get("dirty", {})
    written = {table: measures["rows"] for table, measures in counts["written"].items()}
    duplicates = {change: one["pairs"] for change, one in counts.get("duplicate", {}).items()}
    return Truth(
        company=COMPANY_NAME,
        seed=seed,
        first_day=first_day,
        last_day=past_day - timedelta(days=1),
        customers=customers,
        rows={table: rows - sum(broken.get(table, {}).values()) for table, rows in written.items()},
        dirty=broken,
        loadable_defects=dirt.LOADABLE,
        duplicates=Rate(parameter=people.DUPLICATE_SHARE, trials=customers, successes=sum(duplicates.values())),
        duplicate_changes=duplicates,
        totals={**counts["orders"]["all"], "won_deals_kopecks": counts["won"]["all"].get("amount_kopecks", 0)},
        season=_season(connection, counts),
        managers=_managers(connection, counts),
        channels=_channels(counts),
        segments=_segments(counts, customers),
        pipelines=_pipelines(counts),
        loss_reasons=_reasons(counts),
        without_reason=_without_reason(counts),
        missed_by_hour=_missed(counts, "calls", "missed", extra=0.0),
        missed_off_days_by_hour=_missed(counts, "off_calls", "off_missed", extra=contacts.WEEKEND_MISSED),
        called_back=Rate(
            parameter=contacts.CALLED_BACK_SHARE,
            trials=counts["called_back"]["all"]["missed"],
            successes=counts["called_back"]["all"]["called_back"],
        ),
        returned_by_category=_returned(counts),
        affinities=_affinities(counts),
        elasticity=catalogue.ELASTICITY,
        doubled_by_promotions=Rate(
            parameter=promotions.SECOND_SHARE,
            trials=_count(counts, "second", "all", "lines"),
            successes=_count(counts, "second", "all", "doubled"),
        ),
        promo_codes=_promo_codes(counts),
        experiments=_experiments(counts),
        promoters=_recommending(counts, 0, "promoters"),
        detractors=_recommending(counts, 1, "detractors"),
        satisfied=Rate(
            parameter=voice.SATISFIED_SHARE,
            trials=_count(counts, "csat", "all", "answers"),
            successes=_count(counts, "csat", "all", "satisfied"),
        ),
        five_stars={
            key: Rate(
                parameter=share,
                trials=_count(counts, "stars", key, "reviews"),
                successes=_count(counts, "stars", key, "fives"),
            )
            for key, share in voice.FIVE_STARS.items()
        },
        foreign_deals={code: one["deals"] for code, one in counts["currency"].items() if code != "RUB"},
        changes=_changes(counts, past_day),
    )


def _count(counts: Counts, topic: str, key: object, measure: str) -> int:
    return counts.get(topic, {}).get(str(key), {}).get(measure, 0)


def _odds(counts: Counts, topic: str, key: object, *, id: str, name: str, log_odds: float) -> Odds:
    def number(measure: str) -> int:
        return _count(counts, topic, key, measure)

    return Odds(
        id=id,
        name=name,
        log_odds=log_odds,
        deals=number("deals"),
        won=number("won"),
        lost=number("lost"),
        open=number("open"),
        mature_deals=number("mature_deals"),
        mature_won=number("mature_won"),
        mature_expected_won=number("mature_expected_micro") / facts.MICRO,
    )


def _without_reason(counts: Counts) -> Rate:
    fates = counts["fates"].values()
    return Rate(
        parameter=deals_part.NO_REASON_SHARE,
        trials=sum(one["lost"] for one in fates),
        successes=sum(one["without_reason"] for one in fates),
    )


def _returned(counts: Counts) -> dict[str, Rate]:
    return {
        kind.name: Rate(
            parameter=kind.return_rate,
            trials=_count(counts, "returned", place, "lines"),
            successes=_count(counts, "returned", place, "returned"),
        )
        for place, kind in enumerate(catalogue.CATEGORIES, 1)
    }


def _season(connection: Connection, counts: Counts) -> SeasonTruth:
    arrived = sum(one["customers"] for one in counts["month"].values())
    repeats = sum(one["repeat_orders"] for one in counts.get("weekday", {}).values())
    months = connection.execute("""
        select strftime(day, '%Y-%m'), sum(arrival_ticks)::double / (select sum(arrival_ticks) from days)
        from days where arrival_ticks > 0 group by all order by all
    """).fetchall()
    weekdays = connection.execute("""
        select weekday, sum(shop_ticks)::double / (select sum(shop_ticks) from days)
        from days where weekday is not null group by all order by all
    """).fetchall()
    return SeasonTruth(
        growth_per_year=days.GROWTH_PER_YEAR,
        month_factors=days.SEASON_BY_MONTH,
        shop_weekday_factors=days.SHOP_BY_WEEKDAY,
        deal_weekday_factors=days.DEALS_BY_WEEKDAY,
        holiday_shop_factor=days.HOLIDAY_SHOP_FACTOR,
        holiday_deal_factor=days.HOLIDAY_DEAL_FACTOR,
        customers_by_month={
            month: Rate(parameter=share, trials=arrived, successes=_count(counts, "month", month, "customers"))
            for month, share in months
        },
        repeat_orders_by_weekday={
            weekday: Rate(
                parameter=share, trials=repeats, successes=_count(counts, "weekday", weekday, "repeat_orders")
            )
            for weekday, share in weekdays
        },
    )


def _managers(connection: Connection, counts: Counts) -> tuple[ManagerTruth, ...]:
    special = {people.OVERLOADED: "overloaded", people.NEWCOMER: "newcomer", people.LEFT: "left"}
    rows = connection.execute(f"""
        select employee_no, {people.employee_id("employee_no")}, name, department, branch, log_odds, load, pace
        from employees order by employee_no
    """).fetchall()
    return tuple(
        ManagerTruth(
            odds=_odds(counts, "manager", employee, id=employee, name=name, log_odds=float(log_odds)),
            department=department,
            branch=branch,
            load=float(load),
            pace=float(pace),
            special=special.get(number),
        )
        for number, employee, name, department, branch, log_odds, load, pace in rows
    )


def _channels(counts: Counts) -> tuple[ChannelTruth, ...]:
    return tuple(
        ChannelTruth(
            odds=_odds(counts, "channel", place, id=f"CH{place:02d}", name=channel.name, log_odds=channel.log_odds),
            lead_cost=channel.lead_cost,
            contacts=_count(counts, "advertising", place, "contacts"),
            spent_kopecks=_count(counts, "advertising", place, "kopecks"),
        )
        for place, channel in enumerate(people.CHANNELS, 1)
    )


def _experiments(counts: Counts) -> tuple[ExperimentTruth, ...]:
    return tuple(
        ExperimentTruth(
            experiment_id=code,
            name=name,
            customers=(customers := _count(counts, "experiment", code, "customers")),
            treated=_count(counts, "experiment", code, "treated"),
            effect=_count(counts, "experiment", code, "more_millionths") / 1e6 / max(1, customers),
        )
        for code, name, *_ in experiments.EXPERIMENTS
    )


def _recommending(counts: Counts, place: int, measure: str) -> dict[str, Rate]:
    return {
        key: Rate(
            parameter=shares[place],
            trials=_count(counts, "nps", key, "answers"),
            successes=_count(counts, "nps", key, measure),
        )
        for key, shares in voice.NPS.items()
    }


def _segments(counts: Counts, customers: int) -> tuple[SegmentTruth, ...]:
    return tuple(
        SegmentTruth(
            name=segment.name,
            share=Rate(
                parameter=segment.share,
                trials=customers,
                successes=_count(counts, "segment", segment.name, "customers"),
            ),
            rate_shape=people.RATE_SHAPE,
            life_days=segment.life_days,
            shop_per_year=segment.shop_per_year,
            deals_per_year=segment.deals_per_year,
            deaths=_count(counts, "segment", segment.name, "deaths"),
            alive_days=_count(counts, "segment", segment.name, "alive_days"),
            buyers=_count(counts, "segment", segment.name, "buyers"),
            repeat_orders=_count(counts, "segment_orders", segment.name, "repeat_orders"),
        )
        for segment in people.SEGMENTS
    )


def _pipelines(counts: Counts) -> tuple[PipelineTruth, ...]:
    return tuple(_pipeline(counts, number, pipeline) for number, pipeline in deals_part.PIPELINES.items())


def _pipeline(counts: Counts, number: int, pipeline: deals_part.Pipeline) -> PipelineTruth:
    def rate(parameter: float, topic: str, trials: str, successes: str) -> Rate:
        return Rate(
            parameter=parameter,
            trials=_count(counts, topic, number, trials),
            successes=_count(counts, topic, number, successes),
        )

    stage_ids = {f"{pipeline.code}-{place}": weight for place, (_, _, weight) in enumerate(pipeline.stages, 1)}
    return PipelineTruth(
        odds=_odds(counts, "pipeline_deals", number, id=pipeline.code, name=pipeline.name, log_odds=pipeline.log_odds),
        skipped=rate(pipeline.skip, "moves", "skippable", "skipped"),
        backward=rate(pipeline.backward, "moves", "movable", "backward"),
        repeated=rate(pipeline.repeated, "moves", "entered", "repeated"),
        straight_to_lost=rate(deals_part.STRAIGHT_TO_LOST_SHARE, "fates", "lost", "straight"),
        abandoned=rate(deals_part.ABANDONED_SHARE, "fates", "deals", "abandoned"),
        lost_at={
            stage: Rate(
                parameter=weight / sum(stage_ids.values()),
                trials=_count(counts, "fates", number, "lost"),
                successes=_count(counts, "lost_at", stage, "deals"),
            )
            for stage, weight in stage_ids.items()
        },
    )


def _reasons(counts: Counts) -> tuple[ReasonTruth, ...]:
    numbered = tuple(enumerate(deals_part.LOSS_REASONS, 1))
    lost = {
        phase: sum(_count(counts, "reason", number, phase) for number, _ in numbered) for phase in deals_part.PHASES
    }
    weights = {phase: sum(reason[2][place] for _, reason in numbered) for place, phase in enumerate(deals_part.PHASES)}
    return tuple(
        ReasonTruth(
            id=f"LR{number:02d}",
            name=name,
            is_controllable=is_controllable,
            by_phase={
                phase: Rate(
                    parameter=mix[place] / weights[phase],
                    trials=lost[phase],
                    successes=_count(counts, "reason", number, phase),
                )
                for place, phase in enumerate(deals_part.PHASES)
            },
        )
        for number, (name, is_controllable, mix) in numbered
    )


def _missed(counts: Counts, calls: str, missed: str, *, extra: float) -> dict[int, Rate]:
    return {
        hour: Rate(
            parameter=min(1.0, round(chance + extra, 6)),
            trials=_count(counts, "hour", hour, calls),
            successes=_count(counts, "hour", hour, missed),
        )
        for hour, (_, chance) in contacts.HOURS.items()
    }


def _affinities(counts: Counts) -> tuple[AffinityTruth, ...]:
    orders = counts["orders"]["all"]["orders"]

    def one(pair: catalogue.Affinity) -> AffinityTruth:
        antecedent, consequent = f"P{pair.antecedent:04d}", f"P{pair.consequent:04d}"
        key = f"{antecedent}>{consequent}"
        left = _count(counts, "affinity", key, "antecedent_orders")
        right = _count(counts, "affinity", key, "consequent_orders")
        both = _count(counts, "affinity", key, "both_orders")
        return AffinityTruth(
            antecedent=antecedent,
            consequent=consequent,
            attach=pair.attach,
            orders=orders,
            antecedent_orders=left,
            consequent_orders=right,
            both_orders=both,
            lift=both * orders / (left * right) if left and right else 0.0,
        )

    return tuple(one(pair) for pair in catalogue.AFFINITIES)


def _promo_codes(counts: Counts) -> dict[str, Rate]:
    shop_orders = counts["orders"]["all"]["shop_orders"]
    weights = sum(weight for _, _, weight in catalogue.PROMO_CODES)
    return {
        code: Rate(
            parameter=catalogue.PROMO_CODE_SHARE * weight / weights,
            trials=shop_orders,
            successes=_count(counts, "promo", code, "orders"),
        )
        for code, _, weight in catalogue.PROMO_CODES
    }


def _changes(counts: Counts, past_day: date) -> tuple[ChangeTruth, ...]:
    def dropped(side: str) -> Rate:
        trials = _count(counts, "dropped_channel", side, "trials")
        expected = _count(counts, "dropped_channel", side, "expected_micro") / facts.MICRO
        return Rate(
            parameter=expected / trials if trials else 0.0,
            trials=trials,
            successes=_count(counts, "dropped_channel", side, "successes"),
        )

    risen_chance = catalogue.PRICE_RISE**catalogue.ELASTICITY
    return (
        ChangeTruth(
            name="channel_quality_drop",
            subject=f"CH{people.DROPPED_CHANNEL:02d}",
            from_day=past_day - timedelta(days=people.DROPPED_DAYS_AGO),
            parameter=people.DROPPED_LOG_ODDS,
            before=dropped("before"),
            after=dropped("after"),
        ),
        ChangeTruth(
            name="branch_price_rise",
            subject=people.BRANCHES[catalogue.RISEN_BRANCH],
            from_day=past_day - timedelta(days=catalogue.RISEN_DAYS_AGO),
            parameter=catalogue.PRICE_RISE,
            before=None,
            after=Rate(
                parameter=risen_chance,
                trials=_count(counts, "risen", "all", "offered"),
                successes=_count(counts, "risen", "all", "placed"),
            ),
        ),
    )
