"""By which law do these clients buy, leave and spend? The likeliest of two, for all of them or apart by their kind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rakurs.models.leaving import LeavingModel
    from rakurs.models.purchases import BuyingModel, SpendingModel

Array = NDArray[np.float64]
Rows = NDArray[np.bool_]

WEEK = 7.0
LEAST_RETURNING = 50
"""Clients of a kind who came back, for a law of their own."""
PARAMETERS = 4
PRIOR_CHECKS = 3.0
"""A client's own margin rate counts as his purchases, the company's as so many more."""
MBG, PARETO = "MBG/NBD", "Pareto/NBD"


class Customers:
    """The numbers of many customers; times in weeks, never rounded to whole ones."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows
        self.x, self.purchases = self._column("x"), self._column("purchases")
        self.tx, self.age = self._column("tx") / WEEK, self._column("age") / WEEK
        repeat = self._column("repeat_money")
        # Returns may outweigh the repeat purchases; such a client is as anybody.
        self.mean = np.divide(repeat, self.x, out=np.zeros_like(repeat), where=self.x > 0)
        self.has_mean = (self.x > 0) & (self.mean > 0)
        self.x_priced = np.where(self.has_mean, self.x, 0.0)

    @property
    def kind(self) -> NDArray[np.str_]:
        """Person, company, or nothing where it is not known."""
        kinds = self.rows["kind"].cast(pa.string()).fill_null("").combine_chunks().dictionary_encode()
        names = np.asarray(kinds.dictionary.to_pylist(), dtype=np.str_)
        return names[kinds.indices.to_numpy(zero_copy_only=False)]

    @property
    def came(self) -> Array:
        """Purchases on the judged days."""
        return self._column("came")

    @property
    def came_money(self) -> Array:
        """Their money."""
        return self._column("came_money")

    @property
    def average(self) -> float:
        """What a purchase is worth on average."""
        return float(self._column("revenue").sum() / max(self.purchases.sum(), 1.0))

    @property
    def correlation(self) -> float:
        """Of how often and for how much repeat buyers buy; gamma-gamma takes it to be 0."""
        x, mean = self.x[self.has_mean], self.mean[self.has_mean]
        return float(np.corrcoef(x, np.log(mean))[0, 1]) if len(x) > 1 and x.std() > 0 and mean.std() > 0 else 0.0

    @property
    def margin(self) -> tuple[float, float, float]:
        """Margin, the revenue it is known for, and all revenue."""
        names = ("margin", "revenue_with_margin", "revenue")
        margin, known, revenue = (float(np.nansum(self._column(name))) for name in names)
        return margin, known, revenue

    def margin_rate(self, common: float | None) -> Array:
        """The share of a client's revenue that is margin: his own, pulled to the common one; 1 where no cost is known."""
        if common is None:
            return np.ones_like(self.x)
        margin, known = np.nan_to_num(self._column("margin")), np.nan_to_num(self._column("revenue_with_margin"))
        prior = PRIOR_CHECKS * max(self.average, 0.01)
        return (margin + prior * common) / (np.maximum(known, 0.0) + prior)

    def only(self, rows: Rows) -> "Customers":
        """Some of them."""
        return Customers(self.rows.filter(pa.array(rows)))

    def part(self, start: int, stop: int) -> "Customers":
        """Those from `start` up to, not including, `stop`."""
        return Customers(self.rows.slice(start, stop - start))

    def _column(self, name: str) -> Array:
        return self.rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """How clients alike buy and leave, what a purchase is worth, and the share of it that is margin."""

    buying: "BuyingModel | LeavingModel"
    spending: "SpendingModel"
    margin: float | None

    @property
    def name(self) -> str:
        """The law of buying and leaving, as the literature calls it."""
        return PARETO if "beta" in self.buying.kept() else MBG

    def kept(self) -> dict[str, Any]:
        """As JSON."""
        return {"buying": self.buying.kept(), "spending": self.spending.kept(), "margin": self.margin}

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Law":
        """What `kept` wrote."""
        from rakurs.models.leaving import LeavingModel  # noqa: PLC0415 - scipy is slow to import
        from rakurs.models.purchases import BuyingModel, SpendingModel  # noqa: PLC0415 - as above

        law = LeavingModel if "beta" in kept["buying"] else BuyingModel
        spending = SpendingModel(**kept["spending"])
        return cls(buying=law(**kept["buying"]), spending=spending, margin=kept["margin"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Laws:
    """The laws of a company's clients by their kind; `rest` is that of the kinds not named."""

    by_kind: Mapping[str, Law]
    rest: Law

    def groups(self, customers: Customers) -> Iterator[tuple[Rows, Customers, Law]]:
        """Clients of one law at a time: which rows they are, and they."""
        kinds = customers.kind if self.by_kind else np.full(len(customers.x), "", dtype=np.str_)
        named = np.isin(kinds, list(self.by_kind))
        for rows, law in (*((kinds == kind, law) for kind, law in self.by_kind.items()), (~named, self.rest)):
            if rows.any():
                yield rows, customers.only(rows), law

    def kept(self) -> dict[str, Any]:
        """As JSON."""
        return {"by_kind": {kind: law.kept() for kind, law in self.by_kind.items()}, "rest": self.rest.kept()}

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Laws":
        """What `kept` wrote."""
        return cls(by_kind={kind: Law.read(law) for kind, law in kept["by_kind"].items()}, rest=Law.read(kept["rest"]))


def fit_laws(customers: Customers) -> Laws:
    """One law for all, or one for each kind of client where that is likelier by more than its parameters cost (BIC).

    A kind too small for a law of its own goes with the largest. Source of the criterion: Schwarz, The Annals of
    Statistics 6 (1978), 461-464.
    """
    common_margin = _margin_rate(customers)
    common = _fit_law(customers, common_margin)
    kinds = customers.kind
    names = [str(name) for name in np.unique(kinds) if int((customers.x[kinds == name] > 0).sum()) >= LEAST_RETURNING]
    if len(names) < 2:
        return Laws(by_kind={}, rest=common)
    largest = max(names, key=lambda name: int((kinds == name).sum()))
    small = ~np.isin(kinds, names)
    members = {name: (kinds == name) | (small & (name == largest)) for name in names}
    apart = {name: _fit_law(customers.only(rows), common_margin) for name, rows in members.items()}
    gain = sum(law.buying.log_likelihood for law in apart.values()) - common.buying.log_likelihood
    if gain <= PARAMETERS * (len(names) - 1) / 2 * np.log(len(kinds)):
        return Laws(by_kind={}, rest=common)
    return Laws(by_kind={name: law for name, law in apart.items() if name != largest}, rest=apart[largest])


def _fit_law(customers: Customers, common_margin: float | None) -> Law:
    from rakurs.models.leaving import fit_leaving  # noqa: PLC0415 - as above
    from rakurs.models.purchases import SpendingModel, fit_buying, fit_spending  # noqa: PLC0415 - as above

    laws = (fit(customers.x, customers.tx, customers.age) for fit in (fit_buying, fit_leaving))
    known = customers.has_mean
    spending = (
        SpendingModel.of_everybody(customers.average)
        if int(known.sum()) < LEAST_RETURNING
        else fit_spending(customers.x[known], customers.mean[known])
    )
    own_margin = _margin_rate(customers)
    return Law(
        buying=max(laws, key=lambda law: law.log_likelihood),
        spending=spending,
        margin=common_margin if own_margin is None else own_margin,
    )


def _margin_rate(customers: Customers) -> float | None:
    """The share of revenue that is margin; None where no cost is known."""
    margin, known, _ = customers.margin
    return margin / known if known > 0 else None
