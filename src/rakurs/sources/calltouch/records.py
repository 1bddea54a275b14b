"""What do a call and a request of a site say, field by field, in a row the engine can take?"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

CUSTOM = ("Набранный номер", "Форма", "Номер заявки", "Город", "Ключевая фраза", "Теги")
"""Fields of a row that no column stands for."""
_NOTHING = frozenset({"", "<не указано>", "<не заполнено>", "(not set)", "(none)"})
_WRITTEN = "%d/%m/%Y %H:%M:%S"


def call(told: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """A call, always an incoming one; `duration` is of the talk."""
    tags = [str(name) for tag in told.get("callTags") or [] for name in tag.get("names") or []]
    return {
        "id": told["callId"],
        "at": moment(str(told["date"]), zone),
        "way": "in",
        "phone": _said(told.get("callerNumber")),
        "wait": told.get("waitingConnect"),
        "talk": told.get("duration"),
        "is_missed": str(not told.get("successful")).lower(),
        "_manager": _said(told.get("manager")),
        **_origin(told),
        "Набранный номер": _said(told.get("phoneNumber")),
        "Город": _said(told.get("city")),
        "Ключевая фраза": _said(told.get("keyword")),
        "Теги": ", ".join(tags) or None,
    }


def request(told: Mapping[str, Any]) -> dict[str, Any]:
    """A request of the site's forms, which is a lead, and the person who left it."""
    session, client = told.get("session") or {}, told.get("client") or {}
    phones = (_said(one.get("phoneNumber")) for one in client.get("phones") or [])
    mails = (_said(one.get("contactValue")) for one in client.get("contacts") or [])
    return {
        "id": told["requestId"],
        "at": datetime.fromtimestamp(int(told["date"]) / 1000, UTC).isoformat(),
        "_manager": _said(told.get("manager")),
        "_customer": client.get("clientId"),
        "_name": _said(client.get("fio")),
        "_phone": next((phone for phone in phones if phone), None),
        "_email": next((mail for mail in mails if mail and "@" in mail), None),
        **_origin(session),
        "Форма": _said(told.get("subject")),
        "Номер заявки": _said(told.get("requestNumber")),
        "Город": _said(session.get("city")),
        "Ключевая фраза": _said(session.get("keywords")),
    }


def moment(text: str, zone: ZoneInfo) -> str:
    """A time a call was written with, day first and without a zone, as the warehouse reads it."""
    written = datetime.strptime(text, _WRITTEN) if text[2:3] == "/" else datetime.fromisoformat(text)  # noqa: DTZ007
    return written.replace(tzinfo=written.tzinfo or zone).astimezone(UTC).isoformat()


def _origin(visit: Mapping[str, Any]) -> dict[str, Any]:
    """Where a visit came from: its source and medium as one channel, and the campaign."""
    source = _said(visit.get("source")) or _said(visit.get("utmSource"))
    medium = _said(visit.get("medium")) or _said(visit.get("utmMedium"))
    channel = " / ".join(part for part in (source, medium) if part)
    return {"_channel": channel or None, "_medium": medium, "_campaign": _said(visit.get("utmCampaign"))}


def _said(value: Any) -> str | None:
    """The text, unless it is one of the words for nothing."""
    text = str(value or "").strip()
    return None if text in _NOTHING else text
