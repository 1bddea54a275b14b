"""Clients: who buys, who comes back, who leaves."""

from rakurs.analyses.clients.abc import ANALYSIS as ABC
from rakurs.analyses.clients.acquisition import ANALYSIS as ACQUISITION
from rakurs.analyses.clients.campaign_effects import ANALYSIS as CAMPAIGN_EFFECTS
from rakurs.analyses.clients.campaign_uplift import ANALYSIS as CAMPAIGN_UPLIFT
from rakurs.analyses.clients.cancel_risk import ANALYSIS as CANCEL_RISK
from rakurs.analyses.clients.churn_risk import ANALYSIS as CHURN_RISK
from rakurs.analyses.clients.cohorts import ANALYSIS as COHORTS
from rakurs.analyses.clients.customer_groups import ANALYSIS as CUSTOMER_GROUPS
from rakurs.analyses.clients.customer_rating import ANALYSIS as CUSTOMER_RATING
from rakurs.analyses.clients.customer_value import ANALYSIS as CUSTOMER_VALUE
from rakurs.analyses.clients.lifecycle import ANALYSIS as LIFECYCLE
from rakurs.analyses.clients.lifecycle_moves import ANALYSIS as LIFECYCLE_MOVES
from rakurs.analyses.clients.look_alikes import ANALYSIS as LOOK_ALIKES
from rakurs.analyses.clients.lost_traits import ANALYSIS as LOST_TRAITS
from rakurs.analyses.clients.profitability import ANALYSIS as PROFITABILITY
from rakurs.analyses.clients.rfm import ANALYSIS as RFM
from rakurs.analyses.clients.subscription_survival import ANALYSIS as SUBSCRIPTION_SURVIVAL
from rakurs.analyses.clients.subscription_value import ANALYSIS as SUBSCRIPTION_VALUE
from rakurs.core.analysis import Area
from rakurs.core.text import Text

AREA = Area(
    name="clients",
    title=Text(ru="Клиенты", en="Clients"),
    icon="users-round",
    analyses=(
        CUSTOMER_RATING,
        RFM,
        CUSTOMER_GROUPS,
        LIFECYCLE,
        LIFECYCLE_MOVES,
        ABC,
        PROFITABILITY,
        COHORTS,
        CUSTOMER_VALUE,
        ACQUISITION,
        LOOK_ALIKES,
        CAMPAIGN_EFFECTS,
        CAMPAIGN_UPLIFT,
        CHURN_RISK,
        LOST_TRAITS,
        SUBSCRIPTION_VALUE,
        SUBSCRIPTION_SURVIVAL,
        CANCEL_RISK,
    ),
)
