"""HTTP of an account on loopback: reads a request, spoils it when told to, sends the answer or the problem."""

import json
import time
from datetime import datetime
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

from sources.amocrm_dictionaries import Record
from sources.amocrm_php import Params, php_params
from sources.amocrm_refusals import Faults, Limits, Problem
from sources.loopback_http import LoopbackServer, LoopbackVisitor


class Visited(Protocol):
    """What a visit asks of the account."""

    requests: list[tuple[str, int]]
    limits: Limits

    @property
    def faults(self) -> Faults: ...
    def now(self) -> datetime: ...
    def gate(self, path: str, authorization: str | None) -> None: ...
    def answer(self, path: str, params: Params) -> Record | None: ...


class Visitor(LoopbackVisitor):
    server: "Server"
    wbufsize = -1

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


class Server(LoopbackServer):
    def __init__(self, account: Visited) -> None:
        self.account = account
        super().__init__(Visitor)

    def moment(self) -> float:
        return self.account.now().timestamp()
