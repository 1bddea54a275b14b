"""Sales dynamics: how do sales go over time, and against the time before?"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import answered, column, flag, overlapping
from rakurs.analyses.filters import SalesFilters, asked_sales, basis_choice, filtered_sales
from rakurs.analyses.sale_gates import SALES_WITHOUT_CUSTOMER, SALES_WITHOUT_REVENUE, SOME_SALES
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, Members
from rakurs.core.frames import count_where, sum_where
from rakurs.core.params import parameter
from rakurs.core.periods import DAY, Grain, Period, add_months, bucket_start, next_bucket
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALES

Frame = nw.LazyFrame[Any]

CENT = Decimal("0.01")
NOTHING = Decimal(0)


class Against(StrEnum):
    """What a bucket is held against."""

    PREVIOUS = "previous"
    LAST_YEAR = "last_year"
    WEEKDAYS = "weekdays"
    NONE = "none"


GRAIN_LABELS = {
    Grain.DAY: Text(ru="День", en="Day"),
    Grain.WEEK: Text(ru="Неделя", en="Week"),
    Grain.MONTH: Text(ru="Месяц", en="Month"),
    Grain.QUARTER: Text(ru="Квартал", en="Quarter"),
    Grain.YEAR: Text(ru="Год", en="Year"),
}
AGAINST_LABELS = {
    Against.PREVIOUS: Text(ru="С прежним отрезком", en="The bucket before"),
    Against.LAST_YEAR: Text(ru="С теми же датами год назад", en="The same dates last year"),
    Against.WEEKDAYS: Text(ru="С теми же днями недели год назад", en="The same weekdays last year"),
    Against.NONE: Text(ru="Не сравнивать", en="Nothing"),
}


class SalesDynamicsParams(SalesFilters):
    """Parameters of the dynamics."""

    grain: Grain = parameter(Grain.MONTH, Text(ru="Шаг", en="Grain"), labels=GRAIN_LABELS)
    compare: Against = parameter(Against.PREVIOUS, Text(ru="Сравнить", en="Compare with"), labels=AGAINST_LABELS)


COLUMNS = (
    column("period_start", Unit.DAY, "Начало", "Start"),
    column("revenue", Unit.MONEY, "Выручка", "Revenue"),
    column("sales", Unit.COUNT, "Продаж", "Sales"),
    column("first_revenue", Unit.MONEY, "Первые покупки", "First purchases"),
    column("repeat_revenue", Unit.MONEY, "Повторные покупки", "Repeat purchases"),
    column("anonymous_revenue", Unit.MONEY, "Без клиента", "Without a customer"),
    column("returned", Unit.MONEY, "Возвраты", "Returns"),
    overlapping("average_check", Unit.MONEY, "Средний чек", "Average check"),
    column("compared_revenue", Unit.MONEY, "Выручка для сравнения", "Compared revenue"),
    column("change", Unit.RATIO, "Изменение", "Change"),
    column("change_amount", Unit.MONEY, "Изменение в деньгах", "Change in money"),
    flag("is_complete", "Отрезок завершён", "Complete"),
)
SUMS = ("revenue", "first_revenue", "repeat_revenue", "anonymous_revenue", "returned")


def sales_dynamics(*, sales: Frame, calendar: Frame, params: SalesDynamicsParams) -> Frame:
    """One row per day with a sale or a return, up to `as_of`, whatever the period: comparisons need the days before."""
    _ = calendar  # members find the days of a bucket in it
    known = filtered_sales(sales, params).filter(nw.col("sold_on") <= nw.lit(params.today))
    is_anonymous = nw.col("customer_id").is_null()
    return known.group_by("sold_on").agg(
        nw.col("revenue").sum().alias("revenue"),
        count_where(nw.col("is_sale")).alias("sales"),
        sum_where("revenue", nw.col("is_first")).alias("first_revenue"),
        sum_where("revenue", ~nw.col("is_first") & ~is_anonymous).alias("repeat_revenue"),
        sum_where("revenue", is_anonymous).alias("anonymous_revenue"),
        nw.col("returned").sum().alias("returned"),
    )


def in_buckets(daily: pa.Table, params: SalesDynamicsParams) -> pa.Table:
    """One row per bucket from the first asked (or first sold) day to the last, oldest first; empty ones are rows of 0.

    A bucket cut by an edge of the period, or not over yet, is not complete; it is held against as many days.
    """
    days = {row["sold_on"]: row for row in daily.to_pylist()}
    rows = [_row(part, is_whole=is_whole, days=days, params=params) for part, is_whole in _buckets(days, params)]
    return answered(rows, COLUMNS)


def _buckets(days: dict[date, Any], params: SalesDynamicsParams) -> Iterator[tuple[Period, bool]]:
    """The asked days bucket by bucket, and whether each bucket is there as a whole."""
    window, today_ends = params.window, params.today + DAY
    start = window.start or min(days, default=None)
    end = min(window.end or today_ends, today_ends)
    if start is None:
        return
    while start < end:
        first, after = bucket_start(start, params.grain), next_bucket(bucket_start(start, params.grain), params.grain)
        is_whole = after <= end and (start == first or window.start is None)
        yield Period(start if window.start is not None else first, min(after, end)), is_whole
        start = after


def _row(part: Period, *, is_whole: bool, days: dict[date, Any], params: SalesDynamicsParams) -> dict[str, Any]:
    sums = {name: _total(days, part, name) for name in SUMS}
    sold = sum(int(days[day]["sales"]) for day in _days(part) if day in days)
    held = _compared(part, is_whole=is_whole, params=params)
    is_known = held is not None and bool(days) and held.end is not None and held.end > min(days)
    compared = _total(days, held, "revenue") if held is not None and is_known else None
    return {
        "period_start": bucket_start(part.start, params.grain) if part.start else None,
        **sums,
        "sales": sold,
        "average_check": _each(sums["revenue"], sold),
        "compared_revenue": compared,
        "change": float((sums["revenue"] - compared) / compared) if compared and compared > 0 else None,
        "change_amount": sums["revenue"] - compared if compared is not None else None,
        "is_complete": is_whole,
    }


def _each(revenue: Decimal, sold: int) -> Decimal | None:
    return (revenue / sold).quantize(CENT, "ROUND_HALF_UP") if sold else None


def _days(part: Period) -> Iterator[date]:
    day = part.start
    while day is not None and part.end is not None and day < part.end:
        yield day
        day += DAY


def _total(days: dict[date, Any], part: Period, name: str) -> Decimal:
    return sum((days[day][name] or NOTHING for day in _days(part) if day in days), NOTHING).quantize(CENT)


def _compared(part: Period, *, is_whole: bool, params: SalesDynamicsParams) -> Period | None:
    start, end = part.start, part.end
    if start is None or end is None or params.compare is Against.NONE:
        return None
    if params.compare is Against.WEEKDAYS:
        return Period(start - 364 * DAY, end - 364 * DAY)
    if params.compare is Against.LAST_YEAR:
        last = add_months(end, -12) if end.day == 1 else add_months(end - DAY, -12) + DAY
        return Period(add_months(start, -12), last)
    if start != bucket_start(start, params.grain):
        return Period(start - (end - start), start)
    before = bucket_start(start - DAY, params.grain)
    return Period(before, start if is_whole else min(before + (end - start), start))


def members(frames: Frames, params: SalesDynamicsParams, cell: Cell) -> Frame:
    """The sales (not the returns) of the bucket."""
    sold = asked_sales(frames["sales"], params).filter(nw.col("is_sale"))
    if "period_start" in cell:
        buckets = frames["calendar"].select(
            nw.col("day").alias("sold_on"), nw.col(params.grain.value).alias("period_start")
        )
        sold = sold.join(buckets, on="sold_on", how="inner").filter(
            nw.col("period_start") == nw.lit(cell["period_start"])
        )
    return sold.select("sale_id")


def _orders(*rows: tuple[str, str, str | None, int]) -> Sequence[dict[str, Any]]:
    return [
        {"order_id": order, "ordered_at": at, "customer_id": customer, "amount": amount}
        for order, at, customer, amount in rows
    ]


EXAMPLE = Example(
    tables={
        "orders": _orders(
            ("before", "2025-12-31 23:59", "anna", 100),
            ("first day", "2026-01-01", "anna", 200),
            ("last day", "2026-01-31 23:59", "boris", 300),
            ("a tie", "2026-01-31 23:59", "boris", 50),
            ("a return", "2026-03-01", "boris", -30),
            ("nobody's", "2026-03-05", None, 80),
            ("today", "2026-03-10 23:59", "anna", 100),
            ("tomorrow", "2026-03-11", "anna", 1000),
        )
    },
    params=SalesDynamicsParams.model_validate({"from_day": "2026-01-01", "to_day": "2026-03-31", "as_of": "2026-03-10"}),
    expect=[
        # Boris' first order of the two at the same minute is the one with the lesser id.
        {"period_start": date(2026, 1, 1), "revenue": 550, "sales": 3, "first_revenue": 50, "repeat_revenue": 500,
         "average_check": Decimal("183.33"), "compared_revenue": 100, "change": 4.5, "is_complete": True},
        {"period_start": date(2026, 2, 1), "revenue": 0, "sales": 0, "average_check": None, "compared_revenue": 550,
         "change": -1.0, "is_complete": True},
        # Ten days of March against ten days of February.
        {"period_start": date(2026, 3, 1), "revenue": 150, "sales": 2, "first_revenue": 0, "repeat_revenue": 70,
         "anonymous_revenue": 80, "returned": -30, "compared_revenue": 0, "change": None, "is_complete": False},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="sales_dynamics",
    area="sales",
    title=Text(ru="Динамика продаж", en="Sales dynamics"),
    question=Text(ru="Как идут продажи и как шли раньше?", en="How do sales go, and how did they go before?"),
    how_to_read=Text(
        ru=(
            "Столбец показывает выручку отрезка, линия сравнения то, с чем он сопоставлен. Незавершённый отрезок "
            "отмечен и сравнивается с тем же числом дней. Рост за счёт первых покупок и за счёт повторных говорит о "
            "разном: о притоке и о верности."
        ),
        en=(
            "A column is the bucket's revenue, the line is what it is held against. An unfinished bucket is marked and "
            "compared with as many days. Growth by first purchases and growth by repeat ones mean different things: "
            "inflow and loyalty."
        ),
    ),
    definition=Text(
        ru=(
            "Выручка по выигранным сделкам датируется закрытием, по заказам оплатой, а там, где оплат не знают, днём "
            "заказа. Возвраты отрицательны, входят в выручку и показаны отдельно; в число продаж не входят. Первая "
            "покупка: первая продажа клиенту за всё время, остальное повторное; продажи без клиента показаны отдельно. "
            "Первые + повторные + без клиента = выручка. Средний чек = выручка / продажи. Отрезки без продаж показаны "
            "нулями. Изменение = (выручка - сравниваемая) / сравниваемая; прочерк, если сравнивать не с чем или там не "
            "было выручки. Незавершённый или обрезанный периодом отрезок сравнивается с тем же числом дней. Недели с "
            "понедельника."
        ),
        en=(
            "Revenue by won deals is dated by closing, by orders by payment, or by ordering where payments are not "
            "known. Returns are negative, part of the revenue and shown apart; they are not counted as sales. First: "
            "the customer's first sale ever, the rest is repeat; sales without a customer stand apart. First + repeat + "
            "without a customer = revenue. Average check = revenue / sales. Buckets without sales are rows of 0. Change "
            "= (revenue - compared) / compared; a dash when there is nothing to compare with. A bucket that is "
            "unfinished or cut by the period is compared with as many days. Weeks start on Monday."
        ),
    ),
    source="docs/definitions.md, Sales, Periods",
    inputs={"sales": SALES, "calendar": CALENDAR},
    params=SalesDynamicsParams,
    columns=COLUMNS,
    order=("period_start",),
    compute=sales_dynamics,
    finish=in_buckets,
    members=Members(entity="sales", by=("period_start",), select=members, count="sales"),
    chart=Chart(
        kind="columns", x="period_start", y=("revenue",), compare="compared_revenue", complete="is_complete", limit=400
    ),
    choice=basis_choice(),
    gate=DataGate(needs=(SOME_SALES,)),
    left_out=(SALES_WITHOUT_CUSTOMER, SALES_WITHOUT_REVENUE),
    example=EXAMPLE,
)
