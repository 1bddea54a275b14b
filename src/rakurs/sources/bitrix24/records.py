"""What does a record of a portal say, field by field, in a row the engine can take?

A row keeps the portal's own fields under their own names; custom fields stand under their titles, with words instead of
numbers of list items. What the engine could not work out of them is added in lower case: the customer behind several ids, the
first phone of a list, the moment of closing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

CONTACT, COMPANY, LEAD, DEAL = "C", "CO", "L", "D"
"""The short codes Bitrix24 itself writes before ids."""
_OWNERS = {"1": LEAD, "2": DEAL, "3": CONTACT, "4": COMPANY}
_CALLERS = {"CONTACT": CONTACT, "COMPANY": COMPANY, "LEAD": LEAD}
_MISSED = "304"
_INCOMING = frozenset({"2", "3"})
_ACTIVITY_KINDS = {"1": "meeting", "2": "call", "3": "task", "4": "email"}
_TIMED = frozenset({"meeting", "call"})
_NO_DAY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """A field a portal's owner added: what it is called, and the words of its list."""

    title: str
    items: Mapping[str, str]


def custom_fields(described: Mapping[str, Any], taken: Iterable[str]) -> dict[str, CustomField]:
    """The custom fields of an answer to crm.*.fields, by code; one title twice gets its code added."""
    found: dict[str, CustomField] = {}
    titles = {name.lower() for name in taken}
    for code, about in sorted(described.items()):
        if code.startswith("UF_"):
            title = next((about[name] for name in ("formLabel", "listLabel", "title") if about.get(name)), code)
            title = f"{title} ({code})" if title.lower() in titles else title
            titles.add(title.lower())
            items = {str(item["ID"]): str(item["VALUE"]) for item in about.get("items") or ()}
            found[code] = CustomField(title=title, items=items)
    return found


def short(code: str, record_id: Any) -> str | None:
    """`C_5` for contact 5; None for no id, which is written 0, empty or null."""
    return f"{code}_{record_id}" if str(record_id or "0") != "0" else None


def deal(record: Mapping[str, Any], fields: Mapping[str, CustomField]) -> dict[str, Any]:
    """A deal. Closed is when it came into its last stage, or the day a person wrote back to before it.

    One that was entered after it was over began on the day it ended, no later.
    """
    row = _named(record, fields)
    is_closed = record.get("STAGE_SEMANTIC_ID") in {"S", "F"}
    made, closed = record.get("DATE_CREATE"), _closed_at(record) if is_closed else None
    return {
        **row,
        "_created_at": closed if closed and _is_earlier(closed, made) else made,
        "_customer": short(COMPANY, record.get("COMPANY_ID")) or short(CONTACT, record.get("CONTACT_ID")),
        "_closed_at": closed,
        "_expected_on": None if is_closed else _day(record.get("CLOSEDATE")),
    }


def item(record: Mapping[str, Any], type_id: int, *, outcomes: Mapping[str, str]) -> dict[str, Any]:
    """An item of a smart process, told in the names of a deal."""
    code = f"T{type_id:x}"
    semantics = outcomes.get(str(record.get("stageId")), "P")
    return deal(
        {
            "ID": short(code, record.get("id")),
            "TITLE": record.get("title"),
            "CATEGORY_ID": f"{code}_{record.get('categoryId') or 0}",
            "STAGE_ID": record.get("stageId"),
            "STAGE_SEMANTIC_ID": semantics,
            "OPPORTUNITY": record.get("opportunity"),
            "CURRENCY_ID": record.get("currencyId"),
            "COMPANY_ID": record.get("companyId"),
            "CONTACT_ID": record.get("contactId"),
            "ASSIGNED_BY_ID": record.get("assignedById"),
            "SOURCE_ID": record.get("sourceId"),
            "DATE_CREATE": record.get("createdTime"),
            "DATE_MODIFY": record.get("updatedTime"),
            "MOVED_TIME": record.get("movedTime"),
            "CLOSEDATE": record.get("closedate"),
        },
        {},
    )


def entry(record: Mapping[str, Any], *, type_id: int) -> dict[str, Any]:
    """One step of a deal's way through its stages, or of an item of a smart process."""
    is_deal = type_id == 2  # the type of deals
    category = record.get("CATEGORY_ID") or 0
    return {
        **record,
        "_deal": record.get("OWNER_ID") if is_deal else short(f"T{type_id:x}", record.get("OWNER_ID")),
        "_pipeline": category if is_deal else f"T{type_id:x}_{category}",
    }


def lead(
    record: Mapping[str, Any], fields: Mapping[str, CustomField], *, statuses: Mapping[str, str]
) -> dict[str, Any]:
    """A lead. Somebody without a contact or company yet is known by the lead itself."""
    known = short(COMPANY, record.get("COMPANY_ID")) or short(CONTACT, record.get("CONTACT_ID"))
    reached = _first(record, "PHONE") or _first(record, "EMAIL")
    return {
        **_person(record, fields),
        "_customer": known or (short(LEAD, record["ID"]) if reached else None),
        "_self": short(LEAD, record["ID"]) if reached and not known else None,
        "_status": statuses.get(str(record.get("STATUS_ID")), record.get("STATUS_ID")),
    }


def contact(record: Mapping[str, Any], fields: Mapping[str, CustomField]) -> dict[str, Any]:
    """A contact, under its short code."""
    return {**_person(record, fields), "_self": short(CONTACT, record["ID"])}


def company(record: Mapping[str, Any], fields: Mapping[str, CustomField]) -> dict[str, Any]:
    """A company, under its short code; one's own companies are no customers."""
    own = record.get("IS_MY_COMPANY") == "Y"
    return {
        **_person(record, fields),
        "_name": record.get("TITLE"),
        "_self": None if own else short(COMPANY, record["ID"]),
    }


def requisite(record: Mapping[str, Any]) -> dict[str, Any]:
    """The tax number of a company or contact."""
    code = _OWNERS.get(str(record.get("ENTITY_TYPE_ID")), "")
    return {**record, "_customer": short(code, record.get("ENTITY_ID")) if code in {CONTACT, COMPANY} else None}


def activity(record: Mapping[str, Any]) -> dict[str, Any]:
    """A call, letter, meeting, task or chat, and whom it was with."""
    kind = _ACTIVITY_KINDS.get(str(record.get("TYPE_ID")))
    if kind is None:
        kind = "chat" if str(record.get("PROVIDER_ID") or "").startswith("IMOPENLINES") else "task"
    owner = _OWNERS.get(str(record.get("OWNER_TYPE_ID")), "")
    is_timed = kind in _TIMED and record.get("COMPLETED") == "Y"
    return {
        **{name: value for name, value in record.items() if not isinstance(value, dict | list)},
        "_kind": kind,
        "_at": record.get("START_TIME") or record.get("CREATED"),
        "_way": {"1": "in", "2": "out"}.get(str(record.get("DIRECTION"))),
        "_deal": record.get("OWNER_ID") if owner == DEAL else None,
        "_customer": short(owner, record.get("OWNER_ID")) if owner in {CONTACT, COMPANY} else None,
        "_seconds": _seconds(record.get("START_TIME"), record.get("END_TIME")) if is_timed else None,
        "_result": {"Y": "done", "N": "open"}.get(str(record.get("COMPLETED"))),
    }


def call(record: Mapping[str, Any]) -> dict[str, Any]:
    """A call of the telephony's own statistics."""
    is_incoming = str(record.get("CALL_TYPE")) in _INCOMING
    kind = str(record.get("CRM_ENTITY_TYPE") or "")
    return {
        **record,
        "_way": "in" if is_incoming else "out",
        "_customer": short(_CALLERS[kind], record.get("CRM_ENTITY_ID")) if kind in _CALLERS else None,
        "_deal": record.get("CRM_ENTITY_ID") if kind == "DEAL" else None,
        "_is_missed": str(is_incoming and str(record.get("CALL_FAILED_CODE")).startswith(_MISSED)).lower(),
        "_url": record.get("CALL_RECORD_URL") or None,
    }


def user(record: Mapping[str, Any], *, departments: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An employee, with the name of the first department and of the one it belongs to."""
    own = record.get("UF_DEPARTMENT") or [None]
    department = departments.get(str(own[0]), {})
    above = departments.get(str(department.get("PARENT") or ""), {})
    return {
        "ID": record["ID"],
        "name": _joined(record.get("NAME"), record.get("LAST_NAME")) or record.get("EMAIL"),
        "department": department.get("NAME"),
        "branch": above.get("NAME"),
        "role": record.get("WORK_POSITION") or None,
        "hired_on": _day(record.get("UF_EMPLOYMENT_DATE")),
        "is_active": str(bool(record.get("ACTIVE"))).lower(),
    }


def order(row: Mapping[str, Any]) -> dict[str, Any]:
    """A won deal that has products, as an order."""
    named = (
        "_customer",
        "_closed_at",
        "ASSIGNED_BY_ID",
        "SOURCE_ID",
        "UTM_CAMPAIGN",
        "OPPORTUNITY",
        "CURRENCY_ID",
        "ID",
    )
    return {"order": short(DEAL, row["ID"]), **{name: row.get(name) for name in named}}


def line(record: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A row of a deal's products; one that is in no catalogue is known by its name."""
    price, discount = float(record.get("price") or 0), float(record.get("discountSum") or 0)
    quantity = float(record.get("quantity") or 0)
    product = short("P", record.get("productId")) or f"N_{record.get('productName')}"
    return {
        "order": short(DEAL, record["ownerId"]),
        "number": number,
        "product": product,
        "name": record.get("productName"),
        "quantity": _plain(quantity),
        "price": _plain(price + discount),
        "amount": _plain(price * quantity),
        "discount": _plain(discount * quantity),
        "ID": record.get("id"),
    }


def product(record: Mapping[str, Any], *, sections: Mapping[str, str], prices: Mapping[str, Any]) -> dict[str, Any]:
    """A product of a trade catalogue, with the name of its section and its price."""
    return {
        "product": short("P", record["id"]),
        "name": record.get("name"),
        "section": sections.get(str(record.get("iblockSectionId"))),
        "unit_cost": record.get("purchasingPrice"),
        "list_price": prices.get(str(record["id"])),
        "active": record.get("active"),
        "code": record.get("code") or None,
    }


def _named(record: Mapping[str, Any], fields: Mapping[str, CustomField]) -> dict[str, Any]:
    """The record with custom fields by their titles, and without what is no single value."""
    row: dict[str, Any] = {}
    for name, value in record.items():
        known = fields.get(name)
        if known is None:
            if not isinstance(value, dict | list):
                row[name] = value
            continue
        values = value if isinstance(value, list) else [value]
        words = [known.items.get(str(one), str(one)) for one in values if one not in (None, "", False)]
        row[known.title] = ", ".join(words) or None
    return row


def _person(record: Mapping[str, Any], fields: Mapping[str, CustomField]) -> dict[str, Any]:
    name = _joined(record.get("LAST_NAME"), record.get("NAME"), record.get("SECOND_NAME"))
    return {
        **_named(record, fields),
        "_name": name or record.get("COMPANY_TITLE") or record.get("TITLE"),
        "_phone": _first(record, "PHONE"),
        "_email": _first(record, "EMAIL"),
        "Другие телефоны": ", ".join(_all(record, "PHONE")[1:]) or None,
        "Другие e-mail": ", ".join(_all(record, "EMAIL")[1:]) or None,
        "_born_on": _day(record.get("BIRTHDATE")),
    }


def _all(record: Mapping[str, Any], name: str) -> list[str]:
    values = record.get(name) or []
    return [str(one["VALUE"]) for one in values if one.get("VALUE")] if isinstance(values, list) else []


def _first(record: Mapping[str, Any], name: str) -> str | None:
    return next(iter(_all(record, name)), None)


def _joined(*parts: Any) -> str | None:
    return " ".join(str(part).strip() for part in parts if part) or None


def _day(moment: Any) -> str | None:
    """The day a portal writes, in the portal's own zone."""
    return str(moment)[:_NO_DAY] if moment else None


def _closed_at(record: Mapping[str, Any]) -> str | None:
    moved, dated = record.get("MOVED_TIME"), record.get("CLOSEDATE")
    return dated if dated and _is_earlier(dated, moved) else moved or dated


def _is_earlier(moment: Any, other: Any) -> bool:
    """Whether a moment falls on a day before another's, both as the portal writes them."""
    return bool(other) and str(moment)[:_NO_DAY] < str(other)[:_NO_DAY]


def _seconds(start: Any, end: Any) -> int | None:
    try:
        seconds = int((datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))).total_seconds())
    except (ValueError, TypeError):
        return None
    return seconds if seconds >= 0 else None


def _plain(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".") or "0"
