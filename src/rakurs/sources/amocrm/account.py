"""How is an amoCRM (Kommo) account asked? Pages of up to 250 records, 7 calls a second, 204 for nothing.

A list is read by moving a window over a time of its records (created or updated), not by page numbers: records that are deleted or
changed meanwhile shift numbered pages, and one that slips to a page already read would be lost.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources.amocrm.consent import ByConsent
from rakurs.sources.amocrm.settings import AmoSettings
from rakurs.sources.calling import Caller, Pause
from rakurs.sources.live import Closed

PAGE = 250
EVENTS_PAGE = 100
_RATE, _BURST = 6.0, 6
_LIMIT_PAUSE_SECONDS = 1.0
_UNAUTHORIZED, _PAYMENT, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 401, 402, 403, 404, 429

_REFUSED = Text(
    ru="amoCRM {host} не пускает (код {status}): токен отозван, истёк или аккаунт не оплачен. Создайте новый долгосрочный токен в "
    "amoМаркете и вставьте его в настройки источника.",
    en="amoCRM {host} refuses (status {status}): the token was withdrawn, has expired, or the account is not paid. Make a new "
    "long-lived token in the marketplace and put it into the source's settings.",
)
_SHUT = Text(
    ru="amoCRM {host} не пускает (код {status}): интеграция отключена, доступ отозван или аккаунт не оплачен. Откройте страницу "
    "подключения и нажмите «Разрешить» ещё раз.",
    en="amoCRM {host} refuses (status {status}): the integration was turned off, its access was withdrawn, or the account is not paid. "
    "Open the connection's page and press “Allow” again.",
)

_NOT_UNDERSTOOD = Text(
    ru="amoCRM {host} не понял запрос (код {status}): {detail}",
    en="amoCRM {host} did not understand what it was asked (status {status}): {detail}",
)

_OUT_OF_ORDER = Text(
    ru="amoCRM {host} отдал «{path}» не в том порядке, который просили. Чтобы ничего не потерять, запуск остановлен.",
    en="amoCRM {host} answered “{path}” in another order than asked. The run stops rather than lose anything.",
)
Pairs = Sequence[tuple[str, Any]]


class Rejected(SourceUnreachable):
    """A change was not taken. `reasons` say why, by the `request_id` of what they speak of."""

    def __init__(self, message: Text, reasons: Mapping[str, str]) -> None:
        super().__init__(message)
        self.reasons = reasons


class Account:
    """One account, asked with a long-lived token or as an integration. Not thread-safe."""

    def __init__(
        self, settings: AmoSettings, *, breathe: Callable[[], None] = lambda: None, is_trial: bool = False
    ) -> None:
        self._base = f"{settings.address}/api/v4/"
        self.host = urlsplit(settings.address).hostname or ""
        auth = ByConsent(settings) if settings.client_id else None
        headers = None if auth else {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
        self._refused = _SHUT if auth else _REFUSED
        self._caller = Caller(rate=_RATE, burst=_BURST, breathe=breathe, is_trial=is_trial, headers=headers, auth=auth)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._caller.__exit__(kind, error, trace)

    @property
    def now(self) -> datetime:
        """The account's own clock when it last answered."""
        return self._caller.clock

    def ask(self, path: str, params: Pairs = ()) -> dict[str, Any]:
        """One answer; empty where there is nothing. Raises Closed, SourceRefused, SourceUnreachable."""
        return self._caller.get(f"{self._base}{path}", params, judge=self._judge) or {}

    def change(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """What the account answers to a change, sent once. Raises Rejected, Closed, SourceRefused; SourceUnreachable where the answer
        was lost.
        """
        return self._caller.change(method, f"{self._base}{path}", body, judge=self._judge) or {}

    def pages(self, path: str, name: str, params: Pairs = (), *, limit: int = PAGE) -> Iterator[list[dict[str, Any]]]:
        """Numbered pages: for lists that do not shift while they are read."""
        number = 1
        while records := _records(self.ask(path, [*params, ("page", number), ("limit", limit)]), name):
            yield records
            if len(records) < limit:
                return
            number += 1

    def window(
        self, path: str, name: str, params: Pairs = (), *, by: str, since: int = 0
    ) -> Iterator[list[dict[str, Any]]]:
        """Records whose time `by` is `since` or later, in its order, each once unless it changes meanwhile."""
        seen: dict[int, int] = {}
        number = 1
        while True:
            asked = [
                *params,
                (f"filter[{by}][from]", since),
                (f"order[{by}]", "asc"),
                ("page", number),
                ("limit", PAGE),
            ]
            records = _records(self.ask(path, asked), name)
            times = [int(record[by]) for record in records]
            if times != sorted(times):
                raise SourceUnreachable(_OUT_OF_ORDER.filled(host=self.host, path=path))
            fresh = [record for record in records if seen.get(record["id"]) != record[by]]
            if fresh:
                yield fresh
            if len(records) < PAGE:
                return
            last = times[-1]
            if last > since:
                # Only the second the window begins with can repeat.
                since, number = last, 1
                seen = {record["id"]: record[by] for record in records if record[by] == last}
            else:
                # More records of one second than a page holds: they are read by number.
                number += 1
                seen |= {record["id"]: record[by] for record in records}

    def _judge(self, status: int, answer: Any) -> None:
        if status == _TOO_MANY:
            raise Pause(_LIMIT_PAUSE_SECONDS)
        if status in {_UNAUTHORIZED, _PAYMENT}:
            raise SourceRefused(self._refused.filled(host=self.host, status=status))
        if status in {_FORBIDDEN, _NOT_FOUND}:
            raise Closed(f"{self.host}, {status}")
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            detail = answer.get("detail") if isinstance(answer, dict) else answer
            words = _NOT_UNDERSTOOD.filled(host=self.host, status=status, detail=detail)
            raise Rejected(words, _reasons(answer if isinstance(answer, dict) else {}))


def _reasons(answer: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(item.get("request_id")): "; ".join(
            f"{error.get('path')}: {error.get('detail') or error.get('code')}" for error in item.get("errors") or ()
        )
        for item in answer.get("validation-errors") or ()
    }


def _records(answer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return list(answer.get("_embedded", {}).get(name) or [])
