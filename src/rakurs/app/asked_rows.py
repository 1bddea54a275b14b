"""Of which rows is a question asked? Of those within the user's rights, of one segment's customers or without suspect
records when it says so.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.filters import in_segment
from rakurs.app.rights import OWNERLESS, Scope, Tables, reached
from rakurs.core.answer import Omitted
from rakurs.core.errors import UnknownName
from rakurs.core.params import Params, Records
from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_REMARKS
from rakurs.schema.segments import SEGMENT_MEMBERSHIPS
from rakurs.warehouse.reading import Reader

Frame = nw.LazyFrame[Any]

CUSTOMER = "customer_id"
FIELD = "customer_segment"
UNDIVIDED = OWNERLESS | {"stock"}
"""Tables that customers do not divide: whomever a question is about, all their rows are meant."""
SEGMENT = Text(ru="Сегмента", en="segment")
SUSPECT = Text(ru="Сомнительные сделки", en="Suspect deals")
OF_DEALS = frozenset(
    {
        "deal_moves",
        "deal_outcomes",
        "deal_remarks",
        "deal_snapshots",
        "deal_stage_events",
        "deal_stages",
        "deal_states",
        "deals",
        "stage_visits",
    }
)
"""Tables whose every row tells of one deal. An order or a payment that names a deal is a record of its own."""
OF_SALES = frozenset({"sales", "sale_lines"})
"""Tables in which a sale may be a deal."""


def asked_rows(tables: Tables, inputs: Mapping[str, Table], params: Params, scope: Scope) -> dict[str, Frame]:
    """The rows of each of `inputs` that a question under `params`, bound to a day, may read.

    A segment's customers are those of the day of the question. Suspect deals are those a mart marked as the company chose,
    whoever asks. Fails closed: a table of facts that names no customer is
    refused to a question of a segment. Raises UnknownName for a segment that is not there.
    """
    found = {name: reached(tables, table, scope) for name, table in inputs.items()}
    for named in segments_in(params):
        segment_title(named)
    if leaves_suspects_out(params):
        suspects = _suspects(tables.frame(DEAL_REMARKS.name))
        found = {name: _without(rows, inputs[name], suspects) for name, rows in found.items()}
    segment_id = segment_of(params)
    if segment_id is None:
        return found
    runs = in_segment(tables.frame(SEGMENT_MEMBERSHIPS.name), segment_id, params.today)
    present = runs.group_by(CUSTOMER).agg()
    return {name: _of_customers(rows, inputs[name], present) for name, rows in found.items()}


def leaves_suspects_out(params: Params) -> bool:
    """Whether the question is asked without suspect records."""
    return getattr(params, "records", Records.ALL) is Records.TRUSTED


def with_suspects(params: Params) -> Params:
    """The same question of all records."""
    return params.model_copy(update={"records": Records.ALL})


def omitted_suspects(
    reader: Reader, params: Params, scope: Scope, *, counted: Callable[[Frame], Frame]
) -> tuple[Omitted, ...]:
    """The suspect deals that the question leaves out and its asker may see, and their money; nothing where there are none.

    `counted` takes deals, with the columns of the mart of remarks, and gives those the question would count.
    """
    if not leaves_suspects_out(params):
        return ()
    name = DEAL_REMARKS.name
    seen = asked_rows(reader, {name: DEAL_REMARKS}, with_suspects(params), scope)[name]
    left = counted(seen.filter(nw.col("is_suspect")))
    [row] = reader.collect(
        left.select(nw.len().alias("deals"), nw.col("amount").sum().cast(Unit.MONEY.dtype).alias("amount"))
    ).to_pylist()
    return (Omitted(reason=SUSPECT, rows=row["deals"], amount=row["amount"] or Decimal(0)),) if row["deals"] else ()


def _suspects(remarks: Frame) -> Frame:
    return remarks.filter(nw.col("is_suspect")).select(nw.col("deal_id").alias("suspect_id"))


def _without(rows: Frame, table: Table, suspects: Frame) -> Frame:
    if table.name in OF_DEALS:
        return rows.join(suspects, left_on="deal_id", right_on="suspect_id", how="anti")
    if table.name in OF_SALES:
        sold = suspects.with_columns(nw.lit("deals").alias("suspect_basis"))
        return rows.join(sold, left_on=["basis", "sale_id"], right_on=["suspect_basis", "suspect_id"], how="anti")
    return rows


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
