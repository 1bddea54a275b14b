"""HTTP of a portal on loopback: reads a request, spoils it when told to, sends the answer as the vendor does."""

import json
import socket
import threading
import time
from typing import Protocol
from urllib.parse import urlsplit

from sources.bitrix24_php import Params, php_query
from sources.bitrix24_refusals import Faults, Limits, RestError
from sources.loopback_http import LoopbackServer, LoopbackVisitor


class Visited(Protocol):
    """What a visit asks of the portal."""

    lock: threading.RLock
    requests: list[tuple[str, int]]
    refused: list[tuple[str, str, str]]
    failures: list[Exception]

    @property
    def faults(self) -> Faults: ...
    @property
    def limits(self) -> Limits: ...
    def clock(self) -> float: ...
    def refreshed(self, params: Params) -> tuple[int, Params]: ...
    def admitted(self, path: list[str], params: Params) -> str: ...
    def served(self, method: str, params: Params) -> tuple[int, Params]: ...


class _Visitor(LoopbackVisitor):
    server_version = "nginx"
    sys_version = ""
    server: "Server"

    def do_GET(self) -> None:
        self.guarded()

    def do_POST(self) -> None:
        self.guarded()

    def guarded(self) -> None:
        """A visit; what breaks in the portal itself or in a test's hook comes out when the portal closes."""
        try:
            self.visit()
        except ConnectionError:
            self.close_connection = True
        except Exception as error:  # noqa: BLE001 - raised again by the portal
            self.server.portal.failures.append(error)
            self.close_connection = True

    def parameters(self, query: str) -> Params:
        params = php_query(query)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        kind = (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        if not body:
            return params
        if kind == "application/json":
            try:
                given = json.loads(body)
            except ValueError as error:
                raise RestError(400, "INVALID_REQUEST", "The body is not JSON") from error
            return {**params, **given} if isinstance(given, dict) else params
        if kind == "application/x-www-form-urlencoded":
            return {**params, **php_query(body.decode())}
        return params

    def visit(self) -> None:
        portal = self.server.portal
        place = urlsplit(self.path)
        parts = [part for part in place.path.split("/") if part]
        method = parts[-1].removesuffix(".json") if parts else ""
        try:
            params = self.parameters(place.query)
        except RestError as error:
            self.answer(method, error.status, error.body())
            return
        if parts == ["oauth", "token"]:
            with portal.lock:
                status, body = portal.refreshed(params)
            self.answer("oauth.token", status, body)
            return
        if parts[:1] != ["rest"] or len(parts) < 2:
            self.answer(method, 404, {"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"})
            return
        with portal.lock:
            overflow, fault = portal.limits.overflows(), portal.limits.fault()
        if fault == "slow":
            time.sleep(portal.faults.slow_seconds)
        elif fault is not None and self.broken(method, fault):
            return
        if overflow:
            self.answer(method, 503, {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"})
            return
        with portal.lock:
            try:
                method = portal.admitted([*parts[1:-1], method], params)
                status, body = portal.served(method, params)
            except RestError as error:
                portal.refused.append((method, error.code, error.text))
                status, body = error.status, error.body()
            raw = json.dumps(body).replace("/", "\\/").encode()
        if fault == "half":
            self.half(method, raw)
        else:
            self.send(method, status, raw)

    def broken(self, method: str, fault: str) -> bool:
        """Whether the request has been spoilt before the portal looked at it."""
        if fault == "500":
            self.answer(method, 500, {"error": "INTERNAL_SERVER_ERROR", "error_description": "Internal server error"})
        elif fault == "502":
            self.send(method, 502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")
        elif fault == "garbage":
            self.send(method, 200, "<!DOCTYPE html><title>Вход</title>".encode(), "text/html; charset=utf-8")
        elif fault == "drop":
            self.server.portal.requests.append((method, 0))
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault != "half":
            raise ValueError(f"no such fault: {fault}")
        return fault != "half"

    def half(self, method: str, raw: bytes) -> None:
        self.server.portal.requests.append((method, 200))
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw[: len(raw) // 2])
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def answer(self, method: str, status: int, body: Params) -> None:
        self.send(method, status, json.dumps(body).replace("/", "\\/").encode())

    def send(self, method: str, status: int, raw: bytes, kind: str = "application/json; charset=utf-8") -> None:
        self.server.portal.requests.append((method, status))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


class Server(LoopbackServer):
    def __init__(self, portal: Visited) -> None:
        self.portal = portal
        super().__init__(_Visitor)

    def moment(self) -> float:
        return self.portal.clock()
