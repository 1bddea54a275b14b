"""What do the figures of a counter mean in canonical tables?"""

from collections.abc import Iterator

from rakurs.core.source import Delivery, TableMapping
from rakurs.sources.live import Landing
from rakurs.sources.rows import brought, listed, of
from rakurs.sources.spool import Spool
from rakurs.sources.yandex_metrica.settings import MetricaSettings

NAME = "yandex_metrica"

_KEY = {"visited_at": of("day"), "channel_id": of("source"), "campaign_id": of("campaign")}
_TRAFFIC = (
    listed("channels", "channel_id", "source", name=of("source_name", "source")),
    # A tag may be met under several sources, so a campaign has no channel of its own.
    listed("campaigns", "campaign_id", "campaign"),
    TableMapping(table="site_traffic", values={
        **_KEY, "visits": of("visits"),
        "visitors": of("visitors"), "bounces": of("bounces"), "goals": of("goals"), "sample_share": of("sample_share"),
    }),
    # Tagged visits that a day no longer has are marked as deleted.
    TableMapping(table="site_traffic", values=_KEY, deletes="siblings"),
)  # fmt: skip


def deliveries(_settings: MetricaSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What a run has fetched, as rows of the landing's source."""
    yield from brought(spool, "traffic", _TRAFFIC, name=NAME, source=landing.source)
