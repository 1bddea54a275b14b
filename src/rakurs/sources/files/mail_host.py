"""How is a mailbox asked over IMAP without leaving a trace: which letters are there, what do they say of themselves, what do they hold?

The folder is opened for reading only and letters are peeked at, so that nothing becomes read. TLS comes before the password, always.
"""

import hashlib
import imaplib
import re
import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path
from socket import SHUT_RDWR
from types import TracebackType
from typing import Any, Self, TypeVar

from rakurs.core.errors import SourceRefused
from rakurs.core.text import Text
from rakurs.sources.files.gathering import words_of
from rakurs.sources.files.reaching import ANSWER_SECONDS, CHUNK_BYTES, Breathe, Lost, Waiting

LETTERS_A_TIME = 200
_SHOWN_FOLDERS = 20
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ABOUT = "(UID INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE MESSAGE-ID)])"
_BEGINS = re.compile(rb"\d+ \(")
_HEADERS_FOLLOW = re.compile(rb"BODY\[HEADER\.FIELDS[^\]]*\] \{\d+\}$", re.IGNORECASE)
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')
_UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)", re.IGNORECASE)
_ARRIVED = re.compile(rb'\bINTERNALDATE "([^"]+)"', re.IGNORECASE)
_NAMES_A_FILE = re.compile(rb'"(?:file)?name(?:\*\d*\*?)?" ', re.IGNORECASE)
_FOLDER = re.compile(rb'^\((?P<flags>[^)]*)\) (?:"[^"]*"|NIL) (?P<name>.+)$')

_NO_ENTRY = Text(
    ru="Почтовый сервер {host} не принял логин «{login}»: {why}. Проверьте их; Яндекс, Mail.ru и Gmail требуют пароль приложения и "
    "включённый доступ по IMAP.",
    en="The mail server {host} did not take the login “{login}”: {why}. Check them; Yandex, Mail.ru and Gmail want a password for "
    "applications and IMAP turned on.",
)
_NO_FOLDER = Text(
    ru="В ящике нет папки «{folder}». Есть: {known}.",
    en="The mailbox has no folder “{folder}”. There are: {known}.",
)
_NO_TRUST = Text(
    ru="Сертификату почтового сервера {host} нельзя верить: {why}. Пароль не отправлен. Проверьте имя сервера; если сертификат выдан самой "
    "компанией, добавьте её корневой сертификат в систему.",
    en="The certificate of the mail server {host} cannot be trusted: {why}. No password was sent. Check the server's name; where the company "
    "issues its own certificates, add its root certificate to the system.",
)
_NO_TLS = Text(
    ru="Почтовый сервер {host} не умеет STARTTLS, а без шифрования пароль не отправляется. Возьмите порт 993.",
    en="The mail server {host} knows no STARTTLS, and no password is sent without it. Take the port 993.",
)
_NOT_HERE = Text(
    ru="На порту {port} почтовый сервер {host} говорит без шифрования. Обычно нужен порт 993; для порта 143 отметьте STARTTLS.",
    en="At port {port} the mail server {host} speaks unencrypted. Usually port 993 is needed; for port 143 tick STARTTLS.",
)
_REFUSES = Text(
    ru="Почтовый сервер {host} отказывает: {why}.",
    en="The mail server {host} refuses: {why}.",
)
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What is known of a letter before it is read. `letter` tells it from all others, in whichever folder it lies."""

    uid: int
    letter: str
    arrived: datetime
    sent: datetime
    sender: str
    subject: str
    size: int
    has_files: bool


class MailHost:
    """One visit to one folder of a mailbox. Everything it does raises Lost where the connection goes."""

    def __init__(
        self,
        *,
        address: tuple[str, int],
        login: str,
        password: str,
        folder: str,
        is_plain_at_first: bool,
        breathe: Breathe,
        is_trial: bool,
    ) -> None:
        self._address, self._login, self._password, self._folder = address, login, password, folder
        self._is_plain_at_first = is_plain_at_first
        self._waiting = Waiting(breathe, is_trial=is_trial)
        self._box: imaplib.IMAP4 | None = None
        self.letters = 0
        self.validity = ""

    def __enter__(self) -> Self:
        try:
            self._box = self._told(self._connected)
            self._told(self._let_in)
            self.letters = self._told(self._opened)
        except BaseException:
            self._leave()
            raise
        # Numbers of letters mean something only together with this one.
        self.validity = _first(self._box.response("UIDVALIDITY")[1]).decode()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._box is not None:
            with suppress(Lost, SourceRefused):
                self._told(self._box.logout)
        self._leave()

    def uids(self, first: int, days: tuple[date, date] | None = None) -> list[int]:
        """The numbers of letters from `first` on, or of those that came in a period (and around it), ascending."""
        asked = f"UID {first}:*"
        if days is not None:
            asked = f"SINCE {_day(days[0] - timedelta(days=1))} BEFORE {_day(days[1] + timedelta(days=2))}"
        found = b" ".join(part for part in self._asked("SEARCH", asked) if part).split()
        # A server answers n:* with its last letter even where that is before n.
        return sorted(number for number in map(int, found) if number >= first)

    def heads(self, uids: Sequence[int]) -> list[Head]:
        """What these letters say of themselves, ascending; those that went meanwhile are left out."""
        if not uids:
            return []
        return sorted(_heads(self._asked("FETCH", ",".join(map(str, uids)), _ABOUT)), key=lambda head: head.uid)

    def read(self, uid: int, draft: Path) -> None:
        """Write the whole letter to `draft`, part by part; what an earlier try wrote of it stays. Nothing where it went."""
        with draft.open("ab") as write:
            while True:
                parts = self._asked("FETCH", str(uid), f"(BODY.PEEK[]<{write.tell()}.{CHUNK_BYTES}>)")
                whole = (part for part in parts if isinstance(part, tuple) and b"BODY[]" in part[0].upper())
                content = next(whole, (b"", b""))[1]
                write.write(content)
                write.flush()
                if len(content) < CHUNK_BYTES:
                    return

    def _connected(self) -> imaplib.IMAP4:
        host, port = self._address
        context = ssl.create_default_context()
        if not self._is_plain_at_first:
            return imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=ANSWER_SECONDS)
        box = imaplib.IMAP4(host, port, timeout=ANSWER_SECONDS)
        if "STARTTLS" in box.capabilities:
            try:
                box.starttls(context)
            except BaseException:
                box.shutdown()
                raise
            return box
        box.shutdown()
        raise SourceRefused(_NO_TLS.filled(host=host))

    def _let_in(self) -> None:
        """Sign in. The plain way takes any letters; the other one is older and knows only Latin ones."""
        box = self._box
        assert box is not None
        try:
            if "AUTH=PLAIN" in box.capabilities:
                box.authenticate("PLAIN", lambda _asked: f"\0{self._login}\0{self._password}".encode())
            else:
                box.login(self._login, self._password)
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, UnicodeEncodeError) as wrong:
            why = _said(wrong) if isinstance(wrong, imaplib.IMAP4.error) else "ASCII"
            raise SourceRefused(_NO_ENTRY.filled(host=self._address[0], login=self._login, why=why)) from None

    def _opened(self) -> int:
        """Open the folder for reading only; how many letters it holds."""
        box = self._box
        assert box is not None
        status, answer = box.select(_quoted(self._folder), readonly=True)
        if status == "OK":
            return int(_first(answer) or 0)
        known = sorted(name for name in map(_folder_name, box.list()[1]) if name)
        raise SourceRefused(_NO_FOLDER.filled(folder=self._folder, known=", ".join(known[:_SHOWN_FOLDERS]) or "—"))

    def _asked(self, *command: str) -> list[Any]:
        box = self._box
        assert box is not None
        status, answer = self._told(lambda: box.uid(*command))
        if status != "OK":
            raise SourceRefused(_REFUSES.filled(host=self._address[0], why=_text(_first(answer))))
        return answer

    def _told(self, work: Callable[[], _Answer]) -> _Answer:
        """What `work` comes to, in a thread of its own; what a cut connection raises, as Lost."""
        try:
            return self._waiting.in_thread(work)
        except ssl.SSLCertVerificationError as untrusted:
            raise SourceRefused(_NO_TRUST.filled(host=self._address[0], why=untrusted.verify_message)) from None
        except (imaplib.IMAP4.abort, OSError, EOFError) as cut:
            if isinstance(cut, ssl.SSLError) and cut.reason == "WRONG_VERSION_NUMBER":
                raise SourceRefused(_NOT_HERE.filled(host=self._address[0], port=self._address[1])) from None
            raise Lost from None
        except imaplib.IMAP4.error as wrong:
            raise SourceRefused(_REFUSES.filled(host=self._address[0], why=_said(wrong))) from None

    def _leave(self) -> None:
        """Whoever still waits for an answer gets none."""
        if self._box is not None:
            with suppress(OSError):
                self._box.socket().shutdown(SHUT_RDWR)
            with suppress(OSError):
                self._box.shutdown()
        self._waiting.close()


def _heads(answer: Sequence[Any]) -> Iterator[Head]:
    text, headers = b"", b""
    for part in answer:
        told, literal = part if isinstance(part, tuple) else (part or b"", b"")
        if _BEGINS.match(told):
            yield from _head(text, headers)
            text, headers = b"", b""
        if _HEADERS_FOLLOW.search(told):
            headers = literal
        text += told + b" " + (b"" if literal is headers else literal)
    yield from _head(text, headers)


def _head(text: bytes, headers: bytes) -> Iterator[Head]:
    """The letter these words are of; none where they tell of something else (a flag that changed meanwhile)."""
    plain = _QUOTED.sub(b'""', text)
    uid, size, arrived = _UID.search(plain), _SIZE.search(plain), _ARRIVED.search(text)
    if uid is None or size is None or arrived is None:
        return
    told = {
        name.lower(): words_of(_text(str(value).encode(errors="surrogateescape")))
        for name, value in message_from_bytes(headers).raw_items()
    }
    came = parsedate_to_datetime(arrived[1].decode())
    known_by = "\0".join(told.get(name, "") for name in ("message-id", "date", "from", "subject"))
    yield Head(
        uid=int(uid[1]),
        letter=hashlib.blake2b(known_by.encode(), digest_size=6).hexdigest(),
        arrived=came,
        sent=_moment(told.get("date", ""), came),
        sender=parseaddr(told.get("from", ""))[1].lower(),
        subject=" ".join(told.get("subject", "").split()),
        size=int(size[1]),
        has_files=_NAMES_A_FILE.search(text) is not None,
    )


def _moment(told: str, otherwise: datetime) -> datetime:
    """When a letter was sent by its own words, in UTC."""
    try:
        found = parsedate_to_datetime(told)
    except ValueError:
        found = otherwise
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _quoted(folder: str) -> str:
    """The folder's name as the protocol writes it: letters beyond ASCII in a UTF-7 of its own."""
    written = re.sub(r"[^\x20-\x7e]+|&", lambda found: "&-" if found[0] == "&" else _in_base64(found[0]), folder)
    return '"' + written.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _in_base64(letters: str) -> str:
    return f"&{b64encode(letters.encode('utf-16-be')).decode().rstrip('=').replace('/', ',')}-"


def _folder_name(listed: Any) -> str:
    """What a line of the list of folders calls its folder, for people."""
    line = listed[0].rpartition(b"{")[0] + listed[1] if isinstance(listed, tuple) else listed or b""
    found = _FOLDER.match(line)
    if found is None or b"\\noselect" in found["flags"].lower():
        return ""
    name = found["name"].decode("ascii", "replace")
    if name.startswith('"'):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])

    def letters(coded: re.Match[str]) -> str:
        packed = coded[1].replace(",", "/")
        return b64decode(packed + "=" * (-len(packed) % 4)).decode("utf-16-be", "replace") if packed else "&"

    return re.sub(r"&([A-Za-z0-9+,]*)-", letters, name)


def _day(day: date) -> str:
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}"


def _first(answer: Sequence[Any]) -> bytes:
    found = answer[0] if answer else b""
    return found if isinstance(found, bytes) else b""


def _said(wrong: imaplib.IMAP4.error) -> str:
    told = wrong.args[0] if wrong.args else b""
    return (_text(told) if isinstance(told, bytes) else str(told))[:200].rstrip(". ")


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1251", "replace")
