"""Is a customer found by any of his records, and by no record of somebody else's?"""

from pathlib import Path

import pytest

from rakurs.app.home import Home
from rakurs.app.identities import customer_of, decide, part, records_of, state_of
from rakurs.app.inbox import Inbox, drain
from rakurs.app.rights import EVERYTHING, Scope
from rakurs.app.searching import found
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadParameter, UnknownName
from rakurs.sources import events

CUSTOMERS = [
    {"customer_id": "c1", "name": "Иванов Пётр", "phone": "+7 916 111-22-33", "created_at": "2025-01-01"},
    {"customer_id": "c2", "name": "Петров Илья", "phone": "+7 903 444-55-66", "email": "ilya@mail.ru", "created_at": "2025-02-01"},
    {"customer_id": "c3", "name": "Сидорова Анна", "created_at": "2025-03-01"},
]  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace.open(Home(tmp_path / "home"))
    box = Inbox(workspace.home.inbox)
    box.put([events.line_of("customers", row) for row in CUSTOMERS])
    drain(workspace, box)
    return workspace


def search(workspace: Workspace, text: str, scope: Scope = EVERYTHING) -> list[str]:
    with workspace.reading() as reader:
        return [item.id for item in found(reader, text, scope=scope)]


def test_a_customer_is_found_by_any_of_his_records(workspace: Workspace) -> None:
    with workspace:
        decide(workspace, "c1", "c2", "merge")
        assert state_of(workspace).customers == 2
        for text in ("Иванов", "9161112233", "c1", "Илья", "903 444-55-66", "ilya@mail", "c2"):
            assert search(workspace, text) == ["c1"], text
        blind = Scope(kind="all", sees_personal_data=False)
        assert search(workspace, "Илья", blind) == ["c1"]
        assert search(workspace, "903 444-55-66", blind) == []
        assert customer_of(workspace, "c2") == "c1"
        assert customer_of(workspace, "c1") is None
        assert [record["customer_id"] for record in records_of(workspace, "c1")] == ["c1", "c2"]
        assert part(workspace, "c2")
        assert search(workspace, "Илья") == ["c2"]
        assert records_of(workspace, "c1") == []
        assert customer_of(workspace, "c2") is None


def test_what_cannot_be_decided_is_said(workspace: Workspace) -> None:
    with workspace:
        with pytest.raises(UnknownName):
            decide(workspace, "c1", "c9", "merge")
        with pytest.raises(BadParameter):
            decide(workspace, "c1", "c1", "merge")
        with pytest.raises(UnknownName):
            part(workspace, "c1")
