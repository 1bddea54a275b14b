"""The contract of a mart: a derived table, a pure function of canonical frames, refreshed at load."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.core.table import Table

OrderDay = Literal["auto", "payment", "order"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRules:
    """Which days a company works: a country's public holidays, and days of its own either way; when its year begins.

    `fiscal_year_start` is a month, 1 to 12; January makes the fiscal year the calendar one.
    """

    country: str = "RU"
    days_off: tuple[date, ...] = ()
    working_days: tuple[date, ...] = ()
    fiscal_year_start: int = 1


SUSPECT_RULES = ("back_dated", "duplicate", "no_amount", "orphan", "unknown_stage")
"""The rules of quality by which a record is suspect where the company has chosen none: what they find counts wrongly.

How many deals closed in a day are too many, and how many fields must be filled, differs from company to company."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MartSettings:
    """Company settings that change what marts hold.

    `orders_dated_by` says when an order becomes revenue: on payment, on ordering, or ("auto") on payment
    where the source of the order knows payments at all, otherwise on ordering. `suspect_rules` name the rules of
    quality of which each makes a deal suspect.
    """

    orders_dated_by: OrderDay = "auto"
    calendar: CalendarRules = CalendarRules()
    suspect_rules: tuple[str, ...] = SUSPECT_RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class Mart:
    """A derived table. `build(settings=..., **inputs)` is pure and runs inside the engine.

    `sort` is the order rows are stored in, so that a period reads only its own part of the table.
    `split` names, per input, the column that holds one and the same thing (the deal): rows of different deals never
    meet in the mart, so that a large one may be built share by share, in memory that does not grow with the data.
    Inputs it does not name are given whole.
    A mart whose rows belong to somebody carries `manager_id`, `department` and `branch`: rights are applied
    to those columns. `is_public` marks a mart that holds nobody's rows (the calendar).
    """

    table: Table
    inputs: Mapping[str, Table]
    build: Callable[..., nw.LazyFrame[Any]]
    sort: tuple[str, ...] = ()
    split: Mapping[str, str] = field(default_factory=dict[str, str])
    is_public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarMart:
    """The one table made from no data: one row per day from `first` to `last`, both included."""

    table: Table
    build: Callable[[date, date, CalendarRules], pa.Table]
    inputs: Mapping[str, Table] = field(default_factory=dict[str, Table])
