"""An answer and its passport: the numbers, and everything needed to trust or doubt them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa

from rakurs.core.analysis import Statement
from rakurs.core.table import Column
from rakurs.core.text import Text

Status = Literal["ok", "not_enough_data"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRead:
    """One table behind an answer: how many rows the user may see of it, and how fresh it is."""

    table: str
    title: Text
    rows: int
    loaded_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A need that is not met: `have` of `at_least`; the message counts what is still to come."""

    what: Text
    at_least: int
    have: int

    @property
    def message(self) -> Text:
        """«Нужно ещё 37: закрытых сделок»."""
        lacking = self.at_least - self.have
        return Text(
            ru=f"Нужно ещё {lacking}: {self.what.ru} (есть {self.have})",
            en=f"{lacking} more needed: {self.what.en} (have {self.have})",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Omitted:
    """Rows the answer does not count, and why. `amount` is their money in the company's currency, where it is told."""

    reason: Text
    rows: int
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """What stands behind an answer. Every field is printed on every face."""

    definition: Text
    how_to_read: Text
    source: str
    period: str
    filters: Mapping[str, Any]
    names: Mapping[str, str]
    """What the values of filters that are ids are called."""
    scope: Text
    inputs: tuple[InputRead, ...]
    left_out: tuple[Omitted, ...]
    notes: tuple[Text, ...]
    data_version: int
    loaded_at: datetime | None
    newest_on: str | None
    computed_at: datetime
    seconds: float
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The result of one question.

    `table` holds one page of rows in the asked order; `chart` the rows its chart draws (the first `limit` of
    the whole answer, or counts per pair of ranks for a heatmap), whatever the page.
    """

    analysis: str
    params: Mapping[str, Any]
    columns: tuple[Column, ...]
    table: pa.Table
    chart: pa.Table
    total_rows: int
    passport: Passport
    status: Status = "ok"
    missing: tuple[Missing, ...] = ()
    totals: Mapping[str, Any] = field(default_factory=dict[str, Any])
    story: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersAnswer:
    """The rows behind one cell: the ids of `entity`, with what a person needs to recognise them."""

    entity: str
    key: str
    columns: tuple[Column, ...]
    table: pa.Table
    total_rows: int
