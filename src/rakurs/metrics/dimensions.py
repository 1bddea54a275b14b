"""By what can a number be split?"""

from rakurs.core.metric import Dimension
from rakurs.core.text import Text
from rakurs.core.units import Unit

CUSTOM = "custom."
"""What the name of a custom field's dimension starts with: `custom.City of delivery`."""

_DEALS, _SALES, _LINES, _CALLS = "deal_outcomes", "sales", "sale_lines", "phone_calls"
_LEADS, _SPENDING, _VISITS = "lead_outcomes", "ad_spending", "touchpoints"


def _everywhere(column: str) -> dict[str, str]:
    return dict.fromkeys((_DEALS, _SALES, _LINES, _CALLS, _LEADS, _VISITS), column)


def _of_calendar(name: str, ru: str, en: str) -> Dimension:
    return Dimension(name=name, title=Text(ru=ru, en=en), unit=Unit.DAY, calendar=name)


DAY = _of_calendar("day", "День", "Day")
WEEK = _of_calendar("week", "Неделя", "Week")
MONTH = _of_calendar("month", "Месяц", "Month")
QUARTER = _of_calendar("quarter", "Квартал", "Quarter")
YEAR = _of_calendar("year", "Год", "Year")
MANAGER = Dimension(
    name="manager",
    title=Text(ru="Менеджер", en="Manager"),
    unit=Unit.ID,
    columns=_everywhere("manager_id"),
    labels=("employees", "employee_id", "name"),
)
DEPARTMENT = Dimension(
    name="department",
    title=Text(ru="Отдел", en="Department"),
    unit=Unit.TEXT,
    columns=_everywhere("department"),
)
BRANCH = Dimension(
    name="branch",
    title=Text(ru="Филиал", en="Branch"),
    unit=Unit.TEXT,
    columns=_everywhere("branch"),
)
PIPELINE = Dimension(
    name="pipeline",
    title=Text(ru="Воронка", en="Pipeline"),
    unit=Unit.ID,
    columns={_DEALS: "pipeline_id", _SALES: "pipeline_id"},
    labels=("pipelines", "pipeline_id", "name"),
)
STAGE = Dimension(
    name="stage",
    title=Text(ru="Этап", en="Stage"),
    unit=Unit.ID,
    columns={_DEALS: "stage_id"},
    labels=("stages", "stage_id", "name"),
)
CHANNEL = Dimension(
    name="channel",
    title=Text(ru="Канал", en="Channel"),
    unit=Unit.ID,
    columns={**_everywhere("channel_id"), _SPENDING: "channel_id"},
    labels=("channels", "channel_id", "name"),
)
CAMPAIGN = Dimension(
    name="campaign",
    title=Text(ru="Кампания", en="Campaign"),
    unit=Unit.ID,
    columns=dict.fromkeys((_DEALS, _SALES, _LINES, _LEADS, _SPENDING, _VISITS), "campaign_id"),
    labels=("campaigns", "campaign_id", "name"),
)
PRODUCT = Dimension(
    name="product",
    title=Text(ru="Товар", en="Product"),
    unit=Unit.ID,
    columns={_DEALS: "product_id", _LINES: "product_id"},
    labels=("products", "product_id", "name"),
)
CATEGORY = Dimension(
    name="category",
    title=Text(ru="Группа товаров", en="Product category"),
    unit=Unit.TEXT,
    columns={_DEALS: "category", _LINES: "category"},
)
REGION = Dimension(
    name="region",
    title=Text(ru="Регион", en="Region"),
    unit=Unit.TEXT,
    columns=_everywhere("region"),
)
CUSTOMER_KIND = Dimension(
    name="customer_kind",
    title=Text(ru="Вид клиента", en="Customer kind"),
    unit=Unit.TEXT,
    columns=_everywhere("customer_kind"),
)
LOSS_REASON = Dimension(
    name="loss_reason",
    title=Text(ru="Причина проигрыша", en="Loss reason"),
    unit=Unit.ID,
    columns={_DEALS: "loss_reason_id"},
    labels=("loss_reasons", "loss_reason_id", "name"),
)
OUTCOME = Dimension(
    name="outcome",
    title=Text(ru="Исход сделки", en="Deal outcome"),
    unit=Unit.TEXT,
    columns={_DEALS: "outcome"},
)
BRAND = Dimension(name="brand", title=Text(ru="Марка", en="Brand"), unit=Unit.TEXT, columns={_LINES: "brand"})
DIRECTION = Dimension(
    name="direction",
    title=Text(ru="Направление звонка", en="Call direction"),
    unit=Unit.TEXT,
    columns={_CALLS: "direction"},
)
CUSTOMER = Dimension(
    name="customer",
    title=Text(ru="Клиент", en="Customer"),
    unit=Unit.ID,
    columns=_everywhere("customer_id"),
    labels=("customers", "customer_id", "name"),
)


def _field(name: str, ru: str, en: str, unit: Unit, columns: dict[str, str]) -> Dimension:
    return Dimension(name=name, title=Text(ru=ru, en=en), unit=unit, columns=columns, is_split=False)


AMOUNT = _field("amount", "Сумма", "Amount", Unit.MONEY, {_DEALS: "amount", _SALES: "revenue", _LINES: "revenue"})
CYCLE = _field("cycle", "Цикл сделки, дней", "Deal cycle, days", Unit.DAYS, {_DEALS: "cycle_days"})
CREATED = _field("created", "Сделка создана", "Deal created", Unit.DAY, {_DEALS: "created_on"})
CLOSED = _field("closed", "Сделка закрыта", "Deal closed", Unit.DAY, {_DEALS: "closed_on"})
DISCOUNT = _field("discount", "Скидка", "Discount", Unit.MONEY, {_SALES: "discount"})
QUANTITY = _field("quantity", "Количество", "Quantity", Unit.QUANTITY, {_LINES: "quantity"})


def custom_field(key: str) -> Dimension:
    """The dimension of a column the company's own files hold and the schema does not know."""
    return Dimension(
        name=CUSTOM + key,
        title=Text(ru=key, en=key),
        unit=Unit.TEXT,
        columns={_DEALS: "custom", _SALES: "custom"},
        custom_key=key,
    )
