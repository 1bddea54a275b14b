"""1C, which sends its catalogue, prices, stock and documents of trade by itself, as it does to a web shop (CommerceML 2)."""

from rakurs.core.text import Text
from rakurs.sources.commerceml.fetching import check, clean, fetch, told
from rakurs.sources.commerceml.meaning import NAME, deliveries
from rakurs.sources.commerceml.reading import inspect, nothing
from rakurs.sources.commerceml.settings import FIELDS, CommerceMLSettings, base_of
from rakurs.sources.live import Exchange, LiveSource

SOURCE = LiveSource(
    name=NAME,
    area="data",
    title=Text(ru="1С: обмен с сайтом", en="1C: exchange with a site"),
    about=Text(
        ru="1С сама присылает товары, цены, остатки, заказы, возвраты, оплаты и контрагентов, как интернет-магазину.",
        en="1C itself sends products, prices, stock, orders, returns, payments and counterparties, as it does to a web shop.",
    ),
    unverified=Text(
        ru="Проверено на программе, которая обменивается, как описано в открытом протоколе CommerceML 2, и на образцах документов версий "
        "2.03–2.07; с живой 1С не сверялось. Не подтверждено: какие версии 1С говорят об окончании обмена (complete), как оплаты и "
        "отгрузки называют свой заказ, присылает ли изменение остатка все склады товара. Картинки принимаются и не сохраняются. "
        "Заказов 1С от Ракурса не получает.",
        en="Tried with a program that exchanges as the open protocol CommerceML 2 is described, and on samples of documents of versions "
        "2.03 to 2.07, not against a live 1C. Not confirmed: which versions of 1C say that an exchange is complete, how payments and "
        "deliveries name their order, whether a change of stock lists every warehouse of a product. Pictures are taken and not kept. 1C "
        "gets no orders from Rakurs.",
    ),
    hooks=Text(
        ru="В 1С: обмен данными с сайтом → новая настройка, выгрузка на сайт. Адрес сайта: строка ниже; пользователь и пароль: из "
        "настроек подключения. Сначала полная выгрузка, потом изменения по расписанию 1С.",
        en="In 1C: data exchange with a site → a new setting, upload to the site. The site's address is the line below; the user and the "
        "password are those of the connection's settings. A full export first, then changes by 1C's schedule.",
    ),
    settings=CommerceMLSettings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=told,
    identity=base_of,
    exchange=Exchange(inspect=inspect, nothing=nothing, clean=clean),
)

__all__ = ["SOURCE"]
