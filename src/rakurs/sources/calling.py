"""How is a system asked without being a nuisance, and without giving up over a hiccup?

Calls are spaced by a leaky bucket, as the systems themselves count them. What fails for a moment (no connection, a cut
answer, a server error, an answer that is no JSON) is asked again after a pause that doubles.
"""

import random
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
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
Read = Callable[[httpx.Response], Any]


class Pause(Exception):
    """The other side asks to wait `seconds` before the same call is made again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"wait {seconds:.1f} s")
        self.seconds = seconds


class Caller:
    """A client of one system: at most `rate` calls a second after a burst of `burst`.

    `breathe` is called before each call and while it waits; what it raises (Cancelled) ends the wait. `headers` go with every
    request, and what `auth` puts on it. Not thread-safe.
    """

    def __init__(
        self,
        *,
        rate: float,
        burst: int,
        timeout_seconds: float = 65.0,
        is_trial: bool = False,
        breathe: Callable[[], None] = lambda: None,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
    ) -> None:
        self._rate, self._burst = rate, burst
        self._level, self._told_at = 0.0, time.monotonic()
        self._patience = TRIAL_SECONDS if is_trial else PATIENCE_SECONDS
        self._timeout = timeout_seconds = min(timeout_seconds, self._patience)
        self._longest_limit = TRIAL_SECONDS if is_trial else inf
        self._breathe = breathe
        self._repeats = True
        self._told_date = ""
        timeout = httpx.Timeout(timeout_seconds, connect=min(10.0, timeout_seconds))
        self._client = httpx.Client(timeout=timeout, headers=headers, auth=auth)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    @property
    def clock(self) -> datetime:
        """The other side's clock when it last answered; this machine's before it did, or where it tells no time."""
        try:
            return parsedate_to_datetime(self._told_date)
        except ValueError:
            return datetime.now(UTC)

    @contextmanager
    def once(self) -> Generator[None]:
        """Within it nothing is asked again over a lost answer, for what was asked may have been done. Limits are still waited for."""
        self._repeats = False
        try:
            yield
        finally:
            self._repeats = True

    def change(self, method: str, url: str, body: Any, *, judge: Judge) -> Any:
        """The JSON that `url` answers to a change; None where it says nothing (204). Asked once, whatever comes of it."""
        with self.once():
            return self._asked(self._client.build_request(method, url, json=body), as_json(judge))

    def post(self, url: str, body: Mapping[str, Any], *, judge: Judge, read: Read | None = None) -> Any:
        """The JSON that `url` answers to a JSON body, or what `read` makes of the answer (it may raise Pause, an error, or Broken)."""
        return self._asked(self._client.build_request("POST", url, json=body), read or as_json(judge))

    def send(self, url: str, form: Mapping[str, str], *, read: Read) -> Any:
        """What `read` makes of the answer to a form; None where there is nothing yet (204)."""
        return self._asked(self._client.build_request("POST", url, data=dict(form)), read)

    def get(self, url: str, params: Sequence[tuple[str, Any]] = (), *, judge: Judge) -> Any:
        """The JSON that `url` answers; None where it says that there is nothing (204)."""
        return self._asked(self._client.build_request("GET", url, params=list(params)), as_json(judge))

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

    def _asked(self, request: httpx.Request, read: Read, *, follows: bool = False) -> Any:
        """What `read` makes of the answer to `request`; it may raise Pause, an error, or Broken where it is none.

        Raises SourceUnreachable when patience ends; no secret of the address is in its words.
        """
        self._breathe()
        began, pause = time.monotonic(), FIRST_PAUSE_SECONDS
        while True:
            self._take_turn()
            try:
                with closing(self._client.send(request, stream=True, follow_redirects=follows)) as response:
                    self._told_date = response.headers.get("Date", self._told_date)
                    if response.status_code in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
                        return None
                    return read(response)
            except Pause as asked:
                if asked.seconds > self._longest_limit:
                    raise SourceUnreachable(_said(_SILENT, request, _LIMITED)) from None
                # A limit that is obeyed is no failure: patience begins anew.
                self.wait(asked.seconds)
                began, pause = time.monotonic(), FIRST_PAUSE_SECONDS
                continue
            except Broken as broken:
                why = broken.why
            except httpx.TimeoutException:
                why = _TOO_SLOW.filled(seconds=round(self._timeout))
            except httpx.HTTPError:
                why = _NO_CONNECTION
            if not self._repeats or time.monotonic() - began + pause > self._patience:
                raise SourceUnreachable(_said(_SILENT, request, why))
            self.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads calls, keeps no secret
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _take_turn(self) -> None:
        now = time.monotonic()
        self._level = max(0.0, self._level - (now - self._told_at) * self._rate)
        self._told_at = now
        if self._level + 1 > self._burst:
            self.wait((self._level + 1 - self._burst) / self._rate)
            self._level = max(0.0, self._level - (time.monotonic() - self._told_at) * self._rate)
            self._told_at = time.monotonic()
        self._level += 1

    def wait(self, seconds: float) -> None:
        """Wait so long, and breathe meanwhile."""
        until = time.monotonic() + seconds
        while True:
            self._breathe()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(_BREATH_SECONDS, left))


class Broken(Exception):
    """What came is no answer."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.en)
        self.why = why


def as_json(judge: Judge) -> Read:
    """Reads an answer as JSON, once `judge` has seen its status and content; what is none is asked for again."""

    def read(response: httpx.Response) -> Any:
        response.read()
        try:
            answer = response.json()
        except ValueError:
            judge(response.status_code, None)
            _held(response)
            raise Broken(_NO_JSON) from None
        judge(response.status_code, answer)
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Broken(_SERVER_ERROR.filled(status=response.status_code))
        return answer

    return read


def _held(response: httpx.Response) -> None:
    """Raise what an answer's status says where nothing else says it."""
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Broken(_SERVER_ERROR.filled(status=response.status_code))
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        raise SourceRefused(
            _said(_NOT_THERE, response.request, Text(ru=str(response.status_code), en=str(response.status_code)))
        )


def _said(phrase: Text, request: httpx.Request, why: Text) -> Text:
    """The phrase with the host that was asked, never with the rest of its address, which may hold a key."""
    host = request.url.host
    return Text(ru=phrase.ru.format(host=host, why=why.ru), en=phrase.en.format(host=host, why=why.en))
