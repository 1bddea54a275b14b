"""Whose rows may this user see? Every frame an analysis gets is limited here, and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import narwhals.stable.v2 as nw

from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.marts.tables import CUSTOMER_OWNERS, DEAL_OUTCOMES, SALES
from rakurs.schema import CUSTOMERS, DEALS, EMPLOYEES, LEADS, ORDERS
from rakurs.schema.derived import stored
from rakurs.schema.personal import ABOUT_PEOPLE, masked_columns

ScopeKind = Literal["all", "branch", "department", "own"]
Frame = nw.LazyFrame[Any]

OWNER_COLUMNS = ("manager_id", "department", "branch")
OWNERLESS = frozenset(
    {
        "availability",
        "calendar",
        "campaigns",
        "channels",
        "employees",
        "exchange_rates",
        "loss_reasons",
        "pipelines",
        "products",
        "promotions",
        "stages",
    }
)
"""Names of things, and whether they are there: analyses join them to rows that are limited, so they show nothing by themselves."""

HELD_BY: Mapping[str, Mapping[str, str]] = {
    "deals": {"manager_id": "employees"},
    "leads": {"manager_id": "employees"},
    "orders": {"manager_id": "employees"},
    "deal_stage_events": {"deal_id": "deals"},
    "deal_snapshots": {"deal_id": "deals"},
    "order_lines": {"order_id": "orders"},
    "payments": {"order_id": "orders", "deal_id": "deals", "customer_id": "customers"},
    "activities": {"employee_id": "employees", "deal_id": "deals", "customer_id": "customers"},
    "plans": {"employee_id": "employees"},
    "calls": {"employee_id": "employees", "deal_id": "deals", "customer_id": "customers"},
    "segment_memberships": {"customer_id": "customers"},
    "model_scores": {"deal_id": "deals", "lead_id": "leads", "customer_id": "customers"},
    "service_costs": {"order_id": "orders", "deal_id": "deals", "customer_id": "customers"},
    "stock": {},
    "experiment_assignments": {"customer_id": "customers"},
    "subscriptions": {"manager_id": "employees", "customer_id": "customers"},
    "ad_costs": {},
    "site_traffic": {},
    "visits": {"customer_id": "customers"},
    "web_events": {"customer_id": "customers"},
    "survey_responses": {
        "employee_id": "employees",
        "order_id": "orders",
        "deal_id": "deals",
        "customer_id": "customers",
    },
    "reviews": {"customer_id": "customers"},
}
"""Whose a row of a canonical table is: of the first of these columns that it fills, by the table that one points to.

Without columns its rows belong to the whole company.
"""

PERSONAL: Mapping[str, frozenset[str]] = {
    **{table.name: masked_columns(table) for table in ABOUT_PEOPLE},
    **dict.fromkeys((DEAL_OUTCOMES.name, SALES.name), frozenset({"custom"})),
}
"""Columns that are empty for whoever may not see customers' personal data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The rows a user may see: the whole company, a branch, a department, or one's own."""

    kind: ScopeKind
    employee_id: str | None = None
    department: str | None = None
    branch: str | None = None
    sees_personal_data: bool = True

    @property
    def column(self) -> str:
        """The owner column this scope is applied to."""
        return {"branch": "branch", "department": "department"}.get(self.kind, "manager_id")

    @property
    def value(self) -> str | None:
        """The value that column must have; None reaches nothing."""
        return {"branch": self.branch, "department": self.department}.get(self.kind, self.employee_id)

    @property
    def title(self) -> Text:
        """The scope in words, for the passport."""
        title = _TITLES[self.kind].filled(value=self.value or "—")
        return title if self.sees_personal_data else Text(ru=f"{title.ru}{_MASKED.ru}", en=f"{title.en}{_MASKED.en}")


EVERYTHING = Scope(kind="all")

_TITLES: Mapping[ScopeKind, Text] = {
    "all": Text(ru="Вся компания", en="The whole company"),
    "branch": Text(ru="Филиал «{value}»", en="Branch “{value}”"),
    "department": Text(ru="Отдел «{value}»", en="Department “{value}”"),
    "own": Text(ru="Только свои записи ({value})", en="Own records only ({value})"),
}

_MASKED = Text(ru=", без личных данных клиентов", en=", without customers' personal data")


class Tables(Protocol):
    """Where tables and marts are read, by name."""

    def frame(self, name: str) -> Frame: ...


def reached(tables: Tables, table: Table, scope: Scope) -> Frame:
    """The rows of `table` within `scope`, personal columns emptied for whoever may not see them.

    A customer is within a scope when one of its deals, leads or orders is, or its own manager is. Any other row of a
    canonical table belongs to whom HELD_BY says; one that names nobody belongs to nobody and is seen by "all" only.
    Fails closed: a table nobody has said this of is refused to a limited scope.
    """
    rows = tables.frame(table.name)
    if scope.kind != "all" and table.name not in OWNERLESS:
        rows = _within(tables, rows, table, scope)
    hidden = PERSONAL.get(table.name, frozenset[str]())
    if scope.sees_personal_data or not hidden:
        return rows
    types = rows.collect_schema()
    return rows.with_columns(*(nw.lit(None).cast(kind).alias(name) for name, kind in types.items() if name in hidden))


def _within(tables: Tables, rows: Frame, table: Table, scope: Scope) -> Frame:
    if table.name == "customers":
        owned = limited(tables.frame(CUSTOMER_OWNERS.name), CUSTOMER_OWNERS, scope)
        return rows.join(owned.group_by("customer_id").agg(), on="customer_id", how="semi")
    if table.name not in HELD_BY:
        return limited(rows, table, scope)
    if not HELD_BY[table.name]:
        return rows.head(0)
    is_reached, marks = nw.lit(value=False), [f"{column} is reached" for column in HELD_BY[table.name]]
    for column, holder in reversed(list(HELD_BY[table.name].items())):
        keys = keys_within(tables, holder, scope).rename({_KEYS[holder].name: column})
        mark = f"{column} is reached"
        rows = rows.join(keys.with_columns(nw.lit(value=True).alias(mark)), on=column, how="left")
        is_reached = nw.when(nw.col(column).is_null()).then(is_reached).otherwise(~nw.col(mark).is_null())
    return rows.filter(is_reached).drop(*marks)


@dataclass(frozen=True, slots=True)
class _Key:
    """A table whose rows hold others, and its key."""

    table: Table
    name: str


_KEYS: Mapping[str, _Key] = {
    "employees": _Key(stored(EMPLOYEES), "employee_id"),
    "customers": _Key(stored(CUSTOMERS), "customer_id"),
    "deals": _Key(stored(DEALS), "deal_id"),
    "leads": _Key(stored(LEADS), "lead_id"),
    "orders": _Key(stored(ORDERS), "order_id"),
}


def keys_within(tables: Tables, holder: str, scope: Scope) -> Frame:
    """The ids of `holder` within `scope`, each once."""
    key = _KEYS[holder]
    rows = within_people(tables, scope) if holder == "employees" else reached(tables, key.table, scope)
    return rows.group_by(key.name).agg()


def nameable(tables: Tables, table: Table, scope: Scope) -> Frame:
    """The rows of a table of names that this user may be told by id: of employees only those within `scope`.

    Analyses join names to rows that are limited already; whoever looks a name up by an id takes it from here.
    """
    if table.name == "employees":
        return within_people(tables, scope)
    return reached(tables, table, scope)


def within_people(tables: Tables, scope: Scope) -> Frame:
    """The employees within `scope`: oneself, one's department or branch, everybody."""
    people = tables.frame("employees")
    if scope.kind == "all":
        return people
    column = "employee_id" if scope.kind == "own" else scope.column
    return people.head(0) if scope.value is None else people.filter(nw.col(column) == nw.lit(scope.value))


def limited(frame: Frame, table: Table, scope: Scope) -> Frame:
    """`frame`, rows of a mart, with only those `scope` reaches; `reached` does the same for any table by name.

    Fails closed: a table that is neither ownerless nor has all owner columns is refused to a limited scope,
    and a scope whose own value is unknown reaches no row.
    """
    if scope.kind == "all" or table.name in OWNERLESS:
        return frame
    if not set(OWNER_COLUMNS) <= set(table.names):
        raise ValueError(f"{table.name} has no owner columns: rights cannot be applied to it")
    if scope.value is None:
        return frame.head(0)
    return frame.filter(nw.col(scope.column) == nw.lit(scope.value))
