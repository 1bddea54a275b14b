-- From which stage, and why, are deals lost?
with deal as (
    select deal_id, pipeline_id, loss_reason_id, value as amount
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
        and outcome = 'lost'
),
before_loss as (
    select d.deal_id, max_by(e.stage_id, (e.entered_epoch, l.position, e.stage_id)) as stage_id
    from deal d
    join deal_stage_events e on e.deal_id = d.deal_id
    join ladder l on l.pipeline_id = d.pipeline_id and l.stage_id = e.stage_id
    where e.deleted_at is null and l.outcome = 'open'
    group by d.deal_id
)
select
    d.pipeline_id, b.stage_id, d.loss_reason_id, any_value(r.name) as loss_reason,
    count(*) as deals, coalesce(sum(d.amount), 0) as amount, count(*) / sum(count(*)) over () as share
from deal d
left join before_loss b on b.deal_id = d.deal_id
left join loss_reasons r on r.loss_reason_id = d.loss_reason_id
group by d.pipeline_id, b.stage_id, d.loss_reason_id
order by deals desc, d.pipeline_id, b.stage_id, d.loss_reason_id
