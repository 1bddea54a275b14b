"""The customer's card: who it is, what it is worth, when it buys next, where it stands among the others."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.abc_classes import CLASSES
from rakurs.analyses.cards.events import CUSTOMERS as CARD_NAME
from rakurs.analyses.cards.events import events_of
from rakurs.analyses.cards.foreseen import OF_CUSTOMER
from rakurs.analyses.cards.purchases import FEWEST_GAPS, life_state, rhythm
from rakurs.analyses.cards.standards import BUYING, CLIENTELE, YEAR, Bounds, Clientele
from rakurs.analyses.clients.rfm import SEGMENT_NAMES, segment_of
from rakurs.analyses.clients.rhythm import STATES
from rakurs.analyses.columns import choice, column
from rakurs.core.analysis import Frames
from rakurs.core.card import Card, Rows, Section, Slice, Subject
from rakurs.core.frames import count_where, money_each, sum_or_null
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_OUTCOMES, SALE_LINES, SALES
from rakurs.schema import CUSTOMERS
from rakurs.schema.columns import reference
from rakurs.schema.deals import OUTCOMES
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

KEY = "customer_id"
SHOWN_DEALS, SHOWN_PRODUCTS = 12, 12
STORED = stored(CUSTOMERS)
VERDICTS = {
    "too_few": Text(
        ru="Покупок пока мало, чтобы говорить о следующей", en="Too few purchases yet to speak of the next one"
    ),
    "early": Text(ru="Ещё рано", en="Not yet"),
    "due": Text(ru="Пора: срок покупки наступил", en="Due: it is time to buy"),
    "late": Text(ru="Опаздывает: обычно к этому дню уже покупал", en="Late: usually bought by now"),
}


def _sales(subject: Subject, frames: Frames, basis: str) -> Frame:
    return frames["sales"].filter(nw.col("basis") == nw.lit(basis), nw.col("sold_on") <= nw.lit(subject.today))


def _value(subject: Subject, frames: Frames, against: Any) -> Frame:
    is_sale = nw.col("is_sale")
    sums = _sales(subject, frames, against).select(
        nw.col("revenue").sum().alias("revenue"),
        count_where(is_sale).alias("sales"),
        sum_or_null("margin").alias("margin"),
        nw.col("returned").sum().alias("returned"),
        nw.when(is_sale).then(nw.col("sold_on")).min().alias("first_on"),
        nw.when(is_sale).then(nw.col("sold_on")).max().alias("last_on"),
    )
    return sums.with_columns(money_each(nw.col("revenue"), nw.col("sales")).alias("average_check"))


VALUE = Section(
    name="value",
    title=Text(ru="Ценность", en="Value"),
    help=Text(
        ru=(
            "За всё время, в валюте компании, возвраты вычтены. Продажа: оплаченный заказ, а где заказов нет, "
            "выигранная сделка. Средний чек: выручка на число продаж."
        ),
        en=(
            "Of all time, in the company's currency, returns taken off. A sale is a paid order or, where there are no "
            "orders, a won deal. Average check: revenue by number of sales."
        ),
    ),
    shown="tiles",
    reads={"sales": Slice(table=SALES, by=KEY)},
    columns=(
        column("revenue", Unit.MONEY, "Выручка", "Revenue"),
        column("sales", Unit.COUNT, "Продаж", "Sales"),
        column("average_check", Unit.MONEY, "Средний чек", "Average check"),
        column("margin", Unit.MONEY, "Маржа", "Margin"),
        column("returned", Unit.MONEY, "Возвраты", "Returned"),
        column("first_on", Unit.DAY, "Первая покупка", "First purchase"),
        column("last_on", Unit.DAY, "Последняя покупка", "Last purchase"),
    ),
    compute=_value,
    finish=lambda rows, _subject, _against: [row for row in rows if row["sales"] or row["returned"]],
    standard=BUYING,
    nothing=Text(ru="Покупок ещё не было.", en="No purchases yet."),
)


def _purchase_days(subject: Subject, frames: Frames, against: Any) -> Frame:
    days = _sales(subject, frames, against).filter(nw.col("is_sale")).group_by("sold_on").agg()
    return days.sort("sold_on")


def _next_purchase(rows: Rows, subject: Subject, _against: Any) -> Rows:
    if not rows:
        return []
    own = rhythm([row["sold_on"] for row in rows])
    verdict = "too_few"
    if own.expected_from is not None and own.expected_to is not None:
        is_late, is_early = subject.today > own.expected_to, subject.today < own.expected_from
        verdict = "late" if is_late else "early" if is_early else "due"
    return [
        {
            "verdict": verdict,
            "expected_on": own.expected_on,
            "expected_from": own.expected_from,
            "expected_to": own.expected_to,
            "gap_days": own.gap_days,
            "purchases": own.purchases,
            "lacking": max(FEWEST_GAPS - own.gaps, 0) or None,
        }
    ]


NEXT_PURCHASE = Section(
    name="next_purchase",
    title=Text(ru="Следующая покупка", en="Next purchase"),
    help=Text(
        ru=(
            "Последняя покупка плюс медиана перерывов между днями покупок этого клиента. Окно: от 10-го до 90-го "
            "процентиля его перерывов, то есть в него попали 8 из 10. Меньше трёх перерывов: срок не называется."
        ),
        en=(
            "The last purchase plus the median gap between this customer's own purchase days. The window runs from "
            "the 10th to the 90th percentile of the gaps: 8 of 10 fell into it. With fewer than three gaps no day is "
            "named."
        ),
    ),
    shown="facts",
    reads={"sales": Slice(table=SALES, by=KEY)},
    columns=(
        choice("verdict", "Вывод", "Verdict", VERDICTS),
        column("expected_on", Unit.DAY, "Ожидается", "Expected"),
        column("expected_from", Unit.DAY, "Не раньше", "Not before"),
        column("expected_to", Unit.DAY, "Не позже", "Not after"),
        column("gap_days", Unit.DAYS, "Обычный перерыв", "Usual gap"),
        column("purchases", Unit.COUNT, "Дней с покупками", "Days with a purchase"),
        column("lacking", Unit.COUNT, "Не хватает покупок", "Purchases lacking"),
    ),
    compute=_purchase_days,
    finish=_next_purchase,
    standard=BUYING,
    nothing=Text(ru="Покупок ещё не было.", en="No purchases yet."),
)


def _by_day(subject: Subject, frames: Frames, against: Clientele) -> Frame:
    return (
        _sales(subject, frames, against.basis.value)
        .group_by("sold_on")
        .agg(nw.col("revenue").sum().alias("revenue"), count_where(nw.col("is_sale")).alias("sales"))
        .sort("sold_on")
    )


def _standing(rows: Rows, subject: Subject, against: Clientele) -> Rows:
    days = [row["sold_on"] for row in rows if row["sales"]]
    told: list[Mapping[str, Any]] = []
    for bounds in against.bounds:
        state = life_state(days, on=bounds.day, usual_gap=bounds.gap_days)
        if state is not None:
            ranks = _ranks([row for row in rows if bounds.day - YEAR < row["sold_on"] <= bounds.day], bounds, subject)
            told.append({"day": bounds.day, "state": state, **ranks})
    return told


def _ranks(year: Rows, bounds: Bounds, subject: Subject) -> dict[str, Any]:
    """Ranks, segment and class by the sales of the year before `bounds.day`; nothing without a sale in it."""
    names = ("recency_rank", "frequency_rank", "money_rank", "segment", "class", "revenue", "sales")
    if not year:
        return dict.fromkeys(names)
    revenue = sum((row["revenue"] or Decimal(0) for row in year), Decimal(0))
    sales = sum(row["sales"] for row in year)
    told: dict[str, Any] = {
        **dict.fromkeys(names),
        "revenue": revenue,
        "sales": sales,
        "class": _class(revenue, bounds, subject),
    }
    bought = [row["sold_on"] for row in year if row["sales"]]
    if bought:
        recency = (bounds.day - max(bought)).days
        ranks = (
            max((rank for rank, most in bounds.recency.items() if recency <= most), default=1),
            max((rank for rank, least in bounds.sales.items() if sales >= least), default=1),
            max((rank for rank, least in bounds.revenue.items() if revenue >= least), default=1),
        )
        told |= dict(zip(names, ranks, strict=False)) | {"segment": segment_of(*ranks)}
    return told


def _class(revenue: Decimal, bounds: Bounds, subject: Subject) -> str:
    if revenue > 0:
        for name, last in (("A", bounds.last_a), ("B", bounds.last_b)):
            if last is not None and (-revenue, subject.id) <= (-last[0], last[1]):
                return name
    return "C"


STANDING = Section(
    name="standing",
    title=Text(ru="Место среди клиентов", en="Standing among customers"),
    help=Text(
        ru=(
            "RFM и ABC по выручке за 365 дней до каждого дня, среди всех клиентов, которых вы видите: те же правила, "
            "что в отчётах. Ранги: давность, частота, деньги; 5 лучше всего. Состояние: по собственному ритму клиента; "
            "молчит дольше двух обычных перерывов: засыпает, дольше четырёх: потерян; пока перерывов меньше трёх, "
            "недостающие заменяет обычный перерыв всех клиентов."
        ),
        en=(
            "RFM and ABC by revenue over the 365 days before each day, among all customers you may see: the rules of "
            "the reports. Ranks: recency, frequency, money; 5 is best. State: by the customer's own rhythm; silent for "
            "more than two usual gaps: sleeping, more than four: lost; with fewer than three gaps the usual gap of all "
            "customers stands in for the missing ones."
        ),
    ),
    shown="table",
    reads={"sales": Slice(table=SALES, by=KEY)},
    columns=(
        column("day", Unit.DAY, "На день", "As of"),
        choice("state", "Состояние", "State", STATES),
        choice("segment", "RFM-сегмент", "RFM segment", SEGMENT_NAMES),
        column("recency_rank", Unit.RANK, "R", "R"),
        column("frequency_rank", Unit.RANK, "F", "F"),
        column("money_rank", Unit.RANK, "M", "M"),
        choice("class", "ABC", "ABC", CLASSES),
        column("revenue", Unit.MONEY, "Выручка за год", "Revenue of the year"),
        column("sales", Unit.COUNT, "Продаж за год", "Sales of the year"),
    ),
    compute=_by_day,
    finish=_standing,
    standard=CLIENTELE,
    nothing=Text(ru="Место определится после первой покупки.", en="It will be known after the first purchase."),
)


def _deals(subject: Subject, frames: Frames, _against: Any) -> Frame:
    is_open = nw.when(nw.col("outcome") == "open").then(nw.lit(0)).otherwise(nw.lit(1))
    return (
        frames["deals"]
        .filter(nw.col("created_on") <= nw.lit(subject.today))
        .with_columns(is_open.alias("is_closed"))
        .sort("is_closed", "created_epoch", "deal_id", descending=[False, True, False])
        .head(SHOWN_DEALS)
    )


DEALS = Section(
    name="deals",
    title=Text(ru="Сделки", en="Deals"),
    help=Text(ru="Сначала открытые, затем самые новые.", en="Open ones first, then the newest."),
    shown="table",
    reads={"deals": Slice(table=DEAL_OUTCOMES, by=KEY)},
    columns=(
        reference("deal_id", "deals", "Сделка", "Deal"),
        choice("outcome", "Исход", "Outcome", OUTCOMES),
        reference("stage_id", "stages", "Этап", "Stage"),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        column("created_on", Unit.DAY, "Создана", "Created"),
        reference("manager_id", "employees", "Менеджер", "Manager"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
    ),
    compute=_deals,
    nothing=Text(ru="Сделок нет.", en="No deals."),
)


def _products(subject: Subject, frames: Frames, against: Any) -> Frame:
    sold = frames["lines"].filter(
        nw.col("basis") == nw.lit(against),
        nw.col("sold_on") <= nw.lit(subject.today),
        ~nw.col("product_id").is_null(),
    )
    return (
        sold.group_by("product_id")
        .agg(
            nw.col("revenue").sum().alias("revenue"),
            nw.col("quantity").sum().alias("quantity"),
            count_where(~nw.col("is_return")).alias("times"),
            nw.col("sold_on").max().alias("last_on"),
        )
        .sort("revenue", "product_id", descending=[True, False])
        .head(SHOWN_PRODUCTS)
    )


PRODUCTS = Section(
    name="products",
    title=Text(ru="Что покупает", en="Products bought"),
    help=Text(
        ru="Товары с наибольшей выручкой за всё время; возвраты вычтены.",
        en="The products with the greatest revenue of all time; returns taken off.",
    ),
    shown="table",
    reads={"lines": Slice(table=SALE_LINES, by=KEY)},
    columns=(
        reference("product_id", "products", "Товар", "Product"),
        column("revenue", Unit.MONEY, "Выручка", "Revenue"),
        column("quantity", Unit.QUANTITY, "Количество", "Quantity"),
        column("times", Unit.COUNT, "Раз", "Times"),
        column("last_on", Unit.DAY, "Последний раз", "Last bought"),
    ),
    compute=_products,
    standard=BUYING,
    nothing=Text(
        ru="Товары не указаны: загрузите строки заказов.", en="No products are named: load the lines of orders."
    ),
)

_ABOUT = (
    "kind", "phone", "email", "tax_id", "city", "region", "country", "birth_date", "created_on", "channel_id",
    "manager_id", "custom",
)  # fmt: skip

ABOUT = Section(
    name="about",
    title=Text(ru="О клиенте", en="About"),
    help=Text(ru="Как записано в источнике.", en="As the source has it."),
    shown="facts",
    reads={"customers": Slice(table=STORED, by=KEY)},
    columns=tuple(STORED.column(name) for name in _ABOUT),
    compute=lambda _subject, frames, _against: frames["customers"],
    nothing=Text(
        ru="Есть только в сделках или заказах: карточка клиента не загружена.",
        en="Known from deals or orders only: the customer itself was not loaded.",
    ),
)

CARD = Card(
    name=CARD_NAME,
    table=STORED,
    title=Text(ru="Клиент", en="Customer"),
    icon="user-round",
    label="name",
    seen_through=(
        Slice(table=STORED, by=KEY),
        Slice(table=SALES, by=KEY),
        Slice(table=DEAL_OUTCOMES, by=KEY),
    ),
    sections=(VALUE, NEXT_PURCHASE, OF_CUSTOMER, STANDING, DEALS, PRODUCTS, ABOUT),
    events=events_of(CARD_NAME),
    searched=("name", "email", "tax_id", "phone"),
    digits=("phone",),
    beside=("kind", "city"),
)
