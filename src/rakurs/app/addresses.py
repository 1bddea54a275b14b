"""How does a question stand in an address? Short names, defaults left out; the address is the whole question.

`m` metrics, `r` rows, `c` columns, `w` conditions (`amount:between:100:500`), `top`, `by`, `least`, `sort`, `chart`,
`h` highlights (`revenue:bars`); the parameters under their own names.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rakurs.app.asked import Highlight, PivotAsked, Where, asked_of
from rakurs.app.params import checked_params, given_params
from rakurs.app.pivots import PivotParams

SEPARATOR, ESCAPE, NOTHING = ":", "~", "~0"


def address_of(asked: PivotAsked) -> dict[str, Any]:
    """The parts of the address of `asked`, in a fixed order; a list repeats its name."""
    top = asked.top
    return {
        "m": list(asked.metrics),
        "r": list(asked.rows),
        "c": list(asked.columns),
        "w": [where_word(item) for item in asked.where],
        **asked.params,
        "top": str(top.count) if top else None,
        "by": top.metric if top else None,
        "least": "1" if top and top.is_bottom else None,
        "sort": asked.sort,
        "chart": asked.chart,
        "h": [_highlight_word(item) for item in asked.highlights],
    }


def pivot_at(parts: Mapping[str, Sequence[str]]) -> PivotAsked:
    """The question at an address. BadParameter says which part is wrong."""

    def lone(name: str) -> str | None:
        return next((value for value in parts.get(name, ()) if value), None)

    top = {"count": lone("top"), "metric": lone("by"), "is_bottom": lone("least") == "1"}
    rows = _once(parts.get("r", ()))
    kept: dict[str, Any] = {
        "kind": "pivot",
        "metrics": _once(parts.get("m", ())),
        "rows": rows,
        "columns": [name for name in _once(parts.get("c", ())) if name not in rows],
        "params": _params({name: value for name in PivotParams.infos() if (value := lone(name)) is not None}),
        "where": [_where_at(word) for word in parts.get("w", ()) if word],
        "top": top if top["count"] and rows else None,
        "sort": lone("sort"),
        "chart": lone("chart"),
        "highlights": [_highlight_at(word) for word in parts.get("h", ()) if word],
    }
    found = asked_of(kept)
    assert isinstance(found, PivotAsked)
    return found


def _params(given: Mapping[str, str]) -> dict[str, Any]:
    """What differs from the defaults; days already say that the period is one's own."""
    kept = given_params(checked_params(PivotParams, given))
    if kept.get("from_day") or kept.get("to_day"):
        kept.pop("period", None)
    return kept


def where_word(where: Where) -> str:
    """A condition as one word of an address."""
    ends = (where.low, where.high) if where.operator == "between" else ()
    return SEPARATOR.join(_escaped(item) for item in (where.field, where.operator, *where.values, *ends))


def _where_at(word: str) -> dict[str, Any]:
    field, operator, *values = [
        _unescaped(item) for item in f"{word}{'' if SEPARATOR in word else ':'}".split(SEPARATOR)
    ]
    if operator == "between":
        low, high = (*values, None, None)[:2]
        return {"field": field, "operator": operator, "low": low or None, "high": high or None}
    return {"field": field, "operator": operator, "values": [value for value in values if value != ""]}


def _highlight_word(item: Highlight) -> str:
    words: list[str | None] = [item.column, item.style]
    if item.threshold is not None:
        words += [f"{item.threshold:g}", item.tone]
    return SEPARATOR.join(_escaped(word) for word in words)


def _highlight_at(word: str) -> dict[str, Any]:
    values = [_unescaped(item) for item in word.split(SEPARATOR)]
    names = ("column", "style", "threshold", "tone")
    return {name: value for name, value in zip(names, values, strict=False) if value is not None}


def _escaped(text: str | None) -> str:
    return NOTHING if text is None else text.replace(ESCAPE, "~~").replace(SEPARATOR, "~1")


def _unescaped(word: str) -> str | None:
    return None if word == NOTHING else re.sub("~[1~]", lambda found: _MARKS[found[0]], word)


_MARKS = {"~1": SEPARATOR, "~~": ESCAPE}


def _once(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(value.strip() for value in values if value.strip()))
