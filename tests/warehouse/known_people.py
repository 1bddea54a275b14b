"""A small company in which one person is known to many systems, and others resemble him."""

from pathlib import Path

from rakurs.core.source import Delivery, Value
from warehouse.arriving import delivery

NAME, PHONE, EMAIL, TAX_ID = "Кочетков", "9161234567", "kochet@mail.ru", "500100732259"
OLD_PHONE = "9035550011"
HIS_WORDS = (NAME, PHONE, EMAIL, TAX_ID, OLD_PHONE, "ул. Ленина", "день рождения у него")
"""Whatever tells who he is: none of it may be left."""

CRM = """
id,name,kind,phone,email,tax_id,birth_date,city,created_at,Адрес
17,Кочетков Пётр,person,+7 916 123-45-67,,500100732259,1980-05-01,Тула,2025-01-01 10:00,ул. Ленина 5
18,Кочетков Петр Сергеевич,person,8 (916) 123-45-67,kochet@mail.ru,,,Тула,2025-01-05 10:00,
19,Лисицына Анна,person,+7 926 700-11-22,anna@mail.ru,,1983-01-01,Тула,2025-01-03 10:00,ул. Мира 1
20,ООО Ромашка,company,+7 495 700-00-01,info@romashka.ru,,,Москва,2025-01-04 10:00,Офис 7
21,Сидоров Олег,person,+7 905 222-33-44,,,1980-05-01,Пермь,2025-02-01 10:00,ул. Пушкина 3
22,Белова Мария,person,+7 926 700-11-22,,,,Тула,2025-02-02 10:00,
"""
EARLIER = CRM.replace("+7 916 123-45-67", "+7 903 555-00-11")
SHOP = """
id,name,email,created_at
5,Пётр Кочетков,Kochet@Mail.ru,2025-03-01 10:00
6,Анна,anna@mail.ru,2025-03-02 10:00
"""
DEALS = """
id,title,customer_id,stage_id,amount,created_at,closed_at,Комментарий
1,Кухня для Кочеткова,17,{stage},1000,2025-03-01 10:00,,звонить вечером +7 916 123 45 67
2,Поставка,20,won,5000,2025-03-02 10:00,2025-03-12 10:00,"контакт Пётр Кочетков, 8-916-123-45-67, он же закупает"
3,Диван,19,lost,300,2025-03-03 10:00,2025-03-05 10:00,
4,Шкаф,18,won,700,2025-03-04 10:00,2025-03-14 10:00,
"""
ORDERS = """
id,customer_id,ordered_at,amount,Адрес доставки
100,5,2025-04-01 12:00,150,ул. Ленина 5
101,6,2025-04-02 12:00,250,ул. Мира 1
102,,2025-04-03 12:00,350,
"""
LINES = "order_id,product_id,quantity,price\n100,p1,1,150\n101,p1,1,250\n102,p1,1,350\n"
ACTIVITIES = """
activity_id,at,kind,deal_id,customer_id,result
a1,2025-03-02 10:00,call,crm:1,,"день рождения у него в мае, Кочетков"
a2,2025-03-03 10:00,email,crm:2,,договор
a3,2025-03-04 10:00,meeting,,crm:19,была Анна
"""
CALLS = """
id,started_at,direction,phone,talk_seconds,recording_url
c1,2025-03-01 10:00,in,+79161234567,30,http://rec/1
c2,2025-03-02 10:00,in,89267001122,40,http://rec/2
c3,2025-03-03 10:00,in,84957000001,50,http://rec/3
c4,2025-01-03 10:00,in,+7 903 555-00-11,0,
"""
SURVEY = """
response_id,answered_at,kind,score,comment,customer_id,order_id
s1,2025-04-05 10:00,nps,9,Спасибо от Кочеткова,,shop:100
s2,2025-04-06 10:00,nps,3,Долго,shop:6,
"""
VISITS = """
visit_id,started_at,visitor_id,landing_page
v1,2025-03-01 09:00,browser-his,https://shop.ru/
v2,2025-03-02 09:00,browser-hers,https://shop.ru/
v3,2025-03-03 09:00,browser-both,https://shop.ru/
"""
EVENTS = """
event_id,at,kind,visit_id,visitor_id,phone,email
e1,2025-03-01 09:05,form,v1,browser-his,+7 (916) 1234567,
e2,2025-03-02 09:05,form,v2,browser-hers,,anna@mail.ru
e3,2025-03-03 09:05,form,v3,browser-both,,kochet@mail.ru
e4,2025-03-03 09:15,form,v3,browser-both,,anna@mail.ru
"""
BROKEN = """
id,ordered_at,customer_id,amount,Примечание
200,когда-то,5,99,Кочетков просил перезвонить
201,2025-04-09 12:00,6,10,
"""


def _named(table: str, *columns: str, **others: str) -> dict[str, Value]:
    return {name: Value(columns=(name,)) for name in columns} | {
        name: Value(columns=(column,)) for name, column in others.items()
    }


_CUSTOMER = ("name", "kind", "phone", "email", "tax_id", "birth_date", "city", "created_at")


def of_crm(folder: Path, text: str = CRM) -> Delivery:
    return delivery(
        folder,
        "customers",
        text,
        source="crm",
        slot="crm/customers",
        values=_named("customers", *_CUSTOMER, customer_id="id"),
    )


def of_shop(folder: Path, text: str = SHOP) -> Delivery:
    values = _named("customers", "name", "email", "created_at", customer_id="id")
    return delivery(folder, "customers", text, source="shop", slot="shop/customers", values=values)


def deals(folder: Path, stage: str = "new") -> Delivery:
    values = _named("deals", "title", "customer_id", "stage_id", "amount", "created_at", "closed_at", deal_id="id")
    return delivery(folder, "deals", DEALS.format(stage=stage), source="crm", slot="crm/deals", values=values)


def orders(folder: Path, text: str = ORDERS, slot: str = "shop/orders") -> Delivery:
    values = _named("orders", "customer_id", "ordered_at", "amount", order_id="id")
    return delivery(folder, "orders", text, source="shop", slot=slot, values=values)


def calls(folder: Path, text: str = CALLS) -> Delivery:
    values = _named("calls", "started_at", "direction", "phone", "talk_seconds", "recording_url", call_id="id")
    return delivery(folder, "calls", text, source="phones", slot="phones/calls", values=values)


def everything(folder: Path) -> list[list[Delivery]]:
    """The loads of the company, in their order."""
    return [
        [of_crm(folder, EARLIER), of_shop(folder), deals(folder)],
        [
            of_crm(folder),
            deals(folder, stage="talk"),
            orders(folder),
            delivery(folder, "order_lines", LINES, source="shop"),
            delivery(folder, "activities", ACTIVITIES),
            calls(folder),
            delivery(folder, "survey_responses", SURVEY),
            delivery(folder, "visits", VISITS),
            delivery(folder, "web_events", EVENTS),
            orders(folder, BROKEN, slot="shop/broken"),
        ],
    ]
