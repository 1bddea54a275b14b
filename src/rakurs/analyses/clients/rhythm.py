"""What is a customer's own rhythm of buying, and in which state of life is the customer on a day?"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Self

import narwhals.stable.v2 as nw
from pydantic import model_validator

from rakurs.core.analysis import LeftOut, Need
from rakurs.core.frames import ratio, row_number
from rakurs.core.params import CUSTOMER_SEGMENT, Params, parameter
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis

Frame = nw.LazyFrame[Any]

KEY = "customer_id"
OWN_GAPS = 3
SLEEPING_AFTER, LOST_AFTER = 2.0, 4.0
STATES: Mapping[str, Text] = {
    "new": Text(ru="Новый", en="New"),
    "active": Text(ru="Активный", en="Active"),
    "regular": Text(ru="Постоянный", en="Regular"),
    "returned": Text(ru="Вернулся", en="Returned"),
    "sleeping": Text(ru="Засыпает", en="Sleeping"),
    "lost": Text(ru="Потерян", en="Lost"),
}
RULE = Text(
    ru=(
        "Покупка: день с продажей, сколько бы продаж в нём ни было; возврат не покупка. Перерыв: дней между соседними "
        "покупками. Мера клиента: медиана его перерывов; пока их меньше own_gaps (3), недостающие заменяет обычный "
        "перерыв всех: с одним перерывом мера на треть своя, без перерывов общая. Обычный перерыв всех: медиана личных "
        "медиан тех, кто покупал не раз, среди клиентов этого ответа. Молчание: дней от последней покупки. Молчит "
        "дольше lost_after (4) мер: потерян; дольше sleeping_after (2): засыпает; иначе: купил один раз: новый; перед "
        "последней покупкой молчал дольше lost_after прежних мер: вернулся; перерывов не меньше own_gaps: постоянный; "
        "остальные активные. Кто покупает в случайные дни, в одном перерыве из четырёх молчит дольше двух медиан, в "
        "одном из шестнадцати дольше четырёх."
    ),
    en=(
        "A purchase is a day with a sale, however many; a return is none. A gap is the days between neighbouring "
        "purchases. The customer's measure is the median of the own gaps; while they are fewer than own_gaps (3), the "
        "usual gap of all stands in for the missing ones: with one gap the measure is a third own, with none it is the "
        "usual gap. The usual gap is the median of the own medians of those who bought more than once, among the "
        "customers of this answer. Silence: days since the last purchase. Silent for more than lost_after (4) measures: "
        "lost; more than sleeping_after (2): sleeping; else: bought once: new; silent before the last purchase for more "
        "than lost_after measures of then: returned; own_gaps gaps or more: regular; the rest are active. Whoever buys "
        "on random days is silent for more than two medians in one gap of four, for more than four in one of sixteen."
    ),
)


class RhythmParams(Params):
    """What a purchase is, and where the states begin."""

    basis: Basis = BUYING_BASIS
    customer_segment: str | None = CUSTOMER_SEGMENT
    sleeping_after: float = parameter(
        SLEEPING_AFTER,
        Text(ru="Засыпает, если молчит дольше мер", en="Sleeping when silent for more measures"),
        unit=Unit.NUMBER,
        help=Text(
            ru="Мера: обычный перерыв между покупками этого клиента",
            en="A measure is the customer's own usual gap between purchases",
        ),
        ge=0.5,
        le=100,
        is_advanced=True,
    )
    lost_after: float = parameter(
        LOST_AFTER,
        Text(ru="Потерян, если молчит дольше мер", en="Lost when silent for more measures"),
        unit=Unit.NUMBER,
        ge=0.5,
        le=100,
        is_advanced=True,
    )
    own_gaps: int = parameter(
        OWN_GAPS,
        Text(ru="Перерывов для своего ритма", en="Gaps that make an own rhythm"),
        unit=Unit.COUNT,
        help=Text(
            ru="Пока перерывов меньше, недостающие заменяет обычный перерыв всех",
            en="While there are fewer, the usual gap of all stands in for the missing ones",
        ),
        ge=1,
        le=20,
        is_advanced=True,
    )

    @model_validator(mode="after")
    def _lost_sleep_first(self) -> Self:
        if self.lost_after < self.sleeping_after:
            raise ValueError(
                f"lost_after ({self.lost_after}) cannot be less than sleeping_after ({self.sleeping_after})"
            )
        return self


def customers_sales(sales: Frame, params: RhythmParams) -> Frame:
    """The sales and returns of known customers up to the day of the question."""
    return in_basis(sales, params.basis, preferred=Basis.ORDERS).filter(
        nw.col("sold_on") <= nw.lit(params.today), ~nw.col(KEY).is_null()
    )


def purchases(sales: Frame, calendar: Frame, params: RhythmParams) -> Frame:
    """One row per customer and day with a sale: its number, the gap before it (null for the first), the next day."""
    in_time = {"order_by": "day_number"}
    days = customers_sales(sales, params).filter(nw.col("is_sale")).group_by(KEY, "sold_on").agg()
    numbers = calendar.select(nw.col("day").alias("sold_on"), "day_number")
    return days.join(numbers, on="sold_on", how="inner").with_columns(
        row_number((KEY,), ("day_number",)).alias("purchases"),
        (nw.col("day_number") - nw.col("day_number").shift(1).over(KEY, **in_time)).alias("last_gap"),
        nw.col("day_number").shift(-1).over(KEY, **in_time).alias("next_number"),
    )


def rhythms_on(bought: Frame, day: date) -> Frame:
    """One row per customer: the last purchase, how many there were, and the own gaps, on `day`, the last that counts.

    `own_gap` is the median of the gaps, `gap_before` that of all but the last one, `usual_gap` the median of the own
    medians of all.
    """
    is_last = nw.col("next_number").is_null()
    gap = nw.col("last_gap").cast(nw.Float64())
    grouped = (
        bought.with_columns(
            gap.alias("gap"),
            nw.when(~is_last).then(gap).alias("earlier_gap"),
            nw.when(is_last).then(nw.col("last_gap")).alias("last_gap"),
        )
        .group_by(KEY)
        .agg(
            nw.col("day_number").max().alias("day_number"),
            nw.col("purchases").max().alias("purchases"),
            nw.col("last_gap").max().alias("last_gap"),
            nw.col("gap").median().alias("own_gap"),
            nw.col("earlier_gap").median().alias("gap_before"),
        )
    )
    return _with_usual(grouped.with_columns(nw.lit(day).alias("on"), nw.lit(day_number(day)).alias("on_number")))


def rhythms_at(bought: Frame, calendar: Frame, days: Sequence[date]) -> Frame:
    """As `rhythms_on`, for each of several days: one row per customer and day by whose end the customer had bought."""
    asked = calendar.filter(nw.col("day").is_in(list(days))).select(
        nw.col("day").alias("on"), nw.col("day_number").alias("on_number")
    )
    standing = bought.join(asked, how="cross").filter(
        nw.col("day_number") <= nw.col("on_number"),
        nw.col("next_number").is_null() | (nw.col("next_number") > nw.col("on_number")),
    )
    # The gaps are gone through once for every last purchase, however many days it was the last on.
    lasts = standing.group_by(KEY, "purchases").agg()
    gaps = bought.filter(~nw.col("last_gap").is_null()).select(
        KEY, nw.col("purchases").alias("of_purchase"), nw.col("last_gap").cast(nw.Float64()).alias("gap")
    )
    is_before = nw.col("of_purchase") < nw.col("purchases")
    own = (
        lasts.join(gaps, on=KEY, how="inner")
        .filter(nw.col("of_purchase") <= nw.col("purchases"))
        .with_columns(nw.when(is_before).then(nw.col("gap")).alias("earlier_gap"))
        .group_by(KEY, "purchases")
        .agg(nw.col("gap").median().alias("own_gap"), nw.col("earlier_gap").median().alias("gap_before"))
    )
    return _with_usual(standing.join(own, on=[KEY, "purchases"], how="left"))


def _with_usual(rhythms: Frame) -> Frame:
    return rhythms.with_columns(nw.col("own_gap").median().over("on").alias("usual_gap"))


def with_state(rhythms: Frame, params: RhythmParams) -> Frame:
    """`rhythms` with `silent_days`, the measure (`gap_days`), their ratio (`overdue`) and the state."""
    whole = params.own_gaps
    # Multiplied by `own_gaps` instead of divided: whole numbers and halves decide a bound exactly.
    silent = nw.col("on_number") - nw.col("day_number")
    measure = _measure(nw.col("purchases") - 1, "own_gap", whole)
    measure_before = _measure(nw.col("purchases") - 2, "gap_before", whole)
    counted = rhythms.with_columns(
        silent.alias("silent_days"), measure.alias("measure"), measure_before.alias("measure_before")
    )
    scaled, came_after = nw.col("silent_days") * whole, nw.col("last_gap") * whole
    state = (
        nw.when(scaled > nw.col("measure") * params.lost_after)
        .then(nw.lit("lost"))
        .when(scaled > nw.col("measure") * params.sleeping_after)
        .then(nw.lit("sleeping"))
        .when(nw.col("purchases") == 1)
        .then(nw.lit("new"))
        .when(came_after > nw.col("measure_before") * params.lost_after)
        .then(nw.lit("returned"))
        .when(nw.col("purchases") > whole)
        .then(nw.lit("regular"))
        .otherwise(nw.lit("active"))
    )
    return counted.with_columns(
        (nw.col("measure") / whole).alias("gap_days"),
        ratio(nw.col("silent_days") * whole, nw.col("measure")).alias("overdue"),
        state.alias("state"),
    )


def _measure(gaps: nw.Expr, own: str, whole: int) -> nw.Expr:
    """`whole` times the customer's measure: own gaps as far as they go, the usual gap for the missing ones."""
    counted = nw.when(gaps < whole).then(gaps).otherwise(nw.lit(whole))
    return nw.coalesce(nw.col(own), nw.col("usual_gap")) * counted + nw.col("usual_gap") * (whole - counted)


SOME_REPEAT_CUSTOMERS = Need(
    what=Text(
        ru="клиентов, покупавших в разные дни: по ним известен обычный перерыв",
        en="customers who bought on different days: they tell the usual gap",
    ),
    at_least=5,
    rows=lambda frames, params: purchases(frames["sales"], frames["calendar"], params).filter(nw.col("purchases") == 2),
)
SALES_OF_NOBODY = LeftOut(
    reason=Text(ru="Продажи без клиента", en="Sales without a customer"),
    rows=lambda frames, params: in_basis(frames["sales"], params.basis, preferred=Basis.ORDERS).filter(
        nw.col(KEY).is_null(), nw.col("sold_on") <= nw.lit(params.today)
    ),
)
