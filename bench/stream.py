"""Does every row that was answered for arrive once, however fast they come and whenever the server is killed?

    python -m bench.stream --seconds 600 --rate 1000 --kills 2

Orders in calls of fifty, as tills hand them over; a call without an answer is repeated, and so is one that was asked
to wait. Meanwhile a question about all sales is asked again and again: how many of the rows that were answered for does it
not know yet, and for how long?
"""

import argparse
import json
import os
import random
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import httpx
from rich.console import Console

from bench.people import Server, served
from rakurs.app.home import Home

CALL = 50
SENDERS = 4
SETTLE_SECONDS = 120
QUESTION = "/pivot?metric=sales&metric=revenue&period=all&basis=orders"


@dataclass
class Told:
    """What came of the calls, by the second they were answered in."""

    lock: Lock = field(default_factory=Lock)
    answered: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """When, and how many rows had been answered for by then."""
    rows: int = 0
    cents: int = 0
    repeated: int = 0
    waited: int = 0

    def took(self, rows: list[dict[str, Any]]) -> None:
        with self.lock:
            self.rows += len(rows)
            self.cents += sum(row["amount"] for row in rows)
            self.answered.append((time.monotonic(), self.rows))

    def since(self, rows: int) -> float:
        """How long ago more rows than these had been answered for; 0 where they are all."""
        with self.lock:
            later = next((when for when, known in self.answered if known > rows), None)
            while len(self.answered) > 1 and self.answered[1][1] <= rows:
                self.answered.pop(0)
        return 0.0 if later is None else time.monotonic() - later


@dataclass
class Till:
    """Where the server is now; another one after a kill."""

    server: Server
    key: str

    def asked(self, method: str, path: str, body: Any = None) -> httpx.Response:
        address, headers = f"{self.server.url}/api/v1{path}", {"X-Rakurs-Key": self.key}
        return httpx.request(method, address, json=body, headers=headers, timeout=60, trust_env=False)


@dataclass(frozen=True, slots=True)
class Pace:
    """From when, for how many seconds and how many rows a second one sender sends."""

    begun: float
    seconds: float
    rate: float

    def is_on(self) -> bool:
        return time.monotonic() - self.begun < self.seconds

    def keep(self, made: int) -> None:
        """Wait until so many rows are due."""
        time.sleep(max(0.0, self.begun + made / self.rate - time.monotonic()))


def stream(home: Home, *, seconds: float, rate: int, kills: int, seed: int = 1) -> Mapping[str, Any]:
    """Send so many rows a second for so long over so many kills; what was answered for and what is there."""
    told, numbers, chance = Told(), count(), random.Random(seed)
    moments = sorted(chance.uniform(0.1, 0.9) * seconds for _ in range(kills))
    with ExitStack() as up:
        till = Till(up.enter_context(served(home)), _key(home))
        behind, pace = list[float](), Pace(time.monotonic(), seconds, rate / SENDERS)
        with ThreadPoolExecutor(SENDERS) as pool:
            sending = [pool.submit(_sent, till, told, numbers, pace) for _ in range(SENDERS)]
            while not all(one.done() for one in sending):
                if moments and time.monotonic() - pace.begun > moments[0]:
                    moments.pop(0)
                    os.kill(till.server.pid, signal.SIGKILL)
                    up.close()
                    till.server, till.key = up.enter_context(served(home)), _key(home)
                known = _known(till)
                if known is not None:
                    behind.append(told.since(known[0]))
            for one in sending:
                one.result()
        ended = time.monotonic()
        while ((found := _known(till)) is None or found[0] < told.rows) and time.monotonic() < ended + SETTLE_SECONDS:
            time.sleep(0.5)
        took, settled = ended - pace.begun, time.monotonic() - ended
    rows, revenue = found or (0, 0.0)
    return {
        "seconds": took,
        "kills": kills,
        "rows answered for": told.rows,
        "rows there": rows,
        "revenue answered for": told.cents,
        "revenue there": revenue,
        "calls repeated": told.repeated,
        "calls asked to wait": told.waited,
        "questions meanwhile": len(behind),
        "behind, median s": median(behind) if behind else None,
        "behind, longest s": max(behind, default=None),
        "settled after s": settled,
    }


def _sent(till: Till, told: Told, numbers: "count[int]", pace: Pace) -> None:
    made = 0
    while pace.is_on():
        pace.keep(made)
        rows = [_order(next(numbers)) for _ in range(CALL)]
        while True:
            try:
                answer = till.asked("POST", "/rows/orders", rows)
            except httpx.TransportError:
                told.repeated += 1
                time.sleep(0.2)
                continue
            if answer.status_code == HTTPStatus.ACCEPTED:
                break
            if answer.status_code not in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNAUTHORIZED}:
                raise RuntimeError(answer.text)
            told.waited += 1
            time.sleep(0.5)
        told.took(rows)
        made += CALL


def _order(number: int) -> dict[str, Any]:
    return {
        "order_id": f"till-{number}",
        "ordered_at": "2026-03-02T10:00:00",
        "paid_at": "2026-03-02T10:00:00",
        "customer_id": f"c{number % 5000}",
        "amount": number % 97 + 1,
    }


def _known(till: Till) -> tuple[int, float] | None:
    """How many sales, and what revenue, a question knows of."""
    try:
        answer = till.asked("GET", QUESTION)
    except httpx.TransportError:
        return None
    if answer.status_code != HTTPStatus.OK:
        return None
    rows = answer.json()["rows"]
    return (int(rows[0]["sales"] or 0), float(rows[0]["revenue"] or 0)) if rows else (0, 0.0)


def _key(home: Home) -> str:
    return json.loads((home.path / "server.json").read_text(encoding="utf-8"))["key"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.stream", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=int, default=1000, help="rows a second")
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--home", type=Path, help="by default a new one")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        home = Home(options.home or Path(folder) / "home")
        found = stream(home, seconds=options.seconds, rate=options.rate, kills=options.kills)
    console = Console()
    for name, value in found.items():
        console.print(f"{name:24} {value:,.1f}" if isinstance(value, float) else f"{name:24} {value}")
    if (found["rows answered for"], found["revenue answered for"]) != (found["rows there"], found["revenue there"]):
        raise SystemExit("rows were lost or doubled")


if __name__ == "__main__":
    main()
