"""UIS and CoMagic, followed over their Data API: calls, who answered them, and the advertising that brought them."""

from rakurs.core.text import Text
from rakurs.sources.live import LiveSource
from rakurs.sources.uis.fetching import check, fetch, told
from rakurs.sources.uis.meaning import NAME, deliveries
from rakurs.sources.uis.settings import FIELDS, UisSettings, host_of

SOURCE = LiveSource(
    name=NAME,
    area="telephony",
    title=Text(ru="UIS и CoMagic", en="UIS and CoMagic"),
    about=Text(
        ru="Звонки, сотрудники, которые в них участвовали, рекламные источники и кампании звонков.",
        en="Calls, the employees who took part in them, the sources and campaigns that brought them.",
    ),
    unverified=Text(
        ru="Проверено на местном сервере, который отвечает по документации; с живым аккаунтом не сверялось. Не подтверждено, что время "
        "звонков отдаётся в часовом поясе аккаунта: если оно сдвинуто, укажите пояс в настройках. Удалённые звонки не отмечаются, "
        "ключи агентов не поддерживаются.",
        en="Tried against a local server that answers as documented, not against a live account. That calls are timed in the account's zone "
        "is not confirmed: where they are shifted, name the zone in the settings. Deleted calls are not marked, keys of agents are "
        "not supported.",
    ),
    hooks=None,
    settings=UisSettings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=told,
    identity=host_of,
)

__all__ = ["SOURCE"]
