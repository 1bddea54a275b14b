"""What happens, table by table: the lines of every timeline."""

import narwhals.stable.v2 as nw

from rakurs.core.card import Event
from rakurs.core.text import Text
from rakurs.marts.tables import DEAL_OUTCOMES, PHONE_CALLS, STAGE_VISITS, TOUCHPOINTS
from rakurs.schema import ACTIVITIES, CALLS, LEADS, ORDERS, PAYMENTS
from rakurs.schema.derived import stored

CUSTOMERS, DEALS, EMPLOYEES = "customers", "deals", "employees"

EVENTS: tuple[Event, ...] = (
    Event(
        name="leads",
        title=Text(ru="Обращение", en="Lead"),
        icon="megaphone",
        table=stored(LEADS),
        at="created_epoch",
        by={CUSTOMERS: "customer_id", EMPLOYEES: "manager_id", DEALS: "converted_deal_id"},
        shown=("channel_id", "status", "converted_deal_id"),
    ),
    Event(
        name="deals_created",
        title=Text(ru="Создана сделка", en="Deal created"),
        icon="handshake",
        table=DEAL_OUTCOMES,
        at="created_epoch",
        by={CUSTOMERS: "customer_id", EMPLOYEES: "manager_id", DEALS: "deal_id"},
        shown=("deal_id", "amount", "channel_id"),
    ),
    Event(
        name="stages",
        title=Text(ru="Переход на этап", en="Stage entered"),
        icon="move-right",
        table=STAGE_VISITS,
        at="entered_epoch",
        by={CUSTOMERS: "customer_id", EMPLOYEES: "manager_id", DEALS: "deal_id"},
        shown=("stage_id", "deal_id"),
        keep=lambda visits: visits.filter(nw.col("sequence") > 1, nw.col("stage_outcome").fill_null("open") == "open"),
    ),
    Event(
        name="deals_closed",
        title=Text(ru="Сделка закрыта", en="Deal closed"),
        icon="circle-check",
        table=DEAL_OUTCOMES,
        at="closed_epoch",
        by={CUSTOMERS: "customer_id", EMPLOYEES: "manager_id", DEALS: "deal_id"},
        shown=("outcome", "deal_id", "amount", "loss_reason_id"),
    ),
    Event(
        name="orders",
        title=Text(ru="Заказ", en="Order"),
        icon="shopping-cart",
        table=stored(ORDERS),
        at="ordered_epoch",
        by={CUSTOMERS: "customer_id", EMPLOYEES: "manager_id", DEALS: "deal_id"},
        shown=("amount", "order_id", "status"),
    ),
    Event(
        name="payments",
        title=Text(ru="Оплата", en="Payment"),
        icon="credit-card",
        table=stored(PAYMENTS),
        at="paid_epoch",
        by={CUSTOMERS: "customer_id", DEALS: "deal_id"},
        shown=("amount", "order_id", "method"),
        keep=lambda payments: payments.filter(~nw.col("is_refund").fill_null(value=False)),
    ),
    Event(
        name="refunds",
        title=Text(ru="Возврат денег", en="Refund"),
        icon="rotate-ccw",
        table=stored(PAYMENTS),
        at="paid_epoch",
        by={CUSTOMERS: "customer_id", DEALS: "deal_id"},
        shown=("amount", "order_id", "method"),
        keep=lambda payments: payments.filter(nw.col("is_refund").fill_null(value=False)),
    ),
    Event(
        name="calls",
        title=Text(ru="Звонок", en="Call"),
        icon="phone",
        table=stored(CALLS),
        at="started_epoch",
        by={CUSTOMERS: "customer_id", EMPLOYEES: "employee_id", DEALS: "deal_id"},
        shown=("direction", "talk_seconds", "employee_id", "customer_id"),
        keep=lambda calls: calls.filter(~nw.col("is_missed").fill_null(value=False)),
    ),
    Event(
        name="missed_calls",
        title=Text(ru="Пропущенный звонок", en="Missed call"),
        icon="phone",
        table=stored(CALLS),
        at="started_epoch",
        by={CUSTOMERS: "customer_id", EMPLOYEES: "employee_id", DEALS: "deal_id"},
        shown=("wait_seconds", "employee_id", "customer_id"),
        keep=lambda calls: calls.filter(nw.col("is_missed").fill_null(value=False)),
    ),
    Event(
        name="calls_by_number",
        title=Text(ru="Звонок с номера клиента", en="Call from the customer's number"),
        icon="phone",
        table=PHONE_CALLS,
        at="started_epoch",
        by={CUSTOMERS: "customer_id"},
        shown=("direction", "talk_seconds", "manager_id"),
        keep=lambda calls: calls.filter(nw.col("known_by") == "phone"),
    ),
    Event(
        name="visits",
        title=Text(ru="Был на сайте", en="Visited the site"),
        icon="globe",
        table=TOUCHPOINTS,
        at="started_epoch",
        by={CUSTOMERS: "customer_id"},
        shown=("channel_id", "campaign_id", "landing_page", "pages", "forms"),
    ),
    Event(
        name="activities",
        title=Text(ru="Дело", en="Activity"),
        icon="calendar",
        table=stored(ACTIVITIES),
        at="epoch",
        by={CUSTOMERS: "customer_id", EMPLOYEES: "employee_id", DEALS: "deal_id"},
        shown=("kind", "result", "employee_id", "deal_id"),
        keep=lambda activities: activities.filter(nw.col("kind").fill_null("task") != "call"),
    ),
)
"""A new source of events is one more of these. Calls among the activities stand in `calls` already."""


def events_of(card: str) -> tuple[Event, ...]:
    """The kinds of events that can be told of a subject of the card called `card`."""
    return tuple(event for event in EVENTS if card in event.by)
