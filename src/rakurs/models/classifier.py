"""Will it happen? Boosted trees where they beat a stated baseline on later days, the baseline where they do not.

Rows to learn from carry the day they are of as `round`: 0 is the latest whose outcome is known, and the fit is judged on
it alone; 1, 2 ... are older and teach. The final fit learns from all of them. Classes are not rebalanced: that would
ruin the probabilities.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.core.answer import Missing
from rakurs.core.intervals import auc_interval, wilson
from rakurs.core.model import Artefact, Bin, Feature, Fitted, Grade, Measure, ModelCard, NotEnough
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.models.trees import DOWN, HIGH, LOW, REASONS, UP, Trees, levels_of, medians_of, numbers

Array = NDArray[np.float64]

MOST_ROWS = 300_000
"""Rows that teach; of more, a sample drawn with a fixed seed."""
LEAST_OF_EACH = 5
"""Of either outcome; with so few the shares are pulled to the common one, and the grade says that it is too early."""
LEAST_IN_BIN = 30
LEAST_FOR_TREES = 500
PRIOR_ROWS = 20
"""How many rows of the common rate each group of the baseline is mixed with."""
BINS = 10

_TREES = Text(ru="Бустинг деревьев (LightGBM)", en="Boosted trees (LightGBM)")
_SMALL = Text(
    ru="Строк для обучения меньше {rows}: взята доля по группам, деревья не строились.",
    en="Fewer than {rows} rows to learn from: the share by group is used, no trees were grown.",
)
_NOT_BETTER = Text(
    ru="Деревья на более поздних днях не лучше простой доли по группам: взята она.",
    en="On later days the trees are no better than the plain share by group: that is used.",
)
_OUTCOMES = Text(ru="случаев каждого исхода в истории", en="cases of each outcome in the past")


def fit_classifier(
    samples: pa.Table, *, features: Sequence[Feature], baseline: str, baseline_title: Text, days: Mapping[int, str]
) -> Fitted:
    """Learn `label` (1, 0) from `features`; `baseline` names the feature whose groups make the baseline.

    `days` says which day each `round` is. Raises NotEnough with fewer than 5 rows of either outcome to learn from, or
    none of one to be judged on.
    """
    rounds, label = numbers(samples, "round"), numbers(samples, "label")
    teaches, judges = rounds > 0, rounds == 0
    _must_hold_both(label, teaches, judges)
    plain = _Groups.of(samples.filter(pa.array(teaches)), label[teaches], _feature(features, baseline))
    judged = samples.filter(pa.array(judges))
    truth = label[judges]
    plain_says = plain.predicted(judged)
    notes: list[Text] = []
    chosen, says = baseline_title, plain_says
    taught = _sampled(samples.filter(pa.array(teaches)))
    has_trees = int(teaches.sum()) >= LEAST_FOR_TREES
    if has_trees:
        trees = Trees.grown(taught, features, numbers(taught, "label"))
        trees_say = trees.predicted(judged)
        has_trees = _log_loss(truth, trees_say) < _log_loss(truth, plain_says)
        if has_trees:
            chosen, says = _TREES, trees_say
        else:
            notes.append(_NOT_BETTER)
    else:
        notes.append(_SMALL.filled(rows=LEAST_FOR_TREES))
    everything = _sampled(samples)
    final = (
        Trees.grown(everything, features, numbers(everything, "label"))
        if has_trees
        else _Groups.of(everything, numbers(everything, "label"), _feature(features, baseline))
    )
    measures = _measures(truth, says, plain_says)
    bins = _bins(truth, says)
    return Fitted(
        artefact=final.kept(),
        card=ModelCard(
            grade=_grade(measures, bins, has_trees=has_trees),
            chosen=chosen,
            baseline=baseline_title,
            learned_rows=int(teaches.sum()),
            tested_rows=int(judges.sum()),
            learned_until=days[int(rounds[teaches].min())],
            tested_until=days[0],
            measures=measures,
            calibration=bins,
            factors=final.factors(),
            notes=tuple(notes),
        ),
    )


def scores(artefact: Artefact, rows: pa.Table) -> tuple[Array, list[list[str | None]]]:
    """The probability of each row, and its main reasons by code: "+recency.high" is a great recency that speaks for it."""
    fitted = Trees(artefact) if artefact["kind"] == "trees" else _Groups(artefact)
    return fitted.predicted(rows), fitted.reasons(rows)


def reason_words(features: Sequence[Feature]) -> dict[str, Text]:
    """What the codes of reasons say. An arrow up speaks for what is predicted, down against it."""
    arrows = ((UP, "\N{UPWARDS ARROW}"), (DOWN, "\N{DOWNWARDS ARROW}"))
    return {
        f"{sign}{feature.name}{level}": Text(ru=f"{arrow} {said.ru}", en=f"{arrow} {said.en}")
        for feature in features
        for level, said in (("", feature.title), (HIGH, feature.high), (LOW, feature.low))
        if said is not None
        for sign, arrow in arrows
    }


class _Groups:
    """The baseline: the share of each group of one feature, pulled to the common share by its size."""

    def __init__(self, kept: Artefact) -> None:
        self._kept = kept

    @classmethod
    def of(cls, rows: pa.Table, label: Array, feature: Feature) -> "_Groups":
        common = float(label.mean())
        kept: dict[str, Any] = {
            "kind": "groups",
            "feature": feature.name,
            "common": common,
            "edges": None,
            "medians": medians_of(rows, [feature]),
            "names": None,
        }
        if feature.is_category:
            names = sorted({str(name) for name in rows[feature.name].to_pylist() if name is not None})
            kept["names"] = names
        else:
            values = numbers(rows, feature.name)
            known = values[~np.isnan(values)]
            cuts = np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]) if len(known) else np.array([])
            kept["edges"] = sorted({float(cut) for cut in cuts})
        found = cls(kept)
        groups = found._groups(rows)
        count = int(len(kept["names"]) if kept["names"] is not None else len(kept["edges"]) + 1) + 1
        size = np.bincount(groups, minlength=count)
        hits = np.bincount(groups, weights=label, minlength=count)
        kept["shares"] = [float(share) for share in (hits + PRIOR_ROWS * common) / (size + PRIOR_ROWS)]
        return found

    def predicted(self, rows: pa.Table) -> Array:
        return np.array(self._kept["shares"])[self._groups(rows)]

    def reasons(self, rows: pa.Table) -> list[list[str | None]]:
        name, common = self._kept["feature"], self._kept["common"]
        levels = levels_of(rows, name, self._kept["medians"])
        signs = np.where(self.predicted(rows) >= common, UP, DOWN)
        codes = [f"{sign}{name}{level}" for sign, level in zip(signs, levels, strict=True)]
        return [cast("list[str | None]", codes), *([[None] * rows.num_rows] * (REASONS - 1))]

    def factors(self) -> tuple[tuple[str, float], ...]:
        return ((self._kept["feature"], 1.0),)

    def kept(self) -> Artefact:
        return self._kept

    def _groups(self, rows: pa.Table) -> NDArray[np.int64]:
        """Of each row the number of its group; the last is of the unknown."""
        name, names = self._kept["feature"], self._kept["names"]
        if names is not None:
            place = {known: number for number, known in enumerate(names)}
            return np.array([place.get(str(value), len(names)) for value in rows[name].to_pylist()], dtype=np.int64)
        values, edges = numbers(rows, name), self._kept["edges"]
        return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left")).astype(np.int64)


def _feature(features: Sequence[Feature], name: str) -> Feature:
    return next(feature for feature in features if feature.name == name)


def _sampled(rows: pa.Table) -> pa.Table:
    if rows.num_rows <= MOST_ROWS:
        return rows
    chosen = np.sort(np.random.default_rng(1).choice(rows.num_rows, MOST_ROWS, replace=False))
    return rows.take(pa.array(chosen))


def _must_hold_both(label: Array, teaches: NDArray[np.bool_], judges: NDArray[np.bool_]) -> None:
    rarer = min(int(label[teaches].sum()), int((1 - label[teaches]).sum()))
    if rarer < LEAST_OF_EACH:
        raise NotEnough((Missing(what=_OUTCOMES, at_least=LEAST_OF_EACH, have=rarer),))
    rarer = min(int(label[judges].sum()), int((1 - label[judges]).sum()))
    if rarer == 0:
        raise NotEnough((Missing(what=_OUTCOMES, at_least=1, have=0),))


def _log_loss(truth: Array, says: Array) -> float:
    from sklearn.metrics import log_loss  # noqa: PLC0415 - comes with the trees, and takes as long

    return float(log_loss(truth, says, labels=[0.0, 1.0]))


def _measures(truth: Array, says: Array, plain: Array) -> tuple[Measure, ...]:
    from sklearn.metrics import brier_score_loss, roc_auc_score  # noqa: PLC0415 - as above

    auc = float(roc_auc_score(truth, says))
    interval = auc_interval(auc, int(truth.sum()), int((1 - truth).sum()))
    return (
        Measure(
            name="auc",
            title=Text(ru="AUC: верно ли упорядочены", en="AUC: is the order right"),
            value=auc,
            baseline=float(roc_auc_score(truth, plain)),
            low=interval.low,
            high=interval.high,
        ),
        Measure(
            name="log_loss",
            title=Text(ru="Log loss: верны ли вероятности", en="Log loss: are the probabilities right"),
            value=_log_loss(truth, says),
            baseline=_log_loss(truth, plain),
        ),
        Measure(
            name="brier",
            title=Text(ru="Ошибка Брайера", en="Brier score"),
            value=float(brier_score_loss(truth, says)),
            baseline=float(brier_score_loss(truth, plain)),
        ),
        Measure(
            name="rate",
            title=Text(ru="Предсказано в среднем, рядом: было", en="Predicted on average, beside: came"),
            value=float(says.mean()),
            baseline=float(truth.mean()),
            unit=Unit.SHARE,
        ),
    )


def _bins(truth: Array, says: Array) -> tuple[Bin, ...]:
    """Tenths of the rows by what was said of them."""
    found: list[Bin] = []
    for part in np.array_split(np.argsort(says, kind="stable"), min(BINS, max(1, len(says) // LEAST_IN_BIN))):
        hits = int(truth[part].sum())
        interval = wilson(hits, len(part))
        if interval is not None:
            predicted, observed = float(says[part].mean()), hits / len(part)
            found.append(
                Bin(predicted=predicted, observed=observed, low=interval.low, high=interval.high, rows=len(part))
            )
    return tuple(found)


def _grade(measures: Sequence[Measure], bins: Sequence[Bin], *, has_trees: bool) -> Grade:
    """A: orders well and its probabilities hold; B and C: less; early: on so few rows not surely better than chance."""
    auc = measures[0]
    rows = sum(found.rows for found in bins)
    error = sum(abs(found.predicted - found.observed) * found.rows for found in bins) / rows
    if auc.low is None or auc.low <= 0.5 or auc.value < 0.55:
        return "early"
    if auc.value >= 0.75 and auc.low >= 0.65 and error <= 0.05 and has_trees:
        return "A"
    return "B" if auc.value >= 0.65 and error <= 0.1 else "C"
