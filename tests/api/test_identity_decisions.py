"""A program and a command see which records are one customer, and say so; only who may load and see personal data."""

import json

from offices import Office


def customers(office: Office, login: str = "boss") -> int:
    with office.as_(login) as who:
        told = who.post("/api/v1/analyses/customer_rating/answer", json={"params": {"basis": "deals"}, "limit": 1})
        assert told.status_code == 200, told.text
        return int(told.json()["total_rows"])


def test_a_decision_changes_the_answers_and_is_taken_back(office: Office) -> None:
    before = customers(office)
    with office.as_("boss") as boss, office.as_("anna") as anna:
        told = boss.get("/api/v1/identities").json()
        assert told["records"] == told["customers"]
        assert (told["pairs"], told["waiting"]) == ([], 0)
        decision = {"left_id": "c1", "right_id": "c2", "kind": "merge"}
        assert anna.post("/api/v1/identities/decisions", json=decision).status_code == 403
        assert anna.get("/api/v1/identities").status_code == 403
        assert anna.post("/api/v1/identities/comparison").status_code == 403
        answer = boss.post("/api/v1/identities/decisions", json=decision)
        assert answer.status_code == 200, answer.text
        merged = answer.json()
        assert merged["changed"]
        assert merged["customers"] == merged["records"] - 1
        assert [(rule["rule"], rule["records"]) for rule in merged["by_rule"]] == [("person", 2)]
        assert customers(office) == before - 1
        assert not boss.post("/api/v1/identities/decisions", json=decision).json()["changed"]
        assert boss.post("/api/v1/identities/comparison").json()["customers"] == merged["customers"]
        listed = boss.post("/api/v1/segments", json={"title": "Список", "ids": "c1\nc2\n"}).json()
        assert (listed["size"], listed["definition"]["unmatched"]) == (1, []), "either record names the customer"
        assert boss.delete(f"/api/v1/segments/{listed['id']}").status_code == 204
        nobody = boss.post("/api/v1/identities/decisions", json={**decision, "right_id": "nobody"})
        assert nobody.status_code == 404
        assert "nobody" in nobody.text
        same = boss.post("/api/v1/identities/decisions", json={**decision, "right_id": "c1"})
        assert same.status_code == 422
    listed = json.loads(office.machine.run("identities", "list", "--format", "json"))
    assert listed["customers"] == listed["records"] - 1
    office.machine.run("identities", "never", "c2", "c1")
    assert customers(office) == before
    office.machine.run("identities", "merge", "c1", "c2")
    assert customers(office) == before - 1
    office.machine.run("identities", "forget", "c1", "c2")
    assert customers(office) == before
    audit = office.machine.run("audit", "--deed", "identity merge", "--format", "json")
    assert [line["subject"] for line in json.loads(audit)] == ["c1 c2", "c1 c2"]
