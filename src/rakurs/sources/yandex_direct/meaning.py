"""What do an advertiser's campaigns and reports mean in canonical tables?

Cost is told once, at the finest grain the reports know: a criterion (keyword, autotargeting, audience) of an ad group. Each such
criterion is a canonical campaign of its own with the campaign's name in `name`, its group in `ad_group` and itself in `keyword`, so that
cost by campaign, by group and by keyword are sums over the same rows. Every campaign also has a row of its own id without group and
keyword; only campaigns without groups have costs there. Ads are not told apart: a report tells either ads or criteria.
"""

from collections.abc import Iterator

from rakurs.core.source import Delivery, TableMapping, Value
from rakurs.sources.live import Landing
from rakurs.sources.rows import brought, of
from rakurs.sources.spool import Spool
from rakurs.sources.yandex_direct.settings import DirectSettings

NAME = "yandex_direct"

_CHANNEL = Value(constant="direct")
_CHANNELS = TableMapping(table="channels", distinct=True, values={
    "channel_id": _CHANNEL, "name": Value(constant="Яндекс Директ"), "medium": Value(constant="cpc"),
    "platform": Value(constant="Яндекс Директ"),
})  # fmt: skip
_CAMPAIGNS = TableMapping(table="campaigns", values={
    "campaign_id": of("id"), "channel_id": _CHANNEL, "name": of("name"),
})  # fmt: skip
_CRITERIA = TableMapping(table="campaigns", distinct=True, values={
    "campaign_id": of("id"), "channel_id": _CHANNEL, "name": of("campaign"), "ad_group": of("group"), "keyword": of("criterion"),
})  # fmt: skip


def deliveries(settings: DirectSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What a run has fetched, as rows of the landing's source."""
    costs = TableMapping(table="ad_costs", values={
        "spent_at": of("day"), "channel_id": _CHANNEL, "campaign_id": of("id"), "amount": of("amount"),
        "currency": Value(constant=settings.currency), "clicks": of("clicks"), "impressions": of("impressions"),
    })  # fmt: skip
    # What a day no longer has (a row whose only click was taken back) is marked as deleted.
    left = TableMapping(table="ad_costs", values={"spent_at": of("day"), "campaign_id": of("id")}, deletes="siblings")
    source = landing.source
    yield from brought(spool, "campaigns", (_CHANNELS, _CAMPAIGNS), name=NAME, source=source)
    yield from brought(
        spool, "costs", (_CHANNELS, _CRITERIA, costs, left), name=NAME, source=source, currency=settings.currency
    )
