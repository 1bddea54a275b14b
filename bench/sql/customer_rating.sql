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
    customer_id, c.name as customer, coalesce(b.sales, 0) as sales, coalesce(b.revenue, 0) as revenue,
    coalesce(m.created, 0) as created, m.won / m.created as success_ratio, b.first_on, b.last_on
from bought b
full join created m using (customer_id)
left join customers c using (customer_id)
order by case when $order_by = 'sales' then sales else revenue end desc, customer_id
