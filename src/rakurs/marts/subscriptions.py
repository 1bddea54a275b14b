"""When did each subscription begin and end, and whose is it?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import conform
from rakurs.core.mart import MartSettings
from rakurs.marts.canonical import present, with_customer, with_owner
from rakurs.marts.tables import SUBSCRIPTION_LIVES

Frame = nw.LazyFrame[Any]


def subscription_lives(*, settings: MartSettings, subscriptions: Frame, customers: Frame, employees: Frame) -> Frame:
    """One row per subscription, its price in the company's currency. One that names no manager is its customer's manager's."""
    _ = settings
    owners = customers.select("customer_id", nw.col("manager_id").alias("customer_manager_id"))
    known = (
        present(subscriptions)
        .join(owners, on="customer_id", how="left")
        .with_columns(
            nw.coalesce(nw.col("manager_id"), nw.col("customer_manager_id")).alias("manager_id"),
            nw.col("monthly_price_base").alias("monthly_price"),
        )
    )
    return conform(with_owner(with_customer(known, customers), employees), SUBSCRIPTION_LIVES.columns)
