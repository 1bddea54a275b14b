-- What the questions share: deals with their outcome, stages on their ladder, and what counts as a sale.
create or replace view known_deal as
select
    d.*,
    d.amount_base as value,
    coalesce(s.outcome, 'open') as outcome,
    case when s.outcome in ('won', 'lost') then d.closed_on end as ended_on
from deals d
left join stages s on s.pipeline_id = d.pipeline_id and s.stage_id = d.stage_id and s.deleted_at is null
where d.deleted_at is null;

-- Open stages count 1, 2, 3 by position; a won stage stands right behind the last open one; lost ones have no step.
create or replace view ladder as
select
    *,
    case outcome
        when 'open' then dense_rank() over (partition by pipeline_id, outcome order by position)
        when 'won' then 1 + (
            select count(distinct o.position) from stages o
            where o.pipeline_id = s.pipeline_id and o.outcome = 'open' and o.deleted_at is null)
    end as step
from stages s
where deleted_at is null;

-- Every entry of a deal into a stage of its pipeline; the same stage twice in a row is one entry.
create or replace view move as
select *, lead(entered_epoch) over (partition by deal_id order by place) as left_epoch
from (
    select
        e.deal_id, l.pipeline_id, l.stage_id, l.position, l.outcome, l.step, e.entered_epoch,
        row_number() over way as place,
        lag(e.stage_id) over way as stage_before
    from deal_stage_events e
    join deals d on d.deal_id = e.deal_id and d.deleted_at is null
    join ladder l on l.pipeline_id = coalesce(e.pipeline_id, d.pipeline_id) and l.stage_id = e.stage_id
    where e.deleted_at is null
    window way as (partition by e.deal_id order by e.entered_epoch, l.outcome <> 'open', l.position, e.stage_id)
)
where stage_before is distinct from stage_id;

-- An order is a sale on the day it was paid; refunds lower it where no line says that goods came back.
create or replace view sold_order as
select
    o.order_id, coalesce(o.customer_id, d.customer_id) as customer_id, coalesce(o.manager_id, d.manager_id) as manager_id,
    coalesce(o.channel_id, d.channel_id) as channel_id, d.pipeline_id, coalesce(o.paid_on, p.paid_on) as sold_on,
    coalesce(o.amount_base < 0, false) as is_return,
    o.amount_base - case when r.order_id is null then coalesce(p.refunded, 0) else 0 end as revenue
from orders o
left join (
    select
        order_id, min(paid_on) filter (where not coalesce(is_refund, false) and amount >= 0) as paid_on,
        coalesce(sum(abs(amount)) filter (where coalesce(is_refund, false) or amount < 0), 0) as refunded
    from payments
    where deleted_at is null
    group by order_id
) p on p.order_id = o.order_id
left join (select distinct order_id from order_lines where is_return and deleted_at is null) r
    on r.order_id = o.order_id
left join deals d on d.deal_id = o.deal_id and d.deleted_at is null
where o.deleted_at is null
    and lower(trim(coalesce(o.status, ''))) not in ('cancelled', 'canceled', 'отменён', 'отменен')
    and coalesce(o.paid_on, p.paid_on) is not null;

create or replace view sale as
select 'deals' as basis, deal_id as sale_id, ended_on as sold_on, value as revenue, customer_id, manager_id, channel_id,
    pipeline_id, true as is_sale
from known_deal
where outcome = 'won'
union all
select 'orders', order_id, sold_on, revenue, customer_id, manager_id, channel_id, pipeline_id, not is_return
from sold_order;

create or replace view order_cost as
select
    l.order_id,
    case when bool_and(coalesce(l.cost, l.quantity * p.unit_cost) is not null)
        then sum(case when l.is_return then -1 else 1 end * abs(coalesce(l.cost, l.quantity * p.unit_cost))) end as cost
from order_lines l
left join products p on p.product_id = l.product_id
where l.deleted_at is null
group by l.order_id;
