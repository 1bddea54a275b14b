"""Somebody lets Rakurs into a system in a browser: sent there with a one-time word, back with a code, and only the same session may."""

import json
import subprocess
from collections.abc import Generator
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlencode

import httpx
import pytest

from api.conftest import change_password
from offices import Office
from processes import Machine, logged_in
from sources.consenting import ConsentingAccount, asked_on

ALLOWED = "/data/sources/allowed/"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Generator[Office]:
    """One of its own: rows of an account come into it."""
    machine = Machine(tmp_path_factory.mktemp("consent") / "home")
    with machine.served() as served:
        yield Office(machine, served, {})


@pytest.fixture(scope="module")
def browser(office: Office) -> Generator[httpx.Client]:
    login, password = office.served.first_login
    with logged_in(office.served, login, password) as client:
        change_password(client, password, "лес-и-река-7731")
        yield client


@pytest.fixture(scope="module")
def account(office: Office) -> Generator[ConsentingAccount]:
    with ConsentingAccount(leads=12, contacts=6, companies=3, calls=3, tasks=3) as found:
        found.back = f"{office.served.url}{ALLOWED}"
        yield found


def sent(client: httpx.Client, page: str, **fields: str) -> httpx.Response:
    return client.post(page, data={**fields, "csrfmiddlewaretoken": client.cookies["csrftoken"]})


def health(client: httpx.Client, name: str, wanted: str) -> dict:
    began = monotonic()
    while (told := client.get(f"/api/v1/connections/{name}").json())["health"] != wanted:
        assert monotonic() - began < 30, told
        sleep(0.1)
    return told


def test_an_account_is_let_in_and_followed(browser: httpx.Client, office: Office, account: ConsentingAccount) -> None:
    form = browser.get("/data/sources/new/amocrm/").text
    assert f'value="{account.back}"' in form
    made = sent(
        browser,
        "/data/sources/new/amocrm/",
        title="По согласию",
        every_minutes="60",
        address=account.url,
        client_id=account.client_id,
        client_secret=account.client_secret,
    )
    assert made.status_code == 302, made.text[-1500:]
    page = made.headers["Location"]
    shown = browser.get(page).text
    assert f'href="{page}allow"' in shown
    assert account.client_secret not in shown

    # Off to the system. An answer that repeats another word, or comes to another session, is not taken, and spends the word.
    went = browser.get(f"{page}allow")
    brought = account.agreed(went.headers["Location"])
    with office.served.client() as stranger:
        assert "/login" in stranger.get(ALLOWED, params=brought).headers["Location"]
    assert browser.get(ALLOWED, params={**brought, "state": "other"}).headers["Location"] == page
    assert browser.get(ALLOWED, params=brought).headers["Location"] == "/data/sources/"
    assert brought["code"] in account.codes
    again = browser.get(f"{page}allow").headers["Location"]
    assert asked_on(went.headers["Location"]) != asked_on(again)

    brought = account.agreed(again)
    assert browser.get(ALLOWED, params=brought).headers["Location"] == page
    told = health(browser, "amocrm", "good")
    assert told["settings"]["client_secret"] is True
    assert told["consent"] == {"allow": f"{page}allow", "is_allowed": True}
    assert browser.get("/api/v1/connections/amocrm/runs").json()[0]["fetched"] > 20

    # Shut out, the page says what to do; let in again, it goes on by itself.
    account.expire()
    account.faults.revoked = True
    assert browser.post("/api/v1/connections/amocrm/runs", json={}, headers=_csrf(browser)).status_code == 202
    assert "press “Allow” again" in health(browser, "amocrm", "bad")["latest_run"]["error"]
    account.faults.revoked = False
    account.expire()
    assert browser.get(ALLOWED, params=account.agreed(browser.get(f"{page}allow").headers["Location"])).is_redirect
    health(browser, "amocrm", "good")

    # No key shows anywhere: not on the page, in the API, in the audit, in the log, nor in a file that others may read.
    audit = browser.get("/api/v1/audit", params={"limit": 100}).text
    assert "connection allowed" in audit
    seen = [browser.get(page).text, json.dumps(told), audit, browser.get("/api/v1/connections").text]
    for secret in (account.client_secret, account.token, account.refresh_token, brought["code"]):
        assert not any(secret in text for text in seen)
    folder = office.machine.home / "connections" / told["id"]
    assert {(path.name, path.stat().st_mode & 0o777) for path in folder.glob("*.*")} >= {
        ("settings.json", 0o600),
        ("tokens.sqlite", 0o600),
    }

    moved_to_a_key_and_back(browser, account, page=page, folder=folder)

    # Another account's address: what this one allowed is forgotten before anything is sent there.
    change = {"settings": {"address": "http://other.example.com"}, "is_paused": True}
    assert browser.patch("/api/v1/connections/amocrm", json=change, headers=_csrf(browser)).status_code == 200
    assert not (folder / "tokens.sqlite").exists()
    assert sent(browser, f"{page}act", deed="remove").is_redirect


def moved_to_a_key_and_back(client: httpx.Client, account: ConsentingAccount, *, page: str, folder: Path) -> None:
    """The same records either way, so nothing is loaded anew."""
    by_key = {"settings": {"client_id": "", "token": account.token}}
    by_consent = {"settings": {"client_id": account.client_id, "client_secret": account.client_secret}}
    for change, has_tokens in ((by_key, False), (by_consent, True)):
        assert client.patch("/api/v1/connections/amocrm", json=change, headers=_csrf(client)).status_code == 200
        assert not (folder / "tokens.sqlite").exists()
        if has_tokens:
            client.get(ALLOWED, params=account.agreed(client.get(f"{page}allow").headers["Location"]))
        run = client.post("/api/v1/connections/amocrm/runs", json={}, headers=_csrf(client)).json()
        assert run["kind"] == "changes"
        health(client, "amocrm", "good")
        assert (folder / "tokens.sqlite").exists() == has_tokens


def test_only_who_may_load_lets_in(office: Office) -> None:
    with office.served.client() as nobody:
        for path in (ALLOWED, "/data/sources/x/allow"):
            assert "/login" in nobody.get(path).headers["Location"]


def _csrf(client: httpx.Client) -> dict[str, str]:
    return {"X-CSRFToken": client.cookies["csrftoken"]}


def test_an_account_is_let_in_on_the_command_line(office: Office, account: ConsentingAccount) -> None:
    """The browser may come back to an address that nobody serves: what it shows is pasted."""
    own = {"address": account.url, "client_id": account.client_id, "client_secret": account.client_secret}
    said = office.machine.run("sources", "add", "amocrm", *(f"--set={name}={value}" for name, value in own.items()))
    prefix = said.rpartition("sources allow ")[2].strip()
    account.back = "http://127.0.0.1/nowhere/"
    command = ("sources", "allow", prefix, "--back", account.back)
    with office.machine.start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        page = next(line for line in process.stdout if line.startswith("https://")).strip()
        told, _ = process.communicate(f"{account.back}?{urlencode(account.agreed(page))}\n", timeout=60)
    assert process.returncode == 0
    assert "127.0.0.1" in told
    assert account.token not in told
    office.machine.run("sources", "remove", prefix)
