"""A mail server on loopback: as much of IMAP (RFC 3501) as reading a folder takes, over TLS or STARTTLS. It can be told to misbehave.

It keeps letters as bytes, remembers every command, and marks as read what is not peeked at. Nothing of the product is imported here.
"""

import base64
import email
import ipaddress
import re
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOGIN, PASSWORD = "отчёты@shop.ru", "пароль-приложения-7731"
COMMANDS = {"CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "LOGIN", "AUTHENTICATE", "LIST", "EXAMINE", "SELECT", "UID"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass
class Letter:
    content: bytes
    arrived: datetime
    is_read: bool = False


@dataclass
class Folder:
    validity: int = 1
    next_uid: int = 1
    letters: dict[int, Letter] = field(default_factory=dict)


class MailServer:
    """The server and its one mailbox. Letters are put into it as delivered mail would be."""

    def __init__(self, folder: Path, *, speaks_tls_at_once: bool = True) -> None:
        self.speaks_tls_at_once = speaks_tls_at_once
        self.folders: dict[str, Folder] = {"INBOX": Folder()}
        self.commands: list[str] = []
        self.passwords: list[tuple[str, str]] = []
        self.capabilities = ["IMAP4rev1", "AUTH=PLAIN"]
        self.slow_seconds = 0.0  # each command takes so long
        self.cut_after: int | None = None  # the connection is cut when so many bytes of letters were sent, once
        self.sent = 0
        self.renumbers_after: int | None = None  # letters get new numbers when so many bytes of letters were sent, once
        self.visits: list[Any] = []
        self.certificate, key = own_certificate(folder)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, key)

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Visitor)
        self._server.mail = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self.cut()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def inbox(self) -> Folder:
        return self.folders["INBOX"]

    def deliver(self, content: bytes | Message, *, folder: str = "INBOX", age: timedelta = timedelta()) -> int:
        """A letter arrives; its number."""
        kept = self.folders.setdefault(folder, Folder())
        raw = content if isinstance(content, bytes) else content.as_bytes()
        kept.letters[kept.next_uid] = Letter(
            raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), datetime.now(UTC) - age
        )
        kept.next_uid += 1
        return kept.next_uid - 1

    def renumber(self, folder: str = "INBOX", *, gap: int = 0) -> None:
        """As after a move to another server: the same letters, other numbers, another validity."""
        kept = self.folders[folder]
        kept.letters = dict(enumerate(kept.letters.values(), start=1 + gap))
        kept.validity, kept.next_uid = kept.validity + 1, len(kept.letters) + 1 + gap

    def cut(self) -> None:
        """Every connection goes."""
        for visit in list(self.visits):
            with suppress(OSError):
                visit.connection.shutdown(2)

    def wrapped(self, connection: Any) -> Any:
        return self._context.wrap_socket(connection, server_side=True)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    mail: MailServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes is nothing to tell of."""


class _Visitor(socketserver.BaseRequestHandler):
    folder: Folder | None = None
    is_in = is_reading_only = False

    def handle(self) -> None:
        self.mail: MailServer = self.server.mail  # type: ignore[attr-defined]
        self.connection = self.request
        self.mail.visits.append(self)
        self.is_secret = self.mail.speaks_tls_at_once
        try:
            if self.is_secret:
                self.connection = self.mail.wrapped(self.request)
            self.stream = self.connection.makefile("rb")
            self.say(f"* OK [CAPABILITY {self.known}] loopback")
            while raw := self.stream.readline():
                time.sleep(self.mail.slow_seconds)
                if not self.obey(raw.decode("latin-1").rstrip("\r\n")):
                    return
        finally:
            self.mail.visits.remove(self)
            with suppress(OSError, AttributeError):
                self.stream.close()
            with suppress(OSError):
                self.connection.close()

    @property
    def known(self) -> str:
        return " ".join([*self.mail.capabilities, *([] if self.is_secret else ["STARTTLS", "LOGINDISABLED"])])

    def say(self, line: str) -> None:
        self.connection.sendall(line.encode() + b"\r\n")

    def obey(self, line: str) -> bool:
        tag, _, rest = line.partition(" ")
        name, _, given = rest.partition(" ")
        name = name.upper()
        self.mail.commands.append(rest if name not in {"LOGIN", "AUTHENTICATE"} else name)
        if name not in COMMANDS:
            self.say(f"{tag} BAD unknown command")
        elif name == "LOGOUT":
            self.say("* BYE bye")
            self.say(f"{tag} OK done")
            return False
        else:
            getattr(self, f"on_{name.lower()}")(tag, given)
        return True

    def on_capability(self, tag: str, _given: str) -> None:
        self.say(f"* CAPABILITY {self.known}")
        self.say(f"{tag} OK done")

    def on_noop(self, tag: str, _given: str) -> None:
        self.say(f"{tag} OK done")

    def on_starttls(self, tag: str, _given: str) -> None:
        self.say(f"{tag} OK begin")
        self.stream.close()
        self.connection = self.mail.wrapped(self.request)
        self.stream = self.connection.makefile("rb")
        self.is_secret = True

    def on_authenticate(self, tag: str, given: str) -> None:
        assert given.upper() == "PLAIN"
        self.say("+ ")
        _, login, password = base64.b64decode(self.stream.readline()).decode().split("\0")
        self.enter(tag, login, password)

    def on_login(self, tag: str, given: str) -> None:
        login, password = (word or quoted for quoted, word in re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', given))
        self.enter(tag, login, password)

    def enter(self, tag: str, login: str, password: str) -> None:
        assert self.is_secret, "a password came unencrypted"
        self.mail.passwords.append((login, password))
        self.is_in = (login, password) == (LOGIN, PASSWORD)
        self.say(
            f"{tag} OK in" if self.is_in else f"{tag} NO [AUTHENTICATIONFAILED] application-specific password required"
        )

    def on_list(self, tag: str, _given: str) -> None:
        for name in self.mail.folders:
            written = _utf7(name).replace("\\", "\\\\").replace('"', '\\"')
            self.say(f'* LIST (\\HasNoChildren) "/" "{written}"')
        self.say('* LIST (\\Noselect \\HasChildren) "/" "[Gmail]"')
        self.say(f"{tag} OK done")

    def on_select(self, tag: str, given: str, *, reads_only: bool = False) -> None:
        name = re.sub(r"\\(.)", r"\1", given[1:-1] if given.startswith('"') else given)
        found = next((folder for known, folder in self.mail.folders.items() if _utf7(known) == name), None)
        if not self.is_in or found is None:
            self.say(f"{tag} NO no such folder")
            return
        self.folder, self.is_reading_only = found, reads_only
        self.say("* FLAGS (\\Seen)")
        self.say(f"* {len(found.letters)} EXISTS")
        self.say("* 0 RECENT")
        self.say(f"* OK [UIDVALIDITY {found.validity}] numbered")
        self.say(f"* OK [UIDNEXT {found.next_uid}] next")
        self.say(f"{tag} OK [{'READ-ONLY' if reads_only else 'READ-WRITE'}] open")

    def on_examine(self, tag: str, given: str) -> None:
        self.on_select(tag, given, reads_only=True)

    def on_uid(self, tag: str, given: str) -> None:
        name, _, rest = given.partition(" ")
        if self.folder is None:
            self.say(f"{tag} BAD no folder")
        elif name.upper() == "SEARCH":
            found = " ".join(str(uid) for uid in self.searched(rest))
            self.say(f"* SEARCH {found}".rstrip())
            self.say(f"{tag} OK done")
        elif name.upper() == "FETCH":
            self.fetch(tag, rest)
        else:
            self.say(f"{tag} BAD unknown command")

    def searched(self, asked: str) -> Iterator[int]:
        assert self.folder is not None
        letters = self.folder.letters
        since, before = re.search(r"SINCE (\S+)", asked), re.search(r"BEFORE (\S+)", asked)
        numbers = re.search(r"UID (\d+):\*", asked)
        for uid, letter in letters.items():
            day = letter.arrived.date()
            # n:* always holds the last letter, RFC 3501, 6.4.8.
            if numbers and uid < int(numbers[1]) and uid != max(letters):
                continue
            if since and day < _day(since[1]):
                continue
            if before and day >= _day(before[1]):
                continue
            yield uid

    def fetch(self, tag: str, given: str) -> None:
        assert self.folder is not None
        numbers, _, items = given.partition(" ")
        wanted = {int(one) for one in numbers.split(",")}
        for place, (uid, letter) in enumerate(list(self.folder.letters.items()), start=1):
            if uid in wanted:
                self.connection.sendall(f"* {place} FETCH (".encode() + self.told(uid, letter, items) + b")\r\n")
                # Another program marks a letter meanwhile: the server tells of it whenever it likes.
                self.say(f"* {place} FETCH (FLAGS (\\Seen))")
        self.say(f"{tag} OK done")

    def told(self, uid: int, letter: Letter, items: str) -> bytes:
        parts = [f"UID {uid}".encode()]
        message = email.message_from_bytes(letter.content)
        at = letter.arrived
        if "BODYSTRUCTURE" in items:
            parts.append(b"BODYSTRUCTURE " + _structure(message))
        if "INTERNALDATE" in items:
            parts.append(f'INTERNALDATE "{at.day:2}-{MONTHS[at.month - 1]}-{at.year} {at:%H:%M:%S} +0000"'.encode())
        if "RFC822.SIZE" in items:
            parts.append(f"RFC822.SIZE {len(letter.content)}".encode())
        if fields := re.search(r"BODY(?:\.PEEK)?\[HEADER\.FIELDS \(([^)]*)\)\]", items):
            names = {name.encode().lower() for name in fields[1].split()}
            head = letter.content.partition(b"\r\n\r\n")[0]
            lines = [line for line in re.split(rb"\r\n(?![ \t])", head) if line.partition(b":")[0].lower() in names]
            content = b"\r\n".join([*lines, b"", b""])
            parts.append(f"BODY[HEADER.FIELDS ({fields[1]})] {{{len(content)}}}\r\n".encode() + content)
        if whole := re.search(r"BODY(\.PEEK)?\[\]<(\d+)\.(\d+)>", items):
            if not whole[1] and not self.is_reading_only:
                letter.is_read = True
            begin = int(whole[2])
            content = letter.content[begin : begin + int(whole[3])]
            self.counted(content)
            parts.append(f"BODY[]<{begin}> {{{len(content)}}}\r\n".encode() + content)
        return b" ".join(parts)

    def counted(self, content: bytes) -> None:
        self.mail.sent += len(content)
        if self.mail.renumbers_after is not None and self.mail.sent >= self.mail.renumbers_after:
            self.mail.renumbers_after = None
            self.mail.renumber(gap=5)
            self.mail.cut_after = 0
        if self.mail.cut_after is not None and self.mail.sent >= self.mail.cut_after:
            self.mail.cut_after = None
            self.connection.sendall(b"* 1 FETCH (BODY[]<0> {99999}\r\nhalf of it")
            self.connection.shutdown(2)


def _structure(message: Message) -> bytes:
    """BODYSTRUCTURE, RFC 3501, 7.4.2."""
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        inner = b"".join(_structure(part) for part in message.get_payload())
        return b"(" + inner + f' "{message.get_content_subtype().upper()}")'.encode()
    is_letter = message.get_content_type() == "message/rfc822"
    inside = b" " + _envelope() + b" " + _structure(message.get_payload(0)) + b" 1" if is_letter else b""
    given = [pair for pair in _parameters(message, "content-type")[1:] if pair[1]]
    body = b" ".join(
        [
            _string(message.get_content_maintype().upper()),
            _string(message.get_content_subtype().upper()),
            _list(given),
            b"NIL NIL",
            _string(message.get("Content-Transfer-Encoding", "7BIT").upper()),
            b"100" + inside,
            b"NIL",
            _disposition(message),
        ]
    )
    return b"(" + body + b" NIL NIL)"


def _envelope() -> bytes:
    return b"(" + b" ".join([b"NIL"] * 10) + b")"


def _disposition(message: Message) -> bytes:
    told = _parameters(message, "content-disposition")
    return b"(" + _string(told[0][0].upper()) + b" " + _list(told[1:]) + b")" if told else b"NIL"


def _parameters(message: Message, header: str) -> list[tuple[str, str]]:
    value = {name.lower(): text for name, text in message.raw_items()}.get(header, "")
    words = re.findall(r'\s*([^;="]+)(?:=("(?:[^"\\]|\\.)*"|[^;]*))?', str(value))
    return [(name.strip(), text.strip().strip('"')) for name, text in words if name.strip()]


def _list(pairs: list[tuple[str, str]]) -> bytes:
    return b"(" + b" ".join(_string(word) for pair in pairs for word in pair) + b")" if pairs else b"NIL"


def _string(text: str) -> bytes:
    raw = text.encode(errors="surrogateescape")
    if raw.isascii() and not {*raw} & {10, 13, 34, 92}:
        return b'"' + raw + b'"'
    return f"{{{len(raw)}}}\r\n".encode() + raw


def _utf7(name: str) -> str:
    def packed(found: re.Match[str]) -> str:
        coded = base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return "&-" if found[0] == "&" else f"&{coded}-"

    return re.sub(r"[^\x20-\x7e]+|&", packed, name)


def _day(text: str) -> Any:
    day, month, year = text.split("-")
    return datetime(int(year), MONTHS.index(month) + 1, int(day), tzinfo=UTC).date()


def own_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private
