"""Boosted trees over a table of features: grown, kept as text, and made to say why."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.core.model import Artefact, Feature

Array = NDArray[np.float64]

ROUNDS = 200
REASONS = 3
UP, DOWN = "+", "-"
HIGH, LOW = ".high", ".low"


def levels_of(rows: pa.Table, name: str, medians: Mapping[str, float]) -> NDArray[np.str_]:
    """Of each row whether its number is above that of most; nothing is said of a category or an unknown."""
    if name not in medians:
        return np.full(rows.num_rows, "", dtype="U5")
    values = numbers(rows, name)
    return np.where(np.isnan(values), "", np.where(values > medians[name], HIGH, LOW))


def medians_of(rows: pa.Table, features: Sequence[Feature]) -> dict[str, float]:
    """Of each feature that has words for high and low, what is in the middle."""
    found: dict[str, float] = {}
    for feature in features:
        if feature.high is not None and feature.low is not None:
            values = numbers(rows, feature.name)
            if not np.isnan(values).all():
                found[feature.name] = float(np.nanmedian(values))
    return found


class Trees:
    """Boosted trees, kept as text: of a share, or of any number."""

    def __init__(self, kept: Artefact) -> None:
        from lightgbm import Booster  # noqa: PLC0415 - takes a second, and most processes score nothing

        self._kept = kept
        self._booster = Booster(model_str=kept["model"])

    @classmethod
    def grown(
        cls,
        rows: pa.Table,
        features: Sequence[Feature],
        label: Array,
        *,
        weight: Array | None = None,
        rounds: int = ROUNDS,
        **settings: Any,
    ) -> "Trees":
        """Learn `label` of `rows`; `settings` are those of LightGBM, beside the usual ones."""
        import lightgbm  # noqa: PLC0415 - as above

        categories = {
            feature.name: sorted({str(value) for value in rows[feature.name].to_pylist() if value is not None})
            for feature in features
            if feature.is_category
        }
        names = [feature.name for feature in features]
        data = lightgbm.Dataset(
            matrix(rows, names, categories),
            label=label,
            weight=weight,
            feature_name=names,
            categorical_feature=list(categories),
            params={"verbose": -1},
            free_raw_data=True,
        )
        usual = {
            "objective": "binary",
            "learning_rate": 0.05,
            "num_leaves": 7,
            "min_data_in_leaf": max(20, rows.num_rows // 500),
            "feature_fraction": 0.8,
            "lambda_l2": 1.0,
            "cat_smooth": 20.0,
            # One thread: two of them on a busy machine take ten times as long.
            "num_threads": 1,
            "seed": 1,
            "deterministic": True,
            "verbose": -1,
        }
        booster = lightgbm.train({**usual, **settings}, data, num_boost_round=rounds)
        kept = {"kind": "trees", "features": names, "categories": categories, "medians": medians_of(rows, features)}
        return cls({**kept, "model": booster.model_to_string()})

    def predicted(self, rows: pa.Table) -> Array:
        """What is expected of each row: the probability, of shares."""
        return np.asarray(self._booster.predict(self._rows(rows), num_threads=1), dtype=np.float64)

    def reasons(self, rows: pa.Table) -> list[list[str | None]]:
        """Up to three columns: the features that moved each row most, by their codes."""
        features = self._kept["features"]
        names, medians = np.array(features), self._kept["medians"]
        levels = np.column_stack([levels_of(rows, name, medians) for name in features])
        pushes = np.asarray(self._booster.predict(self._rows(rows), pred_contrib=True, num_threads=1))[:, :-1]
        order = np.argsort(-np.abs(pushes), axis=1, kind="stable")[:, :REASONS]
        taken = np.take_along_axis(pushes, order, axis=1)
        found: list[list[str | None]] = []
        for place in range(REASONS):
            signs = np.where(taken[:, place] > 0, UP, DOWN)
            level = np.take_along_axis(levels, order[:, place : place + 1], axis=1)[:, 0]
            words = np.char.add(np.char.add(signs, names[order[:, place]]), level)
            found.append([str(word) if push else None for word, push in zip(words, taken[:, place], strict=True)])
        return found

    def factors(self) -> tuple[tuple[str, float], ...]:
        """Names of features and the share of the gain each makes, the greatest first."""
        gains = np.asarray(self._booster.feature_importance("gain"), dtype=np.float64)
        shares = gains / gains.sum() if gains.sum() else gains
        order = np.argsort(-shares, kind="stable")
        return tuple((self._kept["features"][place], float(shares[place])) for place in order if shares[place] > 0)

    def kept(self) -> Artefact:
        """As JSON."""
        return self._kept

    def _rows(self, rows: pa.Table) -> Array:
        return matrix(rows, self._kept["features"], self._kept["categories"])


def matrix(rows: pa.Table, names: Sequence[str], categories: Mapping[str, Sequence[str]]) -> Array:
    """Features as columns of floats, a category as the number of its name; unknown as NaN."""
    columns: list[Array] = []
    for name in names:
        if name in categories:
            place = {known: float(number) for number, known in enumerate(categories[name])}
            columns.append(np.array([place.get(str(value), np.nan) for value in rows[name].to_pylist()]))
        else:
            columns.append(numbers(rows, name))
    return np.column_stack(columns)


def numbers(rows: pa.Table, name: str) -> Array:
    """A column as floats, null as NaN."""
    return rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
