"""What an account refuses with, and how it is told to misbehave: problems, faults, limits."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sources.amocrm_php import Params

OFFENCES_TO_BAN = 20


class Problem(Exception):
    """A refusal in the words of the protocol."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass
class Faults:
    """What goes wrong on the way, changed at any time."""

    rate: float | None = None  # requests per second; the one over it gets 429
    bans: bool = False  # repeated offences end in 403 to everything until `banned` is cleared
    banned: bool = False
    every: int | None = None  # each n-th request meets the next of `kinds`
    kinds: list[str] = field(default_factory=lambda: ["500"])  # 500 502 504 drop half garbage slow
    slow_seconds: float = 1.0
    on_request: Callable[[str, Params], None] | None = None  # before the answer is made, with no lock held
    revoked: bool = False
    forbidden: set[str] = field(default_factory=set)  # "events" or "/api/v4/events"


class Limits:
    """How many requests an account takes, when it shuts out who asks too often, and whose turn it is to go wrong."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._lock = threading.Lock()
        self._asked: deque[float] = deque()
        self._offences = 0
        self._seen = 0

    def admit(self) -> None:
        """One more request; refused when it is over the limit, or when its address is shut out."""
        with self._lock:
            now, faults = time.monotonic(), self.faults
            while self._asked and self._asked[0] <= now - 1:
                self._asked.popleft()
            if faults.rate is not None and len(self._asked) >= faults.rate:
                self._offences += 1
                faults.banned = faults.banned or (faults.bans and self._offences >= OFFENCES_TO_BAN)
                if not faults.banned:
                    raise Problem(429, "Too many requests")
            if faults.banned:
                raise Problem(403, "The address is blocked for too many requests")
            self._asked.append(now)

    def next_fault(self) -> str | None:
        """What goes wrong with this request."""
        with self._lock:
            self._seen += 1
            every, kinds = self.faults.every, self.faults.kinds
            if not every or not kinds or self._seen % every:
                return None
            return kinds[(self._seen // every - 1) % len(kinds)]
