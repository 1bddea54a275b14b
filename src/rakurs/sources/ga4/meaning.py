"""What do the rows of a property mean in canonical tables?"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rakurs.core.source import Delivery, TableMapping
from rakurs.core.text import Text
from rakurs.sources.ga4.fetching import TRAFFIC
from rakurs.sources.ga4.settings import Ga4Settings
from rakurs.sources.live import Landing
from rakurs.sources.rows import brought, listed, of
from rakurs.sources.spool import Spool

NAME = "ga4"

_KEY = {"visited_at": of("day"), "channel_id": of("channel"), "campaign_id": of("campaign")}
_TABLES = (
    listed("channels", "channel_id", "channel", medium=of("medium"), platform=of("source")),
    listed("campaigns", "campaign_id", "campaign"),
    TableMapping(table="site_traffic", values={
        **_KEY, "visits": of("visits"), "visitors": of("visitors"), "bounces": of("bounces"), "goals": of("goals"),
        "sample_share": of("sample_share"),
    }),
    TableMapping(table="site_traffic", values=_KEY, deletes="siblings"),
)  # fmt: skip
_REMARKS: Mapping[str, Text] = {
    "sampled": Text(
        ru="Часть отчётов Google посчитал по выборке: доля указана у строк.",
        en="Google worked some reports out from a sample: rows tell its share.",
    ),
    "thresholded": Text(
        ru="Google скрыл строки с малым числом посетителей: сумма по каналам меньше общей.",
        en="Google withheld rows of few visitors: channels add up to less than the whole.",
    ),
    "folded": Text(
        ru="Google свернул редкие источники в строку «(other)».",
        en="Google rolled rare sources into a row “(other)”.",
    ),
}


def deliveries(_settings: Ga4Settings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What a run has fetched, as rows of the landing's source.

    Rows a day no longer has (Google moved their visits to another channel) are marked as deleted.
    """
    remarks = tuple(remark for name, remark in _REMARKS.items() if spool.noted(name))
    for delivery in brought(spool, TRAFFIC, _TABLES, name=NAME, source=landing.source):
        yield replace(delivery, notes=(*delivery.notes, *remarks))
