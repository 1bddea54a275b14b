-- Who sells, how surely, and how much?
with deal as (
    select
        manager_id, outcome, value as amount, created_epoch,
        case when outcome <> 'open' then (closed_epoch - created_epoch) / 86400.0 end as cycle_days
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
usual as (
    select median((closed_epoch - created_epoch) / 86400.0) as cycle_days from known_deal where ended_on <= $as_of
),
person as (
    select
        manager_id,
        count(*) as created,
        count(*) filter (where outcome = 'open') as in_progress,
        count(*) filter (
            where outcome = 'open' and (epoch($as_of::date + interval 1 day) - created_epoch) / 86400.0 < u.cycle_days
        ) as in_transit,
        count(*) filter (where outcome = 'won') as won,
        count(*) filter (where outcome = 'lost') as lost,
        coalesce(sum(amount) filter (where outcome = 'won'), 0) as won_amount,
        median(deal.cycle_days) as median_cycle_days
    from deal
    cross join usual u
    group by manager_id
),
moments as (
    select
        sum(won) / sum(created) as mean, count(*) as people, sum(created) as deals,
        sum(created) - sum(created::double ** 2) / sum(created) as size
    from person
),
prior as (
    select
        m.mean,
        least((sum(created * (won / created - m.mean) ** 2) - (m.people - 1) * m.mean * (1 - m.mean)) / m.size,
              m.mean * (1 - m.mean) * 0.999) as variance
    from person, moments m
    group by m.mean, m.people, m.size
),
strength as (select mean, case when variance > 0 then mean * (1 - mean) / variance - 1 end as weight from prior)
select
    p.manager_id, e.name as manager, e.department, p.created, p.in_progress, p.in_transit, p.won, p.lost, p.won_amount,
    p.won / p.created as conversion,
    case when p.won = 0 then 0 else (p.won + z.z2 / 2
        - z.z * sqrt(p.won * (p.created - p.won) / p.created + z.z2 / 4)) / (p.created + z.z2) end as conversion_low,
    case when p.won = p.created then 1 else (p.won + z.z2 / 2
        + z.z * sqrt(p.won * (p.created - p.won) / p.created + z.z2 / 4)) / (p.created + z.z2) end as conversion_high,
    coalesce((p.won + s.weight * s.mean) / (p.created + s.weight), s.mean) as conversion_shrunk,
    p.won / nullif(p.won + p.lost, 0) as win_rate,
    case when p.won + p.lost = 0 then null when p.won = 0 then 0 else (p.won + z.z2 / 2
        - z.z * sqrt(p.won * p.lost / (p.won + p.lost) + z.z2 / 4)) / (p.won + p.lost + z.z2) end as win_rate_low,
    case when p.won + p.lost = 0 then null when p.lost = 0 then 1 else (p.won + z.z2 / 2
        + z.z * sqrt(p.won * p.lost / (p.won + p.lost) + z.z2 / 4)) / (p.won + p.lost + z.z2) end as win_rate_high,
    p.won_amount / nullif(p.won, 0) as average_check,
    p.median_cycle_days,
    p.won_amount / nullif(sum(p.won_amount) over (), 0) as contribution
from person p
left join employees e on e.employee_id = p.manager_id
cross join strength s
cross join (select 1.959963984540054::double as z, 1.959963984540054::double ** 2 as z2) z
order by p.won_amount desc, p.manager_id
