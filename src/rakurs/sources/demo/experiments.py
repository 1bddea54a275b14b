"""Campaigns tried beside a control group: who was written to, who was not, and how many bought because of it.

What is bought is drawn first, and the groups so that the world looks as if the campaign had worked: with a chance `p` to
buy in the shop, a person of the control group bought with `p × (1 - effect)`, one written to with `p × (1 + effect)`, and
half of everybody was written to whatever his chance.
"""

from rakurs.sources.demo.orders import CANCELLED_SHARE
from rakurs.sources.demo.people import PERSON
from rakurs.sources.demo.steps import Step, listed

EXPERIMENTS = (
    ("EX1", "Письмо «Мы скучаем»", 400, 0.25, 4),
    ("EX2", "Сообщение о новинках", 230, 0.25, 6),
    ("EX3", "Открытка к празднику", 110, 0.0, 30),
)
"""Id, name, how many days ago, the share by which it moves a person's chance up and down, roubles a contact. Companies do not read it."""
WINDOW_DAYS = 30

STEPS = (
    listed(
        "experiments",
        ("place", "experiment_id", "experiment", "days_ago", "effect", "cost"),
        ((place, *said) for place, said in enumerate(EXPERIMENTS)),
    ),
)
CHUNK_STEPS = (
    Step(
        "experiment_assignments",
        f"""
        with audience as (
            select b.no, e.*, day_count() - e.days_ago as from_no, if(b.kind = {PERSON}, e.effect, 0) as own_effect,
                1 - exp(-b.shop_rate * {1 - CANCELLED_SHARE} * greatest(0,
                    least(b.shop_end, past.shop_from) - greatest(b.shop_start, first.shop_from))) as chance
            from buyers as b
            cross join experiments as e
            join days as first on first.day_no = day_count() - e.days_ago
            join days as past on past.day_no = day_count() - e.days_ago + {WINDOW_DAYS}
            where b.first_day_no < day_count() - e.days_ago
        ),
        came as (
            select distinct a.no, a.place
            from audience as a
            join order_heads as o on o.no = a.no and o.deal_no is null and not o.is_cancelled
                and o.day_no >= a.from_no and o.day_no < a.from_no + {WINDOW_DAYS}
        )
        select a.*, c.no is not null as has_bought,
            u(a.no * 10 + a.place, 'arms') < if(c.no is not null, (1 + a.own_effect) / 2,
                greatest(0, 0.5 - a.own_effect * a.chance / (2 * (1 - a.chance)))) as is_treated
        from audience as a
        left join came as c using (no, place)
        """,
    ),
)

FACTS = """
    select experiment_id as key, count(*) as customers, count(*) filter (where is_treated) as treated,
        sum(round(2e6 * own_effect * chance))::bigint as more_millionths
    from experiment_assignments group by all
"""
"""What came of each campaign in a chunk; how much more of the written to buy, in millionths of a customer."""
