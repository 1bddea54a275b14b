"""What do the calls of an exchange mean in canonical tables?"""

from collections.abc import Iterator

from rakurs.core.source import Delivery, TableMapping
from rakurs.sources.live import Landing
from rakurs.sources.mango.records import CUSTOM
from rakurs.sources.mango.settings import MangoSettings
from rakurs.sources.rows import brought, listed, of
from rakurs.sources.spool import Spool

NAME = "mango"

_MEANT = (
    listed("employees", "employee_id", "employee"),
    TableMapping(table="calls", values={
        "call_id": of("id"), "started_at": of("at"), "direction": of("way"), "phone": of("phone"), "employee_id": of("employee"),
        "wait_seconds": of("wait"), "talk_seconds": of("talk"), "is_missed": of("is_missed"),
    }),
)  # fmt: skip


def deliveries(_settings: MangoSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What a run has fetched, as rows of the landing's source."""
    yield from brought(spool, "calls", _MEANT, name=NAME, source=landing.source, kept=CUSTOM)
