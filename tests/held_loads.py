"""Loads that stand still in the middle for as long as a test wants, however fast the machine is."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from processes import write_table

SECONDS = 240
ORDERS = 500
PROFILE = """
name: orders
files:
  - match: [order_id, ordered_at, customer_id, amount]
    tables:
      orders: {order_id: order_id, ordered_at: ordered_at, customer_id: customer_id, amount: amount}
"""


class HeldFile:
    """A file that keeps whoever opens it waiting until it is let go; from then on it is like any other."""

    def __init__(self, content: Path, *, profile: Path) -> None:
        self.content, self.profile = content, profile
        self.path = content.with_name(f"held-{content.name}")
        os.mkfifo(self.path)
        self._pipe = self.path.with_suffix(".pipe")
        self._pipe.hardlink_to(self.path)

    def wait_for_a_reader(self) -> None:
        """Returns when somebody has opened the file and waits for its first byte."""
        self._writer = os.open(self._pipe, os.O_WRONLY)

    def become_readable(self) -> None:
        self.content.rename(self.path)  # over the pipe's name: whoever opens it now finds the file
        with suppress(BrokenPipeError), os.fdopen(self._writer, "wb") as pipe:  # the reader may be dead by now
            pipe.write(self.path.read_bytes()[:64])


def held_orders(folder: Path) -> HeldFile:
    """A file of 500 orders, held."""
    rows = [{"order_id": f"x{n}", "ordered_at": "2026-03-01", "customer_id": "c1", "amount": n} for n in range(ORDERS)]
    profile = folder / "profile.yaml"
    profile.write_text(PROFILE, encoding="utf-8")
    return HeldFile(write_table(folder, "orders", rows), profile=profile)


def begun(client: httpx.Client, held: HeldFile) -> dict[str, Any]:
    """A load that has begun and cannot end before the file is let go, however fast the machine is."""
    # A file whose profile is named is not looked at before it is loaded.
    asked = {"paths": [str(held.path)], "profile": str(held.profile)}
    job = client.post("/api/v1/local/loads", json=asked).json()
    held.wait_for_a_reader()
    assert client.get(f"/api/v1/loads/{job['id']}").json()["status"] == "loading"
    return job


def finished(client: httpx.Client, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        job = client.get(f"/api/v1/loads/{job_id}").json()
        if job["finished_at"] or job["status"] == "needs_mapping":
            return job
        time.sleep(0.1)
    raise AssertionError(f"the load did not end within {SECONDS} s: {job}")
