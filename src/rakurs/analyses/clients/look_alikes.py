"""Look-alikes: which other customers are like the best ones, or those of a segment, and in what?"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

import narwhals.stable.v2 as nw

from rakurs.analyses.clients.names import with_customer_names
from rakurs.analyses.columns import CUSTOMER, choice, column, named
from rakurs.analyses.filters import basis_choice, in_segment
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, Members, Need
from rakurs.core.frames import count_where, ratio, row_number, where_cell
from rakurs.core.params import Params, parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.canonical import present
from rakurs.marts.tables import CUSTOMER as WHO
from rakurs.marts.tables import SALE_LINES, SALES
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.schema import CHANNELS, CUSTOMERS
from rakurs.schema.derived import stored
from rakurs.schema.segments import SEGMENT_MEMBERSHIPS

Frame = nw.LazyFrame[Any]

KEY = "customer_id"
LEAST_BUYERS = 50
PRIOR_CUSTOMERS = 20.0
"""A value's share of the best counts as its customers, the common one as so many more."""
MOST_BUCKETS, LEAST_IN_BUCKET = 20, 50
TRAITS: Mapping[str, Text] = {
    "kind": Text(ru="Вид клиента", en="Customer kind"),
    "region": Text(ru="Регион", en="Region"),
    "channel_id": Text(ru="Канал", en="Channel"),
    "category": Text(ru="Начал с группы товаров", en="Began with category"),
}
KINDS = next(item.choices for item in WHO if item.name == "customer_kind")


class LookAlikesParams(Params):
    """Who the best are, and among whom others like them are sought."""

    PREFERRED: ClassVar[Basis] = Basis.ORDERS

    best_share: float = parameter(
        0.2, Text(ru="Лучшие: доля покупавших", en="The best: share of buyers"), unit=Unit.SHARE, ge=0.01, le=0.5
    )
    like_segment: str | None = parameter(
        None,
        Text(ru="Похожих на сегмент", en="Like a segment"),
        unit=Unit.ID,
        help=Text(
            ru="На его клиентов в день вопроса; не выбран: на лучших по выручке",
            en="Like its customers on the day of the question; without one: like the best by revenue",
        ),
        options="customer_segment",
    )
    active_days: int = parameter(
        365, Text(ru="По выручке за столько дней", en="By revenue of so many days"), unit=Unit.DAYS, ge=30, le=1_095
    )
    only_silent: bool = parameter(
        default=False,
        title=Text(ru="Только кто за эти дни не покупал", en="Only who bought nothing within those days"),
        unit=Unit.FLAG,
    )
    basis: Basis = BUYING_BASIS


COLUMNS = (
    *CUSTOMER,
    column("likeness", Unit.NUMBER, "Сходство", "Likeness"),
    column("alike_share", Unit.SHARE, "Лучших среди таких же", "The best among those as alike"),
    choice("trait", "Больше всего похож", "Most alike in", TRAITS),
    column("because_id", Unit.ID, "Код значения", "Id of the value"),
    named("because", "Значение", "Value", KINDS),
    column("because_lift", Unit.NUMBER, "Из-за него, раз", "By it, times"),
    column("revenue", Unit.MONEY, "Выручка за эти дни", "Revenue of those days"),
)


def look_alikes(*, params: LookAlikesParams, **frames: Frame) -> Frame:
    """One row per customer who is not among the best."""
    rows = with_customer_names(unnamed(params=params, **frames), frames, params)
    channels = frames["channels"].select(
        nw.lit("channel_id").alias("trait"), nw.col("channel_id").alias("because_id"), nw.col("name").alias("because")
    )
    named_rows = rows.join(channels, on=["trait", "because_id"], how="left")
    return named_rows.with_columns(nw.coalesce("because", "because_id").alias("because"))


def unnamed(*, params: LookAlikesParams, **frames: Frame) -> Frame:
    """The same by ids."""
    told = _among_alike(_strongest(_traits(_people(frames, params))))
    others = told.filter(nw.col("is_best") == 0)
    return others.filter(nw.col("revenue").is_null()) if params.only_silent else others


def _people(frames: Frames, params: LookAlikesParams) -> Frame:
    """One row per customer known by the day of the question: who he is, what he began with, `is_best` 1 or 0."""
    began = params.today - timedelta(days=params.active_days)
    sales = in_basis(frames["sales"], params.basis, preferred=params.PREFERRED)
    bought = (
        sales.filter(
            ~nw.col(KEY).is_null(), nw.col("sold_on") > nw.lit(began), nw.col("sold_on") <= nw.lit(params.today)
        )
        .group_by(KEY)
        .agg(nw.col("revenue").sum().alias("revenue"), count_where(nw.col("is_sale")).alias("sales"))
        .filter(nw.col("sales") > 0)
        .with_columns((-nw.col("revenue").cast(nw.Float64()).fill_null(0.0)).alias("least"), nw.lit(1).alias("all"))
        .with_columns(row_number(["all"], ["least", KEY]).alias("place"), nw.col("all").sum().over("all").alias("size"))
    )
    is_best = nw.col("place") <= (nw.col("size").cast(nw.Float64()) * params.best_share).ceil()
    best = bought.filter(is_best).select(KEY)
    if params.like_segment is not None:
        best = in_segment(frames["memberships"], params.like_segment, params.today).group_by(KEY).agg()
    is_created = (nw.col("created_on") <= nw.lit(params.today)) | nw.col("created_on").is_null()
    return (
        present(frames["customers"])
        .filter(is_created)
        .select(KEY, "kind", "region", "channel_id")
        .join(_first_categories(frames, params), on=KEY, how="left")
        .join(bought.select(KEY, "revenue"), on=KEY, how="left")
        .join(best.with_columns(nw.lit(1).alias("is_best")), on=KEY, how="left")
        .with_columns(nw.col("is_best").fill_null(0))
    )


def _first_categories(frames: Frames, params: LookAlikesParams) -> Frame:
    """One row per customer: the category that took most money on the first day of buying."""
    lines = in_basis(frames["lines"], params.basis, preferred=params.PREFERRED).filter(
        ~nw.col(KEY).is_null(),
        ~nw.col("category").is_null(),
        ~nw.col("is_return").fill_null(value=False),
        nw.col("sold_on") <= nw.lit(params.today),
    )
    return (
        lines.group_by(KEY, "sold_on", "category")
        .agg((-nw.col("revenue").cast(nw.Float64()).fill_null(0.0).sum()).alias("least"))
        .with_columns(row_number([KEY], ["sold_on", "least", "category"]).alias("rank"))
        .filter(nw.col("rank") == 1)
        .select(KEY, "category")
    )


def _traits(people: Frame) -> Frame:
    """One row per customer and trait known of him, with how much oftener than among all the best have that value."""
    # Windows instead of joins with itself: a lazy frame that is used twice is counted twice.
    known = nw.concat(
        [
            people.filter(~nw.col(name).is_null()).select(
                KEY, "is_best", "revenue", nw.lit(name).alias("trait"), nw.col(name).alias("value")
            )
            for name in TRAITS
        ]
    )
    best, one = nw.col("is_best").cast(nw.Float64()), nw.lit(1.0)
    counted = known.with_columns(best.alias("best"), one.alias("one")).with_columns(
        nw.col("best").sum().over("trait").alias("all_best"),
        nw.col("one").sum().over("trait").alias("all_size"),
        nw.col("best").sum().over("trait", "value").alias("best"),
        nw.col("one").sum().over("trait", "value").alias("size"),
    )
    lift = (nw.col("best") / nw.col("common") + PRIOR_CUSTOMERS) / (nw.col("size") + PRIOR_CUSTOMERS)
    return (
        counted.with_columns(ratio(nw.col("all_best"), nw.col("all_size")).alias("common"))
        .filter(nw.col("common") > 0.0)
        .with_columns(lift.log().alias("log_lift"))
    )


def _strongest(traits: Frame) -> Frame:
    """One row per customer: how alike by all traits together, and the trait that says most for it."""
    return (
        traits.with_columns(
            nw.col("log_lift").sum().over(KEY).alias("log_likeness"), (-nw.col("log_lift")).alias("weakest")
        )
        .with_columns(row_number([KEY], ["weakest", "trait"]).alias("rank"))
        .filter(nw.col("rank") == 1)
        .select(
            KEY,
            "is_best",
            "revenue",
            "trait",
            "log_likeness",
            nw.col("log_likeness").exp().alias("likeness"),
            nw.col("value").alias("because_id"),
            nw.col("log_lift").exp().alias("because_lift"),
        )
    )


def _among_alike(rows: Frame) -> Frame:
    """With the share of the best among the customers about as alike."""
    buckets = nw.max_horizontal(
        nw.min_horizontal((nw.col("size") / LEAST_IN_BUCKET).floor(), nw.lit(float(MOST_BUCKETS))), nw.lit(1.0)
    )
    bucket = ((nw.col("place") - 1).cast(nw.Float64()) * buckets / nw.col("size")).floor()
    return (
        rows.with_columns((-nw.col("log_likeness")).alias("least"), nw.lit(1.0).alias("all"))
        .with_columns(row_number(["all"], ["least", KEY]).alias("place"), nw.col("all").sum().over("all").alias("size"))
        .with_columns(bucket.alias("bucket"))
        .with_columns(nw.col("is_best").cast(nw.Float64()).mean().over("bucket").alias("alike_share"))
    )


def members(frames: Frames, params: LookAlikesParams, cell: Cell) -> Frame:
    """The customers most alike in a trait, or one by id."""
    return where_cell(unnamed(params=params, **frames), dict(cell)).select(KEY)


def _known(frames: Frames, params: LookAlikesParams) -> Frame:
    """Who is learned from: the buyers the best are chosen of, or the segment's customers."""
    people = _people(frames, params)
    if params.like_segment is None:
        return people.filter(~nw.col("revenue").is_null())
    return people.filter(nw.col("is_best") == 1)


def _orders(kind: str, amount: float) -> list[dict[str, Any]]:
    return [
        {"order_id": f"{kind} {n:02}", "customer_id": f"{kind} {n:02}", "ordered_at": "2026-03-01", "amount": amount}
        for n in range(60)
    ]


EXAMPLE = Example(
    tables={
        "customers": [
            {"customer_id": "tomorrow", "kind": "company", "created_at": "2026-04-01"},
            *({"customer_id": f"{kind} {n:02}", "kind": kind} for kind in ("company", "person") for n in range(60)),
        ],
        "orders": [
            *_orders("company", 100),
            *_orders("person", 10),
            # Too old to count.
            {"order_id": "old", "customer_id": "person 00", "ordered_at": "2025-03-31", "amount": 9_000},
        ],
    },
    params=LookAlikesParams.model_validate({"as_of": "2026-03-31", "best_share": 0.25}),
    # Thirty of 120 are the best: thirty companies, the first of equals. Of companies half: (30 / .25 + 20) / (60 + 20).
    expect=[
        *(
            {"customer_id": f"company {n:02}", "likeness": 1.75, "alike_share": 0.5, "trait": "kind", "because": "company",
             "because_lift": 1.75, "revenue": 100}
            for n in range(30, 60)
        ),
        *(
            {"customer_id": f"person {n:02}", "likeness": 0.25, "alike_share": 0.0, "because": "person", "revenue": 10}
            for n in range(60)
        ),
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="look_alikes",
    area="clients",
    title=Text(ru="Похожие на лучших", en="Look-alikes of the best"),
    question=Text(ru="Кто похож на лучших клиентов, и чем?", en="Who is like the best customers, and in what?"),
    how_to_read=Text(
        ru=(
            "Сверху те, на кого похожи лучшие. Сходство больше 1: с такими признаками лучших больше, чем в среднем. Сколько их на самом "
            "деле, говорит «Лучших среди таких же». Сходство не обещает покупок: оно подсказывает, с кого начать."
        ),
        en=(
            "On top are those whom the best are like. Likeness above 1: with such traits the best are more frequent than on average. How "
            "many they really are is told by “The best among those as alike”. Likeness promises no purchase: it says with whom to begin."
        ),
    ),
    definition=Text(
        ru=(
            "Лучшие: доля best_share покупавших за active_days дней, с наибольшей выручкой; выбран сегмент: вместо них его клиенты в "
            "день вопроса. Признаки известны с начала: вид, регион, "
            "канал, группа товаров, на которую ушло больше всего денег в первый день покупок; чего о клиенте не известно, то не "
            "считается. Сходство = доля лучших среди клиентов со значением признака / доля лучших вообще, притянутая к 1 "
            f"весом {PRIOR_CUSTOMERS:.0f} клиентов; по признакам перемножено (наивный Байес), поэтому связанные признаки завышают. "
            "Лучших среди таких же: доля в одной двадцатой всех клиентов по сходству, сами лучшие тоже в счёт."
        ),
        en=(
            "The best: the share best_share of those who bought within active_days days, by revenue; where a segment is chosen: its "
            "customers on the day of the question instead. Traits are known from the "
            "start: kind, region, channel, the category that took most money on the first day of buying; what is not known of a "
            "customer does not count. Likeness = share of the best among customers with the value / share of the best "
            f"among all, pulled to 1 by the weight of {PRIOR_CUSTOMERS:.0f} customers; multiplied over traits (naive Bayes), so that "
            "related traits say too much. The best among those as alike: their share in a twentieth of all customers by likeness, "
            "the best themselves counted."
        ),
    ),
    source="Hand, Yu, International Statistical Review 69 (2001), 385-398",
    inputs={
        "customers": stored(CUSTOMERS),
        "sales": SALES,
        "lines": SALE_LINES,
        "channels": stored(CHANNELS),
        "memberships": SEGMENT_MEMBERSHIPS,
    },
    params=LookAlikesParams,
    columns=COLUMNS,
    order=("-likeness", "customer_id"),
    compute=look_alikes,
    members=Members(entity="customers", by=("customer_id", "trait", "because_id"), select=members),
    chart=Chart(kind="bars", x="customer", y=("likeness",), limit=20),
    choice=basis_choice(Basis.ORDERS),
    gate=DataGate(
        needs=(
            Need(
                what=Text(
                    ru="клиентов, покупавших за эти дни (или бывших в сегменте)",
                    en="customers who bought within those days (or were in the segment)",
                ),
                at_least=LEAST_BUYERS,
                rows=_known,
            ),
        )
    ),
    example=EXAMPLE,
)
