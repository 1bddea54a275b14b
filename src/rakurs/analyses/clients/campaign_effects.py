"""Campaign effects: how many bought because of a campaign, against the control group, and did it pay?"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import choice, column, overlapping
from rakurs.analyses.filters import basis_choice
from rakurs.core.analysis import (
    Analysis,
    Cell,
    Chart,
    DataGate,
    Example,
    Frames,
    Members,
    Need,
    Statement,
    Told,
)
from rakurs.core.frames import any_of, count_where, ratio, to_money, where_cell
from rakurs.core.intervals import Z_95, wilson_bounds
from rakurs.core.params import CUSTOMER_SEGMENT, Params, parameter
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.canonical import present
from rakurs.marts.tables import CALENDAR, SALES
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.models.history import numbered
from rakurs.schema import EXPERIMENT_ASSIGNMENTS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

LEAST_IN_ARM = 30
UNEQUAL_Z = 3.0
"""Before it began the groups bought differently by so many standard errors: they were not drawn by lot."""
Z_80 = 0.8416212335729143
VERDICTS: Mapping[str, Text] = {
    "helps": Text(ru="Помогла", en="It helped"),
    "harms": Text(ru="Навредила", en="It did harm"),
    "unclear": Text(ru="Не видно", en="Cannot be told"),
    "unequal": Text(ru="Группы неравны", en="Unequal groups"),
    "few": Text(ru="Мало клиентов", en="Too few customers"),
    "running": Text(ru="Ещё идёт", en="Still running"),
}


class Worth(StrEnum):
    """What a campaign is measured in."""

    MARGIN = "margin"
    REVENUE = "revenue"


class CampaignEffectsParams(Params):
    """Within which days a purchase is put down to the campaign, and what it is measured in."""

    PREFERRED: ClassVar[Basis] = Basis.ORDERS

    experiment: str | None = parameter(
        None, Text(ru="Проба: название или код", en="Experiment: name or id"), unit=Unit.TEXT
    )
    horizon_days: int = parameter(
        30,
        Text(ru="Смотреть покупки за столько дней", en="Look at purchases of so many days"),
        unit=Unit.DAYS,
        ge=1,
        le=365,
    )
    measure: Worth = parameter(
        Worth.MARGIN,
        Text(ru="Деньги", en="Money"),
        labels={Worth.MARGIN: Text(ru="Маржа", en="Margin"), Worth.REVENUE: Text(ru="Выручка", en="Revenue")},
    )
    basis: Basis = BUYING_BASIS
    customer_segment: str | None = CUSTOMER_SEGMENT


COLUMNS = (
    column("experiment_id", Unit.ID, "Код пробы", "Experiment id"),
    column("experiment", Unit.TEXT, "Проба", "Experiment"),
    column("assigned_on", Unit.DAY, "Начата", "Begun"),
    choice("verdict", "Вывод", "Verdict", VERDICTS),
    overlapping("treated", Unit.COUNT, "С кем работали", "Treated"),
    overlapping("control", Unit.COUNT, "Контрольная группа", "Control group"),
    overlapping("customers", Unit.COUNT, "Участников", "Customers"),
    overlapping("running", Unit.COUNT, "Срок ещё идёт", "Still within their days"),
    column("treated_share", Unit.SHARE, "Купили", "Bought"),
    column("control_share", Unit.SHARE, "Купили в контрольной", "Bought in the control group"),
    column("effect", Unit.POINTS, "Из-за пробы", "Because of it"),
    column("effect_low", Unit.POINTS, "Не меньше", "At least"),
    column("effect_high", Unit.POINTS, "Не больше", "At most"),
    overlapping("brought", Unit.MONEY, "Принесла", "Brought"),
    overlapping("brought_low", Unit.MONEY, "Принесла не меньше", "Brought at least"),
    overlapping("brought_high", Unit.MONEY, "Принесла не больше", "Brought at most"),
    overlapping("cost", Unit.MONEY, "Стоила", "Cost"),
    overlapping("profit", Unit.MONEY, "Осталось", "Left over"),
    column("before_gap", Unit.POINTS, "Разница до начала", "Difference before it began"),
    column("more_needed", Unit.COUNT, "Ещё клиентов в каждую группу", "More customers needed in each group"),
)

_STORY = {
    "helps": Text(
        ru="{experiment}: из-за обращения купивших больше на {effect} (от {low} до {high}). Денег от {brought_low} до {brought_high} при расходах {cost}.",
        en="{experiment}: {effect} more bought because of it (from {low} to {high}). Money from {brought_low} to {brought_high}, at a cost of {cost}.",
    ),
    "harms": Text(
        ru="{experiment}: обращение навредило, разница {effect} (от {low} до {high}).",
        en="{experiment}: it did harm, a difference of {effect} (from {low} to {high}).",
    ),
    "unclear": Text(
        ru="{experiment}: разница {effect} не отличается от случайной (от {low} до {high}).",
        en="{experiment}: a difference of {effect} may be chance (from {low} to {high}).",
    ),
    "unequal": Text(
        ru="{experiment}: группы различались ещё до начала, сравнивать их нельзя.",
        en="{experiment}: the groups differed before it began, and cannot be compared.",
    ),
}


def campaign_effects(*, params: CampaignEffectsParams, **frames: Frame) -> Frame:
    """One row per experiment."""
    people = outcomes(frames, params).with_columns((nw.col("money") * nw.col("money")).alias("square"))
    arms = {"treated": nw.col("arm") == "treatment", "control": nw.col("arm") == "control"}
    is_over = nw.col("is_over")
    sums = [
        aggregate
        for arm, is_arm in arms.items()
        for aggregate in (
            count_where(is_arm & is_over).alias(arm),
            count_where(is_arm & is_over & nw.col("has_bought")).alias(f"{arm}_bought"),
            count_where(is_arm & is_over & nw.col("had_bought")).alias(f"{arm}_before"),
            nw.when(is_arm & is_over).then(nw.col("money")).sum().alias(f"{arm}_money"),
            nw.when(is_arm & is_over).then(nw.col("square")).sum().alias(f"{arm}_square"),
        )
    ]
    counted = people.group_by("experiment_id").agg(
        nw.col("experiment").max().alias("experiment"),
        nw.col("assigned_on").min().alias("assigned_on"),
        nw.len().cast(nw.Int64()).alias("customers"),
        count_where(~is_over).alias("running"),
        nw.when(arms["treated"] & is_over).then(nw.col("cost")).sum().alias("spent"),
        *sums,
    )
    return _judged(counted)


def outcomes(frames: Frames, params: CampaignEffectsParams) -> Frame:
    """One row per customer of an experiment begun by the day of the question: whether he bought on the days after, and before.

    `is_over` tells that all his days have passed; `money` is what he brought on them.
    """
    sales = numbered(in_basis(frames["sales"], params.basis, preferred=params.PREFERRED), frames["calendar"])
    began = frames["calendar"].select(nw.col("day").alias("assigned_on"), "day_number")
    assigned = (
        present(frames["experiments"])
        .filter(nw.col("assigned_on") <= nw.lit(params.today))
        .join(began, on="assigned_on", how="inner")
        .select(
            "experiment_id",
            "customer_id",
            "arm",
            "assigned_on",
            "day_number",
            nw.coalesce("experiment", "experiment_id").alias("experiment"),
            nw.col("cost_base").cast(nw.Float64()).fill_null(0.0).alias("cost"),
        )
    )
    if params.experiment is not None:
        asked = nw.lit(params.experiment)
        assigned = assigned.filter((nw.col("experiment_id") == asked) | (nw.col("experiment") == asked))
    key = ["experiment_id", "customer_id"]
    passed = nw.col("sale_number") - nw.col("day_number")
    is_after = (passed >= 0) & (passed < params.horizon_days)
    is_before = (passed < 0) & (passed >= -params.horizon_days)
    bought = (
        assigned.select(*key, "day_number")
        .join(
            sales.select(
                "customer_id",
                "is_sale",
                nw.col("day_number").alias("sale_number"),
                nw.col(params.measure.value).cast(nw.Float64()).alias("money"),
            ),
            on="customer_id",
            how="inner",
        )
        .group_by(*key)
        .agg(
            any_of(is_after & nw.col("is_sale")).alias("has_bought"),
            any_of(is_before & nw.col("is_sale")).alias("had_bought"),
            nw.when(is_after).then(nw.col("money")).sum().alias("money"),
        )
    )
    return assigned.join(bought, on=key, how="left").with_columns(
        nw.col("has_bought").fill_null(value=False),
        nw.col("had_bought").fill_null(value=False),
        nw.col("money").fill_null(0.0),
        (nw.col("day_number") + nw.lit(params.horizon_days) <= nw.lit(day_number(params.today) + 1)).alias("is_over"),
    )


def _judged(counted: Frame) -> Frame:
    """With the shares, their difference and its interval, the money, and what to make of it."""
    bounds = {arm: wilson_bounds(nw.col(f"{arm}_bought"), nw.col(arm)) for arm in ("treated", "control")}
    rows = counted.with_columns(
        *(ratio(nw.col(f"{arm}_bought"), nw.col(arm)).alias(f"{arm}_share") for arm in bounds),
        *(ratio(nw.col(f"{arm}_before"), nw.col(arm)).alias(f"{arm}_before_share") for arm in bounds),
        *(ratio(nw.col(f"{arm}_money"), nw.col(arm)).alias(f"{arm}_each") for arm in bounds),
        *(
            bound.alias(f"{arm}_{side}")
            for arm, sides in bounds.items()
            for side, bound in zip(("low", "high"), sides, strict=True)
        ),
        to_money(nw.col("spent")).alias("cost"),
    ).with_columns(
        (nw.col("treated_share") - nw.col("control_share")).alias("effect"),
        (nw.col("treated_before_share") - nw.col("control_before_share")).alias("before_gap"),
        (nw.col("treated_each") - nw.col("control_each")).alias("each"),
        (_variance("treated") + _variance("control")).sqrt().alias("each_error"),
        (_spread("treated_share") + _spread("control_share")).alias("spread"),
        (
            ratio(_spread("treated_before_share"), nw.col("treated"))
            + ratio(_spread("control_before_share"), nw.col("control"))
        )
        .sqrt()
        .alias("before_error"),
    )
    # Newcombe's hybrid of the two score intervals.
    down = (_squared("treated_share", "treated_low") + _squared("control_high", "control_share")).sqrt()
    up = (_squared("treated_high", "treated_share") + _squared("control_share", "control_low")).sqrt()
    rows = rows.with_columns(
        (nw.col("effect") - down).alias("effect_low"), (nw.col("effect") + up).alias("effect_high")
    )
    least = nw.min_horizontal("treated", "control")
    verdict = (
        nw.when((least < LEAST_IN_ARM) & (nw.col("running") > 0))
        .then(nw.lit("running"))
        .when(least < LEAST_IN_ARM)
        .then(nw.lit("few"))
        .when(
            (nw.col("before_gap") * nw.col("before_gap"))
            > UNEQUAL_Z**2 * nw.col("before_error") * nw.col("before_error")
        )
        .then(nw.lit("unequal"))
        .when(nw.col("effect_low") > 0)
        .then(nw.lit("helps"))
        .when(nw.col("effect_high") < 0)
        .then(nw.lit("harms"))
        .otherwise(nw.lit("unclear"))
    )
    judged = rows.with_columns(verdict.alias("verdict"))
    needed = (nw.col("spread") * (Z_95 + Z_80) ** 2 / (nw.col("effect") * nw.col("effect")) - least).ceil()
    is_short = (nw.col("verdict") == "unclear") & (nw.col("effect") != 0.0) & (needed > 0)
    treated = nw.col("treated")
    return judged.with_columns(
        nw.when(is_short).then(nw.min_horizontal(needed, nw.lit(1e9))).cast(nw.Int64()).alias("more_needed"),
        to_money(nw.col("each") * treated).alias("brought"),
        to_money((nw.col("each") - Z_95 * nw.col("each_error")) * treated).alias("brought_low"),
        to_money((nw.col("each") + Z_95 * nw.col("each_error")) * treated).alias("brought_high"),
        to_money(nw.col("each") * treated - nw.col("spent")).alias("profit"),
    )


def _spread(share: str) -> nw.Expr:
    return nw.col(share) * (nw.lit(1.0) - nw.col(share))


def _squared(more: str, less: str) -> nw.Expr:
    return (nw.col(more) - nw.col(less)) * (nw.col(more) - nw.col(less))


def _variance(arm: str) -> nw.Expr:
    """Of the mean money of a customer of an arm; null for fewer than two."""
    size, mean = nw.col(arm).cast(nw.Float64()), nw.col(f"{arm}_each")
    own = nw.max_horizontal(nw.col(f"{arm}_square") - size * mean * mean, nw.lit(0.0)) / (size - 1.0)
    return nw.when(size > 1).then(own / size)


def members(frames: Frames, params: CampaignEffectsParams, cell: Cell) -> Frame:
    """The customers of an experiment, or of those with a verdict."""
    judged = where_cell(campaign_effects(params=params, **frames), dict(cell)).select("experiment_id")
    return outcomes(frames, params).join(judged, on="experiment_id", how="semi").select("customer_id").unique()


def story(table: pa.Table, params: CampaignEffectsParams) -> tuple[Statement, ...]:
    """A sentence for each experiment that is over, the latest first; five at most."""
    _ = params
    rows = sorted(table.to_pylist(), key=lambda row: (row["assigned_on"], row["experiment_id"]), reverse=True)
    return tuple(
        Statement(
            words=_STORY[row["verdict"]],
            values={
                "experiment": Told(value=row["experiment"], unit=Unit.TEXT),
                "effect": Told(value=row["effect"], unit=Unit.POINTS, is_change=True),
                "low": Told(value=row["effect_low"], unit=Unit.POINTS, is_change=True),
                "high": Told(value=row["effect_high"], unit=Unit.POINTS, is_change=True),
                "brought_low": Told(value=row["brought_low"], unit=Unit.MONEY),
                "brought_high": Told(value=row["brought_high"], unit=Unit.MONEY),
                "cost": Told(value=row["cost"], unit=Unit.MONEY),
            },
            cell={"experiment_id": row["experiment_id"]},
        )
        for row in [row for row in rows if row["verdict"] in _STORY][:5]
    )


def _controls(frames: Frames, params: CampaignEffectsParams) -> Frame:
    return outcomes(frames, params).filter(nw.col("arm") == "control")


def _taken(of: str, arm: str, day: str, count: int, **more: Any) -> list[dict[str, Any]]:
    taken = {"experiment_id": of, "assigned_at": day, "arm": arm}
    return [{**taken, "customer_id": f"{of} {arm} {number}", **more} for number in range(count)]


def _orders(experiment: str, arm: str, day: str, count: int, amount: float = 100) -> list[dict[str, Any]]:
    bought = {"ordered_at": day, "paid_at": day, "amount": amount}
    return [
        {**bought, "order_id": f"{experiment} {arm} {number} {day}", "customer_id": f"{experiment} {arm} {number}"}
        for number in range(count)
    ]


EXAMPLE = Example(
    tables={
        "experiment_assignments": [
            *_taken("letter", "treatment", "2026-03-22 15:00", 40, experiment="Письмо", cost=2),
            *_taken("letter", "control", "2026-03-22 15:00", 40, experiment="Письмо"),
            *_taken("card", "treatment", "2026-03-01", 30),
            *_taken("card", "control", "2026-03-01", 30),
            *_taken("picked", "treatment", "2026-03-01", 30),
            *_taken("picked", "control", "2026-03-01", 30),
            # The last of its ten days is tomorrow.
            *_taken("late", "treatment", "2026-03-23", 30),
            *_taken("small", "treatment", "2026-03-01", 29),
            *_taken("small", "control", "2026-03-01", 30),
            *_taken("tomorrow", "control", "2026-04-01", 30),
        ],
        "orders": [
            # On the first and on the last of the days; twenty of forty, five of forty.
            *_orders("letter", "treatment", "2026-03-22", 20),
            *_orders("letter", "treatment", "2026-03-31", 10),
            *_orders("letter", "control", "2026-03-31", 5),
            # A day too late and a day too early; before it began as many of either.
            *_orders("letter", "control", "2026-04-01", 40),
            *_orders("letter", "control", "2026-03-21", 3),
            *_orders("letter", "treatment", "2026-03-12", 4),
            *_orders("letter", "treatment", "2026-03-11", 40),
            *_orders("card", "treatment", "2026-03-10", 3),
            *_orders("card", "control", "2026-03-10", 2),
            *_orders("card", "control", "2026-03-11", 20),
            # Whoever bought before was written to: no comparison.
            *_orders("picked", "treatment", "2026-02-27", 20),
            *_orders("picked", "treatment", "2026-03-02", 20),
            {"order_id": "nobody's", "ordered_at": "2026-03-23", "amount": 900},
        ],
    },
    params=CampaignEffectsParams.model_validate({"as_of": "2026-03-31", "horizon_days": 10, "measure": "revenue"}),
    expect=[
        {"experiment_id": "late", "verdict": "running", "treated": 0, "customers": 30, "running": 30,
         "treated_share": None, "effect": None, "brought": None, "more_needed": None},
        # The interval as statsmodels gives it, by Newcombe's method.
        {"experiment_id": "letter", "experiment": "Письмо", "verdict": "helps", "treated": 40, "control": 40, "running": 0,
         "treated_share": 0.5, "control_share": 0.125, "effect": 0.375, "effect_low": 0.17391697995592453,
         "effect_high": 0.5388971139799767,
         "brought": 2500, "cost": 80, "profit": 2420, "before_gap": 0.025, "more_needed": None},
        {"experiment_id": "card", "experiment": "card", "verdict": "unclear", "treated_share": 0.1,
         "effect": 1 / 30, "more_needed": 1046, "cost": 0},
        {"experiment_id": "picked", "verdict": "unequal", "before_gap": 20 / 30},
        {"experiment_id": "small", "verdict": "few", "treated": 29},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="campaign_effects",
    area="clients",
    title=Text(ru="Что дали кампании", en="What campaigns brought"),
    question=Text(
        ru="Сколько клиентов купило именно из-за кампании, и окупилась ли она?",
        en="How many customers bought because of a campaign, and did it pay?",
    ),
    how_to_read=Text(
        ru=(
            "Купившие после письма купили бы и сами. Что дало письмо, видно только рядом с контрольной группой: с теми, кого "
            "выбрали так же, но не тронули. «Не видно» не значит, что не помогла: сказано, скольких клиентов не хватает, чтобы "
            "увидеть такую разницу. «Группы неравны»: они покупали по-разному ещё до начала, значит, делил их не жребий."
        ),
        en=(
            "Those who bought after a letter would have bought anyway. What it did shows only beside a control group: customers "
            "chosen the same way and left alone. “Cannot be told” does not mean that it did not help: it is said how many more "
            "customers such a difference needs. “Unequal groups”: they bought differently before it began, so no lot divided them."
        ),
    ),
    definition=Text(
        ru=(
            "Купил: продажа в день начала и за horizon_days дней вместе с ним; до начала: за столько же дней перед ним. Считаются "
            "клиенты, у которых эти дни прошли. Из-за пробы = доля купивших из тех, с кем работали, минус доля в контрольной; "
            "интервал 95 % по Ньюкому. Принесла = разница денег на клиента × с кем работали; интервал 95 % по Уэлчу. Осталось = "
            f"принесла − стоила. Мало: в группе меньше {LEAST_IN_ARM}. Неравны: доли до начала различаются больше чем на "
            f"{UNEQUAL_Z:.0f} стандартные ошибки. Ещё клиентов: чтобы такую разницу увидеть с вероятностью 80 %."
        ),
        en=(
            "Bought: a sale on the day it began or within horizon_days days with it; before: within as many days before. Customers "
            "count whose days have passed. Because of it = the share of the treated who bought less that of the control group; its "
            "95% interval by Newcombe. Brought = the difference of money per customer × the treated; its 95% interval by Welch. "
            f"Left over = brought − cost. Too few: fewer than {LEAST_IN_ARM} in a group. Unequal: the shares before differ by more "
            f"than {UNEQUAL_Z:.0f} standard errors. More needed: to see such a difference with a probability of 80%."
        ),
    ),
    source="Newcombe, Statistics in Medicine 17 (1998), 873-890, method 10; Welch, Biometrika 34 (1947), 28-35",
    inputs={"experiments": stored(EXPERIMENT_ASSIGNMENTS), "sales": SALES, "calendar": CALENDAR},
    params=CampaignEffectsParams,
    columns=COLUMNS,
    order=("-assigned_on", "experiment_id"),
    compute=campaign_effects,
    members=Members(entity="customers", by=("experiment_id", "verdict"), select=members, count="customers"),
    chart=Chart(kind="bars", x="experiment", y=("treated_share", "control_share"), limit=20),
    choice=basis_choice(Basis.ORDERS),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="клиентов в контрольных группах", en="customers in control groups"),
                at_least=LEAST_IN_ARM,
                rows=_controls,
            ),
        )
    ),
    story=story,
    example=EXAMPLE,
)
