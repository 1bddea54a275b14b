"""What does a question need to be answered, and which of it is already loaded?"""

from collections.abc import Mapping
from dataclasses import dataclass

from rakurs.app.asking import canonical_behind
from rakurs.core.analysis import Analysis
from rakurs.core.metric import Metric
from rakurs.core.table import Table
from rakurs.schema import TABLES
from rakurs.warehouse.warehouse import TableState


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """A table and how many rows of it there are."""

    table: Table
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """The tables without which there is no answer, and those that make it richer."""

    needed: tuple[Needed, ...]
    helpful: tuple[Needed, ...]

    @property
    def lacking(self) -> int:
        """How many needed tables are empty."""
        return sum(not item.rows for item in self.needed)


LOADED_AS: Mapping[str, tuple[str, ...]] = {
    "deal_outcomes": ("deals",),
    "sales": ("deals", "orders"),
    "sale_lines": ("deals", "order_lines"),
    "phone_calls": ("calls",),
    "lead_outcomes": ("leads",),
    "ad_spending": ("ad_costs",),
    "touchpoints": ("visits",),
}
"""Which canonical tables bring rows to a mart that metrics are read from: any of them does."""


def lacking_for(metric: Metric, states: Mapping[str, TableState]) -> tuple[Table, ...]:
    """The tables of which none is loaded, while `metric` needs one of them; nothing when it has rows to count."""
    for operand in metric.operands:
        lacking = lacking_for(operand, states)
        if lacking:
            return lacking
    names = tuple(dict.fromkeys(name for measure in metric.measures for name in LOADED_AS[measure.mart.name]))
    if not names or any(name in states and states[name].rows for name in names):
        return ()
    return tuple(table for table in TABLES if table.name in names)


def readiness(analysis: Analysis, states: Mapping[str, TableState]) -> Readiness:
    """What `analysis` stands on: its own example is made of the fewest tables that give an answer."""
    fewest = set(analysis.example.tables)
    read = {name for table in analysis.inputs.values() for name in canonical_behind(table.name)}
    listed = [
        Needed(table=table, rows=states[table.name].rows if table.name in states else 0)
        for table in TABLES
        if table.name in fewest | read
    ]
    return Readiness(
        needed=tuple(item for item in listed if item.table.name in fewest),
        helpful=tuple(item for item in listed if item.table.name not in fewest),
    )
