"""Did it come true? What models said on past days, held against what has come since, as the days make it known."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa

from rakurs.app.params import checked_params
from rakurs.app.predictions import standing
from rakurs.app.workspace import Workspace
from rakurs.core.intervals import auc_interval, wilson
from rakurs.core.model import Model
from rakurs.core.periods import day_number
from rakurs.schema.scores import MODEL_SCORES
from rakurs.state.models import ModelFit, ModelRecord
from rakurs.warehouse.reading import Reader

STEPS = 1000
"""Probabilities are told apart to a thousandth."""
TOLERATED = 0.2
"""What came may differ from what was said by so much of it before the model is said to drift, however many rows there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A past day whose outcome is known, or will be."""

    scored_on: date
    until: date
    params: Any


def look_back(workspace: Workspace, model: Model) -> int:
    """Hold every past day whose outcome has become known against it; how many days were added."""
    if model.held is None:
        return 0
    with workspace.reading() as reader:
        known = set(ModelRecord.objects.filter(name=model.name).values_list("scored_on", flat=True))
        days = [due for due in _days(reader, model) if due.until < workspace.today and due.scored_on not in known]
        for due in days:
            _record(reader, model, due, today=workspace.today)
    return len(days)


def records_of(model: Model) -> list[ModelRecord]:
    """What is known so far, the newest day first."""
    return list(ModelRecord.objects.filter(name=model.name))


def next_verdict(workspace: Workspace, model: Model) -> date | None:
    """On which day the earliest scores that are not yet judged can be."""
    if model.held is None:
        return None
    known = set(ModelRecord.objects.filter(name=model.name).values_list("scored_on", flat=True))
    with workspace.reading() as reader:
        waiting = [due.until + timedelta(days=1) for due in _days(reader, model) if due.scored_on not in known]
    return min(waiting, default=None)


def verdict_of(record: ModelRecord) -> str:
    """`held`, or `high` and `low` where clearly more was said than came, or less."""
    is_within = record.low <= record.predicted <= record.high
    if is_within or abs(record.predicted - record.came) <= TOLERATED * record.came:
        return "held"
    return "high" if record.predicted > record.came else "low"


def _days(reader: Reader, model: Model) -> list[Due]:
    scores = reader.frame(MODEL_SCORES.name).filter(nw.col("model") == nw.lit(model.name))
    rows = reader.collect(scores.group_by("scored_on", "version_id").agg().sort("scored_on")).to_pylist()
    kept = dict(ModelFit.objects.filter(name=model.name).values_list("id", "params"))
    usual = standing(model).params
    found: list[Due] = []
    for row in rows:
        # A fit says by which horizon it spoke; one forgotten since, by today's.
        said = {name: value for name, value in kept.get(row["version_id"], {}).items() if name != "as_of"}
        params = checked_params(model.params, said) if said else usual
        found.append(
            Due(scored_on=row["scored_on"], until=row["scored_on"] + timedelta(days=_horizon(params)), params=params)
        )
    return found


def _horizon(params: Any) -> int:
    days: int = params.horizon_days
    return days


def _record(reader: Reader, model: Model, due: Due, *, today: date) -> None:
    assert model.held is not None
    frames = {name: reader.frame(table.name) for name, table in model.inputs.items()}
    said = reader.frame(MODEL_SCORES.name).filter(
        nw.col("model") == nw.lit(model.name),
        nw.col("scored_on") == nw.lit(due.scored_on),
        ~nw.col("score").is_null(),
    )
    held = model.held(said, frames, due.params.bound(today), day_number(due.scored_on))
    steps = (nw.col("score") * STEPS).round().cast(nw.Int64()).alias("step")
    sums = [nw.len().alias("rows"), nw.col("came").sum().alias("came"), nw.col("score").sum().alias("said")]
    table = reader.collect(held.with_columns(steps).group_by("step").agg(*sums).sort("step"))
    rows, came = (np.asarray(table[name].cast(pa.float64())) for name in ("rows", "came"))
    total, hits = int(rows.sum()), int(came.sum())
    interval = wilson(hits, total)
    if interval is None:
        return
    auc = _auc(came, rows - came)
    between = None if auc is None else auc_interval(auc, hits, total - hits)
    ModelRecord.objects.update_or_create(
        name=model.name,
        scored_on=due.scored_on,
        defaults={
            "until": due.until,
            "rows": total,
            "predicted": float(np.asarray(table["said"]).sum()) / total,
            "came": hits / total,
            "low": interval.low,
            "high": interval.high,
            "auc": auc,
            "auc_low": between.low if between else None,
            "auc_high": between.high if between else None,
        },
    )


def _auc(positives: np.ndarray[Any, Any], negatives: np.ndarray[Any, Any]) -> float | None:
    """How often a thing that came had been said to be likelier than one that did not, by steps in order; equal ones count half.

    Source: Hanley and McNeil, Radiology 143 (1982), 29-36.
    """
    pairs = positives.sum() * negatives.sum()
    if not pairs:
        return None
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + negatives / 2)).sum() / pairs)
