"""Deals: how do they go through the stages, who wins them and why are they lost?

A deal's fate is drawn first: abandoned with a known share, otherwise won with the odds of its pipeline, manager
and channel, otherwise lost at a stage drawn from the pipeline's mix. The path follows from the fate: stages on the
way are skipped, left backwards or entered twice at known rates, and each visit lasts its time in working hours.
"""

from dataclasses import dataclass

from rakurs.sources.demo.people import (
    BASE_CHANNEL,
    BASE_CHANNEL_SHARE,
    COMPANY,
    CORPORATE,
    DROPPED_CHANNEL,
    DROPPED_DAYS_AGO,
    DROPPED_LOG_ODDS,
    REPEAT,
    RETAIL,
)
from rakurs.sources.demo.steps import DAY_SECONDS, WORK_SECONDS, Step, arrivals, choice, chosen, listed

REPEAT_PIPELINE_SHARE = 0.65
"""Share of a company's later deals that go to the pipeline of regular customers."""
ABANDONED_SHARE = 0.02
"""Share of deals left forever at the stage where others are lost."""
STRAIGHT_TO_LOST_SHARE = 0.04
"""Share of lost deals that were entered as lost, with no working stage at all."""
JUNK_SHARE = 0.5
"""Share of early losses of the corporate pipeline that end as "not our customer"."""
NO_REASON_SHARE = 0.04
FOREIGN_SHARE = 0.04
"""Share of corporate deals quoted in another currency."""
MATURE_DAYS = 365
"""Deals created at least that long ago have had time to close: their won share shows the odds."""

OPEN, WON, LOST, ABANDONED = 0, 1, 2, 3
LAST_POSITION = 90
"""Position of the won stage; lost stages follow it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline: log-odds of winning, rates of odd moves per stage, and what its deals are worth (log roubles)."""

    code: str
    name: str
    log_odds: float
    skip: float
    backward: float
    repeated: float
    amount_mean: float
    amount_deviation: float
    stages: tuple[tuple[str, float, float], ...]
    """Name, mean working hours of a visit, weight among the stages where deals are lost."""
    lost: tuple[str, ...]


PIPELINES = {
    CORPORATE: Pipeline(
        code="corp", name="Новые корпоративные клиенты", log_odds=-0.75, skip=0.12, backward=0.05, repeated=0.02,
        amount_mean=10.7, amount_deviation=1.3,
        stages=(("Новая заявка", 4, 30), ("Квалификация", 12, 28), ("Выявление потребности", 20, 15),
                ("Предложение отправлено", 35, 16), ("Переговоры", 40, 10), ("Договор и счёт", 25, 4)),
        lost=("Отказ клиента", "Нецелевая заявка"),
    ),
    RETAIL: Pipeline(
        code="retail", name="Розничные консультации", log_odds=-0.35, skip=0.12, backward=0.03, repeated=0.03,
        amount_mean=9.4, amount_deviation=1.5,
        stages=(("Новое обращение", 2, 35), ("Консультация", 6, 30), ("Подбор товара", 12, 20),
                ("Счёт выставлен", 14, 15)),
        lost=("Не купил",),
    ),
    REPEAT: Pipeline(
        code="repeat", name="Повторные поставки", log_odds=0.6, skip=0.22, backward=0.04, repeated=0.04,
        amount_mean=9.8, amount_deviation=1.25,
        stages=(("Потребность", 4, 30), ("Согласование состава", 12, 25), ("Предложение", 18, 25),
                ("Условия оплаты", 16, 14), ("Отгрузка", 10, 6)),
        lost=("Отказ",),
    ),
}  # fmt: skip

PHASES = ("early", "middle", "late")
LOSS_REASONS = (
    ("Нецелевой запрос", False, (30, 4, 1)),
    ("Не дозвонились", True, (24, 5, 1)),
    ("Долго отвечали", True, (16, 8, 4)),
    ("Дорого", False, (8, 26, 24)),
    ("Выбрали конкурента", False, (4, 20, 26)),
    ("Нет нужного товара", True, (8, 12, 5)),
    ("Не устроили условия оплаты", True, (1, 7, 18)),
    ("Отложили проект", False, (5, 12, 12)),
    ("Срок поставки", True, (1, 4, 8)),
    ("Ошибка в предложении", True, (0, 2, 1)),
)
"""Name, whether the company can do something about it, weights when lost early, midway and late."""

CURRENCIES = (("CNY", 12.4, 5), ("EUR", 98.0, 3), ("USD", 88.0, 2))
"""Code, roubles on the first day, weight among foreign deals."""

_STAGE_ROWS = tuple(
    (number, position, f"{pipeline.code}-{position}", name, "open", hours, weight)
    for number, pipeline in PIPELINES.items()
    for position, (name, hours, weight) in enumerate(pipeline.stages, 1)
)
_FINAL_ROWS = tuple(
    row
    for number, pipeline in PIPELINES.items()
    for row in (
        (number, LAST_POSITION, f"{pipeline.code}-won", "Успешно реализована", "won", None, 0),
        *(
            (number, LAST_POSITION + place, f"{pipeline.code}-{code}", name, "lost", None, 0)
            for place, (code, name) in enumerate(zip(("lost", "junk"), pipeline.lost, strict=False), 1)
        ),
    )
)


def deal_id(number: str) -> str:
    """SQL that writes a deal's number as its id."""
    return f"format('D{{:09d}}', {number})"


STEPS = (
    listed(
        "pipelines",
        ("pipeline_no", "code", "name", "log_odds", "skip", "backward", "repeated", "amount_mean",
         "amount_deviation", "stage_count"),
        (
            (number, p.code, p.name, p.log_odds, p.skip, p.backward, p.repeated, p.amount_mean, p.amount_deviation,
             len(p.stages))
            for number, p in PIPELINES.items()
        ),
    ),
    listed(
        "stages",
        ("pipeline_no", "position", "stage_id", "name", "outcome", "mean_hours", "loss_weight"),
        (*_STAGE_ROWS, *_FINAL_ROWS),
    ),
    choice("lost_at_choice", source="stages", group="pipeline_no", value="position", weight="loss_weight",
           order="position"),
    listed(
        "loss_reasons",
        ("reason_no", "name", "is_controllable", *PHASES),
        ((number, name, controllable, *weights) for number, (name, controllable, weights) in enumerate(LOSS_REASONS, 1)),
    ),
    choice(
        "reason_choice",
        source="(unpivot loss_reasons on early, middle, late into name phase value weight)",
        group="phase",
        value="reason_no",
        weight="weight",
        order="reason_no",
    ),
    listed("currencies", ("currency", "first_rate", "weight"), CURRENCIES),
    choice("currency_choice", source="currencies", value="currency", weight="weight", order="currency"),
    Step(
        "work_days",
        f"""
        with working as (
            select work_no, day_no from days where is_working
            union all
            select (select max(work_no) from days) + after, day_count() + after from range(3) as beyond(after)
        )
        select p.pipeline_no, w.work_no, w.day_no from pipelines as p, working as w where p.pipeline_no <> {RETAIL}
        union all
        select {RETAIL}, n, n from range(day_count() + 3) as every(n)
        """,
    ),
    Step(
        "exchange_rates",
        """
        with moves as (
            select c.currency, c.first_rate, d.day_no,
                round(6000 * normal(ascii(c.currency) * 100000 + d.day_no, 'rate'))::bigint as move
            from currencies as c, (select day_no from days where day_no < day_count()) as d
        )
        select currency, day_no,
            round(first_rate * exp((sum(move) over (partition by currency order by day_no))::bigint / 1e6
                + 0.00012 * day_no), 4) as rate
        from moves
        union all
        select 'RUB', day_no, 1 from days
        """,
    ),
)  # fmt: skip

CHUNK_STEPS = (
    Step(
        "later_deals",
        arrivals(people="people", rate="deal_rate", start="deal_start", end="deal_end", salt="deal-gap"),
    ),
    Step(
        "deal_seeds",
        f"""
        select no, no * 100 as deal_no, 0 as place, day_no, created_second from people where not starts_in_shop
        union all
        select l.no, l.no * 100 + l.k, l.k, c.day_no,
            c.day_no * {DAY_SECONDS} + if(p.kind = {COMPANY}, 32400, 36000)
                + ((u(l.no * 100 + l.k, 'hour-a') + u(l.no * 100 + l.k, 'hour-b')) / 2 * 36000)::bigint
        from later_deals as l
        join people as p using (no)
        join deal_clock as c on c.tick = l.tick
        where l.k < 100
        """,
    ),
    Step(
        "deal_draws",
        f"""
        with drawn as (
            select s.*, p.kind, p.branch_no, p.segment_no, p.channel_no as first_channel_no, d.month_no,
                case when p.kind <> {COMPANY} then {RETAIL}
                    when s.place > 0 and u(s.deal_no, 'pipeline') < {REPEAT_PIPELINE_SHARE} then {REPEAT}
                    else {CORPORATE} end as pipeline_no,
                s.place > 0 and u(s.deal_no, 'base') < {BASE_CHANNEL_SHARE} as is_from_base,
                u(s.deal_no, 'channel') as channel_draw,
                u(s.no, 'manager') as manager_draw,
                u(s.deal_no, 'fate') as fate_draw,
                u(s.deal_no, 'win') as win_draw,
                u(s.deal_no, 'lost-at') as lost_at_draw,
                u(s.deal_no, 'reason') as reason_draw
            from deal_seeds as s
            join people as p using (no)
            join days as d on d.day_no = s.day_no
        ),
        placed as (
            select d.*, m.value as employee_no,
                case when d.place = 0 then d.first_channel_no when d.is_from_base then {BASE_CHANNEL} else h.value end
                    as channel_no
            from drawn as d
            {chosen("m", "manager_choice", draw="d.manager_draw",
                    group="(d.pipeline_no * 10 + d.branch_no) * 1000 + d.month_no")}
            {chosen("h", "channel_choice", draw="d.channel_draw", group="d.kind")}
        ),
        weighed as (
            select p.*, i.stage_count, e.pace, t.value as lost_at,
                i.log_odds + e.log_odds + c.log_odds
                    + if(p.channel_no = {DROPPED_CHANNEL} and p.day_no >= day_count() - {DROPPED_DAYS_AGO},
                        {DROPPED_LOG_ODDS}, 0) as log_odds
            from placed as p
            join pipelines as i using (pipeline_no)
            join employees as e using (employee_no)
            join channels as c using (channel_no)
            {chosen("t", "lost_at_choice", draw="p.lost_at_draw", group="p.pipeline_no")}
        ),
        decided as (
            select *, 1 / (1 + exp(-log_odds)) as win_chance,
                case when fate_draw < {ABANDONED_SHARE} then {ABANDONED}
                    when win_draw < 1 / (1 + exp(-log_odds)) then {WON} else {LOST} end as fate
            from weighed
        )
        select d.* exclude (channel_draw, manager_draw, fate_draw, win_draw, lost_at_draw),
            if(n.campaigns > 0, pick(d.deal_no, 'campaign', n.campaigns), null) as campaign_place,
            if(d.fate = {WON}, d.stage_count, d.lost_at) as reached,
            d.fate = {LOST} and u(d.deal_no, 'straight') < {STRAIGHT_TO_LOST_SHARE} as is_straight,
            case when d.fate = {WON} then 0
                when d.pipeline_no = {CORPORATE} and (d.lost_at <= 2) and u(d.deal_no, 'junk') < {JUNK_SHARE} then 2
                else 1 end + {LAST_POSITION} as final_position,
            case when d.lost_at * 3 <= d.stage_count then 'early'
                when d.lost_at * 3 <= d.stage_count * 2 then 'middle' else 'late' end as phase
        from decided as d
        join campaign_counts as n using (channel_no)
        """,
    ),
    Step(
        "stage_plan",
        f"""
        select d.deal_no, s.position, d.pace * s.mean_hours * 3600 as mean_seconds,
            s.position > 1 and not (d.fate <> {WON} and s.position = d.reached) as is_skippable,
            u(d.deal_no * 100 + s.position, 'skip') < i.skip as wants_skip,
            s.position > 1 and u(d.deal_no * 100 + s.position, 'move') < i.backward as wants_backward,
            u(d.deal_no * 100 + s.position, 'move') between i.backward and i.backward + i.repeated as wants_repeat
        from deal_draws as d
        join pipelines as i using (pipeline_no)
        join stages as s on s.pipeline_no = d.pipeline_no and s.position <= d.reached
        where not d.is_straight
        """,
    ),
    Step(
        "visits",
        f"""
        with moves as (
            select *, case when wants_backward then [position, position - 1, position]
                when wants_repeat then [position, position] else [position] end as visited
            from stage_plan where not (is_skippable and wants_skip)
        ),
        steps as (
            select deal_no, mean_seconds, position * 10 + step as place, visited[step] as position
            from (select *, unnest(range(1, len(visited) + 1)) as step from moves)
        )
        select deal_no, place, position,
            120 + floor(mean_seconds * expo(deal_no * 1000 + place, 'dwell'))::bigint as seconds
        from steps
        union all
        select deal_no, {LAST_POSITION * 10}, final_position, 0 from deal_draws where fate <> {ABANDONED}
        """,
    ),
    Step(
        "deal_starts",
        f"""
        select d.deal_no, d.pipeline_no, d.employee_no, d.created_second,
            (if(d.pipeline_no = {RETAIL}, d.day_no, n.work_no) * {WORK_SECONDS}
                + if(d.pipeline_no = {RETAIL} or n.is_working,
                    least(greatest(d.created_second % {DAY_SECONDS} - 32400, 0), {WORK_SECONDS}), 0))::bigint
                as start_second
        from deal_draws as d join days as n on n.day_no = d.day_no
        """,
    ),
    Step(
        "stage_events",
        f"""
        with worked as (
            select v.deal_no, v.place, v.position,
                (sum(v.seconds) over (partition by v.deal_no order by v.place) - v.seconds)::bigint as worked_seconds
            from visits as v
        ),
        placed as (
            select w.deal_no, w.place, w.position, s.pipeline_no, s.employee_no, s.created_second,
                w.worked_seconds = 0 and w.position < {LAST_POSITION} as is_first,
                s.start_second + if(w.worked_seconds = 0, 600, w.worked_seconds) as work_second
            from worked as w join deal_starts as s using (deal_no)
        ),
        dated as (
            select p.*,
                d.day_no * {DAY_SECONDS} + 32400 + p.work_second % {WORK_SECONDS} as moved_second
            from placed as p
            join work_days as d on d.pipeline_no = p.pipeline_no and d.work_no = p.work_second // {WORK_SECONDS}
        )
        select deal_no, place, position, pipeline_no, employee_no,
            (if(is_first, created_second, moved_second))::bigint as entered_second
        from dated
        where if(is_first, created_second, moved_second) < past_second()
        """,
    ),
    Step(
        "deal_ends",
        f"""
        select deal_no, arg_max(position, place) as position,
            max(entered_second) filter (where position >= {LAST_POSITION}) as closed_second,
            max(entered_second) as last_second
        from stage_events group by deal_no
        """,
    ),
    Step(
        "deals",
        f"""
        select d.* exclude (reason_draw),
            e.position, e.closed_second, e.last_second,
            case when e.closed_second is null then {OPEN} when e.position = {LAST_POSITION} then {WON} else {LOST} end
                as outcome,
            if(e.position > {LAST_POSITION} and u(d.deal_no, 'no-reason') >= {NO_REASON_SHARE}, r.value, null)
                as reason_no,
            if(d.pipeline_no = {CORPORATE} and u(d.deal_no, 'foreign') < {FOREIGN_SHARE}, f.value, 'RUB') as currency
        from (select *, u(deal_no, 'currency') as currency_draw from deal_draws) as d
        join deal_ends as e using (deal_no)
        {chosen("r", "reason_choice", draw="d.reason_draw", group="d.phase")}
        {chosen("f", "currency_choice", draw="d.currency_draw")}
        """,
    ),
)  # fmt: skip
