"""PHP's way with parameters: brackets that nest, in what an account is asked and in the forms it sends."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

Params = dict[str, Any]


def php_params(query: str) -> Params:
    """A query string as PHP reads it: brackets nest, empty brackets append."""
    found: Params = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        keys = [name.split("[", 1)[0], *re.findall(r"\[([^\]]*)\]", name)]
        place = found
        for key in keys[:-1]:
            inner = place.setdefault(key, {})
            if not isinstance(inner, dict):
                inner = place[key] = {}
            place = inner
        place[keys[-1] or str(len(place))] = value
    return found


def php_form(name: str, value: Any) -> Iterable[tuple[str, str]]:
    """The pairs of a form PHP would send for a nested value; nothing for an empty one."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from php_form(f"{name}[{key}]", inner)
    elif isinstance(value, list):
        yield from php_form(name, dict(enumerate(value)))
    else:
        yield name, "" if value is None else str(int(value) if isinstance(value, bool) else value)
