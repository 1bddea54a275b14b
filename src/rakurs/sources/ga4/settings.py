"""What must Rakurs know of a property before it can follow it?"""

from pydantic import SecretStr, field_validator

from rakurs.core.text import Text
from rakurs.sources.live import SettingField, SourceSettings


class Ga4Settings(SourceSettings):
    """A property of Google Analytics 4 and the key of a service account that may read it."""

    property_id: str
    key: SecretStr

    @field_validator("property_id")
    @classmethod
    def _is_number(cls, value: str) -> str:
        number = value.strip().removeprefix("properties/")
        if not (number.isascii() and number.isdigit()):
            raise ValueError("the number of a property such as 123456789 is needed, not the G-… of a stream")
        return number


FIELDS = (
    SettingField(
        name="property_id",
        title=Text(ru="Номер ресурса", en="Property ID"),
        hint=Text(
            ru="Google Аналитика → Администратор → Настройки ресурса. Число, не G-….",
            en="Google Analytics → Admin → Property details. A number, not G-….",
        ),
        is_required=True,
    ),
    SettingField(
        name="key",
        title=Text(ru="Ключ сервисного аккаунта", en="Service account key"),
        hint=Text(
            ru="Google Cloud → IAM → Сервисные аккаунты → Ключи → JSON: всё содержимое файла. В проекте нужен включённый Google Analytics "
            "Data API, а адрес аккаунта — среди пользователей ресурса с ролью «Читатель».",
            en="Google Cloud → IAM → Service accounts → Keys → JSON: all that the file holds. The project needs the Google Analytics "
            "Data API enabled, and the account's address must be a Viewer of the property.",
        ),
        kind="secret",
        is_required=True,
    ),
)
