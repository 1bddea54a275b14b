"""The marts' columns: what the questions may count on. How they are made stands in the sibling modules."""

from rakurs.core.table import Column, Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema.columns import choice, column, flag, reference
from rakurs.schema.deals import OUTCOMES

OWNER: tuple[Column, ...] = (
    reference("manager_id", "employees", "Менеджер", "Manager"),
    column("department", Unit.TEXT, "Отдел", "Department"),
    column("branch", Unit.TEXT, "Филиал", "Branch"),
)
"""Whose row it is: rights are applied to these three columns of every mart."""

ATTRIBUTION: tuple[Column, ...] = (
    reference("channel_id", "channels", "Канал", "Channel"),
    reference("campaign_id", "campaigns", "Кампания", "Campaign"),
)
CUSTOMER: tuple[Column, ...] = (
    reference("customer_id", "customers", "Клиент", "Customer"),
    choice(
        "customer_kind",
        "Вид клиента",
        "Customer kind",
        {"person": Text(ru="Человек", en="Person"), "company": Text(ru="Компания", en="Company")},
    ),
    column("region", Unit.TEXT, "Регион", "Region"),
)

CALENDAR = Table(
    name="calendar",
    title=Text(ru="Календарь", en="Calendar"),
    grain=Text(ru="Один день", en="One day"),
    key=("day",),
    columns=(
        column("day", Unit.DAY, "День", "Day"),
        column("day_number", Unit.POSITION, "Дней с 1 января 1970", "Days since 1 January 1970"),
        column("week", Unit.DAY, "Неделя", "Week"),
        column("month", Unit.DAY, "Месяц", "Month"),
        column("quarter", Unit.DAY, "Квартал", "Quarter"),
        column("year", Unit.DAY, "Год", "Year"),
        column("fiscal_quarter", Unit.DAY, "Финансовый квартал", "Fiscal quarter"),
        column("fiscal_year", Unit.DAY, "Финансовый год", "Fiscal year"),
        column("weekday", Unit.POSITION, "День недели", "Weekday"),
        flag("is_working_day", "Рабочий день", "Working day"),
        column("holiday", Unit.TEXT, "Праздник", "Holiday"),
        column("working_day_of_month", Unit.POSITION, "Рабочий день месяца", "Working day of the month"),
        column("working_days_in_month", Unit.POSITION, "Рабочих дней в месяце", "Working days in the month"),
        column("last_year_date", Unit.DAY, "Та же дата год назад", "Same date last year"),
        column("last_year_weekday", Unit.DAY, "Тот же день недели год назад", "Same weekday last year"),
        column("last_year_holiday", Unit.DAY, "С поправкой на праздники", "Holiday-aligned last year"),
    ),
)

DEAL_MOVES = Table(
    name="deal_moves",
    title=Text(ru="Переходы сделок", en="Deal moves"),
    grain=Text(
        ru="Один вход сделки в этап; повтор того же этапа подряд входом не считается",
        en="One entry of a deal into a stage; the same stage twice in a row is one entry",
    ),
    key=("deal_id", "sequence"),
    columns=(
        reference("deal_id", "deals", "Сделка", "Deal"),
        column("sequence", Unit.POSITION, "Номер шага", "Sequence"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        reference("stage_id", "stages", "Этап", "Stage"),
        column("position", Unit.POSITION, "Порядок", "Position"),
        column("stage_index", Unit.POSITION, "Номер рабочего этапа", "Number of the open stage"),
        choice("stage_outcome", "Исход этапа", "Stage outcome", OUTCOMES),
        column("entered_on", Unit.DAY, "Вошла", "Entered"),
        column("entered_epoch", Unit.EPOCH, "Вошла, с", "Entered, s"),
        column("left_on", Unit.DAY, "Вышла", "Left"),
        column("left_epoch", Unit.EPOCH, "Вышла, с", "Left, s"),
        column("hours", Unit.HOURS, "Часов на этапе", "Hours in stage"),
        flag("is_timed", "Время входа известно", "The time of entry is known"),
        flag("is_backward", "Шаг назад", "Backward move"),
        flag("is_reentry", "Повторный вход", "Re-entry"),
        column("skipped", Unit.COUNT, "Пропущено этапов", "Stages skipped"),
        flag("is_in_order", "Без пропусков до этого входа", "No skip up to this entry"),
        flag("is_last", "Последний вход сделки", "The deal's last entry"),
        flag("is_last_in_pipeline", "Последний вход в этой воронке", "The last entry in this pipeline"),
        column("reached_before", Unit.POSITION, "Докуда дошла раньше", "How far it was before"),
        column("reached", Unit.POSITION, "Докуда дошла", "How far it is"),
        column("provenance", Unit.TEXT, "Откуда известно", "Provenance"),
    ),
)
"""Only for building other marts: its rows belong to nobody, so no question may read it."""

DEAL_OUTCOMES = Table(
    name="deal_outcomes",
    title=Text(ru="Сделки с исходом", en="Deals with outcome"),
    grain=Text(ru="Одна сделка", en="One deal"),
    key=("deal_id",),
    columns=(
        reference("deal_id", "deals", "Сделка", "Deal"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        reference("stage_id", "stages", "Этап", "Stage"),
        column("stage_position", Unit.POSITION, "Порядок этапа", "Stage position"),
        choice("outcome", "Исход", "Outcome", OUTCOMES),
        column("created_on", Unit.DAY, "Создана", "Created"),
        column("created_epoch", Unit.EPOCH, "Создана, с", "Created, s"),
        column("closed_on", Unit.DAY, "Закрыта", "Closed"),
        column("closed_epoch", Unit.EPOCH, "Закрыта, с", "Closed, s"),
        column("cycle_days", Unit.DAYS, "Цикл, дней", "Cycle, days"),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        column("margin", Unit.MONEY, "Маржа", "Margin"),
        reference("product_id", "products", "Товар", "Product"),
        column("category", Unit.TEXT, "Группа товаров", "Product category"),
        reference("loss_reason_id", "loss_reasons", "Причина проигрыша", "Loss reason"),
        column("lost_from_stage_id", Unit.ID, "Проиграна с этапа", "Lost from stage"),
        column("expected_close_on", Unit.DAY, "Ожидаемое закрытие", "Expected close"),
        flag("is_stage_known", "Этап есть в списке этапов", "The stage is a known one"),
        flag("is_rate_missing", "Нет курса валюты", "No exchange rate"),
        *CUSTOMER,
        *ATTRIBUTION,
        *OWNER,
        column("custom", Unit.TEXT, "Свои поля", "Custom fields"),
    ),
)

DEAL_STAGES = Table(
    name="deal_stages",
    title=Text(ru="Путь сделок по этапам", en="Deals by stage"),
    grain=Text(
        ru="Сделка и этап её воронки, которого она достигла или который она прошла по правилу «конверсия»",
        en="A deal and a stage of its pipeline it entered, or passed by the conversion rule",
    ),
    key=("deal_id", "pipeline_id", "stage_id"),
    columns=(
        reference("deal_id", "deals", "Сделка", "Deal"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        reference("stage_id", "stages", "Этап", "Stage"),
        column("position", Unit.POSITION, "Порядок", "Position"),
        choice("stage_outcome", "Исход этапа", "Stage outcome", OUTCOMES),
        flag("is_entered", "Сделка была на этапе", "Entered"),
        flag("is_supposed", "Пройден по правилу «конверсия»", "Passed by the conversion rule"),
        flag("is_in_order", "Пройден без пропусков", "Passed in order, without a skip"),
        flag("is_skipped", "Пропущен", "Skipped"),
        flag("is_current", "Последний этап сделки в этой воронке", "The deal's latest stage in this pipeline"),
        flag("is_lost_here", "Проиграна с этого этапа", "Lost from this stage"),
        flag("is_start", "Первый этап сделки в этой воронке", "The deal's first stage in this pipeline"),
        column("entered_on", Unit.DAY, "Первый вход", "First entered"),
        column("last_entered_on", Unit.DAY, "Последний вход", "Last entered"),
        column("left_on", Unit.DAY, "Вышла в последний раз", "Left for the last time"),
        column("passed_on", Unit.DAY, "Пройден по правилу «конверсия»", "Passed by the conversion rule on"),
        column("in_order_on", Unit.DAY, "Пройден без пропусков", "Passed in order on"),
        column("created_epoch", Unit.EPOCH, "Создана, с", "Created, s"),
        column("created_on", Unit.DAY, "Создана", "Created"),
        column("closed_on", Unit.DAY, "Закрыта", "Closed"),
        choice("outcome", "Исход сделки", "Deal outcome", OUTCOMES),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        reference("product_id", "products", "Товар", "Product"),
        reference("loss_reason_id", "loss_reasons", "Причина проигрыша", "Loss reason"),
        *CUSTOMER,
        *ATTRIBUTION,
        *OWNER,
    ),
)

STAGE_VISITS = Table(
    name="stage_visits",
    title=Text(ru="Посещения этапов", en="Stage visits"),
    grain=Text(ru="Один вход сделки в этап", en="One entry of a deal into a stage"),
    key=("deal_id", "sequence"),
    columns=(
        reference("deal_id", "deals", "Сделка", "Deal"),
        column("sequence", Unit.POSITION, "Номер шага", "Sequence"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        reference("stage_id", "stages", "Этап", "Stage"),
        column("position", Unit.POSITION, "Порядок", "Position"),
        choice("stage_outcome", "Исход этапа", "Stage outcome", OUTCOMES),
        column("entered_on", Unit.DAY, "Вошла", "Entered"),
        column("entered_epoch", Unit.EPOCH, "Вошла, с", "Entered, s"),
        column("left_on", Unit.DAY, "Вышла", "Left"),
        column("left_epoch", Unit.EPOCH, "Вышла, с", "Left, s"),
        column("hours", Unit.HOURS, "Часов на этапе", "Hours in stage"),
        flag("is_timed", "Время входа известно", "The time of entry is known"),
        flag("is_backward", "Шаг назад", "Backward move"),
        flag("is_reentry", "Повторный вход", "Re-entry"),
        column("skipped", Unit.COUNT, "Пропущено этапов", "Stages skipped"),
        column("provenance", Unit.TEXT, "Откуда известно", "Provenance"),
        column("created_on", Unit.DAY, "Создана", "Created"),
        column("closed_on", Unit.DAY, "Закрыта", "Closed"),
        choice("outcome", "Исход сделки", "Deal outcome", OUTCOMES),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        *CUSTOMER,
        *ATTRIBUTION,
        *OWNER,
    ),
)

DEAL_STATES = Table(
    name="deal_states",
    title=Text(ru="Сделки по дням", en="Deals by day"),
    grain=Text(
        ru="Сделка и отрезок дней, в конце каждого из которых о ней думали одно и то же",
        en="A deal and a run of days at whose ends the same was believed of it",
    ),
    key=("deal_id", "valid_from"),
    columns=(
        column("deal_id", Unit.ID, "Сделка", "Deal"),
        column("valid_from", Unit.DAY, "С дня", "From day"),
        column("valid_to", Unit.DAY, "До дня (не включая)", "To day (exclusive)"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        column("stage_id", Unit.ID, "Этап", "Stage"),
        column("position", Unit.POSITION, "Порядок", "Position"),
        choice("outcome", "Исход", "Outcome", OUTCOMES),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        column("expected_close_on", Unit.DAY, "Ожидаемое закрытие", "Expected close"),
        reference("then_manager_id", "employees", "Менеджер в те дни", "Manager on those days"),
        flag("is_stage_seen", "Этап тех дней известен", "The stage of those days is known"),
        flag("is_seen", "Сумма и сроки тех дней известны", "The amount and dates of those days are known"),
        column("created_on", Unit.DAY, "Создана", "Created"),
        *CUSTOMER,
        *ATTRIBUTION,
        *OWNER,
    ),
)

DEAL_REMARKS = Table(
    name="deal_remarks",
    title=Text(ru="Замечания к сделкам", en="Remarks on deals"),
    grain=Text(
        ru="Сделка, к записи которой у правил качества есть замечания",
        en="A deal of whose record the rules of quality have something to say",
    ),
    key=("deal_id",),
    columns=(
        reference("deal_id", "deals", "Сделка", "Deal"),
        column("rules", Unit.TEXT, "Правила", "Rules"),
        flag("is_suspect", "Сомнительная", "Suspect"),
        flag("is_orphan", "Ссылается на то, чего нет", "Refers to what is not there"),
        column("days_late", Unit.DAYS, "Пришла через, дней", "Came after, days"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        choice("outcome", "Исход", "Outcome", OUTCOMES),
        column("created_on", Unit.DAY, "Создана", "Created"),
        column("closed_on", Unit.DAY, "Закрыта", "Closed"),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        *CUSTOMER,
        *ATTRIBUTION,
        *OWNER,
    ),
)

SALES = Table(
    name="sales",
    title=Text(ru="Продажи", en="Sales"),
    grain=Text(
        ru="Одна продажа: выигранная сделка (basis = deals) или оплаченный заказ (basis = orders)",
        en="One sale: a won deal (basis = deals) or a paid order (basis = orders)",
    ),
    key=("basis", "sale_id"),
    columns=(
        column("basis", Unit.TEXT, "По чему считаем", "Basis"),
        column("sale_id", Unit.ID, "Продажа", "Sale"),
        column("sold_on", Unit.DAY, "День продажи", "Sold"),
        column("revenue", Unit.MONEY, "Выручка", "Revenue"),
        column("returned", Unit.MONEY, "Возвраты", "Returned"),
        column("margin", Unit.MONEY, "Маржа", "Margin"),
        column("discount", Unit.MONEY, "Скидка", "Discount"),
        flag("is_sale", "Продажа, а не возврат", "A sale, not a return"),
        flag("is_first", "Первая продажа клиенту", "The customer's first sale ever"),
        column("first_sold_on", Unit.DAY, "Первая покупка клиента", "The customer's first purchase"),
        flag("is_rate_missing", "Нет курса валюты", "No exchange rate"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        *CUSTOMER,
        *ATTRIBUTION,
        *OWNER,
        column("custom", Unit.TEXT, "Свои поля", "Custom fields"),
    ),
)

SALE_LINES = Table(
    name="sale_lines",
    title=Text(ru="Продажи по товарам", en="Sales by product"),
    grain=Text(ru="Один товар в одной продаже", en="One product in one sale"),
    key=("basis", "sale_id", "line_no"),
    columns=(
        column("basis", Unit.TEXT, "По чему считаем", "Basis"),
        column("sale_id", Unit.ID, "Продажа", "Sale"),
        column("line_no", Unit.POSITION, "Строка", "Line"),
        reference("product_id", "products", "Товар", "Product"),
        column("category", Unit.TEXT, "Группа товаров", "Product category"),
        column("brand", Unit.TEXT, "Марка", "Brand"),
        column("sold_on", Unit.DAY, "День продажи", "Sold"),
        column("ordered_on", Unit.DAY, "День заказа", "Ordered"),
        column("quantity", Unit.QUANTITY, "Количество", "Quantity"),
        column("revenue", Unit.MONEY, "Выручка", "Revenue"),
        column("margin", Unit.MONEY, "Маржа", "Margin"),
        column("discount", Unit.MONEY, "Скидка", "Discount"),
        flag("is_return", "Возврат", "Return"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        *CUSTOMER,
        *ATTRIBUTION,
        *OWNER,
    ),
)

PHONE_CALLS = Table(
    name="phone_calls",
    title=Text(ru="Звонки с исходом", en="Calls with outcome"),
    grain=Text(ru="Один звонок", en="One call"),
    key=("call_id",),
    columns=(
        reference("call_id", "calls", "Звонок", "Call"),
        choice(
            "direction",
            "Направление",
            "Direction",
            {"in": Text(ru="Входящий", en="Incoming"), "out": Text(ru="Исходящий", en="Outgoing")},
        ),
        column("started_on", Unit.DAY, "Начат", "Started"),
        column("started_epoch", Unit.EPOCH, "Начат, с", "Started, s"),
        choice(
            "known_by",
            "Откуда известен клиент",
            "How the customer is known",
            {
                "source": Text(ru="Назван источником", en="Named by the source"),
                "phone": Text(ru="По номеру телефона", en="By the phone number"),
            },
        ),
        flag("is_missed", "Пропущен", "Missed"),
        flag("is_called_back", "Перезвонили за час", "Called back within an hour"),
        column("callback_hours", Unit.HOURS, "До ответного звонка, ч", "To the call back, h"),
        column("wait_seconds", Unit.SECONDS, "Ожидание, с", "Wait, s"),
        column("talk_seconds", Unit.SECONDS, "Разговор, с", "Talk, s"),
        *CUSTOMER,
        reference("channel_id", "channels", "Канал", "Channel"),
        *OWNER,
    ),
)

CUSTOMER_COSTS = Table(
    name="customer_costs",
    title=Text(ru="Обслуживание клиентов", en="Serving customers"),
    grain=Text(
        ru="Один расход, одно дело или разговор с клиентом, или одна оплата, которой ждали",
        en="One cost of a customer, one activity or call with them, or one payment that was waited for",
    ),
    key=("kind", "record_id"),
    columns=(
        choice(
            "kind",
            "Вид",
            "Kind",
            {
                "cost": Text(ru="Расход", en="Cost"),
                "work": Text(ru="Время сотрудников", en="Employees' time"),
                "waiting": Text(ru="Ожидание оплаты", en="Waiting for payment"),
            },
        ),
        column("record_id", Unit.ID, "Запись", "Record"),
        column("spent_on", Unit.DAY, "День", "Day"),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        column("hours", Unit.HOURS, "Часов", "Hours"),
        column("money_years", Unit.NUMBER, "Денег на год", "Money for a year"),
        flag("is_rate_missing", "Нет курса валюты", "No exchange rate"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        *CUSTOMER,
        reference("channel_id", "channels", "Канал", "Channel"),
        *OWNER,
    ),
)
"""`money_years` is the amount paid late times the years it was waited for: what it costs is one yearly rate of it."""

TOUCHPOINTS = Table(
    name="touchpoints",
    title=Text(ru="Касания на сайте", en="Touchpoints on the site"),
    grain=Text(ru="Одно посещение сайта", en="One visit to the site"),
    key=("visit_id",),
    columns=(
        reference("visit_id", "visits", "Посещение", "Visit"),
        column("visitor_id", Unit.ID, "Посетитель", "Visitor"),
        column("started_on", Unit.DAY, "Начато", "Started"),
        column("started_epoch", Unit.EPOCH, "Начато, с", "Started, s"),
        column("pages", Unit.COUNT, "Страниц", "Pages"),
        column("forms", Unit.COUNT, "Отправлено форм", "Forms sent"),
        column("phone_taps", Unit.COUNT, "Нажатий на телефон", "Taps on a phone number"),
        column("goals", Unit.COUNT, "Достижений целей", "Goals reached"),
        flag("is_contact", "Оставил контакт или звонил", "Left a contact or called"),
        column("landing_page", Unit.TEXT, "Страница входа", "Landing page"),
        column("utm_term", Unit.TEXT, "Ключевая фраза", "Keyword"),
        choice(
            "known_by",
            "Откуда известен клиент",
            "How the customer is known",
            {
                "source": Text(ru="Назван источником", en="Named by the source"),
                "visitor": Text(ru="По контакту посетителя", en="By the visitor's contact"),
            },
        ),
        *CUSTOMER,
        *ATTRIBUTION,
        *OWNER,
    ),
)

LEAD_OUTCOMES = Table(
    name="lead_outcomes",
    title=Text(ru="Лиды с исходом", en="Leads with outcome"),
    grain=Text(ru="Один лид", en="One lead"),
    key=("lead_id",),
    columns=(
        reference("lead_id", "leads", "Лид", "Lead"),
        column("created_on", Unit.DAY, "Создан", "Created"),
        column("status", Unit.TEXT, "Состояние", "Status"),
        reference("converted_deal_id", "deals", "Стал сделкой", "Converted to deal"),
        flag("is_converted", "Стал сделкой", "Converted"),
        *CUSTOMER,
        *ATTRIBUTION,
        *OWNER,
    ),
)

SUBSCRIPTION_LIVES = Table(
    name="subscription_lives",
    title=Text(ru="Жизни подписок", en="Lives of subscriptions"),
    grain=Text(ru="Одна подписка", en="One subscription"),
    key=("subscription_id",),
    columns=(
        reference("subscription_id", "subscriptions", "Подписка", "Subscription"),
        column("started_on", Unit.DAY, "Начата", "Started"),
        column("ended_on", Unit.DAY, "Закончена", "Ended"),
        column("plan", Unit.TEXT, "Тариф", "Plan"),
        column("monthly_price", Unit.MONEY, "Плата в месяц", "Price a month"),
        reference("product_id", "products", "Товар", "Product"),
        *CUSTOMER,
        reference("channel_id", "channels", "Канал", "Channel"),
        *OWNER,
    ),
)

AVAILABILITY = Table(
    name="availability",
    title=Text(ru="Наличие товаров", en="What is in stock"),
    grain=Text(ru="Товар в одном месте от подсчёта до подсчёта", en="A product in one place from count to count"),
    key=("product_id", "place", "from_on"),
    columns=(
        reference("product_id", "products", "Товар", "Product"),
        column("place", Unit.TEXT, "Склад или магазин", "Warehouse or shop"),
        column("from_on", Unit.DAY, "С дня", "From"),
        column("until_on", Unit.DAY, "До дня, не включая", "Until, exclusive"),
        flag("is_there", "В наличии", "In stock"),
    ),
)
"""It tells no quantities: whoever may offer a product may know whether it is there."""

AD_SPENDING = Table(
    name="ad_spending",
    title=Text(ru="Реклама по дням", en="Advertising by day"),
    grain=Text(ru="День, канал и кампания", en="A day, a channel and a campaign"),
    key=("spending_id",),
    columns=(
        column("spending_id", Unit.ID, "День и кампания", "Day and campaign"),
        column("spent_on", Unit.DAY, "День", "Day"),
        *ATTRIBUTION,
        column("amount", Unit.MONEY, "Расход", "Cost"),
        column("impressions", Unit.COUNT, "Показы", "Impressions"),
        column("clicks", Unit.COUNT, "Клики", "Clicks"),
        flag("is_rate_missing", "Нет курса валюты", "No exchange rate"),
        *OWNER,
    ),
)
"""Its owner is always empty: the company's spending is seen by whoever may see the whole company."""

PLAN_TARGETS = Table(
    name="plan_targets",
    title=Text(ru="Планы с владельцем", en="Targets with owner"),
    grain=Text(ru="План показателя на месяц для одного разреза", en="A metric's target for a month and a cut"),
    key=("month", "metric", "department", "manager_id", "pipeline_id", "category"),
    columns=(
        column("month", Unit.DAY, "Месяц", "Month"),
        column("metric", Unit.TEXT, "Показатель", "Metric"),
        column("target", Unit.MONEY, "План", "Target"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        column("category", Unit.TEXT, "Группа товаров", "Product category"),
        column("level", Unit.TEXT, "Разрез плана", "Level of the plan"),
        *OWNER,
    ),
)

CUSTOMER_OWNERS = Table(
    name="customer_owners",
    title=Text(ru="Кто ведёт клиентов", en="Who works with customers"),
    grain=Text(
        ru="Клиент и сотрудник, который ведёт его самого, его сделку, лид или заказ",
        en="A customer and an employee who has the customer, or a deal, lead or order of theirs",
    ),
    key=("customer_id", "manager_id"),
    columns=(reference("customer_id", "customers", "Клиент", "Customer", required=True), *OWNER),
)
"""Rights are applied to customers through it."""

SEARCH_INDEX = Table(
    name="search_index",
    title=Text(ru="Указатель поиска", en="Search index"),
    grain=Text(ru="Клиент, сделка или сотрудник", en="A customer, a deal or an employee"),
    key=("card", "id"),
    columns=(
        column("card", Unit.TEXT, "Карточка", "Card"),
        column("id", Unit.ID, "Код", "Id"),
        column("label", Unit.TEXT, "Название", "Name"),
        column("beside", Unit.TEXT, "Чем отличается", "What tells it apart"),
        column("words", Unit.TEXT, "Слова", "Words"),
        column("contacts", Unit.TEXT, "Почта и ИНН", "E-mail and tax id"),
        column("digits", Unit.TEXT, "Цифры телефона и ИНН", "Digits of the phone and the tax id"),
    ),
)
"""Only for finding: its rows belong to nobody, so what is found is held against the rights row by row."""
