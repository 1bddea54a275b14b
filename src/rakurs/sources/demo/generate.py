"""The whole company: days, people and catalogue once, then customers chunk by chunk, then plans and the truth.

Memory is bounded by the chunk, not by the company. A chunk's size changes no value: chance knows only the seed
and the thing's own number.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from rakurs.core.errors import BadParameter
from rakurs.core.loading import Progress, silent
from rakurs.core.periods import add_months
from rakurs.core.text import Text
from rakurs.sources.demo import (
    advertising,
    catalogue,
    contacts,
    days,
    deals,
    experiments,
    facts,
    identity,
    orders,
    people,
    plans,
    promotions,
    serving,
    stock,
    subscriptions,
    voice,
)
from rakurs.sources.demo.files import FileKind, Folder
from rakurs.sources.demo.reckoning import truth_of
from rakurs.sources.demo.records import (
    CHUNK_RECORDS,
    CHUNK_TRUTH,
    CLOSING_RECORDS,
    CLOSING_TRUTH,
    DUPLICATE_SHIFT,
    REFERENCE_RECORDS,
    REFERENCE_TRUTH,
)
from rakurs.sources.demo.steps import Connection, define_chance, define_chunk, joins_as_written, run
from rakurs.sources.demo.truth import Truth, write_truth

CHUNK_CUSTOMERS = 50_000
MOST_CUSTOMERS = DUPLICATE_SHIFT - 1
"""Numbers beyond belong to duplicates."""
MOST_YEARS = 20

PREPARING = Text(ru="Готовим сотрудников, товары и календарь", en="Preparing staff, products and calendar")
LIVING = Text(ru="Клиенты покупают", en="Customers are buying")
CLOSING = Text(ru="Планы и итоги", en="Plans and totals")


def generate(
    connection: Connection,
    folder: Path,
    *,
    customers: int = 20_000,
    years: int = 3,
    seed: int = 1,
    today: date,
    progress: Progress = silent,
    kind: FileKind = "parquet",
    chunk_customers: int = CHUNK_CUSTOMERS,
) -> Truth:
    """Write the simulated company into `folder` and tell what is true of it.

    One file per canonical table, all values text; `folder/truth` holds truth.json and what is true of
    single customers, deals and prices. History covers whole days from `years` before `today` up to yesterday. `connection` is a scratch one: tables
    and macros are made in it. Equal arguments give equal rows in equal order. BadParameter beyond the bounds.
    """
    _must_fit("customers", customers, most=MOST_CUSTOMERS)
    _must_fit("years", years, most=MOST_YEARS)
    first_day = add_months(today, -12 * years)
    total = customers + 2 * chunk_customers
    progress(PREPARING, done=0, total=total)
    define_chance(connection, seed=seed, first_day=first_day, past_day=today)
    with Folder(folder, kind=kind) as output:
        with joins_as_written(connection):
            _make_once(connection, output)
            for number, (first, past) in enumerate(_chunks(customers, chunk_customers)):
                progress(LIVING, done=chunk_customers + first - 1, total=total)
                _make_chunk(connection, output, first=first, past=past, number=number)
            progress(CLOSING, done=customers + chunk_customers, total=total)
            run(connection, (*plans.STEPS, *advertising.STEPS, *stock.STEPS))
            facts.conclude(connection)
            output.write_parts(connection, CLOSING_RECORDS, part=0)
            output.write_truth_parts(connection, CLOSING_TRUTH, part=0)
        output.join_parts(connection)
        truth = truth_of(connection, customers=customers, seed=seed, first_day=first_day, past_day=today)
        write_truth(truth, output.truth / "truth.json")
    progress(CLOSING, done=total, total=total)
    return truth


def _must_fit(parameter: str, value: int, *, most: int) -> None:
    if not 1 <= value <= most:
        raise BadParameter(parameter, value, Text(ru=f"Нужно от 1 до {most}.", en=f"It must be from 1 to {most}."))


def _chunks(customers: int, size: int) -> Iterator[tuple[int, int]]:
    for first in range(1, customers + 1, size):
        yield first, min(first + size, customers + 1)


def _make_once(connection: Connection, output: Folder) -> None:
    for part in (days, people, catalogue, promotions, deals, contacts, subscriptions, experiments):
        run(connection, part.STEPS)
    facts.prepare(connection)
    output.write_parts(connection, REFERENCE_RECORDS, part=0)
    output.write_truth_parts(connection, REFERENCE_TRUTH, part=0)


def _make_chunk(connection: Connection, output: Folder, *, first: int, past: int, number: int) -> None:
    define_chunk(connection, first=first, past=past)
    for part in (people, identity, deals, orders, serving, contacts, subscriptions, experiments, voice):
        run(connection, part.CHUNK_STEPS)
    output.write_parts(connection, CHUNK_RECORDS, part=number)
    output.write_truth_parts(connection, CHUNK_TRUTH, part=number)
    facts.gather(connection)
