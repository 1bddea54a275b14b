"""Plan and fact: is the plan being met, is that on pace, and how will the month end?"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import answered, column, named
from rakurs.analyses.filters import basis_choice
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members, Need
from rakurs.core.frames import absent, conform, count_distinct, where_cell
from rakurs.core.params import PeriodParams, parameter
from rakurs.core.periods import Grain, bucket_start
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, PLAN_TARGETS, SALE_LINES, SALES
from rakurs.metrics.basis import BASIS, Basis, in_basis
from rakurs.schema import EMPLOYEES, PIPELINES
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

CENT = Decimal("0.01")
HISTORY_MONTHS = 12
FEWEST_MONTHS = 3
"""With fewer finished months of sales the pace is linear in working days."""
COMPANY = "company"


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


class PlanFactParams(PeriodParams):
    """Parameters of the plan and fact."""

    metric: PlanMetric = parameter(PlanMetric.REVENUE, Text(ru="Показатель", en="Metric"), labels=METRIC_LABELS)
    by: PlanBy = parameter(PlanBy.COMPANY, Text(ru="Разрез", en="By"), labels=BY_LABELS)
    basis: Basis = BASIS

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
    column("forecast_done", Unit.RATIO, "Прогноз выполнения", "Forecast done"),
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
)
"""What the engine hands over: targets, facts, all sales by day, working days; told apart by `part`."""


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
    """Targets by month, facts by key and month, sales by day, working days: everything `judged` needs, reduced."""
    targets = planned(plan_targets, params)
    facts = _facts(_sold(sales, sale_lines, params), targets, calendar, params)
    daily = _measured(in_basis(sales, params.sales_basis), params).filter(nw.col("sold_on") <= nw.lit(params.today))
    history = daily.group_by("sold_on").agg(nw.col("amount").sum(), nw.col("count").sum())
    working = calendar.filter(nw.col("day") <= nw.lit(params.today))
    parts = (
        _named(targets, employees, pipelines, params).with_columns(
            nw.lit("target").alias("part"), nw.col("month").alias("day"), nw.lit(0).alias("count")
        ),
        _named(facts, employees, pipelines, params).with_columns(
            nw.lit("fact").alias("part"), absent(Unit.TEXT).alias("level"), nw.col("month").alias("day")
        ),
        history.with_columns(
            nw.lit("day").alias("part"),
            *(absent(Unit.TEXT).alias(name) for name in ("level", "key", "name")),
            nw.col("sold_on").alias("day"),
        ),
        working.with_columns(
            nw.lit("calendar").alias("part"),
            *(absent(Unit.TEXT).alias(name) for name in ("level", "key", "name")),
            nw.col("working_day_of_month").alias("count"),
            nw.col("working_days_in_month").alias("amount"),
        ),
    )
    return nw.concat([conform(part, PARTS) for part in parts])


def planned(plan_targets: Frame, params: PlanFactParams) -> Frame:
    """The targets of the metric in the asked months that the cut can use, each with its key."""
    first = params.window.start
    levels = LEVELS.get(params.by, (params.by.value,))
    frame = plan_targets.filter(nw.col("metric") == nw.lit(params.metric.value), nw.col("level").is_in(levels))
    if first is not None:
        frame = frame.filter(nw.col("month") >= nw.lit(bucket_start(first, Grain.MONTH)))
    if params.window.end is not None:
        frame = frame.filter(nw.col("month") < nw.lit(params.window.end))
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
    measured = _measured(_in_planned_months(sold, targets, calendar), params)
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
    share = pace(rows["day"], rows["calendar"], today=params.today)
    keys = {*targets, *facts}
    return answered(
        [
            _judged_row(
                key, names.get(key), targets=targets.get(key, {}), facts=facts.get(key, {}), share=share, params=params
            )
            for key in keys
        ],
        COLUMNS,
    )


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
    share: float,
    params: PlanFactParams,
) -> dict[str, Any]:
    current = bucket_start(params.today, Grain.MONTH)
    fact = sum((row["amount"] for row in facts.values()), Decimal(0))
    target = sum(targets.values(), Decimal(0)) if targets else None
    expected, forecast = Decimal(0), Decimal(0)
    for month in {*targets, *facts}:
        sold = facts[month]["amount"] if month in facts else Decimal(0)
        passed = Decimal(1) if month < current else Decimal(str(share)) if month == current else Decimal(0)
        expected += targets.get(month, Decimal(0)) * passed
        forecast += sold / passed if passed else sold
    forecast = forecast.quantize(CENT)
    is_known = share > 0 or current not in {*targets, *facts}
    return {
        "key": key,
        "name": name,
        "target": target,
        "fact": fact,
        "done": float(fact / target) if target else None,
        "expected_by_now": expected.quantize(CENT) if target is not None else None,
        "ahead": (fact - expected).quantize(CENT) if target is not None else None,
        "forecast": forecast if is_known else None,
        "forecast_done": float(forecast / target) if target and is_known else None,
        "sales": sum(int(row["count"]) for row in facts.values()),
    }


def pace(days: Iterable[Mapping[str, Any]], calendar: Iterable[Mapping[str, Any]], *, today: date) -> float:
    """The share of a month that is usually done by the working day of `today`, 0..1."""
    worked = {row["day"]: (int(row["count"]), int(row["amount"])) for row in calendar}
    if today not in worked:
        return 1.0
    done, whole = worked[today]
    current = bucket_start(today, Grain.MONTH)
    months: dict[date, list[tuple[date, Decimal]]] = defaultdict(list)
    for row in days:
        months[bucket_start(row["day"], Grain.MONTH)].append((row["day"], row["amount"] or Decimal(0)))
    # The first month with sales may have begun before the data did.
    finished = [month for month in sorted(months)[1:] if month < current][-HISTORY_MONTHS:]
    shares: list[float] = []
    for month in finished:
        total = sum((amount for _, amount in months[month]), Decimal(0))
        if total <= 0:
            continue
        until = -(-done * worked[month][1] // whole)
        sold = sum((amount for day, amount in months[month] if worked[day][0] <= until), Decimal(0))
        shares.append(min(1.0, max(0.0, float(sold / total))))
    return median(shares) if len(shares) >= FEWEST_MONTHS else done / whole


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
            "значит, что идёте быстрее обычного. Прогноз говорит, чем кончится месяц, если темп сохранится."
        ),
        en=(
            "Hold the fact not against the whole plan but against what is expected by now. Ahead above zero means "
            "faster than usual. The forecast says how the month ends if the pace holds."
        ),
    ),
    definition=Text(
        ru=(
            "План и факт складываются по месяцам периода, на которые есть план; месяц берётся целиком. Факт по "
            "продажам до дня вопроса включительно. Если у разреза нет своего плана на месяц, складываются планы "
            "уровнем ниже (компания: отделы, затем сотрудники; отдел: сотрудники). Должно быть к этому дню: план "
            "прошлых месяцев целиком и доля плана текущего. Доля: медиана по последним 12 завершённым месяцам (без "
            "самого первого) того, какая часть месяца продана к той же доле рабочих дней; если таких месяцев меньше "
            "трёх, доля прошедших рабочих дней. Прогноз: факт прошлых месяцев и факт текущего, делённый на долю. "
            "Рабочие дни по производственному календарю России."
        ),
        en=(
            "Plan and fact are added over the months of the period that have a target; a month is taken whole. The "
            "fact reaches to the day of the question, included. Where a cut has no target of its own for a month, the "
            "targets one level below are added up (company: departments, then employees; department: employees). "
            "Expected by now: the whole target of past months and a share of the running month's. The share is the "
            "median, over the last 12 finished months but the very first, of what was sold by the same part of the "
            "working days; with fewer than three such months, the share of working days passed. Forecast: the fact of "
            "past months plus the running month's fact divided by the share. Working days by Russia's public calendar."
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
