"""Who may log in is kept once, checked when it is written, and never in the clear."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from processes import Machine
from rakurs.app.home import Home
from rakurs.config.environment import Environment, secret_key
from rakurs.state.roles import DEED_HELP, DEED_TITLES, DEEDS, ROLES, SCOPES, Deed


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    found = Machine(tmp_path_factory.mktemp("people") / "home")
    found.run("user", "create", "Anna@Firm.RU", "--role", "head", "--scope", "department", "--department", "Юг")
    return found


def test_a_login_is_one_whatever_its_capitals(machine: Machine) -> None:
    assert "already exists" in machine.run("user", "create", "anna@firm.ru", "--scope", "all", exit_code=1)
    assert "anna@firm.ru" in machine.run("user", "reset", "ANNA@firm.ru")
    assert "anna@firm.ru" in machine.run("user", "list")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("reset", "ana@firm.ru"), 2, "anna@firm.ru"),
        (("create", "x", "--role", "king", "--scope", "all"), 2, "owner"),
        (("create", "x", "--scope", "own"), 2, "whose"),
        (("create", "x", "--scope", "branch", "--department", "Юг"), 2, "whose"),
        (("create", " ", "--scope", "all"), 2, "empty"),
    ],
)
def test_a_wrong_account_is_refused_in_words(
    machine: Machine, arguments: tuple[str, ...], exit_code: int, words: str
) -> None:
    assert words in machine.run("user", *arguments, exit_code=exit_code)


def test_a_token_of_nobody_or_of_an_unknown_scope_is_refused(machine: Machine) -> None:
    assert "anna@firm.ru" in machine.run("token", "create", "ana@firm.ru", exit_code=2)
    assert "read" in machine.run("token", "create", "anna@firm.ru", "--scope", "write", exit_code=2)
    assert machine.run("token", "close", "rk_nosuch", exit_code=2)


def test_passwords_are_kept_by_argon2_and_nowhere_in_the_clear(machine: Machine) -> None:
    password = machine.run("user", "reset", "anna@firm.ru").partition("password ")[2].split()[0]
    with sqlite3.connect(machine.home / "state.sqlite") as state:
        ((kept,),) = state.execute("select password from state_user").fetchall()
    assert kept.startswith("argon2$argon2id$")
    for path in machine.home.glob("*"):
        if path.is_file():
            assert password.encode() not in path.read_bytes()


def test_what_people_did_is_written_down(machine: Machine) -> None:
    with sqlite3.connect(machine.home / "state.sqlite") as state:
        deeds = {row[0] for row in state.execute("select deed from state_auditevent")}
    assert {"user", "password reset"} <= deeds


def test_migrations_stand_for_the_models(machine: Machine) -> None:
    command = [sys.executable, "-m", "django", "makemigrations", "--check", "--dry-run"]
    environment = {**machine.environment, "DJANGO_SETTINGS_MODULE": "rakurs.config.settings"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_in_the_settings_worries_django(machine: Machine) -> None:
    command = [sys.executable, "-m", "django", "check", "--fail-level", "WARNING"]
    environment = {**machine.environment, "DJANGO_SETTINGS_MODULE": "rakurs.config.settings"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_home_and_its_secret_are_closed_to_others(machine: Machine) -> None:
    assert machine.home.stat().st_mode & 0o777 == 0o700
    assert (machine.home / "secret.key").stat().st_mode & 0o777 == 0o600


def test_the_secret_is_made_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").ensured()
    assert secret_key(home) == secret_key(home)
    assert len(secret_key(home)) > 50


def test_a_public_address_closes_cookies_to_https_and_opens_its_host(tmp_path: Path) -> None:
    def environment(public_url: str | None) -> Environment:
        return Environment(home=Home(tmp_path), state_url=None, public_url=public_url, language="ru")

    assert not environment(None).is_https
    assert environment("https://rakurs.example.com").is_https
    assert "rakurs.example.com" in environment("https://rakurs.example.com").hosts


def test_only_the_owner_administers_and_every_role_reads() -> None:
    assert set(DEEDS) == set(ROLES)
    assert [role for role, deeds in DEEDS.items() if "administer" in deeds] == ["owner"]
    assert all("read" in deeds for deeds in DEEDS.values())
    assert set(DEED_TITLES) == set(DEED_HELP) == set(get_args(Deed)) == DEEDS["owner"]
    assert set(SCOPES) == {"all", "branch", "department", "own"}
