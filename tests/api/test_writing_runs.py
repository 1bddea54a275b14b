"""What is learned of customers goes back into their CRM: as it was shown beforehand, within limits, and can be brought back."""

from collections.abc import Generator
from datetime import date, timedelta
from typing import Any

import pytest

from processes import Machine
from routes import script
from writing_house import House, house, scores

SOON = (date.today() + timedelta(days=7)).isoformat()  # noqa: DTZ011 - any day ahead
EVERYTHING = ("field", "comment", "task")
OLDER = """
import sys
from datetime import timedelta
from rakurs.state.opening import open_state
open_state()
from rakurs.state.models import WriteRun
run = WriteRun.objects.get(pk=sys.argv[1])
run.drafted_at -= timedelta(hours=25)
run.save()
print("null")
"""
"""A preview that was made a day and an hour ago."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Generator[House]:
    with house(tmp_path_factory.mktemp("writing"), "bitrix24", "amocrm") as made:
        machine: Machine = made.machine
        scores(made)
        people = {"boss": ("owner", "all"), "analyst": ("analyst", "all"), "south": ("head", "department")}
        narrowed = {"department": ("--department", "Юг")}
        machine.run_all(
            [
                ("user", "create", login, "--role", role, "--scope", scope, *narrowed.get(scope, ()))
                for login, (role, scope) in people.items()
            ]
        )
        scopes = ("--scope", "read", "--scope", "keep", "--scope", "load", "--scope", "administer")
        said = machine.run_all([("token", "create", login, *scopes) for login in people])
        tokens = {login: printed.split()[-1] for login, printed in zip(people, said, strict=True)}
        with machine.served() as served:
            clients = {login: served.client(Authorization=f"Bearer {token}") for login, token in tokens.items()}
            made.client, made.others = clients["boss"], clients
            yield made
            for client in clients.values():
                client.close()


@pytest.fixture(params=["bitrix24", "amocrm"])
def prefix(request: pytest.FixtureRequest, home: House) -> str:
    """A system that may be written to, and is well."""
    home.allow(request.param, *EVERYTHING)
    return request.param


def ids(home: House, prefix: str, first: int, last: int) -> list[str]:
    return [f"{prefix}:{record}" for record in home.systems[prefix].people()[first:last]]


def reasons(run: dict[str, Any]) -> dict[str, int]:
    return {one["reason"]: one["deeds"] for one in run["skipped"]}


def test_nothing_is_written_anywhere_until_an_administrator_allows_it(home: House) -> None:
    home.allow("bitrix24")
    home.allow("amocrm")
    assert [(one["connection"], one["is_on"], one["kinds"]) for one in home.asked("GET", "/writing/permits")] == [
        ("bitrix24", False, []),
        ("amocrm", False, []),
    ]
    segment = home.segment(ids(home, "bitrix24", 0, 2))
    wish = {"connection": "bitrix24", "segment": segment, "comment": "Ценный"}
    assert "is off" in home.refused("POST", "/writing/runs", **wish)
    home.allow("bitrix24", "field", "task")
    assert "Comments" in home.refused("POST", "/writing/runs", **wish)
    for body, status in (
        ({"kinds": ["mail"]}, 422),
        ({"kinds": ["task"], "run_limit": 0}, 422),
        ({"kinds": ["task"], "day_limit": 100_001}, 422),
    ):
        home.asked("PUT", "/writing/permits/bitrix24", status, **body)
    home.asked("PUT", "/writing/permits/none", 404, kinds=["task"])
    assert home.systems["bitrix24"].comments() == []


def test_who_may_not_is_refused(home: House) -> None:
    home.allow("bitrix24", *EVERYTHING)
    segment = home.segment(ids(home, "bitrix24", 0, 2))
    wish = {"connection": "bitrix24", "segment": segment, "comment": "Ценный"}
    run = home.previewed("bitrix24", segment, comment="Ценный")
    south, analyst = home.others["south"], home.others["analyst"]
    for method, path, body in (
        ("GET", "/writing/permits", None),
        ("PUT", "/writing/permits/bitrix24", {"kinds": []}),
        ("GET", "/writing/values", None),
        ("GET", "/writing/runs", None),
        ("POST", "/writing/runs", wish),
        ("GET", f"/writing/runs/{run['id']}", None),
        ("GET", f"/writing/runs/{run['id']}/deeds", None),
        ("POST", f"/writing/runs/{run['id']}", {"deed": "confirm"}),
        ("POST", f"/writing/runs/{run['id']}/undo", {}),
    ):
        assert south.request(method, f"/api/v1{path}", json=body).status_code == 403, path
    assert analyst.put("/api/v1/writing/permits/bitrix24", json={"kinds": []}).status_code == 403
    # Whoever loads data may write, but a segment nobody showed them is not there for them.
    assert analyst.post("/api/v1/writing/runs", json=wish).status_code == 404
    assert analyst.get(f"/api/v1/writing/runs/{run['id']}").status_code == 200
    home.act(run, "stop")
    assert home.come_to_rest(run["id"])["status"] == "dropped"
    assert home.act(run, "confirm", 422)


def test_what_is_sent_is_what_was_shown(home: House, prefix: str) -> None:
    system = home.systems[prefix]
    people = ids(home, prefix, 0, 4)
    segment = home.segment(
        [*people, f"{'amocrm' if prefix == 'bitrix24' else 'bitrix24'}:C_1"], title="Важные & «новые»"
    )
    wish = {
        "values": ["segment", "risk", "worth", "offer"],
        "comment": "{name}: предложить {offer}",
        "task": "Позвонить {name}\nРиск {risk} %",
        "due_on": SOON,
    }
    run = home.previewed(prefix, segment, **wish)
    assert (run["status"], run["error"]) == ("ready", "")
    # Nothing is written by looking.
    assert not [text for record, text in system.comments() if record in {one.partition(":")[2] for one in people}]
    shown = home.deeds(run)
    records = [one.partition(":")[2] for one in people]
    fields = {
        (one["record"], one["field"]): one["value"]
        for one in shown
        if one["kind"] == "field" and one["status"] == "planned"
    }
    assert {record for record, _ in fields} == set(records)
    assert fields[records[0], "RK_SEGMENT"] == "Важные & «новые»"
    assert (fields[records[0], "RK_RISK"], fields[records[1], "RK_RISK"]) == ("73", "0")
    assert (fields[records[0], "RK_WORTH"], fields[records[0], "RK_OFFER"]) == ("15200", "tulip")
    # Two have no scores: nothing to write of them; one customer has no record here.
    assert reasons(run) == {"no_value": 8} or reasons(run) == {"no_value": 8, "no_record": 1}
    assert {one["title"] for one in run["new_fields"]} == {
        f"{title} (Rakurs)" for title in ("Segment", "Risk to leave, %", "Worth of the customer", "What to offer")
    }
    planned = [one for one in shown if one["status"] == "planned"]
    done = home.written(run)
    assert (done["status"], done["error"]) == ("done", "")
    assert done["counts"]["done"] == len(planned) == run["counts"]["planned"]
    comments, tasks = dict(system.comments()), dict(system.tasks())
    for one in home.deeds(done, "done"):
        if one["kind"] == "field":
            kept = system.server.value(one["record"], one["field"])
            assert str(kept).removesuffix(".00") == one["value"]
        elif one["kind"] == "comment":
            assert comments[one["record"]] == f"{one['text']}\n\n{one['mark']}"
            assert one["answer"]
        else:
            assert one["text"] in tasks[one["record"]]
            assert one["to"] == system.responsible(one["record"])
    assert "предложить tulip" in comments[records[0]]
    assert "предложить —" in comments[records[2]]
    assert "Риск 73 %" in tasks[records[0]]

    # Asked again: the fields say so already, comments and tasks were written before; another occasion is another thing.
    again = home.previewed(prefix, segment, **wish)
    told = reasons(again)
    assert told.pop("no_record", 1) == 1
    assert told == {"done_before": 8, "no_value": 8, "equal": 4 + 2 + 1 + 1}
    assert "nothing to write" in home.refused("POST", f"/writing/runs/{again['id']}", deed="confirm")
    other = home.previewed(prefix, segment, **{**wish, "values": [], "task": "", "campaign": "Осень"})
    assert other["counts"]["planned"] == 4

    # A value that somebody wrote meanwhile is neither overwritten nor brought back.
    system.server.by_hand(records[1], "RK_SEGMENT", "Моё")
    undo = home.asked("POST", f"/writing/runs/{run['id']}/undo", 202)
    undo = home.come_to_rest(undo["id"])
    assert (undo["counts"]["planned"], reasons(undo)) == (7, {"changed": 1})
    assert {(one["before"], one["value"]) for one in home.deeds(undo, "planned") if one["field"] == "RK_SEGMENT"} == {
        ("Важные & «новые»", "")
    }
    assert home.written(undo)["counts"]["done"] == 7
    assert [system.server.value(record, "RK_SEGMENT") for record in records] == [None, "Моё", None, None]
    assert system.server.value(records[0], "RK_RISK") is None
    assert "once" in home.refused("POST", f"/writing/runs/{run['id']}/undo")


def test_limits_of_a_run_and_of_a_day(home: House, prefix: str) -> None:
    system = home.systems[prefix]
    segment = home.segment(ids(home, prefix, 5, 15))
    home.allow(prefix, *EVERYTHING, run_limit=3)
    before = len(system.comments())
    run = home.previewed(prefix, segment, comment="Лимит")
    assert (run["counts"]["planned"], reasons(run)) == (3, {"over_run": 7})
    home.written(run)
    assert len(system.comments()) == before + 3
    # What was written counts for the day, whatever it was.
    done_today = sum(
        one["counts"]["done"] for one in home.asked("GET", "/writing/runs?limit=1000") if one["connection"] == prefix
    )
    home.allow(prefix, *EVERYTHING, day_limit=done_today + 4)
    second = home.previewed(prefix, segment, comment="Лимит")
    assert (second["counts"]["planned"], reasons(second)) == (4, {"done_before": 3, "over_day": 3})
    third = home.previewed(prefix, segment, comment="Ещё")
    home.written(second)
    # The day was used up after the preview: it stops with a word, and loses nothing.
    stopped = home.written(third)
    assert stopped["status"] == "failed"
    assert f"({done_today + 4})" in stopped["error"]
    assert stopped["counts"]["planned"] == 4
    assert len(system.comments()) == before + 7
    home.allow(prefix, *EVERYTHING)
    home.act(stopped, "resume")
    assert home.come_to_rest(stopped["id"])["counts"]["done"] == 4
    assert len(system.comments()) == before + 11


def test_what_changed_or_went_since_the_preview_is_left_alone(home: House, prefix: str) -> None:
    system = home.systems[prefix]
    people = ids(home, prefix, 20, 24)
    gone, changed, equal, left = (one.partition(":")[2] for one in people)
    segment = home.segment(people, title="Уходят")
    home.written(home.previewed(prefix, home.segment(people[3:], title="Завести поля"), values=["segment"]))
    run = home.previewed(prefix, segment, values=["segment"], comment="Уходит")
    system.delete(gone)
    system.server.by_hand(changed, "RK_SEGMENT", "Руками")
    system.server.by_hand(equal, "RK_SEGMENT", "Уходят")
    done = home.written(run)
    assert reasons(done) == {"gone": 2, "changed": 1, "equal": 1}
    assert system.server.value(changed, "RK_SEGMENT") == "Руками"
    assert system.server.value(left, "RK_SEGMENT") == "Уходят"
    assert sorted(record for record, text in system.comments() if text.startswith("Уходит")) == sorted(
        [changed, equal, left]
    )


def test_whoever_left_the_segment_loses_its_name(home: House, prefix: str) -> None:
    system = home.systems[prefix]
    people = ids(home, prefix, 30, 33)
    records = [one.partition(":")[2] for one in people]
    segment = home.segment(people, title="Живые")
    home.written(home.previewed(prefix, segment, values=["segment"]))
    assert {system.server.value(record, "RK_SEGMENT") for record in records} == {"Живые"}
    part = home.segment(people[1:], title="Остались")
    both = {"kind": "combination", "all_of": [part]}
    home.asked("PATCH", f"/segments/{segment}", definition=both)
    run = home.previewed(prefix, segment, values=["segment"])
    assert (run["counts"]["planned"], reasons(run)) == (1, {"equal": 2})
    (deed,) = home.deeds(run, "planned")
    assert (deed["record"], deed["before"], deed["value"]) == (records[0], "Живые", "")
    home.written(run)
    assert [system.server.value(record, "RK_SEGMENT") for record in records] == [None, "Живые", "Живые"]
    kept = home.previewed(prefix, segment, values=["segment"])
    assert reasons(kept) == {"equal": 2}


def test_a_customer_of_several_records_is_told_on_each_of_them_once(home: House, prefix: str) -> None:
    system = home.systems[prefix]
    other = "amocrm" if prefix == "bitrix24" else "bitrix24"
    here = ids(home, prefix, 40, 42)
    (there,) = ids(home, other, 50, 51)
    for record in (here[1], there):
        decision = {"left_id": here[0], "right_id": record, "kind": "merge"}
        home.asked("POST", "/identities/decisions", **decision)
    segment = home.segment([here[1]], title="Один клиент")
    run = home.previewed(prefix, segment, values=["segment"], comment="Один и тот же")
    records = [one.partition(":")[2] for one in here]
    assert sorted((one["record"], one["kind"]) for one in home.deeds(run)) == sorted(
        (record, kind) for record in records for kind in ("field", "comment")
    )
    assert len({one["customer_id"] for one in home.deeds(run)}) == 1
    home.written(run)
    assert sorted(record for record, text in system.comments() if text.startswith("Один и тот же")) == sorted(records)
    # The same customer's record in the other system is that system's matter.
    home.allow(other, *EVERYTHING)
    run = home.previewed(other, segment, comment="Один и тот же")
    assert [one["record"] for one in home.deeds(run)] == [there.partition(":")[2]]


def test_what_is_closed_is_named_before_anything_is_written(home: House, prefix: str) -> None:
    system = home.systems[prefix]
    segment = home.segment(ids(home, prefix, 0, 2))
    before = len(system.tasks())
    faults, rights = getattr(system.server.faults, "missing_scopes", None), getattr(system.server, "rights", None)
    system.shut("task")
    try:
        run = home.previewed(prefix, segment, task="Закрыто", due_on=SOON)
        assert run["status"] == "failed"
        assert "Tasks" in run["error"]
        assert home.deeds(run) == []
    finally:
        if faults is not None:
            system.server.faults.missing_scopes = set()
        if rights is not None:
            system.server.rights = {"is_admin": True}
    assert len(system.tasks()) == before


def test_a_wish_that_makes_no_sense_is_refused(home: House, prefix: str) -> None:
    segment = home.segment(ids(home, prefix, 0, 2))
    wish = {"connection": prefix, "segment": segment}
    yesterday = (date.today() - timedelta(days=2)).isoformat()  # noqa: DTZ011 - before today anywhere
    for more, words in (
        ({}, "Choose what to write"),
        ({"comment": " \n"}, "Choose what to write"),
        ({"task": "Без срока"}, "due day"),
        ({"task": "Вчера", "due_on": yesterday}, "due day"),
        ({"comment": "я" * 2001}, "2000"),
        ({"values": ["riск"]}, "no value"),
    ):
        status = 404 if "values" in more else 422
        assert words in str(home.asked("POST", "/writing/runs", status, **wish, **more)), more
    home.asked("POST", "/writing/runs", 404, connection=prefix, segment="none", comment="x")
    home.asked("GET", "/writing/runs/none", 404)


def test_a_writing_that_is_stopped_goes_on_with_the_rest(home: House, prefix: str) -> None:
    system = home.systems[prefix]
    segment = home.segment(ids(home, prefix, 0, 50))
    run = home.previewed(prefix, segment, comment="Долго")
    slow = "command_seconds" if prefix == "bitrix24" else "write_seconds"
    setattr(system.server, slow, 0.15 if prefix == "bitrix24" else 1.5)
    try:
        home.act(run, "confirm")
        other = home.previewed(prefix, segment, comment="Другая")
        assert "is being written to" in home.refused("POST", f"/writing/runs/{other['id']}", deed="confirm")
        home.act(run, "stop")
        stopped = home.come_to_rest(run["id"])
    finally:
        setattr(system.server, slow, 0.0)
    assert stopped["status"] in ("cancelled", "done")
    written = [record for record, text in system.comments() if text.startswith("Долго")]
    assert len(written) == stopped["counts"]["done"]
    assert stopped["counts"]["sent"] == 0
    if stopped["status"] == "cancelled":
        home.act(stopped, "resume")
        stopped = home.come_to_rest(run["id"])
    assert (stopped["status"], stopped["counts"]["done"]) == ("done", 50 - reasons(stopped).get("gone", 0))
    written = [record for record, text in system.comments() if text.startswith("Долго")]
    assert len(written) == len(set(written)) == stopped["counts"]["done"]


def test_a_preview_of_yesterday_is_not_written(home: House, prefix: str) -> None:
    run = home.previewed(prefix, home.segment(ids(home, prefix, 0, 2)), comment="Вчера")
    script(home.machine, OLDER, run["id"])
    assert "over a day old" in home.refused("POST", f"/writing/runs/{run['id']}", deed="confirm")
    assert not [text for _, text in home.systems[prefix].comments() if text.startswith("Вчера")]


def test_a_system_connected_anew_is_not_told_the_same_again(home: House, prefix: str) -> None:
    system = home.systems[prefix]
    segment = home.segment(ids(home, prefix, 0, 3))
    home.written(home.previewed(prefix, segment, comment="Навсегда"))
    waiting = home.previewed(prefix, segment, comment="Некуда")
    home.asked("DELETE", f"/connections/{prefix}", 204)
    assert "is gone" in home.refused("POST", f"/writing/runs/{waiting['id']}", deed="confirm")
    assert home.asked("GET", f"/writing/runs/{waiting['id']}")["counts"]["planned"] > 0
    home.connect(prefix)
    # Another connection is another permission, but the system is the same one and has the comments.
    assert "is off" in home.refused("POST", "/writing/runs", connection=prefix, segment=segment, comment="Навсегда")
    home.allow(prefix, *EVERYTHING)
    run = home.previewed(prefix, segment, comment="Навсегда")
    assert set(reasons(run)) <= {"done_before", "gone"}
    assert run["counts"]["planned"] == 0
    assert len([text for _, text in system.comments() if text.startswith("Навсегда")]) == reasons(run)["done_before"]


def test_every_step_is_in_the_audit(home: House) -> None:
    lines = home.asked("GET", "/audit?limit=1000")["events"]
    deeds = {line["deed"] for line in lines if line["deed"].startswith("write")}
    assert deeds == {"write permit", "write preview", "write run", "write stopped"}
