"""The lines of a demand forecast: the whole, its categories and their products, and what their buckets are worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rakurs.models.forecasting.day_kinds import KINDS, Days, foresee_by_days
from rakurs.models.forecasting.price_panel import Slope
from rakurs.models.forecasting.promoting import effect, exposures
from rakurs.models.forecasting.season import common_season
from rakurs.models.forecasting.series import QUICK

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of the hierarchy: what it is, and its past by bucket."""

    level: str
    category: str | None
    product_id: str | None
    name: str | None
    products: int
    parent: int | None
    past: Array


def hierarchy(
    bought: Sequence[Mapping[str, Any]], counted: Sequence[Mapping[str, Any]], starts: list[date]
) -> list[Series]:
    """The total first, then each category followed by its own products and their rest."""
    places = {start: place for place, start in enumerate(starts)}
    pasts: dict[tuple[str | None, str | None], Array] = {}
    names: dict[str | None, str | None] = {}
    for row in bought:
        names[row["own_id"]] = row["name"] or row["own_id"]
        if row["period_start"] in places:
            past = pasts.setdefault((row["category"], row["own_id"]), np.zeros(len(starts)))
            past[places[row["period_start"]]] += row["value"]
    counts = {(row["category"], row["own_id"]): int(row["value"]) for row in counted}
    total = sum(pasts.values(), start=np.zeros(len(starts)))
    found = [
        Series(
            level="total",
            category=None,
            product_id=None,
            name="total",
            products=sum(counts.values()),
            parent=None,
            past=total,
        )
    ]
    for category in sorted({category for category, _ in pasts}, key=lambda name: (name is None, name or "")):
        parts = {own: past for (group, own), past in pasts.items() if group == category}
        whole = len(found)
        found.append(
            Series(
                level="category",
                category=category,
                product_id=None,
                name=category,
                products=sum(counts[category, own] for own in parts),
                parent=0,
                past=sum(parts.values(), start=np.zeros(len(starts))),
            )
        )
        if list(parts) == [None]:  # the rest of a category without products by themselves is all of it
            continue
        found += [
            Series(
                level="rest" if own is None else "product",
                category=category,
                product_id=own,
                name="rest" if own is None else names[own],
                products=counts[category, own],
                parent=whole,
                past=past,
            )
            for own, past in sorted(parts.items(), key=lambda item: (item[0] is None, item[0] or ""))
        ]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What each series' buckets are worth beside a usual one: series by buckets; 1 where nothing is known to matter."""

    before: Array
    ahead: Array
    days_ahead: Array
    promoted: Array
    """The share of the days to come under a promotion."""
    effect: tuple[float, float, float] | None
    """What a promotion adds to demand, and its 95 % interval; None where the past does not clearly say."""
    by_days: bool
    season: Array | None
    """What buckets before and ahead are worth by the time of the year, where the whole clearly shows a season."""


def worth_of(
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    series: Sequence[Series],
    edges: Sequence[date],
    *,
    season: int,
    ahead: int,
    level: float,
) -> Worth:
    """Promotions by products, holidays by the whole without them, each only where the past clearly says so."""
    finished = len(series[0].past)
    wholes = {one.parent for one in series}
    leaves = [place for place in range(len(series)) if place not in wholes]
    promotions = [row for sort, found in rows.items() if sort.startswith("promoted") for row in found]
    exposed = np.zeros((len(series), len(edges) - 1))
    exposed[leaves] = exposures(
        promotions,
        [(series[place].category, series[place].product_id) for place in leaves],
        [series[place].products for place in leaves],
        edges,
    )
    products = [place for place in leaves if series[place].level == "product"]
    slope = (
        effect(np.stack([series[place].past for place in products]), exposed[products, :finished]) if products else None
    )
    lifts = np.exp((slope.value if slope else 0.0) * exposed)
    kinds = _by_kind(rows["days"], edges[:-1])
    past = summed(np.stack([one.past for one in series]) / lifts[:, :finished], [one.parent for one in series])[0]
    days = Days(past=kinds[0][:finished], sold=kinds[1][:finished], ahead=kinds[0][finished:])
    _, by_days = foresee_by_days(past, days, season=season, ahead=ahead, level=level, tried=QUICK)
    days_past, days_ahead = (
        days.worth(learned=finished) if by_days else (np.ones(finished), np.ones(len(edges) - 1 - finished))
    )
    return Worth(
        season=common_season(past / days_past, season=season, ahead=ahead, level=level, tried=QUICK),
        before=lifts[:, :finished] * days_past,
        ahead=lifts[:, finished:] * days_ahead,
        days_ahead=np.broadcast_to(days_ahead, (len(series), len(days_ahead))),
        promoted=exposed[:, finished:],
        effect=_added(slope) if slope else None,
        by_days=by_days,
    )


def _added(slope: Slope) -> tuple[float, float, float]:
    return float(np.expm1(slope.value)), float(np.expm1(slope.low)), float(np.expm1(slope.high))


def _by_kind(rows: Sequence[Mapping[str, Any]], starts: Sequence[date]) -> tuple[Array, Array]:
    """Buckets by kinds of days: how many, and what they sold."""
    places = {start: place for place, start in enumerate(starts)}
    found = np.zeros((2, len(starts), KINDS))
    for row in rows:
        if row["period_start"] in places:
            found[:, places[row["period_start"]], row["kind"]] = row["days"], row["value"]
    return found[0], found[1]


def summed(values: Array, parents: Sequence[int | None]) -> Array:
    """`values` of the leaves, and of each whole the sum of its parts; parts stand behind their whole."""
    found = values.copy()
    found[sorted({parent for parent in parents if parent is not None})] = 0.0
    for place in range(len(parents) - 1, 0, -1):
        parent = parents[place]
        if parent is not None:
            found[parent] += found[place]
    return found
