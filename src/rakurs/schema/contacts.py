"""Where customers come from, how the company talks to them, and what both cost: channels, advertising, activities, calls."""

from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema.columns import choice, column, flag, reference

CHANNELS = Table(
    name="channels",
    title=Text(ru="Каналы", en="Channels"),
    grain=Text(ru="Один канал привлечения", en="One channel"),
    key=("channel_id",),
    columns=(
        column("channel_id", Unit.ID, "Канал", "Channel", required=True),
        column("name", Unit.TEXT, "Название", "Name"),
        column("medium", Unit.TEXT, "Тип", "Medium"),
        column("platform", Unit.TEXT, "Площадка", "Platform"),
        reference("same_as", "channels", "То же, что канал", "The same as"),
    ),
)

CAMPAIGNS = Table(
    name="campaigns",
    title=Text(ru="Кампании", en="Campaigns"),
    grain=Text(ru="Одна кампания, группа или объявление", en="One campaign, ad group or ad"),
    key=("campaign_id",),
    columns=(
        column("campaign_id", Unit.ID, "Кампания", "Campaign", required=True),
        reference("channel_id", "channels", "Канал", "Channel"),
        column("name", Unit.TEXT, "Название", "Name"),
        column("ad_group", Unit.TEXT, "Группа объявлений", "Ad group"),
        column("ad", Unit.TEXT, "Объявление", "Ad"),
        column("keyword", Unit.TEXT, "Ключевая фраза", "Keyword"),
    ),
)

AD_COSTS = Table(
    name="ad_costs",
    title=Text(ru="Расходы на рекламу", en="Advertising costs"),
    grain=Text(ru="Расход одного канала или одной кампании за день", en="What a channel or a campaign cost on one day"),
    key=("spent_at", "channel_id", "campaign_id"),
    columns=(
        column("spent_at", Unit.TIME, "День", "Day", required=True),
        column("amount", Unit.MONEY, "Расход", "Cost", required=True),
        reference("channel_id", "channels", "Канал", "Channel"),
        reference("campaign_id", "campaigns", "Кампания", "Campaign"),
        column("currency", Unit.TEXT, "Валюта", "Currency"),
        column("impressions", Unit.COUNT, "Показы", "Impressions", low=0),
        column("clicks", Unit.COUNT, "Клики", "Clicks", low=0),
    ),
)

EXPERIMENT_ASSIGNMENTS = Table(
    name="experiment_assignments",
    title=Text(ru="Участники проб", en="Experiment assignments"),
    grain=Text(
        ru="Клиент в одной пробе: с кем работали, а кого оставили для сравнения",
        en="A customer of one experiment: approached, or kept to compare with",
    ),
    key=("experiment_id", "customer_id"),
    columns=(
        column("experiment_id", Unit.ID, "Проба", "Experiment", required=True),
        reference("customer_id", "customers", "Клиент", "Customer", required=True),
        column("assigned_at", Unit.TIME, "Начало", "Assigned", required=True),
        choice(
            "arm",
            "Группа",
            "Arm",
            {
                "treatment": Text(ru="С кем работали", en="Treatment"),
                "control": Text(ru="Контрольная", en="Control"),
            },
            required=True,
        ),
        column("experiment", Unit.TEXT, "Название пробы", "Name of the experiment"),
        column("cost", Unit.MONEY, "Стоило обращение", "Cost of the contact", low=0),
        column("currency", Unit.TEXT, "Валюта", "Currency"),
    ),
)

SERVICE_COSTS = Table(
    name="service_costs",
    title=Text(ru="Расходы на клиентов", en="Costs to serve"),
    grain=Text(
        ru="Один расход на клиента сверх себестоимости: доставка, сервис",
        en="One cost of a customer beyond the cost of goods: a delivery, a service visit",
    ),
    key=("cost_id",),
    columns=(
        column("cost_id", Unit.ID, "Расход", "Cost", required=True),
        column("spent_at", Unit.TIME, "День", "Day", required=True),
        column("amount", Unit.MONEY, "Сумма", "Amount", required=True),
        choice(
            "kind",
            "Вид",
            "Kind",
            {
                "delivery": Text(ru="Доставка", en="Delivery"),
                "service": Text(ru="Сервис", en="Service"),
                "other": Text(ru="Другое", en="Other"),
            },
        ),
        column("currency", Unit.TEXT, "Валюта", "Currency"),
        reference("customer_id", "customers", "Клиент", "Customer"),
        reference("order_id", "orders", "Заказ", "Order"),
        reference("deal_id", "deals", "Сделка", "Deal"),
    ),
)

ACTIVITIES = Table(
    name="activities",
    title=Text(ru="Дела", en="Activities"),
    grain=Text(ru="Одно дело: звонок, письмо, встреча", en="One activity: a call, e-mail, meeting"),
    key=("activity_id",),
    columns=(
        column("activity_id", Unit.ID, "Дело", "Activity", required=True),
        column("at", Unit.TIME, "Когда", "At", required=True),
        choice(
            "kind",
            "Вид",
            "Kind",
            {
                "call": Text(ru="Звонок", en="Call"),
                "email": Text(ru="Письмо", en="E-mail"),
                "meeting": Text(ru="Встреча", en="Meeting"),
                "chat": Text(ru="Чат", en="Chat"),
                "task": Text(ru="Задача", en="Task"),
            },
        ),
        column("direction", Unit.TEXT, "Направление", "Direction"),
        reference("employee_id", "employees", "Сотрудник", "Employee"),
        reference("customer_id", "customers", "Клиент", "Customer"),
        reference("deal_id", "deals", "Сделка", "Deal"),
        column("duration_seconds", Unit.SECONDS, "Длительность, с", "Duration, s", low=0),
        column("result", Unit.TEXT, "Итог", "Result"),
    ),
)

CALLS = Table(
    name="calls",
    title=Text(ru="Звонки", en="Calls"),
    grain=Text(ru="Один звонок", en="One call"),
    key=("call_id",),
    columns=(
        column("call_id", Unit.ID, "Звонок", "Call", required=True),
        column("started_at", Unit.TIME, "Начат", "Started", required=True),
        choice(
            "direction",
            "Направление",
            "Direction",
            {"in": Text(ru="Входящий", en="Incoming"), "out": Text(ru="Исходящий", en="Outgoing")},
        ),
        column("phone", Unit.TEXT, "Телефон", "Phone"),
        reference("customer_id", "customers", "Клиент", "Customer"),
        reference("employee_id", "employees", "Сотрудник", "Employee"),
        reference("deal_id", "deals", "Сделка", "Deal"),
        reference("channel_id", "channels", "Канал", "Channel"),
        column("wait_seconds", Unit.SECONDS, "Ожидание, с", "Wait, s", low=0),
        column("talk_seconds", Unit.SECONDS, "Разговор, с", "Talk, s", low=0),
        flag("is_missed", "Пропущен", "Missed"),
        column("called_back_at", Unit.TIME, "Перезвонили", "Called back"),
        column("recording_url", Unit.TEXT, "Запись", "Recording"),
    ),
)
