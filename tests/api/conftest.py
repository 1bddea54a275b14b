"""One server with a small company and people of different rights, for the tests that only ask."""

from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from offices import PEOPLE, Office
from processes import Machine, logged_in, small_company


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_company(tmp_path_factory.mktemp("files") / "company")


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Generator[Office]:
    machine = Machine(tmp_path_factory.mktemp("office") / "home")
    machine.run("load", str(files))
    machine.run_all([("user", "create", login, *rights) for login, rights in PEOPLE.items()])
    readers = {**{login: (login,) for login in PEOPLE}, "reader": ("boss", "--scope", "read")}
    said = machine.run_all([("token", "create", *arguments) for arguments in readers.values()])
    tokens = {name: printed.strip().rpartition(" ")[2] for name, printed in zip(readers, said, strict=True)}
    with machine.served() as served:
        yield Office(machine, served, tokens)


@pytest.fixture(scope="session")
def browser(office: Office) -> Generator[httpx.Client]:
    """The boss's session, the one-time password already replaced."""
    password = office.machine.run("user", "reset", "boss").partition("password ")[2].split()[0]
    with logged_in(office.served, "boss", password) as client:
        change_password(client, password, "лес-и-река-7731")
        yield client


def change_password(client: httpx.Client, old: str, new: str) -> None:
    client.get("/password")
    fields = {"old_password": old, "new_password1": new, "new_password2": new}
    answer = client.post("/password", data={**fields, "csrfmiddlewaretoken": client.cookies["csrftoken"]})
    assert answer.status_code == 302, answer.text[-1500:]
