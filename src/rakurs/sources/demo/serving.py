"""Costs to serve: what each order cost to deliver, dearer to the far cities and for whoever orders little at a time."""

from rakurs.sources.demo.people import COMPANY
from rakurs.sources.demo.steps import Step

BASE_ROUBLES = 290
SHARE_OF_AMOUNT = 0.015
COMPANY_ROUBLES = 450
"""Beside the base, for a delivery to a company: it is carried up."""

CHUNK_STEPS = (
    Step(
        "service_costs",
        f"""
        select order_no, no, paid_second + 86400 as spent_second,
            round({BASE_ROUBLES} * (0.7 + 0.6 * u(order_no, 'delivery')) + if(kind = {COMPANY}, {COMPANY_ROUBLES}, 0)
                + {SHARE_OF_AMOUNT} * amount, 2)::decimal(18, 2) as amount
        from orders where status = 'paid' and amount > 0 and paid_second + 86400 < past_second()
        """,
    ),
)
