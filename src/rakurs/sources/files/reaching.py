"""How is a server that keeps files waited for, and reached again where the connection goes?

What a try had done stays done: the next one goes on where it was. Patience begins anew with every file, or part of one, that came.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from rakurs.core.errors import SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources import calling

ANSWER_SECONDS = 60.0
"""How long one answer is waited for."""
CHUNK_BYTES = 1 << 18
_BREATH_SECONDS = 0.2

_SILENT = Text(
    ru="{host} не отвечает ({why}). Проверьте адрес, порт и связь; запрос повторится сам.",
    en="{host} does not answer ({why}). Check the address, the port and the connection; it is asked again by itself.",
)
_NO_CONNECTION = Text(ru="соединение не открылось или оборвалось", en="the connection did not open, or was cut")
_TOO_SLOW = Text(ru="нет ответа за {seconds} с", en="no answer in {seconds} s")
_Answer = TypeVar("_Answer")
Breathe = Callable[[], None]


class Lost(Exception):
    """The connection went, or what came is no answer: worth another try."""

    def __init__(self, why: Text = _NO_CONNECTION) -> None:
        super().__init__(why.en)
        self.why = why


class Waiting:
    """Waits for one answer after another, breathing meanwhile; what a breath raises (Cancelled) ends the wait.

    Between answers nothing runs, so that whoever breathes may use what no event loop may surround.
    """

    def __init__(self, breathe: Breathe, *, is_trial: bool) -> None:
        self._breathe = breathe
        self._longest = min(ANSWER_SECONDS, calling.TRIAL_SECONDS) if is_trial else ANSWER_SECONDS
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        """Wait for nothing any more."""
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
            with suppress(Exception, asyncio.CancelledError):
                self._loop.run_until_complete(task)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def __call__(self, answer: Awaitable[_Answer]) -> _Answer:
        """The answer. Raises Lost where it takes too long."""
        task = asyncio.ensure_future(answer, loop=self._loop)
        until = time.monotonic() + self._longest
        while not task.done():
            if time.monotonic() > until:
                task.cancel()
                raise Lost(_TOO_SLOW.filled(seconds=round(self._longest)))
            self._breathe()
            self._loop.run_until_complete(asyncio.wait({task}, timeout=_BREATH_SECONDS))
        return task.result()

    def in_thread(self, work: Callable[..., _Answer], *given: Any) -> _Answer:
        """The same for what blocks."""

        async def done() -> _Answer:
            return await asyncio.to_thread(work, *given)

        return self(done())


def tried(
    attempt: Callable[[], _Answer],
    *,
    host: str,
    breathe: Breathe,
    moved: Callable[[], tuple[int, ...]] = lambda: (),
    is_trial: bool = False,
) -> _Answer:
    """What `attempt` comes to; made again where the connection is lost. Raises SourceUnreachable when patience ends.

    `moved` tells how much has come: more of it is a sign of life.
    """
    patience = calling.TRIAL_SECONDS if is_trial else calling.PATIENCE_SECONDS
    began, pause, reached = time.monotonic(), calling.FIRST_PAUSE_SECONDS, moved()
    while True:
        try:
            return attempt()
        except Lost as lost:
            why = lost.why
        if moved() > reached:
            began, pause, reached = time.monotonic(), calling.FIRST_PAUSE_SECONDS, moved()
        if time.monotonic() - began + pause > patience:
            words = {"ru": _SILENT.ru.format(host=host, why=why.ru), "en": _SILENT.en.format(host=host, why=why.en)}
            raise SourceUnreachable(Text(**words))
        rest(pause, breathe)
        pause = min(2 * pause, calling.LONGEST_PAUSE_SECONDS)


def rest(seconds: float, breathe: Breathe) -> None:
    """Wait so long, and breathe meanwhile."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        breathe()
        time.sleep(min(_BREATH_SECONDS, left))
