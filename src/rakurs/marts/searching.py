"""By which words and digits is a customer, a deal or an employee found? One row each, spelt plainly."""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import conform
from rakurs.core.mart import MartSettings
from rakurs.core.spelling import PHONE_DIGITS
from rakurs.core.units import Unit
from rakurs.marts.canonical import present
from rakurs.marts.tables import SEARCH_INDEX

Frame = nw.LazyFrame[Any]

_NOTHING = nw.lit("").cast(Unit.TEXT.dtype)


def search_index(*, settings: MartSettings, customers: Frame, deals: Frame, employees: Frame) -> Frame:
    """One row per customer, deal and employee. `words` hold its names and ids.

    `contacts` and `digits` are personal: a search on behalf of whoever may not see them reads `words` only.
    """
    _ = settings
    people = people_index(present(customers))
    bargains = present(deals).select(
        nw.lit("deals").alias("card"),
        nw.col("deal_id").alias("id"),
        nw.coalesce(nw.col("title"), nw.col("deal_id")).alias("label"),
        nw.col("customer_id").alias("beside"),
        _plain("title", "deal_id", "source_id").alias("words"),
        _NOTHING.alias("contacts"),
        _NOTHING.alias("digits"),
    )
    colleagues = present(employees).select(
        nw.lit("employees").alias("card"),
        nw.col("employee_id").alias("id"),
        nw.coalesce(nw.col("name"), nw.col("employee_id")).alias("label"),
        nw.col("department").alias("beside"),
        _plain("name", "employee_id").alias("words"),
        _NOTHING.alias("contacts"),
        _NOTHING.alias("digits"),
    )
    parts = [conform(part, SEARCH_INDEX.columns) for part in (bargains, colleagues)]
    return nw.concat([people, *parts])


def people_index(customers: Frame, *, ids: tuple[str, ...] = ("customer_id", "source_id")) -> Frame:
    """One row per row of `customers`, found by its name, `ids` and contacts."""
    rows = customers.select(
        nw.lit("customers").alias("card"),
        nw.col("customer_id").alias("id"),
        nw.coalesce(nw.col("name"), nw.col("customer_id")).alias("label"),
        nw.col("city").alias("beside"),
        _plain("name", *ids).alias("words"),
        _plain("email", "tax_id").alias("contacts"),
        nw.concat_str(_phone("phone"), nw.lit(" "), _digits("tax_id")).alias("digits"),
    )
    return conform(rows, SEARCH_INDEX.columns)


def _plain(*names: str) -> nw.Expr:
    """A space before each word, so that the beginning of a word is told from its middle."""
    parts = [nw.concat_str(nw.lit(" "), nw.col(name).fill_null("")) for name in names]
    return nw.concat_str(*parts).str.to_lowercase().str.replace_all("ё", "е", literal=True)


def _digits(name: str) -> nw.Expr:
    return nw.col(name).fill_null("").str.replace_all(r"[^0-9]", "")


def _phone(name: str) -> nw.Expr:
    """The last ten digits: the country before them is written in as many ways as there are people."""
    return _digits(name).str.tail(PHONE_DIGITS)
