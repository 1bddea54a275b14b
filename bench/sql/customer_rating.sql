-- Who are the best customers, by money or by number of purchases?
with bought_here as (
    select customer_id, sold_on, revenue, is_sale
    from sale
    where basis = $basis
        and ($pipeline is null or pipeline_id = $pipeline)
        and ($manager is null or manager_id = $manager)
        and ($channel is null or channel_id = $channel)
        and ($start is null or sold_on >= $start) and sold_on < $end
),
created as (
    select customer_id, count(*) as created, count(*) filter (where outcome = 'won') as won
    from known_deal
    where customer_id is not null
        and ($pipeline is null or pipeline_id = $pipeline)
        and ($manager is null or manager_id = $manager)
        and ($channel is null or channel_id = $channel)
        and ($start is null or created_on >= $start) and created_on < $end
    group by customer_id
),
bought as (
    select
        customer_id, count(*) filter (where is_sale) as sales, sum(revenue) as revenue,
        min(sold_on) filter (where is_sale) as first_on, max(sold_on) filter (where is_sale) as last_on
    from bought_here
    where customer_id is not null
    group by customer_id
)
select
    rank() over (order by case when $order_by = 'sales' then coalesce(b.sales, 0) else coalesce(b.revenue, 0) end desc) as place,
    customer_id, c.name as customer, coalesce(b.sales, 0) as sales, coalesce(b.revenue, 0) as revenue,
    round(b.revenue / nullif(b.sales, 0), 2) as average_check,
    coalesce(m.created, 0) as created, coalesce(m.won, 0) as won, m.won / m.created as success_ratio,
    case when m.won = 0 then 0 else (m.won + z.z2 / 2
        - z.z * sqrt(m.won * (m.created - m.won) / m.created + z.z2 / 4)) / (m.created + z.z2) end as success_low,
    case when m.won = m.created then 1 else (m.won + z.z2 / 2
        + z.z * sqrt(m.won * (m.created - m.won) / m.created + z.z2 / 4)) / (m.created + z.z2) end as success_high,
    b.first_on, b.last_on
from bought b
full join created m using (customer_id)
left join customers c using (customer_id)
cross join (select 1.959963984540054::double as z, 1.959963984540054::double ** 2 as z2) z
order by case when $order_by = 'sales' then sales else revenue end desc, customer_id
