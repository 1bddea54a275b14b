"""Whose visit was it? By hand: by id, phone and mailbox, before and after, with everything that must tell nothing."""

from datetime import date, datetime
from typing import Any

from marts.test_calls import frame
from rakurs.core.mart import MartSettings
from rakurs.marts.site import touchpoints
from rakurs.schema import CUSTOMERS, EMPLOYEES, VISITS, WEB_EVENTS

DAY = date(2026, 3, 2)
GONE = datetime(2026, 3, 6)  # noqa: DTZ001 - as stored
PEOPLE = [
    {
        "customer_id": "Анна",
        "phone": "+7 916 123-45-67",
        "email": "Anna@Example.ru",
        "kind": "person",
        "manager_id": "m",
    },
    {"customer_id": "Пётр", "phone": "8 (495) 111-22-33", "region": "Тула"},
    {"customer_id": "Семья 1", "phone": "9990000000"},
    {"customer_id": "Семья 2", "phone": "+79990000000"},
    {"customer_id": "Удалён", "phone": "9161112233", "deleted_at": GONE},
    {"customer_id": "Пустой", "phone": " - ", "email": " "},
]


def visit(visit_id: str, at: int, visitor: str | None = "v", **more: Any) -> dict[str, Any]:
    return {"visit_id": visit_id, "visitor_id": visitor, "started_on": DAY, "started_epoch": at, **more}


def event(at: int, visitor: str | None = "v", **more: Any) -> dict[str, Any]:
    return {"event_id": f"{visitor} {at} {more}", "on": DAY, "epoch": at, "kind": "form", "visitor_id": visitor, **more}


def told(visits: list[dict[str, Any]], events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    rows = touchpoints(
        settings=MartSettings(),
        visits=frame(VISITS, visits),
        web_events=frame(WEB_EVENTS, events),
        customers=frame(CUSTOMERS, PEOPLE),
        employees=frame(EMPLOYEES, [{"employee_id": "m", "department": "Опт", "branch": "Юг"}]),
    )
    found = rows.collect().to_native().to_dicts()
    assert len({row["visit_id"] for row in found}) == len(found)
    return {row["visit_id"]: row for row in found}


def whose(visits: list[dict[str, Any]], events: list[dict[str, Any]]) -> dict[str, str | None]:
    return {name: row["customer_id"] for name, row in told(visits, events).items()}


def test_a_contact_tells_of_the_visits_before_it_and_after_it() -> None:
    visits = [visit("before", 10), visit("with", 100), visit("after", 200), visit("other browser", 100, "w")]
    found = told(visits, [event(150, email=" anna@example.RU ")])
    assert {name: (row["customer_id"], row["known_by"]) for name, row in found.items()} == {
        "before": ("Анна", "visitor"),
        "with": ("Анна", "visitor"),
        "after": ("Анна", "visitor"),
        "other browser": (None, None),
    }
    assert (found["with"]["manager_id"], found["with"]["department"], found["with"]["customer_kind"]) == (
        "m",
        "Опт",
        "person",
    )


def test_of_two_people_in_one_browser_each_has_the_visits_up_to_their_contact() -> None:
    visits = [visit("1", 10), visit("2", 100), visit("3", 101), visit("4", 300), visit("5", 500)]
    events = [event(100, phone="89161234567"), event(300, phone="495 1112233")]
    # The second contact itself is Пётр's; what came after both is of whoever was last.
    assert whose(visits, events) == {"1": "Анна", "2": "Анна", "3": "Пётр", "4": "Пётр", "5": "Пётр"}


def test_what_tells_nothing() -> None:
    nothing = {
        "shared by two": event(20, phone="9990000000"),
        "of a deleted customer": event(20, phone="9161112233"),
        "too short": event(20, phone="1234567"),
        "empty": event(20, phone=" - ", email=" "),
        "of nobody known": event(20, phone="9167654321", email="who@example.ru"),
        "gone": event(20, phone="89161234567", deleted_at=GONE),
        "without a browser": event(20, None, phone="89161234567"),
    }
    for name, one in nothing.items():
        assert whose([visit("1", 10), visit("nobody's", 10, None)], [one]) == {"1": None, "nobody's": None}, name


def test_what_the_source_names_is_believed_before_a_contact() -> None:
    visits = [visit("named", 10, customer_id="Пётр"), visit("2", 20), visit("deleted", 5, deleted_at=GONE)]
    events = [event(30, customer_id="Анна", phone="495 1112233")]
    found = told(visits, events)
    assert {name: (row["customer_id"], row["known_by"]) for name, row in found.items()} == {
        "named": ("Пётр", "source"),
        "2": ("Анна", "visitor"),
    }


def test_what_happened_in_a_visit_is_counted() -> None:
    events = [
        event(1, visit_id="1", kind="page"),
        event(2, visit_id="1", kind="page"),
        event(3, visit_id="1", kind="form"),
        event(4, visit_id="2", kind="phone"),
        event(5, visit_id="3", kind="goal"),
        event(6, visit_id="3", kind="page", deleted_at=GONE),
        event(7, kind="page"),
    ]
    found = told([visit(name, 0) for name in "1234"], events)
    counted = {
        name: (row["pages"], row["forms"], row["phone_taps"], row["goals"], row["is_contact"])
        for name, row in found.items()
    }
    assert counted == {
        "1": (2, 1, 0, 0, True),
        "2": (0, 0, 1, 0, True),
        "3": (0, 0, 0, 1, False),
        "4": (0, 0, 0, 0, False),
    }
