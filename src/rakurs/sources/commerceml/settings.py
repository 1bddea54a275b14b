"""What must Rakurs know before 1C can send to it?"""

from rakurs.core.text import Text
from rakurs.sources.commerceml.values import currency_of
from rakurs.sources.live import SettingField
from rakurs.sources.receiving import MOST_PIECE_MB, ReceivingSettings
from rakurs.sources.written import MOSCOW, ZoneOrMoscow

RUBLE = "RUB"


class CommerceMLSettings(ReceivingSettings):
    """How one base of 1C signs in, and what its price types mean."""

    sale_price: str = ""
    cost_price: str = ""
    currency: str = RUBLE
    timezone: ZoneOrMoscow = MOSCOW

    @property
    def own_currency(self) -> str:
        """The code of the currency of its accounts."""
        return currency_of(self.currency) or RUBLE


def base_of(settings: CommerceMLSettings) -> str:
    """Which base the settings name."""
    return settings.login


FIELDS = (
    SettingField(
        name="login",
        title=Text(ru="Имя пользователя", en="User name"),
        hint=Text(
            ru="Придумайте: его и пароль впишете в настройку обмена с сайтом в 1С.",
            en="Make one up: it and the password go into 1C's exchange with a site.",
        ),
        is_required=True,
    ),
    SettingField(
        name="password",
        title=Text(ru="Пароль", en="Password"),
        hint=Text(ru="Не короче 8 знаков.", en="8 characters or more."),
        kind="secret",
        is_required=True,
    ),
    SettingField(
        name="sale_price",
        title=Text(ru="Вид цены продажи", en="Price type of sale"),
        hint=Text(
            ru="Как он называется в 1С. Пусто: единственный или «Розничная».",
            en="As 1C calls it. Empty: the only one, or the retail one.",
        ),
    ),
    SettingField(
        name="cost_price",
        title=Text(ru="Вид цены себестоимости", en="Price type of cost"),
        hint=Text(
            ru="Как он называется в 1С. Пусто: «Закупочная» или «Себестоимость».",
            en="As 1C calls it. Empty: the purchase price.",
        ),
    ),
    SettingField(
        name="currency",
        title=Text(ru="Валюта учёта", en="Currency of accounts"),
        hint=Text(
            ru="Цены товаров в других валютах не загружаются. Пусто: RUB.",
            en="Prices of products in other currencies are not loaded. Empty: RUB.",
        ),
    ),
    SettingField(
        name="timezone",
        title=Text(ru="Часовой пояс базы", en="Time zone of the base"),
        hint=Text(ru="Пусто: Europe/Moscow.", en="Empty: Europe/Moscow."),
    ),
    SettingField(
        name="takes_zip",
        title=Text(ru="Принимать сжатые файлы", en="Take compressed files"),
        hint=Text(ru="1С узнает об этом сама.", en="1C is told by itself."),
        kind="flag",
    ),
    SettingField(
        name="piece_mb",
        title=Text(ru="Размер части файла, МБ", en="Size of a piece, MB"),
        hint=Text(
            ru=f"Большие файлы 1С присылает частями. От 1 до {MOST_PIECE_MB}; прокси перед Ракурсом должен столько пропускать.",
            en=f"1C sends large files in pieces. From 1 to {MOST_PIECE_MB}; a proxy in front must let so much through.",
        ),
    ),
)
