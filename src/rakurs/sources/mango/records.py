"""What do the legs of a call say together, in a row the engine can take?

A call goes from the menu to a queue, to an employee, to another: each is a row of statistics, and all have one `entry_id`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

CUSTOM = ("Линия", "Причина завершения", "Записи")
"""Fields of a row that no column stands for."""
_NOT_A_PERSON = frozenset({"ivr", "queue"})
Leg = Mapping[str, str]


def calls(legs: Sequence[Leg], *, since: int, until: int) -> Iterator[dict[str, Any]]:
    """Calls that began from `since` to before `until`, seconds. Legs between employees are of no call, or of a call's inner course."""
    groups: dict[str, list[Leg]] = {}
    for leg in sorted(legs, key=lambda leg: (int(leg["start"]), int(leg["finish"] or 0))):
        if not (leg["from_extension"] and leg["to_extension"]):
            groups.setdefault(leg["entry_id"], []).append(leg)
    for entry, group in groups.items():
        if since <= int(group[0]["start"]) < until:
            yield _call(entry, group)


def _call(entry: str, legs: Sequence[Leg]) -> dict[str, Any]:
    """A call as its first leg began it. Who answered first has it; missed is one that came in and was answered by nobody."""
    first = legs[0]
    began = int(first["start"])
    way, other, own = ("out", "to", "from") if first["from_extension"] else ("in", "from", "to")
    answered = [leg for leg in legs if _is_answered(leg)]
    met = int(answered[0]["answer"]) if answered else max(int(leg["finish"] or 0) for leg in legs)
    employees = (leg[f"{own}_extension"] for leg in [*answered, *legs])
    recordings = [one for leg in legs for one in leg["records"].strip("[]").split(",") if one]
    return {
        "id": entry,
        "at": datetime.fromtimestamp(began, UTC).isoformat(),
        "way": way,
        "phone": first[f"{other}_number"] or None,
        "employee": next((one for one in employees if one), None),
        "wait": max(met - began, 0),
        "talk": sum(max(int(leg["finish"] or 0) - int(leg["answer"]), 0) for leg in answered),
        "is_missed": str(way == "in" and not answered).lower(),
        "Линия": first["line_number"] or None,
        "Причина завершения": legs[-1]["disconnect_reason"] or None,
        "Записи": ", ".join(recordings) or None,
    }


def _is_answered(leg: Leg) -> bool:
    return int(leg["answer"] or 0) > 0 and leg["location"].partition(".")[0] not in _NOT_A_PERSON
