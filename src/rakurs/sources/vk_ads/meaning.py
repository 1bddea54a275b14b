"""What do the rows of an account mean in canonical tables?"""

from collections.abc import Iterator

from rakurs.core.source import Delivery, TableMapping, Value
from rakurs.sources.live import Landing
from rakurs.sources.rows import brought, of
from rakurs.sources.spool import Spool
from rakurs.sources.vk_ads.fetching import BANNERS, COSTS
from rakurs.sources.vk_ads.settings import VkAdsSettings

NAME = "vk_ads"
_CHANNEL = Value(constant=NAME)


def deliveries(settings: VkAdsSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What a run has fetched, as rows of the landing's source; money in the currency of the settings."""
    named = (
        TableMapping(table="channels", values={
            "channel_id": _CHANNEL, "name": Value(constant="VK Реклама"), "platform": Value(constant="VK"),
        }, distinct=True),
        TableMapping(table="campaigns", values={
            "campaign_id": of("id"), "channel_id": _CHANNEL, "name": of("plan"), "ad_group": of("group"), "ad": of("ad"),
        }),
    )  # fmt: skip
    costs = TableMapping(table="ad_costs", values={
        "spent_at": of("day"), "channel_id": _CHANNEL, "campaign_id": of("banner"), "amount": of("spent"),
        "currency": Value(constant=settings.currency), "impressions": of("shows"), "clicks": of("clicks"),
    })  # fmt: skip
    yield from brought(spool, BANNERS, named, name=NAME, source=landing.source)
    yield from brought(spool, COSTS, (costs,), name=NAME, source=landing.source)
