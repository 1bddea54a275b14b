"""What to offer this customer right now? As the model has learned, with what he has bought up to this minute and what he takes just now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
import pyarrow as pa

from rakurs.analyses import card_named
from rakurs.analyses.products.sold_out import without_sold_out
from rakurs.app.cards import checked_subject
from rakurs.app.naming import names_in
from rakurs.app.params import checked_params
from rakurs.app.predictions import standing
from rakurs.app.reaching import readable
from rakurs.app.rights import Scope
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadInput, BadParameter
from rakurs.core.model import Artefact
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.marts.tables import AVAILABILITY
from rakurs.models.offers import MODEL, REASONS
from rakurs.schema import table_named
from rakurs.schema.columns import reference
from rakurs.state.models import ModelFit
from rakurs.warehouse.reading import Reader

CUSTOMERS = "customers"
MOST_OFFERS = 20

_PRODUCT = reference("product_id", "products", "Товар", "Product")
_CAUSE = reference("because_of_id", "products", "Потому что есть", "Because of")
_NOT_LEARNED = Text(
    ru=f"Модель «{MODEL.title.ru}» ещё не научилась: чего ей не хватает, сказано на странице «Модели».",
    en=f"The model “{MODEL.title.en}” has not learned yet: what it lacks is told on the page “Models”.",
)
_NO_PRODUCT = Text(ru="Такого товара нет: нужен его код.", en="There is no such product: its id is needed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One product to offer: how likely he takes it within the model's horizon, what it then brings, and why."""

    product_id: str
    product: str
    chance: float
    expected_margin: Decimal | None
    reason: str
    because_of_id: str | None
    because_of: str | None

    @property
    def why(self) -> Text:
        """The reason in words, the product behind it named."""
        words = REASONS[self.reason]
        return (
            words
            if not self.because_of
            else Text(ru=f"{words.ru}: {self.because_of}", en=f"{words.en}: {self.because_of}")
        )


def offers_for(
    workspace: Workspace, customer_id: str, *, scope: Scope, taken: Sequence[str] = (), limit: int = 5
) -> tuple[Offer, ...]:
    """The likeliest offers to a customer, as if he had the products `taken` too; nothing is written.

    Raises UnknownName for a customer this user may not see, BadParameter for an unknown product, BadInput before the model
    has learned.
    """
    with workspace.reading() as reader:
        checked_subject(reader, card_named(CUSTOMERS), customer_id, scope=scope, today=workspace.today)
        fit = standing(MODEL).current
        if fit is None or fit.as_of is None:
            raise BadInput(_NOT_LEARNED)
        given = {name: value for name, value in fit.params.items() if name != "as_of"}
        params = checked_params(MODEL.params, given).bound(workspace.today)
        rows = _rows(reader, customer_id, taken, params, scope)
        said = _in_stock(reader, MODEL.score(_artefact(fit.pk), rows, params), params.today, scope).sort_by(
            [("score", "descending"), ("product_id", "ascending")]
        )
        return _named(reader, said.slice(0, min(limit, MOST_OFFERS)).to_pylist(), scope)


@lru_cache(maxsize=2)
def _artefact(fit_id: str) -> Artefact:
    """What a fit learned: it never changes, and takes longer to read than to use."""
    artefact: Artefact = ModelFit.objects.values_list("artefact", flat=True).get(pk=fit_id)
    return artefact


def _rows(reader: Reader, customer_id: str, taken: Sequence[str], params: Any, scope: Scope) -> pa.Table:
    """What he has, and one more row for each thing taken; one without a product where he has nothing."""
    bought = readable(reader, MODEL.inputs["lines"], scope).filter(nw.col("customer_id") == nw.lit(customer_id))
    lines = reader.collect(bought)
    # The few rows of one customer are summed up here: planning it for the database takes longer than doing it.
    days = lines["sold_on"].combine_chunks().unique()
    numbers = pa.table({"day": days, "day_number": days.cast(pa.int32()).cast(pa.int64())})
    frames = {
        name: nw.from_native(pl.DataFrame(rows).lazy()) for name, rows in (("lines", lines), ("calendar", numbers))
    }
    owned = MODEL.present(frames, params).collect().to_arrow()
    _must_be_known(reader, taken, scope)
    kind = {name: owned[name][0].as_py() if owned.num_rows else None for name in ("customer_kind", "region")}
    today = day_number(params.today)
    added = [{"customer_id": customer_id, "product_id": item, **kind, "first_day": today} for item in taken]
    nothing = [{"customer_id": customer_id, "product_id": None, **kind, "first_day": None}]
    return pa.concat_tables([owned, pa.Table.from_pylist(added or nothing, schema=owned.schema)])


def _in_stock(reader: Reader, said: pa.Table, today: date, scope: Scope) -> pa.Table:
    """The offers but for what is sold out."""
    offered = nw.col("product_id").is_in(said["product_id"].to_pylist())
    held = reader.collect(readable(reader, AVAILABILITY, scope).filter(offered))
    rows, availability = (nw.from_native(pl.DataFrame(table).lazy()) for table in (said, held))
    return without_sold_out(rows, availability, today).collect().to_arrow()


def _must_be_known(reader: Reader, products: Sequence[str], scope: Scope) -> None:
    if not products:
        return
    named = readable(reader, table_named("products"), scope).filter(nw.col("product_id").is_in(list(products)))
    known = set(reader.collect(named.select("product_id"))["product_id"].to_pylist())
    for product in products:
        if product not in known:
            raise BadParameter("bought", product, _NO_PRODUCT)


def _named(reader: Reader, rows: Sequence[dict[str, Any]], scope: Scope) -> tuple[Offer, ...]:
    told = [{"product_id": row["product_id"], "because_of_id": row["factor_2"]} for row in rows]
    names = names_in(reader, [((_PRODUCT,), told), ((_CAUSE,), told)], scope=scope)
    return tuple(
        Offer(
            product_id=row["product_id"],
            product=names.of(_PRODUCT, line),
            chance=row["score"],
            expected_margin=row["amount"],
            reason=row["factor_1"],
            because_of_id=row["factor_2"],
            because_of=names.of(_CAUSE, line) or None,
        )
        for row, line in zip(rows, told, strict=True)
    )
