"""Managers: who sells how much and how well, and is the difference real or luck?"""

from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import MANAGER, column, flag, overlapping
from rakurs.analyses.filters import DealFilters, asked_deals, end_of
from rakurs.analyses.sales.gates import DEALS_WITHOUT_AMOUNT, SOME_DEALS
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members
from rakurs.core.frames import count_where, money_each, ratio, sum_where, where_cell
from rakurs.core.intervals import Interval, shrunk_shares, wilson
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_OUTCOMES
from rakurs.schema import EMPLOYEES
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

DAY_SECONDS = 86_400


class ManagersParams(DealFilters):
    """Parameters of the managers' comparison."""


COLUMNS = (
    *MANAGER,
    column("department", Unit.TEXT, "Отдел", "Department"),
    column("created", Unit.COUNT, "Создано", "Created"),
    column("in_progress", Unit.COUNT, "В работе", "In progress"),
    column("in_transit", Unit.COUNT, "Из них ещё в пути", "Of them still on the way"),
    column("won", Unit.COUNT, "Выиграно", "Won"),
    column("lost", Unit.COUNT, "Проиграно", "Lost"),
    column("won_amount", Unit.MONEY, "Сумма выигранных", "Won amount"),
    column("conversion", Unit.SHARE, "Конверсия", "Conversion"),
    column("conversion_low", Unit.SHARE, "Конверсия, не ниже", "Conversion, low"),
    column("conversion_high", Unit.SHARE, "Конверсия, не выше", "Conversion, high"),
    column("conversion_shrunk", Unit.SHARE, "Конверсия, поправленная", "Conversion, shrunk"),
    flag("is_distinct", "Отличается от компании", "Differs from the company"),
    flag("is_distinct_from_best", "Отличается от лучшего", "Differs from the best"),
    column("win_rate", Unit.SHARE, "Доля побед", "Win rate"),
    column("win_rate_low", Unit.SHARE, "Доля побед, не ниже", "Win rate, low"),
    column("win_rate_high", Unit.SHARE, "Доля побед, не выше", "Win rate, high"),
    overlapping("average_check", Unit.MONEY, "Средний чек", "Average check"),
    column("median_cycle_days", Unit.DAYS, "Медианный цикл, дней", "Median cycle, days"),
    column("contribution", Unit.RATIO, "Вклад в сумму", "Contribution"),
)


def managers(*, deal_outcomes: Frame, employees: Frame, params: ManagersParams) -> Frame:
    """One row per manager with a deal in the cohort; deals without a manager share one row. Counts and sums only."""
    deals = asked_deals(deal_outcomes, params)
    closed = deal_outcomes.filter(nw.col("closed_on") <= nw.lit(params.today))
    usual = closed.select(nw.col("cycle_days").median().alias("usual_cycle_days"))
    age_days = (nw.lit(end_of(params.today)) - nw.col("created_epoch")).cast(nw.Float64()) / DAY_SECONDS
    is_open, is_won, is_lost = (nw.col("outcome") == outcome for outcome in ("open", "won", "lost"))
    counted = (
        deals.join(usual, how="cross")
        .with_columns(nw.when(~is_open).then(nw.col("cycle_days")).alias("closed_cycle_days"))
        .group_by("manager_id")
        .agg(
            nw.len().alias("created"),
            count_where(is_open).alias("in_progress"),
            count_where(is_open & (age_days < nw.col("usual_cycle_days"))).alias("in_transit"),
            count_where(is_won).alias("won"),
            count_where(is_lost).alias("lost"),
            sum_where("amount", is_won).alias("won_amount"),
            nw.col("closed_cycle_days").median().alias("median_cycle_days"),
        )
    )
    names = employees.select(nw.col("employee_id").alias("manager_id"), nw.col("name").alias("manager"), "department")
    return (
        counted.join(names, on="manager_id", how="left")
        .with_columns(
            nw.coalesce(nw.col("manager"), nw.col("manager_id")).alias("manager"),
            nw.col("won_amount").sum().alias("all_amount"),
        )
        .with_columns(
            money_each(nw.col("won_amount"), nw.col("won")).alias("average_check"),
            ratio(nw.col("won_amount"), nw.col("all_amount")).alias("contribution"),
        )
    )


def with_rates(counted: pa.Table, params: ManagersParams) -> pa.Table:
    """Adds the rates: Wilson intervals, empirical Bayes, and whether a manager differs from all and from the best.

    "Differs" means that the 95 % intervals of the two conversions share no point. The best is the manager with
    the highest shrunk conversion (ties: more deals, then id); the best differs from nobody better.
    """
    _ = params
    rows = sorted(counted.to_pylist(), key=lambda row: (row["manager_id"] is None, row["manager_id"] or ""))
    won, created = [int(row["won"]) for row in rows], [int(row["created"]) for row in rows]
    closed = [int(row["won"] + row["lost"]) for row in rows]
    shrunk = shrunk_shares(won, created)
    conversions = [wilson(*pair) for pair in zip(won, created, strict=True)]
    rates = [wilson(*pair) for pair in zip(won, closed, strict=True)]
    company = wilson(sum(won), sum(created))
    best = conversions[_best(shrunk, created)] if rows else None
    added = {
        "conversion": [won / created for won, created in zip(won, created, strict=True)],
        "conversion_low": [interval.low if interval else None for interval in conversions],
        "conversion_high": [interval.high if interval else None for interval in conversions],
        "conversion_shrunk": shrunk,
        "is_distinct": [_differ(interval, company) for interval in conversions],
        "is_distinct_from_best": [_differ(interval, best) for interval in conversions],
        "win_rate": [won / closed if closed else None for won, closed in zip(won, closed, strict=True)],
        "win_rate_low": [interval.low if interval else None for interval in rates],
        "win_rate_high": [interval.high if interval else None for interval in rates],
    }
    kept = {name: [row[name] for row in rows] for name in counted.column_names}
    table = pa.table(kept, schema=counted.schema)
    for name, values in added.items():
        kind = pa.bool_() if name.startswith("is_") else pa.float64()
        table = table.append_column(name, pa.array(values, type=kind))
    return table


def _best(shrunk: list[float | None], created: list[int]) -> int:
    ranked = [
        (share, size, -index)
        for index, (share, size) in enumerate(zip(shrunk, created, strict=True))
        if share is not None
    ]
    return -max(ranked)[2]


def _differ(one: Interval | None, other: Interval | None) -> bool | None:
    return None if one is None or other is None else not one.overlaps(other)


def members(frames: Frames, params: ManagersParams, cell: Cell) -> Frame:
    """The deals of the manager in the cohort."""
    return where_cell(asked_deals(frames["deal_outcomes"], params), dict(cell)).select("deal_id")


def _deals(manager: str | None, created: str, **stages: int) -> list[dict[str, Any]]:
    return [
        {
            "deal_id": f"{manager} {stage} {created} {number}",
            "pipeline_id": "b2b",
            "stage_id": stage,
            "manager_id": manager,
            "created_at": created,
            "closed_at": None if stage == "new" else "2026-03-31 12:00",
            "amount": 100,
        }
        for stage, count in stages.items()
        for number in range(count)
    ]


EXAMPLE = Example(
    tables={
        "stages": [
            {"pipeline_id": "b2b", "stage_id": "new", "position": 1, "outcome": "open"},
            {"pipeline_id": "b2b", "stage_id": "won", "position": 2, "outcome": "won"},
            {"pipeline_id": "b2b", "stage_id": "lost", "position": 3, "outcome": "lost"},
        ],
        "employees": [{"employee_id": "anna", "name": "Анна"}, {"employee_id": "boris", "name": "Борис"}],
        "deals": [
            *_deals("anna", "2026-03-01", won=8, lost=2),
            *_deals("boris", "2026-03-31", won=2, lost=6, new=2),
            *_deals(None, "2026-03-15", won=1),
            *_deals("anna", "2026-02-28 23:59", won=1),
            *_deals("boris", "2026-04-01", new=1),
        ],
    },
    params=ManagersParams.model_validate({"from_day": "2026-03-01", "to_day": "2026-03-31", "as_of": "2026-04-01"}),
    expect=[
        # Wilson, 8 of 10: 0.4902..0.9433; 2 of 10: 0.0567..0.5098; they share 0.4902..0.5098.
        {"manager_id": "anna", "manager": "Анна", "created": 10, "in_progress": 0, "won": 8, "lost": 2,
         "won_amount": 800, "conversion": 0.8, "conversion_low": 0.4901624715, "conversion_high": 0.9433178485,
         "is_distinct": False, "win_rate": 0.8, "average_check": 100, "contribution": 8 / 11},
        # The two deals of the last day are two days old by the end of 1 April; the median cycle is longer.
        {"manager_id": "boris", "created": 10, "in_progress": 2, "in_transit": 2, "won": 2, "lost": 6,
         "conversion": 0.2, "conversion_low": 0.0566821515, "conversion_high": 0.5098375285, "is_distinct_from_best": False,
         "win_rate": 0.25, "contribution": 2 / 11},
        {"manager_id": None, "created": 1, "won": 1, "conversion": 1.0, "contribution": 1 / 11},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="managers",
    area="sales",
    title=Text(ru="Менеджеры", en="Managers"),
    question=Text(ru="Кто продаёт лучше, и не случайность ли это?", en="Who sells better, and is it more than luck?"),
    how_to_read=Text(
        ru=(
            "Отрезок у конверсии показывает, в каких пределах она на самом деле. Если отрезки двух менеджеров "
            "пересекаются, они неразличимы: сравнивать их по этому показателю рано. Поправленная конверсия тянет малые "
            "группы к среднему по компании, по ней честнее сравнивать новичка с опытным."
        ),
        en=(
            "The segment at a conversion shows where it really may lie. When the segments of two managers overlap, "
            "they cannot be told apart yet. The shrunk conversion pulls small groups to the company's mean and is the "
            "fairer way to compare a newcomer with an old hand."
        ),
    ),
    definition=Text(
        ru=(
            "Сделки выборки по ответственному менеджеру. Конверсия = выигранные / все сделки той же выборки; доля "
            "побед = выигранные / (выигранные + проигранные). Интервалы Уилсона, 95 %. Поправленная конверсия: "
            "эмпирический Байес, бета-распределение по всем менеджерам методом моментов. Отличается: интервал не "
            "пересекается с интервалом компании (лучшего менеджера). Ещё в пути: открытая сделка моложе медианного "
            "цикла всех закрытых сделок. Цикл: от создания до закрытия, медиана по закрытым сделкам. Средний чек = "
            "сумма выигранных / их число. Вклад: доля в сумме выигранных. Отдел текущий."
        ),
        en=(
            "Deals of the cohort by responsible manager. Conversion = won / all deals of the same cohort; win rate = "
            "won / (won + lost). Wilson 95 % intervals. Shrunk conversion: empirical Bayes, a beta prior over all "
            "managers by the method of moments. Differs: the interval shares no point with the company's (the best "
            "manager's). Still on the way: an open deal younger than the median cycle of all closed deals. Cycle: "
            "creation to closing, median over closed deals. Average check = won amount / won deals. Contribution: "
            "share of the won amount. The department is the present one."
        ),
    ),
    source="Wilson, JASA 22 (1927), 209–212; Casella, The American Statistician 39 (1985), 83–87",
    inputs={"deal_outcomes": DEAL_OUTCOMES, "employees": stored(EMPLOYEES)},
    params=ManagersParams,
    columns=COLUMNS,
    order=("-won_amount", "manager_id"),
    compute=managers,
    finish=with_rates,
    members=Members(entity="deals", by=("manager_id",), select=members, count="created"),
    chart=Chart(kind="intervals", x="manager", y=("conversion",), interval=("conversion_low", "conversion_high")),
    gate=DataGate(needs=(SOME_DEALS,)),
    left_out=(
        DEALS_WITHOUT_AMOUNT,
        LeftOut(
            reason=Text(
                ru="Сделки без менеджера: отдельной строкой", en="Deals without a manager: in a row of their own"
            ),
            rows=lambda frames, params: asked_deals(frames["deal_outcomes"], params).filter(
                nw.col("manager_id").is_null()
            ),
        ),
    ),
    example=EXAMPLE,
)
