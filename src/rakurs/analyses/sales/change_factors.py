"""Which factors make up each number, and what part of a change belongs to each? Declared once per metric."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from rakurs.core.decomposition import mix_and_rate, shapley_of_product
from rakurs.core.discoveries import (
    Moments,
    Shares,
    count_change_differs,
    share_change_differs,
    size_change_differs,
)
from rakurs.core.text import Text
from rakurs.core.units import Unit

Group = Mapping[str, Any]
"""What happened in one group: `{part}_0` before, `{part}_1` after."""
Pair = tuple[float, float]
Test = Callable[[Group, Group], float | None]
LEAST_COUNTED, LEAST_TRIED, LEAST_SIZED = 20, 20, 30
"""What a group needs before its change is tested at all: events in both periods together, trials in each, amounts in
each. Chosen by size alone, so that groups too small to show anything do not make the correction harsher for others.
Source: Bourgon, Gentleman, Huber, PNAS 107 (2010), 9546–9551."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One factor of a product. `of` is its value before and after; None where it is not defined on that side."""

    name: str
    title: Text
    unit: Unit
    of: Callable[[Group, int], float | None]
    test: Test | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """How a metric is made: a product of factors (`product`), or a ratio of sums that groups share (`ratio`).

    `rest` of a product is a part that is no part of it and is simply added (returns).
    """

    kind: Literal["product", "ratio"]
    family: Literal["deals", "sales"]
    unit: Unit
    value: str
    factors: tuple[Factor, ...]
    over: str = ""
    rest: Factor | None = None


def _part(name: str) -> Callable[[Group, int], float | None]:
    return lambda group, side: float(group[f"{name}_{side}"])


def _each(top: str, bottom: str) -> Callable[[Group, int], float | None]:
    def of(group: Group, side: int) -> float | None:
        below = float(group[f"{bottom}_{side}"])
        return float(group[f"{top}_{side}"]) / below if below else None

    return of


def _at_least_one(name: str) -> Callable[[Group, int], float | None]:
    return lambda group, side: max(float(group[f"{name}_{side}"]), 1.0)


def _pace(group: Group, side: int) -> float | None:
    return float(group[f"closed_{side}"]) / max(float(group[f"created_{side}"]), 1.0)


def _pair(group: Group, part: str) -> tuple[int, int]:
    return int(group[f"{part}_0"]), int(group[f"{part}_1"])


def _count_test(part: str) -> Test:
    def test(own: Group, rest: Group) -> float | None:
        pairs = _pair(own, part), _pair(rest, part)
        return None if min(map(sum, pairs)) < LEAST_COUNTED else count_change_differs(*pairs)

    return test


def _share_test(successes: str, trials: str) -> Test:
    def of(group: Group) -> Shares:
        first, second = ((int(group[f"{successes}_{side}"]), int(group[f"{trials}_{side}"])) for side in (0, 1))
        return first, second

    def test(own: Group, rest: Group) -> float | None:
        sides = of(own), of(rest)
        return None if min(count for pair in sides for _, count in pair) < LEAST_TRIED else share_change_differs(*sides)

    return test


def _size_test(own: Group, rest: Group) -> float | None:
    sides = _moments(own), _moments(rest)
    return None if min(count for pair in sides for count, _, _ in pair) < LEAST_SIZED else size_change_differs(*sides)


def _moments(group: Group) -> tuple[Moments, Moments]:
    before, after = (
        (int(group[f"sized_{side}"]), float(group[f"log_sum_{side}"]), float(group[f"log_squares_{side}"]))
        for side in (0, 1)
    )
    return before, after


CREATED = Factor(
    name="created",
    title=Text(ru="Создано сделок", en="Deals created"),
    unit=Unit.COUNT,
    of=_at_least_one("created"),
    test=_count_test("created"),
)
PACE = Factor(name="pace", title=Text(ru="Закрыто на созданную", en="Closed per created"), unit=Unit.NUMBER, of=_pace)
WIN_RATE = Factor(
    name="win_rate",
    title=Text(ru="Доля выигранных", en="Win rate"),
    unit=Unit.SHARE,
    of=_each("won", "closed"),
    test=_share_test("won", "closed"),
)
LOSS_RATE = Factor(
    name="loss_rate",
    title=Text(ru="Доля проигранных", en="Loss rate"),
    unit=Unit.SHARE,
    of=_each("lost", "closed"),
    test=_share_test("lost", "closed"),
)
CHECK = Factor(
    name="check",
    title=Text(ru="Средний чек", en="Average check"),
    unit=Unit.MONEY,
    of=_each("amount", "won"),
    test=_size_test,
)
SALES = Factor(
    name="sales", title=Text(ru="Продажи", en="Sales"), unit=Unit.COUNT, of=_part("sold"), test=_count_test("sold")
)
SALE_CHECK = Factor(
    name="check",
    title=Text(ru="Средний чек", en="Average check"),
    unit=Unit.MONEY,
    of=_each("gross", "sold"),
    test=_size_test,
)
RETURNS = Factor(
    name="returns",
    title=Text(ru="Возвраты", en="Returns"),
    unit=Unit.MONEY,
    of=lambda group, side: float(Decimal(group[f"revenue_{side}"]) - Decimal(group[f"gross_{side}"])),
)
ITSELF = Text(ru="Сам показатель", en="The metric itself")


def _mixed(top: str, bottom: str, unit: Unit, test: Test) -> tuple[Factor, ...]:
    """The two factors of a ratio: how large a part of the whole the group is, and what its own ratio is."""
    return (
        Factor(
            name="mix",
            title=Text(ru="Вес в целом", en="Weight in the whole"),
            unit=Unit.COUNT,
            of=_part(bottom),
            test=_count_test(bottom),
        ),
        Factor(
            name="rate",
            title=ITSELF,
            unit=unit,
            of=_each(top, bottom),
            test=test,
        ),
    )


def _alone(part: str, unit: Unit) -> tuple[Factor, ...]:
    return (
        Factor(
            name="level",
            title=ITSELF,
            unit=unit,
            of=_part(part),
            test=_count_test(part) if unit is Unit.COUNT else None,
        ),
    )


TREES: Mapping[str, Tree] = {
    "won_amount": Tree(
        kind="product", family="deals", unit=Unit.MONEY, value="amount", factors=(CREATED, PACE, WIN_RATE, CHECK)
    ),
    "deals_won": Tree(kind="product", family="deals", unit=Unit.COUNT, value="won", factors=(CREATED, PACE, WIN_RATE)),
    "deals_lost": Tree(kind="product", family="deals", unit=Unit.COUNT, value="lost", factors=(CREATED, PACE, LOSS_RATE)),
    "deals_created": Tree(
        kind="product", family="deals", unit=Unit.COUNT, value="created", factors=_alone("created", Unit.COUNT)
    ),
    "win_rate": Tree(
        kind="ratio", family="deals", unit=Unit.SHARE, value="won", over="closed",
        factors=_mixed("won", "closed", Unit.SHARE, _share_test("won", "closed")),
    ),
    "conversion": Tree(
        kind="ratio", family="deals", unit=Unit.SHARE, value="cohort_won", over="created",
        factors=_mixed("cohort_won", "created", Unit.SHARE, _share_test("cohort_won", "created")),
    ),
    "revenue": Tree(
        kind="product", family="sales", unit=Unit.MONEY, value="revenue", factors=(SALES, SALE_CHECK), rest=RETURNS
    ),
    "sales": Tree(kind="product", family="sales", unit=Unit.COUNT, value="sold", factors=_alone("sold", Unit.COUNT)),
    "average_check": Tree(
        kind="ratio", family="sales", unit=Unit.MONEY, value="revenue", over="sold",
        factors=_mixed("revenue", "sold", Unit.MONEY, _size_test),
    ),
    "returned": Tree(
        kind="product", family="sales", unit=Unit.MONEY, value="returned", factors=_alone("returned", Unit.MONEY)
    ),
    "margin": Tree(kind="product", family="sales", unit=Unit.MONEY, value="margin", factors=_alone("margin", Unit.MONEY)),
}  # fmt: skip
"""By the name of the metric. Numbers whose groups overlap or have no sum (buyers, medians) have no tree."""


def effects_of(tree: Tree, group: Group, whole: Group) -> dict[str, float]:
    """What each factor of one group adds to the change of the whole, in the metric's unit (a share as a share)."""
    if tree.kind == "ratio":
        return _ratio_effects(tree, group, whole)
    pairs = [_both_sides(factor, group) for factor in tree.factors]
    parts = shapley_of_product([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    found = {factor.name: part for factor, part in zip(tree.factors, parts, strict=True)}
    if tree.rest is not None:
        before, after = _both_sides(tree.rest, group)
        found[tree.rest.name] = after - before
    return found


def _both_sides(factor: Factor, group: Group) -> Pair:
    """A factor before and after; on a side where it is not defined it is as on the other: it changed nothing."""
    before, after = factor.of(group, 0), factor.of(group, 1)
    known = before if after is None else after
    return (before if before is not None else known or 0.0, after if after is not None else known or 0.0)


def _ratio_effects(tree: Tree, group: Group, whole: Group) -> dict[str, float]:
    tops, bottoms = _floats(whole, tree.value), _floats(whole, tree.over)
    totals = tuple(top / bottom if bottom else 0.0 for top, bottom in zip(tops, bottoms, strict=True))
    own_top, own_bottom = _floats(group, tree.value), _floats(group, tree.over)
    weights = tuple(own / bottom if bottom else 0.0 for own, bottom in zip(own_bottom, bottoms, strict=True))
    rates = _both_sides(tree.factors[1], group)
    mix, _ = mix_and_rate((weights[0], weights[1]), rates, (totals[0], totals[1]))
    shares = [top / bottom if bottom else 0.0 for top, bottom in zip(own_top, bottoms, strict=True)]
    whole_effect = shares[1] - shares[0] - (weights[1] - weights[0]) * sum(totals) / 2
    return {tree.factors[0].name: mix, tree.factors[1].name: whole_effect - mix}


def _floats(group: Group, part: str) -> Pair:
    return float(group[f"{part}_0"]), float(group[f"{part}_1"])


def values_of(tree: Tree, group: Group) -> tuple[Decimal | None, Decimal | None]:
    """The metric of a group before and after, exact where it is a sum; a share in hundredths of a per cent."""
    return _value(tree, group, 0), _value(tree, group, 1)


def _value(tree: Tree, group: Group, side: int) -> Decimal | None:
    top = Decimal(str(group[f"{tree.value}_{side}"]))
    if tree.kind == "product":
        return top
    bottom = Decimal(str(group[f"{tree.over}_{side}"]))
    return top / bottom * scale(tree) if bottom else None


def scale(tree: Tree) -> int:
    """Shares are shown in per cent: 100."""
    return 100 if tree.unit is Unit.SHARE else 1
