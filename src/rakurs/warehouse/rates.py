"""What is money of another currency worth in the company's own, on the day of the event?"""

from rakurs.core.table import Table
from rakurs.core.units import Unit
from rakurs.schema import TABLES
from rakurs.schema.ddl import literal, quoted
from rakurs.schema.derived import base_of, day_of, event_column, has_currency
from rakurs.warehouse.duckdb_engine import Cursor

CURRENCY_TABLES: tuple[Table, ...] = tuple(table for table in TABLES if has_currency(table))


def apply_rates(cursor: Cursor, *, currency: str) -> None:
    """Bring every foreign amount's base up to the rates known now: the latest one not after the event's day.

    Without such a rate the base is null: absent is not zero.
    """
    for table in CURRENCY_TABLES:
        if cursor.execute(f"select 1 from {quoted(table.name)} where {_is_foreign(currency)} limit 1").fetchall():
            cursor.execute(_update(table, currency))


def without_rate(cursor: Cursor, *, currency: str) -> list[tuple[str, str, int]]:
    """(table, currency, rows) where an amount has no base for want of a rate."""
    found: list[tuple[str, str, int]] = []
    for table in CURRENCY_TABLES:
        missing = " or ".join(
            f"({quoted(name)} is not null and {quoted(base_of(name))} is null)" for name in _money(table)
        )
        found += cursor.execute(
            f"select {literal(table.name)}, currency, count(*) from {quoted(table.name)} "
            f"where {_is_foreign(currency)} and ({missing}) group by currency order by currency"
        ).fetchall()
    return found


def sole_currency(cursor: Cursor) -> str | None:
    """The one currency all money is in, when every amount names it; None when they differ or one is silent."""
    named = " union ".join(
        f"select coalesce(currency, '') as currency from {quoted(table.name)} "
        f"where {' or '.join(f'{quoted(name)} is not null' for name in _money(table))}"
        for table in CURRENCY_TABLES
    )
    found = [currency for (currency,) in cursor.execute(named).fetchall()]
    return found[0] or None if len(found) == 1 else None


def _update(table: Table, currency: str) -> str:
    event = event_column(table)
    assert event is not None, f"{table.name} has money and no moment"
    amounts = ", ".join(
        f"(known.{quoted(name)} * rates.rate::decimal(18,8))::decimal(18,2) as {quoted(base_of(name))}"
        for name in _money(table)
    )
    valued = (
        f"select known.rowid as id, {amounts} from (select rowid, * from {quoted(table.name)} "
        f"where {_is_foreign(currency)}) known asof left join exchange_rates rates "
        f"on known.currency = rates.currency and known.{quoted(day_of(event))} >= rates.rate_on"
    )
    bases = [quoted(base_of(name)) for name in _money(table)]
    name = quoted(table.name)
    return (
        f"update {name} set {', '.join(f'{base} = valued.{base}' for base in bases)} from ({valued}) valued "
        f"where {name}.rowid = valued.id "
        f"and ({' or '.join(f'{name}.{base} is distinct from valued.{base}' for base in bases)})"
    )


def _is_foreign(currency: str) -> str:
    return f"currency is not null and currency <> {literal(currency)}"


def _money(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.unit is Unit.MONEY]
