"""Reports and alerts leave the house: real letters through a real mail server, each with its reader's own numbers."""

import io
import json
import sqlite3
from collections.abc import Generator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import httpx
import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from offices import Office
from post_office import PostOffice, post_office
from processes import write_table

SECONDS = 120


@pytest.fixture(scope="module")
def post() -> Generator[PostOffice]:
    with post_office() as office:
        yield office


def posted(client: httpx.Client, path: str, expected: int = 302, **fields: object) -> httpx.Response:
    client.get("/notices/")
    answer = client.post(path, data={**fields, "csrfmiddlewaretoken": client.cookies["csrftoken"]})
    assert answer.status_code == expected, answer.text[-3000:]
    return answer


def awaited(browser: httpx.Client, *either: str) -> None:
    """Until the history of what was sent says so: a worker sends, and a page is asked meanwhile."""
    deadline = monotonic() + SECONDS
    while not any(words in browser.get("/notices/").text for words in either):
        assert monotonic() < deadline, f"the history does not say {either}"
        sleep(0.2)


def awaited_letter(mail: PostOffice, address: str, subject: str) -> EmailMessage:
    deadline = monotonic() + SECONDS
    while monotonic() < deadline:
        for recipient, letter in mail.letters:
            if recipient == address and letter["Subject"] == subject:
                return letter
        sleep(0.1)
    raise AssertionError(f"no letter “{subject}” to {address}")


def history(office: Office, title: str, recipient: str) -> list[str]:
    with sqlite3.connect(office.machine.home / "state.sqlite") as state:
        asked = "select status from state_delivery where title = ? and recipient = ?"
        return [status for (status,) in state.execute(asked, [title, recipient])]


def ids(office: Office) -> dict[str, str]:
    with sqlite3.connect(office.machine.home / "state.sqlite") as state:
        return dict(state.execute("select login, cast(id as text) from state_user").fetchall())


@pytest.fixture(scope="module")
def mail(office: Office, browser: httpx.Client, post: PostOffice) -> PostOffice:
    """The company's mail server is set, and people have addresses."""
    with sqlite3.connect(office.machine.home / "state.sqlite") as state:
        state.execute("update state_user set email = login || '@firm.test'")
    fields = {"deed": "mail", "host": "127.0.0.1", "port": post.port, "security": "none", "login": post.login}
    posted(
        browser, "/settings/sending/", **fields, password=post.password, sender="rakurs@firm.test", sender_name="Ракурс"
    )
    return post


def text_of(letter: EmailMessage) -> str:
    return letter.get_body(("plain",)).get_content()


def attachment(letter: EmailMessage, ending: str) -> bytes:
    (file,) = [part for part in letter.iter_attachments() if part.get_filename().endswith(ending)]
    return file.get_content()


def test_a_test_letter_proves_the_settings_and_the_password_never_comes_back(
    office: Office, browser: httpx.Client, mail: PostOffice
) -> None:
    posted(browser, "/settings/sending/", deed="test")
    (letter,) = mail.to("boss@firm.test")
    assert letter["From"] == "Ракурс <rakurs@firm.test>"
    assert mail.password not in browser.get("/settings/sending/").text
    assert mail.password not in office.served.printed
    kept = office.machine.home / "outbox.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert posted(browser, "/settings/sending/", deed="mail", host="127.0.0.1", port=mail.port, security="none",
                  login=mail.login, password="", sender="rakurs@firm.test", sender_name="Ракурс")  # fmt: skip
    posted(browser, "/settings/sending/", deed="test")
    assert len(mail.to("boss@firm.test", count=2)) == 2  # an empty password left the known one


def test_a_wrong_password_is_said_in_the_servers_words(browser: httpx.Client, mail: PostOffice) -> None:
    fields = {"deed": "mail", "host": "127.0.0.1", "port": mail.port, "security": "none", "login": mail.login}
    posted(browser, "/settings/sending/", **fields, password="guess", sender="rakurs@firm.test", sender_name="Ракурс")
    said = posted(browser, "/settings/sending/", 422, deed="test").text
    assert "535 wrong password" in said
    assert "guess" not in said
    posted(
        browser, "/settings/sending/", **fields, password=mail.password, sender="rakurs@firm.test", sender_name="Ракурс"
    )


def scheduled(
    browser: httpx.Client, office: Office, title: str, *people: str, files: tuple[str, ...] = ("pdf", "xlsx")
) -> str:
    known = ids(office)
    answer = posted(
        browser,
        "/notices/reports/new/?analysis=managers&period=all",
        title=title,
        frequency="daily",
        weekday=0,
        day=1,
        at="09:00",
        people=[known[person] for person in people],
        files=list(files),
        skips_empty="1",
    )
    return answer.headers["location"].partition("#")[2]


def test_a_report_arrives_with_each_readers_own_rows_and_the_right_files(
    office: Office, browser: httpx.Client, mail: PostOffice
) -> None:
    report = scheduled(browser, office, "Менеджеры за неделю", "boss", "south", "nobody")
    before = len([to for to, _ in mail.letters if to == "boss@firm.test"])
    posted(browser, f"/notices/{report}/send")
    (*_, boss) = mail.to("boss@firm.test", count=before + 1)
    (south,) = mail.to("south@firm.test")
    assert boss["Subject"] == south["Subject"] == "Менеджеры за неделю"
    assert "Анна" in text_of(boss)
    assert "Борис" in text_of(boss)
    assert "Анна" not in text_of(south)
    assert "Анна" not in south.get_body(("html",)).get_content()
    assert "Борис" in text_of(south)
    for letter, names in ((boss, {"Анна", "Борис"}), (south, {"Борис"})):
        rows = (
            CalamineWorkbook.from_filelike(io.BytesIO(attachment(letter, ".xlsx")))
            .get_sheet_by_name("Данные")
            .to_python()
        )
        assert {str(cell) for row in rows for cell in row} & {"Анна", "Борис"} == names
        text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(attachment(letter, ".pdf"))).pages)
        assert {name for name in ("Анна", "Борис") if name in text} == names
    awaited(browser, "нечего сказать", "nothing to say")  # nobody has no rows: no letter, but a line of history
    assert not [to for to, _ in mail.letters if to == "nobody@firm.test"]


def test_a_dashboard_arrives_on_one_paper_with_each_readers_own_rows(
    office: Office, browser: httpx.Client, mail: PostOffice
) -> None:
    known = ids(office)
    asked = "/notices/reports/new/?dashboard=sales&period=all"
    answer = posted(
        browser, asked, title="Утро отдела", frequency="weekly", weekday=0, day=1, at="09:00",
        people=[known["boss"], known["south"], known["nobody"]], files=["pdf"], skips_empty="1",
    )  # fmt: skip
    posted(browser, f"/notices/{answer.headers['location'].partition('#')[2]}/send")
    for login, names in (("boss", {"Анна", "Борис"}), ("south", {"Борис"})):
        letter = awaited_letter(mail, f"{login}@firm.test", "Утро отдела")
        assert {name for name in ("Анна", "Борис") if name in text_of(letter)} == names
        (paper,) = letter.iter_attachments()
        assert paper.get_filename().startswith("Утро отдела")
        text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(paper.get_content())).pages)
        assert {name for name in ("Анна", "Борис") if name in text} == names
        assert "Воронка" in text
    deadline = monotonic() + SECONDS
    while not (told := history(office, "Утро отдела", f"person:{known['nobody']}")):
        assert monotonic() < deadline
        sleep(0.2)
    assert told == ["empty"], "whose rows are none gets no letter of zeros"


class Chat(BaseHTTPRequestHandler):
    """A messenger that takes JSON, as Apprise's own format of webhooks has it."""

    def do_POST(self) -> None:
        self.server.said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(403 if "closed" in self.path else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_chat_is_told_its_owners_numbers_and_a_closed_one_says_so(
    office: Office, browser: httpx.Client, mail: PostOffice
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Chat) as messenger:
        messenger.said = []
        Thread(target=messenger.serve_forever, daemon=True).start()
        for name, path in (("Отдел", "room"), ("Закрытый", "closed")):
            url = f"json://127.0.0.1:{messenger.server_port}/{path}"
            posted(browser, "/settings/sending/", deed="chat", name=name, url=url)
        assert str(messenger.server_port) not in browser.get("/settings/sending/").text, "an address holds a key"
        posted(browser, "/settings/sending/", deed="test_chat", name="Отдел")
        assert len(messenger.said) == 1
        answer = posted(
            browser, "/notices/reports/new/?analysis=managers&period=all", title="В чат", frequency="daily",
            weekday=0, day=1, at="09:00", chats=["Отдел", "Закрытый"], files=["xlsx"],
        )  # fmt: skip
        posted(browser, f"/notices/{answer.headers['location'].partition('#')[2]}/send")
        awaited(browser, "Чат «Закрытый» не принял", "The chat “Закрытый” did not take")
        told = next(said for said in messenger.said if said["title"] == "В чат")
        assert "Анна" in told["message"]
        assert "Борис" in told["message"]
        assert [file["filename"].endswith(".xlsx") for file in told["attachments"]] == [True]
        messenger.shutdown()


def test_a_report_that_is_due_leaves_by_itself_once(office: Office, browser: httpx.Client, mail: PostOffice) -> None:
    report = scheduled(browser, office, "Каждое утро", "analyst", files=())
    with sqlite3.connect(office.machine.home / "state.sqlite") as state:
        state.execute("update state_subscription set next_at = datetime('now', '-1 minute') where id = ?", [report])
    (letter,) = mail.to("analyst@firm.test")
    assert letter["Subject"] == "Каждое утро"
    assert not list(letter.iter_attachments())
    with sqlite3.connect(office.machine.home / "state.sqlite") as state:
        (is_later,) = state.execute(
            "select next_at > datetime('now') from state_subscription where id = ?", [report]
        ).fetchone()
    assert is_later


def test_a_refused_letter_is_told_in_the_history(office: Office, browser: httpx.Client, mail: PostOffice) -> None:
    mail.refused.add("anna@firm.test")
    report = scheduled(browser, office, "Анне", "anna", files=())
    posted(browser, f"/notices/{report}/send")
    awaited(browser, "550 no such box")


def test_an_alert_tells_when_a_number_falls_after_a_load(
    office: Office, browser: httpx.Client, mail: PostOffice, tmp_path: Path
) -> None:
    known = ids(office)
    posted(browser, "/notices/alerts/new/", metric="revenue", condition="below", threshold="1 000,5", title="Выручка упала",
           people=[known["boss"]])  # fmt: skip
    letters = lambda: [letter for to, letter in mail.letters if letter["Subject"] == "Выручка упала"]  # noqa: E731
    office.machine.run("load", str(write_table(tmp_path, "channels", [{"channel_id": "x", "name": "X"}])))
    deadline = monotonic() + SECONDS
    while not letters() and monotonic() < deadline:
        sleep(0.2)
    (letter,) = letters()
    assert "0 ₽" in text_of(letter).replace("\xa0", " ")
    assert "1 000,50 ₽" in text_of(letter).replace("\xa0", " ")


def test_an_alert_beside_a_forecast_keeps_its_period_and_takes_sums_only(office: Office, mail: PostOffice) -> None:
    body = {"metric": "revenue", "condition": "forecast", "grain": "week", "level": 80, "people": ["boss"]}
    with office.as_("boss") as boss:
        made = boss.post("/api/v1/alerts", json=body)
        assert made.status_code == 201, made.text
        assert [made.json()[name] for name in ("grain", "level", "against")] == ["week", 80, None]
        path = f"/api/v1/alerts/{made.json()['id']}"
        assert boss.put(path, json={**body, "metric": "average_check"}).status_code == 422
        assert boss.put(path, json={**body, "grain": "month"}).json()["grain"] == "month"
        assert boss.delete(path).status_code == 204


def test_a_key_to_the_api_opens_no_page(office: Office, mail: PostOffice) -> None:
    with office.as_("anna") as anna:
        assert anna.get("/notices/").headers["location"].startswith("/login")


def test_an_administrator_alone_sees_the_sending_settings(office: Office, browser: httpx.Client) -> None:
    assert browser.get("/settings/sending/").status_code == 200
    with office.served.client() as stranger:
        assert stranger.get("/settings/sending/").headers["location"].startswith("/login")
