"""Connectors: foreign records described as canonical ones; the only place that knows a vendor."""

from collections.abc import Mapping

from rakurs.sources import amocrm, bitrix24, database
from rakurs.sources.files import watched
from rakurs.sources.live import LiveSource

LIVE_SOURCES: Mapping[str, LiveSource] = {
    source.name: source for source in (bitrix24.SOURCE, amocrm.SOURCE, database.SOURCE, watched.SOURCE)
}
"""Systems that are followed over their API, by name."""

__all__ = ["LIVE_SOURCES"]
