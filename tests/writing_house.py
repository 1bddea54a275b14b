"""A home that follows two systems which can be written to, with scores of models and segments of their customers."""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx

from processes import Machine
from routes import script
from sources.writable import SYSTEMS, System

SCORES = """
import json, sys
from pathlib import Path
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
from rakurs.state.opening import open_state
open_state()
from rakurs.app.home import default_home
from rakurs.app.workspace import Workspace
from rakurs.models.scored import scored
home = default_home()
with Workspace.open(home) as workspace:
    for model, rows in json.loads(sys.argv[1]).items():
        keys = [key for key in ("customer_id", "product_id") if key in rows[0]]
        table = pa.table({key: [row[key] for row in rows] for key in keys})
        numbers = {name: np.array([row[name] for row in rows]) for name in ("score", "amount") if name in rows[0]}
        file = home.scratch / "scores.parquet"
        pq.write_table(scored(table, *keys, **numbers), file)
        workspace.keep_scores(model, "test", file, on=workspace.today)
print("null")
"""
"""What models said, without their learning."""


@dataclass
class House:
    """The home, the systems it follows by their prefixes, and what a program is answered."""

    machine: Machine
    systems: Mapping[str, System]
    client: httpx.Client | None = None
    others: dict[str, httpx.Client] = field(default_factory=dict)

    def asked(self, method: str, path: str, status: int = 200, **body: Any) -> Any:
        assert self.client is not None
        answer = self.client.request(method, f"/api/v1{path}", **({"json": body} if body else {}))
        assert answer.status_code == status, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, **body: Any) -> str:
        """What a refusal says."""
        return self.asked(method, path, 422, **body)["detail"]

    def allow(self, prefix: str, *kinds: str, **limits: int) -> None:
        self.asked("PUT", f"/writing/permits/{prefix}", kinds=list(kinds), **limits)

    def connect(self, prefix: str) -> None:
        """Follow the system once more; its rows came before, under this prefix."""
        system = self.systems[prefix]
        new = {"source": system.source.name, "title": f"Снова {prefix}", "settings": dict(system.given)}
        assert self.asked("POST", "/connections", 201, **new)["prefix"] == prefix
        self.asked("PATCH", f"/connections/{prefix}", is_paused=True)

    def segment(self, ids: Sequence[str], title: str = "Спящие") -> str:
        return self.asked("POST", "/segments", 201, title=title, ids="\n".join(ids))["id"]

    def previewed(self, prefix: str, segment: str, **wish: Any) -> dict[str, Any]:
        made = self.asked("POST", "/writing/runs", 202, connection=prefix, segment=segment, **wish)
        return self.come_to_rest(made["id"])

    def written(self, run: Mapping[str, Any]) -> dict[str, Any]:
        self.act(run, "confirm")
        return self.come_to_rest(run["id"])

    def act(self, run: Mapping[str, Any], deed: str, status: int = 202) -> Any:
        return self.asked("POST", f"/writing/runs/{run['id']}", status, deed=deed)

    def deeds(self, run: Mapping[str, Any], status: str = "") -> list[dict[str, Any]]:
        narrowed = f"&status={status}" if status else ""
        return self.asked("GET", f"/writing/runs/{run['id']}/deeds?limit=1000{narrowed}")["rows"]

    def come_to_rest(self, run_id: str, seconds: float = 60) -> dict[str, Any]:
        began = monotonic()
        while (run := self.asked("GET", f"/writing/runs/{run_id}"))["status"] in ("drafting", "waiting", "writing"):
            assert monotonic() - began < seconds, run
            sleep(0.05)
        return run


@contextmanager
def house(folder: Path, *names: str) -> Generator[House]:
    """Systems of these names, followed by a new home; no server yet."""
    with ExitStack() as stack:
        systems = {name: stack.enter_context(SYSTEMS[name]()) for name in names}
        machine = Machine(folder / "home")
        for name, system in systems.items():
            given = [part for key, value in system.given.items() for part in ("--set", f"{key}={value}")]
            machine.run("sources", "add", name, "--title", f"Наша {name}", *given)
            machine.run("sources", "sync", name)
            machine.run("sources", "pause", name)
        yield House(machine, systems)


def scores(house: House) -> None:
    """The first person of each system is likely to leave, is worth much, and would like something."""
    known: dict[str, list[dict[str, Any]]] = {"churn": [], "lifetime": [], "offers": []}
    for prefix, system in house.systems.items():
        first, second = (f"{prefix}:{record}" for record in system.people()[:2])
        known["churn"] += [{"customer_id": first, "score": 0.734}, {"customer_id": second, "score": 0.0}]
        known["lifetime"].append({"customer_id": first, "score": 0.9, "amount": 15200.4})
        known["offers"] += [
            {"customer_id": first, "product_id": "rose", "score": 0.2},
            {"customer_id": first, "product_id": "tulip", "score": 0.4},
        ]
    script(house.machine, SCORES, json.dumps(known))
