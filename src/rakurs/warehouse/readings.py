"""What stands for what when a table is read? A customer for his records, a channel for its namesakes of other systems.

The canonical tables hold what their sources write. The schema `one` holds, while anything is one with something, a view of
each table that names it with the one id in the place of the others: nothing is copied, and taking it back is the same deed.
"""

from rakurs.schema import CHANNELS, CUSTOMERS, TABLES
from rakurs.schema.ddl import quoted
from rakurs.schema.derived import day_of, epoch_of, stored
from rakurs.schema.identities import IDENTITIES
from rakurs.schema.segments import SEGMENT_MEMBERSHIPS
from rakurs.warehouse.duckdb_engine import Cursor, count

ONE = "one"
CUSTOMER, CHANNEL = "customer_id", "channel_id"
_NAMED = (*TABLES, SEGMENT_MEMBERSHIPS)
NAMING = tuple(table.name for table in _NAMED if CUSTOMER in table.names and table.name != CUSTOMERS.name)
"""The tables whose rows name a customer."""
NAMING_CHANNELS = tuple(table.name for table in _NAMED if CHANNEL in table.names and table.name != CHANNELS.name)
"""The tables whose rows name a channel."""
LIVE = f'(select * from main.{IDENTITIES.name} where "until" is null)'
_STORED = stored(CUSTOMERS).names
_HEADS = "channel_heads"
_NEXT = (
    f"(select {CHANNEL}, same_as from main.{CHANNELS.name} "
    f"where deleted_at is null and same_as <> {CHANNEL} and same_as in (select {CHANNEL} from main.{CHANNELS.name}))"
)
_FOUND = f"""
    with recursive reached(channel_id, head) as (
        select {CHANNEL}, same_as from {_NEXT}
        union
        select reached.channel_id, further.same_as from reached join {_NEXT} as further on reached.head = further.{CHANNEL}
    )
    select channel_id, coalesce(min(head) filter (head not in (select {CHANNEL} from {_NEXT})), min(head)) as head
    from reached group by channel_id having coalesce(
        min(head) filter (head not in (select {CHANNEL} from {_NEXT})), min(head)
    ) <> channel_id
"""
"""Which channel a channel is read as: the end of its chain, of a ring the first by name."""


def prepare(cursor: Cursor) -> None:
    """Make what is needed where it is not."""
    cursor.execute(f"create schema if not exists {ONE}")
    cursor.execute(f"create table if not exists main.{_HEADS} (channel_id varchar, head varchar)")


def unified(cursor: Cursor) -> frozenset[str]:
    """The tables that are read from `one`: none where nothing is one with anything."""
    rows = cursor.execute(f"select view_name from duckdb_views() where schema_name = '{ONE}'").fetchall()
    return frozenset(name for (name,) in rows)


def settle_channels(cursor: Cursor) -> frozenset[str]:
    """Find anew which channels are one; the tables whose readings changed, none where no channel did."""
    cursor.execute(f"create or replace temp table heads_now as {_FOUND}")
    changes = count(
        cursor,
        f"select (select count(*) from (from heads_now except from main.{_HEADS})) "
        f"+ (select count(*) from (from main.{_HEADS} except from heads_now))",
    )
    if changes:
        cursor.execute(f"delete from main.{_HEADS}")
        cursor.execute(f"insert into main.{_HEADS} from heads_now")
        draw(cursor)
    cursor.execute("drop table heads_now")
    return frozenset({CHANNELS.name, *NAMING_CHANNELS}) if changes else frozenset()


def draw(cursor: Cursor) -> None:
    """The views of `one`: of the tables in which something stands for something else."""
    for name in {CUSTOMERS.name, CHANNELS.name, *NAMING, *NAMING_CHANNELS}:
        cursor.execute(f"drop view if exists {ONE}.{quoted(name)}")
    has_people = bool(cursor.execute(f"select 1 from {LIVE} limit 1").fetchall())
    has_channels = bool(cursor.execute(f"select 1 from main.{_HEADS} limit 1").fetchall())
    for name in sorted({*(NAMING if has_people else ()), *(NAMING_CHANNELS if has_channels else ())}):
        query = _read(
            name, by_customer=has_people and name in NAMING, by_channel=has_channels and name in NAMING_CHANNELS
        )
        cursor.execute(f"create view {ONE}.{quoted(name)} as {query}")
    if has_people:
        cursor.execute(f"create or replace view {ONE}.{CUSTOMERS.name} as {_customers(by_channel=has_channels)}")
    if has_channels:
        cursor.execute(
            f"create view {ONE}.{CHANNELS.name} as select told.* from main.{CHANNELS.name} as told "
            f"anti join main.{_HEADS} as other on told.{CHANNEL} = other.channel_id"
        )


def _read(name: str, *, by_customer: bool, by_channel: bool) -> str:
    """A table with the one id of customers, of channels, or of both."""
    made, joined = [], ""
    if by_customer:
        made.append(f"coalesce(who.{CUSTOMER}, told.{CUSTOMER}) as {CUSTOMER}")
        joined += f" left join {LIVE} as who on told.{CUSTOMER} = who.record_id"
    if by_channel:
        made.append(f"coalesce(same.head, told.{CHANNEL}) as {CHANNEL}")
        joined += f" left join main.{_HEADS} as same on told.{CHANNEL} = same.channel_id"
    return f"select told.* replace ({', '.join(made)}) from main.{quoted(name)} as told{joined}"


def _customers(*, by_channel: bool) -> str:
    """A customer is what the record says that gives the id, and where it is silent, what the others say, the oldest first."""
    told = f"({_read(CUSTOMERS.name, by_customer=False, by_channel=True)})" if by_channel else f"main.{CUSTOMERS.name}"
    first = "order by told.customer_id <> who.customer_id, told.created_at, told.customer_id"
    made = {
        CUSTOMER: f"who.{CUSTOMER}",
        "deleted_at": "if(bool_or(told.deleted_at is null), null, max(told.deleted_at))",
        "created_at": "min(told.created_at)",
        day_of("created_at"): f"min(told.{day_of('created_at')})",
        epoch_of("created_at"): f"min(told.{epoch_of('created_at')})",
    }
    columns = ", ".join(
        made.get(
            name,
            f"first(told.{quoted(name)} {first}) filter (where told.{quoted(name)} is not null and told.deleted_at is null)",
        )
        + f" as {quoted(name)}"
        for name in _STORED
    )
    return (
        f"select {', '.join(map(quoted, _STORED))} from {told} as told "
        f"anti join {LIVE} as who on told.{CUSTOMER} = who.record_id "
        f"union all select {columns} from {told} as told "
        f"join {LIVE} as who on told.{CUSTOMER} = who.record_id group by who.{CUSTOMER}"
    )
