"""Funnel: which deals passed which stage, and where do they get lost or stuck?"""

from datetime import date
from enum import StrEnum
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.columns import PIPELINE, STAGE, column, overlapping
from rakurs.analyses.filters import DealFilters, asked_deals, end_of, still_open
from rakurs.analyses.sales.gates import DEALS_OFF_STAGES, DEALS_WITHOUT_AMOUNT, SOME_DEALS
from rakurs.analyses.sales.stage_visiting import timed_stages, visits_by, with_names
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, Members
from rakurs.core.frames import count_where, ratio, sum_where, where_cell
from rakurs.core.params import parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_OUTCOMES, DEAL_STAGES, STAGE_VISITS
from rakurs.schema import PIPELINES, STAGES
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

DAY_SECONDS = 86_400


class Policy(StrEnum):
    """What counts as passing a stage."""

    CLASSIC = "classic"
    CONVERSION = "conversion"
    STRICT = "strict"
    ANY = "any"


POLICY_LABELS = {
    Policy.CONVERSION: Text(ru="Конверсия: дошла до этапа, значит прошла прежние", en="Conversion: reaching implies"),
    Policy.CLASSIC: Text(ru="Классика: только где была, пропуски видны", en="Classic: really entered, skips shown"),
    Policy.STRICT: Text(ru="Строго по порядку, до первого пропуска", en="Strict: in order, up to the first skip"),
    Policy.ANY: Text(ru="Была на этапе в любом порядке", en="Any: entered at all, in any order"),
}


class FunnelParams(DealFilters):
    """Parameters of the funnel."""

    policy: Policy = parameter(
        Policy.CONVERSION,
        Text(ru="Что считать прохождением", en="What counts as passing"),
        help=Text(
            ru="«Конверсия»: дойдя до этапа, сделка прошла и все прежние; сразу проигранная прошла только первый",
            en="Conversion: reaching a stage passes all earlier ones; a deal lost at once passed only the first",
        ),
        labels=POLICY_LABELS,
    )


COLUMNS = (
    *PIPELINE,
    *STAGE,
    overlapping("deals", Unit.COUNT, "Сделок", "Deals"),
    overlapping("amount", Unit.MONEY, "Сумма", "Amount"),
    column("share_of_all", Unit.SHARE, "От всех", "Of all"),
    column("share_of_previous", Unit.RATIO, "От прежнего этапа", "Of the previous stage"),
    column("standing", Unit.COUNT, "Стоят сейчас", "Standing here now"),
    column("in_transit", Unit.COUNT, "Ещё в пути", "Still on the way"),
    column("lost_here", Unit.COUNT, "Проиграно отсюда", "Lost from here"),
    overlapping("skipped", Unit.COUNT, "Пропустили этап", "Skipped the stage"),
    column("median_hours", Unit.HOURS, "Медиана, ч", "Median, h"),
    column("p90_hours", Unit.HOURS, "90 % быстрее, ч", "90th percentile, h"),
    column("stuck", Unit.COUNT, "Застряли", "Stuck"),
)


def funnel(
    *,
    deal_stages: Frame,
    stage_visits: Frame,
    deal_outcomes: Frame,
    stages: Frame,
    pipelines: Frame,
    params: FunnelParams,
) -> Frame:
    """One row per stage of every pipeline that has deals in the cohort, in stage order.

    A won or lost stage counts the deals that stand on it, whatever the policy. `share_of_all` is of the deals
    that were on any stage of the pipeline; `share_of_previous` of the open stage before (a won stage: of the
    last open one); null for the first and for lost stages. Stages nobody passed are rows with 0.
    """
    cohort = asked_deals(deal_stages, params)
    counted = _counted(cohort, params)
    young = _in_transit(still_open(deal_stages, params.today), median_cycles(deal_outcomes, params), params)
    visits = visits_by(asked_deals(stage_visits, params), params.today)
    timed = timed_stages(visits, params.today)
    key = ["pipeline_id", "stage_id"]
    rows = (
        with_names(stages, pipelines)
        .join(counted, on=key, how="left")
        .join(young, on=key, how="left")
        .join(timed, on=key, how="left")
        .with_columns(*(nw.col(name).fill_null(0) for name in (*_COUNTS, "stuck")), nw.col("amount").fill_null(0))
    )
    shared = _with_shares(rows).filter(nw.col("all_deals") > 0)
    skipped = nw.when(nw.lit(params.policy is not Policy.ANY)).then(nw.col("skipped"))
    return shared.with_columns(skipped.alias("skipped"))


_COUNTS = ("deals", "started", "standing", "in_transit", "lost_here", "skipped")


def standing(today: date) -> nw.Expr:
    """Whether a row of `deal_stages` is where its deal stood, in that pipeline, at the end of `today`."""
    is_left_later = nw.col("left_on") > nw.lit(today)
    return _by(today, "last_entered_on") & (nw.col("is_current") | is_left_later)


def passes(policy: Policy, today: date) -> nw.Expr:
    """Whether a row of `deal_stages` counts as passing its stage by the end of `today`."""
    is_open = nw.col("stage_outcome") == "open"
    if policy is Policy.CONVERSION:
        return nw.when(is_open).then(_by(today, "passed_on")).otherwise(standing(today))
    passed = _by(today, "in_order_on" if policy is Policy.STRICT else "entered_on")
    return passed & (is_open | standing(today))


def _by(today: date, day: str) -> nw.Expr:
    # Null, where there is no such day, is neither counted nor kept by a filter.
    return nw.col(day) <= nw.lit(today)


def median_cycles(deal_outcomes: Frame, params: FunnelParams) -> Frame:
    """The median days from creation to closing of each pipeline, over all deals closed by `as_of`."""
    closed = deal_outcomes.filter(nw.col("closed_on") <= nw.lit(params.today))
    return closed.group_by("pipeline_id").agg(nw.col("cycle_days").median().alias("median_cycle_days"))


def _counted(cohort: Frame, params: FunnelParams) -> Frame:
    is_counted = passes(params.policy, params.today)
    return cohort.group_by("pipeline_id", "stage_id").agg(
        count_where(is_counted).alias("deals"),
        sum_where("amount", is_counted).alias("amount"),
        count_where(nw.col("is_start") & _by(params.today, "entered_on")).alias("started"),
        count_where(standing(params.today)).alias("standing"),
        count_where(nw.col("is_lost_here") & (nw.col("outcome") == "lost")).alias("lost_here"),
        count_where(nw.col("is_skipped") & _by(params.today, "passed_on")).alias("skipped"),
    )


def _in_transit(ways: Frame, cycles: Frame, params: FunnelParams) -> Frame:
    """How many open deals of the cohort that stand on a stage are younger than the median cycle of their pipeline."""
    age_days = (nw.lit(end_of(params.today)) - nw.col("created_epoch")).cast(nw.Float64()) / DAY_SECONDS
    cohort = asked_deals(ways, params)
    waiting = cohort.filter(nw.col("outcome") == "open", nw.col("stage_outcome") == "open", standing(params.today))
    young = waiting.join(cycles, on="pipeline_id", how="inner").filter(age_days < nw.col("median_cycle_days"))
    return young.group_by("pipeline_id", "stage_id").agg(nw.len().alias("in_transit"))


def _with_shares(rows: Frame) -> Frame:
    is_open = nw.col("outcome") == "open"
    order = {"order_by": ["position", "stage_id"]}
    totals = rows.with_columns(
        nw.col("started").sum().over("pipeline_id").alias("all_deals"),
        nw.when(is_open).then(nw.lit(0)).otherwise(nw.lit(1)).alias("is_final"),
    )
    open_order = nw.when(is_open).then(nw.col("position"))
    placed = totals.with_columns(
        nw.col("deals").shift(1).over("pipeline_id", "is_final", **order).alias("deals_before"),
        open_order.max().over("pipeline_id").alias("last_position"),
    )
    at_last = nw.when(is_open & (nw.col("position") == nw.col("last_position"))).then(nw.col("deals"))
    ended = placed.with_columns(at_last.max().over("pipeline_id").alias("deals_last"))
    before = (
        nw.when(is_open)
        .then(nw.col("deals_before"))
        .otherwise(nw.when(nw.col("outcome") == "won").then(nw.col("deals_last")))
    )
    return ended.with_columns(
        ratio(nw.col("deals"), nw.col("all_deals")).alias("share_of_all"),
        ratio(nw.col("deals"), before).alias("share_of_previous"),
    )


def members(frames: Frames, params: FunnelParams, cell: Cell) -> Frame:
    """The deals that the cell's row counts."""
    counted = asked_deals(frames["deal_stages"], params).filter(passes(params.policy, params.today))
    return where_cell(counted, dict(cell)).group_by("deal_id").agg().select("deal_id")


_STAGES = [
    {"pipeline_id": "b2b", "stage_id": "new", "name": "Новая", "position": 10, "outcome": "open"},
    {"pipeline_id": "b2b", "stage_id": "offer", "name": "Предложение", "position": 20, "outcome": "open"},
    {"pipeline_id": "b2b", "stage_id": "deal", "name": "Договор", "position": 30, "outcome": "open"},
    {"pipeline_id": "b2b", "stage_id": "won", "name": "Успех", "position": 40, "outcome": "won"},
    {"pipeline_id": "b2b", "stage_id": "lost", "name": "Отказ", "position": 50, "outcome": "lost"},
]


def _deal(deal_id: str, created: str, amount: int, **rest: str) -> dict[str, Any]:
    return {"deal_id": deal_id, "pipeline_id": "b2b", "created_at": created, "amount": amount, **rest}


def _events(deal_id: str, **entered: str) -> list[dict[str, Any]]:
    return [{"deal_id": deal_id, "stage_id": stage, "entered_at": at} for stage, at in entered.items()]


EXAMPLE = Example(
    tables={
        "pipelines": [{"pipeline_id": "b2b", "name": "Продажи"}],
        "stages": _STAGES,
        "deals": [
            _deal("first day", "2026-03-01", 100),
            _deal("last day", "2026-03-31 23:59", 200),
            _deal("too early", "2026-02-28 23:59", 400),
            _deal("too late", "2026-04-01", 800),
            _deal("skipped the offer", "2026-03-02", 1600),
            _deal("lost at once", "2026-03-02", 3200),
        ],
        "deal_stage_events": [
            *_events("first day", new="2026-03-01", offer="2026-03-02", deal="2026-03-03", won="2026-03-04"),
            *_events("last day", new="2026-03-31 23:59", offer="2026-04-01"),
            *_events("too early", new="2026-02-28 23:59"),
            *_events("too late", new="2026-04-01"),
            *_events("skipped the offer", new="2026-03-02", deal="2026-03-04"),
            *_events("lost at once", lost="2026-03-02"),
        ],
    },
    params=FunnelParams.model_validate({"from_day": "2026-03-01", "to_day": "2026-03-31", "as_of": "2026-04-02"}),
    expect=[
        {"stage_id": "new", "deals": 4, "amount": 5100, "share_of_all": 1.0, "share_of_previous": None, "skipped": 0},
        {
            "stage_id": "offer",
            "deals": 3,
            "amount": 1900,
            "share_of_all": 0.75,
            "share_of_previous": 0.75,
            "skipped": 1,
        },
        {"stage_id": "deal", "deals": 2, "amount": 1700, "share_of_all": 0.5, "share_of_previous": 2 / 3, "skipped": 0},
        {"stage_id": "won", "deals": 1, "amount": 100, "share_of_all": 0.25, "share_of_previous": 0.5},
        {"stage_id": "lost", "deals": 1, "amount": 3200, "share_of_all": 0.25, "share_of_previous": None},
    ],
)

ANALYSIS = Analysis(
    name="funnel",
    area="sales",
    title=Text(ru="Воронка продаж", en="Sales funnel"),
    question=Text(ru="Где теряются и застревают сделки?", en="Where do deals get lost and stuck?"),
    how_to_read=Text(
        ru=(
            "Каждая строка показывает, сколько сделок прошли этап и какую долю они составляют от всех и от прежнего "
            "этапа. Ищите самый резкий спад и этап с большим числом застрявших. «Ещё в пути» моложе обычного срока "
            "сделки: их рано считать потерями."
        ),
        en=(
            "Each row shows how many deals passed a stage, as a share of all and of the previous stage. Look for the "
            "steepest drop and for the stage with many stuck deals. Deals still on the way are younger than the usual "
            "cycle: it is too early to call them losses."
        ),
    ),
    definition=Text(
        ru=(
            "Сделки отбираются по дню создания, закрытия или по тому, что были в работе в периоде. «Конверсия»: "
            "дойдя до этапа, сделка прошла все прежние; выигранная прошла все; проигранная сразу прошла только первый. "
            "«Классика» и «в любом порядке»: только этапы, где сделка была. «Строго»: этапы подряд с первого до первого "
            "пропуска. На этапах успеха и отказа считаются сделки, которые там стоят. Доля от всех: от сделок, бывших "
            "хотя бы на одном этапе этой воронки. Время на этапе: по завершённым посещениям с известным временем входа. "
            "Застряли: открытая сделка стоит на этапе дольше 90-го процентиля этого этапа. В пути: открытая сделка "
            "моложе медианного срока закрытых сделок воронки. Возраст считается на конец дня вопроса. Повторный вход в "
            "этап считается один раз."
        ),
        en=(
            "Deals are chosen by the day they were created, closed, or by being active in the period. Conversion: "
            "reaching a stage passes all earlier ones; winning passes all; a deal lost at once passed the first only. "
            "Classic and any: only stages entered. Strict: stages in a row from the first up to the first skip. Won and "
            "lost stages count the deals standing there. Share of all: of the deals that were on any stage of this "
            "pipeline. Time in stage: finished visits with a known time of entry. Stuck: an open deal stands longer "
            "than the stage's 90th percentile. On the way: an open deal younger than the median cycle of the pipeline's "
            "closed deals. Ages are counted to the end of the day of the question. A re-entry counts once."
        ),
    ),
    source="docs/definitions.md, Funnel",
    inputs={
        "deal_stages": DEAL_STAGES,
        "stage_visits": STAGE_VISITS,
        "deal_outcomes": DEAL_OUTCOMES,
        "stages": stored(STAGES),
        "pipelines": stored(PIPELINES),
    },
    params=FunnelParams,
    columns=COLUMNS,
    order=("pipeline_id", "position", "stage_id"),
    compute=funnel,
    members=Members(entity="deals", by=("pipeline_id", "stage_id"), select=members, count="deals"),
    chart=Chart(kind="funnel", x="stage", y=("deals",), color="outcome"),
    gate=DataGate(needs=(SOME_DEALS,)),
    left_out=(DEALS_OFF_STAGES, DEALS_WITHOUT_AMOUNT),
    example=EXAMPLE,
)
