"""Connectors: foreign records described as canonical ones; the only place that knows a vendor."""

from collections.abc import Mapping

from rakurs.sources import (
    amocrm,
    bitrix24,
    calltouch,
    commerceml,
    database,
    ga4,
    mango,
    uis,
    vk_ads,
    yandex_direct,
    yandex_metrica,
)
from rakurs.sources.files import mailbox, sftp, watched
from rakurs.sources.live import LiveSource

LIVE_SOURCES: Mapping[str, LiveSource] = {
    source.name: source
    for source in (
        bitrix24.SOURCE,
        amocrm.SOURCE,
        uis.SOURCE,
        calltouch.SOURCE,
        mango.SOURCE,
        yandex_direct.SOURCE,
        yandex_metrica.SOURCE,
        vk_ads.SOURCE,
        ga4.SOURCE,
        commerceml.SOURCE,
        database.SOURCE,
        watched.SOURCE,
        sftp.SOURCE,
        mailbox.SOURCE,
    )
}
"""Systems that are followed over their API, by name: operational ones, telephony, advertising, sites, then files."""

__all__ = ["LIVE_SOURCES"]
