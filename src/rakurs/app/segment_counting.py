"""Who is in a set of customers on a day? Every kind of definition as one frame of ids, run inside the engine."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import partial
from time import perf_counter
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.filters import in_segment
from rakurs.analyses.traits import INPUTS, Trait, customer_traits, trait_named
from rakurs.app.accounts import scope_of
from rakurs.app.drilling import ENTITIES, ids_behind
from rakurs.app.pivots import condition_of
from rakurs.app.rights import Scope, reached
from rakurs.app.segment_definitions import (
    KEPT_UNMATCHED,
    AnyDefinition,
    Behind,
    Combined,
    Listed,
    Meeting,
    definition_of,
    kept_definition,
)
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadInput
from rakurs.core.frames import rows_beside, with_json_text
from rakurs.core.periods import add_months
from rakurs.core.text import Text
from rakurs.schema import CUSTOMERS
from rakurs.schema.derived import stored
from rakurs.schema.segments import SEGMENT_MEMBERSHIPS
from rakurs.state.models import Segment
from rakurs.warehouse.reading import Reader

Frame = nw.LazyFrame[Any]

KEY = "customer_id"
LOOKED_BACK_MONTHS = 12
LOOKED_BACK_SECONDS = 4.0
"""What reckoning the past of a new segment may take; a large company gets fewer months of it."""
PHONE_DIGITS = 10
"""Phones are told apart by their last ten digits: +7 and 8 stand before the same number."""

_STORED = stored(CUSTOMERS)
_NO_CUSTOMERS = Text(
    ru="За этим числом стоят не клиенты и не их сделки или заказы: сегмент из него не собрать.",
    en="Behind this number there are no customers, nor deals or orders of theirs: it makes no segment.",
)


def check(workspace: Workspace, definition: AnyDefinition, *, scope: Scope) -> None:
    """Raise what is wrong with a definition before anything is kept of it."""
    if isinstance(definition, Meeting):
        _conditions(definition)
    if isinstance(definition, Behind):
        analysis, params = workspace.question(definition.asked, scope=scope)
        _must_lead_to_customers(analysis.members.entity_for(params))


def members_on(workspace: Workspace, segment: Segment, reader: Reader, *, day: date) -> Frame:
    """One row per customer in the segment at the end of `day`, by the rule of a definition that has one."""
    definition, scope = definition_of(segment.definition), scope_of(segment.owner)
    if isinstance(definition, Meeting):
        return _meeting(workspace, reader, definition, scope, day)
    if isinstance(definition, Behind):
        return _behind(workspace, reader, definition, scope, day)
    if isinstance(definition, Combined):
        return _combined(reader, definition, scope, day)
    return in_segment(reader.frame(SEGMENT_MEMBERSHIPS.name), segment.id, day).select(KEY)


def count_anew(workspace: Workspace, segment: Segment) -> None:
    """Who is in it today; who came and who went is kept with the day."""
    day, version = workspace.today, workspace.data_version
    workspace.settle_members(segment.id, partial(members_on, workspace, segment, day=day), on=day)
    segment.counted_version, segment.counted_on = version, day
    segment.problem_ru = segment.problem_en = ""
    segment.save(update_fields=["counted_version", "counted_on", "problem_ru", "problem_en"])


def count_meeting(workspace: Workspace, reader: Reader, definition: Meeting, scope: Scope) -> int:
    """How many customers within `scope` meet the conditions today."""
    return reader.count(_meeting(workspace, reader, definition, scope, workspace.today))


def count_first(workspace: Workspace, segment: Segment) -> None:
    """Who is in a new segment; of a living one first who would have been in it at the start of each past month."""
    today = workspace.today
    for day in _past_months(workspace, segment, today) if segment.is_living else ():
        members = partial(members_on, workspace, segment, day=day)
        workspace.settle_members(segment.id, members, on=day, is_reckoned=True)
    segment.observed_from = today
    segment.save(update_fields=["observed_from"])
    count_anew(workspace, segment)


def keep_list(workspace: Workspace, segment: Segment, ids: Sequence[str]) -> None:
    """The customers named by `ids` (ids, phones, e-mails) whom the owner may see; who was not found is kept in words."""
    scope, today = scope_of(segment.owner), workspace.today
    given = pa.table({"given": pa.array(ids, pa.string())})
    unmatched: list[str] = []

    def members(reader: Reader) -> Frame:
        found = _matched(reader, given, scope)
        known = set(reader.collect(found.group_by("given").agg())["given"].to_pylist())
        unmatched.extend(name for name in ids if name not in known)
        return found.group_by(KEY).agg()

    workspace.settle_members(segment.id, members, on=today)
    listed = Listed(
        file=str(segment.definition.get("file", "")),
        given=len(ids),
        unmatched_count=len(unmatched),
        unmatched=tuple(unmatched[:KEPT_UNMATCHED]),
    )
    segment.definition = kept_definition(listed)
    segment.observed_from = segment.counted_on = today
    segment.counted_version = workspace.data_version
    segment.save(update_fields=["definition", "observed_from", "counted_on", "counted_version"])


def traits_of(
    reader: Reader,
    scope: Scope,
    *,
    today: date,
    basis: str,
    window_days: int = 365,
    names: Collection[str] | None = None,
) -> Frame:
    """What is known of each customer within `scope` at the end of `today`; `basis` is the company's."""
    frames = {name: reached(reader, table, scope) for name, table in INPUTS.items()}
    return customer_traits(frames, today=today, window_days=window_days, basis=basis, names=names)


def _past_months(workspace: Workspace, segment: Segment, today: date) -> list[date]:
    """The first days of the past months that can be reckoned in the time there is, oldest first."""
    started = perf_counter()
    with workspace.reading() as reader:
        reader.count(members_on(workspace, segment, reader, day=today))
    each = max(perf_counter() - started, 1e-3)
    months = min(LOOKED_BACK_MONTHS, int(LOOKED_BACK_SECONDS / each))
    first = today.replace(day=1)
    days = (add_months(first, -back) for back in range(months, -1, -1))
    return [day for day in days if day < today]


def _conditions(definition: Meeting) -> list[tuple[Trait, Any]]:
    return [
        (trait, condition_of(where, trait.dimension))
        for where in definition.where
        for trait in [trait_named(where.field)]
    ]


def _meeting(workspace: Workspace, reader: Reader, definition: Meeting, scope: Scope, day: date) -> Frame:
    basis, names = workspace.company.revenue_basis, [where.field for where in definition.where]
    rows = traits_of(reader, scope, today=day, basis=basis, window_days=definition.window_days, names=names)
    for trait, condition in _conditions(definition):
        key = trait.dimension.custom_key
        if key is None:
            rows = rows.filter(condition.holds(nw.col(trait.name)))
        else:
            rows = (
                with_json_text(rows, "custom", key, name="__own").filter(condition.holds(nw.col("__own"))).drop("__own")
            )
    return rows.select(KEY)


def leads_to_customers(entity: str) -> bool:
    """Whether rows of this kind are customers or have one each."""
    return KEY in ENTITIES[entity].table.names


def _must_lead_to_customers(entity: str) -> None:
    if not leads_to_customers(entity):
        raise BadInput(_NO_CUSTOMERS)


def _behind(workspace: Workspace, reader: Reader, definition: Behind, scope: Scope, day: date) -> Frame:
    analysis, params = workspace.question(definition.asked, scope=scope, today=day)
    kind = analysis.members.entity_for(params)
    _must_lead_to_customers(kind)
    ids = ids_behind(reader, analysis, params, definition.cell, scope=scope)
    entity = ENTITIES[kind]
    if entity.key != KEY:
        ids = reached(reader, entity.table, scope).join(ids, on=entity.key, how="semi")
    return ids.filter(~nw.col(KEY).is_null()).group_by(KEY).agg()


def _combined(reader: Reader, definition: Combined, scope: Scope, day: date) -> Frame:
    memberships = reader.frame(SEGMENT_MEMBERSHIPS.name)

    def of(segment_id: str) -> Frame:
        return in_segment(memberships, segment_id, day).select(KEY)

    rows = present_customers(reader, scope)
    for segment_id in definition.all_of:
        rows = rows.join(of(segment_id), on=KEY, how="semi")
    if definition.any_of:
        rows = rows.join(nw.concat([of(segment_id) for segment_id in definition.any_of]), on=KEY, how="semi")
    for segment_id in definition.none_of:
        rows = rows.join(of(segment_id), on=KEY, how="anti")
    return rows


def present_customers(reader: Reader, scope: Scope) -> Frame:
    """The ids of the customers within `scope` whom their source has not deleted."""
    rows = reached(reader, _STORED, scope).filter(nw.col("deleted_at").is_null())
    return rows.group_by(KEY).agg()


def _matched(reader: Reader, given: pa.Table, scope: Scope) -> Frame:
    """(given, customer_id): by an id, an id in a source, an e-mail, or the digits of a phone of any of its records."""
    found = reached(reader, _STORED, scope).filter(nw.col("deleted_at").is_null())
    named = ("source_id", "email", "phone")
    customers = nw.concat(
        [
            found.select(KEY, nw.col(KEY).alias("record_id"), *named),
            _aliases(reader, found, scope).select(KEY, "record_id", *named),
        ]
    )
    asked = rows_beside(customers, _with_spellings(given))
    ways: Mapping[str, nw.Expr] = {
        "given": nw.col("record_id"),
        "source": nw.col("source_id"),
        "email": nw.col("email").str.to_lowercase(),
        "digits": nw.col("phone").str.replace_all(r"\D", "").str.slice(-PHONE_DIGITS),
    }
    parts: list[Frame] = []
    for name, expression in ways.items():
        column = "given" if name == "source" else name
        spelt = asked.filter(~nw.col(column).is_null()).select("given", nw.col(column).alias("spelt"))
        known = customers.select(KEY, expression.alias("spelt")).filter(~nw.col("spelt").is_null())
        parts.append(spelt.join(known, on="spelt", how="inner").select("given", KEY))
    return nw.concat(parts).group_by("given", KEY).agg()


def _aliases(reader: Reader, customers: Frame, scope: Scope) -> Frame:
    """The other records of `customers`; without what is personal for whoever may not see it."""
    others = reader.aliases().join(customers.select(KEY), on=KEY, how="semi")
    if scope.sees_personal_data:
        return others
    nothing = nw.lit(None).cast(nw.String())
    return others.with_columns(nothing.alias("email"), nothing.alias("phone"))


def _with_spellings(given: pa.Table) -> pa.Table:
    """Each given word also as an e-mail and as the digits of a phone, where it can be one."""
    words = [str(word) for word in given["given"].to_pylist()]
    digits = ["".join(sign for sign in word if sign.isdigit()) for word in words]
    is_phone = ["@" not in word and len(found) >= PHONE_DIGITS for word, found in zip(words, digits, strict=True)]
    return pa.table(
        {
            "given": pa.array(words, pa.string()),
            "email": pa.array([word.lower() if "@" in word else None for word in words], pa.string()),
            "digits": pa.array(
                [found[-PHONE_DIGITS:] if fits else None for found, fits in zip(digits, is_phone, strict=True)],
                pa.string(),
            ),
        }
    )
