"""What was believed of a deal, and since when?

A source that sends deals shows what they are now and overwrites what they were. So each load leaves in
`deal_snapshots` how it showed the deals it touched: one row per deal the first time it is seen, and one more each time
its stage, amount, currency, expected closing or manager differ from what was known before. Between two rows nothing
was known to have changed; before the first, nothing was known at all.

The moments are those of the loads, so a rebuild from raw writes the same rows again. Rows that a file brought
(an archive of old exports) carry provenance `history` and stand among them by their own moments.
"""

from datetime import datetime

from rakurs.schema.ddl import literal
from rakurs.warehouse.conversion import local_day
from rakurs.warehouse.duckdb_engine import Cursor

_WATCHED = ("pipeline_id", "stage_id", "manager_id", "amount", "currency", "expected_close_on")


def remember_deals(cursor: Cursor) -> None:
    """Keep what is known of every deal before a load changes it."""
    cursor.execute(f"create or replace temp table deals_before as select deal_id, {', '.join(_WATCHED)} from deals")


def add_snapshots(cursor: Cursor, *, at: datetime, zone: str) -> None:
    """Write what the load of moment `at` shows of deals. Needs `remember_deals` before the load's deals.

    To be called before the rates are applied: they value the rows written here along with the deals.
    """
    moment = f"timestamp {literal(at.isoformat(sep=' '))}"
    differs = " or ".join(f"deals.{name} is distinct from before.{name}" for name in _WATCHED)
    cursor.execute(
        f"""
        insert into deal_snapshots by name
        select deals.deal_id, deals.created_at, deals.created_on, deals.created_epoch,
               {moment} as seen_at, {local_day(moment, zone)} as seen_on, epoch_us({moment}) // 1000000 as seen_epoch,
               {", ".join(f"deals.{name}" for name in _WATCHED)}, deals.amount_base, 'snapshot' as provenance,
               deals.source, deals.source_id, deals.batch_id, {moment} as loaded_at
        from deals left join deals_before before using (deal_id)
        where deals.loaded_at = {moment} and (before.deal_id is null or {differs})
        """
    )
