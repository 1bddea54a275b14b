"""The catalogue: what is sold, at what price in which month, and what is bought together?

Demand follows price: a product's chance to be picked is its popularity times (price / usual price) to the power
of `ELASTICITY`, so a regression of log quantity on log price with product and month effects finds that number.
"""

from dataclasses import dataclass

from rakurs.sources.demo.names import EKATERINBURG
from rakurs.sources.demo.steps import Step, choice, listed

ELASTICITY = -1.8
INFLATION_PER_YEAR = 1.07
PROMOTED_SHARE = 0.4
"""Share of product-months with a lowered shelf price."""
DEEPEST_PROMOTION = 0.3
PRODUCTS_PER_CATEGORY = 25

RISEN_BRANCH = EKATERINBURG
RISEN_DAYS_AGO = 60
PRICE_RISE = 1.12
"""Planted change: the price list of one branch rises, and its orders fall as the elasticity says."""

AUDIENCES = ("person_shop", "company_shop", "retail_deal", "corporate_deal", "repeat_deal")
"""Who fills the basket; each has its own taste for categories."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A product group: taste of each audience, range of costs in roubles, markup on cost, share returned."""

    name: str
    item: str
    tastes: tuple[float, float, float, float, float]
    cost_from: float
    cost_to: float
    markup: float
    return_rate: float
    units: int
    """How many units a company usually takes."""


CATEGORIES = (
    Category(name="Кофемашины", item="Кофемашина", tastes=(1, 1, 22, 34, 4), cost_from=18_000, cost_to=190_000,
             markup=1.28, return_rate=0.045, units=1),
    Category(name="Кофемолки", item="Кофемолка", tastes=(3, 2, 14, 18, 3), cost_from=2_500, cost_to=48_000,
             markup=1.35, return_rate=0.035, units=1),
    Category(name="Чайное оборудование", item="Кипятильник", tastes=(1, 2, 5, 12, 4), cost_from=3_000,
             cost_to=35_000, markup=1.32, return_rate=0.03, units=1),
    Category(name="Холодильное оборудование", item="Витрина", tastes=(0, 1, 0, 14, 3), cost_from=22_000,
             cost_to=95_000, markup=1.22, return_rate=0.02, units=1),
    Category(name="Кофе в зёрнах", item="Кофе в зёрнах", tastes=(26, 28, 14, 12, 30), cost_from=650,
             cost_to=1_900, markup=1.55, return_rate=0.01, units=10),
    Category(name="Кофе молотый и капсулы", item="Кофе молотый", tastes=(18, 10, 12, 4, 8), cost_from=280,
             cost_to=900, markup=1.6, return_rate=0.012, units=8),
    Category(name="Чай листовой", item="Чай", tastes=(17, 12, 10, 6, 12), cost_from=180, cost_to=1_400,
             markup=1.75, return_rate=0.01, units=6),
    Category(name="Сиропы и топпинги", item="Сироп", tastes=(8, 14, 6, 8, 14), cost_from=190, cost_to=560,
             markup=1.7, return_rate=0.008, units=6),
    Category(name="Посуда", item="Набор посуды", tastes=(12, 7, 12, 8, 6), cost_from=350, cost_to=4_200,
             markup=1.8, return_rate=0.06, units=4),
    Category(name="Одноразовая упаковка", item="Стаканы", tastes=(2, 14, 2, 6, 12), cost_from=90, cost_to=650,
             markup=1.5, return_rate=0.006, units=12),
    Category(name="Уход и запчасти", item="Средство для чистки", tastes=(8, 7, 8, 6, 6), cost_from=150,
             cost_to=2_600, markup=1.9, return_rate=0.015, units=3),
    Category(name="Подарки", item="Подарочный набор", tastes=(4, 2, 4, 4, 2), cost_from=700, cost_to=5_200,
             markup=2.0, return_rate=0.05, units=3),
)  # fmt: skip

BRANDS = (
    "Вьюга", "Полярис-К", "Астерия", "Бриз", "Тайга", "Орбита-7", "Самоцвет", "Rondello Nord", "Casa Levante",
    "Monteluna", "Kaffa Roots", "Silver Leaf", "Ладога", "Звезда Востока", "Пять зёрен",
)  # fmt: skip
"""Invented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Affinity:
    """A planted habit: a line with the `antecedent` product brings the `consequent` with this chance."""

    antecedent: int
    consequent: int
    attach: float


def product_number(category: int, rank: int) -> int:
    """The number of the `rank`-th most popular product of the `category`, both counted from 1."""
    return (category - 1) * PRODUCTS_PER_CATEGORY + rank


AFFINITIES = tuple(
    Affinity(antecedent=product_number(*left), consequent=product_number(*right), attach=attach)
    for left, right, attach in (
        ((1, 1), (11, 1), 0.45),
        ((1, 2), (2, 1), 0.30),
        ((1, 3), (5, 2), 0.35),
        ((2, 2), (5, 3), 0.30),
        ((3, 1), (7, 3), 0.30),
        ((4, 1), (8, 5), 0.25),
        ((5, 4), (10, 1), 0.25),
        ((6, 2), (9, 2), 0.20),
        ((7, 1), (9, 1), 0.25),
        ((7, 4), (12, 2), 0.15),
        ((8, 1), (8, 2), 0.40),
        ((10, 3), (8, 4), 0.20),
    )
)
PROMO_CODES = (("КОФЕ10", 0.10, 5), ("ЧАЙ15", 0.15, 3), ("ВЕСНА7", 0.07, 4), ("ДРУЗЬЯМ5", 0.05, 6))
"""Code, discount, weight."""
PROMO_CODE_SHARE = 0.12
"""Share of shop orders placed with a promo code."""


NO_PROMO_CODE = ""
_NO_CODE_WEIGHT = sum(weight for _, _, weight in PROMO_CODES) * (1 - PROMO_CODE_SHARE) / PROMO_CODE_SHARE


def product_id(number: str) -> str:
    """SQL that writes a product's number as its id."""
    return f"format('P{{:04d}}', {number})"


STEPS = (
    listed(
        "categories",
        ("category_no", "name", "item", "cost_from", "cost_to", "markup", "return_rate", "units"),
        (
            (place, kind.name, kind.item, kind.cost_from, kind.cost_to, kind.markup, kind.return_rate, kind.units)
            for place, kind in enumerate(CATEGORIES, 1)
        ),
    ),
    listed(
        "tastes",
        ("category_no", "audience_no", "taste"),
        (
            (place, audience, taste)
            for place, kind in enumerate(CATEGORIES, 1)
            for audience, taste in enumerate(kind.tastes, 1)
        ),
    ),
    listed("brands", ("brand_no", "name"), enumerate(BRANDS)),
    listed(
        "affinities",
        ("antecedent", "consequent", "attach"),
        ((pair.antecedent, pair.consequent, pair.attach) for pair in AFFINITIES),
    ),
    listed("promo_codes", ("code", "promo_rate", "weight"), (*PROMO_CODES, (NO_PROMO_CODE, 0.0, _NO_CODE_WEIGHT))),
    choice("promo_choice", source="promo_codes", value="code", weight="weight", order="code"),
    Step(
        "products",
        f"""
        with numbered as (
            select c.*, r.rank, (c.category_no - 1) * {PRODUCTS_PER_CATEGORY} + r.rank as product_no
            from categories as c, range(1, {PRODUCTS_PER_CATEGORY} + 1) as r(rank)
        ),
        costed as (
            select *,
                round(cost_from * (cost_to / cost_from) ** u(product_no, 'cost'), 2)::decimal(18, 2) as unit_cost,
                round(markup * (0.85 + 0.3 * u(product_no, 'markup')), 3) as own_markup
            from numbered
        )
        select p.product_no, p.category_no, p.name as category, p.item, p.return_rate, p.units, p.rank,
            b.name as brand,
            p.item || ' ' || b.name || ' ' || chr(65 + pick(p.product_no, 'series', 26)::integer)
                || '-' || (100 + p.rank * 7 + pick(p.product_no, 'model', 7)) as name,
            p.unit_cost,
            (round(p.unit_cost * p.own_markup / 10) * 10)::decimal(18, 2) + 9 as list_price,
            1 + pick(p.product_no, 'supplier', 24) as supplier_no,
            3 + pick(p.product_no, 'lead', 40) as lead_time_days,
            1 / p.rank ** 0.7 as popularity
        from costed as p
        join brands as b on b.brand_no = pick(p.product_no, 'brand', {len(BRANDS)})
        """,
    ),
    Step(
        "months",
        "select distinct month_no, date_trunc('month', day)::date as month from days",
    ),
    Step(
        "product_months",
        f"""
        with promoted as (
            select p.*, m.month_no,
                {INFLATION_PER_YEAR} ** ((m.month_no - (select max(month_no) from months)) / 12) as level,
                if(u(p.product_no * 1000 + m.month_no, 'promoted') < {PROMOTED_SHARE},
                    1 - (1 + pick(p.product_no * 1000 + m.month_no, 'depth', 6)) * {DEEPEST_PROMOTION} / 6,
                    1.0) as relative_price
            from products as p, months as m
        )
        select product_no, month_no, return_rate, units, popularity, category_no, relative_price,
            round(list_price * level, 2)::decimal(18, 2) as usual_price,
            round(list_price * level * relative_price, 2)::decimal(18, 2) as price,
            round(unit_cost * level, 2)::decimal(18, 2) as unit_cost
        from promoted
        """,
    ),
    choice(
        "product_choice",
        source="product_months join tastes using (category_no)",
        group="audience_no * 1000 + month_no",
        value="product_no",
        weight=f"taste * popularity * relative_price ** ({ELASTICITY})",
        order="product_no",
    ),
)
