"""What marts take from canonical tables: rows that still exist, and whose they are."""

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


def elapsed(start: str, end: str, *, seconds: int) -> nw.Expr:
    """Time from one epoch column to another in units of `seconds`; null where it would be negative."""
    passed = nw.col(end) - nw.col(start)
    return nw.when(passed >= 0).then(ratio(passed, nw.lit(seconds)))
