"""Mango Office, followed over the API of its virtual exchange: calls and who answered them."""

from rakurs.core.text import Text
from rakurs.sources.live import LiveSource
from rakurs.sources.mango.fetching import check, fetch
from rakurs.sources.mango.meaning import NAME, deliveries
from rakurs.sources.mango.settings import FIELDS, MangoSettings, code_of
from rakurs.sources.mango.webhooks import told

SOURCE = LiveSource(
    name=NAME,
    area="telephony",
    title=Text(ru="Манго Офис", en="Mango Office"),
    about=Text(
        ru="Звонки виртуальной АТС и внутренние номера сотрудников, которые на них ответили.",
        en="Calls of a virtual exchange and the extensions of the employees who answered them.",
    ),
    unverified=Text(
        ru="Проверено на местном сервере, который отвечает как в открытых клиентах; с живой АТС не сверялось. Адрес результата статистики в "
        "них разный: пробуются stats/result, затем result/stats. Не подтверждено: часовой пояс отметок времени (принят UTC, как у "
        "Unix), признаки ответа человека и меню. Разговоры между сотрудниками, имена сотрудников, записи разговоров и удаления не читаются.",
        en="Tried against a local server that answers as open clients have it, not against a live exchange. They spell the address of "
        "the statistics' result in two ways: stats/result is tried, then result/stats. Not confirmed: the zone of times (taken as UTC, "
        "as Unix has it), how a person's answer differs from a menu's. Talks between employees, their names, recordings and deletions "
        "are not read.",
    ),
    hooks=Text(
        ru="Личный кабинет → Интеграции → API коннектор: адрес ниже как адрес внешней системы. Звонок читается, когда он закончился.",
        en="Your account → Integrations → API connector: the address below as the other system's. A call is read when it has ended.",
    ),
    settings=MangoSettings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=told,
    identity=code_of,
)

__all__ = ["SOURCE"]
