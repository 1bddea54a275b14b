# ruff: noqa: FBT001 - a test is given its cases
"""Is a folder of an SFTP server followed: new and changed files, half of one, another server in its place, a cut cable?"""

import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from pydantic import ValidationError

from rakurs.core.errors import Cancelled, MappingNeeded, SourceRefused, SourceUnreachable
from rakurs.core.loading import silent
from rakurs.core.text import Text
from rakurs.sources import calling
from rakurs.sources.files import profile_from, reaching, sftp, write_profile
from rakurs.sources.files.sftp import SOURCE
from rakurs.sources.live import Wanted
from rakurs.sources.spool import Spool
from sources.following import Following
from sources.sftp_server import PASSWORD, USER, Shelf

PROFILE = """
name: people
files:
  - match: [customer_id, name]
    tables:
      customers:
        customer_id: customer_id
        name: name
"""
CUSTOMERS = "customer_id;name\n1;Анна\n2;Борис\n"
DAY = 86_400


class Follower(Following):
    """Follows one folder."""

    def __init__(self, folder: Path, shelf: Shelf, **settings: Any) -> None:
        given = {
            "host": "127.0.0.1",
            "port": shelf.port,
            "user": USER,
            "password": PASSWORD,
            "fingerprint": shelf.fingerprint,
            "folder": "/exports",
            **settings,
        }
        super().__init__(folder, SOURCE, SOURCE.settings.model_validate(given), prefix="sftp")
        folder.mkdir(exist_ok=True)
        write_profile(profile_from(PROFILE, file="people.yaml"), folder)

    def names(self) -> list[str]:
        return sorted(row["name"] for row in self.rows("customers"))

    def files(self, *given: Any) -> list[str]:
        """What a run loads."""
        return [file.file for file in self.run(*given).files]


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    (tmp_path / "server" / "exports").mkdir(parents=True)
    with Shelf(tmp_path / "server") as found:
        yield found


@pytest.fixture
def follower(shelf: Shelf, tmp_path: Path) -> Iterator[Follower]:
    found = Follower(tmp_path, shelf)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(sftp, "SETTLING_SECONDS", 0.02)


def put(shelf: Shelf, name: str, text: str = CUSTOMERS, *, age: float = 60) -> Path:
    """A file written so many seconds ago."""
    path = shelf.folder / "exports" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="cp1251")
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def big(rows: int = 30_000) -> str:
    return "customer_id;name\n" + "".join(f"{number};Покупатель {number:07}\n" for number in range(rows))


def test_new_and_changed_files_are_loaded_and_others_are_left(shelf: Shelf, follower: Follower):
    put(shelf, "customers.csv")
    put(shelf, "Архив 2026/Покупатели.csv", "customer_id;name\n4;Глеб\n")
    assert follower.files() == ["customers.csv", "Архив 2026/Покупатели.csv"]
    assert follower.names() == ["Анна", "Борис", "Глеб"]
    assert follower.files() == []
    put(shelf, "customers.csv", CUSTOMERS + "3;Вера\n", age=30)
    assert follower.files() == ["customers.csv"]
    assert follower.names() == ["Анна", "Борис", "Вера", "Глеб"]


def test_what_is_deleted_there_stays_and_its_return_is_no_news(shelf: Shelf, follower: Follower):
    path = put(shelf, "customers.csv")
    follower.run()
    kept = path.read_bytes()
    at = path.stat().st_mtime
    path.unlink()
    assert follower.files() == []
    assert follower.names() == ["Анна", "Борис"]
    path.write_bytes(kept)
    os.utime(path, (at, at))
    assert follower.files() == []


def test_everything_anew_and_a_period(shelf: Shelf, follower: Follower):
    put(shelf, "customers.csv")
    put(shelf, "old.csv", "customer_id;name\n9;Давно\n", age=40 * DAY)
    today = datetime.now(UTC).date()
    assert follower.files("period", (today - timedelta(days=1), today)) == ["customers.csv"]
    assert follower.files("period", (date(2001, 1, 1), date(2001, 1, 2))) == []
    assert follower.files("full") == ["customers.csv", "old.csv"]


def test_a_file_that_is_still_written_waits(shelf: Shelf, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    """By the server's own two looks, whatever clock it has: here one that is a year ahead."""
    path = put(shelf, "customers.csv", age=-365 * DAY)
    put(shelf, "whole.csv", "customer_id;name\n7;Жанна\n", age=-365 * DAY)

    def grow(seconds: float, breathe: Callable[[], None]) -> None:
        assert seconds == sftp.SETTLING_SECONDS
        path.write_text(CUSTOMERS + "3;Вера\n", encoding="cp1251")

    with monkeypatch.context() as patched:
        patched.setattr(sftp, "rest", grow)
        assert follower.files() == ["whole.csv"]
    assert follower.files() == ["customers.csv"]
    assert follower.names() == ["Анна", "Борис", "Вера", "Жанна"]


def test_a_file_that_changes_while_it_is_taken_is_left_for_the_next_look(shelf: Shelf, follower: Follower):
    path = put(shelf, "customers.csv", big())
    seen: list[int] = []

    def append(_step: Text, *, done: int, total: int) -> None:
        if done and not seen:
            seen.append(done)
            with path.open("a", encoding="cp1251") as file:
                file.write("30000;Последняя\n")

    spool = follower.spool()
    cursor = SOURCE.fetch(follower.settings, Wanted(kind="changes"), spool, append)
    assert seen
    assert (cursor, spool.total) == ({}, 0)
    follower.run()
    assert len(follower.names()) == 30_001


def test_only_meant_files_are_taken(shelf: Shelf, tmp_path: Path):
    for name in ("customers.csv", "~$customers.xlsx", ".hidden.csv", "logo.png", "Покупатели.CSV"):
        put(shelf, name)
    everything = Follower(tmp_path, shelf)
    assert everything.files() == ["customers.csv", "Покупатели.CSV"]
    everything.close()
    chosen = Follower(tmp_path / "chosen", shelf, pattern="ПОКУП*.csv, *.xlsx")
    assert chosen.files() == ["Покупатели.CSV"]
    chosen.close()


def test_names_that_are_no_utf_8_are_read_as_windows_writes_them(shelf: Shelf, follower: Follower):
    put(shelf, "a.csv").rename(shelf.folder / "exports" / os.fsdecode("Покупатели.csv".encode("cp1251")))
    assert follower.files() == ["Покупатели.csv"]
    assert follower.files() == []


def test_links_to_files_are_followed_and_those_in_circles_are_not(shelf: Shelf, follower: Follower):
    (shelf.folder / "elsewhere.csv").write_text(CUSTOMERS, encoding="cp1251")
    (shelf.folder / "exports" / "customers.csv").symlink_to("../elsewhere.csv")
    (shelf.folder / "exports" / "circle").symlink_to("../exports")
    (shelf.folder / "exports" / "nowhere.csv").symlink_to("../nowhere.csv")
    assert follower.files() == ["customers.csv"]


def test_files_of_one_name_in_two_folders_are_two_files(shelf: Shelf, follower: Follower):
    """Their rows have no numbers of their own, and are told apart by the files they stand in."""
    for month, amount in (("2026-01", 10), ("2026-02", 20)):
        put(shelf, f"{month}/sales.csv", f"Клиент;Дата;Сумма\nООО «Луч»;01.{month[-2:]}.2026;{amount}\n")
    follower.run()
    assert sorted(row["amount"] for row in follower.rows("orders")) == [10, 20]


def test_archives_come_as_they_do_by_hand(shelf: Shelf, follower: Follower):
    from zipfile import ZipFile

    with ZipFile(shelf.folder / "exports" / "Выгрузка.zip", "w") as archive:
        archive.writestr("customers.csv", CUSTOMERS.encode("cp1251"))
    assert follower.files() == ["Выгрузка.zip/customers.csv"]


# -- who is there --------------------------------------------------------------------------------------


def test_a_server_nobody_confirmed_is_shown_and_sent_nothing(shelf: Shelf, tmp_path: Path):
    put(shelf, "customers.csv")
    unconfirmed = Follower(tmp_path, shelf, fingerprint="").settings
    for ask in (lambda: SOURCE.check(unconfirmed), lambda: _fetched(unconfirmed, tmp_path)):
        with pytest.raises(SourceRefused, match="presented the key ssh-ed25519") as shown:
            ask()
        assert shelf.fingerprint in shown.value.message.ru
        assert PASSWORD not in f"{shown.value.message.ru}{shown.value.message.en}{unconfirmed!r}"
    assert shelf.passwords == []
    confirmed = Follower(tmp_path, shelf, fingerprint=f" ssh-ed25519 {shelf.fingerprint} ").settings
    assert [count for _, count in SOURCE.check(confirmed).counts] == [1]


def test_another_key_than_the_confirmed_one_is_refused_before_any_password(shelf: Shelf, follower: Follower):
    put(shelf, "customers.csv")
    follower.run()
    asked = len(shelf.passwords)
    before = shelf.fingerprint
    shelf.close()
    shelf.host_key = asyncssh.generate_private_key("ssh-ed25519")
    shelf.open()
    for ask in (lambda: SOURCE.check(follower.settings), follower.run):
        with pytest.raises(SourceRefused, match="another key") as changed:
            ask()
        assert before in changed.value.message.ru
        assert shelf.fingerprint in changed.value.message.ru
    assert len(shelf.passwords) == asked


def test_a_server_is_known_by_any_of_its_keys(shelf: Shelf, tmp_path: Path):
    """Servers have several, and which of them its owner tells is his choice."""
    put(shelf, "customers.csv")
    shelf.close()
    shelf.other_keys = [asyncssh.generate_private_key(kind) for kind in ("ecdsa-sha2-nistp256", "ssh-rsa")]
    shelf.open()
    for key in (shelf.host_key, *shelf.other_keys):
        settings = Follower(tmp_path, shelf, fingerprint=key.get_fingerprint()).settings
        assert [count for _, count in SOURCE.check(settings).counts] == [1]
    with pytest.raises(SourceRefused, match=r"another key: ssh-ed25519 .*, ecdsa-sha2-nistp256 .*, ssh-rsa "):
        SOURCE.check(Follower(tmp_path, shelf, fingerprint=f"SHA256:{'x' * 43}").settings)
    with pytest.raises(SourceRefused, match=f"presented the key ssh-ed25519 {re.escape(shelf.fingerprint)}"):
        SOURCE.check(Follower(tmp_path, shelf, fingerprint="").settings)
    assert len(shelf.passwords) == 3


def test_the_known_servers_of_whoever_runs_rakurs_count_for_nothing(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    known = tmp_path / "home" / ".ssh" / "known_hosts"
    known.parent.mkdir(parents=True)
    known.write_text(f"[127.0.0.1]:{shelf.port} {shelf.host_key.export_public_key().decode()}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(SourceRefused, match="presented"):
        SOURCE.check(Follower(tmp_path, shelf, fingerprint="").settings)


@pytest.mark.parametrize("is_pasted_into_one_line", [False, True])
def test_a_private_key_lets_in(shelf: Shelf, tmp_path: Path, is_pasted_into_one_line: bool):
    put(shelf, "customers.csv")
    key = shelf.pem.replace("\n", "") if is_pasted_into_one_line else shelf.pem
    follower = Follower(tmp_path, shelf, password="", key=key)
    assert follower.files() == ["customers.csv"]
    assert shelf.passwords == []
    assert shelf.pem.splitlines()[1] not in repr(follower.settings)
    follower.close()


def test_a_wrong_password_and_a_wrong_key_are_named_without_being_said(shelf: Shelf, tmp_path: Path):
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    for given in ({"password": "not-this-one"}, {"password": "", "key": other}):
        with pytest.raises(SourceRefused, match="did not let in the user “выгрузка”") as refused:
            SOURCE.check(Follower(tmp_path, shelf, **given).settings)
        assert "not-this-one" not in f"{refused.value.message.ru}{refused.value.message.en}"


def test_a_key_with_a_passphrase_and_a_broken_one_say_what_is_needed(shelf: Shelf, tmp_path: Path):
    locked = shelf.user_key.export_private_key("pkcs8-pem", "phrase", "aes256-cbc").decode()
    broken = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
    for key in (locked, broken):
        with pytest.raises(SourceRefused, match="cannot be read"):
            SOURCE.check(Follower(tmp_path, shelf, password="", key=key).settings)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"host": "https://example.com/x"}, "name or number of a server"),
        ({"host": " "}, "name or number of a server"),
        ({"password": ""}, "a password or a private key"),
        ({"key": "ssh-ed25519 AAAA"}, "whole private key"),
        ({"fingerprint": "MD5:00:11"}, "SHA256"),
        ({"port": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(shelf: Shelf, tmp_path: Path, given: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        Follower(tmp_path, shelf, **given)


# -- what goes wrong -----------------------------------------------------------------------------------


def test_a_cut_connection_goes_on_where_it_was(shelf: Shelf, follower: Follower):
    size = put(shelf, "customers.csv", big()).stat().st_size
    shelf.cut_after = size // 2
    follower.run()
    assert len(follower.names()) == 30_000
    assert shelf.entries == 2
    assert shelf.bytes_read < size * 1.5


def test_half_of_a_file_is_kept_for_the_run_that_goes_on(shelf: Shelf, follower: Follower, tmp_path: Path):
    size = put(shelf, "customers.csv", big()).stat().st_size
    put(shelf, "a.csv", "customer_id;name\n99999;Первая\n")

    def stop(_step: Text, *, done: int, total: int) -> None:
        if done > size // 2:
            raise Cancelled(Text(ru="стоп", en="stop"))

    folder = tmp_path / "stopped"
    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, Wanted(kind="full"), Spool(folder), stop)
    before = shelf.bytes_read
    again = Spool(folder)
    cursor = SOURCE.fetch(follower.settings, Wanted(kind="full"), again, silent)
    assert shelf.bytes_read - before < size * 0.6
    follower.taken(again, cursor)
    assert len(follower.names()) == 30_001
    assert follower.files() == []


def test_a_half_of_a_file_that_is_another_one_since_is_not_gone_on_with(
    shelf: Shelf, follower: Follower, tmp_path: Path
):
    put(shelf, "customers.csv", big())

    def stop(_step: Text, *, done: int, total: int) -> None:
        if done:
            raise Cancelled(Text(ru="стоп", en="stop"))

    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, Wanted(kind="full"), Spool(tmp_path / "stopped"), stop)
    put(shelf, "customers.csv", big().replace("Покупатель", "Заказчицаа"), age=10)
    again = Spool(tmp_path / "stopped")
    follower.taken(again, SOURCE.fetch(follower.settings, Wanted(kind="full"), again, silent))
    assert {name.split()[0] for name in follower.names()} == {"Заказчицаа"}


def test_what_a_person_took_away_between_two_tries_is_not_loaded(shelf: Shelf, follower: Follower, tmp_path: Path):
    """An export nobody knows stopped the run; without it the run goes through."""
    put(shelf, "customers.csv")
    wrong = put(shelf, "список.csv", "Номерок;Как звать\n1;Анна\n")
    (shelf.folder / "exports" / "customers.csv").rename(shelf.folder / "customers.csv")
    spool = Spool(tmp_path / "failed")
    with pytest.raises(MappingNeeded):
        follower.taken(spool, SOURCE.fetch(follower.settings, Wanted(kind="full"), spool, silent))
    wrong.unlink()
    (shelf.folder / "customers.csv").rename(shelf.folder / "exports" / "customers.csv")
    again = Spool(tmp_path / "failed")
    follower.taken(again, SOURCE.fetch(follower.settings, Wanted(kind="full"), again, silent))
    assert follower.names() == ["Анна", "Борис"]


def test_a_slow_server_is_waited_for_and_can_be_left(shelf: Shelf, follower: Follower, tmp_path: Path):
    put(shelf, "customers.csv")
    shelf.slow_seconds = 0.5
    breaths: list[float] = []

    def breathe(_step: Text, *, done: int, total: int) -> None:
        breaths.append(time.monotonic())

    SOURCE.fetch(follower.settings, Wanted(kind="full"), Spool(tmp_path / "slow"), breathe)
    assert max(later - earlier for earlier, later in pairwise(breaths)) < 0.4
    shelf.slow_seconds = 20.0
    began = time.monotonic()

    def stop(_step: Text, *, done: int, total: int) -> None:
        if time.monotonic() - began > 0.5:
            raise Cancelled(Text(ru="стоп", en="stop"))

    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, Wanted(kind="full"), Spool(tmp_path / "left"), stop)
    assert time.monotonic() - began < 2


def test_a_server_that_falls_silent_is_given_up_in_the_end(
    shelf: Shelf, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    put(shelf, "customers.csv")
    shelf.slow_seconds = 20.0
    monkeypatch.setattr(reaching, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.5)
    with pytest.raises(SourceUnreachable, match=r"127\.0\.0\.1 does not answer \(no answer in"):
        follower.run()


def test_where_nobody_is_a_person_is_not_kept_waiting(
    shelf: Shelf, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(calling, "TRIAL_SECONDS", 0.2)
    shelf.close()
    with pytest.raises(SourceUnreachable, match=r"127\.0\.0\.1 does not answer") as away:
        SOURCE.check(follower.settings)
    assert PASSWORD not in away.value.message.en
    shelf.open()


def test_a_folder_that_is_not_there_and_a_closed_file_are_named(shelf: Shelf, follower: Follower):
    put(shelf, "customers.csv")
    for wrong in ("/нет такой", "/exports/customers.csv"):
        with pytest.raises(SourceRefused, match=f"no folder “{wrong}”"):
            SOURCE.check(follower.settings.model_copy(update={"folder": wrong}))
    shelf.refused = {"customers.csv"}
    with pytest.raises(SourceRefused, match=r"customers\.csv.*not for you"):
        follower.run()


def test_a_closed_folder_inside_is_said_and_the_rest_comes(shelf: Shelf, follower: Follower):
    put(shelf, "customers.csv")
    put(shelf, "Зарплата/salary.csv")
    shelf.refused = {"Зарплата"}
    assert [text.ru for text in SOURCE.check(follower.settings).closed] == ["Зарплата"]
    spool = follower.spool()
    follower.taken(spool, SOURCE.fetch(follower.settings, Wanted(kind="full"), spool, silent))
    assert spool.noted("closed") == ["Зарплата"]
    assert follower.names() == ["Анна", "Борис"]


def test_the_connection_is_known_again_without_its_secrets(follower: Follower, shelf: Shelf):
    assert SOURCE.identity(follower.settings) == f"sftp://{USER}@127.0.0.1:{shelf.port}//exports"


def _fetched(settings: Any, folder: Path) -> None:
    SOURCE.fetch(settings, Wanted(kind="full"), Spool(folder / "run"), silent)
