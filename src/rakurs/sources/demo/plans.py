"""Plans: what was each manager, department and the company asked to bring, month by month?

A department is asked for its usual recent month times the season times an ambition, and its managers share that by
what each usually brings. A department's target is the sum of its managers' and the company's the sum of
departments', so that every level adds up to the same whole.
"""

from rakurs.sources.demo.deals import WON
from rakurs.sources.demo.steps import Step, listed

AMBITION = 1.08
"""Targets are that much above the recent level."""
RECENT_MONTHS = 3
ROUNDED_TO = {"won": 1, "revenue": 1000, "margin": 1000}
"""Metric of a plan, and what its targets are rounded to."""

FACTS = f"""
    unpivot (
        select d.employee_no, d.pipeline_no, p.category, y.month_no,
            count(*)::decimal(18, 2) as won,
            sum(v.rouble_amount)::decimal(18, 2) as revenue,
            sum(v.rouble_margin)::decimal(18, 2) as margin
        from deals as d
        join deal_values as v using (deal_no)
        join products as p on p.product_no = v.product_no
        join days as y on y.day_no = d.closed_second // 86400
        where d.outcome = {WON}
        group by all
    ) on won, revenue, margin into name metric value value
"""
"""What a chunk won, as the plans need it; added up over the chunks in `won_months`."""

_ROUNDED = "greatest(1, round(round({value}, 4) / m.rounded_to))::bigint * m.rounded_to"

STEPS = (
    listed("plan_metrics", ("metric", "rounded_to"), ROUNDED_TO.items()),
    Step(
        "plan_months",
        """
        select m.month_no, min(m.month) as month,
            any_value(s.factor) * datediff('day', min(m.month), (min(m.month) + interval 1 month)::date) / 30.4 as weight
        from months as m join seasons as s on s.month = month(m.month)
        where m.month >= first_day() and m.month <= past_day()
        group by m.month_no
        """,
    ),
    Step(
        "worked_months",
        """
        select e.employee_no, e.department, m.month_no, m.month, m.weight
        from employees as e join plan_months as m
            on e.hired_on <= m.month and (e.left_on is null or e.left_on > m.month)
        """,
    ),
    Step(
        "usual_months",
        """
        with brought as (
            select employee_no, metric, sum(value)::double as value from won_months group by employee_no, metric
        ),
        worked as (
            select employee_no, sum(round(weight * 1e6)::bigint) / 1e6 as weight from worked_months group by employee_no
        )
        select b.employee_no, b.metric, b.value / w.weight as value
        from brought as b join worked as w using (employee_no)
        """,
    ),
    Step(
        "recent_levels",
        f"""
        with won as (
            select e.department, w.metric, m.month_no, m.weight, sum(w.value)::double as value
            from won_months as w join employees as e using (employee_no) join plan_months as m using (month_no)
            group by e.department, w.metric, m.month_no, m.weight
        ),
        brought as (
            from won
            union all
            -- The present month has a plan from its first day on, before anything is won.
            select k.department, k.metric, m.month_no, m.weight, null
            from (select distinct department, metric from won) as k
            cross join (from plan_months order by month_no desc limit 1) as m
            anti join won as w
                on w.department = k.department and w.metric = k.metric and w.month_no = m.month_no
        ),
        levels as (
            select department, metric, month_no, weight,
                coalesce(avg(value / weight) over (partition by department, metric order by month_no
                    rows between {RECENT_MONTHS} preceding and 1 preceding), value / weight) as level
            from brought
        )
        from levels where level is not null
        """,
    ),
    Step(
        "manager_plans",
        f"""
        with shares as (
            select w.employee_no, w.department, w.month_no, w.month, u.metric, u.value * 1e6
                / nullif((sum(round(u.value * 1e6)::bigint) over (partition by w.department, w.month_no, u.metric))
                    ::double, 0) as share
            from worked_months as w join usual_months as u using (employee_no)
        )
        select s.employee_no, s.department, s.month_no, s.month, s.metric,
            {_ROUNDED.format(value=f"s.share * r.level * r.weight * {AMBITION}")} as target
        from shares as s
        join recent_levels as r on r.department = s.department and r.month_no = s.month_no and r.metric = s.metric
        join plan_metrics as m on m.metric = s.metric
        """,
    ),
    Step(
        "company_plans",
        "select month_no, month, metric, sum(target)::bigint as target from manager_plans group by all",
    ),
    Step(
        "split_plans",
        f"""
        with totals as (
            select metric, sum(value)::double as value from won_months group by metric
        ),
        parts as (
            select metric, pipeline_no, null as category, sum(value)::double as value
            from won_months group by metric, pipeline_no
            union all
            select metric, null, category, sum(value)::double from won_months group by metric, category
        )
        select c.month, c.metric, p.pipeline_no, p.category,
            {_ROUNDED.format(value="c.target * p.value / t.value")} as target
        from company_plans as c
        join parts as p on p.metric = c.metric
        join totals as t on t.metric = c.metric
        join plan_metrics as m on m.metric = c.metric
        """,
    ),
    Step(
        "plans",
        """
        select month, metric, target, null as department, employee_no, null as pipeline_no, null as category
        from manager_plans
        union all
        select month, metric, sum(target)::bigint, department, null, null, null
        from manager_plans group by month, metric, department
        union all
        select month, metric, target, null, null, null, null from company_plans
        union all
        select month, metric, target, null, null, pipeline_no, category from split_plans
        """,
    ),
)
