"""HTTP of an account on loopback: reads a request, spoils it when told to, sends the answer or the problem."""

import json
import socket
import time
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import urlsplit

from sources.amocrm_dictionaries import Record
from sources.amocrm_php import Params, php_params
from sources.amocrm_refusals import Faults, Limits, Problem


class Visited(Protocol):
    """What a visit asks of the account."""

    requests: list[tuple[str, int]]
    limits: Limits

    @property
    def faults(self) -> Faults: ...
    def now(self) -> datetime: ...
    def gate(self, path: str, authorization: str | None) -> None: ...
    def answer(self, path: str, params: Params) -> Record | None: ...


class Visitor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.visitors.add(self.connection)

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.server.visitors.discard(self.connection)

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps silent: `requests` of the account tells what was asked."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.server.account.now().timestamp() if timestamp is None else timestamp)

    def do_GET(self) -> None:
        account = self.server.account
        address = urlsplit(self.path)
        params = php_params(address.query)
        if account.faults.on_request:
            account.faults.on_request(address.path, params)
        try:
            account.gate(address.path, self.headers.get("Authorization"))
            fault = account.limits.next_fault()
            if fault == "slow":
                time.sleep(account.faults.slow_seconds)
            elif fault and fault.isdecimal():
                self._send(int(fault), b"<html><body><h1>nginx</h1></body></html>", "text/html")
                return
            elif fault == "garbage":
                self._send(200, b'{"_page": 1, "_embedded": {"leads": [<br>Fatal error', "text/html")
                return
            elif fault == "drop":
                account.requests.append((self.path, 0))
                self.close_connection = True
                return
            body = account.answer(address.path, params)
        except Problem as problem:
            self._refuse(problem)
            return
        text = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        self._send(204 if body is None else 200, text, "application/hal+json", half=fault == "half")

    def do_POST(self) -> None:
        self.close_connection = True
        self._refuse(Problem(405, "Only reading is spoken here"))

    def _refuse(self, problem: Problem) -> None:
        title = HTTPStatus(problem.status).phrase
        told = {"title": title, "type": "https://httpstatuses.com/" + str(problem.status), "status": problem.status}
        text = json.dumps(told | {"detail": problem.detail}).encode()
        self._send(problem.status, text, "application/problem+json")

    def _send(self, status: int, text: bytes, kind: str, *, half: bool = False) -> None:
        self.server.account.requests.append((self.path, status))
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        half = half and bool(text)
        self.wfile.write(text[: len(text) // 2] if half else text)
        self.wfile.flush()
        self.close_connection = self.close_connection or half


class Server(ThreadingHTTPServer):
    """Threads that end with the test, connections that can be hung up."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, account: Visited) -> None:
        self.account = account
        self.visitors: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), Visitor)

    def hang_up(self) -> None:
        for visitor in list(self.visitors):
            with suppress(OSError):
                visitor.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""
