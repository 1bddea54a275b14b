"""Is a folder or an address followed: new files, changed ones, half-written ones, unknown ones?"""

import os
import threading
import time
from collections.abc import Generator, Mapping
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rakurs.core.errors import MappingNeeded, SourceRefused, SourceUnreachable
from rakurs.core.loading import LoadReport
from rakurs.core.text import Text
from rakurs.sources import calling
from rakurs.sources.files import Profile, profile_from, watched, write_profile
from rakurs.sources.files.watched import SOURCE
from rakurs.sources.live import Landing, Wanted, WantedKind
from rakurs.sources.spool import Spool
from rakurs.warehouse.warehouse import Warehouse

CUSTOMERS = "customer_id;name\n1;Анна\n2;Борис\n"


class Follower:
    def __init__(self, folder: Path, place: str, **settings: Any) -> None:
        self.folder = folder
        self.settings = SOURCE.settings(place=place, **settings)
        self.warehouse = Warehouse.open(folder / "warehouse", timezone="Europe/Moscow", currency="RUB")
        self.cursor: Mapping[str, str] = {}
        self.runs = 0

    def run(self, kind: WantedKind = "changes", *, days: tuple[date, date] | None = None) -> LoadReport:
        self.runs += 1
        spool = Spool(self.folder / f"run-{self.runs}")
        first, last = days or (None, None)
        wanted = Wanted(kind=kind, cursor=self.cursor, from_day=first, to_day=last)
        cursor = SOURCE.fetch(self.settings, wanted, spool, _silent)
        landing = Landing(source="folder", profiles=self.folder / "profiles")
        report = self.warehouse.load(SOURCE.deliveries(self.settings, spool, landing), marts=())
        self.cursor = cursor
        return report

    def names(self) -> list[str]:
        with self.warehouse.reading() as reader:
            return sorted(reader.collect(reader.records("customers"))["name"].to_pylist())


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


@pytest.fixture
def follower(exports: Path, tmp_path: Path) -> Generator[Follower]:
    found = Follower(tmp_path, str(exports))
    yield found
    found.warehouse.close()


def put(path: Path, text: str, *, encoding: str = "cp1251", age: float = 60) -> None:
    """A file written so many seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding)
    os.utime(path, (time.time() - age, time.time() - age))


def test_new_and_changed_files_are_loaded_and_others_are_left(exports: Path, follower: Follower):
    put(exports / "customers.csv", CUSTOMERS)
    assert len(follower.run().files) == 1
    assert follower.names() == ["Анна", "Борис"]
    assert follower.run().files == ()
    put(exports / "customers.csv", CUSTOMERS + "3;Вера\n", age=30)
    put(exports / "2026" / "customers.csv", "customer_id;name\n4;Глеб\n")
    assert len(follower.run().files) == 2
    assert follower.names() == ["Анна", "Борис", "Вера", "Глеб"]


def test_a_file_that_is_still_written_waits(exports: Path, follower: Follower):
    put(exports / "customers.csv", CUSTOMERS, age=0)
    assert follower.run().files == ()
    put(exports / "customers.csv", CUSTOMERS, age=watched.SETTLED_SECONDS + 1)
    assert len(follower.run().files) == 1


def test_temporary_and_other_files_are_left_alone(exports: Path, tmp_path: Path):
    put(exports / "customers.csv", CUSTOMERS)
    put(exports / "~$customers.xlsx", "lock")
    put(exports / ".hidden.csv", CUSTOMERS)
    put(exports / "notes.txt", "text")
    follower = Follower(tmp_path, str(exports), pattern="CUSTOMERS*.csv, *.xlsx")
    assert [file.file for file in follower.run().files] == ["customers.csv"]


def test_everything_anew_and_a_period(exports: Path, follower: Follower):
    put(exports / "customers.csv", CUSTOMERS)
    put(exports / "old.csv", "customer_id;name\n9;Давно\n", age=40 * 86_400)
    today = datetime.now(UTC).date()
    assert len(follower.run("period", days=(today, today)).files) == 1
    assert follower.names() == ["Анна", "Борис"]
    assert len(follower.run("full").files) == 2


def test_a_shape_nobody_knows_is_asked_for_and_loads_when_it_is_known(exports: Path, follower: Follower):
    put(exports / "список.csv", "Номерок;Как звать\n1;Анна\n")
    with pytest.raises(MappingNeeded) as unknown:
        follower.run()
    assert follower.cursor == {}
    proposal = unknown.value.proposal
    assert isinstance(proposal, Profile)
    known = profile_from(_PROFILE, file="people.yaml")
    write_profile(known, follower.folder / "profiles")
    follower.run()
    assert follower.names() == ["Анна"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    settings = SOURCE.settings(place=str(tmp_path / "nowhere"))
    with pytest.raises(SourceRefused, match="nowhere"):
        SOURCE.check(settings)
    with pytest.raises(SourceRefused, match="nowhere"):
        SOURCE.fetch(settings, Wanted(kind="full"), Spool(tmp_path / "run"), _silent)


@pytest.mark.parametrize("place", ["", "exports", "./exports", "ftp://host/file.csv"])
def test_a_place_is_a_full_path_or_an_address(place: str):
    with pytest.raises(ValueError, match="full path"):
        SOURCE.settings(place=place)


class _Published(BaseHTTPRequestHandler):
    """A spreadsheet by its address: with a tag, gone when told so, stumbling when told so."""

    content, tag, stumbles, status = CUSTOMERS.encode("cp1251"), '"1"', 0, 200
    asked = 0

    def do_GET(self) -> None:
        kind = type(self)
        kind.asked += 1
        if kind.stumbles:
            kind.stumbles -= 1
            self.send_response(502)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif kind.status != 200:
            self.send_response(kind.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.headers.get("If-None-Match") == kind.tag:
            self.send_response(304)
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("ETag", kind.tag)
            self.send_header("Content-Type", "text/csv; charset=windows-1251")
            self.send_header(
                "Content-Disposition",
                "attachment; filename*=UTF-8''customers.csv",
            )
            self.send_header("Content-Length", str(len(kind.content)))
            self.end_headers()
            self.wfile.write(kind.content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def published() -> Generator[tuple[str, type[_Published]]]:
    kind = type("Published", (_Published,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/export?key=secret-word", kind
    server.shutdown()
    server.server_close()


def test_an_address_is_read_when_it_changed(published: tuple[str, type[_Published]], tmp_path: Path):
    url, kind = published
    follower = Follower(tmp_path, url)
    assert [file.file for file in follower.run().files] == ["customers.csv"]
    assert follower.run().files == ()
    kind.content, kind.tag = (CUSTOMERS + "3;Вера\n").encode("cp1251"), '"2"'
    follower.run()
    assert follower.names() == ["Анна", "Борис", "Вера"]


def test_an_address_that_stumbles_is_asked_again_and_one_that_is_gone_is_named(
    published: tuple[str, type[_Published]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(calling, "FIRST_PAUSE_SECONDS", 0.01)
    url, kind = published
    follower = Follower(tmp_path, url)
    kind.stumbles = 3
    follower.run()
    assert follower.names() == ["Анна", "Борис"]
    kind.status = 404
    with pytest.raises(SourceRefused, match=r"127\.0\.0\.1 answers, but not to this \(status 404\)") as gone:
        follower.run()
    assert "secret-word" not in f"{gone.value.message.en}{follower.settings!r}"
    with pytest.raises(SourceRefused):
        SOURCE.check(follower.settings)


def test_an_address_where_nobody_is_does_not_keep_a_person_waiting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(calling, "TRIAL_SECONDS", 0.2)
    with pytest.raises(SourceUnreachable, match=r"127\.0\.0\.1 does not answer"):
        SOURCE.check(SOURCE.settings(place="http://127.0.0.1:9/file.csv"))


_PROFILE = """
name: people
files:
  - match: [Номерок, Как звать]
    tables:
      customers:
        customer_id: Номерок
        name: Как звать
"""


def _silent(_step: Text, *, done: int, total: int) -> None:
    """Nobody watches."""
