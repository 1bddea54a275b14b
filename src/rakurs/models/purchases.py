"""How often will a client buy again, is he still there, and for how much? BG/NBD, its variant for one-time buyers, and
Gamma-Gamma.

Every client is summed up by three numbers and a mean: `x` purchases after the first, the last of them `tx` after the
first, `age` from the first to the day of the question, and `m`, the mean of the repeat purchases. The unit of time is the
caller's; the scale parameters alpha and v are in the units of time and money.

Sources: Fader, Hardie, Lee, Marketing Science 24 (2005), 275-284 (BG/NBD); Batislam, Denizel, Filiztekin, IJRM 24 (2007),
201-209 (MBG/NBD, where a client may leave right after the first purchase); Fader, Hardie, "The Gamma-Gamma model of
monetary value" (2013).
"""

from dataclasses import asdict, dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaincinv, betaln, digamma, expit, gammaln, hyp2f1

Array = NDArray[np.float64]
Variant = Literal["bg", "mbg"]

QUANTILES = 500
_LOG_BOUNDS = (-9.0, 12.0)
"""Of the parameters' logarithms: a sample without differences between clients sends them to infinity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyingModel:
    """Purchases come at a gamma rate (r, alpha) until the client leaves, at a beta chance (a, b) after each purchase.

    In the variant "mbg" he may leave after the first purchase too, so that a silent one-time buyer is not alive for ever.
    """

    r: float
    alpha: float
    a: float
    b: float
    variant: Variant
    log_likelihood: float

    @property
    def _shift(self) -> int:
        return 1 if self.variant == "mbg" else 0

    def alive(self, x: Array, tx: Array, age: Array) -> Array:
        """The probability that a client has not left by the day of the question."""
        b = self.b + x + self._shift - 1
        with np.errstate(divide="ignore"):
            odds_left = np.log(self.a) - np.log(b) + (self.r + x) * (np.log(self.alpha + age) - np.log(self.alpha + tx))
        return np.where((x > 0) | (self._shift == 1), expit(-odds_left), 1.0)

    def expected(self, x: Array, tx: Array, age: Array, ahead: Array | float) -> Array:
        """The expected number of purchases of a client in the time `ahead` of the day of the question."""
        return self.alive(x, tx, age) * self.expected_alive(x, age, ahead)

    def expected_alive(self, x: Array, age: Array, ahead: Array | float) -> Array:
        """The same of a client known to be still there: it depends on `x` and `age` alone."""
        a, b = self.a, self.b + x + self._shift
        r, alpha = self.r + x, self.alpha + age
        with np.errstate(over="ignore", invalid="ignore"):
            series = hyp2f1(r, b, a + b - 1, ahead / (alpha + ahead))
            found = (a + b - 1) / (a - 1) * (1 - np.exp(-r * np.log1p(ahead / alpha)) * series)
        # Where all clients are alike the rate is nearly one number (a great r), and the series overflows.
        lost = ~np.isfinite(found)
        if lost.any():
            found[lost] = _over_chances(r[lost], alpha[lost], a, b[lost], np.broadcast_to(ahead, found.shape)[lost])
        return found

    def expected_new(self, ahead: Array | float) -> Array:
        """The expected number of repeat purchases of a client who buys for the first time now."""
        zero = np.zeros(1)
        stays = self.b / (self.a + self.b) if self._shift else 1.0
        return stays * self.expected_alive(zero, zero, ahead)

    def simulated(
        self, x: Array, tx: Array, age: Array, ahead: float, *, draws: int, random: np.random.Generator
    ) -> Array:
        """Purchases in the time ahead as (clients, draws): the rate, the chance to leave and the purchases are drawn."""
        size = (len(x), draws)
        rate = random.gamma((self.r + x)[:, None], 1 / (self.alpha + age)[:, None], size)
        leaves = random.beta(self.a, (self.b + x + self._shift)[:, None], size)
        until_left = random.geometric(np.maximum(leaves, 1e-12), size)
        is_alive = random.random(size) < self.alive(x, tx, age)[:, None]
        return np.where(is_alive, np.minimum(random.poisson(rate * ahead), until_left), 0).astype(np.float64)

    def kept(self) -> dict[str, float | str]:
        """The parameters as JSON."""
        return asdict(self)


def _over_chances(r: Array, alpha: Array, a: float, b: Array, ahead: Array) -> Array:
    """Expected purchases as the mean over the quantiles of the chance to leave: slower than the series, always finite."""
    quantiles = (np.arange(QUANTILES) + 0.5) / QUANTILES
    leaves = np.maximum(betaincinv(a, b[:, None], quantiles), 1e-12)
    return (-np.expm1(-r[:, None] * np.log1p(leaves * ahead[:, None] / alpha[:, None])) / leaves).mean(axis=1)


def fit_buying(x: Array, tx: Array, age: Array, *, variant: Variant = "mbg") -> BuyingModel:
    """The maximum of the likelihood, by analytic gradient over the clients that differ."""
    different, weights = np.unique(np.column_stack([x, tx, age]), axis=0, return_counts=True)
    x, tx, age = different[:, 0], different[:, 1], different[:, 2]
    shift = 1 if variant == "mbg" else 0
    can_have_left = (x > 0) | (shift == 1)

    def loss(logs: Array) -> tuple[float, Array]:
        r, alpha, a, b = np.exp(logs)
        tail = x + shift
        common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
        stayed = betaln(a, b + tail) - (r + x) * np.log(alpha + age)
        left = betaln(a + 1, np.where(can_have_left, b + tail - 1, 1.0)) - (r + x) * np.log(alpha + tx)
        left = np.where(can_have_left, left, -np.inf)
        whole = np.logaddexp(stayed, left)
        share = np.exp(left - whole)
        steps = np.stack(
            [
                digamma(r + x)
                - digamma(r)
                + np.log(alpha)
                - (1 - share) * np.log(alpha + age)
                - share * np.log(alpha + tx),
                r / alpha - (r + x) * ((1 - share) / (alpha + age) + share / (alpha + tx)),
                digamma(a + b) - digamma(a + b + tail) + share * (digamma(a + 1) - digamma(a)),
                digamma(a + b)
                - digamma(b)
                - digamma(a + b + tail)
                + (1 - share) * digamma(b + tail)
                + share * digamma(np.where(can_have_left, b + tail - 1, 1.0)),
            ]
        )
        total = float(weights @ (common + whole))
        return -total / weights.sum(), -(steps @ weights) * np.exp(logs) / weights.sum()

    start = np.log([1.0, max(float(np.average(age, weights=weights)), 1e-6) / 4, 1.0, 2.0])
    # A second start where clients leave rarely: the likelihood is flat there and the first may stop short.
    found = [
        minimize(
            loss,
            begin,
            jac=True,
            method="L-BFGS-B",
            bounds=[_LOG_BOUNDS] * 4,
            options={"maxiter": 2000, "ftol": 1e-13, "gtol": 1e-9},
        )
        for begin in (start, start + np.array([-1.0, -1.0, -1.0, 1.0]))
    ]
    best = min(found, key=lambda result: result.fun)
    r, alpha, a, b = (float(value) for value in np.exp(best.x))
    return BuyingModel(
        r=r, alpha=alpha, a=a, b=b, variant=variant, log_likelihood=-float(best.fun) * int(weights.sum())
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingModel:
    """A client's purchases spread around a mean of his own; the means of clients differ: gamma-gamma (p, q, v)."""

    p: float
    q: float
    v: float
    log_likelihood: float

    def mean(self, x: Array, m: Array) -> Array:
        """What a purchase of the client is expected to be worth; without repeat purchases, as of anybody."""
        return self.p * (self.v + x * np.where(x > 0, m, 0.0)) / (self.p * x + self.q - 1)

    def simulated(self, x: Array, m: Array, purchases: Array, *, random: np.random.Generator) -> Array:
        """The money of `purchases` (clients, draws): the client's own mean is drawn, then every purchase."""
        seen = np.where(x > 0, m, 0.0)
        rate = random.gamma((self.p * x + self.q)[:, None], 1 / (self.v + x * seen)[:, None], purchases.shape)
        return np.where(purchases > 0, random.gamma(np.maximum(self.p * purchases, 1e-9)) / rate, 0.0)

    def kept(self) -> dict[str, float]:
        """The parameters as JSON."""
        return asdict(self)

    @classmethod
    def of_everybody(cls, mean: float) -> Self:
        """Where too few came back to tell clients apart: everybody's purchases are worth the mean."""
        return cls(p=1.0, q=1e6 + 1, v=mean * 1e6, log_likelihood=float("nan"))


def fit_spending(x: Array, m: Array) -> SpendingModel:
    """The maximum of the likelihood over clients with repeat purchases of a positive mean `m`.

    The money is scaled by its mean first: roubles and yen fit alike.
    """
    scale = float(np.average(m, weights=x))
    money = m / scale

    def loss(logs: Array) -> tuple[float, Array]:
        p, q, v = np.exp(logs)
        spent = x * money
        terms = (
            gammaln(p * x + q)
            - gammaln(p * x)
            - gammaln(q)
            + q * np.log(v)
            + (p * x - 1) * np.log(money)
            + p * x * np.log(x)
            - (p * x + q) * np.log(spent + v)
        )
        steps = np.array(
            [
                (x * (digamma(p * x + q) - digamma(p * x) + np.log(money) + np.log(x) - np.log(spent + v))).mean(),
                (digamma(p * x + q) - digamma(q) + np.log(v) - np.log(spent + v)).mean(),
                (q / v - (p * x + q) / (spent + v)).mean(),
            ]
        )
        return -float(terms.mean()), -steps * np.exp(logs)

    options = {"maxiter": 2000, "ftol": 1e-13, "gtol": 1e-9}
    best = minimize(
        loss, np.log([2.0, 3.0, 1.0]), jac=True, method="L-BFGS-B", bounds=[_LOG_BOUNDS] * 3, options=options
    )
    p, q, v = (float(value) for value in np.exp(best.x))
    # Scaling the money changes the likelihood by the scale once for each client.
    likelihood = -float(best.fun) * len(x) - len(x) * np.log(scale)
    return SpendingModel(p=p, q=q, v=v * scale, log_likelihood=float(likelihood))
