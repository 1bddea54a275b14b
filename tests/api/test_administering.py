"""Who looked at what, who may log in, what is true of the company: asked by programs and by the people themselves."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from offices import Office


@pytest.fixture(scope="module")
def administrator(office: Office) -> Iterator[httpx.Client]:
    said = office.machine.run("token", "create", "boss", "--scope", "administer")
    with office.served.client(Authorization=f"Bearer {said.strip().rpartition(' ')[2]}") as client:
        yield client


def lines(administrator: httpx.Client, **asked: str) -> list[dict[str, Any]]:
    answer = administrator.get("/api/v1/audit", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["events"]
    return found


def sent(browser: httpx.Client, address: str, **fields: str) -> httpx.Response:
    return browser.post(address, data={**fields, "csrfmiddlewaretoken": browser.cookies["csrftoken"]})


@pytest.mark.parametrize("who", ["boss", "analyst", "anna", "reader"])
@pytest.mark.parametrize("path", ["audit", "users", "company"])
def test_only_a_key_that_administers_is_answered(office: Office, who: str, path: str) -> None:
    with office.as_(who) as client:
        assert client.get(f"/api/v1/{path}").status_code == 403
        changing = client.patch if path == "company" else client.post
        assert changing(f"/api/v1/{path}", json={"login": "x", "name": "x"}).status_code in {403, 405}


def test_a_key_that_administers_does_nothing_else(administrator: httpx.Client) -> None:
    assert administrator.get("/api/v1/analyses").status_code == 403


@pytest.mark.parametrize(
    ("deed", "subject", "address"),
    [
        ("answer", "funnel", "/reports/funnel/?period=all"),
        ("dashboard", "sales", "/dashboards/sales/"),
        ("card", "customers/c1", "/customers/c1/"),
        ("answer", "builder", "/build/?m=deals_created&r=manager&period=all"),
    ],
)
def test_a_look_is_one_line_a_minute_however_often_the_page_is_asked_for(
    browser: httpx.Client, administrator: httpx.Client, deed: str, subject: str, address: str
) -> None:
    def looks() -> int:
        return len([line for line in lines(administrator, deed=deed, who="boss") if line["subject"] == subject])

    before = looks()
    for _ in range(5):
        assert browser.get(address).status_code == 200
    assert 1 <= looks() - before <= 2, "five looks within seconds: one line, two when a minute ended between"


def test_the_audit_is_asked_by_person_deed_text_and_day_and_paged(administrator: httpx.Client) -> None:
    first = administrator.get("/api/v1/audit", params={"limit": 1}).json()
    second = administrator.get("/api/v1/audit", params={"limit": 1, "offset": 1}).json()
    assert first["total"] > 1
    assert (len(first["events"]), len(second["events"])) == (1, 1)
    assert first["events"] != second["events"]
    assert {line["deed"] for line in lines(administrator, deed="token")} == {"token"}
    assert lines(administrator, text="no such subject") == []
    assert lines(administrator, to_day="2020-01-01") == []
    assert administrator.get("/api/v1/audit", params={"from_day": "yesterday"}).status_code == 422


def test_an_account_is_made_once_and_its_password_shown_once(administrator: httpx.Client) -> None:
    wanted = {"login": "New@Firm.ru", "name": "Новый", "role": "head", "scope": "branch", "branch": "Тула"}
    made = administrator.post("/api/v1/users", json=wanted)
    assert made.status_code == 201, made.text
    assert made.json()["login"] == "new@firm.ru"
    (known,) = [user for user in administrator.get("/api/v1/users").json() if user["login"] == "new@firm.ru"]
    assert (known["role"], known["scope"], known["branch"]) == ("head", "branch", "Тула")
    assert made.json()["password"] not in administrator.get("/api/v1/users").text
    assert made.json()["password"] not in administrator.get("/api/v1/audit").text
    assert administrator.post("/api/v1/users", json=wanted).status_code == 422
    assert administrator.post("/api/v1/users", json={**wanted, "login": "y", "role": "king"}).status_code == 422
    assert administrator.post("/api/v1/users", json={"login": "z", "scope": "own"}).status_code == 422


def test_settings_change_by_name_and_a_wrong_one_changes_nothing(administrator: httpx.Client) -> None:
    before = administrator.get("/api/v1/company").json()["settings"]
    for wrong in ({"currency": "rubles"}, {"timezone": "Mars/Base"}, {"fiscal_year_start": 13}, {"no_such": 1}):
        answer = administrator.patch("/api/v1/company", json={"name": "Другая", **wrong})
        assert answer.status_code == 422, answer.text
        assert next(iter(wrong)) in answer.text
    assert administrator.get("/api/v1/company").json()["settings"] == before
    changed = administrator.patch("/api/v1/company", json={"name": "Ракурс"})
    assert changed.status_code in {200, 202}
    assert administrator.get("/api/v1/company").json()["settings"] == {**before, "name": "Ракурс"}
    (line,) = [line for line in lines(administrator, deed="company changed") if line["subject"] == "name"]
    assert line["detail"] == {"name": {"before": before["name"], "after": "Ракурс"}}


def test_everybody_sets_their_own_name_and_address(browser: httpx.Client, administrator: httpx.Client) -> None:
    refused = sent(browser, "/account/profile", name="Босс", email="not an address")
    assert refused.status_code == 422
    assert "not an address" in refused.text
    assert sent(browser, "/account/profile", name=" Босс  Фирмы ", email="boss@firm.ru").status_code == 302
    page = browser.get("/account/").text
    assert 'value="Босс Фирмы"' in page
    assert 'value="boss@firm.ru"' in page
    line = lines(administrator, deed="profile changed")[0]
    assert line["detail"]["after"] == {"name": "Босс Фирмы", "email": "boss@firm.ru"}
    assert sent(browser, "/account/profile", name="", email="").status_code == 302


def test_the_terminal_invites_and_reads_the_audit(office: Office) -> None:
    said = office.machine.run("user", "invite", "guest@firm.ru", "--scope", "all", "--site", "https://firm.ru/")
    link = said.strip().rpartition(" ")[2]
    assert link.startswith("https://firm.ru/join/")
    with office.served.client() as guest:
        assert "guest@firm.ru" in guest.get("/join/" + link.rpartition("/")[2]).text
    assert "Invited" in office.machine.run("audit", "--text", "guest@firm.ru")
    (line,) = office.machine.json("audit", "--deed", "invited", "--text", "guest@firm.ru")
    assert line["detail"]["scope_kind"] == "all"
    assert link.rpartition("/")[2] not in office.machine.run("audit")
