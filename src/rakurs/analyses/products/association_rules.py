"""Association rules: what is bought together, and who has the one but not the other?"""

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rakurs.analyses.columns import answered, column, overlapping
from rakurs.analyses.filters import SalesFilters, basis_choice, filtered_sales, within
from rakurs.analyses.products.basket_rules import MILLION, Rule, rules_of
from rakurs.analyses.products.itemsets import Baskets, Ints
from rakurs.analyses.sale_gates import LINES_OF_RETURNS
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members, Need
from rakurs.core.coding import coded
from rakurs.core.frames import absent
from rakurs.core.intervals import wilson
from rakurs.core.params import parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import SALE_LINES
from rakurs.metrics.basis import BUYING_BASIS, Basis
from rakurs.schema import PRODUCTS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

LEAST_BASKETS = 30
LINES = "sale_lines"


class Items(StrEnum):
    """What stands in a basket."""

    PRODUCTS = "products"
    CATEGORIES = "categories"


KEY_OF = {Items.PRODUCTS: "product_id", Items.CATEGORIES: "category"}


class AssociationRulesParams(SalesFilters):
    """Parameters of the rules."""

    PREFERRED: ClassVar[Basis] = Basis.ORDERS

    basis: Basis = BUYING_BASIS
    items: Items = parameter(
        Items.PRODUCTS,
        Text(ru="Что сочетается", en="Of what"),
        labels={
            Items.PRODUCTS: Text(ru="Товары", en="Products"),
            Items.CATEGORIES: Text(ru="Группы товаров", en="Product categories"),
        },
    )
    min_support: float = parameter(
        0.001,
        Text(ru="Поддержка от", en="Support from"),
        unit=Unit.SHARE,
        help=Text(
            ru="В какой доле покупок товары стоят вместе", en="In which share of purchases the items stand together"
        ),
        ge=0.00001,
        le=1,
    )
    min_confidence: float = parameter(
        0.1,
        Text(ru="Достоверность от", en="Confidence from"),
        unit=Unit.SHARE,
        help=Text(
            ru="Доля покупок причины, где есть и следствие", en="Of the cause's purchases, the share with the effect"
        ),
        ge=0,
        le=1,
    )
    min_count: int = parameter(
        10,
        Text(ru="Покупок вместе от", en="Purchases together from"),
        unit=Unit.COUNT,
        ge=2,
        le=10**9,
        is_advanced=True,
    )
    max_items: int = parameter(
        3, Text(ru="Товаров в правиле до", en="Items in a rule up to"), unit=Unit.COUNT, ge=2, le=10, is_advanced=True
    )
    min_lift: float = parameter(
        1.1,
        Text(ru="Чаще ожидаемого в раз от", en="Times more often than expected, from"),
        unit=Unit.NUMBER,
        ge=1,
        le=1000,
        is_advanced=True,
    )
    false_share: float = parameter(
        0.05,
        Text(ru="Доля ложных правил до", en="Share of false rules up to"),
        unit=Unit.SHARE,
        help=Text(ru="1: показать и случайные", en="1: show those of chance too"),
        ge=0.0001,
        le=1,
        is_advanced=True,
    )
    has_repeats: bool = parameter(
        False,
        Text(ru="Показать и правила, которые следуют из более коротких", en="Show rules that follow from shorter ones"),
        is_advanced=True,
    )


COLUMNS = (
    column("rule", Unit.TEXT, "Правило", "Rule"),
    column("rule_id", Unit.ID, "Коды правила", "Ids of the rule"),
    overlapping("baskets", Unit.COUNT, "Покупок вместе", "Purchases together"),
    column("support", Unit.SHARE, "Поддержка", "Support"),
    overlapping("cause_baskets", Unit.COUNT, "Покупок причины", "Purchases of the cause"),
    column("confidence", Unit.SHARE, "Достоверность", "Confidence"),
    column("confidence_low", Unit.SHARE, "Достоверность, не ниже", "Confidence, low"),
    column("confidence_high", Unit.SHARE, "Достоверность, не выше", "Confidence, high"),
    column("lift", Unit.NUMBER, "Лифт", "Lift"),
    column("expected", Unit.NUMBER, "Ожидалось вместе", "Expected together"),
    column("adjusted_lift", Unit.NUMBER, "Чаще ожидаемого, раз", "Times the expected"),
    column("leverage", Unit.POINTS, "Рычаг", "Leverage"),
    column("q_value", Unit.SHARE, "Доля ложных", "Share of false"),
    overlapping("lacking", Unit.COUNT, "Кому предложить", "Whom to offer"),
)
_EACH = ("basket", "item", "customer_id", "name")


def asked_lines(lines: Frame, params: AssociationRulesParams) -> Frame:
    """What was bought in the period, returns left out: (sale_id, customer_id, item)."""
    found = within(filtered_sales(lines, params), params).filter(~nw.col("is_return"))
    item = nw.col(KEY_OF[params.items]).str.strip_chars()
    return found.with_columns(item.alias("item")).filter(~nw.col("item").is_null(), nw.col("item") != "")


def association_rules(*, sale_lines: Frame, products: Frame, params: AssociationRulesParams) -> Frame:
    """The baskets, for `finish`: one row per purchase and item often enough bought, one per other purchase, one per name.

    A row of a name has no basket; a purchase without frequent items has no item.
    """
    pairs = asked_lines(sale_lines, params).group_by("sale_id", "item").agg(nw.col("customer_id").min())
    held = pairs.group_by("item").agg(nw.len().alias("held"))
    often = held.filter(nw.col("held") >= nw.lit(params.min_count)).select("item")
    frequent = pairs.join(often, on="item", how="semi").select(
        nw.col("sale_id").alias("basket"), "item", "customer_id", absent(Unit.TEXT).alias("name")
    )
    other = (
        pairs.group_by("sale_id")
        .agg(nw.col("customer_id").min())
        .select(
            nw.col("sale_id").alias("basket"),
            absent(Unit.ID).alias("item"),
            "customer_id",
            absent(Unit.TEXT).alias("name"),
        )
    )
    known = products if params.items is Items.PRODUCTS else products.head(0)
    names = known.select(nw.col("product_id").str.strip_chars().alias("item"), "name").join(
        often, on="item", how="semi"
    )
    named = (
        names.group_by("item")
        .agg(nw.col("name").min())
        .select(absent(Unit.ID).alias("basket"), "item", absent(Unit.ID).alias("customer_id"), "name")
    )
    return nw.concat([part.select(*_EACH) for part in (frequent, other, named)])


def finish(rows: pa.Table, params: AssociationRulesParams) -> pa.Table:
    """The rules the baskets hold, by the exact search."""
    table = _Coded(rows)
    if table.baskets.count == 0 or not len(table.items):
        return answered([], COLUMNS)
    least = max(params.min_count, -(-round(params.min_support * MILLION) * table.baskets.count // MILLION))
    found = rules_of(
        table.baskets,
        least=least,
        longest=params.max_items,
        least_confidence=params.min_confidence,
        least_lift=params.min_lift,
        false_share=params.false_share,
    )
    shown = found if params.has_repeats else list(_telling(found))
    return answered([table.row(rule) for rule in shown], COLUMNS)


def _telling(rules: list[Rule]) -> Iterator[Rule]:
    """Those whose longer cause brings the effect more often than a shorter one among them does."""
    known = {(rule.cause, rule.effect): rule for rule in rules}
    for rule in rules:
        shorter = (tuple(item for item in rule.cause if item != left) for left in rule.cause)
        others = [known[cause, rule.effect] for cause in shorter if (cause, rule.effect) in known]
        if all(rule.both * other.cause_baskets * 10 > other.both * rule.cause_baskets * 11 for other in others):
            yield rule


class _Coded:
    """The rows of `association_rules` in numbers: baskets, items and customers counted from 0 in the order of their names."""

    def __init__(self, rows: pa.Table) -> None:
        is_named = pc.is_null(rows["basket"])
        names, purchases = rows.filter(is_named), rows.filter(pc.invert(is_named))
        self._names = dict(zip(names["item"].to_pylist(), names["name"].to_pylist(), strict=True))
        pairs = purchases.filter(pc.is_valid(purchases["item"]))
        self.items, item_codes = coded(pairs["item"])
        whole = purchases.filter(pc.is_null(purchases["item"]))
        self._basket_names, basket_codes = coded(whole["basket"])
        place = pc.index_in(pairs["basket"], value_set=pa.array(self._basket_names, pa.string()))
        self.baskets = Baskets.of(np.asarray(place, dtype=np.int64), item_codes, count=len(self._basket_names))
        self._customers, customer_codes = coded(whole["customer_id"])
        self._customer_of = np.empty(len(self._basket_names), dtype=np.int64)
        self._customer_of[basket_codes] = customer_codes
        self._holders: dict[int, Ints] = {}
        self._order = np.argsort(self.baskets.items, kind="stable")
        self._ends = np.searchsorted(self.baskets.items[self._order], np.arange(len(self.items) + 1))
        self._basket_of = np.repeat(np.arange(self.baskets.count), self.baskets.sizes)

    def row(self, rule: Rule) -> dict[str, Any]:
        """A rule as a row of the answer."""
        total = self.baskets.count
        cause, effect = [self.items[item] for item in rule.cause], self.items[rule.effect]
        confidence, effect_share = rule.both / rule.cause_baskets, rule.effect_baskets / total
        interval = wilson(rule.both, rule.cause_baskets)
        return {
            "rule": f"{' + '.join(self._called(item) for item in cause)} \N{RIGHTWARDS ARROW} {self._called(effect)}",
            "rule_id": json.dumps([cause, effect], ensure_ascii=False),
            "baskets": rule.both,
            "support": rule.both / total,
            "cause_baskets": rule.cause_baskets,
            "confidence": confidence,
            "confidence_low": interval.low if interval else None,
            "confidence_high": interval.high if interval else None,
            "lift": confidence / effect_share,
            "expected": rule.expected,
            "adjusted_lift": rule.both / rule.expected if rule.expected > 0 else None,
            "leverage": rule.both / total - rule.cause_baskets / total * effect_share,
            "q_value": rule.q_value,
            "lacking": self._lacking(rule),
        }

    def _called(self, item: str) -> str:
        return self._names.get(item) or item

    def _lacking(self, rule: Rule) -> int:
        """The customers of whom some purchase holds the cause, and none the effect."""
        held = self._held(rule.cause[0])
        for item in rule.cause[1:]:
            held = held[np.isin(held, self._held(item), assume_unique=True)]
        having = np.unique(self._customer_of[held])
        owning = self._customer_of[self._held(rule.effect)]
        return int(np.isin(having[having >= 0], owning, invert=True).sum())

    def _held(self, item: int) -> Ints:
        if item not in self._holders:
            places = self._order[self._ends[item] : self._ends[item + 1]]
            self._holders[item] = self._basket_of[places]
        return self._holders[item]


def members(frames: Frames, params: AssociationRulesParams, cell: Cell) -> Frame:
    """The customers who bought the cause at once, and never the effect: whom to offer it."""
    lines = asked_lines(frames[LINES], params)
    holding = lines.select("sale_id", "customer_id").group_by("sale_id").agg(nw.col("customer_id").min())
    cause, effect = json.loads(cell["rule_id"]) if cell.get("rule_id") else ((), None)
    for item in cause:
        holding = holding.join(lines.filter(nw.col("item") == nw.lit(item)).select("sale_id"), on="sale_id", how="semi")
    found = holding.filter(~nw.col("customer_id").is_null()).group_by("customer_id").agg()
    if effect is None:
        return found
    owned = lines.filter(nw.col("item") == nw.lit(effect), ~nw.col("customer_id").is_null())
    return found.join(owned.group_by("customer_id").agg(), on="customer_id", how="anti")


def _with_several(frames: Frames, params: AssociationRulesParams) -> Frame:
    """The purchases of two items or more."""
    pairs = asked_lines(frames[LINES], params).group_by("sale_id", "item").agg()
    return pairs.group_by("sale_id").agg(nw.len().alias("items")).filter(nw.col("items") > 1)


def _purchases(
    first: int, count: int, *items: str, customer: str | None = None, day: str = "2026-03-10"
) -> dict[str, Any]:
    orders, lines = [], []
    for number in range(first, first + count):
        order = f"o{number:02}"
        orders.append({"order_id": order, "customer_id": customer or f"c{number:02}", "ordered_at": day, "amount": 2})
        lines += [{"order_id": order, "product_id": item, "quantity": 1, "price": 1} for item in items]
    return {"orders": orders, "order_lines": lines}


def _example_tables() -> dict[str, list[dict[str, Any]]]:
    parts = [
        _purchases(0, 16, "coffee", "filters"),
        _purchases(16, 16, "tea", "sugar"),
        _purchases(32, 4, "coffee", "sugar"),
        _purchases(36, 4, "tea", "filters"),
        _purchases(50, 1, "coffee", "filters", day="2026-04-01"),
    ]
    # Twice in one purchase is once; what came back was not bought.
    more = [
        {"order_id": "o00", "product_id": "coffee ", "quantity": 3, "price": 1},
        {"order_id": "o32", "product_id": "filters", "quantity": 1, "price": 1, "is_return": True},
    ]
    return {
        "products": [{"product_id": "coffee", "name": "Кофе"}, {"product_id": "filters", "name": "Фильтры"}],
        "orders": [order for part in parts for order in part["orders"]],
        "order_lines": [*(line for part in parts for line in part["order_lines"]), *more],
    }


EXAMPLE = Example(
    tables=_example_tables(),
    params=AssociationRulesParams.model_validate(
        {"as_of": "2026-03-31", "min_confidence": 0.8, "min_support": 0.4, "min_count": 16}
    ),
    # 40 purchases of two items: each item stands in 20. 16 of 20 is exactly the least confidence, 16 of 40 the least
    # support. Beside coffee one place is left for three others: half * half / (1 - half * half) = 1/3 of 20.
    expect=[
        {"rule": "Кофе → Фильтры", "rule_id": '[["coffee"], "filters"]', "baskets": 16, "support": 0.4,
         "cause_baskets": 20, "confidence": 0.8, "lift": 1.6, "expected": 20 / 3, "adjusted_lift": 2.4,
         "leverage": 0.15, "lacking": 4},
        {"rule": "Фильтры → Кофе", "rule_id": '[["filters"], "coffee"]', "baskets": 16, "lacking": 4},
        {"rule": "sugar → tea", "rule_id": '[["sugar"], "tea"]', "baskets": 16, "lacking": 4},
        {"rule": "tea → sugar", "rule_id": '[["tea"], "sugar"]', "baskets": 16, "lacking": 4},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="association_rules",
    area="products",
    title=Text(ru="Что берут вместе", en="Bought together"),
    question=Text(
        ru="Что покупают вместе, и у кого есть одно, но нет другого?",
        en="What is bought together, and who has one but not the other?",
    ),
    how_to_read=Text(
        ru=(
            "«Кофе → Фильтры, достоверность 80 %»: в восьми из десяти покупок с кофе есть и фильтры. «Чаще ожидаемого»: во "
            "сколько раз чаще, чем вышло бы само собой в покупках такого размера. «Кому предложить»: клиенты, у которых есть "
            "причина и нет следствия; нажмите на число. Правило не говорит, что одно вызывает другое."
        ),
        en=(
            "“Coffee → Filters, confidence 80%”: eight of ten purchases with coffee hold filters too. “Times the expected”: how "
            "much more often than would come by itself in purchases of that size. “Whom to offer”: customers who have the cause "
            "and lack the effect; click the number. A rule does not say that one makes the other."
        ),
    ),
    definition=Text(
        ru=(
            "Покупка: одна продажа периода, товар считается в ней один раз, возвраты не в счёт. Поддержка: доля покупок, где "
            "стоит всё правило; достоверность: из покупок причины доля со следствием (интервал Уилсона 95 %); лифт: "
            "достоверность к доле покупок со следствием; рычаг: доля вместе минус произведение долей. Наборы находятся все, "
            "пороги сравниваются в целых числах. Ожидалось: в покупке из s товаров с k товарами причины осталось s − k мест, "
            "которые делят остальные по их частоте в покупках того же размера. Показаны правила, где следствие встречается "
            "более чем в min_lift раз чаще ожидаемого не случайно (биномиальный критерий, поправка Бенджамини-Хохберга на все "
            "частые причины с каждым частым товаром), и длинное правило, только если оно на десятую долю достовернее короткого. Кому "
            "предложить: клиенты, у которых есть покупка со всей причиной и нет ни одной со следствием."
        ),
        en=(
            "A purchase is one sale of the period; an item counts once in it, returns do not count. Support: the share of "
            "purchases that hold the whole rule; confidence: of the cause's purchases the share with the effect (Wilson 95% "
            "interval); lift: confidence to the share of purchases with the effect; leverage: share together less the product of "
            "shares. All sets are found, thresholds are compared in whole numbers. Expected: in a purchase of s items with k of the "
            "cause, s − k places are left that the others share by their frequency in purchases of that size. Shown are rules where "
            "the effect comes more than min_lift times as often as expected, beyond chance (binomial test, Benjamini-Hochberg over "
            "every frequent cause with every frequent item), and a longer rule only where it is a tenth more confident than a shorter one. Whom to "
            "offer: customers with a purchase that holds the whole cause and none with the effect."
        ),
    ),
    source=(
        "Agrawal, Srikant, VLDB 1994, 487-499; Zaki, IEEE TKDE 12 (2000), 372-390; "
        "Benjamini, Hochberg, JRSS B 57 (1995), 289-300"
    ),
    inputs={LINES: SALE_LINES, "products": stored(PRODUCTS)},
    params=AssociationRulesParams,
    columns=COLUMNS,
    order=("-adjusted_lift", "-baskets", "rule_id"),
    compute=association_rules,
    finish=finish,
    members=Members(entity="customers", by=("rule_id",), select=members, count="lacking"),
    chart=Chart(kind="bars", x="rule", y=("adjusted_lift",), limit=20),
    choice=basis_choice(Basis.ORDERS, rows=lambda frames, _params: frames[LINES]),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="покупок из двух товаров и больше", en="purchases of two items or more"),
                at_least=LEAST_BASKETS,
                rows=_with_several,
            ),
        )
    ),
    left_out=(
        LeftOut(
            reason=Text(ru="Строки без товара", en="Lines without a product"),
            rows=lambda frames, params: within(filtered_sales(frames[LINES], params), params).filter(
                nw.col(KEY_OF[params.items]).str.strip_chars().fill_null("") == ""
            ),
        ),
        LINES_OF_RETURNS,
    ),
    example=EXAMPLE,
)
