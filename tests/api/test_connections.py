"""A company connects its portal once; from then on it is followed by itself, told of changes at once, killed or not."""

import json
import random
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from effort import tries
from forking import COMMAND, Fork
from offices import Office
from processes import Machine
from sources.bitrix24_portal import Portal

WORD = "Секретный токен".encode().hex()
KILLS = tries(4, 20)


@pytest.fixture
def fresh(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "followed-home")


@pytest.fixture(scope="module")
def portal() -> Generator[Portal]:
    with Portal(deals=120, contacts=90, companies=20, leads=30, activities=120, calls=40) as found:
        yield found


def connected(client: httpx.Client, portal: Portal, **settings: Any) -> dict[str, Any]:
    body = {"source": "bitrix24", "title": "Портал", "settings": {"webhook": portal.url, **settings}}
    made = client.post("/api/v1/connections", json=body)
    assert made.status_code == 201, made.text
    return made.json()


def finished(client: httpx.Client, *, runs: int = 1, seconds: float = 60) -> dict[str, Any]:
    """The latest of so many runs when it has come to its end."""
    began = monotonic()
    while True:
        found = client.get("/api/v1/connections/bitrix24/runs").json()
        if len(found) >= runs and found[0]["finished_at"] is not None:
            return found[0]
        assert monotonic() - began < seconds, found
        sleep(0.1)


def deals(client: httpx.Client) -> int:
    """How many deals were ever made."""
    told = client.get("/api/v1/pivot", params={"metric": "deals_created", "period": "all", "compare": "none"}).json()
    return sum(row["deals_created"] for row in told.get("rows", []))


def truth(portal: Portal) -> int:
    return portal.truth()["counts"]["deal"]


def until(client: httpx.Client, count: int, *, seconds: float = 60) -> float:
    began = monotonic()
    while (found := deals(client)) != count:
        assert monotonic() - began < seconds, found
        sleep(0.05)
    return monotonic() - began


def test_a_portal_is_connected_once_and_followed(fresh: Machine, portal: Portal) -> None:
    with fresh.served() as served, served.local() as client:
        token = portal.application_token
        made = connected(client, portal, application_token=token)
        assert (made["prefix"], made["health"]) == ("bitrix24", "new")
        run = finished(client)
        assert (run["status"], run["kind"], run["error"]) == ("done", "full", "")
        assert deals(client) == truth(portal)
        assert client.get("/api/v1/connections/bitrix24").json()["health"] == "good"

        # The portal tells of a change: seconds later it is a number.
        added = portal.add_deal(TITLE="Только что", OPPORTUNITY="10.50")
        hook = f"/api/v1/hooks/{made['id']}"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        with served.client(**form) as outside:
            assert outside.post(hook, content=portal.event("ONCRMDEALADD", added)).status_code == 200
            until(client, truth(portal))
            portal.delete("deal", added)
            # Some systems add a path of their own to the address they are given.
            assert (
                outside.post(f"{hook}/events/summary", content=portal.event("ONCRMDEALDELETE", added)).status_code
                == 200
            )
            until(client, truth(portal))
            # Somebody without the token is not believed, and learns nothing.
            assert outside.post(hook, content=portal.event("ONCRMDEALADD", 1, token="wrong")).status_code == 403
            for other in ("nobody", "bitrix24"):
                answer = outside.post(f"/api/v1/hooks/{other}", content=portal.event("ONCRMDEALADD", 1))
                assert (answer.status_code, "bitrix24" in answer.text) == (404, False)
            assert outside.post(hook, content=b"\xff\x00=broken").status_code == 403

        # By hand: changes, then a stop, then settings that mean another whole run.
        assert client.post("/api/v1/connections/bitrix24/runs", json={}).status_code == 202
        assert finished(client, runs=2)["kind"] == "changes"
        changed = client.patch(
            "/api/v1/connections/bitrix24", json={"settings": {"is_order_source": False}, "is_paused": True}
        )
        assert changed.json()["health"] == "paused"
        client.post("/api/v1/connections/bitrix24/runs", json={})
        assert finished(client, runs=3)["kind"] == "full"

        said = [
            client.get(path).text
            for path in (
                "/api/v1/connections",
                "/api/v1/connections/bitrix24",
                "/api/v1/connections/bitrix24/runs",
                "/api/v1/sources",
            )
        ]
        assert not [text for text in said if portal.code in text or token in text]
        settings = next((fresh.home / "connections").glob("*/settings.json"))
        assert settings.stat().st_mode & 0o077 == 0
        assert client.delete("/api/v1/connections/bitrix24").status_code == 204
        assert not settings.exists()
        assert deals(client) == truth(portal)
    assert portal.code not in served.printed
    assert token not in served.printed


def test_a_system_that_was_connected_before_has_its_rows_back_and_another_does_not(
    fresh: Machine, portal: Portal
) -> None:
    with fresh.served() as served, served.local() as client, Portal(seed=9, deals=30, leads=5, contacts=9) as other:
        connected(client, portal)
        finished(client)
        client.delete("/api/v1/connections/bitrix24")
        made = client.post(
            "/api/v1/connections", json={"source": "bitrix24", "title": "Другой", "settings": {"webhook": other.url}}
        ).json()
        assert made["prefix"] == "bitrix24-2"
        assert connected(client, portal)["prefix"] == "bitrix24"
        until(client, truth(portal) + truth(other))
        # The address of another system: everything is read anew, and what is not there is gone.
        client.patch("/api/v1/connections/bitrix24-2", json={"settings": {"webhook": portal.url}})
        client.post("/api/v1/connections/bitrix24-2/runs", json={})
        until(client, 2 * truth(portal))


@pytest.mark.parametrize(
    ("settings", "status", "words"),
    [
        ({}, 422, "webhook"),
        ({"webhook": f"https://example.com/{WORD}"}, 422, "webhook"),
        ({"webhook": "WRONG"}, 502, "INVALID_CREDENTIALS"),
        ({"webhook": "RIGHT", "colour": "red"}, 201, ""),
    ],
)
def test_settings_are_tried_and_a_wrong_one_is_named_without_its_value(
    office: Office, portal: Portal, settings: dict[str, Any], status: int, words: str
) -> None:
    given = dict(settings)
    if given.get("webhook") in {"WRONG", "RIGHT"}:
        given["webhook"] = portal.url if given["webhook"] == "RIGHT" else portal.url.replace(portal.code, WORD)
    body = {"source": "bitrix24", "title": "Проба", "settings": given}
    with office.served.local() as client:
        answer = client.post("/api/v1/connections/check", json=body)
        assert answer.status_code == (200 if status == 201 else status), answer.text
        assert words in answer.text
        assert WORD not in answer.text
        assert client.get("/api/v1/connections").json() == []


def test_systems_and_connections_are_for_those_who_load(office: Office) -> None:
    for login, status in (("boss", 200), ("anna", 403)):
        with office.as_(login) as client:
            assert client.get("/api/v1/connections").status_code == status
            assert client.get("/api/v1/sources").status_code == status
    with office.served.client() as nobody:
        assert nobody.get("/api/v1/connections").status_code == 401
    with office.served.local() as client:
        unknown = client.post("/api/v1/connections", json={"source": "bitrx24", "title": "x", "settings": {}})
        assert (unknown.status_code, unknown.json()["did_you_mean"]) == (404, "bitrix24")
        for path in ("", "/runs"):
            assert client.get(f"/api/v1/connections/none{path}").status_code == 404


def test_a_server_killed_in_a_run_goes_on_where_it_was(fresh: Machine, portal: Portal) -> None:
    with slowed(portal, 0.15), fresh.served() as served, served.local() as client:
        connected(client, portal)
        began = monotonic()
        while not (told := client.get("/api/v1/connections/bitrix24/runs").json()) or told[0]["done"] < 200:
            assert monotonic() - began < 60, told
            sleep(0.05)
        asked = len(portal.requests)
        served.kill()
    with fresh.served() as served, served.local() as client:
        run = finished(client)
        assert (run["status"], run["attempt"]) == ("done", 1)
        assert deals(client) == truth(portal)
    assert len(portal.requests) - asked < 60


def test_a_run_that_is_stopped_pauses_the_connection_and_goes_on_later(fresh: Machine, portal: Portal) -> None:
    with fresh.served() as served, served.local() as client:
        with slowed(portal, 0.3):
            connected(client, portal)
            began = monotonic()
            while (
                not (told := client.get("/api/v1/connections/bitrix24/runs").json()) or told[0]["status"] != "fetching"
            ):
                assert monotonic() - began < 60, told
                sleep(0.05)
            stopped = client.delete("/api/v1/connections/bitrix24/runs").json()
            assert stopped["is_paused"]
            assert finished(client)["status"] == "cancelled"
        busy = client.post("/api/v1/connections/bitrix24/runs", json={"kind": "period", "from_day": "2026-05-01"})
        assert busy.status_code == 422
        assert client.post("/api/v1/connections/bitrix24/runs", json={}).status_code == 202
        run = finished(client)
        assert (run["status"], run["attempt"]) == ("done", 2)
        assert deals(client) == truth(portal)


def test_a_refused_webhook_is_told_and_tried_rarely(fresh: Machine, portal: Portal) -> None:
    with fresh.served() as served, served.local() as client:
        connected(client, portal)
        finished(client)
        portal.faults.revoked = True
        try:
            client.post("/api/v1/connections/bitrix24/runs", json={})
            run = finished(client, runs=2)
            state = client.get("/api/v1/connections/bitrix24", headers={"Accept-Language": "en"}).json()
        finally:
            portal.faults.revoked = False
        assert run["status"] == "failed"
        assert (state["health"], "Inbound webhook" in state["latest_run"]["error"]) == ("bad", True)
        client.post("/api/v1/connections/bitrix24/runs", json={})
        assert finished(client)["status"] == "done"


def test_a_command_killed_at_any_moment_ends_with_the_portals_numbers(fresh: Machine) -> None:
    """Without a server: fetching, loading and the cursor are cut wherever the kill falls; the next command goes on."""
    chance = random.Random(24)
    with Portal(deals=400, contacts=200, companies=60, leads=100, activities=500, calls=100) as portal:
        fresh.run("sources", "add", "bitrix24", "--title", "П", "--set", f"webhook={portal.url}")
        ended = 0
        with slowed(portal, 0.03):
            for _ in range(KILLS):
                process = Fork(
                    COMMAND,
                    ["sources", "sync", "bitrix24"],
                    environment=fresh.environment,
                    out=fresh.home.parent / "out",
                )
                try:
                    process.wait(chance.uniform(0, 2.5))
                    ended += 1
                    changed = chance.choice(list(portal.records["deal"]))
                    portal.change("deal", changed, OPPORTUNITY=f"{ended}00.50")
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(10)
        fresh.run("sources", "sync", "bitrix24")
        run = json.loads(fresh.run("sources", "sync", "bitrix24", "--full", "--format", "json"))
        assert run["status"] == "done"
        # A whole run after all of it finds nothing that had been lost or doubled.
        assert run["changed"] == 0, run
        told = json.loads(fresh.run("pivot", "deals_created", "--period", "all", "--format", "json"))
        assert told["rows"][0]["deals_created"] == truth(portal)


@contextmanager
def slowed(portal: Portal, seconds: float) -> Generator[None]:
    """Each answer of the portal takes so long."""
    portal.faults.on_request = lambda _method, _params: sleep(seconds)
    try:
        yield
    finally:
        portal.faults.on_request = None
