-- How long do customers who came together stay?
with sold as (
    select s.customer_id, s.sold_on, s.revenue, case when $measure = 'margin' then d.margin_base end as margin
    from sale s
    join deals d on d.deal_id = s.sale_id
    where $basis = 'deals' and s.basis = 'deals'
        and ($pipeline is null or s.pipeline_id = $pipeline)
        and ($manager is null or s.manager_id = $manager)
        and ($channel is null or s.channel_id = $channel)
        and s.sold_on <= $as_of and s.customer_id is not null
    union all
    select s.customer_id, s.sold_on, s.revenue, case when $measure = 'margin' then s.revenue - c.cost end
    from sale s
    left join order_cost c on $measure = 'margin' and c.order_id = s.sale_id
    where $basis = 'orders' and s.basis = 'orders'
        and ($pipeline is null or s.pipeline_id = $pipeline)
        and ($manager is null or s.manager_id = $manager)
        and ($channel is null or s.channel_id = $channel)
        and s.sold_on <= $as_of and s.customer_id is not null
),
bought as (
    select
        customer_id, date_trunc($grain, sold_on)::date as bucket, sum(revenue) as revenue, sum(margin) as margin
    from sold
    group by all
),
first_bought as (select customer_id, min(bucket) as cohort from bought group by customer_id),
active as (
    select
        f.cohort, b.bucket, date_diff($grain, f.cohort, b.bucket) as period,
        count(*) as customers, sum(b.revenue) as revenue, sum(b.margin) as margin
    from bought b
    join first_bought f on f.customer_id = b.customer_id
    group by all
),
later as (
    select f.cohort, date_diff($grain, f.cohort, l.bucket) as last_period, count(*) as customers
    from first_bought f
    join (select customer_id, max(bucket) as bucket from bought group by customer_id) l
        on l.customer_id = f.customer_id
    where $kept = 'on_or_after'
    group by all
),
size as (
    select cohort, count(*) as size from first_bought
    where ($start is null or cohort >= $start) and cohort < $end
    group by cohort
),
cell as (
    select
        s.cohort, s.size,
        unnest(range(date_diff($grain, s.cohort, date_trunc($grain, $as_of)) + 1)) as period
    from size s
),
filled as (
    select
        c.*,
        case
            when $measure = 'customers' and $kept = 'on_or_after' then
                (select sum(l.customers) from later l where l.cohort = c.cohort and l.last_period >= c.period)
            when $measure = 'customers' then a.customers
            when $measure = 'revenue' then a.revenue
            else a.margin
        end as kept
    from cell c
    left join active a on a.cohort = c.cohort and a.period = c.period
)
select
    cohort, size, period, coalesce(kept, 0) as kept,
    coalesce(kept, 0) / nullif(first_value(kept) over (partition by cohort order by period), 0) as share,
    (cohort + (period + 1) * interval $step)::date <= $as_of + 1 as is_complete
from filled
order by cohort, period
