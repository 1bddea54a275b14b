"""How is an exchange of Mango Office asked? By signed forms; statistics are ordered first and fetched when they are ready."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources.calling import Caller, Pause
from rakurs.sources.mango.settings import MangoSettings

ADDRESS = "https://app.mango-office.ru"
COLUMNS: tuple[str, ...] = (
    "records", "start", "finish", "answer", "from_extension", "from_number", "to_extension", "to_number", "disconnect_reason",
    "line_number", "location", "entry_id",
)  # fmt: skip
"""Of the table of statistics, in the order they are asked for."""
_RATE, _BURST = 0.5, 1
"""Statistics may be ordered once in two seconds."""
_POLL_SECONDS = 5.0
_READY_SECONDS = 900.0
"""How long statistics may be in the making before a run gives up for now."""
_MOST_ORDERS = 3
"""An order whose result is gone before it was fetched is made anew so often."""
_LIMIT_PAUSE_SECONDS, _LONGEST_LIMIT_PAUSE_SECONDS = 2.0, 300.0
_BLOCK_SECONDS, _MOST_BLOCKS = 125.0, 2
"""After a wrong request the exchange says 401 to everything for two minutes."""
_RESULTS = ("stats/result", "result/stats")
"""Both spellings of the address are in use; the second is tried where the first is not there."""
_SERVER_CODES = range(5000, 6000)

_REFUSED = Text(
    ru="{host} не принял код АТС или подпись. Сверьте оба значения: Личный кабинет → Интеграции → API коннектор.",
    en="{host} did not take the exchange's code or the signature. Compare both: your account → Integrations → API connector.",
)
_NOT_UNDERSTOOD = Text(
    ru="{host} не понял запрос (код {code}). Запуск повторится сам.",
    en="{host} did not understand what it was asked (code {code}). It is tried again by itself.",
)
_NEVER_READY = Text(
    ru="{host} так и не подготовил статистику звонков. Запуск повторится сам.",
    en="{host} did not get the statistics of calls ready. It is tried again by itself.",
)


def signature(settings: MangoSettings, text: str) -> str:
    """What proves that `text` is of whoever knows the salt."""
    return hashlib.sha256(f"{settings.api_key}{text}{settings.api_salt.get_secret_value()}".encode()).hexdigest()


class _NotThere(Exception):
    """The address, or what it was asked for, is not there."""


class Exchange:
    """One exchange. Not thread-safe."""

    def __init__(
        self, settings: MangoSettings, *, breathe: Callable[[], None] = lambda: None, is_trial: bool = False
    ) -> None:
        self.host = urlsplit(ADDRESS).hostname or ""
        self._settings = settings
        self._caller = Caller(rate=_RATE, burst=_BURST, breathe=breathe, is_trial=is_trial)
        self._pause = _LIMIT_PAUSE_SECONDS
        self._blocks, self._is_known = 0, False
        self._results = _RESULTS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._caller.__exit__(kind, error, trace)

    @property
    def now(self) -> datetime:
        """The exchange's own clock when it last answered."""
        return self._caller.clock

    def order(self, first: int, last: int) -> str:
        """Order the statistics of these seconds, at most a month; the key by which they are fetched."""
        asked = {"date_from": str(first), "date_to": str(last), "fields": ",".join(COLUMNS)}
        try:
            told = self._send("stats/request", asked, self._object) or {}
        except _NotThere:
            raise self._misunderstood(HTTPStatus.NOT_FOUND) from None
        if not isinstance(told.get("key"), str):
            raise self._misunderstood(told.get("result"))
        return told["key"]

    def statistics(self, first: int, last: int) -> list[dict[str, str]]:
        """One row per leg of a call that began in these seconds. Raises SourceRefused, SourceUnreachable."""
        for _ in range(_MOST_ORDERS):
            try:
                return self._fetched(self.order(first, last))
            except _NotThere:
                # Results are kept for a minute only.
                continue
        raise SourceUnreachable(_NEVER_READY.filled(host=self.host))

    def _fetched(self, key: str) -> list[dict[str, str]]:
        until = time.monotonic() + _READY_SECONDS
        while time.monotonic() < until:
            self._caller.wait(_POLL_SECONDS)
            rows = self._result(key)
            if rows is not None:
                return rows
        raise SourceUnreachable(_NEVER_READY.filled(host=self.host))

    def _result(self, key: str) -> list[dict[str, str]] | None:
        """The table, None while it is in the making. Raises _NotThere where no spelling of the address has it."""
        for path in self._results:
            try:
                rows = self._send(path, {"key": key}, self._table)
            except _NotThere:
                continue
            self._results = (path, *(other for other in _RESULTS if other != path))
            return rows
        raise _NotThere

    def _send(self, path: str, asked: Mapping[str, Any], read: Callable[[httpx.Response], Any]) -> Any:
        # What is signed is what is sent, byte for byte.
        text = json.dumps(asked, ensure_ascii=False, separators=(",", ":"))
        form = {"vpbx_api_key": self._settings.api_key, "sign": signature(self._settings, text), "json": text}
        return self._caller.send(f"{ADDRESS}/vpbx/{path}", form, read=lambda response: self._judged(response, read))

    def _judged(self, response: httpx.Response, read: Callable[[httpx.Response], Any]) -> Any:
        response.read()
        status = response.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self._pause = min(2 * self._pause, _LONGEST_LIMIT_PAUSE_SECONDS)
            raise Pause(self._pause / 2)
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            self._blocked()
        if status == HTTPStatus.NOT_FOUND:
            raise _NotThere
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self._misunderstood(status)
        response.raise_for_status()
        told = read(response)
        self._pause, self._blocks, self._is_known = _LIMIT_PAUSE_SECONDS, 0, True
        return told

    def _blocked(self) -> None:
        """Keys that were good a moment ago are good: then everything is refused for a while because of one wrong request."""
        self._blocks += 1
        if not self._is_known or self._blocks > _MOST_BLOCKS:
            raise SourceRefused(_REFUSED.filled(host=self.host))
        raise Pause(_BLOCK_SECONDS)

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        try:
            told = response.json()
        except ValueError:
            raise httpx.DecodingError("no JSON") from None
        if not isinstance(told, dict) or told.get("result") in _SERVER_CODES:
            raise httpx.DecodingError("no answer")
        return told

    def _table(self, response: httpx.Response) -> list[dict[str, str]]:
        if response.text.startswith("{"):
            raise self._misunderstood(self._object(response).get("result"))
        rows = [line.rstrip("\r").split(";") for line in response.text.split("\n") if line.strip()]
        legs = [dict(zip(COLUMNS, row, strict=False)) for row in rows if row != [*COLUMNS]]
        if not all(map(_is_leg, legs)):
            raise httpx.DecodingError("no table")
        return legs

    def _misunderstood(self, code: object) -> SourceUnreachable:
        return SourceUnreachable(
            _NOT_UNDERSTOOD.filled(host=self.host, code=int(code) if isinstance(code, int) else "?")
        )


def _is_leg(row: Mapping[str, str]) -> bool:
    """Whether a row is whole and its times are numbers."""
    times = (row.get(name, "?") for name in ("finish", "answer"))
    return len(row) == len(COLUMNS) and row["start"].isdecimal() and all(not one or one.isdecimal() for one in times)
