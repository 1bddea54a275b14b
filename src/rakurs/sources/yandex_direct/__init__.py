"""Yandex Direct, followed over its API: what advertising cost by day, campaign, ad group and keyword."""

from rakurs.core.text import Text
from rakurs.sources.live import LiveSource
from rakurs.sources.yandex_direct.fetching import check, fetch
from rakurs.sources.yandex_direct.meaning import NAME, deliveries
from rakurs.sources.yandex_direct.settings import FIELDS, DirectSettings

SOURCE = LiveSource(
    name=NAME,
    area="advertising",
    title=Text(ru="Яндекс Директ", en="Yandex Direct"),
    about=Text(
        ru="Расходы на рекламу, показы и клики по дням, кампаниям, группам объявлений и ключевым фразам.",
        en="Advertising costs, impressions and clicks by day, campaign, ad group and keyword.",
    ),
    unverified=Text(
        ru="Проверено на местном сервере, который отвечает по документации; с живым аккаунтом не сверялось: сколько дней расходы "
        "уточняются, сколько строк отчёт отдаёт за раз, как в нём пишутся итоговая строка и отсутствующие группы и фразы, подходит ли "
        "собственный логин рекламодателя без агентства. Объявления не различаются.",
        en="Tried against a local server that answers as documented, not against a live account: for how many days costs are corrected, "
        "how many rows a report gives at once, how it writes its last line and missing groups and keywords, and whether an advertiser's "
        "own login does without an agency. Ads are not told apart.",
    ),
    hooks=None,
    settings=DirectSettings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=lambda _settings, _form: (),
    identity=lambda settings: settings.login.lower(),
)

__all__ = ["SOURCE"]
