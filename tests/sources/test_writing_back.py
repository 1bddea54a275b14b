"""Fields, comments and tasks written into a system: each once, whatever happens to the answers, and never more than was asked."""

from collections.abc import Generator
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest

from rakurs.sources.live import Closed
from rakurs.sources.writing import CommentDeed, Deed, FieldDeed, Outcome, OwnField, Pen, TaskDeed
from sources.writable import SYSTEMS, System

SEGMENT = OwnField(code="RK_SEGMENT", title="Сегмент (Ракурс)")
RISK = OwnField(code="RK_CHURN", title="Риск ухода, % (Ракурс)", kind="number")
DUE = datetime(2026, 4, 6, 15, 0, tzinfo=UTC)


@pytest.fixture(params=sorted(SYSTEMS))
def system(request: pytest.FixtureRequest) -> Generator[System]:
    with SYSTEMS[request.param]() as found:
        yield found


def pen_of(system: System) -> AbstractContextManager[Pen]:
    writer = system.source.writer
    assert writer is not None
    return writer.open(system.settings, lambda: None)


def done(pen: Pen, deeds: list[Deed]) -> dict[str, Outcome]:
    return dict(pen.write(deeds))


def task(system: System, record: str, number: int = 0, text: str = "Позвонить") -> TaskDeed:
    return TaskDeed(mark=f"rakurs-{number:012x}", record=record, text=text, to=system.responsible(record), due_at=DUE)


def comment(record: str, number: int = 0, text: str = "Ценный клиент") -> CommentDeed:
    return CommentDeed(mark=f"rakurs-{number:012x}", record=record, text=text)


def test_fields_are_made_once_filled_and_emptied(system: System) -> None:
    person, company = system.people()[0], system.companies()[0]
    with pen_of(system) as pen:
        lacking = pen.lacking([person, company], [SEGMENT, RISK])
        assert [(one.place, one.field.code) for one in lacking] == [
            (place, own.code) for place in dict.fromkeys(one.place for one in lacking) for own in (SEGMENT, RISK)
        ]
        assert len(lacking) == 4
        for one in lacking:
            pen.add(one)
            pen.add(one)
        assert pen.lacking([person, company], [SEGMENT, RISK]) == ()
        deeds: list[Deed] = [
            FieldDeed(mark="1", record=person, field="RK_SEGMENT", value="Спящие & «важные»"),
            FieldDeed(mark="2", record=person, field="RK_CHURN", value="73"),
            FieldDeed(mark="3", record=company, field="RK_SEGMENT", value="Спящие & «важные»"),
        ]
        assert {mark: one.came for mark, one in done(pen, deeds).items()} == {"1": "done", "2": "done", "3": "done"}
        cards = pen.read([person, company], ["RK_SEGMENT", "RK_CHURN"])
        assert cards[person].values["RK_SEGMENT"] == "Спящие & «важные»"
        assert float(cards[person].values["RK_CHURN"] or 0) == 73
        assert cards[company].values == {"RK_SEGMENT": "Спящие & «важные»", "RK_CHURN": None}
        assert cards[person].responsible == system.responsible(person)
        done(pen, [FieldDeed(mark="4", record=person, field="RK_SEGMENT", value=None)])
        assert pen.read([person], ["RK_SEGMENT"])[person].values == {"RK_SEGMENT": None}
        assert not system.server.value(person, "RK_SEGMENT")


def test_comments_and_tasks_reach_their_cards_with_their_marks(system: System) -> None:
    person, company = system.people()[0], system.companies()[0]
    with pen_of(system) as pen:
        said = done(pen, [comment(person, 1, "Первая строка\n$result[w0] & 100 %"), comment(company, 2)])
        assert {one.came for one in said.values()} == {"done"}
        assert all(one.answer for one in said.values())
        asked = done(pen, [task(system, person, 3), task(system, company, 4, "Письмо\nПредложить скидку")])
        assert {one.came for one in asked.values()} == {"done"}
        assert [record for record, _ in system.comments()] == [person, company]
        text = dict(system.comments())[person].replace("\u200b", "")
        assert text == "Первая строка\n$result[w0] & 100 %\n\nrakurs-000000000001"
        tasks = dict(system.tasks())
        assert "Позвонить" in tasks[person]
        assert "Предложить скидку" in tasks[company]
        assert pen.found([comment(person, 1), comment(company, 2), comment(company, 9)]) == {
            mark: said[mark].answer for mark in ("rakurs-000000000001", "rakurs-000000000002")
        }
        looked = pen.found([task(system, person, 3), task(system, company, 4), task(system, person, 9)])
        assert looked == {mark: one.answer for mark, one in asked.items()}


@pytest.mark.parametrize("fault", ["half", "drop", "500", "502"])
def test_a_lost_answer_is_not_asked_for_again(system: System, fault: str) -> None:
    """Whether the deed was done is then told by its mark."""
    person = system.people()[0]
    with pen_of(system) as pen:
        system.server.faults.every, system.server.faults.kinds = 1, (fault,)
        outcomes = [*done(pen, [task(system, person, 1)]).values(), *done(pen, [comment(person, 2)]).values()]
        system.server.faults.every = None
        assert [one.came for one in outcomes] == ["unknown", "unknown"]
        is_done = fault == "half"
        assert (len(system.tasks()), len(system.comments())) == (is_done, is_done)
        assert len(pen.found([task(system, person, 1)])) == is_done
        assert len(pen.found([comment(person, 2)])) == is_done


def test_a_field_whose_answer_was_lost_while_it_was_made_is_there_once(system: System) -> None:
    person = system.people()[0]
    with pen_of(system) as pen:
        (lacking,) = pen.lacking([person], [SEGMENT])
        system.server.faults.every, system.server.faults.kinds = 1, ("half",)
        system.server.faults.on_request = lambda _method, _params: None
        seen = len(system.server.requests)

        def well_again(*_: object) -> None:
            if len(system.server.requests) > seen:
                system.server.faults.every = None

        system.server.faults.on_request = well_again
        pen.add(lacking)
        assert pen.lacking([person], [SEGMENT]) == ()


def test_limits_are_waited_for_and_nothing_is_doubled(system: System) -> None:
    people = system.people()[:12]
    system.server.faults.rate = 4
    if hasattr(system.server.faults, "burst"):
        system.server.faults.burst = 1
    with pen_of(system) as pen:
        for number, record in enumerate(people[:6]):
            assert {one.came for one in done(pen, [comment(record, number)]).values()} == {"done"}
    assert sorted(record for record, _ in system.comments()) == sorted(people[:6])
    assert {status for _, status in system.server.requests} & {429, 503}


def test_a_record_that_is_gone_is_not_read_and_fails_in_the_systems_words(system: System) -> None:
    gone, left = system.people()[:2]
    with pen_of(system) as pen:
        for one in pen.lacking([gone], [SEGMENT]):
            pen.add(one)
        system.delete(gone)
        assert set(pen.read([gone, left], ["RK_SEGMENT"])) == {left}
        outcomes = done(pen, [comment(gone, 1), comment(left, 2)])
        assert outcomes["rakurs-000000000001"].came == "failed"
        assert outcomes["rakurs-000000000001"].words
        # What was right about the call is done, or is said to be unknown: never taken for done.
        assert (outcomes["rakurs-000000000002"].came == "done") == bool(system.comments())
        fields = [FieldDeed(mark=record, record=record, field="RK_SEGMENT", value="x") for record in (gone, left)]
        told = done(pen, list(fields))
        assert told[gone].came == "failed"
        assert told[left].came in ("done", "later")


@pytest.mark.parametrize("kind", ["task", "field"])
def test_what_the_key_lacks_is_named_beforehand(system: System, kind: str) -> None:
    with pen_of(system) as pen:
        assert pen.closed(["field", "comment", "task"]) == {}
        system.shut(kind)
        assert set(pen.closed(["field", "comment", "task"])) == ({"task"} if kind == "task" else {"field", "comment"})


def test_a_task_that_the_key_may_not_set_stops_the_run(system: System) -> None:
    person = system.people()[0]
    system.shut("task")
    with pen_of(system) as pen, pytest.raises(Closed):
        done(pen, [task(system, person, 1)])
    assert system.tasks() == []


def test_only_an_administrator_makes_fields(system: System) -> None:
    system.not_an_administrator()
    with pen_of(system) as pen:
        (lacking,) = pen.lacking(system.people()[:1], [SEGMENT])
        with pytest.raises(Closed):
            pen.add(lacking)
