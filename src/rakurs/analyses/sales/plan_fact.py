"""Plan and fact: is the plan being met, is that on pace, and how will the month end?"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import answered, choice, column, flag, named, overlapping
from rakurs.analyses.filters import basis_choice
from rakurs.analyses.sales.plan_ahead import LATELY, Ahead, History
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members, Need
from rakurs.core.frames import absent, conform, count_distinct, where_cell
from rakurs.core.params import PeriodParams, parameter
from rakurs.core.periods import DAY, Grain, Preset, add_months, bucket_start, next_bucket
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, PLAN_TARGETS, SALE_LINES, SALES
from rakurs.metrics.basis import BASIS, Basis, in_basis
from rakurs.schema import EMPLOYEES, PIPELINES
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

CENT = Decimal("0.01")
COMPANY = "company"
MOST_AHEAD = 24


class PlanMetric(StrEnum):
    """What a plan is set on."""

    REVENUE = "revenue"
    MARGIN = "margin"
    SALES = "sales"
    WON = "won"


class PlanBy(StrEnum):
    """The cut of the company a plan is set for."""

    COMPANY = "company"
    DEPARTMENT = "department"
    EMPLOYEE = "employee"
    PIPELINE = "pipeline"
    PRODUCT_CATEGORY = "product_category"


PLANNED = {
    "revenue": PlanMetric.REVENUE,
    "margin": PlanMetric.MARGIN,
    "sales": PlanMetric.SALES,
    "deals_won": PlanMetric.WON,
}
"""Which plan each metric of the semantic layer is held against."""

METRIC_LABELS = {
    PlanMetric.REVENUE: Text(ru="Выручка", en="Revenue"),
    PlanMetric.MARGIN: Text(ru="Маржа", en="Margin"),
    PlanMetric.SALES: Text(ru="Число продаж", en="Number of sales"),
    PlanMetric.WON: Text(ru="Число выигранных сделок", en="Number of won deals"),
}
BY_LABELS = {
    PlanBy.COMPANY: Text(ru="Компания", en="Company"),
    PlanBy.DEPARTMENT: Text(ru="Отделы", en="Departments"),
    PlanBy.EMPLOYEE: Text(ru="Сотрудники", en="Employees"),
    PlanBy.PIPELINE: Text(ru="Воронки", en="Pipelines"),
    PlanBy.PRODUCT_CATEGORY: Text(ru="Группы товаров", en="Product categories"),
}
COLUMN_OF = {
    PlanBy.DEPARTMENT: "department",
    PlanBy.EMPLOYEE: "manager_id",
    PlanBy.PIPELINE: "pipeline_id",
    PlanBy.PRODUCT_CATEGORY: "category",
}
LEVELS = {
    PlanBy.COMPANY: ("company", "department", "employee", "pipeline", "product_category"),
    PlanBy.DEPARTMENT: ("department", "employee"),
}
"""Where a cut has no target of its own for a month, the targets of the next level are added up."""


WHOLE_MONTHS = {
    Preset.THIS_QUARTER: 3,
    Preset.THIS_FISCAL_QUARTER: 3,
    Preset.THIS_YEAR: 12,
    Preset.THIS_FISCAL_YEAR: 12,
}


class ForeseenBy(StrEnum):
    """By what the end of the running month is told."""

    BETTER = "better"
    PACE = "pace"
    FORECAST = "forecast"


WAYS = {
    "pace": Text(ru="Темп месяца", en="Pace of the month"),
    "forecast": Text(ru="Прогноз продаж", en="Sales forecast"),
}


class PlanFactParams(PeriodParams):
    """Parameters of the plan and fact."""

    metric: PlanMetric = parameter(PlanMetric.REVENUE, Text(ru="Показатель", en="Metric"), labels=METRIC_LABELS)
    by: PlanBy = parameter(PlanBy.COMPANY, Text(ru="Разрез", en="By"), labels=BY_LABELS)
    basis: Basis = BASIS
    foreseen_by: ForeseenBy = parameter(
        ForeseenBy.BETTER,
        Text(ru="Чем прогнозировать месяц", en="The month is foreseen by"),
        labels={
            ForeseenBy.BETTER: Text(ru="Что на прошлом ошибалось меньше", en="What erred less in the past"),
            ForeseenBy.PACE: Text(ru="Темпом месяца", en="The pace of the month"),
            ForeseenBy.FORECAST: Text(ru="Прогнозом продаж", en="The sales forecast"),
        },
        is_advanced=True,
    )

    to_end: bool = parameter(
        default=False,
        title=Text(ru="С месяцами до конца квартала или года", en="With the months to the end of the quarter or year"),
        unit=Unit.FLAG,
    )

    @property
    def planned_until(self) -> date | None:
        """The day after the last that is planned; None where every month with a target counts."""
        end, months = self.window.end, WHOLE_MONTHS.get(self.period)
        if not self.to_end or months is None or self.window.start is None:
            return end
        return add_months(self.window.start, months)

    @property
    def sales_basis(self) -> Basis:
        """A plan on won deals is met by deals, whatever else is sold."""
        return Basis.DEALS if self.metric is PlanMetric.WON else self.basis


COLUMNS = (
    column("key", Unit.ID, "Код", "Key"),
    named("name", "Кто", "Name", {"company": Text(ru="Вся компания", en="The whole company")}),
    column("target", Unit.MONEY, "План", "Target"),
    column("fact", Unit.MONEY, "Факт", "Fact"),
    column("done", Unit.RATIO, "Выполнено", "Done"),
    column("expected_by_now", Unit.MONEY, "Должно быть к этому дню", "Expected by now"),
    column("ahead", Unit.MONEY, "Опережение", "Ahead"),
    column("forecast", Unit.MONEY, "Прогноз", "Forecast"),
    overlapping("forecast_low", Unit.MONEY, "Прогноз, не ниже", "Forecast, low"),
    overlapping("forecast_high", Unit.MONEY, "Прогноз, не выше", "Forecast, high"),
    column("forecast_done", Unit.RATIO, "Прогноз выполнения", "Forecast done"),
    choice("foreseen_by", "Чем спрогнозировано", "Foreseen by", WAYS),
    column("sales", Unit.COUNT, "Продаж", "Sales"),
)

PARTS = (
    column("part", Unit.TEXT, "Часть", "Part"),
    column("level", Unit.TEXT, "Уровень", "Level"),
    column("key", Unit.ID, "Код", "Key"),
    column("name", Unit.TEXT, "Имя", "Name"),
    column("day", Unit.DAY, "День", "Day"),
    column("amount", Unit.MONEY, "Величина", "Amount"),
    column("count", Unit.COUNT, "Число", "Count"),
    column("kind", Unit.POSITION, "Вид дня", "Kind of day"),
    flag("is_working", "Рабочий", "Working"),
)
"""What the engine hands over: targets, facts, sales of the last months, all sales by day, days; told apart by `part`."""


def plan_fact(
    *,
    plan_targets: Frame,
    sales: Frame,
    sale_lines: Frame,
    calendar: Frame,
    employees: Frame,
    pipelines: Frame,
    params: PlanFactParams,
) -> Frame:
    """Targets by month, facts by key and month, sales by day, the calendar: everything `judged` needs, reduced."""
    targets = planned(plan_targets, params)
    sold = _sold(sales, sale_lines, params)
    facts = _facts(sold, targets, calendar, params)
    daily = _measured(in_basis(sales, params.sales_basis), params).filter(nw.col("sold_on") <= nw.lit(params.today))
    history = daily.group_by("sold_on").agg(nw.col("amount").sum(), nw.col("count").sum())
    months = calendar.select(nw.col("day").alias("sold_on"), "month")
    lately = sold.filter(nw.col("sold_on") >= nw.lit(_lately(params))).join(months, on="sold_on", how="inner")
    begun = history.select(nw.col("sold_on").min().alias("first_on"))
    current = nw.lit(bucket_start(params.today, Grain.MONTH))
    days = calendar.join(begun, how="cross").filter(
        (nw.col("day") >= current) | (nw.col("day") >= nw.col("first_on")).fill_null(value=False),
        nw.col("day") < nw.lit(_end(params)),
    )
    kind = nw.when(nw.col("holiday").is_null()).then(nw.col("weekday")).otherwise(nw.lit(0))
    parts = (
        _part("target", _named(targets, employees, pipelines, params), day=nw.col("month"), level=nw.col("level")),
        _part("fact", _named(facts, employees, pipelines, params), day=nw.col("month"), count=nw.col("count")),
        _part("lately", _summed(lately, params).with_columns(absent(Unit.TEXT).alias("name")), day=nw.col("month")),
        _part("day", _unnamed(history), day=nw.col("sold_on"), count=nw.col("count")),
        _part(
            "calendar",
            _unnamed(days.with_columns(nw.col("working_days_in_month").alias("amount"))),
            day=nw.col("day"),
            count=nw.col("working_day_of_month"),
            kind=kind,
            is_working=nw.col("is_working_day"),
        ),
    )
    return nw.concat(list(parts))


def _part(part: str, rows: Frame, **known: nw.Expr) -> Frame:
    """`rows` with a key, a name and an amount, and what else is `known` of them, as one of the `PARTS`."""
    nothing = {one.name: absent(one.unit) for one in PARTS if one.name not in {"part", "key", "name", "amount"}}
    return conform(
        rows.with_columns(
            nw.lit(part).alias("part"), *(value.alias(name) for name, value in {**nothing, **known}.items())
        ),
        PARTS,
    )


def _unnamed(rows: Frame) -> Frame:
    return rows.with_columns(absent(Unit.TEXT).alias("key"), absent(Unit.TEXT).alias("name"))


def _lately(params: PlanFactParams) -> date:
    """The first day of the last finished months."""
    start = bucket_start(params.today, Grain.MONTH)
    for _ in range(LATELY):
        start = bucket_start(start - DAY, Grain.MONTH)
    return start


def _end(params: PlanFactParams) -> date:
    """The day after the last month that is asked about, at most two years ahead."""
    current = bucket_start(params.today, Grain.MONTH)
    end = next_bucket(current, Grain.MONTH)
    for _ in range(MOST_AHEAD):
        if params.planned_until is None or end >= params.planned_until:
            break
        end = next_bucket(end, Grain.MONTH)
    return end


def planned(plan_targets: Frame, params: PlanFactParams) -> Frame:
    """The targets of the metric in the asked months that the cut can use, each with its key."""
    first = params.window.start
    levels = LEVELS.get(params.by, (params.by.value,))
    frame = plan_targets.filter(nw.col("metric") == nw.lit(params.metric.value), nw.col("level").is_in(levels))
    if first is not None:
        frame = frame.filter(nw.col("month") >= nw.lit(bucket_start(first, Grain.MONTH)))
    if params.planned_until is not None:
        frame = frame.filter(nw.col("month") < nw.lit(params.planned_until))
    key = nw.col(COLUMN_OF[params.by]) if params.by in COLUMN_OF else nw.lit(COMPANY)
    return frame.select("month", "level", key.alias("key"), nw.col("target").alias("amount"))


def _sold(sales: Frame, sale_lines: Frame, params: PlanFactParams) -> Frame:
    """The sales, or for product categories their lines, that may meet the plan, each with its key."""
    source = sale_lines if params.by is PlanBy.PRODUCT_CATEGORY else sales
    sold = in_basis(source, params.sales_basis).filter(nw.col("sold_on") <= nw.lit(params.today))
    if params.by is PlanBy.PRODUCT_CATEGORY:
        sold = sold.with_columns((~nw.col("is_return")).alias("is_sale"))
    key = nw.col(COLUMN_OF[params.by]) if params.by in COLUMN_OF else nw.lit(COMPANY)
    return sold.with_columns(key.alias("key"))


def _in_planned_months(sold: Frame, targets: Frame, calendar: Frame) -> Frame:
    months = calendar.select(nw.col("day").alias("sold_on"), "month")
    planned_months = targets.group_by("month").agg()
    return sold.join(months, on="sold_on", how="inner").join(planned_months, on="month", how="semi")


def _measured(sold: Frame, params: PlanFactParams) -> Frame:
    """`amount` of each row in the plan's metric; `count` is 1 for a sale and 0 for a return."""
    counted = nw.when(nw.col("is_sale")).then(nw.lit(1)).otherwise(nw.lit(0))
    amount = nw.col(params.metric.value) if params.metric in {PlanMetric.REVENUE, PlanMetric.MARGIN} else counted
    return sold.with_columns(amount.cast(Unit.MONEY.dtype).alias("amount"), counted.alias("count"))


def _facts(sold: Frame, targets: Frame, calendar: Frame, params: PlanFactParams) -> Frame:
    return _summed(_in_planned_months(sold, targets, calendar), params)


def _summed(sold: Frame, params: PlanFactParams) -> Frame:
    """`amount` and the number of sales of each key and month."""
    measured = _measured(sold, params)
    if params.by is not PlanBy.PRODUCT_CATEGORY:
        return measured.group_by("key", "month").agg(nw.col("amount").sum(), nw.col("count").sum())
    # A sale of two lines in one category is one sale.
    sale = nw.when(nw.col("is_sale")).then(nw.col("sale_id"))
    counts_sales = params.metric in {PlanMetric.SALES, PlanMetric.WON}
    grouped = measured.with_columns(sale.alias("sale")).group_by("key", "month")
    summed = grouped.agg(nw.col("amount").sum(), count_distinct("sale").alias("count"))
    return summed.with_columns(nw.col("count" if counts_sales else "amount").cast(Unit.MONEY.dtype).alias("amount"))


def _named(keyed: Frame, employees: Frame, pipelines: Frame, params: PlanFactParams) -> Frame:
    if params.by is PlanBy.EMPLOYEE:
        names = employees.select(nw.col("employee_id").alias("key"), "name")
    elif params.by is PlanBy.PIPELINE:
        names = pipelines.select(nw.col("pipeline_id").alias("key"), "name")
    else:
        return keyed.with_columns(nw.col("key").alias("name"))
    return keyed.join(names, on="key", how="left").with_columns(
        nw.coalesce(nw.col("name"), nw.col("key")).alias("name")
    )


def judged(parts: pa.Table, params: PlanFactParams) -> pa.Table:
    """One row per key with a target or a fact in the planned months, with pace and forecast.

    The pace of the running month is the median, over up to 12 finished months, of the share sold by the same
    part of the month's working days; with fewer than 3 such months it is linear in working days.
    """
    rows = defaultdict(list[dict[str, Any]])
    for row in parts.to_pylist():
        rows[row["part"]].append(row)
    names = {row["key"]: row["name"] for row in (*rows["target"], *rows["fact"])}
    targets = _targets(rows["target"], params)
    facts: dict[str | None, dict[date, dict[str, Any]]] = defaultdict(dict)
    for row in rows["fact"]:
        facts[row["key"]][row["day"]] = row
    keys = {*targets, *facts}
    current = bucket_start(params.today, Grain.MONTH)
    last = max((month for held in (*targets.values(), *facts.values()) for month in held), default=current)
    by = (
        None
        if params.foreseen_by is ForeseenBy.BETTER
        else ("pace" if params.foreseen_by is ForeseenBy.PACE else "forecast")
    )
    ahead = History(rows["day"], rows["calendar"], params.today).ahead(max(last, current), by=by)
    parts_of = _parts_of(rows["lately"], rows["day"], params)
    return answered(
        [
            _judged_row(
                key,
                names.get(key),
                targets=targets.get(key, {}),
                facts=facts.get(key, {}),
                ahead=ahead,
                part=parts_of.get(key, 0.0),
                params=params,
            )
            for key in keys
        ],
        COLUMNS,
    )


def _parts_of(
    lately: Iterable[Mapping[str, Any]], days: Iterable[Mapping[str, Any]], params: PlanFactParams
) -> dict[str | None, float]:
    """What part of the company's sales of the last months is of each key."""
    amounts: dict[str | None, float] = defaultdict(float)
    for row in lately:
        amounts[row["key"]] += float(row["amount"] or 0)
    whole = sum(float(row["amount"] or 0) for row in days if row["day"] >= _lately(params))
    return {key: max(amount, 0.0) / whole if whole > 0 else 0.0 for key, amount in amounts.items()}


def _targets(rows: Iterable[Mapping[str, Any]], params: PlanFactParams) -> dict[str | None, dict[date, Decimal]]:
    """Targets by key and month, each month from the first level that has any."""
    levels = LEVELS.get(params.by, (params.by.value,))
    by_month: dict[date, dict[str, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_month[row["day"]][row["level"]].append(row)
    found: dict[str | None, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for month, of_level in by_month.items():
        level = next(level for level in levels if level in of_level)
        for row in of_level[level]:
            found[row["key"]][month] += row["amount"]
    return found


def _judged_row(
    key: str | None,
    name: str | None,
    *,
    targets: Mapping[date, Decimal],
    facts: Mapping[date, Mapping[str, Any]],
    ahead: Ahead,
    part: float,
    params: PlanFactParams,
) -> dict[str, Any]:
    current = bucket_start(params.today, Grain.MONTH)
    fact = sum((row["amount"] for row in facts.values()), Decimal(0))
    target = sum(targets.values(), Decimal(0)) if targets else None
    share = Decimal(str(ahead.share))
    expected, forecast = Decimal(0), Decimal(0)
    coming = sorted(month for month in {*targets, *facts} if month >= current)
    for month in {*targets, *facts}:
        sold = facts[month]["amount"] if month in facts else Decimal(0)
        passed = Decimal(1) if month < current else share if month == current else Decimal(0)
        expected += targets.get(month, Decimal(0)) * passed
        is_paced = passed == 1 or (passed > 0 and ahead.way == "pace")
        rest = (1 - passed) * Decimal(repr(ahead.months.get(month, 0.0) * part))
        forecast += sold / passed if is_paced else sold + rest
    steps = [place for place, month in enumerate(ahead.months) if month in coming]
    width = ahead.half_width(steps) if params.by is PlanBy.COMPANY else None
    half = None if width is None else Decimal(repr(width))
    return {
        "key": key,
        "name": name,
        "target": target,
        "fact": fact,
        "done": float(fact / target) if target else None,
        "expected_by_now": expected.quantize(CENT) if target is not None else None,
        "ahead": (fact - expected).quantize(CENT) if target is not None else None,
        "forecast": forecast.quantize(CENT),
        "forecast_low": None if half is None else max(forecast - half, fact).quantize(CENT),
        "forecast_high": None if half is None else (forecast + half).quantize(CENT),
        "forecast_done": float(forecast / target) if target else None,
        "foreseen_by": ahead.way if coming else None,
        "sales": sum(int(row["count"]) for row in facts.values()),
    }


def members(frames: Frames, params: PlanFactParams, cell: Cell) -> Frame:
    """The sales that count towards the key's plan."""
    targets = planned(frames["plan_targets"], params)
    sold = _sold(frames["sales"], frames["sale_lines"], params).filter(nw.col("is_sale"))
    counted = where_cell(_in_planned_months(sold, targets, frames["calendar"]), dict(cell))
    return counted.group_by("sale_id").agg().select("sale_id")


def _unplanned(frames: Frames, params: PlanFactParams) -> Frame:
    targets = planned(frames["plan_targets"], params).group_by("month").agg()
    months = frames["calendar"].select(nw.col("day").alias("sold_on"), "month")
    sold = in_basis(frames["sales"], params.sales_basis).filter(params.window.contains(nw.col("sold_on")))
    return sold.join(months, on="sold_on", how="inner").join(targets, on="month", how="anti")


def _order(order_id: str, day: str, manager: str | None, amount: int) -> dict[str, Any]:
    return {"order_id": order_id, "ordered_at": day, "manager_id": manager, "amount": amount}


EXAMPLE = Example(
    tables={
        "employees": [
            {"employee_id": "anna", "name": "Анна", "department": "Опт"},
            {"employee_id": "boris", "name": "Борис", "department": "Опт"},
        ],
        "plans": [
            {"month": "2026-02", "metric": "revenue", "target": 1000, "employee_id": "anna"},
            {"month": "2026-03", "metric": "revenue", "target": 2100, "employee_id": "anna"},
            {"month": "2026-03", "metric": "revenue", "target": 2100, "employee_id": "boris"},
            {"month": "2026-03", "metric": "sales", "target": 7, "employee_id": "boris"},
            {"month": "2026-04", "metric": "revenue", "target": 9000, "employee_id": "boris"},
        ],
        "orders": [
            _order("before any plan", "2026-01-31 23:59", "anna", 5000),
            _order("first day", "2026-02-01", "anna", 900),
            _order("in March", "2026-03-02", "anna", 700),
            _order("today", "2026-03-10 23:59", "boris", 350),
            _order("a tie", "2026-03-10 23:59", "boris", 350),
            _order("tomorrow", "2026-03-11", "boris", 10000),
            _order("nobody's", "2026-03-05", None, 60),
        ],
    },
    params=PlanFactParams.model_validate({"by": "employee", "as_of": "2026-03-10"}),
    expect=[
        # March 2026 has 21 working days, 6 of them by the 10th (the 9th is a day off): 2/7 of the month.
        {"key": "anna", "name": "Анна", "target": 3100, "fact": 1600, "done": 16 / 31, "expected_by_now": 1600,
         "ahead": 0, "forecast": 3350, "sales": 2},
        {"key": "boris", "target": 2100, "fact": 700, "done": 1 / 3, "expected_by_now": 600, "ahead": 100,
         "forecast": 2450, "sales": 2},
        {"key": None, "target": None, "fact": 60, "done": None, "expected_by_now": None, "forecast": 210, "sales": 1},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="plan_fact",
    area="sales",
    title=Text(ru="План и факт", en="Plan and fact"),
    question=Text(ru="Выполняется ли план и чем кончится месяц?", en="Is the plan met, and how will the month end?"),
    how_to_read=Text(
        ru=(
            "Сравнивайте факт не с планом целиком, а с тем, что должно быть к этому дню. Опережение больше нуля "
            "значит, что идёте быстрее обычного. Прогноз говорит, чем кончатся месяцы плана; рядом сказано, темпом или прогнозом продаж."
        ),
        en=(
            "Hold the fact not against the whole plan but against what is expected by now. Ahead above zero means "
            "faster than usual. The forecast says how the planned months end, and beside it is told by which way."
        ),
    ),
    definition=Text(
        ru=(
            "План и факт складываются по месяцам периода, на которые есть план; месяц берётся целиком. Факт по "
            "продажам до дня вопроса включительно. Если у разреза нет своего плана на месяц, складываются планы "
            "уровнем ниже (компания: отделы, затем сотрудники; отдел: сотрудники). Должно быть к этому дню: план "
            "прошлых месяцев целиком и доля плана текущего. Доля: медиана по последним 12 завершённым месяцам (без "
            "самого первого) того, какая часть месяца продана к той же доле рабочих дней; если таких месяцев меньше "
            "трёх, доля прошедших рабочих дней. Прогноз: факт прошлых месяцев; текущий по темпу (факт / доля) или по прогнозу "
            "продаж (факт + прогноз месяца × остаток доли): что у всей компании на той же части прошлых месяцев ошибалось меньше "
            "(темп, пока прогноз не лучше хотя бы на 5 %); месяцы, что впереди, по прогнозу продаж (как в отчёте «Прогноз продаж» на "
            "столько же шагов), а пока завершённых месяцев меньше шести, по выручке рабочего дня последних трёх. То, чего ещё нет, "
            "делится по доле каждого в продажах трёх последних месяцев и текущего. Интервал 80 %: по прежним ошибкам, только у "
            "компании. Рабочие дни по производственному календарю России."
        ),
        en=(
            "Plan and fact are added over the months of the period that have a target; a month is taken whole. The "
            "fact reaches to the day of the question, included. Where a cut has no target of its own for a month, the "
            "targets one level below are added up (company: departments, then employees; department: employees). "
            "Expected by now: the whole target of past months and a share of the running month's. The share is the "
            "median, over the last 12 finished months but the very first, of what was sold by the same part of the "
            "working days; with fewer than three such months, the share of working days passed. Forecast: the fact of "
            "past months; the running one by its pace (fact / share) or by the sales forecast (fact + forecast of the month × what "
            "is left of the share): whichever erred less for the whole company at the same part of past months (the pace, unless "
            "the forecast is 5% better at least); months to come by the sales forecast (that of the report “Sales forecast” for as "
            "many steps), with fewer than six finished months by the revenue of a working day of the last three. What is still to come "
            "is shared by each one's part of the sales of the last three months and the running one. Interval of 80%: by past errors, "
            "for the company only. Working days by Russia's public calendar."
        ),
    ),
    source="docs/definitions.md, Sales",
    inputs={
        "plan_targets": PLAN_TARGETS,
        "sales": SALES,
        "sale_lines": SALE_LINES,
        "calendar": CALENDAR,
        "employees": stored(EMPLOYEES),
        "pipelines": stored(PIPELINES),
    },
    params=PlanFactParams,
    columns=COLUMNS,
    order=("-target", "-fact", "key"),
    compute=plan_fact,
    finish=judged,
    members=Members(entity="sales", by=("key",), select=members, count="sales"),
    chart=Chart(kind="bullet", x="name", y=("fact", "forecast", "expected_by_now"), compare="target"),
    choice=basis_choice(),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="планов на выбранные месяцы", en="targets for the chosen months"),
                at_least=1,
                rows=lambda frames, params: planned(frames["plan_targets"], params),
            ),
        )
    ),
    left_out=(
        LeftOut(
            reason=Text(
                ru="Продажи в месяцы без плана: в сравнение не входят",
                en="Sales in months without a target: not part of the comparison",
            ),
            rows=_unplanned,
        ),
    ),
    example=EXAMPLE,
)
