"""Advertising: what did each channel and campaign cost, day by day?

A contact is a lead, or a person whose first visit to the shop needed none. A channel pays its usual price for one,
spread over the days around it, because advertising runs on days nobody asks as well.
"""

from rakurs.sources.demo.steps import DAY_SECONDS, Step

SPREAD_DAYS = 3
"""A contact is paid for on its day and so many days before and after."""
LEAST_PRICE, MOST_PRICE = 0.85, 1.15
"""What a day's contact costs, in shares of the channel's usual price."""
CLICKS_PER_CONTACT, IMPRESSIONS_PER_CLICK = 14, 45
CLICKED = ("cpc", "email", "marketplace")
"""Media that count clicks."""

FACTS = f"""
    select day_no, channel_no, campaign_place, count(*) as contacts
    from (
        select created_second // {DAY_SECONDS} as day_no, channel_no, campaign_place from leads
        union all
        select day_no, channel_no, null from people where starts_in_shop
    )
    group by all
"""
"""How many contacts a chunk had; added up over the chunks in `contact_days`."""

_DAYS = 2 * SPREAD_DAYS + 1
_PRICE = f"({LEAST_PRICE} + {MOST_PRICE - LEAST_PRICE:.2f} * u(row_no, 'contact-price'))"
_IS_CLICKED = f"medium in ({', '.join(repr(medium) for medium in CLICKED)})"

STEPS = (
    Step(
        "ad_costs",
        f"""
        with spread as (
            select day_no + unnest(range(-{SPREAD_DAYS}, {SPREAD_DAYS + 1})) as day_no, channel_no, campaign_place, contacts
            from contact_days
        ),
        daily as (
            select s.day_no, s.channel_no, s.campaign_place, sum(s.contacts)::bigint as contacts,
                (s.channel_no * 100 + coalesce(s.campaign_place, 99)) * 100000 + s.day_no as row_no,
                c.lead_cost, c.medium
            from spread as s join channels as c using (channel_no)
            where c.lead_cost > 0 and s.day_no between 0 and day_count() - 1
            group by s.day_no, s.channel_no, s.campaign_place, c.lead_cost, c.medium
        )
        select row_no, day_no, channel_no, campaign_place, contacts,
            greatest(1, round(contacts * lead_cost * 100 / {_DAYS} * {_PRICE}))::bigint as kopecks,
            if({_IS_CLICKED}, ceil(contacts * {CLICKS_PER_CONTACT} / {_DAYS})::bigint, null) as clicks,
            if({_IS_CLICKED}, ceil(contacts * {CLICKS_PER_CONTACT * IMPRESSIONS_PER_CLICK} / {_DAYS})::bigint, null)
                as impressions
        from daily
        """,
    ),
)
"""Made at the end, when the contacts of all chunks are known."""

SPENT = """
    select c.channel_no::varchar as key, coalesce(any_value(d.contacts), 0)::bigint as contacts,
        coalesce(sum(a.kopecks), 0)::bigint as kopecks
    from channels as c
    left join (select channel_no, sum(contacts) as contacts from contact_days group by channel_no) as d using (channel_no)
    left join ad_costs as a using (channel_no)
    group by c.channel_no
"""
"""What came of it, by channel."""
