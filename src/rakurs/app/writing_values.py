"""What can be told of the customers of a segment in the system they came from, and which records there are theirs?"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.filters import in_segment
from rakurs.analyses.products.sold_out import without_sold_out
from rakurs.app.reaching import readable
from rakurs.app.rights import Scope, reached
from rakurs.core.frames import row_number
from rakurs.core.model import Model
from rakurs.core.text import Text
from rakurs.marts.tables import AVAILABILITY
from rakurs.models.cancelling import MODEL as CANCELLING
from rakurs.models.churn import MODEL as CHURN
from rakurs.models.lifetime import MODEL as LIFETIME
from rakurs.models.offers import MODEL as OFFERS
from rakurs.schema import CUSTOMERS, table_named
from rakurs.schema.derived import stored
from rakurs.schema.identities import IDENTITIES
from rakurs.schema.scores import MODEL_SCORES
from rakurs.schema.segments import SEGMENT_MEMBERSHIPS
from rakurs.sources.writing import ValueKind
from rakurs.warehouse.reading import Reader

Frame = nw.LazyFrame[Any]

KEY = "customer_id"
_STORED = stored(CUSTOMERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose customers are told of, to whose eyes they are limited, and as of which day."""

    segment_id: str
    segment_title: str
    scope: Scope
    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One thing that can be told of a customer: the field it goes to, and who has it, as text."""

    name: str
    title: Text
    code: str
    kind: ValueKind
    of: Callable[[Reader, Asked], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A customer of the segment and one of the records that are theirs; no record where the system has none."""

    customer_id: str
    name: str
    record: str


def members_of(reader: Reader, asked: Asked, *, prefix: str) -> list[Member]:
    """Every customer of the segment within the scope, once per record they have in the system of that prefix."""
    who = reader.frame(IDENTITIES.name).filter(nw.col("until").is_null())
    whose = who.select("record_id", nw.col(KEY).alias("owner_id"))
    records = (
        reader.records(CUSTOMERS.name)
        .filter(nw.col("source") == nw.lit(prefix), nw.col("deleted_at").is_null())
        .select(nw.col(KEY).alias("record_id"), nw.col("source_id").alias("record"))
        .join(whose, on="record_id", how="left")
        .select(nw.coalesce("owner_id", "record_id").alias(KEY), "record")
    )
    rows = _customers(reader, asked).select(KEY, "name").join(records, on=KEY, how="left").sort(KEY, "record")
    return [
        Member(customer_id=row[KEY], name=row["name"] or row[KEY], record=row["record"] or "")
        for row in reader.collect(rows).to_pylist()
    ]


def facts_of(reader: Reader, asked: Asked, names: Collection[str]) -> dict[str, Mapping[str, str]]:
    """By name of a value, what it is of each customer who has it."""
    return {value.name: value.of(reader, asked) for value in VALUES if value.name in names}


def value_named(code: str) -> Value | None:
    """The value that goes to the field of that code."""
    return next((value for value in VALUES if value.code == code), None)


def _customers(reader: Reader, asked: Asked) -> Frame:
    """The customers of the segment within the scope, whom their source has not deleted."""
    ids = in_segment(reached(reader, SEGMENT_MEMBERSHIPS, asked.scope), asked.segment_id, asked.today)
    return readable(reader, _STORED, asked.scope).join(ids.group_by(KEY).agg(), on=KEY, how="semi")


def _title(reader: Reader, asked: Asked) -> Mapping[str, str]:
    found = reader.collect(_customers(reader, asked).select(KEY))
    return dict.fromkeys(found[KEY].to_pylist(), asked.segment_title)


def _latest(reader: Reader, model: Model, asked: Asked) -> Frame:
    """What the model last said of customers of the segment by the day of the question."""
    said = reached(reader, MODEL_SCORES, asked.scope)
    known = said.filter(nw.col("model") == nw.lit(model.name), nw.col("scored_on") <= nw.lit(asked.today))
    last = known.select(nw.col("scored_on").max().alias("last_on"))
    latest = known.join(last, how="cross").filter(nw.col("scored_on") == nw.col("last_on"))
    return latest.join(_customers(reader, asked).select(KEY), on=KEY, how="semi")


def _percent(model: Model) -> Callable[[Reader, Asked], Mapping[str, str]]:
    def of(reader: Reader, asked: Asked) -> Mapping[str, str]:
        rows = reader.collect(_latest(reader, model, asked).select(KEY, "score")).to_pylist()
        return {row[KEY]: str(round(row["score"] * 100)) for row in rows if row["score"] is not None}

    return of


def _money(model: Model) -> Callable[[Reader, Asked], Mapping[str, str]]:
    def of(reader: Reader, asked: Asked) -> Mapping[str, str]:
        rows = reader.collect(_latest(reader, model, asked).select(KEY, "amount")).to_pylist()
        return {
            row[KEY]: f"{Decimal(row['amount']).quantize(Decimal(1)):f}" for row in rows if row["amount"] is not None
        }

    return of


def _offer(reader: Reader, asked: Asked) -> Mapping[str, str]:
    """The name of the likeliest product that is not sold out."""
    offered = without_sold_out(_latest(reader, OFFERS, asked), readable(reader, AVAILABILITY, asked.scope), asked.today)
    ordered = offered.with_columns((-nw.col("score")).alias("rank"))
    first = ordered.with_columns(row_number([KEY], ["rank", "product_id"]).alias("place")).filter(nw.col("place") == 1)
    products = readable(reader, table_named("products"), asked.scope).select("product_id", "name")
    rows = first.select(KEY, "product_id").join(products, on="product_id", how="left")
    return {row[KEY]: row["name"] or row["product_id"] for row in reader.collect(rows.sort(KEY)).to_pylist()}


VALUES: tuple[Value, ...] = (
    Value(name="segment", title=Text(ru="Сегмент", en="Segment"), code="RK_SEGMENT", kind="text", of=_title),
    Value(
        name="risk",
        title=Text(ru="Риск ухода, %", en="Risk to leave, %"),
        code="RK_RISK",
        kind="number",
        of=_percent(CHURN),
    ),
    Value(
        name="cancel",
        title=Text(ru="Риск отказа от подписки, %", en="Risk to cancel, %"),
        code="RK_CANCEL",
        kind="number",
        of=_percent(CANCELLING),
    ),
    Value(
        name="worth",
        title=Text(ru="Ценность клиента", en="Worth of the customer"),
        code="RK_WORTH",
        kind="number",
        of=_money(LIFETIME),
    ),
    Value(name="offer", title=Text(ru="Что предложить", en="What to offer"), code="RK_OFFER", kind="text", of=_offer),
)
