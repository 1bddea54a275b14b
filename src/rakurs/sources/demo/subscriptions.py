"""Subscriptions: companies that rent a coffee machine with its service, on plans that hold them for a while or not at all."""

from rakurs.sources.demo.people import COMPANY
from rakurs.sources.demo.steps import DAY_SECONDS, Step, choice, chosen, listed

RENTING_SHARE = 0.35
"""Share of companies that rent."""
PLANS = (("Без срока", 0.07, 9_900, 50), ("На год", 0.02, 8_400, 35), ("На два года", 0.006, 7_500, 15))
"""Name of a plan, chance to end in a month, price a month, weight."""
MONTH_SECONDS = 2_629_800

STEPS = (
    listed("plans_of_rent", ("place", "plan", "ends", "price", "weight"), ((n, *plan) for n, plan in enumerate(PLANS))),
    choice("rent_choice", source="plans_of_rent", value="place", weight="weight", order="place"),
)
CHUNK_STEPS = (
    Step(
        "subscriptions",
        f"""
        with renting as (
            select no, channel_no, created_second + {DAY_SECONDS} * (1 + pick(no, 'rent-gap', 30)) as started_second,
                u(no, 'rent-plan') as plan_draw
            from people where kind = {COMPANY} and u(no, 'rents') < {RENTING_SHARE}
        )
        select r.no, r.channel_no, r.started_second, p.plan, p.price,
            r.started_second + floor(expo(r.no, 'rent-life') / -ln(1 - p.ends) * {MONTH_SECONDS})::bigint as ended_second
        from renting as r
        {chosen("c", "rent_choice", draw="r.plan_draw")}
        join plans_of_rent as p on p.place = c.value
        where r.started_second < past_second()
        """,
    ),
)
"""A rent ends with a constant chance a month, by its plan."""
