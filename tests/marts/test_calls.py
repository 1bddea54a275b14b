"""Is a call counted as missed and called back where the definition says so? By hand, on the boundary too."""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl

from rakurs.core.mart import MartSettings
from rakurs.marts.calls import phone_calls
from rakurs.schema import CALLS, CUSTOMERS, EMPLOYEES
from rakurs.schema.derived import stored

DAY = date(2026, 3, 2)
TYPES = {"text": pl.String, "number": pl.Int64, "day": pl.Date, "time": pl.Datetime, "flag": pl.Boolean}


def frame(table: Any, rows: list[dict[str, Any]]) -> Any:
    """Rows of a canonical table, every other column empty."""
    schema = {column.name: TYPES.get(column.unit.kind, pl.Float64) for column in stored(table).columns}
    return nw.from_native(pl.LazyFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema))


def call(call_id: str, **more: Any) -> dict[str, Any]:
    return {"call_id": call_id, "direction": "in", "started_on": DAY, "started_epoch": 1_000, **more}


def test_calls_are_missed_and_called_back_as_defined() -> None:
    calls = [
        call("answered", is_missed=False, talk_seconds=60, employee_id="anna", customer_id="c"),
        call("within the hour", is_missed=True, called_back_epoch=1_000 + 3_600),
        call("a second late", is_missed=True, called_back_epoch=1_000 + 3_601),
        call("before it rang", is_missed=True, called_back_epoch=900),
        call("never", is_missed=True),
        call("nobody talked", talk_seconds=0),
        call("nothing known"),
        call("answered and called back", is_missed=False, talk_seconds=5, called_back_epoch=1_100),
    ]
    rows = (
        phone_calls(
            settings=MartSettings(),
            calls=frame(CALLS, calls),
            customers=frame(CUSTOMERS, [{"customer_id": "c", "kind": "person", "region": "Tula"}]),
            employees=frame(EMPLOYEES, [{"employee_id": "anna", "department": "Service", "branch": "North"}]),
        )
        .collect()
        .to_native()
        .to_dicts()
    )
    by_id = {row["call_id"]: row for row in rows}
    assert {name for name, row in by_id.items() if row["is_missed"]} == {
        "within the hour", "a second late", "before it rang", "never", "nobody talked",
    }  # fmt: skip
    assert {name for name, row in by_id.items() if row["is_called_back"]} == {"within the hour"}
    answered = by_id["answered"]
    assert (answered["manager_id"], answered["department"], answered["branch"]) == ("anna", "Service", "North")
    assert (answered["customer_kind"], answered["region"]) == ("person", "Tula")


def test_a_caller_is_the_only_customer_who_has_the_number() -> None:
    customers = [
        {"customer_id": "Анна", "phone": "+7 (916) 123-45-67", "kind": "person"},
        {"customer_id": "Пётр", "phone": "84951112233"},
        {"customer_id": "Семья 1", "phone": "9990000000"},
        {"customer_id": "Семья 2", "phone": "79990000000"},
        {"customer_id": "Без номера"},
    ]
    calls = [
        call("by number", phone="89161234567"),
        call("named", phone="89161234567", customer_id="Пётр"),
        call("of a family", phone="+79990000000"),
        call("of nobody", phone="79160000001"),
        call("hidden", phone="anonymous"),
        call("without a number"),
    ]
    rows = phone_calls(
        settings=MartSettings(),
        calls=frame(CALLS, calls),
        customers=frame(CUSTOMERS, customers),
        employees=frame(EMPLOYEES, []),
    )
    found = {row["call_id"]: row for row in rows.collect().to_native().to_dicts()}
    assert {name: (row["customer_id"], row["known_by"]) for name, row in found.items()} == {
        "by number": ("Анна", "phone"),
        "named": ("Пётр", "source"),
        "of a family": (None, None),
        "of nobody": (None, None),
        "hidden": (None, None),
        "without a number": (None, None),
    }
    assert found["by number"]["customer_kind"] == "person"
