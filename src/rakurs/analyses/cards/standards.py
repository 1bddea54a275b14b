"""What subjects are held against: which sales count, where ranks and classes begin, how long stages usually take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.clients.abc import AbcParams, classed
from rakurs.analyses.clients.rfm import RfmParams, ranked
from rakurs.analyses.clients.rhythm import RhythmParams, purchases, rhythms_at
from rakurs.analyses.sales.stage_visiting import stage_hours, visits_by
from rakurs.core.analysis import Frames
from rakurs.core.card import Rows, Slice, Standard
from rakurs.marts.tables import CALENDAR, SALES, STAGE_VISITS
from rakurs.metrics.basis import Basis

Frame = nw.LazyFrame[Any]
Collect = Callable[[Frame], Rows]

YEAR = timedelta(days=365)
LOOKED_BACK_DAYS = (0, 91, 182, 365)
"""The days on which a customer's standing is told: today and three, six, twelve months ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Where ranks and classes begin on `day`, over the 365 days that end with it.

    `recency` maps a rank to the greatest number of days that still has it; `sales` and `revenue` to the least number.
    `last_a` and `last_b` are the value and id of the last customer of the class, None without one; `gap_days` is the
    usual gap between purchases, None while nobody had bought a second time.
    """

    day: date
    gap_days: float | None
    recency: dict[int, int]
    sales: dict[int, int]
    revenue: dict[int, Decimal]
    last_a: tuple[Decimal, str] | None
    last_b: tuple[Decimal, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clientele:
    """All customers the user may see, as the one is held against them."""

    basis: Basis
    bounds: tuple[Bounds, ...]


def buying_basis(collect: Collect, frames: Frames, _today: date) -> str:
    """Orders where there are any, else won deals: as every question about buyers has it."""
    return _basis(collect, frames, nw.col("basis").max())


def selling_basis(collect: Collect, frames: Frames, _today: date) -> str:
    """Won deals where there are any, else orders: as every question about sellers has it."""
    return _basis(collect, frames, nw.col("basis").min())


def _basis(collect: Collect, frames: Frames, chosen: nw.Expr) -> str:
    (row,) = collect(frames["sales"].select(chosen.alias("basis")))
    return row["basis"] or Basis.ORDERS.value


def clientele(collect: Collect, frames: Frames, today: date) -> Clientele:
    """The bounds of every day looked back to, and the usual gap between purchases."""
    basis = Basis(buying_basis(collect, frames, today))
    days = [today - timedelta(days=back) for back in LOOKED_BACK_DAYS]
    gaps = _usual_gaps(collect, frames, days, basis)
    bounds = (_bounds(collect, frames, day, basis, gap_days=gaps.get(day)) for day in days)
    return Clientele(basis=basis, bounds=tuple(bounds))


def _usual_gaps(collect: Collect, frames: Frames, days: Sequence[date], basis: Basis) -> dict[date, float | None]:
    """Day -> the usual gap between purchases, as it was known on it."""
    params = RhythmParams(as_of=max(days), basis=basis)
    bought = purchases(frames["sales"], frames["calendar"], params)
    known = rhythms_at(bought, frames["calendar"], days).group_by("on").agg(nw.col("usual_gap").max())
    return {row["on"]: row["usual_gap"] for row in collect(known)}


def _bounds(collect: Collect, frames: Frames, day: date, basis: Basis, *, gap_days: float | None) -> Bounds:
    corners = collect(
        ranked(frames["sales"], frames["calendar"], RfmParams(as_of=day, basis=basis))
        .group_by("recency_rank", "frequency_rank", "money_rank")
        .agg(
            nw.col("recency_days").max().alias("recency_days"),
            nw.col("sales").min().alias("sales"),
            nw.col("revenue").min().alias("revenue"),
        )
    )
    recency: dict[int, int] = {}
    sales: dict[int, int] = {}
    revenue: dict[int, Decimal] = {}
    for row in corners:
        recency[row["recency_rank"]] = max(recency.get(row["recency_rank"], 0), row["recency_days"])
        sales[row["frequency_rank"]] = min(sales.get(row["frequency_rank"], row["sales"]), row["sales"])
        revenue[row["money_rank"]] = min(revenue.get(row["money_rank"], row["revenue"]), row["revenue"])
    classes = classed(frames, abc_params(day, basis))
    return Bounds(
        day=day,
        gap_days=gap_days,
        recency=recency,
        sales=sales,
        revenue=revenue,
        last_a=_last_of(collect, classes, "A"),
        last_b=_last_of(collect, classes, "B"),
    )


def abc_params(day: date, basis: Basis) -> AbcParams:
    """ABC of customers by revenue over the 365 days that end with `day`."""
    first = day - YEAR + timedelta(days=1)
    return AbcParams.model_validate({"from_day": first, "to_day": day, "as_of": day, "basis": basis})


def _last_of(collect: Collect, classes: Frame, name: str) -> tuple[Decimal, str] | None:
    worst_first = classes.filter(nw.col("class") == name).sort("value", "id", descending=[False, True])
    rows = collect(worst_first.select("value", "id").head(1))
    return (rows[0]["value"], rows[0]["id"]) if rows else None


def usual_hours(collect: Collect, frames: Frames, today: date) -> dict[tuple[str, str], tuple[float, float, int]]:
    """(pipeline, stage) -> median and 90th percentile of the hours of finished visits, and how many there were."""
    rows = collect(stage_hours(visits_by(frames["visits"], today), today))
    return {
        (row["pipeline_id"], row["stage_id"]): (row["median_hours"], row["p90_hours"], row["finished"]) for row in rows
    }


BUYING = Standard(name="buying_basis", reads={"sales": Slice(table=SALES)}, measure=buying_basis)
SELLING = Standard(name="selling_basis", reads={"sales": Slice(table=SALES)}, measure=selling_basis)
CLIENTELE = Standard(
    name="clientele",
    reads={"sales": Slice(table=SALES), "calendar": Slice(table=CALENDAR)},
    measure=clientele,
    is_heavy=True,
)
STAGE_HOURS = Standard(
    name="stage_hours", reads={"visits": Slice(table=STAGE_VISITS)}, measure=usual_hours, is_heavy=True
)
