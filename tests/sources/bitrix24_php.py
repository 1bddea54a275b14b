"""PHP's way with parameters: brackets that nest, arrays that are lists, results put into later calls of a batch."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

Params = dict[str, Any]

_BRACKETS = re.compile(r"\[([^\]]*)\]")
_REFERENCE = re.compile(r"\$result((?:\[[^\[\]]+\])+)")


def php_query(text: str) -> Params:
    """A query as PHP reads it: a[b][]=1 nests, an unclosed bracket makes the name useless."""
    found: Params = {}
    for pair in text.split("&"):
        raw, _, value = pair.partition("=")
        name = unquote_plus(raw)
        if not name:
            continue
        head, bracket, tail = name.partition("[")
        path = [head]
        if bracket:
            keys = _BRACKETS.findall(bracket + tail)
            path = [head, *keys] if keys else [f"{head}_{tail}"]
        place = found
        for part, following in zip(path, [*path[1:], None], strict=True):
            key = part
            if part == "" and place is not found:
                key = str(1 + max((int(k) for k in place if k.isdigit()), default=-1))
            if following is None:
                place[key] = unquote_plus(value)
            else:
                if not isinstance(place.get(key), dict):
                    place[key] = {}
                place = place[key]
    return found


def listed(value: Any) -> Any:
    """A PHP array with numbers for keys as the list it is."""
    if isinstance(value, dict) and value and all(str(key).isdigit() for key in value):
        return list(value.values())
    return value


def php_array(found: Mapping[str, Any]) -> Any:
    """An array as PHP writes it to JSON: a list when its keys count from zero, so an empty one too."""
    return list(found.values()) if list(found) == [str(n) for n in range(len(found))] else dict(found)


def substituted(value: Any, results: Mapping[str, Any]) -> Any:
    """The parameters of a sub-call with $result[...] replaced by what earlier sub-calls found."""
    if isinstance(value, dict):
        return {key: substituted(part, results) for key, part in value.items()}
    if not isinstance(value, str) or "$result" not in value:
        return value

    def looked(match: re.Match[str]) -> Any:
        place: Any = results
        for key in _BRACKETS.findall(match[1]):
            if isinstance(place, list):
                place = place[int(key)] if key.isdigit() and int(key) < len(place) else ""
            elif isinstance(place, Mapping):
                place = place.get(key, "")
            else:
                return ""
        return "" if place is None else place

    whole = _REFERENCE.fullmatch(value)
    return looked(whole) if whole else _REFERENCE.sub(lambda match: str(looked(match)), value)
