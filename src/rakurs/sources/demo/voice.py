"""Voice: what do customers answer when they are asked, and what do they write by themselves?

Payers are asked whether they would recommend the company, and recommend it less since deliveries got slow; won deals are asked about, and no
manager is better at it than another; people review what they bought, and one category of goods is rated worse.
"""

from rakurs.sources.demo.deals import WON
from rakurs.sources.demo.people import PERSON
from rakurs.sources.demo.steps import Step

ANSWERED_SHARE = 0.08
"""Of the payers who were asked."""
SLOW_DAYS_AGO = 150
"""Since then deliveries are slow."""
NPS = {"before": (0.52, 0.18), "after": (0.36, 0.34)}
"""Shares of promoters and of detractors."""
DEAL_ANSWERED_SHARE = 0.25
SATISFIED_SHARE = 0.82
REVIEWED_SHARE = 0.06
"""Of the lines that people bought in the shop."""
POOR_CATEGORY = 3
FIVE_STARS = {"usual": 0.7, "poor": 0.3}
REPLIED_SHARE = 0.6
PLATFORMS = ("Карты", "Маркетплейс", "Сайт")
_DAY = 86_400


def _nps(place: int) -> str:
    """SQL of a share by whether deliveries were slow already."""
    return f"if(is_slow, {NPS['after'][place]}, {NPS['before'][place]})"


CHUNK_STEPS = (
    Step(
        "recommending",
        f"""
        with asked as (
            select order_no, no, paid_second + 2 * {_DAY} as answered_second, u(order_no, 'nps') as draw,
                paid_second >= (day_count() - {SLOW_DAYS_AGO}) * {_DAY} as is_slow
            from orders
            where status = 'paid' and amount > 0 and paid_second + 2 * {_DAY} < past_second()
                and u(order_no, 'nps-answers') < {ANSWERED_SHARE}
        )
        select *, case when draw < {_nps(0)} then 9 + pick(order_no, 'nps-score', 2)
            when draw < {_nps(0)} + {_nps(1)} then pick(order_no, 'nps-score', 7)
            else 7 + pick(order_no, 'nps-score', 2) end as score
        from asked
        """,
    ),
    Step(
        "satisfied",
        f"""
        select deal_no, no, employee_no, closed_second + {_DAY} as answered_second,
            if(u(deal_no, 'csat') < {SATISFIED_SHARE}, 4 + pick(deal_no, 'csat-score', 2), 1 + pick(deal_no, 'csat-score', 3))
                as score
        from deals
        where outcome = {WON} and closed_second + {_DAY} < past_second()
            and u(deal_no, 'csat-answers') < {DEAL_ANSWERED_SHARE}
        """,
    ),
    Step(
        "reviews",
        f"""
        with written as (
            select l.order_no * 1000 + l.line_no as review_no, o.no, l.product_no, l.category_no = {POOR_CATEGORY} as is_poor,
                o.paid_second + (3 + pick(l.order_no, 'review-days', 10)) * {_DAY} as published_second
            from sold_lines as l join orders as o using (order_no)
            where o.status = 'paid' and o.kind = {PERSON} and o.deal_no is null
        )
        select *, if(u(review_no, 'stars') < if(is_poor, {FIVE_STARS["poor"]}, {FIVE_STARS["usual"]}), 5,
            1 + pick(review_no, 'few-stars', 4)) as rating
        from written where published_second < past_second() and u(review_no, 'reviews') < {REVIEWED_SHARE}
        """,
    ),
)

FACTS = {
    "nps": """
        select if(is_slow, 'after', 'before') as key, count(*) as answers, count(*) filter (where score >= 9) as promoters,
            count(*) filter (where score <= 6) as detractors
        from recommending group by all
    """,
    "csat": "select 'all' as key, count(*) as answers, count(*) filter (where score >= 4) as satisfied from satisfied",
    "stars": """
        select if(is_poor, 'poor', 'usual') as key, count(*) as reviews, count(*) filter (where rating = 5) as fives
        from reviews group by all
    """,
}
