"""Who is one customer, given what links records, what people decided, and what cannot be one?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

DecisionKind = Literal["merge", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Two records that may be one customer, why, and how surely (0..1)."""

    left_id: str
    right_id: str
    rule: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What somebody decided about two records: one customer, or never."""

    left_id: str
    right_id: str
    kind: DecisionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What a record says that another record of the same customer cannot contradict."""

    tax_id: str | None = None
    birth_date: date | None = None
    kind: str | None = None
    branch: str | None = None
    """Its KPP: which of the branches under its tax id. Another one contradicts only where the tax id alone speaks."""


@dataclass(slots=True)
class _Cluster:
    records: set[str]
    tax_ids: set[str] = field(default_factory=set[str])
    birth_dates: set[date] = field(default_factory=set[date])
    kinds: set[str] = field(default_factory=set[str])
    branches: set[str] = field(default_factory=set[str])

    @classmethod
    def of(cls, record: str, person: Person | None) -> "_Cluster":
        one = cls({record})
        if person is not None:
            one.tax_ids |= {person.tax_id} - {None}  # type: ignore[operator]
            one.birth_dates |= {person.birth_date} - {None}  # type: ignore[operator]
            one.kinds |= {person.kind} - {None}  # type: ignore[operator]
            one.branches |= {person.branch} - {None}  # type: ignore[operator]
        return one

    def contradicts(self, other: "_Cluster", rule: str) -> bool:
        """Whether both together would say two things of which only one can be, or are two branches that only a tax id joins."""
        if rule == "tax_id" and self.branches and other.branches and self.branches.isdisjoint(other.branches):
            return True
        return any(
            one and two and one != two
            for one, two in (
                (self.tax_ids, other.tax_ids),
                (self.birth_dates, other.birth_dates),
                (self.kinds, other.kinds),
            )
        )

    def take(self, other: "_Cluster") -> None:
        self.records |= other.records
        self.tax_ids |= other.tax_ids
        self.birth_dates |= other.birth_dates
        self.kinds |= other.kinds
        self.branches |= other.branches


def clustered(
    links: Iterable[Link], decisions: Sequence[Decision], people: Mapping[str, Person]
) -> list[dict[str, Link]]:
    """The customers of two records and more: their records, each with the link that first joined it to another.

    What people merged comes first and is never contradicted; then the surest links. A link joins two clusters only where
    nothing in one contradicts anything in the other and nobody said "never" of any two of them: so a chain over a shared
    phone ends where it would join two people. The same whatever the order of the links.
    """
    merged = [
        Link(left_id=one.left_id, right_id=one.right_id, rule="person", probability=1.0)
        for one in decisions
        if one.kind == "merge"
    ]
    apart: dict[str, set[str]] = {}
    for one in decisions:
        if one.kind == "never":
            apart.setdefault(one.left_id, set()).add(one.right_id)
            apart.setdefault(one.right_id, set()).add(one.left_id)
    of: dict[str, _Cluster] = {}
    brought: dict[str, Link] = {}
    ordered = sorted(links, key=lambda link: (-link.probability, link.left_id, link.right_id))
    for link in (*merged, *ordered):
        left, right = (
            of.setdefault(record, _Cluster.of(record, people.get(record))) for record in (link.left_id, link.right_id)
        )
        if (
            left is right
            or (link.rule != "person" and left.contradicts(right, link.rule))
            or _apart(left, right, apart)
        ):
            continue
        larger, smaller = (left, right) if len(left.records) >= len(right.records) else (right, left)
        for record in (link.left_id, link.right_id):
            brought.setdefault(record, link)
        larger.take(smaller)
        for record in smaller.records:
            of[record] = larger
    found = {id(cluster): cluster for cluster in of.values() if len(cluster.records) > 1}
    return [{record: brought[record] for record in sorted(one.records)} for one in found.values()]


def _apart(left: _Cluster, right: _Cluster, apart: Mapping[str, set[str]]) -> bool:
    if not apart:
        return False
    fewer, others = (left, right) if len(left.records) <= len(right.records) else (right, left)
    return any(apart.get(record, frozenset[str]()) & others.records for record in fewer.records)
