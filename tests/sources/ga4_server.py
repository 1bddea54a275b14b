"""A property of Google Analytics 4 on loopback: a token endpoint and a Data API that answer as documented.

It refuses a client's mistakes and can be told to misbehave. Nothing of the product is imported here.
"""

import base64
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sources.loopback_http import LoopbackServer, LoopbackVisitor

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
EMAIL = "reader@example-project.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MAX_ROWS, DEFAULT_ROWS = 250_000, 10_000
DIMENSIONS = {"date", "sessionSource", "sessionMedium", "sessionCampaignName"}
METRICS = {
    "sessions": "TYPE_INTEGER",
    "engagedSessions": "TYPE_INTEGER",
    "totalUsers": "TYPE_INTEGER",
    "keyEvents": "TYPE_FLOAT",
}
CHANNELS = (
    ("google", "organic", "(organic)"),
    ("(direct)", "(none)", "(direct)"),
    ("yandex", "cpc", "Весна «Ёлки» 🎄"),
    ("yandex", "cpc", "brand"),
    ("newsletter", "email", ""),
    ("(not set)", "(not set)", "(not set)"),
    ("vk.com", "referral", "(referral)"),
    ("Google", "cpc", "brand"),
)
CLOCK = datetime(2025, 6, 18, 20, 30, tzinfo=UTC)
"""When a server begins: half an hour before midnight in Moscow, the next morning in the far east."""
Key = tuple[date, str, str, str]
Answer = tuple[int, Any]


class Problem(Exception):
    """A refusal: its status and the document that tells why."""

    def __init__(self, status: int, told: Any) -> None:
        super().__init__(str(told))
        self.status, self.told = status, told


@dataclass
class Faults:
    """What goes wrong on the way, changed at any time."""

    every: int | None = None  # each n-th request meets the next of `kinds`
    kinds: list[str] = field(default_factory=lambda: ["500"])  # 500 502 503 drop half garbage slow
    slow_seconds: float = 1.0
    on_request: Callable[[str, Any], None] | None = None  # before the answer is made


class Loopback:
    """A server of made-up data; what it knows is in the classes that answer."""

    def __init__(self) -> None:
        self.url = ""
        self.faults = Faults()
        self.requests: list[tuple[str, int]] = []
        self._base, self._since = CLOCK, time.monotonic()
        self._seen = 0

    def now(self) -> datetime:
        return self._base + timedelta(seconds=time.monotonic() - self._since)

    def advance(self, delta: timedelta) -> None:
        self._base += delta

    def answer(self, method: str, path: str, asked: Any, headers: Mapping[str, str]) -> Answer:
        raise Problem(404, {"error": f"{method} {path} is not spoken here"})

    def next_fault(self) -> str | None:
        self._seen += 1
        every, kinds = self.faults.every, self.faults.kinds
        return kinds[(self._seen // every - 1) % len(kinds)] if every and self._seen % every == 0 else None

    def __enter__(self) -> Self:
        self._server = _Server(_Handler)
        self._server.owner = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()


class Property(Loopback):
    """One property: counts by day, source, medium and campaign."""

    def __init__(
        self, *, days: int = 90, seed: int = 1, zone: str = "Asia/Vladivostok", clock: datetime | None = None
    ) -> None:
        super().__init__()
        self._base = clock or self._base
        self._random = random.Random(seed)
        self.property_id, self.zone = "345678901", zone
        self.rows: dict[Key, dict[str, float]] = {}
        self.tokens: dict[str, float] = {}
        self.entrances = 0
        self.refuses_key: str | None = None  # why the token endpoint refuses, "" for a broken answer
        self.is_forbidden = False
        self.quotas: list[tuple[int, str]] = []  # refusals by quota, one for each coming report
        self.sampled: tuple[int, int] | None = None
        self.is_thresholded = self.is_folded = False
        self.zone_told: str | None = zone
        today = self.today()
        for back in range(days):
            for channel in self._random.sample(CHANNELS, self._random.randrange(3, len(CHANNELS) + 1)):
                self.count(today - timedelta(days=back), *channel)

    def today(self) -> date:
        return self.now().astimezone(ZoneInfo(self.zone)).date()

    def count(self, day: date, source: str, medium: str, campaign: str, **given: float) -> None:
        sessions = self._random.randrange(1, 400)
        made = {
            "sessions": sessions,
            "engagedSessions": self._random.randrange(sessions + 1),
            "totalUsers": self._random.randrange(1, sessions + 1),
            "keyEvents": self._random.randrange(20),
        }
        self.rows[day, source, medium, campaign] = made | given

    def truth(self, first: date = date.min, last: date = date.max) -> Mapping[str, float]:
        """Sums of what the property counted in these days, and how many rows that is."""
        sums = Counter({"rows": 0})
        for key, row in self.rows.items():
            if first <= key[0] <= last:
                sums.update({**row, "bounces": row["sessions"] - row["engagedSessions"], "rows": 1})
        return sums

    def key_file(self, **given: Any) -> str:
        """The JSON of a key file, as the console writes it."""
        told = {
            "type": "service_account",
            "project_id": "example-project",
            "private_key_id": "0123456789abcdef",
            "private_key": PEM,
            "client_email": EMAIL,
            "token_uri": f"{self.url}/token",
        }
        return json.dumps(told | given, indent=2)

    def answer(self, method: str, path: str, asked: Any, headers: Mapping[str, str]) -> Answer:
        if (method, path) == ("POST", "/token"):
            return 200, self._entered(asked)
        if (method, path) != ("POST", f"/v1beta/properties/{self.property_id}:runReport"):
            raise _google(
                403 if "/properties/" in path else 404, "PERMISSION_DENIED", "User does not have sufficient permissions"
            )
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or self.tokens.get(token, 0.0) < time.time():
            raise _google(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if self.is_forbidden:
            raise _google(403, "PERMISSION_DENIED", "User does not have sufficient permissions for this property.")
        if self.quotas:
            status, message = self.quotas.pop(0)
            raise _google(status, "RESOURCE_EXHAUSTED", message)
        return 200, self._report(asked)

    def _entered(self, form: Mapping[str, str]) -> dict[str, Any]:
        """A token for a signed assertion (RFC 7523), checked as Google does."""
        if self.refuses_key is not None:
            raise Problem(400, {"error": "invalid_grant", "error_description": self.refuses_key})
        try:
            signed, _, signature = form["assertion"].rpartition(".")
            header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
            KEY.public_key().verify(_decoded(signature), signed.encode(), PKCS1v15(), SHA256())
            good = {
                "grant": form["grant_type"] == GRANT,
                "header": (header["alg"], header["typ"]) == ("RS256", "JWT"),
                "claims": (claims["iss"], claims["scope"], claims["aud"]) == (EMAIL, SCOPE, f"{self.url}/token"),
                "time": abs(claims["iat"] - time.time()) < 60 and 0 < claims["exp"] - claims["iat"] <= 3600,
            }
        except (KeyError, ValueError, InvalidSignature):
            good = {"assertion": False}
        if wrong := [name for name, is_good in good.items() if not is_good]:
            raise Problem(400, {"error": "invalid_grant", "error_description": f"Invalid JWT: {', '.join(wrong)}"})
        self.entrances += 1
        token = f"ya29.{self.entrances}-{self._random.getrandbits(64):x}"
        self.tokens[token] = time.time() + 3600
        return {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}

    def _report(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        _only(asked, {"dimensions", "metrics", "dateRanges", "orderBys", "offset", "limit"})
        dimensions = [one["name"] for one in asked.get("dimensions", ())]
        metrics = [one["name"] for one in asked["metrics"]]
        if wrong := [name for name in (*dimensions, *metrics) if name not in DIMENSIONS | METRICS.keys()]:
            raise _google(400, "INVALID_ARGUMENT", f"Field {wrong[0]} is not a valid dimension or metric.")
        limit, offset = int(asked.get("limit", DEFAULT_ROWS)), int(asked.get("offset", 0))
        (days,) = asked["dateRanges"]
        first, last = self._day(days["startDate"]), self._day(days["endDate"])
        if first > last or not 0 < limit <= MAX_ROWS or offset < 0 or not 0 < len(metrics) <= 10 or len(dimensions) > 9:
            raise _google(400, "INVALID_ARGUMENT", "The request is out of bounds.")
        table: dict[tuple[str, ...], Counter[str]] = {}
        for key, row in self.rows.items():
            if first <= key[0] <= last:
                named = {
                    "date": f"{key[0]:%Y%m%d}",
                    **dict(zip(("sessionSource", "sessionMedium", "sessionCampaignName"), key[1:], strict=True)),
                }
                table.setdefault(tuple(named[name] for name in dimensions), Counter()).update(row)
        rows = list(table)
        # Without an order of its own a report comes in any.
        self._random.shuffle(rows)
        for order in reversed(asked.get("orderBys", ())):
            place = dimensions.index(order["dimension"]["dimensionName"])
            rows.sort(key=lambda row, place=place: row[place])
        answer: dict[str, Any] = {
            "dimensionHeaders": [{"name": name} for name in dimensions],
            "metricHeaders": [{"name": name, "type": METRICS[name]} for name in metrics],
            "rows": [
                {
                    "dimensionValues": [{"value": value} for value in key],
                    "metricValues": [{"value": f"{table[key][name]:g}"} for name in metrics],
                }
                for key in rows[offset : offset + limit]
            ],
            "rowCount": len(rows),
            "metadata": self._metadata(),
            "kind": "analyticsData#runReport",
        }
        return {name: value for name, value in answer.items() if value not in ([], 0)}

    def _metadata(self) -> dict[str, Any]:
        told: dict[str, Any] = {"currencyCode": "RUB", "timeZone": self.zone_told}
        if self.sampled:
            counts = dict(zip(("samplesReadCount", "samplingSpaceSize"), map(str, self.sampled), strict=True))
            told["samplingMetadatas"] = [counts]
        flags = {"subjectToThresholding": self.is_thresholded, "dataLossFromOtherRow": self.is_folded}
        return told | {name: True for name, is_so in flags.items() if is_so}

    def _day(self, text: str) -> date:
        if text == "today":
            return self.today()
        if text.endswith("daysAgo"):
            return self.today() - timedelta(days=int(text.removesuffix("daysAgo")))
        return date.fromisoformat(text)


def _google(status: int, code: str, message: str) -> Problem:
    return Problem(status, {"error": {"code": status, "message": message, "status": code}})


def _only(asked: Mapping[str, Any], known: set[str]) -> None:
    if wrong := asked.keys() - known:
        raise _google(400, "INVALID_ARGUMENT", f"Unknown names: {', '.join(sorted(wrong))}")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class _Server(LoopbackServer):
    owner: Loopback

    def moment(self) -> float:
        return self.owner.now().timestamp()


class _Handler(LoopbackVisitor):
    server: _Server
    wbufsize = -1

    def do_GET(self) -> None:
        self._speak("GET", dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        is_form = self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
        self._speak("POST", dict(parse_qsl(body)) if is_form else json.loads(body))

    def _speak(self, method: str, asked: Any) -> None:
        owner, path = self.server.owner, urlsplit(self.path).path
        if owner.faults.on_request:
            owner.faults.on_request(path, asked)
        fault = owner.next_fault()
        if fault == "slow":
            time.sleep(owner.faults.slow_seconds)
        if fault == "drop":
            owner.requests.append((self.path, 0))
            self.close_connection = True
            return
        if fault and fault.isdecimal():
            status, text = int(fault), b"<html><h1>Error</h1></html>"
        elif fault == "garbage":
            status, text = 200, b'{"items": [<br>oops'
        else:
            try:
                status, told = owner.answer(method, path, asked, dict(self.headers))
            except Problem as problem:
                status, told = problem.status, problem.told
            text = told if isinstance(told, bytes) else json.dumps(told, ensure_ascii=False).encode()
        owner.requests.append((self.path, status))
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text[: len(text) // 2] if fault == "half" else text)
        self.close_connection = self.close_connection or fault == "half"
