"""Does a year of a company come in one go: within the portal's limits, memory flat, how far it is told, every number right?

`make test` follows a small company; `RAKURS_TEST_EFFORT=proof` one of 50,000 deals and 300,000 activities.
"""

import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from effort import IS_PROOF, tries
from processes import Machine
from sources.bitrix24_portal import Portal

SIZE = tries(1, 125)
TABLE_OF = {"deal": "deals", "call": "calls", "user": "employees"}
GROWTH = 100 * 2**20
"""Bytes the server may grow by after the first tenth of its reading: buffers, not records."""


@dataclass(frozen=True)
class Seen:
    """What somebody who watches a run is told, and how big the server is meanwhile."""

    status: str
    step: str
    done: int
    size: int


def company() -> Portal:
    """50,000 deals and 300,000 activities at the size of a proof."""
    return Portal(
        deals=400 * SIZE,
        activities=2_400 * SIZE,
        calls=480 * SIZE,
        contacts=240 * SIZE,
        companies=80 * SIZE,
        leads=160 * SIZE,
        products=300,
    )


def resident(pid: int) -> int:
    """Bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def watched(client: httpx.Client, pid: int) -> tuple[dict[str, Any], list[Seen]]:
    """The run at its end, and how it came there."""
    seen: list[Seen] = []
    began = time.monotonic()
    while True:
        runs = client.get("/api/v1/connections/bitrix24/runs").json()
        for run in runs:
            seen.append(Seen(run["status"], run["step"], run["done"], resident(pid)))
            if run["finished_at"] is not None:
                return run, seen
        assert time.monotonic() - began < tries(120, 3600), runs
        time.sleep(tries(0, 1))


@pytest.mark.timeout(tries(300, 5400))
def test_a_year_of_a_company_comes_in_one_go(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "home")
    with company() as portal, machine.served() as served, served.local() as client:
        # What a portal lets a caller do: two requests a second out of a bucket of fifty, 480 s of work in ten minutes
        # of each method, a hundredth of a second each time.
        portal.faults.rate, portal.faults.burst = 2.0, 50
        portal.faults.operating_limit, portal.faults.operating_cost = 480.0, 0.01
        truth = portal.truth()
        body = {"source": "bitrix24", "title": "Портал", "settings": {"webhook": portal.url}}
        began = time.monotonic()
        assert client.post("/api/v1/connections", json=body).status_code == 201
        run, seen = watched(client, served.process.pid)
        seconds = time.monotonic() - began
        assert (run["status"], run["attempt"], run["error"]) == ("done", 1, "")
        assert client.get("/api/v1/quarantine").json()["rows"] == []
        in_tables = {table["table"]: table["inserted"] for table in run["tables"]}
        for kind, table in TABLE_OF.items():
            assert in_tables[table] == truth["counts"][kind], table
        asked = "metric=deals_won&metric=deals_lost&metric=deals_created&period=all&compare=none"
        (row,) = client.get(f"/api/v1/pivot?{asked}").json()["rows"]
        assert row["deals_won"] == truth["won_count"]
        assert row["deals_lost"] == truth["lost"]
        assert row["deals_created"] == truth["counts"]["deal"]
    steps = list(dict.fromkeys(now.step for now in seen if now.step))
    sizes = [now.size for now in seen if now.status == "fetching"]
    print(  # noqa: T201 - what a proof is read for
        f"\n{run['fetched']:,} records in {seconds:.0f} s: {len(portal.requests)} requests, {sum(portal.subcalls.values())} "
        f"calls in batches, {len(portal.refused)} refused; reading took {max(sizes) / 2**20:.0f} MB at most, "
        f"{sizes[len(sizes) // 10] / 2**20:.0f} MB at a tenth of it, all of it {max(now.size for now in seen) / 2**20:.0f} MB; "
        f"told {len({(now.step, now.done) for now in seen})} times: {', '.join(steps)}; rows {in_tables}"
    )
    assert steps
    if IS_PROOF:
        assert max(sizes) - sizes[len(sizes) // 10] < GROWTH
        assert len({(now.step, now.done) for now in seen}) > 20, "how far it is moves on"
