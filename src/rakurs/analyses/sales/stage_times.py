"""Stage times: how long do deals stand on each stage, and which of them are stuck?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.columns import PIPELINE, STAGE, column, overlapping
from rakurs.analyses.filters import DealFilters, asked_deals
from rakurs.analyses.sales.gates import DEALS_OFF_STAGES, SOME_DEALS
from rakurs.analyses.sales.stage_visiting import finished_by, timed_stages, visits_by, with_names
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members
from rakurs.core.frames import count_where, where_cell
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_OUTCOMES, DEAL_STAGES, STAGE_VISITS
from rakurs.schema import PIPELINES, STAGES
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]


class StageTimesParams(DealFilters):
    """Parameters of the times in stages."""


COLUMNS = (
    *PIPELINE,
    *STAGE,
    overlapping("deals", Unit.COUNT, "Сделок было", "Deals that were here"),
    column("visits", Unit.COUNT, "Посещений", "Visits"),
    column("finished", Unit.COUNT, "Завершено", "Finished"),
    column("median_hours", Unit.HOURS, "Медиана, ч", "Median, h"),
    column("p90_hours", Unit.HOURS, "90 % быстрее, ч", "90th percentile, h"),
    column("norm_hours", Unit.HOURS, "Норма, ч", "Norm, h"),
    column("over_norm", Unit.COUNT, "Дольше нормы", "Longer than the norm"),
    column("stuck", Unit.COUNT, "Застряли", "Stuck"),
    column("reentries", Unit.COUNT, "Повторных входов", "Re-entries"),
    column("backward", Unit.COUNT, "Возвратов назад", "Backward moves"),
    overlapping("skips", Unit.COUNT, "Пропустили этап", "Skipped the stage"),
)


def stage_times(
    *, stage_visits: Frame, deal_stages: Frame, stages: Frame, pipelines: Frame, deal_outcomes: Frame, params: Any
) -> Frame:
    """One row per open stage of every pipeline with deals in the cohort, in stage order; untouched stages show 0."""
    _ = deal_outcomes  # read by the gate and by what is left out
    visits = visits_by(asked_deals(stage_visits, params), params.today).filter(nw.col("stage_outcome") == "open")
    timed = timed_stages(visits, params.today)
    key = ["pipeline_id", "stage_id"]
    known = with_names(stages, pipelines).filter(nw.col("outcome") == "open")
    norms = known.select(*key, "norm_hours")
    visited = (
        visits.join(norms, on=key, how="left")
        .group_by(*key)
        .agg(
            nw.len().alias("visits"),
            count_where(finished_by(params.today) & (nw.col("hours") > nw.col("norm_hours"))).alias("over_norm"),
            count_where(nw.col("is_reentry")).alias("reentries"),
            count_where(nw.col("is_backward")).alias("backward"),
        )
    )
    is_entered = (nw.col("entered_on") <= nw.lit(params.today)).fill_null(value=False)
    is_skipped = nw.col("is_skipped") & (nw.col("passed_on") <= nw.lit(params.today))
    passed = (
        asked_deals(deal_stages, params)
        .group_by(*key)
        .agg(count_where(is_entered).alias("deals"), count_where(is_skipped).alias("skips"))
    )
    rows = known
    for part in (visited, timed, passed):
        rows = rows.join(part, on=key, how="left")
    counts = ("deals", "visits", "finished", "stuck", "reentries", "backward", "skips")
    filled = rows.with_columns(
        *(nw.col(name).fill_null(0) for name in counts),
        nw.when(~nw.col("norm_hours").is_null()).then(nw.col("over_norm").fill_null(0)).alias("over_norm"),
    )
    touched = filled.with_columns((nw.col("visits") + nw.col("skips")).sum().over("pipeline_id").alias("touched"))
    return touched.filter(nw.col("touched") > 0)


def members(frames: Frames, params: StageTimesParams, cell: Cell) -> Frame:
    """The deals that were on the stage."""
    entered = asked_deals(frames["deal_stages"], params).filter(nw.col("is_entered"), nw.col("stage_outcome") == "open")
    return where_cell(entered, dict(cell)).group_by("deal_id").agg().select("deal_id")


_STAGES = [
    {"pipeline_id": "b2b", "stage_id": "new", "name": "Новая", "position": 1, "outcome": "open", "norm_hours": 24},
    {"pipeline_id": "b2b", "stage_id": "offer", "name": "Предложение", "position": 2, "outcome": "open"},
    {"pipeline_id": "b2b", "stage_id": "won", "name": "Успех", "position": 3, "outcome": "won"},
]


def _deal(deal_id: str, *entered: tuple[str, str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    deal = {"deal_id": deal_id, "pipeline_id": "b2b", "created_at": "2026-03-01", "amount": 10}
    return deal, [{"deal_id": deal_id, "stage_id": stage, "entered_at": at} for stage, at in entered]


_WAYS = [
    _deal("a day", ("new", "2026-03-01"), ("offer", "2026-03-02"), ("won", "2026-03-04")),
    _deal("two days, back and again", ("new", "2026-03-01"), ("offer", "2026-03-03"), ("new", "2026-03-04"),
          ("offer", "2026-03-07"), ("won", "2026-03-11")),
    _deal("stuck", ("new", "2026-03-01"), ("offer", "2026-03-02")),
    _deal("exactly the 90th percentile", ("new", "2026-03-01"), ("offer", "2026-03-08 09:36")),
    _deal("skipped the offer", ("new", "2026-03-01"), ("won", "2026-03-02")),
]  # fmt: skip

EXAMPLE = Example(
    tables={
        "pipelines": [{"pipeline_id": "b2b", "name": "Продажи"}],
        "stages": _STAGES,
        "deals": [deal for deal, _ in _WAYS],
        "deal_stage_events": [event for _, events in _WAYS for event in events],
    },
    params=StageTimesParams.model_validate({"as_of": "2026-03-11"}),
    expect=[
        # Hours on the first stage: 24, 48, 72 (again), 24, 177.6, 24. Median of the six: (24 + 48) / 2; p90 at
        # place 4.5: (72 + 177.6) / 2. The norm is 24 h: exactly 24 h is not longer.
        {"stage_id": "new", "deals": 5, "visits": 6, "finished": 6, "median_hours": 36.0, "p90_hours": 124.8,
         "norm_hours": 24, "over_norm": 3, "stuck": 0, "reentries": 1, "backward": 1, "skips": 0},
        # Finished: 48, 24, 96 h; p90 at place 1.8: 48 + 0.8 * 48 = 86.4 h. By the end of 11 March "stuck" has waited
        # 240 h, "exactly the 90th percentile" 86.4 h.
        {"stage_id": "offer", "deals": 4, "visits": 5, "finished": 3, "median_hours": 48.0, "p90_hours": 86.4,
         "norm_hours": None, "over_norm": None, "stuck": 1, "reentries": 1, "backward": 0, "skips": 1},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="stage_times",
    area="sales",
    title=Text(ru="Время на этапах", en="Time in stages"),
    question=Text(
        ru="Сколько сделки стоят на этапах и какие застряли?", en="How long do deals stand, which are stuck?"
    ),
    how_to_read=Text(
        ru=(
            "Медиана: половина сделок проходит этап быстрее. Разрыв между медианой и 90-м процентилем говорит, что "
            "часть сделок ведут иначе. Начните с этапа, где много застрявших: это работа на сегодня."
        ),
        en=(
            "Median: half of the deals pass the stage faster. A wide gap between the median and the 90th percentile "
            "says that some deals are handled differently. Start with the stage that has many stuck deals."
        ),
    ),
    definition=Text(
        ru=(
            "Посещение: один вход сделки в открытый этап; повторные входы считаются отдельно. Медиана и 90-й "
            "процентиль: по завершённым посещениям, у которых известно время входа и выхода, с линейной интерполяцией. "
            "Застряла: открытая сделка, которая к концу дня вопроса стоит на этапе дольше 90-го процентиля. Дольше "
            "нормы: завершённые посещения длиннее нормы этапа. Возврат назад: вход с более позднего этапа или с итога. "
            "Пропуск: сделка ушла дальше, ни разу не побывав на этапе. Итоговые этапы не показываются."
        ),
        en=(
            "A visit is one entry of a deal into an open stage; re-entries count separately. Median and 90th percentile "
            "are over finished visits with known times, linearly interpolated. Stuck: an open deal that by the end of "
            "the day of the question has stood longer than the 90th percentile. Longer than the norm: finished visits "
            "above the stage's norm. Backward: entered from a later or a final stage. Skip: the deal went on without "
            "ever being here. Final stages are not shown."
        ),
    ),
    source="docs/definitions.md, Funnel",
    inputs={
        "stage_visits": STAGE_VISITS,
        "deal_stages": DEAL_STAGES,
        "stages": stored(STAGES),
        "pipelines": stored(PIPELINES),
        "deal_outcomes": DEAL_OUTCOMES,
    },
    params=StageTimesParams,
    columns=COLUMNS,
    order=("pipeline_id", "position", "stage_id"),
    compute=stage_times,
    members=Members(entity="deals", by=("pipeline_id", "stage_id"), select=members, count="deals"),
    chart=Chart(kind="bars", x="stage", y=("median_hours", "p90_hours")),
    gate=DataGate(needs=(SOME_DEALS,)),
    left_out=(
        DEALS_OFF_STAGES,
        LeftOut(
            reason=Text(
                ru="Посещения без известного времени входа: сделка загружена без истории",
                en="Visits without a known time of entry: the deal was loaded without history",
            ),
            rows=lambda frames, params: asked_deals(frames["stage_visits"], params).filter(
                nw.col("stage_outcome") == "open", ~nw.col("is_timed")
            ),
        ),
    ),
    example=EXAMPLE,
)
