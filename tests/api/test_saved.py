"""Can a program ask any question, and are kept reports everybody's question over everybody's own rows?"""

import json
from typing import Any

import httpx
import pytest

from offices import Office, rows

ASKED: dict[str, Any] = {
    "kind": "pivot",
    "metrics": ["deals_created", "revenue / deals_created"],
    "rows": ["manager"],
    "params": {"period": "all", "basis": "deals"},
}


def keep(client: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/saved", json={"title": "Сделки", "asked": ASKED, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def counts(response: httpx.Response) -> dict[str, int]:
    return {row["manager_id"]: row["deals_created"] for row in rows(response)}


def test_any_question_is_answered_over_the_callers_rows(office: Office) -> None:
    with office.as_("boss") as boss, office.as_("anna") as anna:
        assert counts(boss.post("/api/v1/ask", json={"asked": ASKED})) == {"m1": 4, "m2": 2}
        assert counts(anna.post("/api/v1/ask", json={"asked": ASKED})) == {"m1": 4}
        body = {"asked": ASKED, "cell": {"manager_id": "m2"}}
        assert boss.post("/api/v1/ask/members", json=body).json()["ids"] == ["d5", "d6"]
        assert anna.post("/api/v1/ask/members", json=body).json()["ids"] == []


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"metrics": ["revenue + deals_won"]}, 422),
        ({"metrics": ["revenu"]}, 404),
        ({"rows": ["amount"]}, 422),
        ({"rows": ["manager", "manager"]}, 422),
        ({"no_such": 1}, 422),
    ],
)
def test_a_wrong_question_is_a_problem_document(office: Office, wrong: dict[str, Any], status: int) -> None:
    with office.as_("boss") as boss:
        answer = boss.post("/api/v1/ask", json={"asked": {**ASKED, **wrong}})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_private_report_does_not_exist_for_others_and_a_shared_one_is_over_their_rows(office: Office) -> None:
    with office.as_("boss") as boss, office.as_("anna") as anna:
        kept = keep(boss)
        path = f"/api/v1/saved/{kept['id']}"
        assert anna.get(path).status_code == 404
        assert anna.get(f"{path}/answer").status_code == 404
        assert boss.patch(path, json={"audience": "link"}).json()["audience"] == "link"
        assert counts(anna.get(f"{path}/answer")) == {"m1": 4}
        assert counts(boss.get(f"{path}/answer")) == {"m1": 4, "m2": 2}
        assert kept["id"] not in {item["id"] for item in anna.get("/api/v1/saved").json()}
        boss.patch(path, json={"audience": "everyone"})
        assert kept["id"] in {item["id"] for item in anna.get("/api/v1/saved").json()}


def test_only_the_owner_changes_a_report_and_nobody_loses_a_version(office: Office) -> None:
    with office.as_("boss") as boss, office.as_("anna") as anna:
        path = f"/api/v1/saved/{keep(boss, audience='everyone')['id']}"
        wider = {**ASKED, "rows": ["department"]}
        for method, body in (("PATCH", {"title": "Моё"}), ("PATCH", {"asked": wider}), ("DELETE", None)):
            assert anna.request(method, path, json=body).status_code == 403
        assert boss.patch(path, json={"asked": wider}).json()["version"] == 2
        assert boss.patch(path, json={"asked": wider}).json()["version"] == 2
        back = boss.post(f"{path}/versions/1/restore").json()
        assert (back["version"], back["asked"]["rows"]) == (3, ["manager"])
        assert [item["number"] for item in boss.get(path).json()["versions"]] == [3, 2, 1]
        copy = anna.post(f"{path}/duplicate").json()
        assert (copy["owner"], copy["audience"], copy["version"]) == ("anna", "private", 1)
        assert boss.delete(path).status_code == 204
        assert boss.get(path).status_code == 404
        assert counts(anna.get(f"/api/v1/saved/{copy['id']}/answer")) == {"m1": 4}


def test_a_role_that_may_not_share_keeps_to_itself(office: Office) -> None:
    with office.as_("anna") as anna:
        path = f"/api/v1/saved/{keep(anna)['id']}"
        assert anna.patch(path, json={"audience": "everyone"}).status_code == 403
        assert anna.get(path).json()["audience"] == "private"
        before = anna.get("/api/v1/saved").json()
        kept = {"title": "Shared at once", "asked": anna.get(path).json()["asked"], "audience": "everyone"}
        assert anna.post("/api/v1/saved", json=kept).status_code == 403
        assert anna.patch(path, json={"title": "Renamed", "audience": "everyone"}).status_code == 403
        assert anna.get("/api/v1/saved").json() == before


def test_a_command_acts_for_a_person_through_the_server(office: Office) -> None:
    with office.as_("boss") as boss:
        mine, shared = keep(boss)["id"], keep(boss, audience="everyone")["id"]
    with office.as_("anna") as anna:
        assert anna.get(f"/api/v1/saved/{mine}/export").status_code == 404
        assert anna.get(f"/api/v1/saved/{shared}/export?kind=csv").text.count("\n") == 2
    as_anna, as_json = ("--as", "anna"), ("--format", "json")
    listed, shown, run, file, copied = office.machine.run_all(
        [
            ("reports", "list", *as_json, *as_anna),
            ("reports", "show", mine, *as_json, "--as", "boss"),
            ("reports", "run", shared, *as_json, *as_anna),
            ("reports", "run", shared, "--format", "csv", *as_anna),
            ("reports", "duplicate", shared, *as_anna),
        ]
    )
    hers = {report["id"] for report in json.loads(listed)}
    assert (shared in hers, mine in hers) == (True, False)
    assert json.loads(shown)["versions"][0]["by"] == "boss"
    assert [row["deals_created"] for row in json.loads(run)["rows"]] == [4]
    assert file.count("\n") == 2
    copy = copied.split()[-1]
    assert office.machine.run_all([("reports", "delete", copy, "--yes", *as_anna)])
    with office.served.local() as nobody:
        assert nobody.get("/api/v1/saved").status_code == 403
        assert nobody.get("/api/v1/saved", headers={"X-Rakurs-For": "no-such"}).status_code == 404
        assert nobody.get(f"/api/v1/saved/{mine}", headers={"X-Rakurs-For": ""}).status_code == 200
    with office.served.client(**{"X-Rakurs-For": "boss"}) as stranger:
        assert stranger.get("/api/v1/saved").status_code == 401
