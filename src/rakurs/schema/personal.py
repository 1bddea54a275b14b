"""Which columns tell who somebody is, and so are emptied once he is forgotten or his time is up?"""

from collections.abc import Mapping
from typing import Literal

from rakurs.core.table import Table
from rakurs.schema import TABLES

Trace = Literal["phone", "email", "tax_id", "browser", "words"]
"""What a column holds: a contact by which somebody is found, the id of a browser, or words that are only wiped."""

TRACES: Mapping[str, Mapping[str, Trace]] = {
    "customers": {
        "name": "words",
        "phone": "phone",
        "email": "email",
        "tax_id": "tax_id",
        "birth_date": "words",
        "latitude": "words",
        "longitude": "words",
    },
    "deals": {"title": "words"},
    "activities": {"result": "words"},
    "calls": {"phone": "phone", "recording_url": "words"},
    "visits": {"visitor_id": "browser"},
    "web_events": {"phone": "phone", "email": "email", "visitor_id": "browser"},
    "survey_responses": {"comment": "words"},
    "reviews": {"author": "words", "text": "words"},
}
"""By table and column. Columns a table does not know (`custom`) may hold anything, so they count as words everywhere.

City, region and country stay: with everything else gone they name nobody, and numbers are split by them.
"""

CUSTOMER = "customers"
ABOUT_PEOPLE = tuple(
    table for table in TABLES if any(column.references == CUSTOMER for column in table.columns) or table.name in TRACES
)
"""The canonical tables whose rows are, or may be, about somebody."""
HOLDERS = ("deals", "orders", "visits")
"""Tables whose rows pass on whose they are: what names no customer but his deal, order or visit is his all the same."""


def customer_columns(table: Table) -> tuple[str, ...]:
    """The columns of `table` that hold the id of a customer's record."""
    key = table.key if table.name == CUSTOMER else ()
    return tuple(column.name for column in table.columns if column.references == CUSTOMER or column.name in key)


def holder_columns(table: Table) -> Mapping[str, str]:
    """The columns of `table` that point to a holder, each with that holder's name."""
    return {column.name: column.references for column in table.columns if column.references in HOLDERS}


def traces_of(table: str) -> Mapping[str, Trace]:
    """The personal columns of `table` by name; none where it has none."""
    return TRACES.get(table, {})


def masked_columns(table: Table) -> frozenset[str]:
    """What is empty for whoever may not see personal data: personal columns but what things are called, and own fields."""
    shown = {("customers", "name"), ("deals", "title")}
    return frozenset(name for name in traces_of(table.name) if (table.name, name) not in shown) | {"custom"}
