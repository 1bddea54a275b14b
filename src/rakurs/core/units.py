"""Units: what a number counts, and so how it is stored, added, compared and shown."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

import narwhals.stable.v2 as nw

Kind = Literal["text", "number", "money", "share", "day", "time", "flag"]

_SQL_TO_FRAME: dict[str, nw.dtypes.DType] = {
    "VARCHAR": nw.String(),
    "BIGINT": nw.Int64(),
    "DOUBLE": nw.Float64(),
    "DATE": nw.Date(),
    "TIMESTAMP": nw.Datetime("us"),
    "BOOLEAN": nw.Boolean(),
    "DECIMAL(18,2)": nw.Decimal(38, 2),
    "DECIMAL(18,3)": nw.Decimal(38, 3),
    "DECIMAL(18,4)": nw.Decimal(38, 4),
}


@dataclass(frozen=True, slots=True)
class UnitSpec:
    """How a unit behaves. `low` and `high` bound every honest value; tests hold answers to them."""

    code: str
    kind: Kind
    sql: str
    is_additive: bool = False
    low: float | None = None
    high: float | None = None


class Unit(Enum):
    """The unit of a column: `.sql` is the type it is stored in, `.dtype` the type it is answered in."""

    ID = UnitSpec("id", "text", "VARCHAR")
    TEXT = UnitSpec("text", "text", "VARCHAR")
    COUNT = UnitSpec("count", "number", "BIGINT", is_additive=True, low=0)
    POSITION = UnitSpec("position", "number", "BIGINT")
    RANK = UnitSpec("rank", "number", "BIGINT", low=1)
    QUANTITY = UnitSpec("quantity", "number", "DECIMAL(18,3)", is_additive=True)
    NUMBER = UnitSpec("number", "number", "DOUBLE")
    MONEY = UnitSpec("money", "money", "DECIMAL(18,2)", is_additive=True)
    PRICE = UnitSpec("price", "money", "DECIMAL(18,4)")
    SHARE = UnitSpec("share", "share", "DOUBLE", low=0, high=1)
    RATIO = UnitSpec("ratio", "share", "DOUBLE")
    POINTS = UnitSpec("points", "share", "DOUBLE", low=-1, high=1)
    DAYS = UnitSpec("days", "number", "DOUBLE", low=0)
    HOURS = UnitSpec("hours", "number", "DOUBLE", low=0)
    SECONDS = UnitSpec("seconds", "number", "BIGINT", low=0)
    EPOCH = UnitSpec("epoch", "number", "BIGINT")
    DAY = UnitSpec("day", "day", "DATE")
    TIME = UnitSpec("time", "time", "TIMESTAMP")
    FLAG = UnitSpec("flag", "flag", "BOOLEAN")

    @property
    def code(self) -> str:
        """The name used in JSON answers, OpenAPI and templates."""
        return self.value.code

    @property
    def kind(self) -> Kind:
        """The family of formats this unit is shown in."""
        return self.value.kind

    @property
    def sql(self) -> str:
        """The column type in the warehouse. Times are UTC without an offset."""
        return self.value.sql

    @property
    def dtype(self) -> nw.dtypes.DType:
        """The frame type an answer is cast to, the same on every engine."""
        return _SQL_TO_FRAME[self.value.sql]

    @property
    def is_numeric(self) -> bool:
        """Whether values are right-aligned, charted and aggregated."""
        return self.kind in {"number", "money", "share"}

    @property
    def is_additive(self) -> bool:
        """Whether parts sum to the whole, so a total row may be shown."""
        return self.value.is_additive

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The least and the greatest honest value; None is no bound."""
        return self.value.low, self.value.high
