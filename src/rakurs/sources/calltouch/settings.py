"""What must Rakurs know of a Calltouch account before it can follow its calls and requests?"""

from pydantic import SecretStr, field_validator

from rakurs.core.text import Text
from rakurs.sources.live import SettingField, SourceSettings
from rakurs.sources.written import MOSCOW, Day, ZoneOrMoscow


class CalltouchSettings(SourceSettings):
    """One site of an account and what is wanted of it."""

    site_id: str
    token: SecretStr
    since: Day = ""
    timezone: ZoneOrMoscow = MOSCOW

    @field_validator("site_id")
    @classmethod
    def _is_number(cls, value: str) -> str:
        if not value.strip().isdecimal():
            raise ValueError("a number such as 12345 is needed")
        return value.strip()


def site_of(settings: CalltouchSettings) -> str:
    """Which site the settings name."""
    return settings.site_id


FIELDS = (
    SettingField(
        name="site_id",
        title=Text(ru="ID личного кабинета", en="Id of the site"),
        hint=Text(
            ru="Число из раздела Интеграции → Отправка данных во внешние системы → API.",
            en="The number in Integrations → Sending data to other systems → API.",
        ),
        is_required=True,
    ),
    SettingField(
        name="token",
        title=Text(ru="API-токен", en="API token"),
        hint=Text(ru="Там же, где ID личного кабинета.", en="In the same place as the id."),
        kind="secret",
        is_required=True,
    ),
    SettingField(
        name="since",
        title=Text(ru="С какого дня", en="From which day"),
        hint=Text(ru="Например 2024-01-31. Пусто: за два последних года.", en="Such as 2024-01-31. Empty: two years."),
    ),
    SettingField(
        name="timezone",
        title=Text(ru="Часовой пояс звонков", en="Time zone of calls"),
        hint=Text(ru="Пояс личного кабинета. Пусто: Europe/Moscow.", en="The account's zone. Empty: Europe/Moscow."),
    ),
)
