"""Products: what is bought together, what is missing, what it brings."""

from rakurs.analyses.products.abc_xyz import ANALYSIS as ABC_XYZ
from rakurs.analyses.products.association_rules import ANALYSIS as ASSOCIATION_RULES
from rakurs.analyses.products.assortment import ANALYSIS as ASSORTMENT
from rakurs.analyses.products.demand_factors import ANALYSIS as DEMAND_FACTORS
from rakurs.analyses.products.elasticity import ANALYSIS as ELASTICITY
from rakurs.analyses.products.next_offers import ANALYSIS as NEXT_OFFERS
from rakurs.analyses.products.recommendations import ANALYSIS as RECOMMENDATIONS
from rakurs.analyses.products.stock_cover import ANALYSIS as STOCK_COVER
from rakurs.core.analysis import Area
from rakurs.core.text import Text

AREA = Area(
    name="products",
    title=Text(ru="Товары", en="Products"),
    icon="package",
    analyses=(
        NEXT_OFFERS,
        RECOMMENDATIONS,
        ASSOCIATION_RULES,
        ELASTICITY,
        DEMAND_FACTORS,
        ABC_XYZ,
        STOCK_COVER,
        ASSORTMENT,
    ),
)
