"""amoCRM (Kommo), followed over its API: leads and their way through statuses, people, calls and tasks."""

from urllib.parse import urlsplit

from rakurs.core.text import Text
from rakurs.sources.amocrm.consent import CONSENT
from rakurs.sources.amocrm.fetching import check, fetch
from rakurs.sources.amocrm.meaning import NAME, deliveries
from rakurs.sources.amocrm.settings import FIELDS, AmoSettings
from rakurs.sources.amocrm.webhooks import told
from rakurs.sources.amocrm.writing import WRITER
from rakurs.sources.live import LiveSource

SOURCE = LiveSource(
    name=NAME,
    area="crm",
    title=Text(ru="amoCRM", en="amoCRM (Kommo)"),
    about=Text(
        ru="Сделки и их путь по этапам, контакты, компании, звонки, задачи, сотрудники и дополнительные поля.",
        en="Leads and their way through statuses, contacts, companies, calls, tasks, employees and custom fields.",
    ),
    unverified=Text(
        ru="Проверено на местном сервере, который отвечает по документации; с живым аккаунтом, в том числе вход через "
        "интеграцию, не сверялось.",
        en="Tried against a local server that answers as documented, not against a live account; neither was consent to an integration.",
    ),
    hooks=Text(
        ru="Настройки → Интеграции → WebHooks: адрес ниже, события о сделках, контактах и компаниях. Адрес держите в тайне: подписи у "
        "этих вебхуков нет.",
        en="Settings → Integrations → WebHooks: the address below, events of leads, contacts and companies. Keep the address secret: "
        "these webhooks carry no signature.",
    ),
    settings=AmoSettings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=told,
    identity=lambda settings: urlsplit(settings.address).netloc.lower(),
    writer=WRITER,
    consent=CONSENT,
)

__all__ = ["SOURCE"]
