"""Sales: how deals become money."""

from rakurs.analyses.sales.deal_quality import ANALYSIS as DEAL_QUALITY
from rakurs.analyses.sales.funnel import ANALYSIS as FUNNEL
from rakurs.analyses.sales.lead_quality import ANALYSIS as LEAD_QUALITY
from rakurs.analyses.sales.loss_reasons import ANALYSIS as LOSS_REASONS
from rakurs.analyses.sales.managers import ANALYSIS as MANAGERS
from rakurs.analyses.sales.pipeline_as_of import ANALYSIS as PIPELINE_AS_OF
from rakurs.analyses.sales.pipeline_changes import ANALYSIS as PIPELINE_CHANGES
from rakurs.analyses.sales.plan_fact import ANALYSIS as PLAN_FACT
from rakurs.analyses.sales.sales_dynamics import ANALYSIS as SALES_DYNAMICS
from rakurs.analyses.sales.stage_times import ANALYSIS as STAGE_TIMES
from rakurs.analyses.sales.unusual_sales import ANALYSIS as UNUSUAL_SALES
from rakurs.analyses.sales.why_changed import ANALYSIS as WHY_CHANGED
from rakurs.analyses.sales.win_chances import ANALYSIS as WIN_CHANCES
from rakurs.core.analysis import Area
from rakurs.core.text import Text

AREA = Area(
    name="sales",
    title=Text(ru="Продажи", en="Sales"),
    icon="handshake",
    analyses=(
        FUNNEL,
        STAGE_TIMES,
        LOSS_REASONS,
        PIPELINE_AS_OF,
        PIPELINE_CHANGES,
        WIN_CHANCES,
        LEAD_QUALITY,
        SALES_DYNAMICS,
        WHY_CHANGED,
        MANAGERS,
        PLAN_FACT,
        DEAL_QUALITY,
        UNUSUAL_SALES,
    ),
)
