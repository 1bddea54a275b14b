"""Which deals and which sales does a question speak of? The parameters that questions share, and what they mean."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, ClassVar

import narwhals.stable.v2 as nw

from rakurs.core.analysis import Choice, Frames
from rakurs.core.params import CUSTOMER_SEGMENT, RECORDS, PeriodParams, Records, parameter
from rakurs.core.periods import DAY, add_months
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.metrics.basis import BASIS, Basis, in_basis

Frame = nw.LazyFrame[Any]


class Cohort(StrEnum):
    """By which of its days a deal belongs to a period."""

    CREATED = "created"
    CLOSED = "closed"
    ACTIVE = "active"


COHORT_LABELS = {
    Cohort.CREATED: Text(ru="Созданные за период", en="Created in the period"),
    Cohort.CLOSED: Text(ru="Закрытые за период", en="Closed in the period"),
    Cohort.ACTIVE: Text(ru="Бывшие в работе в периоде", en="Active in the period"),
}


class DealFilters(PeriodParams):
    """Parameters of the questions about deals."""

    cohort: Cohort = parameter(
        Cohort.CREATED,
        Text(ru="Какие сделки", en="Which deals"),
        help=Text(
            ru="Созданные в периоде; закрытые в нём; или бывшие в работе: созданы до его конца и не закрыты до начала",
            en="Created in the period; closed in it; or active: created before its end and not closed before its start",
        ),
        labels=COHORT_LABELS,
    )
    pipeline: str | None = parameter(None, Text(ru="Воронка", en="Pipeline"), unit=Unit.ID, options="pipeline")
    manager: str | None = parameter(None, Text(ru="Менеджер", en="Manager"), unit=Unit.ID, options="manager")
    channel: str | None = parameter(None, Text(ru="Канал", en="Channel"), unit=Unit.ID, options="channel")
    customer_segment: str | None = CUSTOMER_SEGMENT
    records: Records = RECORDS
    amount_from: float | None = parameter(
        None,
        Text(ru="Сумма от", en="Amount from"),
        unit=Unit.MONEY,
        help=Text(ru="Включительно, в валюте компании", en="Inclusive, in the company's currency"),
        is_advanced=True,
    )
    amount_to: float | None = parameter(
        None,
        Text(ru="Сумма до", en="Amount to"),
        unit=Unit.MONEY,
        help=Text(ru="Включительно, в валюте компании", en="Inclusive, in the company's currency"),
        is_advanced=True,
    )

    def spoken_of(self, deals: Frame) -> Frame:
        """Those of the cohort and the filters."""
        return asked_deals(deals, self)


class SalesFilters(PeriodParams):
    """Parameters of the questions about sales. `PREFERRED` is what `auto` means where there are both."""

    PREFERRED: ClassVar[Basis] = Basis.DEALS

    basis: Basis = BASIS
    pipeline: str | None = parameter(None, Text(ru="Воронка", en="Pipeline"), unit=Unit.ID, options="pipeline")
    manager: str | None = parameter(None, Text(ru="Менеджер", en="Manager"), unit=Unit.ID, options="manager")
    channel: str | None = parameter(None, Text(ru="Канал", en="Channel"), unit=Unit.ID, options="channel")
    customer_segment: str | None = CUSTOMER_SEGMENT
    records: Records = RECORDS

    def spoken_of(self, deals: Frame) -> Frame:
        """The sales among them: those won inside the period; none where a sale is an order."""
        won = deals.filter(nw.col("outcome") == "won").with_columns(
            nw.lit(Basis.DEALS.value).alias("basis"), nw.col("closed_on").alias("sold_on")
        )
        return asked_sales(won, self)


_EQUALS: Mapping[str, str] = {"pipeline": "pipeline_id", "manager": "manager_id", "channel": "channel_id"}


def narrowed(frame: Frame, params: Any) -> Frame:
    """The rows of the asked pipeline, manager and channel."""
    for name, column in _EQUALS.items():
        value = getattr(params, name)
        if value is not None:
            frame = frame.filter(nw.col(column) == nw.lit(value))
    return frame


def asked_deals(frame: Frame, params: DealFilters) -> Frame:
    """The rows of `frame` whose deal the question speaks of, as things stood at the end of `as_of`.

    `frame` is any mart that carries `created_on`, `closed_on`, `outcome` and `amount` of the deal. A deal that
    closed later than `as_of` still counts as open.
    """
    frame = as_known(narrowed(frame, params).filter(nw.col("created_on") <= nw.lit(params.today)), params.today)
    window = params.window
    if params.cohort is Cohort.CREATED:
        frame = frame.filter(window.contains(nw.col("created_on")))
    elif params.cohort is Cohort.CLOSED:
        frame = frame.filter(window.contains(nw.col("closed_on")))
    else:
        frame = _active(frame, params)
    if params.amount_from is not None:
        frame = frame.filter(nw.col("amount") >= nw.lit(params.amount_from))
    if params.amount_to is not None:
        frame = frame.filter(nw.col("amount") <= nw.lit(params.amount_to))
    return frame


def _active(frame: Frame, params: DealFilters) -> Frame:
    window = params.window
    if window.end is not None:
        frame = frame.filter(nw.col("created_on") < nw.lit(window.end))
    return frame if window.start is None else open_from(frame, window.start)


def in_work(deals: Frame, params: Any, *, first: date | None, last: date) -> Frame:
    """The deals of the asked pipeline, manager and channel that were open on some day from `first` to `last`, both included."""
    known = narrowed(deals, params).filter(nw.col("created_on") <= nw.lit(last))
    return known if first is None else open_from(known, first)


def open_from(frame: Frame, day: date) -> Frame:
    """The rows whose deal was open on `day` or some day after it; one closed on `day` was."""
    return frame.filter(nw.col("closed_on").is_null() | (nw.col("closed_on") >= nw.lit(day)))


def still_open(frame: Frame, day: date) -> Frame:
    """The rows whose deal was not closed at the end of `day`."""
    return frame.filter(nw.col("closed_on").is_null() | (nw.col("closed_on") > nw.lit(day)))


def as_known(frame: Frame, day: date) -> Frame:
    """`frame` with the deals that closed after `day` open again."""
    is_later = (nw.col("closed_on") > nw.lit(day)).fill_null(value=False)
    return frame.with_columns(
        nw.when(is_later).then(nw.lit("open")).otherwise(nw.col("outcome")).alias("outcome"),
        nw.when(~is_later).then(nw.col("closed_on")).alias("closed_on"),
    )


def end_of(day: date) -> int:
    """The second at which `day` ends, in UTC: what ages on that day are counted to."""
    return int(datetime.combine(day + DAY, time(0), tzinfo=UTC).timestamp())


def asked_sales(frame: Frame, params: SalesFilters) -> Frame:
    """The sales the question speaks of: of its basis and filters, dated inside the period, none after `as_of`."""
    return within(filtered_sales(frame, params), params)


def within(sales: Frame, params: SalesFilters) -> Frame:
    """The sales dated inside the period, none after `as_of`."""
    return sales.filter(params.window.contains(nw.col("sold_on")), nw.col("sold_on") <= nw.lit(params.today))


def filtered_sales(frame: Frame, params: SalesFilters) -> Frame:
    """The sales of the asked basis, pipeline, manager and channel, of all time."""
    return narrowed(in_basis(frame, params.basis, preferred=params.PREFERRED), params)


def in_segment(memberships: Frame, segment_id: str, day: date) -> Frame:
    """The runs of a segment that hold `day`."""
    is_open = nw.col("until").is_null() | (nw.col("until") > nw.lit(day))
    return memberships.filter(nw.col("segment_id") == nw.lit(segment_id), nw.col("since") <= nw.lit(day), is_open)


def end_of_month(day: date) -> date:
    """The last day of the month of `day`."""
    return add_months(day.replace(day=1), 1) - DAY


def basis_choice(preferred: Basis = Basis.DEALS, *, rows: Callable[[Frames, Any], Frame] | None = None) -> Choice:
    """How `auto` is decided: by the sales there are, or by those of them in `rows(frames, params)`."""
    other = Basis.ORDERS if preferred is Basis.DEALS else Basis.DEALS
    return Choice(
        name="basis",
        undecided=Basis.AUTO,
        values=(preferred, other),
        rows=lambda frames, params: in_basis(rows(frames, params) if rows else frames["sales"], params.basis),
    )
