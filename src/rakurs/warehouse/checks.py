"""How are the rules a row must keep asked in SQL?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rakurs.core.table import Column, Table
from rakurs.schema import rules
from rakurs.schema.ddl import literal, quoted
from rakurs.schema.rules import Rule
from rakurs.warehouse.conversion import is_text, local_day, trimmed
from rakurs.warehouse.raw import OVERFLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule for one column. `fails` is true in SQL for rows that break it; `shown` is the value to show."""

    rule: Rule
    column: str
    fails: str
    shown: str


def checks_of(
    table: Table, *, given: frozenset[str], zone: str, now: datetime, text_of: Callable[[str], str]
) -> Sequence[Check]:
    """What every row of `table` is held to, in the order in which a broken rule is reported.

    Only columns in `given` can hold a value; of the others only being required matters.
    """
    found = [Check(rule=rules.MALFORMED_ROW, column="", fails=f"{OVERFLOW} is not null", shown=OVERFLOW)]
    for column in table.columns:
        text = quoted(text_of(column.name))
        if column.required:
            found.append(_check(rules.REQUIRED_MISSING, column, _is_empty(column, given, text), text))
        if column.name in given:
            found += _value_checks(column, text, now)
    for order in rules.time_orders(table):
        if {order.earlier, order.later} <= given:
            earlier, later = quoted(order.earlier), quoted(order.later)
            days = f"{local_day(later, zone)} < {local_day(earlier, zone)}"
            text = quoted(text_of(order.later))
            found.append(_check(order.rule, table.column(order.later), f"{later} < {earlier} and {days}", text))
    return found


def _value_checks(column: Column, text: str, now: datetime) -> Sequence[Check]:
    value = quoted(column.name)
    found: list[Check] = []
    unreadable = rules.unreadable(column)
    if unreadable:
        found.append(_check(unreadable, column, f"{value} is null and {trimmed(text)} <> ''", text))
    low = rules.least(column)
    if low is not None:
        found.append(_check(rules.BELOW_LOW, column, f"{value} < {low}", text))
    if rules.is_dated(column):
        last = literal(f"{now.year + rules.YEARS_AHEAD}-{now:%m}-01")
        first = literal(f"{rules.EARLIEST_YEAR}-01-01")
        outside = f"({value} < timestamp {first} or {value} >= timestamp {last})"
        found.append(_check(rules.IMPLAUSIBLE_TIME, column, outside, text))
    return found


def _is_empty(column: Column, given: frozenset[str], text: str) -> str:
    if column.name not in given:
        return "true"
    return (
        f"{text} is null"
        if is_text(column)
        else f"{quoted(column.name)} is null and coalesce({trimmed(text)}, '') = ''"
    )


def _check(rule: Rule, column: Column, fails: str, shown: str) -> Check:
    return Check(rule=rule, column=column.name, fails=fails, shown=shown)
