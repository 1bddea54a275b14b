"""Experience: what do customers say of us, when they are asked and by themselves?"""

from rakurs.analyses.experience.net_promoter_score import ANALYSIS as NET_PROMOTER_SCORE
from rakurs.analyses.experience.review_ratings import ANALYSIS as REVIEW_RATINGS
from rakurs.analyses.experience.satisfaction import ANALYSIS as SATISFACTION
from rakurs.core.analysis import Area
from rakurs.core.text import Text

AREA = Area(
    name="experience",
    title=Text(ru="Отношение клиентов", en="Customer experience"),
    icon="message-circle",
    analyses=(NET_PROMOTER_SCORE, SATISFACTION, REVIEW_RATINGS),
)
