"""Satisfaction: which share of customers is satisfied (CSAT), or found it easy (CES), when, and with whom?"""

from enum import StrEnum
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.columns import column
from rakurs.analyses.experience.answers import (
    GROUP,
    ORDER,
    SURVEY_INPUTS,
    SurveyParams,
    asked_responses,
    enough,
    grouped,
    interval_columns,
    off_the_scale,
    responses_in,
    survey_names,
    with_names,
)
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, Members
from rakurs.core.frames import count_where, ratio
from rakurs.core.intervals import wilson_bounds
from rakurs.core.params import parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit

Frame = nw.LazyFrame[Any]


class Asked(StrEnum):
    """What customers were asked."""

    CSAT = "csat"
    CES = "ces"


SCALES = {Asked.CSAT: (4, 5), Asked.CES: (5, 7)}
"""From which answer on somebody is satisfied, and the best answer; the worst is 1."""


class SatisfactionParams(SurveyParams):
    """Which answers, to which question, and by what."""

    question: Asked = parameter(
        Asked.CSAT,
        Text(ru="Вопрос", en="Question"),
        labels={
            Asked.CSAT: Text(ru="Довольны ли (1–5)", en="Are you satisfied (1–5)"),
            Asked.CES: Text(ru="Легко ли было (1–7)", en="Was it easy (1–7)"),
        },
    )


COLUMNS = (
    *GROUP,
    column("answers", Unit.COUNT, "Ответов", "Answers"),
    column("satisfied", Unit.COUNT, "Довольны", "Satisfied"),
    *interval_columns("satisfaction", Unit.SHARE, ru="Доля довольных", en="Share satisfied"),
    column("average_score", Unit.NUMBER, "Средняя оценка", "Average score"),
)


def satisfaction(*, params: SatisfactionParams, **frames: Frame) -> Frame:
    """One row per month, channel, employee or product of an answer; answers of none of them share a row."""
    counted = grouped(_asked(frames, params), frames, params).group_by("period_start", "key").agg(*_counts(params))
    return with_names(_judged(counted), frames, survey_names(params))


def _asked(frames: Frames, params: SatisfactionParams) -> Frame:
    return asked_responses(frames, params, kind=params.question.value, low=1, high=SCALES[params.question][1])


def _counts(params: SatisfactionParams) -> tuple[nw.Expr, ...]:
    return (
        nw.len().cast(nw.Int64()).alias("answers"),
        count_where(nw.col("score") >= SCALES[params.question][0]).alias("satisfied"),
        nw.col("score").mean().alias("average_score"),
    )


def _judged(counted: Frame) -> Frame:
    low, high = wilson_bounds(nw.col("satisfied"), nw.col("answers"))
    return counted.with_columns(
        ratio(nw.col("satisfied"), nw.col("answers")).alias("satisfaction"),
        low.alias("satisfaction_low"),
        high.alias("satisfaction_high"),
    )


def totals(frames: Frames, params: SatisfactionParams) -> Frame:
    """All answers together."""
    return _judged(_asked(frames, params).select(*_counts(params)))


def members(frames: Frames, params: SatisfactionParams, cell: Cell) -> Frame:
    """The answers of a month, channel, employee or product."""
    return responses_in(_asked(frames, params), frames, params, cell)


def _answers(score: float | None, count: int, about: str | None = None, **more: Any) -> list[dict[str, Any]]:
    said = {"kind": "csat", "score": score, "answered_at": "2026-03-10", "employee_id": about, **more}
    return [{"response_id": f"{score} {about} {more} {number}", **said} for number in range(count)]


EXAMPLE = Example(
    tables={
        "employees": [{"employee_id": "anna", "name": "Анна"}, {"employee_id": "boris", "name": "Борис"}],
        "stages": [{"pipeline_id": "p", "stage_id": "new", "position": 1, "outcome": "open"}],
        "deals": [{"deal_id": "d", "pipeline_id": "p", "created_at": "2026-03-01", "stage_id": "new", "manager_id": "boris"}],
        "orders": [{"order_id": "o", "ordered_at": "2026-03-01", "manager_id": "vera", "amount": 100}],
        "survey_responses": [
            # 4 of 5 is satisfied, 3 is not; 5 and 1 are the ends of the scale, 6 and 0 lie off it.
            *_answers(4, 6, "anna"),
            *_answers(5, 2, "anna", deal_id="d"),
            *_answers(3, 2, "anna"),
            *_answers(1, 5, deal_id="d"),
            *_answers(5, 5, deal_id="d", order_id="o"),
            *_answers(4, 10, order_id="o"),
            *_answers(2, 1),
            *_answers(6, 1, "anna"),
            *_answers(0, 1, "anna"),
            *_answers(5, 1, "anna", kind="nps"),
            *_answers(5, 1, "anna", answered_at="2026-02-28 23:59"),
        ],
    },
    params=SatisfactionParams.model_validate(
        {"by": "employee", "from_day": "2026-03-01", "to_day": "2026-03-31", "as_of": "2026-03-31"}
    ),
    expect=[
        # Three tie in answers: the id decides. Wilson, 8 of 10: 0.4902..0.9433.
        {"period_start": None, "key": "anna", "name": "Анна", "answers": 10, "satisfied": 8, "satisfaction": 0.8,
         "satisfaction_low": 0.4901624715, "satisfaction_high": 0.9433178485, "average_score": 4.0},
        {"key": "boris", "name": "Борис", "answers": 10, "satisfied": 5, "satisfaction": 0.5, "average_score": 3.0},
        {"key": "vera", "name": "vera", "answers": 10, "satisfied": 10, "satisfaction": 1.0, "satisfaction_high": 1.0},
        {"key": None, "name": None, "answers": 1, "satisfied": 0, "satisfaction": 0.0, "satisfaction_low": 0.0},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="satisfaction",
    area="experience",
    title=Text(ru="Довольные клиенты (CSAT, CES)", en="Satisfied customers (CSAT, CES)"),
    question=Text(ru="Довольны ли нами, кем и с каких пор?", en="Are customers satisfied, with whom and since when?"),
    how_to_read=Text(
        ru=(
            "Отрезок у доли показывает, в каких пределах она на самом деле. Сотрудники, чьи отрезки пересекаются, пока неразличимы. По "
            "щелчку открываются сами ответы."
        ),
        en=(
            "The segment at a share shows where it really may lie. Employees whose segments overlap cannot be told apart yet. A click opens "
            "the answers themselves."
        ),
    ),
    definition=Text(
        ru=(
            "CSAT = доля ответивших 4–5 из 5, CES = доля ответивших 5–7 из 7. Интервал 95 % по Уилсону. Сотрудник: о ком ответ, иначе "
            "ответственный сделки или заказа. Канал: сделки, заказа или клиента. Товар: товар сделки."
        ),
        en=(
            "CSAT = the share of answers 4–5 of 5, CES = of answers 5–7 of 7. 95% interval by Wilson. Employee: whom the answer is about, "
            "else who keeps its deal or order. Channel: of the deal, the order or the customer. Product: of the deal."
        ),
    ),
    source="Wilson, JASA 22 (1927), 209-212; Dixon, Freeman, Toman, Harvard Business Review 88 (2010), 116-122",
    inputs=SURVEY_INPUTS,
    params=SatisfactionParams,
    columns=COLUMNS,
    order=ORDER,
    compute=satisfaction,
    totals=totals,
    members=Members(entity="survey_responses", by=("key",), select=members, count="answers"),
    chart=Chart(kind="intervals", x="name", y=("satisfaction",), interval=("satisfaction_low", "satisfaction_high")),
    gate=DataGate(needs=(enough(Text(ru="ответов на этот вопрос", en="answers to this question"), _asked),)),
    left_out=(off_the_scale(lambda params: (params.question.value, 1, SCALES[params.question][1])),),
    example=EXAMPLE,
)
