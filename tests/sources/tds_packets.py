"""How does a TDS connection cut messages into packets, and hide them? Source: MS-TDS, 2.2.3 (packets) and 2.2.6.5 (encryption)."""

import socket
import ssl
import struct
from select import select
from typing import ClassVar

REPLY, PRELOGIN = 0x04, 0x12
OFF, ON, NOT_SUPPORTED, REQUIRED = 0, 1, 2, 3
"""What either side says of encryption: the login only, everything, nothing, everything or no connection."""
FIRST_PACKET = 4096


class Gone(Exception):
    """The connection is over."""


class Packets:
    """The packets of one connection: whole messages in, tokens out; under TLS while `secure` is in force."""

    kinds: ClassVar[set[int]] = {0x01, 0x03, 0x06, 0x0E, 0x10, PRELOGIN}

    def __init__(self, request: socket.socket, *, number: int) -> None:
        self._socket, self._number = request, number
        self.packet_bytes = FIRST_PACKET
        self._out = bytearray()
        self._shown = bytearray()
        """What was received and uncovered, and waits to be read."""
        self._count = 0
        self._tls: ssl.SSLObject | None = None
        self._theirs, self._ours = ssl.MemoryBIO(), ssl.MemoryBIO()
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # -- in --------------------------------------------------------------------------------------------

    def message(self) -> tuple[int, bytes]:
        """A whole message: its type, and what its packets hold."""
        content = bytearray()
        while True:
            kind, status, size = struct.unpack(">BBH", self._exactly(8)[:4])
            assert kind in self.kinds, f"no packet begins with {kind}"
            content += self._exactly(size - 8)
            if status & 1:
                return kind, bytes(content)

    @property
    def has_news(self) -> bool:
        """Whether the other side says something, unasked."""
        return bool(self._shown) or bool(select([self._socket], [], [], 0)[0])

    def wait_for_end(self, seconds: float) -> bool:
        """Whether the other side hung up within so long; what it says is not heard."""
        return bool(select([self._socket], [], [], seconds)[0]) and not self._socket.recv(4096)

    def _exactly(self, count: int) -> bytes:
        while len(self._shown) < count:
            self._receive(count - len(self._shown))
        found = bytes(self._shown[:count])
        del self._shown[:count]
        return found

    def _receive(self, count: int) -> None:
        # Of what is hidden no more is taken than a record holds, lest what follows in the open be taken for hidden.
        part = self._socket.recv(count) if self._tls is None else self._record()
        if not part:
            raise Gone
        if self._tls is None:
            self._shown += part
            return
        self._theirs.write(part)
        try:
            while found := self._tls.read(65_536):
                self._shown += found
        except ssl.SSLWantReadError:
            return

    def _record(self) -> bytes:
        """One record of TLS: five bytes say how long it is."""
        head = self._raw(5)
        return head + self._raw(int.from_bytes(head[3:5], "big"))

    def _raw(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            part = self._socket.recv(count - len(found))
            if not part:
                raise Gone
            found += part
        return found

    # -- out -------------------------------------------------------------------------------------------

    def tell(self, tokens: bytes) -> None:
        self._out += tokens
        while len(self._out) > self.packet_bytes - 8:
            self.packet(is_last=False)

    def end(self) -> None:
        self.packet(is_last=True)

    def packet(self, *, is_last: bool, kind: int = REPLY) -> None:
        """What waits to be told, as far as it goes into a packet."""
        size = min(len(self._out), self.packet_bytes - 8)
        content = bytes(self._out[:size])
        del self._out[:size]
        self._count = 0 if is_last else (self._count + 1) % 256
        header = struct.pack(">BBHHBB", kind, is_last, size + 8, self._number % 65_536, self._count, 0)
        self._send(header + content)

    def _send(self, content: bytes) -> None:
        if self._tls is None:
            self._socket.sendall(content)
            return
        self._tls.write(content)
        self._socket.sendall(self._ours.read())

    def cut(self) -> None:
        """End it at once: the other side reads a reset, not an end."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    # -- hidden ----------------------------------------------------------------------------------------

    def secure(self, context: ssl.SSLContext) -> None:
        """Agree on keys: the words of TLS travel in packets of the first kind until both sides are through."""
        tls = context.wrap_bio(self._theirs, self._ours, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._tell_handshake()
                _, content = self.message()
                self._theirs.write(content)
            else:
                break
        self._tell_handshake()
        self._tls = tls

    @property
    def is_hidden(self) -> bool:
        return self._tls is not None

    def bare(self) -> None:
        """From here on nothing is hidden: only the login was."""
        self._tls = None

    def _tell_handshake(self) -> None:
        if words := self._ours.read():
            self._out += words
            while len(self._out) > self.packet_bytes - 8:
                self.packet(is_last=False, kind=PRELOGIN)
            self.packet(is_last=True, kind=PRELOGIN)


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """As servers of the 7.x versions have it: TLS 1.2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context
