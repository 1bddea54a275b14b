"""What must Rakurs know of a virtual exchange before it can follow its calls?"""

from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator

from rakurs.core.text import Text
from rakurs.sources.live import SettingField, SourceSettings
from rakurs.sources.written import Day, Zone


class UisSettings(SourceSettings):
    """An account of UIS or CoMagic and what is wanted of it."""

    address: str
    token: SecretStr
    since: Day = ""
    timezone: Zone = ""

    @field_validator("address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        text = value.strip() if "://" in value else f"https://{value.strip()}"
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "." not in parts.hostname:
            raise ValueError("an address such as dataapi.uiscom.ru is needed")
        return f"{parts.scheme}://{parts.netloc}"


def host_of(settings: UisSettings) -> str:
    """Which of the two sites the settings name; an account is known to them by its key alone."""
    return urlsplit(settings.address).netloc.lower()


FIELDS = (
    SettingField(
        name="address",
        title=Text(ru="Адрес Data API", en="Address of the Data API"),
        hint=Text(
            ru="dataapi.uiscom.ru или dataapi.comagic.ru: там, где заведён ваш кабинет. Ключ одного не подходит к другому.",
            en="dataapi.uiscom.ru or dataapi.comagic.ru: where your account is. A key of one does not fit the other.",
        ),
        is_required=True,
    ),
    SettingField(
        name="token",
        title=Text(ru="Ключ доступа", en="Access key"),
        hint=Text(
            ru="Аккаунт → Управление пользователями → ключ API, постоянный. Адрес этого сервера добавьте в Правила и настройки безопасности "
            "→ API.",
            en="Account → User management → API key, permanent. Add this server's address in Security rules and settings → API.",
        ),
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
        hint=Text(
            ru="Например Europe/Moscow. Пусто: пояс аккаунта.", en="Such as Europe/Moscow. Empty: the account's."
        ),
    ),
)
