"""Files come in over the network, one load at a time, and a killed server finishes what it began."""

import sqlite3
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from held_loads import ORDERS, HeldFile, begun, finished, held_orders
from processes import Machine, Served, write_table


def upload(client: httpx.Client, *paths: Path) -> dict:
    answer = client.post("/api/v1/loads", files=[("files", (path.name, path.read_bytes())) for path in paths])
    assert answer.status_code == 202, answer.text
    return answer.json()


def order_count(client: httpx.Client) -> int:
    asked = {"metric": "sales", "period": "all", "basis": "orders", "compare": "none"}
    rows = client.get("/api/v1/pivot", params=asked).json()["rows"]
    return rows[0]["sales"] if rows else 0


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("loads") / "home")


@pytest.fixture(scope="module")
def served(machine: Machine) -> Generator[Served]:
    """One server for the tests whose loads do not meet."""
    with machine.served() as served:
        yield served


@pytest.fixture
def held(tmp_path: Path) -> HeldFile:
    return held_orders(tmp_path)


@pytest.fixture
def fresh(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "home")


def test_an_upload_is_loaded_counted_and_its_files_let_go(fresh: Machine, files: Path) -> None:
    with fresh.served() as served, served.local() as client:
        job = finished(client, upload(client, *sorted(files.glob("*.csv")))["id"])
        assert job["status"] == "done", job
        counts = {count["table"]: count for count in job["report"]["tables"]}
        assert counts["deals"]["inserted"] == 6
        assert counts["orders"]["quarantined"] == 1
        assert not list((fresh.home / "uploads").iterdir())
        assert client.get("/api/v1/quarantine").json()["total"] == 1
        assert client.get("/api/v1/loads").json()["jobs"][0]["id"] == job["id"]


def test_a_command_goes_through_the_server_that_owns_the_home(fresh: Machine, files: Path) -> None:
    with fresh.served() as served:
        report = fresh.json("load", str(files))
        assert {count["table"]: count["read"] for count in report["tables"]}["deals"] == 6
        through = [fresh.json(*asked) for asked in (("quarantine",), ("doctor",), ("loads",))]
        assert "deals" in fresh.run("template", "dealz", exit_code=2)
        assert "no_such" in fresh.run("pivot", "no_such", exit_code=2)
        fresh.run("rebuild")
        fresh.run("backup", str(fresh.home.parent / "copy"))
        assert served.process.poll() is None
    directly = [fresh.json(*asked) for asked in (("quarantine",), ("doctor",), ("loads",))]
    assert through == directly


def test_an_unknown_shape_waits_for_a_person(machine: Machine, served: Served, tmp_path: Path) -> None:
    rows = [{"ыфва": f"{n}", "йцук": f"слово {n}", "ячсм": f"{n}"} for n in range(5)]
    strange = write_table(tmp_path, "нечто", rows)
    with served.local() as client:
        job = finished(client, upload(client, strange)["id"])
        assert job["status"] == "needs_mapping", job
        assert job["unknown_files"] == ["нечто.csv"]
        said = machine.run("load", str(strange), exit_code=1)
        assert "нечто.csv" in said
        assert client.delete(f"/api/v1/loads/{job['id']}").json()["status"] == "cancelled"


STRANGE_LINES = "Абон;Дт;Начислено итого;Фаза\nРомашка;01.02.2026;1 000,50;сдано\nЛютик;02.02.2026;700;ждёт\n"


def test_a_program_confirms_a_mapping_and_the_load_goes_on(fresh: Machine, tmp_path: Path) -> None:
    strange = tmp_path / "начисления.csv"
    strange.write_text(STRANGE_LINES, encoding="cp1251")
    with fresh.served() as served, served.local() as client:
        job = finished(client, upload(client, strange)["id"])
        (proposed,) = client.get(f"/api/v1/loads/{job['id']}/mapping").json()["files"]
        assert proposed["file"] == "начисления.csv"
        columns = {column["column"]: column for column in proposed["columns"]}
        assert columns["Абон"]["samples"] == ["Ромашка", "Лютик"]
        assert all(0 <= column["confidence"] <= 1 for column in columns.values())
        orders = {
            "order_id": {"row_number": True},
            "ordered_at": "Дт",
            "customer_id": "Абон",
            "amount": "Начислено итого",
            "status": {"column": "Фаза", "replace": {"сдано": "done"}},
        }

        def confirm(**mapping: object) -> httpx.Response:
            files = [{"file": "начисления.csv", "mapping": mapping}]
            return client.post(f"/api/v1/loads/{job['id']}/mapping", json={"files": files})

        wrong = confirm(tables={"orders": {**orders, "amout": "Дт"}})
        assert wrong.status_code == 422
        assert "files[0].tables.orders.amout" in wrong.json()["detail"]
        lacking = confirm(tables={"orders": {"amount": "Начислено итого"}})
        assert lacking.status_code == 422
        assert "ordered_at" in lacking.json()["detail"]
        elsewhere = client.post(f"/api/v1/loads/{job['id']}/mapping", json={"files": [{"file": "другой.csv"}]})
        assert elsewhere.status_code == 404
        assert not list((fresh.home / "profiles").iterdir()), "a refused mapping was remembered"

        accepted = confirm(tables={"orders": orders}, currency="KZT")
        assert accepted.status_code == 202, accepted.text
        done = finished(client, job["id"])
        assert done["status"] == "done", done
        assert {count["table"]: count["inserted"] for count in done["report"]["tables"]} == {"orders": 2}
        assert client.get(f"/api/v1/loads/{job['id']}/mapping").json() == {"files": []}
        assert confirm(tables={"orders": orders}).status_code == 422, "a load that is done waits for nothing"

        again = tmp_path / "начисления-март.csv"
        again.write_text(STRANGE_LINES.replace(".02.", ".03."), encoding="cp1251")
        assert finished(client, upload(client, again)["id"])["status"] == "done"
        operations = client.get("/api/v1/openapi.json").json()["paths"]["/api/v1/loads/{job_id}/mapping"]
        assert set(operations) == {"get", "post"}


def test_a_proposal_is_confirmed_as_it_is(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "payments of may.csv"
    file.write_text(
        "Paid at;Sum paid;Payer;Colour\n2026-03-01;10,5;Fox;red\n2026-03-02;20;Cat;blue\n", encoding="utf-8"
    )
    with served.local() as client:
        job = finished(client, upload(client, file)["id"])
        assert job["status"] == "needs_mapping", job
        (proposed,) = client.get(f"/api/v1/loads/{job['id']}/mapping").json()["files"]
        guessed = {column["column"]: (column["table"], column["field"]) for column in proposed["columns"]}
        assert guessed["Sum paid"] == ("payments", "amount")
        assert guessed["Colour"] == (None, None)
        answer = client.post(f"/api/v1/loads/{job['id']}/mapping", json={"files": [{"file": "payments of may.csv"}]})
        assert answer.status_code == 202, answer.text
        done = finished(client, job["id"])
        assert {count["table"]: count["inserted"] for count in done["report"]["tables"]} == {"payments": 2}


def test_what_cannot_be_read_fails_with_words_and_without_a_path(
    machine: Machine, served: Served, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04" + bytes(100))
    with served.local() as client:
        job = finished(client, upload(client, broken)["id"])
        assert job["status"] == "failed"
        assert "broken.xlsx" in job["error"]
        assert str(machine.home) not in job["error"]
        assert client.post("/api/v1/loads", data={"profile": ""}).status_code == 422


def test_a_file_name_cannot_leave_its_folder(machine: Machine, served: Served, files: Path) -> None:
    content = (files / "customers.csv").read_bytes()
    with served.local() as client:
        answer = client.post("/api/v1/loads", files={"files": ("../../customers.csv", content)})
        assert finished(client, answer.json()["id"])["status"] == "done"
    assert not (machine.home / "customers.csv").exists()
    assert not (machine.home.parent / "customers.csv").exists()


def test_a_killed_server_finishes_the_load_at_its_next_start(fresh: Machine, held: HeldFile) -> None:
    with fresh.served() as served, served.local() as client:
        job = begun(client, held)
        served.kill()
    held.become_readable()
    with fresh.served() as served, served.local() as client:
        ended = finished(client, job["id"])
        assert ended["status"] == "done", ended
        assert order_count(client) == ORDERS


def test_a_load_can_be_cancelled_and_the_data_is_as_before(fresh: Machine, files: Path, held: HeldFile) -> None:
    fresh.run("load", str(files))
    with fresh.served() as served, served.local() as client:
        before = client.get("/api/v1/status").json()["data_version"]
        job = begun(client, held)
        waiting = client.post("/api/v1/local/loads", json={"paths": [str(files)]}).json()
        client.delete(f"/api/v1/loads/{job['id']}")
        assert client.get(f"/api/v1/loads/{waiting['id']}").json()["status"] == "received"
        held.become_readable()
        assert finished(client, job["id"])["status"] == "cancelled"
        assert finished(client, waiting["id"])["status"] == "done"
        assert client.get("/api/v1/status").json()["data_version"] == before


def test_a_polite_stop_during_a_load_is_quick_and_the_load_goes_on_later(fresh: Machine, held: HeldFile) -> None:
    with fresh.served() as served, served.local() as client:
        job = begun(client, held)
        assert served.stop() == 0
        assert not (fresh.home / "server.json").exists()
    held.become_readable()
    with fresh.served() as served, served.local() as client:
        assert finished(client, job["id"])["status"] == "done"
        assert order_count(client) == ORDERS


def test_a_second_server_is_refused_and_a_dead_one_is_not_in_the_way(fresh: Machine) -> None:
    with fresh.served() as served:
        mode = (fresh.home / "server.json").stat().st_mode & 0o777
        assert mode == 0o600
        said = fresh.run("serve", exit_code=1)
        assert served.url in said
        assert "demo" not in said
        assert served.url in fresh.run("demo", "--no-serve", "--customers", "10", exit_code=1)
        assert fresh.run("restore", str(fresh.home), "--yes", exit_code=1)
        served.kill()
    assert (fresh.home / "server.json").exists()
    assert fresh.json("loads") == []  # the command opens the home itself
    with fresh.served() as again:
        assert again.key != served.key
        assert again.stop() == 0
    assert not (fresh.home / "server.json").exists()


def test_the_state_survives_in_wal_with_its_migrations(machine: Machine, served: Served) -> None:
    with sqlite3.connect(machine.home / "state.sqlite") as state:
        assert state.execute("pragma journal_mode").fetchone() == ("wal",)
        assert state.execute("select role, scope_kind, must_change_password from state_user").fetchall() == [
            ("owner", "all", 1)
        ]
    assert (machine.home / "secret.key").stat().st_mode & 0o777 == 0o600
