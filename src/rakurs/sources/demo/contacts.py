"""Contacts: how does the company talk to people? Leads and the first response, calls by hour, other activities."""

from rakurs.sources.demo.deals import LOST, OPEN
from rakurs.sources.demo.people import COMPANY
from rakurs.sources.demo.steps import DAY_SECONDS, Step, choice, chosen, listed

HOURS = {
    8: (2, 0.30), 9: (8, 0.10), 10: (13, 0.07), 11: (14, 0.07), 12: (11, 0.10), 13: (7, 0.28), 14: (10, 0.12),
    15: (11, 0.07), 16: (10, 0.08), 17: (8, 0.10), 18: (5, 0.25), 19: (3, 0.45), 20: (2, 0.60), 21: (1, 0.70),
}  # fmt: skip
"""Hour -> weight of incoming calls, chance that one is missed: lunch and evenings are bad."""
WEEKEND_MISSED = 0.15
"""Added to the chance to miss a call on a day off."""
CALLED_BACK_SHARE = 0.72
CALLED_BACK_MINUTES = 38
"""Mean minutes until a missed call is returned."""
INCOMING_SHARE = 0.6
OUTGOING_UNANSWERED_SHARE = 0.22
JUNK_LEADS_PER_CUSTOMER = 0.6
"""Leads that became nothing, per customer who came by a deal."""

ACTIVITIES = (("email", 40), ("meeting", 12), ("chat", 30), ("task", 18))


def activity_id(number: str) -> str:
    """SQL that writes an activity's number as its id."""
    return f"format('A{{:010d}}', {number})"


STEPS = (
    listed("call_hours", ("hour", "weight", "missed"), ((hour, *rest) for hour, rest in HOURS.items())),
    choice("hour_choice", source="call_hours", value="hour", weight="weight", order="hour"),
    listed("activity_kinds", ("kind", "weight"), ACTIVITIES),
    choice("activity_choice", source="activity_kinds", value="kind", weight="weight", order="kind"),
)

CHUNK_STEPS = (
    Step(
        "leads",
        f"""
        with asked as (
            select d.deal_no as lead_no, d.deal_no, d.no, d.created_second - 60 - pick(d.deal_no, 'lead-gap', 7200)
                as created_second, d.channel_no, d.campaign_place, d.employee_no, 'converted' as status
            from deals as d where d.place = 0
            union all
            select d.deal_no + 99, null, null,
                d.created_second - {DAY_SECONDS} * pick(d.deal_no, 'junk-gap', 30), d.channel_no, d.campaign_place,
                d.employee_no, case pick(d.deal_no, 'junk-status', 10) when 0 then 'new' when 1 then 'in_work'
                    else 'junk' end
            from deals as d
            where d.place = 0 and u(d.deal_no, 'junk-lead') < {JUNK_LEADS_PER_CUSTOMER}
        )
        select a.*, if(a.status = 'new', null,
            a.created_second + 60 + floor(expo(a.lead_no, 'response') * 1500 * e.pace)::bigint) as responded_second
        from asked as a join employees as e using (employee_no)
        where a.created_second >= 0
        """,
    ),
    Step(
        "calls",
        f"""
        with planned as (
            select d.deal_no, d.no, d.employee_no, d.channel_no, d.created_second // {DAY_SECONDS} as from_day,
                d.last_second // {DAY_SECONDS} as to_day,
                unnest(range(pick(d.deal_no, 'calls', 3))) as k
            from deals as d
        ),
        numbered as (
            select *, deal_no * 10 + k as call_no,
                u(deal_no * 10 + k, 'direction') < {INCOMING_SHARE} as is_incoming,
                from_day + pick(deal_no * 10 + k, 'call-day', to_day - from_day + 1) as day_no,
                u(deal_no * 10 + k, 'hour') as hour_draw
            from planned
        ),
        timed as (
            select n.*, h.value as hour, y.is_working,
                n.day_no * {DAY_SECONDS} + h.value * 3600 + pick(n.call_no, 'minute', 3600) as started_second
            from numbered as n
            {chosen("h", "hour_choice", draw="n.hour_draw")}
            join days as y on y.day_no = n.day_no
        ),
        answered as (
            select t.*,
                u(t.call_no, 'missed') < if(t.is_incoming,
                    least(1, h.missed + if(t.is_working, 0, {WEEKEND_MISSED})), {OUTGOING_UNANSWERED_SHARE}) as is_missed
            from timed as t join call_hours as h using (hour)
        ),
        returned as (
            select *,
                4 + floor(expo(call_no, 'wait') * if(is_missed, 28, 9))::bigint as wait_seconds,
                if(is_missed, 0, 15 + floor(expo(call_no, 'talk') * 190)::bigint) as talk_seconds,
                if(is_missed and is_incoming and u(call_no, 'called-back') < {CALLED_BACK_SHARE},
                    started_second + 90 + floor(expo(call_no, 'back') * {CALLED_BACK_MINUTES * 60})::bigint, null)
                    as back_second
            from answered
        )
        select * replace (if(back_second < past_second(), back_second, null) as back_second) from returned
        """,
    ),
    Step(
        "activities",
        f"""
        with planned as (
            select d.deal_no, d.no, d.employee_no, d.created_second, d.last_second, d.outcome, d.kind as customer_kind,
                unnest(range(pick(d.deal_no, 'activities', 4))) as k
            from deals as d
        ),
        drawn as (
            select *, deal_no * 10 + k as activity_no, u(deal_no * 10 + k, 'activity-kind') as kind_draw
            from planned
        )
        select d.activity_no, d.deal_no, d.no, d.employee_no, a.value as kind,
            {DAY_SECONDS} * (d.created_second // {DAY_SECONDS} + pick(d.activity_no, 'activity-day',
                d.last_second // {DAY_SECONDS} - d.created_second // {DAY_SECONDS} + 1))
                + 32400 + pick(d.activity_no, 'activity-at', 36000) as at_second,
            case when a.value in ('meeting', 'task') then null
                when u(d.activity_no, 'side') < 0.45 then 'in' else 'out' end as direction,
            case a.value when 'meeting' then 1200 + pick(d.activity_no, 'length', if(d.customer_kind = {COMPANY}, 5400, 1800))
                else null end as duration_seconds,
            case d.outcome when {OPEN} then 'in_progress' when {LOST} then 'no_result' else 'agreed' end as result
        from drawn as d
        {chosen("a", "activity_choice", draw="d.kind_draw")}
        """,
    ),
)
