"""What people do on the site before and after they are customers, and what they say of the company."""

from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema.columns import choice, column, reference

VISITS = Table(
    name="visits",
    title=Text(ru="Посещения сайта", en="Site visits"),
    grain=Text(
        ru="Одно посещение: страницы одного браузера без перерыва в полчаса",
        en="One visit: pages of one browser without half an hour's break",
    ),
    key=("visit_id",),
    columns=(
        column("visit_id", Unit.ID, "Посещение", "Visit", required=True),
        column("started_at", Unit.TIME, "Начато", "Started", required=True),
        column("visitor_id", Unit.ID, "Посетитель", "Visitor"),
        reference("customer_id", "customers", "Клиент", "Customer"),
        reference("channel_id", "channels", "Канал", "Channel"),
        reference("campaign_id", "campaigns", "Кампания", "Campaign"),
        column("utm_source", Unit.TEXT, "Источник", "Source"),
        column("utm_medium", Unit.TEXT, "Тип источника", "Medium"),
        column("utm_campaign", Unit.TEXT, "Метка кампании", "Campaign tag"),
        column("utm_content", Unit.TEXT, "Метка объявления", "Ad tag"),
        column("utm_term", Unit.TEXT, "Ключевая фраза", "Keyword"),
        column("referrer", Unit.TEXT, "Откуда пришёл", "Referrer"),
        column("landing_page", Unit.TEXT, "Страница входа", "Landing page"),
        column("device", Unit.TEXT, "Устройство", "Device"),
    ),
)

WEB_EVENTS = Table(
    name="web_events",
    title=Text(ru="События на сайте", en="Site events"),
    grain=Text(
        ru="Одна страница, форма, звонок по номеру с сайта или цель",
        en="One page, form, tap on a phone number, or goal",
    ),
    key=("event_id",),
    columns=(
        column("event_id", Unit.ID, "Событие", "Event", required=True),
        column("at", Unit.TIME, "Когда", "At", required=True),
        choice(
            "kind",
            "Вид",
            "Kind",
            {
                "page": Text(ru="Страница", en="Page"),
                "form": Text(ru="Форма", en="Form"),
                "phone": Text(ru="Нажатие на телефон", en="Tap on a phone number"),
                "goal": Text(ru="Цель", en="Goal"),
            },
        ),
        reference("visit_id", "visits", "Посещение", "Visit"),
        column("visitor_id", Unit.ID, "Посетитель", "Visitor"),
        column("name", Unit.TEXT, "Название", "Name"),
        column("page", Unit.TEXT, "Страница", "Page"),
        reference("customer_id", "customers", "Клиент", "Customer"),
        column("phone", Unit.TEXT, "Телефон", "Phone"),
        column("email", Unit.TEXT, "Почта", "E-mail"),
        column("value", Unit.MONEY, "Ценность", "Value"),
    ),
)

SITE_TRAFFIC = Table(
    name="site_traffic",
    title=Text(ru="Посещаемость сайта", en="Site traffic"),
    grain=Text(
        ru="День, канал и кампания по счётчику сайта", en="A day, a channel and a campaign as the site's counter tells"
    ),
    key=("visited_at", "channel_id", "campaign_id"),
    columns=(
        column("visited_at", Unit.TIME, "День", "Day", required=True),
        column("visits", Unit.COUNT, "Посещения", "Visits", required=True, low=0),
        reference("channel_id", "channels", "Канал", "Channel"),
        reference("campaign_id", "campaigns", "Кампания", "Campaign"),
        column("visitors", Unit.COUNT, "Посетители", "Visitors", low=0),
        column("bounces", Unit.COUNT, "Отказы", "Bounces", low=0),
        column("goals", Unit.COUNT, "Достижения целей", "Goals reached", low=0),
        column("sample_share", Unit.SHARE, "Доля выборки", "Share sampled", low=0),
    ),
)
"""Counted by somebody else, so never added to `visits`; `sample_share` below 1 means that it is an estimate."""

SURVEY_RESPONSES = Table(
    name="survey_responses",
    title=Text(ru="Ответы на опросы", en="Survey responses"),
    grain=Text(ru="Один ответ на один вопрос", en="One answer to one question"),
    key=("response_id",),
    columns=(
        column("response_id", Unit.ID, "Ответ", "Response", required=True),
        column("answered_at", Unit.TIME, "Когда", "Answered", required=True),
        choice(
            "kind",
            "Вид вопроса",
            "Kind of question",
            {
                "nps": Text(ru="Посоветуете ли (0-10)", en="Would you recommend (0-10)"),
                "csat": Text(ru="Довольны ли (1-5)", en="Are you satisfied (1-5)"),
                "ces": Text(ru="Легко ли было (1-7)", en="Was it easy (1-7)"),
                "other": Text(ru="Другой", en="Other"),
            },
        ),
        column("score", Unit.NUMBER, "Оценка", "Score", low=0),
        column("survey", Unit.TEXT, "Опрос", "Survey"),
        column("question", Unit.TEXT, "Вопрос", "Question"),
        column("comment", Unit.TEXT, "Слова клиента", "Comment"),
        reference("customer_id", "customers", "Клиент", "Customer"),
        reference("employee_id", "employees", "О ком", "About whom"),
        reference("deal_id", "deals", "Сделка", "Deal"),
        reference("order_id", "orders", "Заказ", "Order"),
    ),
)

REVIEWS = Table(
    name="reviews",
    title=Text(ru="Отзывы", en="Reviews"),
    grain=Text(ru="Один отзыв на площадке", en="One review on a site"),
    key=("review_id",),
    columns=(
        column("review_id", Unit.ID, "Отзыв", "Review", required=True),
        column("published_at", Unit.TIME, "Опубликован", "Published", required=True),
        column("rating", Unit.NUMBER, "Оценка", "Rating", low=0),
        column("platform", Unit.TEXT, "Площадка", "Platform"),
        column("branch", Unit.TEXT, "Филиал", "Branch"),
        column("author", Unit.TEXT, "Автор", "Author"),
        column("text", Unit.TEXT, "Текст", "Text"),
        column("answered_at", Unit.TIME, "Отвечено", "Answered"),
        reference("customer_id", "customers", "Клиент", "Customer"),
        reference("product_id", "products", "Товар", "Product"),
    ),
)
