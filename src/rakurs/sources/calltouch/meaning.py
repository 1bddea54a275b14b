"""What do calls and requests of a site mean in canonical tables?"""

from collections.abc import Iterator, Mapping

from rakurs.core.source import Delivery, TableMapping
from rakurs.sources.calltouch.records import CUSTOM
from rakurs.sources.calltouch.settings import CalltouchSettings
from rakurs.sources.live import Landing
from rakurs.sources.rows import brought, listed, of
from rakurs.sources.spool import Spool

NAME = "calltouch"

_ORIGINS = (
    listed("employees", "employee_id", "_manager"),
    listed("channels", "channel_id", "_channel", medium=of("_medium")),
    listed("campaigns", "campaign_id", "_campaign"),
)
_MEANT: Mapping[str, tuple[TableMapping, ...]] = {
    "calls": (
        *_ORIGINS,
        TableMapping(table="calls", values={
            "call_id": of("id"), "started_at": of("at"), "direction": of("way"), "phone": of("phone"), "employee_id": of("_manager"),
            "channel_id": of("_channel"), "wait_seconds": of("wait"), "talk_seconds": of("talk"), "is_missed": of("is_missed"),
        }),
    ),
    "requests": (
        *_ORIGINS,
        TableMapping(table="customers", distinct=True, values={
            "customer_id": of("_customer"), "name": of("_name"), "phone": of("_phone"), "email": of("_email"),
        }),
        TableMapping(table="leads", values={
            "lead_id": of("id"), "created_at": of("at"), "customer_id": of("_customer"), "channel_id": of("_channel"),
            "campaign_id": of("_campaign"), "manager_id": of("_manager"),
        }),
    ),
}  # fmt: skip


def deliveries(_settings: CalltouchSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What a run has fetched, as rows of the landing's source."""
    for stream, tables in _MEANT.items():
        yield from brought(spool, stream, tables, name=NAME, source=landing.source, kept=CUSTOM)
