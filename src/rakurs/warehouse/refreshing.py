"""How are marts made anew inside a load's transaction?"""

import hashlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from graphlib import TopologicalSorter

import duckdb
import narwhals.stable.v2 as nw

from rakurs import __version__
from rakurs.core.loading import Progress
from rakurs.core.mart import CalendarMart, Mart, MartSettings
from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema import TABLES
from rakurs.schema.ddl import quoted
from rakurs.schema.derived import day_of
from rakurs.warehouse.duckdb_engine import Cursor, count, first_row
from rakurs.warehouse.engine import Frame
from rakurs.warehouse.execution import Watch, watched
from rakurs.warehouse.readings import ONE, unified

AnyMart = Mart | CalendarMart

ROWS_AT_ONCE = 1_000_000
"""Rows of a split mart's largest input that are built in one go: about what a gigabyte sorts without spilling."""


def refresh(
    cursor: Cursor,
    marts: Sequence[AnyMart],
    settings: MartSettings,
    *,
    today: date,
    progress: Progress,
    changed: AbstractSet[str] | None = None,
) -> None:
    """Build the marts from the tables as `cursor` sees them, each after those it is made of.

    Given which tables `changed` since all marts were built under these settings, only what is made of them, directly
    or through another mart.
    """
    ordered = in_order(marts)
    stale = {mart.table.name for mart in ordered} if changed is None else _made_of(ordered, changed)
    span = calendar_span(cursor, today=today)
    for calendar in ordered:
        if isinstance(calendar, CalendarMart) and (changed is None or _spanned(cursor, calendar) != span):
            stale |= {calendar.table.name} | _made_of(ordered, {calendar.table.name})
    for number, mart in enumerate(mart for mart in ordered if mart.table.name in stale):
        step = Text(ru=f"Витрина «{mart.table.title.ru}»", en=f"Mart “{mart.table.title.en}”")
        progress(step, done=number, total=len(stale))
        if isinstance(mart, CalendarMart):
            cursor.register("arriving", mart.build(*span, settings.calendar))
            _store(cursor, mart.table, "select * from arriving", (), watch=_watch(progress, step))
            cursor.unregister("arriving")
        elif _is_of_nothing(cursor, mart, ordered):
            _store_empty(cursor, mart.table)
        else:
            _build(cursor, mart, settings, progress=progress, step=step)


def _made_of(ordered: Sequence[AnyMart], changed: AbstractSet[str]) -> set[str]:
    """The names of the marts that something of `changed` goes into."""
    stale: set[str] = set()
    for mart in ordered:
        if any(table.name in changed or table.name in stale for table in mart.inputs.values()):
            stale.add(mart.table.name)
    return stale


def _spanned(cursor: Cursor, calendar: CalendarMart) -> tuple[date, date]:
    """The first and last day of the calendar there is."""
    (day,) = calendar.table.key
    return first_row(cursor, f"select min({quoted(day)}), max({quoted(day)}) from {quoted(calendar.table.name)}")


def _is_of_nothing(cursor: Cursor, mart: Mart, marts: Sequence[AnyMart]) -> bool:
    """Whether every table that goes into the mart is empty, days of the calendar apart: then it is empty itself."""
    days = {other.table.name for other in marts if isinstance(other, CalendarMart)}
    facts = [table.name for table in mart.inputs.values() if table.name not in days]
    return not any(cursor.execute(f"select 1 from {quoted(name)} limit 1").fetchall() for name in facts)


def _build(cursor: Cursor, mart: Mart, settings: MartSettings, *, progress: Progress, step: Text) -> None:
    """One mart, in as many shares as its largest split input asks for."""
    sizes = [count(cursor, f"select count(*) from {quoted(mart.inputs[name].name)}") for name in mart.split]
    shares = max(1, -(-max(sizes, default=0) // ROWS_AT_ONCE))
    for share in range(shares):
        watch = _watch(progress, step, share=share, shares=shares)
        query = _query(cursor, mart, settings, share=share, shares=shares)
        _store(cursor, mart.table, query, mart.sort, watch=watch, is_first=share == 0)


_queries: dict[tuple[object, ...], str] = {}
"""Texts of queries by all that they depend on: making one takes longer than running it on a small company's rows."""


def _query(cursor: Cursor, mart: Mart, settings: MartSettings, *, share: int, shares: int) -> str:
    """What builds one share of a mart, as text."""
    seen = unified(cursor)
    of_views = tuple(table.name in seen for table in mart.inputs.values())
    key = (mart.table.name, mart.build, repr(settings), share, shares, of_views)
    if key not in _queries:
        frames = {name: _share(cursor, mart, name, seen, share=share, shares=shares) for name in mart.inputs}
        relation: duckdb.DuckDBPyRelation = mart.build(settings=settings, **frames).to_native()
        _queries[key] = relation.sql_query()
    return _queries[key]


def _watch(progress: Progress, step: Text, *, share: int = 0, shares: int = 1) -> Watch:
    return lambda done: progress(step, done=int((share + done) * 100 / shares), total=100)


def _share(cursor: Cursor, mart: Mart, name: str, seen: AbstractSet[str], *, share: int, shares: int) -> Frame:
    """The rows of an input whose split column falls to `share`; the whole input where it is not split."""
    table = mart.inputs[name].name
    whole = cursor.table(quoted(table) if table not in seen else f"{ONE}.{quoted(table)}")
    if shares == 1 or name not in mart.split:
        return nw.from_native(whole)
    return nw.from_native(whole.filter(f"hash({quoted(mart.split[name])}) % {shares} = {share}"))


def signature(marts: Sequence[AnyMart], settings: MartSettings) -> str:
    """Differs where marts have other columns, follow other settings, or were made by another release."""
    columns = [(mart.table.name, [(column.name, column.unit.sql) for column in mart.table.columns]) for mart in marts]
    return hashlib.sha256(repr((__version__, settings, columns)).encode()).hexdigest()


def in_order(marts: Sequence[AnyMart]) -> list[AnyMart]:
    """Each mart after the marts it is made of; otherwise as given."""
    by_name = {mart.table.name: mart for mart in marts}
    sorter = TopologicalSorter[str]()
    for mart in marts:
        sorter.add(mart.table.name, *(table.name for table in mart.inputs.values() if table.name in by_name))
    return [by_name[name] for name in sorter.static_order()]


def calendar_span(cursor: Cursor, *, today: date) -> tuple[date, date]:
    """Whole years: from the one before the first business day known to the one after the last, or after today."""
    parts = [
        f"select min({quoted(day)}) as low, max({quoted(day)}) as high from {quoted(table.name)}"
        for table in TABLES
        for column in table.columns
        if column.unit is Unit.TIME
        for day in [day_of(column.name)]
    ]
    parts.append("select min(month), max(month) from plans")
    low, high = first_row(cursor, f"select min(low), max(high) from ({' union all '.join(parts)})")
    first, last = low or today, max(high or today, today)
    return date(first.year - 1, 1, 1), date(last.year + 1, 12, 31)


def _store(
    cursor: Cursor, table: Table, select: str, sort: tuple[str, ...], *, watch: Watch, is_first: bool = True
) -> None:
    columns = ", ".join(
        f"{quoted(column.name)}::{column.unit.sql} as {quoted(column.name)}" for column in table.columns
    )
    order = f" order by {', '.join(map(quoted, sort))}" if sort else ""
    into = f"create or replace table {quoted(table.name)} as" if is_first else f"insert into {quoted(table.name)}"
    watched(cursor, f"{into} select {columns} from ({select}){order}", watch)


def _store_empty(cursor: Cursor, table: Table) -> None:
    columns = ", ".join(f"{quoted(column.name)} {column.unit.sql}" for column in table.columns)
    cursor.execute(f"create or replace table {quoted(table.name)} ({columns})")
