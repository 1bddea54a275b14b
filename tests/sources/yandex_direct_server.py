"""Yandex Direct on loopback: a real HTTP server with a made-up advertiser that speaks API v5, and what both servers of Yandex share.

It answers as the documentation tells, refuses a client's mistakes, and can be told to misbehave. Nothing of the product is imported here.
"""

import json
import random
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

MOSCOW = ZoneInfo("Europe/Moscow")
GROUPINGS = ("Date", "CampaignId", "CampaignName", "AdGroupId", "AdGroupName", "CriteriaId", "Criteria", "CriteriaType")
FIGURES = ("Impressions", "Clicks", "Cost")
REQUIRED = {"SelectionCriteria", "FieldNames", "ReportName", "ReportType", "DateRangeType", "Format", "IncludeVAT"}
QUEUE = 5


@dataclass
class Answer:
    """What goes back: JSON, or text as it is."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Asked:
    """One request as it came; names of headers in small letters."""

    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass
class Faults:
    """What goes wrong on the way, changed at any time."""

    every: int | None = None  # each n-th request meets the next of `kinds`
    kinds: list[str] = field(default_factory=lambda: ["500"])  # a status, drop, half, garbage
    on_request: Callable[[Asked], None] | None = None


class Loopback:
    """A server on loopback with a clock of its own."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.faults = Faults()
        self.requests: list[Asked] = []
        self.url = ""
        self.lock = threading.RLock()
        self._server: _Server | None = None

    def answered(self, asked: Asked) -> Answer:
        """What is said to a request that meets no fault."""
        raise LookupError(asked.path)

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.loopback = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    loopback: Loopback

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is none of our business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer goes out at once, not header and body apart

    @property
    def loopback(self) -> Loopback:
        assert isinstance(self.server, _Server)
        return self.server.loopback

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        del timestamp
        return format_datetime(self.loopback.now.astimezone(UTC), usegmt=True)

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: Any) -> None:
        loopback = self.loopback
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)
        if loopback.faults.on_request:
            loopback.faults.on_request(asked)
        with loopback.lock:
            loopback.requests.append(asked)
            faults, number = loopback.faults, len(loopback.requests)
            is_hit = faults.every and number % faults.every == 0
            fault = faults.kinds[number // faults.every % len(faults.kinds)] if is_hit and faults.every else ""
            answer = Answer({}, int(fault)) if fault.isdigit() else loopback.answered(asked)
        if fault == "garbage":
            answer = Answer("<html>nginx</html>")
        self._send(answer, is_half=fault == "half", is_drop=fault == "drop")

    def _send(self, answer: Answer, *, is_half: bool, is_drop: bool) -> None:
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body, ensure_ascii=False)
        content = text.encode()
        if is_drop:
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if is_half else content)
        self.close_connection = is_half


class Advertiser(Loopback):
    """An advertiser of Yandex Direct. `rows` is the truth: one per day, group and criterion; costs in kopecks without VAT."""

    def __init__(self, *, campaigns: int = 8, days: int = 30, now: datetime | None = None) -> None:
        # An hour at which Moscow has a day that Greenwich has not.
        super().__init__(now or datetime(2026, 3, 10, 22, 30, tzinfo=UTC))
        self.token, self.login = "y0_secret-token", "example-client"
        self.names: dict[int, str] = {}
        self.rows: list[dict[str, Any]] = []
        self.offline_polls = 0
        self.error: Callable[[Asked], Answer | None] = lambda _asked: None
        self.reports: dict[str, tuple[Any, str]] = {}
        self._waiting: dict[str, int] = {}
        self._random = random.Random(7)
        for number in range(campaigns):
            self.names[700_000 + number] = f"Кампания {number} «Ёлка»"
        for back in range(days):
            self.add_day(self.today - timedelta(days=back))

    @property
    def today(self) -> date:
        return self.now.astimezone(MOSCOW).date()

    def add_day(self, day: date) -> None:
        """A day's statistics: the first campaign was made by the wizard and has neither groups nor criteria."""
        for place, campaign in enumerate(self.names):
            if place == 0:
                self._add(day, campaign, ("--", "--", "--", "--", "--"))
                continue
            for group in range(place % 3 + 1):
                for criterion in range(3):
                    group_id = campaign * 10 + group
                    is_auto = criterion == 2
                    words = "---autotargeting" if is_auto else f"купить слона {criterion} -даром"
                    kind = "AUTOTARGETING" if is_auto else "KEYWORD"
                    named = (str(group_id), f"Группа {group}", str(group_id * 10 + criterion), words, kind)
                    self._add(day, campaign, named)

    def _add(self, day: date, campaign: int, named: tuple[str, ...]) -> None:
        impressions = self._random.randrange(1, 900)
        figures = (impressions, impressions // 9, self._random.randrange(0, 90_000) * 5)
        values = (day.isoformat(), str(campaign), self.names[campaign], *named)
        self.rows.append({**dict(zip(GROUPINGS, values, strict=True)), **dict(zip(FIGURES, figures, strict=True))})

    def between(self, first: date, last: date) -> Iterator[dict[str, Any]]:
        return (row for row in self.rows if first.isoformat() <= row["Date"] <= last.isoformat())

    def truth(self, first: date, last: date, *, vat: bool = True) -> dict[str, Any]:
        """What a company must see of these days."""
        found = list(self.between(first, last))
        money: Counter[str] = Counter()
        for row in found:
            money[row["CampaignId"]] += row["Cost"]
        per = Decimal("1.2") if vat else Decimal(1)
        return {
            "rows": len(found),
            "days": len({row["Date"] for row in found}),
            "clicks": sum(row["Clicks"] for row in found),
            "impressions": sum(row["Impressions"] for row in found),
            "amount": sum(row["Cost"] for row in found) * per / 100,
            "by_campaign": {self.names[int(one)]: kopecks * per / 100 for one, kopecks in money.items()},
        }

    # --- answers ---

    def answered(self, asked: Asked) -> Answer:
        special = self.error(asked)
        if special is not None:
            return special
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return problem(53, "Authorization error", status=400 if asked.path.endswith("reports") else 200)
        if asked.headers.get("client-login") != self.login:
            return problem(8800, "No such login", status=200)
        return {"/json/v5/campaigns": self._campaigns, "/json/v5/reports": self.report}[asked.path](asked)

    def _campaigns(self, asked: Asked) -> Answer:
        params = asked.body["params"]
        limit, offset = params["Page"]["Limit"], params["Page"]["Offset"]
        if asked.body["method"] != "get" or not 0 < limit <= 10_000 or not params["FieldNames"]:
            return problem(8000, "Bad request", status=200)
        wanted = list(self.names.items())[offset : offset + limit]
        records = [{"Id": number, "Name": name} for number, name in wanted]
        more = {"LimitedBy": offset + limit} if offset + limit < len(self.names) else {}
        return Answer({"result": {"Campaigns": records, **more}})

    def report(self, asked: Asked) -> Answer:
        """A report that is ready, or that it is waited for."""
        params = asked.body["params"]
        name = params["ReportName"]
        allowed = {*GROUPINGS, *FIGURES}
        if not params.keys() >= REQUIRED or params["Format"] != "TSV" or not {*params["FieldNames"]} <= allowed:
            return problem(8000, "Bad report", status=400)
        if name not in self.reports:
            if len(self._waiting) >= QUEUE:
                return problem(9000, "The queue is full", status=400)
            self.reports[name] = (params, self._made(asked))
            if self.offline_polls:
                self._waiting[name] = self.offline_polls
                return self._later(201)
        if self.reports[name][0] != params:
            return problem(4000, "Another report has this name", status=400)
        if name in self._waiting:
            self._waiting[name] -= 1
            if self._waiting[name] > 0:
                return self._later(202)
            del self._waiting[name]
        return Answer(self.reports[name][1])

    def _later(self, status: int) -> Answer:
        return Answer("", status, {"retryIn": "0", "reportsInQueue": str(len(self._waiting))})

    def _made(self, asked: Asked) -> str:
        params, headers = asked.body["params"], asked.headers
        criteria = params["SelectionCriteria"]
        found = self.between(date.fromisoformat(criteria["DateFrom"]), date.fromisoformat(criteria["DateTo"]))
        lines = ["\t".join(params["FieldNames"])] if headers.get("skipcolumnheader") != "true" else []
        if headers.get("skipreportheader") != "true":
            lines.insert(0, f'"{params["ReportName"]} ({criteria["DateFrom"]} - {criteria["DateTo"]})"')
        per = Decimal("1.2") if params["IncludeVAT"] == "YES" else Decimal(1)
        is_micros = headers.get("returnmoneyinmicros") != "false"
        ordered = sorted(found, key=lambda row: str(row["Date"]))
        for row in ordered:
            money = row["Cost"] * per / 100
            cost = str(int(money * 1_000_000)) if is_micros else f"{money:.2f}"
            lines.append(
                "\t".join(str(value) for value in ({**row, "Cost": cost}[one] for one in params["FieldNames"]))
            )
        if headers.get("skipreportsummary") != "true":
            lines.append(f"Total rows: {len(ordered)}")
        return "\n".join(lines) + "\n"


def problem(code: int, words: str, *, status: int) -> Answer:
    """An error as the API says it."""
    error = {"request_id": "8695244274068608439", "error_code": code, "error_string": words, "error_detail": words}
    return Answer({"error": error}, status)
