"""Risks: whom is a model of leaving most afraid for, at which level, and with how much money?"""

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.clients.names import with_customer_names
from rakurs.analyses.columns import CUSTOMER, choice, column
from rakurs.analyses.said import LEVELS, SCORED_ON, classed, reasons, said_by
from rakurs.core.analysis import Cell, Frames
from rakurs.core.frames import where_cell
from rakurs.core.model import Model
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True)
class Risk:
    """What a model of leaving says of customers. Its parameters name where the levels begin: `high_from`, `middle_from`.

    `saving` is the model of what an approach changes, where one is learned.
    """

    model: Model
    saving: Model | None = None

    def columns(self, title: Text) -> tuple[Column, ...]:
        """The answer's columns; `title` is what the probability is called."""
        return (
            *CUSTOMER,
            Column(name="risk", unit=Unit.SHARE, title=title),
            choice("level", "Уровень", "Level", LEVELS),
            column("at_stake", Unit.MONEY, "Под угрозой", "At stake"),
            *(
                (column("uplift", Unit.POINTS, "Обращение поднимет покупки на", "An approach raises buying by"),)
                if self.saving
                else ()
            ),
            *reasons(self.model),
            SCORED_ON,
        )

    def named(self, *, params: Any, **frames: Frame) -> Frame:
        """One row per customer the model speaks of."""
        return with_customer_names(self.unnamed(params=params, **frames), frames, params)

    def unnamed(self, *, scores: Frame, customers: Frame, params: Any) -> Frame:
        """The same by customers' ids."""
        _ = customers  # only their names are read
        said = said_by(scores, self.model, params).with_columns(
            nw.col("score").alias("risk"), nw.col("amount").alias("at_stake")
        )
        if self.saving is not None:
            moved = said_by(scores, self.saving, params).select("customer_id", nw.col("score").alias("uplift"))
            said = said.join(moved, on="customer_id", how="left")
        return said.with_columns(classed("risk", high=params.high_from, middle=params.middle_from).alias("level"))

    def members(self, frames: Frames, params: Any, cell: Cell) -> Frame:
        """The customers of a level, of a reason, or one by id."""
        return where_cell(self.unnamed(params=params, **frames), dict(cell)).select("customer_id")
