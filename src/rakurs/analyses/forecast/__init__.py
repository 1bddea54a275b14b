"""Forecasts: how does it go on, and how sure is that?"""

from rakurs.analyses.forecast.demand_forecast import ANALYSIS as DEMAND_FORECAST
from rakurs.analyses.forecast.sales_forecast import ANALYSIS as SALES_FORECAST
from rakurs.core.analysis import Area
from rakurs.core.text import Text

AREA = Area(
    name="forecast",
    title=Text(ru="Прогнозы", en="Forecasts"),
    icon="trending-up",
    analyses=(SALES_FORECAST, DEMAND_FORECAST),
)
