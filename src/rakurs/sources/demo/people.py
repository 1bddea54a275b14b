"""People: who works here and who buys? Branches, managers of known skill, channels of known quality, customers.

Four segments live by known laws: a customer comes on a day drawn from the arrival clock, dies with a constant
hazard per day, and until then buys in the shop as a Poisson process whose rate is gamma distributed.
"""

from dataclasses import dataclass

from rakurs.sources.demo.days import TICKS_PER_DAY
from rakurs.sources.demo.names import (
    BRANCHES,
    CITIES,
    COMPANY_ADJECTIVES,
    COMPANY_NOUNS,
    FEMALE_NAMES,
    MAIL_HOSTS,
    MALE_NAMES,
    PATRONYMICS,
    SURNAMES,
    feminine,
    latin,
)
from rakurs.sources.demo.steps import Step, choice, chosen, listed

RATE_SHAPE = 1.5
"""Shape of the gamma law of buying rates, of shops and deals alike."""

PERSON, COMPANY = 1, 2
CORPORATE, RETAIL, REPEAT = 1, 2, 3
"""Pipelines, and the departments that work in them."""

DEPARTMENTS = {CORPORATE: "Корпоративные продажи", RETAIL: "Розничные продажи", REPEAT: "Постоянные клиенты"}
STAFF_BY_BRANCH = {1: (5, 4, 4), 2: (3, 3, 3), 3: (2, 2, 2), 4: (2, 2, 2), 5: (2, 2, 2)}
"""Managers of each branch in the corporate, retail and repeat departments: forty in all."""

SKILL_DEVIATION = 0.45
"""Standard deviation of managers' skill, in log-odds of winning."""
OVERLOADED, NEWCOMER, LEFT = 1, 6, 14
OVERLOADED_LOAD, OVERLOADED_LOG_ODDS, OVERLOADED_PACE = 2.5, -0.35, 1.6
NEWCOMER_HIRED_DAYS_AGO, NEWCOMER_LOG_ODDS = 100, -0.6
LEFT_DAYS_AGO = 150

DROPPED_CHANNEL = 3
DROPPED_DAYS_AGO = 90
DROPPED_LOG_ODDS = -1.2
"""Planted change: leads of one channel become much worse."""
BASE_CHANNEL = 10
BASE_CHANNEL_SHARE = 0.6
"""Share of a customer's later deals that come from the company's own base, not from a channel anew."""

DUPLICATE_SHARE = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """How one kind of customer lives: share of all, mean life in days, shop orders and deals a year."""

    name: str
    kind: int
    share: float
    starts_in_shop: bool
    life_days: float
    shop_per_year: float
    deals_per_year: float


SEGMENTS = (
    Segment(name="retail", kind=PERSON, share=0.40, starts_in_shop=True, life_days=330, shop_per_year=5.0,
            deals_per_year=0.0),
    Segment(name="consult", kind=PERSON, share=0.15, starts_in_shop=False, life_days=280, shop_per_year=3.0,
            deals_per_year=1.2),
    Segment(name="office", kind=COMPANY, share=0.22, starts_in_shop=False, life_days=620, shop_per_year=7.0,
            deals_per_year=3.2),
    Segment(name="horeca", kind=COMPANY, share=0.23, starts_in_shop=False, life_days=800, shop_per_year=10.0,
            deals_per_year=4.2),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where customers come from: weight among people and companies, quality in log-odds, cost of one lead."""

    name: str
    medium: str
    platform: str
    persons: float
    companies: float
    log_odds: float
    lead_cost: int
    campaigns: tuple[str, ...] = ()


CHANNELS = (
    Channel(name="Поиск, бесплатный", medium="organic", platform="Поисковые системы", persons=20, companies=18,
            log_odds=0.25, lead_cost=0),
    Channel(name="Контекстная реклама", medium="cpc", platform="Поисковые системы", persons=22, companies=20,
            log_odds=0.0, lead_cost=4_200, campaigns=("Кофемашины поиск", "Кофе оптом", "Бренд", "Чай поиск")),
    Channel(name="Реклама в соцсетях", medium="cpc", platform="Социальные сети", persons=18, companies=6,
            log_odds=-0.45, lead_cost=3_900, campaigns=("Подарки", "Ретаргетинг", "Похожие аудитории")),
    Channel(name="Маркетплейсы", medium="marketplace", platform="Маркетплейсы", persons=14, companies=2,
            log_odds=-0.2, lead_cost=2_600),
    Channel(name="Выставки", medium="offline", platform="Отраслевые выставки", persons=1, companies=14,
            log_odds=0.35, lead_cost=90_000, campaigns=("Весенняя выставка", "Осенняя выставка")),
    Channel(name="Рекомендации", medium="referral", platform="Клиенты", persons=10, companies=14,
            log_odds=0.7, lead_cost=0),
    Channel(name="Холодные звонки", medium="outbound", platform="Отдел продаж", persons=0, companies=12,
            log_odds=-0.8, lead_cost=14_000),
    Channel(name="Почтовая рассылка", medium="email", platform="Рассылка", persons=8, companies=7,
            log_odds=0.1, lead_cost=600, campaigns=("Дайджест", "Новинки", "Возврат ушедших")),
    Channel(name="Партнёры", medium="partner", platform="Сервисные центры", persons=4, companies=7,
            log_odds=0.4, lead_cost=8_000),
    Channel(name="Клиентская база", medium="crm", platform="Отдел продаж", persons=0, companies=0,
            log_odds=0.5, lead_cost=0),
)  # fmt: skip


def employee_id(number: str) -> str:
    """SQL that writes an employee's number as his id."""
    return f"format('E{{:03d}}', {number})"


def customer_id(number: str) -> str:
    """SQL that writes a customer's number as his id."""
    return f"format('C{{:07d}}', {number})"


def _seats() -> list[tuple[int, int, int]]:
    """(number, branch, department) of every selling manager, branch by branch."""
    seats = [
        (branch, department)
        for branch, sizes in STAFF_BY_BRANCH.items()
        for department, size in zip((CORPORATE, RETAIL, REPEAT), sizes, strict=True)
        for _ in range(size)
    ]
    return [(number, *seat) for number, seat in enumerate(seats, 1)]


CAMPAIGNS = tuple(
    (channel_no, place, name)
    for channel_no, channel in enumerate(CHANNELS, 1)
    for place, name in enumerate(channel.campaigns)
)

_STAFF = (
    listed("branches", ("branch_no", "name"), BRANCHES.items()),
    listed("departments", ("department_no", "name"), DEPARTMENTS.items()),
    listed("seats", ("employee_no", "branch_no", "department_no"), _seats()),
    Step(
        "employees",
        f"""
        with drawn as (
            select s.employee_no, s.branch_no, s.department_no,
                u(s.employee_no, 'staff-gender') < 0.55 as is_female,
                case s.employee_no when {OVERLOADED} then {OVERLOADED_LOG_ODDS} when {NEWCOMER} then {NEWCOMER_LOG_ODDS}
                    else round({SKILL_DEVIATION} * normal(s.employee_no, 'skill'), 2) end as log_odds,
                if(s.employee_no = {OVERLOADED}, {OVERLOADED_LOAD},
                    round(0.7 + 0.6 * u(s.employee_no, 'load'), 2)) as load,
                if(s.employee_no = {OVERLOADED}, {OVERLOADED_PACE},
                    round(0.75 + 0.5 * u(s.employee_no, 'pace'), 2)) as pace,
                if(s.employee_no = {NEWCOMER}, past_day() - {NEWCOMER_HIRED_DAYS_AGO},
                    first_day() - 30 - pick(s.employee_no, 'hired', 1500)::integer) as hired_on,
                if(s.employee_no = {LEFT}, past_day() - {LEFT_DAYS_AGO}, null) as left_on
            from seats as s
        )
        select d.* exclude (is_female), b.name as branch, t.name as department,
            if(d.hired_on < first_day() - 700, 'Старший менеджер', 'Менеджер') as role,
            s.male_or_female[1 + is_female::integer] || ' ' || n.male_or_female[1 + is_female::integer] as name
        from drawn as d
        join branches as b using (branch_no)
        join departments as t using (department_no)
        join surnames as s on s.place = pick(d.employee_no, 'staff-surname', {len(SURNAMES)})
        join first_names as n on n.place = pick(d.employee_no, 'staff-name', 25)
        """,
    ),
    choice(
        "manager_choice",
        source="""employees, (select month_no, min(day) as from_day, max(day) as to_day from days group by month_no)""",
        group="(department_no * 10 + branch_no) * 1000 + month_no",
        value="employee_no",
        weight="if(hired_on <= from_day and (left_on is null or left_on > to_day), load, 0)",
        order="employee_no",
    ),
)

_NAMES = (
    listed(
        "surname_forms",
        ("place", "male", "female", "male_latin", "female_latin"),
        ((place, name, feminine(name), latin(name), latin(feminine(name))) for place, name in enumerate(SURNAMES)),
    ),
    Step(
        "surnames",
        "select place, [male, female] as male_or_female, [male_latin, female_latin] as latin from surname_forms",
    ),
    choice("surname_choice", source="surname_forms", value="place", weight="1 / (place + 8) ** 0.6", order="place"),
    listed(
        "name_forms",
        ("place", "male", "female", "male_latin", "female_latin"),
        (
            (place, male, female, latin(male), latin(female))
            for place, (male, female) in enumerate(zip(MALE_NAMES, FEMALE_NAMES, strict=True))
        ),
    ),
    Step(
        "first_names",
        "select place, [male, female] as male_or_female, [male_latin, female_latin] as latin from name_forms",
    ),
    choice("name_choice", source="name_forms", value="place", weight="1 / (place + 5) ** 0.7", order="place"),
    listed("patronymic_forms", ("place", "male", "female"), ((place, *pair) for place, pair in enumerate(PATRONYMICS))),
    Step("patronymics", "select place, [male, female] as male_or_female from patronymic_forms"),
    listed("adjectives", ("place", "adjective"), enumerate(COMPANY_ADJECTIVES)),
    listed("nouns", ("place", "noun"), enumerate(COMPANY_NOUNS)),
    listed("mail_hosts", ("place", "host"), enumerate(MAIL_HOSTS)),
)

_SOURCES = (
    listed(
        "cities",
        ("city_no", "city", "region", "country", "population", "latitude", "longitude", "branch_no"),
        ((place, *city) for place, city in enumerate(CITIES, 1)),
    ),
    choice("city_choice", source="cities", value="city_no", weight="population ** 0.9", order="city_no"),
    listed(
        "channels",
        ("channel_no", "name", "medium", "platform", "persons", "companies", "log_odds", "lead_cost"),
        (
            (place, c.name, c.medium, c.platform, c.persons, c.companies, c.log_odds, c.lead_cost)
            for place, c in enumerate(CHANNELS, 1)
        ),
    ),
    Step(
        "channel_weights",
        f"""
        select channel_no, {PERSON} as kind, persons as weight from channels
        union all
        select channel_no, {COMPANY} as kind, companies as weight from channels
        """,
    ),
    choice(
        "channel_choice",
        source="channel_weights",
        group="kind",
        value="channel_no",
        weight="weight",
        order="channel_no",
    ),
    listed("campaigns", ("channel_no", "place", "name"), CAMPAIGNS),
    Step(
        "campaign_counts",
        """
        select c.channel_no, count(m.place) as campaigns
        from channels as c left join campaigns as m using (channel_no) group by c.channel_no
        """,
    ),
    listed(
        "segments",
        ("segment_no", "segment", "kind", "share", "starts_in_shop", "life_days", "shop_per_year", "deals_per_year"),
        (
            (place, s.name, s.kind, s.share, s.starts_in_shop, s.life_days, s.shop_per_year, s.deals_per_year)
            for place, s in enumerate(SEGMENTS, 1)
        ),
    ),
    choice("segment_choice", source="segments", value="segment_no", weight="share", order="segment_no"),
)

STEPS = (*_NAMES, *_STAFF, *_SOURCES)
"""Made once: staff, names to draw from, channels, segments."""

CHUNK_STEPS = (
    Step(
        "arrived",
        f"""
        with draws as (
            select no, u(no, 'segment') as segment_draw, u(no, 'city') as city_draw, u(no, 'channel') as channel_draw,
                pick(no, 'arrival', (select sum(arrival_ticks) from days)) as tick
            from range(chunk_first(), chunk_past()) as numbers(no)
        )
        select d.no, s.segment_no, s.segment, s.kind, s.starts_in_shop, s.life_days, s.shop_per_year, s.deals_per_year,
            c.value as city_no, h.value as channel_no, a.day_no
        from draws as d
        {chosen("g", "segment_choice", draw="d.segment_draw")}
        join segments as s on s.segment_no = g.value
        {chosen("c", "city_choice", draw="d.city_draw")}
        {chosen("h", "channel_choice", draw="d.channel_draw", group="s.kind")}
        join arrival_clock as a on a.tick = d.tick
        """,
    ),
    Step(
        "people",
        f"""
        with lived as (
            select *,
                day_no + 1 + floor(expo(no, 'life') * life_days)::bigint as death_day,
                if(kind = {COMPANY}, 32400 + ((u(no, 'hour-a') + u(no, 'hour-b')) / 2 * 36000)::bigint,
                    28800 + ((u(no, 'hour-a') + u(no, 'hour-b')) / 2 * 54000)::bigint) as second_of_day,
                shop_per_year / 365.25 / {RATE_SHAPE * TICKS_PER_DAY} * gamma15(no, 'shop-rate') as shop_rate,
                deals_per_year / 365.25 / {RATE_SHAPE * TICKS_PER_DAY} * gamma15(no, 'deal-rate') as deal_rate
            from arrived
        )
        select l.*, l.day_no * 86400 + l.second_of_day as created_second,
            least(l.death_day, day_count()) as last_day,
            t.branch_no,
            n.shop_from as shop_start, e.shop_from as shop_end, n.deal_from as deal_start, e.deal_from as deal_end
        from lived as l
        join cities as t using (city_no)
        join days as n on n.day_no = l.day_no + 1
        join days as e on e.day_no = least(l.death_day, day_count())
        """,
    ),
)
"""Made for each chunk of customers: who came, when, how long they live and how often they buy."""
