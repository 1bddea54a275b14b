-- How many deals pass each stage, and how long do they stay there?
with deal as (
    select deal_id, pipeline_id, value as amount, outcome
    from known_deal
    where ($pipeline is null or pipeline_id = $pipeline)
        and ($manager is null or manager_id = $manager)
        and ($channel is null or channel_id = $channel)
        and ($amount_from is null or value >= $amount_from)
        and ($amount_to is null or value <= $amount_to)
        and case $cohort
            when 'created' then ($start is null or created_on >= $start) and created_on < $end
            when 'closed' then ($start is null or ended_on >= $start) and ended_on < $end
            else created_on < $end and (ended_on is null or $start is null or ended_on >= $start)
        end
),
visit as (
    select
        m.*, d.amount, d.outcome as deal_outcome,
        max(m.step) over (partition by m.deal_id, m.pipeline_id order by m.place
            rows between unbounded preceding and 1 preceding) as highest_before
    from move m
    join deal d on d.deal_id = m.deal_id
),
reach as (
    select
        deal_id, pipeline_id, any_value(amount) as amount,
        coalesce(max(step), 1) as furthest,
        coalesce(min(coalesce(highest_before, 0)) filter (where step > coalesce(highest_before, 0) + 1), max(step), 0)
            as in_order,
        count(*) filter (where step > coalesce(highest_before, 0) + 1) = 0 as is_without_skip
    from visit
    group by deal_id, pipeline_id
),
entered as (
    select pipeline_id, stage_id, any_value(outcome) as outcome, count(*) as deals, sum(amount) as amount
    from (
        select deal_id, pipeline_id, stage_id, any_value(outcome) as outcome, any_value(amount) as amount
        from visit
        group by deal_id, pipeline_id, stage_id
    )
    group by pipeline_id, stage_id
),
climbed as (
    select l.pipeline_id, l.stage_id, l.outcome, sum(r.deals) as deals, sum(r.amount) as amount
    from ladder l
    join (
        select
            pipeline_id, case $policy when 'conversion' then furthest else in_order end as step,
            count(*) as deals, sum(amount) as amount
        from reach
        group by all
    ) r on r.pipeline_id = l.pipeline_id and r.step >= l.step
    group by all
),
standing as (
    select v.pipeline_id, v.stage_id, v.outcome, count(*) as deals, sum(v.amount) as amount
    from visit v
    join reach r on r.deal_id = v.deal_id and r.pipeline_id = v.pipeline_id
    where v.left_epoch is null and v.outcome <> 'open' and ($policy <> 'strict' or r.is_without_skip)
    group by all
),
passed as (
    select * from entered where $policy in ('classic', 'any') and outcome = 'open'
    union all
    select * from climbed where $policy in ('conversion', 'strict') and outcome = 'open'
    union all
    select * from standing
),
stay as (
    select
        pipeline_id, stage_id,
        quantile_cont((left_epoch - entered_epoch) / 3600.0, 0.5) as median_hours,
        quantile_cont((left_epoch - entered_epoch) / 3600.0, 0.9) as p90_hours
    from visit
    where left_epoch is not null and outcome = 'open'
    group by pipeline_id, stage_id
),
waiting as (
    select v.pipeline_id, v.stage_id, count(*) as stuck
    from visit v
    join stay s using (pipeline_id, stage_id)
    where v.left_epoch is null and v.outcome = 'open' and v.deal_outcome = 'open'
        and (epoch($as_of + interval 1 day) - v.entered_epoch) / 3600.0 > s.p90_hours
    group by all
),
total as (select pipeline_id, count(*) as deals from deal group by pipeline_id)
select
    l.pipeline_id, l.stage_id, coalesce(l.name, l.stage_id) as stage, l.position, l.outcome,
    coalesce(p.deals, 0) as deals,
    coalesce(p.amount, 0) as amount,
    coalesce(p.deals, 0) / t.deals as share_of_all,
    case when l.outcome <> 'lost' then coalesce(p.deals, 0) / nullif(lag(coalesce(p.deals, 0)) over (
        partition by l.pipeline_id, l.outcome = 'lost' order by l.position, l.stage_id), 0) end as share_of_previous,
    s.median_hours, s.p90_hours,
    coalesce(w.stuck, 0) as stuck
from ladder l
join total t on t.pipeline_id = l.pipeline_id
left join passed p on p.pipeline_id = l.pipeline_id and p.stage_id = l.stage_id
left join stay s on s.pipeline_id = l.pipeline_id and s.stage_id = l.stage_id
left join waiting w on w.pipeline_id = l.pipeline_id and w.stage_id = l.stage_id
order by l.pipeline_id, l.position, l.stage_id
