"""Records: how does the company look in its files? Every canonical table as text, the way people and systems type.

Each entry is a query whose first column `row_no` numbers the rows for good; the others are the file's columns.
"""

from rakurs.sources.demo.catalogue import product_id
from rakurs.sources.demo.contacts import activity_id
from rakurs.sources.demo.days import TICKS_PER_DAY
from rakurs.sources.demo.deals import LOST, WON, deal_id
from rakurs.sources.demo.identity import typed_phone
from rakurs.sources.demo.orders import order_id
from rakurs.sources.demo.people import COMPANY, customer_id, employee_id
from rakurs.sources.demo.stock import PLACE
from rakurs.sources.demo.voice import PLATFORMS, REPLIED_SHARE

DUPLICATE_SHIFT = 9_000_000
"""A duplicate's number is the original's plus this."""
TYPED_AMOUNT_SHARE = 0.02
"""Share of payments with the amount typed by hand: `1 234,50`."""
TYPED_DAY_SHARE = 0.3
"""Share of birth dates typed as dd.mm.yyyy."""


def _channel_id(number: str) -> str:
    return f"format('CH{{:02d}}', {number})"


def _campaign_id(channel: str, place: str) -> str:
    return f"if({place} is null, null, format('CM{{:02d}}-{{}}', {channel}, {place} + 1))"


def _customers(source: str, shift: int) -> str:
    return f"""
        select no + {shift} as row_no, {customer_id(f"no + {shift}")} as customer_id, name,
            if(kind = {COMPANY}, 'company', 'person') as kind,
            {typed_phone("phone_digits", f"no + {shift // 1_000_000} + pick(no, 'typed-phone', 5)")} as phone,
            address as email, tax_id, city, region, country, latitude::varchar as latitude,
            longitude::varchar as longitude,
            if(u(no, 'typed-day') < {TYPED_DAY_SHARE}, strftime(birth_date, '%d.%m.%Y'), birth_date::varchar)
                as birth_date,
            moment(created_second)::varchar as created_at, {_channel_id("channel_no")} as channel_id,
            {employee_id("employee_no")} as manager_id, segment
        from {source}
    """


REFERENCE_RECORDS = {
    "exchange_rates": """
        select ascii(currency) * 100000 + day_no as row_no, currency, day_at(day_no)::varchar as rate_on,
            rate::varchar as rate
        from exchange_rates where currency <> 'RUB'
    """,
    "employees": f"""
        select employee_no as row_no, {employee_id("employee_no")} as employee_id, name, department, branch, role,
            hired_on::varchar as hired_on, left_on::varchar as left_on
        from employees
    """,
    "pipelines": "select pipeline_no as row_no, code as pipeline_id, name from pipelines",
    "stages": """
        select s.pipeline_no * 100 + s.position as row_no, p.code as pipeline_id, s.stage_id, s.name,
            s.position::varchar as position, s.outcome, round(s.mean_hours * 3)::integer::varchar as norm_hours
        from stages as s join pipelines as p using (pipeline_no)
    """,
    "loss_reasons": """
        select reason_no as row_no, format('LR{:02d}', reason_no) as loss_reason_id, name,
            if(is_controllable, 'да', 'нет') as is_controllable
        from loss_reasons
    """,
    "channels": f"""
        select channel_no as row_no, {_channel_id("channel_no")} as channel_id, name, medium, platform,
            lead_cost::varchar as cost_per_lead
        from channels
    """,
    "campaigns": f"""
        select channel_no * 100 + place as row_no, {_campaign_id("channel_no", "place")} as campaign_id,
            {_channel_id("channel_no")} as channel_id, name
        from campaigns
    """,
    "products": f"""
        select product_no as row_no, {product_id("product_no")} as product_id, name, category, brand,
            unit_cost::varchar as unit_cost, list_price::varchar as list_price,
            format('S{{:02d}}', supplier_no) as supplier_id, lead_time_days::varchar as lead_time_days
        from products
    """,
    "promotions": """
        select p.promotion_no as row_no, format('PR{:03d}', p.promotion_no) as promotion_id,
            day_at(p.from_no)::varchar as starts_on, day_at(p.past_no - 1)::varchar as ends_on, null::varchar as product_id, c.category,
            'Вторая штука в подарок: ' || c.category as name
        from promotions as p join (select distinct category_no, category from products) as c using (category_no)
    """,
}
"""Tables made once for the whole company."""

CHUNK_RECORDS = {
    "customers": _customers("identities", 0) + " union all " + _customers("duplicates", DUPLICATE_SHIFT),
    "leads": f"""
        select lead_no as row_no, format('L{{:09d}}', lead_no) as lead_id, moment(created_second)::varchar as created_at,
            {customer_id("no")} as customer_id, {_channel_id("channel_no")} as channel_id,
            {_campaign_id("channel_no", "campaign_place")} as campaign_id, {employee_id("employee_no")} as manager_id,
            status, if(responded_second < past_second(), moment(responded_second)::varchar, null) as first_response_at,
            {deal_id("deal_no")} as converted_deal_id
        from leads
    """,
    "deals": f"""
        select d.deal_no as row_no, {deal_id("d.deal_no")} as deal_id, i.code as pipeline_id,
            moment(d.created_second)::varchar as created_at, moment(d.closed_second)::varchar as closed_at, s.stage_id,
            {customer_id("d.no")} as customer_id, {employee_id("d.employee_no")} as manager_id,
            {_channel_id("d.channel_no")} as channel_id, {_campaign_id("d.channel_no", "d.campaign_place")} as campaign_id,
            {product_id("v.product_no")} as product_id, v.amount::varchar as amount, d.currency,
            v.margin::varchar as margin,
            if(d.outcome = {LOST}, format('LR{{:02d}}', d.reason_no), null) as loss_reason_id,
            day_at(d.day_no + 10 + pick(d.deal_no, 'expected', 50))::varchar as expected_close_on,
            p.category || ', сделка ' || d.deal_no as title
        from deals as d
        join deal_values as v using (deal_no)
        join pipelines as i using (pipeline_no)
        join stages as s on s.pipeline_no = d.pipeline_no and s.position = d.position
        join products as p on p.product_no = v.product_no
    """,
    "deal_stage_events": f"""
        select e.deal_no * 1000 + e.place as row_no, {deal_id("e.deal_no")} as deal_id, s.stage_id,
            moment(e.entered_second)::varchar as entered_at, i.code as pipeline_id,
            {employee_id("e.employee_no")} as moved_by
        from stage_events as e
        join pipelines as i using (pipeline_no)
        join stages as s on s.pipeline_no = e.pipeline_no and s.position = e.position
    """,
    "orders": f"""
        select o.order_no as row_no, {order_id("o.order_no")} as order_id, moment(o.ordered_second)::varchar as ordered_at,
            {customer_id(f"o.no + if(t.no is null, 0, {DUPLICATE_SHIFT})")} as customer_id,
            moment(o.paid_second)::varchar as paid_at, o.status, o.amount::varchar as amount, 'RUB' as currency,
            o.discount::varchar as discount, {deal_id("o.deal_no")} as deal_id,
            {employee_id("o.employee_no")} as manager_id, {_channel_id("o.channel_no")} as channel_id,
            {_campaign_id("o.channel_no", "o.campaign_place")} as campaign_id, o.promo_code
        from orders as o
        left join duplicates as t on t.no = o.no and o.is_under_duplicate and o.ordered_second > t.created_second
    """,
    "order_lines": f"""
        select order_no * 1000 + line_no as row_no, {order_id("order_no")} as order_id,
            {product_id("product_no")} as product_id, quantity::varchar as quantity, price::varchar as price,
            line_no::varchar as line_no, amount::varchar as amount, cost::varchar as cost, discount::varchar as discount,
            if(is_return, 'true', 'false') as is_return
        from order_lines
    """,
    "payments": f"""
        select payment_no as row_no, format('PM{{:012d}}', payment_no) as payment_id,
            moment(paid_second)::varchar as paid_at,
            if(u(payment_no, 'typed-amount') < {TYPED_AMOUNT_SHARE},
                replace(replace(format('{{:,.2f}}', amount::double), ',', ' '), '.', ','), amount::varchar) as amount,
            {order_id("order_no")} as order_id, {deal_id("deal_no")} as deal_id, {customer_id("no")} as customer_id,
            method, if(is_refund, 'true', 'false') as is_refund
        from payments
    """,
    "service_costs": f"""
        select order_no as row_no, format('SC{{:012d}}', order_no) as cost_id,
            moment(spent_second)::varchar as spent_at, amount::varchar as amount, 'delivery' as kind,
            {customer_id("no")} as customer_id, {order_id("order_no")} as order_id
        from service_costs
    """,
    "subscriptions": f"""
        select no as row_no, format('SB{{:07d}}', no) as subscription_id, moment(started_second)::varchar as started_at,
            {customer_id("no")} as customer_id,
            if(ended_second < past_second(), moment(ended_second)::varchar, null) as ended_at, plan,
            price::varchar as monthly_price, {_channel_id("channel_no")} as channel_id
        from subscriptions
    """,
    "experiment_assignments": f"""
        select no * 10 + place as row_no, experiment_id, {customer_id("no")} as customer_id,
            (day_at(from_no) + interval 10 hours)::varchar as assigned_at,
            if(is_treated, 'treatment', 'control') as arm, experiment, if(is_treated, cost, 0)::varchar as cost
        from experiment_assignments
    """,
    "survey_responses": f"""
        select order_no * 2 as row_no, format('SR{{:012d}}', order_no) as response_id,
            moment(answered_second)::varchar as answered_at, 'nps' as kind, score::varchar as score, 'После заказа' as survey,
            'Посоветуете ли вы нас?' as question, if(score <= 6, 'Долго везли', null) as comment,
            {customer_id("no")} as customer_id, null::varchar as employee_id, null::varchar as deal_id, {order_id("order_no")} as order_id
        from recommending
        union all
        select deal_no * 2 + 1 as row_no, format('SD{{:09d}}', deal_no) as response_id,
            moment(answered_second)::varchar as answered_at, 'csat' as kind, score::varchar as score, 'После сделки' as survey,
            'Довольны ли вы работой менеджера?' as question, null::varchar as comment, {customer_id("no")} as customer_id,
            {employee_id("employee_no")} as employee_id, {deal_id("deal_no")} as deal_id, null::varchar as order_id
        from satisfied
    """,
    "reviews": f"""
        select review_no as row_no, format('RV{{:012d}}', review_no) as review_id,
            moment(published_second)::varchar as published_at, rating::varchar as rating,
            [{", ".join(f"'{platform}'" for platform in PLATFORMS)}][1 + pick(review_no, 'platform', {len(PLATFORMS)})] as platform,
            if(rating < 5, 'Ожидали большего', 'Всё понравилось') as text,
            if(u(review_no, 'replied') < {REPLIED_SHARE} and published_second + 86400 < past_second(),
                moment(published_second + 86400)::varchar, null) as answered_at,
            {customer_id("no")} as customer_id, {product_id("product_no")} as product_id
        from reviews
    """,
    "activities": f"""
        select activity_no as row_no, {activity_id("activity_no")} as activity_id, moment(at_second)::varchar as "at",
            kind, direction, {employee_id("employee_no")} as employee_id, {customer_id("no")} as customer_id,
            {deal_id("deal_no")} as deal_id, duration_seconds::varchar as duration_seconds, result
        from activities
    """,
    "calls": f"""
        select c.call_no as row_no, format('T{{:010d}}', c.call_no) as call_id,
            moment(c.started_second)::varchar as started_at, if(c.is_incoming, 'in', 'out') as direction,
            {typed_phone("i.phone_digits", "pick(c.call_no, 'typed-phone', 2) * 5")} as phone,
            {customer_id("c.no")} as customer_id, {employee_id("c.employee_no")} as employee_id,
            {deal_id("c.deal_no")} as deal_id, {_channel_id("c.channel_no")} as channel_id,
            c.wait_seconds::varchar as wait_seconds, c.talk_seconds::varchar as talk_seconds,
            if(c.is_missed, 'true', 'false') as is_missed, moment(c.back_second)::varchar as called_back_at
        from calls as c join identities as i using (no)
    """,
}
"""Tables made for each chunk of customers."""

CLOSING_RECORDS = {
    "stock": f"""
        select product_no as row_no, {product_id("product_no")} as product_id, quantity::varchar as quantity,
            (moment(past_second() - 7200))::varchar as counted_at, '{PLACE}' as place
        from stock
    """,
    "ad_costs": f"""
        select row_no, day_at(day_no)::varchar as spent_at, {_channel_id("channel_no")} as channel_id,
            {_campaign_id("channel_no", "campaign_place")} as campaign_id, format('{{:.2f}}', kopecks / 100) as amount,
            impressions::varchar as impressions, clicks::varchar as clicks
        from ad_costs
    """,
    "plans": f"""
        select row_number() over (order by month, metric, department, employee_no, pipeline_no, category) as row_no,
            strftime(month, '%Y-%m') as month, metric,
            target::varchar as target, department, {employee_id("employee_no")} as employee_id,
            (select code from pipelines as i where i.pipeline_no = p.pipeline_no) as pipeline_id,
            category as product_category
        from plans as p
    """,
}
"""Tables that need what all chunks added up to."""

CLOSING_TRUTH = {
    "product_stock": f"""
        select product_no as row_no, {product_id("product_no")} as product_id, cover, sold, quantity from stock
    """,
}
REFERENCE_TRUTH = {
    "product_months": f"""
        select p.product_no * 1000 + p.month_no as row_no, {product_id("p.product_no")} as product_id, m.month,
            p.usual_price, p.price, p.relative_price, p.unit_cost
        from product_months as p join months as m using (month_no)
    """,
}
CHUNK_TRUTH = {
    "customer_lives": f"""
        select no as row_no, {customer_id("no")} as customer_id, segment, day_at(day_no) as came_on,
            if(death_day < day_count(), day_at(death_day), null) as died_on,
            round(shop_rate * {TICKS_PER_DAY} * 365.25, 6) as shop_orders_per_year,
            round(deal_rate * {TICKS_PER_DAY} * 365.25, 6) as deals_per_year
        from people
    """,
    "customer_duplicates": f"""
        select no as row_no, {customer_id("no")} as original_id, {customer_id(f"no + {DUPLICATE_SHIFT}")} as duplicate_id,
            name_change, email_change, phone_change
        from duplicates
    """,
    "deal_chances": f"""
        select deal_no as row_no, {deal_id("deal_no")} as deal_id, round(win_chance, 6) as win_chance,
            case fate when {WON} then 'won' when {LOST} then 'lost' else 'abandoned' end as fate
        from deals
    """,
}
"""What an analyst can never see: who is gone, how often each would buy, which deals were likely, what was on offer."""
