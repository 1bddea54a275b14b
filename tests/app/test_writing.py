"""A writing that is cut off anywhere: killed, left without answers, refused for a while. Each deed is there once in the end."""

import json
import random
import re
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import pytest

from effort import tries
from forking import Fork
from routes import script
from sources.writable import System
from writing_house import House, house

KILLS = tries(3, 20)
PEOPLE = 60
QUICK = """
from rakurs.sources import LIVE_SOURCES
from rakurs.sources.amocrm import writing as amocrm
from rakurs.sources.bitrix24 import writing as bitrix24
for source in LIVE_SOURCES.values():
    if source.writer is not None:
        object.__setattr__(source.writer, "settles_seconds", 1.0)
amocrm.AT_ONCE, bitrix24._FIRST_SIZE = 5, 2
from rakurs.cli import main
main()
"""
"""The command, but what was lost is taken for lost after a second, and few deeds go in one request, so that there are many."""
SEGMENTS = """
import json, sys
from rakurs.state.opening import open_state
open_state()
from rakurs.app.accounts import ensure_owner
from rakurs.app.home import default_home
from rakurs.app.segments import create_from_list
from rakurs.app.workspace import Workspace
from rakurs.state.models import User
ensure_owner()
owner, ids = User.objects.get(role="owner"), sys.argv[1].split()
with Workspace.open(default_home()) as workspace:
    made = {size: create_from_list(workspace, owner, "\\n".join(ids[:size]), title="Все").pk for size in (12, len(ids))}
print(json.dumps(made))
"""
SEEN = """
import json, sys
from rakurs.state.opening import open_state
open_state()
from rakurs.app.home import default_home
from rakurs.app.rights import EVERYTHING, Scope
from rakurs.app.workspace import Workspace
from rakurs.app.writing_values import Asked, facts_of, members_of
prefix, segment = sys.argv[1:]
own = Scope(kind="own", employee_id="nobody")
with Workspace.open(default_home()) as workspace, workspace.reading() as reader:
    seen = []
    for scope in (EVERYTHING, own):
        asked = Asked(segment_id=segment, segment_title="Все", scope=scope, today=workspace.today)
        named = facts_of(reader, asked, ["segment"])["segment"]
        seen.append([len(members_of(reader, asked, prefix=prefix)), len(named)])
print(json.dumps(seen))
"""
"""How many customers of a segment are told of: to whoever sees everything, and to whoever sees only their own."""
MARK = re.compile(r"rakurs-\w+$")
CONFIRM = re.compile(r"write confirm (\w+)")
WRITES = ("add", "update", "batch")


@dataclass
class Cut:
    """A home with one system, and segments of its people by their sizes."""

    house: House
    prefix: str
    segments: dict[str, str]

    @property
    def system(self) -> System:
        return self.house.systems[self.prefix]

    def previewed(self, people: int, *wish: str) -> dict[str, Any]:
        """A preview of a writing about so many people."""
        segment = self.segments[str(people)]
        arguments = ("write", "preview", self.prefix, segment, *wish, "--due", "2031-01-01", "--format", "json")
        return json.loads(self.house.machine.run(*arguments))

    def command(self, *arguments: str) -> dict[str, Any]:
        """What a quick command says of a writing; it must come through."""
        done = self.house.machine.ran(QUICK, "write", *arguments, "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module", params=["bitrix24", "amocrm"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Cut]:
    prefix = request.param
    with house(tmp_path_factory.mktemp("cut"), prefix) as made:
        kinds = [part for kind in ("field", "comment", "task") for part in ("--kind", kind)]
        made.machine.run("write", "allow", prefix, *kinds)
        people = made.systems[prefix].people()[:PEOPLE]
        yield Cut(made, prefix, script(made.machine, SEGMENTS, " ".join(f"{prefix}:{one}" for one in people)))


@pytest.fixture
def cut(home: Cut) -> Generator[Cut]:
    """The home, its system well again afterwards."""
    yield home
    faults = home.system.server.faults
    faults.every = faults.on_request = None


def must_be_there_once(cut: Cut, run: dict[str, Any], word: str) -> None:
    """The system has every deed that was done, once, and no other."""
    done = [deed for deed in run["deeds"] if deed["status"] == "done"]
    for kind, there in (("comment", cut.system.comments()), ("task", cut.system.tasks())):
        counted = Counter(record for record, text in there if word in text)
        assert counted == Counter(deed["record"] for deed in done if deed["kind"] == kind), kind
        assert set(counted.values()) <= {1}
        marks = Counter(found[0] for _, text in there if (found := MARK.search(text.strip())))
        assert len(marks) == len(there)


def slowed(system: System, seconds: float) -> Event:
    """Each call takes so long from now on; set when a first one that writes has come."""
    came = Event()

    def wait(method: str, _params: Any) -> None:
        if method.endswith(WRITES) or method.endswith(("tasks", "notes", "contacts")):
            came.set()
        sleep(seconds)

    system.server.faults.on_request = wait
    return came


def test_only_customers_whom_the_person_may_see_are_told_of(home: Cut) -> None:
    assert script(home.house.machine, SEEN, home.prefix, home.segments["12"]) == [[12, 12], [0, 0]]


def test_killed_at_random_moments_each_deed_is_done_once(cut: Cut, tmp_path: Path) -> None:
    chance, server = random.Random(7), cut.system.server
    run = cut.previewed(PEOPLE, "--value", "segment", "--comment", "Убитый", "--task", "Убитая задача")
    assert run["counts"]["planned"] == 3 * PEOPLE
    slow, seconds = ("command_seconds", 0.05) if cut.prefix == "bitrix24" else ("write_seconds", 0.3)
    setattr(server, slow, seconds)
    verb, kills = "confirm", 0
    while kills < KILLS:
        came = slowed(cut.system, 0.02)
        environment = cut.house.machine.environment
        process = Fork(QUICK, ["write", verb, run["id"]], environment=environment, out=tmp_path / "out")
        while not came.wait(0.05) and process.poll() is None:
            pass
        sleep(chance.uniform(0.0, 0.8))
        assert process.poll() is None, "it was over before it could be killed"
        process.kill()
        process.wait(10)
        verb, kills = "resume", kills + 1
    setattr(server, slow, 0.0)
    server.faults.on_request = None
    assert "Make another" in cut.house.machine.run("write", "confirm", run["id"], exit_code=1)
    done = cut.command("resume", run["id"])
    must_be_there_once(cut, done, "Убит")
    assert (done["status"], done["counts"]["done"], done["counts"]["planned"]) == ("done", 3 * PEOPLE, 0)
    assert {server.value(record, "RK_SEGMENT") for record in cut.system.people()[:PEOPLE]} == {"Все"}


def test_answers_that_are_lost_double_nothing(cut: Cut) -> None:
    run = cut.previewed(12, "--comment", "Потеря", "--task", "Задача: Потеря")
    faults = cut.system.server.faults
    faults.kinds, faults.every = ("half", "drop", "500", "502"), 3
    done = cut.command("confirm", run["id"])
    must_be_there_once(cut, done, "Потеря")
    assert (done["status"], done["counts"]["done"], done["counts"]["failed"]) == ("done", 24, 0)


def test_a_system_that_asks_for_patience_is_obeyed(cut: Cut) -> None:
    run = cut.previewed(12, "--comment", "Терпение", "--task", "Задача терпения")
    server = cut.system.server
    if cut.prefix == "bitrix24":
        server.faults.operating_limit, server.faults.operating_window = 4.0, 1.5
        server.faults.operating_cost = {"crm.timeline.comment.add": 1.0, "tasks.task.add": 1.0}
    else:
        server.faults.rate = 2
    try:
        done = cut.command("confirm", run["id"])
    finally:
        server.faults.rate = server.faults.operating_limit = None
    must_be_there_once(cut, done, "ерпени")
    assert done["counts"]["done"] == 24
    if cut.prefix == "bitrix24":
        assert "OPERATION_TIME_LIMIT" in {code for _, code, _ in server.refused}
    else:
        assert 429 in {status for _, status in server.requests}


def test_commands_show_bring_back_and_forbid(cut: Cut) -> None:
    machine, people = cut.house.machine, cut.system.people()[:PEOPLE]
    found = json.loads(machine.run("write", "list", "--format", "json"))
    written = next(run for run in found if run["can_be_undone"])
    undo = CONFIRM.search(machine.run("write", "undo", written["id"]))
    assert undo
    dropped, shown = machine.run_all([("write", "stop", undo[1]), ("write", "show", undo[1])])
    assert dropped.strip() == "Dropped"
    assert f"to be written {PEOPLE}" in shown
    undo = CONFIRM.search(machine.run("write", "undo", written["id"]))
    assert undo
    assert cut.command("confirm", undo[1])["counts"]["done"] == PEOPLE
    assert {cut.system.server.value(record, "RK_SEGMENT") for record in people} == {None}
    assert "once" in machine.run("write", "undo", written["id"], exit_code=1)
    forbidden, listed = machine.run_all([("write", "allow", cut.prefix), ("write", "permits")])
    assert forbidden == listed
    assert "—" in listed
    arguments = ("write", "preview", cut.prefix, cut.segments["12"], "--comment", "x")
    assert "is off" in machine.run(*arguments, exit_code=1)
