"""Calltouch, followed over its API: calls and requests of a site, and the advertising that brought them."""

from rakurs.core.text import Text
from rakurs.sources.calltouch.fetching import check, fetch, told
from rakurs.sources.calltouch.meaning import NAME, deliveries
from rakurs.sources.calltouch.settings import FIELDS, CalltouchSettings, site_of
from rakurs.sources.live import LiveSource

SOURCE = LiveSource(
    name=NAME,
    area="telephony",
    title=Text(ru="Calltouch", en="Calltouch"),
    about=Text(
        ru="Звонки и заявки с сайта, их рекламные источники и кампании, кто оставил заявку.",
        en="Calls and requests of a site, the sources and campaigns that brought them, who left the requests.",
    ),
    unverified=Text(
        ru="Проверено на местном сервере, который отвечает по документации и открытым клиентам; с живым кабинетом не сверялось. Не "
        "подтверждено: коды отказа при неверном токене и исчерпанных баллах, самый длинный период одного запроса, часовой пояс "
        "звонков. Обратные звонки считаются входящими; сделки, чаты, записи разговоров и удаления не читаются.",
        en="Tried against a local server that answers as the documentation and open clients have it, not against a live account. Not "
        "confirmed: the statuses of a wrong token and of spent points, the longest period of one call, the zone of calls. Callbacks "
        "count as incoming; deals, chats, recordings and deletions are not read.",
    ),
    hooks=None,
    settings=CalltouchSettings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=told,
    identity=site_of,
)

__all__ = ["SOURCE"]
