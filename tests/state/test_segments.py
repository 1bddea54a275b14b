"""Sets of customers: who is in, who came and went, what sets make together, and whose rights decide? By hand."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from effort import tries
from processes import write_table
from rakurs.app.home import Home
from rakurs.app.rights import EVERYTHING, Scope
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadInput, BadParameter, NotAllowed, UnknownName

TODAY = date(2026, 3, 31)
"""The last day of the archive: questions of it are asked on that day."""


def order(number: int, customer: str, day: str, amount: int, manager: str = "anna") -> dict[str, Any]:
    return {
        "order_id": f"o{number}",
        "ordered_at": day,
        "customer_id": customer,
        "amount": amount,
        "manager_id": manager,
    }


CUSTOMERS = [
    {"customer_id": "c1", "name": "Альфа", "region": "Центр", "kind": "company", "email": "Alfa@firm.ru", "phone": "+7 (495) 111-22-33", "Уровень": "золото"},
    {"customer_id": "c2", "name": "Бета", "region": "Центр", "kind": "person", "phone": "84951112244", "Уровень": "серебро"},
    {"customer_id": "c3", "name": "Гамма", "region": "Север", "kind": "person"},
    {"customer_id": "c4", "name": "Дельта", "region": "Север", "kind": "person"},
    {"customer_id": "c5", "name": "Не покупал", "region": "Центр", "kind": "person"},
]  # fmt: skip
ORDERS = [
    order(1, "c1", "2026-03-31 12:00", 1000),
    order(2, "c1", "2025-12-31 12:00", 500),
    order(3, "c2", "2026-03-01 12:00", 300),  # 30 days before the last day
    order(4, "c3", "2026-02-28 12:00", 300, "boris"),  # 31 days before it
    order(5, "c4", "2025-04-01 00:00", 100, "boris"),  # the first day of the window of 365
    order(6, "c4", "2025-03-31 23:59", 700, "boris"),  # the day before it
]
EMPLOYEES = [
    {"employee_id": "anna", "name": "Анна", "department": "Опт", "branch": "Центр"},
    {"employee_id": "boris", "name": "Борис", "department": "Розница", "branch": "Север"},
]
BORIS = Scope(kind="own", employee_id="boris")


@contextmanager
def company(folder: Path) -> Iterator[Workspace]:
    """A company of five customers, and Django on its own state."""
    for name, rows in (("customers", CUSTOMERS), ("orders", ORDERS), ("employees", EMPLOYEES)):
        write_table(folder / "files", name, rows)
    with Workspace.open(Home(folder / "home")) as workspace:
        workspace.load([folder / "files"], timezone="Europe/Moscow", currency="RUB")
        yield workspace


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Django in this process, its state in a folder of its own."""
    folder = tmp_path_factory.mktemp("segments")
    before = {name: os.environ.get(name) for name in ("RAKURS_HOME", "DJANGO_SETTINGS_MODULE")}
    os.environ.update({"RAKURS_HOME": str(folder / "home"), "DJANGO_SETTINGS_MODULE": "rakurs.config.settings"})
    Home(folder / "home").ensured()
    from rakurs.state.opening import open_state

    open_state()
    yield folder
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="module")
def workspace(state: Path) -> Iterator[Workspace]:
    with company(state) as opened:
        yield opened


@pytest.fixture(scope="module")
def people(state: Path) -> Any:
    from rakurs.app.accounts import new_user, user_named

    new_user("boss", role="owner", scope=EVERYTHING)
    new_user("boris", role="manager", scope=BORIS)
    return {name: user_named(name) for name in ("boss", "boris")}


def made(workspace: Workspace, owner: Any, definition: dict[str, Any], *, title: str = "Набор", **more: Any) -> Any:
    from rakurs.app.segment_definitions import definition_of
    from rakurs.app.segments import create_segment

    return create_segment(workspace, owner, definition_of(definition), title=title, **more)


def ids(
    workspace: Workspace, segment: Any, *, scope: Scope = EVERYTHING, show: Any = "now", since: Any = None
) -> list[str]:
    from rakurs.app.segment_facts import segment_members

    with workspace.reading() as reader:
        found = segment_members(
            reader, segment.id, show=show, scope=scope, today=workspace.today, since=since, limit=None
        )
    return found.table["customer_id"].to_pylist()


def where(field: str, operator: str = "in", **values: Any) -> dict[str, Any]:
    return {"kind": "filter", "where": [{"field": field, "operator": operator, **values}]}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (where("region", values=["Центр"]), ["c1", "c2", "c5"]),
        (where("last_days_ago", "between", high="30"), ["c1", "c2"]),  # 30 is in, 31 is not
        (where("last_days_ago", "between", low="31"), ["c3", "c4"]),
        (where("last_days_ago", "empty"), ["c5"]),
        (where("purchases", "between", low="2"), ["c1", "c4"]),
        (where("window_purchases", values=["1"]), ["c2", "c3", "c4"]),  # c4: the day before the window is out of it
        (where("window_revenue", "between", low="100", high="300"), ["c2", "c3", "c4"]),
        (where("revenue", "between", low="800"), ["c1", "c4"]),
        (where("first_days_ago", "between", low="365", high="365"), ["c4"]),
        (where("average_check", "between", low="750", high="750"), ["c1"]),
        (where("repeat_buyer", values=["yes"]), ["c1", "c4"]),
        (where("abc_class", values=["A"]), ["c1", "c2"]),  # 1500 of 2200 before c2: less than 75 %
        (where("rfm_segment", "given"), ["c1", "c2", "c3", "c4"]),
        (where("has_email", values=["yes"]), ["c1"]),
        (where("has_open_deal", values=["yes"]), []),
        (where("custom.Уровень", "contains", values=["ЗОЛ"]), ["c1"]),
        (where("custom.Уровень", "empty"), ["c3", "c4", "c5"]),
    ],
)
def test_customers_who_meet_a_condition(
    workspace: Workspace, people: Any, condition: dict[str, Any], expected: list[str]
) -> None:
    assert workspace.today == TODAY
    assert ids(workspace, made(workspace, people["boss"], condition)) == expected


def test_conditions_hold_together(workspace: Workspace, people: Any) -> None:
    both = {
        "kind": "filter",
        "where": [*where("region", values=["Центр"])["where"], *where("kind", values=["person"])["where"]],
    }
    assert ids(workspace, made(workspace, people["boss"], both)) == ["c2", "c5"]


def test_customers_behind_a_number(workspace: Workspace, people: Any) -> None:
    cell = {"kind": "members", "asked": {"kind": "analysis", "name": "rfm"}, "cell": {"segment": "champions"}}
    champions = workspace.members("rfm", {}, {"segment": "champions"}, scope=EVERYTHING, limit=None)
    assert ids(workspace, made(workspace, people["boss"], cell)) == champions.table["customer_id"].to_pylist() == ["c1"]
    # Behind a class of the ABC stand sales: the segment is of their customers, each once.
    sold = {"kind": "members", "asked": {"kind": "analysis", "name": "abc"}, "cell": {"class": "A"}}
    assert ids(workspace, made(workspace, people["boss"], sold)) == ["c1", "c4"]
    split = {"kind": "members", "asked": {"kind": "pivot", "metrics": ["revenue"], "rows": ["region"], "params": {"period": "all"}}, "cell": {"region": "Север"}}  # fmt: skip
    assert ids(workspace, made(workspace, people["boss"], split)) == ["c3", "c4"]


def test_a_definition_that_cannot_be_counted_makes_no_segment(workspace: Workspace, people: Any) -> None:
    from rakurs.app.segments import segments_of

    before = segments_of(people["boss"]).count()
    with pytest.raises(UnknownName):
        made(workspace, people["boss"], {"kind": "members", "asked": {"kind": "analysis", "name": "rfn"}})
    with pytest.raises(UnknownName):
        made(workspace, people["boss"], where("regoin", values=["Центр"]))
    with pytest.raises(BadParameter):
        made(workspace, people["boss"], where("purchases", values=["many"]))
    assert segments_of(people["boss"]).count() == before


def test_a_list_finds_ids_phones_and_mails_and_keeps_what_it_did_not_find(workspace: Workspace, people: Any) -> None:
    from rakurs.app.segments import create_from_list

    text = "клиент\nc3\nALFA@FIRM.RU\n+7 495 111-22-44\nnobody@firm.ru\nc404\nc3\n"
    segment = create_from_list(workspace, people["boss"], text, title="Из файла", file="list.csv")
    assert ids(workspace, segment) == ["c1", "c2", "c3"]
    assert segment.definition["given"] == 5
    assert segment.definition["unmatched"] == ["nobody@firm.ru", "c404"]
    # Boris reaches only his own customers: another's id is to him as good as none.
    his = create_from_list(workspace, people["boris"], "c1\nc3\n", title="Мои")
    assert (ids(workspace, his), his.definition["unmatched"]) == (["c3"], ["c1"])
    with pytest.raises(BadInput):
        create_from_list(workspace, people["boss"], "\n", title="Пусто")


def test_sets_of_sets(workspace: Workspace, people: Any) -> None:
    centre = made(workspace, people["boss"], where("region", values=["Центр"]))
    repeat = made(workspace, people["boss"], where("purchases", "between", low="2"))

    def combined(**parts: Any) -> list[str]:
        return ids(workspace, made(workspace, people["boss"], {"kind": "combination", **parts}))

    assert combined(all_of=[centre.id, repeat.id]) == ["c1"]
    assert combined(any_of=[centre.id, repeat.id]) == ["c1", "c2", "c4", "c5"]
    assert combined(all_of=[centre.id], none_of=[repeat.id]) == ["c2", "c5"]
    assert combined(none_of=[centre.id]) == ["c3", "c4"]
    with pytest.raises(BadParameter):
        combined()


@settings(max_examples=tries(2, 6), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=st.sets(st.sampled_from([f"c{n}" for n in range(1, 6)])), other=st.sets(st.sampled_from([f"c{n}" for n in range(1, 6)])))  # fmt: skip
def test_both_and_either_sum_to_the_two(workspace: Workspace, people: Any, one: set[str], other: set[str]) -> None:
    from rakurs.app.segments import create_from_list

    parts = [
        create_from_list(workspace, people["boss"], "\n".join([*names, "c0"]), title="Часть") for names in (one, other)
    ]
    both = made(workspace, people["boss"], {"kind": "combination", "all_of": [part.id for part in parts]})
    either = made(workspace, people["boss"], {"kind": "combination", "any_of": [part.id for part in parts]})
    assert len(ids(workspace, both)) + len(ids(workspace, either)) == len(one) + len(other)
    assert set(ids(workspace, both)) == one & other


def test_everyone_sees_their_own_customers_of_a_shared_segment(workspace: Workspace, people: Any) -> None:
    from rakurs.app.segment_facts import holding, overlaps, trails
    from rakurs.app.segments import segment_for, segments_of, share_segment

    boss, boris = people["boss"], people["boris"]
    segment = made(workspace, boss, where("purchases", "between", low="1"), title="Покупали")
    with pytest.raises(UnknownName):
        segment_for(boris, segment.id)
    share_segment(segment, "everyone", by=boss)
    assert segment_for(boris, segment.id) == segment
    assert segment in segments_of(boris)
    assert ids(workspace, segment) == ["c1", "c2", "c3", "c4"]
    assert ids(workspace, segment, scope=BORIS) == ["c3", "c4"]
    other = made(workspace, boss, where("region", values=["Центр"]), title="Центр")
    with workspace.reading() as reader:
        asked: Any = {"scope": BORIS, "today": TODAY}
        assert trails(reader, [segment.id], **asked)[segment.id].size == 2
        assert [(item.size, item.common) for item in overlaps(reader, segment.id, [other.id], **asked)] == [(0, 0)]
        assert segment.id in holding(reader, "c3", **asked)
        assert holding(reader, "c1", **asked) == ()
    with pytest.raises(NotAllowed):
        share_segment(segment, "private", by=boris)
    # Counted with the rights of its owner: ranks and rows of nobody else.
    his = made(workspace, boris, where("purchases", "between", low="1"))
    assert ids(workspace, his) == ["c3", "c4"]
    with pytest.raises(NotAllowed):
        share_segment(his, "everyone", by=boris)


def test_another_rule_is_another_set_with_a_history_of_its_own(workspace: Workspace, people: Any) -> None:
    from rakurs.app.segment_definitions import definition_of
    from rakurs.app.segments import redefine_segment, segment_for

    boss = people["boss"]
    segment = made(workspace, boss, where("region", values=["Север"]), title="Север", is_living=True)
    whole = made(workspace, boss, {"kind": "combination", "all_of": [segment.id]}, title="Из него", is_living=True)
    assert ids(workspace, segment) == ["c3", "c4"]
    centre = definition_of(where("region", values=["Центр"]))
    with pytest.raises(NotAllowed):
        redefine_segment(workspace, segment, centre, by=people["boris"], is_living=True)
    for circle in ({"all_of": [segment.id]}, {"any_of": [whole.id]}):
        rule = definition_of({"kind": "combination", **circle})
        with pytest.raises(BadInput, match="of itself"):
            redefine_segment(workspace, segment, rule, by=boss, is_living=True)
    wrong = definition_of(where("purchases", operator="between", low="много"))
    with pytest.raises(BadParameter):
        redefine_segment(workspace, segment, wrong, by=boss, is_living=True)
    assert ids(workspace, segment_for(boss, segment.id)) == ["c3", "c4"]
    redefine_segment(workspace, segment, centre, by=boss, is_living=False)
    assert ids(workspace, segment_for(boss, segment.id)) == ["c1", "c2", "c5"]
    with workspace.reading() as reader:
        known = reader.collect(reader.frame("segment_memberships")).to_pylist()
    assert {row["customer_id"] for row in known if row["segment_id"] == segment.id} == {"c1", "c2", "c5"}


def test_a_part_cannot_go_before_what_is_made_of_it(workspace: Workspace, people: Any) -> None:
    from rakurs.app.segments import delete_segment

    part = made(workspace, people["boss"], where("region", values=["Север"]), title="Север")
    whole = made(workspace, people["boss"], {"kind": "combination", "all_of": [part.id]}, title="Из него")
    with pytest.raises(BadInput, match="Из него"):
        delete_segment(workspace, part, by=people["boss"])
    gone = part.id
    delete_segment(workspace, whole, by=people["boss"])
    delete_segment(workspace, part, by=people["boss"])
    with workspace.reading() as reader:
        assert gone not in set(reader.collect(reader.frame("segment_memberships"))["segment_id"].to_pylist())


def test_a_living_segment_follows_the_data_a_still_one_does_not(
    state: Path, people: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rakurs.app import segment_counting
    from rakurs.app.segment_facts import trails, turnover
    from rakurs.app.segments import refresh_living, segments_of
    from rakurs.state.models import Segment

    # However busy the machine is, the past is reckoned.
    monkeypatch.setattr(segment_counting, "LOOKED_BACK_SECONDS", 1e6)
    with company(tmp_path) as fresh:
        Segment.objects.all().delete()
        recent = where("last_days_ago", "between", high="30")
        living = made(fresh, people["boss"], recent, title="Недавние", is_living=True)
        still = made(fresh, people["boss"], recent, title="Недавние тогда")
        whole = made(
            fresh, people["boss"], {"kind": "combination", "none_of": [living.id]}, title="Прочие", is_living=True
        )
        assert ids(fresh, living) == ids(fresh, still) == ["c1", "c2"]
        assert refresh_living(fresh) == 0
        with fresh.reading() as reader:
            past = dict(trails(reader, [living.id], scope=EVERYTHING, today=TODAY)[living.id].points)
        # Reckoned for the start of each month: c4 bought on 1 April 2025, c1 on 31 December, c2 on 1 March.
        assert past[date(2026, 1, 1)] == 1
        assert past[date(2026, 3, 1)] == 2  # c2 on the day itself, and c3, one day before
        write_table(
            tmp_path / "more",
            "orders",
            [order(7, "c5", "2026-04-10 12:00", 50), order(8, "c4", "2026-04-30 12:00", 50)],
        )
        fresh.load([tmp_path / "more"])
        assert fresh.today == date(2026, 4, 30)
        assert refresh_living(fresh, segments_of(people["boss"])) == 2
        assert ids(fresh, living) == ["c1", "c4", "c5"]  # 31 March is 30 days ago
        assert ids(fresh, still) == ["c1", "c2"]
        assert ids(fresh, whole) == ["c2", "c3"]
        with fresh.reading() as reader:
            asked: Any = {"scope": EVERYTHING, "today": fresh.today, "since": TODAY}
            changed = turnover(reader, living.id, **asked)
        assert (changed.came, changed.went, changed.stayed) == (2, 1, 1)
        assert changed.replaced == 0.5
        assert ids(fresh, living, show="came", since=TODAY) == ["c4", "c5"]
        assert ids(fresh, living, show="went", since=TODAY) == ["c2"]
        fresh.rebuild()
        assert ids(fresh, living) == ["c1", "c4", "c5"]
        history = memberships(fresh)
    # A lost database: the history comes back from the log beside the raw zone.
    (tmp_path / "home" / "warehouse" / "warehouse.duckdb").unlink()
    with Workspace.open(Home(tmp_path / "home")) as again:
        assert memberships(again) == history
        assert len(history) > 5


def memberships(workspace: Workspace) -> list[Any]:
    with workspace.reading() as reader:
        rows = reader.collect(reader.frame("segment_memberships")).to_pylist()
    return sorted(tuple(str(value) for value in row.values()) for row in rows)


def test_what_happens_twice_in_a_day_counts_as_it_stands_at_its_end(workspace: Workspace) -> None:
    import pyarrow as pa

    from rakurs.core.frames import rows_beside

    def settle(names: list[str], day: date) -> tuple[int, int]:
        table = pa.table({"customer_id": pa.array(names, pa.string())})
        return workspace.settle_members("twice", lambda reader: rows_beside(reader.frame("customers"), table), on=day)

    assert settle(["c1", "c2"], TODAY) == (2, 0)
    assert settle(["c2", "c3"], TODAY) == (1, 1)
    later = TODAY + timedelta(days=1)
    assert settle([], later) == (0, 2)
    assert settle(["c3"], later) == (1, 0)
    runs = {row[1]: row[2:4] for row in memberships(workspace) if row[0] == "twice"}
    assert runs == {"c2": ("2026-03-31", "2026-04-01"), "c3": ("2026-03-31", "None")}
    workspace.forget_members("twice")


def test_what_people_see_first_is_asked_beforehand(workspace: Workspace, people: Any) -> None:
    from rakurs.app.accounts import scope_of
    from rakurs.app.asked import AnalysisAsked
    from rakurs.app.warming import warm

    assert people
    asked = warm(workspace)
    assert asked > 10
    before = datetime.now(UTC)
    rating = AnalysisAsked(name="customer_rating")
    answer = workspace.ask(rating, scope=scope_of(people["boss"]), limit=5)
    assert answer.passport.computed_at < before, "the answer was there already"
    assert warm(workspace, goes_on=lambda: False) == 0
