"""Review ratings: how many stars do customers give us by themselves, when, where, and for which product?"""

from enum import StrEnum
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import answered, column
from rakurs.analyses.experience.answers import GROUP, by_month, enough, interval_columns, no_month, with_names
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members
from rakurs.core.frames import count_where, ratio, where_cell
from rakurs.core.intervals import wilson
from rakurs.core.params import CUSTOMER_SEGMENT, PeriodParams, parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.canonical import present
from rakurs.marts.tables import CALENDAR
from rakurs.schema import CHANNELS, CUSTOMERS, PRODUCTS, REVIEWS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]


LEAST = 1.0
SCALES = (5.0, 10.0, 100.0)
"""The best rating a site may have; the worst is 1, or less where somebody gave less."""


class ReviewBy(StrEnum):
    """What reviews are put together by."""

    MONTH = "month"
    PLATFORM = "platform"
    CHANNEL = "channel"
    BRANCH = "branch"
    PRODUCT = "product"


class ReviewParams(PeriodParams):
    """Which reviews, and by what."""

    by: ReviewBy = parameter(
        ReviewBy.MONTH,
        Text(ru="По чему", en="By"),
        labels={
            ReviewBy.MONTH: Text(ru="По месяцам", en="Month"),
            ReviewBy.PLATFORM: Text(ru="По площадкам", en="Site"),
            ReviewBy.CHANNEL: Text(ru="По каналам клиентов", en="Customer's channel"),
            ReviewBy.BRANCH: Text(ru="По филиалам", en="Branch"),
            ReviewBy.PRODUCT: Text(ru="По товарам", en="Product"),
        },
    )
    platform: str | None = parameter(
        None,
        Text(ru="Площадка", en="Site"),
        unit=Unit.TEXT,
        help=Text(ru="Как она названа в отзывах", en="As it is called in the reviews"),
    )
    customer_segment: str | None = CUSTOMER_SEGMENT


COLUMNS = (
    *GROUP,
    column("reviews", Unit.COUNT, "Отзывов", "Reviews"),
    *interval_columns("rating", Unit.NUMBER, ru="Средняя оценка", en="Average rating"),
    column("replied", Unit.COUNT, "С ответом", "Replied to"),
    column("replied_share", Unit.SHARE, "Доля с ответом", "Share replied to"),
)
_NAMES = {ReviewBy.CHANNEL: ("channels", "channel_id"), ReviewBy.PRODUCT: ("products", "product_id")}


def review_ratings(*, params: ReviewParams, **frames: Frame) -> Frame:
    """One row per month, site, channel, branch or product of a rated review; reviews of none share a row. Sums only."""
    counted = _grouped(frames, params).group_by("period_start", "key").agg(*_sums())
    return with_names(counted, frames, _NAMES.get(params.by))


def _all(frames: Frames, params: ReviewParams) -> Frame:
    rows = present(frames["reviews"]).filter(
        nw.col("published_on") <= nw.lit(params.today), params.window.contains(nw.col("published_on"))
    )
    return rows if params.platform is None else rows.filter(nw.col("platform") == nw.lit(params.platform))


def _asked(frames: Frames, params: ReviewParams) -> Frame:
    return _all(frames, params).filter(~nw.col("rating").is_null())


def _grouped(frames: Frames, params: ReviewParams) -> Frame:
    rows = _asked(frames, params)
    if params.by is ReviewBy.MONTH:
        return by_month(rows, frames["calendar"], day="published_on")
    if params.by is ReviewBy.CHANNEL:
        rows = rows.join(frames["customers"].select("customer_id", "channel_id"), on="customer_id", how="left")
    of = {ReviewBy.CHANNEL: "channel_id", ReviewBy.PRODUCT: "product_id"}.get(params.by, params.by.value)
    return rows.with_columns(nw.col(of).alias("key"), no_month())


def _sums() -> tuple[nw.Expr, ...]:
    rating = nw.col("rating")
    return (
        nw.len().cast(nw.Int64()).alias("reviews"),
        rating.sum().alias("rating_sum"),
        rating.min().alias("worst"),
        rating.max().alias("best"),
        count_where(~nw.col("answered_at").is_null()).alias("replied"),
    )


def with_interval(summed: pa.Table, params: ReviewParams) -> pa.Table:
    """Adds the mean and its interval on the scale of all the reviews in question."""
    _ = params
    groups = summed.to_pylist()
    most = max((row["best"] for row in groups), default=0.0)
    best = next((top for top in SCALES if top >= most), most)
    worst = min((LEAST, *(row["worst"] for row in groups)))
    rows: list[dict[str, Any]] = []
    for row in groups:
        count, mean = row["reviews"], row["rating_sum"] / row["reviews"]
        share = wilson((row["rating_sum"] - worst * count) / (best - worst), count)
        limits = {"rating_low": None, "rating_high": None}
        if share is not None:
            low, high = (worst + bound * (best - worst) for bound in (share.low, share.high))
            limits = {"rating_low": low, "rating_high": high}
        rows.append({**row, "rating": mean, **limits, "replied_share": row["replied"] / count})
    return answered(rows, COLUMNS)


def totals(frames: Frames, params: ReviewParams) -> Frame:
    """All rated reviews together."""
    return (
        _asked(frames, params)
        .select(*_sums())
        .with_columns(
            ratio(nw.col("rating_sum"), nw.col("reviews")).alias("rating"),
            ratio(nw.col("replied"), nw.col("reviews")).alias("replied_share"),
        )
    )


def members(frames: Frames, params: ReviewParams, cell: Cell) -> Frame:
    """The reviews of a month, site, channel, branch or product."""
    return where_cell(_grouped(frames, params), dict(cell)).select("review_id")


def _reviews(rating: float | None, count: int, product: str | None, **more: Any) -> list[dict[str, Any]]:
    said = {"rating": rating, "published_at": "2026-03-10", "product_id": product, "platform": "Карты", **more}
    return [{"review_id": f"{rating} {product} {more} {number}", **said} for number in range(count)]


EXAMPLE = Example(
    tables={
        "products": [{"product_id": "lamp", "name": "Лампа"}, {"product_id": "sofa", "name": "Диван"}],
        "reviews": [
            *_reviews(5, 8, "lamp", answered_at="2026-03-11"),
            *_reviews(3, 8, "lamp", published_at="2026-03-01"),
            *_reviews(4, 7, "sofa", published_at="2026-03-31 23:59"),
            *_reviews(5, 7, "desk"),
            *_reviews(1, 1, None),
            *_reviews(None, 1, "lamp"),
            *_reviews(1, 1, "lamp", published_at="2026-02-28 23:59"),
            *_reviews(1, 1, "lamp", published_at="2026-04-01"),
            *_reviews(1, 1, "lamp", platform="Маркет"),
        ],
    },
    params=ReviewParams.model_validate(
        {"by": "product", "platform": "Карты", "from_day": "2026-03-01", "to_day": "2026-03-31", "as_of": "2026-04-02"}
    ),
    expect=[
        # 4 is three quarters of the way from 1 to 5. Wilson, 12 of 16: 0.5050..0.8982.
        {"key": "lamp", "name": "Лампа", "reviews": 16, "rating": 4.0, "rating_low": 3.0200673386, "rating_high": 4.5927173005,
         "replied": 8, "replied_share": 0.5},
        {"key": "desk", "name": "desk", "reviews": 7, "rating": 5.0, "rating_high": 5.0, "replied_share": 0.0},
        {"key": "sofa", "name": "Диван", "reviews": 7, "rating": 4.0},
        {"key": None, "name": None, "reviews": 1, "rating": 1.0, "rating_low": 1.0},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="review_ratings",
    area="experience",
    title=Text(ru="Оценки в отзывах", en="Ratings in reviews"),
    question=Text(
        ru="Какие оценки ставят в отзывах, где и чему хуже?", en="How are we rated in reviews, and what is rated worse?"
    ),
    how_to_read=Text(
        ru=(
            "Отрезок показывает, в каких пределах средняя оценка на самом деле: товар с тремя отзывами рано сравнивать с товаром с сотней. У "
            "площадок разные шкалы и разные люди: выбирайте одну. По щелчку открываются отзывы."
        ),
        en=(
            "The segment shows where the average really may lie: a product with three reviews cannot yet be held against one with a hundred. "
            "Sites have scales and people of their own: choose one. A click opens the reviews."
        ),
    ),
    definition=Text(
        ru=(
            "Средняя оценка отзывов по дню публикации; интервал 95 % по Уилсону на шкале от 1 до 5 (до 10, до 100, если "
            "такие оценки есть), с запасом. Доля с ответом: отзывы, на которые ответили. Канал: "
            "канал клиента, если он известен."
        ),
        en=(
            "The average rating of reviews by the day of publication; 95% interval by Wilson on the scale from 1 to 5 (to 10 or 100 "
            "where there are such ratings), rather too wide than too narrow. Share replied to: reviews with a reply. "
            "Channel: that of the customer, where known."
        ),
    ),
    source="Wilson, JASA 22 (1927), 209-212",
    inputs={
        "reviews": stored(REVIEWS),
        "customers": stored(CUSTOMERS),
        "channels": stored(CHANNELS),
        "products": stored(PRODUCTS),
        "calendar": CALENDAR,
    },
    params=ReviewParams,
    columns=COLUMNS,
    order=("period_start", "-reviews", "key"),
    compute=review_ratings,
    finish=with_interval,
    totals=totals,
    members=Members(entity="reviews", by=("key",), select=members, count="reviews"),
    chart=Chart(kind="intervals", x="name", y=("rating",), interval=("rating_low", "rating_high")),
    gate=DataGate(needs=(enough(Text(ru="отзывов с оценкой", en="rated reviews"), _asked),)),
    left_out=(
        LeftOut(
            reason=Text(ru="Отзывы без оценки", en="Reviews without a rating"),
            rows=lambda frames, params: _all(frames, params).filter(nw.col("rating").is_null()),
        ),
    ),
    example=EXAMPLE,
)
