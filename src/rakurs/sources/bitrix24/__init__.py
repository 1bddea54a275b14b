"""Bitrix24, followed over its REST API: deals, leads, people, products, activities, calls and their history."""

from urllib.parse import urlsplit

from rakurs.core.text import Text
from rakurs.sources.bitrix24.consent import CONSENT
from rakurs.sources.bitrix24.fetching import check, fetch
from rakurs.sources.bitrix24.meaning import NAME, deliveries
from rakurs.sources.bitrix24.settings import FIELDS, Bitrix24Settings
from rakurs.sources.bitrix24.webhooks import told
from rakurs.sources.bitrix24.writing import WRITER
from rakurs.sources.live import LiveSource

SOURCE = LiveSource(
    name=NAME,
    area="crm",
    title=Text(ru="Битрикс24", en="Bitrix24"),
    about=Text(
        ru="Сделки, лиды, контакты, компании, товары, дела, звонки, история стадий, сотрудники и пользовательские поля.",
        en="Deals, leads, contacts, companies, products, activities, calls, stage history, employees and custom fields.",
    ),
    unverified=Text(
        ru="Проверено на местном сервере, который отвечает по документации; с живым порталом и его сервером авторизации не сверялось.",
        en="Tried against a local server that answers as documented, not against a live portal and its authorization server.",
    ),
    hooks=Text(
        ru="Разработчикам → Другое → Исходящий вебхук: обработчик — адрес ниже, события ONCRMDEALADD, ONCRMDEALUPDATE, "
        "ONCRMDEALDELETE и такие же для лидов, контактов, компаний и дел; токен вставьте в настройки.",
        en="Developer resources → Other → Outbound webhook: handler is the address below, events ONCRMDEALADD, ONCRMDEALUPDATE, "
        "ONCRMDEALDELETE and the same of leads, contacts, companies and activities; put its token into the settings.",
    ),
    settings=Bitrix24Settings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=told,
    identity=lambda settings: urlsplit(settings.address).netloc,
    writer=WRITER,
    consent=CONSENT,
)

__all__ = ["SOURCE"]
