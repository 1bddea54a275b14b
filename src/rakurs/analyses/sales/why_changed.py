"""Why did a number change: which factors and which parts of the company make the difference, and is it more than chance?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import answered, choice, column, flag, overlapping
from rakurs.analyses.filters import narrowed
from rakurs.analyses.sales.change_events import (
    PARTS,
    PURCHASE,
    SIDES,
    SPLITS,
    WHOLE,
    counted,
    deal_events,
    of_cell,
    sale_events,
)
from rakurs.analyses.sales.change_factors import TREES, Factor, Group, Tree, effects_of, scale, values_of
from rakurs.analyses.sales.change_words import told
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, Members, Need
from rakurs.core.decomposition import CENT, rounded_to_sum
from rakurs.core.discoveries import benjamini_hochberg
from rakurs.core.params import CUSTOMER_SEGMENT, PRESET_LABELS, RECORDS, PeriodParams, Records, parameter
from rakurs.core.periods import DAY, Comparison, Period, Preset, compared_period
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_OUTCOMES, SALES
from rakurs.metrics import metric_named
from rakurs.metrics.basis import BASIS, Basis
from rakurs.schema import CAMPAIGNS, CHANNELS, EMPLOYEES, PIPELINES
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

ExplainedMetric = StrEnum("ExplainedMetric", {name.upper(): name for name in TREES})
"""The metrics that can be taken apart."""


class Against(StrEnum):
    """Which past period the change is counted from."""

    PREVIOUS = Comparison.PREVIOUS.value
    LAST_YEAR = Comparison.LAST_YEAR.value
    WEEKDAYS = Comparison.WEEKDAYS.value


class WhyChangedParams(PeriodParams):
    """Parameters of the explanation of a change."""

    metric: ExplainedMetric = parameter(
        ExplainedMetric("won_amount"),
        Text(ru="Показатель", en="Metric"),
        labels={item: metric_named(item.value).title for item in ExplainedMetric},
    )
    period: Preset = parameter(Preset.LAST_90_DAYS, Text(ru="Период", en="Period"), labels=PRESET_LABELS)
    against: Against = parameter(
        Against.PREVIOUS,
        Text(ru="Сравнить", en="Against"),
        labels={
            Against.PREVIOUS: Text(ru="Прошлый период", en="Previous period"),
            Against.LAST_YEAR: Text(ru="Год назад", en="Last year"),
            Against.WEEKDAYS: Text(ru="Те же дни недели год назад", en="Same weekdays last year"),
        },
    )
    basis: Basis = BASIS
    pipeline: str | None = parameter(None, Text(ru="Воронка", en="Pipeline"), unit=Unit.ID, options="pipeline")
    manager: str | None = parameter(None, Text(ru="Менеджер", en="Manager"), unit=Unit.ID, options="manager")
    channel: str | None = parameter(None, Text(ru="Канал", en="Channel"), unit=Unit.ID, options="channel")
    customer_segment: str | None = CUSTOMER_SEGMENT
    records: Records = RECORDS
    false_share: float = parameter(
        0.05,
        Text(ru="Доля ложных находок", en="Share of false findings"),
        unit=Unit.SHARE,
        help=Text(
            ru="Сколько из названных причин могут оказаться случайностью",
            en="How many of the causes named may be mere chance",
        ),
        ge=0.001,
        le=0.5,
        is_advanced=True,
    )

    def spoken_of(self, deals: Frame) -> Frame:
        """Those created or closed in either period; of a metric of sales, those that are sales."""
        if metric_named(self.metric.value).measures[0].mart is SALES:
            deals = deals.head(0) if self.basis is Basis.ORDERS else deals.filter(nw.col("outcome") == "won")
        days = [
            period.contains(nw.col(day))
            for period in (self.window, self.compared)
            for day in ("created_on", "closed_on")
        ]
        return narrowed(deals, self).filter(nw.any_horizontal(*days, ignore_nulls=True))

    @property
    def tree(self) -> Tree:
        """How the asked metric is made."""
        return TREES[self.metric.value]

    @property
    def compared(self) -> Period:
        """The days the period is held against; none at all where it has no beginning."""
        window = self.window
        if window.end is not None and window.start is not None:
            known = Period(window.start, max(min(window.end, self.today + DAY), window.start), window.grain)
            return compared_period(known, Comparison(self.against.value)) or Period(self.today, self.today)
        return Period(self.today, self.today)


SPLIT_TITLES: Mapping[str, Text] = {
    WHOLE: Text(ru="Вся компания", en="The whole company"),
    **{split.name: split.title for split in SPLITS},
    PURCHASE: Text(ru="Первая или повторная покупка", en="First or repeat purchase"),
}
FACTORS: Mapping[str, Text] = {
    "before": Text(ru="Было", en="Before"),
    "change": Text(ru="Изменение", en="Change"),
    **{
        factor.name: factor.title
        for tree in TREES.values()
        for factor in (*tree.factors, *((tree.rest,) if tree.rest else ()))
    },
    "after": Text(ru="Стало", en="After"),
}
COLUMNS = (
    column("rank", Unit.POSITION, "Место", "Rank"),
    choice("dimension", "Разрез", "Split", SPLIT_TITLES),
    column("key", Unit.ID, "Код", "Id"),
    column("name", Unit.TEXT, "Что", "What"),
    choice("factor", "Множитель", "Factor", FACTORS),
    column("before", Unit.NUMBER, "Было (доли в %)", "Before (shares in %)"),
    column("after", Unit.NUMBER, "Стало (доли в %)", "After (shares in %)"),
    column("effect", Unit.NUMBER, "Вклад в изменение", "Part in the change"),
    column("level", Unit.NUMBER, "Показатель после шага", "Metric after the step"),
    flag("is_claimed", "Больше случайности", "More than chance"),
    column("q_value", Unit.SHARE, "Доля ложных при таком пороге", "False findings at this threshold"),
    column("p_value", Unit.SHARE, "p-значение", "p-value"),
    overlapping("records", Unit.COUNT, "Записей", "Records"),
)


def _events(frames: Mapping[str, Frame], params: WhyChangedParams) -> Frame:
    if params.tree.family == "deals":
        return deal_events(frames["deal_outcomes"], params)
    return sale_events(frames["sales"], params)


def why_changed(
    *,
    deal_outcomes: Frame,
    sales: Frame,
    employees: Frame,
    channels: Frame,
    campaigns: Frame,
    pipelines: Frame,
    params: WhyChangedParams,
) -> Frame:
    """One row per split and its value, the whole company first among them: what happened there before and after."""
    events = _events({"deal_outcomes": deal_outcomes, "sales": sales}, params)
    labels = {"employees": employees, "channels": channels, "campaigns": campaigns, "pipelines": pipelines}
    return counted(events, params, labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One factor of one group: how it changed and what that adds to the change of the whole."""

    dimension: str
    group: Group
    factor: Factor | None
    """None for all factors together."""
    effect: Decimal
    p_value: float | None = None
    q_value: float | None = None


def explained(found: pa.Table, params: WhyChangedParams) -> pa.Table:
    """The bridge of the whole from before to after, then the findings: those beyond chance first, the largest first."""
    rows = found.to_pylist()
    whole = next((row for row in rows if row["dimension"] == WHOLE), None)
    tree = params.tree
    ends = (None, None) if whole is None else values_of(tree, whole)
    if whole is None or ends[0] is None or ends[1] is None:
        return answered([], COLUMNS)
    edges = (ends[0].quantize(CENT), ends[1].quantize(CENT))
    by_split = {
        split: groups
        for split in (*(item.name for item in SPLITS), PURCHASE)
        if len(groups := sorted((row for row in rows if row["dimension"] == split), key=_by_key)) > 1
    }
    findings = [
        finding
        for split, groups in by_split.items()
        for finding in _findings(tree, split, groups, whole, edges[1] - edges[0])
    ]
    judged = _judged(findings)
    judged.sort(key=lambda item: _order(item, params.false_share))
    shown = [*_bridge(tree, whole, edges), *(_row(tree, item, params.false_share) for item in judged)]
    return answered([{**row, "rank": rank} for rank, row in enumerate(shown, start=1)], COLUMNS)


def _by_key(row: Mapping[str, Any]) -> tuple[bool, str]:
    return row["key"] is None, row["key"] or ""


def _findings(tree: Tree, split: str, groups: Sequence[Group], whole: Group, change: Decimal) -> Iterator[Finding]:
    """Every factor of every group of one split; the effects sum to the change of the whole to the cent."""
    effects = [effects_of(tree, group, whole) for group in groups]
    cells = _rounded(tree, groups, effects, change)
    factors = (*tree.factors, *((tree.rest,) if tree.rest else ()))
    for group, own in zip(groups, cells, strict=True):
        others = _without(tree, whole, group)
        if len(factors) > 1:
            yield Finding(dimension=split, group=group, factor=None, effect=sum(own, Decimal(0)))
        for factor, effect in zip(factors, own, strict=True):
            p_value = factor.test(group, others) if factor.test else None
            yield Finding(dimension=split, group=group, factor=factor, effect=effect, p_value=p_value)


def _rounded(
    tree: Tree, groups: Sequence[Group], effects: Sequence[Mapping[str, float]], change: Decimal
) -> list[list[Decimal]]:
    if tree.kind == "product":
        # Each group's own change is exact, so the parts of each group sum to it, and the groups to the whole.
        return [
            rounded_to_sum(list(own.values()), _exact_change(tree, group))
            for group, own in zip(groups, effects, strict=True)
        ]
    width = len(tree.factors)
    flat = rounded_to_sum([part * scale(tree) for own in effects for part in own.values()], change)
    return [flat[start : start + width] for start in range(0, len(flat), width)]


def _exact_change(tree: Tree, group: Group) -> Decimal:
    before, after = values_of(tree, group)
    return ((after or Decimal(0)) - (before or Decimal(0))).quantize(CENT)


def _without(tree: Tree, whole: Group, group: Group) -> Group:
    return {
        name: whole[name] - group[name] for part in PARTS[tree.family] for side in SIDES for name in [f"{part}_{side}"]
    }


def _judged(findings: Sequence[Finding]) -> list[Finding]:
    """The findings with what share of claims as sure as theirs would be false, over everything that was tested."""
    tested = [item for item in findings if item.p_value is not None]
    adjusted = iter(benjamini_hochberg([item.p_value for item in tested if item.p_value is not None]))
    return [item if item.p_value is None else replace(item, q_value=next(adjusted)) for item in findings]


def _is_claimed(finding: Finding, false_share: float) -> bool:
    return finding.q_value is not None and finding.q_value <= false_share


def _order(finding: Finding, false_share: float) -> tuple[Any, ...]:
    factor = finding.factor.name if finding.factor else ""
    splits = [*(split.name for split in SPLITS), PURCHASE]
    return (
        not _is_claimed(finding, false_share),
        -abs(finding.effect),
        splits.index(finding.dimension),
        *_by_key(finding.group),
        factor,
    )


def _bridge(tree: Tree, whole: Group, edges: tuple[Decimal, Decimal]) -> Iterator[dict[str, Any]]:
    """The whole company: the metric before, what each factor added, the metric after."""
    before, after = edges
    blank = dict.fromkeys(("key", "before", "after", "effect", "q_value", "p_value"))
    common = {**blank, "dimension": WHOLE, "name": None, "is_claimed": False, "records": whole["records"]}
    yield {**common, "factor": "before", "level": float(before)}
    factors = (*tree.factors, *((tree.rest,) if tree.rest else ()))
    if tree.kind == "ratio":
        yield {**common, "factor": "change", "effect": float(after - before), "level": float(after)}
    else:
        parts = rounded_to_sum(list(effects_of(tree, whole, whole).values()), after - before)
        level = before
        for factor, part in zip(factors, parts, strict=True):
            level += part
            values = {"before": _shown(factor, whole, 0), "after": _shown(factor, whole, 1)}
            yield {**common, **values, "factor": factor.name, "effect": float(part), "level": float(level)}
    yield {**common, "factor": "after", "level": float(after)}


def _shown(factor: Factor, group: Group, side: int) -> float | None:
    if factor.name == "created":
        return float(group[f"created_{side}"])
    value = factor.of(group, side)
    return value if value is None or factor.unit is not Unit.SHARE else value * 100


def _row(tree: Tree, finding: Finding, false_share: float) -> dict[str, Any]:
    group, factor = finding.group, finding.factor
    values = values_of(tree, group)
    ends = (
        tuple(None if value is None else float(value) for value in values)
        if factor is None
        else (_shown(factor, group, 0), _shown(factor, group, 1))
    )
    return {
        "dimension": finding.dimension,
        "key": group["key"],
        "name": group["name"] or group["key"],
        "factor": factor.name if factor else "change",
        "before": ends[0],
        "after": ends[1],
        "effect": float(finding.effect),
        "level": None,
        "is_claimed": _is_claimed(finding, false_share),
        "q_value": finding.q_value,
        "p_value": finding.p_value,
        "records": group["records"],
    }


def members(frames: Frames, params: WhyChangedParams, cell: Cell) -> Frame:
    """The deals or sales of the group in both periods."""
    return of_cell(_events(frames, params), params, cell)


def _before(frames: Frames, params: WhyChangedParams) -> Frame:
    return _events(frames, params).filter(params.compared.contains(nw.col("day")))


def _now(frames: Frames, params: WhyChangedParams) -> Frame:
    return _events(frames, params).filter(params.window.contains(nw.col("day")))


def _deals(channel: str, month: str, **ends: int) -> list[dict[str, Any]]:
    return [
        {
            "deal_id": f"{channel} {month} {stage} {number}",
            "pipeline_id": "b2b",
            "stage_id": stage,
            "channel_id": channel,
            "created_at": f"{month}-01",
            "closed_at": None if stage == "new" else f"{month}-28 23:59",
            "amount": 100,
        }
        for stage, count in ends.items()
        for number in range(count)
    ]


EXAMPLE = Example(
    tables={
        "stages": [
            {"pipeline_id": "b2b", "stage_id": "new", "position": 1, "outcome": "open"},
            {"pipeline_id": "b2b", "stage_id": "won", "position": 2, "outcome": "won"},
            {"pipeline_id": "b2b", "stage_id": "lost", "position": 3, "outcome": "lost"},
        ],
        "channels": [{"channel_id": "ads", "name": "Реклама"}, {"channel_id": "site", "name": "Сайт"}],
        "deals": [
            *_deals("ads", "2026-02", won=40, lost=40),
            *_deals("ads", "2026-03", won=8, lost=72),
            *_deals("site", "2026-02", won=40, lost=40),
            *_deals("site", "2026-03", won=40, lost=40),
            # The last second before the first period and the first of the day after the second: in neither.
            {"deal_id": "early", "pipeline_id": "b2b", "stage_id": "won", "channel_id": "site",
             "created_at": "2026-01-01", "closed_at": "2026-01-31 23:59", "amount": 5_000},
            {"deal_id": "late", "pipeline_id": "b2b", "stage_id": "won", "channel_id": "site",
             "created_at": "2026-04-01", "closed_at": "2026-04-01", "amount": 5_000},
        ],
    },
    params=WhyChangedParams.model_validate(
        {"metric": "won_amount", "from_day": "2026-03-01", "to_day": "2026-03-31", "as_of": "2026-04-10"}
    ),
    expect=[
        {"dimension": "all", "factor": "before", "level": 8_000, "effect": None, "records": 320},
        {"dimension": "all", "factor": "created", "before": 160, "after": 160, "effect": 0, "level": 8_000},
        {"dimension": "all", "factor": "pace", "before": 1, "after": 1, "effect": 0},
        {"dimension": "all", "factor": "win_rate", "before": 50, "after": 30, "effect": -3_200, "level": 4_800},
        {"dimension": "all", "factor": "check", "before": 100, "after": 100, "effect": 0, "level": 4_800},
        {"dimension": "all", "factor": "after", "level": 4_800},
        # The one change beyond chance. The site stayed as it was: that the rest fell is no news of the site.
        {"dimension": "channel", "key": "ads", "name": "Реклама", "factor": "win_rate", "before": 50, "after": 10,
         "effect": -3_200, "is_claimed": True, "records": 160},
        {"dimension": "channel", "key": "ads", "factor": "change", "before": 4_000, "after": 800, "effect": -3_200,
         "is_claimed": False, "p_value": None},
        *({"dimension": "channel", "key": "ads", "factor": factor, "effect": 0, "is_claimed": False}
          for factor in ("check", "created", "pace")),
        *({"dimension": "channel", "key": "site", "factor": factor, "effect": 0, "is_claimed": False}
          for factor in ("change", "check", "created", "pace", "win_rate")),
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="why_changed",
    area="sales",
    title=Text(ru="Почему изменилось", en="Why did it change"),
    question=Text(
        ru="Из чего сложилась разница: сколько дал каждый множитель и каждая часть компании?",
        en="What makes the difference in a number: how much each factor and each part of the company?",
    ),
    how_to_read=Text(
        ru=(
            "Сверху показатель раскладывается на множители: каждый шаг говорит, сколько он прибавил или убавил, вместе они дают "
            "разницу до копейки. Ниже то же по частям компании. Названы вслух только те части, которые изменились иначе, чем "
            "остальные, сильнее, чем бывает случайно: общий рост, сезон и праздники у всех одинаковы и причиной не считаются. "
            "Это разложение, а не доказательство причины: без контрольной группы оно показывает, где искать."
        ),
        en=(
            "On top the number is taken apart into factors: each step says what it added or took away, together they make the "
            "difference to the cent. Below, the same by the parts of the company. Only those parts are named that changed "
            "otherwise than the rest by more than chance: growth, season and holidays common to all are no cause. It is a "
            "decomposition, not a proof: without a control group it says where to look."
        ),
    ),
    definition=Text(
        ru=(
            "Сумма выигранных сделок = созданные × закрытые на одну созданную × доля выигранных × средний чек (нет созданных: "
            "считается одна); выручка = продажи × средний чек + возвраты; доли и средний чек: вес части (состав) и её собственный показатель. "
            "Вклад множителя: среднее по всем порядкам, в которых множители меняются (Шепли), без остатка; у долей разложение "
            "Китагавы. Множитель, не определённый с одной стороны, считается неизменным. Проверка: изменилась ли часть иначе, "
            "чем все остальные (разность разностей: логарифм шансов, числа, среднего логарифма суммы), и изменилась ли вообще; "
            "нужно не меньше 20 событий (сумм: 30 в каждом периоде); поправка Бенджамини — Хохберга на все проверки. Конверсия "
            "недавних сделок занижена: "
            "часть ещё в пути."
        ),
        en=(
            "Won amount = created × closed per created × win rate × average check (none created counts as one); revenue = sales × "
            "average check + returns; shares and the average check: a part's weight (mix) and its own value. The part of a factor: the mean "
            "over all orders in which the factors change (Shapley), nothing left over; Kitagawa's decomposition for shares. A "
            "factor that is not defined on one side counts as unchanged. The test: did a part change otherwise than all the "
            "others (difference of differences of log-odds, of log counts, of mean log amounts), and did it change at all; at "
            "least 20 events (30 amounts in each period) are needed; the Benjamini–Hochberg correction over everything tested. "
            "The conversion of recent deals is low in the later period: "
            "some are still on the way."
        ),
    ),
    source=(
        "Shapley, Contributions to the Theory of Games II, 1953, 307–317; Albrecht, François, Schors, Energy Policy 30 (2002), "
        "727–736; Kitagawa, JASA 50 (1955), 1168–1194; Benjamini, Hochberg, JRSS B 57 (1995), 289–300"
    ),
    inputs={
        "deal_outcomes": DEAL_OUTCOMES,
        "sales": SALES,
        "employees": stored(EMPLOYEES),
        "channels": stored(CHANNELS),
        "campaigns": stored(CAMPAIGNS),
        "pipelines": stored(PIPELINES),
    },
    params=WhyChangedParams,
    columns=COLUMNS,
    order=("rank",),
    compute=why_changed,
    finish=explained,
    story=told,
    members=Members(
        entity="deals",
        by=("dimension", "key"),
        select=members,
        count="records",
        entity_of=lambda params: params.tree.family,
    ),
    chart=Chart(kind="waterfall", x="factor", y=("effect",), compare="level"),
    gate=DataGate(
        needs=(
            Need(what=Text(ru="событий в периоде", en="events in the period"), at_least=1, rows=_now),
            Need(
                what=Text(ru="событий в периоде сравнения (нужен период с началом)",
                          en="events in the compared period (the period needs a beginning)"),
                at_least=1,
                rows=_before,
            ),
        )
    ),
    example=EXAMPLE,
)  # fmt: skip
