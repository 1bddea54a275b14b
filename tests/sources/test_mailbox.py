# ruff: noqa: FBT001 - a test is given its cases
"""Do files that come by mail come once each, whatever they are called, whatever the mailbox does, and without a trace in it?"""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from pydantic import ValidationError

from rakurs.core.errors import Cancelled, MappingNeeded, SourceRefused, SourceUnreachable
from rakurs.core.loading import silent
from rakurs.core.text import Text
from rakurs.sources import calling
from rakurs.sources.files import mail_host, mailbox, profile_from, reaching, write_profile
from rakurs.sources.files.mailbox import SOURCE
from rakurs.sources.live import Wanted
from rakurs.sources.spool import Spool
from sources.following import Following
from sources.imap_server import LOGIN, PASSWORD, MailServer

PROFILE = """
name: people
files:
  - match: [customer_id, name]
    tables:
      customers:
        customer_id: customer_id
        name: name
"""
SALES = "Клиент;Дата;Сумма\nООО «Луч»;{day:02}.03.2026;{day}0\n"


class Follower(Following):
    """Follows one mailbox."""

    def __init__(self, folder: Path, server: MailServer, **settings: Any) -> None:
        given = {"host": "127.0.0.1", "port": server.port, "login": LOGIN, "password": PASSWORD, **settings}
        super().__init__(folder, SOURCE, SOURCE.settings.model_validate(given), prefix="mailbox")
        folder.mkdir(exist_ok=True)
        write_profile(profile_from(PROFILE, file="people.yaml"), folder)

    def names(self) -> list[str]:
        return sorted(row["name"] for row in self.rows("customers"))

    def files(self, *given: Any) -> list[str]:
        """What a run loads."""
        return [file.file for file in self.run(*given).files]

    def with_folder(self, name: str) -> "Follower":
        self.settings = self.settings.model_copy(update={"folder": name})
        return self


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer(tmp_path / "server") as found:
        monkeypatch.setenv("SSL_CERT_FILE", str(found.certificate))
        yield found


@pytest.fixture
def follower(server: MailServer, tmp_path: Path) -> Iterator[Follower]:
    found = Follower(tmp_path, server)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "FIRST_PAUSE_SECONDS", 0.01)


def customers(*names: str, first: int = 1) -> str:
    return "customer_id;name\n" + "".join(f"{number};{name}\n" for number, name in enumerate(names, start=first))


def letter(
    *files: tuple[str, str | bytes], sender: str = "Робот <robot@shop.ru>", subject: str = "Выгрузка", number: int = 0
) -> EmailMessage:
    """A letter with files, as programs write it."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, LOGIN, subject
    made["Date"] = datetime(2026, 3, 1, 10, tzinfo=UTC) + timedelta(minutes=number)
    made["Message-ID"] = f"<{number}-{abs(hash(files))}@shop.ru>"
    made.set_content("Здравствуйте, файл во вложении.")
    for name, content in files:
        raw = content.encode("cp1251") if isinstance(content, str) else content
        made.add_attachment(raw, maintype="application", subtype="octet-stream", filename=name)
    return made


def test_each_attachment_comes_once(server: MailServer, follower: Follower):
    server.deliver(letter(("Покупатели.csv", customers("Анна", "Борис")), number=1))
    server.deliver(letter(number=2))
    server.deliver(
        letter(("customers.csv", customers("Вера", first=3)), ("Ещё.csv", customers("Глеб", first=4)), number=3)
    )
    assert sorted(follower.files()) == ["customers.csv", "Ещё.csv", "Покупатели.csv"]
    assert follower.names() == ["Анна", "Борис", "Вера", "Глеб"]
    asked = server.sent
    assert follower.files() == []
    assert server.sent == asked
    server.deliver(letter(("new.csv", customers("Дарья", first=5)), number=4))
    assert follower.files() == ["new.csv"]
    assert follower.names() == ["Анна", "Борис", "Вера", "Глеб", "Дарья"]


def test_no_trace_is_left_in_the_mailbox(server: MailServer, follower: Follower):
    server.deliver(letter(("customers.csv", customers("Анна")), number=1))
    server.deliver(letter(number=2))
    follower.run()
    follower.run("full")
    assert not any(one.is_read for one in server.inbox.letters.values())
    words = {" ".join(command.split()[:2]) for command in server.commands}
    assert words <= {"CAPABILITY", "AUTHENTICATE", 'EXAMINE "INBOX"', "UID SEARCH", "UID FETCH", "LOGOUT"}
    assert all("PEEK" in command for command in server.commands if command.startswith("UID FETCH"))


def test_letters_without_files_are_not_even_read(server: MailServer, follower: Follower):
    for number in range(5):
        server.deliver(letter(number=number))
    assert follower.files() == []
    assert server.sent == 0


def test_everything_anew_and_a_period(server: MailServer, follower: Follower):
    for number, age in enumerate((0, 3, 40)):
        server.deliver(
            letter((f"{age}.csv", customers(f"Давность {age}", first=age)), number=number), age=timedelta(days=age)
        )
    today = datetime.now(UTC).date()
    assert follower.files("period", (today - timedelta(days=3), today - timedelta(days=1))) == ["3.csv"]
    assert follower.cursor == {}
    assert follower.files("period", (date(2001, 1, 1), date(2001, 1, 2))) == []
    assert follower.files("full") == ["0.csv", "3.csv", "40.csv"]
    assert follower.files() == []


@pytest.mark.parametrize(
    ("settings", "taken"),
    [
        ({}, {"a.csv", "b.csv", "c.csv", "прайс.csv"}),
        ({"senders": "robot@shop.ru"}, {"a.csv", "b.csv", "прайс.csv"}),
        ({"senders": "@other.com, nobody@shop.ru"}, {"c.csv"}),
        ({"senders": "op.ru"}, set()),
        ({"subject": "ПРОДАЖИ за"}, {"b.csv"}),
        ({"pattern": "ПР*.csv, c.*"}, {"c.csv", "прайс.csv"}),
        ({"senders": "shop.ru", "subject": "выгрузка", "pattern": "a*"}, {"a.csv"}),
    ],
)
def test_only_meant_letters_and_files_are_taken(
    server: MailServer, tmp_path: Path, settings: dict[str, str], taken: set[str]
):
    server.deliver(letter(("a.csv", customers("А")), ("прайс.csv", customers("Б")), number=1))
    server.deliver(letter(("b.csv", customers("В")), subject="Продажи за март", number=2))
    server.deliver(letter(("c.csv", customers("Г")), sender='"robot@shop.ru" <Ivan@Other.com>', number=3))
    follower = Follower(tmp_path, server, **settings)
    spool = follower.spool()
    SOURCE.fetch(follower.settings, Wanted(kind="full"), spool, silent)
    assert {path.name for path in (spool.folder / "files").rglob("*.csv")} == taken


RAW = b"""From: =?windows-1251?B?0O7h7vI=?= <robot@shop.ru>
Subject: =?koi8-r?B?99nH0tXay8E=?=
Date: Sun, 1 Mar 2026 10:00:00 +0300
Message-ID: <raw@shop.ru>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=part

--part
Content-Type: text/plain; charset=windows-1251

text
--part
Content-Type: application/octet-stream%s
Content-Transfer-Encoding: base64
Content-Disposition: attachment%s

Y3VzdG9tZXJfaWQ7bmFtZQox0KE7wOTg7AoK
--part--
"""


@pytest.mark.parametrize(
    ("by_type", "by_disposition"),
    [
        (b"", '; filename="Продажи.csv"'.encode()),
        (b"", '; filename="Продажи.csv"'.encode("cp1251")),
        (b"", b'; filename="=?utf-8?B?0J/RgNC+0LTQsNC20LguY3N2?="'),
        (b"", b'; filename="=?windows-1251?B?z/Du5ODm6C5jc3Y=?="'),
        (b"", b'; filename="=?koi8-r?Q?=F0=D2=CF=C4=C1=D6=C9.csv?="'),
        (b"", b'; filename="=?utf-8?B?0J/RgNC+?=\n =?utf-8?B?0LTQsNC20LguY3N2?="'),
        (b"", b"; filename*=UTF-8''%D0%9F%D1%80%D0%BE%D0%B4%D0%B0%D0%B6%D0%B8.csv"),
        (b"", b";\n filename*0*=windows-1251''%CF%F0%EE;\n filename*1*=%E4%E0%E6%E8.csv"),
        (b"", b"; filename=\"??????.csv\"; filename*=UTF-8''%D0%9F%D1%80%D0%BE%D0%B4%D0%B0%D0%B6%D0%B8.csv"),
        (b'; name="=?windows-1251?B?z/Du5ODm6C5jc3Y=?="', b""),
        (b"", '; filename="C:\\выгрузки\\..\\Продажи.csv"'.encode("cp1251")),
        (b"", '; filename="../../Продажи.csv"'.encode()),
    ],
)  # fmt: skip
def test_names_of_every_way_of_writing(server: MailServer, follower: Follower, by_type: bytes, by_disposition: bytes):
    server.deliver(RAW % (by_type, by_disposition))
    spool = follower.spool()
    SOURCE.fetch(follower.settings, Wanted(kind="full"), spool, silent)
    found = [path for path in (spool.folder / "files").rglob("*") if path.is_file()]
    assert [path.relative_to(spool.folder / "files").as_posix() for path in found] == ["0000000001/Продажи.csv"]
    assert found[0].read_bytes() == "customer_id;name\n1С;Адам\n\n".encode("cp1251").replace(b"1\xd1", b"1\xd0\xa1")


def test_subjects_and_senders_of_every_way_of_writing_are_chosen_by(server: MailServer, tmp_path: Path):
    server.deliver(RAW % (b"", b"; filename=customers.csv"))
    follower = Follower(tmp_path, server, subject="выгрузка", senders="robot@shop.ru")
    spool = follower.spool()
    SOURCE.fetch(follower.settings, Wanted(kind="full"), spool, silent)
    assert spool.rows("files") == 1


def test_archives_and_letters_inside_letters_are_opened(server: MailServer, follower: Follower):
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("customers.csv", customers("Анна").encode("cp1251"))
    server.deliver(letter(("Выгрузка.zip", packed.getvalue()), number=1))
    outer = letter(number=2)
    outer.add_attachment(letter(("inner.csv", customers("Борис", first=2)), number=3))
    server.deliver(outer)
    assert sorted(follower.files()) == ["inner.csv", "Выгрузка.zip/customers.csv"]
    assert follower.names() == ["Анна", "Борис"]


def test_two_files_of_one_name_in_a_letter_are_two(server: MailServer, follower: Follower):
    server.deliver(letter(("c.csv", customers("Анна")), ("c.csv", customers("Борис", first=2)), number=1))
    assert sorted(follower.files()) == ["c (2).csv", "c.csv"]
    assert follower.names() == ["Анна", "Борис"]


@pytest.mark.parametrize(("adds_up", "amounts"), [(False, [30]), (True, [10, 20, 30])])
def test_files_of_one_name_replace_each_other_or_add_up(
    server: MailServer, tmp_path: Path, adds_up: bool, amounts: list[int]
):
    """It matters to rows without numbers of their own. A second full load changes nothing."""
    for day in (1, 2, 3):
        server.deliver(letter(("sales.csv", SALES.format(day=day)), number=day))
    follower = Follower(tmp_path, server, adds_up=adds_up)
    for kind in ("changes", "full"):
        follower.run(kind)
        assert sorted(row["amount"] for row in follower.rows("orders")) == amounts
    server.renumber(gap=40)
    follower.run("full")
    assert sorted(row["amount"] for row in follower.rows("orders")) == amounts
    follower.close()


def test_a_mailbox_that_numbers_its_letters_anew_brings_only_what_is_new(server: MailServer, follower: Follower):
    for number in range(3):
        server.deliver(letter((f"{number}.csv", customers(f"Имя {number}", first=number)), number=number))
    follower.run()
    server.renumber(gap=100)
    server.deliver(letter(("new.csv", customers("Новая", first=9)), number=9))
    read = server.sent
    assert follower.files() == ["new.csv"]
    assert server.sent - read < 2000
    assert (follower.cursor["validity"], follower.cursor["uid"]) == ("2", "104")
    assert follower.files() == []


def test_a_letter_that_was_copied_is_not_another_one(server: MailServer, follower: Follower):
    same = letter(("customers.csv", customers("Анна")), number=1)
    server.deliver(same)
    follower.run()
    server.deliver(same)
    assert follower.files() == []


def test_a_folder_with_a_name_of_any_letters(server: MailServer, follower: Follower):
    server.deliver(letter(("customers.csv", customers("Анна")), number=1), folder='Отчёты & "1С"')
    assert follower.with_folder('Отчёты & "1С"').files() == ["customers.csv"]
    with pytest.raises(SourceRefused, match=r"no folder “Отчеты”\. There are: INBOX, Отчёты"):
        SOURCE.check(follower.with_folder("Отчеты").settings)


# -- who is there --------------------------------------------------------------------------------------


def test_a_connection_test_counts_letters(server: MailServer, follower: Follower):
    server.deliver(letter(number=1))
    reached = SOURCE.check(follower.settings)
    assert (reached.who, [count for _, count in reached.counts]) == (f"{LOGIN} (127.0.0.1)", [1])


def test_a_wrong_password_is_named_without_being_said(server: MailServer, tmp_path: Path):
    follower = Follower(tmp_path, server, password="not-this-one")
    for ask in (lambda: SOURCE.check(follower.settings), follower.run):
        with pytest.raises(SourceRefused, match="application-specific password required") as refused:
            ask()
        said = f"{refused.value.message.ru}{refused.value.message.en}{follower.settings!r}"
        assert "not-this-one" not in said


def test_a_server_that_knows_only_the_older_way_in(server: MailServer, follower: Follower, tmp_path: Path):
    server.capabilities = ["IMAP4rev1"]
    with pytest.raises(SourceRefused, match="ASCII"):
        SOURCE.check(follower.settings)
    plain = Follower(tmp_path / "plain", server, login="robot@shop.ru", password='p "quoted" \\ word')
    with pytest.raises(SourceRefused, match=r"did not take the login “robot@shop\.ru”"):
        SOURCE.check(plain.settings)
    assert [login for login, _ in server.passwords] == ["robot@shop.ru"]


def test_encryption_may_begin_later_and_nothing_goes_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with MailServer(tmp_path / "server", speaks_tls_at_once=False) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        server.deliver(letter(("customers.csv", customers("Анна")), number=1))
        follower = Follower(tmp_path, server, starttls=True)
        assert follower.files() == ["customers.csv"]
        follower.close()
        monkeypatch.setattr("sources.imap_server._Visitor.known", "IMAP4rev1 AUTH=PLAIN")
        with pytest.raises(SourceRefused, match="knows no STARTTLS"):
            SOURCE.check(follower.settings)
        with pytest.raises(SourceRefused, match=f"At port {server.port} .* speaks unencrypted"):
            SOURCE.check(follower.settings.model_copy(update={"starttls": False}))
        assert len(server.passwords) == 1


def test_a_certificate_nobody_vouches_for_is_refused_before_the_password(
    server: MailServer, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(SourceRefused, match="cannot be trusted: self-signed certificate"):
        SOURCE.check(follower.settings)
    assert server.passwords == []


@pytest.mark.parametrize(
    ("given", "words"),
    [({"host": "https://mail.ru/x"}, "mail server"), ({"port": 70_000}, "65535"), ({"folder": "a\nb"}, "one line")],
)
def test_settings_that_cannot_be_are_refused_at_once(given: dict[str, Any], words: str):
    with pytest.raises(ValidationError, match=words):
        SOURCE.settings.model_validate({"host": "mail.ru", "login": LOGIN, "password": PASSWORD, **given})


# -- what goes wrong -----------------------------------------------------------------------------------


def test_a_connection_that_is_cut_in_a_letter_goes_on_with_it(server: MailServer, follower: Follower):
    for number in range(6):
        many = customers(*[f"Имя {one}" for one in range(4000)], first=4000 * number)
        server.deliver(letter((f"{number}.csv", many), number=number))
    server.cut_after = 250_000
    follower.run()
    assert len(follower.names()) == 24_000
    assert len(server.passwords) == 2


def test_a_large_letter_goes_on_in_its_middle(server: MailServer, follower: Follower):
    many = customers(*[f"Покупатель {one:06}" for one in range(40_000)])
    server.deliver(letter(("customers.csv", many), number=1))
    size = len(server.inbox.letters[1].content)
    server.cut_after = int(size * 0.7)
    follower.run()
    assert len(follower.names()) == 40_000
    assert size > 4 * reaching.CHUNK_BYTES
    assert server.sent < size + 1.5 * reaching.CHUNK_BYTES


def test_a_run_that_was_stopped_goes_on_with_the_next_letter(
    server: MailServer, follower: Follower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mailbox, "LETTERS_A_TIME", 2)
    for number in range(8):
        server.deliver(letter((f"{number}.csv", customers(f"Имя {number}", first=number)), number=number))

    def stop(_step: Text, *, done: int, total: int) -> None:
        if done >= 4:
            raise Cancelled(Text(ru="стоп", en="stop"))

    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, Wanted(kind="full"), Spool(tmp_path / "stopped"), stop)
    read = len([one for one in server.commands if "BODY.PEEK[]" in one])
    server.deliver(letter(("late.csv", customers("Поздняя", first=99)), number=99))
    again = Spool(tmp_path / "stopped")
    cursor = SOURCE.fetch(follower.settings, Wanted(kind="full"), again, silent)
    assert len([one for one in server.commands if "BODY.PEEK[]" in one]) - read == 5
    assert follower.taken(again, cursor).files[-1].file == "late.csv"
    assert len(follower.names()) == 9
    assert follower.files() == []


def test_letters_that_are_numbered_anew_in_the_middle_of_a_run(server: MailServer, follower: Follower):
    for number in range(6):
        server.deliver(letter((f"{number}.csv", customers(f"Имя {number}", first=number)), number=number))
    server.renumbers_after = 1500
    follower.run()
    assert follower.names() == [f"Имя {number}" for number in range(6)]
    assert follower.cursor["validity"] == "2"
    assert follower.files() == []


def test_a_letter_that_a_person_took_away_between_two_tries_is_not_loaded(
    server: MailServer, follower: Follower, tmp_path: Path
):
    wrong = server.deliver(letter(("список.csv", "Номерок;Как звать\n1;Анна\n"), number=1))
    spool = Spool(tmp_path / "failed")
    with pytest.raises(MappingNeeded):
        follower.taken(spool, SOURCE.fetch(follower.settings, Wanted(kind="full"), spool, silent))
    del server.inbox.letters[wrong]
    server.deliver(letter(("customers.csv", customers("Анна")), number=2))
    again = Spool(tmp_path / "failed")
    follower.taken(again, SOURCE.fetch(follower.settings, Wanted(kind="full"), again, silent))
    assert follower.names() == ["Анна"]


def test_a_letter_that_is_too_large_is_named(server: MailServer, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mailbox, "LARGEST_BYTES", 1 << 20)
    number = server.deliver(letter(("big.csv", "x" * (2 << 20)), subject="Огромная", number=1))
    with pytest.raises(SourceRefused, match=r"“Огромная”.*is 3 MB, more than 1 MB.*“INBOX”"):
        follower.run()
    assert server.sent == 0
    del server.inbox.letters[number]
    assert follower.files() == []


def test_a_slow_server_is_waited_for_and_can_be_left(server: MailServer, follower: Follower, tmp_path: Path):
    server.deliver(letter(("customers.csv", customers("Анна")), number=1))
    server.slow_seconds = 0.1
    assert follower.files() == ["customers.csv"]
    server.slow_seconds = 20.0
    began = time.monotonic()

    def stop(_step: Text, *, done: int, total: int) -> None:
        if time.monotonic() - began > 0.5:
            raise Cancelled(Text(ru="стоп", en="stop"))

    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, Wanted(kind="full"), Spool(tmp_path / "left"), stop)
    assert time.monotonic() - began < 2


def test_a_server_that_falls_silent_is_given_up_in_the_end(
    server: MailServer, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    server.slow_seconds = 20.0
    monkeypatch.setattr(reaching, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(mail_host, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.5)
    with pytest.raises(SourceUnreachable, match=r"127\.0\.0\.1 does not answer \("):
        follower.run()


def test_where_nobody_is_a_person_is_not_kept_waiting(
    server: MailServer, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(calling, "TRIAL_SECONDS", 0.2)
    settings = follower.settings.model_copy(update={"port": 9})
    with pytest.raises(SourceUnreachable, match=r"127\.0\.0\.1 does not answer") as away:
        SOURCE.check(settings)
    assert PASSWORD not in away.value.message.en


def test_the_connection_is_known_again_without_its_secrets(server: MailServer, follower: Follower):
    assert SOURCE.identity(follower.settings) == f"imap://{LOGIN}@127.0.0.1:{server.port}/INBOX"
