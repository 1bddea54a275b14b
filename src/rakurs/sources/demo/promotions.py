"""Promotions: a product category at a time is offered by the pair for two weeks; the last ones are still to come."""

from rakurs.sources.demo.catalogue import CATEGORIES
from rakurs.sources.demo.steps import Step

EVERY_DAYS = 35
DAYS = 14
PLANNED_DAYS = 60
"""So many days ahead is known what will be promoted."""
SECOND_SHARE = 0.5
"""The share of lines that take twice as many under a promotion: demand rises by as much."""
PLACES = 5
"""A number without common divisor with that of the categories: they take turns, not in their own order."""

STEPS = (
    Step(
        "promotions",
        f"""
        select number as promotion_no, (number * {PLACES}) % {len(CATEGORIES)} + 1 as category_no,
            number * {EVERY_DAYS} as from_no, number * {EVERY_DAYS} + {DAYS} as past_no
        from (select unnest(range(1, (day_count() + {PLANNED_DAYS}) // {EVERY_DAYS} + 1)) as number)
        """,
    ),
)
