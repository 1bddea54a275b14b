"""What is honestly known of a deal's way through the stages when no history comes with it?

A source that sends only deals shows where each deal is now. That is kept as rows of `deal_stage_events` with
provenance `snapshot`:

- A deal seen for the first time gets one row, its present stage. A closed deal entered it when it was closed. An
  open one has been there since some moment after its creation, nobody knows which: the row carries the creation,
  the only moment that is known, and its provenance tells questions about time not to trust it.
- When a later load shows the deal in another stage, one more row: entered when the deal was closed, or else at the
  time of the load. A row never comes before the one it follows (at least a second later, so order is kept).
- A deal for which the load itself brought history gets none. When history comes later, it takes the place of the
  snapshot rows it covers: those not after its last entry, and those that repeat the stage of that entry.

The times used are those of the loads, so a rebuild from raw writes the same rows again.
"""

from datetime import datetime

from rakurs.schema.ddl import literal
from rakurs.warehouse.conversion import local_day
from rakurs.warehouse.duckdb_engine import Cursor


def remember_stages(cursor: Cursor) -> None:
    """Keep the stage every deal is in before a load changes it."""
    cursor.execute("create or replace temp table stages_before as select deal_id, stage_id from deals")


def add_differences(cursor: Cursor, *, at: datetime, zone: str) -> None:
    """Write what the load of moment `at` shows of stages. Needs `remember_stages` before the load's deals."""
    moment = f"timestamp {literal(at.isoformat(sep=' '))}"
    _drop_covered(cursor, moment)
    cursor.execute(
        "insert into deal_stage_events by name "
        f"select *, {local_day('entered_at', zone)} as entered_on, epoch_us(entered_at) // 1000000 as entered_epoch, "
        f"'snapshot' as provenance, {moment} as loaded_at from ({_differences(moment)})"
    )


def _drop_covered(cursor: Cursor, moment: str) -> None:
    cursor.execute(
        "create or replace temp table told as select deal_id, max(entered_at) as last_at, "
        "arg_max(stage_id, entered_at) as last_stage from deal_stage_events where provenance = 'history' "
        f"and deal_id in (select deal_id from deal_stage_events where provenance = 'history' and loaded_at = {moment}) "
        "group by deal_id"
    )
    cursor.execute(
        "delete from deal_stage_events where rowid in (select events.rowid from deal_stage_events events join told "
        "using (deal_id) where provenance = 'snapshot' and (entered_at <= last_at or stage_id = last_stage))"
    )


def _differences(moment: str) -> str:
    return f"""
        with touched as (
            select deals.*, before.deal_id is not null as was_known, before.stage_id as stage_before
            from deals left join stages_before before using (deal_id)
            where loaded_at = {moment} and deals.stage_id is not null
              and deal_id not in (select deal_id from told)
        ), latest as (
            select deal_id, max(entered_at) as last_at, arg_max(stage_id, entered_at) as last_stage,
                   arg_max(provenance, entered_at) as last_provenance
            from deal_stage_events where deal_id in (select deal_id from touched) group by deal_id
        )
        select deal_id, touched.stage_id, touched.pipeline_id, touched.source, touched.batch_id,
               case when last_at is null then coalesce(closed_at, created_at)
                    else greatest(coalesce(closed_at, {moment}), last_at + interval 1 second) end as entered_at
        from touched left join latest using (deal_id)
        where last_stage is distinct from touched.stage_id
          and (last_at is null or last_provenance = 'snapshot'
               or (was_known and stage_before is distinct from touched.stage_id))
    """
