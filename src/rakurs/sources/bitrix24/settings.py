"""What must Rakurs know of a portal before it can follow it?"""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from rakurs.core.text import Text
from rakurs.sources.live import CONSENT_FIELDS, ConsentSettings, SettingField

_WEBHOOK_PARTS = 3


def _numbers(value: object) -> object:
    """`156, 158` as a form writes it."""
    return (
        tuple(value.replace(" ", "").strip(",").split(",")) if isinstance(value, str) and value.strip() else value or ()
    )


class Bitrix24Settings(ConsentSettings):
    """A portal and what is wanted of it. `webhook` opens it, or an application of the portal with an id and a secret."""

    portal: str = Field(default="", validate_default=True)
    webhook: SecretStr = Field(default=SecretStr(""), validate_default=True)
    application_token: SecretStr = SecretStr("")
    smart_processes: Annotated[tuple[int, ...], BeforeValidator(_numbers)] = ()
    loss_reason_field: str = ""
    is_order_source: bool = True

    @field_validator("portal")
    @classmethod
    def _is_portal(cls, value: str, info: ValidationInfo) -> str:
        """Only an application needs the address: a webhook holds its own."""
        text = value.strip() if "://" in value or not value.strip() else f"https://{value.strip()}"
        parts = urlsplit(text)
        is_address = parts.scheme in {"http", "https"} and "." in (parts.hostname or "")
        if not is_address and (text or info.data.get("client_id")):
            raise ValueError("an address such as company.bitrix24.ru is needed")
        return f"{parts.scheme}://{parts.netloc.lower()}" if text else ""

    @field_validator("webhook")
    @classmethod
    def _is_webhook(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        given = value.get_secret_value().strip()
        if info.data.get("client_id") and not given:
            return SecretStr("")
        scheme, _, rest = given.partition("://")
        parts = rest.strip("/").split("/")
        if scheme not in {"http", "https"} or parts[1:2] != ["rest"] or len(parts) < _WEBHOOK_PARTS + 1:
            raise ValueError("an address such as https://company.bitrix24.ru/rest/1/code/ is needed")
        return SecretStr(f"{scheme}://{'/'.join(parts[:4])}/")

    @property
    def address(self) -> str:
        """The portal's address, without any key."""
        parts = urlsplit(self.portal if self.client_id else self.webhook.get_secret_value())
        return f"{parts.scheme}://{parts.netloc.lower()}"


FIELDS = (
    SettingField(
        name="webhook",
        title=Text(ru="Адрес входящего вебхука", en="Address of the inbound webhook"),
        hint=Text(
            ru="Разработчикам → Другое → Входящий вебхук. Права: crm, user, department, telephony, catalog. Чтобы записывать задачи в CRM: task.",
            en="Developer resources → Other → Inbound webhook. Permissions: crm, user, department, telephony, catalog. To write tasks back: task.",
        ),
        kind="secret",
        is_required=True,
        way="key",
    ),
    SettingField(
        name="portal",
        title=Text(ru="Адрес портала", en="Address of the portal"),
        hint=Text(ru="Например company.bitrix24.ru", en="Such as company.bitrix24.com"),
        is_required=True,
        way="consent",
    ),
    *CONSENT_FIELDS,
    SettingField(
        name="application_token",
        title=Text(ru="Токен исходящего вебхука", en="Token of the outbound webhook"),
        hint=Text(
            ru="Необязательно: с ним изменения приходят сразу, без него — по расписанию.",
            en="Optional: with it changes come at once, without it by the schedule.",
        ),
        kind="secret",
    ),
    SettingField(
        name="smart_processes",
        title=Text(ru="Смарт-процессы, которые продают", en="Smart processes that sell"),
        hint=Text(
            ru="Номера типов через запятую, например 156. Их элементы становятся сделками своих воронок.",
            en="Numbers of their types with commas, such as 156. Their items become deals in pipelines of their own.",
        ),
        kind="numbers",
    ),
    SettingField(
        name="loss_reason_field",
        title=Text(ru="Поле с причиной отказа", en="Field of the loss reason"),
        hint=Text(
            ru="Код поля сделки, например UF_CRM_1721. Пусто: поле найдётся по названию.",
            en="Code of a deal's field, such as UF_CRM_1721. Empty: the field is found by its name.",
        ),
    ),
    SettingField(
        name="is_order_source",
        title=Text(ru="Товары выигранных сделок — это заказы", en="Products of won deals are orders"),
        hint=Text(
            ru="Выключите, если заказы приходят из другой системы, иначе они посчитаются дважды.",
            en="Turn it off where orders come from another system, or they count twice.",
        ),
        kind="flag",
    ),
)
