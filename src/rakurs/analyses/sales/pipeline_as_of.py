"""The pipeline as of a day: what stood on each stage, and what was it expected to bring?"""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.columns import PIPELINE, column, overlapping
from rakurs.analyses.filters import end_of_month, in_work
from rakurs.analyses.sales.pipeline_days import STATES, UNSEEN, WITHOUT_AMOUNT, believed, in_pipeline, is_open
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members, Need
from rakurs.core.frames import count_where, ratio, sum_where, to_money, where_cell
from rakurs.core.intervals import wilson_bounds
from rakurs.core.params import CUSTOMER_SEGMENT, RECORDS, Params, Records, parameter
from rakurs.core.periods import DAY
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_STATES
from rakurs.schema import PIPELINES, STAGES
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]


class PipelineAsOfParams(Params):
    """Parameters of the pipeline as of a day."""

    as_of: date | None = parameter(
        None,
        Text(ru="На дату", en="As of"),
        unit=Unit.DAY,
        help=Text(ru="Каким портфель был на конец этого дня", en="The pipeline as it stood at the end of this day"),
    )
    pipeline: str | None = parameter(None, Text(ru="Воронка", en="Pipeline"), unit=Unit.ID, options="pipeline")
    manager: str | None = parameter(None, Text(ru="Менеджер", en="Manager"), unit=Unit.ID, options="manager")
    channel: str | None = parameter(None, Text(ru="Канал", en="Channel"), unit=Unit.ID, options="channel")
    customer_segment: str | None = CUSTOMER_SEGMENT
    records: Records = RECORDS

    def spoken_of(self, deals: Frame) -> Frame:
        """Those in work at the end of the day."""
        return in_work(deals, self, first=self.today + DAY, last=self.today)


COLUMNS = (
    *PIPELINE,
    column("stage_id", Unit.ID, "Код этапа", "Stage id"),
    column("stage", Unit.TEXT, "Этап", "Stage"),
    column("position", Unit.POSITION, "Порядок", "Position"),
    column("deals", Unit.COUNT, "Сделок в работе", "Open deals"),
    column("amount", Unit.MONEY, "Сумма", "Amount"),
    column("weighted", Unit.MONEY, "Взвешенная сумма", "Weighted amount"),
    column("expected_this_month", Unit.MONEY, "Ожидается до конца месяца", "Expected by the end of the month"),
    column("overdue", Unit.COUNT, "Срок закрытия прошёл", "Past the expected day"),
    column("share", Unit.SHARE, "Доля суммы", "Share of the amount"),
    column("win_share", Unit.SHARE, "Выигрывают с этапа", "Won from here"),
    column("win_share_low", Unit.SHARE, "Выигрывают, не ниже", "Won from here, low"),
    column("win_share_high", Unit.SHARE, "Выигрывают, не выше", "Won from here, high"),
    column("unseen", Unit.COUNT, "Сумма дня не известна", "Amount of the day not known"),
    overlapping("learned_from", Unit.COUNT, "Закрытых, по ним доля", "Closed deals behind the share"),
)
PLACE = ("pipeline_id", "stage_id")


def pipeline_as_of(*, deal_states: Frame, stages: Frame, pipelines: Frame, params: PipelineAsOfParams) -> Frame:
    """One row per pipeline and stage with an open deal at the end of the day; deals without a stage share one row."""
    today = nw.lit(params.today)
    due = nw.col("expected_close_on")
    is_due = (due <= nw.lit(end_of_month(params.today))).fill_null(value=False)
    standing = (
        in_pipeline(deal_states, params, params.today)
        .group_by(*PLACE)
        .agg(
            nw.col("position").max().alias("position"),
            nw.len().alias("deals"),
            nw.col("amount").sum().alias("amount"),
            sum_where("amount", is_due).alias("expected_this_month"),
            count_where((due < today).fill_null(value=False)).alias("overdue"),
            count_where(~nw.col("is_seen")).alias("unseen"),
        )
        .with_columns(nw.col("amount").sum().alias("whole"))
    )
    low, high = wilson_bounds(nw.col("won"), nw.col("learned_from"))
    valued = (
        standing.join(_learned(deal_states, params), on=list(PLACE), how="left")
        .with_columns(
            ratio(nw.col("amount"), nw.col("whole")).alias("share"),
            ratio(nw.col("won"), nw.col("learned_from")).alias("win_share"),
            low.alias("win_share_low"),
            high.alias("win_share_high"),
            nw.col("learned_from").fill_null(0).alias("learned_from"),
        )
        .with_columns(to_money(nw.col("amount").cast(nw.Float64()) * nw.col("win_share")).alias("weighted"))
    )
    return _named(valued, stages, pipelines)


def _learned(states: Frame, params: PipelineAsOfParams) -> Frame:
    """Per stage, of the deals that stood on it and were closed by the day: how many, and how many of them won.

    Only what was known on that day teaches; the filters by manager and channel do not narrow it, the few deals of
    one manager say too little of a stage.
    """
    whole = PipelineAsOfParams(as_of=params.as_of, pipeline=params.pipeline)
    closed = believed(states, whole, params.today).filter(~is_open()).select("deal_id", nw.col("outcome").alias("end"))
    visited = states.filter(is_open(), nw.col("valid_from") <= nw.lit(params.today)).group_by("deal_id", *PLACE).agg()
    return (
        visited.join(closed, on="deal_id", how="inner")
        .group_by(*PLACE)
        .agg(nw.len().alias("learned_from"), count_where(nw.col("end") == "won").alias("won"))
    )


def _named(rows: Frame, stages: Frame, pipelines: Frame) -> Frame:
    stage_names = stages.select(*PLACE, nw.col("name").alias("stage"))
    pipeline_names = pipelines.select("pipeline_id", nw.col("name").alias("pipeline"))
    named = rows.join(stage_names, on=list(PLACE), how="left").join(pipeline_names, on="pipeline_id", how="left")
    return named.with_columns(
        nw.coalesce("stage", "stage_id").alias("stage"), nw.coalesce("pipeline", "pipeline_id").alias("pipeline")
    )


def members(frames: Frames, params: PipelineAsOfParams, cell: Cell) -> Frame:
    """The open deals of the stage on that day."""
    return where_cell(in_pipeline(frames[STATES], params, params.today), dict(cell)).select("deal_id")


def _standing(frames: Frames, params: PipelineAsOfParams) -> Frame:
    return in_pipeline(frames[STATES], params, params.today)


def _deal(deal_id: str, stage: str, created: str, **more: Any) -> dict[str, Any]:
    return {"deal_id": deal_id, "pipeline_id": "b2b", "stage_id": stage, "created_at": created, "amount": 100, **more}


def _moved(deal_id: str, **entries: str) -> list[dict[str, Any]]:
    return [
        {"deal_id": deal_id, "pipeline_id": "b2b", "stage_id": stage, "entered_at": at} for stage, at in entries.items()
    ]


EXAMPLE = Example(
    tables={
        "pipelines": [{"pipeline_id": "b2b", "name": "Опт"}],
        "stages": [
            {"pipeline_id": "b2b", "stage_id": "new", "name": "Новая", "position": 1, "outcome": "open"},
            {"pipeline_id": "b2b", "stage_id": "offer", "name": "Предложение", "position": 2, "outcome": "open"},
            {"pipeline_id": "b2b", "stage_id": "won", "position": 3, "outcome": "won"},
            {"pipeline_id": "b2b", "stage_id": "lost", "position": 4, "outcome": "lost"},
        ],
        "deals": [
            # Created on the day itself: in. Created the day after: not yet.
            _deal("today", "new", "2026-03-31 23:59"),
            _deal("tomorrow", "new", "2026-04-01 00:00"),
            # Was an offer of 100 on the day, grew to 900 later.
            _deal("grown", "offer", "2026-03-01", amount=900, expected_close_on="2026-04-01"),
            # Won on the day itself: out. Won the day after: still in.
            _deal("won", "won", "2026-03-01", closed_at="2026-03-31 10:00"),
            _deal("later", "won", "2026-03-01", closed_at="2026-04-01 00:00", expected_close_on="2026-03-31"),
            _deal("lost", "lost", "2026-03-01", closed_at="2026-03-10"),
            # Its expected day has passed; nobody knows its amount.
            _deal("late", "new", "2026-03-02", amount=None, expected_close_on="2026-03-30"),
        ],
        "deal_stage_events": [
            *_moved("grown", new="2026-03-01", offer="2026-03-31 12:00"),
            *_moved("won", new="2026-03-01", offer="2026-03-05", won="2026-03-31 10:00"),
            *_moved("later", new="2026-03-01", offer="2026-03-05", won="2026-04-01"),
            *_moved("lost", new="2026-03-01", lost="2026-03-10"),
        ],
        "deal_snapshots": [
            {"deal_id": "grown", "created_at": "2026-03-01", "seen_at": "2026-03-31 20:00", "amount": 100,
             "expected_close_on": "2026-04-01"},
            {"deal_id": "grown", "created_at": "2026-03-01", "seen_at": "2026-04-02", "amount": 900,
             "expected_close_on": "2026-04-01"},
        ],
    },
    params=PipelineAsOfParams(as_of=date(2026, 3, 31)),
    expect=[
        # Of the two deals that had stood on "new" and were closed by the day one was won; Wilson 1 of 2.
        {"pipeline": "Опт", "stage_id": "new", "stage": "Новая", "deals": 2, "amount": 100, "share": 1 / 3,
         "win_share": 0.5, "win_share_low": 0.0945312057, "win_share_high": 0.9054687943, "weighted": 50,
         "expected_this_month": 0, "overdue": 1, "unseen": 2, "learned_from": 2},
        {"pipeline": "Опт", "stage_id": "offer", "deals": 2, "amount": 200, "share": 2 / 3, "win_share": 1.0,
         "weighted": 200, "expected_this_month": 100, "overdue": 0, "unseen": 1, "learned_from": 1},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="pipeline_as_of",
    area="sales",
    title=Text(ru="Портфель на дату", en="Pipeline as of a day"),
    question=Text(
        ru="Что было в работе на любой прошлый день и сколько от этого ждали?",
        en="What was in the pipeline on any past day, and how much was expected of it?",
    ),
    how_to_read=Text(
        ru=(
            "Портфель показан таким, каким его знали в конце выбранного дня: с тогдашними этапами, суммами и сроками. "
            "Взвешенная сумма: сумма этапа, умноженная на долю сделок, которые выигрывали с этого этапа. Если сумма "
            "того дня не известна, потому что данные загружены позже, взята первая известная, и это посчитано отдельно."
        ),
        en=(
            "The pipeline as it was known at the end of the chosen day: its stages, amounts and dates of then. The "
            "weighted amount is a stage's amount times the share of deals won from that stage. Where the amount of the "
            "day is not known, because data was loaded later, the first known one stands, and is counted apart."
        ),
    ),
    definition=Text(
        ru=(
            "Сделки, открытые на конец дня. Этап: по истории этапов; сделка, закрытая позже этого дня, ещё открыта. Сумма, "
            "ожидаемое закрытие и менеджер: по последнему снимку не позже этого дня; раньше первого снимка — его значения, без "
            "снимков — нынешние. Доля выигранных с этапа: среди сделок, стоявших на нём и закрытых к этому дню, интервал "
            "Уилсона 95 %. Ожидается до конца месяца: срок закрытия не позже последнего дня месяца, просроченные "
            "входят. Деньги в валюте компании по курсу дня создания сделки."
        ),
        en=(
            "Deals open at the end of the day. Stage: by the stage history; a deal closed after the day is still open. "
            "Amount, expected closing and manager: of the latest snapshot not after the day; before the first snapshot its "
            "values, without snapshots the present ones. Won from a stage: among deals that stood on it and were closed "
            "by the day, Wilson 95 % interval. Expected by the end of the month: expected day not after its last day, "
            "overdue ones included. Money in the company's currency at the rate of the deal's creation."
        ),
    ),
    source="Snodgrass, Developing Time-Oriented Database Applications in SQL, 1999, ch. 5–6; Wilson, JASA 22 (1927), 209–212",
    inputs={STATES: DEAL_STATES, "stages": stored(STAGES), "pipelines": stored(PIPELINES)},
    params=PipelineAsOfParams,
    columns=COLUMNS,
    order=("pipeline_id", "position", "stage_id"),
    compute=pipeline_as_of,
    members=Members(entity="deals", by=PLACE, select=members, count="deals"),
    chart=Chart(kind="funnel", x="stage", y=("amount",)),
    gate=DataGate(
        needs=(
            Need(what=Text(ru="сделок в работе на этот день", en="deals open on that day"), at_least=1, rows=_standing),
        )
    ),
    left_out=(
        LeftOut(reason=UNSEEN, rows=lambda frames, params: _standing(frames, params).filter(~nw.col("is_seen"))),
        LeftOut(
            reason=WITHOUT_AMOUNT,
            rows=lambda frames, params: _standing(frames, params).filter(nw.col("amount").is_null()),
        ),
    ),
    example=EXAMPLE,
)
