"""A loopback server that speaks TDS 7.3 and 7.4 as MS-TDS documents it, answers from a real engine, and fails when told to.

It is no SQL Server: it knows the requests that a reading client makes and the statements of the tests, and says 59999 to the rest.
"""

import socket
import socketserver
import struct
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import quote

from sources.imap_server import own_certificate
from sources.tds_engine import Answer, Database, Session
from sources.tds_moments import ORDERS
from sources.tds_packets import FIRST_PACKET, NOT_SUPPORTED, OFF, ON, PRELOGIN, REQUIRED, Gone, Packets, server_context
from sources.tds_refusals import Refusal
from sources.tds_values import COLLATION, Given, column_metadata, row, short_text

LOGIN = "rakurs"
PASSWORD = "p@ss/лес 7"
SERVER_NAME = "LOOPBACK"
_BATCH, _CALL, _ATTENTION, _TRANSACTION, _LOGIN = 0x01, 0x03, 0x06, 0x0E, 0x10
_VERSIONS = {0x730A0003, 0x730B0003, 0x74000004}
_MORE, _ERROR, _COUNT, _ATTENDED = 0x01, 0x02, 0x10, 0x20
_DESCRIPTOR = struct.pack("<Q", 1)
_DEADLOCKED = (
    "Transaction (Process ID 52) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. "
    "Rerun the transaction."
)


@dataclass(slots=True, kw_only=True)
class Faults:
    """What goes wrong, for everybody but the shop's own programs. Counts go down as it happens."""

    is_silent_at_login: bool = False
    silences: int = 0
    """Queries that get no answer."""
    silences_in_rows: int = 0
    cuts: int = 0
    """Answers that end in the middle of a row with the connection."""
    deadlocks: int = 0
    lock_waits: int = 0
    """Queries that others keep from a row for too long."""
    after_rows: int = 0
    """Rows that still come before it goes wrong."""


class TdsServer:
    """A server of some databases, on a free port."""

    def __init__(self) -> None:
        self.databases: dict[str, Database] = {}
        self.faults = Faults()
        self.newest = 0x74000004
        """The version it speaks with those who ask for that or a newer one."""
        with tempfile.TemporaryDirectory() as folder:
            self.context = server_context(*map(str, own_certificate(Path(folder))))
        self.hides_everything = False
        """Whether nobody is let in who does not hide all that is said."""
        self.language = "us_english"
        """Of those who log in without naming one."""
        self.pause_seconds = 0.0
        self.hidden = 0
        """Batches that came under TLS."""
        self.asked: list[str] = []
        """The batches of everybody but the shop."""
        self.logins = 0
        """Connections that began to speak."""
        self.attentions = 0
        """Answers that a client did not want to the end."""
        self.connections: dict[int, Connection] = {}
        self.closing = threading.Event()
        self._server = _Listener(("127.0.0.1", 0), Connection)
        self._server.tds = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        for connection in list(self.connections.values()):
            connection.cut()
        self._server.server_close()
        for database in self.databases.values():
            database.close()

    def new_database(self, name: str) -> str:
        """The address of a database made now; one of that name goes first."""
        self.databases[name] = Database(name)
        return self.url(name)

    def url(self, name: str, *, password: str = PASSWORD) -> str:
        return f"mssql://{LOGIN}:{quote(password, safe='')}@127.0.0.1:{self.port}/{name}"

    def connected(self, name: str, *, password: str = PASSWORD) -> Any:
        """A connection of the shop's own programs: they are spared the faults."""
        import pymssql

        return pymssql.connect(
            server="127.0.0.1",
            port=str(self.port),
            user=LOGIN,
            password=password,
            database=name,
            appname="shop",
            autocommit=True,
        )

    def end_others(self) -> None:
        """What an administrator's KILL does to everybody but the shop."""
        for connection in list(self.connections.values()):
            if not connection.is_shop:
                connection.cut()


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    tds: TdsServer


class Connection(socketserver.BaseRequestHandler):
    """One client, from its first packet to its last."""

    _numbers: ClassVar[Iterator[int]] = iter(range(51, 1_000_000))
    request: socket.socket

    def setup(self) -> None:
        assert isinstance(self.server, _Listener)
        self.tds = self.server.tds
        self.number = next(self._numbers)
        self.is_shop = False
        self.session: Session | None = None
        self.packets = Packets(self.request, number=self.number)
        self._is_reading = False
        self._hides_login_only = False
        self.tds.connections[self.number] = self

    def finish(self) -> None:
        self.tds.connections.pop(self.number, None)
        if self.session is not None:
            self.session.close()

    def cut(self) -> None:
        """End it at once."""
        self.packets.cut()

    def handle(self) -> None:
        try:
            if self._prelogged() and self._logged_in():
                while True:
                    self._answer(*self.packets.message())
        except (Gone, OSError):
            return

    # -- logging in ------------------------------------------------------------------------------------

    def _prelogged(self) -> bool:
        """Who is there, and what is hidden: as a rule the login only."""
        kind, content = self.packets.message()
        self.tds.logins += 1
        if self.tds.faults.is_silent_at_login:
            self._be_silent()
        theirs = _asked_encryption(content)
        ours = {REQUIRED: ON}.get(theirs, theirs)
        if self.tds.hides_everything:
            ours = REQUIRED
        parts = {0: bytes((16, 0, 3, 232, 0, 0)), 1: bytes((ours,)), 2: b"\x00", 3: b"", 4: b"\x00"}
        place, heads, bodies = 5 * len(parts) + 1, b"", b""
        for option, value in parts.items():
            heads += struct.pack(">BHH", option, place + len(bodies), len(value))
            bodies += value
        self.packets.tell(heads + b"\xff" + bodies)
        self.packets.end()
        if ours == REQUIRED and theirs == NOT_SUPPORTED:
            return False
        if ours != NOT_SUPPORTED:
            self.packets.secure(self.tds.context)
        self._hides_login_only = ours == OFF
        return kind == PRELOGIN

    def _logged_in(self) -> bool:
        kind, content = self.packets.message()
        if kind != _LOGIN:
            return False
        if self._hides_login_only:
            self.packets.bare()
        login = _Login(content)
        self.is_shop = login.application == "shop"
        if login.version not in _VERSIONS:
            return self._refused(Refusal(17_809, "The loopback server speaks TDS 7.3 and 7.4.", severity=16))
        if (login.user, login.password) != (LOGIN, PASSWORD):
            return self._refused(Refusal(18_456, f"Login failed for user '{login.user}'.", severity=14))
        database = self.tds.databases.get(login.database)
        if database is None:
            message = f'Cannot open database "{login.database}" requested by the login. The login failed.'
            self.packets.tell(_error(Refusal(4060, message, severity=11)))
            return self._refused(Refusal(18_456, f"Login failed for user '{login.user}'.", severity=14))
        language = login.language if login.language in ORDERS else self.tds.language
        self.session = Session(database, number=self.number, language=language)
        self._welcome(login, database)
        return True

    def _welcome(self, login: "_Login", database: Database) -> None:
        name = database.name
        size = max(512, min(login.packet_bytes or FIRST_PACKET, 32_767))
        self.packets.tell(_change(1, short_text(name) + short_text("master")))
        self.packets.tell(_told(0xAB, Refusal(5701, f"Changed database context to '{name}'.", severity=10)))
        self.packets.tell(_change(7, bytes((5,)) + COLLATION + b"\0"))
        self.packets.tell(_change(2, short_text("us_english") + b"\0"))
        self.packets.tell(_told(0xAB, Refusal(5703, "Changed language setting to us_english.", severity=10)))
        program = (
            struct.pack(">BI", 1, min(login.version, self.tds.newest))
            + short_text("Microsoft SQL Server")
            + bytes((16, 0, 3, 232))
        )
        self.packets.tell(b"\xad" + struct.pack("<H", len(program)) + program)
        self.packets.tell(_change(4, short_text(str(size)) + short_text(str(FIRST_PACKET))))
        self.packets.tell(_done())
        self.packets.end()
        self.packets.packet_bytes = size

    def _refused(self, why: Refusal) -> bool:
        self.packets.tell(_error(why) + _done(_ERROR))
        self.packets.end()
        return False

    # -- requests --------------------------------------------------------------------------------------

    def _answer(self, kind: int, content: bytes) -> None:
        if kind == _ATTENTION:
            self.packets.tell(_done(_ATTENDED))
            self.packets.end()
            return
        given = Given(content)
        given.raw(given.number(4) - 4)
        try:
            if kind == _BATCH:
                self._batch(content[given.place :].decode("utf-16-le"))
            elif kind == _CALL:
                self._call(given)
            elif kind == _TRANSACTION:
                self._transaction(given)
            else:
                raise Gone  # noqa: TRY301 - as where the client hangs up
        except Refusal as why:
            self.packets.tell(_error(why) + _done(_ERROR))
        except (Gone, OSError):
            raise
        except _Interrupted:
            self.packets.tell(_done(_ATTENDED))
        except Exception as broken:  # noqa: BLE001 - whoever runs the test is told by the client where the server is at fault
            traceback.print_exc()
            self.packets.tell(
                _error(Refusal(59_999, f"the loopback server itself failed: {broken!r}", severity=20)) + _done(_ERROR)
            )
        self.packets.end()

    def _batch(self, text: str) -> None:
        assert self.session is not None
        self.tds.hidden += self.packets.is_hidden
        self._disturb(text)
        self._tell_answers(self.session.answers(text), done=0xFD)

    def _tell_answers(self, answers: Iterator[Answer], *, done: int) -> None:
        """Each answer and a DONE that says whether another follows."""
        answer = next(answers, None)
        while answer is not None:
            status, rows = self._told_answer(answer)
            answer = next(answers, None)
            self.packets.tell(_done(status | (_MORE if answer is not None or done != 0xFD else 0), rows, token=done))

    def _told_answer(self, answer: Answer) -> tuple[int, int]:
        if answer.transaction == "began":
            self.packets.tell(_change(8, bytes((8,)) + _DESCRIPTOR + b"\0"))
        elif answer.transaction:
            self.packets.tell(
                _change(9 if answer.transaction == "committed" else 10, b"\0" + bytes((8,)) + _DESCRIPTOR)
            )
        if not answer.columns:
            return (0, 0) if answer.touched is None else (_COUNT, answer.touched)
        self.packets.tell(column_metadata(answer.columns))
        count = 0
        for values in answer.rows:
            written = row(answer.columns, values)
            self._disturb_rows(count, written)
            self.packets.tell(written)
            count += 1
            if count % 100 == 0:
                self._look_for_attention()
        return _COUNT, count

    def _look_for_attention(self) -> None:
        if self.tds.pause_seconds and not self.is_shop:
            time.sleep(self.tds.pause_seconds)
        if self.packets.has_news:
            kind, _ = self.packets.message()
            if kind == _ATTENTION:
                self.tds.attentions += 1
                raise _Interrupted

    def _call(self, given: Given) -> None:
        """sp_executesql, the one call that clients make for a query with parameters."""
        assert self.session is not None
        size = given.number(2)
        name = {10: "sp_executesql"}.get(given.number(2), "another") if size == 0xFFFF else given.text(size)
        given.number(2)
        if name.lower() != "sp_executesql":
            raise Refusal(2812, f"Could not find stored procedure '{name}'.", severity=16)
        parameters: list[tuple[str, Any]] = []
        while not given.is_over:
            parameters.append(given.parameter())
        (_, text), *others = parameters
        self._disturb(text)
        self._tell_answers(self.session.answers(text, dict(others[1:])), done=0xFF)
        self.packets.tell(b"\x79" + struct.pack("<i", 0) + _done(token=0xFE))

    def _transaction(self, given: Given) -> None:
        assert self.session is not None
        wanted = given.number(2)
        act = {5: self.session.began, 7: self.session.committed, 8: self.session.rolled_back}.get(wanted)
        if act is None:
            raise Refusal(59_999, f"the loopback server does not know the transaction request {wanted}")
        answers = [act()]
        if wanted in {7, 8} and _asks_for_another(given):
            answers.append(self.session.began())
        for answer in answers:
            self._told_answer(answer)
        self.packets.tell(_done())

    # -- faults ----------------------------------------------------------------------------------------

    def _disturb(self, text: str) -> None:
        if self.is_shop:
            return
        self.tds.asked.append(text)
        faults = self.tds.faults
        self._is_reading = _reads_a_table(text)
        if self._is_reading and faults.silences:
            faults.silences -= 1
            self._be_silent()

    def _disturb_rows(self, count: int, written: bytes) -> None:
        faults = self.tds.faults
        if self.is_shop or not self._is_reading or count < faults.after_rows:
            return
        if faults.cuts:
            faults.cuts -= 1
            self.packets.tell(written[: len(written) // 2])
            self.packets.packet(is_last=False)
            self.cut()
            raise Gone
        if faults.silences_in_rows:
            faults.silences_in_rows -= 1
            self.packets.packet(is_last=False)
            self._be_silent()
        if faults.lock_waits:
            faults.lock_waits -= 1
            raise Refusal(1222, "Lock request time out period exceeded.", severity=16)
        if faults.deadlocks:
            faults.deadlocks -= 1
            assert self.session is not None
            if self.session.depth:
                self._told_answer(self.session.rolled_back())
            raise Refusal(1205, _DEADLOCKED, severity=13)

    def _be_silent(self) -> None:
        """Until the other side has enough of it: even what it says meanwhile, an attention above all, gets no answer."""
        while not self.tds.closing.is_set():
            if self.packets.wait_for_end(0.05):
                break
        raise Gone


class _Interrupted(Exception):
    """The client wants no more of the answer."""


class _Login:
    """LOGIN7: what the client says of itself."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        _, self.version, self.packet_bytes = struct.unpack_from("<III", content)
        self.user = self._text(40)
        self.application = self._text(48)
        self.language = self._text(64)
        self.database = self._text(68)
        hidden = self._bytes(44)
        self.password = bytes(_shown(one) for one in hidden).decode("utf-16-le")

    def _bytes(self, place: int) -> bytes:
        start, characters = struct.unpack_from("<HH", self._content, place)
        return self._content[start : start + 2 * characters]

    def _text(self, place: int) -> str:
        return self._bytes(place).decode("utf-16-le")


def _shown(byte: int) -> int:
    """A byte of a password: it travels with its halves exchanged, under a mask."""
    mixed = byte ^ 0xA5
    return (mixed << 4 | mixed >> 4) & 0xFF


def _asked_encryption(content: bytes) -> int:
    """What the client says of encryption in its first words."""
    for place in range(0, len(content), 5):
        if content[place] == 0xFF:
            break
        option, start, _ = struct.unpack_from(">BHH", content, place)
        if option == 1:
            return content[start]
    return NOT_SUPPORTED


def _reads_a_table(text: str) -> bool:
    return " from (" in text.lower()


def _asks_for_another(given: Given) -> bool:
    """Whether a new transaction begins where one ended."""
    name_bytes = given.number(1)
    given.raw(name_bytes)
    return bool(given.number(1) & 1)


def _change(kind: int, values: bytes) -> bytes:
    return b"\xe3" + struct.pack("<HB", 1 + len(values), kind) + values


def _error(why: Refusal) -> bytes:
    return _told(0xAA, why)


def _told(token: int, why: Refusal) -> bytes:
    message = why.message[:2000]
    content = struct.pack("<iBBH", why.number, 1, why.severity, len(message)) + message.encode("utf-16-le")
    content += short_text(SERVER_NAME) + short_text("") + struct.pack("<I", 1)
    return struct.pack("<BH", token, len(content)) + content


def _done(status: int = 0, rows: int = 0, *, token: int = 0xFD) -> bytes:
    return struct.pack("<BHHQ", token, status, 0xC1 if status & _COUNT else 0, rows)
