"""What is wrong with the record of a deal, on whatever day it is asked? Rules, and the remarks they leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import conform, count_where, row_number
from rakurs.core.mart import MartSettings
from rakurs.core.text import Text
from rakurs.marts.canonical import elapsed
from rakurs.marts.tables import DEAL_REMARKS

Frame = nw.LazyFrame[Any]

AT_ONCE_SECONDS = 600
BULK = 20
LATE_DAYS = 31
DAY_SECONDS = 86_400
_REFERENCES = {"customers": "customer_id", "employees": "manager_id", "products": "product_id"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What is wrong with a deal, and with which deals it can be (`concerns`), over the columns of `examined`."""

    title: Text
    concerns: nw.Expr
    fails: nw.Expr

    @property
    def marks(self) -> nw.Expr:
        """Whether the rule speaks against the deal; never null."""
        return (self.concerns & self.fails).fill_null(value=False)


def _is(outcome: str) -> nw.Expr:
    return nw.col("outcome") == outcome


_ANY = ~nw.col("deal_id").is_null()
_CLOSED = ~_is("open")
_HAS_BUYER = ~nw.col("customer_id").is_null() & (nw.col("amount") > 0)
RULES: Mapping[str, Rule] = {
    "no_amount": Rule(
        Text(ru="Нет суммы", en="No amount"), ~_is("lost"), nw.col("amount").is_null() | (nw.col("amount") == 0)
    ),
    "no_customer": Rule(Text(ru="Нет клиента", en="No customer"), _ANY, nw.col("customer_id").is_null()),
    "no_manager": Rule(Text(ru="Нет ответственного", en="Nobody is responsible"), _ANY, nw.col("manager_id").is_null()),
    "no_source": Rule(Text(ru="Нет источника", en="No source"), _ANY, nw.col("channel_id").is_null()),
    "no_reason": Rule(
        Text(ru="Проиграна без причины", en="Lost without a reason"), _is("lost"), nw.col("loss_reason_id").is_null()
    ),
    "unknown_stage": Rule(
        Text(ru="Этапа нет в списке этапов", en="The stage is not among the stages"), _ANY, ~nw.col("is_stage_known")
    ),
    "orphan": Rule(
        Text(ru="Ссылается на то, чего нет", en="Refers to what is not there"),
        _ANY,
        nw.col("is_orphan").fill_null(value=False),
    ),
    "no_history": Rule(
        Text(ru="Путь по этапам неизвестен", en="Its way through the stages is unknown"),
        _CLOSED,
        nw.col("told_visits") == 0,
    ),
    "skipped_stages": Rule(
        Text(ru="Выиграна через этап", en="Won by skipping stages"), _is("won"), nw.col("skipped") > 0
    ),
    "won_at_once": Rule(
        Text(ru="Внесена уже выигранной", en="Entered when it was won already"),
        _is("won"),
        nw.col("closed_epoch") - nw.col("created_epoch") < AT_ONCE_SECONDS,
    ),
    "late": Rule(
        Text(ru="Пришла поздно", en="Came late"),
        _ANY,
        (nw.col("days_late") > nw.col("late_days")).fill_null(value=False),
    ),
    "back_dated": Rule(
        Text(ru="Закрыта задним числом", en="Closed with an earlier date"),
        _CLOSED,
        nw.col("closed_on") < nw.col("moved_on"),
    ),
    "closed_in_bulk": Rule(
        Text(ru="Закрыта разом со многими", en="Closed at once with many"),
        _CLOSED & ~nw.col("manager_id").is_null(),
        nw.col("closed_beside") >= nw.col("bulk"),
    ),
    "duplicate": Rule(
        Text(ru="Похожа на дубль", en="Looks like a duplicate"), _HAS_BUYER, _HAS_BUYER & (nw.col("place") > 1)
    ),
}
"""Rules that need no day of the question: what they say of a record holds until the record changes."""


def examined(deals: Frame, visits: Frame, *, bulk: int, late_days: int) -> Frame:
    """`deals` with what the rules look at. They hold `is_orphan` and `days_late` already; `visits` are those that count."""
    ways = visits.group_by("deal_id").agg(
        nw.col("entered_on").max().alias("moved_on"),
        nw.col("skipped").sum().alias("skipped"),
        count_where(nw.col("provenance") == "history").alias("told_visits"),
    )
    return deals.join(ways, on="deal_id", how="left").with_columns(
        nw.lit(bulk).alias("bulk"),
        nw.lit(late_days).alias("late_days"),
        nw.col("skipped").fill_null(0).alias("skipped"),
        nw.col("told_visits").fill_null(0).alias("told_visits"),
        nw.col("deal_id").count().over("manager_id", "closed_on").alias("closed_beside"),
        row_number(("customer_id", "amount", "created_on"), ("created_epoch", "deal_id")).alias("place"),
    )


def deal_remarks(
    *,
    settings: MartSettings,
    outcomes: Frame,
    visits: Frame,
    snapshots: Frame,
    customers: Frame,
    employees: Frame,
    products: Frame,
    pipelines: Frame,
) -> Frame:
    """One row per deal of whose record a rule has something to say, or that came after its day; most have none.

    A deal is an orphan where its customer, manager, product or pipeline is not among those loaded, of a table that holds
    anything at all. Late is what was first seen after the day its source was first read: that day brought the history.
    """
    targets = {"customers": customers, "employees": employees, "products": products}
    known = outcomes.join(_lateness(snapshots), on="deal_id", how="left")
    lost: list[nw.Expr] = []
    for name, target in targets.items():
        known = _looked_up(known, target, _REFERENCES[name], key=_key_of(name))
        lost.append(_is_lost(_REFERENCES[name]))
    # A stage that is known names its pipeline too: a list of stages may be all a company loads.
    known = _looked_up(known, pipelines, "pipeline_id", key="pipeline_id")
    lost.append(_is_lost("pipeline_id") & ~nw.col("is_stage_known"))
    judged = examined(
        known.with_columns(
            nw.any_horizontal(*lost, ignore_nulls=True).alias("is_orphan"),
            elapsed("created_epoch", "seen_epoch", seconds=DAY_SECONDS).alias("days_late"),
        ),
        visits,
        bulk=BULK,
        late_days=LATE_DAYS,
    )
    words = [nw.when(rule.marks).then(nw.lit(f" {name}")).otherwise(nw.lit("")) for name, rule in RULES.items()]
    suspect = [rule.marks for name, rule in RULES.items() if name in settings.suspect_rules]
    marked = judged.with_columns(
        nw.concat_str(words).str.strip_chars().alias("rules"),
        nw.any_horizontal(nw.lit(value=False), *suspect, ignore_nulls=True).alias("is_suspect"),
    )
    told = marked.filter((nw.col("rules") != "") | ~nw.col("days_late").is_null())
    return conform(told, DEAL_REMARKS.columns)


def _key_of(table: str) -> str:
    return {"employees": "employee_id"}.get(table, _REFERENCES[table])


def _looked_up(deals: Frame, target: Frame, column: str, *, key: str) -> Frame:
    """`deals` with whether the row `column` names is there, and how many rows there are at all."""
    there = (
        target.group_by(nw.col(key).alias(column)).agg().with_columns(nw.lit(value=True).alias(f"{column} is there"))
    )
    size = target.select(nw.len().alias(f"{column} of"))
    return deals.join(there, on=column, how="left").join(size, how="cross")


def _is_lost(column: str) -> nw.Expr:
    return ~nw.col(column).is_null() & nw.col(f"{column} is there").is_null() & (nw.col(f"{column} of") > 0)


def _lateness(snapshots: Frame) -> Frame:
    """When each deal was first seen, of those that the first day of their source did not bring."""
    shown = snapshots.filter(nw.col("provenance") == "snapshot").with_columns(
        nw.col("source").fill_null("").alias("source")
    )
    first = shown.group_by("source").agg(nw.col("seen_on").min().alias("first_on"))
    seen = shown.group_by("deal_id", "source").agg(
        nw.col("seen_on").min().alias("seen_on"), nw.col("seen_epoch").min().alias("seen_epoch")
    )
    later = seen.join(first, on="source", how="left").filter(nw.col("seen_on") > nw.col("first_on"))
    return later.group_by("deal_id").agg(nw.col("seen_epoch").min().alias("seen_epoch"))
