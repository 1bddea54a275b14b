"""Answers already computed, kept until the data changes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

Kept = TypeVar("Kept")

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Entry:
    answer: Any
    bytes: int


class AnswerCache:
    """The last answers by (question, params, scope of rights); emptied whenever the data version moves.

    Bounded by bytes: the least recently asked go first, and an answer larger than the whole budget is not
    kept. Thread-safe; two threads asking the same new question both compute it, which costs time, not truth.
    """

    def __init__(self, *, budget_bytes: int = 256 * MEGABYTE) -> None:
        self._budget = budget_bytes
        self._used = 0
        self._version = -1
        self._kept: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = Lock()

    def get(
        self, key: Hashable, *, version: int, compute: Callable[[], Kept], weigh: Callable[[Kept], int] = lambda _: 1024
    ) -> Kept:
        """The answer kept under `key` for data `version`, computed when there is none."""
        with self._lock:
            if version != self._version:
                self._forget_all(version)
            entry = self._kept.get(key)
            if entry is not None:
                self._kept.move_to_end(key)
                return entry.answer
        answer = compute()
        self._keep(key, _Entry(answer, weigh(answer)), version)
        return answer

    def has(self, key: Hashable, *, version: int) -> bool:
        """Whether `get` would answer without computing."""
        with self._lock:
            return version == self._version and key in self._kept

    def _forget_all(self, version: int) -> None:
        self._kept.clear()
        self._used = 0
        self._version = version

    def _keep(self, key: Hashable, entry: _Entry, version: int) -> None:
        with self._lock:
            if version != self._version or entry.bytes > self._budget:
                return
            replaced = self._kept.pop(key, None)
            self._used += entry.bytes - (replaced.bytes if replaced else 0)
            self._kept[key] = entry
            while self._used > self._budget:
                self._used -= self._kept.popitem(last=False)[1].bytes
