"""Google Analytics 4, followed over its Data API: visits of the site by day, channel and campaign."""

from rakurs.core.text import Text
from rakurs.sources.ga4.fetching import check, fetch, told
from rakurs.sources.ga4.meaning import NAME, deliveries
from rakurs.sources.ga4.settings import FIELDS, Ga4Settings
from rakurs.sources.live import LiveSource

SOURCE = LiveSource(
    name=NAME,
    area="advertising",
    title=Text(ru="Google Аналитика 4", en="Google Analytics 4"),
    about=Text(
        ru="Посещаемость сайта по дням, каналам и кампаниям: посещения, посетители, отказы, ключевые события.",
        en="Site traffic by day, channel and campaign: visits, visitors, bounces, key events.",
    ),
    unverified=Text(
        ru="Проверено на местном сервере, который отвечает по документации; с живым ресурсом не сверялось. Посетители считаются за день "
        "и канал: их нельзя складывать. Вход только по ключу сервисного аккаунта.",
        en="Tried against a local server that answers as documented, not against a live property. Visitors are counted per day and "
        "channel: they do not add up. Only the key of a service account lets us in.",
    ),
    hooks=None,
    settings=Ga4Settings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=told,
    identity=lambda settings: settings.property_id,
)

__all__ = ["SOURCE"]
