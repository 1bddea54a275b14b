"""How does the server look at something again and again, whatever goes wrong in between?"""

import logging
from collections.abc import Callable
from threading import Event, Thread

from django.db import close_old_connections

_log = logging.getLogger(__name__)


class Watch:
    """A thread that looks every so many seconds until it is told to stop. What fails is logged, and looked at again."""

    def __init__(self, name: str, *, seconds: float) -> None:
        self.name = name
        self._seconds = seconds
        self._stopping = Event()

    @property
    def goes_on(self) -> bool:
        """Whether nobody has told it to stop."""
        return not self._stopping.is_set()

    def start(self, look: Callable[[], object]) -> None:
        """Begin to look; the first time after one pause."""
        self._stopping.clear()
        Thread(target=self._run, args=(look,), name=self.name, daemon=True).start()

    def stop(self) -> None:
        """No further look begins."""
        self._stopping.set()

    def _run(self, look: Callable[[], object]) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                look()
            except Exception:  # noqa: BLE001 - the thread must go on; the log gets the cause
                _log.exception("%s: a look failed", self.name)
            finally:
                close_old_connections()
