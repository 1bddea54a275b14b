"""What must Rakurs know of an account before it can follow it?"""

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from rakurs.core.text import Text
from rakurs.sources.live import CONSENT_FIELDS, ConsentSettings, SettingField


class AmoSettings(ConsentSettings):
    """An account and what is wanted of it. `token` opens it, or an integration with an id and a secret."""

    address: str
    token: SecretStr = Field(default=SecretStr(""), validate_default=True)
    channel_field: str = ""
    loss_reason_field: str = ""

    @field_validator("address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        text = value.strip() if "://" in value else f"https://{value.strip()}"
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "." not in parts.hostname:
            raise ValueError("an address such as company.amocrm.ru is needed")
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("token")
    @classmethod
    def _is_there(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if not value.get_secret_value().strip() and not info.data.get("client_id"):
            raise ValueError("a long-lived token is needed, or the id and secret of an integration")
        return value


FIELDS = (
    SettingField(
        name="address",
        title=Text(ru="Адрес аккаунта", en="Address of the account"),
        hint=Text(ru="Например company.amocrm.ru", en="Such as company.kommo.com"),
        is_required=True,
    ),
    SettingField(
        name="token",
        title=Text(ru="Долгосрочный токен", en="Long-lived token"),
        hint=Text(
            ru="amoМаркет → Создать интеграцию → Ключи и доступы. Нужен доступ к данным аккаунта.",
            en="Marketplace → Create integration → Keys and scopes. It needs access to the account's data.",
        ),
        kind="secret",
        is_required=True,
        way="key",
    ),
    *CONSENT_FIELDS,
    SettingField(
        name="channel_field",
        title=Text(ru="Поле с источником", en="Field of the source"),
        hint=Text(
            ru="Название поля сделки. Пусто: поле «Источник…», а где его нет — utm_source.",
            en="Name of a lead's field. Empty: a field called “Source…”, or utm_source where there is none.",
        ),
    ),
    SettingField(
        name="loss_reason_field",
        title=Text(ru="Поле с причиной отказа", en="Field of the loss reason"),
        hint=Text(ru="Пусто: причина отказа самой системы.", en="Empty: the loss reason of the system itself."),
    ),
)
