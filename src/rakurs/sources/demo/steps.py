"""Steps: how is a company made of nothing but SQL, the same on every run and any number of threads?

A part of the company is a tuple of `Step`s, each one table made from earlier ones. Chance is `u(id, salt)`: a
uniform number in (0, 1) made of the seed, the thing's own number and a word for what is drawn, so it depends on
nothing else: not on row order, chunk or thread. Weighted choice is a join with a table of half-open shares.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

CHOICE_SLOTS = 256
"""Into how many equal slots a choice table is cut, so that a choice is a hash join, not a search."""

DAY_SECONDS = 86_400
WORK_SECONDS = 36_000
"""A working day: 9:00 to 19:00."""


_JOIN_OPTIMIZERS = ("join_order", "build_side_probe_side")


class Connection(Protocol):
    """What is used of a DuckDB connection."""

    def execute(self, query: str, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Step:
    """One table of the company under construction: `create table {name} as {sql}`."""

    name: str
    sql: str


def run(connection: Connection, steps: Iterable[Step]) -> None:
    """Make each step's table, replacing what an earlier chunk left."""
    for step in steps:
        connection.execute(f"create or replace table {step.name} as {step.sql}")


def literal(value: object) -> str:
    """`value` as an SQL literal."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, date):
        return f"date '{value.isoformat()}'"
    return "'" + str(value).replace("'", "''") + "'"


def listed(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Step:
    """A table of constants: what the scenario declares, with the columns named."""
    values = ",\n  ".join("(" + ", ".join(literal(value) for value in row) + ")" for row in rows)
    return Step(name, f"select * from (values\n  {values}\n) as listed({', '.join(columns)})")


def choice(name: str, *, source: str, value: str, weight: str, order: str, group: str = "0") -> Step:
    """A table to draw `value` from with probability in proportion to `weight`, apart for each `group`.

    Weights are rounded to millionths, so that shares are whole numbers and add up the same on any thread.
    """
    return Step(
        name,
        f"""
        with weighted as (
            select {group} as grp, {value} as value, {order} as place, round(({weight}) * 1e6)::bigint as weight
            from {source}
        ),
        cumulated as (
            select grp, value, weight,
                (sum(weight) over (partition by grp order by place))::bigint as upto,
                (sum(weight) over (partition by grp))::bigint as total
            from weighted where weight > 0
        ),
        shares as (
            select grp, value, (upto - weight) / total::double as low, upto / total::double as high from cumulated
        )
        select grp, value, low, high,
            unnest(range(floor(low * {CHOICE_SLOTS})::integer, ceil(high * {CHOICE_SLOTS})::integer)) as slot
        from shares
        """,
    )


def chosen(alias: str, table: str, *, draw: str, group: str = "0") -> str:
    """The join that draws one row of the choice table `table` as `alias`; `draw` is a uniform column."""
    return (
        f"join {table} as {alias} on {alias}.grp = {group} "
        f"and {alias}.slot = floor({draw} * {CHOICE_SLOTS})::integer and {draw} >= {alias}.low and {draw} < {alias}.high"
    )


def arrivals(*, people: str, rate: str, start: str, end: str, salt: str) -> str:
    """Poisson arrivals: rows (no, k, tick) with k = 1, 2, ... and tick in [start, end), `rate` per tick.

    Gaps are drawn as whole micro-ticks, so that their running sum is exact. Candidates reach five standard
    deviations and four more beyond the mean: the chance to cut a real arrival is below one in ten million.
    """
    return f"""
        with spans as (
            select no, ({rate})::double as rate, ({start})::bigint as start_tick, ({end})::bigint as end_tick from {people}
        ),
        candidates as (
            select no, rate, start_tick, end_tick,
                unnest(range(1, 5 + ceil(rate * (end_tick - start_tick)
                    + 5 * sqrt(rate * (end_tick - start_tick)))::bigint)) as k
            from spans where end_tick > start_tick and rate > 0
        ),
        gaps as (
            select no, k, start_tick, end_tick, floor(expo(no * 1000 + k, '{salt}') / rate * 1e6)::bigint as gap
            from candidates
        ),
        placed as (
            select no, k, end_tick,
                start_tick + ((sum(gap) over (partition by no order by k))::bigint // 1000000) as tick
            from gaps
        )
        select no, k, tick from placed where tick < end_tick
    """


@contextmanager
def joins_as_written(connection: Connection) -> Generator[None]:
    """Inside, tables are joined in the order and on the sides the SQL says: the big one first, small ones looked up.

    The planner cannot guess how many rows a choice keeps; it would build its hash tables from the wrong side, slowly,
    and DuckDB 2.0 then fails on some of those plans ("dict-surviving join", duckdb issue 24807).
    """
    before = connection.execute("select current_setting('disabled_optimizers')").fetchone()[0]
    connection.execute(f"set disabled_optimizers = {literal(','.join(filter(None, (before, *_JOIN_OPTIMIZERS))))}")
    try:
        yield
    finally:
        connection.execute(f"set disabled_optimizers = {literal(before)}")


def define_chance(connection: Connection, *, seed: int, first_day: date, past_day: date) -> None:
    """The macros every step draws with, and the ends of history: `past_day` is the first day not in it."""
    days = (past_day - first_day).days
    for macro in (
        f"u(id, salt) as ((hash(xor(hash(id::ubigint), hash('{seed}:' || salt))) >> 11) + 0.5) / 9007199254740992.0",
        "expo(id, salt) as -ln(u(id, salt))",
        "normal(id, salt) as sqrt(-2 * ln(u(id, salt || '/radius'))) * cos(2 * pi() * u(id, salt || '/angle'))",
        "gamma15(id, salt) as expo(id, salt || '/exp') + normal(id, salt || '/normal') ** 2 / 2",
        "pick(id, salt, n) as floor(u(id, salt) * n)::bigint",
        f"day_count() as {days}",
        f"first_day() as {literal(first_day)}",
        f"past_day() as {literal(past_day)}",
        f"past_second() as {days * DAY_SECONDS}::bigint",
        "moment(second) as (first_day()::timestamp + to_seconds(second))",
        "day_at(day_no) as (first_day() + day_no::integer)",
    ):
        connection.execute(f"create or replace macro {macro}")


def define_chunk(connection: Connection, *, first: int, past: int) -> None:
    """Which customers the next chunk makes: numbers from `first` up to, not including, `past`."""
    connection.execute(f"create or replace macro chunk_first() as {first}")
    connection.execute(f"create or replace macro chunk_past() as {past}")
