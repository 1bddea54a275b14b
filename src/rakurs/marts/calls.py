"""Calls: was the phone answered, how long did they wait, and was a missed one called back?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import conform
from rakurs.core.mart import MartSettings
from rakurs.marts.canonical import elapsed, present, with_customer, with_owner, with_owner_of_contact
from rakurs.marts.tables import PHONE_CALLS

Frame = nw.LazyFrame[Any]

HOUR_SECONDS = 3_600
CALLBACK_HOURS = 1
"""A missed call counts as called back when that happened within so many hours, the last second included."""


def phone_calls(*, settings: MartSettings, calls: Frame, customers: Frame, employees: Frame) -> Frame:
    """One row per call. One that does not say whether it was missed was, when nobody talked.

    A call that names no customer is that of the only customer who has its number.
    """
    _ = settings
    silent = (nw.col("talk_seconds").fill_null(0) == 0) & ~nw.col("talk_seconds").is_null()
    is_missed = nw.coalesce(nw.col("is_missed"), silent).fill_null(value=False)
    told = with_owner_of_contact(present(calls), present(customers), "phone")
    known = told.with_columns(
        nw.when(~nw.col("customer_id").is_null())
        .then(nw.lit("source"))
        .when(~nw.col("owner_id").is_null())
        .then(nw.lit("phone"))
        .alias("known_by"),
        nw.coalesce(nw.col("customer_id"), nw.col("owner_id")).alias("customer_id"),
        is_missed.alias("is_missed"),
        nw.col("employee_id").alias("manager_id"),
        elapsed("started_epoch", "called_back_epoch", seconds=HOUR_SECONDS).alias("callback_hours"),
    )
    returned = (nw.col("callback_hours") <= CALLBACK_HOURS).fill_null(value=False)
    judged = known.with_columns((nw.col("is_missed") & returned).alias("is_called_back"))
    return conform(with_owner(with_customer(judged, customers), employees), PHONE_CALLS.columns)
