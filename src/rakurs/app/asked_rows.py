"""Of which rows is a question asked? Of those within the user's rights, and of one segment's customers when it says so."""

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.filters import in_segment
from rakurs.app.rights import OWNERLESS, Scope, Tables, reached
from rakurs.core.errors import UnknownName
from rakurs.core.params import Params
from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.schema.segments import SEGMENT_MEMBERSHIPS

Frame = nw.LazyFrame[Any]

CUSTOMER = "customer_id"
FIELD = "customer_segment"
UNDIVIDED = OWNERLESS | {"stock"}
"""Tables that customers do not divide: whomever a question is about, all their rows are meant."""
SEGMENT = Text(ru="Сегмента", en="segment")


def asked_rows(tables: Tables, inputs: Mapping[str, Table], params: Params, scope: Scope) -> dict[str, Frame]:
    """The rows of each of `inputs` that a question under `params`, bound to a day, may read.

    A segment's customers are those of the day of the question. Fails closed: a table of facts that names no customer is
    refused to a question of a segment. Raises UnknownName for a segment that is not there.
    """
    found = {name: reached(tables, table, scope) for name, table in inputs.items()}
    for named in segments_in(params):
        segment_title(named)
    segment_id = segment_of(params)
    if segment_id is None:
        return found
    runs = in_segment(tables.frame(SEGMENT_MEMBERSHIPS.name), segment_id, params.today)
    present = runs.group_by(CUSTOMER).agg()
    return {name: _of_customers(rows, inputs[name], present) for name, rows in found.items()}


def _of_customers(rows: Frame, table: Table, present: Frame) -> Frame:
    if table.name in UNDIVIDED:
        return rows
    if CUSTOMER not in table.names:
        raise ValueError(f"{table.name} has no {CUSTOMER}: a segment cannot be applied to it")
    return rows.join(present, on=CUSTOMER, how="semi")


def segment_of(params: Params) -> str | None:
    """The segment whose customers alone are asked about, when the question names one."""
    return getattr(params, FIELD, None)


def segments_in(params: Params) -> tuple[str, ...]:
    """The segments a question names: the one it is limited to, and those it only tells apart."""
    named = (getattr(params, name) for name, info in params.infos().items() if info.options == FIELD)
    return tuple(segment for segment in named if segment is not None)


def segment_title(segment_id: str) -> str:
    """What its owner called it. Raises UnknownName when there is no such segment."""
    # Questions are also asked where there is no Django, and those name no segment.
    from django.apps import apps  # noqa: PLC0415

    from rakurs.state.opening import open_state  # noqa: PLC0415

    if not apps.ready:
        open_state()
    found = apps.get_model("state", "Segment").objects.filter(pk=segment_id).values_list("title", flat=True).first()
    if found is None:
        raise UnknownName(SEGMENT, segment_id, ())
    return str(found)
