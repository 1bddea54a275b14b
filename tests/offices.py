"""A running server and people of different rights on it."""

import json
from dataclasses import dataclass

import httpx

from processes import Machine, Served

PEOPLE = {
    "boss": ("--role", "owner", "--scope", "all"),
    "anna": ("--role", "manager", "--scope", "own", "--employee", "m1"),
    "south": ("--role", "head", "--scope", "department", "--department", "Юг"),
    "nobody": ("--role", "manager", "--scope", "own", "--employee", "no-such"),
    "analyst": ("--role", "analyst", "--scope", "all"),
}


@dataclass(frozen=True)
class Office:
    """A running server and how its people come in."""

    machine: Machine
    served: Served
    tokens: dict[str, str]

    def as_(self, who: str) -> httpx.Client:
        return self.served.client(Authorization=f"Bearer {self.tokens[who]}")


def rows(response: httpx.Response) -> list[dict]:
    assert response.status_code == 200, response.text
    return json.loads(response.text)["rows"]
