"""A virtual exchange of Mango Office on loopback: a real HTTP server with made-up calls that speaks the statistics of its API.

It answers as open clients have it, refuses a client's mistakes, and can be told to misbehave.
Nothing of the product is imported here.
"""

import hashlib
import json
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

Leg = dict[str, Any]

MONTH = 31 * 86_400
NAMES = {
    "records", "start", "finish", "answer", "from_extension", "from_number", "to_extension", "to_number", "disconnect_reason",
    "line_number", "location", "entry_id", "create",
}  # fmt: skip
LINE = "74951112233"


class Problem(Exception):
    """A refusal with a status and a code."""

    def __init__(self, status: int, code: int) -> None:
        super().__init__(str(code))
        self.status, self.code = status, code


@dataclass
class Faults:
    """What goes wrong on the way, changed at any time."""

    every: int | None = None  # each n-th request meets the next of `kinds`
    kinds: list[str] = field(default_factory=lambda: ["500"])  # 500 drop half garbage empty slow busy, or a status
    slow_seconds: float = 1.0
    orders_a_second: int | None = None  # the one over it gets 429
    odd: Any = None  # every answer is this
    on_request: Callable[[str, Leg], None] | None = None


class Exchange:
    """An exchange on loopback. A result is ready after it was asked for `pending` times, and is gone after `lives` more."""

    def __init__(self, *, calls: int = 300, seed: int = 1, result_path: str = "stats/result") -> None:
        self._random = random.Random(seed)
        self._lock = threading.RLock()
        self.key, self.salt = f"code{self._random.getrandbits(64):016x}", f"salt{self._random.getrandbits(64):016x}"
        self.base = datetime(2026, 9, 15, 12, 0, 0, tzinfo=UTC)
        self.result_path, self.has_header = result_path, False
        self.pending, self.lost_orders = 0, 0
        self.url = ""
        self.faults = Faults()
        self.legs: list[Leg] = []
        self.truth: dict[str, Leg] = {}
        self.requests: list[tuple[str, Leg]] = []
        self.statuses: list[int] = []
        self._orders: dict[str, tuple[Leg, int]] = {}
        self._ordered: list[float] = []
        self._seen = 0
        for at in range(calls):
            self.add_call(self.base - timedelta(minutes=29 * 60 * at + 30))

    # --- the made-up exchange ---

    def add_call(self, at: datetime, kind: str | None = None) -> str:
        """A call that began then: answered, missed, queued, transferred, out, unanswered, inside."""
        pick = self._random
        kinds = ("answered", "answered", "missed", "queued", "transferred", "out", "unanswered", "inside")
        with self._lock:
            kind = kind or pick.choice(kinds)
            entry = f"MToxMDA6{len(self.truth) + len(self.legs)}="
            start, phone, who = int(at.timestamp()), f"7916{pick.randrange(10**7):07d}", pick.choice(("101", "102"))
            self._make(kind, entry, start, phone, who)
            return entry

    def _make(self, kind: str, entry: str, start: int, phone: str, who: str) -> None:
        wait, talk = self._random.randrange(3, 40), self._random.randrange(5, 600)
        came, went = {"from_number": phone, "to_number": LINE}, {"from_number": "sip:u@x", "to_number": phone}
        told: Leg = {
            "start": start,
            "way": "in",
            "phone": phone,
            "employee": who,
            "wait": wait,
            "talk": talk,
            "is_missed": False,
        }
        if kind == "inside":
            self._leg(entry, start, wait, talk, from_extension="101", to_extension="102")
            return
        if kind == "answered":
            self._leg(entry, start, wait, talk, to_extension=who, records=f"[r{start}]", **came)
        elif kind == "missed":
            self._leg(entry, start, wait, 0, to_extension=who, **came)
            told |= {"talk": 0, "is_missed": True}
        elif kind == "queued":
            self._leg(entry, start, 2, wait - 2, location="ivr.1", **came)
            told |= {"talk": 0, "is_missed": True, "employee": None}
        elif kind == "transferred":
            # Through the menu, past one who did not take it, to one who did and asked a colleague.
            self._leg(entry, start, 1, 10, location="queue", **came)
            self._leg(entry, start + 11, 15, 0, to_extension="103", **came)
            self._leg(entry, start + 26, 5, talk, to_extension=who, records=f"[r{start},s{start}]", **came)
            self._leg(entry, start + 40, 2, 30, from_extension=who, to_extension="104")
            told |= {"wait": 31}
        else:
            talk = talk if kind == "out" else 0
            self._leg(entry, start, wait, talk, from_extension=who, **went)
            told |= {"way": "out", "talk": talk}
        self.truth[entry] = told

    def _leg(self, entry: str, start: int, wait: int, talk: int, **fields: Any) -> None:
        answer = start + wait if talk else 0
        leg = dict.fromkeys(NAMES, "") | {"records": "[]", "location": "abonent", "line_number": LINE}
        leg |= {"start": start, "finish": start + wait + talk, "answer": answer, "entry_id": entry, "create": start}
        self.legs.append(leg | {"disconnect_reason": 1110} | fields)

    def hook(self, entry: str, **fields: Any) -> dict[str, str]:
        """The form of an event about the end of a call."""
        event = {"entry_id": entry, "call_direction": 1, "from": {"number": "79160000000"}, "to": {"extension": "101"}}
        event |= {
            "line_number": LINE,
            "create_time": 1,
            "forward_time": 1,
            "talk_time": 2,
            "end_time": 9,
            "entry_result": 1,
        }
        return self.signed({**event, "disconnect_reason": 1110, **fields})

    def signed(self, event: Any) -> dict[str, str]:
        """A form of the exchange with this in it."""
        text = json.dumps(event)
        return {"vpbx_api_key": self.key, "sign": self._sign(text), "json": text}

    def _sign(self, text: str) -> str:
        return hashlib.sha256(f"{self.key}{text}{self.salt}".encode()).hexdigest()

    # --- the protocol ---

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, bytes]:
        """Status and content at an address. Raises Problem."""
        with self._lock:
            text = form.get("json", "")
            if form.get("vpbx_api_key") != self.key or form.get("sign") != self._sign(text):
                raise Problem(401, 3102)
            asked = json.loads(text)
            if self.faults.odd is not None:
                return 200, json.dumps(self.faults.odd).encode()
            if path == "/vpbx/stats/request":
                return 200, json.dumps({"key": self._order(asked)}).encode()
            if path == f"/vpbx/{self.result_path}":
                return self._result(asked)
            raise Problem(404, 3300)

    def _order(self, asked: Leg) -> str:
        now = time.monotonic()
        self._ordered = [one for one in self._ordered if one > now - 1]
        if self.faults.orders_a_second is not None and len(self._ordered) >= self.faults.orders_a_second:
            raise Problem(429, 3000)
        self._ordered.append(now)
        first, last = int(asked["date_from"]), int(asked["date_to"])
        if not 0 <= last - first <= MONTH or set(asked["fields"].split(",")) - NAMES:
            raise Problem(400, 3100)
        if last > self.base.timestamp() + 1 and last - first > 60:
            raise Problem(400, 3104)
        key = f"{len(self._orders)}+/=="
        if self.lost_orders:
            self.lost_orders -= 1
        else:
            self._orders[key] = (asked, self.pending)
        return key

    def _result(self, asked: Leg) -> tuple[int, bytes]:
        if asked.get("key") not in self._orders:
            raise Problem(404, 3300)
        order, pending = self._orders[asked["key"]]
        if pending:
            self._orders[asked["key"]] = (order, pending - 1)
            return 204, b""
        first, last = int(order["date_from"]), int(order["date_to"])
        names = order["fields"].split(",")
        found = [leg for leg in self.legs if first <= leg["start"] <= last]
        self._random.shuffle(found)
        lines = [";".join(str(leg[name]) for name in names) for leg in found]
        return 200, "\n".join([";".join(names), *lines] if self.has_header else lines).encode()

    def next_fault(self) -> str | None:
        with self._lock:
            self._seen += 1
            every, kinds = self.faults.every, self.faults.kinds
            return kinds[(self._seen // every - 1) % len(kinds)] if every and not self._seen % every else None

    # --- the server ---

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.exchange = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    exchange: Exchange


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        exchange = self.server.exchange
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        fault = exchange.next_fault()
        if fault == "drop":
            self.close_connection = True
            return
        if fault == "slow":
            time.sleep(exchange.faults.slow_seconds)
        status, content = self._answered(raw, fault or "")
        exchange.statuses.append(status)
        with suppress(OSError):
            self.send_response_only(status)
            self.send_header("Date", format_datetime(exchange.base, usegmt=True))
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if fault == "half" else content)
            self.close_connection = fault == "half"

    def _answered(self, raw: bytes, fault: str) -> tuple[int, bytes]:
        exchange = self.server.exchange
        if fault.isdecimal():
            return int(fault), b"oops"
        if fault in {"garbage", "busy"}:
            return 200, {"garbage": b"<html>Bad gateway", "busy": b'{"result":5001}'}[fault]
        form = dict(parse_qsl(raw.decode(), keep_blank_values=True))
        asked = json.loads(form.get("json") or "{}")
        exchange.requests.append((self.path, asked))
        if exchange.faults.on_request:
            exchange.faults.on_request(self.path, asked)
        try:
            return exchange.answer(self.path, form)
        except Problem as wrong:
            return wrong.status, json.dumps({"result": wrong.code}).encode()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""
