"""Deal quality: which deals are kept so badly that numbers about them mislead, how much money stands in them, and whose are they?"""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import answered, choice, column, overlapping
from rakurs.analyses.filters import DealFilters, asked_deals
from rakurs.analyses.sales.gates import SOME_DEALS
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, Members
from rakurs.core.frames import absent, count_where, sum_where
from rakurs.core.params import parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.quality import BULK, LATE_DAYS, Rule, examined
from rakurs.marts.quality import RULES as OF_RECORDS
from rakurs.marts.tables import CALENDAR, DEAL_OUTCOMES, DEAL_REMARKS, STAGE_VISITS
from rakurs.schema import ACTIVITIES, CHANNELS, EMPLOYEES, PIPELINES
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]


class By(StrEnum):
    """Whose deals are looked at apart."""

    WHOLE = "whole"
    MANAGERS = "managers"
    PIPELINES = "pipelines"
    CHANNELS = "channels"
    MONTHS = "months"


BY_LABELS = {
    By.WHOLE: Text(ru="Целиком", en="As a whole"),
    By.MANAGERS: Text(ru="По менеджерам", en="By manager"),
    By.PIPELINES: Text(ru="По воронкам", en="By pipeline"),
    By.CHANNELS: Text(ru="По каналам", en="By channel"),
    By.MONTHS: Text(ru="По месяцам создания", en="By month of creation"),
}
_KEYS = {By.MANAGERS: "manager_id", By.PIPELINES: "pipeline_id", By.CHANNELS: "channel_id", By.MONTHS: "month"}


class DealQualityParams(DealFilters):
    """What counts as badly kept."""

    by: By = parameter(By.WHOLE, Text(ru="Разрез", en="Split"), labels=BY_LABELS)
    silent_days: int = parameter(
        30,
        Text(ru="Тишина, дней", en="Silent, days"),
        unit=Unit.DAYS,
        ge=1,
        help=Text(
            ru="Открытая сделка, с которой столько дней ничего не происходило, забыта",
            en="An open deal with which nothing happened for so many days is forgotten",
        ),
        is_advanced=True,
    )
    late_days: int = parameter(
        LATE_DAYS,
        Text(ru="Опоздание, дней", en="Late, days"),
        unit=Unit.DAYS,
        ge=1,
        help=Text(
            ru="Сделка, которая пришла позже чем через столько дней после создания, опоздала",
            en="A deal that came more than so many days after its creation is late",
        ),
        is_advanced=True,
    )
    bulk: int = parameter(
        BULK,
        Text(ru="Разом закрыто, сделок", en="Closed at once, deals"),
        unit=Unit.COUNT,
        ge=2,
        help=Text(
            ru="Столько сделок одного менеджера за один день закрывают не по работе, а наводя порядок",
            en="So many deals of one manager on one day are closed by tidying up, not by work",
        ),
        is_advanced=True,
    )


def _is(outcome: str) -> nw.Expr:
    return nw.col("outcome") == outcome


_OF_A_DAY: Mapping[str, Rule] = {
    "no_next_step": Rule(
        Text(ru="Нет следующего шага", en="No next step"),
        _is("open") & nw.col("has_activities"),
        nw.col("next_on").is_null(),
    ),
    "forgotten": Rule(Text(ru="Забыта", en="Forgotten"), _is("open"), nw.col("touched_on") < nw.col("silent_since")),
    "overdue": Rule(
        Text(ru="Срок закрытия прошёл", en="Its expected closing has passed"),
        _is("open") & ~nw.col("expected_close_on").is_null(),
        nw.col("expected_close_on") < nw.col("today"),
    ),
}
"""Rules about work that is not done by the day of the question."""
RULES: Mapping[str, Rule] = {**OF_RECORDS, **_OF_A_DAY}
COLUMNS = (
    choice("rule", "Что не так", "What is wrong", {name: rule.title for name, rule in RULES.items()}),
    column("key", Unit.ID, "Код", "Id"),
    column("name", Unit.TEXT, "Разрез", "Split"),
    overlapping("deals", Unit.COUNT, "Сделок", "Deals"),
    overlapping("concerned", Unit.COUNT, "Из скольких", "Out of"),
    column("share", Unit.SHARE, "Доля", "Share"),
    overlapping("amount", Unit.MONEY, "Сумма в них", "Money in them"),
)


def judged_deals(
    *,
    deal_outcomes: Frame,
    stage_visits: Frame,
    deal_remarks: Frame,
    activities: Frame,
    calendar: Frame,
    params: DealQualityParams,
) -> Frame:
    """The deals of the question, each with what its rules look at, and the key it is counted under."""
    remarks = deal_remarks.select("deal_id", "is_orphan", "days_late")
    asked = asked_deals(deal_outcomes, params).join(remarks, on="deal_id", how="left")
    visits = stage_visits.filter(nw.col("entered_on") <= nw.lit(params.today))
    known = activities.filter(nw.col("deleted_at").is_null(), ~nw.col("deal_id").is_null())
    is_next = nw.col("on") > nw.lit(params.today)
    touches = known.group_by("deal_id").agg(
        nw.when(~is_next).then(nw.col("on")).max().alias("spoken_on"),
        nw.when(is_next).then(nw.col("on")).min().alias("next_on"),
    )
    months = calendar.select(nw.col("day").alias("created_on"), "month")
    together = (
        examined(asked, visits, bulk=params.bulk, late_days=params.late_days)
        .join(touches, on="deal_id", how="left")
        .join(months, on="created_on", how="left")
        .with_columns(
            nw.lit(params.today).alias("today"),
            nw.lit(params.today - timedelta(days=params.silent_days)).alias("silent_since"),
            nw.lit("all").alias("everything"),
            nw.coalesce(nw.col("spoken_on"), nw.col("created_on")).alias("spoken_on"),
            nw.coalesce(nw.col("moved_on"), nw.col("created_on")).alias("arrived_on"),
            nw.when(~nw.col("spoken_on").is_null() | ~nw.col("next_on").is_null()).then(1).otherwise(0).alias("active"),
        )
    )
    return together.with_columns(
        (nw.col("active").max().over("everything") == 1).alias("has_activities"),
        nw.max_horizontal("spoken_on", "arrived_on").alias("touched_on"),
    )


def deal_quality(
    *,
    deal_outcomes: Frame,
    stage_visits: Frame,
    deal_remarks: Frame,
    activities: Frame,
    employees: Frame,
    pipelines: Frame,
    channels: Frame,
    calendar: Frame,
    params: DealQualityParams,
) -> Frame:
    """One row per manager, pipeline, channel or month, or one for all: per rule, how many deals it concerns, how many fail
    it, and the money in those; `finish` turns it into a row per rule.
    """
    found = judged_deals(
        deal_outcomes=deal_outcomes,
        stage_visits=stage_visits,
        deal_remarks=deal_remarks,
        activities=activities,
        calendar=calendar,
        params=params,
    )
    counted = found.group_by(_KEYS.get(params.by, "everything")).agg(
        *(count_where(rule.concerns).alias(f"{name} of") for name, rule in RULES.items()),
        *(count_where(rule.concerns & rule.fails).alias(f"{name} deals") for name, rule in RULES.items()),
        *(sum_where("amount", rule.concerns & rule.fails).alias(f"{name} amount") for name, rule in RULES.items()),
    )
    names = {
        By.MANAGERS: (employees, "employee_id"),
        By.PIPELINES: (pipelines, "pipeline_id"),
        By.CHANNELS: (channels, "channel_id"),
    }
    if params.by not in names:
        key = "month" if params.by is By.MONTHS else "everything"
        return counted.with_columns(nw.col(key).alias("key"), absent(Unit.TEXT).alias("name"))
    known, key = names[params.by]
    called = known.select(nw.col(key).alias(_KEYS[params.by]), nw.col("name"))
    together = counted.join(called, on=_KEYS[params.by], how="left")
    return together.with_columns(nw.col(_KEYS[params.by]).alias("key"))


def finish(counted: pa.Table, params: DealQualityParams) -> pa.Table:
    """A row per rule; in a split only those that some deal of the part fails."""
    rows: list[dict[str, Any]] = []
    for part in counted.to_pylist():
        for rule in RULES:
            concerned, deals = part[f"{rule} of"], part[f"{rule} deals"]
            if concerned and (deals or params.by is By.WHOLE):
                rows.append(
                    {
                        "rule": rule,
                        "key": None if params.by is By.WHOLE else _key(part["key"]),
                        "name": None if params.by is By.WHOLE else part["name"] or _key(part["key"]),
                        "deals": deals,
                        "concerned": concerned,
                        "share": deals / concerned,
                        "amount": part[f"{rule} amount"] or 0,
                    }
                )
    return answered(rows, COLUMNS)


_JUDGED_BY = ("deal_outcomes", "stage_visits", "deal_remarks", "activities", "calendar")


def members(frames: Frames, params: DealQualityParams, cell: Cell) -> Frame:
    """The deals of a cell that fail its rule; without a rule, those that fail any."""
    inputs = {name: frames[name] for name in _JUDGED_BY}
    found = judged_deals(params=params, **inputs)
    asked = [RULES[str(cell["rule"])]] if "rule" in cell else list(RULES.values())
    found = found.filter(nw.any_horizontal(*(rule.marks for rule in asked), ignore_nulls=True))
    if params.by is not By.WHOLE and "key" in cell:
        key, value = nw.col(_KEYS[params.by]), cell["key"]
        if value is not None and params.by is By.MONTHS:
            value = date.fromisoformat(f"{value}-01")
        found = found.filter(key.is_null() if value is None else key == nw.lit(value))
    return found.select("deal_id")


def _key(value: Any) -> str | None:
    return f"{value:%Y-%m}" if isinstance(value, date) else value


def _deal(deal_id: str, **more: Any) -> dict[str, Any]:
    usual = {
        "pipeline_id": "b2b", "created_at": "2026-03-02 10:00", "stage_id": "new", "customer_id": deal_id, "manager_id": "m1",
        "channel_id": "site", "amount": 100,
    }  # fmt: skip
    return {"deal_id": deal_id, **usual, **more}


def _way(deal_id: str, *stages: str) -> list[dict[str, Any]]:
    """A stage a day, from the second of March on."""
    return [
        {"deal_id": deal_id, "stage_id": stage, "pipeline_id": "b2b", "entered_at": f"2026-03-{day:02} 10:00"}
        for day, stage in enumerate(stages, start=2)
        if stage
    ]


def _seen(deal_id: str, day: str) -> dict[str, Any]:
    return {"deal_id": deal_id, "created_at": "2026-03-02 10:00", "seen_at": f"{day} 10:00", "provenance": "snapshot"}


EXAMPLE = Example(
    tables={
        "stages": [
            {"pipeline_id": "b2b", "stage_id": "new", "name": "Новая", "position": 1, "outcome": "open"},
            {"pipeline_id": "b2b", "stage_id": "offer", "name": "Предложение", "position": 2, "outcome": "open"},
            {"pipeline_id": "b2b", "stage_id": "won", "name": "Выиграна", "position": 3, "outcome": "won"},
            {"pipeline_id": "b2b", "stage_id": "lost", "name": "Отказ", "position": 4, "outcome": "lost"},
        ],
        "employees": [{"employee_id": "m1", "name": "Анна"}],
        "products": [{"product_id": "desk"}],
        "deal_snapshots": [
            _seen("kept well", "2026-03-03"), _seen("twin", "2026-04-03"), _seen("silent", "2026-04-02"),
        ],
        "deals": [
            _deal("kept well"),
            _deal("twin", customer_id="kept well", created_at="2026-03-02 11:00"),
            _deal("bare", customer_id=None, manager_id=None, channel_id=None, amount=None),
            _deal("silent", expected_close_on="2026-04-30", product_id="lost"),
            _deal("spoken to", expected_close_on="2026-05-01", product_id="desk"),
            _deal("skipped", stage_id="won", closed_at="2026-03-03 10:00"),
            _deal("at once", stage_id="won", closed_at="2026-03-02 10:09:59"),
            _deal("dated back", stage_id="won", closed_at="2026-03-03 10:00"),
            _deal("no reason", stage_id="lost", closed_at="2026-03-03 10:00"),
            _deal("too late", created_at="2026-04-01", customer_id=None),
        ],
        "deal_stage_events": [
            *_way("kept well", "new"), *_way("twin", "new"), *_way("bare", "new"), *_way("silent", "new"), *_way("spoken to", "new"),
            *_way("skipped", "new", "won"), *_way("at once", "won"), *_way("dated back", "new", "offer", "won"),
            *_way("no reason", "new", "lost"),
        ],
        "activities": [
            {"activity_id": "a1", "at": "2026-04-20", "kind": "call", "deal_id": "spoken to"},
            {"activity_id": "a2", "at": "2026-05-02", "kind": "task", "deal_id": "kept well"},
            {"activity_id": "a3", "at": "2026-04-01", "kind": "task", "deal_id": "kept well"},
        ],
    },
    params=DealQualityParams.model_validate(
        {"from_day": "2026-03-01", "to_day": "2026-03-31", "as_of": "2026-05-01", "silent_days": 30}
    ),
    expect=[
        {"rule": "no_next_step", "deals": 4, "concerned": 5, "share": 0.8, "amount": 300},
        {"rule": "forgotten", "deals": 3, "concerned": 5, "share": 0.6, "amount": 200},
        {"rule": "skipped_stages", "deals": 2, "concerned": 3, "amount": 200},
        {"rule": "back_dated", "deals": 1, "concerned": 4, "share": 0.25, "amount": 100},
        {"rule": "duplicate", "deals": 1, "concerned": 8, "share": 0.125, "amount": 100},
        {"rule": "late", "deals": 1, "concerned": 9, "amount": 100},
        {"rule": "no_amount", "deals": 1, "concerned": 8, "share": 0.125, "amount": 0},
        {"rule": "no_customer", "deals": 1, "concerned": 9, "amount": 0},
        {"rule": "no_manager", "deals": 1, "concerned": 9, "amount": 0},
        {"rule": "no_reason", "deals": 1, "concerned": 1, "share": 1.0, "amount": 100},
        {"rule": "no_source", "deals": 1, "concerned": 9, "amount": 0},
        {"rule": "orphan", "deals": 1, "concerned": 9, "amount": 100},
        {"rule": "overdue", "deals": 1, "concerned": 2, "share": 0.5, "amount": 100},
        {"rule": "won_at_once", "deals": 1, "concerned": 3, "amount": 100},
        {"rule": "closed_in_bulk", "deals": 0, "concerned": 4, "share": 0.0, "amount": 0},
        {"rule": "no_history", "deals": 0, "concerned": 4, "amount": 0},
        {"rule": "unknown_stage", "deals": 0, "concerned": 9, "amount": 0},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="deal_quality",
    area="sales",
    title=Text(ru="Качество сделок", en="Deal quality"),
    question=Text(
        ru="Какие сделки ведут так, что числам о них нельзя верить?",
        en="Which deals are kept so that numbers about them cannot be trusted?",
    ),
    how_to_read=Text(
        ru=(
            "Каждая строка: что не так, у скольких сделок и сколько в них денег. Нажмите на число, чтобы увидеть сами сделки. По "
            "менеджерам видно, кого научить; по месяцам — становится ли лучше. Сделка может попасть в несколько строк."
        ),
        en=(
            "Each row: what is wrong, with how many deals, and how much money stands in them. Click a number to see the deals. By "
            "manager it shows whom to teach; by month whether it gets better. A deal may stand in several rows."
        ),
    ),
    definition=Text(
        ru=(
            "Сделки выборки, каждая проверена правилами. Нет суммы: пустая или ноль у открытой или выигранной. Нет клиента, "
            "ответственного, источника: поле пусто. Проиграна без причины. Этапа нет в списке. Путь неизвестен: у закрытой "
            "нет ни одного входа в этап из истории. Выиграна через этап: хотя бы один рабочий этап пропущен. Внесена уже выигранной: от создания до "
            "закрытия меньше 10 минут. Задним числом: день закрытия раньше дня, когда она пришла на последний этап. Разом: в тот же день "
            "тот же ответственный закрыл не меньше заданного числа сделок выборки. "
            "Ссылается на то, чего нет: её клиента, ответственного, товара или воронки нет среди загруженных. Пришла поздно: впервые увидена больше чем "
            "через заданное число дней после создания, и не в первый день своего источника. Нет следующего шага: у открытой сделки нет дела позже дня "
            "вопроса; считается, если у сделок выборки вообще есть дела. Забыта: у открытой заданное число дней нет ни дел, ни переходов. Срок "
            "прошёл: ожидаемое закрытие раньше дня вопроса. Похожа на дубль: у того же клиента в тот же день раньше создана сделка на ту же "
            "сумму. Доля: от сделок, к которым правило применимо."
        ),
        en=(
            "Deals of the cohort, each held against the rules. No amount: empty or zero on an open or won deal. No customer, nobody responsible, "
            "no source: the field is empty. Lost without a reason. The stage is not in the list. Way unknown: a closed "
            "deal has no entry into a stage from a history. Won by skipping: at least one open stage skipped. Entered when won: less than 10 minutes from creation to closing. "
            "Earlier date: the closing day is before the day it came into its last stage. At once with many: on that day the same person closed no "
            "fewer than so many deals of the cohort. "
            "Refers to what is not there: its customer, manager, product or pipeline is not among those loaded. Late: first seen more than so many days "
            "after its creation, and not on the first day of its source. No next step: an open deal has no activity after the day of the question; asked only when deals of "
            "the cohort have activities at all. Forgotten: for so many days an open deal had neither activity nor move. Overdue: the expected closing is before the "
            "day of the question. Duplicate: a deal of the same customer, day and amount was created before it. Share: of the deals a "
            "rule can concern."
        ),
    ),
    source="docs/definitions.md, Deal quality",
    inputs={
        "deal_outcomes": DEAL_OUTCOMES,
        "stage_visits": STAGE_VISITS,
        "deal_remarks": DEAL_REMARKS,
        "activities": stored(ACTIVITIES),
        "employees": stored(EMPLOYEES),
        "pipelines": stored(PIPELINES),
        "channels": stored(CHANNELS),
        "calendar": CALENDAR,
    },
    params=DealQualityParams,
    columns=COLUMNS,
    order=("-deals", "rule", "key"),
    compute=deal_quality,
    finish=finish,
    members=Members(entity="deals", by=("rule", "key"), select=members, count="deals"),
    chart=Chart(kind="bars", x="rule", y=("deals",), color="name"),
    gate=DataGate(needs=(SOME_DEALS,)),
    example=EXAMPLE,
)
