"""Unusual sales: with whom, of what and where do returns, deep discounts and losses come together more than by chance?

Rare rules: {manager, product} -> return. A pair must say more than each of its parts alone does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rakurs.analyses.columns import answered, choice, column, flag, named, overlapping
from rakurs.analyses.filters import SalesFilters, asked_sales, basis_choice
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, Members, Need, Statement, Told
from rakurs.core.discoveries import benjamini_hochberg
from rakurs.core.frames import absent, conform, ratio, sums_by_each
from rakurs.core.money import cents
from rakurs.core.params import parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, CUSTOMER, SALE_LINES, SALES
from rakurs.metrics.basis import BUYING_BASIS, Basis
from rakurs.schema import CHANNELS, EMPLOYEES, PRODUCTS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]
Array = NDArray[np.float64]

EVENTS: Mapping[str, Text] = {
    "returned": Text(ru="Возврат", en="Return"),
    "discounted": Text(ru="Глубокая скидка", en="Deep discount"),
    "at_loss": Text(ru="Продано в убыток", en="Sold at a loss"),
}
TRAITS: Mapping[str, Text] = {
    "manager": Text(ru="Менеджер", en="Manager"),
    "branch": Text(ru="Филиал", en="Branch"),
    "channel": Text(ru="Канал", en="Channel"),
    "kind": Text(ru="Вид клиента", en="Customer kind"),
    "weekday": Text(ru="День недели", en="Weekday"),
    "category": Text(ru="Группа товаров", en="Product category"),
    "product": Text(ru="Товар", en="Product"),
}
COLUMN_OF = {
    "manager": "manager_id",
    "branch": "branch",
    "channel": "channel_id",
    "kind": "customer_kind",
    "weekday": "weekday",
    "category": "category",
    "product": "product_id",
}
OWNERS = {"manager", "branch"}
GRAINS = ((), ("category",), ("product",))
"""What a row of the counting is: a sale, a category in it, a product in it."""
IMPLIED = {("manager", "branch"), ("category", "product")}
"""Of these pairs the one says the other."""
PAIRS = tuple(pair for pair in combinations(TRAITS, 2) if pair not in IMPLIED)
_WEEKDAYS = (
    ("понедельник", "Monday"),
    ("вторник", "Tuesday"),
    ("среда", "Wednesday"),
    ("четверг", "Thursday"),
    ("пятница", "Friday"),
    ("суббота", "Saturday"),
    ("воскресенье", "Sunday"),
)
WORDS: Mapping[str, Text] = {
    **(next(item.choices for item in CUSTOMER if item.name == "customer_kind") or {}),
    **{f"weekday.{number}": Text(ru=ru, en=en) for number, (ru, en) in enumerate(_WEEKDAYS, start=1)},
}


class UnusualSalesParams(SalesFilters):
    """What counts as rare, and how sure it must be."""

    PREFERRED: ClassVar[Basis] = Basis.ORDERS

    basis: Basis = BUYING_BASIS
    discount_from: float = parameter(
        0.15, Text(ru="Глубокая скидка от", en="A deep discount from"), unit=Unit.SHARE, ge=0.01, le=1
    )
    max_support: float = parameter(
        0.01,
        Text(ru="Не чаще, доля продаж", en="No more often, share of sales"),
        unit=Unit.SHARE,
        help=Text(
            ru="Правило бывает не чаще этой доли всех продаж",
            en="A rule holds for no more than this share of all sales",
        ),
        ge=0.0001,
        le=1,
    )
    min_count: int = parameter(5, Text(ru="Случаев не меньше", en="Cases at least"), unit=Unit.COUNT, ge=2, le=10_000)
    false_share: float = parameter(
        0.05,
        Text(ru="Ложных не больше", en="False ones at most"),
        unit=Unit.SHARE,
        help=Text(ru="Доля случайных среди показанных", en="The share of chance finds among those shown"),
        ge=0.001,
        le=0.5,
        is_advanced=True,
    )


COLUMNS = (
    column("place", Unit.RANK, "Место", "Place"),
    choice("event", "Что случилось", "What happened", EVENTS),
    choice("trait", "Признак", "Trait", TRAITS),
    column("id", Unit.ID, "Код", "Id"),
    named("name", "Где", "Where", WORDS),
    choice("other_trait", "И признак", "And trait", TRAITS),
    column("other_id", Unit.ID, "Код второго", "Id of the second"),
    named("other_name", "И где", "And where", WORDS),
    overlapping("cases", Unit.COUNT, "Случаев", "Cases"),
    overlapping("sales", Unit.COUNT, "Продаж", "Sales"),
    column("share", Unit.SHARE, "Доля", "Share"),
    column("expected_share", Unit.SHARE, "Обычно", "Usually"),
    column("lift", Unit.NUMBER, "Во сколько раз чаще", "Times as often"),
    overlapping("amount", Unit.MONEY, "Сумма таких строк", "Money of such lines"),
    column("support", Unit.SHARE, "Доля всех продаж", "Share of all sales"),
    column("q_value", Unit.SHARE, "Доля ложных", "Share of false ones"),
)
_COUNTED = ("sales", *EVENTS, *(f"{event}_amount" for event in EVENTS))
PARTS = (
    *(column(name, Unit.TEXT, name, name) for name in ("trait", "id", "name", "other_trait", "other_id", "other_name")),
    flag("is_owned", "С менеджером", "With a manager"),
    *(column(name, Unit.NUMBER, name, name) for name in _COUNTED),
)
"""What the engine hands over: sums of everything, of each value of a trait, and of each pair of values."""


def lines(frames: Frames, params: UnusualSalesParams) -> Frame:
    """The lines of the period's sales with their traits and whether each event happened to them."""
    discounts = asked_sales(frames["sales"], params).select(
        "basis",
        "sale_id",
        ratio(nw.col("discount"), nw.col("revenue") - nw.col("returned").fill_null(0) + nw.col("discount")).alias(
            "cut"
        ),
    )
    days = frames["calendar"].select(
        nw.col("day").alias("sold_on"),
        nw.concat_str(nw.lit("weekday."), nw.col("weekday").cast(nw.String())).alias("weekday"),
    )
    is_return = nw.col("is_return").fill_null(value=False)
    return (
        asked_sales(frames["sale_lines"], params)
        .join(discounts, on=["basis", "sale_id"], how="left")
        .join(days, on="sold_on", how="left")
        .with_columns(
            is_return.alias("returned"),
            (~is_return & (nw.col("cut") >= params.discount_from).fill_null(value=False)).alias("discounted"),
            (~is_return & (nw.col("margin") < 0).fill_null(value=False)).alias("at_loss"),
        )
    )


def unusual_sales(*, params: UnusualSalesParams, **frames: Frame) -> Frame:
    """Counts of sales and of those with each event, by value of a trait and by pair of values.

    A manager is compared with managers: where a sale has none it is not counted among theirs (`is_owned`).
    """
    sold = lines(frames, params)
    parts = [_counted(_alike(sold, grain), grain) for grain in GRAINS]
    return _with_names(
        _with_names(nw.concat(parts), frames, "trait", "id", "name"), frames, "other_trait", "other_id", "other_name"
    )


def _alike(sold: Frame, extra: tuple[str, ...]) -> Frame:
    """One row per sale (and category, or product): its traits, whether anything was sold, and whether each event happened."""
    kept = [COLUMN_OF[trait] for trait in TRAITS if trait not in {"category", "product"}]
    flags = {"sales": ~nw.col("returned"), **{event: nw.col(event) for event in EVENTS}}
    money = nw.col("revenue").cast(nw.Float64()).abs()
    columns = [COLUMN_OF[trait] for trait in (*extra, *(("category",) if extra == ("product",) else ()))]
    return sold.group_by("sale_id", *columns).agg(
        *(nw.col(name).min().alias(name) for name in kept),
        *(nw.when(flag).then(nw.lit(1)).otherwise(nw.lit(0)).max().alias(name) for name, flag in flags.items()),
        *(nw.when(nw.col(event)).then(money).otherwise(nw.lit(0.0)).sum().alias(f"{event}_amount") for event in EVENTS),
    )


def _counted(rows: Frame, grain: tuple[str, ...]) -> Frame:
    """The sums of everything, of each value and of each pair that is counted in rows of this grain."""
    sets = [
        (is_owned, traits)
        for is_owned in (False, True)
        for traits in ((), *((trait,) for trait in TRAITS), *PAIRS)
        if _grain_of(traits) == grain and _is_wanted(traits, is_owned=is_owned)
    ]
    keys = [
        (*(COLUMN_OF[trait] for trait in traits), *(("is_owned",) if is_owned else ())) for is_owned, traits in sets
    ]
    owned = nw.when(~nw.col("manager_id").is_null()).then(nw.lit(value=True)).alias("is_owned")
    summed = sums_by_each(rows.with_columns(owned), keys, _COUNTED).with_columns(
        nw.col("is_owned").fill_null(value=False)
    )
    said_of = [traits for _, traits in sets]
    columns = tuple(item for item in PARTS if "name" not in item.name)
    return conform(
        summed.with_columns(*_said(said_of, 0, "trait", "id"), *_said(said_of, 1, "other_trait", "other_id")), columns
    )


def _grain_of(traits: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(trait for trait in traits if trait in {"category", "product"})[-1:]


def _is_wanted(traits: tuple[str, ...], *, is_owned: bool) -> bool:
    """Of the owned alone: all of them, what stands beside a manager or branch, and what those are compared with."""
    has_owner = bool(OWNERS & {*traits})
    return (has_owner or len(traits) < 2) if is_owned else not has_owner


def _said(sets: Sequence[tuple[str, ...]], place: int, name: str, key: str) -> tuple[nw.Expr, nw.Expr]:
    """Which trait stands at this place of a row's set, and its value; nothing where the set is shorter."""
    of = {
        trait: nw.col("set").is_in(numbers)
        for trait in TRAITS
        if (numbers := [n for n, traits in enumerate(sets) if traits[place : place + 1] == (trait,)])
    }
    if not of:
        return absent(Unit.TEXT).alias(name), absent(Unit.TEXT).alias(key)
    return (
        nw.coalesce(*(nw.when(has).then(nw.lit(trait)) for trait, has in of.items())).alias(name),
        nw.coalesce(*(nw.when(has).then(nw.col(COLUMN_OF[trait])) for trait, has in of.items())).alias(key),
    )


def _with_names(rows: Frame, frames: Frames, trait: str, key: str, name: str) -> Frame:
    parts = [
        frames[table].select(nw.lit(of).alias(trait), nw.col(f"{own}_id").alias(key), nw.col("name").alias(name))
        for of, table, own in (
            ("manager", "employees", "employee"),
            ("channel", "channels", "channel"),
            ("product", "products", "product"),
        )
    ]
    named_rows = rows.join(nw.concat(parts), on=[trait, key], how="left")
    return named_rows.with_columns(nw.coalesce(nw.col(name), nw.col(key)).alias(name))


@dataclass(frozen=True, slots=True)
class _Event:
    """The counts of one event, aligned with the rows of the parts; of each row its one or two wholes."""

    cases: Array
    sales: Array
    wholes: tuple[NDArray[np.int64], NDArray[np.int64]]

    def usual(self, chosen: NDArray[np.int64]) -> Array:
        """The share in the rest of that whole in which it is greater; of a row that is all of its whole, none."""
        rests = []
        for whole in self.wholes:
            sales = self.sales[whole[chosen]] - self.sales[chosen]
            cases = self.cases[whole[chosen]] - self.cases[chosen]
            rests.append(np.divide(cases, sales, out=np.zeros_like(sales), where=sales > 0))
        return np.minimum(np.maximum(*rests), 1.0)

    def chance(self, chosen: NDArray[np.int64]) -> Array:
        """How likely so many cases are if the row is a chance part of its whole: the greater of the two (Fisher's exact)."""
        from scipy.stats import hypergeom  # noqa: PLC0415 - slow to import

        cases, sales = self.cases[chosen], self.sales[chosen]
        found = [
            hypergeom.sf(
                cases - 1,
                np.maximum(self.sales[whole[chosen]], self.cases[whole[chosen]]),
                self.cases[whole[chosen]],
                sales,
            )
            for whole in self.wholes
        ]
        return np.maximum(*found)


def finish(parts: pa.Table, params: UnusualSalesParams) -> pa.Table:
    """The rules that are rare, sure, and say more than each of their parts: those of the most money first."""
    counts = {name: np.nan_to_num(np.asarray(parts[name].cast(pa.float64()))) for name in _COUNTED}
    everything = np.flatnonzero(np.asarray(pc.is_null(parts["trait"])))
    total = counts["sales"][everything].max(initial=0)
    if not total:
        return answered([], COLUMNS)
    wholes = _wholes(parts)
    rows: list[dict[str, Any]] = []
    for event in EVENTS:
        rows += _rules(event, parts, counts, wholes, total=total, params=params)
    rows.sort(
        key=lambda row: (
            -row["amount"],
            row["event"],
            row["trait"],
            row["id"],
            row["other_trait"] or "",
            row["other_id"] or "",
        )
    )
    return answered([{**row, "place": place} for place, row in enumerate(rows, start=1)], COLUMNS)


def _wholes(parts: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each row the places of the rows it is a part of: of a pair its two values, of a value everything."""
    is_pair = np.asarray(pc.is_valid(parts["other_trait"]))
    owned = pc.if_else(parts["is_owned"], "owned", "all")
    nothing = pa.array([""] * parts.num_rows)

    def keyed(trait: Any, key: Any) -> Any:
        whole = [column.cast(pa.string()).fill_null("") for column in (trait, key)]
        return pc.binary_join_element_wise(owned, *whole, "\x1f")

    own = keyed(parts["trait"], parts["id"])
    single = np.flatnonzero(~is_pair)
    known = own.take(pa.array(single)).combine_chunks()
    everything = keyed(nothing, nothing)
    places = [
        np.asarray(pc.index_in(key, value_set=known).fill_null(0))
        for key in (own, keyed(parts["other_trait"], parts["other_id"]), everything)
    ]
    first, second = (np.where(is_pair, single[place], single[places[2]]) for place in places[:2])
    return first.astype(np.int64), second.astype(np.int64)


def _is_told(parts: pa.Table) -> NDArray[np.bool_]:
    """Which rows may be told of: those of the owned alone which name no manager and no branch are there to compare with."""
    has_owner = pc.or_(
        pc.is_in(parts["trait"].cast(pa.string()), value_set=pa.array(sorted(OWNERS))),
        pc.is_in(parts["other_trait"].cast(pa.string()), value_set=pa.array(sorted(OWNERS))),
    )
    return np.asarray(pc.and_(pc.is_valid(parts["trait"]), pc.equal(has_owner, parts["is_owned"])))


def _rules(
    event: str,
    parts: pa.Table,
    counts: Mapping[str, Array],
    wholes: tuple[NDArray[np.int64], NDArray[np.int64]],
    *,
    total: float,
    params: UnusualSalesParams,
) -> Iterator[dict[str, Any]]:
    is_part = _is_told(parts)
    # A return may stand in a sale whose other lines are of other products: there are no fewer sales than cases.
    seen = _Event(counts[event], np.maximum(counts["sales"], counts[event]), wholes)
    tests = int((is_part & (seen.sales >= params.min_count)).sum())
    chosen = np.flatnonzero(is_part & (seen.cases >= params.min_count) & (seen.cases <= params.max_support * total))
    if not len(chosen):
        return
    share, usual = seen.cases[chosen] / seen.sales[chosen], seen.usual(chosen)
    # Those with fewer cases were looked at too: their chance is taken as certain.
    chances = np.r_[seen.chance(chosen), np.ones(max(tests - len(chosen), 0))]
    sure = benjamini_hochberg(chances.tolist())[: len(chosen)]
    for place, row in enumerate(chosen.tolist()):
        if sure[place] > params.false_share or share[place] <= usual[place]:
            continue
        named_as = {
            name: parts[name][row].as_py() for name in ("trait", "id", "name", "other_trait", "other_id", "other_name")
        }
        yield {
            **named_as,
            "event": event,
            "cases": int(seen.cases[row]),
            "sales": int(seen.sales[row]),
            "share": float(share[place]),
            "expected_share": float(usual[place]),
            "lift": float(share[place] / usual[place]) if usual[place] > 0 else None,
            "amount": cents(counts[f"{event}_amount"][row]),
            "support": float(seen.cases[row] / total),
            "q_value": sure[place],
        }


def story(table: pa.Table, params: UnusualSalesParams) -> tuple[Statement, ...]:
    """How many rules there are, and that they accuse nobody."""
    if not table.num_rows:
        return ()
    return (
        Statement(
            words=Text(
                ru="Необычных сочетаний: {rules}; случайных среди них не больше {false}. Это повод посмотреть записи, а не обвинение.",
                en="Unusual combinations: {rules}; no more than {false} of them by chance. A reason to look at the records, no accusation.",
            ),
            values={
                "rules": Told(value=table.num_rows, unit=Unit.COUNT),
                "false": Told(value=params.false_share, unit=Unit.SHARE),
            },
        ),
    )


def members(frames: Frames, params: UnusualSalesParams, cell: Cell) -> Frame:
    """The sales in which the event happened; without one, those of the traits."""
    found = lines(frames, params)
    for trait, key in (("trait", "id"), ("other_trait", "other_id")):
        if cell.get(trait) is not None:
            found = found.filter(nw.col(COLUMN_OF[cell[trait]]) == nw.lit(cell[key]))
    if cell.get("event") is not None:
        found = found.filter(nw.col(cell["event"]))
    return found.group_by("sale_id").agg().select("sale_id")


def _sale(number: int, manager: str, product: str, *, back: bool) -> dict[str, list[dict[str, Any]]]:
    order = {"order_id": f"{number}", "ordered_at": "2026-01-05", "customer_id": "c", "manager_id": manager}
    line = {"order_id": f"{number}", "product_id": product, "quantity": 1, "price": 10, "line_no": 1}
    returned = {**line, "quantity": -1, "line_no": 2, "is_return": True}
    return {"orders": [order], "order_lines": [line, *([returned] if back else [])]}


def _made() -> Mapping[str, list[dict[str, Any]]]:
    """Boris' lamps come back six times out of seven; his chairs, and lamps of others, do not."""
    made: dict[str, list[dict[str, Any]]] = {"orders": [], "order_lines": []}
    kinds = (("boris", "lamp", 7, 6), ("boris", "chair", 20, 0), ("anna", "lamp", 20, 0), ("anna", "chair", 20, 1))
    for manager, product, sales, back in kinds:
        for number in range(sales):
            sale = _sale(len(made["orders"]), manager, product, back=number < back)
            made["orders"] += sale["orders"]
            made["order_lines"] += sale["order_lines"]
    return made


EXAMPLE = Example(
    tables={"employees": [{"employee_id": "boris", "name": "Борис"}], **_made()},
    params=UnusualSalesParams.model_validate({"as_of": date(2026, 1, 31), "max_support": 0.1}),
    expect=[
        {"place": 1, "event": "returned", "trait": "manager", "id": "boris", "name": "Борис", "other_trait": "product",
         "other_id": "lamp", "other_name": "lamp", "cases": 6, "sales": 7, "share": 6 / 7, "expected_share": 0.0,
         "lift": None, "amount": 60, "support": 6 / 67},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="unusual_sales",
    area="sales",
    title=Text(ru="Необычные продажи", en="Unusual sales"),
    question=Text(
        ru="Где возвраты, глубокие скидки и убытки сходятся чаще, чем случайно?",
        en="Where do returns, deep discounts and losses come together more than by chance?",
    ),
    how_to_read=Text(
        ru=(
            "Строка: «у этого менеджера с этим товаром возвраты вчетверо чаще обычного». «Обычно»: у них же без этого сочетания, "
            "так что плохой товар и невезучий менеджер сами по себе пары не делают. Сверху то, где больше денег. Это повод открыть "
            "записи и спросить, а не обвинение: у необычного бывает простая причина."
        ),
        en=(
            "A row says: “with this manager and this product returns are four times as frequent as usual”. “Usually” is the same "
            "two apart from this pair, so a bad product and an unlucky manager alone make no pair. On top is what holds the most "
            "money. It is a reason to open the records and ask, no accusation: what is unusual may have a simple cause."
        ),
    ),
    definition=Text(
        ru=(
            "Редкие правила: значение одного признака или пара значений двух (менеджер, филиал, канал, вид клиента, день недели, группа, "
            "товар) и событие: возврат, скидка продажи не меньше discount_from, строка с отрицательной маржей. Доля: продажи с "
            "событием / продажи с этими значениями (продажа считается один раз). «Обычно»: бо́льшая из долей двух значений без этой "
            "пары, у одного значения доля остальных. Показано, что случается не чаще max_support всех продаж, не меньше "
            "min_count раз и чаще обычного по точному тесту Фишера с поправкой на число проверенных сочетаний."
        ),
        en=(
            "Rare rules: a value of one trait or a pair of values of two (manager, branch, channel, customer kind, weekday, category, "
            "product) and an event: a return, a discount of the sale of discount_from or more, a line of negative margin. Share: "
            "sales with the event / sales with these values (a sale counts once). “Usually”: the greater of the shares of the two "
            "values without this pair; of a single value, that of the others. Shown is what happens in no more than max_support "
            "of all sales, min_count times at least, and more than usual by Fisher's exact test corrected for the number of "
            "combinations looked at."
        ),
    ),
    source="Fisher (1935), The Design of Experiments; Benjamini, Hochberg, JRSS B 57 (1995), 289-300",
    inputs={
        "sale_lines": SALE_LINES,
        "sales": SALES,
        "calendar": CALENDAR,
        "employees": stored(EMPLOYEES),
        "channels": stored(CHANNELS),
        "products": stored(PRODUCTS),
    },
    params=UnusualSalesParams,
    columns=COLUMNS,
    order=("place",),
    compute=unusual_sales,
    finish=finish,
    story=story,
    members=Members(
        entity="sales", by=("event", "trait", "id", "other_trait", "other_id"), select=members, count="cases"
    ),
    chart=Chart(kind="bars", x="name", y=("lift",), limit=20),
    choice=basis_choice(Basis.ORDERS, rows=lambda frames, _params: frames["sale_lines"]),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="продаж с товарами в выбранном периоде", en="sales with products in the chosen period"),
                at_least=20,
                rows=lambda frames, params: asked_sales(frames["sale_lines"], params).group_by("sale_id").agg(),
            ),
        )
    ),
    example=EXAMPLE,
)
