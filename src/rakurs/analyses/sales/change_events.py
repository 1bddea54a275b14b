"""What happened in the two periods, counted by everything it can be split by: the counts that explain a change."""

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.filters import as_known, narrowed
from rakurs.core.frames import absent, sums_by_each
from rakurs.core.metric import Dimension
from rakurs.core.units import Unit
from rakurs.metrics import dimension_named
from rakurs.metrics.basis import in_basis

Frame = nw.LazyFrame[Any]

SPLITS: tuple[Dimension, ...] = tuple(
    dimension_named(name)
    for name in ("pipeline", "channel", "campaign", "manager", "department", "branch", "region", "customer_kind")
)
WHOLE = "all"
PURCHASE = "purchase"
COLUMNS = {**{split.name: split.columns["sales"] for split in SPLITS}, PURCHASE: PURCHASE}
"""The column of each split, which deals and sales call the same; the purchase is of sales alone, null of deals."""
MONEY = ("amount", "gross", "revenue", "returned", "margin")
COUNTS = ("created", "closed", "won", "lost", "cohort_won", "sold", "sized", "records")
LOGARITHMS = ("log_sum", "log_squares")
PARTS: Mapping[str, tuple[str, ...]] = {
    "deals": ("amount", "created", "closed", "won", "lost", "cohort_won", "sized", *LOGARITHMS),
    "sales": ("amount", "gross", "revenue", "returned", "margin", "sold", "sized", *LOGARITHMS),
}
"""What is counted of deals and of sales."""
SIDES = (0, 1)
"""Before, after."""
_OF_CREATION = frozenset({"created", "cohort_won", "records"})
_OF_CLOSING = frozenset({"closed", "won", "lost", "amount", "records"})
_OF_SALE = frozenset({"sold", "amount", "gross", "revenue", "returned", "margin", "records", PURCHASE})


def deal_events(outcomes: Frame, params: Any) -> Frame:
    """One row per creation and per closing of a deal, as known on the day of the question.

    Of a deal whose creation counts too, the closing is no further one of the `records`.
    """
    deals = as_known(narrowed(outcomes, params).filter(nw.col("created_on") <= nw.lit(params.today)), params.today)
    is_won, is_lost = nw.col("outcome") == "won", nw.col("outcome") == "lost"
    created = deals.with_columns(
        nw.col("created_on").alias("day"),
        _one().alias("created"),
        _if(is_won).alias("cohort_won"),
        _one().alias("records"),
    )
    closed = deals.filter(is_won | is_lost).with_columns(
        nw.col("closed_on").alias("day"),
        _one().alias("closed"),
        _if(is_won).alias("won"),
        _if(is_lost).alias("lost"),
        nw.when(is_won).then(nw.col("amount")).alias("amount"),
        _if(~_is_asked(nw.col("created_on"), params)).alias("records"),
    )
    return nw.concat([_shaped(created, "deal_id", _OF_CREATION), _shaped(closed, "deal_id", _OF_CLOSING)])


def sale_events(sales: Frame, params: Any) -> Frame:
    """One row per sale or return of the asked basis. The first purchase of a customer is told from later ones."""
    sold = narrowed(in_basis(sales, params.basis), params).filter(nw.col("sold_on") <= nw.lit(params.today))
    kind = (
        nw.when(nw.col("is_first"))
        .then(nw.lit("first"))
        .otherwise(nw.when(~nw.col("customer_id").is_null()).then(nw.lit("repeat")))
    )
    gross = nw.when(nw.col("is_sale")).then(nw.col("revenue"))
    rows = sold.with_columns(
        nw.col("sold_on").alias("day"),
        _if(nw.col("is_sale")).alias("sold"),
        _one().alias("records"),
        gross.alias("gross"),
        gross.alias("amount"),
        kind.alias(PURCHASE),
    )
    return _shaped(rows, "sale_id", _OF_SALE)


def counted(events: Frame, params: Any, labels: Mapping[str, Frame]) -> Frame:
    """One row per split and value with what happened there before and after; the whole is the split `all`."""
    counts = PARTS[params.tree.family]
    is_after = params.window.contains(nw.col("day"))
    sides = {f"{part}_{side}": (part, is_after if side else ~is_after) for part in counts for side in SIDES}
    both = events.filter(_is_asked(nw.col("day"), params)).select(
        *(nw.col(name).cast(nw.String()).alias(name) for name in COLUMNS.values()),
        "records",
        *(nw.when(is_on_side).then(nw.col(part)).alias(name) for name, (part, is_on_side) in sides.items()),
    )
    sets = [(), *((name,) for name in COLUMNS.values())]
    numbers = list(range(1, len(sets)))
    summed = sums_by_each(both, sets, ["records", *sides], keeps_absent=True)
    titled = summed.with_columns(
        nw.coalesce(*COLUMNS.values()).alias("key"),
        nw.col("set").replace_strict(numbers, list(COLUMNS), default=WHOLE).alias("dimension"),
    )
    named = titled.join(_titles(labels), on=["dimension", "key"], how="left")
    return named.select("dimension", "key", "name", "records", *sides)


def of_cell(events: Frame, params: Any, cell: Mapping[str, Any]) -> Frame:
    """The ids behind one value of one split, in both periods."""
    rows = events.filter(_is_asked(nw.col("day"), params))
    split = cell.get("dimension", WHOLE)
    if split != WHOLE and "key" in cell:
        column = nw.col(COLUMNS[split])
        rows = rows.filter(column.is_null() if cell["key"] is None else column == nw.lit(cell["key"]))
    return rows.group_by("id").agg()


def _is_asked(day: nw.Expr, params: Any) -> nw.Expr:
    """Whether a day is in one of the two periods."""
    return params.window.contains(day) | params.compared.contains(day)


def _one() -> nw.Expr:
    return nw.lit(1).cast(nw.Int64())


def _if(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64())


def _shaped(rows: Frame, key: str, own: frozenset[str]) -> Frame:
    """Events with every part, those not in `own` empty; beside the amount of what was sold, its logarithm."""
    amount = nw.col("amount").cast(nw.Float64()) if "amount" in own else absent(Unit.NUMBER)
    purchase = nw.col(PURCHASE) if PURCHASE in own else absent(Unit.TEXT)
    sized = rows.with_columns(nw.when(amount > 0.0).then(amount).log().alias("log_sum"))
    return sized.select(
        nw.col(key).alias("id"),
        "day",
        *(name for name in COLUMNS.values() if name != PURCHASE),
        purchase.alias(PURCHASE),
        *(_kept(name, own, Unit.MONEY) for name in MONEY),
        *(_kept(name, own, Unit.COUNT) for name in COUNTS if name != "sized"),
        _if(~nw.col("log_sum").is_null()).alias("sized"),
        "log_sum",
        (nw.col("log_sum") * nw.col("log_sum")).alias("log_squares"),
    )


def _kept(name: str, own: frozenset[str], unit: Unit) -> nw.Expr:
    return (nw.col(name).cast(unit.dtype) if name in own else absent(unit)).alias(name)


def _titles(labels: Mapping[str, Frame]) -> Frame:
    """What the values of the splits are called, where they are ids of something with a name."""
    titles: list[Frame] = []
    for split in SPLITS:
        if split.labels is not None:
            table, key, title = split.labels
            named = labels[table].group_by(nw.col(key).alias("key")).agg(nw.col(title).max().alias("name"))
            titles.append(named.select(nw.lit(split.name).alias("dimension"), "key", "name"))
    return nw.concat(titles)
