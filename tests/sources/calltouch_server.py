"""A site of Calltouch on loopback: a real HTTP server with made-up calls and requests that speaks the API of its diaries.

It answers as the documentation and open clients have it, refuses a client's mistakes, and can be told to misbehave.
Nothing of the product is imported here.
"""

import json
import random
import re
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
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

Record = dict[str, Any]

MOST, MAX_DAYS = 1_000, 92
ROOT = "/calls-service/RestAPI/"
NOTHING = "<не указано>"
ORIGINS = (
    {"source": "yandex", "medium": "cpc", "utmSource": "yandex", "utmMedium": "cpc", "utmCampaign": "brand"},
    {"source": "google", "medium": "organic", "utmSource": NOTHING, "utmMedium": NOTHING, "utmCampaign": NOTHING},
    {"source": "vk", "medium": NOTHING, "utmSource": "vk", "utmMedium": NOTHING, "utmCampaign": "осень 🎁"},
    {"source": NOTHING, "medium": NOTHING, "utmSource": "", "utmMedium": "", "utmCampaign": ""},
)
MANAGERS = ("Анна Ковалёва", "Игорь Петров", "")


class Problem(Exception):
    """A refusal with a status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass
class Faults:
    """What goes wrong on the way, changed at any time."""

    every: int | None = None  # each n-th request meets the next of `kinds`
    kinds: list[str] = field(default_factory=lambda: ["500"])  # 500 drop half garbage empty slow, or a status
    slow_seconds: float = 1.0
    rate: int | None = None  # requests a second; the one over it gets 429
    odd: Any = None  # every answer is this
    on_request: Callable[[str, dict[str, str]], None] | None = None


class Diary:
    """The diary of one site on loopback."""

    def __init__(self, *, calls: int = 260, requests: int = 120, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._lock = threading.RLock()
        self.zone = ZoneInfo("Europe/Moscow")
        self.base = datetime(2026, 9, 15, 21, 30, 0, tzinfo=UTC)
        self.token, self.site_id = f"token{self._random.getrandbits(64):016x}ct1", "45840"
        self.url = ""
        self.faults = Faults()
        self.calls: dict[int, Record] = {}
        self.leads: dict[int, Record] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.statuses: list[int] = []
        self._asked: list[float] = []
        self._seen = 0
        for at in range(calls):
            self.add_call(self.base - timedelta(minutes=23 * 60 * at))
        for at in range(requests):
            self.add_request(self.base - timedelta(minutes=37 * 60 * at))

    # --- the made-up site ---

    def add_call(self, at: datetime, **fields: Any) -> int:
        """A call that began then."""
        pick = self._random
        with self._lock:
            number = 900_000 + 7 * len(self.calls)
            is_answered = pick.random() < 0.8
            self.calls[number] = {
                "callId": number,
                "callphase": "callcompleted",
                "date": at.astimezone(self.zone).strftime("%d/%m/%Y %H:%M:%S"),
                "duration": pick.randrange(5, 500) if is_answered else 0,
                "callerNumber": f"7926{pick.randrange(10**7):07d}",
                "redirectNumber": "74950000001",
                "phoneNumber": "74951112233",
                "manager": pick.choice(MANAGERS),
                "successful": is_answered,
                "uniqueCall": True,
                "targetCall": is_answered,
                "uniqTargetCall": is_answered,
                "callbackCall": False,
                "city": pick.choice(("Москва", NOTHING)),
                "keyword": NOTHING,
                "callUrl": "https://example.org/contacts",
                "waitingConnect": pick.randrange(60),
                "sessionId": pick.randrange(10**6),
                "ctCallerId": str(number),
                "yaClientId": None,
                "callTags": [{"category": "Тип", "type": "MANUAL", "names": ["Заказ"]}] if pick.random() < 0.3 else [],
                **pick.choice(ORIGINS),
                **fields,
            }
            return number

    def add_request(self, at: datetime, **fields: Any) -> int:
        """A request that was left then."""
        pick = self._random
        with self._lock:
            number = 30_000 + 3 * len(self.leads)
            person = 700 + len(self.leads) // 2
            mails = [{"contactType": "EMAIL", "contactValue": f"client{person}@example.org"}] if person % 3 else []
            self.leads[number] = {
                "date": int(at.timestamp() * 1000),
                "dateStr": at.astimezone(self.zone).strftime("%d/%m/%Y %H:%M:%S"),
                "requestId": number,
                "requestNumber": f"N-{number}",
                "subject": "Заказать звонок",
                "manager": pick.choice(MANAGERS),
                "uniqueRequest": True,
                "targetRequest": True,
                "uniqTargetRequest": True,
                "session": {"sessionId": 1, "city": "Москва", "keywords": NOTHING, **pick.choice(ORIGINS)},
                "client": {
                    "clientId": person,
                    "fio": f"Ольга {person}",
                    "phones": [{"phoneNumber": f"7903{person:07d}", "phoneType": "MOBILE"}] if person % 5 else [],
                    "contacts": mails,
                },
                "orders": [],
                **fields,
            }
            return number

    # --- the protocol ---

    def answer(self, path: str, asked: dict[str, str]) -> Any:
        """The document at an address. Raises Problem."""
        with self._lock:
            self._gate(asked)
            if self.faults.odd is not None:
                return self.faults.odd
            if path == f"{ROOT}{self.site_id}/calls-diary/calls":
                return self._calls(asked)
            if path == f"{ROOT}requests":
                return self._requests(asked)
            raise Problem(404, f"Nothing here for {asked['clientApiId']}")

    def _gate(self, asked: dict[str, str]) -> None:
        now = time.monotonic()
        self._asked = [one for one in self._asked if one > now - 1]
        if self.faults.rate is not None and len(self._asked) >= self.faults.rate:
            raise Problem(429, "Too many requests")
        self._asked.append(now)
        if asked.get("clientApiId") != self.token:
            raise Problem(401, f"Token {asked.get('clientApiId')} is unknown")

    def _calls(self, asked: dict[str, str]) -> Any:
        first, last = _days(asked, "dmy")
        found = [one for one in self.calls.values() if first <= _day_of(one["date"]) <= last]
        found.sort(key=lambda one: (_day_of(one["date"]), one["date"], one["callId"]))
        if "page" not in asked:
            if first != last:
                raise Problem(400, "Without pages only one day may be asked for")
            return found
        page, limit = int(asked["page"]), int(asked["limit"])
        if page < 1 or not 0 < limit <= MOST:
            raise Problem(400, "A page begins with 1 and holds at most 1000")
        if "withCallTags" not in asked:
            found = [{name: value for name, value in one.items() if name != "callTags"} for one in found]
        shown = found[(page - 1) * limit : page * limit]
        pages = -(-len(found) // limit)
        return {"page": page, "pageTotal": pages, "pageSize": limit, "recordsTotal": len(found), "records": shown}

    def _requests(self, asked: dict[str, str]) -> Any:
        if asked.get("siteId") != self.site_id:
            raise Problem(400, "No such site")
        first, last = _days(asked, "mdy")
        return [one for one in self.leads.values() if first <= _day_of(one["dateStr"]) <= last]

    def next_fault(self) -> str | None:
        with self._lock:
            self._seen += 1
            every, kinds = self.faults.every, self.faults.kinds
            return kinds[(self._seen // every - 1) % len(kinds)] if every and not self._seen % every else None

    # --- the server ---

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.diary = self
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


def _days(asked: dict[str, str], order: str) -> tuple[str, str]:
    """The days of a query as they sort, whichever part comes first."""
    told: list[str] = []
    for name in ("dateFrom", "dateTo"):
        parts = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})", asked.get(name, ""))
        day, month = (parts[1], parts[2]) if parts and order == "dmy" else (parts[2], parts[1]) if parts else ("", "")
        if not parts or not 0 < int(month) <= 12:
            raise Problem(400, f"{name} is written otherwise")
        told.append(f"{parts[3]}-{month}-{day}")
    if datetime.fromisoformat(told[1]) - datetime.fromisoformat(told[0]) > timedelta(days=MAX_DAYS):
        raise Problem(400, "Too long a period")
    return told[0], told[1]


def _day_of(written: str) -> str:
    return f"{written[6:10]}-{written[3:5]}-{written[:2]}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    diary: Diary


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        diary = self.server.diary
        fault = diary.next_fault()
        if fault == "drop":
            self.close_connection = True
            return
        if fault == "slow":
            time.sleep(diary.faults.slow_seconds)
        status, answer = self._answered(fault or "")
        diary.statuses.append(status)
        content = {"garbage": b"<html>Bad gateway", "empty": b""}.get(fault or "", json.dumps(answer).encode())
        with suppress(OSError):
            self.send_response_only(status)
            self.send_header("Date", format_datetime(diary.base, usegmt=True))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if fault == "half" else content)
            self.close_connection = fault == "half"

    def _answered(self, fault: str) -> tuple[int, Any]:
        diary = self.server.diary
        if fault.isdecimal():
            return int(fault), {"message": "Oops"}
        parts = urlsplit(self.path)
        asked = dict(parse_qsl(parts.query))
        diary.requests.append((parts.path, asked))
        if diary.faults.on_request:
            diary.faults.on_request(parts.path, asked)
        try:
            return 200, diary.answer(parts.path, asked)
        except Problem as wrong:
            return wrong.status, {"message": wrong.message}

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""
