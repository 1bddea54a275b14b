"""The contract of one prediction: from a `Model` come its fitting, its scores, its card and every page about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import narwhals.stable.v2 as nw
import pyarrow as pa
from pydantic import BeforeValidator, PlainSerializer

from rakurs.core.analysis import DataGate, Frames
from rakurs.core.answer import Missing
from rakurs.core.errors import BadInput
from rakurs.core.params import Params
from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit

Entity = Literal["customers", "deals", "leads", "offers", "products"]
"""Of what a model speaks; an offer is a customer and a product he does not have."""
_KEYS: Mapping[Entity, str] = {"deals": "deal_id", "leads": "lead_id", "products": "product_id"}
Grade = Literal["A", "B", "C", "early"]
Artefact = Mapping[str, Any]
"""What scoring needs of a fit, as JSON: parameters, or a tree model written as text."""

GRADES: Mapping[Grade, Text] = {
    "A": Text(ru="можно опираться", en="can be relied on"),
    "B": Text(ru="помогает расставить приоритеты", en="helps to set priorities"),
    "C": Text(ru="слабая подсказка", en="a weak hint"),
    "early": Text(ru="рано", en="too early"),
}


def _unit(given: Any) -> Any:
    return given if isinstance(given, Unit) else next(unit for unit in Unit if unit.code == given)


CodedUnit = Annotated[Unit, BeforeValidator(_unit), PlainSerializer(lambda unit: unit.code)]
"""A unit that JSON keeps by its code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One thing a model knows of an entity on a day. A category has text values; what was never seen is a category too.

    `high` and `low` say in words that a number is above, or not above, that of most.
    """

    name: str
    title: Text
    unit: Unit = Unit.NUMBER
    high: Text | None = None
    low: Text | None = None

    @property
    def is_category(self) -> bool:
        """Whether its values are names, not numbers."""
        return self.unit.kind == "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How good a fit is on rows it has not seen, with its 95 % interval where it has one, beside the stated baseline's."""

    name: str
    title: Text
    value: float
    baseline: float | None = None
    low: float | None = None
    high: float | None = None
    unit: CodedUnit = Unit.NUMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Rows of about the same prediction: what was said of them on average, and what came, with its 95 % interval."""

    predicted: float
    observed: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What an honest reader asks of a fit: learned from what, tested how, how good, by what it decides."""

    grade: Grade
    chosen: Text
    baseline: Text
    learned_rows: int
    tested_rows: int
    learned_until: str
    tested_until: str
    measures: tuple[Measure, ...]
    calibration: tuple[Bin, ...] = ()
    calibration_unit: CodedUnit = Unit.SHARE
    factors: tuple[tuple[str, float], ...] = ()
    """Names of features and the share of the decisions each makes, the greatest first."""
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A fit: what scores rows, and its card."""

    artefact: Artefact
    card: ModelCard


class NotEnough(BadInput):
    """There is too little to learn from; `missing` says what and how much of it."""

    def __init__(self, missing: tuple[Missing, ...]) -> None:
        super().__init__(missing[0].message)
        self.missing = missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One prediction about customers, deals, leads, products, or what to offer to customers.

    `samples` gives the rows to learn from: features as they were on past days and what came of them, never a fact
    from after its day. `present` gives the rows to score, as they are on the day of the question; both run inside the
    engine and hold the entity's key. `fit` raises NotEnough. `score` answers with the key and columns of
    `model_scores`, one row per row given; of offers, some rows per customer from all the rows of his given together.
    """

    name: str
    entity: Entity
    icon: str
    title: Text
    question: Text
    definition: Text
    source: str
    inputs: Mapping[str, Table]
    params: type[Params]
    features: tuple[Feature, ...]
    samples: Callable[[Frames, Any], nw.LazyFrame[Any]]
    present: Callable[[Frames, Any], nw.LazyFrame[Any]]
    fit: Callable[[pa.Table, Any], Fitted]
    score: Callable[[Artefact, pa.Table, Any], pa.Table]
    gate: DataGate = field(default_factory=DataGate)
    retrain_days: int = 30
    held: Callable[[nw.LazyFrame[Any], Frames, Any, int], nw.LazyFrame[Any]] | None = None
    """Scores of a past day with `came`, 1 where what was said to be likely happened within the horizon after that day
    (its number) and 0 where not; None where no day settles it."""

    @property
    def key(self) -> str:
        """The column that holds the id of whom it speaks of."""
        return _KEYS.get(self.entity, "customer_id")

    def __hash__(self) -> int:
        return hash(self.name)
