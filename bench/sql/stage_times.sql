-- Where do deals wait, come back, and jump over?
with deal as (
    select deal_id, pipeline_id, outcome
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
    select m.*, d.outcome as deal_outcome
    from move m
    join deal d on d.deal_id = m.deal_id
),
at_stage as (
    select deal_id, pipeline_id, stage_id, any_value(step) as step, count(*) as visits
    from visit
    group by deal_id, pipeline_id, stage_id
),
at_stages as (
    select pipeline_id, stage_id, count(*) as deals, sum(visits) as visits, sum(visits - 1) as reentries
    from at_stage
    group by pipeline_id, stage_id
),
furthest as (
    select pipeline_id, step, count(*) as deals
    from (select deal_id, pipeline_id, max(step) as step from at_stage group by deal_id, pipeline_id)
    group by pipeline_id, step
),
reached as (
    select l.pipeline_id, l.stage_id, sum(f.deals) as deals
    from ladder l
    join furthest f on f.pipeline_id = l.pipeline_id and f.step >= l.step
    where l.outcome = 'open'
    group by all
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
)
select
    l.pipeline_id, l.stage_id,
    coalesce(a.visits, 0) as visits, s.median_hours, s.p90_hours,
    coalesce(w.stuck, 0) as stuck, coalesce(a.reentries, 0) as reentries,
    coalesce(r.deals - coalesce(a.deals, 0), 0) as skips
from ladder l
left join at_stages a on a.pipeline_id = l.pipeline_id and a.stage_id = l.stage_id
left join reached r on r.pipeline_id = l.pipeline_id and r.stage_id = l.stage_id
left join stay s on s.pipeline_id = l.pipeline_id and s.stage_id = l.stage_id
left join waiting w on w.pipeline_id = l.pipeline_id and w.stage_id = l.stage_id
where l.outcome = 'open' and ($pipeline is null or l.pipeline_id = $pipeline)
order by l.pipeline_id, l.position, l.stage_id
