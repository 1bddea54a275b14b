"""HTTP on loopback as test servers need it: silent, on a clock of its own, with connections that can be hung up."""

import socket
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LoopbackServer(ThreadingHTTPServer):
    """Threads that end with the test, connections that end when told."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, visitor: type["LoopbackVisitor"]) -> None:
        self.visitors: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), visitor)

    def moment(self) -> float:
        """Now by the server's clock, in seconds from 1970."""
        return time.time()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.visitors.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.visitors.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""

    def hang_up(self) -> None:
        """Ends the connections that are still open."""
        for visitor in list(self.visitors):
            with suppress(OSError):
                visitor.shutdown(socket.SHUT_RDWR)


class LoopbackVisitor(BaseHTTPRequestHandler):
    """One connection; what was asked is told by the servers themselves, not by a log."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LoopbackServer

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.server.moment() if timestamp is None else timestamp)
