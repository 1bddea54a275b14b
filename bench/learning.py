"""How fast do the models learn and answer, beside libraries made for the same? On made-up rows of a given size.

Peers that are not among the project's own dependencies are measured where they are installed: mlxtend, fim (pyfim),
implicit.
"""

from collections.abc import Callable, Mapping
from datetime import date
from importlib.util import find_spec
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pyarrow as pa
from lifetimes import ModifiedBetaGeoFitter
from scipy.sparse import csr_matrix

from rakurs.analyses.products.itemsets import Baskets, frequent
from rakurs.core.periods import day_number
from rakurs.models.forecasting.series import QUICK, foresee
from rakurs.models.offers import MODEL, OffersParams
from rakurs.models.purchases import fit_buying

TODAY = date(2026, 11, 1)
HALF_YEAR = 26.0
LEAST_SHARE = 0.001

Measured = dict[str, Any]
Prepared = tuple[int, Callable[[], object]]
"""How many rows, and what is measured."""


def measured(name: str, peer: str, *, rows: int) -> Measured:
    """One model or one peer on `rows` customers or baskets; nothing where the peer is not installed."""
    needed = _NEEDS.get(peer)
    if needed and find_spec(needed) is None:
        return {}
    count, run = _PREPARE[name, peer](rows)
    started, cpu_started = perf_counter(), process_time()
    run()
    return {
        "name": name,
        "peer": peer,
        "rows": count,
        "seconds": perf_counter() - started,
        "cpu_seconds": process_time() - cpu_started,
    }


def _histories(rows: int) -> tuple[np.ndarray[Any, Any], ...]:
    """Repeat purchases, weeks from the first to the last, weeks from the first to now, of whole days; as MBG/NBD has them."""
    random = np.random.default_rng(1)
    age = random.integers(28, 1092, rows) / 7
    rate, leaves = random.gamma(0.25, 1 / 4.4, rows), random.beta(0.8, 2.4, rows)
    x = np.minimum(random.poisson(rate * age), random.geometric(np.clip(leaves, 1e-3, 1)) - 1).astype(float)
    tx = np.where(x > 0, np.ceil(7 * age * random.beta(np.maximum(x, 1), 1)) / 7, 0.0)
    return x, tx, age


def _clv(rows: int) -> Prepared:
    x, tx, age = _histories(rows)
    return rows, lambda: fit_buying(x, tx, age).expected(x, tx, age, HALF_YEAR)


def _clv_lifetimes(rows: int) -> Prepared:
    # A fiftieth: the peer's gradient is numeric.
    x, tx, age = _histories(rows // 50)

    def run() -> object:
        fitted = ModifiedBetaGeoFitter().fit(x, tx, age)
        return fitted.conditional_expected_number_of_purchases_up_to_time(HALF_YEAR, x, tx, age)

    return rows // 50, run


def _baskets(rows: int) -> list[np.ndarray[Any, Any]]:
    """Baskets of 1 to 8 of 500 items, some far more often than others."""
    random = np.random.default_rng(2)
    weights = 1 / (np.arange(500) + 5.0)
    sizes = random.integers(1, 9, rows)
    drawn = random.choice(500, sizes.sum(), p=weights / weights.sum())
    return [np.unique(part) for part in np.split(drawn, np.cumsum(sizes)[:-1])]


def _rules(rows: int) -> Prepared:
    baskets = _baskets(rows)
    number = np.repeat(np.arange(rows), [len(basket) for basket in baskets])
    coded = Baskets.of(number, np.concatenate(baskets), count=rows)
    return rows, lambda: sum(1 for _ in frequent(coded, least=int(LEAST_SHARE * rows), longest=3))


def _rules_mlxtend(rows: int) -> Prepared:
    import pandas as pd  # noqa: PLC0415 - the peer's own
    from mlxtend.frequent_patterns import fpgrowth  # noqa: PLC0415 - not always there

    held = np.zeros((rows, 500), dtype=bool)
    for number, basket in enumerate(_baskets(rows)):
        held[number, basket] = True
    frame = pd.DataFrame(held)
    return rows, lambda: fpgrowth(frame, min_support=LEAST_SHARE, max_len=3)


def _rules_fim(rows: int) -> Prepared:
    from fim import eclat  # noqa: PLC0415 - not always there

    baskets = [basket.tolist() for basket in _baskets(rows)]
    return rows, lambda: eclat(baskets, supp=100 * LEAST_SHARE, zmax=3)


def _owned(rows: int, products: int = 10_000) -> tuple[np.ndarray[Any, Any], ...]:
    random = np.random.default_rng(3)
    customer = np.repeat(np.arange(rows), random.integers(1, 16, rows))
    weights = 1 / (np.arange(products) + 20.0)
    product = random.choice(products, len(customer), p=weights / weights.sum())
    day = day_number(TODAY) - random.integers(0, 700, len(customer))
    firsts = np.unique(customer.astype(np.int64) * products + product, return_index=True)[1]
    return customer[firsts], product[firsts], day[firsts]


def _offers(rows: int) -> Prepared:
    customer, product, day = _owned(rows)
    size = len(customer)
    table = pa.table(
        {
            "customer_id": pa.array([f"C{number:07}" for number in range(rows)]).take(pa.array(customer)),
            "product_id": pa.array([f"P{number:05}" for number in range(10_000)]).take(pa.array(product)),
            "customer_kind": pa.nulls(size, pa.string()),
            "region": pa.nulls(size, pa.string()),
            "first_day": pa.array(day),
            "times": pa.array(np.ones(size, dtype=np.int64)),
            "margin": pa.array(np.full(size, 10.0)),
        }
    )
    params = OffersParams().bound(TODAY)

    def run() -> None:
        artefact = MODEL.fit(table, params).artefact
        for begin in range(0, size, 50_000):
            MODEL.score(artefact, table.slice(begin, 50_000), params)

    return rows, run


def _offers_implicit(rows: int) -> Prepared:
    from implicit.nearest_neighbours import CosineRecommender  # noqa: PLC0415 - not always there

    customer, product, _ = _owned(rows)
    matrix = csr_matrix((np.ones(len(customer), dtype=np.float32), (customer, product)), shape=(rows, 10_000))

    def run() -> None:
        model = CosineRecommender(K=200, num_threads=1)
        model.fit(matrix, show_progress=False)
        model.recommend(np.arange(rows), matrix, N=10)

    return rows, run


def _demand(rows: int) -> list[np.ndarray[Any, Any]]:
    """A series of three years of months for every thousand rows: seasons, growth, rare sales among them."""
    random = np.random.default_rng(4)
    season = 1 + 0.3 * np.sin(2 * np.pi * np.arange(36) / 12)
    return [
        random.poisson(random.gamma(0.7, 40) * season * 1.01 ** np.arange(36)).astype(float)
        for _ in range(rows // 1000)
    ]


def _forecasts(rows: int) -> Prepared:
    series = _demand(rows)
    return len(series), lambda: [foresee(one, season=12, ahead=3, level=0.8, tried=QUICK) for one in series]


def _forecasts_ets(rows: int) -> Prepared:
    from statsforecast.models import AutoETS  # noqa: PLC0415 - takes seconds to import

    # One way and no look at the past; a tenth of the series.
    series = _demand(rows // 10)
    return len(series), lambda: [AutoETS(season_length=12).forecast(y=one, h=3) for one in series]


_PREPARE: Mapping[tuple[str, str], Callable[[int], Prepared]] = {
    ("customer lifetime value", "ours"): _clv,
    ("customer lifetime value", "lifetimes"): _clv_lifetimes,
    ("sets in baskets, support .1 %", "ours"): _rules,
    ("sets in baskets, support .1 %", "mlxtend"): _rules_mlxtend,
    ("sets in baskets, support .1 %", "fim"): _rules_fim,
    ("offers, 10,000 products", "ours"): _offers,
    ("offers, 10,000 products", "implicit"): _offers_implicit,
    ("forecasts of 36 months, tried on the past", "ours"): _forecasts,
    ("forecasts of 36 months, tried on the past", "AutoETS"): _forecasts_ets,
}
_NEEDS = {"mlxtend": "mlxtend", "fim": "fim", "implicit": "implicit"}
ALL = tuple(_PREPARE)
"""What is measured, each of ours before its peers."""
