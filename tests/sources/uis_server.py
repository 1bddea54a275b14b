"""A UIS (CoMagic) account on loopback: a real HTTP server with made-up calls that speaks Data API v2.0.

It answers as the documentation tells, refuses a client's mistakes, and can be told to misbehave.
Nothing of the product is imported here.
"""

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
from zoneinfo import ZoneInfo

Record = dict[str, Any]

MAX_LIMIT, MAX_OFFSET, MAX_DAYS = 10_000, 100_000, 92
WRITTEN = "%Y-%m-%d %H:%M:%S"
EMPLOYEES = {101: "Анна Ковалёва", 102: "Игорь Петров", 103: "Мария Сёмина"}
SOURCES = (
    ("yandex", "cpc", "brand"),
    ("google", "cpc", "competitors"),
    ("vk", "social", "autumn 🎁"),
    (None, None, None),
)
FIELDS = {
    "id", "start_time", "finish_time", "finish_reason", "direction", "source", "is_lost", "communication_id", "communication_type",
    "virtual_phone_number", "contact_phone_number", "contact_full_name", "contact_id", "wait_duration", "total_wait_duration",
    "talk_duration", "clean_talk_duration", "total_duration", "call_records", "full_record_file_link", "tags", "employees",
    "last_answered_employee_id", "last_answered_employee_full_name", "site_domain_name", "campaign_id", "campaign_name",
    "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "source_name", "channel",
}  # fmt: skip
SORTABLE = {"start_time", "finish_reason", "direction", "source", "is_lost"}
PARAMS = {
    "access_token",
    "date_from",
    "date_till",
    "limit",
    "offset",
    "fields",
    "sort",
    "filter",
    "include_ongoing_calls",
}


class Problem(Exception):
    """A refusal in the words of the protocol."""

    def __init__(self, code: int, mnemonic: str, **data: Any) -> None:
        super().__init__(mnemonic)
        self.code, self.mnemonic, self.data = code, mnemonic, data


@dataclass
class Faults:
    """What goes wrong on the way, changed at any time."""

    every: int | None = None  # each n-th request meets the next of `kinds`
    kinds: list[str] = field(default_factory=lambda: ["500"])  # 500 drop half garbage slow empty internal
    slow_seconds: float = 1.0
    mnemonic: str = ""  # every call is refused with it
    shuffles: bool = False  # calls come in no order
    on_request: Callable[[Record], None] | None = None


class Office:
    """An account of a virtual exchange on loopback. `minute` and `day` are the points that may be spent in `span` seconds."""

    def __init__(self, *, calls: int = 300, seed: int = 1, zone: str = "Asia/Yekaterinburg") -> None:
        self._random = random.Random(seed)
        self._lock = threading.RLock()
        self.zone = ZoneInfo(zone)
        self.base = datetime(2026, 9, 15, 12, 0, 0, tzinfo=UTC)
        self.token = f"uis-key-{self._random.getrandbits(64):016x}"
        self.url = ""
        self.faults = Faults()
        self.minute, self.day, self.span = 10_000, 100_000, 1.0
        self._spent: list[float] = []
        self.calls: dict[int, Record] = {}
        self.requests: list[Record] = []
        self.refusals: list[str] = []
        self.seen = 0
        for at in range(calls):
            self.add_call(self.base - timedelta(minutes=17 * 60 * at + at % 7))

    # --- the made-up office ---

    def add_call(self, at: datetime, **fields: Any) -> int:
        """A call that began then."""
        pick = self._random
        with self._lock:
            number = 5_000_000 + len(self.calls) * 3
            direction = pick.choice(("in", "in", "in", "out"))
            is_lost = pick.random() < 0.2
            talk = 0 if is_lost else pick.randrange(5, 600)
            source, medium, campaign = pick.choice(SOURCES)
            who = pick.sample(sorted(EMPLOYEES), 1 + (pick.random() < 0.2))
            told = [
                {"employee_id": one, "employee_full_name": EMPLOYEES[one], "is_answered": one == who[0] and not is_lost}
                for one in who
            ]
            start = at.astimezone(self.zone)
            call = dict.fromkeys(FIELDS) | {
                "id": number,
                "start_time": start.strftime(WRITTEN),
                "finish_time": (start + timedelta(seconds=talk + 10)).strftime(WRITTEN),
                "finish_reason": "operator_answer" if talk else "timeout",
                "direction": direction,
                "source": "va",
                "is_lost": is_lost,
                "communication_id": number + 1,
                "communication_type": "call",
                "virtual_phone_number": "74951112233",
                "contact_phone_number": f"7916{pick.randrange(10**7):07d}",
                "wait_duration": pick.randrange(60),
                "talk_duration": talk,
                "clean_talk_duration": talk,
                "call_records": [] if is_lost else [f"{number:x}"],
                "full_record_file_link": None if is_lost else f"https://media.example.org/{number + 1}/{number:x}",
                "tags": [{"tag_id": 1, "tag_name": "Заказ", "tag_type": "manual"}] if pick.random() < 0.3 else [],
                "employees": told,
                "last_answered_employee_id": None if is_lost else who[0],
                "site_domain_name": "example.org",
                "utm_source": source,
                "utm_medium": medium,
                "utm_campaign": campaign,
                "campaign_name": campaign or "Посетители без рекламной кампании",
                "source_name": None if source else "Прямые заходы",
                "channel": None if source else "direct",
            }
            self.calls[number] = call | fields
            return number

    def now(self) -> datetime:
        """The account's clock."""
        return self.base

    # --- the protocol ---

    def answer(self, body: Any) -> Record:
        """The result of a call. Raises Problem."""
        if not isinstance(body, dict) or body.get("jsonrpc") != "2.0" or "id" not in body:
            raise Problem(-32600, "invalid_request")
        params = body.get("params") or {}
        if self.faults.mnemonic:
            raise Problem(-32001, self.faults.mnemonic, value=params.get("access_token"))
        if params.get("access_token") != self.token:
            raise Problem(-32001, "access_token_invalid", value=params.get("access_token"))
        limits = self._limits()
        if 0 in (limits["minute_remaining"], limits["day_remaining"]):
            raise Problem(-32029, "limit_exceeded", params={"limit_type": "minute"}, metadata={"limits": limits})
        methods = {"get.account": self._account, "get.calls_report": self._report}
        if body.get("method") not in methods:
            raise Problem(-32601, "method_not_found")
        data, total = methods[body["method"]](params)
        self._spent.append(time.monotonic())
        return {"metadata": {"limits": self._limits(), "total_items": total}, "data": data}

    def _limits(self) -> Record:
        now = time.monotonic()
        self._spent = [one for one in self._spent if one > now - self.span]
        left = self.span - (now - self._spent[0]) if self._spent else self.span
        told: Record = {}
        for name, limit in (("minute", self.minute), ("day", self.day)):
            told |= {
                f"{name}_limit": limit,
                f"{name}_remaining": max(0, limit - len(self._spent)),
                f"{name}_reset": round(left, 2),
            }
        return told

    def _account(self, params: Record) -> tuple[list[Record], int]:
        if params.keys() - {"access_token"}:
            raise Problem(-32602, "unexpected_parameters", field=str(params.keys() - {"access_token"}))
        return [{"app_id": 4321, "name": "ООО «Пример»", "timezone": self.zone.key}], 1

    def _report(self, params: Record) -> tuple[list[Record], int]:
        if wrong := params.keys() - PARAMS:
            raise Problem(-32602, "unexpected_parameters", field=", ".join(wrong))
        if wrong := set(params.get("fields", ())) - FIELDS:
            raise Problem(-32602, "unexpected_parameters", field=", ".join(wrong))
        if any(
            one["field"] not in SORTABLE or one.get("order", "asc") not in {"asc", "desc"}
            for one in params.get("sort", ())
        ):
            raise Problem(-32602, "sort_prohibited")
        since, until = (datetime.fromisoformat(params[name]) for name in ("date_from", "date_till"))
        if until - since > timedelta(days=MAX_DAYS):
            raise Problem(-32602, "date_interval_limit_reached")
        limit, offset = params.get("limit", 1000), params.get("offset", 0)
        if not 0 < limit <= MAX_LIMIT or not 0 <= offset <= MAX_OFFSET:
            raise Problem(-32602, "invalid_parameter_value", field="offset")
        found = [one for one in self.calls.values() if params["date_from"] <= one["start_time"] <= params["date_till"]]
        # What is sorted by time alone stands within a second as it happens to.
        self._random.shuffle(found)
        if not self.faults.shuffles:
            found.sort(key=lambda one: one["start_time"])
        shown = found[offset : offset + limit]
        return [{name: one[name] for name in params["fields"]} for one in shown], len(found)

    def next_fault(self) -> str | None:
        with self._lock:
            self.seen += 1
            every, kinds = self.faults.every, self.faults.kinds
            return kinds[(self.seen // every - 1) % len(kinds)] if every and not self.seen % every else None

    # --- the server ---

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.office = self
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
    office: Office


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        office = self.server.office
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        fault = office.next_fault()
        if fault == "drop":
            self.close_connection = True
            return
        if fault == "slow":
            time.sleep(office.faults.slow_seconds)
        status, answer = self._answered(raw, fault)
        content = {"garbage": b"<html>Bad gateway", "empty": b""}.get(fault or "", json.dumps(answer).encode())
        with suppress(OSError):
            self.send_response_only(status)
            self.send_header("Date", format_datetime(office.now(), usegmt=True))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if fault == "half" else content)
            self.close_connection = fault == "half"

    def _answered(self, raw: bytes, fault: str | None) -> tuple[int, Record]:
        office = self.server.office
        if fault == "500":
            return 500, {"oops": True}
        if self.path != "/v2.0":
            return 404, {}
        envelope: Record = {"jsonrpc": "2.0", "id": None}
        try:
            return 200, envelope | self._result(raw, fault)
        except Problem as wrong:
            office.refusals.append(wrong.mnemonic)
            data = {"mnemonic": wrong.mnemonic, **wrong.data}
            return 200, envelope | {
                "error": {"code": wrong.code, "message": f"Refused: {wrong.mnemonic}", "data": data}
            }

    def _result(self, raw: bytes, fault: str | None) -> Record:
        office = self.server.office
        if self.headers["Content-Type"].lower() != "application/json; charset=utf-8":
            raise Problem(-32700, "parse_error")
        if fault == "internal":
            raise Problem(-32603, "internal_error")
        body = json.loads(raw)
        office.requests.append(body)
        if office.faults.on_request:
            office.faults.on_request(body)
        return {"id": body.get("id"), "result": office.answer(body)}

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""
