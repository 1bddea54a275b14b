"""What was sold and paid: products, promotions, orders and their lines, payments, plans, exchange rates."""

from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema.columns import column, flag, reference

PRODUCTS = Table(
    name="products",
    title=Text(ru="Товары", en="Products"),
    grain=Text(ru="Один товар или услуга", en="One product or service"),
    key=("product_id",),
    columns=(
        column("product_id", Unit.ID, "Товар", "Product", required=True),
        column("name", Unit.TEXT, "Название", "Name"),
        column("category", Unit.TEXT, "Группа", "Category"),
        column("brand", Unit.TEXT, "Марка", "Brand"),
        column("unit_cost", Unit.PRICE, "Себестоимость", "Unit cost", low=0),
        column("list_price", Unit.PRICE, "Цена по прайсу", "List price", low=0),
        reference("supplier_id", "suppliers", "Поставщик", "Supplier"),
        column("lead_time_days", Unit.DAYS, "Срок поставки, дней", "Lead time, days", low=0),
    ),
)

ORDERS = Table(
    name="orders",
    title=Text(ru="Заказы", en="Orders"),
    grain=Text(ru="Один заказ, чек или документ продажи", en="One order, receipt or sales document"),
    key=("order_id",),
    columns=(
        column("order_id", Unit.ID, "Заказ", "Order", required=True),
        column("ordered_at", Unit.TIME, "Заказан", "Ordered", required=True),
        reference("customer_id", "customers", "Клиент", "Customer"),
        column("paid_at", Unit.TIME, "Оплачен", "Paid"),
        column("status", Unit.TEXT, "Состояние", "Status"),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        column("currency", Unit.TEXT, "Валюта", "Currency"),
        column("discount", Unit.MONEY, "Скидка", "Discount"),
        reference("deal_id", "deals", "Сделка", "Deal"),
        reference("manager_id", "employees", "Менеджер", "Manager"),
        reference("channel_id", "channels", "Канал", "Channel"),
        reference("campaign_id", "campaigns", "Кампания", "Campaign"),
        column("promo_code", Unit.TEXT, "Промокод", "Promo code"),
    ),
)

ORDER_LINES = Table(
    name="order_lines",
    title=Text(ru="Строки заказов", en="Order lines"),
    grain=Text(ru="Одна строка заказа", en="One line of an order"),
    key=("order_id", "line_no"),
    columns=(
        reference("order_id", "orders", "Заказ", "Order", required=True),
        reference("product_id", "products", "Товар", "Product", required=True),
        column("quantity", Unit.QUANTITY, "Количество", "Quantity", required=True),
        column("price", Unit.PRICE, "Цена", "Price", required=True, low=0),
        column("line_no", Unit.POSITION, "Номер строки", "Line number"),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        column("cost", Unit.MONEY, "Себестоимость строки", "Line cost"),
        column("discount", Unit.MONEY, "Скидка", "Discount"),
        flag("is_return", "Возврат", "Return"),
    ),
)

SUBSCRIPTIONS = Table(
    name="subscriptions",
    title=Text(ru="Подписки и договоры", en="Subscriptions and contracts"),
    grain=Text(ru="Одна подписка, договор или абонемент", en="One subscription, contract or membership"),
    key=("subscription_id",),
    columns=(
        column("subscription_id", Unit.ID, "Подписка", "Subscription", required=True),
        column("started_at", Unit.TIME, "Начата", "Started", required=True),
        reference("customer_id", "customers", "Клиент", "Customer"),
        column("ended_at", Unit.TIME, "Закончена", "Ended"),
        column("plan", Unit.TEXT, "Тариф", "Plan"),
        column("monthly_price", Unit.MONEY, "Плата в месяц", "Price a month"),
        column("currency", Unit.TEXT, "Валюта", "Currency"),
        reference("product_id", "products", "Товар", "Product"),
        reference("manager_id", "employees", "Менеджер", "Manager"),
        reference("channel_id", "channels", "Канал", "Channel"),
    ),
)

PROMOTIONS = Table(
    name="promotions",
    title=Text(ru="Акции", en="Promotions"),
    grain=Text(
        ru="Акция и то, что она продвигает: товар, группа товаров или весь ассортимент",
        en="A promotion and what it promotes: a product, a product category, or everything",
    ),
    key=("promotion_id", "product_id", "category"),
    columns=(
        column("promotion_id", Unit.ID, "Акция", "Promotion", required=True),
        column("starts_on", Unit.DAY, "С дня", "From", required=True),
        column("ends_on", Unit.DAY, "По день включительно", "To, inclusive", required=True),
        reference("product_id", "products", "Товар", "Product"),
        column("category", Unit.TEXT, "Группа товаров", "Product category"),
        column("name", Unit.TEXT, "Название", "Name"),
        column("discount", Unit.SHARE, "Скидка, доля", "Discount, share", low=0),
    ),
)

STOCK = Table(
    name="stock",
    title=Text(ru="Остатки", en="Stock"),
    grain=Text(
        ru="Сколько товара было в одном месте при одном подсчёте", en="How much of a product a place held at one count"
    ),
    key=("product_id", "place", "counted_at"),
    columns=(
        reference("product_id", "products", "Товар", "Product", required=True),
        column("quantity", Unit.QUANTITY, "Количество", "Quantity", required=True),
        column("counted_at", Unit.TIME, "Подсчитано", "Counted", required=True),
        column("place", Unit.TEXT, "Склад или магазин", "Warehouse or shop"),
        column("reserved", Unit.QUANTITY, "В резерве", "Reserved", low=0),
    ),
)

PAYMENTS = Table(
    name="payments",
    title=Text(ru="Платежи", en="Payments"),
    grain=Text(ru="Один платёж или возврат денег", en="One payment or refund"),
    key=("payment_id",),
    columns=(
        column("payment_id", Unit.ID, "Платёж", "Payment", required=True),
        column("paid_at", Unit.TIME, "Дата", "Paid", required=True),
        column("amount", Unit.MONEY, "Сумма", "Amount", required=True),
        reference("order_id", "orders", "Заказ", "Order"),
        reference("deal_id", "deals", "Сделка", "Deal"),
        reference("customer_id", "customers", "Клиент", "Customer"),
        column("method", Unit.TEXT, "Способ", "Method"),
        flag("is_refund", "Возврат денег", "Refund"),
    ),
)

PLANS = Table(
    name="plans",
    title=Text(ru="Планы", en="Plans"),
    grain=Text(ru="План показателя на месяц для одного разреза", en="A metric's target for a month and a cut"),
    key=("month", "metric", "department", "employee_id", "pipeline_id", "product_category"),
    columns=(
        column("month", Unit.DAY, "Месяц", "Month", required=True),
        column("metric", Unit.TEXT, "Показатель", "Metric", required=True),
        column("target", Unit.MONEY, "План", "Target", required=True),
        column("department", Unit.TEXT, "Отдел", "Department"),
        reference("employee_id", "employees", "Сотрудник", "Employee"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        column("product_category", Unit.TEXT, "Группа товаров", "Product category"),
    ),
)

EXCHANGE_RATES = Table(
    name="exchange_rates",
    title=Text(ru="Курсы валют", en="Exchange rates"),
    grain=Text(
        ru="Сколько единиц валюты компании стоит единица другой валюты с этого дня",
        en="Units of the company's currency per unit of another, from this day on",
    ),
    key=("currency", "rate_on"),
    columns=(
        column("currency", Unit.TEXT, "Валюта", "Currency", required=True),
        column("rate_on", Unit.DAY, "С дня", "From day", required=True),
        column("rate", Unit.NUMBER, "Курс", "Rate", required=True, low=0),
    ),
)
