"""Which employees does a customer belong to?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import conform
from rakurs.core.mart import MartSettings
from rakurs.marts.canonical import present, with_owner
from rakurs.marts.tables import CUSTOMER_OWNERS

Frame = nw.LazyFrame[Any]


def customer_owners(
    *, settings: MartSettings, customers: Frame, leads: Frame, deals: Frame, orders: Frame, employees: Frame
) -> Frame:
    """One row per customer and employee who has it, or a deal, lead or order of it. What has no employee is left out."""
    _ = settings
    pairs = nw.concat([_pairs(rows) for rows in (customers, leads, deals, orders)])
    owned = pairs.group_by("customer_id", "manager_id").agg()
    return conform(with_owner(owned, employees), CUSTOMER_OWNERS.columns)


def _pairs(rows: Frame) -> Frame:
    known = ~nw.col("customer_id").is_null() & ~nw.col("manager_id").is_null()
    return present(rows).filter(known).select("customer_id", "manager_id")
