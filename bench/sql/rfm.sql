-- Whom to keep, whom to wake, whom to let go?
with bought_here as (
    select customer_id, sold_on, revenue, is_sale
    from sale
    where basis = $basis
        and sold_on > $as_of - $window_days and sold_on <= $as_of
),
customer as (
    select
        customer_id, $as_of - max(sold_on) filter (where is_sale) as recency_days,
        count(*) filter (where is_sale) as sales, sum(revenue) as revenue
    from bought_here
    where customer_id is not null
    group by customer_id
    having count(*) filter (where is_sale) > 0
),
worse as (
    select
        *,
        count(*) over () as everyone,
        rank() over (order by recency_days desc) - 1 as less_recent,
        rank() over (order by sales) - 1 as less_often,
        rank() over (order by revenue) - 1 as less_money
    from customer
)
select
    customer_id, recency_days, sales, revenue,
    1 + $ranks * less_recent // everyone as recency_rank,
    1 + $ranks * less_often // everyone as frequency_rank,
    1 + $ranks * less_money // everyone as money_rank
from worse
order by customer_id
