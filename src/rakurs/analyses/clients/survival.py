"""Survival: which share of subscriptions lives through so many months, and what comes after what has been seen?

Months of a subscription's own life, whole ones. At risk in a month is whoever lived through it or ended in it; whoever is
still in the middle of it says nothing of it yet.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import exp, log, sqrt
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.analyses.columns import column
from rakurs.core.analysis import Cell, Frames
from rakurs.core.frames import conform, where_cell
from rakurs.core.intervals import Z_95
from rakurs.core.params import CUSTOMER_SEGMENT, Params, parameter
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit

Frame = nw.LazyFrame[Any]
Array = NDArray[np.float64]

DAYS_OF_MONTH = 30.4375
LEAST_AT_RISK = 20
"""A month seen by fewer subscriptions says too little; what is beyond is told from the months before."""
LATEST_MONTHS = 12


class By(StrEnum):
    """Whose subscriptions are told apart."""

    PLANS = "plans"
    PRODUCTS = "products"
    CHANNELS = "channels"
    KINDS = "kinds"
    ALL = "all"


KEYS = {By.PLANS: "plan", By.PRODUCTS: "product_id", By.CHANNELS: "channel_id", By.KINDS: "customer_kind"}


class SurvivalParams(Params):
    """Which subscriptions are compared."""

    by: By = parameter(
        By.PLANS,
        Text(ru="Кого сравнить", en="Compare"),
        labels={
            By.PLANS: Text(ru="Тарифы", en="Plans"),
            By.PRODUCTS: Text(ru="Товары", en="Products"),
            By.CHANNELS: Text(ru="Каналы", en="Channels"),
            By.KINDS: Text(ru="Виды клиентов", en="Customer kinds"),
            By.ALL: Text(ru="Все вместе", en="All together"),
        },
    )
    customer_segment: str | None = CUSTOMER_SEGMENT


PARTS = (
    column("id", Unit.ID, "Код", "Id"),
    column("name", Unit.TEXT, "Название", "Name"),
    column("months", Unit.POSITION, "Месяцев", "Months"),
    column("ended", Unit.COUNT, "Закончено", "Ended"),
    column("active", Unit.COUNT, "Действует", "Active"),
    column("active_price", Unit.NUMBER, "Плата действующих", "Price of active ones"),
    column("price", Unit.NUMBER, "Плата", "Price"),
    column("priced", Unit.COUNT, "С платой", "With a price"),
)


def lives(frames: Frames, params: SurvivalParams) -> Frame:
    """One row per subscription begun by the day: `id` of whose it is, whole months lived, whether it has ended."""
    day = nw.col("started_on")
    numbers = frames["calendar"]
    began = numbers.select(nw.col("day").alias("started_on"), nw.col("day_number").alias("began"))
    over = numbers.select(nw.col("day").alias("ended_on"), nw.col("day_number").alias("over"))
    today = day_number(params.today)
    is_ended = (nw.col("over") <= today).fill_null(value=False)
    key = nw.col(KEYS[params.by]) if params.by in KEYS else nw.lit("all")
    lived = nw.when(is_ended).then(nw.col("over")).otherwise(nw.lit(today)) - nw.col("began")
    return (
        frames["subscriptions"]
        .filter(day <= nw.lit(params.today))
        .join(began, on="started_on", how="inner")
        .join(over, on="ended_on", how="left")
        .with_columns(
            key.alias("id"),
            is_ended.alias("is_ended"),
            # One that ended before it began lived for nothing.
            (nw.max_horizontal(lived, nw.lit(0)).cast(nw.Float64()) / DAYS_OF_MONTH)
            .floor()
            .cast(nw.Int64())
            .alias("months"),
        )
    )


def counted(frames: Frames, params: SurvivalParams) -> Frame:
    """One row per group and number of whole months lived."""
    price = nw.col("monthly_price").cast(nw.Float64())
    one, nothing = nw.lit(1), nw.lit(0)
    summed = (
        lives(frames, params)
        .group_by("id", "months")
        .agg(
            nw.when(nw.col("is_ended")).then(one).otherwise(nothing).sum().alias("ended"),
            nw.when(nw.col("is_ended")).then(nothing).otherwise(one).sum().alias("active"),
            nw.when(~nw.col("is_ended")).then(price).otherwise(nw.lit(0.0)).sum().alias("active_price"),
            price.sum().alias("price"),
            price.count().alias("priced"),
        )
    )
    tables = {By.PRODUCTS: ("products", "product_id"), By.CHANNELS: ("channels", "channel_id")}
    if params.by not in tables:
        return conform(summed.with_columns(nw.col("id").alias("name")), PARTS)
    table, key = tables[params.by]
    names = frames[table].select(nw.col(key).alias("id"), "name")
    named = summed.join(names, on="id", how="left")
    return conform(named.with_columns(nw.coalesce(nw.col("name"), nw.col("id")).alias("name")), PARTS)


@dataclass(frozen=True, slots=True)
class Group:
    """The counts of one group by whole months lived."""

    id: str | None
    name: str | None
    ended: Array
    active: Array
    active_price: Array
    price: float | None
    """A month, on average."""

    @property
    def at_risk(self) -> Array:
        """Of each month: those that lived through it, and those that ended in it."""
        everybody = self.ended + self.active
        return everybody[::-1].cumsum()[::-1] - self.active

    @property
    def seen(self) -> int:
        """How many first months enough subscriptions have lived through."""
        few = np.flatnonzero(self.at_risk < LEAST_AT_RISK)
        return int(few[0]) if len(few) else len(self.ended)

    def hazards(self, months: int) -> Array:
        """The chance to end in each month; beyond the seen ones, that of the latest of them."""
        risk, seen = self.at_risk, min(self.seen, months)
        known = np.divide(self.ended[:seen], risk[:seen], out=np.zeros(seen), where=risk[:seen] > 0)
        return np.r_[known, np.full(months - seen, self.usual())]

    def usual(self) -> float:
        """The chance to end in a month over the latest seen ones; over all there are where none is seen enough."""
        chosen = slice(max(0, self.seen - LATEST_MONTHS), self.seen) if self.seen else slice(None)
        risk = float(self.at_risk[chosen].sum())
        return float(self.ended[chosen].sum()) / risk if risk else 0.0

    def survival(self, months: int) -> Array:
        """The share that lives through 0, 1, ... months."""
        return np.r_[1.0, np.cumprod(1 - self.hazards(months))]

    def bounds(self, month: int) -> tuple[float, float] | None:
        """The 95 % interval of the share that lives through `month` seen months (Greenwood, on the log-log scale)."""
        share = float(self.survival(month)[-1])
        ended, risk = self.ended[:month], self.at_risk[:month]
        if month > self.seen or not 0 < share < 1:
            return None
        variance = float(np.sum(np.divide(ended, risk * (risk - ended), out=np.zeros(month), where=risk > ended)))
        wide = Z_95 * sqrt(variance) / abs(log(share))
        return share ** exp(wide), share ** exp(-wide)


def groups_of(parts: pa.Table) -> list[Group]:
    """The counts that `counted` gave, by group in the order of their ids, those without one last."""
    rows = parts.to_pylist()
    found: list[Group] = []
    for key in sorted({row["id"] for row in rows}, key=lambda name: (name is None, name or "")):
        own = [row for row in rows if row["id"] == key]
        length = 1 + max(row["months"] for row in own)
        ended, active, active_price = (np.zeros(length) for _ in range(3))
        for row in own:
            ended[row["months"]] += row["ended"]
            active[row["months"]] += row["active"]
            active_price[row["months"]] += row["active_price"]
        priced = sum(row["priced"] for row in own)
        price = sum(row["price"] for row in own) / priced if priced else None
        found.append(Group(key, own[0]["name"], ended, active, active_price, price))
    return found


def members(frames: Frames, params: SurvivalParams, cell: Cell) -> Frame:
    """The subscriptions of a group."""
    chosen = {name: value for name, value in cell.items() if name == "id"}
    return where_cell(lives(frames, params), chosen).select("subscription_id")
