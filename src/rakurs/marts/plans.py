"""Which target belongs to whom, and to which cut of the company?"""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.core.frames import conform
from rakurs.core.mart import MartSettings
from rakurs.marts.canonical import present
from rakurs.marts.tables import PLAN_TARGETS

Frame = nw.LazyFrame[Any]


def plan_targets(*, settings: MartSettings, plans: Frame, employees: Frame) -> Frame:
    """One row per target. `level` is the narrowest cut it names: employee, pipeline, product_category,
    department, else company. An employee's target carries the employee's department and branch.
    """
    _ = settings
    owners = employees.select("employee_id", nw.col("department").alias("own_department"), "branch")
    level = (
        nw.when(~nw.col("employee_id").is_null())
        .then(nw.lit("employee"))
        .otherwise(
            nw.when(~nw.col("pipeline_id").is_null())
            .then(nw.lit("pipeline"))
            .otherwise(
                nw.when(~nw.col("product_category").is_null())
                .then(nw.lit("product_category"))
                .otherwise(
                    nw.when(~nw.col("department").is_null()).then(nw.lit("department")).otherwise(nw.lit("company"))
                )
            )
        )
    )
    owned = present(plans).join(owners, on="employee_id", how="left")
    return conform(
        owned.with_columns(
            level.alias("level"),
            nw.col("employee_id").alias("manager_id"),
            nw.coalesce(nw.col("department"), nw.col("own_department")).alias("department"),
            nw.col("product_category").alias("category"),
        ),
        PLAN_TARGETS.columns,
    )
