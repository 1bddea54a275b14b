"""VK Ads, followed over its API: what every ad cost day by day, its shows and clicks."""

from rakurs.core.text import Text
from rakurs.sources.live import LiveSource
from rakurs.sources.vk_ads.fetching import check, fetch, told
from rakurs.sources.vk_ads.meaning import NAME, deliveries
from rakurs.sources.vk_ads.settings import FIELDS, VkAdsSettings

SOURCE = LiveSource(
    name=NAME,
    area="advertising",
    title=Text(ru="VK Реклама", en="VK Ads"),
    about=Text(
        ru="Расходы, показы и клики по дням и объявлениям; кампании, группы и объявления.",
        en="Costs, shows and clicks by day and ad; campaigns, ad groups and ads.",
    ),
    unverified=Text(
        ru="Проверено на местном сервере, с живым кабинетом не сверялось. Вид ответа статистики, предел в 50 объявлений и 92 дня, отбор "
        "удалённых кампаний и групп, сортировка по id и поле created взяты не из справки VK, а из чужих программ. Расход — как в кабинете: "
        "есть ли в нём НДС, не выяснено. Статистика берётся только по объявлениям: на других уровнях те же деньги. Токен со сроком сам не "
        "обновляется.",
        en="Tried against a local server, not against a live account. How statistics are answered, their limit of 50 ads and 92 days, the "
        "choice of deleted campaigns and groups, the order by id and the field created come from other people's programs, not from VK's "
        "reference. Costs are as the account shows them: whether VAT is in them was not found out. Statistics are read of ads only: other "
        "levels count the same money. A token that expires is not renewed.",
    ),
    hooks=None,
    settings=VkAdsSettings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=told,
    identity=lambda settings: settings.account,
)

__all__ = ["SOURCE"]
