"""Every address the app answers, told by its own resolver."""

import json
import re
from dataclasses import dataclass
from typing import Any

from processes import Machine

_ROUTES = """
import json
from rakurs.state.opening import open_state
open_state()
from django.urls import URLResolver, get_resolver

def walk(patterns, before):
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, route)
        else:
            yield {"route": route, "name": pattern.name or ""}

print(json.dumps(list(walk(get_resolver().url_patterns, ""))))
"""


@dataclass(frozen=True)
class Route:
    """One pattern of the resolver: `reports/<slug:name>/`."""

    route: str
    name: str

    @property
    def is_api(self) -> bool:
        return self.route.startswith("api/")

    @property
    def holes(self) -> list[str]:
        return re.findall(r"<(?:\w+:)?(\w+)>", self.route)


def routes_of(machine: Machine) -> list[Route]:
    return [Route(**found) for found in script(machine, _ROUTES)]


def script(machine: Machine, text: str, *arguments: str) -> Any:
    """What a script prints as JSON, run where the home's state can be read."""
    done = machine.ran(text, *arguments, DJANGO_SETTINGS_MODULE="rakurs.config.settings")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
