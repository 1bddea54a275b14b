"""How does another system count? Said as data beside its connector, so that a difference of numbers can be explained."""

from dataclasses import dataclass
from typing import Literal

from rakurs.core.text import Text

Belonging = Literal["own", "active"]
"""By which of its days a deal belongs to a period: the metric's own day (created, closed); or at work in it: last
changed before its end and not closed before its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """The rules of a report people hold our numbers against.

    `win_rate_over` is what won deals are divided by. `is_converted` says whether money of other currencies is brought
    to the company's. `notes` tell what may be set otherwise there.
    """

    name: str
    title: Text
    belonging: Belonging = "own"
    counts_deleted: bool = False
    is_converted: bool = True
    win_rate_over: Literal["closed", "all"] = "closed"
    notes: tuple[Text, ...] = ()
