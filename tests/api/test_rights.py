"""Nobody gets in without a key, nobody sees beyond their rows, and no key leaks."""

import re
import sqlite3
from hashlib import sha256

import httpx
import pytest

from offices import PEOPLE, Office, rows
from processes import Machine, logged_in


def paths(office: Office) -> list[tuple[str, str]]:
    with office.served.local() as client:
        schema = client.get("/api/v1/openapi.json").json()
    return [
        (method.upper(), re.sub(r"{[^}]+}", "x", path)) for path, item in schema["paths"].items() for method in item
    ]


def test_every_route_asks_who_is_there(office: Office) -> None:
    known = paths(office)
    assert len(known) > 60
    with office.served.client() as client:
        for method, path in [*known, ("GET", "/api/v1/openapi.json"), ("GET", "/api/v1/analyses/x/answer")]:
            answer = client.request(method, path)
            assert answer.status_code == 401, (method, path, answer.status_code)
            assert answer.headers["content-type"] == "application/problem+json"
            assert "Bearer" in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer rk_wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic Ym9zczpib3Nz"},
        {"X-Rakurs-Key": "wrong"},
        {"X-Rakurs-Key": ""},
        {"Cookie": "sessionid=wrong"},
    ],
)
def test_a_wrong_key_opens_nothing(office: Office, headers: dict[str, str]) -> None:
    with office.served.client(**headers) as client:
        assert client.get("/api/v1/analyses").status_code == 401


def test_every_page_but_health_and_login_asks_for_a_login(office: Office) -> None:
    with office.served.client() as client:
        assert client.get("/health").text == "ok"
        for path in ("/", "/data/", "/account/", "/reports/x/", "/no-such-page"):
            answer = client.get(path)
            assert answer.status_code in {302, 404}, path
            if answer.status_code == 302:
                assert answer.headers["location"].startswith("/login")


def total(office: Office, who: str) -> float | None:
    with office.as_(who) as client:
        asked = {"metric": "revenue", "period": "all", "basis": "deals", "compare": "none"}
        return sum(row["revenue"] or 0 for row in rows(client.get("/api/v1/pivot", params={**asked, "by": "manager"})))


def test_a_user_sees_the_rows_of_their_scope_only(office: Office) -> None:
    assert {who: total(office, who) for who in PEOPLE} == {
        "boss": 800,
        "anna": 300,
        "south": 500,
        "nobody": 0,
        "analyst": 800,
    }


def test_every_analysis_answers_within_the_scope(office: Office) -> None:
    with office.as_("boss") as boss, office.as_("nobody") as nobody:
        for line in boss.get("/api/v1/analyses").json():
            path = f"/api/v1/analyses/{line['name']}/answer"
            everything = boss.get(path).json()["passport"]["inputs"]
            nothing = nobody.get(path).json()
            owned = {item["table"]: item["rows"] for item in nothing["passport"]["inputs"]}
            for item in everything:
                if item["table"] in {"sales", "deal_outcomes", "deal_stages", "stage_visits", "sale_lines"}:
                    assert owned[item["table"]] == 0, (path, item)
            assert "Клиент" not in str(nothing["rows"])


def test_loading_and_quarantine_take_the_right_to_load(office: Office) -> None:
    for who, allowed in {"boss": 200, "analyst": 200, "anna": 403, "south": 403, "reader": 403}.items():
        with office.as_(who) as client:
            for path in ("/api/v1/quarantine", "/api/v1/loads"):
                assert client.get(path).status_code == allowed, (who, path)
    with office.as_("anna") as client:
        answer = client.post("/api/v1/loads", files={"files": ("deals.csv", b"deal_id,created_at\n1,2026-01-01\n")})
        assert answer.status_code == 403
    for who, expected in {"boss": 404, "anna": 403, "reader": 403}.items():
        with office.as_(who) as client:
            body = {"files": [{"file": "deals.csv"}]}
            assert client.get("/api/v1/loads/unknown/mapping").status_code == expected, who
            assert client.post("/api/v1/loads/unknown/mapping", json=body).status_code == expected, who


def test_local_upkeep_is_closed_to_tokens_and_sessions(office: Office, browser: httpx.Client) -> None:
    with office.as_("boss") as boss:
        for client in (boss, browser):
            assert client.get("/api/v1/local/doctor").status_code == 401


def test_tokens_are_kept_as_hashes_and_appear_in_no_log(office: Office) -> None:
    with office.as_("boss") as client:
        assert client.get("/api/v1/me").json()["login"] == "boss"
    everything = office.served.printed + "".join(
        path.read_bytes().decode("utf-8", "replace")
        for path in office.machine.home.iterdir()
        if path.is_file() and path.name != "server.json"
    )
    for text in office.tokens.values():
        assert text not in everything
    assert office.served.key not in everything
    with sqlite3.connect(office.machine.home / "state.sqlite") as state:
        digests = [row[0] for row in state.execute("select digest from state_apitoken")]
    assert {sha256(text.encode()).hexdigest() for text in office.tokens.values()} <= {*digests}
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)


def test_an_expired_or_closed_token_opens_nothing(office: Office, browser: httpx.Client) -> None:
    wanted = {"name": "robot", "days": 1}
    headers = {"X-CSRFToken": browser.cookies["csrftoken"]}
    assert browser.post("/api/v1/me/tokens", json=wanted).status_code == 403  # no CSRF token, no change
    made = browser.post("/api/v1/me/tokens", json=wanted, headers=headers).json()
    with office.served.client(Authorization=f"Bearer {made['token']}") as robot:
        assert robot.get("/api/v1/me").status_code == 200
        assert robot.get("/api/v1/me/tokens").status_code == 401  # a token sees and makes no tokens
        listed = browser.get("/api/v1/me/tokens").json()
        assert made["token"] not in str(listed)
        with sqlite3.connect(office.machine.home / "state.sqlite") as state:
            state.execute("update state_apitoken set expires_at = '2020-01-01' where id = ?", [made["id"]])
        assert robot.get("/api/v1/me").status_code == 401
        with sqlite3.connect(office.machine.home / "state.sqlite") as state:
            state.execute("update state_apitoken set expires_at = null where id = ?", [made["id"]])
        assert robot.get("/api/v1/me").status_code == 200
        assert browser.delete(f"/api/v1/me/tokens/{made['id']}", headers=headers).status_code == 204
        assert robot.get("/api/v1/me").status_code == 401


def test_one_cannot_close_anothers_token(office: Office, browser: httpx.Client) -> None:
    with sqlite3.connect(office.machine.home / "state.sqlite") as state:
        anna = state.execute(
            "select t.id from state_apitoken t join state_user u on u.id = t.owner_id where u.login = 'anna'"
        ).fetchone()[0]
    answer = browser.delete(f"/api/v1/me/tokens/{anna}", headers={"X-CSRFToken": browser.cookies["csrftoken"]})
    assert answer.status_code == 404
    with office.as_("anna") as client:
        assert client.get("/api/v1/me").status_code == 200


def test_a_one_time_password_opens_only_its_replacement(office: Office) -> None:
    office.machine.run("user", "create", "newcomer", "--role", "owner", "--scope", "all")
    password = office.machine.run("user", "reset", "newcomer").partition("password ")[2].split()[0]
    with logged_in(office.served, "newcomer", password) as client:
        assert client.get("/").headers["location"] == "/password"
        assert client.get("/api/v1/me").status_code == 403


def test_wrong_passwords_close_the_login_for_a_while(office: Office) -> None:
    office.machine.run("user", "create", "careless", "--role", "owner", "--scope", "all")
    password = office.machine.run("user", "reset", "careless").partition("password ")[2].split()[0]
    with office.served.client() as client:
        client.get("/login")
        token = client.cookies["csrftoken"]
        fields = {"username": "careless", "csrfmiddlewaretoken": token}
        for _ in range(5):
            client.post("/login", data={**fields, "password": "guess"})
        assert client.post("/login", data={**fields, "password": password}).status_code in {403, 429}


def test_the_pages_carry_a_strict_policy(office: Office, browser: httpx.Client) -> None:
    with office.served.client() as stranger:
        answers = [stranger.get("/login").headers, browser.get("/").headers]
    for headers in answers:
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-eval" not in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        for cookie in headers.get_list("set-cookie"):
            assert "samesite" in cookie.lower()
            assert "httponly" in cookie.lower() or cookie.startswith(("csrftoken", "django_language", "theme"))


def test_a_foreign_host_name_is_refused(office: Office) -> None:
    with office.served.client(Host="evil.example") as client:
        assert client.get("/login").status_code == 400


def test_the_first_start_makes_an_owner_once(tmp_path) -> None:
    machine = Machine(tmp_path / "home")
    with machine.served() as served:
        login, password = served.first_login
        with logged_in(served, login, password) as client:
            assert client.get("/").headers["location"] == "/password"
    with machine.served() as served:
        assert "one-time password" not in served.printed
        assert password not in served.printed


def test_a_reconciliation_tells_nothing_of_other_peoples_deals(office: Office) -> None:
    body = {"params": {"metric": "won_amount", "from_day": "2026-01-01", "to_day": "2026-01-31"}, "ids": "d1\nd5\nd9"}

    def reasons(who: str) -> dict[str, str]:
        with office.as_(who) as client:
            return {row["deal_id"]: row["reason"] for row in rows(client.post("/api/v1/reconcile", json=body))}

    # The boss sees that d9 was never loaded; to Anna it looks like Boris's d5.
    assert reasons("boss") == {"d2": "not_listed", "d9": "not_here"}
    assert reasons("anna") == {"d2": "not_listed", "d5": "not_visible", "d9": "not_visible"}
    assert reasons("nobody") == dict.fromkeys(("d1", "d5", "d9"), "not_visible")


def test_a_key_that_only_reads_changes_nothing_its_owner_keeps(office: Office, browser: httpx.Client) -> None:
    headers = {"X-CSRFToken": browser.cookies["csrftoken"]}
    report = {"title": "Моё", "asked": {"kind": "pivot", "metrics": ["revenue"], "rows": ["manager"]}}
    kept = browser.post("/api/v1/saved", json=report, headers=headers).json()["id"]
    segment = browser.post("/api/v1/segments", json={"title": "Моё", "ids": "c1"}, headers=headers).json()["id"]
    made = browser.post("/api/v1/me/tokens", json={"name": "reader", "scopes": ["read"]}, headers=headers).json()
    with office.served.client(Authorization=f"Bearer {made['token']}") as reader:
        assert reader.get(f"/api/v1/saved/{kept}/answer").status_code == 200
        assert reader.get(f"/api/v1/segments/{segment}").status_code == 200
        for method, address, body in (
            ("POST", "/api/v1/saved", report),
            ("PATCH", f"/api/v1/saved/{kept}", {"title": "Чужое"}),
            ("POST", f"/api/v1/saved/{kept}/duplicate", None),
            ("POST", f"/api/v1/saved/{kept}/versions/1/restore", None),
            ("DELETE", f"/api/v1/saved/{kept}", None),
            ("POST", "/api/v1/segments", {"title": "Ещё", "ids": "c1"}),
            ("PATCH", f"/api/v1/segments/{segment}", {"title": "Чужой"}),
            ("DELETE", f"/api/v1/segments/{segment}", None),
        ):
            answer = reader.request(method, address, json=body)
            assert answer.status_code == 403, (method, address, answer.text)
        assert reader.get(f"/api/v1/saved/{kept}").json()["title"] == "Моё"
    for address in (f"/api/v1/saved/{kept}", f"/api/v1/segments/{segment}"):
        assert browser.delete(address, headers=headers).status_code == 204
    assert browser.delete(f"/api/v1/me/tokens/{made['id']}", headers=headers).status_code == 204
