"""Sales forecast: how much will be sold, and how sure is that?"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.analyses.columns import answered, choice, column, flag, overlapping
from rakurs.analyses.filters import SalesFilters, basis_choice, filtered_sales, within
from rakurs.analyses.sale_gates import SALES_WITHOUT_REVENUE
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, Members, Need, Statement, Told
from rakurs.core.money import cents
from rakurs.core.params import parameter
from rakurs.core.periods import DAY, Grain, bucket_start, next_bucket
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALES
from rakurs.models.forecasting.day_kinds import KINDS, Days, foresee_by_days
from rakurs.models.forecasting.series import Foreseen

Frame = nw.LazyFrame[Any]

SHOWN_PAST = 36
LEAST_BUCKETS = 6
SEASONS = {Grain.DAY: 7, Grain.WEEK: 52, Grain.MONTH: 12, Grain.QUARTER: 4}


class Step(StrEnum):
    """The buckets of the forecast."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


class Level(StrEnum):
    """How much of what comes the interval is to hold."""

    L80 = "80"
    L90 = "90"
    L95 = "95"


class SalesForecastParams(SalesFilters):
    """Parameters of the forecast. The period says which past it learns from."""

    grain: Step = parameter(
        Step.MONTH,
        Text(ru="Шаг", en="Grain"),
        labels={
            Step.DAY: Text(ru="День", en="Day"),
            Step.WEEK: Text(ru="Неделя", en="Week"),
            Step.MONTH: Text(ru="Месяц", en="Month"),
            Step.QUARTER: Text(ru="Квартал", en="Quarter"),
        },
    )
    ahead: int = parameter(6, Text(ru="На сколько шагов", en="Steps ahead"), unit=Unit.COUNT, ge=1, le=60)
    level: Level = parameter(
        Level.L80,
        Text(ru="Интервал, %", en="Interval, %"),
        labels={value: Text(ru=f"{value} % случаев", en=f"{value}% of cases") for value in Level},
        is_advanced=True,
    )


WAYS = {
    "seasonal_naive": Text(ru="Как в прошлый сезон", en="As a season ago"),
    "naive": Text(ru="Как в прошлый раз", en="As the last one"),
    "ces": Text(ru="Комплексное сглаживание (CES)", en="Complex exponential smoothing (CES)"),
    "theta": Text(ru="Тета-метод", en="Theta method"),
    "level": Text(ru="Сглаживание уровня", en="Level smoothing"),
    "croston": Text(ru="Кростон, редкие продажи", en="Croston, rare sales"),
}
COLUMNS = (
    column("period_start", Unit.DAY, "Начало", "Start"),
    column("forecast", Unit.MONEY, "Прогноз", "Forecast"),
    column("actual", Unit.MONEY, "Было", "Came"),
    overlapping("low", Unit.MONEY, "Не ниже", "Low"),
    overlapping("high", Unit.MONEY, "Не выше", "High"),
    flag("is_forecast", "Ещё впереди", "To come"),
    choice("way", "Способ", "Way", WAYS),
    flag("by_days", "С учётом праздников и дней недели", "Holidays and weekdays allowed for"),
    column("mase", Unit.NUMBER, "Ошибка (MASE)", "Error (MASE)"),
    column("naive_mase", Unit.NUMBER, "Ошибка «как в прошлый сезон»", "Error of “as a season ago”"),
    column("coverage", Unit.SHARE, "Попадало в интервал", "Held by the interval"),
)

_BETTER = Text(
    ru="За {steps} шагов вперёд ожидается {total}. На своём прошлом способ «{way}» ошибался меньше, чем «как в прошлый сезон»: "
    "{mase} против {naive}; в интервал попадало {coverage}.",
    en="{total} is expected in the next {steps} steps. On its own past “{way}” erred less than “as a season ago”: {mase} against "
    "{naive}; the interval held {coverage}.",
)
_PLAIN = Text(
    ru="За {steps} шагов вперёд ожидается {total}. Ничего лучше «как в прошлый сезон» на прошлом не нашлось (ошибка {mase}); в "
    "интервал попадало {coverage}.",
    en="{total} is expected in the next {steps} steps. Nothing did better on the past than “as a season ago” (error {mase}); the "
    "interval held {coverage}.",
)
_UNTRIED = Text(
    ru="За {steps} шагов вперёд ожидается {total}, если всё будет как прежде: истории мало, чтобы проверить прогноз на прошлом.",
    en="{total} is expected in the next {steps} steps if all goes as before: the past is too short to try a forecast on it.",
)


def sales_forecast(*, sales: Frame, calendar: Frame, params: SalesForecastParams) -> Frame:
    """One row per bucket and kind of its days, from the first sale to the end of the forecast: how many, and what they sold."""
    sold = (
        asked(sales, params)
        .group_by("sold_on")
        .agg(nw.col("revenue").sum().cast(nw.Float64()).alias("revenue"), nw.len().alias("sales"))
    )
    first = sold.select(nw.col("sold_on").min().alias("first_on"))
    kind = nw.when(nw.col("holiday").is_null()).then(nw.col("weekday")).otherwise(nw.lit(0))
    days = (
        calendar.select(
            nw.col("day").alias("sold_on"), nw.col(_bucket(params)).alias("period_start"), kind.alias("kind")
        )
        .join(first, how="cross")
        .filter(nw.col("sold_on") >= nw.col("first_on"), nw.col("period_start") < nw.lit(_end(params)))
    )
    return (
        days.join(sold, on="sold_on", how="left")
        .group_by("period_start", "kind")
        .agg(
            nw.len().cast(nw.Int64()).alias("days"),
            nw.col("revenue").fill_null(0.0).sum().alias("revenue"),
            nw.col("sales").fill_null(0).sum().alias("sales"),
            nw.col("first_on").min().alias("first_on"),
        )
    )


def _with_sales(frames: Frames, params: SalesForecastParams) -> Frame:
    """The finished buckets with a sale or a return."""
    days = frames["calendar"].select(nw.col("day").alias("sold_on"), nw.col(_bucket(params)).alias("period_start"))
    known = asked(frames["sales"], params).join(days, on="sold_on", how="inner")
    return known.filter(nw.col("period_start") < nw.lit(_unfinished(params))).group_by("period_start").agg()


def asked(sales: Frame, params: SalesForecastParams) -> Frame:
    """The sales of the past that is learned from."""
    return within(filtered_sales(sales, params), params)


def _bucket(params: SalesForecastParams) -> str:
    return params.grain.value


def _unfinished(params: SalesForecastParams) -> date:
    """The first day of the bucket that is not over by the end of the day of the question."""
    return bucket_start(params.today + DAY, Grain(params.grain.value))


def _end(params: SalesForecastParams) -> date:
    """The first day after the forecast."""
    start = _unfinished(params)
    for _ in range(params.ahead):
        start = next_bucket(start, Grain(params.grain.value))
    return start


def finish(buckets: pa.Table, params: SalesForecastParams) -> pa.Table:
    """The last buckets and the next ones; between the first and the last a bucket without sales is 0.

    The first bucket is left out where sales began in the middle of it.
    """
    rows = buckets.to_pylist()
    grain, unfinished = Grain(params.grain.value), _unfinished(params)
    begun = {row["period_start"] for row in rows if row["first_on"] > row["period_start"]}
    with_sales = {row["period_start"] for row in rows if row["sales"] and row["period_start"] < unfinished} - begun
    if len(with_sales) < LEAST_BUCKETS:
        return answered([], COLUMNS)
    starts = list(_steps(min(with_sales), unfinished, grain))
    coming = list(_steps(unfinished, _end(params), grain))
    days, sold = _by_kind(rows, "days", [*starts, *coming]), _by_kind(rows, "revenue", starts)
    past = sold.sum(axis=1)
    kinds = Days(past=days[: len(starts)], sold=sold, ahead=days[len(starts) :])
    found, by_days = foresee_by_days(
        past, kinds, season=SEASONS[grain], ahead=params.ahead, level=int(params.level) / 100
    )
    told = [_row(start, found, by_days=by_days, actual=value) for start, value in zip(starts, past, strict=True)][
        -SHOWN_PAST:
    ]
    told += [_row(start, found, by_days=by_days, place=place) for place, start in enumerate(coming)]
    return answered(told, COLUMNS)


def _by_kind(rows: Sequence[Mapping[str, Any]], name: str, starts: Sequence[date]) -> NDArray[np.float64]:
    """Buckets by kinds of days."""
    place = {start: number for number, start in enumerate(starts)}
    found = np.zeros((len(starts), KINDS))
    for row in rows:
        if row["period_start"] in place:
            found[place[row["period_start"]], row["kind"]] = row[name]
    return found


def _steps(first: date, end: date, grain: Grain) -> Iterator[date]:
    while first < end:
        yield first
        first = next_bucket(first, grain)


def _row(
    start: date, found: Foreseen, *, by_days: bool, actual: float | None = None, place: int | None = None
) -> dict[str, Any]:
    is_ahead = place is not None
    ahead = {
        name: cents(values[place]) if place is not None else None
        for name, values in (("forecast", found.values), ("low", found.low), ("high", found.high))
    }
    return {
        "period_start": start,
        "actual": cents(actual),
        **ahead,
        "is_forecast": is_ahead,
        "way": found.way if is_ahead else None,
        "by_days": by_days if is_ahead else None,
        "mase": found.mase if is_ahead else None,
        "naive_mase": found.naive_mase if is_ahead else None,
        "coverage": found.coverage if is_ahead else None,
    }


def story(table: pa.Table, params: SalesForecastParams) -> tuple[Statement, ...]:
    """What is expected in sum, and how far the past lets it be trusted."""
    _ = params
    ahead = [row for row in table.to_pylist() if row["is_forecast"]]
    if not ahead:
        return ()
    first = ahead[0]
    values: dict[str, Told] = {
        "steps": Told(value=len(ahead), unit=Unit.COUNT),
        "total": Told(value=sum(row["forecast"] for row in ahead), unit=Unit.MONEY),
    }
    if first["mase"] is None:
        return (Statement(words=_UNTRIED, values=values),)
    values |= {
        "mase": Told(value=round(first["mase"], 2), unit=Unit.NUMBER),
        "coverage": Told(value=first["coverage"], unit=Unit.SHARE),
    }
    if first["way"] in {"seasonal_naive", "naive"}:
        return (Statement(words=_PLAIN, values=values),)
    way = WAYS[first["way"]]
    words = Text(ru=_BETTER.ru.replace("{way}", way.ru), en=_BETTER.en.replace("{way}", way.en))
    return (
        Statement(words=words, values={**values, "naive": Told(value=round(first["naive_mase"], 2), unit=Unit.NUMBER)}),
    )


def members(frames: Frames, params: SalesForecastParams, cell: Cell) -> Frame:
    """The customers who bought in a past bucket; of a bucket to come there are none."""
    days = frames["calendar"].select(nw.col("day").alias("sold_on"), nw.col(_bucket(params)).alias("period_start"))
    known = (
        asked(frames["sales"], params).join(days, on="sold_on", how="inner").filter(~nw.col("customer_id").is_null())
    )
    known = known.filter(nw.col("period_start") < nw.lit(_unfinished(params)))
    if cell.get("period_start") is not None:
        known = known.filter(nw.col("period_start") == nw.lit(cell["period_start"]))
    return known.group_by("customer_id").agg()


def _months(*values: float) -> list[dict[str, Any]]:
    return [
        {"order_id": f"o{number}", "customer_id": "c", "ordered_at": f"2025-{7 + number:02}-01", "amount": value}
        for number, value in enumerate(values)
        if value
    ]


EXAMPLE = Example(
    tables={
        "orders": [
            *_months(100, 0, 300, 200, 100, 150),
            {"order_id": "begun in the middle", "customer_id": "c", "ordered_at": "2025-06-02", "amount": 700},
            {"order_id": "last day", "customer_id": "c", "ordered_at": "2026-01-31 23:59", "amount": 200},
            {"order_id": "unfinished", "customer_id": "c", "ordered_at": "2026-02-01", "amount": 900},
        ]
    },
    params=SalesForecastParams.model_validate({"as_of": "2026-02-27", "ahead": 2}),
    # Six whole months of seven with sales: too short a past to try anything on. The last value goes on, as wide as
    # months differed: the steps are 100, 300, 100, 100, 50, 50; the sixth of six is 300, and nothing is sold below 0.
    expect=[
        {"period_start": date(2025, 7, 1), "actual": 100, "is_forecast": False},
        {"period_start": date(2025, 8, 1), "actual": 0},
        {"period_start": date(2025, 9, 1), "actual": 300},
        {"period_start": date(2025, 10, 1), "actual": 200},
        {"period_start": date(2025, 11, 1), "actual": 100},
        {"period_start": date(2025, 12, 1), "actual": 150},
        {"period_start": date(2026, 1, 1), "actual": 200, "forecast": None},
        {"period_start": date(2026, 2, 1), "actual": None, "forecast": 200, "low": 0, "high": 500,
         "is_forecast": True, "way": "naive", "by_days": False, "mase": None, "coverage": None},
        {"period_start": date(2026, 3, 1), "forecast": 200, "low": 0, "high": 500, "is_forecast": True},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="sales_forecast",
    area="forecast",
    title=Text(ru="Прогноз продаж", en="Sales forecast"),
    question=Text(ru="Сколько продадим, и насколько это верно?", en="How much will be sold, and how sure is that?"),
    how_to_read=Text(
        ru=(
            "Полоса: куда попадёт обещанная доля случаев, судя по прежним ошибкам. Ошибка меньше 1 лучше, чем повторять прошлый "
            "сезон. Прогноз не знает о ваших планах, акциях и поставках: он продолжает прошлое."
        ),
        en=(
            "The band: where the promised share of cases will fall, judging by past errors. An error below 1 is better than "
            "repeating the last season. The forecast knows nothing of your plans, promotions and deliveries: it continues the past."
        ),
    ),
    definition=Text(
        ru=(
            "Учится на законченных отрезках до дня вопроса; отрезок без продаж между первым и последним: 0; первый не в счёт, если продажи начались посреди него. Пробуются "
            "повторение прошлого сезона, тета-метод и комплексное сглаживание; сезон: неделя дней, год недель, месяцев, "
            "кварталов, если истории хватает на два. Каждый способ прогнозирует с нескольких прошлых дней то, что уже известно; "
            "берётся способ с наименьшей ошибкой MASE (средняя ошибка к средней разнице с прошлым сезоном), "
            "если она хотя бы на двадцатую меньше, чем у повторения сезона. Так же пробуется поправка на дни: ряд делится на то, чего стоят его "
            "праздники и дни недели, и множится на будущие; для недель с годовым сезоном сглаживание не "
            "пробуется. Интервал: конформный, по модулям прежних ошибок этого способа, отдельно для ближней и дальней половины. «Попадало в "
            "интервал»: доля прошлых случаев в интервале, построенном без них."
        ),
        en=(
            "It learns from finished buckets up to the day of the question; a bucket without sales between the first and the last "
            "is 0; the first does not count where sales began in the middle of it. Tried are the last season again, the theta method and complex exponential smoothing; a season is a week of days, "
            "a year of weeks, months, quarters, where the past holds two. Each way forecasts from several past days what is known "
            "by now; the one with the least MASE (mean error to the mean difference from the last season) is taken, where it is a twentieth "
            "less than that of repeating the season. So is an allowance for days: the series is divided by what its holidays and weekdays "
            "are worth, and multiplied by those to come; for weeks with a yearly season smoothing is not tried. Interval: conformal, by the sizes of that way's past errors, apart for the near and the far half. “Held by the interval”: the "
            "share of past cases inside an interval made without them."
        ),
    ),
    source="Hyndman, Koehler, IJF 22 (2006), 679-688; Svetunkov et al. (2022), CES; Fiorucci et al., IJF 32 (2016), 1151-1161",
    inputs={"sales": SALES, "calendar": CALENDAR},
    params=SalesForecastParams,
    columns=COLUMNS,
    order=("period_start",),
    compute=sales_forecast,
    finish=finish,
    story=story,
    members=Members(entity="customers", by=("period_start",), select=members),
    chart=Chart(
        kind="lines", x="period_start", y=("forecast", "actual"), interval=("low", "high"), limit=SHOWN_PAST + 60
    ),
    choice=basis_choice(),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="законченных отрезков с продажами", en="finished buckets with sales"),
                at_least=LEAST_BUCKETS + 1,  # the first may be left out
                rows=_with_sales,
            ),
        )
    ),
    left_out=(SALES_WITHOUT_REVENUE,),
    example=EXAMPLE,
)
