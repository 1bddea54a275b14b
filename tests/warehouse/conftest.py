from collections.abc import Iterator
from pathlib import Path

import pytest

from rakurs.warehouse.warehouse import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse.open(tmp_path / "home", timezone="Europe/Moscow", currency="RUB", memory_limit="500MB")
    yield opened
    opened.close()
