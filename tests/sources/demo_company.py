"""A demo company made for the tests of its truth, and SQL over its files."""

import math
from datetime import date
from pathlib import Path

import duckdb

from rakurs.schema import TABLES as CANONICAL_TABLES
from rakurs.schema import table_named
from rakurs.sources.demo import Truth, generate
from rakurs.sources.demo.truth import Rate

TODAY = date(2026, 11, 22)
CUSTOMERS = 4_000
NOT_BROUGHT = frozenset({"deal_snapshots", "visits", "web_events", "site_traffic"})
TABLES = [table for table in CANONICAL_TABLES if table.name not in NOT_BROUGHT]
"""What the company brings: it has no site, and snapshots of its deals are what loading them again leaves."""
TOLERANCE = 4.5
"""Standard deviations; about two hundred checks, so an honest sample fails one of them once in a thousand seeds."""


_NAMELESS = {
    "plans": ("employee_id = '-X' or employee_id like 'E%-X'", "metric is null"),
    "experiment_assignments": ("experiment_id like '%-X'", "customer_id is null"),
    "ad_costs": ("campaign_id like '%-X'", "spent_at is null"),
}
"""Tables without an id of their own: how their broken rows and those without a required value are told."""


class Company:
    """A generated company: its truth, and SQL over its files. `{deals}` in a query is the good rows of deals."""

    def __init__(self, folder: Path, truth: Truth) -> None:
        self.folder = folder
        self.truth = truth
        self.connection = duckdb.connect()
        for table in truth.rows:
            identifier = next(iter(table_named(table).key))
            broken, empty = _NAMELESS.get(table, (f"{identifier} like '%-X'", f"{identifier} is null"))
            file = folder / f"{table}.parquet"
            self.connection.execute(f"create view all_{table} as from read_parquet('{file}')")
            self.connection.execute(
                f"create view {table} as from all_{table} where not coalesce({broken}, false) and not {empty}"
            )

    def rows(self, query: str) -> list[tuple]:
        return self.connection.execute(query).fetchall()

    def value(self, query: str) -> object:
        return self.rows(query)[0][0]


def made(folder: Path, *, customers: int, threads: int = 2, **settings) -> Truth:
    with duckdb.connect() as connection:
        connection.execute(f"set threads = {threads}")
        return generate(connection, folder, customers=customers, today=TODAY, **settings)


def contents(folder: Path, *, is_ordered: bool = True) -> dict[str, list[tuple]]:
    """Every file's rows as written, or sorted."""
    with duckdb.connect() as connection:
        found = {
            file.name: connection.execute(f"from read_parquet('{file}')").fetchall()
            for file in sorted(folder.rglob("*.parquet"))
        }
    return found if is_ordered else {name: sorted(rows, key=repr) for name, rows in found.items()}


def assert_fits(rate: Rate, what: str) -> None:
    """The successes of `rate` are within sampling error of its parameter."""
    deviation = math.sqrt(rate.trials * rate.parameter * (1 - rate.parameter))
    assert rate.trials > 0, what
    assert abs(rate.successes - rate.trials * rate.parameter) <= TOLERANCE * deviation + 0.5, f"{what}: {rate}"
