"""Canonical tables: what the company's data is, whatever system it came from."""

from rakurs.core.errors import UnknownName
from rakurs.core.table import TABLE, Table
from rakurs.schema.contacts import (
    ACTIVITIES,
    AD_COSTS,
    CALLS,
    CAMPAIGNS,
    CHANNELS,
    EXPERIMENT_ASSIGNMENTS,
    SERVICE_COSTS,
)
from rakurs.schema.customers import CUSTOMERS, EMPLOYEES
from rakurs.schema.deals import DEAL_SNAPSHOTS, DEAL_STAGE_EVENTS, DEALS, LEADS, LOSS_REASONS, PIPELINES, STAGES
from rakurs.schema.sales import (
    EXCHANGE_RATES,
    ORDER_LINES,
    ORDERS,
    PAYMENTS,
    PLANS,
    PRODUCTS,
    PROMOTIONS,
    STOCK,
    SUBSCRIPTIONS,
)
from rakurs.schema.web import REVIEWS, SITE_TRAFFIC, SURVEY_RESPONSES, VISITS, WEB_EVENTS

TABLES: tuple[Table, ...] = (
    EXCHANGE_RATES,
    EMPLOYEES,
    PIPELINES,
    STAGES,
    LOSS_REASONS,
    CHANNELS,
    CAMPAIGNS,
    PRODUCTS,
    PROMOTIONS,
    CUSTOMERS,
    LEADS,
    DEALS,
    DEAL_STAGE_EVENTS,
    DEAL_SNAPSHOTS,
    ORDERS,
    ORDER_LINES,
    PAYMENTS,
    SUBSCRIPTIONS,
    STOCK,
    SERVICE_COSTS,
    ACTIVITIES,
    CALLS,
    AD_COSTS,
    SITE_TRAFFIC,
    VISITS,
    WEB_EVENTS,
    SURVEY_RESPONSES,
    REVIEWS,
    EXPERIMENT_ASSIGNMENTS,
    PLANS,
)
"""In load order: what is referred to comes before what refers."""


def table_named(name: str) -> Table:
    """The canonical table called `name`; UnknownName says which is nearest."""
    for table in TABLES:
        if table.name == name:
            return table
    raise UnknownName(TABLE, name, [table.name for table in TABLES])


__all__ = [
    "ACTIVITIES",
    "AD_COSTS",
    "CALLS",
    "CAMPAIGNS",
    "CHANNELS",
    "CUSTOMERS",
    "DEALS",
    "DEAL_SNAPSHOTS",
    "DEAL_STAGE_EVENTS",
    "EMPLOYEES",
    "EXCHANGE_RATES",
    "EXPERIMENT_ASSIGNMENTS",
    "LEADS",
    "LOSS_REASONS",
    "ORDERS",
    "ORDER_LINES",
    "PAYMENTS",
    "PIPELINES",
    "PLANS",
    "PRODUCTS",
    "PROMOTIONS",
    "REVIEWS",
    "SERVICE_COSTS",
    "SITE_TRAFFIC",
    "STAGES",
    "STOCK",
    "SUBSCRIPTIONS",
    "SURVEY_RESPONSES",
    "TABLES",
    "VISITS",
    "WEB_EVENTS",
    "table_named",
]
