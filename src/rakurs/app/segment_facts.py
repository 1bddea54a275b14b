"""What is there to say of a segment? Its size over time, who came and went, what tells it apart, whom it shares.

Every number is of the customers within the viewer's own scope.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import narwhals.stable.v2 as nw

from rakurs.analyses.filters import in_segment
from rakurs.analyses.traits import TRAITS, Trait
from rakurs.app.drilling import rows_named
from rakurs.app.rights import Scope, reached
from rakurs.app.segment_counting import KEY, present_customers, traits_of
from rakurs.core.answer import MembersAnswer
from rakurs.core.discoveries import benjamini_hochberg, two_sided
from rakurs.core.frames import count_where
from rakurs.core.intervals import Interval, wilson
from rakurs.core.periods import add_months
from rakurs.core.text import Text
from rakurs.schema.segments import SEGMENT_MEMBERSHIPS
from rakurs.warehouse.reading import Reader

Frame = nw.LazyFrame[Any]
Show = Literal["now", "came", "went"]

COMPARED_DAYS = 30
"""Who came and who went is told since so many days ago, or since the first day known."""
DAILY_DAYS = 92
"""A history this long is drawn day by day, a longer one by months."""
FEWEST = 30
"""In a smaller segment nothing is concluded about what tells it apart."""
MUCH_REPLACED = 0.3
SHOWN_DIFFERENCES = 8
FALSE_SHARE = 0.05
"""Of the differences that are told, so many at most are expected to be chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """How a segment's size ran. `points` are ends of days, oldest first, the last is today."""

    size: int
    before: int
    before_on: date | None
    points: tuple[tuple[date, int], ...]

    @property
    def change(self) -> int:
        """Against `before_on`."""
        return self.size - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Turnover:
    """Who came and who went since `since`; `stayed` were in it then and are now."""

    since: date | None
    came: int
    went: int
    stayed: int

    @property
    def replaced(self) -> float | None:
        """Which share of those who were in it then has gone; None when nobody was."""
        before = self.went + self.stayed
        return self.went / before if before else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Another segment, and how many customers are in both."""

    segment_id: str
    size: int
    common: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A trait that is more or less frequent in the segment than among the other customers."""

    trait: Trait
    value: str
    members: int
    share: float
    interval: Interval
    others_share: float
    others_interval: Interval

    @property
    def gap(self) -> float:
        """How much more frequent it is in the segment, as a share of customers."""
        return self.share - self.others_share


def trails(reader: Reader, ids: Iterable[str], *, scope: Scope, today: date) -> Mapping[str, Trail]:
    """The trail of each segment of `ids`."""
    wanted = list(ids)
    changes = _changes(reader, wanted, scope, today) if wanted else {}
    return {segment_id: _trail(changes.get(segment_id, {}), today) for segment_id in wanted}


def turnover(reader: Reader, segment_id: str, *, scope: Scope, today: date, since: date | None) -> Turnover:
    """Who came and went from the end of `since` to the end of `today`."""
    if since is None:
        return Turnover(since=None, came=0, went=0, stayed=0)
    marked = _then_and_now(reader, segment_id, scope=scope, today=today, since=since)
    told = marked.select(
        count_where(nw.col("is_now") & ~nw.col("was_then")).alias("came"),
        count_where(~nw.col("is_now") & nw.col("was_then")).alias("went"),
        count_where(nw.col("is_now") & nw.col("was_then")).alias("stayed"),
    )
    (row,) = reader.collect(told).to_pylist()
    return Turnover(since=since, **row)


def overlaps(reader: Reader, segment_id: str, others: Sequence[str], *, scope: Scope, today: date) -> list[Overlap]:
    """Every segment of `others` with what it shares with this one, the most shared first."""
    runs = _seen(reader, scope).filter(nw.col("segment_id").is_in([segment_id, *others]))
    present = runs.filter(nw.col("since") <= nw.lit(today), nw.col("until").is_null())
    own = present.filter(nw.col("segment_id") == nw.lit(segment_id)).select(KEY, nw.lit(value=True).alias("is_common"))
    joined = present.filter(nw.col("segment_id") != nw.lit(segment_id)).join(own, on=KEY, how="left")
    counted = joined.group_by("segment_id").agg(
        nw.len().alias("size"), count_where(~nw.col("is_common").is_null()).alias("common")
    )
    known = {row["segment_id"]: row for row in reader.collect(counted).to_pylist()}
    found = [
        Overlap(segment_id=other, size=known[other]["size"], common=known[other]["common"])
        if other in known
        else Overlap(segment_id=other, size=0, common=0)
        for other in others
    ]
    return sorted(found, key=lambda item: (-item.common, -item.size, item.segment_id))


def differences(
    reader: Reader, segment_id: str, *, scope: Scope, today: date, basis: str, without: Sequence[str] = ()
) -> list[Difference]:
    """What tells the segment from the other customers, the greatest first; nothing where it is too small.

    Shares with Wilson intervals; the chance of a difference by the two-proportion z-test, held down over all values
    looked at (Benjamini-Hochberg). `without` names traits that the segment was chosen by.
    """
    own = in_segment(_seen(reader, scope), segment_id, today).select(KEY, nw.lit(value=True).alias("is_in"))
    known = traits_of(reader, scope, today=today, basis=basis).join(own, on=KEY, how="left")
    marked = known.with_columns((~nw.col("is_in").is_null()).alias("is_in"))
    telling = [trait for trait in TRAITS if trait.is_telling and trait.name not in without]
    parts = [
        marked.with_columns(nw.lit(trait.name).alias("trait"), nw.col(trait.name).alias("value"))
        .group_by("trait", "value")
        .agg(count_where(nw.col("is_in")).alias("members"), count_where(~nw.col("is_in")).alias("others"))
        for trait in telling
    ]
    rows = reader.collect(nw.concat(parts)).to_pylist()
    return _told({trait.name: trait for trait in telling}, rows)


def segment_members(
    reader: Reader,
    segment_id: str,
    *,
    show: Show,
    scope: Scope,
    today: date,
    since: date | None,
    limit: int | None,
    offset: int = 0,
) -> MembersAnswer:
    """One page of the customers in the segment, or of those who came or went since `since`."""
    if show == "now" or since is None:
        ids = in_segment(_seen(reader, scope), segment_id, today)
    else:
        marked = _then_and_now(reader, segment_id, scope=scope, today=today, since=since)
        ids = marked.filter(nw.col("is_now") if show == "came" else nw.col("was_then"))
        ids = ids.filter(~nw.col("was_then") if show == "came" else ~nw.col("is_now"))
    return rows_named(reader, "customers", ids.group_by(KEY).agg(), scope=scope, limit=limit, offset=offset)


def holding(reader: Reader, customer_id: str, *, scope: Scope, today: date) -> tuple[str, ...]:
    """The segments a customer within `scope` is in."""
    own = _seen(reader, scope).filter(nw.col(KEY) == nw.lit(customer_id), nw.col("since") <= nw.lit(today))
    now = own.filter(nw.col("until").is_null())
    return tuple(reader.collect(now.group_by("segment_id").agg())["segment_id"].to_pylist())


def customers_seen(reader: Reader, *, scope: Scope) -> int:
    """How many customers there are within `scope`."""
    return reader.count(present_customers(reader, scope))


def warnings_of(trail: Trail, changed: Turnover) -> list[Text]:
    """What keeps one from concluding much from a segment."""
    told: list[Text] = []
    if 0 < trail.size < FEWEST:
        told.append(
            Text(
                ru=f"Клиентов только {trail.size}: для выводов мало, каждый меняет долю заметно.",
                en=f"Only {trail.size} customers: too few to conclude, each one moves a share.",
            )
        )
    replaced = changed.replaced
    if replaced is not None and replaced > MUCH_REPLACED and changed.since is not None:
        percent = round(replaced * 100)
        told.append(
            Text(
                ru=f"Состав нестабилен: ушло {percent} % тех, кто был в сегменте. Сравнивать его с прошлым нельзя как одних и тех же людей.",
                en=f"Unstable: {percent}% of those who were in it have gone. Compared with the past, it is not the same people.",
            )
        )
    return told


def _seen(reader: Reader, scope: Scope) -> Frame:
    """All memberships of customers within `scope`."""
    return reached(reader, SEGMENT_MEMBERSHIPS, scope)


def _changes(reader: Reader, ids: list[str], scope: Scope, today: date) -> dict[str, dict[date, int]]:
    """By how much the size of each segment changed on each day."""
    runs = _seen(reader, scope).filter(nw.col("segment_id").is_in(ids))
    came = runs.select("segment_id", nw.col("since").alias("day"), nw.lit(1).alias("step"))
    went = runs.filter(~nw.col("until").is_null()).select(
        "segment_id", nw.col("until").alias("day"), nw.lit(-1).alias("step")
    )
    summed = nw.concat([came, went]).filter(nw.col("day") <= nw.lit(today)).group_by("segment_id", "day")
    found: dict[str, dict[date, int]] = {}
    for row in reader.collect(summed.agg(nw.col("step").sum().alias("step"))).to_pylist():
        found.setdefault(row["segment_id"], {})[row["day"]] = int(row["step"])
    return found


def _trail(changes: Mapping[date, int], today: date) -> Trail:
    first = min(changes, default=None)

    def size_on(day: date) -> int:
        return sum(step for changed_on, step in changes.items() if changed_on <= day)

    if first is None:
        return Trail(size=0, before=0, before_on=None, points=((today, 0),))
    before_on = max(first, today - timedelta(days=COMPARED_DAYS))
    points = tuple((day, size_on(day)) for day in _drawn_days(first, today))
    return Trail(
        size=size_on(today),
        before=size_on(before_on),
        before_on=before_on if before_on < today else None,
        points=points,
    )


def _drawn_days(first: date, today: date) -> list[date]:
    span = (today - first).days
    if span <= DAILY_DAYS:
        return [first + timedelta(days=passed) for passed in range(span + 1)]
    days = [first]
    month = add_months(first.replace(day=1), 1)
    while month < today:
        days.append(month)
        month = add_months(month, 1)
    return [*days, today]


def _then_and_now(reader: Reader, segment_id: str, *, scope: Scope, today: date, since: date) -> Frame:
    """One row per customer who was in the segment at either end: `was_then`, `is_now`."""
    runs = _seen(reader, scope)
    now = in_segment(runs, segment_id, today).select(KEY, nw.lit(1).alias("now"), nw.lit(0).alias("then"))
    then = in_segment(runs, segment_id, since).select(KEY, nw.lit(0).alias("now"), nw.lit(1).alias("then"))
    both = nw.concat([now, then]).group_by(KEY).agg(nw.col("now").max(), nw.col("then").max())
    return both.select(KEY, (nw.col("now") == 1).alias("is_now"), (nw.col("then") == 1).alias("was_then"))


def _told(traits: Mapping[str, Trait], rows: Sequence[Mapping[str, Any]]) -> list[Difference]:
    totals: dict[str, tuple[int, int]] = {}
    for row in rows:
        members, others = totals.get(row["trait"], (0, 0))
        totals[row["trait"]] = (members + row["members"], others + row["others"])
    # A trait whose one value all members have and nobody else does is how they were chosen, not news.
    chosen_by = {row["trait"] for row in rows if row["others"] == 0 and row["members"] == totals[row["trait"]][0] > 0}
    looked_at = [
        (row, *totals[row["trait"]])
        for row in rows
        if row["trait"] not in chosen_by
        and row["value"] is not None
        and min(totals[row["trait"]]) >= FEWEST
        and row["members"] + row["others"] >= FEWEST
    ]
    chances = [_chance(row["members"], members, row["others"], others) for row, members, others in looked_at]
    found: list[Difference] = []
    for (row, members, others), chance in zip(looked_at, benjamini_hochberg(chances), strict=True):
        inside, outside = wilson(row["members"], members), wilson(row["others"], others)
        if chance <= FALSE_SHARE and inside is not None and outside is not None:
            found.append(
                Difference(
                    trait=traits[row["trait"]],
                    value=row["value"],
                    members=row["members"],
                    share=row["members"] / members,
                    interval=inside,
                    others_share=row["others"] / others,
                    others_interval=outside,
                )
            )
    ordered = sorted(found, key=lambda item: (-abs(item.gap), item.trait.name, item.value))
    return _once_for_two_values(ordered)[:SHOWN_DIFFERENCES]


def _once_for_two_values(found: Sequence[Difference]) -> list[Difference]:
    """Of a trait with two values one says all: the one more frequent in the segment."""
    return [item for item in found if len(item.trait.choices) != 2 or item.gap > 0]


def _chance(one: int, of_one: int, other: int, of_other: int) -> float:
    """The two-sided p-value of "both shares are the same" by the pooled z-test."""
    pooled = (one + other) / (of_one + of_other)
    variance = pooled * (1 - pooled) * (1 / of_one + 1 / of_other)
    return 1.0 if variance <= 0 else two_sided((one / of_one - other / of_other) / variance**0.5)
