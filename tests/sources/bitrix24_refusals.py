"""What a portal refuses with, and how it is told to misbehave: errors, limits, faults."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sources.bitrix24_php import Params


class RestError(Exception):
    """What the portal refuses with."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(f"{status} {code}: {text}")
        self.status, self.code, self.text = status, code, text

    def body(self) -> Params:
        return {"error": self.code, "error_description": self.text}


@dataclass
class Faults:
    """How the portal misbehaves; everything is off until asked for."""

    rate: float | None = None
    burst: int | None = None
    operating_limit: float | None = None
    operating_cost: float | dict[str, float] = 0.0
    operating_window: float = 600.0
    every: int | None = None
    kinds: Sequence[str] = ("500",)
    slow_seconds: float = 0.2
    on_request: Callable[[str, Params], None] | None = None
    on_subcall: Callable[[str, Params], None] | None = None
    missing_scopes: set[str] = field(default_factory=set)
    revoked: bool = False


class Limits:
    """How many requests a portal takes, how long its methods may work, and whose turn it is to go wrong."""

    def __init__(self, faults: Faults, clock: Callable[[], float]) -> None:
        self.faults, self.clock = faults, clock
        self._hits = 0
        self._level, self._leaked = 0.0, time.monotonic()
        self._operating: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def used(self, method: str) -> tuple[float, float]:
        """Seconds a method has worked in the window, and when the window ends."""
        now, window = self.clock(), self.faults.operating_window
        kept = self._operating[method] = [(at, cost) for at, cost in self._operating[method] if at + window > now]
        return sum(cost for _, cost in kept), (kept[0][0] if kept else now) + window

    def spend(self, method: str) -> None:
        """One more call of a method; refused once the method has worked too long."""
        limit, cost = self.faults.operating_limit, self.faults.operating_cost
        if limit is not None and self.used(method)[0] > limit:
            raise RestError(429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.")
        spent = cost.get(method, 0.0) if isinstance(cost, dict) else cost
        if spent:
            self._operating[method].append((self.clock(), spent))

    def overflows(self) -> bool:
        """Whether one more request does not fit into the bucket."""
        faults = self.faults
        if faults.rate is None or faults.burst is None:
            return False
        now = time.monotonic()
        self._level = max(0.0, self._level - (now - self._leaked) * faults.rate)
        self._leaked = now
        if self._level + 1 > faults.burst:
            return True
        self._level += 1
        return False

    def fault(self) -> str | None:
        """What goes wrong with this request."""
        if not self.faults.every or not self.faults.kinds:
            return None
        self._hits += 1
        turn, left = divmod(self._hits, self.faults.every)
        return self.faults.kinds[(turn - 1) % len(self.faults.kinds)] if left == 0 else None
