"""Yandex Metrica, followed over its API: visits of the site by day, traffic source and campaign tag."""

from rakurs.core.text import Text
from rakurs.sources.live import LiveSource
from rakurs.sources.yandex_metrica.fetching import check, fetch
from rakurs.sources.yandex_metrica.meaning import NAME, deliveries
from rakurs.sources.yandex_metrica.settings import FIELDS, MetricaSettings

SOURCE = LiveSource(
    name=NAME,
    area="advertising",
    title=Text(ru="Яндекс Метрика", en="Yandex Metrica"),
    about=Text(
        ru="Посещения, посетители, отказы и достижения целей по дням, источникам трафика и меткам кампаний (utm_campaign).",
        en="Visits, visitors, bounces and goals reached by day, traffic source and campaign tag (utm_campaign).",
    ),
    unverified=Text(
        ru="Проверено на местном сервере, который отвечает по документации; с живым счётчиком не сверялось: сколько дней цифры уточняются и "
        "как пишется отсутствие метки. Отказы считаются из доли отказов, с округлением.",
        en="Tried against a local server that answers as documented, not against a live tag: for how many days figures are corrected, and "
        "how a missing campaign tag is written. Bounces are worked out from their rate, rounded.",
    ),
    hooks=None,
    settings=MetricaSettings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=lambda _settings, _form: (),
    identity=lambda settings: str(settings.counter),
)

__all__ = ["SOURCE"]
