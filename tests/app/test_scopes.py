"""Does a limited user see own rows only, whatever is asked?"""

from dataclasses import replace
from datetime import datetime
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
import pytest

from engines import ON_EVERY_ENGINE, EngineUnderTest, handed_on
from rakurs.app.rights import EVERYTHING, HELD_BY, OWNER_COLUMNS, OWNERLESS, PERSONAL, Scope, limited, reached
from rakurs.core.table import Table
from rakurs.marts.tables import SALES
from rakurs.schema import ACTIVITIES, CALLS, CUSTOMERS, DEALS, ORDER_LINES, PAYMENTS, STAGES, TABLES
from rakurs.schema.derived import stored

ROWS = pl.LazyFrame(
    {
        "sale_id": ["1", "2", "3", "4"],
        "manager_id": ["anna", "boris", None, "anna"],
        "department": ["north", "north", "south", None],
        "branch": ["spb", "spb", "msk", "msk"],
    }
)


def seen(scope: Scope) -> list[str]:
    return limited(nw.from_native(ROWS), SALES, scope).collect().get_column("sale_id").to_list()


@pytest.mark.parametrize(
    ("scope", "ids"),
    [
        (EVERYTHING, ["1", "2", "3", "4"]),
        (Scope(kind="own", employee_id="anna"), ["1", "4"]),
        (Scope(kind="department", department="north"), ["1", "2"]),
        (Scope(kind="branch", branch="msk"), ["3", "4"]),
        (Scope(kind="own"), []),
        (Scope(kind="department"), []),
        (Scope(kind="branch", employee_id="anna"), []),
    ],
)
def test_rows_within_reach(scope: Scope, ids: list[str]) -> None:
    assert seen(scope) == ids


def test_a_table_without_an_owner_is_refused_to_a_limited_user() -> None:
    with pytest.raises(ValueError, match="deals has no owner columns"):
        limited(nw.from_native(ROWS), DEALS, Scope(kind="own", employee_id="anna"))


COMPANY = {
    "employees": [
        {"employee_id": "anna", "department": "north", "branch": "spb"},
        {"employee_id": "boris", "department": "north", "branch": "msk"},
        {"employee_id": "vera", "department": "south", "branch": "msk"},
    ],
    "customers": [
        {"customer_id": "by deal", "name": "D", "phone": "+7 900", "email": "d@x.ru", "custom": '{"phone 2": "1"}'},
        {"customer_id": "by order"},
        {"customer_id": "by lead"},
        {"customer_id": "by manager", "manager_id": "anna"},
        {"customer_id": "of two"},
        {"customer_id": "of boris", "manager_id": "boris"},
        {"customer_id": "of a deleted deal"},
        {"customer_id": "of nobody"},
    ],
    "deals": [
        {
            "deal_id": "1",
            "pipeline_id": "p",
            "created_at": "2026-03-01",
            "customer_id": "by deal",
            "manager_id": "anna",
        },
        {"deal_id": "2", "pipeline_id": "p", "created_at": "2026-03-01", "customer_id": "of two", "manager_id": "anna"},
        {"deal_id": "3", "pipeline_id": "p", "created_at": "2026-03-01", "customer_id": "of two", "manager_id": "vera"},
        {"deal_id": "4", "pipeline_id": "p", "created_at": "2026-03-01", "customer_id": "of nobody"},
        {
            "deal_id": "5",
            "pipeline_id": "p",
            "created_at": "2026-03-01",
            "customer_id": "of a deleted deal",
            "manager_id": "anna",
            "deleted_at": datetime.fromisoformat("2026-03-02"),
        },
    ],
    "leads": [{"lead_id": "1", "created_at": "2026-03-01", "customer_id": "by lead", "manager_id": "anna"}],
    "orders": [{"order_id": "1", "ordered_at": "2026-03-01", "customer_id": "by order", "manager_id": "anna"}],
    "order_lines": [{"order_id": "1", "line_no": 1, "product_id": "p", "quantity": 1, "price": 1}],
    "payments": [
        {"payment_id": "of her order", "paid_at": "2026-03-01", "amount": 1, "order_id": "1", "deal_id": "3"},
        {
            "payment_id": "of another deal",
            "paid_at": "2026-03-01",
            "amount": 1,
            "deal_id": "3",
            "customer_id": "by deal",
        },
        {"payment_id": "of her customer", "paid_at": "2026-03-01", "amount": 1, "customer_id": "by deal"},
        {"payment_id": "of nobody", "paid_at": "2026-03-01", "amount": 1},
    ],
    "activities": [
        {"activity_id": "hers", "at": "2026-03-01", "employee_id": "anna"},
        {
            "activity_id": "another's with her customer",
            "at": "2026-03-01",
            "employee_id": "vera",
            "customer_id": "of two",
        },
        {"activity_id": "nobody's in her deal", "at": "2026-03-01", "deal_id": "1"},
    ],
    "calls": [
        {"call_id": "missed from her customer", "started_at": "2026-03-01", "direction": "in", "customer_id": "of two"},
        {"call_id": "from a stranger", "started_at": "2026-03-01", "direction": "in", "phone": "+7 901"},
    ],
}
ANNA = Scope(kind="own", employee_id="anna")
HERS = {"by deal", "by order", "by lead", "by manager", "of two"}


class Frames:
    """All tables of a small company on one engine."""

    def __init__(self, engine: EngineUnderTest) -> None:
        self.engine = engine
        self.frames = handed_on(engine, COMPANY)

    def frame(self, name: str) -> Any:
        return self.frames[name]

    def seen(self, table: Table, scope: Scope) -> set[str]:
        rows = self.engine.collect(reached(self, table, scope)).to_pylist()
        assert len(rows) == len({row[table.key[0]] for row in rows})
        return {row[table.key[0]] for row in rows}


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_a_customer_is_within_a_scope_when_a_deal_lead_order_or_manager_of_theirs_is(engine: EngineUnderTest) -> None:
    tables = Frames(engine)
    assert tables.seen(CUSTOMERS, ANNA) == HERS
    assert tables.seen(CUSTOMERS, Scope(kind="department", department="north")) == {*HERS, "of boris"}
    assert tables.seen(CUSTOMERS, Scope(kind="branch", branch="msk")) == {"of two", "of boris"}
    assert tables.seen(CUSTOMERS, Scope(kind="own")) == set()
    assert len(tables.seen(CUSTOMERS, EVERYTHING)) == len(COMPANY["customers"])


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_a_row_belongs_to_whom_it_names_first(engine: EngineUnderTest) -> None:
    tables = Frames(engine)
    assert tables.seen(DEALS, ANNA) == {"1", "2", "5"}
    assert tables.seen(DEALS, Scope(kind="branch", branch="msk")) == {"3"}
    assert tables.seen(DEALS, Scope(kind="department")) == set()
    assert tables.seen(ORDER_LINES, ANNA) == {"1"}
    assert tables.seen(ORDER_LINES, Scope(kind="own", employee_id="vera")) == set()
    assert tables.seen(PAYMENTS, ANNA) == {"of her order", "of her customer"}
    assert tables.seen(ACTIVITIES, ANNA) == {"hers", "nobody's in her deal"}
    assert tables.seen(CALLS, ANNA) == {"missed from her customer"}
    assert tables.seen(CALLS, EVERYTHING) == {"missed from her customer", "from a stranger"}


@pytest.mark.parametrize("engine", ON_EVERY_ENGINE)
def test_personal_data_is_empty_for_whoever_may_not_see_it(engine: EngineUnderTest) -> None:
    tables = Frames(engine)
    for scope in (replace(EVERYTHING, sees_personal_data=False), replace(ANNA, sees_personal_data=False)):
        rows = engine.collect(reached(tables, stored(CUSTOMERS), scope)).to_pylist()
        (row,) = [row for row in rows if row["customer_id"] == "by deal"]
        assert row["name"] == "D"
        assert {row[name] for name in ("phone", "email", "custom")} == {None}
        assert "личных данных" in scope.title.ru
    (row,) = [row for row in engine.collect(reached(tables, CUSTOMERS, ANNA)).to_pylist() if row["name"] == "D"]
    assert row["phone"] == "+7 900"


def test_names_of_things_are_open_to_all() -> None:
    assert STAGES.name in OWNERLESS


def test_of_every_canonical_table_it_is_said_whose_its_rows_are() -> None:
    for table in TABLES:
        said = {table.name in OWNERLESS, table.name in HELD_BY, table.name == "customers"}
        assert True in said, f"{table.name}: say in app/rights.py whose its rows are"
        assert set(HELD_BY.get(table.name, ())) <= set(table.names)
        assert PERSONAL.get(table.name, frozenset()) <= set(stored(table).names)
        assert not set(OWNER_COLUMNS) <= set(table.names)
