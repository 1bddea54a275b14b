"""Newcomers: who bought for the first time, at what cost, and what did they bring month by month of their lives?"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import log1p, sqrt
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import column
from rakurs.analyses.said import said_by
from rakurs.core.analysis import Frames
from rakurs.core.frames import ratio, row_number, sum_where, united
from rakurs.core.intervals import Z_95
from rakurs.core.params import PeriodParams, parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.models.history import KEY, numbered
from rakurs.models.lifetime import MODEL

Frame = nw.LazyFrame[Any]

YEAR = 365
STEP_DAYS = 30
"""A month of a client's own life."""
LEAST_NEWCOMERS = 10
"""Fewer new clients make no verdict."""
LEAST_OF_AGE = 30
"""So many new clients must have lived through a month of their life before it counts towards paying back."""


class By(StrEnum):
    """Whose newcomers are compared."""

    CHANNELS = "channels"
    CAMPAIGNS = "campaigns"
    MONTHS = "months"
    KINDS = "kinds"
    REGIONS = "regions"


ALLOCATED = frozenset({By.KINDS, By.REGIONS})
"""No cost says for which of these it was spent: a channel's cost is shared among its own new clients equally."""


class AcquisitionParams(PeriodParams):
    """Who is compared, and at which price of time."""

    by: By = parameter(
        By.CHANNELS,
        Text(ru="Кого сравнить", en="Compare"),
        labels={
            By.CHANNELS: Text(ru="Каналы", en="Channels"),
            By.CAMPAIGNS: Text(ru="Кампании", en="Campaigns"),
            By.MONTHS: Text(ru="Месяцы первой покупки", en="Months of the first purchase"),
            By.KINDS: Text(ru="Виды клиентов", en="Customer kinds"),
            By.REGIONS: Text(ru="Регионы клиентов", en="Customers' regions"),
        },
    )
    basis: Basis = BUYING_BASIS
    discount: float = parameter(
        0.15, Text(ru="Ставка дисконтирования в год", en="Discount rate a year"), unit=Unit.RATIO, ge=0, le=1
    )
    early_days: int = parameter(
        90,
        Text(ru="Первые дни, по которым сравнить месяцы", en="First days by which months are compared"),
        unit=Unit.DAYS,
        ge=30,
        le=365,
        is_advanced=True,
    )


SUMS = (
    "cost",
    "leads",
    "newcomers",
    "earned",
    "valued",
    "value",
    "value_sq",
    "grown",
    "early",
    "early_sq",
    "aged",
    "step_worth",
)
PARTS = (
    column("id", Unit.ID, "Код", "Id"),
    column("step", Unit.POSITION, "Месяц жизни", "Month of life"),
    *(column(name, Unit.NUMBER, name, name) for name in SUMS),
)
"""What the engine hands over: sums by `id`, and with `step` sums of one month of the newcomers' lives."""


def newcomers(frames: Frames, params: AcquisitionParams) -> Frame:
    """One row per customer who first bought in the period: `id` of whose newcomer he is, `first_day`, his channel."""
    first = _sales(frames, params).filter(nw.col("is_first"), params.window.contains(nw.col("sold_on")))
    own = frames["customers"].select(KEY, nw.col("channel_id").alias("own_channel_id"))
    known = first.join(own, on=KEY, how="left").with_columns(
        nw.coalesce(nw.col("own_channel_id"), nw.col("channel_id")).alias("channel_id")
    )
    if params.by is By.CAMPAIGNS:
        known = known.join(_led_by(frames, first), on=KEY, how="left").with_columns(
            nw.coalesce(nw.col("lead_campaign_id"), nw.col("campaign_id")).alias("campaign_id")
        )
    return known.with_columns(_key(params, "sold_on").alias("id")).select(
        KEY, "id", "channel_id", nw.col("day_number").alias("first_day")
    )


def _led_by(frames: Frames, first: Frame) -> Frame:
    """The campaign of each newcomer's first lead with one, up to the day of the first sale."""
    leads = frames["leads"].filter(~nw.col("campaign_id").is_null(), ~nw.col(KEY).is_null())
    bought = first.select(KEY, "sold_on")
    before = leads.join(bought, on=KEY, how="inner").filter(nw.col("created_on") <= nw.col("sold_on"))
    ranked = before.with_columns(row_number((KEY,), ("created_on", "lead_id")).alias("place"))
    return ranked.filter(nw.col("place") == 1).select(KEY, nw.col("campaign_id").alias("lead_campaign_id"))


def _sales(frames: Frames, params: AcquisitionParams) -> Frame:
    sales = in_basis(frames["sales"], params.basis, preferred=Basis.ORDERS)
    return numbered(sales.filter(nw.col("sold_on") <= nw.lit(params.today)), frames["calendar"])


def _key(params: AcquisitionParams, day: str) -> nw.Expr:
    """Whose a row is; `day` names the column of its day."""
    columns = {
        By.CHANNELS: "channel_id",
        By.CAMPAIGNS: "campaign_id",
        By.KINDS: "customer_kind",
        By.REGIONS: "region",
    }
    return nw.col(day).cast(nw.String()).str.slice(0, 7) if params.by is By.MONTHS else nw.col(columns[params.by])


def spent(frames: Frames, params: AcquisitionParams) -> Frame:
    """The spending of the period, not after the day of the question."""
    day = nw.col("spent_on")
    return frames["spending"].filter(params.window.contains(day), day <= nw.lit(params.today))


def _worth(frames: Frames, params: AcquisitionParams, new: Frame) -> Frame:
    """The newcomers' sales with `days` since the first and `worth`: discounted margin.

    Where a sale's cost is unknown, its margin is taken at the company's rate; all revenue where no cost is known.
    """
    sales = _sales(frames, params)
    rate = sales.select(
        nw.col("margin").cast(nw.Float64()).sum().alias("margins"),
        sum_where("revenue", ~nw.col("margin").is_null()).cast(nw.Float64()).alias("costed"),
    ).select(
        nw.when(nw.col("costed") > 0)
        .then(ratio(nw.col("margins"), nw.col("costed")))
        .otherwise(nw.lit(1.0))
        .alias("rate")
    )
    margin = nw.coalesce(nw.col("margin").cast(nw.Float64()), nw.col("revenue").cast(nw.Float64()) * nw.col("rate"))
    days = nw.col("day_number") - nw.col("first_day")
    return (
        sales.select(KEY, "day_number", "margin", "revenue")
        .join(new, on=KEY, how="inner")
        .join(rate, how="cross")
        # What was given back before the first sale is no one's beginning.
        .with_columns(nw.max_horizontal(days, nw.lit(0)).alias("days"))
        .with_columns((margin.fill_null(0.0) * _price(nw.col("days"), params)).alias("worth"))
    )


def _price(days: nw.Expr, params: AcquisitionParams) -> nw.Expr:
    """What a rouble after so many days is worth on the first."""
    return (days.cast(nw.Float64()) * (-log1p(params.discount) / YEAR)).exp()


def summed(*, params: AcquisitionParams, **frames: Frame) -> Frame:
    """Sums by `id`, and by `id` and month of life: costs, leads, newcomers and what they brought."""
    today = nw.lit(params.today)
    day = frames["calendar"].filter(nw.col("day") == today).select(nw.col("day_number").alias("today_number"))
    new = (
        newcomers(frames, params)
        .join(day, how="cross")
        .with_columns((nw.col("today_number") - nw.col("first_day")).alias("age"))
    )
    worth = _worth(frames, params, new)
    parts = [
        *_costs(frames, params, new),
        *_leads(frames, params),
        _people(frames, params, worth),
        *_lives(new, worth),
    ]
    summed = united(parts, PARTS).group_by("id", "step").agg(*(nw.col(name).sum().alias(name) for name in SUMS))
    return _with_names(summed, frames, params)


def _with_names(rows: Frame, frames: Frames, params: AcquisitionParams) -> Frame:
    if params.by not in (By.CHANNELS, By.CAMPAIGNS):
        return rows.with_columns(nw.col("id").alias("name"))
    key = f"{params.by.value.removesuffix('s')}_id"
    names = frames[params.by.value].select(nw.col(key).alias("id"), "name")
    return rows.join(names, on="id", how="left").with_columns(nw.coalesce(nw.col("name"), nw.col("id")).alias("name"))


def _row(frame: Frame, *, step: bool = False, **values: nw.Expr) -> Frame:
    """Rows as a part: the named sums, nothing in the others."""
    nothing = {name: nw.lit(0.0) for name in SUMS if name not in values}
    place = nw.col("step") if step else nw.lit(-1)
    return frame.with_columns(
        place.cast(nw.Int64()).alias("step"), *(value.alias(name) for name, value in {**values, **nothing}.items())
    ).select("id", "step", *SUMS)


def _costs(frames: Frames, params: AcquisitionParams, new: Frame) -> list[Frame]:
    costs = spent(frames, params).with_columns(nw.col("amount").cast(nw.Float64()).fill_null(0.0).alias("amount"))
    if params.by not in ALLOCATED:
        return [_row(costs.with_columns(_key(params, "spent_on").alias("id")), cost=nw.col("amount"))]
    whole = costs.group_by("channel_id").agg(nw.col("amount").sum().alias("amount"))
    count = new.group_by("channel_id").agg(nw.len().alias("count"))
    each = whole.join(count, on="channel_id", how="inner").with_columns(
        ratio(nw.col("amount"), nw.col("count")).alias("each")
    )
    return [_row(new.join(each, on="channel_id", how="inner"), cost=nw.col("each"))]


def _leads(frames: Frames, params: AcquisitionParams) -> list[Frame]:
    if params.by in ALLOCATED:  # whose a lead that became nothing was, is not known
        return []
    created = nw.col("created_on")
    asked = frames["leads"].filter(params.window.contains(created), created <= nw.lit(params.today))
    return [_row(asked.with_columns(_key(params, "created_on").alias("id")), leads=nw.lit(1.0))]


def _people(frames: Frames, params: AcquisitionParams, worth: Frame) -> Frame:
    """Sums over the newcomers: what each earned, what he is worth, what he brought in the first days."""
    numbers = frames["calendar"].select(nw.col("day").alias("scored_on"), nw.col("day_number").alias("scored_number"))
    ahead = (
        said_by(frames["scores"], MODEL, params)
        .select(KEY, "scored_on", nw.col("amount").cast(nw.Float64()).alias("ahead"))
        .join(numbers, on="scored_on", how="inner")
        .select(KEY, "scored_number", "ahead")
    )
    early = nw.lit(params.early_days)
    each = (
        worth.join(ahead, on=KEY, how="left")
        .with_columns(
            nw.when(nw.col("day_number") <= nw.col("scored_number"))
            .then(nw.col("worth"))
            .otherwise(0.0)
            .alias("before"),
            nw.when(nw.col("days") < early).then(nw.col("worth")).otherwise(0.0).alias("at_first"),
        )
        .group_by(KEY, "id")
        .agg(
            nw.col("worth").sum().alias("worth"),
            nw.col("before").sum().alias("before"),
            nw.col("at_first").sum().alias("at_first"),
            nw.col("age").max().alias("age"),
            nw.col("ahead").max().alias("ahead"),
            (nw.col("scored_number") - nw.col("first_day")).max().alias("scored_age"),
        )
        .with_columns(
            (nw.col("before") + nw.col("ahead") * _price(nw.col("scored_age"), params)).alias("value"),
            (nw.col("age") >= early).alias("is_grown"),
        )
    )
    value, at_first = nw.col("value"), nw.when(nw.col("is_grown")).then(nw.col("at_first")).otherwise(0.0)
    one, zero = nw.lit(1.0), nw.lit(0.0)
    return _row(
        each,
        newcomers=one,
        earned=nw.col("worth"),
        valued=nw.when(~value.is_null()).then(one).otherwise(zero),
        value_sq=value.fill_null(0.0) * value.fill_null(0.0),
        grown=nw.when(nw.col("is_grown")).then(one).otherwise(zero),
        early=at_first,
        early_sq=at_first * at_first,
        value=value.fill_null(0.0),
    )


def _lives(new: Frame, worth: Frame) -> list[Frame]:
    """By month of life: how many ended exactly so many whole months by today, and what a month lived through brought."""
    months = nw.col("age") // STEP_DAYS
    step = nw.col("days") // STEP_DAYS
    lived = new.with_columns(months.alias("step"))
    brought = worth.with_columns(months.alias("months"), step.alias("step")).filter(nw.col("step") < nw.col("months"))
    return [_row(lived, step=True, aged=nw.lit(1.0)), _row(brought, step=True, step_worth=nw.col("worth"))]


@dataclass
class Newcomers:
    """The sums of one channel (campaign, month)."""

    name: str | None = None
    sums: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(SUMS, 0.0))
    aged: dict[int, float] = field(default_factory=dict[int, float])
    brought: dict[int, float] = field(default_factory=dict[int, float])

    @property
    def newcomers(self) -> float:
        return self.sums["newcomers"]

    @property
    def cac(self) -> float | None:
        return self.sums["cost"] / self.newcomers if self.newcomers else None

    def mean(self, name: str, count: str) -> float | None:
        return self.sums[name] / self.sums[count] if self.sums[count] else None

    def bounds(self, name: str, count: str) -> tuple[float | None, float | None]:
        """The 95 % interval of a mean; none of fewer than two."""
        mean, variance = self.mean(name, count), self.variance(name, count)
        if mean is None or variance is None:
            return None, None
        wide = Z_95 * sqrt(variance)
        return mean - wide, mean + wide

    def variance(self, name: str, count: str) -> float | None:
        """Of the mean."""
        many = self.sums[count]
        if many < 2:
            return None
        mean = self.sums[name] / many
        return max(self.sums[f"{name}_sq"] / many - mean * mean, 0.0) / (many - 1)

    def payback(self) -> int | None:
        """The month of life in which what a newcomer brought reaches what he cost; None while it has not been seen."""
        if not self.cac:
            return None
        alive, so_far = sum(self.aged.values()), 0.0
        for step in range(max(self.aged, default=0)):
            alive -= self.aged.get(step, 0.0)
            if alive < LEAST_OF_AGE:
                return None
            so_far += self.brought.get(step, 0.0) / alive
            if so_far >= self.cac:
                return step + 1
        return None

    def verdict(self) -> str:
        if not self.newcomers:
            return "nobody"
        if not self.sums["cost"]:
            return "free"
        if self.newcomers < LEAST_NEWCOMERS:
            return "few"
        low, high = self.bounds("value", "valued")
        cac = self.sums["cost"] / self.newcomers
        if low is not None and high is not None:
            return "pays" if low >= cac else "loses" if high < cac else "unclear"
        return "pays" if self.sums["earned"] / self.newcomers >= cac else "unclear"


def grouped(parts: pa.Table) -> dict[str | None, Newcomers]:
    """The sums that `summed` gave, by `id`."""
    groups: dict[str | None, Newcomers] = defaultdict(Newcomers)
    for row in parts.to_pylist():
        group = groups[row["id"]]
        group.name = row["name"]
        if row["step"] < 0:
            group.sums = {name: float(row[name]) for name in SUMS}
        else:
            group.aged[row["step"]] = float(row["aged"])
            group.brought[row["step"]] = float(row["step_worth"])
    return groups
