"""Users, loads and unfinished work in PostgreSQL: the same Rakurs, nothing of theirs in the home."""

from collections.abc import Generator
from pathlib import Path
from time import sleep

import psycopg
import pytest

from held_loads import ORDERS, begun, finished, held_orders
from processes import Machine, logged_in
from rakurs.app.home import Home
from rakurs.config.databases import jobs_database, state_database
from rakurs.core.errors import BadInput
from state.postgresql import PASSWORD, Cluster, running_cluster


@pytest.fixture(scope="module")
def cluster() -> Generator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


def test_a_killed_server_goes_on_from_postgresql(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.new_database("firm")
    machine = Machine(tmp_path / "home", settings={"RAKURS_STATE_URL": url})
    held = held_orders(tmp_path)
    with machine.served() as served:
        login, password = served.first_login
        with logged_in(served, login, password) as browser:
            assert browser.get("/password").status_code == 200
        with served.local() as client:
            job = begun(client, held)
            assert rows(url, "select status from dbos.workflow_status") == [("PENDING",)]
            served.kill()
    held.become_readable()
    with machine.served() as served, served.local() as client:
        assert "one-time" not in served.printed
        ended = finished(client, job["id"])
        assert ended["status"] == "done", ended
        assert {count["table"]: count["inserted"] for count in ended["report"]["tables"]} == {"orders": ORDERS}
        # A job is told to be done by its own work, a moment before that work is written down as ended.
        for _ in range(300):
            if (states := rows(url, "select status from dbos.workflow_status")) == [("SUCCESS",)]:
                break
            sleep(0.1)
        assert states == [("SUCCESS",)]
    assert rows(url, "select login, role from state_user") == [(login, "owner")]
    assert not list(machine.home.glob("*.sqlite*"))
    assert "pg_dump" in machine.run("backup", str(tmp_path / "copy"))


def test_commands_about_people_use_the_same_database(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.new_database("people")
    machine = Machine(tmp_path / "home", settings={"RAKURS_STATE_URL": url})
    machine.run("user", "create", "anna@firm.ru", "--role", "head", "--scope", "all")
    assert "already exists" in machine.run("user", "create", "ANNA@firm.ru", "--scope", "all", exit_code=1)
    assert rows(url, "select login, role from state_user") == [("anna@firm.ru", "head")]


@pytest.mark.parametrize("command", [("user", "list"), ("serve", "--port", "0")])
def test_a_database_that_does_not_answer_is_said_in_one_line(
    cluster: Cluster, tmp_path: Path, command: tuple[str, ...]
) -> None:
    machine = Machine(tmp_path / "home", settings={"RAKURS_STATE_URL": f"{cluster.url}/nowhere"})
    said = machine.run(*command, exit_code=1)
    assert "nowhere" in said
    assert "RAKURS_STATE_URL" in said
    assert PASSWORD not in said
    assert len(said.strip().splitlines()) == 1


def test_an_address_says_where_state_and_jobs_are(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert state_database(home, None)["NAME"] == str(home.state_file)
    assert jobs_database(home, None) == f"sqlite:///{home.jobs_file}"
    url = "postgres://us%40er:pa%3Ass@db:5433/rak%20urs?sslmode=require"
    found = state_database(home, url)
    assert [found[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        "us@er",
        "pa:ss",
        "db",
        "5433",
        "rak urs",
    ]
    assert found["OPTIONS"] == {"sslmode": "require"}
    assert jobs_database(home, url) == url.replace("postgres:", "postgresql:")


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/name", "u:secret@h", "postgresql://u:secret@h", "postgresql://u:secret@h:port/name"]
)
def test_an_address_that_is_none_is_refused_without_repeating_its_password(tmp_path: Path, url: str) -> None:
    for database in (state_database, jobs_database):
        with pytest.raises(BadInput, match="postgresql://user:password@host") as refused:
            database(Home(tmp_path), url)
        assert "secret" not in str(refused.value)


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()
