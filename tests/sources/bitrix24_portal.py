"""A Bitrix24 portal on loopback: a real HTTP server with a made-up company, strict about what a client asks.

It speaks REST as the vendor's documentation tells, answers in its formats with its quirks, and can be
told to misbehave. Nothing of the product is imported here.
"""

import secrets
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from sources.bitrix24_answers import Answer, Answers
from sources.bitrix24_company import make_up
from sources.bitrix24_crm import Crm
from sources.bitrix24_http import Server
from sources.bitrix24_php import Params, php_array, php_query, substituted
from sources.bitrix24_refusals import Faults, Limits, RestError
from sources.bitrix24_values import MOSCOW

BATCH = 50
SCOPES = {
    "crm": "crm",
    "catalog": "catalog",
    "user": "user",
    "department": "department",
    "voximplant": "telephony",
    "telephony": "telephony",
}


class Portal(Crm):
    """A Bitrix24 portal on loopback."""

    def __init__(
        self,
        *,
        seed: int = 1,
        deals: int = 200,
        companies: int = 40,
        contacts: int = 120,
        leads: int = 60,
        activities: int = 300,
        calls: int = 80,
        products: int = 30,
        now: datetime | None = None,
        clock_skew: timedelta = timedelta(0),
        token_seconds: int = 3600,
    ) -> None:
        super().__init__(seed=seed, now=now, clock_skew=clock_skew)
        self.code = f"{self._secret.getrandbits(80):016x}"[:16]
        self.application_token = f"{self._secret.getrandbits(128):032x}"
        self.client_id = f"local.{self._secret.getrandbits(64):016x}.{self._secret.getrandbits(32):08d}"
        self.client_secret = f"{self._secret.getrandbits(160):040x}"
        self.member_id = f"{self._secret.getrandbits(128):032x}"
        self.token_seconds = token_seconds
        self.access_token = ""
        self.refresh_token = ""
        self.tokens: dict[str, float] = {}
        self.refreshes = 0
        self.early_refreshes = 0
        self.limits = Limits(Faults(), self.clock)
        self.requests: list[tuple[str, int]] = []
        self.subcalls: Counter[str] = Counter()
        self.asked: list[tuple[str, Params]] = []
        self.refused: list[tuple[str, str, str]] = []
        self.failures: list[Exception] = []
        self.bound: list[Params] = []
        self._application = False
        self._server: Server | None = None
        self.answers = self._answers()
        self._methods = self._table_of_methods()
        counts = {"deals": deals, "companies": companies, "contacts": contacts, "leads": leads}
        counts |= {"activities": activities, "calls": calls, "products": products}
        make_up(self, seed=seed, now=int(self._base), counts=counts)
        self._issue()
        self.origin, self.url = "", ""

    def __enter__(self) -> Self:
        self._server = Server(self)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.origin}/rest/1/{self.code}/"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()
            self._server = None
        if self.failures and error is None:
            raise self.failures[0]

    @property
    def faults(self) -> Faults:
        """How the portal misbehaves."""
        return self.limits.faults

    def event(self, name: str, record_id: int, *, token: str | None = "right") -> bytes:
        """The body of an outgoing webhook about a record: the right token, another one, or none."""
        fields: list[tuple[str, str]] = [("event", name.upper()), ("event_handler_id", "201")]
        if name.upper() == "ONVOXIMPLANTCALLEND":
            call = self.records["call"][record_id]
            told = ("CALL_ID", "CALL_TYPE", "PHONE_NUMBER", "PORTAL_NUMBER", "PORTAL_USER_ID", "CALL_DURATION")
            told += ("CALL_START_DATE", "COST", "COST_CURRENCY", "CALL_FAILED_CODE", "CALL_FAILED_REASON")
            fields += [(f"data[{field_}]", call[field_] or "") for field_ in (*told, "CRM_ACTIVITY_ID")]
        else:
            fields.append(("data[FIELDS][ID]", str(record_id)))
            if name.upper() == "ONCRMDEALMOVETOCATEGORY":
                deal = self.records["deal"][record_id]
                fields += [(f"data[FIELDS][{field_}]", deal[field_]) for field_ in ("CATEGORY_ID", "STAGE_ID")]
        domain = self.origin.removeprefix("http://")
        fields += [("ts", str(int(self.clock()))), ("auth[domain]", domain)]
        fields += [
            ("auth[client_endpoint]", f"{self.origin}/rest/"),
            ("auth[server_endpoint]", f"{self.origin}/oauth/"),
        ]
        fields.append(("auth[member_id]", self.member_id))
        if token is not None:
            fields.append(("auth[application_token]", self.application_token if token == "right" else token))
        return urlencode(fields).encode()

    # --- tokens of an application

    def _issue(self) -> None:
        self.access_token = secrets.token_hex(16)
        self.refresh_token = secrets.token_hex(16)
        self.tokens[self.access_token] = self.clock() + self.token_seconds

    def refreshed(self, params: Params) -> tuple[int, Params]:
        """New tokens for an application that names itself and shows the last refresh token."""
        if params.get("grant_type") != "refresh_token":
            return 400, {"error": "invalid_request", "error_description": "Wrong grant_type"}
        if params.get("client_id") != self.client_id or params.get("client_secret") != self.client_secret:
            return 401, {"error": "invalid_client", "error_description": "Application credentials are not known"}
        if self.faults.revoked or params.get("refresh_token") != self.refresh_token:
            return 400, {"error": "invalid_grant", "error_description": "The refresh token is not valid"}
        self.refreshes += 1
        if self.tokens[self.access_token] > self.clock():
            self.early_refreshes += 1
        self._issue()
        return 200, {
            "access_token": self.access_token,
            "client_endpoint": f"{self.origin}/rest/",
            "domain": "oauth.bitrix.info",
            "expires": int(self.tokens[self.access_token]),
            "expires_in": self.token_seconds,
            "member_id": self.member_id,
            "refresh_token": self.refresh_token,
            "scope": ",".join(self._scopes()),
            "server_endpoint": f"{self.origin}/rest/",
            "status": "L",
            "user_id": 1,
        }

    def admitted(self, path: list[str], params: Params) -> str:
        """The method a path asks for, once its key is found good."""
        self._application = False
        if len(path) >= 3:
            user, code, method = path[0], path[1], "/".join(path[2:])
            if self.faults.revoked or (user, code) != ("1", self.code):
                raise RestError(401, "INVALID_CREDENTIALS", "Invalid request credentials")
            return method
        token = params.pop("auth", None)
        self._application = True
        if not token or len(path) != 1:
            raise RestError(401, "NO_AUTH_FOUND", "Wrong authorization data")
        if self.faults.revoked or token not in self.tokens:
            raise RestError(401, "invalid_token", "Unable to get application by token")
        if self.tokens[token] <= self.clock():
            raise RestError(401, "expired_token", "The access token provided has expired.")
        return path[0]

    # --- answering

    def served(self, method: str, params: Params) -> tuple[int, Params]:
        """Status and body for one request."""
        began = self.clock()
        try:
            if self.faults.on_request is not None:
                self.faults.on_request(method, params)
            if method == "batch":
                return 200, self._batch(params, began)
            answer = self._called(method, params)
        except RestError as error:
            self.refused.append((method, error.code, error.text))
            return error.status, error.body()
        return 200, self._enveloped(answer, method, began)

    def _enveloped(self, answer: Answer, method: str, began: float) -> Params:
        body: Params = {"result": answer.result}
        if answer.next is not None:
            body["next"] = answer.next
        if answer.total is not None:
            body["total"] = answer.total
        body["time"] = self._time(method, began)
        return body

    def _time(self, method: str, began: float) -> Params:
        finish = self.clock()
        used, reset = self.limits.used(method)
        return {
            "start": round(began, 6),
            "finish": round(finish, 6),
            "duration": finish - began,
            "processing": finish - began,
            "date_start": datetime.fromtimestamp(int(began), MOSCOW).isoformat(),
            "date_finish": datetime.fromtimestamp(int(finish), MOSCOW).isoformat(),
            "operating_reset_at": int(reset),
            "operating": used,
        }

    def _called(self, method: str, params: Params) -> Answer:
        work = self._methods.get(method.lower())
        if work is None:
            raise RestError(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
        if SCOPES.get(method.lower().partition(".")[0]) in self.faults.missing_scopes:
            text = "The request requires higher privileges than provided by the webhook token"
            raise RestError(401, "insufficient_scope", text)
        self.limits.spend(method)
        self.asked.append((method, params))
        return work(params)

    def _batch(self, params: Params, began: float) -> Params:
        commands = params.get("cmd")
        if isinstance(commands, list):
            commands = {str(n): command for n, command in enumerate(commands)}
        commands = commands if isinstance(commands, dict) else {}
        halt = str(params.get("halt", "0")).lower() in ("1", "true", "y")
        results: Params = {}
        errors: Params = {}
        totals: Params = {}
        nexts: Params = {}
        times: Params = {}
        for n, (key, command) in enumerate(commands.items()):
            method, _, query = str(command).partition("?")
            started = self.clock()
            try:
                found = self._subcall(n, method, query, results)
                answer = self._called(method, found)
            except RestError as error:
                self.refused.append((method, error.code, error.text))
                errors[key] = error.body()
                if halt:
                    break
                continue
            results[key] = answer.result
            times[key] = self._time(method, started)
            if answer.total is not None:
                totals[key] = answer.total
            if answer.next is not None:
                nexts[key] = answer.next
        parts = {
            "result": results,
            "result_error": errors,
            "result_total": totals,
            "result_next": nexts,
            "result_time": times,
        }
        return {"result": {name: php_array(part) for name, part in parts.items()}, "time": self._time("batch", began)}

    def _subcall(self, n: int, method: str, query: str, results: Params) -> Params:
        """The parameters of a sub-call of a batch."""
        if n >= BATCH:
            raise RestError(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
        self.subcalls[method] += 1
        if method.lower() == "batch":
            raise RestError(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage")
        found: Params = substituted(php_query(query), results)
        if self.faults.on_subcall is not None:
            self.faults.on_subcall(method, found)
        return found

    def _scopes(self) -> list[str]:
        return sorted(set(SCOPES.values()) - self.faults.missing_scopes)

    # --- methods

    def _answers(self) -> Answers:
        return Answers(self)

    def _table_of_methods(self) -> dict[str, Callable[[Params], Answer]]:
        return self.answers.by_method() | {
            "scope": lambda p: Answer(self._scopes()),
            "server.time": lambda p: Answer(self._stamp()),
            "app.info": lambda p: self._application_only(Answer({"ID": 1, "CODE": self.client_id, "STATUS": "L"})),
            "event.bind": self._bind,
        }

    def _application_only(self, answer: Answer) -> Answer:
        if not self._application:
            raise RestError(403, "ACCESS_DENIED", "Access denied! Application context required")
        return answer

    def _bind(self, params: Params) -> Answer:
        answer = self._application_only(Answer(result=True))
        self.bound.append(params)
        return answer
