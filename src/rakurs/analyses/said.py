"""What did a model say of whom by the day of the question?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.columns import column
from rakurs.core.analysis import DataGate, Frames, Need
from rakurs.core.model import Model
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.models.classifier import reason_words
from rakurs.schema.columns import choice

Frame = nw.LazyFrame[Any]

SCORES = "scores"
SCORED_ON = column("scored_on", Unit.DAY, "Оценено", "Scored")


def said_by(scores: Frame, model: Model, params: Any) -> Frame:
    """The latest scores of `model` up to the day of the question."""
    known = scores.filter(nw.col("model") == nw.lit(model.name), nw.col("scored_on") <= nw.lit(params.today))
    latest = known.select(nw.col("scored_on").max().alias("latest_on"))
    return known.join(latest, how="cross").filter(nw.col("scored_on") == nw.col("latest_on")).drop("latest_on")


def reasons(model: Model) -> tuple[Column, ...]:
    """Up to three features that moved the probability most, each with its direction."""
    words = reason_words(model.features)
    titles = (("Главная причина", "First reason"), ("Вторая", "Second"), ("Третья", "Third"))
    return tuple(choice(f"factor_{place}", ru, en, words) for place, (ru, en) in enumerate(titles, start=1))


def some_scores(model: Model) -> DataGate:
    """There is something to show: the model has had enough to learn from, and has scored."""

    def rows(frames: Frames, params: Any) -> Frame:
        return said_by(frames[SCORES], model, params)

    what = Text(
        ru=f"оценка модели «{model.title.ru}». Чего ей не хватает, сказано на странице «Модели»",
        en=f"score of the model “{model.title.en}”. What it lacks is told on the page “Models”",
    )
    return DataGate(needs=(Need(what=what, at_least=1, rows=rows),))


def classed(column_name: str, *, high: float, middle: float) -> nw.Expr:
    """A probability as one of three words."""
    value = nw.col(column_name)
    return (
        nw.when(value >= high)
        .then(nw.lit("high"))
        .when(value >= middle)
        .then(nw.lit("middle"))
        .otherwise(nw.lit("low"))
    )


LEVELS = {
    "high": Text(ru="Высокий", en="High"),
    "middle": Text(ru="Средний", en="Middle"),
    "low": Text(ru="Низкий", en="Low"),
}

__all__ = ["LEVELS", "SCORED_ON", "SCORES", "classed", "reasons", "said_by", "some_scores"]
