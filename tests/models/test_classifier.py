"""Does a classifier find what is there, and only that, and say how sure it is?"""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rakurs.core.model import Feature, NotEnough
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.models.classifier import fit_classifier, reason_words, scores


def _said(word: str) -> Text:
    return Text(ru=word, en=word)


FEATURES = (
    Feature(name="recency", title=_said("Recency"), unit=Unit.DAYS, high=_said("long ago"), low=_said("lately")),
    Feature(name="noise", title=_said("Noise")),
    Feature(name="kind", title=_said("Kind"), unit=Unit.ID),
)
DAYS = {0: "2026-03-01", 1: "2026-01-01"}


def drawn(rows: int, *, seed: int, strength: float) -> pa.Table:
    """Rows whose label follows recency and kind as strongly as asked."""
    random = np.random.default_rng(seed)
    recency, kind = random.uniform(0, 100, rows), random.integers(0, 3, rows)
    chance = 1 / (1 + np.exp(-strength * ((recency - 50) / 20 + (kind == 2) * 1.5 - 0.5)))
    return pa.table(
        {
            "recency": pa.array(recency, mask=random.random(rows) < 0.03),
            "noise": random.normal(size=rows),
            "kind": [["person", "company", None][number] for number in kind],
            "label": (random.random(rows) < chance).astype(int),
            "round": random.integers(0, 2, rows),
        }
    )


def fitted(rows: pa.Table) -> Any:
    return fit_classifier(rows, features=FEATURES, baseline="recency", baseline_title=_said("By recency"), days=DAYS)


def test_what_is_planted_is_found() -> None:
    found = fitted(drawn(6000, seed=1, strength=1.5))
    auc = found.card.measures[0]
    assert found.card.chosen.en.startswith("Boosted trees")
    assert auc.baseline is not None
    assert auc.value > auc.baseline > 0.75
    assert found.card.factors[0][0] == "recency"
    assert found.card.grade == "A"
    held = sum(item.low <= item.predicted <= item.high for item in found.card.calibration)
    assert held >= 7, "of ten bins most hold what they promise"


def test_nothing_is_found_in_noise() -> None:
    found = fitted(drawn(6000, seed=2, strength=0.0))
    assert found.card.measures[0].value == pytest.approx(0.5, abs=0.04)
    assert found.card.grade == "early"
    assert found.card.chosen.en == "By recency"
    assert "no better" in found.card.notes[0].en


def test_few_rows_make_no_trees() -> None:
    found = fitted(drawn(300, seed=3, strength=2.0))
    assert found.card.chosen.en == "By recency"
    assert "Fewer than 500" in found.card.notes[0].en
    chances, reasons = scores(found.artefact, drawn(5, seed=9, strength=2.0))
    assert len(chances) == 5
    assert {str(reason)[1:8] for reason in reasons[0]} == {"recency"}


def test_too_few_outcomes_say_how_many_are_lacking() -> None:
    rows = drawn(300, seed=4, strength=1.0)
    rare = rows.set_column(rows.column_names.index("label"), "label", pa.array([1] * 4 + [0] * 296))
    with pytest.raises(NotEnough) as refused:
        fitted(rare)
    taught = sum(
        1 for label, back in zip(rare["label"].to_pylist(), rare["round"].to_pylist(), strict=True) if label and back
    )
    assert refused.value.missing[0].have == taught < 5
    assert f"{5 - taught} more needed" in refused.value.message.en


def test_reasons_say_which_way_a_feature_speaks() -> None:
    found = fitted(drawn(6000, seed=1, strength=1.5))
    rows = pa.table({"recency": [95.0, 5.0], "noise": [0.0, 0.0], "kind": ["person", "person"]})
    chances, reasons = scores(found.artefact, rows)
    assert chances[0] > 0.8
    assert chances[1] < 0.2
    words = reason_words(FEATURES)
    assert words[str(reasons[0][0])].en == "↑ long ago"
    assert words[str(reasons[0][1])].en == "↓ lately"


def test_the_same_rows_make_the_same_fit() -> None:
    rows = drawn(2000, seed=5, strength=1.0)
    assert fitted(rows) == fitted(rows)


def test_a_value_never_seen_is_scored() -> None:
    found = fitted(drawn(2000, seed=5, strength=1.0))
    chances, _ = scores(
        found.artefact,
        pa.table(
            {"recency": [None], "noise": [0.1], "kind": ["planet"]},
            schema=pa.schema([("recency", pa.float64()), ("noise", pa.float64()), ("kind", pa.string())]),
        ),
    )
    assert 0 < chances[0] < 1


def test_thirty_rows_are_said_to_be_too_early_and_pulled_to_the_common_share() -> None:
    rows = drawn(60, seed=11, strength=0.0)
    found = fitted(rows)
    assert found.card.grade == "early"
    assert found.card.chosen.en == "By recency"
    chances, _ = scores(found.artefact, rows)
    common = np.mean(rows["label"].to_numpy())
    assert np.abs(chances - common).max() < 0.25
