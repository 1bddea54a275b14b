"""A program keeps a set of customers: made, listed, opened, taken out, each within its caller's rows."""

import json
import sqlite3
from pathlib import Path
from time import monotonic, sleep

from offices import Office, rows
from processes import Machine


def test_a_program_makes_shares_and_takes_out_a_segment(office: Office) -> None:
    with office.as_("boss") as boss, office.as_("anna") as anna:
        made = boss.post("/api/v1/segments", json={"title": "Список", "ids": "c1\nc2\nc5\nc6\nnobody\n"})
        assert made.status_code == 201, made.text
        told = made.json()
        assert (told["size"], told["definition"]["unmatched"]) == (4, ["nobody"])
        address = f"/api/v1/segments/{told['id']}"
        assert anna.get(address).status_code == 404
        assert boss.patch(address, json={"audience": "everyone"}).json()["audience"] == "everyone"
        # Anna sees her own customers of it, in the count, the rows and the file.
        hers = anna.get(address).json()
        assert hers["size"] == 2
        assert "nobody" not in str(hers), "what a list did not find is its owner's to know"
        assert [row["customer_id"] for row in rows(anna.get(f"{address}/members"))] == ["c1", "c2"]
        assert b"c5" not in anna.get(f"{address}/export?kind=csv").content
        assert b"c5" in boss.get(f"{address}/export?kind=csv").content
        assert anna.patch(address, json={"title": "Моё"}).status_code == 403
        condition = {"field": "purchases", "operator": "between", "low": "1"}
        rule = {"kind": "filter", "where": [condition]}
        bought = boss.post("/api/v1/segments", json={"title": "Покупали", "definition": rule}).json()
        assert bought["size"] == 4
        rule["where"] = [{**condition, "low": "2"}]
        redefined = boss.patch(f"/api/v1/segments/{bought['id']}", json={"definition": rule, "is_living": False}).json()
        assert (redefined["size"], redefined["is_living"], redefined["title"]) == (0, False, "Покупали")
        rule["where"] = [condition]
        assert boss.patch(f"/api/v1/segments/{bought['id']}", json={"definition": rule}).json()["size"] == 4
        joined = {"kind": "combination", "all_of": [told["id"], bought["id"]]}
        both = boss.post("/api/v1/segments", json={"title": "Оба", "definition": joined}).json()
        assert both["size"] == 2
        assert boss.delete(address).status_code == 422
        assert boss.delete(f"/api/v1/segments/{both['id']}").status_code == 204
        listed = json.loads(office.machine.run("segments", "list", "--format", "json"))
        assert {item["title"]: item["size"] for item in listed} == {"Список": 4, "Покупали": 4}
        target = office.machine.home.parent / "segment.csv"
        office.machine.run("segments", "export", told["id"], str(target))
        assert "c6" in target.read_text(encoding="utf-8")
        assert boss.post("/api/v1/segments", json={"title": "Ничего"}).status_code == 422
        for one in (told, bought):
            assert boss.delete(f"/api/v1/segments/{one['id']}").status_code == 204


def test_any_question_can_be_asked_of_a_segments_customers_alone(office: Office) -> None:
    with office.as_("boss") as boss, office.as_("anna") as anna:
        whole = boss.get("/api/v1/analyses/customer_rating/answer").json()
        chosen = boss.post("/api/v1/segments", json={"title": "Двое", "ids": "c1\nc5\n"}).json()["id"]
        asked = {"customer_segment": chosen}
        rated = boss.get("/api/v1/analyses/customer_rating/answer", params=asked).json()
        assert (
            {row["customer_id"] for row in rated["rows"]}
            <= {"c1", "c5"}
            < {row["customer_id"] for row in whole["rows"]}
        )
        assert rated["passport"]["names"] == {chosen: "Двое"}
        assert {
            row["customer_id"] for row in rows(anna.get("/api/v1/analyses/customer_rating/answer", params=asked))
        } <= {"c1"}
        funnel = boss.get("/api/v1/analyses/funnel/answer", params=asked).json()
        first = funnel["rows"][0]
        behind = boss.get(
            "/api/v1/analyses/funnel/members",
            params={**asked, "cell": f"stage_id={first['stage_id']}"},
        ).json()
        assert behind["total_rows"] == first["deals"], behind
        every = boss.get("/api/v1/pivot", params={"metric": "deals_created", "period": "all"}).json()["rows"][0]
        of_two = boss.get("/api/v1/pivot", params={"metric": "deals_created", "period": "all", **asked}).json()["rows"][
            0
        ]
        assert 0 < of_two["deals_created"] < every["deals_created"]
        values = boss.get("/api/v1/dimensions/customer_segment/values").json()
        assert values == [{"value": chosen, "label": "Двое"}]
        living = {"kind": "cell", "asked": {"kind": "analysis", "name": "customer_rating", "params": asked}, "cell": {}}
        assert (
            boss.post("/api/v1/segments", json={"title": "Ж", "definition": living, "is_living": True}).status_code
            == 422
        )
        assert boss.delete(f"/api/v1/segments/{chosen}").status_code == 204
        gone = boss.get("/api/v1/analyses/customer_rating/answer", params=asked)
        assert gone.status_code == 404, "a deleted segment is told, never an answer of nobody"


def test_a_living_segment_is_counted_on_a_new_day_though_nobody_opens_it(tmp_path: Path, files: Path) -> None:
    machine = Machine(tmp_path / "home")
    machine.run("load", str(files))
    machine.run("user", "create", "boss", "--role", "owner", "--scope", "all")
    key = machine.run("token", "create", "boss").strip().rpartition(" ")[2]
    rule = {"kind": "filter", "where": [{"field": "purchases", "operator": "between", "low": "1"}]}
    with machine.served() as served, served.client(Authorization=f"Bearer {key}") as boss:
        living = {"title": "Живой", "definition": rule, "is_living": True}
        assert boss.post("/api/v1/segments", json=living).json()["size"] == 4

    def counted_on() -> str:
        with sqlite3.connect(machine.home / "state.sqlite") as state:
            return state.execute("select counted_on from state_segment").fetchone()[0]

    today = counted_on()
    with sqlite3.connect(machine.home / "state.sqlite") as state:
        state.execute("update state_segment set counted_on = '2000-01-01'")
    with machine.served():
        deadline = monotonic() + 60
        while counted_on() != today and monotonic() < deadline:
            sleep(0.2)
    assert counted_on() == today
