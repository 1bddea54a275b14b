"""What must Rakurs know of an advertising account before it can follow it?"""

from pydantic import SecretStr, field_validator

from rakurs.core.text import Text
from rakurs.sources.live import SettingField, SourceSettings
from rakurs.sources.written import MOSCOW, ZoneOrMoscow


class VkAdsSettings(SourceSettings):
    """An account of VK Ads; its money and its days are told by nobody but its owner."""

    account: str
    token: SecretStr
    currency: str = "RUB"
    timezone: ZoneOrMoscow = MOSCOW

    @field_validator("account")
    @classmethod
    def _is_named(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("the number of the account is needed")
        return value.strip()

    @field_validator("currency")
    @classmethod
    def _is_currency(cls, value: str) -> str:
        code = value.strip().upper() or "RUB"
        if not (code.isascii() and code.isalpha() and len(code) == 3):
            raise ValueError("a currency of three letters such as RUB is needed")
        return code


FIELDS = (
    SettingField(
        name="account",
        title=Text(ru="Номер кабинета", en="Number of the account"),
        hint=Text(
            ru="Виден в кабинете VK Рекламы рядом с его названием. По нему кабинет узнают, когда его подключают снова.",
            en="Shown in VK Ads beside the account's name. By it the account is known again when it is connected anew.",
        ),
        is_required=True,
    ),
    SettingField(
        name="token",
        title=Text(ru="Токен", en="Token"),
        hint=Text(
            ru="VK Реклама → Настройки → Доступ к API. Нужно чтение кампаний и статистики. Токен со сроком придётся вставлять заново.",
            en="VK Ads → Settings → API access. It must read campaigns and statistics. One that expires has to be pasted again.",
        ),
        kind="secret",
        is_required=True,
    ),
    SettingField(
        name="currency",
        title=Text(ru="Валюта кабинета", en="Currency of the account"),
        hint=Text(ru="Три буквы. Пусто: RUB.", en="Three letters. Empty: RUB."),
    ),
    SettingField(
        name="timezone",
        title=Text(ru="Часовой пояс кабинета", en="Time zone of the account"),
        hint=Text(ru="Пусто: Europe/Moscow.", en="Empty: Europe/Moscow."),
    ),
)
