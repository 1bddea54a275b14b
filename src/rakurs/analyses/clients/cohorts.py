"""Cohorts: how long do customers who came together stay, and what do they bring?"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import answered, column, flag, overlapping
from rakurs.analyses.filters import SalesFilters, basis_choice, filtered_sales
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members, Need
from rakurs.core.frames import absent, any_of, conform, count_where, where_cell
from rakurs.core.params import parameter
from rakurs.core.periods import DAY, Grain, next_bucket
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALES
from rakurs.metrics.basis import BUYING_BASIS, Basis

Frame = nw.LazyFrame[Any]


class Measured(StrEnum):
    """What of a cohort is followed."""

    CUSTOMERS = "customers"
    REVENUE = "revenue"
    MARGIN = "margin"


class Kept(StrEnum):
    """When a customer counts as kept in a period."""

    ON = "on"
    ON_OR_AFTER = "on_or_after"


class CohortsParams(SalesFilters):
    """Parameters of the cohorts; the period chooses cohorts by the day of the first purchase."""

    PREFERRED: ClassVar[Basis] = Basis.ORDERS

    basis: Basis = BUYING_BASIS
    grain: Grain = parameter(
        Grain.MONTH,
        Text(ru="Шаг", en="Grain"),
        labels={
            Grain.DAY: Text(ru="День", en="Day"),
            Grain.WEEK: Text(ru="Неделя", en="Week"),
            Grain.MONTH: Text(ru="Месяц", en="Month"),
            Grain.QUARTER: Text(ru="Квартал", en="Quarter"),
            Grain.YEAR: Text(ru="Год", en="Year"),
        },
    )
    measure: Measured = parameter(
        Measured.CUSTOMERS,
        Text(ru="Что считать", en="Measure"),
        labels={
            Measured.CUSTOMERS: Text(ru="Клиенты", en="Customers"),
            Measured.REVENUE: Text(ru="Выручка", en="Revenue"),
            Measured.MARGIN: Text(ru="Маржа", en="Margin"),
        },
    )
    kept: Kept = parameter(
        Kept.ON,
        Text(ru="Остался, если", en="Kept when"),
        labels={
            Kept.ON: Text(ru="Покупал в этом периоде", en="Bought in that period"),
            Kept.ON_OR_AFTER: Text(ru="Покупал в нём или позже", en="Bought in it or later"),
        },
    )


COLUMNS = (
    column("cohort", Unit.DAY, "Когорта", "Cohort"),
    overlapping("size", Unit.COUNT, "Клиентов в когорте", "Customers in the cohort"),
    column("period", Unit.POSITION, "Период", "Period"),
    overlapping("kept", Unit.NUMBER, "Осталось", "Kept"),
    column("share", Unit.RATIO, "Доля от начала", "Share of the start"),
    column("share_of_previous", Unit.RATIO, "Доля от прежнего", "Share of the previous"),
    column("mean_share", Unit.RATIO, "Средняя по когортам", "Mean over cohorts"),
    overlapping("customers", Unit.COUNT, "Клиентов", "Customers"),
    column("revenue", Unit.MONEY, "Выручка", "Revenue"),
    column("margin", Unit.MONEY, "Маржа", "Margin"),
    overlapping(
        "cumulative_revenue_per_customer", Unit.MONEY, "Выручка на клиента с начала", "Revenue per customer so far"
    ),
    flag("is_complete", "Период завершён", "Complete"),
)
PARTS = (
    column("part", Unit.TEXT, "Часть", "Part"),
    column("cohort", Unit.DAY, "Когорта", "Cohort"),
    column("period", Unit.POSITION, "Период", "Period"),
    column("customers", Unit.COUNT, "Клиентов", "Customers"),
    column("revenue", Unit.MONEY, "Выручка", "Revenue"),
    column("margin", Unit.MONEY, "Маржа", "Margin"),
    column("margins", Unit.COUNT, "Маржа известна", "Margins known"),
)
"""What the engine hands over: part "on" has a row per cell, "last" a row per cohort and last active period."""


def activity(sales: Frame, calendar: Frame, params: CohortsParams) -> Frame:
    """One row per customer and period with a sale or a return: cohort, `period` since then, sums, `is_active`.

    A customer belongs to the cohort of the first sale ever, when that sale is among those the filters leave.
    """
    known = filtered_sales(sales, params).filter(
        ~nw.col("customer_id").is_null(), nw.col("sold_on") <= nw.lit(params.today)
    )
    buckets = calendar.select(
        nw.col("day").alias("sold_on"),
        nw.col(params.grain.value).alias("bucket"),
        nw.col(params.grain.value).rank("dense").cast(nw.Int64()).alias("bucket_number"),
    )
    first = (
        known.filter(nw.col("is_first"), params.window.contains(nw.col("sold_on")))
        .join(buckets, on="sold_on", how="inner")
        .select("customer_id", nw.col("bucket").alias("cohort"), nw.col("bucket_number").alias("cohort_number"))
    )
    # Added up before the cohort is known: fewer rows are joined, and by two narrow keys instead of three.
    bought = (
        known.join(buckets, on="sold_on", how="inner")
        .group_by("customer_id", "bucket_number")
        .agg(
            any_of(nw.col("is_sale")).alias("is_active"),
            nw.col("revenue").sum().alias("revenue"),
            nw.col("margin").sum().alias("margin"),
            nw.col("margin").count().alias("margins"),
        )
    )
    return bought.join(first, on="customer_id", how="inner").with_columns(
        (nw.col("bucket_number") - nw.col("cohort_number")).alias("period")
    )


def cohorts(*, sales: Frame, calendar: Frame, params: CohortsParams) -> Frame:
    """The cells with any activity; for "on or after" also how many customers of a cohort were last active when."""
    active = activity(sales, calendar, params)
    cells = active.group_by("cohort", "period").agg(
        count_where(nw.col("is_active")).alias("customers"),
        nw.col("revenue").sum().alias("revenue"),
        nw.col("margin").sum().alias("margin"),
        nw.col("margins").sum().alias("margins"),
    )
    counted = conform(cells.with_columns(nw.lit("on").alias("part")), PARTS)
    if params.kept is Kept.ON:
        return counted
    lasts = _last_active(active).group_by("cohort", "last_period").agg(nw.len().alias("customers"))
    left = lasts.with_columns(
        nw.lit("last").alias("part"),
        nw.col("last_period").alias("period"),
        absent(Unit.MONEY).alias("revenue"),
        absent(Unit.MONEY).alias("margin"),
        nw.lit(0).alias("margins"),
    )
    return nw.concat([counted, conform(left, PARTS)])


def _last_active(active: Frame) -> Frame:
    return (
        active.filter(nw.col("is_active"))
        .group_by("cohort", "customer_id")
        .agg(nw.col("period").max().alias("last_period"))
    )


def triangle(parts: pa.Table, params: CohortsParams) -> pa.Table:
    """One row per cohort and period from 0 to the running one; cells nobody was active in are rows of 0."""
    cells: dict[tuple[date, int], Mapping[str, Any]] = {}
    lasts: dict[date, dict[int, int]] = defaultdict(dict)
    for row in parts.to_pylist():
        if row["part"] == "on":
            cells[row["cohort"], row["period"]] = row
        else:
            lasts[row["cohort"]][row["period"]] = int(row["customers"])
    rows: list[dict[str, Any]] = []
    for cohort in sorted({cohort for cohort, _ in cells}):
        rows.extend(_cohort_rows(cohort, cells, lasts.get(cohort, {}), params))
    _add_means(rows)
    return answered(rows, COLUMNS)


def _cohort_rows(
    cohort: date, cells: Mapping[tuple[date, int], Mapping[str, Any]], lasts: Mapping[int, int], params: CohortsParams
) -> Iterator[dict[str, Any]]:
    # Every customer of a cohort bought in its period 0.
    size, so_far, before, start = int(cells[cohort, 0]["customers"]), Decimal(0), None, None
    bucket, period = cohort, 0
    while bucket <= params.today:
        cell = cells.get((cohort, period), {})
        revenue, after = cell.get("revenue") or Decimal(0), next_bucket(bucket, params.grain)
        so_far += revenue
        customers = int(cell.get("customers") or 0)
        if params.kept is Kept.ON_OR_AFTER:
            customers = sum(count for last, count in lasts.items() if last >= period)
        margin = cell.get("margin") if cell.get("margins") else None
        values = {Measured.CUSTOMERS: customers, Measured.REVENUE: revenue, Measured.MARGIN: margin}
        kept = values[params.measure]
        start = kept if period == 0 else start
        yield {
            "cohort": cohort,
            "size": size,
            "period": period,
            "kept": None if kept is None else float(kept),
            "share": _share(kept, start),
            "share_of_previous": _share(kept, before),
            "customers": customers,
            "revenue": revenue,
            "margin": margin,
            "cumulative_revenue_per_customer": (so_far / size).quantize(Decimal("0.01"), "ROUND_HALF_UP"),
            "is_complete": after <= params.today + DAY,
        }
        bucket, period, before = after, period + 1, kept


def _share(part: Decimal | int | None, whole: Decimal | int | None) -> float | None:
    return float(part) / float(whole) if part is not None and whole is not None and whole > 0 else None


def _add_means(rows: list[dict[str, Any]]) -> None:
    """The mean share of each period over its complete cells, weighted by the cohort's start."""
    kept, starts = defaultdict[int, float](float), defaultdict[int, float](float)
    start_of = {row["cohort"]: row["kept"] for row in rows if row["period"] == 0}
    for row in rows:
        if row["is_complete"] and row["share"] is not None:
            kept[row["period"]] += row["kept"]
            starts[row["period"]] += start_of[row["cohort"]]
    for row in rows:
        whole = starts[row["period"]]
        row["mean_share"] = kept[row["period"]] / whole if whole > 0 else None


def members(frames: Frames, params: CohortsParams, cell: Cell) -> Frame:
    """The customers kept in the cell; without `period`, the whole cohort."""
    active = activity(frames["sales"], frames["calendar"], params).filter(nw.col("is_active"))
    chosen = where_cell(active, {name: value for name, value in cell.items() if name == "cohort"})
    if "period" in cell:
        period = nw.col("period")
        is_kept = period >= cell["period"] if params.kept is Kept.ON_OR_AFTER else period == cell["period"]
        chosen = chosen.filter(is_kept)
    return chosen.group_by("customer_id").agg().select("customer_id")


def _order(customer: str | None, day: str, amount: int) -> dict[str, Any]:
    return {"order_id": f"{customer} {day} {amount}", "ordered_at": day, "customer_id": customer, "amount": amount}


EXAMPLE = Example(
    tables={
        "orders": [
            _order("anna", "2026-01-01", 100),
            _order("anna", "2026-03-31 23:59", 40),
            _order("boris", "2026-01-31 23:59", 200),
            _order("boris", "2026-02-01", 60),
            _order("boris", "2026-02-01", 10),
            _order("boris", "2026-03-01", -60),
            _order("vera", "2026-02-28", 300),
            _order("vera", "2026-04-01", 500),
            _order(None, "2026-01-15", 999),
        ]
    },
    params=CohortsParams.model_validate({"as_of": "2026-03-31"}),
    expect=[
        {"cohort": date(2026, 1, 1), "size": 2, "period": 0, "kept": 2, "share": 1.0, "revenue": 300, "is_complete": True},
        {"cohort": date(2026, 1, 1), "period": 1, "kept": 1, "share": 0.5, "mean_share": 1 / 3, "revenue": 70},
        # Boris only returned something in March.
        {"cohort": date(2026, 1, 1), "period": 2, "kept": 1, "share": 0.5, "revenue": -20, "is_complete": True,
         "cumulative_revenue_per_customer": 175},
        {"cohort": date(2026, 2, 1), "size": 1, "period": 0, "kept": 1, "share": 1.0, "revenue": 300},
        {"cohort": date(2026, 2, 1), "period": 1, "kept": 0, "share": 0.0, "revenue": 0, "is_complete": True},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="cohorts",
    area="clients",
    title=Text(ru="Когорты", en="Cohorts"),
    question=Text(ru="Как долго остаются пришедшие вместе?", en="How long do customers who came together stay?"),
    how_to_read=Text(
        ru=(
            "Строка: клиенты, впервые купившие в одном месяце (неделе, квартале). Слева направо видно, какая доля "
            "осталась через один, два, три периода. Сравнивайте столбцы сверху вниз: удерживаем ли новых лучше "
            "прежних. Незавершённые клетки отмечены."
        ),
        en=(
            "A row is the customers who first bought in the same month (week, quarter). From left to right: the share "
            "kept after one, two, three periods. Compare down a column: do we keep new ones better than old ones? "
            "Unfinished cells are marked."
        ),
    ),
    definition=Text(
        ru=(
            "Когорта: клиенты по периоду первой продажи за всё время. Период 0: период самой первой продажи. Клиент "
            "остался в периоде, если в нём была продажа (или в нём или позже, по параметру); одни возвраты не в счёт. "
            "Доля: от периода 0, всегда 100 % в нём. Средняя по когортам: по завершённым клеткам, со взвешиванием по "
            "началу когорты. Выручка клетки включает возвраты, кроме возвратов до периода первой продажи: это покупки, "
            "которых нет в данных; по всем клеткам она складывается в остальную выручку известных покупателей. Маржа: "
            "там, где известна себестоимость. Клетки без продаж показаны нулями."
        ),
        en=(
            "Cohort: customers by the period of their first sale ever. Period 0 is that very period. A customer is kept "
            "in a period with a sale in it (or in it or later, by parameter); returns alone do not count. Share: of "
            "period 0, always 100 % there. Mean: over complete cells, weighted by the cohort's start. A cell's revenue "
            "includes returns, except those before the period of the first sale, whose purchases the data does not hold; "
            "over all cells it adds up to the other revenue of known buyers. Margin: where costs are known. Cells "
            "without sales are rows of 0."
        ),
    ),
    source="docs/definitions.md, Clients",
    inputs={"sales": SALES, "calendar": CALENDAR},
    params=CohortsParams,
    columns=COLUMNS,
    order=("cohort", "period"),
    compute=cohorts,
    finish=triangle,
    members=Members(entity="customers", by=("cohort", "period"), select=members, count="customers"),
    chart=Chart(kind="cohorts", x="period", y=("cohort",), color="share", complete="is_complete", limit=2000),
    choice=basis_choice(Basis.ORDERS),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="первых покупок известных клиентов", en="first purchases of known customers"),
                at_least=1,
                rows=lambda frames, params: filtered_sales(frames["sales"], params).filter(nw.col("is_first")),
            ),
        )
    ),
    left_out=(
        LeftOut(
            reason=Text(ru="Продажи без клиента", en="Sales without a customer"),
            rows=lambda frames, params: filtered_sales(frames["sales"], params).filter(
                nw.col("customer_id").is_null(), nw.col("sold_on") <= nw.lit(params.today)
            ),
        ),
    ),
    example=EXAMPLE,
)
