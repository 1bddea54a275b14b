"""How does demand answer the price? A panel of products by periods, with what each product and each period has of its own.

Demand is counted, often nought, and spreads with its size: a Poisson pseudo-likelihood with effects of product and period keeps
the noughts that logarithms drop, and needs the mean to be right, nothing else.

Source: Santos Silva and Tenreyro, Review of Economics and Statistics 88 (2006), 641-658; Correia, Guimaraes and Zylkin, Stata
Journal 20 (2020), 95-115; errors by product, by leaving each out: Bell and McCaffrey, Survey
Methodology 28 (2002), 169-181.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDS, INNER, CLOSE = 60, 400, 1e-10
STILL = 1e-8
"""Prices whose logarithm moves by less than a ten-thousandth stand still."""
LEAST_OWN = 0.02
"""Of a price's variation so much must be the product's own: the rest moves with the other prices or with the period."""


@dataclass(frozen=True, slots=True)
class Slope:
    """An elasticity with its standard error."""

    value: float
    error: float
    told_by: int = 1_000
    """Products or periods that the error was judged by: of few it is itself unsure."""

    @property
    def _half(self) -> float:
        from scipy.stats import t  # noqa: PLC0415 - slow to import

        return float(self.error * t.ppf(0.975, max(1, self.told_by - 1)))

    @property
    def low(self) -> float:
        """The lower end of its 95 % interval."""
        return self.value - self._half

    @property
    def high(self) -> float:
        """The upper end of its 95 % interval."""
        return self.value + self._half


@dataclass(frozen=True, slots=True)
class Panel:
    """Products as rows, periods as columns: units sold and the log of the price; NaN where a product was not on sale.

    `beside` are other factors of the same shape, by which demand is told from the price; 0 where one is not known.
    """

    units: Array
    log_price: Array
    beside: tuple[Array, ...] = ()

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where a product was on sale."""
        return ~np.isnan(self.log_price)


def filled(units: Array, price: Array) -> Panel:
    """A panel of what was sold: between its first and last sale a period without one sold nothing at the price before it.

    Leaving those periods out would keep only the ones in which chance, or a low price, brought somebody.
    """
    units, log_price = units.copy(), np.log(price)
    for row in range(len(units)):
        seen = np.flatnonzero(~np.isnan(log_price[row]))
        if not len(seen):
            continue
        for place in range(seen[0] + 1, seen[-1]):
            if np.isnan(log_price[row, place]):
                log_price[row, place], units[row, place] = log_price[row, place - 1], 0.0
    return Panel(np.where(np.isnan(log_price), 0.0, np.nan_to_num(units)), log_price)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a panel tells: the slope of the price and of each factor beside it, the log effect of each period, each cell's mean."""

    slopes: tuple[Slope, ...]
    effects: Array
    mean: Array


def common_slopes(panel: Panel) -> Fitted | None:
    """The elasticity of all products together, and by the factors beside the price, errors clustered by product.

    A product counts by how evenly it sells, not by the unit it is counted in: its units are divided by how much their
    variance exceeds their mean. None where no price moves on its own, or nothing else tells it apart.
    """
    on_sale = np.maximum(panel.known.sum(axis=1), 1)
    level = np.maximum(panel.units.sum(axis=1) / on_sale, 1e-12)[:, None]
    even = replace(panel, units=panel.units / level)
    found = poisson_slopes(even)
    if found is None:
        return None
    excess = np.where(panel.known, (even.units - found.mean) ** 2 / np.maximum(found.mean, 1e-12), 0.0).sum(axis=1)
    spread = np.maximum(excess / np.maximum(on_sale - 1, 1), 1e-6)
    return poisson_slopes(replace(even, units=even.units / spread[:, None]))


def told_apart(panel: Panel, factor: Array) -> bool:
    """Whether `factor` moves apart from products, periods, the price and what is already beside it."""
    known = panel.known.astype(float)
    values = np.where(panel.known, factor, 0.0)
    moved = (_without_product(values, known) ** 2).sum()
    if moved <= STILL * known.sum():
        return False
    own, others = _without_means(values, known).ravel(), [panel.log_price, *panel.beside]
    held = np.stack([_without_means(np.where(panel.known, other, 0.0), known).ravel() for other in others], axis=1)
    rest = own - held @ np.linalg.lstsq(held, own, rcond=None)[0]
    return bool((rest**2).sum() > LEAST_OWN * moved)


def poisson_slopes(panel: Panel) -> Fitted | None:
    """The same as the units given make it; each must be told apart from the others (`told_apart`)."""
    known = panel.known & (panel.units.sum(axis=1, keepdims=True) > 0)
    known &= np.where(known, panel.units, 0.0).sum(axis=0, keepdims=True) > 0
    units = np.where(known, panel.units, 0.0)
    factors = np.stack([np.where(known, values, 0.0) for values in (panel.log_price, *panel.beside)])
    products = int(known.any(axis=1).sum())
    if products < 2 or not _moves_alone(factors[0], known):
        return None
    slopes, log_mean = np.zeros(len(factors)), np.where(known, np.log(units.sum() / known.sum()), 0.0)
    for _ in range(ROUNDS):
        mean = _scaled(np.where(known, np.exp(log_mean), 0.0), units)
        own, information = _own_information(factors, mean)
        if np.linalg.matrix_rank(information) < len(factors):
            return None
        score = ((units - mean) * own).sum(axis=(1, 2))
        step = np.clip(np.linalg.solve(information, score), -1.0, 1.0)
        slopes = slopes + step
        log_mean = np.where(known, np.log(np.maximum(mean, 1e-300)) + np.tensordot(step, factors, 1), 0.0)
        if (np.abs(step) < CLOSE * np.maximum(1.0, np.abs(slopes))).all():
            break
    mean = _scaled(np.where(known, np.exp(log_mean), 0.0), units)
    errors = _clustered_errors(units, mean, factors, products)
    rest = np.where(known, np.log(np.maximum(mean, 1e-300)) - np.tensordot(slopes, factors, 1), 0.0)
    rest -= (rest.sum(axis=1) / np.maximum(known.sum(axis=1), 1))[:, None]
    effects = np.where(known, rest, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    found = tuple(Slope(float(value), float(error), products) for value, error in zip(slopes, errors, strict=True))
    return Fitted(found, effects, mean)


def _moves_alone(values: Array, known: NDArray[np.bool_]) -> bool:
    """Whether a factor moves at all, and not only along with its period."""
    moved = (_without_product(values, known.astype(float)) ** 2).sum()
    own_part = (_without_means(values, known.astype(float)) ** 2).sum()
    return bool(moved > STILL * known.sum() and own_part > LEAST_OWN * moved)


def _own_information(factors: Array, mean: Array) -> tuple[Array, Array]:
    """What product and period leave of each factor, and the information of the slopes."""
    own = np.stack([_without_means(values, mean) for values in factors])
    return own, np.einsum("pt,ipt,jpt->ij", mean, own, own)


def _clustered_errors(units: Array, mean: Array, factors: Array, products: int) -> Array:
    """What leaving out each product would change: the few that tell most also fit themselves best."""
    own, information = _own_information(factors, mean)
    inverse = np.linalg.inv(information)
    told = np.einsum("pt,ipt,jpt->pij", mean, own, own) @ inverse
    scores = np.einsum("pt,ipt->pi", units - mean, own)
    without = np.linalg.solve(np.eye(len(factors)) * (1 + 1e-6) - told, scores[:, :, None])[:, :, 0]
    covariance = inverse @ (without.T @ without) @ inverse * (products - 1) / products
    return np.sqrt(np.diag(covariance))


def own_slope(units: Array, log_price: Array, effects: Array) -> Slope | None:
    """One product's elasticity, the effects of the periods given; None where its price hardly moves, or it fits nothing.

    The error allows for any spread of the demand around its mean.
    """
    known = ~np.isnan(log_price)
    units, price, offset = units[known], log_price[known], effects[known]
    if len(units) < 4 or units.sum() <= 0 or np.ptp(price) == 0:
        return None
    slope = 0.0
    for _ in range(ROUNDS):
        mean = np.exp(offset + slope * (price - price.mean()))
        mean *= units.sum() / mean.sum()
        own = price - (mean * price).sum() / mean.sum()
        information = (mean * own**2).sum()
        if information <= 0:
            return None
        step = float(np.clip(((units - mean) * own).sum() / information, -1.0, 1.0))
        slope += step
        if abs(slope) > 20:
            return None
        if abs(step) < CLOSE * max(1.0, abs(slope)):
            break
    size = len(units)
    spread = ((units - mean) * own) ** 2
    return Slope(slope, float(np.sqrt(spread.sum() * size / (size - 2)) / information), size - 1)


def shrunk(slopes: list[Slope | None], common: Slope) -> list[Slope]:
    """Each product's elasticity pulled to the common one by how unsure it is; one without its own is the common one.

    Source: DerSimonian and Laird, Controlled Clinical Trials 7 (1986), 177-188; Morris, JASA 78 (1983), 47-55.
    """
    known = [slope for slope in slopes if slope is not None and slope.error > 0]
    between = _between(known)
    found: list[Slope] = []
    for slope in slopes:
        if slope is None or slope.error <= 0 or between <= 0:
            found.append(Slope(common.value, float(np.hypot(common.error, np.sqrt(between)))))
            continue
        weight = between / (between + slope.error**2)
        value = weight * slope.value + (1 - weight) * common.value
        error = float(np.sqrt(weight * slope.error**2 + ((1 - weight) * common.error) ** 2))
        found.append(Slope(value, error))
    return found


def _between(slopes: list[Slope]) -> float:
    """The variance of the true elasticities around their mean, beyond what their errors explain."""
    if len(slopes) < 3:
        return 0.0
    values, weights = np.array([item.value for item in slopes]), np.array([item.error**-2 for item in slopes])
    mean = (weights * values).sum() / weights.sum()
    spread = (weights * (values - mean) ** 2).sum()
    scale = weights.sum() - (weights**2).sum() / weights.sum()
    return float(max(0.0, (spread - (len(slopes) - 1)) / scale)) if scale > 0 else 0.0


def _scaled(mean: Array, units: Array) -> Array:
    """`mean` with the totals of `units` by product and by period."""
    rows, columns = units.sum(axis=1, keepdims=True), units.sum(axis=0, keepdims=True)
    for _ in range(INNER):
        mean = mean * (rows / np.maximum(mean.sum(axis=1, keepdims=True), 1e-300))
        factor = columns / np.maximum(mean.sum(axis=0, keepdims=True), 1e-300)
        mean = mean * factor
        if np.abs(factor[columns > 0] - 1).max(initial=0.0) < CLOSE:
            break
    return mean


def _without_means(values: Array, weights: Array) -> Array:
    """`values` less what product and period explain, weighted; nought where nothing is known."""
    rows, columns = weights.sum(axis=1, keepdims=True), weights.sum(axis=0, keepdims=True)
    scale = max(float(np.abs(values).max(initial=0.0)), 1e-300)
    for _ in range(INNER):
        values = values - (weights * values).sum(axis=1, keepdims=True) / np.maximum(rows, 1e-300)
        by_period = (weights * values).sum(axis=0, keepdims=True) / np.maximum(columns, 1e-300)
        values = values - by_period
        if np.abs(by_period).max(initial=0.0) < CLOSE * scale:
            break
    return np.where(weights > 0, values, 0.0)


def _without_product(values: Array, weights: Array) -> Array:
    rows = weights.sum(axis=1, keepdims=True)
    left = values - (weights * values).sum(axis=1, keepdims=True) / np.maximum(rows, 1e-300)
    return np.where(weights > 0, left, 0.0)
