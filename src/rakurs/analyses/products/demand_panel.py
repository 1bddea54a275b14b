"""Sales as a panel: which products were sold in which period, how many and at what price."""

from enum import StrEnum
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.analyses.filters import SalesFilters, asked_sales
from rakurs.core.analysis import DataGate, Frames, Need
from rakurs.core.coding import coded
from rakurs.core.params import parameter
from rakurs.core.text import Text
from rakurs.metrics.basis import BUYING_BASIS, Basis
from rakurs.models.forecasting.price_panel import Array

Frame = nw.LazyFrame[Any]

LINES = "sale_lines"
LEAST_ROWS = 60
"""Products times periods below which nothing is told apart."""
STEADY = 0.9
"""A price is known of the periods with a sale. Of products that sell in fewer of theirs the carried price would hide the answer."""


class Grain(StrEnum):
    """How long a period is."""

    WEEK = "week"
    MONTH = "month"


class PanelParams(SalesFilters):
    """Which sales are looked at, and how long a period is."""

    PREFERRED: ClassVar[Basis] = Basis.ORDERS

    basis: Basis = BUYING_BASIS
    grain: Grain = parameter(
        Grain.MONTH,
        Text(ru="Период", en="Period"),
        help=Text(
            ru="Длина периода: цена внутри него считается одной",
            en="How long a period is: within it the price is taken as one",
        ),
        labels={Grain.WEEK: Text(ru="Неделя", en="Week"), Grain.MONTH: Text(ru="Месяц", en="Month")},
    )


def bought_lines(lines: Frame, params: PanelParams) -> Frame:
    """The lines with a product and a price that were sold in the period, returns left out."""
    return asked_sales(lines, params).filter(
        ~nw.col("is_return"), ~nw.col("product_id").is_null(), nw.col("quantity") > 0, nw.col("revenue") > 0
    )


def in_periods(frames: Frames, params: PanelParams) -> Frame:
    """The same lines with the period in which they were ordered: a price is answered when buying, not when paying."""
    period = frames["calendar"].select(nw.col("day").alias("ordered_on"), nw.col(params.grain.value).alias("period"))
    return bought_lines(frames[LINES], params).join(period, on="ordered_on", how="inner")


class Grid:
    """Rows of one product and period each, spread out: products down, periods across, NaN where there is no row."""

    def __init__(self, rows: pa.Table) -> None:
        self.ids, self._product = coded(rows["product_id"])
        self.periods, self._period = coded(rows["period"])
        self._rows = rows
        self.count = np.bincount(self._product, minlength=len(self.ids))

    def spread(self, name: str) -> Array:
        """The values of a column of numbers."""
        values = np.full((len(self.ids), len(self.periods)), np.nan)
        values[self._product, self._period] = self._rows[name].to_numpy(zero_copy_only=False)
        return values

    def of_products(self, *names: str) -> list[list[Any]]:
        """What the rows say of each product, in the order of `ids`."""
        said = {
            one: told
            for one, *told in zip(*(self._rows[key].to_pylist() for key in ("product_id", *names)), strict=True)
        }
        return [said[one] for one in self.ids]

    def is_steady(self, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which products sold in nearly every period in which they were on sale, so that their prices are known."""
        return self.count >= STEADY * np.maximum(known.sum(axis=1), 1)


def _cells(frames: Frames, params: PanelParams) -> Frame:
    return in_periods(frames, params).group_by("product_id", "period").agg()


GATE = DataGate(
    needs=(
        Need(
            what=Text(ru="товаров, умноженных на периоды с продажами", en="products times periods with sales"),
            at_least=LEAST_ROWS,
            rows=_cells,
        ),
    )
)
