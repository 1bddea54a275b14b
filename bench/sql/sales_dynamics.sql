-- How does revenue move, and what of it comes from new customers?
with ranked as (
    select
        sold_on, revenue, customer_id, is_sale, pipeline_id, manager_id, channel_id,
        is_sale and row_number() over (partition by customer_id, is_sale order by sold_on, sale_id) = 1 as is_first
    from sale
    where basis = $basis
),
daily as (
    select
        sold_on, sum(revenue) as revenue, count(*) filter (where is_sale) as sales,
        coalesce(sum(revenue) filter (where is_first and customer_id is not null), 0) as first_revenue,
        coalesce(sum(revenue) filter (where customer_id is not null), 0) as known_revenue
    from ranked
    where ($pipeline is null or pipeline_id = $pipeline)
        and ($manager is null or manager_id = $manager)
        and ($channel is null or channel_id = $channel)
    group by sold_on
),
bounds as (
    select
        coalesce($start, min(sold_on)) as first_day,
        least($end, ($as_of + 1)) as after_last,
        (select min(sold_on) from daily) as data_from
    from daily
    where ($start is null or sold_on >= $start) and sold_on < $end
),
bucket as (
    select
        period_start,
        greatest(period_start, coalesce($start, period_start)) as period_from,
        least((period_start + interval $step)::date, after_last) as period_end,
        (period_start + interval $step)::date <= after_last and period_start >= coalesce($start, period_start)
            as is_complete,
        data_from
    from (
        select
            unnest(generate_series(date_trunc($grain, first_day), after_last - interval 1 day, interval $step))
                ::date as period_start,
            after_last, data_from
        from bounds
    )
),
held_against as (
    select
        *,
        case $compare
            when 'previous' then case when period_from = period_start then (period_start - interval $step)::date
                else period_from - (period_end - period_from)::int end
            when 'last_year' then (period_from - interval 12 month)::date
            when 'weekdays' then period_from - 364
        end as compared_start,
        case $compare
            when 'previous' then case when is_complete or period_from > period_start then period_from
                else least((period_start - interval $step)::date + (period_end - period_start)::int, period_start) end
            when 'last_year' then (period_end - interval 12 month)::date
            when 'weekdays' then period_end - 364
        end as compared_end
    from bucket
)
select
    b.period_start,
    coalesce(now.revenue, 0) as revenue, coalesce(now.sales, 0) as sales,
    coalesce(now.first_revenue, 0) as first_revenue,
    coalesce(now.known_revenue, 0) - coalesce(now.first_revenue, 0) as repeat_revenue,
    now.revenue / nullif(now.sales, 0) as average_check,
    case when b.compared_end > b.data_from then coalesce(before.revenue, 0) end as compared_revenue,
    (coalesce(now.revenue, 0) - before.revenue) / nullif(before.revenue, 0) as change,
    b.is_complete
from held_against b
left join lateral (
    select sum(revenue) as revenue, sum(sales) as sales, sum(first_revenue) as first_revenue,
        sum(known_revenue) as known_revenue
    from daily where sold_on >= b.period_start and sold_on < b.period_end
        and ($start is null or sold_on >= $start)
) now on true
left join lateral (
    select sum(revenue) as revenue from daily where sold_on >= b.compared_start and sold_on < b.compared_end
) before on true
order by b.period_start
