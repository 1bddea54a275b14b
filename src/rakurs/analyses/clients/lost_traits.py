"""Lost traits: what do the customers who left have in common that those who stayed have not?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.clients.lifecycle import TIMES, how_often
from rakurs.analyses.columns import answered, choice, column, named, overlapping
from rakurs.analyses.filters import basis_choice
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, Members, Need, Statement, Told
from rakurs.core.discoveries import benjamini_hochberg, two_sided
from rakurs.core.frames import any_of, count_where, row_number, sum_where, where_cell
from rakurs.core.intervals import wilson
from rakurs.core.params import CUSTOMER_SEGMENT, Params, parameter
from rakurs.core.text import Language, Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, PHONE_CALLS, SALE_LINES, SALES
from rakurs.marts.tables import CUSTOMER as WHO
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.models.history import KEY, numbered
from rakurs.schema import CHANNELS, CUSTOMERS, EMPLOYEES
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

STRATUM = ("of_kind", "of_times")
LEAST_OF_EACH = 30
"""So many who left, so many who stayed, and so many with the trait."""
TRAITS: Mapping[str, Text] = {
    "kind": Text(ru="Вид клиента", en="Customer kind"),
    "region": Text(ru="Регион", en="Region"),
    "channel": Text(ru="Пришёл из канала", en="Came by channel"),
    "manager": Text(ru="Продавал менеджер", en="Sold to by manager"),
    "category": Text(ru="Покупал группу товаров", en="Bought category"),
    "times": Text(ru="Покупал за это время", en="Bought within that time"),
    "returned": Text(ru="Возвраты", en="Returns"),
    "discounted": Text(ru="Скидки", en="Discounts"),
    "missed_call": Text(ru="Пропущенные звонки", en="Missed calls"),
}
WORDS: Mapping[str, Text] = {
    **next(item.choices for item in WHO if item.name == "customer_kind"),
    "returned": Text(ru="Возвращал", en="Returned something"),
    "discounted": Text(ru="Со скидкой", en="At a discount"),
    "missed_call": Text(ru="Не перезвонили", en="Not called back"),
    **TIMES,
}


class LostTraitsParams(Params):
    """Who was a customer, and who is held to have left."""

    PREFERRED: ClassVar[Basis] = Basis.ORDERS

    gone_days: int = parameter(
        180,
        Text(ru="Ушёл: не покупал столько дней", en="Left: bought nothing for so many days"),
        unit=Unit.DAYS,
        ge=7,
        le=1_095,
    )
    active_days: int = parameter(
        365,
        Text(ru="О ком речь: покупал за столько дней до того", en="Of whom: bought within so many days before that"),
        unit=Unit.DAYS,
        ge=30,
        le=1_095,
    )
    false_share: float = parameter(
        0.05,
        Text(ru="Ложных признаков не больше доли", en="At most this share of false traits"),
        unit=Unit.SHARE,
        ge=0.001,
        le=0.5,
        is_advanced=True,
    )
    basis: Basis = BUYING_BASIS
    customer_segment: str | None = CUSTOMER_SEGMENT


COLUMNS = (
    choice("trait", "Признак", "Trait", TRAITS),
    column("value", Unit.ID, "Код значения", "Id of the value"),
    named("name", "Значение", "Value", WORDS),
    overlapping("customers", Unit.COUNT, "Клиентов с ним", "Customers with it"),
    overlapping("gone", Unit.COUNT, "Из них ушли", "Of them left"),
    column("gone_share", Unit.SHARE, "Доля ушедших", "Share who left"),
    column("gone_low", Unit.SHARE, "Не меньше", "At least"),
    column("gone_high", Unit.SHARE, "Не больше", "At most"),
    column("others_share", Unit.SHARE, "У таких же без него", "Of customers alike"),
    column("difference", Unit.POINTS, "Разница", "Difference"),
    overlapping("more_gone", Unit.NUMBER, "Ушло лишних", "Left beyond that share"),
    overlapping("revenue", Unit.MONEY, "Выручка ушедших", "Revenue of those who left"),
    column("chance", Unit.SHARE, "Вероятность случайности", "Probability of chance"),
)
_STORY = Text(
    ru="Из таких ушли {share}, из таких же клиентов без признака {others}: лишних ушедших {more}.",
    en="{share} of them left, {others} of customers alike without it: {more} more than by that share.",
)


def lost_traits(*, params: LostTraitsParams, **frames: Frame) -> Frame:
    """One row per trait, value and stratum: how many had it, how many of them left, of how many in the stratum."""
    counted = (
        with_traits(frames, params)
        .group_by("trait", "value", *STRATUM)
        .agg(
            nw.len().cast(nw.Int64()).alias("customers"),
            count_where(nw.col("is_gone")).alias("gone"),
            sum_where("revenue", nw.col("is_gone")).alias("revenue"),
        )
    )
    people = whole(frames, params)
    strata = nw.concat(
        [
            _in_stratum(people, trait)
            .group_by(*STRATUM)
            .agg(nw.len().cast(nw.Int64()).alias("everybody"), count_where(nw.col("is_gone")).alias("all_gone"))
            .with_columns(nw.lit(trait).alias("trait"))
            for trait in TRAITS
        ]
    )
    names = nw.concat(
        [
            frames["channels"].select(nw.lit("channel").alias("trait"), nw.col("channel_id").alias("value"), "name"),
            frames["employees"].select(nw.lit("manager").alias("trait"), nw.col("employee_id").alias("value"), "name"),
        ]
    )
    return (
        counted.join(strata, on=["trait", *STRATUM], how="inner")
        .join(names, on=["trait", "value"], how="left")
        .with_columns(nw.coalesce("name", "value").alias("name"))
    )


def _in_stratum(people: Frame, trait: str) -> Frame:
    """With the customers each one is held against: of his kind who bought as often, but for the trait in question."""
    alike = {"of_kind": "kind", "of_times": "times"}
    return people.with_columns(
        (nw.lit("") if own == trait else nw.coalesce(nw.col(own), nw.lit(""))).alias(name)
        for name, own in alike.items()
    )


def whole(frames: Frames, params: LostTraitsParams) -> Frame:
    """One row per customer who bought on the days in question: whether he left, and what he had brought on them."""
    began, ended = _bounds(params)
    sales = _sales(frames, params)
    known = sales.filter(nw.col("sold_on") > nw.lit(began), nw.col("sold_on") <= nw.lit(ended))
    since = sales.filter(nw.col("sold_on") > nw.lit(ended), nw.col("is_sale")).group_by(KEY).agg()
    last = known.filter(~nw.col("manager_id").is_null()).with_columns((-nw.col("day_number")).alias("latest"))
    sellers = (
        last.with_columns(row_number([KEY], ["latest", "sale_id"]).alias("rank"))
        .filter(nw.col("rank") == 1)
        .select(KEY, nw.col("manager_id").alias("manager"))
    )
    missed = (
        frames["calls"]
        .filter(
            nw.col("is_missed"),
            nw.col("direction") == "in",
            ~nw.col("is_called_back").fill_null(value=False),
            ~nw.col(KEY).is_null(),
            nw.col("started_on") > nw.lit(began),
            nw.col("started_on") <= nw.lit(ended),
        )
        .group_by(KEY)
        .agg()
    )
    people = known.group_by(KEY).agg(
        count_where(nw.col("is_sale")).alias("purchases"),
        nw.col("revenue").sum().alias("revenue"),
        nw.col("customer_kind").max().alias("kind"),
        nw.col("region").max().alias("region"),
        any_of(nw.col("returned").fill_null(0) > 0).alias("has_returned"),
        any_of(nw.col("discount").fill_null(0) > 0).alias("had_discount"),
    )
    return (
        people.filter(nw.col("purchases") > 0)
        .join(frames["customers"].select(KEY, nw.col("channel_id").alias("channel")), on=KEY, how="left")
        .join(sellers, on=KEY, how="left")
        .join(_marked(missed, "missed"), on=KEY, how="left")
        .join(_marked(since, "came"), on=KEY, how="left")
        .with_columns(
            how_often(nw.col("purchases")).alias("times"),
            _named("returned", nw.col("has_returned")),
            _named("discounted", nw.col("had_discount")),
            _named("missed_call", ~nw.col("missed").is_null()),
            nw.col("came").is_null().alias("is_gone"),
        )
    )


def with_traits(frames: Frames, params: LostTraitsParams) -> Frame:
    """One row per customer and trait he has, some of them several times with other values."""
    people = whole(frames, params)
    own = [
        _in_stratum(people, name)
        .filter(~nw.col(name).is_null())
        .select(KEY, "is_gone", "revenue", *STRATUM, nw.lit(name).alias("trait"), nw.col(name).alias("value"))
        for name in TRAITS
        if name != "category"
    ]
    began, ended = _bounds(params)
    lines = in_basis(frames["lines"], params.basis, preferred=params.PREFERRED).filter(
        nw.col("sold_on") > nw.lit(began),
        nw.col("sold_on") <= nw.lit(ended),
        ~nw.col("is_return").fill_null(value=False),
        ~nw.col("category").is_null(),
    )
    bought = lines.group_by(KEY, "category").agg()
    buyers = _in_stratum(people, "category").select(KEY, "is_gone", "revenue", *STRATUM)
    categories = bought.join(buyers, on=KEY, how="inner").select(
        KEY, "is_gone", "revenue", *STRATUM, nw.lit("category").alias("trait"), nw.col("category").alias("value")
    )
    return nw.concat([*own, categories])


def _bounds(params: LostTraitsParams) -> tuple[Any, Any]:
    """The day before the days in question begin, and their last."""
    ended = params.today - timedelta(days=params.gone_days)
    return ended - timedelta(days=params.active_days), ended


def _sales(frames: Frames, params: LostTraitsParams) -> Frame:
    sales = numbered(in_basis(frames["sales"], params.basis, preferred=params.PREFERRED), frames["calendar"])
    return sales.filter(nw.col("sold_on") <= nw.lit(params.today))


def _marked(rows: Frame, name: str) -> Frame:
    return rows.with_columns(nw.lit(1).alias(name))


def _named(trait: str, condition: nw.Expr) -> nw.Expr:
    """The trait by its own name where it is had: not having it is none."""
    return nw.when(condition).then(nw.lit(trait)).alias(trait)


@dataclass(slots=True)
class _Held:
    """One value of a trait, held against customers alike in every stratum (Cochran, Mantel, Haenszel)."""

    trait: str
    value: str
    name: str
    customers: int = 0
    gone: int = 0
    revenue: Decimal = Decimal(0)
    compared: int = 0
    alike_gone: float = 0.0
    more_gone: float = 0.0
    surplus: float = 0.0
    variance: float = 0.0

    def add(self, row: Mapping[str, Any]) -> None:
        """One stratum. Where everybody has the value there is nobody to compare with."""
        size, gone, everybody, all_gone = (row[name] for name in ("customers", "gone", "everybody", "all_gone"))
        self.customers, self.gone = self.customers + size, self.gone + gone
        self.revenue += row["revenue"] or 0
        others = everybody - size
        if others > 0:
            alike = size * (all_gone - gone) / others
            self.compared += size
            self.alike_gone += alike
            self.more_gone += gone - alike
            self.surplus += gone - size * all_gone / everybody
            self.variance += size * others * all_gone * (everybody - all_gone) / (everybody**2 * (everybody - 1))

    @property
    def chance(self) -> float:
        """The two-sided p-value of "as many leave as of customers alike"."""
        return two_sided(self.surplus / self.variance**0.5) if self.variance > 0 else 1.0

    def told(self, chance: float) -> dict[str, Any]:
        """A row of the answer."""
        share, alike = self.gone / self.customers, self.alike_gone / self.compared
        interval = wilson(self.gone, self.customers)
        return {
            **{
                name: getattr(self, name)
                for name in ("trait", "value", "name", "customers", "gone", "revenue", "more_gone")
            },
            "gone_share": share,
            "gone_low": interval.low if interval else None,
            "gone_high": interval.high if interval else None,
            "others_share": alike,
            "difference": self.more_gone / self.compared,
            "chance": chance,
        }


def told(counted: pa.Table, params: LostTraitsParams) -> pa.Table:
    """Of all values looked at those with which customers surely leave more, or less, than customers alike without them."""
    found: dict[tuple[str, str], _Held] = {}
    for row in counted.sort_by([(name, "ascending") for name in ("trait", "value", *STRATUM)]).to_pylist():
        key = (row["trait"], row["value"])
        found.setdefault(key, _Held(*key, row["name"])).add(row)
    looked_at = [item for item in found.values() if min(item.customers, item.compared) >= LEAST_OF_EACH]
    chances = benjamini_hochberg([item.chance for item in looked_at])
    sure = [item.told(chance) for item, chance in zip(looked_at, chances, strict=True) if chance <= params.false_share]
    return answered(sure, COLUMNS)


def members(frames: Frames, params: LostTraitsParams, cell: Cell) -> Frame:
    """The customers who left with a value of a trait."""
    gone = with_traits(frames, params).filter(nw.col("is_gone"))
    return where_cell(gone, dict(cell)).select(KEY).unique()


def story(table: pa.Table, params: LostTraitsParams) -> tuple[Statement, ...]:
    """The three traits with which most leave beyond the share of customers alike."""
    _ = params
    rows = sorted((row for row in table.to_pylist() if row["more_gone"] > 0), key=lambda row: -row["more_gone"])
    return tuple(
        Statement(
            words=_said(TRAITS[row["trait"]], WORDS.get(row["name"], Text(ru=row["name"], en=row["name"]))),
            values={
                "share": Told(value=row["gone_share"], unit=Unit.SHARE),
                "others": Told(value=row["others_share"], unit=Unit.SHARE),
                "more": Told(value=round(row["more_gone"]), unit=Unit.COUNT),
            },
            cell={"trait": row["trait"], "value": row["value"]},
        )
        for row in rows[:3]
    )


def _said(trait: Text, value: Text) -> Text:
    def of(language: Language) -> str:
        # A name may hold braces, which would be taken for a value's.
        named = f"{trait.to(language)}: {value.to(language)}".replace("{", "(").replace("}", ")")
        return f"{named}. {_STORY.to(language)}"

    return Text(ru=of("ru"), en=of("en"))


def _gone(frames: Frames, params: LostTraitsParams) -> Frame:
    return whole(frames, params).filter(nw.col("is_gone"))


def _stayed(frames: Frames, params: LostTraitsParams) -> Frame:
    return whole(frames, params).filter(~nw.col("is_gone"))


def _customers(prefix: str, count: int, *, bought: str, again: str | None = None, **more: Any) -> list[dict[str, Any]]:
    """Orders of so many customers, bought on a day and perhaps again."""
    return [
        {
            "order_id": f"{prefix}{number} {day}",
            "customer_id": f"{prefix}{number}",
            "ordered_at": day,
            "amount": 10,
            **more,
        }
        for number in range(count)
        for day in (bought, again)
        if day is not None
    ]


def _known(prefix: str, count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"customer_id": f"{prefix}{number}", **more} for number in range(count)]


EXAMPLE = Example(
    tables={
        "channels": [{"channel_id": "ads", "name": "Реклама"}],
        "customers": [
            *_known("a", 40, channel_id="ads"),
            *_known("b", 20, channel_id="ads"),
            *_known("c", 20, channel_id="friends"),
            *_known("d", 60, channel_id="friends"),
        ],
        "orders": [
            # The first and the last of the days in question; then nothing, or a purchase on the first or last day after.
            *_customers("a", 40, bought="2025-03-02"),
            *_customers("b", 20, bought="2025-12-31", again="2026-01-01"),
            *_customers("c", 20, bought="2025-12-31"),
            *_customers("d", 60, bought="2025-12-31", again="2026-03-31"),
            # Not of the days in question.
            *_customers("e", 50, bought="2025-03-01"),
            *_customers("f", 50, bought="2026-01-01"),
        ],
    },
    params=LostTraitsParams.model_validate({"as_of": "2026-03-31", "gone_days": 90, "active_days": 305}),
    expect=[
        # Of sixty by ads forty left, of eighty others twenty.
        {"trait": "channel", "value": "ads", "name": "Реклама", "customers": 60, "gone": 40, "gone_share": 2 / 3,
         "others_share": 0.25, "difference": 2 / 3 - 0.25, "more_gone": 25, "revenue": 400},
        {"trait": "channel", "value": "friends", "name": "friends", "customers": 80, "gone": 20, "gone_share": 0.25,
         "others_share": 2 / 3, "difference": 0.25 - 2 / 3, "more_gone": 20 - 80 * 2 / 3, "revenue": 200},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="lost_traits",
    area="clients",
    title=Text(ru="Что общего у ушедших", en="What those who left have in common"),
    question=Text(
        ru="С какими признаками клиенты уходят чаще, и сколько таких ушло сверх обычного?",
        en="With which traits do customers leave more often, and how many of them left beyond the usual?",
    ),
    how_to_read=Text(
        ru=(
            "Сверху признаки, с которыми ушло больше всего лишних клиентов. Показано только то, что не объясняется случаем: "
            "просмотрены все значения всех признаков, и поправка на их число сделана. Признак ещё не причина: проверить её можно "
            "пробой с контрольной группой."
        ),
        en=(
            "On top are the traits with which most customers left beyond the others' share. Shown is only what chance does not "
            "explain: every value of every trait was looked at, and that is allowed for. A trait is not yet a cause: an experiment "
            "with a control group can tell."
        ),
    ),
    definition=Text(
        ru=(
            "Речь о купивших за active_days дней, кончившихся gone_days дней назад; ушёл тот, кто с тех пор ничего не купил. "
            "Признаки взяты по тем дням: менеджер последней продажи, группы купленных товаров, число покупок, возвраты, скидки, "
            "пропущенные звонки без ответного за час; вид, регион и канал клиента. Сравниваются клиенты с признаком и без него, но "
            "того же вида и покупавшие столько же раз (критерий Кохрана, Мантеля и Хензеля): иначе кто покупал чаще, у того и "
            "возвратов, и звонков больше. Поправка Бенджамини и Хохберга на все просмотренные значения; те, которых меньше "
            f"{LEAST_OF_EACH}, не рассматриваются. Ушло лишних = ушло с признаком − ушло бы при доле таких же без него."
        ),
        en=(
            "Of customers who bought within active_days days that ended gone_days days ago; left has whoever bought nothing since. "
            "Traits are of those days: the manager of the last sale, categories bought, number of purchases, returns, discounts, "
            "missed calls not called back within an hour; kind, region and channel of the customer. Customers with a trait are held "
            "against those without it of the same kind who bought as often (Cochran, Mantel, Haenszel): else whoever buys more has "
            "more returns and calls too. Benjamini-Hochberg over all values looked at; those of fewer than "
            f"{LEAST_OF_EACH} are not. Left beyond = left with it − would have left at the share of customers alike."
        ),
    ),
    source="Mantel, Haenszel, JNCI 22 (1959), 719-748; Benjamini, Hochberg, Journal of the Royal Statistical Society B 57 (1995), 289-300",
    inputs={
        "sales": SALES,
        "lines": SALE_LINES,
        "calls": PHONE_CALLS,
        "calendar": CALENDAR,
        "customers": stored(CUSTOMERS),
        "channels": stored(CHANNELS),
        "employees": stored(EMPLOYEES),
    },
    params=LostTraitsParams,
    columns=COLUMNS,
    order=("-more_gone", "trait", "value"),
    compute=lost_traits,
    finish=told,
    members=Members(entity="customers", by=("trait", "value"), select=members, count="gone"),
    chart=Chart(kind="bars", x="name", y=("gone_share", "others_share"), limit=15),
    choice=basis_choice(Basis.ORDERS),
    gate=DataGate(
        needs=(
            Need(what=Text(ru="ушедших клиентов", en="customers who left"), at_least=LEAST_OF_EACH, rows=_gone),
            Need(what=Text(ru="оставшихся клиентов", en="customers who stayed"), at_least=LEAST_OF_EACH, rows=_stayed),
        )
    ),
    story=story,
    example=EXAMPLE,
)
