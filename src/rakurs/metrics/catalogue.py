"""Which numbers and which splits are there, in menu order?"""

from rakurs.core.errors import UnknownName
from rakurs.core.metric import Dimension, Metric
from rakurs.core.text import Text
from rakurs.metrics import advertising, calls, deals, dimensions, sales, site

METRICS: tuple[Metric, ...] = (
    sales.REVENUE,
    sales.SALES_COUNT,
    sales.AVERAGE_CHECK,
    sales.FIRST_REVENUE,
    sales.REPEAT_REVENUE,
    sales.RETURNED,
    sales.MARGIN,
    sales.CUSTOMERS,
    deals.DEALS_CREATED,
    deals.DEALS_WON,
    deals.DEALS_LOST,
    deals.WON_AMOUNT,
    deals.CONVERSION,
    deals.WIN_RATE,
    deals.CYCLE_DAYS,
    calls.CALLS_TOTAL,
    calls.CALLS_ANSWERED,
    calls.CALLS_MISSED,
    calls.ANSWER_RATE,
    calls.CALLBACK_RATE,
    calls.WAIT_SECONDS,
    calls.TALK_SECONDS,
    advertising.LEADS,
    advertising.LEAD_CONVERSION,
    advertising.AD_COST,
    advertising.AD_CLICKS,
    advertising.AD_IMPRESSIONS,
    site.VISITS_TOTAL,
    site.VISITORS,
    site.VISITS_WITH_CONTACT,
    site.SITE_CONVERSION,
)
DIMENSIONS: tuple[Dimension, ...] = (
    dimensions.DAY,
    dimensions.WEEK,
    dimensions.MONTH,
    dimensions.QUARTER,
    dimensions.YEAR,
    dimensions.MANAGER,
    dimensions.DEPARTMENT,
    dimensions.BRANCH,
    dimensions.PIPELINE,
    dimensions.STAGE,
    dimensions.CHANNEL,
    dimensions.CAMPAIGN,
    dimensions.PRODUCT,
    dimensions.CATEGORY,
    dimensions.REGION,
    dimensions.CUSTOMER_KIND,
    dimensions.CUSTOMER,
    dimensions.LOSS_REASON,
    dimensions.OUTCOME,
    dimensions.BRAND,
    dimensions.DIRECTION,
)
"""The splits every company has; custom fields join them by name (`custom.<field>`)."""

FIELDS: tuple[Dimension, ...] = (
    dimensions.AMOUNT,
    dimensions.CYCLE,
    dimensions.CREATED,
    dimensions.CLOSED,
    dimensions.DISCOUNT,
    dimensions.QUANTITY,
)
"""What rows may be filtered on, by a range, but not grouped by."""

_METRIC = Text(ru="Показателя", en="metric")
_DIMENSION = Text(ru="Разреза", en="dimension")


def metric_named(name: str) -> Metric:
    """The metric called `name`; UnknownName says which is nearest."""
    for metric in METRICS:
        if metric.name == name:
            return metric
    raise UnknownName(_METRIC, name, [metric.name for metric in METRICS])


def dimension_named(name: str) -> Dimension:
    """The dimension called `name`, or the one of a custom field; UnknownName says which is nearest."""
    key = name.removeprefix(dimensions.CUSTOM)
    if key and key != name:
        return dimensions.custom_field(key)
    known = (*DIMENSIONS, *FIELDS)
    for dimension in known:
        if dimension.name == name:
            return dimension
    raise UnknownName(_DIMENSION, name, [dimension.name for dimension in known])
