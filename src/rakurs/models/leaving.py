"""When does a client leave, if he may leave at any time and not only after a purchase? Pareto/NBD.

The numbers of a client are those of `purchases`: `x` purchases after the first, the last of them `tx` after the first,
`age` from the first to the day of the question, all in the caller's unit of time.

Source: Schmittlein, Morrison, Colombo, Management Science 33 (1987), 1-24; Fader, Hardie, "A note on deriving the
Pareto/NBD model and related expressions" (2005).
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import digamma, expit, gammaln

Array = NDArray[np.float64]
Law = tuple[float, float, float, float]
"""r, alpha, s, beta."""

_LOG_BOUNDS = (-9.0, 16.0)
"""Of the parameters' logarithms: where all clients leave at one rate, s and beta go to infinity together."""
_PANELS, _NODES = 4, 6
"""Of the integral over the day a client may have left on; the panels double, the narrowest by his last purchase."""
ROWS_AT_ONCE = 50_000
LARGEST_SAMPLE = 20_000
"""So many different clients are enough for four parameters: the likelihood is an integral for each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavingModel:
    """Purchases come at a gamma rate (r, alpha) until the client leaves, which he does at a gamma rate (s, beta)."""

    r: float
    alpha: float
    s: float
    beta: float
    log_likelihood: float

    def alive(self, x: Array, tx: Array, age: Array) -> Array:
        """The probability that a client has not left by the day of the question."""
        found = np.empty(len(x))
        for rows in _slices(len(x)):
            stayed = -(self.r + x[rows]) * np.log(self.alpha + age[rows]) - self.s * np.log(self.beta + age[rows])
            left, _ = _left((self.r, self.alpha, self.s, self.beta), x[rows], tx[rows], age[rows])
            found[rows] = expit(stayed - np.log(self.s) - left)
        return found

    def expected(self, x: Array, tx: Array, age: Array, ahead: Array | float) -> Array:
        """The expected number of purchases of a client in the time `ahead` of the day of the question."""
        return self.alive(x, tx, age) * self.expected_alive(x, age, ahead)

    def expected_alive(self, x: Array, age: Array, ahead: Array | float) -> Array:
        """The same of a client known to be still there: it depends on `x` and `age` alone."""
        return (self.r + x) / (self.alpha + age) * self._stay(age, ahead)

    def expected_new(self, ahead: Array | float) -> Array:
        """The expected number of repeat purchases of a client who buys for the first time now."""
        return self.expected_alive(np.zeros(1), np.zeros(1), ahead)

    def _stay(self, age: Array, ahead: Array | float) -> Array:
        """How much of the time ahead a client who is there is expected to stay: the integral of his survival."""
        beta = self.beta + age
        power, span = self.s - 1, np.log1p(np.asarray(ahead) / beta)
        # At s = 1 the integral is a logarithm; near it the difference of powers would lose its digits.
        near = abs(power) < 1e-9
        return beta * (span if near else -np.expm1(-power * span) / power)

    def simulated(
        self, x: Array, tx: Array, age: Array, ahead: float, *, draws: int, random: np.random.Generator
    ) -> Array:
        """Purchases in the time ahead as (clients, draws): the rates, the day of leaving and the purchases are drawn."""
        size = (len(x), draws)
        rate = random.gamma((self.r + x)[:, None], 1 / (self.alpha + age)[:, None], size)
        leaves = random.gamma(self.s, 1, size) / (self.beta + age)[:, None]
        stay = np.minimum(random.exponential(1, size) / np.maximum(leaves, 1e-300), ahead)
        is_alive = random.random(size) < self.alive(x, tx, age)[:, None]
        return np.where(is_alive, random.poisson(rate * stay), 0).astype(np.float64)

    def kept(self) -> dict[str, float]:
        """The parameters as JSON."""
        return asdict(self)


def _slices(length: int) -> list[slice]:
    return [slice(start, start + ROWS_AT_ONCE) for start in range(0, length, ROWS_AT_ONCE)]


def _left(law: Law, x: Array, tx: Array, age: Array) -> tuple[Array, Array]:
    """The logarithm of the integral over the day of leaving y from `tx` to `age` of (alpha+y)^-(r+x) (beta+y)^-(s+1),
    and the means under that density of 1/(alpha+y), log(alpha+y), 1/(beta+y), log(beta+y), a row of each.

    Over the logarithm of y plus the lesser scale, by Gauss and Legendre.
    """
    r, alpha, s, beta = law
    least = min(alpha, beta)
    whole = np.log((least + age) / (least + tx))
    edges = (2.0 ** np.arange(_PANELS + 1) - 1) / (2.0**_PANELS - 1)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    places = (middle[:, None] + half[:, None] * nodes).ravel()
    shares = np.log((half[:, None] * weights).ravel())
    shifted = (least + tx)[:, None] * np.exp(whole[:, None] * places)
    one, other = shifted + (alpha - least), shifted + (beta - least)
    log_one, log_other = np.log(one), np.log(other)
    logs = shares + np.log(shifted) - (r + x)[:, None] * log_one - (s + 1) * log_other
    highest = logs.max(axis=1, keepdims=True)
    density = np.exp(logs - highest)
    mass = density.sum(axis=1)
    with np.errstate(divide="ignore"):
        total = np.log(whole) + highest[:, 0] + np.log(mass)
    means = np.stack([(density * part).sum(axis=1) / mass for part in (1 / one, log_one, 1 / other, log_other)])
    return total, means


def fit_leaving(x: Array, tx: Array, age: Array) -> LeavingModel:
    """The maximum of the likelihood, by analytic gradient over the clients that differ; of very many, over a sample."""
    different, weights = np.unique(np.column_stack([x, tx, age]), axis=0, return_counts=True)
    every = 1.0
    if len(different) > LARGEST_SAMPLE:
        chosen = np.sort(np.random.default_rng(1).choice(len(different), LARGEST_SAMPLE, replace=False))
        every = float(weights.sum() / weights[chosen].sum())
        different, weights = different[chosen], weights[chosen]
    x, tx, age = different[:, 0], different[:, 1], different[:, 2]

    def loss(logs: Array) -> tuple[float, Array]:
        r, alpha, s, beta = np.exp(logs)
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        stayed = -(r + x) * np.log(alpha + age) - s * np.log(beta + age)
        total, (by_one, log_one, by_other, log_other) = _left((r, alpha, s, beta), x, tx, age)
        left = np.log(s) + total
        whole = np.logaddexp(stayed, left)
        share = np.exp(left - whole)
        steps = np.stack(
            [
                digamma(r + x) - digamma(r) + np.log(alpha) - (1 - share) * np.log(alpha + age) - share * log_one,
                r / alpha - (r + x) * ((1 - share) / (alpha + age) + share * by_one),
                np.log(beta) - (1 - share) * np.log(beta + age) + share * (1 / s - log_other),
                s / beta - (1 - share) * s / (beta + age) - share * (s + 1) * by_other,
            ]
        )
        value = float(weights @ (common + whole))
        return -value / weights.sum(), -(steps @ weights) * np.exp(logs) / weights.sum()

    mean_age = max(float(np.average(age, weights=weights)), 1e-6)
    best = minimize(
        loss,
        np.log([1.0, mean_age / 4, 0.7, 0.7 * mean_age]),
        jac=True,
        method="L-BFGS-B",
        bounds=[_LOG_BOUNDS] * 4,
        options={"maxiter": 1000, "ftol": 1e-12, "gtol": 1e-8},
    )
    r, alpha, s, beta = (float(value) for value in np.exp(best.x))
    likelihood = -float(best.fun) * float(weights.sum()) * every
    return LeavingModel(r=r, alpha=alpha, s=s, beta=beta, log_likelihood=likelihood)
