"""A program finds a person, takes what is known, erases him while people read, and sets how long data is kept."""

import io
import json
import threading
import time
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from leftovers import left_of
from offices import PEOPLE, Office
from processes import Machine, small_company, write_table
from routes import script

HIS_WORDS = ("Кочетков", "9161234567", "kochet@mail.ru")


@pytest.fixture
def house(tmp_path: Path) -> Generator[Office]:
    """The small company, a person with a phone in it, and keys that may and may not administer."""
    machine = Machine(tmp_path / "home")
    files = small_company(tmp_path / "files")
    people = [
        {"customer_id": f"c{number}", "name": f"Клиент {number}", "phone": "", "email": ""} for number in range(2, 7)
    ]
    him = {"customer_id": "c1", "name": "Кочетков Пётр", "phone": "+7 916 123-45-67", "email": "kochet@mail.ru"}
    write_table(files, "customers", [him, *people])
    machine.run("load", str(files))
    machine.run_all([("user", "create", login, *PEOPLE[login]) for login in ("boss", "anna", "analyst")])
    asked = {
        "boss": ("boss", "--scope", "administer", "--scope", "export"),
        "reader": ("boss",),
        "anna": ("anna",),
        "analyst": ("analyst",),
    }
    said = machine.run_all([("token", "create", *arguments) for arguments in asked.values()])
    tokens = {name: printed.strip().rpartition(" ")[2] for name, printed in zip(asked, said, strict=True)}
    with machine.served() as served:
        yield Office(machine, served, tokens)


def revenue(client: httpx.Client) -> Any:
    told = client.get("/api/v1/pivot", params={"metric": "revenue", "by": "month", "period": "all", "basis": "orders"})
    assert told.status_code == 200, told.text
    return told.json()["rows"]


def erased(client: httpx.Client, erasure: str) -> dict[str, Any]:
    for _ in range(600):
        told = next(item for item in client.get("/api/v1/privacy/erasures").json() if item["erasure"] == erasure)
        if told["done_at"] is not None:
            return told
        assert told["left"] == [], told
        time.sleep(0.1)
    raise AssertionError("the erasure does not end")


def test_a_person_is_erased_while_others_read(house: Office) -> None:
    him = {"who": "8 (916) 123-45-67"}
    routes = (
        ("person", him),
        ("person/export", him),
        ("erasures", him),
        ("erasures/let-in", {"erasure": "x"}),
        ("retention/preview", {"months": {}}),
        ("retention/apply", None),
    )
    for who in ("anna", "analyst", "reader"):
        with house.as_(who) as client:
            for path, body in routes:
                assert client.post(f"/api/v1/privacy/{path}", json=body).status_code == 403, (who, path)
            assert client.get("/api/v1/privacy/erasures").status_code == 403
            assert client.patch("/api/v1/privacy/retention", json={"months": {}}).status_code == 403
    with house.as_("boss") as boss, house.as_("reader") as reader:
        told = boss.post("/api/v1/privacy/person", json=him)
        assert told.status_code == 200, told.text
        assert (told.json()["customer_id"], told.json()["names"]) == ("c1", ["Кочетков Пётр"])
        assert {row["table"]: row["rows"] for row in told.json()["tables"]}["orders"] == 1
        assert boss.post("/api/v1/privacy/person", json={"who": "nobody"}).status_code == 404
        assert boss.post("/api/v1/privacy/person", json={"who": "c1", "with": 1}).status_code == 422
        archive = boss.post("/api/v1/privacy/person/export", json=him)
        with zipfile.ZipFile(io.BytesIO(archive.content)) as packed:
            assert json.loads(packed.read("everything.json"))["records"] == ["c1"]
        before = revenue(reader)
        assert before
        stopping, seen, failed = threading.Event(), [], []

        def read() -> None:
            with house.as_("reader") as client:
                while not stopping.is_set():
                    try:
                        seen.append(revenue(client))
                    except (AssertionError, httpx.HTTPError) as wrong:
                        failed.append(wrong)

        readers = [threading.Thread(target=read) for _ in range(2)]
        for thread in readers:
            thread.start()
        answer = boss.post("/api/v1/privacy/erasures", json=him)
        assert answer.status_code == 202, answer.text
        done = erased(boss, answer.json()["erasure"])
        stopping.set()
        for thread in readers:
            thread.join()
        assert failed == []
        assert len(seen) > 3
        assert all(rows == before for rows in seen)
        assert (done["by"], done["with_deals"]) == ("boss", False)
        assert any("backups" in words or "копиях" in words for words in done["left"])
        assert boss.post("/api/v1/privacy/person", json=him).status_code == 404
        assert boss.post("/api/v1/privacy/erasures/let-in", json={"erasure": "nobody"}).status_code == 404
        # A program that sends him row by row does not bring him back.
        row = {"customer_id": "c1", "name": "Кочетков Пётр", "phone": "+79161234567"}
        with house.served.local() as local:
            assert local.post("/api/v1/rows/customers", json=row).status_code == 202
            for _ in range(100):
                time.sleep(0.1)
                if not list((house.machine.home / "inbox").glob("*.events")):
                    break
        audit = json.loads(house.machine.run("audit", "--deed", "person erased", "--format", "json"))
        assert [(line["who"], line["subject"]) for line in audit] == [("boss", done["erasure"])]
    house.served.stop()
    assert left_of(house.machine.home, *HIS_WORDS) == []


BLIND = """
import json
from rakurs.state.opening import open_state
open_state()
from rakurs.app.accounts import new_token
from rakurs.state.models import OwnRole, User
role = OwnRole.objects.create(name="blind", deeds=["read", "export", "share", "load", "administer"])
user = User.objects.create_user("blind", "a-password-of-a-test", role=role.key, scope_kind="all")
print(json.dumps(new_token(user, name="blind", scopes=["read", "load", "export", "administer"])[1]))
"""


def test_whoever_sees_no_personal_data_gets_no_cell_of_a_file_and_no_own_field(house: Office, tmp_path: Path) -> None:
    house.tokens["blind"] = script(house.machine, BLIND)
    deal = {"deal_id": "d9", "created_at": "2026-01-01", "customer_id": "c1", "Чужой телефон": "+7 916 123-45-67"}
    house.machine.run("load", str(write_table(tmp_path / "own", "deals", [deal])))
    new = tmp_path / "people.csv"
    new.write_text("Кто;Куда звонить\nКочетков Пётр;+7 916 123-45-67\n", encoding="utf-8")
    with house.as_("blind") as blind, house.as_("reader") as reader:
        with new.open("rb") as file:
            job = reader.post("/api/v1/loads", files={"files": ("people.csv", file)}).json()["id"]
        while reader.get(f"/api/v1/loads/{job}").json()["status"] not in {"needs_mapping", "failed"}:
            time.sleep(0.1)
        assert "916 123-45-67" in reader.get(f"/api/v1/loads/{job}/mapping").text
        for path in (f"loads/{job}/mapping", "quarantine", "identities", "privacy/erasures", "privacy/retention"):
            assert blind.get(f"/api/v1/{path}").status_code == 403, path
        for path, body in (("privacy/person", {"who": "c1"}), ("privacy/erasures", {"who": "c1"})):
            assert blind.post(f"/api/v1/{path}", json=body).status_code == 403, path
        asked = {"metric": "deals_created", "by": "custom.Чужой телефон", "period": "all"}
        assert "916 123-45-67" in reader.get("/api/v1/pivot", params=asked).text
        assert "916" not in blind.get("/api/v1/pivot", params=asked).text


def test_a_command_goes_over_the_server(house: Office, tmp_path: Path) -> None:
    house.machine.run("person", "export", "c1", str(tmp_path / "his.zip"))
    assert zipfile.is_zipfile(tmp_path / "his.zip")
    told = house.machine.json("person", "erase", "c1", "--yes")
    assert told["done_at"] is not None
    assert house.machine.json("person", "resume")[0]["erasure"] == told["erasure"]
    house.machine.run("person", "let-in", told["erasure"])
    kept = house.machine.json("person", "retention", "--set", "calls=3", "--apply")
    assert kept["gone"] == []
    assert {kind["kind"]: kind["months"] for kind in kept["kinds"]}["calls"] == 3


def test_killed_with_the_server_it_goes_on_with_the_next_one(house: Office) -> None:
    with house.as_("boss") as boss:
        erasure = boss.post("/api/v1/privacy/erasures", json={"who": "c1"}).json()["erasure"]
        time.sleep(0.7)
    house.served.kill()
    with house.machine.served() as served, Office(house.machine, served, house.tokens).as_("boss") as boss:
        assert erased(boss, erasure)["raw_rows"] >= 0
        served.stop()
    assert left_of(house.machine.home, *HIS_WORDS) == []


def test_times_are_set_and_what_is_past_goes(house: Office) -> None:
    with house.as_("boss") as boss:
        settings = boss.get("/api/v1/privacy/retention").json()
        assert [kind["months"] for kind in settings["kinds"]] == [None] * 6
        assert settings["past"] == []
        for wrong, status in (({"letters": 3}, 404), ({"calls": 0}, 422), ({"calls": 9999}, 422)):
            assert boss.patch("/api/v1/privacy/retention", json={"months": wrong}).status_code == status, wrong
        told = boss.post("/api/v1/privacy/retention/preview", json={"months": {"journals": 1}}).json()
        assert [item["kind"] for item in told] == ["journals"]
        assert boss.get("/api/v1/privacy/retention").json()["kinds"][5]["months"] is None
        kept = boss.patch("/api/v1/privacy/retention", json={"months": {"journals": 12, "words": 24}}).json()
        assert {kind["kind"]: kind["months"] for kind in kept["kinds"] if kind["months"]} == {
            "journals": 12,
            "words": 24,
        }
        assert boss.post("/api/v1/privacy/retention/apply").json() == []
