"""A real mail server on loopback, as small as the protocol allows: takes letters in and keeps them."""

import base64
import socketserver
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from time import monotonic, sleep


@dataclass
class PostOffice:
    """What came in: (recipient, letter) in order. `refused` addresses are answered with 550."""

    port: int = 0
    login: str = "robot"
    password: str = "post-office-7731"
    letters: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)

    def to(self, address: str, *, count: int = 1, seconds: float = 60) -> list[EmailMessage]:
        """The letters to `address`, when `count` of them have come."""
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            found = [letter for recipient, letter in self.letters if recipient == address]
            if len(found) >= count:
                return found
            sleep(0.1)
        raise AssertionError(f"{count} letters to {address} did not come: {[to for to, _ in self.letters]}")


class _Visitor(socketserver.StreamRequestHandler):
    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        office: PostOffice = self.server.office
        recipients: list[str] = []
        self.say("220 loopback ESMTP")
        while raw := self.rfile.readline():
            line = raw.decode().strip()
            office.lines.append(line)
            verb = line.partition(" ")[0].upper()
            if verb == "EHLO":
                self.wfile.write(b"250-loopback\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n")
            elif verb == "AUTH":
                _, name, password = base64.b64decode(line.split()[2]).decode().split("\0")
                self.say("235 in" if (name, password) == (office.login, office.password) else "535 wrong password")
            elif verb == "MAIL":
                recipients = []
                self.say("250 ok")
            elif verb == "RCPT":
                address = line.partition("<")[2].partition(">")[0]
                if address in office.refused:
                    self.say("550 no such box")
                else:
                    recipients.append(address)
                    self.say("250 ok")
            elif verb == "DATA":
                self.say("354 go on")
                letter = message_from_bytes(self.body(), policy=policy.default)
                office.letters += [(address, letter) for address in recipients]
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def body(self) -> bytes:
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def post_office() -> Generator[PostOffice]:
    """The server, listening on a free port of loopback."""
    with _Server(("127.0.0.1", 0), _Visitor) as server:
        office = PostOffice(port=server.server_address[1])
        server.office = office
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield office
        finally:
            server.shutdown()
