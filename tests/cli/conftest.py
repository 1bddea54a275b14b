"""One loaded home for the tests that only read it, a fresh one for those that change it."""

from pathlib import Path

import pytest

from processes import Machine, small_company


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_company(tmp_path_factory.mktemp("files") / "company")


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Machine:
    machine = Machine(tmp_path_factory.mktemp("loaded") / "home")
    machine.run("load", str(files))
    return machine


@pytest.fixture
def fresh(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "home")
