"""Which customer, deal, employee or order is meant by a few typed letters or digits?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses import CARDS
from rakurs.app.naming import names_in
from rakurs.app.reaching import opening, readable
from rakurs.app.rights import Scope
from rakurs.core.card import Card
from rakurs.core.frames import row_number
from rakurs.core.spelling import only_digits, spellings
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.searching import people_index
from rakurs.marts.tables import SEARCH_INDEX
from rakurs.schema import ORDERS
from rakurs.schema.derived import stored
from rakurs.warehouse.reading import Reader

Frame = nw.LazyFrame[Any]

FOUND_EACH = 6
FEWEST_LETTERS, FEWEST_DIGITS = 2, 4
ORDER = Text(ru="Заказ", en="Order")
_STORED_ORDERS = stored(ORDERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing found: whose card to open, what to call it, what tells it from another of the same name."""

    card: Card
    id: str
    label: str
    beside: str
    through: Text | None = None
    """What was really found, where the card is that of its owner: an order opens its customer."""


def found(reader: Reader, text: str, *, scope: Scope, limit: int = FOUND_EACH) -> tuple[Found, ...]:
    """The best matches of each kind, the kinds in the order of the cards, then orders by their exact number."""
    spelt = spellings(text)
    if not spelt or len(text.strip()) < FEWEST_LETTERS:
        return ()
    # A customer is found by any of his records, whichever gives him the id.
    others = people_index(reader.aliases(), ids=("record_id", "source_id"))
    matching = nw.concat([reader.frame(SEARCH_INDEX.name), others]).filter(
        _matches(spelt, only_digits(text), sees_contacts=scope.sees_personal_data)
    )
    best = _best(reader, _seen(reader, matching, scope), spelt, limit)
    return (*_named_beside(reader, best, scope), *_orders(reader, text.strip(), scope, limit))


def _matches(spelt: Sequence[Sequence[str]], digits: str, *, sees_contacts: bool) -> nw.Expr:
    """All words of any spelling, or the digits of a phone or tax number."""
    read = [nw.col("words"), *([nw.col("contacts")] if sees_contacts else [])]
    ways = [
        reduce(and_, (reduce(or_, (text.str.contains(word, literal=True) for text in read)) for word in way))
        for way in spelt
    ]
    if len(digits) >= FEWEST_DIGITS and sees_contacts:
        ways.append(nw.col("digits").str.contains(digits, literal=True))
    return reduce(or_, ways)


def _seen(reader: Reader, rows: Frame, scope: Scope) -> Frame:
    """The rows whose card `scope` opens."""
    if scope.kind == "all":
        return rows
    parts = [
        opening(reader, part.table, scope).select(nw.lit(card.name).alias("card"), nw.col(part.by or "").alias("id"))
        for card in CARDS
        for part in card.seen_through
    ]
    return rows.join(nw.concat(parts), on=["card", "id"], how="semi")


def _best(reader: Reader, rows: Frame, spelt: Sequence[Sequence[str]], limit: int) -> list[Found]:
    """Of each card exact ids first, then names that begin so, then words that begin so, then the rest."""
    whole = [" ".join(way) for way in spelt]
    identifier = nw.col("id").str.to_lowercase()
    is_exact = reduce(or_, (identifier == nw.lit(way) for way in whole))
    begins = reduce(or_, (nw.col("words").str.starts_with(f" {way}") for way in whole))
    is_word = reduce(or_, (nw.col("words").str.contains(f" {way}", literal=True) for way in whole))
    rank = nw.when(is_exact).then(0).when(begins).then(1).when(is_word).then(2).otherwise(3)
    ranked = rows.with_columns(rank.alias("rank")).with_columns(
        row_number(("card", "id"), ("rank", "label", "words")).alias("mention")
    )
    numbered = ranked.filter(nw.col("mention") == 1).with_columns(
        row_number(("card",), ("rank", "label", "id")).alias("place")
    )
    first = numbered.filter(nw.col("place") <= limit).select("card", "id", "label", "beside", "place")
    told = reader.collect(first).sort_by([("place", "ascending")]).to_pylist()
    return [
        Found(card=card, id=row["id"], label=row["label"], beside=row["beside"] or "")
        for card in CARDS
        for row in told
        if row["card"] == card.name
    ]


_BESIDE: Mapping[str, Column] = {
    "deals": Column(name="beside", unit=Unit.ID, title=Text(ru="Клиент", en="Customer"), references="customers"),
}
"""Where what tells a row apart is an id: whose name to say."""


def _named_beside(reader: Reader, best: Sequence[Found], scope: Scope) -> list[Found]:
    groups = {name: [{"beside": item.beside} for item in best if item.card.name == name] for name in _BESIDE}
    names = names_in(reader, [((_BESIDE[name],), rows) for name, rows in groups.items()], scope=scope)
    return [
        Found(
            card=item.card,
            id=item.id,
            label=item.label,
            beside=names.of(_BESIDE[item.card.name], {"beside": item.beside}),
        )
        if item.card.name in _BESIDE and item.beside
        else item
        for item in best
    ]


def _orders(reader: Reader, number: str, scope: Scope, limit: int) -> list[Found]:
    """Orders by their number, exactly: each opens its customer's card."""
    if not any(sign.isdigit() for sign in number):
        return []
    is_it = (nw.col("order_id") == nw.lit(number)) | (nw.col("source_id") == nw.lit(number))
    rows = readable(reader, _STORED_ORDERS, scope).filter(is_it, ~nw.col("customer_id").is_null())
    told = reader.collect(rows.sort("order_id").head(limit).select("order_id", "customer_id")).to_pylist()
    column = _STORED_ORDERS.column("customer_id")
    names = names_in(reader, [((column,), told)], scope=scope)
    customers = next(card for card in CARDS if card.name == column.references)
    return [
        Found(
            card=customers,
            id=row["customer_id"],
            label=names.of(column, row),
            beside="",
            through=Text(ru=f"{ORDER.ru} {row['order_id']}", en=f"{ORDER.en} {row['order_id']}"),
        )
        for row in told
    ]
