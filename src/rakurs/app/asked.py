"""What can be asked and kept? A question as a value: of a saved report, a tile, a schedule, an address.

Two kinds: an analysis of the catalogue, or metrics split any way. Both carry `params` by name, as a form or an
address gives them; whoever puts a question into a frame of their own (a dashboard's period, say) uses `narrowed`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from rakurs.core.analysis import ChartKind
from rakurs.core.errors import BadParameter
from rakurs.core.metric import Operator
from rakurs.core.text import Text

MOST_METRICS, MOST_SPLITS, MOST_CONDITIONS = 12, 4, 20


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Where(_Value):
    """A condition on one field: a dimension's name, `custom.<field>`, or a number or day of the row (`amount`).

    `values` go with `in`, `not_in` (null means "without one") and `contains`; `low` and `high` with `between`, both
    included, either may be open. Numbers and days are written as text: `1000.50`, `2026-01-31`.
    """

    field: str
    operator: Operator = "in"
    values: tuple[str | None, ...] = Field(default=(), max_length=1000)
    low: str | None = None
    high: str | None = None

    @model_validator(mode="after")
    def _has_what_it_compares_with(self) -> Self:
        if self.operator in {"in", "not_in", "contains"} and not self.values:
            raise ValueError(f"“{self.operator}” needs values")
        if self.operator == "between" and self.low is None and self.high is None:
            raise ValueError("“between” needs a low or a high end")
        return self


class TopAsked(_Value):
    """Only the first `count` values of the first row split, by `metric` (the first one when None); the rest together."""

    count: int = Field(default=10, ge=1, le=200)
    metric: str | None = None
    is_bottom: bool = False


class Highlight(_Value):
    """How the cells of one column are told apart at a glance.

    `bars`: a bar in the cell as long as its value; `scale`: the deeper the colour the greater; `above` and `below`:
    a mark on values beyond `threshold`.
    """

    column: str
    style: Literal["bars", "scale", "above", "below"]
    threshold: float | None = None
    tone: Literal["good", "bad"] = "good"

    @model_validator(mode="after")
    def _has_a_threshold(self) -> Self:
        if self.style in {"above", "below"} and self.threshold is None:
            raise ValueError(f"“{self.style}” needs a threshold")
        return self


class AnalysisAsked(_Value):
    """An analysis of the catalogue under given parameters (only what differs from the defaults need be there)."""

    kind: Literal["analysis"] = "analysis"
    name: str
    params: dict[str, Any] = Field(default_factory=dict[str, Any])
    sort: str | None = None


class PivotAsked(_Value):
    """Any metrics by any dimensions.

    `metrics` are names of metrics, or computed measures: `revenue / deals_won`, with a title when one is given:
    `Revenue per win = revenue / deals_won`. `rows` and `columns` are dimensions; the answer has a row per
    combination found, and a face may spread `columns` to the right. Without both the answer is one number a metric.
    `params` are those of `app.measuring.MeasureParams`: the period, the comparison, what a sale is. `chart` is
    None for the kind that fits best.
    """

    kind: Literal["pivot"] = "pivot"
    metrics: tuple[str, ...] = Field(min_length=1, max_length=MOST_METRICS)
    rows: tuple[str, ...] = Field(default=(), max_length=MOST_SPLITS)
    columns: tuple[str, ...] = Field(default=(), max_length=MOST_SPLITS)
    params: dict[str, Any] = Field(default_factory=dict[str, Any])
    where: tuple[Where, ...] = Field(default=(), max_length=MOST_CONDITIONS)
    top: TopAsked | None = None
    sort: str | None = None
    chart: ChartKind | None = None
    highlights: tuple[Highlight, ...] = Field(default=(), max_length=MOST_METRICS)

    @model_validator(mode="after")
    def _names_each_thing_once(self) -> Self:
        for names in (self.metrics, (*self.rows, *self.columns)):
            if len(set(names)) < len(names):
                raise ValueError(f"named twice: {', '.join(names)}")
        if self.top is not None and not self.rows:
            raise ValueError("a top needs a split by rows")
        return self

    @property
    def split(self) -> tuple[str, ...]:
        """The names of all dimensions, rows first."""
        return (*self.rows, *self.columns)


Asked = Annotated[AnalysisAsked | PivotAsked, Field(discriminator="kind")]

ASKED: TypeAdapter[AnalysisAsked | PivotAsked] = TypeAdapter(Asked)


def asked_of(kept: Mapping[str, Any]) -> AnalysisAsked | PivotAsked:
    """The question that `kept_asked` wrote, or a program sent. BadParameter says which part is wrong."""
    try:
        return ASKED.validate_python(dict(kept))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "asked"
        message = first["msg"].removeprefix("Value error, ")
        raise BadParameter(place, first["input"], Text(ru=message, en=message)) from error


def kept_asked(asked: AnalysisAsked | PivotAsked) -> dict[str, Any]:
    """The question as plain JSON values, what differs from the defaults only."""
    return {"kind": asked.kind, **asked.model_dump(mode="json", exclude_defaults=True)}


def narrowed(asked: AnalysisAsked | PivotAsked, params: Mapping[str, Any]) -> AnalysisAsked | PivotAsked:
    """The same question with `params` put over its own; the caller gives only those the question has."""
    return asked.model_copy(update={"params": {**asked.params, **params}})
