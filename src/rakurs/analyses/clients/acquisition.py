"""Acquisition: what does a new client cost by channel, what is he worth, and when does he pay back?"""

from collections.abc import Mapping
from math import sqrt
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.clients.newcomers import (
    ALLOCATED,
    LEAST_OF_AGE,
    AcquisitionParams,
    By,
    Newcomers,
    grouped,
    newcomers,
    spent,
    summed,
)
from rakurs.analyses.columns import answered, choice, column, named, overlapping
from rakurs.core.analysis import (
    Analysis,
    Cell,
    Chart,
    DataGate,
    Example,
    Frames,
    LeftOut,
    Members,
    Need,
    Statement,
    Told,
)
from rakurs.core.discoveries import benjamini_hochberg, two_sided
from rakurs.core.frames import where_cell
from rakurs.core.money import cents
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import AD_SPENDING, CALENDAR, CUSTOMER, LEAD_OUTCOMES, SALES
from rakurs.metrics.basis import Basis, in_basis
from rakurs.models.history import KEY
from rakurs.models.lifetime import MODEL
from rakurs.schema import CAMPAIGNS, CHANNELS, CUSTOMERS
from rakurs.schema.derived import stored
from rakurs.schema.scores import MODEL_SCORES

Frame = nw.LazyFrame[Any]

MOST_FALSE = 0.05


KINDS = next(item.choices for item in CUSTOMER if item.name == "customer_kind")
VERDICTS: Mapping[str, Text] = {
    "pays": Text(ru="Окупаются", en="Pay"),
    "loses": Text(ru="Стоят дороже, чем приносят", en="Cost more than they bring"),
    "unclear": Text(ru="Неясно", en="Unclear"),
    "free": Text(ru="Без расходов", en="No cost"),
    "few": Text(ru="Рано: мало новых", en="Too early: few newcomers"),
    "nobody": Text(ru="Расход без новых клиентов", en="Cost without newcomers"),
}
TRENDS: Mapping[str, Text] = {
    "falls": Text(ru="Хуже, чем год назад", en="Worse than a year ago"),
    "grows": Text(ru="Лучше, чем год назад", en="Better than a year ago"),
    "same": Text(ru="Как год назад", en="As a year ago"),
}


def _mean(name: str, ru: str, en: str, *, has_interval: bool = False) -> Column:
    interval = (f"{name}_low", f"{name}_high") if has_interval else None
    return Column(name=name, unit=Unit.MONEY, title=Text(ru=ru, en=en), adds_up=False, interval=interval)


COLUMNS = (
    column("place", Unit.RANK, "Место", "Place"),
    column("id", Unit.ID, "Код", "Id"),
    named("name", "Название", "Name", KINDS),
    choice("verdict", "Вывод", "Verdict", VERDICTS),
    column("cost", Unit.MONEY, "Расход", "Cost"),
    column("leads", Unit.COUNT, "Лидов", "Leads"),
    column("newcomers", Unit.COUNT, "Новых клиентов", "New clients"),
    _mean("cost_per_lead", "Цена лида (CPL)", "Cost per lead (CPL)"),
    _mean("cac", "Цена клиента (CAC)", "Cost per client (CAC)"),
    _mean("earned", "Принёс к этому дню", "Earned so far"),
    _mean("value", "Ценность (CLV)", "Value (CLV)", has_interval=True),
    _mean("value_low", "Не ниже", "Low"),
    _mean("value_high", "Не выше", "High"),
    _mean("surplus", "CLV за вычетом CAC", "CLV less CAC"),
    column("value_to_cost", Unit.NUMBER, "Ценность к цене (CLV / CAC)", "Value to cost (CLV / CAC)"),
    overlapping("payback_months", Unit.COUNT, "Окупается за месяцев", "Pays back in months"),
    _mean("most_per_lead", "Предел цены лида", "The most a lead may cost"),
    _mean("early", "За первые дни", "In the first days", has_interval=True),
    _mean("early_low", "Не ниже", "Low"),
    _mean("early_high", "Не выше", "High"),
    choice("trend", "Против года назад", "Against a year ago", TRENDS),
)


def judged(parts: pa.Table, params: AcquisitionParams) -> pa.Table:
    """One row per channel (campaign, month, kind, region): the dearest first, months in order."""
    groups = grouped(parts)
    by_time = params.by is By.MONTHS

    def order(item: tuple[str | None, Newcomers]) -> tuple[float, bool, str]:
        return (0.0 if by_time else -item[1].sums["cost"], item[0] is None, item[0] or "")

    ordered = sorted(groups.items(), key=order)
    trends = _trends(groups) if by_time else {}
    rows = [
        _shown(key, group, place=place, trend=trends.get(key), params=params)
        for place, (key, group) in enumerate(ordered, start=1)
    ]
    return answered(rows, COLUMNS)


def _shown(
    key: str | None, group: Newcomers, *, place: int, trend: str | None, params: AcquisitionParams
) -> dict[str, Any]:
    cost, leads, new = group.sums["cost"], group.sums["leads"], group.newcomers
    cac, value = group.cac, group.mean("value", "valued")
    has_leads = leads > 0 and params.by not in ALLOCATED
    low, high = group.bounds("value", "valued")
    early_low, early_high = group.bounds("early", "grown")
    money = {
        "cost": cost,
        "cost_per_lead": cost / leads if has_leads else None,
        "cac": cac,
        "earned": group.mean("earned", "newcomers"),
        "value": value,
        "value_low": low,
        "value_high": high,
        "surplus": value - cac if value is not None and cac is not None else None,
        "most_per_lead": max(value, 0.0) * new / leads if has_leads and value is not None else None,
        "early": group.mean("early", "grown"),
        "early_low": early_low,
        "early_high": early_high,
    }
    return {
        "place": place,
        "id": key,
        "name": group.name,
        "verdict": group.verdict(),
        "leads": int(leads) if params.by not in ALLOCATED else None,
        "newcomers": int(new),
        "value_to_cost": value / cac if value is not None and cac else None,
        "payback_months": group.payback(),
        "trend": trend,
        **{name: cents(amount) for name, amount in money.items()},
    }


def _trends(groups: Mapping[str | None, Newcomers]) -> dict[str | None, str]:
    """Whether a month's newcomers brought surely less, or more, in their first days than those of the same month a year ago.

    By Welch's error of the difference of means; of all that is claimed at most a twentieth may be false. The same month,
    because the first days of a life have their season.
    """
    differences: dict[str | None, tuple[float, float]] = {}
    for month, group in groups.items():
        past = groups.get(_year_before(month)) if month else None
        if past is None or min(group.sums["grown"], past.sums["grown"]) < LEAST_OF_AGE:
            continue
        (mean, variance), (past_mean, past_variance) = (
            (each.mean("early", "grown") or 0.0, each.variance("early", "grown") or 0.0) for each in (group, past)
        )
        if variance + past_variance > 0:
            difference = mean - past_mean
            differences[month] = difference, two_sided(difference / sqrt(variance + past_variance))
    sure = benjamini_hochberg([chance for _, chance in differences.values()])
    return {
        month: "same" if chance > MOST_FALSE else "falls" if difference < 0 else "grows"
        for (month, (difference, _)), chance in zip(differences.items(), sure, strict=True)
    }


def _year_before(month: str) -> str:
    year, number = month.split("-")
    return f"{int(year) - 1:04d}-{number}"


def story(table: pa.Table, params: AcquisitionParams) -> tuple[Statement, ...]:
    """Who costs more than he brings, who pays back, and which months' newcomers are surely worse than before."""
    rows = table.to_pylist()
    told = [_verdict_told(row) for row in rows if row["verdict"] == "loses" and row["value"] is not None]
    told += [_trend_told(row, params) for row in rows if row["trend"] == "falls"]
    return tuple(told)


def _money(value: Any) -> Told:
    return Told(value=value, unit=Unit.MONEY)


def _verdict_told(row: Mapping[str, Any]) -> Statement:
    return Statement(
        words=Text(
            ru="{name}: новый клиент стоит {cac}, а принесёт за всё время {value} (не больше {high}).",
            en="{name}: a new client costs {cac} and will bring {value} in all (no more than {high}).",
        ),
        values={
            "name": Told(value=row["name"], unit=Unit.TEXT),
            "cac": _money(row["cac"]),
            "value": _money(row["value"]),
            "high": _money(row["value_high"]),
        },
        cell={"id": row["id"]},
    )


def _trend_told(row: Mapping[str, Any], params: AcquisitionParams) -> Statement:
    return Statement(
        words=Text(
            ru="Пришедшие в {name} приносят за первые {days} дн. {early}: меньше, чем пришедшие в том же месяце год назад.",
            en="Those who came in {name} bring {early} in their first {days} days: less than those who came in the same month a year ago.",
        ),
        values={
            "name": Told(value=row["name"], unit=Unit.TEXT),
            "days": Told(value=params.early_days, unit=Unit.COUNT),
            "early": _money(row["early"]),
        },
        cell={"id": row["id"]},
    )


def members(frames: Frames, params: AcquisitionParams, cell: Cell) -> Frame:
    """The new clients of a channel (campaign, month, kind, region)."""
    return where_cell(newcomers(frames, params), dict(cell)).select(KEY)


def _order(customer: str, day: str, amount: int, **more: Any) -> dict[str, Any]:
    return {"order_id": f"{customer} {day}", "ordered_at": day, "customer_id": customer, "amount": amount, **more}


def _cost(day: str, amount: int, **of: str) -> dict[str, Any]:
    return {"spent_at": day, "amount": amount, **of}


EXAMPLE = Example(
    tables={
        "channels": [{"channel_id": "ads", "name": "Реклама"}],
        "campaigns": [{"campaign_id": "spring", "channel_id": "ads"}],
        "customers": [{"customer_id": "b", "channel_id": "ads"}],
        "ad_costs": [
            # A campaign's cost is its channel's; the first and the last day of the period belong to it.
            _cost("2026-01-01", 90, campaign_id="spring"),
            _cost("2026-01-31", 110, channel_id="ads"),
            _cost("2026-02-01", 999, channel_id="ads"),
            _cost("2026-01-10", 50, channel_id="fair"),
        ],
        "leads": [
            {"lead_id": "1", "created_at": "2026-01-01", "channel_id": "ads"},
            {"lead_id": "2", "created_at": "2026-01-31 23:59", "channel_id": "ads", "customer_id": "a"},
            {"lead_id": "3", "created_at": "2026-02-01", "channel_id": "ads"},
        ],
        "orders": [
            _order("a", "2026-01-01", 300, channel_id="ads"),
            _order("a", "2026-03-31", 100),
            # Whose channel is known belongs to it, whatever the sale says.
            _order("b", "2026-01-31", 500, channel_id="site"),
            _order("c", "2026-01-15", 40, channel_id="site"),
            _order("old", "2025-12-31", 700, channel_id="ads"),
            _order("old", "2026-01-05", 700, channel_id="ads"),
        ],
        "model_scores": [
            {"model": "lifetime", "scored_on": "2026-03-31", "customer_id": "a", "score": 0.5, "amount": 100},
            {"model": "lifetime", "scored_on": "2026-03-31", "customer_id": "b", "score": 0.5, "amount": 300},
            {"model": "lifetime", "scored_on": "2026-03-31", "customer_id": "c", "score": 0.5, "amount": 10},
        ],
    },
    params=AcquisitionParams.model_validate(
        {"as_of": "2026-03-31", "from_day": "2026-01-01", "to_day": "2026-01-31", "discount": 0}
    ),
    expect=[
        {"place": 1, "id": "ads", "name": "Реклама", "verdict": "few", "cost": 200, "leads": 2, "newcomers": 2,
         "cost_per_lead": 100, "cac": 100, "earned": 450, "value": 650, "surplus": 550, "value_to_cost": 6.5,
         "most_per_lead": 650, "payback_months": None},
        {"place": 2, "id": "fair", "name": "fair", "verdict": "nobody", "cost": 50, "newcomers": 0, "cac": None,
         "value": None},
        {"place": 3, "id": "site", "name": "site", "verdict": "free", "cost": 0, "newcomers": 1, "cac": 0,
         "earned": 40, "value": 50, "value_low": None, "value_to_cost": None},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="acquisition",
    area="clients",
    model=MODEL.name,
    title=Text(ru="Цена и окупаемость новых клиентов", en="Cost and payback of new clients"),
    question=Text(
        ru="Во что обходится новый клиент, сколько он принесёт и когда окупится?",
        en="What does a new client cost, what will he bring, and when does he pay back?",
    ),
    how_to_read=Text(
        ru=(
            "Точка: ценность нового клиента с 95 % интервалом, вторая точка: чего он стоил. Если весь интервал левее цены, "
            "канал обходится дороже, чем приносит. «Предел цены лида»: сколько лид может стоить, чтобы клиент окупался "
            "впритык. По месяцам первой покупки видно, не хуже ли стали новые. Не судите по первым месяцам данных: в "
            "них «новыми» кажутся и старые клиенты."
        ),
        en=(
            "The dot is the value of a new client with its 95% interval, the second dot what he cost. Where the whole "
            "interval lies left of the cost, the channel costs more than it brings. “The most a lead may cost” is the price "
            "at which a client just pays back. By months of the first purchase: have newcomers become worse? Do not judge "
            "by the first months of your data, where old clients look new too."
        ),
    ),
    definition=Text(
        ru=(
            "Новый клиент: первая продажа за всё время в периоде. Канал: у клиента, если указан, иначе у первой продажи; "
            "кампания: у первого лида клиента, иначе у первой продажи. CAC = расход периода / новые клиенты периода; CPL = расход / лиды. Расход на виды "
            "клиентов и регионы: расход канала поровну на его новых клиентов. CLV нового = маржа с первой покупки по день "
            "оценки + ожидаемая дальше (модель ценности), всё дисконтировано к первой покупке; среднее по новым, интервал по "
            "их разбросу. Себестоимость неизвестна: маржа по средней доле компании (или вся выручка, если её нет нигде). "
            "Окупаемость: первый 30-дневный месяц жизни, в котором накопленная средняя маржа достигла CAC; месяц считается по "
            "тем, кто его прожил, и если таких не меньше 30. Предел цены лида = CLV × новые / лиды. «Хуже, чем год назад»: за "
            "первые early_days дней принесли меньше пришедших в том же месяце год назад (Уэлч, поправка Бенджамини и Хохберга)."
        ),
        en=(
            "A new client: the first sale ever lies in the period. Channel: the client's own where given, else that of the "
            "first sale; campaign: of his first lead, else of the first sale. CAC = cost of the period / new clients of it; CPL = cost / leads. Cost "
            "of kinds and regions: a channel's cost shared equally among its new clients. CLV of a new one = margin from the "
            "first purchase to the day of scoring + what is expected from then on (the lifetime model), all discounted to the "
            "first purchase; the mean over new clients, its interval by their spread. Cost unknown: margin at the company's "
            "rate (or all revenue where no cost is known). Payback: the first 30-day month of life in which the mean margin so "
            "far reaches CAC; a month is counted over those who lived through it, if 30 at least did. The most a lead may "
            "cost = CLV × new clients / leads. “Worse than a year ago”: in their first early_days days they brought less "
            "than those who came in the same month a year ago (Welch, Benjamini and Hochberg)."
        ),
    ),
    source="docs/definitions.md, Value and prediction",
    inputs={
        "sales": SALES,
        "spending": AD_SPENDING,
        "leads": LEAD_OUTCOMES,
        "scores": MODEL_SCORES,
        "customers": stored(CUSTOMERS),
        "channels": stored(CHANNELS),
        "campaigns": stored(CAMPAIGNS),
        "calendar": CALENDAR,
    },
    params=AcquisitionParams,
    columns=COLUMNS,
    order=("place",),
    compute=summed,
    finish=judged,
    story=story,
    members=Members(entity="customers", by=("id",), select=members, count="newcomers"),
    chart=Chart(kind="intervals", x="name", y=("value", "cac"), interval=("value_low", "value_high")),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="дней с расходом на рекламу в периоде", en="days with advertising costs in the period"),
                at_least=1,
                rows=spent,
            ),
            Need(
                what=Text(ru="новых клиентов в периоде", en="new clients in the period"),
                at_least=1,
                rows=newcomers,
            ),
        )
    ),
    left_out=(
        LeftOut(
            reason=Text(ru="Расходы без курса валюты", en="Costs without an exchange rate"),
            rows=lambda frames, params: spent(frames, params).filter(nw.col("is_rate_missing")),
        ),
        LeftOut(
            reason=Text(ru="Первые продажи без клиента", en="First sales without a customer"),
            rows=lambda frames, params: in_basis(frames["sales"], params.basis, preferred=Basis.ORDERS).filter(
                nw.col("customer_id").is_null(),
                nw.col("is_sale"),
                params.window.contains(nw.col("sold_on")),
                nw.col("sold_on") <= nw.lit(params.today),
            ),
        ),
    ),
    example=EXAMPLE,
)
