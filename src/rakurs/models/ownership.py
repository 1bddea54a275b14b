"""Who has which products, what goes with what, and what do people like him buy? Learned by a day, in columns.

A `Shelf` knows what was known by the end of one day: each product's buyers, how often two products have the same buyer,
and what was bought lately for the first time, by everybody and by each kind of customer. From it come the features of
every pair of a customer and a product he does not have.
"""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.core.coding import coded

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

LEAST_TOGETHER = 2
"""Two products met in one customer's hands so many times before that is taken for more than chance."""
MOST_NEIGHBOURS = 200
"""Of more products than that, each keeps the ones closest to it."""
PRIOR_BUYERS = 10.0
PRIOR_ALIKE = 20.0
"""A share counts as its own buyers, the common one as so many more."""
SMALL = 1e-4
MOST_KINDS = 100
CLEARLY, SURELY = 1.2, 4.0
"""What goes together meets so many times oftener than by chance, and by so many of its deviations."""

CUSTOMER_FEATURES = ("breadth", "pace", "silence")
"""What is known of a customer alone: how much he takes anew."""
FEATURES = ("popular", "similar", "together", "rules", *CUSTOMER_FEATURES)
"""What is known of a customer and a product he does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Customers as rows, products as columns: who has what, of which kind he is, when he last took something new."""

    owned: "csr_matrix"
    group: Codes
    """The number of each customer's kind; -1 where it is unknown."""
    silence: Array
    """Days since he last bought something for the first time."""
    pace: Array
    """How many things he bought for the first time lately."""


class History:
    """Pairs of customer and product, each with the day of the first purchase, by numbers instead of names."""

    def __init__(
        self, rows: pa.Table, products: Sequence[str] | None = None, groups: Sequence[str] | None = None
    ) -> None:
        customers, self.customer = coded(rows["customer_id"])
        self.customers = np.asarray(customers, dtype=object)
        names, codes = coded(rows["product_id"])
        self.products = np.asarray(names if products is None else products, dtype=object)
        self.product = codes if products is None else _placed(names, self.products)[codes]
        kinds, kind = coded(_kinds(rows))
        self.groups = _common(kinds, kind) if groups is None else np.asarray(groups, dtype=object)
        self._kind = _placed(kinds, self.groups)[kind]
        self.first_day = rows["first_day"].cast(pa.float64()).to_numpy(zero_copy_only=False)

    def by(self, until: int, *, lately: int) -> Owners:
        """What everybody had by the end of the day `until`; lately is within so many days before."""
        held = (self.product >= 0) & (self.first_day <= until)
        newest = np.full(len(self.customers), -np.inf)
        np.maximum.at(newest, self.customer[held], self.first_day[held])
        group = np.full(len(self.customers), -1, dtype=np.int64)
        group[self.customer] = self._kind
        newly = np.asarray(self.taken(until - lately, until).sum(axis=1), dtype=np.float64).ravel()
        silence = np.where(np.isfinite(newest), until - newest, 0.0)
        return Owners(owned=self._matrix(held), group=group, silence=silence, pace=newly)

    def taken(self, after: int, until: int) -> "csr_matrix":
        """What each bought for the first time on the days from `after` (exclusive) to `until`."""
        return self._matrix((self.product >= 0) & (self.first_day > after) & (self.first_day <= until))

    def _matrix(self, is_in: NDArray[np.bool_]) -> "csr_matrix":
        from scipy.sparse import csr_matrix  # noqa: PLC0415 - slow to import, and most processes offer nothing

        cells = (self.customer[is_in], self.product[is_in])
        shape = (len(self.customers), len(self.products))
        found = csr_matrix((np.ones(int(is_in.sum()), dtype=np.float32), cells), shape=shape)
        found.data[:] = 1.0
        return found


class Shelf:
    """What was known of the products by the end of one day."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        from scipy.sparse import csr_matrix  # noqa: PLC0415 - as above

        self.products: list[str] = known["products"]
        self.groups: list[str] = known["groups"]
        self.buyers = _unpacked(known["buyers"])
        self.is_offered = _unpacked(known["is_offered"]) > 0
        self.popular = _unpacked(known["popular"])
        self.breadth = _unpacked(known["breadth"])
        """How many things the owners of each product have on average."""
        size = len(self.products)
        self._newly = _unpacked(known["newly"]).reshape(-1, size)
        """How many customers of each kind lately took each product; the last row is of the unknown kind, and of nobody."""
        self._members = _unpacked(known["members"])
        self._similar = (self._newly + PRIOR_ALIKE * self.popular) / (self._members + PRIOR_ALIKE)[:, None]
        parts = (_unpacked(known["together"]), _unpacked(known["beside"]).astype(np.int32))
        self.together = csr_matrix((*parts, _unpacked(known["begins"]).astype(np.int32)), shape=(size, size))
        owners = self.buyers[np.repeat(np.arange(size), np.diff(self.together.indptr))]
        both, others = self.together.data, self.buyers[self.together.indices]
        self._closeness = csr_matrix(
            ((both / np.sqrt(owners * others)), self.together.indices, self.together.indptr), shape=(size, size)
        )
        # Of the owners of one product so many have the other; few owners prove little.
        rate = csr_matrix(
            (both / (owners + PRIOR_BUYERS), self.together.indices, self.together.indptr), shape=(size, size)
        )
        self._rules = rate.copy()
        self._rules.data = -np.log1p(-np.minimum(rate.data, 0.99))
        # Owners of one product have many others too: what goes with it is what they have surely oftener than people with
        # as many things would.
        size_of_owners = np.repeat(self.breadth, np.diff(self.together.indptr))
        by_chance = owners * np.minimum(size_of_owners * others / max(1.0, self.buyers.sum()), 1.0)
        self._telling = rate.copy()
        self._telling.data = np.where(_is_surely_more(both, by_chance), rate.data, 0.0)
        # And customers alike take more of it, not only more of everything.
        share = self.popular / max(self.popular.sum(), SMALL)
        self._is_theirs = _is_surely_more(self._newly, self._newly.sum(axis=1, keepdims=True) * share)

    @classmethod
    def learned(cls, history: History, until: int, *, lately: int, offered_days: int) -> "Shelf":
        """From purchases up to `until`: lately is within `lately` days, offered what was newly bought within `offered_days`."""
        return cls(_learned(history, until, lately=lately, offered_days=offered_days))

    def features(self, owners: Owners, rows: Codes, names: Sequence[str] = FEATURES) -> dict[str, NDArray[np.float32]]:
        """Of the customers in `rows`: each feature as a matrix of customers by products, or a part that stretches to it."""
        owned = owners.owned[rows]
        # An unknown kind is -1, and so the last row: it buys what everybody does.
        made: Mapping[str, Callable[[], Any]] = {
            "popular": lambda: np.log(self.popular + SMALL)[None, :],
            "similar": lambda: np.log(self._similar + SMALL).astype(np.float32)[owners.group[rows]],
            "together": lambda: _log(owned @ self._closeness),
            "rules": lambda: _log(owned @ self._rules),
            "breadth": lambda: np.log1p(np.asarray(owned.sum(axis=1))).reshape(-1, 1),
            "pace": lambda: np.log1p(owners.pace[rows]).reshape(-1, 1),
            "silence": lambda: np.log1p(owners.silence[rows]).reshape(-1, 1),
        }
        return {name: np.asarray(made[name](), dtype=np.float32) for name in names}

    def is_of_alike(self, group: Codes, what: Codes) -> NDArray[np.bool_]:
        """Whether customers of a kind surely take the product more than others do."""
        return self._is_theirs[group, what]

    def closest_owned(self, owners: Owners, who: Codes, what: Codes) -> Codes:
        """Of each customer and product the owned one it surely goes with: whose owners have it oftenest. Its place, or -1."""
        owned, size = owners.owned, len(self.products)
        counts = np.diff(owned.indptr)[who]
        # Every pair beside each thing its customer owns.
        pair = np.repeat(np.arange(len(who)), counts)
        within = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
        have = owned.indices[owned.indptr[who][pair] + within].astype(np.int64)
        keys = np.repeat(np.arange(size), np.diff(self._telling.indptr)) * size + self._telling.indices
        asked = have * size + what[pair]
        place = np.minimum(np.searchsorted(keys, asked), max(0, len(keys) - 1))
        rate = np.where(keys[place] == asked, self._telling.data[place], 0.0) if len(keys) else np.zeros(len(asked))
        best = np.zeros(len(who))
        np.maximum.at(best, pair, rate)
        is_best = (rate == best[pair]) & (rate > 0)
        cause = np.full(len(who), size, dtype=np.int64)
        np.minimum.at(cause, pair[is_best], have[is_best])
        return np.where(cause == size, -1, cause)

    def kept(self) -> dict[str, Any]:
        """As JSON, the numbers packed."""
        return {
            "breadth": _packed(self.breadth),
            "products": self.products,
            "groups": self.groups,
            "buyers": _packed(self.buyers),
            "is_offered": _packed(self.is_offered),
            "popular": _packed(self.popular),
            "newly": _packed(self._newly),
            "members": _packed(self._members),
            "together": _packed(self.together.data),
            "beside": _packed(self.together.indices),
            "begins": _packed(self.together.indptr),
        }


def _log(matrix: "csr_matrix") -> NDArray[np.float32]:
    """The logarithm of each cell and a little more; of the many empty ones it is known."""
    found = np.full(matrix.shape, np.log(SMALL), dtype=np.float32)
    cells = matrix.tocoo()
    found[cells.row, cells.col] = np.log(cells.data + SMALL)
    return found


def _is_surely_more(seen: Array, by_chance: Array) -> NDArray[np.bool_]:
    """Oftener than by chance, clearly and not by luck."""
    return (seen >= CLEARLY * by_chance) & (seen - by_chance >= SURELY * np.sqrt(np.maximum(by_chance, 1.0)))


def _learned(history: History, until: int, *, lately: int, offered_days: int) -> dict[str, Any]:
    owners = history.by(until, lately=lately)
    size, people = len(history.products), max(1, int((np.asarray(owners.owned.sum(axis=1)) > 0).sum()))
    buyers = np.asarray(owners.owned.sum(axis=0), dtype=np.float64).ravel()
    newly = history.taken(until - lately, until)
    popular = np.asarray(newly.sum(axis=0), dtype=np.float64).ravel() / people
    is_in_group = owners.group >= 0
    by_kind = np.zeros((len(history.groups) + 1, size))
    members = np.zeros(len(history.groups) + 1)
    cells = newly.tocoo()
    known = is_in_group[cells.row]
    np.add.at(by_kind, (owners.group[cells.row[known]], cells.col[known]), 1.0)
    np.add.at(members, owners.group[is_in_group], 1.0)
    offered = np.asarray(history.taken(until - offered_days, until).sum(axis=0)).ravel() > 0
    together = _together(owners.owned, buyers)
    things = np.asarray(owners.owned.sum(axis=1), dtype=np.float64).ravel()
    breadth = np.asarray(owners.owned.T @ things).ravel() / np.maximum(buyers, 1.0)
    return {
        "breadth": _packed(breadth),
        "products": [str(name) for name in history.products],
        "groups": [str(name) for name in history.groups],
        "buyers": _packed(buyers),
        "is_offered": _packed(offered),
        "popular": _packed(popular),
        "newly": _packed(by_kind),
        "members": _packed(members),
        "together": _packed(together.data),
        "beside": _packed(together.indices),
        "begins": _packed(together.indptr),
    }


def _together(owned: "csr_matrix", buyers: Array) -> "csr_matrix":
    """How many customers have both of two products; of very many products each keeps the closest."""
    both = (owned.T @ owned).tocsr()
    both.setdiag(0)
    both.data[both.data < LEAST_TOGETHER] = 0
    both.eliminate_zeros()
    both.sort_indices()
    if both.shape[0] <= MOST_NEIGHBOURS:
        return both
    for row in range(both.shape[0]):
        begin, end = both.indptr[row], both.indptr[row + 1]
        if end - begin > MOST_NEIGHBOURS:
            close = both.data[begin:end] / np.sqrt(buyers[both.indices[begin:end]])
            both.data[begin:end][np.argsort(-close, kind="stable")[MOST_NEIGHBOURS:]] = 0
    both.eliminate_zeros()
    return both


def _kinds(rows: pa.Table) -> pa.ChunkedArray:
    """A customer's kind and region, as one name."""
    import pyarrow.compute as pc  # noqa: PLC0415 - beside its only use

    parts = [pc.fill_null(rows[name].cast(pa.string()), "") for name in ("customer_kind", "region")]
    return pc.binary_join_element_wise(*parts, "\t")


def _common(kinds: Sequence[str], kind: Codes) -> NDArray[np.object_]:
    """The kinds that hold the most rows: a region typed in a thousand ways makes no thousand kinds."""
    held = np.bincount(kind[kind >= 0], minlength=len(kinds))
    return np.asarray(kinds, dtype=object)[np.sort(np.argsort(-held, kind="stable")[:MOST_KINDS])]


def _placed(names: Sequence[str], known: NDArray[np.object_]) -> Codes:
    """The place of each name among the known ones; -1 for a new one. One more -1 stands at the end, for no name."""
    place = {name: number for number, name in enumerate(known)}
    return np.array([*(place.get(name, -1) for name in names), -1], dtype=np.int64)


def _packed(values: NDArray[Any]) -> str:
    """Numbers as text: small floats, squeezed."""
    return b64encode(zlib.compress(np.asarray(values, dtype="<f4").tobytes(), 6)).decode()


def _unpacked(text: str) -> Array:
    return np.frombuffer(zlib.decompress(b64decode(text)), dtype="<f4").astype(np.float64)
