"""What marts take from canonical tables: rows that still exist, whose they are, and whom a contact tells of."""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import ratio

Frame = nw.LazyFrame[Any]


def present(frame: Frame) -> Frame:
    """The rows that the source has not deleted."""
    return frame.filter(nw.col("deleted_at").is_null())


def with_owner(frame: Frame, employees: Frame) -> Frame:
    """`frame` with the department and branch of its manager. A dismissed manager keeps them."""
    owners = employees.select(nw.col("employee_id").alias("manager_id"), "department", "branch")
    return frame.join(owners, on="manager_id", how="left")


def with_customer(frame: Frame, customers: Frame) -> Frame:
    """`frame` with its customer's kind and region."""
    known = customers.select("customer_id", nw.col("kind").alias("customer_kind"), "region")
    return frame.join(known, on="customer_id", how="left")


def with_category(frame: Frame, products: Frame) -> Frame:
    """`frame` with its product's category and brand."""
    known = products.select("product_id", "category", "brand")
    return frame.join(known, on="product_id", how="left")


DIALLED = 10
"""Phones are one when their last digits are: with or without the country's code."""
_WRITTEN = {
    "phone": nw.col("phone").str.replace_all(r"\D", "").str.tail(DIALLED),
    "email": nw.col("email").str.to_lowercase().str.strip_chars(),
}
_SHORTEST = {"phone": DIALLED, "email": 5}


def with_owner_of_contact(rows: Frame, people: Frame, contact: str) -> Frame:
    """`rows` with `owner_id`: the only customer of `people` who has the row's phone or email; null where several have it."""
    written = _WRITTEN[contact]
    # Text that is empty once it is cleaned is no contact.
    owners = (
        people.with_columns(written.alias("contact_key"))
        .filter(nw.col("contact_key").str.len_chars() >= _SHORTEST[contact])
        .group_by("contact_key")
        .agg(nw.col("customer_id").min().alias("owner_id"), nw.len().alias("owners"))
        .filter(nw.col("owners") == 1)
        .select("contact_key", "owner_id")
    )
    return (
        rows.with_columns(written.alias("contact_key")).join(owners, on="contact_key", how="left").drop("contact_key")
    )


def elapsed(start: str, end: str, *, seconds: int) -> nw.Expr:
    """Time from one epoch column to another in units of `seconds`; null where it would be negative."""
    passed = nw.col(end) - nw.col(start)
    return nw.when(passed >= 0).then(ratio(passed, nw.lit(seconds)))
