"""How is a Bitrix24 portal asked? One call, fifty in a batch, pages by ascending ids; its limits obeyed.

Limits (limits.md of the vendor's REST documentation): a bucket of 50 calls that leaks 2 a second, 50 records a page, 50 calls
a batch, 60 s a call, and a sum of working time per method after which OPERATION_TIME_LIMIT asks for a pause.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import ceil
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources.bitrix24 import consent
from rakurs.sources.bitrix24.settings import Bitrix24Settings
from rakurs.sources.calling import TRIAL_SECONDS, Caller, Pause
from rakurs.sources.consent import Tokens, renewal
from rakurs.sources.live import Closed

PAGE = 50
_TOO_MANY = 429
MOST_COMMANDS = 50
_RATE, _BURST = 2.0, 40
_LIMIT_PAUSE_SECONDS = 1.5
_QUICK_SECONDS, _SLOW_SECONDS = 10.0, 30.0
_LONGEST_REST_SECONDS = 600.0
_ASKS_PATIENCE = frozenset({"QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT", "OVERLOAD_LIMIT"})
_SHUT_OUT = frozenset({
    "INVALID_CREDENTIALS", "NO_AUTH_FOUND", "expired_token", "invalid_token", "INVALID_TOKEN", "user_access_error",
    "authorization_error", "PAYMENT_REQUIRED", "PORTAL_DELETED", "WRONG_AUTH_TYPE",
})  # fmt: skip
_EXPIRED = "expired_token"
_CLOSED = frozenset({
    "insufficient_scope", "ACCESS_DENIED", "ERROR_METHOD_NOT_FOUND", "allowed_only_intranet_user",
    "200040300010", "200040300030", "ENTITY_TYPE_NOT_SUPPORTED",
})  # fmt: skip

_REFUSED = Text(
    ru="Битрикс24 {host} не пускает: {code}. Вебхук удалён, его владелец уволен или тариф без REST. Создайте новый входящий "
    "вебхук (Разработчикам → Другое → Входящий вебхук) и вставьте его адрес в настройки источника.",
    en="Bitrix24 {host} refuses: {code}. The webhook was removed, its owner left or the plan has no REST. Make a new incoming "
    "webhook (Developer resources → Other → Inbound webhook) and put its address into the source's settings.",
)
_SHUT = Text(
    ru="Битрикс24 {host} не пускает: {code}. Приложение удалено или ему закрыли доступ, давший разрешение уволен, или тариф без REST. "
    "Откройте страницу подключения и нажмите «Разрешить» ещё раз.",
    en="Bitrix24 {host} refuses: {code}. The application was removed or shut out, whoever allowed it left, or the plan has no REST. "
    "Open the connection's page and press “Allow” again.",
)
_BUSY = Text(
    ru="Битрикс24 {host} просит подождать: исчерпано время работы методов. Попробуйте через несколько минут.",
    en="Bitrix24 {host} asks for patience: the working time of its methods is used up. Try again in some minutes.",
)
_ANSWERED = Text(
    ru="Битрикс24 на запрос {method} ответил ошибкой {code}: {words}",
    en="Bitrix24 answered {method} with the error {code}: {words}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How the records of one kind are listed: the method, where the answer holds them, and what is selected."""

    method: str
    within: str = ""
    key: str = "ID"
    select: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    is_upper: bool = False
    """Whether the parameters are FILTER, SORT and ORDER, as telephony has them."""
    has_blind_pages: bool = True
    """Whether start=-1 (no counting) is understood."""

    def asked(self, narrowed: Mapping[str, Any], *, after: str = "", start: int = 0) -> dict[str, Any]:
        """The parameters of one page of what `narrowed` leaves, by ascending ids beyond `after`."""
        narrow = dict(narrowed)
        if after:
            narrow[f">{self.key}"] = after
        if self.is_upper:
            return {**self.params, "FILTER": narrow, "SORT": self.key, "ORDER": "ASC", "start": start}
        asked: dict[str, Any] = {**self.params, "order": {self.key: "ASC"}, "start": start}
        asked["filter"] = {**self.params.get("filter", {}), **narrow}
        if self.select:
            asked["select"] = list(self.select)
        return asked

    def records(self, result: Any) -> list[dict[str, Any]]:
        """The records of an answer; PHP writes an empty object as an empty list."""
        if self.within:
            result = result.get(self.within, []) if isinstance(result, dict) else []
        return list(result.values()) if isinstance(result, dict) else list(result or [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a batch brought, by the names of its commands."""

    methods: Mapping[str, str]
    results: Mapping[str, Any]
    errors: Mapping[str, tuple[str, str]]
    totals: Mapping[str, int]
    nexts: Mapping[str, int]

    def of(self, name: str) -> Any:
        """The result of one command. Raises Closed where we may not ask, SourceUnreachable where it failed."""
        if name in self.errors:
            raise _failure(self.methods[name], *self.errors[name])
        return self.results[name]


class _Expired(SourceRefused):
    """The access token is good no longer; a call with it did nothing."""


class Portal:
    """One portal, asked through an incoming webhook or as an application. Not thread-safe; `breathe` is called between and during
    calls.
    """

    def __init__(
        self, settings: Bitrix24Settings, *, breathe: Callable[[], None] = lambda: None, is_trial: bool = False
    ) -> None:
        self._settings = settings
        self._tokens = Tokens(settings.tokens) if settings.client_id else None
        self._access = "" if self._tokens is None else self._tokens.pair.access
        self._base = f"{settings.address}/rest/" if self._tokens else settings.webhook.get_secret_value()
        self.host = urlsplit(settings.address).hostname or ""
        self._longest_rest = TRIAL_SECONDS if is_trial else _LONGEST_REST_SECONDS
        self._caller = Caller(rate=_RATE, burst=_BURST, breathe=breathe, is_trial=is_trial)
        self.server_time = ""
        """The portal's own clock when it last answered."""
        self._pages = MOST_COMMANDS // 2
        self._took = 0.0
        self._reset_at: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._caller.__exit__(kind, error, trace)

    def once(self) -> AbstractContextManager[None]:
        """Within it no call is repeated over a lost answer, for what it changes may be changed."""
        return self._caller.once()

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """The `result` of one call. Raises Closed, SourceRefused, SourceUnreachable."""
        answer = self._answered(method, params or {})
        if "error" in answer:
            raise _failure(method, str(answer["error"]), str(answer.get("error_description", "")))
        spent = answer.get("time", {})
        self.server_time = spent.get("date_start", self.server_time)
        self._reset_at = spent.get("operating_reset_at", self._reset_at)
        self._took = float(spent.get("duration", 0.0))
        return answer["result"]

    def _answered(self, method: str, params: Mapping[str, Any]) -> Any:
        address = f"{self._base}{method}"
        if self._tokens is None:
            return self._caller.post(address, params, judge=self._judge)
        try:
            return self._caller.post(address, {**params, "auth": self._access}, judge=self._judge)
        except _Expired:
            # Only now: the vendor shuts applications out that renew by the clock.
            self._access = self._tokens.renewed(self._access, lambda old: consent.pair(self._settings, renewal(old)))
            return self._caller.post(address, {**params, "auth": self._access}, judge=self._judge)

    def batch(self, commands: Mapping[str, tuple[str, Mapping[str, Any]]], *, is_chain: bool = False) -> Answers:
        """Up to 50 calls at once; those that were told to wait are asked again.

        Not so the calls of a chain, each of which needs the one before in the same batch: they keep their errors.
        """
        results: dict[str, Any] = {}
        errors: dict[str, tuple[str, str]] = {}
        totals: dict[str, int] = {}
        nexts: dict[str, int] = {}
        left = dict(commands)
        while left:
            cmd = {name: f"{method}?{_query(params)}" for name, (method, params) in left.items()}
            answer = _as_dict(self.call("batch", {"halt": 0, "cmd": cmd}))
            results |= _as_dict(answer.get("result"))
            totals |= {name: int(total) for name, total in _as_dict(answer.get("result_total")).items()}
            nexts |= {name: int(start) for name, start in _as_dict(answer.get("result_next")).items()}
            for name, error in _as_dict(answer.get("result_error")).items():
                errors[name] = (str(error.get("error", "")), str(error.get("error_description", "")))
            waits = {name for name, (code, _) in errors.items() if code in _ASKS_PATIENCE}
            lost = left.keys() - results.keys() - errors.keys()
            errors |= dict.fromkeys(lost, ("NO_ANSWER", ""))
            if is_chain:
                break
            left = {name: left[name] for name in left if name in waits}
            errors = {name: error for name, error in errors.items() if name not in waits}
            spent = [one for one in _as_dict(answer.get("result_time")).values() if isinstance(one, dict)]
            self._reset_at = max(
                (one["operating_reset_at"] for one in spent if one.get("operating_reset_at")),
                default=self._reset_at,
                key=str,
            )
            if left:
                self._rest()
        methods = {name: method for name, (method, _) in commands.items()}
        return Answers(methods=methods, results=results, errors=errors, totals=totals, nexts=nexts)

    def counted(self, listings: Mapping[str, tuple[Listing, Mapping[str, Any]]]) -> dict[str, int]:
        """How many records each listing holds; those closed to us are left out."""
        commands = {name: (listing.method, listing.asked(narrowed)) for name, (listing, narrowed) in listings.items()}
        answers = self.batch(commands)
        for name in commands:
            if name in answers.errors and answers.errors[name][0] not in _CLOSED:
                answers.of(name)
        return dict(answers.totals)

    def all_pages(self, listing: Listing) -> Iterator[list[dict[str, Any]]]:
        """Page after page of a short list, as it counts them itself."""
        start = 0
        while True:
            answers = self.batch({"page": (listing.method, {**listing.params, "start": start})})
            yield listing.records(answers.of("page"))
            if "page" not in answers.nexts:
                return
            start = answers.nexts["page"]

    def pages(
        self, listing: Listing, narrowed: Mapping[str, Any], *, after: str, rows: int
    ) -> Iterator[list[dict[str, Any]]]:
        """Records beyond the id `after`, by ascending ids, about `rows` of them: a whole batch of pages at a time.

        Each page of a batch begins after the last id of the page before, so records that come and go meanwhile neither
        shift the pages nor repeat. The end is the first page that is not full.
        """
        left = rows
        while True:
            count = min(self._pages, max(1, ceil(left / PAGE)))
            fresh, is_end = self._some_pages(listing, narrowed, after=after, count=count)
            if fresh:
                after = str(fresh[-1][listing.key])
                yield fresh
            if is_end:
                return
            left -= len(fresh)

    def _some_pages(
        self, listing: Listing, narrowed: Mapping[str, Any], *, after: str, count: int
    ) -> tuple[list[Any], bool]:
        start = -1 if listing.has_blind_pages else 0
        within = f"[{listing.within}]" if listing.within else ""
        commands: dict[str, tuple[str, Mapping[str, Any]]] = {}
        for number in range(count):
            begins = f"$result[p{number - 1}]{within}[{PAGE - 1}][{listing.key}]" if number else after
            commands[f"p{number}"] = (listing.method, listing.asked(narrowed, after=begins or "0", start=start))
        answers = self.batch(commands, is_chain=True)
        fresh: list[Any] = []
        last = int(after or 0)
        for number in range(count):
            if answers.errors.get(f"p{number}", ("",))[0] in _ASKS_PATIENCE:
                # What came before it is good; the next batch begins there.
                self._rest()
                return fresh, False
            page = listing.records(answers.of(f"p{number}"))
            page.sort(key=lambda record: int(record[listing.key]))
            new = [record for record in page if int(record[listing.key]) > last]
            if len(page) == PAGE and not new:
                raise SourceUnreachable(_ANSWERED.filled(method=listing.method, code="SAME_PAGE", words=f"ID > {last}"))
            fresh += new
            if len(page) < PAGE:
                return fresh, True
            last = int(page[-1][listing.key])
        self._pace()
        return fresh, False

    def _pace(self) -> None:
        """A call may take a minute: ask for more at once while it takes seconds, for less before it takes too long."""
        if self._took < _QUICK_SECONDS:
            self._pages = min(MOST_COMMANDS, self._pages + 5)
        elif self._took > _SLOW_SECONDS:
            self._pages = max(1, self._pages // 2)

    def _judge(self, status: int, answer: Any) -> None:
        code = answer.get("error") if isinstance(answer, dict) else None
        if code == "QUERY_LIMIT_EXCEEDED" or (answer is None and status == _TOO_MANY):
            raise Pause(_LIMIT_PAUSE_SECONDS)
        if code == "OPERATION_TIME_LIMIT":
            raise Pause(_until(self._reset_at))
        if code in _SHUT_OUT or (status in {401, 403} and code not in _CLOSED):
            words = (_SHUT if self._tokens else _REFUSED).filled(host=self.host, code=code or status)
            raise _Expired(words) if code == _EXPIRED else SourceRefused(words)

    def _rest(self) -> None:
        """Wait until the portal takes such calls again, and ask it for less at once from then on."""
        self._pages = max(1, self._pages // 2)
        if _until(self._reset_at) > self._longest_rest:
            raise SourceUnreachable(_BUSY.filled(host=self.host))
        self._caller.wait(_until(self._reset_at))


def _failure(method: str, code: str, words: str) -> Exception:
    if code in _CLOSED:
        return Closed(f"{method} ({code})")
    return SourceUnreachable(_ANSWERED.filled(method=method, code=code, words=words))


def _until(reset_at: Any) -> float:
    """Seconds until the moment a portal names, which is an epoch or a text; a minute where it names none."""
    try:
        seconds = float(reset_at) - time.time()
    except (TypeError, ValueError):
        seconds = 60.0
    return min(max(seconds, 0.2), _LONGEST_REST_SECONDS)


def _as_dict(value: Any) -> dict[str, Any]:
    """An object; PHP writes an empty one as an empty list, and one with the keys 0, 1, 2 as a list too."""
    if isinstance(value, list):
        return {str(number): item for number, item in enumerate(value)}
    return value or {}


def _query(params: Mapping[str, Any]) -> str:
    return "&".join(f"{name}={quote(str(value), safe='$[]')}" for name, value in _flat(params))


def _flat(params: Mapping[str, Any] | Sequence[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Parameters as PHP writes nested ones in a query."""
    items = params.items() if isinstance(params, Mapping) else enumerate(params)
    for key, value in items:
        name = f"{prefix}[{quote(str(key), safe='')}]" if prefix else str(key)
        if isinstance(value, Mapping | list | tuple):
            yield from _flat(value, name)
        else:
            yield name, value
