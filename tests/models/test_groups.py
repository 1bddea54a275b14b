"""Are planted groups found, called by what they are, and is nothing called a group where there is none?"""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from rakurs.core.model import ModelCard
from rakurs.models.groups import GROUP_NAMES, MODEL, GroupsParams

KINDS = {
    # purchases a year, days of silence, average check, days with us, share of discounts
    "often": (30, 10, 1_000, 600, 0.0),
    "dear": (3, 60, 50_000, 600, 0.0),
    "new": (2, 10, 1_000, 30, 0.0),
    "gone": (0.1, 500, 1_000, 900, 0.0),
}


def table(random: np.random.Generator, kinds: list[str]) -> pa.Table:
    means = np.array([KINDS[kind] for kind in kinds], dtype=float)
    spread = means * random.lognormal(0, 0.2, means.shape)
    names = ("purchases_365", "recency", "average_check", "age", "discount_share")
    columns = {name: spread[:, place] for place, name in enumerate(names)}
    nothing = np.zeros(len(kinds))
    ids = [f"c{number}" for number in range(len(kinds))]
    return pa.table(
        {"customer_id": ids, **columns, "returned_share": nothing, "revenue_365": spread[:, 0] * spread[:, 2]}
    )


def told(rows: pa.Table, params: GroupsParams) -> tuple[list[str], list[float], ModelCard]:
    bound = params.bound(date(2026, 1, 1))
    fitted = MODEL.fit(rows, bound)
    said = MODEL.score(fitted.artefact, rows, bound)
    return said["factor_1"].to_pylist(), said["score"].to_pylist(), fitted.card


@pytest.mark.slow
def test_planted_groups_come_back_under_names_that_fit_them() -> None:
    random = np.random.default_rng(1)
    kinds = [str(kind) for kind in random.choice(list(KINDS), 1_000)]
    groups, sure, card = told(table(random, kinds), GroupsParams())
    called = {kind: {group for group, own in zip(groups, kinds, strict=True) if own == kind} for kind in KINDS}
    assert all(len(names) == 1 for names in called.values())
    (often,), (dear,), (new,), (gone,) = (called[kind] for kind in KINDS)
    assert len({often, dear, new, gone}) == 4
    assert "purchases_365.high" in often
    assert "average_check.high" in dear
    assert "age.low" in new
    assert {"recency.high", "purchases_365.low"} & set(gone.split(","))
    assert all(group in GROUP_NAMES for group in groups)
    assert card.grade == "A"
    assert card.measures[0].value > 0.95
    assert min(sure) >= 0.5


@pytest.mark.slow
def test_where_customers_are_all_alike_no_groups_are_promised() -> None:
    random = np.random.default_rng(2)
    points = random.normal(0, 1, (800, 4))
    plain = np.exp(3 + points / 4)
    names = ("purchases_365", "recency", "average_check", "age")
    rows = {name: plain[:, place] for place, name in enumerate(names)}
    nothing = np.zeros(len(plain))
    ids = [f"c{number}" for number in range(len(plain))]
    alike = pa.table(
        {"customer_id": ids, **rows, "discount_share": nothing, "returned_share": nothing, "revenue_365": nothing}
    )
    _, _, card = told(alike, GroupsParams())
    assert card.grade in {"C", "early"}
    assert "better not to call them segments" in card.notes[0].en
    silhouette = card.measures[1]
    assert silhouette.value < silhouette.baseline + 0.03


def test_too_many_groups_are_warned_of_and_alike_ones_are_one() -> None:
    random = np.random.default_rng(3)
    kinds = [str(kind) for kind in random.choice(list(KINDS), 600)]
    groups, _, card = told(table(random, kinds), GroupsParams(count=30))
    assert card.grade in {"C", "early"}
    assert len(set(groups)) < 30
    assert any("taken together" in note.en for note in card.notes)


def test_a_company_whose_customers_do_not_differ_at_all_has_one_group() -> None:
    size = 250
    same = {name: np.full(size, 5.0) for name in ("purchases_365", "recency", "average_check", "age", "discount_share")}
    rows = pa.table(
        {
            "customer_id": [f"c{n}" for n in range(size)],
            **same,
            "returned_share": np.zeros(size),
            "revenue_365": np.ones(size),
        }
    )
    groups, sure, _ = told(rows, GroupsParams())
    assert set(groups) == {"usual"}
    assert set(sure) == {1.0}
