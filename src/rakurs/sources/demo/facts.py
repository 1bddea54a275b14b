"""Facts: what was drawn in fact? Counts of each chunk, added up, so that sampling error can be told from a mistake."""

from rakurs.sources.demo import advertising, experiments, stock, voice
from rakurs.sources.demo.catalogue import RISEN_BRANCH, RISEN_DAYS_AGO, product_id
from rakurs.sources.demo.deals import ABANDONED, LOST, MATURE_DAYS, OPEN, WON
from rakurs.sources.demo.people import (
    DROPPED_CHANNEL,
    DROPPED_DAYS_AGO,
    employee_id,
)
from rakurs.sources.demo.plans import FACTS as WON_MONTHS
from rakurs.sources.demo.steps import Connection

MICRO = 1_000_000
"""Expected counts are added up in millionths, as whole numbers."""

_DEAL_COUNTS = f"""
    count(*) as deals,
    count(*) filter (where outcome = {WON}) as won,
    count(*) filter (where outcome = {LOST}) as lost,
    count(*) filter (where outcome = {OPEN}) as "open",
    count(*) filter (where is_mature) as mature_deals,
    count(*) filter (where is_mature and outcome = {WON}) as mature_won,
    coalesce(sum(round(win_chance * {MICRO})::bigint) filter (where is_mature), 0)::bigint as mature_expected_micro
"""
_JUDGED_DEALS = f"""
    (select *, day_no < day_count() - {MATURE_DAYS} and fate <> {ABANDONED} as is_mature from deals)
"""

_TOPICS = {
    "manager": f"select {employee_id('employee_no')} as key, {_DEAL_COUNTS} from {_JUDGED_DEALS} group by employee_no",
    "channel": f"select channel_no::varchar as key, {_DEAL_COUNTS} from {_JUDGED_DEALS} group by channel_no",
    "pipeline_deals": f"select pipeline_no::varchar as key, {_DEAL_COUNTS} from {_JUDGED_DEALS} group by pipeline_no",
    "dropped_channel": f"""
        select if(day_no >= day_count() - {DROPPED_DAYS_AGO}, 'after', 'before') as key, count(*) as trials,
            count(*) filter (where fate = {WON}) as successes,
            sum(round(win_chance * {MICRO})::bigint)::bigint as expected_micro
        from deals where channel_no = {DROPPED_CHANNEL} and fate <> {ABANDONED} group by all
    """,
    "segment": """
        select p.segment as key, count(*) as customers,
            count(*) filter (where p.death_day < day_count()) as deaths,
            sum(p.last_day - p.day_no - 1)::bigint as alive_days,
            count(b.no) as buyers
        from people as p left join buyers as b using (no) group by p.segment
    """,
    "segment_orders": """
        select s.segment as key, count(*) as repeat_orders
        from repeat_orders as r join buyers as b using (no) join segments as s using (segment_no) group by all
    """,
    "moves": f"""
        select d.pipeline_no::varchar as key,
            count(*) filter (where p.is_skippable) as skippable,
            count(*) filter (where p.is_skippable and p.wants_skip) as skipped,
            count(*) filter (where p.position > 1 and not (p.is_skippable and p.wants_skip)) as movable,
            count(*) filter (where p.wants_backward and not (p.is_skippable and p.wants_skip)) as backward,
            count(*) filter (where not (p.is_skippable and p.wants_skip)) as entered,
            count(*) filter (where p.wants_repeat and not p.wants_backward
                and not (p.is_skippable and p.wants_skip)) as repeated
        from stage_plan as p join deals as d using (deal_no)
        where d.outcome <> {OPEN} group by all
    """,
    "fates": f"""
        select pipeline_no::varchar as key, count(*) as deals,
            count(*) filter (where fate = {ABANDONED}) as abandoned,
            count(*) filter (where outcome = {LOST}) as lost,
            count(*) filter (where outcome = {LOST} and is_straight) as straight,
            count(*) filter (where outcome = {LOST} and reason_no is null) as without_reason
        from deals group by all
    """,
    "lost_at": f"""
        select s.stage_id as key, count(*) as deals
        from deals as d join stages as s on s.pipeline_no = d.pipeline_no and s.position = d.lost_at
        where d.outcome = {LOST} group by all
    """,
    "reason": f"""
        select d.reason_no::varchar as key,
            count(*) filter (where d.phase = 'early') as early,
            count(*) filter (where d.phase = 'middle') as middle,
            count(*) filter (where d.phase = 'late') as late
        from deals as d where d.outcome = {LOST} and d.reason_no is not null group by all
    """,
    "hour": """
        select hour::varchar as key,
            count(*) filter (where is_working) as calls,
            count(*) filter (where is_working and is_missed) as missed,
            count(*) filter (where not is_working) as off_calls,
            count(*) filter (where not is_working and is_missed) as off_missed
        from calls where is_incoming group by all
    """,
    "called_back": """
        select 'all' as key, count(*) as missed, count(*) filter (where back_second is not null) as called_back
        from calls where is_incoming and is_missed
    """,
    "returned": """
        select l.category_no::varchar as key, count(*) as lines, count(*) filter (where l.is_returned) as returned
        from sold_lines as l join order_heads as h using (order_no) where not h.is_cancelled group by all
    """,
    "affinity": f"""
        with held as (
            select distinct a.antecedent, a.consequent, l.order_no, l.product_no
            from affinities as a join sold_lines as l on l.product_no = a.antecedent or l.product_no = a.consequent
        ),
        baskets as (
            select antecedent, consequent, order_no, bool_or(product_no = antecedent) as has_antecedent,
                bool_or(product_no = consequent) as has_consequent
            from held group by all
        )
        select {product_id("antecedent")} || '>' || {product_id("consequent")} as key,
            count(*) filter (where has_antecedent) as antecedent_orders,
            count(*) filter (where has_consequent) as consequent_orders,
            count(*) filter (where has_antecedent and has_consequent) as both_orders
        from baskets group by all
    """,
    "second": """
        select 'all' as key, count(*) as lines, count(*) filter (where takes_second) as doubled
        from sold_lines where is_promoted
    """,
    "promo": "select promo_code as key, count(*) as orders from orders where promo_code is not null group by all",
    "month": """
        select strftime(moment(created_second), '%Y-%m') as key, count(*) as customers from people group by all
    """,
    "weekday": """
        select d.weekday::varchar as key, count(*) as repeat_orders
        from orders as o join days as d using (day_no) where o.deal_no is null and o.order_no % 1000 > 0 group by all
    """,
    "risen": f"""
        select 'all' as key, count(*) as offered, count(o.order_no) as placed
        from order_seeds as s left join order_heads as o using (order_no)
        where s.deal_no is null and s.branch_no = {RISEN_BRANCH}
            and s.ordered_second // 86400 >= day_count() - {RISEN_DAYS_AGO}
    """,
    "currency": "select currency as key, count(*) as deals from deals group by all",
    "orders": """
        select 'all' as key, count(*) as orders,
            count(*) filter (where status = 'paid') as paid,
            count(*) filter (where status = 'cancelled') as cancelled,
            count(*) filter (where status = 'awaiting') as awaiting,
            count(*) filter (where deal_no is null) as shop_orders,
            sum(amount * 100)::bigint as amount_kopecks,
            sum(returned * 100)::bigint as returned_kopecks
        from orders
    """,
    "won": f"""
        select 'all' as key, sum(v.rouble_amount * 100)::bigint as amount_kopecks
        from deals as d join deal_values as v using (deal_no) where d.outcome = {WON}
    """,
    "experiment": experiments.FACTS,
    **voice.FACTS,
    "duplicate": "select name_change as key, count(*) as pairs from duplicates group by all",
}
"""Topic -> one row per key with its counts."""


def prepare(connection: Connection) -> None:
    """Empty tables the chunks add to."""
    connection.execute("create or replace table facts (topic varchar, key varchar, measure varchar, value bigint)")
    connection.execute("""
        create or replace table won_months (employee_no bigint, pipeline_no bigint, category varchar, month_no bigint,
            metric varchar, value decimal(18, 2))
    """)
    connection.execute("""
        create or replace table contact_days (day_no bigint, channel_no bigint, campaign_place bigint, contacts bigint)
    """)
    connection.execute("create or replace table recent_sales (product_no bigint, quantity bigint)")


def gather(connection: Connection) -> None:
    """Add the present chunk's counts."""
    for topic, query in _TOPICS.items():
        _add(connection, topic, query)
    connection.execute(f"insert into won_months {WON_MONTHS}")
    connection.execute(f"insert into contact_days {advertising.FACTS}")
    connection.execute(f"insert into recent_sales {stock.FACTS}")


def conclude(connection: Connection) -> None:
    """Add the counts of what was made after all chunks."""
    _add(connection, "advertising", advertising.SPENT)


def _add(connection: Connection, topic: str, query: str) -> None:
    connection.execute(f"""
        insert into facts select '{topic}', key, measure, value
        from (unpivot ({query}) on columns(* exclude (key)) into name measure value value)
    """)


def counted(connection: Connection) -> dict[str, dict[str, dict[str, int]]]:
    """Topic -> key -> measure -> count over all chunks."""
    rows = connection.execute("""
        select topic, key, measure, sum(value)::bigint from facts group by all order by topic, key, measure
    """).fetchall()
    result: dict[str, dict[str, dict[str, int]]] = {}
    for topic, key, measure, value in rows:
        result.setdefault(topic, {}).setdefault(key, {})[measure] = value
    return result
