"""What does a record of an account say, field by field, in a row the engine can take?"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

CONTACT, COMPANY, LEAD = "C", "CO", "L"
"""Before ids of people and companies, so that contact 5 and company 5 are two customers."""
WON, LOST = 142, 143
"""The last two statuses of every pipeline."""
_MISSED = 6
_OWNERS = {"contacts": CONTACT, "companies": COMPANY, "contact": CONTACT, "company": COMPANY}
_DATES = frozenset({"date", "date_time", "birthday"})
_CHANNEL_WORDS = ("источник", "source", "откуда")
_TASKS = {1: "call", 2: "meeting"}


def lead(record: Mapping[str, Any], *, channel_field: str, loss_reason_field: str) -> dict[str, Any]:
    """A lead of the system, which is a deal: whom it is with, where it came from, why it was lost."""
    fields = _fields(record)
    embedded = record.get("_embedded") or {}
    company = next((f"{COMPANY}_{one['id']}" for one in embedded.get("companies") or []), None)
    contacts = embedded.get("contacts") or []
    main = next((one for one in contacts if one.get("is_main")), next(iter(contacts), None))
    reason = next((one for one in embedded.get("loss_reason") or []), None)
    is_lost = record["status_id"] == LOST
    return {
        **fields,
        "id": record["id"],
        "_name": record.get("name"),
        "_price": record.get("price"),
        "_pipeline": record["pipeline_id"],
        "_status": record["status_id"],
        "_created_at": moment(record["created_at"]),
        "_closed_at": moment(record.get("closed_at")) if record["status_id"] in {WON, LOST} else None,
        "_customer": company or (f"{CONTACT}_{main['id']}" if main else None),
        "_manager": record.get("responsible_user_id"),
        "_channel": _channel(fields, channel_field) or _coded(record, "UTM_SOURCE"),
        "_campaign": _coded(record, "UTM_CAMPAIGN"),
        "_reason": fields.get(loss_reason_field)
        if loss_reason_field
        else reason and reason.get("name")
        if is_lost
        else None,
        "Теги": ", ".join(str(tag["name"]) for tag in embedded.get("tags") or []) or None,
    }


def person(record: Mapping[str, Any], code: str) -> dict[str, Any]:
    """A contact or a company, as a customer."""
    phones, emails = list(_values(record, "PHONE")), list(_values(record, "EMAIL"))
    return {
        **_fields(record),
        "id": f"{code}_{record['id']}",
        "_name": record.get("name"),
        "_kind": "company" if code == COMPANY else "person",
        "_phone": next(iter(phones), None),
        "_email": next(iter(emails), None),
        "_created_at": moment(record["created_at"]),
        "_manager": record.get("responsible_user_id"),
        "Другие телефоны": ", ".join(phones[1:]) or None,
        "Другие e-mail": ", ".join(emails[1:]) or None,
    }


def entry(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """A lead's step from one status into another; None where the event does not say into which."""
    after = status(event.get("value_after"))
    if after is None:
        return None
    return {"deal": event["entity_id"], "pipeline": after[0], "status": after[1], "at": moment(event["created_at"])}


def status(value: Any) -> tuple[int, int] | None:
    """Pipeline and status of one side of an event."""
    for one in value if isinstance(value, list) else []:
        told = one.get("lead_status") if isinstance(one, dict) else None
        if told:
            return int(told["pipeline_id"]), int(told["id"])
    return None


def call(note: Mapping[str, Any], entity: str) -> dict[str, Any]:
    """A call, which the system keeps as a note of a lead, contact or company."""
    params = note.get("params") or {}
    is_incoming = note.get("note_type") == "call_in"
    seconds = params.get("duration")
    is_missed = is_incoming and (params.get("call_status") == _MISSED or not seconds)
    return {
        "id": note["id"],
        "at": moment(note["created_at"]),
        "way": "in" if is_incoming else "out",
        "phone": params.get("phone"),
        "seconds": seconds,
        "is_missed": str(bool(is_missed)).lower(),
        "url": params.get("link"),
        "employee": note.get("responsible_user_id") or note.get("created_by"),
        "deal": note.get("entity_id") if entity == "leads" else None,
        "customer": f"{_OWNERS[entity]}_{note.get('entity_id')}" if entity in _OWNERS else None,
        "Итог звонка": params.get("call_result"),
    }


def task(record: Mapping[str, Any]) -> dict[str, Any]:
    """A task, at the time it is due."""
    entity = str(record.get("entity_type") or "")
    return {
        "id": record["id"],
        "at": moment(record.get("complete_till") or record["created_at"]),
        "kind": _TASKS.get(record.get("task_type_id") or 0, "task"),
        "employee": record.get("responsible_user_id"),
        "deal": record.get("entity_id") if entity == "leads" else None,
        "customer": f"{_OWNERS[entity]}_{record.get('entity_id')}" if entity in _OWNERS else None,
        "result": "done" if record.get("is_completed") else "open",
        "Текст": record.get("text"),
    }


def user(record: Mapping[str, Any]) -> dict[str, Any]:
    """An employee and the group it belongs to."""
    groups = (record.get("_embedded") or {}).get("groups") or []
    return {
        "id": record["id"],
        "name": record.get("name") or record.get("email"),
        "department": next((group.get("name") for group in groups), None),
    }


def stages(pipeline: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """The statuses of a pipeline in their order; the first may be that of leads nobody has taken yet."""
    found = (pipeline.get("_embedded") or {}).get("statuses") or []
    for place, one in enumerate(sorted(found, key=lambda one: int(one.get("sort") or 0)), 1):
        outcome = {WON: "won", LOST: "lost"}.get(int(one["id"]), "open")
        yield {"pipeline": pipeline["id"], "id": one["id"], "name": one["name"], "position": place, "outcome": outcome}


def moment(seconds: Any) -> str | None:
    """A time the system writes in seconds, as the warehouse reads it."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat() if seconds else None


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """Custom fields by their names; several values are joined. Phones and mailboxes have places of their own."""
    told: dict[str, Any] = {}
    for field in record.get("custom_fields_values") or []:
        if field.get("field_code") in {"PHONE", "EMAIL"}:
            continue
        is_date = field.get("field_type") in _DATES
        values = [_day(one.get("value")) if is_date else one.get("value") for one in field.get("values") or []]
        filled = [str(value) for value in values if value not in (None, "")]
        name = str(field.get("field_name") or field.get("field_id"))
        told[name if name.lower() not in {known.lower() for known in told} else f"{name} ({field.get('field_id')})"] = (
            ", ".join(filled) or None
        )
    return {name if name.lower() != "id" else f"{name} (поле)": value for name, value in told.items()}


def _day(value: Any) -> str | None:
    return str(moment(value))[:10] if str(value or "").lstrip("-").isdigit() else value


def _values(record: Mapping[str, Any], code: str) -> Iterable[str]:
    for field in record.get("custom_fields_values") or []:
        if field.get("field_code") == code:
            yield from (str(one["value"]) for one in field.get("values") or [] if one.get("value"))


def _coded(record: Mapping[str, Any], code: str) -> str | None:
    return next(iter(_values(record, code)), None)


def _channel(fields: Mapping[str, Any], named: str) -> Any:
    if named:
        return fields.get(named)
    return next((value for name, value in fields.items() if value and name.lower().startswith(_CHANNEL_WORDS)), None)
