"""Who was it that visited the site? A visitor is known by the contacts left on it, for visits before and after."""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import conform, count_where, row_number
from rakurs.core.mart import MartSettings
from rakurs.marts.canonical import present, with_customer, with_owner, with_owner_of_contact
from rakurs.marts.tables import TOUCHPOINTS

Frame = nw.LazyFrame[Any]


def touchpoints(
    *, settings: MartSettings, visits: Frame, web_events: Frame, customers: Frame, employees: Frame
) -> Frame:
    """One row per visit, with its customer where one is known.

    A visit that names no customer is that of whoever left a phone or a mailbox in the same browser: the next time after
    it began, else the last time before. A contact that several customers have tells nothing.
    """
    _ = settings
    events, people = present(web_events), present(customers)
    visited = (
        present(visits)
        .join(_counted(events), on="visit_id", how="left")
        .join(_found(visits, _told(events, people)), on="visit_id", how="left")
    )
    zero = nw.lit(0).cast(nw.Int64())
    counts = ("pages", "forms", "phone_taps", "goals")
    known = visited.with_columns(
        nw.when(~nw.col("customer_id").is_null())
        .then(nw.lit("source"))
        .when(~nw.col("found_id").is_null())
        .then(nw.lit("visitor"))
        .alias("known_by"),
        nw.coalesce(nw.col("customer_id"), nw.col("found_id")).alias("customer_id"),
        *(nw.coalesce(nw.col(name), zero).alias(name) for name in counts),
    ).with_columns((nw.col("forms") + nw.col("phone_taps") > 0).alias("is_contact"))
    managers = people.select("customer_id", "manager_id")
    owned = known.join(managers, on="customer_id", how="left")
    return conform(with_owner(with_customer(owned, customers), employees), TOUCHPOINTS.columns)


def _counted(events: Frame) -> Frame:
    kinds = {"pages": "page", "forms": "form", "phone_taps": "phone", "goals": "goal"}
    return (
        events.filter(~nw.col("visit_id").is_null())
        .group_by("visit_id")
        .agg(*(count_where(nw.col("kind") == kind).cast(nw.Int64()).alias(name) for name, kind in kinds.items()))
    )


def _told(events: Frame, people: Frame) -> Frame:
    """One row per event of a browser that tells its customer: by id, by phone, by mailbox."""
    events = events.filter(~nw.col("visitor_id").is_null())
    by_id = events.filter(~nw.col("customer_id").is_null()).select("visitor_id", "epoch", "customer_id")
    others = events.filter(nw.col("customer_id").is_null())
    by_contact = (
        with_owner_of_contact(others, people, contact)
        .filter(~nw.col("owner_id").is_null())
        .select("visitor_id", "epoch", nw.col("owner_id").alias("customer_id"))
        for contact in ("phone", "email")
    )
    return nw.concat([by_id, *by_contact])


def _found(visits: Frame, told: Frame) -> Frame:
    """One row per visit whose visitor once told who they are."""
    began = present(visits).filter(~nw.col("visitor_id").is_null()).select("visit_id", "visitor_id", "started_epoch")
    distance = nw.col("epoch") - nw.col("started_epoch")
    is_later = nw.when(distance >= 0).then(nw.lit(0)).otherwise(nw.lit(1))
    return (
        began.join(told, on="visitor_id", how="inner")
        .with_columns(is_later.alias("side"), distance.abs().alias("distance"))
        .with_columns(row_number(("visit_id",), ("side", "distance", "customer_id")).alias("rank"))
        .filter(nw.col("rank") == 1)
        .select("visit_id", nw.col("customer_id").alias("found_id"))
    )
