-- Is the plan being met, and how will the month end?
with plan as (
    select
        p.month, p.target,
        case when p.employee_id is not null then 'employee' when p.pipeline_id is not null then 'pipeline'
            when p.product_category is not null then 'product_category'
            when p.department is not null then 'department' else 'company' end as level,
        case $by when 'company' then 'company' when 'employee' then p.employee_id when 'pipeline' then p.pipeline_id
            when 'product_category' then p.product_category else coalesce(p.department, e.department) end as key
    from plans p
    left join employees e on e.employee_id = p.employee_id
    where p.metric = $metric and p.deleted_at is null
        and p.month >= coalesce(date_trunc('month', $start::date), date '0001-01-01') and p.month < $end
),
levelled as (
    select *, case level when $by then 0 when 'department' then 1 when 'employee' then 2 when 'pipeline' then 3 else 4
        end as distance
    from plan
    where key is not null and (level = $by or $by = 'company' or ($by = 'department' and level = 'employee'))
),
target as (
    select month, key, sum(target) as target
    from levelled
    where (month, key, distance) in (select (month, key, min(distance)) from levelled group by month, key)
    group by month, key
),
sold as (
    select
        s.sold_on, s.is_sale, s.revenue, date_trunc('month', s.sold_on)::date as month,
        case $by when 'company' then 'company' when 'employee' then s.manager_id when 'pipeline' then s.pipeline_id
            when 'department' then e.department else p.category end as key
    from sale s
    left join employees e on e.employee_id = s.manager_id
    left join deals d on $by = 'product_category' and d.deal_id = s.sale_id
    left join products p on p.product_id = d.product_id
    where s.basis = $basis and s.sold_on <= $as_of
),
fact as (
    select s.month, s.key, sum(case when $metric = 'revenue' then s.revenue else s.is_sale::int end) as fact
    from sold s
    where s.month in (select month from target)
    group by s.month, s.key
),
today as (select month, working_day_of_month as done, working_days_in_month as days from calendar where day = $as_of),
history as (
    select
        c.month, sum(case when $metric = 'revenue' then s.revenue else s.is_sale::int end) as whole,
        sum(case when $metric = 'revenue' then s.revenue else s.is_sale::int end)
            filter (where c.working_day_of_month <= ceil(t.done * c.working_days_in_month / t.days)) as part
    from sold s
    join calendar c on c.day = s.sold_on
    cross join today t
    where c.month < t.month and c.month > (select min(month) from sold)
        and c.month >= t.month - interval 12 month
    group by c.month
),
pace as (
    select
        case when count(*) filter (where whole > 0) >= 3
            then median(coalesce(part, 0)::double / whole::double) filter (where whole > 0)
            else any_value(t.done)::double / any_value(t.days) end as share
    from today t
    left join history on true
)
select
    coalesce(t.key, f.key) as key,
    sum(t.target) as target,
    coalesce(sum(f.fact), 0) as fact,
    coalesce(sum(f.fact), 0) / nullif(sum(t.target), 0) as done,
    sum(case when t.month < now.month then t.target else t.target * p.share end) as expected_by_now,
    coalesce(sum(case when f.month < now.month then f.fact else f.fact / nullif(p.share, 0) end), 0) as forecast
from target t
full join fact f on f.month = t.month and f.key is not distinct from t.key
cross join pace p
cross join today now
group by all
order by key
