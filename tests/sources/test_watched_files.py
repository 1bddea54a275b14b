"""Is a folder or an address followed: new files, changed ones, half-written ones, unknown ones?"""

import os
import threading
import time
from collections.abc import Generator, Mapping
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

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


def test_files_of_one_name_in_two_folders_are_two_files(exports: Path, follower: Follower):
    """Their rows have no numbers of their own, and are told apart by the files they stand in."""
    for month, amount in (("2026-01", 10), ("2026-02", 20)):
        put(exports / month / "sales.csv", f"Клиент;Дата;Сумма\nООО «Луч»;01.{month[-2:]}.2026;{amount}\n")
    assert [file.file for file in follower.run().files] == ["2026-01/sales.csv", "2026-02/sales.csv"]
    with follower.warehouse.reading() as reader:
        assert sorted(reader.collect(reader.frame("orders"))["amount"].to_pylist()) == [10, 20]


def test_pictures_beside_the_tables_stop_nothing(exports: Path, follower: Follower):
    put(exports / "customers.csv", CUSTOMERS)
    (exports / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    os.utime(exports / "logo.png", (0, 0))
    assert [file.file for file in follower.run().files] == ["customers.csv"]


def test_what_was_taken_away_since_a_run_was_killed_is_not_loaded(exports: Path, follower: Follower):
    """Nor is a half of it: the kill may have fallen into the middle of a copy."""
    put(exports / "customers.csv", CUSTOMERS)
    put(exports / "gone.csv", "customer_id;name\n9;Никто\n")
    folder = follower.folder / "killed"
    SOURCE.fetch(follower.settings, Wanted(kind="full"), Spool(folder), _silent)
    (folder / "drafts" / "half").write_text("customer_id;na")
    (exports / "gone.csv").unlink()
    again = Spool(folder)
    SOURCE.fetch(follower.settings, Wanted(kind="full"), again, _silent)
    landing = Landing(source="folder", profiles=follower.folder / "profiles")
    report = follower.warehouse.load(SOURCE.deliveries(follower.settings, again, landing), marts=())
    assert [file.file for file in report.files] == ["customers.csv"]


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


BOOK = "/spreadsheets/d/1aB-c_9"


class _Sheets(BaseHTTPRequestHandler):
    """A service of spreadsheets: pages where people look, files where programs ask, a sign-in before what is not shared."""

    is_shared, status = True, 200
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        kind = type(self)
        kind.asked.append(self.path)
        is_file = "/export?" in self.path or "/pub?" in self.path
        if is_file and not kind.is_shared and kind.status == 200:
            self.send_response(302)
            self.send_header("Location", "/ServiceLogin?continue=export")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = (
            CUSTOMERS.encode() if is_file and kind.is_shared else b"<!DOCTYPE html><html><body>Sign in</body></html>"
        )
        self.send_response(200 if kind.is_shared else kind.status)
        self.send_header("Content-Type", "text/csv" if is_file and kind.is_shared else "text/html; charset=utf-8")
        if is_file and kind.is_shared:
            told = "attachment; filename=\"-.csv\"; filename*=UTF-8''%D0%9F%D1%80%D0%BE%D0%B4%D0%B0%D0%B6%D0%B8.csv"
            self.send_header("Content-Disposition", told)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def sheets() -> Generator[tuple[str, type[_Sheets]]]:
    kind = type("Sheets", (_Sheets,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", kind
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("pasted", "asked"),
    [
        (f"{BOOK}/edit#gid=77", f"{BOOK}/export?format=csv&gid=77"),
        (f"{BOOK}/edit?gid=0#gid=0", f"{BOOK}/export?format=csv&gid=0"),
        (f"{BOOK}/edit?usp=sharing", f"{BOOK}/export?format=xlsx"),
        (f"{BOOK}/", f"{BOOK}/export?format=xlsx"),
        ("/spreadsheets/u/1/d/1aB-c_9/view#gid=5", "/spreadsheets/u/1/d/1aB-c_9/export?format=csv&gid=5"),
        ("/spreadsheets/d/e/2PACX-1v/pubhtml?gid=5", "/spreadsheets/d/e/2PACX-1v/pub?output=csv&gid=5&single=true"),
        ("/spreadsheets/d/e/2PACX-1v/pubhtml", "/spreadsheets/d/e/2PACX-1v/pub?output=xlsx"),
        (f"{BOOK}/export?format=csv", f"{BOOK}/export?format=csv"),
        ("/spreadsheets/d/e/2PACX-1v/pub?output=csv", "/spreadsheets/d/e/2PACX-1v/pub?output=csv"),
    ],
)
def test_the_address_of_a_sheet_that_a_person_pastes_is_its_file(
    sheets: tuple[str, type[_Sheets]], tmp_path: Path, pasted: str, asked: str
):
    url, kind = sheets
    settings = SOURCE.settings(place=url + pasted)
    assert SOURCE.check(settings).counts[0][1] == 1
    spool = Spool(tmp_path / "run")
    cursor = SOURCE.fetch(settings, Wanted(kind="full"), spool, _silent)
    assert kind.asked == [asked, asked]
    assert cursor["name"] == "Продажи.csv"
    assert (tmp_path / "run" / "files" / "Продажи.csv").read_bytes() == CUSTOMERS.encode()


@pytest.mark.parametrize("status", [200, 401, 404])
@pytest.mark.parametrize("path", [f"{BOOK}/edit#gid=0", f"{BOOK}/export?format=csv"])
def test_a_sheet_that_is_not_shared_is_said_in_words_and_not_loaded(
    sheets: tuple[str, type[_Sheets]], tmp_path: Path, status: int, path: str
):
    url, kind = sheets
    kind.is_shared, kind.status = False, status
    settings = SOURCE.settings(place=url + path)
    for ask in (
        lambda: SOURCE.check(settings),
        lambda: SOURCE.fetch(settings, Wanted(kind="full"), Spool(tmp_path / "run"), _silent),
    ):
        with pytest.raises(SourceRefused, match="Anyone with the link"):
            ask()
    assert not [path for path in (tmp_path / "run" / "files").rglob("*") if path.is_file()]


def test_a_page_of_any_site_is_not_loaded_as_a_file(sheets: tuple[str, type[_Sheets]], tmp_path: Path):
    with pytest.raises(SourceRefused, match="answers with a page, not with a file"):
        SOURCE.check(SOURCE.settings(place=f"{sheets[0]}/reports/today"))


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
