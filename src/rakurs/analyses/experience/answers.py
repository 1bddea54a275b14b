"""Which answers and reviews does a question speak of, and of which month, channel, employee or product is each?"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.columns import column
from rakurs.core.analysis import Cell, Frames, LeftOut, Need
from rakurs.core.frames import where_cell
from rakurs.core.params import CUSTOMER_SEGMENT, PeriodParams, parameter
from rakurs.core.table import Column, Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.canonical import present
from rakurs.marts.tables import CALENDAR
from rakurs.schema import CHANNELS, CUSTOMERS, DEALS, EMPLOYEES, ORDERS, PRODUCTS, SURVEY_RESPONSES
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

LEAST_ANSWERS = 30
"""Fewer tell of whoever happened to answer."""


class By(StrEnum):
    """What answers are put together by."""

    MONTH = "month"
    CHANNEL = "channel"
    EMPLOYEE = "employee"
    PRODUCT = "product"


class SurveyParams(PeriodParams):
    """Which answers to surveys, and by what."""

    by: By = parameter(
        By.MONTH,
        Text(ru="По чему", en="By"),
        labels={
            By.MONTH: Text(ru="По месяцам", en="Month"),
            By.CHANNEL: Text(ru="По каналам", en="Channel"),
            By.EMPLOYEE: Text(ru="По сотрудникам", en="Employee"),
            By.PRODUCT: Text(ru="По товарам", en="Product"),
        },
    )
    survey: str | None = parameter(
        None,
        Text(ru="Опрос", en="Survey"),
        unit=Unit.TEXT,
        help=Text(ru="Как он назван в ответах", en="As it is called in the answers"),
    )
    customer_segment: str | None = CUSTOMER_SEGMENT


GROUP = (
    column("period_start", Unit.DAY, "Месяц", "Month"),
    column("key", Unit.ID, "Код", "Id"),
    column("name", Unit.TEXT, "Название", "Name"),
)
ORDER = ("period_start", "-answers", "key")
SURVEY_INPUTS: Mapping[str, Table] = {
    "responses": stored(SURVEY_RESPONSES),
    "deals": stored(DEALS),
    "orders": stored(ORDERS),
    "customers": stored(CUSTOMERS),
    "channels": stored(CHANNELS),
    "employees": stored(EMPLOYEES),
    "products": stored(PRODUCTS),
    "calendar": CALENDAR,
}
_NAMES = {
    By.CHANNEL: ("channels", "channel_id"),
    By.EMPLOYEE: ("employees", "employee_id"),
    By.PRODUCT: ("products", "product_id"),
}


def interval_columns(name: str, unit: Unit, *, ru: str, en: str) -> tuple[Column, ...]:
    """A number and the bounds of its interval."""
    low, high = f"{name}_low", f"{name}_high"
    return (
        Column(name=name, unit=unit, title=Text(ru=ru, en=en), interval=(low, high)),
        column(low, unit, "Не ниже", "Low"),
        column(high, unit, "Не выше", "High"),
    )


def asked_responses(frames: Frames, params: SurveyParams, *, kind: str, low: float, high: float) -> Frame:
    """The answers to questions of a kind within the period that lie on its scale, one a row."""
    return _of_kind(frames, params, kind=kind).filter(nw.col("score") >= low, nw.col("score") <= high)


def _of_kind(frames: Frames, params: SurveyParams, *, kind: str) -> Frame:
    rows = present(frames["responses"]).filter(
        nw.col("kind") == nw.lit(kind),
        nw.col("answered_on") <= nw.lit(params.today),
        params.window.contains(nw.col("answered_on")),
    )
    return rows if params.survey is None else rows.filter(nw.col("survey") == nw.lit(params.survey))


def off_the_scale(scale: Callable[[Any], tuple[str, int, int]]) -> LeftOut:
    """Answers that are no number of the question's scale: its kind, the worst and the best answer, by the parameters."""

    def rows(frames: Frames, params: SurveyParams) -> Frame:
        kind, low, high = scale(params)
        score = nw.col("score")
        return _of_kind(frames, params, kind=kind).filter(score.is_null() | (score < low) | (score > high))

    return LeftOut(
        reason=Text(
            ru="Ответы без оценки или не по шкале вопроса", en="Answers without a score or off the question's scale"
        ),
        rows=rows,
    )


def grouped(rows: Frame, frames: Frames, params: SurveyParams) -> Frame:
    """`rows` with `key`, what they are put together by, and `period_start`, its day where that is a month.

    An answer is of the employee it names, else of whoever keeps its deal or order; of the channel of its deal, its order or its customer; of
    the product of its deal. Null where none of them tells.
    """
    if params.by is By.MONTH:
        return by_month(rows, frames["calendar"], day="answered_on")
    deals = present(frames["deals"]).select(
        "deal_id",
        nw.col("manager_id").alias("deal_manager"),
        nw.col("channel_id").alias("deal_channel"),
        "product_id",
    )
    orders = present(frames["orders"]).select(
        "order_id", nw.col("manager_id").alias("order_manager"), nw.col("channel_id").alias("order_channel")
    )
    people = frames["customers"].select("customer_id", nw.col("channel_id").alias("own_channel"))
    joined = (
        rows.join(deals, on="deal_id", how="left")
        .join(orders, on="order_id", how="left")
        .join(people, on="customer_id", how="left")
    )
    key = {
        By.EMPLOYEE: nw.coalesce("employee_id", "deal_manager", "order_manager"),
        By.CHANNEL: nw.coalesce("deal_channel", "order_channel", "own_channel"),
        By.PRODUCT: nw.col("product_id"),
    }[params.by]
    return joined.with_columns(key.alias("key"), no_month())


def by_month(rows: Frame, calendar: Frame, *, day: str) -> Frame:
    """`rows` with the month of `day` as `period_start`, and as text in `key`."""
    months = calendar.select(nw.col("day").alias(day), nw.col("month").alias("period_start"))
    month = nw.col("period_start").cast(nw.String()).str.slice(0, 7)
    return rows.join(months, on=day, how="left").with_columns(month.alias("key"))


def no_month() -> nw.Expr:
    """`period_start` of what is not put together by months."""
    return nw.lit(None).cast(nw.Date()).alias("period_start")


def with_names(counted: Frame, frames: Frames, table: tuple[str, str] | None) -> Frame:
    """`counted` with the `name` of each `key`, looked up in a table by its id; without a table the key is the name."""
    if table is None:
        return counted.with_columns(nw.col("key").alias("name"))
    name, key = table
    names = frames[name].select(nw.col(key).alias("key"), "name")
    return counted.join(names, on="key", how="left").with_columns(nw.coalesce("name", "key").alias("name"))


def survey_names(params: SurveyParams) -> tuple[str, str] | None:
    """The table that names what answers are put together by, and its key."""
    return _NAMES.get(params.by)


def responses_in(rows: Frame, frames: Frames, params: SurveyParams, cell: Cell) -> Frame:
    """The answers of a cell."""
    return where_cell(grouped(rows, frames, params), dict(cell)).select("response_id")


def enough(what: Text, rows: Any) -> Need:
    """As many answers as let a number be shown."""
    return Need(what=what, at_least=LEAST_ANSWERS, rows=rows)
