"""Orders: what is bought, at what discount, how is it paid and what comes back?

A won deal is an order on the day it was won. Beside that a customer buys in the shop, from the first purchase
until death, as a Poisson process with an own gamma-distributed rate.
"""

from rakurs.sources.demo.catalogue import (
    ELASTICITY,
    NO_PROMO_CODE,
    PRICE_RISE,
    RISEN_BRANCH,
    RISEN_DAYS_AGO,
)
from rakurs.sources.demo.deals import WON
from rakurs.sources.demo.people import COMPANY, DUPLICATE_SHARE
from rakurs.sources.demo.promotions import SECOND_SHARE
from rakurs.sources.demo.steps import DAY_SECONDS, Step, arrivals, chosen

CANCELLED_SHARE = 0.04
"""Share of shop orders cancelled unpaid."""
DEAL_DISCOUNT_SHARE = 0.5
DEEPEST_DEAL_DISCOUNT = 0.12
PREPAID_SHARE = 0.3
"""Share of companies' paid orders paid in two halves."""
COMPANY_PAYS_DAYS = 6
"""Mean days from a company's order to its payment."""
DUPLICATE_TAKES_SHARE = 0.3
"""Share of a duplicated customer's shop orders recorded under the duplicate."""
ATTACHED_LINE = 5
RETURNED_LINE = 1
"""Lines are numbered 10, 20, ...; a line brought along by affinity ends in 5, a return in 1."""

SHOP_PERSON, SHOP_COMPANY = 1, 2
DEAL_AUDIENCE_SHIFT = {1: 4, 2: 3, 3: 5}
"""Pipeline to audience."""
DEAL_ORDER_PLACE = 500
"""Order numbers of deals follow the shop's: the customer's number, then this plus the deal's place."""


def order_id(number: str) -> str:
    """SQL that writes an order's number as its id."""
    return f"format('O{{:010d}}', {number})"


_AUDIENCE_OF_PIPELINE = (
    "case d.pipeline_no "
    + " ".join(f"when {pipeline} then {audience}" for pipeline, audience in DEAL_AUDIENCE_SHIFT.items())
    + " end"
)

CHUNK_STEPS = (
    Step(
        "first_purchases",
        f"""
        select no, day_no from people where starts_in_shop
        union all
        select no, min(closed_second) // {DAY_SECONDS} from deals where outcome = {WON} group by no
        """,
    ),
    Step(
        "buyers",
        f"""
        select p.no, p.kind, p.shop_rate, p.shop_end, p.segment_no, f.day_no as first_day_no,
            s.shop_from as shop_start,
            u(p.no, 'duplicate') < {DUPLICATE_SHARE} as is_duplicated
        from people as p
        join first_purchases as f using (no)
        join days as s on s.day_no = f.day_no + 1
        """,
    ),
    Step(
        "repeat_orders",
        arrivals(people="buyers", rate="shop_rate", start="shop_start", end="shop_end", salt="shop-gap"),
    ),
    Step(
        "order_seeds",
        f"""
        with shop as (
            select no, 0 as k, created_second as ordered_second from people where starts_in_shop
            union all
            select r.no, r.k, c.day_no * {DAY_SECONDS} + 28800
                + ((u(r.no * 1000 + r.k, 'hour-a') + u(r.no * 1000 + r.k, 'hour-b')) / 2 * 54000)::bigint
            from repeat_orders as r join shop_clock as c on c.tick = r.tick
            where r.k < {DEAL_ORDER_PLACE}
        )
        select s.no, s.no * 1000 + s.k as order_no, s.ordered_second, p.kind, p.branch_no,
            if(p.kind = {COMPANY}, {SHOP_COMPANY}, {SHOP_PERSON}) as audience_no,
            null::bigint as deal_no, null::bigint as employee_no, p.channel_no, null::bigint as campaign_place
        from shop as s join people as p using (no)
        union all
        select d.no, d.no * 1000 + {DEAL_ORDER_PLACE} + d.place, d.closed_second, d.kind, d.branch_no,
            {_AUDIENCE_OF_PIPELINE}, d.deal_no, d.employee_no, d.channel_no, d.campaign_place
        from deals as d where d.outcome = {WON}
        """,
    ),
    Step(
        "order_heads",
        f"""
        with risen as (
            select s.*, s.ordered_second // {DAY_SECONDS} as day_no,
                s.branch_no = {RISEN_BRANCH} and s.deal_no is null
                    and s.ordered_second // {DAY_SECONDS} >= day_count() - {RISEN_DAYS_AGO} as is_risen
            from order_seeds as s
        )
        select r.*, d.month_no,
            if(r.is_risen, {PRICE_RISE}, 1) as branch_factor,
            least(14, 1 + floor(expo(r.order_no, 'lines') * if(r.kind = {COMPANY}, 1.9, 1.25))::bigint) as base_lines,
            r.deal_no is null and u(r.order_no, 'cancelled') < {CANCELLED_SHARE} as is_cancelled,
            case when r.deal_no is not null then
                if(u(r.order_no, 'deal-discount') < {DEAL_DISCOUNT_SHARE},
                    round({DEEPEST_DEAL_DISCOUNT} * u(r.order_no, 'discount-depth'), 2), 0)
                else c.promo_rate end as discount_rate,
            if(r.deal_no is null and c.code <> '{NO_PROMO_CODE}', c.code, null) as promo_code
        from (select *, u(order_no, 'promo') as promo_draw from risen) as r
        join days as d on d.day_no = r.day_no
        {chosen("h", "promo_choice", draw="r.promo_draw")}
        join promo_codes as c on c.code = h.value
        where not r.is_risen or u(r.order_no, 'risen') < {PRICE_RISE} ** ({ELASTICITY})
        """,
    ),
    Step(
        "base_lines",
        f"""
        with numbered as (
            select *, unnest(range(1, base_lines + 1)) as line from order_heads
        ),
        drawn as (
            select order_no, line * 10 as line_no, month_no, day_no, audience_no, kind, branch_factor, discount_rate,
                u(order_no * 100 + line, 'product') as product_draw
            from numbered
        )
        select d.* exclude (product_draw), p.value as product_no
        from drawn as d
        {chosen("p", "product_choice", draw="d.product_draw", group="d.audience_no * 1000 + d.month_no")}
        """,
    ),
    Step(
        "attached_lines",
        f"""
        select b.* replace (b.line_no + {ATTACHED_LINE} as line_no, a.consequent as product_no)
        from base_lines as b
        join affinities as a on a.antecedent = b.product_no
        join product_months as m on m.product_no = a.consequent and m.month_no = b.month_no
        where u(b.order_no * 1000 + b.line_no, 'attach') < a.attach * m.relative_price ** ({ELASTICITY})
        """,
    ),
    Step(
        "sold_lines",
        f"""
        with lines as (
            select * from base_lines union all select * from attached_lines
        ),
        priced as (
            select l.order_no, l.line_no, l.product_no, l.discount_rate, m.category_no, m.return_rate,
                p.promotion_no is not null as is_promoted,
                p.promotion_no is not null and u(l.order_no * 1000 + l.line_no, 'second') < {SECOND_SHARE} as takes_second,
                if(l.kind = {COMPANY},
                    1 + floor(expo(l.order_no * 1000 + l.line_no, 'units') * (m.units - 1))::bigint,
                    1 + floor(expo(l.order_no * 1000 + l.line_no, 'units') * if(m.units > 1, 0.8, 0.2))::bigint)
                    as quantity,
                round(m.price * l.branch_factor, 2)::decimal(18, 2) as price,
                m.unit_cost
            from lines as l
            join product_months as m using (product_no, month_no)
            left join promotions as p
                on p.category_no = m.category_no and l.day_no >= p.from_no and l.day_no < p.past_no
        ),
        taken as (
            select * replace (if(takes_second, 2, 1) * quantity as quantity) from priced
        )
        select order_no, line_no, product_no, category_no, quantity, price, is_promoted, takes_second,
            (quantity * unit_cost)::decimal(18, 2) as cost,
            round(quantity * price * discount_rate, 2)::decimal(18, 2) as discount,
            (quantity * price)::decimal(18, 2) - round(quantity * price * discount_rate, 2)::decimal(18, 2) as amount,
            u(order_no * 1000 + line_no, 'return') < return_rate as is_returned,
            false as is_return
        from taken
        """,
    ),
    Step(
        "order_lines",
        f"""
        select l.order_no, line_no, product_no, category_no, quantity, price, cost, discount, amount, is_return
        from sold_lines as l
        union all
        select l.order_no, l.line_no + {RETURNED_LINE}, l.product_no, l.category_no, -l.quantity, l.price, -l.cost,
            -l.discount, -l.amount, true
        from sold_lines as l join order_heads as h using (order_no)
        where l.is_returned and not h.is_cancelled
        """,
    ),
    Step(
        "order_sums",
        """
        select order_no,
            sum(amount)::decimal(18, 2) as amount,
            sum(cost)::decimal(18, 2) as cost,
            sum(discount)::decimal(18, 2) as discount,
            coalesce(-sum(amount) filter (where is_return), 0)::decimal(18, 2) as returned,
            arg_max(product_no, (amount, line_no)) as main_product_no
        from order_lines group by order_no
        """,
    ),
    Step(
        "orders",
        f"""
        with due as (
            select h.*, s.amount, s.cost, s.discount, s.returned, s.main_product_no,
                h.ordered_second + if(h.kind = {COMPANY},
                    floor(expo(h.order_no, 'pays') * {COMPANY_PAYS_DAYS * DAY_SECONDS})::bigint + 600,
                    60 + pick(h.order_no, 'pays', 900)) as due_second,
                b.is_duplicated and h.deal_no is null and u(h.order_no, 'duplicate') < {DUPLICATE_TAKES_SHARE}
                    as is_under_duplicate
            from order_heads as h
            join order_sums as s using (order_no)
            join buyers as b using (no)
        )
        select *, if(is_cancelled or due_second >= past_second(), null, due_second) as paid_second,
            case when is_cancelled then 'cancelled' when due_second >= past_second() then 'awaiting' else 'paid' end
                as status
        from due
        """,
    ),
    Step(
        "payments",
        f"""
        with halves as (
            select *, kind = {COMPANY} and u(order_no, 'prepaid') < {PREPAID_SHARE} as is_halved,
                amount + returned as sold_amount
            from orders where status = 'paid'
        ),
        due as (
            select order_no * 10 + 1 as payment_no, no, order_no, deal_no, kind, paid_second, false as is_refund,
                if(is_halved, sold_amount - round(sold_amount / 2, 2), sold_amount)::decimal(18, 2) as amount
            from halves
            union all
            select order_no * 10 + 2, no, order_no, deal_no, kind, (ordered_second + paid_second) // 2, false,
                round(sold_amount / 2, 2)::decimal(18, 2)
            from halves where is_halved
            union all
            select order_no * 10 + 3, no, order_no, deal_no, kind,
                paid_second + 432000 + pick(order_no, 'refund', 864000), true, returned
            from halves where returned > 0
        )
        select *,
            if(kind = {COMPANY}, 'bank', case pick(order_no, 'method', 10) when 0 then 'cash' when 1 then 'transfer'
                else 'card' end) as method
        from due where paid_second < past_second()
        """,
    ),
    Step(
        "deal_orders",
        """
        select d.deal_no, o.main_product_no, o.amount, (o.amount - o.cost)::decimal(18, 2) as margin
        from deals as d left join orders as o using (deal_no)
        """,
    ),
    Step(
        "deal_values",
        """
        with worth as (
            select d.deal_no, d.day_no, d.currency, d.outcome,
                coalesce(o.main_product_no,
                    1 + pick(d.deal_no, 'subject-category', 12) * 25 + floor(u(d.deal_no, 'subject') ** 2 * 25)::bigint)
                    as product_no,
                coalesce(o.amount, round(exp(i.amount_mean + i.amount_deviation * normal(d.deal_no, 'amount')), -2))
                    ::decimal(18, 2) as rouble_amount,
                o.margin as rouble_margin
            from deals as d
            join pipelines as i using (pipeline_no)
            join deal_orders as o using (deal_no)
        )
        select w.deal_no, w.product_no, w.rouble_amount, w.rouble_margin,
            round(w.rouble_amount / r.rate, 2)::decimal(18, 2) as amount,
            round(w.rouble_margin / r.rate, 2)::decimal(18, 2) as margin
        from worth as w
        join exchange_rates as r on r.currency = w.currency and r.day_no = w.day_no
        """,
    ),
)
