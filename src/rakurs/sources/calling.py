"""How is a system asked without being a nuisance, and without giving up over a hiccup?

Calls are spaced by a leaky bucket, as the systems themselves count them. What fails for a moment (no connection, a cut
answer, a server error, an answer that is no JSON) is asked again after a pause that doubles.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from http import HTTPStatus
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.text import Text

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
PATIENCE_SECONDS = 300.0
"""How long a system may fail to answer before a run gives up for now. Limits it names are waited for however long they are."""
TRIAL_SECONDS = 8.0
"""How long somebody waits who tries settings in a browser, limits included."""
_BREATH_SECONDS = 0.2

_SILENT = Text(
    ru="{host} не отвечает ({why}). Проверьте адрес и связь с интернетом; запрос повторится сам.",
    en="{host} does not answer ({why}). Check the address and the connection; it is asked again by itself.",
)
_NOT_THERE = Text(
    ru="{host} отвечает, но не на это (код {why}). Проверьте адрес.",
    en="{host} answers, but not to this (status {why}). Check the address.",
)
_SERVER_ERROR = Text(ru="ошибка сервера {status}", en="server error {status}")
_NO_JSON = Text(ru="в ответ пришёл не JSON", en="the answer is no JSON")
_NO_CONNECTION = Text(ru="нет соединения", en="no connection")
_LIMITED = Text(ru="просит подождать: исчерпан лимит запросов", en="asks for patience: a limit is used up")
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
        is_trial: bool = False,
        breathe: Callable[[], None] = lambda: None,
    ) -> None:
        self._rate, self._burst = rate, burst
        self._level, self._told_at = 0.0, time.monotonic()
        self._patience = TRIAL_SECONDS if is_trial else PATIENCE_SECONDS
        self._timeout = timeout_seconds = min(timeout_seconds, self._patience)
        self._longest_limit = TRIAL_SECONDS if is_trial else inf
        self._breathe = breathe
        self.server_date = ""
        """The clock of the other side when it last answered, as HTTP writes it."""
        self._client = httpx.Client(timeout=httpx.Timeout(timeout_seconds, connect=min(10.0, timeout_seconds)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def post(self, url: str, body: Mapping[str, Any], *, judge: Judge) -> Any:
        """The JSON that `url` answers to a JSON body."""
        return self._asked(self._client.build_request("POST", url, json=body), _as_json(judge))

    def get(self, url: str, params: Sequence[tuple[str, Any]] = (), *, headers: Mapping[str, str], judge: Judge) -> Any:
        """The JSON that `url` answers; None where it says that there is nothing (204)."""
        request = self._client.build_request("GET", url, params=list(params), headers=headers)
        return self._asked(request, _as_json(judge))

    def download(self, url: str, target: Path, *, headers: Mapping[str, str]) -> httpx.Headers | None:
        """Write what `url` holds to `target`; the headers of the answer, None where nothing changed (304)."""

        def read(response: httpx.Response) -> httpx.Headers:
            _held(response)
            with target.open("wb") as file:
                for chunk in response.iter_bytes():
                    file.write(chunk)
                    self._breathe()
            return response.headers

        return self._asked(self._client.build_request("GET", url, headers=headers), read, follows=True)

    def _asked(self, request: httpx.Request, read: Callable[[httpx.Response], Any], *, follows: bool = False) -> Any:
        """What `read` makes of the answer to `request`; it may raise Pause, an error, or _Broken where it is none.

        Raises SourceUnreachable when patience ends; no secret of the address is in its words.
        """
        began, pause = time.monotonic(), FIRST_PAUSE_SECONDS
        while True:
            self._take_turn()
            try:
                with closing(self._client.send(request, stream=True, follow_redirects=follows)) as response:
                    self.server_date = response.headers.get("Date", self.server_date)
                    if response.status_code in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
                        return None
                    return read(response)
            except Pause as asked:
                if asked.seconds > self._longest_limit:
                    raise SourceUnreachable(_said(_SILENT, request, _LIMITED)) from None
                # A limit that is obeyed is no failure: patience begins anew.
                self._wait(asked.seconds)
                began, pause = time.monotonic(), FIRST_PAUSE_SECONDS
                continue
            except _Broken as broken:
                why = broken.why
            except httpx.TimeoutException:
                why = _TOO_SLOW.filled(seconds=round(self._timeout))
            except httpx.HTTPError:
                why = _NO_CONNECTION
            if time.monotonic() - began + pause > self._patience:
                raise SourceUnreachable(_said(_SILENT, request, why))
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


class _Broken(Exception):
    """What came is no answer."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.en)
        self.why = why


def _as_json(judge: Judge) -> Callable[[httpx.Response], Any]:
    def read(response: httpx.Response) -> Any:
        response.read()
        try:
            answer = response.json()
        except ValueError:
            judge(response.status_code, None)
            _held(response)
            raise _Broken(_NO_JSON) from None
        judge(response.status_code, answer)
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _Broken(_SERVER_ERROR.filled(status=response.status_code))
        return answer

    return read


def _held(response: httpx.Response) -> None:
    """Raise what an answer's status says where nothing else says it."""
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _Broken(_SERVER_ERROR.filled(status=response.status_code))
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        raise SourceRefused(
            _said(_NOT_THERE, response.request, Text(ru=str(response.status_code), en=str(response.status_code)))
        )


def _said(phrase: Text, request: httpx.Request, why: Text) -> Text:
    """The phrase with the host that was asked, never with the rest of its address, which may hold a key."""
    host = request.url.host
    return Text(ru=phrase.ru.format(host=host, why=why.ru), en=phrase.en.format(host=host, why=why.en))
