"""What must Rakurs know of a virtual exchange of Mango Office before it can follow its calls?"""

from pydantic import SecretStr, field_validator

from rakurs.core.text import Text
from rakurs.sources.live import SettingField, SourceSettings
from rakurs.sources.written import Day


class MangoSettings(SourceSettings):
    """An exchange and what is wanted of it. Its code goes with every call and webhook; what proves who calls is the salt."""

    api_key: str
    api_salt: SecretStr
    since: Day = ""

    @field_validator("api_key")
    @classmethod
    def _is_code(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("the code of the exchange is needed")
        return value.strip()

    @field_validator("api_salt")
    @classmethod
    def _is_trimmed(cls, value: SecretStr) -> SecretStr:
        return SecretStr(value.get_secret_value().strip())


def code_of(settings: MangoSettings) -> str:
    """Which exchange the settings name."""
    return settings.api_key


FIELDS = (
    SettingField(
        name="api_key",
        title=Text(ru="Уникальный код вашей АТС", en="Unique code of your exchange"),
        hint=Text(ru="Личный кабинет → Интеграции → API коннектор.", en="Your account → Integrations → API connector."),
        is_required=True,
    ),
    SettingField(
        name="api_salt",
        title=Text(ru="Ключ для создания подписи", en="Key for signatures"),
        hint=Text(ru="Там же, где код АТС.", en="In the same place as the code."),
        kind="secret",
        is_required=True,
    ),
    SettingField(
        name="since",
        title=Text(ru="С какого дня", en="From which day"),
        hint=Text(ru="Например 2024-01-31. Пусто: за два последних года.", en="Such as 2024-01-31. Empty: two years."),
    ),
)
