"""Which products to offer whom: ways to choose, what each learns, and how well it chose on later days."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rakurs.models.ownership import CUSTOMER_FEATURES, FEATURES, History, Owners, Shelf

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
Chances = NDArray[np.float32]

SHOWN = 10
"""So many offers of each customer are judged."""
MOST_CUSTOMERS = 20_000
"""Customers that teach or judge; of more, a sample drawn with a fixed seed."""
CELLS = 2_000_000
"""Pairs of customer and product looked at together."""
NOT_TAKEN = 100
"""Of what a customer did not take, about so many products teach, each for as many others."""

MOST_POINTS, LEAST_IN_POINT = 500, 200
"""Groups of offers by which chances are corrected, and how many offers each holds at least."""

BASELINE = "popular"
WAYS: Mapping[str, tuple[str, ...]] = {
    BASELINE: ("popular", *CUSTOMER_FEATURES),
    "similar": ("similar", *CUSTOMER_FEATURES),
    "together": ("together", *CUSTOMER_FEATURES),
    "rules": ("rules", *CUSTOMER_FEATURES),
    "blend": FEATURES,
}


@dataclass(frozen=True, slots=True)
class Round:
    """What was known by a day, and what some customers then bought for the first time within a horizon."""

    shelf: Shelf
    owners: Owners
    came: "csr_matrix"
    rows: Codes

    @property
    def came_count(self) -> Array:
        """How many products new to him each of these customers bought, of those that could be offered on the day."""
        return np.asarray(self.came[self.rows][:, self.shelf.is_offered].sum(axis=1), dtype=np.float64).ravel()

    def halves(self) -> tuple["Round", "Round"]:
        """Every other customer, and the rest."""
        return replace(self, rows=self.rows[::2]), replace(self, rows=self.rows[1::2])

    def spreads(self) -> dict[str, float]:
        """How much each feature differs among these customers and products."""
        features = next(self.parts(FEATURES))[1]
        return {name: float(values.std()) for name, values in features.items()}

    def parts(
        self, names: Sequence[str]
    ) -> Iterator[tuple[Codes, dict[str, NDArray[np.float32]], NDArray[np.bool_], Array]]:
        """Some customers at a time: who, their features, what may be offered to them, and what they took."""
        at_once = max(1, CELLS // max(1, len(self.shelf.products)))
        for begin in range(0, len(self.rows), at_once):
            rows = self.rows[begin : begin + at_once]
            yield (
                rows,
                self.shelf.features(self.owners, rows, names),
                offerable(self.shelf, self.owners, rows),
                self.came[rows].toarray().astype(np.float64),
            )


@dataclass(frozen=True, slots=True)
class Way:
    """The chance that a customer takes a product: a logistic curve over some features of the pair."""

    names: tuple[str, ...]
    weights: tuple[float, ...]
    common: float
    said: tuple[float, ...] = ()
    held: tuple[float, ...] = ()
    """What the curve said of offers, and which share of them was taken: the chance is read off between these points."""

    def curve(self, features: Mapping[str, NDArray[np.float32]]) -> Chances:
        """Of each customer (rows) and product (columns) what orders the offers."""
        push: NDArray[Any] = np.float32(self.common) * np.ones((1, 1), dtype=np.float32)
        for name, weight in zip(self.names, self.weights, strict=True):
            push = push + np.float32(weight) * features[name]
        return np.asarray(1 / (1 + np.exp(-push)), dtype=np.float32)

    def chances(self, curve: Chances) -> Array:
        """What the curve means as a probability; where the points are level the order stays that of the curve."""
        values = curve.astype(np.float64)
        return np.interp(values, self.said, self.held) + 1e-9 * values if self.said else values


def offerable(shelf: Shelf, owners: Owners, rows: Codes) -> NDArray[np.bool_]:
    """What is sold and the customer does not have."""
    return (owners.owned[rows].toarray() == 0) & shelf.is_offered[None, :]


def round_of(history: History, until: int, *, horizon: int, offered_days: int) -> Round:
    """Of the customers who had bought something by the day `until`, a sample where they are many."""
    owners = history.by(until, lately=horizon)
    rows = np.flatnonzero(np.asarray(owners.owned.sum(axis=1)).ravel() > 0)
    if len(rows) > MOST_CUSTOMERS:
        rows = np.sort(np.random.default_rng(1).choice(rows, MOST_CUSTOMERS, replace=False))
    shelf = Shelf.learned(history, until, lately=horizon, offered_days=offered_days)
    return Round(shelf, owners, history.taken(until, until + horizon), rows)


def learned(taught: Round, names: Sequence[str]) -> Way:
    """Logistic regression on what was taken and a part of what was not, weighted back: the chances stay chances.

    Source: King and Zeng, Political Analysis 9 (2001), 137-163.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow to import, and needed by a fit alone

    random = np.random.default_rng(1)
    keep = min(1.0, NOT_TAKEN / max(1, len(taught.shelf.products)))
    columns: list[NDArray[Any]] = []
    labels: list[Array] = []
    for _, features, may_be, took in taught.parts(names):
        chosen = may_be & ((took > 0) | (random.random(may_be.shape) < keep))
        columns.append(np.column_stack([np.broadcast_to(features[name], may_be.shape)[chosen] for name in names]))
        labels.append(took[chosen])
    rows, label = np.concatenate(columns).astype(np.float64), np.concatenate(labels)
    middle, spread = rows.mean(axis=0), rows.std(axis=0)
    spread[spread == 0] = 1.0
    fitted = LogisticRegression(max_iter=500, tol=1e-6)
    fitted.fit((rows - middle) / spread, label, sample_weight=np.where(label > 0, 1.0, 1.0 / keep))
    weights = fitted.coef_[0] / spread
    common = float(fitted.intercept_[0] - (weights * middle).sum())
    return Way(tuple(names), tuple(float(weight) for weight in weights), common)


def corrected(way: Way, seen: Round) -> Way:
    """The same way, its chances brought to what customers it has not learned from took of what it offers.

    Source: Zadrozny and Elkan, KDD 2002, 694-699 (isotonic regression).
    """
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415 - as above

    _, promised, taken = judged_by(seen, way)
    # By groups of a size that tells: of the few highest chances alone hardly anything is known.
    order = np.argsort(promised, kind="stable")
    if not len(order):
        return way
    groups = np.array_split(order, max(1, min(MOST_POINTS, len(order) // LEAST_IN_POINT)))
    said = np.array([promised[group].mean() for group in groups])
    came = np.array([taken[group].mean() for group in groups])
    held = IsotonicRegression(y_min=0.0).fit_transform(said, came, sample_weight=[len(group) for group in groups])
    return replace(way, said=tuple(said.tolist()), held=tuple(held.tolist()))


def best(values: Chances, may_be: NDArray[np.bool_], count: int) -> tuple[Codes, Chances]:
    """Of each row the places and values of the `count` greatest, greatest first; equal ones by place. Value 0: none."""
    allowed = np.where(may_be, values, np.float32(0))
    count = min(count, allowed.shape[1])
    least = -np.partition(-allowed, count - 1, axis=1)[:, count - 1][:, None]
    chosen = allowed >= least
    tied = np.flatnonzero(chosen.sum(axis=1) > count)
    # Of those equal to the least one the first are taken.
    above, equal = allowed[tied] > least[tied], allowed[tied] == least[tied]
    left = count - above.sum(axis=1, keepdims=True)
    chosen[tied] = above | (equal & (np.cumsum(equal, axis=1) <= left))
    places = np.nonzero(chosen)[1].reshape(-1, count)
    taken = np.take_along_axis(allowed, places, axis=1)
    order = np.argsort(-taken, axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(taken, order, axis=1)


def judged_by(judged: Round, way: Way) -> tuple[Array, Array, Array]:
    """Of every customer who took something new: the share of it that was offered; of all offers: promised, and taken."""
    shares: list[Array] = []
    promised: list[Array] = []
    taken: list[Array] = []
    for _, features, may_be, took in judged.parts(way.names):
        places, curve = best(np.broadcast_to(way.curve(features), may_be.shape), may_be, SHOWN)
        hits = np.take_along_axis(took, places, axis=1)
        count = took.sum(axis=1)
        shares.append(hits.sum(axis=1)[count > 0] / count[count > 0])
        promised.append(way.chances(curve[curve > 0]))
        taken.append(hits[curve > 0])
    return np.concatenate(shares), np.concatenate(promised), np.concatenate(taken)
