"""Is every answered row on the disk, loaded once, whatever stops between?"""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import pytest

from rakurs.app import inbox as inboxes
from rakurs.app.home import Home
from rakurs.app.inbox import Inbox, InboxFull, drain
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadInput, UnknownName
from rakurs.sources import events


def order(number: int, amount: int = 10) -> bytes:
    row = {"order_id": f"o{number}", "ordered_at": "2026-03-01T10:00:00", "customer_id": "c1", "amount": amount}
    return events.line_of("orders", row)


def lines(files: tuple[Path, ...]) -> list[bytes]:
    return [line for path in files for line in path.read_bytes().splitlines(keepends=True)]


def test_what_is_put_is_there_after_a_crash_in_order(tmp_path: Path) -> None:
    box = Inbox(tmp_path / "inbox")
    for number in range(5):
        box.put([order(number)])
    # Nothing is closed: a killed process leaves exactly this.
    again = Inbox(tmp_path / "inbox")
    assert lines(again.close_file()) == [order(number) for number in range(5)]
    box.close_file()
    again.put([order(5)])
    assert lines(again.close_file()) == [order(number) for number in range(6)]


def test_calls_that_come_together_share_a_sync_and_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs: list[int] = []
    real = os.fsync
    monkeypatch.setattr(inboxes.os, "fsync", lambda number: (syncs.append(number), real(number)))
    box = Inbox(tmp_path / "inbox")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: box.put([order(number), order(number + 1_000)]), range(400)))
    found = lines(box.close_file())
    assert sorted(found) == sorted(order(number) for start in (0, 1_000) for number in range(start, start + 400))
    assert len(syncs) <= 401
    assert box.waiting_bytes == sum(map(len, found))


def test_a_file_that_a_call_is_just_opening_is_not_taken_for_a_complete_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once in some minutes of a thousand rows a second the loader looked between the making of a file and its first row:
    it loaded the empty file and removed it, and what was answered next was written into a file that was gone.
    """
    box = Inbox(tmp_path / "inbox")
    is_made, real = Event(), Path.open

    def slowly(path: Path, *arguments: Any, **named: Any) -> Any:
        file = real(path, *arguments, **named)
        if path.suffix == ".events" and arguments == ("ab",):
            is_made.set()
            sleep(0.2)
        return file

    monkeypatch.setattr(Path, "open", slowly)
    looked = box._closed
    with ThreadPoolExecutor(1) as pool:

        def look() -> tuple[Path, ...]:
            """A call comes at the very moment when the loader looks which files are complete."""
            answers.append(pool.submit(box.put, [order(1)]))
            is_made.wait(0.5)
            return looked()

        answers: list[Any] = []
        monkeypatch.setattr(box, "_closed", look)
        early = box.close_file()
        monkeypatch.setattr(box, "_closed", looked)
        seen = lines(early)
        box.remove(early)
        answers[0].result()
    box.put([order(2)])
    assert seen + lines(box.close_file()) == [order(1), order(2)]


def test_a_full_inbox_takes_nothing_of_a_call_and_takes_again_when_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inboxes, "MOST_WAITING_BYTES", 3 * len(order(1)))
    box = Inbox(tmp_path / "inbox")
    box.put([order(1), order(2)])
    with pytest.raises(InboxFull):
        box.put([order(3), order(4)])
    files = box.close_file()
    assert lines(files) == [order(1), order(2)]
    box.remove(files)
    box.put([order(3), order(4)])
    assert box.waiting_bytes == 2 * len(order(1))
    box.close_file()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(Home(tmp_path / "home"))


def amounts(workspace: Workspace) -> dict[str, int]:
    with workspace.reading() as reader:
        rows = reader.collect(reader.frame("orders").select("order_id", "amount")).to_pylist()
    return {row["order_id"]: int(row["amount"]) for row in rows}


def test_rows_are_loaded_once_also_when_the_file_is_loaded_again(workspace: Workspace) -> None:
    with workspace:
        box = Inbox(workspace.home.inbox)
        box.put([order(1), order(2)])
        box.put([events.line_of("customers", {"customer_id": "c1", "name": "Анна", "любимый цвет": "синий"})])
        files = box.close_file()
        kept = {path: path.read_bytes() for path in files}
        assert drain(workspace, box)
        assert not list(workspace.home.inbox.iterdir())
        version = workspace.data_version
        # Killed after the load and before the file was removed.
        for path, content in kept.items():
            path.write_bytes(content)
        again = Inbox(workspace.home.inbox)
        assert drain(workspace, again)
        assert workspace.data_version == version
        assert amounts(workspace) == {"o1": 10, "o2": 10}
        with workspace.reading() as reader:
            (customer,) = reader.collect(reader.frame("customers").select("name", "custom")).to_pylist()
        assert (customer["name"], json.loads(customer["custom"])) == ("Анна", {"любимый цвет": "синий"})
        again.put([order(2, amount=99), order(2, amount=30)])
        drain(workspace, again)
        assert amounts(workspace) == {"o1": 10, "o2": 30}, "the last word counts"
        assert not drain(workspace, again)


def test_a_line_cut_off_by_a_crash_was_never_answered_for(workspace: Workspace) -> None:
    with workspace:
        box = Inbox(workspace.home.inbox)
        box.put([order(1)])
        (path,) = box.close_file()
        path.write_bytes(path.read_bytes() + order(2)[:-9])
        drain(workspace, Inbox(workspace.home.inbox))
        assert amounts(workspace) == {"o1": 10}


def test_a_broken_value_is_set_aside_and_the_others_come(workspace: Workspace) -> None:
    with workspace:
        box = Inbox(workspace.home.inbox)
        box.put([order(1), order(2).replace(b'"amount": 10', '"amount": "много"'.encode()), order(3)])
        drain(workspace, box)
        assert set(amounts(workspace)) == {"o1", "o3"}
        (row,) = workspace.quarantine().rows.to_pylist()
        assert (row["column_name"], row["value"], row["row_number"]) == ("amount", "много", 2)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "at least one"),
        ("order", "at least one"),
        ([{"order_id": "1", "ordered_at": "2026-03-01"}, 5], "row 2"),
        ([{"ordered_at": "2026-03-01"}], "order_id"),
        ([{"order_id": " ".strip()}], "order_id"),
        ([{"order_id": "1"}] * 10_001, "10001"),
    ],
)
def test_what_cannot_be_rows_is_said_at_once(body: object, words: str) -> None:
    with pytest.raises(BadInput) as wrong:
        events.checked("orders", body)
    assert words in wrong.value.message.en


def test_a_table_that_is_none_is_named() -> None:
    with pytest.raises(UnknownName):
        events.checked("ordres", [{}])
