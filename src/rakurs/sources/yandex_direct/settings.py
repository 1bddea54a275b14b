"""What must Rakurs know of an advertiser before it can follow what the advertising costs?"""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from rakurs.core.text import Text
from rakurs.sources.live import SettingField, SourceSettings
from rakurs.sources.written import MOSCOW, Day, ZoneOrMoscow, base_of

ADDRESS = "https://api.direct.yandex.com"


class DirectSettings(SourceSettings):
    """An advertiser and how the money is told. `first_day` is where a full load begins; empty: as far back as there is."""

    login: Annotated[str, Field(min_length=1)]
    token: SecretStr
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "RUB"
    has_vat: bool = True
    first_day: Day = ""
    timezone: ZoneOrMoscow = MOSCOW
    address: str = ADDRESS

    @field_validator("login", "currency", mode="before")
    @classmethod
    def _is_trimmed(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @field_validator("address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return base_of(value, usual=ADDRESS)


FIELDS = (
    SettingField(
        name="login",
        title=Text(ru="Логин рекламодателя", en="Advertiser's login"),
        hint=Text(
            ru="Чьи кампании считать; у агентства — логин клиента.",
            en="Whose campaigns are counted; for an agency, the login of its client.",
        ),
        is_required=True,
    ),
    SettingField(
        name="token",
        title=Text(ru="OAuth-токен", en="OAuth token"),
        hint=Text(
            ru="Приложение на oauth.yandex.ru с доступом к API Директа и одобренной заявкой на API.",
            en="Of an application at oauth.yandex.com with access to the Direct API and an approved request for it.",
        ),
        kind="secret",
        is_required=True,
    ),
    SettingField(
        name="currency",
        title=Text(ru="Валюта аккаунта", en="Currency of the account"),
        hint=Text(ru="Три буквы, например RUB", en="Three letters, such as RUB"),
    ),
    SettingField(
        name="has_vat",
        title=Text(ru="Расходы с НДС", en="Costs with VAT"),
        hint=Text(ru="Выключите, если расходы нужны без НДС.", en="Turn it off to count costs without VAT."),
        kind="flag",
    ),
    SettingField(
        name="first_day",
        title=Text(ru="С какого дня", en="From which day"),
        hint=Text(ru="Например 2025-01-01. Пусто: три года.", en="Such as 2025-01-01. Empty: three years."),
    ),
    SettingField(
        name="timezone",
        title=Text(ru="Часовой пояс", en="Time zone"),
        hint=Text(ru="По нему Директ считает дни.", en="By which Direct counts days."),
    ),
    SettingField(
        name="address",
        title=Text(ru="Адрес API", en="Address of the API"),
        hint=Text(
            ru="Пусто: боевой. Песочница: https://api-sandbox.direct.yandex.com",
            en="Empty: the live one. Sandbox: https://api-sandbox.direct.yandex.com",
        ),
    ),
)
