"""Is a customer found by any of his records, and by no record of somebody else's?"""

import json
from pathlib import Path

import pytest

from rakurs.app.home import Home
from rakurs.app.identities import Pair, customer_of, decide, pair_document, pairs_to_judge, part, records_of, state_of
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


def test_weights_lead_from_chance_to_the_probability_of_the_pair() -> None:
    weights = {"phone": -3.0, "named": 10.0, "birth_date": 13.0}
    pair = Pair(left={}, right={}, rule="likeness", probability=0.8, weights=weights)
    chance, *evidence, all_told = pair.steps
    assert [step.name for step in evidence] == ["birth_date", "named", "phone"]
    assert [step.is_for for step in (chance, *evidence, all_told)] == [False, True, True, False, True]
    assert all_told.level == pytest.approx(2.0)  # four to one is two doublings
    assert chance.level == pytest.approx(2.0 - 20.0)
    levels = [chance.level, *(step.level for step in evidence)]
    assert [step.start for step in evidence] == levels[:-1]
    assert levels[-1] == pytest.approx(all_told.level)
    for certain in (0.0, 1.0):
        assert Pair(left={}, right={}, rule="likeness", probability=certain, weights={}).steps


def test_keys_that_join_nobody_surely_are_told_for_and_against(tmp_path: Path) -> None:
    own = [{"Адрес": "г. Тула, ул. Мира, 1", "КПП": "770701001"}, {"Адрес": "Тула, Лесная 2", "КПП": "770701001"}]
    shared = {"phone": "8 903 123-45-67", "email": "anna@mail.ru"}
    people = [
        {"customer_id": "a", "name": "Сидорова Анна", "created_at": "2025-01-01", **shared, **own[0]},
        {"customer_id": "b", "name": "Кузнецов Олег", "created_at": "2025-01-01", **shared, **own[1]},
    ]
    with Workspace.open(Home(tmp_path / "home")) as workspace:
        box = Inbox(workspace.home.inbox)
        at_home = {"created_at": "2025-01-01", "city": "Тула"}
        people += [
            {"customer_id": "c", "name": "Иванов Пётр", "address": "ул. Ленина, д. 5, кв. 7", **at_home},
            {"customer_id": "d", "name": "Петр Иванов", "Адрес доставки": "Ленина 5-7", **at_home},
        ]
        box.put([events.line_of("customers", row) for row in people])
        drain(workspace, box)
        assert state_of(workspace).by_rule == {"address": 2}
        [pair], _ = pairs_to_judge(workspace)
        assert [(step.name, step.is_for) for step in pair.steps] == [("phone", True), ("email", True), ("named", False)]
        assert (pair.left["address"], pair.left["kpp"]) == ("г. Тула, ул. Мира, 1", "770701001")
        told = pair_document(pair, "ru")
        assert [step["title"] for step in told["steps"]] == ["Телефон", "Почта", "Имя"]
        assert json.dumps(told, ensure_ascii=False)
