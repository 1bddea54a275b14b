-- Which few bring most of it?
with part as (
    select
        case $subject when 'customers' then s.customer_id when 'managers' then s.manager_id
            when 'channels' then s.channel_id else d.product_id end as id,
        s.sale_id, s.revenue, d.margin_base as margin
    from sale s
    join deals d on d.deal_id = s.sale_id
    where $basis = 'deals' and s.basis = 'deals'
        and ($pipeline is null or s.pipeline_id = $pipeline)
        and ($manager is null or s.manager_id = $manager)
        and ($channel is null or s.channel_id = $channel)
        and ($start is null or s.sold_on >= $start) and s.sold_on < $end
    union all
    select
        case $subject when 'customers' then s.customer_id when 'managers' then s.manager_id else s.channel_id end,
        s.sale_id, s.revenue, case when $measure = 'margin' then s.revenue - c.cost end
    from sale s
    left join order_cost c on $measure = 'margin' and c.order_id = s.sale_id
    where $basis = 'orders' and s.basis = 'orders' and $subject <> 'products'
        and ($pipeline is null or s.pipeline_id = $pipeline)
        and ($manager is null or s.manager_id = $manager)
        and ($channel is null or s.channel_id = $channel)
        and ($start is null or s.sold_on >= $start) and s.sold_on < $end
    union all
    select
        l.product_id, l.order_id,
        case when l.is_return then -abs(l.amount) else l.amount end,
        case when l.is_return then -abs(l.amount) + abs(l.cost) else l.amount - l.cost end
    from order_lines l
    join sale s on s.sale_id = l.order_id
    where $basis = 'orders' and s.basis = 'orders' and $subject = 'products' and l.deleted_at is null
        and ($pipeline is null or s.pipeline_id = $pipeline)
        and ($manager is null or s.manager_id = $manager)
        and ($channel is null or s.channel_id = $channel)
        and ($start is null or s.sold_on >= $start) and s.sold_on < $end
),
valued as (
    select
        id,
        case $measure when 'revenue' then sum(revenue) when 'margin' then sum(margin)
            else count(distinct sale_id) end as value
    from part
    where id is not null
    group by id
),
ranked as (
    select
        *,
        sum(greatest(value, 0)) over () as total,
        sum(greatest(value, 0)) over (order by value desc, id rows unbounded preceding) as running
    from valued
),
name_of as (
    select customer_id as id, name from customers where $subject = 'customers'
    union all select employee_id, name from employees where $subject = 'managers'
    union all select channel_id, name from channels where $subject = 'channels'
    union all select product_id, name from products where $subject = 'products'
)
select
    r.id, n.name, r.value,
    case when r.value > 0 then r.value / r.total end as share,
    case when r.value > 0 then r.running / r.total end as cumulative_share,
    case
        when r.value <= 0 then 'C'
        when (r.running - r.value) / r.total < $a_share then 'A'
        when (r.running - r.value) / r.total < $b_share then 'B'
        else 'C'
    end as class
from ranked r
left join name_of n on n.id = r.id
order by r.value desc, r.id
