"""The employee's card: numbers against the team, the plan and its pace, open deals, calls."""

from collections.abc import Mapping
from datetime import timedelta
from math import sqrt
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.cards.events import EMPLOYEES as CARD_NAME
from rakurs.analyses.cards.events import events_of
from rakurs.analyses.cards.standards import SELLING
from rakurs.analyses.columns import choice, column
from rakurs.analyses.sales.plan_fact import METRIC_LABELS, PlanMetric
from rakurs.core.analysis import Frames
from rakurs.core.card import Card, Rows, Section, Slice, Subject
from rakurs.core.frames import count_where, sum_where
from rakurs.core.intervals import Z_95, Interval, wilson
from rakurs.core.periods import Grain, bucket_start
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, DEAL_OUTCOMES, PLAN_TARGETS, SALES
from rakurs.schema import CALLS, EMPLOYEES
from rakurs.schema.columns import reference
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

OWNER, CALLER = "manager_id", "employee_id"
SHOWN_DEALS = 15
YEAR, MONTH = timedelta(days=365), timedelta(days=30)
STORED = stored(EMPLOYEES)
VERDICTS = {
    "above": Text(ru="Выше команды", en="Above the team"),
    "below": Text(ru="Ниже команды", en="Below the team"),
    "same": Text(ru="Неразличимо", en="No clear difference"),
}
MEASURES = {
    "conversion": Text(ru="Конверсия: выиграно из созданных", en="Conversion: won of created"),
    "win_rate": Text(ru="Доля выигранных среди закрытых", en="Won among closed"),
}


def _counted(subject: Subject, frames: Frames, _against: Any) -> Frame:
    """Two rows at most: the employee's own deals of the last 365 days, and those of everybody else."""
    first = subject.today - YEAR + timedelta(days=1)
    created = (nw.col("created_on") >= nw.lit(first)) & (nw.col("created_on") <= nw.lit(subject.today))
    closed = (nw.col("closed_on") >= nw.lit(first)) & (nw.col("closed_on") <= nw.lit(subject.today))
    won = nw.col("outcome") == "won"
    return (
        frames["deals"]
        .filter(~nw.col(OWNER).is_null())
        .with_columns((nw.col(OWNER) == nw.lit(subject.id)).alias("is_own"))
        .group_by("is_own")
        .agg(
            count_where(created).alias("created"),
            count_where(created & won).alias("created_won"),
            count_where(closed & won).alias("won"),
            count_where(closed & (nw.col("outcome") == "lost")).alias("lost"),
            sum_where("amount", (closed & won).fill_null(value=False)).alias("won_amount"),
        )
    )


def _against_team(rows: Rows, _subject: Subject, _against: Any) -> Rows:
    own = next((row for row in rows if row["is_own"]), None)
    if own is None:
        return []
    others = next((row for row in rows if not row["is_own"]), None)
    pairs = {
        "conversion": ("created_won", lambda row: row["created"]),
        "win_rate": ("won", lambda row: row["won"] + row["lost"]),
    }
    told: list[Mapping[str, Any]] = []
    for name, (won, trials) in pairs.items():
        mine = wilson(own[won], trials(own))
        team = wilson(others[won], trials(others)) if others else None
        told.append(
            {
                "measure": name,
                "value": own[won] / trials(own) if trials(own) else None,
                "low": mine.low if mine else None,
                "high": mine.high if mine else None,
                "deals": trials(own),
                "team": others[won] / trials(others) if others and trials(others) else None,
                "verdict": _verdict(mine, team),
            }
        )
    return told


def _verdict(mine: Interval | None, team: Interval | None) -> str | None:
    if mine is None or team is None:
        return None
    if mine.overlaps(team):
        return "same"
    return "above" if mine.low > team.high else "below"


AGAINST_TEAM = Section(
    name="against_team",
    title=Text(ru="Рядом с командой", en="Beside the team"),
    help=Text(
        ru=(
            "Последние 365 дней. Интервал Уилсона, 95 %. Команда: остальные сотрудники, чьи сделки вы видите. Если "
            "интервалы пересекаются, разница может быть случайной."
        ),
        en=(
            "The last 365 days. Wilson's 95 % interval. The team: the other employees whose deals you may see. Where "
            "the intervals overlap the difference may be chance."
        ),
    ),
    shown="against",
    reads={"deals": Slice(table=DEAL_OUTCOMES)},
    columns=(
        choice("measure", "Показатель", "Measure", MEASURES),
        column("value", Unit.SHARE, "Сотрудник", "Employee"),
        column("low", Unit.SHARE, "От", "From"),
        column("high", Unit.SHARE, "До", "To"),
        column("team", Unit.SHARE, "Команда", "Team"),
        column("deals", Unit.COUNT, "Сделок", "Deals"),
        choice("verdict", "Вывод", "Verdict", VERDICTS),
    ),
    compute=_counted,
    finish=_against_team,
    nothing=Text(ru="Сделок за год нет.", en="No deals within the year."),
)


def _year(subject: Subject, frames: Frames, _against: Any) -> Frame:
    first = subject.today - YEAR + timedelta(days=1)
    closed = (nw.col("closed_on") >= nw.lit(first)) & (nw.col("closed_on") <= nw.lit(subject.today))
    is_won = closed & (nw.col("outcome") == "won")
    is_open = nw.col("outcome") == "open"
    check = nw.when(is_won).then(nw.col("amount").cast(nw.Float64()))
    return frames["deals"].select(
        count_where(is_open).alias("open_deals"),
        sum_where("amount", is_open.fill_null(value=False)).alias("open_amount"),
        count_where(is_won).alias("won"),
        sum_where("amount", is_won.fill_null(value=False)).alias("won_amount"),
        check.mean().alias("mean_check"),
        check.std().alias("check_spread"),
        nw.when(is_won).then(nw.col("cycle_days")).median().alias("cycle_days"),
    )


def _year_told(rows: Rows, _subject: Subject, _against: Any) -> Rows:
    (row,) = rows
    if not row["open_deals"] and not row["won"]:
        return []
    half = Z_95 * row["check_spread"] / sqrt(row["won"]) if row["check_spread"] is not None and row["won"] > 1 else None
    return [{**row, "check_half": half}]


VALUE = Section(
    name="value",
    title=Text(ru="Главное", en="In short"),
    help=Text(
        ru=("Выиграно и цикл: за последние 365 дней. Погрешность среднего чека: половина 95 % интервала среднего."),
        en="Won and cycle: of the last 365 days. Error of the average check: half its 95 % interval.",
    ),
    shown="tiles",
    reads={"deals": Slice(table=DEAL_OUTCOMES, by=OWNER)},
    columns=(
        column("open_deals", Unit.COUNT, "В работе", "Open deals"),
        column("open_amount", Unit.MONEY, "Сумма в работе", "Open amount"),
        column("won", Unit.COUNT, "Выиграно за год", "Won in the year"),
        column("won_amount", Unit.MONEY, "Выручка за год", "Revenue of the year"),
        column("mean_check", Unit.MONEY, "Средний чек", "Average check"),
        column("check_half", Unit.MONEY, "± к среднему чеку", "± of the average check"),
        column("cycle_days", Unit.DAYS, "Медиана цикла", "Median cycle"),
    ),
    compute=_year,
    finish=_year_told,
    nothing=Text(ru="Сделок нет.", en="No deals."),
)


def _planned(subject: Subject, frames: Frames, against: Any) -> Frame:
    """A row per target of this month, beside the month's facts and working days."""
    month = bucket_start(subject.today, Grain.MONTH)
    targets = (
        frames["targets"]
        .filter(nw.col("month") == nw.lit(month), nw.col("level") == "employee")
        .select("metric", "target")
    )
    sold = frames["sales"].filter(nw.col("sold_on") >= nw.lit(month), nw.col("sold_on") <= nw.lit(subject.today))
    is_counted = nw.col("basis") == nw.lit(against)
    facts = sold.select(
        sum_where("revenue", is_counted).alias("revenue"),
        nw.when(is_counted).then(nw.col("margin")).sum().alias("margin"),
        count_where(is_counted & nw.col("is_sale")).alias("sales"),
        count_where((nw.col("basis") == "deals") & nw.col("is_sale")).alias("won"),
    )
    days = (
        frames["calendar"]
        .filter(nw.col("month") == nw.lit(month))
        .select(
            count_where(nw.col("is_working_day")).alias("month_days"),
            count_where(nw.col("is_working_day") & (nw.col("day") <= nw.lit(subject.today))).alias("passed_days"),
        )
    )
    return targets.join(facts, how="cross").join(days, how="cross").sort("metric")


def _plan_told(rows: Rows, _subject: Subject, _against: Any) -> Rows:
    told: list[Mapping[str, Any]] = []
    for row in rows:
        if row["metric"] not in set(PlanMetric):
            continue
        target, fact = float(row["target"]), float(row[row["metric"]] or 0)
        pace = row["passed_days"] / row["month_days"] if row["month_days"] else None
        told.append(
            {
                "metric": row["metric"],
                "target": target,
                "fact": fact,
                "done": fact / target if target else None,
                "expected": target * pace if pace is not None else None,
                "ahead": fact - target * pace if pace is not None else None,
            }
        )
    return told


PLAN = Section(
    name="plan",
    title=Text(ru="План месяца", en="Plan of the month"),
    help=Text(
        ru=(
            "Собственный план сотрудника на текущий месяц. Должно быть к этому дню: план, умноженный на долю прошедших "
            "рабочих дней месяца."
        ),
        en=(
            "The employee's own plan for the present month. Expected by now: the plan times the share of the month's "
            "working days that have passed."
        ),
    ),
    shown="table",
    reads={
        "targets": Slice(table=PLAN_TARGETS, by=OWNER),
        "sales": Slice(table=SALES, by=OWNER),
        "calendar": Slice(table=CALENDAR),
    },
    columns=(
        choice("metric", "Показатель", "Metric", {str(name): text for name, text in METRIC_LABELS.items()}),
        column("target", Unit.NUMBER, "План", "Target"),
        column("fact", Unit.NUMBER, "Факт", "Fact"),
        column("done", Unit.RATIO, "Выполнено", "Done"),
        column("expected", Unit.NUMBER, "Должно быть к этому дню", "Expected by now"),
        column("ahead", Unit.NUMBER, "Опережение", "Ahead"),
    ),
    compute=_planned,
    finish=_plan_told,
    standard=SELLING,
    nothing=Text(ru="На этот месяц план сотруднику не задан.", en="No plan is set for this month."),
)


def _open_deals(subject: Subject, frames: Frames, _against: Any) -> Frame:
    return (
        frames["deals"]
        .filter(nw.col("outcome") == "open", nw.col("created_on") <= nw.lit(subject.today))
        .sort("amount", "deal_id", descending=[True, False], nulls_last=True)
        .head(SHOWN_DEALS)
    )


OPEN_DEALS = Section(
    name="open_deals",
    title=Text(ru="Открытые сделки", en="Open deals"),
    help=Text(ru="Самые крупные первыми.", en="The largest first."),
    shown="table",
    reads={"deals": Slice(table=DEAL_OUTCOMES, by=OWNER)},
    columns=(
        reference("deal_id", "deals", "Сделка", "Deal"),
        reference("customer_id", "customers", "Клиент", "Customer"),
        reference("stage_id", "stages", "Этап", "Stage"),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        column("created_on", Unit.DAY, "Создана", "Created"),
        column("expected_close_on", Unit.DAY, "Ожидаемое закрытие", "Expected close"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
    ),
    compute=_open_deals,
    nothing=Text(ru="Открытых сделок нет.", en="No open deals."),
)


def _calls(subject: Subject, frames: Frames, _against: Any) -> Frame:
    first = subject.today - MONTH + timedelta(days=1)
    recent = frames["calls"].filter(
        nw.col("started_on") >= nw.lit(first), nw.col("started_on") <= nw.lit(subject.today)
    )
    is_missed = nw.col("is_missed").fill_null(value=False)
    return recent.select(
        nw.len().alias("calls"),
        count_where(nw.col("direction") == "in").alias("incoming"),
        count_where(nw.col("direction") == "out").alias("outgoing"),
        count_where(is_missed).alias("missed"),
        nw.when(~is_missed).then(nw.col("talk_seconds")).median().alias("talk_seconds"),
    )


CALLS_MADE = Section(
    name="calls",
    title=Text(ru="Звонки за 30 дней", en="Calls of 30 days"),
    help=Text(ru="Разговор: медиана по отвеченным звонкам.", en="Talk: the median of the answered calls."),
    shown="facts",
    reads={"calls": Slice(table=stored(CALLS), by=CALLER)},
    columns=(
        column("calls", Unit.COUNT, "Всего", "All"),
        column("incoming", Unit.COUNT, "Входящих", "Incoming"),
        column("outgoing", Unit.COUNT, "Исходящих", "Outgoing"),
        column("missed", Unit.COUNT, "Пропущенных", "Missed"),
        column("talk_seconds", Unit.SECONDS, "Обычный разговор", "Usual talk"),
    ),
    compute=_calls,
    finish=lambda rows, _subject, _against: [row for row in rows if row["calls"]],
    nothing=Text(ru="Звонков за 30 дней нет.", en="No calls within 30 days."),
)

ABOUT = Section(
    name="about",
    title=Text(ru="О сотруднике", en="About"),
    help=Text(ru="Как записано в источнике.", en="As the source has it."),
    shown="facts",
    reads={"employees": Slice(table=STORED, by=CALLER)},
    columns=tuple(STORED.column(name) for name in ("department", "branch", "role", "hired_on", "left_on")),
    compute=lambda _subject, frames, _against: frames["employees"],
    nothing=Text(ru="Сотрудник не загружен.", en="The employee was not loaded."),
)

CARD = Card(
    name=CARD_NAME,
    table=STORED,
    title=Text(ru="Сотрудник", en="Employee"),
    icon="user",
    label="name",
    seen_through=(Slice(table=STORED, by=CALLER),),
    sections=(VALUE, PLAN, AGAINST_TEAM, OPEN_DEALS, CALLS_MADE, ABOUT),
    events=events_of(CARD_NAME),
    searched=("name",),
    beside=("department", "branch"),
)
