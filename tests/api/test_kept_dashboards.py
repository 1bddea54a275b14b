"""A program keeps dashboards, reads their tiles, schedules them, and watches numbers, each within its caller's rows."""

import sqlite3
from typing import Any

import pytest

from offices import Office, rows

ASKED: dict[str, Any] = {
    "kind": "pivot",
    "metrics": ["deals_created"],
    "rows": ["manager"],
    "params": {"period": "all", "compare": "none"},
}
TILE = {
    "id": "managers",
    "place": {"x": 0, "y": 0, "w": 6, "h": 5},
    "content": {"kind": "question", "asked": ASKED, "view": "table"},
}


@pytest.fixture(scope="module")
def addresses(office: Office) -> None:
    with sqlite3.connect(office.machine.home / "state.sqlite") as state:
        state.execute("update state_user set email = login || '@firm.test'")


def test_a_dashboard_is_made_read_changed_shared_and_deleted(office: Office) -> None:
    with office.as_("boss") as boss, office.as_("anna") as anna, office.as_("reader") as reader:
        known = boss.get("/api/v1/dashboards").json()
        assert {item["id"] for item in known if item["is_ready"]} >= {"owner", "sales", "marketing", "service"}
        made = boss.post("/api/v1/dashboards", json={"title": "Утро", "tiles": [TILE]})
        assert made.status_code == 201, made.text
        address = f"/api/v1/dashboards/{made.json()['id']}"
        assert anna.get(address).status_code == 404
        assert boss.patch(address, json={"audience": "everyone"}).json()["audience"] == "everyone"
        assert anna.get(address).json()["title"] == "Утро"
        assert anna.patch(address, json={"title": "Моё"}).status_code == 403
        assert reader.patch(address, json={"title": "Моё"}).status_code == 403, "a key that reads changes nothing"
        every = rows(boss.get(f"{address}/tiles/managers/answer"))
        hers = rows(anna.get(f"{address}/tiles/managers/answer"))
        assert {row["manager_id"] for row in hers} == {"m1"} < {row["manager_id"] for row in every}
        narrowed = boss.get(f"{address}/tiles/managers/answer", params={"f.manager": "m2", "period": "all"})
        assert {row["manager_id"] for row in rows(narrowed)} == {"m2"}
        assert boss.get(f"{address}/tiles/no-such/answer").status_code == 404
        assert boss.patch(address, json={"title": "Половина", "tiles": [TILE, TILE]}).status_code == 422
        assert boss.get(address).json()["title"] == "Утро", "a refused change changes nothing"
        before = len(anna.get("/api/v1/dashboards").json())
        refused = anna.post("/api/v1/dashboards", json={"title": "Всем", "audience": "everyone"})
        assert refused.status_code == 403, "a manager does not share"
        assert len(anna.get("/api/v1/dashboards").json()) == before
        assert boss.patch(address, json={"tiles": []}).json()["tiles"] == []
        assert boss.delete(address).status_code == 204
        assert boss.get(address).status_code == 404
        assert boss.delete("/api/v1/dashboards/owner").status_code == 403, "a ready one belongs to everybody"


@pytest.mark.usefixtures("addresses")
def test_a_report_is_scheduled_changed_and_removed(office: Office) -> None:
    wanted = {"title": "Каждое утро", "asked": ASKED, "people": ["boss"], "frequency": "daily", "at": "08:30"}
    with office.as_("boss") as boss, office.as_("anna") as anna:
        made = boss.post("/api/v1/schedules", json=wanted)
        assert made.status_code == 201, made.text
        address = f"/api/v1/schedules/{made.json()['id']}"
        assert boss.get(address).json()["deliveries"] == []
        assert anna.get(address).status_code == 404
        monthly = {
            **wanted,
            "asked": None,
            "dashboard": "sales",
            "state": "period=all",
            "frequency": "monthly",
            "day": 31,
        }
        assert boss.put(address, json=monthly).json()["subject"] == {"dashboard": "sales", "state": "period=all"}
        for wrong, why in (
            ({"dashboard": "sales"}, "two subjects"),
            ({"asked": None}, "no subject"),
            ({"people": []}, "nobody"),
            ({"at": "25:99"}, "no such hour"),
            ({"files": ["exe"]}, "no such file"),
            ({"asked": None, "dashboard": "sales", "state": "period=never"}, "no such period"),
        ):
            assert boss.post("/api/v1/schedules", json={**wanted, **wrong}).status_code == 422, why
        assert boss.post("/api/v1/schedules", json={**wanted, "people": ["no-such"]}).status_code == 404
        refused = anna.post("/api/v1/schedules", json={**wanted, "people": ["boss"]})
        assert refused.status_code == 403, "to others only who may share"
        assert boss.delete(address).status_code == 204
        assert made.json()["id"] not in {item["id"] for item in boss.get("/api/v1/schedules").json()}


@pytest.mark.usefixtures("addresses")
def test_a_number_is_watched_changed_and_forgotten(office: Office) -> None:
    wanted = {"metric": "revenue", "condition": "below", "threshold": 5, "people": ["boss"], "title": "Мало"}
    with office.as_("boss") as boss:
        made = boss.post("/api/v1/alerts", json=wanted)
        assert made.status_code == 201, made.text
        address = f"/api/v1/alerts/{made.json()['id']}"
        assert boss.put(address, json={**wanted, "threshold": 7}).json()["threshold"] == 7
        assert boss.get(address).json()["deliveries"] is not None
        assert boss.post("/api/v1/alerts", json={**wanted, "threshold": None}).status_code == 422
        assert boss.post("/api/v1/alerts", json={**wanted, "metric": "no_such"}).status_code == 404
        assert boss.delete(address).status_code == 204
        assert made.json()["id"] not in {item["id"] for item in boss.get("/api/v1/alerts").json()}
