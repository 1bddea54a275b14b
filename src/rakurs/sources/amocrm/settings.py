"""What must Rakurs know of an account before it can follow it?"""

from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator

from rakurs.core.text import Text
from rakurs.sources.live import SettingField, SourceSettings


class AmoSettings(SourceSettings):
    """An account and what is wanted of it."""

    address: str
    token: SecretStr
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
    ),
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
