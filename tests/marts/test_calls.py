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
