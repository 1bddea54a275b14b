"""How is a system asked without being a nuisance, and without giving up over a hiccup?

Calls are spaced by a leaky bucket, as the systems themselves count them. What fails for a moment (no connection, a cut
answer, a server error, an answer that is no JSON) is asked again after a pause that doubles.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx

from rakurs.core.errors import SourceUnreachable
from rakurs.core.text import Text

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
_BREATH_SECONDS = 0.2

_SILENT = Text(
    ru="{host} не отвечает ({why}). Проверьте адрес и связь с интернетом; запрос повторится сам.",
    en="{host} does not answer ({why}). Check the address and the connection; it is asked again by itself.",
)
_SERVER_ERROR = Text(ru="ошибка сервера {status}", en="server error {status}")
_NO_JSON = Text(ru="в ответ пришёл не JSON", en="the answer is no JSON")
_NO_CONNECTION = Text(ru="нет соединения", en="no connection")
_TOO_SLOW = Text(ru="нет ответа за {seconds} с", en="no answer in {seconds} s")


Judge = Callable[[int, Any], None]


class Pause(Exception):
    """The other side asks to wait `seconds` before the same call is made again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"wait {seconds:.1f} s")
        self.seconds = seconds


class Caller:
    """A client of one system: at most `rate` calls a second after a burst of `burst`.

    `breathe` is called while it waits; what it raises (Cancelled) ends the wait. Not thread-safe.
    """

    def __init__(
        self,
        *,
        rate: float,
        burst: int,
        timeout_seconds: float = 65.0,
        patience_seconds: float = 300.0,
        breathe: Callable[[], None] = lambda: None,
    ) -> None:
        self._rate, self._burst = rate, burst
        self._level, self._told_at = 0.0, time.monotonic()
        self._timeout, self._patience = timeout_seconds, patience_seconds
        self._breathe = breathe
        self.server_date = ""
        """The clock of the other side when it last answered, as HTTP writes it."""
        self._client = httpx.Client(timeout=httpx.Timeout(timeout_seconds, connect=10.0), follow_redirects=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def post(self, url: str, body: Mapping[str, Any], *, judge: Judge) -> Any:
        """The JSON that `url` answers to a JSON body."""
        return self._asked(self._client.build_request("POST", url, json=body), judge)

    def get(self, url: str, params: Sequence[tuple[str, Any]] = (), *, headers: Mapping[str, str], judge: Judge) -> Any:
        """The JSON that `url` answers; None where it says that there is nothing (204)."""
        return self._asked(self._client.build_request("GET", url, params=list(params), headers=headers), judge)

    def _asked(self, request: httpx.Request, judge: Judge) -> Any:
        """The answer to `request`. `judge(status, answer)` raises Pause or an error where it is none.

        Raises SourceUnreachable when patience ends; no secret of the address is in its words.
        """
        began, pause = time.monotonic(), FIRST_PAUSE_SECONDS
        while True:
            self._take_turn()
            try:
                response = self._client.send(request)
                self.server_date = response.headers.get("Date", self.server_date)
                if response.status_code == HTTPStatus.NO_CONTENT:
                    return None
                answer = _json_of(response)
                if answer is not None:
                    judge(response.status_code, answer)
                    if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                        return answer
                is_server = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
                why = _SERVER_ERROR.filled(status=response.status_code) if is_server else _NO_JSON
            except Pause as asked:
                # A limit that is obeyed is no failure: patience begins anew.
                self._wait(asked.seconds)
                began, pause = time.monotonic(), FIRST_PAUSE_SECONDS
                continue
            except httpx.TimeoutException:
                why = _TOO_SLOW.filled(seconds=round(self._timeout))
            except httpx.HTTPError:
                why = _NO_CONNECTION
            if time.monotonic() - began + pause > self._patience:
                host = request.url.host
                words = Text(ru=_SILENT.ru.format(host=host, why=why.ru), en=_SILENT.en.format(host=host, why=why.en))
                raise SourceUnreachable(words)
            self._wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads calls, keeps no secret
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _take_turn(self) -> None:
        now = time.monotonic()
        self._level = max(0.0, self._level - (now - self._told_at) * self._rate)
        self._told_at = now
        if self._level + 1 > self._burst:
            self._wait((self._level + 1 - self._burst) / self._rate)
            self._level = max(0.0, self._level - (time.monotonic() - self._told_at) * self._rate)
            self._told_at = time.monotonic()
        self._level += 1

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            self._breathe()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(_BREATH_SECONDS, left))


def _json_of(response: httpx.Response) -> Any | None:
    try:
        return response.json()
    except ValueError:
        return None
