"""Loss reasons: from which stage and why are deals lost, and how much money goes with them?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.columns import PIPELINE, column, flag
from rakurs.analyses.filters import DealFilters, asked_deals
from rakurs.analyses.sales.gates import DEALS_WITHOUT_AMOUNT, SOME_LOST_DEALS
from rakurs.analyses.sales.stage_visiting import with_names
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members
from rakurs.core.frames import ratio, where_cell
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_OUTCOMES
from rakurs.schema import LOSS_REASONS, PIPELINES, STAGES
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]


class LossReasonsParams(DealFilters):
    """Parameters of the loss reasons."""


COLUMNS = (
    *PIPELINE,
    column("stage_id", Unit.ID, "Код этапа", "Stage id"),
    column("stage", Unit.TEXT, "Проиграны с этапа", "Lost from stage"),
    column("loss_reason_id", Unit.ID, "Код причины", "Reason id"),
    column("loss_reason", Unit.TEXT, "Причина", "Reason"),
    flag("is_controllable", "Можно повлиять", "Controllable"),
    column("deals", Unit.COUNT, "Сделок", "Deals"),
    column("amount", Unit.MONEY, "Сумма", "Amount"),
    column("share", Unit.SHARE, "Доля проигрышей", "Share of losses"),
)


def lost_deals(deal_outcomes: Frame, params: LossReasonsParams) -> Frame:
    """The lost deals of the cohort, `stage_id` being the stage they were lost from."""
    lost = asked_deals(deal_outcomes, params).filter(nw.col("outcome") == "lost")
    return lost.drop("stage_id").with_columns(nw.col("lost_from_stage_id").alias("stage_id"))


def loss_reasons(
    *, deal_outcomes: Frame, loss_reasons: Frame, stages: Frame, pipelines: Frame, params: LossReasonsParams
) -> Frame:
    """One row per pipeline, stage and reason with at least one lost deal, the most frequent first.

    An empty `stage_id` holds the deals of which no open stage is known before the loss; an empty
    `loss_reason_id` those without a reason. `share` is of all lost deals of the answer.
    """
    counted = (
        lost_deals(deal_outcomes, params)
        .group_by("pipeline_id", "stage_id", "loss_reason_id")
        .agg(nw.len().alias("deals"), nw.col("amount").sum().alias("amount"))
        .with_columns(nw.col("deals").sum().alias("all_deals"))
    )
    reasons = loss_reasons.select("loss_reason_id", nw.col("name").alias("loss_reason"), "is_controllable")
    stage_names = with_names(stages, pipelines).select("pipeline_id", "stage_id", "stage")
    pipeline_names = pipelines.select("pipeline_id", nw.col("name").alias("pipeline"))
    return (
        counted.join(reasons, on="loss_reason_id", how="left")
        .join(stage_names, on=["pipeline_id", "stage_id"], how="left")
        .join(pipeline_names, on="pipeline_id", how="left")
        .with_columns(
            nw.coalesce(nw.col("loss_reason"), nw.col("loss_reason_id")).alias("loss_reason"),
            nw.coalesce(nw.col("stage"), nw.col("stage_id")).alias("stage"),
            nw.coalesce(nw.col("pipeline"), nw.col("pipeline_id")).alias("pipeline"),
            ratio(nw.col("deals"), nw.col("all_deals")).alias("share"),
        )
    )


def members(frames: Frames, params: LossReasonsParams, cell: Cell) -> Frame:
    """The lost deals of the cell."""
    return where_cell(lost_deals(frames["deal_outcomes"], params), dict(cell)).select("deal_id")


def _deal(deal_id: str, closed: str, reason: str | None, amount: int) -> dict[str, Any]:
    return {
        "deal_id": deal_id,
        "pipeline_id": "b2b",
        "created_at": "2026-02-01",
        "closed_at": closed,
        "stage_id": "lost",
        "loss_reason_id": reason,
        "amount": amount,
    }


EXAMPLE = Example(
    tables={
        "stages": [
            {"pipeline_id": "b2b", "stage_id": "new", "name": "Новая", "position": 1, "outcome": "open"},
            {"pipeline_id": "b2b", "stage_id": "lost", "name": "Отказ", "position": 2, "outcome": "lost"},
        ],
        "loss_reasons": [
            {"loss_reason_id": "price", "name": "Дорого", "is_controllable": True},
            {"loss_reason_id": "silence", "name": "Пропал", "is_controllable": False},
        ],
        "deals": [
            _deal("first day", "2026-03-01", "price", 100),
            _deal("last day", "2026-03-31 23:59", "price", 200),
            _deal("a tie", "2026-03-10", "silence", 50),
            _deal("at once", "2026-03-10", None, 25),
            _deal("too early", "2026-02-28 23:59", "price", 400),
            _deal("too late", "2026-04-01", "price", 800),
        ],
        "deal_stage_events": [
            {"deal_id": deal, "stage_id": "new", "entered_at": "2026-02-01"}
            for deal in ("first day", "last day", "a tie", "too early", "too late")
        ],
    },
    params=LossReasonsParams.model_validate({"cohort": "closed", "from_day": "2026-03-01", "to_day": "2026-03-31", "as_of": "2026-04-30"}),
    expect=[
        {"stage_id": "new", "loss_reason_id": "price", "loss_reason": "Дорого", "deals": 2, "amount": 300, "share": 0.5},
        {"stage_id": "new", "loss_reason_id": "silence", "deals": 1, "amount": 50, "share": 0.25},
        {"stage_id": None, "loss_reason_id": None, "deals": 1, "amount": 25, "share": 0.25},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="loss_reasons",
    area="sales",
    title=Text(ru="Причины проигрыша", en="Loss reasons"),
    question=Text(ru="С какого этапа и почему уходят сделки?", en="From which stage and why are deals lost?"),
    how_to_read=Text(
        ru=(
            "Сверху самые частые сочетания этапа и причины. Смотрите и на сумму: редкая причина может уносить больше "
            "денег. Причины, на которые можно повлиять, отмечены. Много строк без причины значит, что её не заполняют."
        ),
        en=(
            "The most frequent pairs of stage and reason stand first. Look at the amount too: a rare reason may take "
            "more money away. Controllable reasons are marked. Many rows without a reason mean that nobody fills it in."
        ),
    ),
    definition=Text(
        ru=(
            "Проигранные сделки выборки по последнему открытому этапу перед проигрышем и причине из карточки сделки. "
            "Проигрыш определяется последним этапом истории. Пустой этап: до проигрыша не известен ни один открытый "
            "этап. Доля: от всех проигранных сделок выборки. Сумма: в валюте компании."
        ),
        en=(
            "Lost deals of the cohort by the last open stage before the loss and by the reason on the deal. A loss is "
            "read from the last stage of the history. No stage: no open stage is known before the loss. Share: of all "
            "lost deals of the cohort. Amount: in the company's currency."
        ),
    ),
    source="docs/definitions.md, Funnel",
    inputs={
        "deal_outcomes": DEAL_OUTCOMES,
        "loss_reasons": stored(LOSS_REASONS),
        "stages": stored(STAGES),
        "pipelines": stored(PIPELINES),
    },
    params=LossReasonsParams,
    columns=COLUMNS,
    order=("-deals", "pipeline_id", "stage_id", "loss_reason_id"),
    compute=loss_reasons,
    members=Members(entity="deals", by=("pipeline_id", "stage_id", "loss_reason_id"), select=members, count="deals"),
    chart=Chart(kind="bars", x="loss_reason", y=("deals",), color="stage"),
    gate=DataGate(needs=(SOME_LOST_DEALS,)),
    left_out=(
        DEALS_WITHOUT_AMOUNT,
        LeftOut(
            reason=Text(ru="Проигранные сделки без причины", en="Lost deals without a reason"),
            rows=lambda frames, params: lost_deals(frames["deal_outcomes"], params).filter(
                nw.col("loss_reason_id").is_null()
            ),
        ),
    ),
    example=EXAMPLE,
)
