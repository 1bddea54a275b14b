"""What may a client ask of an account, how strictly is it read, and which records answer it?"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from sources.amocrm_dictionaries import SINGULARS, Record
from sources.amocrm_php import Params
from sources.amocrm_refusals import Problem

MAX_IDS = 250
WITH = {
    "leads": {"contacts", "loss_reason", "catalog_elements", "source_id", "is_price_modified_by_robot", "only_deleted"},
    "contacts": {"leads", "customers", "catalog_elements"},
    "companies": {"leads", "contacts", "customers", "catalog_elements"},
    "users": {"role", "group"},
    "events": {f"{kind}_name" for kind in ("contact", "lead", "company", "catalog_element", "customer", "catalog")}
    | {"note"},
}

_CARD = {"name": "words"} | dict.fromkeys(("id", "created_by", "updated_by", "responsible_user_id"), "many")
_CARD |= dict.fromkeys(("created_at", "updated_at", "closest_task_at"), "range")
_WORK = {"id": "many", "entity_id": "many", "updated_at": "range"}
_EVENT = {"entity_id": "many", "created_by": "many", "created_at": "range"}
FILTERS: dict[str, dict[str, str]] = {
    "leads": _CARD | {"pipeline_id": "many", "price": "range", "closed_at": "range", "statuses": "statuses"},
    "contacts": _CARD,
    "companies": _CARD,
    "notes": _WORK | {"note_type": "words"},
    "tasks": _WORK | {"responsible_user_id": "many", "is_completed": "many", "entity_type": "words"},
    "events": _EVENT | {"id": "words", "type": "words", "entity": "words"},
}
ORDERS = {
    **{plural: {"created_at", "updated_at", "id"} for plural in SINGULARS},
    "notes": {"updated_at", "id"},
    "tasks": {"created_at", "updated_at", "complete_till", "id"},
}


def only(params: Params, known: set[str]) -> None:
    if wrong := params.keys() - known:
        raise Problem(400, f"Unknown parameters: {', '.join(sorted(wrong))}")


def whole_number(given: Any, name: str, least: int, most: int | None = None) -> int:
    if not isinstance(given, str) or not re.fullmatch(r"-?[0-9]{1,15}", given):
        raise Problem(400, f"{name} is not a whole number")
    if int(given) < least or (most is not None and int(given) > most):
        raise Problem(400, f"{name} is out of bounds: {given}")
    return int(given)


def asked_with(plural: str, params: Params) -> set[str]:
    if not isinstance(params.get("with", ""), str):
        raise Problem(400, "with is a list of words through commas")
    asked = {one for one in params.get("with", "").split(",") if one}
    if wrong := asked - WITH.get(plural, set()):
        raise Problem(400, f"Unknown with: {', '.join(sorted(wrong))}")
    return asked


def arranged(plural: str, order: Any, records: Iterable[Record]) -> list[Record]:
    if order is None:
        return sorted(records, key=lambda one: one["id"])
    if not isinstance(order, dict) or len(order) != 1:
        raise Problem(400, "order takes one field")
    ((name, way),) = order.items()
    if name not in ORDERS[plural] or way not in ("asc", "desc"):
        raise Problem(400, f"Cannot order by {name} {way}")
    return sorted(records, key=lambda one: (one[name], one["id"]), reverse=way == "desc")


def conditions(plural: str, asked: Any) -> Iterable[Callable[[Record], bool]]:
    """The conditions of a filter, each a test of one record."""
    if not isinstance(asked, dict):
        raise Problem(400, "filter is an object")
    only(asked, set(FILTERS.get(plural, ())))
    if "entity_id" in asked and plural == "events":
        entity = asked.get("entity")
        if len(entity) != 1 if isinstance(entity, dict) else not entity or "," in entity:
            raise Problem(400, "filter[entity_id] needs one filter[entity]")
    for name, given in asked.items():
        column = "entity_type" if name == "entity" else name
        match FILTERS[plural][name]:
            case "range":
                yield _range_test(column, given)
            case "statuses":
                yield _statuses_test(given)
            case kind:
                yield _set_test(plural, column, given, numbers=kind == "many")


def _range_test(column: str, given: Any) -> Callable[[Record], bool]:
    bounds = given if isinstance(given, dict) else {"from": given}
    only(bounds, {"from", "to"})
    least = whole_number(bounds.get("from", "0"), f"{column} from", 0)
    most = whole_number(bounds["to"], f"{column} to", 0) if "to" in bounds else 1 << 62
    return lambda one: one[column] is not None and least <= one[column] <= most


def _set_test(plural: str, column: str, given: Any, *, numbers: bool) -> Callable[[Record], bool]:
    values = list(given.values()) if isinstance(given, dict) else [given]
    if plural == "events" or numbers:
        values = [part for value in values for part in str(value).split(",")]
    if len(values) > MAX_IDS:
        raise Problem(400, f"Too many values for {column}")
    wanted = {whole_number(value, column, 0) for value in values} if numbers else set(values)
    return lambda one: one[column] in wanted


def _statuses_test(given: Any) -> Callable[[Record], bool]:
    pairs = list(given.values()) if isinstance(given, dict) else [given]
    wanted = set()
    for pair in pairs:
        if not isinstance(pair, dict) or pair.keys() != {"pipeline_id", "status_id"}:
            raise Problem(400, "filter[statuses] takes pairs of pipeline_id and status_id")
        wanted.add(
            (whole_number(pair["pipeline_id"], "pipeline_id", 0), whole_number(pair["status_id"], "status_id", 0))
        )
    return lambda one: (one["pipeline_id"], one["status_id"]) in wanted
