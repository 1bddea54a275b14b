"""How is a site of Calltouch asked? Days in two orders: day first for calls, month first for requests; 5 calls a second."""

from collections.abc import Callable
from datetime import date, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources.calling import Caller, Pause
from rakurs.sources.calltouch.settings import CalltouchSettings

ADDRESS = "https://api.calltouch.ru"
_RATE, _BURST = 4.0, 4
_LIMIT_PAUSE_SECONDS, _LONGEST_LIMIT_PAUSE_SECONDS = 1.0, 300.0
"""A limit a second ends at once, the points of a day do not: the pause doubles until an answer comes."""
_DAY_FIRST, _MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"

_REFUSED = Text(
    ru="{host} не принял токен (код {status}). Возьмите его в разделе Интеграции → API личного кабинета {site} и вставьте в настройки "
    "источника.",
    en="{host} did not take the token (status {status}). Take it from Integrations → API of the site {site} and put it into the "
    "source's settings.",
)
_NOT_UNDERSTOOD = Text(
    ru="{host} не понял запрос (код {status}): {why}. Проверьте ID личного кабинета {site}.",
    en="{host} did not understand what it was asked (status {status}): {why}. Check the id of the site, {site}.",
)


class Site:
    """One site, asked with a token. Not thread-safe."""

    def __init__(
        self, settings: CalltouchSettings, *, breathe: Callable[[], None] = lambda: None, is_trial: bool = False
    ) -> None:
        self.host = urlsplit(ADDRESS).hostname or ""
        self._site = settings.site_id
        self._token = settings.token.get_secret_value()
        self._caller = Caller(rate=_RATE, burst=_BURST, breathe=breathe, is_trial=is_trial)
        self._pause = _LIMIT_PAUSE_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._caller.__exit__(kind, error, trace)

    @property
    def now(self) -> datetime:
        """The site's own clock when it last answered."""
        return self._caller.clock

    def calls(self, first: date, last: date, *, page: int, limit: int) -> dict[str, Any]:
        """One page of the diary of calls: `records`, `pageTotal`, `recordsTotal`. Days are inclusive."""
        asked = {"page": page, "limit": limit, "withCallTags": "true"}
        answer = self._ask(f"{self._site}/calls-diary/calls", first, last, _DAY_FIRST, **asked)
        if not isinstance(answer, dict) or not isinstance(answer.get("records"), list):
            raise self._misunderstood(HTTPStatus.OK, answer)
        return answer

    def requests(self, first: date, last: date) -> list[dict[str, Any]]:
        """All requests of these days, inclusive: this list has no pages."""
        answer = self._ask("requests", first, last, _MONTH_FIRST, siteId=self._site)
        if not isinstance(answer, list):
            raise self._misunderstood(HTTPStatus.OK, answer)
        return answer

    def _ask(self, path: str, first: date, last: date, written: str, **params: Any) -> Any:
        days = {"dateFrom": first.strftime(written), "dateTo": last.strftime(written)}
        asked = {"clientApiId": self._token, **days, **params}
        url = f"{ADDRESS}/calls-service/RestAPI/{path}"
        return self._caller.get(url, tuple(asked.items()), judge=self._judge)

    def _judge(self, status: int, answer: Any) -> None:
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self._pause = min(2 * self._pause, _LONGEST_LIMIT_PAUSE_SECONDS)
            raise Pause(self._pause / 2)
        self._pause = _LIMIT_PAUSE_SECONDS
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise SourceRefused(_REFUSED.filled(host=self.host, status=status, site=self._site))
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self._misunderstood(status, answer)

    def _misunderstood(self, status: int, answer: Any) -> SourceUnreachable:
        told = answer.get("message") or answer.get("error") if isinstance(answer, dict) else None
        why = str(told or "?").replace(self._token, "***")[:300]
        return SourceUnreachable(_NOT_UNDERSTOOD.filled(host=self.host, status=int(status), why=why, site=self._site))
