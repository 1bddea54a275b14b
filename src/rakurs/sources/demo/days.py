"""Days: when do people buy? Months, weekdays and Russian holidays as whole-number weights of each day.

A clock is a table of ticks: a day holds as many ticks as its weight says, so a uniform tick is a day drawn with
exactly that weight, and a Poisson process in ticks is one in time with that season.
"""

from rakurs.sources.demo.steps import Step, listed

TICKS_PER_DAY = 64
"""Ticks of a day of weight 1."""

GROWTH_PER_YEAR = 1.25
"""How many times more customers come each next year."""

HOLIDAY_SHOP_FACTOR = 0.45
HOLIDAY_DEAL_FACTOR = 0.1

SEASON_BY_MONTH = {
    1: 0.75, 2: 0.92, 3: 1.05, 4: 1.0, 5: 0.88, 6: 0.85, 7: 0.8, 8: 0.9, 9: 1.1, 10: 1.15, 11: 1.2, 12: 1.4,
}  # fmt: skip
SHOP_BY_WEEKDAY = {1: 0.95, 2: 1.0, 3: 1.0, 4: 1.05, 5: 1.15, 6: 1.05, 7: 0.8}
DEALS_BY_WEEKDAY = {1: 1.3, 2: 1.35, 3: 1.3, 4: 1.25, 5: 1.1, 6: 0.4, 7: 0.3}
HOLIDAYS = (
    *((1, day) for day in range(1, 9)),
    (2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4),
)  # fmt: skip
"""Days off each year as (month, day): New Year, Defender's, Women's, Labour, Victory, Russia, Unity Day."""

STEPS = (
    listed("seasons", ("month", "factor"), SEASON_BY_MONTH.items()),
    listed(
        "weekdays",
        ("weekday", "shop_factor", "deal_factor"),
        ((day, factor, DEALS_BY_WEEKDAY[day]) for day, factor in SHOP_BY_WEEKDAY.items()),
    ),
    listed("holidays", ("month", "day_of_month"), HOLIDAYS),
    Step(
        "day_kinds",
        f"""
        select n.day_no, day_at(n.day_no) as day,
            datediff('month', first_day(), day_at(n.day_no)) as month_no,
            w.weekday, s.month,
            h.month is not null as is_holiday,
            h.month is null and w.weekday <= 5 as is_working,
            s.factor * w.shop_factor * if(h.month is null, 1, {HOLIDAY_SHOP_FACTOR}) as shop_weight,
            s.factor * w.deal_factor * if(h.month is null, 1, {HOLIDAY_DEAL_FACTOR}) as deal_weight,
            {GROWTH_PER_YEAR} ** (n.day_no / 365.25) as growth
        from range(day_count()) as n(day_no)
        join seasons as s on s.month = month(day_at(n.day_no))
        join weekdays as w on w.weekday = isodow(day_at(n.day_no))
        left join holidays as h on h.month = s.month and h.day_of_month = day(day_at(n.day_no))
        """,
    ),
    Step(
        "day_ticks",
        f"""
        select *,
            greatest(1, round({TICKS_PER_DAY} * shop_weight))::bigint as shop_ticks,
            greatest(1, round({TICKS_PER_DAY} * deal_weight))::bigint as deal_ticks,
            greatest(1, round({TICKS_PER_DAY} * shop_weight * growth))::bigint as arrival_ticks
        from day_kinds
        union all by name
        select day_count() as day_no, past_day() as day, datediff('month', first_day(), past_day()) as month_no,
            0 as shop_ticks, 0 as deal_ticks, 0 as arrival_ticks
        """,
    ),
    Step(
        "days",
        """
        select * exclude (shop_ticks, deal_ticks, arrival_ticks), shop_ticks, deal_ticks, arrival_ticks,
            (sum(shop_ticks) over before)::bigint - shop_ticks as shop_from,
            (sum(deal_ticks) over before)::bigint - deal_ticks as deal_from,
            (sum(arrival_ticks) over before)::bigint - arrival_ticks as arrival_from,
            (sum(coalesce(is_working, false)::integer) over before)::bigint - coalesce(is_working, false)::integer
                as work_no
        from day_ticks
        window before as (order by day_no)
        """,
    ),
    Step("shop_clock", "select shop_from + unnest(range(shop_ticks)) as tick, day_no from days"),
    Step("deal_clock", "select deal_from + unnest(range(deal_ticks)) as tick, day_no from days"),
    Step("arrival_clock", "select arrival_from + unnest(range(arrival_ticks)) as tick, day_no from days"),
)
