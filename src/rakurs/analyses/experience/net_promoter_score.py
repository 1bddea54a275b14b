"""NPS: how many more would recommend us than would not, when, and whose clients?"""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import answered, column
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
from rakurs.core.intervals import net_share_interval
from rakurs.core.text import Text
from rakurs.core.units import Unit

Frame = nw.LazyFrame[Any]

PROMOTER_FROM, DETRACTOR_TO, MOST = 9, 6, 10
COLUMNS = (
    *GROUP,
    column("answers", Unit.COUNT, "Ответов", "Answers"),
    column("promoters", Unit.COUNT, "Рекомендуют (9–10)", "Promoters (9–10)"),
    column("passives", Unit.COUNT, "Нейтральны (7–8)", "Passives (7–8)"),
    column("detractors", Unit.COUNT, "Критики (0–6)", "Detractors (0–6)"),
    *interval_columns("nps", Unit.POINTS, ru="Индекс NPS", en="NPS index"),
)


def net_promoter_score(*, params: SurveyParams, **frames: Frame) -> Frame:
    """One row per month, channel, employee or product of an answer; answers of none of them share a row. Counts only."""
    return with_names(_counted(_asked(frames, params), frames, params), frames, survey_names(params))


def _asked(frames: Frames, params: SurveyParams) -> Frame:
    return asked_responses(frames, params, kind="nps", low=0, high=MOST)


def _counted(rows: Frame, frames: Frames, params: SurveyParams) -> Frame:
    return grouped(rows, frames, params).group_by("period_start", "key").agg(*_counts())


def _counts() -> tuple[nw.Expr, ...]:
    score = nw.col("score")
    return (
        nw.len().cast(nw.Int64()).alias("answers"),
        count_where(score >= PROMOTER_FROM).alias("promoters"),
        count_where((score > DETRACTOR_TO) & (score < PROMOTER_FROM)).alias("passives"),
        count_where(score <= DETRACTOR_TO).alias("detractors"),
    )


def with_interval(counted: pa.Table, params: SurveyParams) -> pa.Table:
    """Adds the promoters' lead over the detractors as a share of all, and its 95 % interval."""
    _ = params
    rows: list[dict[str, Any]] = []
    for row in counted.to_pylist():
        bounds = net_share_interval(row["promoters"], row["detractors"], row["answers"])
        lead = (row["promoters"] - row["detractors"]) / row["answers"]
        limits = {"nps_low": bounds.low, "nps_high": bounds.high} if bounds else {"nps_low": None, "nps_high": None}
        rows.append({**row, "nps": lead, **limits})
    return answered(rows, COLUMNS)


def totals(frames: Frames, params: SurveyParams) -> Frame:
    """All answers together."""
    lead = ratio(nw.col("promoters") - nw.col("detractors"), nw.col("answers"))
    return _asked(frames, params).select(*_counts()).with_columns(lead.alias("nps"))


def members(frames: Frames, params: SurveyParams, cell: Cell) -> Frame:
    """The answers of a month, channel, employee or product."""
    return responses_in(_asked(frames, params), frames, params, cell)


def _answers(score: float | None, count: int, at: str, **more: Any) -> list[dict[str, Any]]:
    said = {"kind": "nps", "score": score, "answered_at": at, **more}
    return [{"response_id": f"{score} {at} {more} {number}", **said} for number in range(count)]


EXAMPLE = Example(
    tables={
        "survey_responses": [
            # The inclusive edges: 9 is a promoter, 6 a detractor, 7 and 8 are neither; both edges of the days too.
            *_answers(9, 6, "2026-02-01", survey="спрос"),
            *_answers(10, 4, "2026-02-28 23:59", survey="спрос"),
            *_answers(8, 3, "2026-02-10", survey="спрос"),
            *_answers(7, 2, "2026-02-10", survey="спрос"),
            *_answers(6, 3, "2026-02-10", survey="спрос"),
            *_answers(0, 2, "2026-02-10", survey="спрос"),
            *_answers(9, 5, "2026-03-01", survey="спрос"),
            *_answers(6, 5, "2026-03-31 23:59", survey="спрос"),
            *_answers(10, 1, "2026-01-31 23:59", survey="спрос"),
            *_answers(0, 1, "2026-04-01", survey="спрос"),
            *_answers(11, 1, "2026-03-10", survey="спрос"),
            *_answers(None, 1, "2026-03-10", survey="спрос"),
            *_answers(0, 1, "2026-03-10", survey="другой"),
            {"response_id": "csat", "kind": "csat", "score": 5, "answered_at": "2026-03-10", "survey": "спрос"},
        ]
    },
    params=SurveyParams.model_validate(
        {"from_day": "2026-02-01", "to_day": "2026-03-31", "as_of": "2026-04-01", "survey": "спрос"}
    ),
    expect=[
        {"period_start": date(2026, 2, 1), "key": "2026-02", "name": "2026-02", "answers": 20, "promoters": 10, "passives": 5,
         "detractors": 5, "nps": 0.25},
        # Promoters and detractors tie; the interval is as wide below nothing as above.
        {"period_start": date(2026, 3, 1), "key": "2026-03", "answers": 10, "promoters": 5, "passives": 0, "detractors": 5,
         "nps": 0.0, "nps_low": -0.5268138190, "nps_high": 0.5268138190},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="net_promoter_score",
    area="experience",
    title=Text(ru="Готовность рекомендовать (NPS)", en="Readiness to recommend (NPS)"),
    question=Text(ru="Советуют ли нас и где нас перестали советовать?", en="Are we recommended, and where no longer?"),
    how_to_read=Text(
        ru=(
            "Отрезок показывает, в каких пределах NPS на самом деле: пока отрезки двух месяцев или сотрудников пересекаются, разница может "
            "быть случайной. Отвечают не все: сравнивайте с собой, а не с чужими числами. По щелчку открываются ответы со словами клиентов."
        ),
        en=(
            "The segment shows where NPS really may lie: while those of two months or employees overlap, the difference may be chance. Not "
            "everybody answers: compare with yourself, not with other people's numbers. A click opens the answers with customers' words."
        ),
    ),
    definition=Text(
        ru=(
            "NPS = доля ответивших 9–10 минус доля ответивших 0–6 на вопрос «посоветуете ли». Интервал 95 % по счёту (Танго). Сотрудник: о "
            "ком ответ, иначе ответственный сделки или заказа. Канал: сделки, заказа или клиента. Товар: товар сделки."
        ),
        en=(
            "NPS = the share of answers 9–10 to “would you recommend” less the share of answers 0–6. 95% score interval (Tango). Employee: "
            "whom the answer is about, else who keeps its deal or order. Channel: of the deal, the order or the customer. Product: of the deal."
        ),
    ),
    source="Reichheld, Harvard Business Review 81 (2003), 46-54; Tango, Statistics in Medicine 17 (1998), 891-908",
    inputs=SURVEY_INPUTS,
    params=SurveyParams,
    columns=COLUMNS,
    order=ORDER,
    compute=net_promoter_score,
    finish=with_interval,
    totals=totals,
    members=Members(entity="survey_responses", by=("key",), select=members, count="answers"),
    chart=Chart(kind="intervals", x="name", y=("nps",), interval=("nps_low", "nps_high")),
    gate=DataGate(
        needs=(enough(Text(ru="ответов на вопрос «посоветуете ли»", en="answers to “would you recommend”"), _asked),)
    ),
    left_out=(off_the_scale(lambda _: ("nps", 0, MOST)),),
    example=EXAMPLE,
)
