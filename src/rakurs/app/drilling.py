"""The rows behind a number: ids first, then what a person needs to recognise them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.app.asking import frames_of
from rakurs.app.rights import Scope, reached
from rakurs.core.analysis import Analysis
from rakurs.core.answer import MembersAnswer
from rakurs.core.errors import BadParameter, UnknownName
from rakurs.core.frames import conform
from rakurs.core.params import Params
from rakurs.core.table import COLUMN, Column, Table
from rakurs.core.text import Text
from rakurs.core.units import Kind
from rakurs.marts.tables import AD_SPENDING, SALES, SUBSCRIPTION_LIVES
from rakurs.schema import (
    CALLS,
    CAMPAIGNS,
    CHANNELS,
    CUSTOMERS,
    DEALS,
    EMPLOYEES,
    LEADS,
    ORDERS,
    PRODUCTS,
    REVIEWS,
    STAGES,
    SURVEY_RESPONSES,
)
from rakurs.schema.derived import stored
from rakurs.warehouse.reading import Reader

Frame = nw.LazyFrame[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A kind of row a person can open: its table, key, and the columns that identify it to a human eye."""

    table: Table
    key: str
    shown: tuple[str, ...]
    named: tuple[str, ...] = ()
    """Columns that hold another table's key: the name stands beside the id."""


ENTITIES: Mapping[str, Entity] = {
    "deals": Entity(
        table=stored(DEALS),
        key="deal_id",
        shown=("title", "created_on", "closed_on", "amount", "currency", "pipeline_id"),
        named=("stage_id", "customer_id", "manager_id"),
    ),
    "orders": Entity(
        table=stored(ORDERS),
        key="order_id",
        shown=("ordered_on", "paid_on", "status", "amount", "currency"),
        named=("customer_id", "manager_id"),
    ),
    "sales": Entity(
        table=SALES, key="sale_id", shown=("sold_on", "revenue", "margin"), named=("customer_id", "manager_id")
    ),
    "customers": Entity(
        table=stored(CUSTOMERS), key="customer_id", shown=("name", "kind", "city", "phone", "email", "created_on")
    ),
    "calls": Entity(
        table=stored(CALLS),
        key="call_id",
        shown=("started_at", "direction", "is_missed", "wait_seconds", "talk_seconds", "called_back_at"),
        named=("customer_id", "employee_id"),
    ),
    "subscriptions": Entity(
        table=SUBSCRIPTION_LIVES,
        key="subscription_id",
        shown=("started_on", "ended_on", "plan", "monthly_price"),
        named=("customer_id", "manager_id"),
    ),
    "leads": Entity(
        table=stored(LEADS),
        key="lead_id",
        shown=("created_at", "status", "first_response_at", "converted_deal_id"),
        named=("channel_id", "customer_id", "manager_id"),
    ),
    "ad_spending": Entity(
        table=AD_SPENDING,
        key="spending_id",
        shown=("spent_on", "amount", "clicks", "impressions"),
        named=("channel_id", "campaign_id"),
    ),
    "survey_responses": Entity(
        table=stored(SURVEY_RESPONSES),
        key="response_id",
        shown=("answered_at", "score", "survey", "question", "comment"),
        named=("customer_id", "employee_id"),
    ),
    "reviews": Entity(
        table=stored(REVIEWS),
        key="review_id",
        shown=("published_at", "rating", "platform", "branch", "text", "answered_at"),
        named=("product_id", "customer_id"),
    ),
    "employees": Entity(table=stored(EMPLOYEES), key="employee_id", shown=("name", "department", "branch", "role")),
    "products": Entity(table=stored(PRODUCTS), key="product_id", shown=("name", "category", "brand", "list_price")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Where the name of an id stands: the table, and its key by our columns."""

    table: Table
    key: Mapping[str, str]
    title: Text


_NAMES: Mapping[str, Named] = {
    "customer_id": Named(
        table=stored(CUSTOMERS), key={"customer_id": "customer_id"}, title=Text(ru="Имя клиента", en="Customer name")
    ),
    "manager_id": Named(
        table=stored(EMPLOYEES), key={"manager_id": "employee_id"}, title=Text(ru="Имя менеджера", en="Manager name")
    ),
    "employee_id": Named(
        table=stored(EMPLOYEES),
        key={"employee_id": "employee_id"},
        title=Text(ru="Имя сотрудника", en="Employee name"),
    ),
    "product_id": Named(
        table=stored(PRODUCTS), key={"product_id": "product_id"}, title=Text(ru="Название товара", en="Product name")
    ),
    "channel_id": Named(
        table=stored(CHANNELS), key={"channel_id": "channel_id"}, title=Text(ru="Название канала", en="Channel name")
    ),
    "campaign_id": Named(
        table=stored(CAMPAIGNS),
        key={"campaign_id": "campaign_id"},
        title=Text(ru="Название кампании", en="Campaign name"),
    ),
    "stage_id": Named(
        table=stored(STAGES),
        key={"pipeline_id": "pipeline_id", "stage_id": "stage_id"},
        title=Text(ru="Название этапа", en="Stage name"),
    ),
}


def typed_cell(analysis: Analysis, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The cell a face named, its values typed by the columns' units; an empty value means "without one"."""
    allowed = analysis.members.by
    cell: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in allowed:
            raise UnknownName(COLUMN, name, allowed)
        cell[name] = _typed(analysis.column(name), value)
    return cell


def _typed(column: Column, value: Any) -> Any:
    if value is None or value == "":
        return None
    try:
        return _PARSERS.get(column.unit.kind, str)(value) if isinstance(value, str) else value
    except ValueError as error:
        reason = Text(ru=f"Ожидается: {column.title.ru}.", en=f"Expected: {column.title.en}.")
        raise BadParameter(column.name, value, reason) from error


def _number(value: str) -> float | int:
    return int(value) if value.lstrip("-").isdigit() else float(value)


def _flag(value: str) -> bool:
    return value.lower() in {"true", "1", "да"}


_PARSERS: Mapping[Kind, Callable[[str], Any]] = {
    "day": date.fromisoformat,
    "number": _number,
    "money": _number,
    "share": float,
    "flag": _flag,
}


def members_of(
    reader: Reader,
    analysis: Analysis,
    params: Params,
    cell: Mapping[str, Any],
    *,
    scope: Scope,
    limit: int | None,
    offset: int,
) -> MembersAnswer:
    """One page of the rows behind `cell`, by id; `limit=None` gives them all."""
    kind = analysis.members.entity_for(params)
    ids = ids_behind(reader, analysis, params, cell, scope=scope)
    return rows_named(reader, kind, ids, scope=scope, limit=limit, offset=offset)


def ids_behind(reader: Reader, analysis: Analysis, params: Params, cell: Mapping[str, Any], *, scope: Scope) -> Frame:
    """The keys of the rows behind `cell`, in one column called as the key of their entity."""
    entity = ENTITIES[analysis.members.entity_for(params)]
    frames = frames_of(reader, analysis, params, scope)
    chosen = analysis.members.select(frames, params, typed_cell(analysis, cell))
    return chosen.select(nw.col(chosen.collect_schema().names()[0]).alias(entity.key))


def rows_named(
    reader: Reader, kind: str, ids: Frame, *, scope: Scope, limit: int | None, offset: int = 0
) -> MembersAnswer:
    """One page of the rows of the entity `kind` whose keys `ids` holds, by id, as a person recognises them."""
    entity = ENTITIES[kind]
    total = reader.count(ids)
    page = ids.sort(entity.key)
    if offset and total:
        page = page.filter(_beyond(reader, ids, entity.key, offset))
    if limit is not None:
        page = page.head(limit)
    columns = _columns(entity)
    described = conform(_described(reader, page, entity, scope), columns).sort(entity.key)
    return MembersAnswer(
        entity=kind,
        key=entity.key,
        columns=columns,
        table=reader.collect(described),
        total_rows=total,
    )


def _beyond(reader: Reader, ids: Frame, key: str, offset: int) -> nw.Expr:
    """The condition "after the first `offset` ids": engines have no offset that all of them share."""
    skipped = reader.collect(ids.sort(key).head(offset))
    return nw.col(key) > nw.lit(skipped[key][-1].as_py())


def _columns(entity: Entity) -> tuple[Column, ...]:
    by_name = {column.name: column for column in entity.table.columns}
    names: list[Column] = []
    for name in entity.named:
        unit = by_name[name].unit
        names.append(by_name[name])
        names.append(Column(name=name.removesuffix("_id"), unit=unit, title=_NAMES[name].title))
    return (by_name[entity.key], *(by_name[name] for name in entity.shown), *names)


def _described(reader: Reader, ids: Frame, entity: Entity, scope: Scope) -> Frame:
    details = reached(reader, entity.table, scope).select(entity.key, *entity.shown, *entity.named)
    if entity.table is SALES:
        details = details.group_by(entity.key).agg(*(nw.col(name).max() for name in (*entity.shown, *entity.named)))
    rows = ids.join(details, on=entity.key, how="left")
    for name in entity.named:
        named = _NAMES[name]
        label = name.removesuffix("_id")
        columns = (nw.col(theirs).alias(ours) for ours, theirs in named.key.items())
        names = reached(reader, named.table, scope).select(*columns, nw.col("name").alias(label))
        rows = rows.join(names, on=list(named.key), how="left")
    return rows
