"""What is known of each customer on a day? The traits that sets of customers are chosen and described by."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.abc_classes import CLASSES
from rakurs.analyses.cards.standards import abc_params
from rakurs.analyses.clients.abc import classed
from rakurs.analyses.clients.rfm import SEGMENT_NAMES, RfmParams, ranked
from rakurs.analyses.filters import as_known
from rakurs.analyses.said import SCORES, said_by
from rakurs.core.analysis import Frames
from rakurs.core.errors import UnknownName
from rakurs.core.frames import absent, count_where, money_each
from rakurs.core.metric import Dimension
from rakurs.core.model import Model
from rakurs.core.params import Params
from rakurs.core.periods import day_number
from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.canonical import present
from rakurs.marts.tables import CALENDAR, CUSTOMER, DEAL_OUTCOMES, SALES
from rakurs.metrics.basis import Basis, in_basis
from rakurs.metrics.dimensions import CHANNEL, CUSTOM, MANAGER
from rakurs.models.cancelling import MODEL as CANCELLING
from rakurs.models.churn import MODEL as CHURN
from rakurs.models.groups import GROUP_NAMES
from rakurs.models.groups import MODEL as GROUPS
from rakurs.models.lifetime import MODEL as LIFETIME
from rakurs.models.uplift import MODEL as UPLIFT
from rakurs.schema import CUSTOMERS
from rakurs.schema.derived import stored
from rakurs.schema.scores import MODEL_SCORES

Frame = nw.LazyFrame[Any]

ROWS = "customer_traits"
"""What the frame of `customer_traits` is called where a dimension says in which column of what it stands."""
INPUTS: Mapping[str, Table] = {
    "customers": stored(CUSTOMERS),
    "sales": SALES,
    "deals": DEAL_OUTCOMES,
    "calendar": CALENDAR,
    SCORES: MODEL_SCORES,
}
_YES_NO: Mapping[str, Text] = {"yes": Text(ru="да", en="yes"), "no": Text(ru="нет", en="no")}
_KINDS = next(column.choices for column in CUSTOMER if column.name == "customer_kind")
_TRAIT = Text(ru="Признака", en="trait")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """One thing known of a customer. `choices` are the words for its few values; `group` is where a form lists it."""

    dimension: Dimension
    group: Text
    choices: Mapping[str, Text] = field(default_factory=dict[str, Text])
    is_telling: bool = False
    """Whether a set is described by it: a named value that few enough customers share."""

    @property
    def name(self) -> str:
        """The name a condition calls it by."""
        return self.dimension.name


_WHO = Text(ru="Кто это", en="Who they are")
_BOUGHT = Text(ru="Покупки за всё время", en="Purchases of all time")
_WINDOW = Text(ru="Покупки в окне", en="Purchases in the window")
_STANDING = Text(ru="Место и работа", en="Standing and work")
_FORESEEN = Text(ru="Что говорят модели", en="What models say")


def _trait(
    name: str,
    unit: Unit,
    group: Text,
    ru: str,
    en: str,
    *,
    choices: Mapping[str, Text] | None = None,
    labels: tuple[str, str, str] | None = None,
    is_telling: bool = False,
) -> Trait:
    dimension = Dimension(
        name=name, title=Text(ru=ru, en=en), unit=unit, columns={ROWS: name}, labels=labels, is_split=False
    )
    return Trait(dimension=dimension, group=group, choices=choices or {}, is_telling=is_telling)


TRAITS: tuple[Trait, ...] = (
    _trait("kind", Unit.TEXT, _WHO, "Вид клиента", "Customer kind", choices=_KINDS, is_telling=True),
    _trait("region", Unit.TEXT, _WHO, "Регион", "Region", is_telling=True),
    _trait("city", Unit.TEXT, _WHO, "Город", "City", is_telling=True),
    _trait("country", Unit.TEXT, _WHO, "Страна", "Country"),
    _trait("channel", Unit.ID, _WHO, "Канал", "Channel", labels=CHANNEL.labels, is_telling=True),
    _trait("manager", Unit.ID, _WHO, "Менеджер", "Manager", labels=MANAGER.labels, is_telling=True),
    _trait("created_on", Unit.DAY, _WHO, "Создан", "Created"),
    _trait("has_email", Unit.TEXT, _WHO, "Есть почта", "Has an e-mail", choices=_YES_NO),
    _trait("has_phone", Unit.TEXT, _WHO, "Есть телефон", "Has a phone", choices=_YES_NO),
    _trait("purchases", Unit.COUNT, _BOUGHT, "Число покупок", "Number of purchases"),
    _trait("revenue", Unit.MONEY, _BOUGHT, "Выручка", "Revenue"),
    _trait("average_check", Unit.MONEY, _BOUGHT, "Средний чек", "Average check"),
    _trait("first_days_ago", Unit.DAYS, _BOUGHT, "Первая покупка, дней назад", "First purchase, days ago"),
    _trait("last_days_ago", Unit.DAYS, _BOUGHT, "Последняя покупка, дней назад", "Last purchase, days ago"),
    _trait("window_purchases", Unit.COUNT, _WINDOW, "Покупок в окне", "Purchases in the window"),
    _trait("window_revenue", Unit.MONEY, _WINDOW, "Выручка в окне", "Revenue in the window"),
    _trait(
        "rfm_segment",
        Unit.TEXT,
        _WINDOW,
        "RFM-сегмент",
        "RFM segment",
        choices=SEGMENT_NAMES,
        is_telling=True,
    ),
    _trait("abc_class", Unit.TEXT, _STANDING, "Класс ABC за год", "ABC class of the year", choices=CLASSES, is_telling=True),
    _trait("repeat_buyer", Unit.TEXT, _STANDING, "Покупал не раз", "Bought more than once", choices=_YES_NO, is_telling=True),
    _trait("active_probability", Unit.SHARE, _FORESEEN, "Вероятность, что ещё с нами, от 0 до 1", "Probability to be active, 0 to 1"),
    _trait("lifetime_value", Unit.MONEY, _FORESEEN, "Ценность (CLV)", "Value (CLV)"),
    _trait("churn_probability", Unit.SHARE, _FORESEEN, "Вероятность ухода, от 0 до 1", "Probability to leave, 0 to 1"),
    _trait(
        "cancel_probability", Unit.SHARE, _FORESEEN, "Вероятность отказа от подписки, от 0 до 1", "Probability to cancel, 0 to 1"
    ),
    _trait("uplift", Unit.POINTS, _FORESEEN, "Отклик на обращение, от -1 до 1", "Uplift of an approach, -1 to 1"),
    _trait("revenue_at_stake", Unit.MONEY, _FORESEEN, "Выручка под угрозой", "Revenue at stake"),
    _trait(
        "customer_group", Unit.TEXT, _FORESEEN, "Группа клиентов", "Customer group", choices=GROUP_NAMES, is_telling=True
    ),
    _trait("open_deals", Unit.COUNT, _STANDING, "Открытых сделок", "Open deals"),
    _trait("has_open_deal", Unit.TEXT, _STANDING, "Есть открытая сделка", "Has an open deal", choices=_YES_NO, is_telling=True),
)  # fmt: skip
"""In the order of the form. Custom fields of the customers' own files join them by name (`custom.<field>`)."""


def trait_named(name: str) -> Trait:
    """The trait called `name`, or the one of a custom field; UnknownName says which is nearest."""
    key = name.removeprefix(CUSTOM)
    if key and key != name:
        dimension = Dimension(
            name=name, title=Text(ru=key, en=key), unit=Unit.TEXT, columns={ROWS: "custom"}, custom_key=key
        )
        return Trait(dimension=dimension, group=_WHO)
    found = next((trait for trait in TRAITS if trait.name == name), None)
    if found is None:
        raise UnknownName(_TRAIT, name, [trait.name for trait in TRAITS])
    return found


def customer_traits(
    frames: Frames,
    *,
    today: date,
    window_days: int = 365,
    basis: str = Basis.AUTO,
    names: Collection[str] | None = None,
) -> Frame:
    """One row per customer, all `TRAITS` of it at the end of `today`, and `custom`.

    The window is the last `window_days` days, `today` included. A purchase is a sale of `basis`; returns take off
    revenue and are no purchase. Days ago are empty for whoever never bought, counts are 0. Who a customer is (region,
    channel, custom fields) is known as of now only. A customer created after `today` is not there. With `names` only
    those traits need be right: ranks and classes of nobody's asking are not worked out.
    """
    is_created = (nw.col("created_on") <= nw.lit(today)) | nw.col("created_on").is_null()
    chosen = Basis(basis)
    bought = _bought(in_basis(frames["sales"], chosen, preferred=Basis.ORDERS), today=today, window_days=window_days)
    rows = present(frames["customers"]).filter(is_created).join(bought, on="customer_id", how="left")
    for name, standing in _STANDINGS.items():
        if names is None or name in names:
            found = standing(frames, today=today, window_days=window_days, basis=chosen)
            rows = rows.join(found, on="customer_id", how="left")
        else:
            rows = rows.with_columns(absent(Unit.TEXT).alias(name))
    for model, said in _SAID.items():
        if names is None or not said.keys().isdisjoint(names):
            scores = said_by(frames[SCORES], model, Params(as_of=today))
            own = scores.select("customer_id", *(nw.col(column).alias(name) for name, column in said.items()))
            rows = rows.join(own, on="customer_id", how="left")
        else:
            rows = rows.with_columns(*(absent(trait_named(name).dimension.unit).alias(name) for name in said))
    rows = rows.join(_open_deals(frames["deals"], today), on="customer_id", how="left")
    for end in ("first", "last"):
        rows = _with_days_ago(rows, frames["calendar"], f"{end}_on", today=today, name=f"{end}_days_ago")
    counts = ("purchases", "window_purchases", "open_deals")
    sums = ("revenue", "window_revenue")
    filled = rows.with_columns(
        *(nw.col(name).fill_null(0).alias(name) for name in counts),
        *(nw.coalesce(nw.col(name), nw.lit(0).cast(Unit.MONEY.dtype)).alias(name) for name in sums),
        nw.col("channel_id").alias("channel"),
        nw.col("manager_id").alias("manager"),
        _yes(~nw.col("email").is_null()).alias("has_email"),
        _yes(~nw.col("phone").is_null()).alias("has_phone"),
    )
    told = filled.with_columns(
        money_each(nw.col("revenue"), nw.col("purchases")).alias("average_check"),
        _yes(nw.col("purchases") > 1).alias("repeat_buyer"),
        _yes(nw.col("open_deals") > 0).alias("has_open_deal"),
    )
    typed = (nw.col(trait.name).cast(trait.dimension.unit.dtype).alias(trait.name) for trait in TRAITS)
    return told.select("customer_id", *typed, "custom")


def _rfm_segments(frames: Frames, *, today: date, window_days: int, basis: Basis) -> Frame:
    params = RfmParams(as_of=today, window_days=window_days, basis=basis)
    rows = ranked(frames["sales"], frames["calendar"], params)
    return rows.select("customer_id", nw.col("segment").alias("rfm_segment"))


def _abc_classes(frames: Frames, *, today: date, window_days: int, basis: Basis) -> Frame:
    _ = window_days
    rows = classed(frames, abc_params(today, basis))
    return rows.select(nw.col("id").alias("customer_id"), nw.col("class").alias("abc_class"))


_STANDINGS: Mapping[str, Callable[..., Frame]] = {"rfm_segment": _rfm_segments, "abc_class": _abc_classes}
"""The traits that take a ranking of all customers."""


_SAID: Mapping[Model, Mapping[str, str]] = {
    LIFETIME: {"active_probability": "score", "lifetime_value": "amount"},
    CHURN: {"churn_probability": "score", "revenue_at_stake": "amount"},
    CANCELLING: {"cancel_probability": "score"},
    UPLIFT: {"uplift": "score"},
    GROUPS: {"customer_group": "factor_1"},
}
"""The traits that are scores of a model, and the column each is kept in."""


def _yes(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit("yes")).otherwise(nw.lit("no"))


def _bought(sales: Frame, *, today: date, window_days: int) -> Frame:
    """One row per customer of any sale up to `today`."""
    first = today - timedelta(days=window_days - 1)
    in_window = nw.col("sold_on") >= nw.lit(first)
    is_sale = nw.col("is_sale")
    known = sales.filter(nw.col("sold_on") <= nw.lit(today), ~nw.col("customer_id").is_null())
    marked = known.with_columns(
        nw.when(is_sale).then(nw.col("sold_on")).alias("bought_on"),
        (is_sale & in_window).alias("is_window_sale"),
        nw.when(in_window).then(nw.col("revenue")).alias("window_revenue"),
    )
    return marked.group_by("customer_id").agg(
        nw.col("bought_on").min().alias("first_on"),
        nw.col("bought_on").max().alias("last_on"),
        count_where(nw.col("is_sale")).alias("purchases"),
        nw.col("revenue").sum().alias("revenue"),
        count_where(nw.col("is_window_sale")).alias("window_purchases"),
        nw.col("window_revenue").sum().alias("window_revenue"),
    )


def _open_deals(deals: Frame, today: date) -> Frame:
    known = as_known(deals.filter(nw.col("created_on") <= nw.lit(today)), today)
    is_open = (nw.col("outcome") == "open") & ~nw.col("customer_id").is_null()
    return known.filter(is_open).group_by("customer_id").agg(nw.len().alias("open_deals"))


def _with_days_ago(rows: Frame, calendar: Frame, column: str, *, today: date, name: str) -> Frame:
    numbers = calendar.select(nw.col("day").alias(column), nw.col("day_number").alias(f"{column}_number"))
    return rows.join(numbers, on=column, how="left").with_columns(
        (nw.lit(day_number(today)) - nw.col(f"{column}_number")).alias(name)
    )
