"""Marts: derived tables, refreshed at load, that keep the questions fast."""

from rakurs.core.mart import CalendarMart, Mart
from rakurs.marts.advertising import ad_spending, lead_outcomes
from rakurs.marts.calendar import calendar
from rakurs.marts.calls import phone_calls
from rakurs.marts.customers import customer_owners
from rakurs.marts.deals import deal_outcomes, deal_stages, stage_visits
from rakurs.marts.moves import deal_moves
from rakurs.marts.plans import plan_targets
from rakurs.marts.quality import deal_remarks
from rakurs.marts.sales import sale_lines, sales
from rakurs.marts.searching import search_index
from rakurs.marts.serving import customer_costs
from rakurs.marts.site import touchpoints
from rakurs.marts.states import deal_states
from rakurs.marts.stock import availability
from rakurs.marts.subscriptions import subscription_lives
from rakurs.marts.tables import (
    AD_SPENDING,
    AVAILABILITY,
    CALENDAR,
    CUSTOMER_COSTS,
    CUSTOMER_OWNERS,
    DEAL_MOVES,
    DEAL_OUTCOMES,
    DEAL_REMARKS,
    DEAL_STAGES,
    DEAL_STATES,
    LEAD_OUTCOMES,
    PHONE_CALLS,
    PLAN_TARGETS,
    SALE_LINES,
    SALES,
    SEARCH_INDEX,
    STAGE_VISITS,
    SUBSCRIPTION_LIVES,
    TOUCHPOINTS,
)
from rakurs.schema import (
    ACTIVITIES,
    AD_COSTS,
    CALLS,
    CAMPAIGNS,
    CUSTOMERS,
    DEAL_SNAPSHOTS,
    DEAL_STAGE_EVENTS,
    DEALS,
    EMPLOYEES,
    LEADS,
    ORDER_LINES,
    ORDERS,
    PAYMENTS,
    PIPELINES,
    PLANS,
    PRODUCTS,
    SERVICE_COSTS,
    STAGES,
    STOCK,
    SUBSCRIPTIONS,
    VISITS,
    WEB_EVENTS,
)
from rakurs.schema.derived import stored

_DEALS, _STAGES, _EMPLOYEES = stored(DEALS), stored(STAGES), stored(EMPLOYEES)
_CUSTOMERS, _PRODUCTS = stored(CUSTOMERS), stored(PRODUCTS)
_ORDERS, _ORDER_LINES = stored(ORDERS), stored(ORDER_LINES)

CALENDAR_MART = CalendarMart(table=CALENDAR, build=calendar)

MARTS: tuple[Mart, ...] = (
    Mart(
        table=DEAL_MOVES,
        inputs={"deals": _DEALS, "deal_stage_events": stored(DEAL_STAGE_EVENTS), "stages": _STAGES},
        build=deal_moves,
        split={"deals": "deal_id", "deal_stage_events": "deal_id"},
    ),
    Mart(
        table=DEAL_OUTCOMES,
        inputs={
            "deals": _DEALS,
            "moves": DEAL_MOVES,
            "employees": _EMPLOYEES,
            "customers": _CUSTOMERS,
            "products": _PRODUCTS,
        },
        build=deal_outcomes,
        sort=("created_on", "deal_id"),
        split={"deals": "deal_id", "moves": "deal_id"},
    ),
    Mart(
        table=DEAL_STAGES,
        inputs={"moves": DEAL_MOVES, "outcomes": DEAL_OUTCOMES, "stages": _STAGES},
        build=deal_stages,
        sort=("created_on",),
        split={"moves": "deal_id", "outcomes": "deal_id"},
    ),
    Mart(
        table=STAGE_VISITS,
        inputs={"moves": DEAL_MOVES, "outcomes": DEAL_OUTCOMES},
        build=stage_visits,
        sort=("created_on",),
        split={"moves": "deal_id", "outcomes": "deal_id"},
    ),
    Mart(
        table=DEAL_REMARKS,
        inputs={
            "outcomes": DEAL_OUTCOMES,
            "visits": STAGE_VISITS,
            "snapshots": stored(DEAL_SNAPSHOTS),
            "customers": _CUSTOMERS,
            "employees": _EMPLOYEES,
            "products": _PRODUCTS,
            "pipelines": stored(PIPELINES),
        },
        build=deal_remarks,
        sort=("created_on", "deal_id"),
    ),
    Mart(
        table=DEAL_STATES,
        inputs={"moves": DEAL_MOVES, "outcomes": DEAL_OUTCOMES, "deals": _DEALS, "snapshots": stored(DEAL_SNAPSHOTS)},
        build=deal_states,
        sort=("valid_from", "deal_id"),
        split={"moves": "deal_id", "outcomes": "deal_id", "deals": "deal_id", "snapshots": "deal_id"},
    ),
    Mart(
        table=SALES,
        inputs={
            "outcomes": DEAL_OUTCOMES,
            "orders": _ORDERS,
            "order_lines": _ORDER_LINES,
            "payments": stored(PAYMENTS),
            "deals": _DEALS,
            "products": _PRODUCTS,
            "customers": _CUSTOMERS,
            "employees": _EMPLOYEES,
        },
        build=sales,
        sort=("basis", "customer_id", "sold_on", "sale_id"),
    ),
    Mart(
        table=SALE_LINES,
        inputs={
            "sales": SALES,
            "outcomes": DEAL_OUTCOMES,
            "orders": _ORDERS,
            "order_lines": _ORDER_LINES,
            "products": _PRODUCTS,
        },
        build=sale_lines,
        split={"sales": "sale_id", "outcomes": "deal_id", "orders": "order_id", "order_lines": "order_id"},
    ),
    Mart(
        table=PLAN_TARGETS,
        inputs={"plans": stored(PLANS), "employees": _EMPLOYEES},
        build=plan_targets,
        sort=("month", "metric"),
    ),
    Mart(
        table=PHONE_CALLS,
        inputs={"calls": stored(CALLS), "customers": _CUSTOMERS, "employees": _EMPLOYEES},
        build=phone_calls,
        sort=("started_on", "call_id"),
        split={"calls": "call_id"},
    ),
    Mart(
        table=LEAD_OUTCOMES,
        inputs={"leads": stored(LEADS), "customers": _CUSTOMERS, "employees": _EMPLOYEES},
        build=lead_outcomes,
        sort=("created_on", "lead_id"),
        split={"leads": "lead_id"},
    ),
    Mart(
        table=SUBSCRIPTION_LIVES,
        inputs={"subscriptions": stored(SUBSCRIPTIONS), "customers": _CUSTOMERS, "employees": _EMPLOYEES},
        build=subscription_lives,
        sort=("started_on", "subscription_id"),
        split={"subscriptions": "subscription_id"},
    ),
    Mart(
        table=AVAILABILITY,
        inputs={"stock": stored(STOCK)},
        build=availability,
        sort=("product_id", "place", "from_on"),
        split={"stock": "product_id"},
    ),
    Mart(
        table=AD_SPENDING,
        inputs={"ad_costs": stored(AD_COSTS), "campaigns": stored(CAMPAIGNS)},
        build=ad_spending,
        sort=("spent_on", "channel_id", "campaign_id"),
    ),
    Mart(
        table=CUSTOMER_COSTS,
        inputs={
            "service_costs": stored(SERVICE_COSTS),
            "activities": stored(ACTIVITIES),
            "calls": stored(CALLS),
            "orders": _ORDERS,
            "payments": stored(PAYMENTS),
            "sales": SALES,
            "deals": _DEALS,
            "customers": _CUSTOMERS,
            "employees": _EMPLOYEES,
        },
        build=customer_costs,
        sort=("customer_id", "spent_on"),
    ),
    Mart(
        table=TOUCHPOINTS,
        inputs={
            "visits": stored(VISITS),
            "web_events": stored(WEB_EVENTS),
            "customers": _CUSTOMERS,
            "employees": _EMPLOYEES,
        },
        build=touchpoints,
        sort=("started_on", "visit_id"),
    ),
    Mart(
        table=CUSTOMER_OWNERS,
        inputs={
            "customers": _CUSTOMERS,
            "leads": stored(LEADS),
            "deals": _DEALS,
            "orders": _ORDERS,
            "employees": _EMPLOYEES,
        },
        build=customer_owners,
        sort=("manager_id", "customer_id"),
    ),
    Mart(
        table=SEARCH_INDEX,
        inputs={"customers": _CUSTOMERS, "deals": _DEALS, "employees": _EMPLOYEES},
        build=search_index,
        sort=("card", "id"),
    ),
)
"""In building order: a mart may read those before it."""

__all__ = ["CALENDAR_MART", "MARTS"]
