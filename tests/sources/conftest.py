from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rakurs.sources.files import Inspected, Profile, inspect
from sources.demo_company import CUSTOMERS, Company, made
from sources.reading import Rows, rows_of


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(name: str, content: str | bytes, *, encoding: str = "utf-8") -> Path:
        path = tmp_path / "given" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        return path

    return written


@pytest.fixture
def one(scratch: Path) -> Callable[..., Inspected]:
    def inspected(path: Path, *profiles: Profile) -> Inspected:
        (found,) = inspect(path, profiles=profiles, scratch=scratch)
        return found

    return inspected


@pytest.fixture
def rows() -> Callable[[Inspected], Rows]:
    return lambda inspected: rows_of(inspected.scan)


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("demo")
    made_company = Company(folder, made(folder, customers=CUSTOMERS))
    yield made_company
    made_company.connection.close()
