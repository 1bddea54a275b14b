"""What does a call of the report say, field by field, in a row the engine can take?"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

FIELDS = (
    "id", "start_time", "finish_reason", "direction", "is_lost", "contact_phone_number", "virtual_phone_number",
    "wait_duration", "talk_duration", "full_record_file_link", "tags", "employees", "last_answered_employee_id",
    "site_domain_name", "campaign_name", "utm_source", "utm_medium", "utm_campaign", "source_name", "channel",
)  # fmt: skip
"""What is asked for of a call."""
CUSTOM = ("Виртуальный номер", "Причина завершения", "Теги", "Сайт")
"""Fields of a row that no column stands for."""


def call(told: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """A call. Its channel is the visit's source and medium; only incoming calls can be missed."""
    employees = told.get("employees") or []
    answered = told.get("last_answered_employee_id")
    medium = told.get("utm_medium") if told.get("utm_source") else told.get("channel")
    channel = " / ".join(str(part) for part in (told.get("utm_source") or told.get("source_name"), medium) if part)
    return {
        "id": told["id"],
        "at": moment(told["start_time"], zone),
        "way": told.get("direction"),
        "phone": told.get("contact_phone_number"),
        "employee": answered or next((one.get("employee_id") for one in employees), None),
        "wait": told.get("wait_duration"),
        "talk": told.get("talk_duration"),
        "is_missed": str(bool(told.get("is_lost")) and told.get("direction") == "in").lower(),
        "url": told.get("full_record_file_link"),
        "_channel": channel or None,
        "_medium": medium,
        "_campaign": told.get("utm_campaign") or told.get("campaign_name"),
        "Виртуальный номер": told.get("virtual_phone_number"),
        "Причина завершения": told.get("finish_reason"),
        "Теги": ", ".join(str(tag.get("tag_name")) for tag in told.get("tags") or []) or None,
        "Сайт": told.get("site_domain_name"),
    }


def employees(calls: Iterable[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """Those who took part in calls, by id."""
    return {
        one["employee_id"]: {"id": one["employee_id"], "name": one.get("employee_full_name")}
        for told in calls
        for one in told.get("employees") or []
        if one.get("employee_id")
    }


def moment(text: str, zone: ZoneInfo) -> str:
    """A time the report writes without a zone, as the warehouse reads it."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC).isoformat()
