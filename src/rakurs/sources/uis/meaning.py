"""What do the calls of an account mean in canonical tables?"""

from collections.abc import Iterator, Mapping

from rakurs.core.source import Delivery, TableMapping
from rakurs.sources.live import Landing
from rakurs.sources.rows import brought, listed, of
from rakurs.sources.spool import Spool
from rakurs.sources.uis.records import CUSTOM
from rakurs.sources.uis.settings import UisSettings

NAME = "uis"

_MEANT: Mapping[str, tuple[TableMapping, ...]] = {
    "employees": (TableMapping(table="employees", values={"employee_id": of("id"), "name": of("name")}),),
    "calls": (
        listed("channels", "channel_id", "_channel", medium=of("_medium")),
        listed("campaigns", "campaign_id", "_campaign"),
        TableMapping(table="calls", values={
            "call_id": of("id"), "started_at": of("at"), "direction": of("way"), "phone": of("phone"), "employee_id": of("employee"),
            "channel_id": of("_channel"), "wait_seconds": of("wait"), "talk_seconds": of("talk"), "is_missed": of("is_missed"),
            "recording_url": of("url"),
        }),
    ),
}  # fmt: skip


def deliveries(_settings: UisSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What a run has fetched, as rows of the landing's source."""
    for stream, tables in _MEANT.items():
        yield from brought(spool, stream, tables, name=NAME, source=landing.source, kept=CUSTOM)
