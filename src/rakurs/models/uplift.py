"""Uplift: whom does a campaign move to buy, who would buy anyway, and whom does it put off? Learned against control groups."""

from datetime import date, timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.core.analysis import DataGate, Frames, Need
from rakurs.core.answer import Missing
from rakurs.core.intervals import Z_95
from rakurs.core.model import Artefact, Bin, Feature, Fitted, Grade, Measure, Model, ModelCard, NotEnough
from rakurs.core.params import Params, parameter
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.canonical import present as present_rows
from rakurs.marts.tables import CALENDAR, SALES
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.models.churn import FEATURES as BUYING
from rakurs.models.history import KEY, bought, bought_between, buying_days, numbered
from rakurs.models.scored import scored
from rakurs.models.trees import Trees, numbers
from rakurs.schema import EXPERIMENT_ASSIGNMENTS
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]
Array = NDArray[np.float64]

LEAST_IN_ARM = 200
LEAST_BUYERS = 30
MOST_ROWS = 200_000
"""Customers of experiments that teach; of more, a sample drawn with a fixed seed."""
BINS = 5
SHALLOW = {"num_leaves": 4, "learning_rate": 0.03, "lambda_l2": 50.0}
SHALLOW_ROUNDS = 80
APART = "\t"
BEFORE = -1
"""The day before an experiment, counted from its day."""

_TREES = Text(ru="Деревья остатков (R-learner)", en="Trees of residuals (R-learner)")
_SAME = Text(ru="Одинаково на всех", en="The same for everybody")
_NOT_BETTER = Text(
    ru="Кого кампании трогают сильнее, по половинам клиентов не видно: всем назван общий результат.",
    en="Halves of the customers do not show whom campaigns move more: everybody is given the common effect.",
)
_NO_EFFECT = Text(
    ru="Не видно и того, что кампании вообще кого-то трогают.",
    en="Nor does it show that campaigns move anybody at all.",
)
_IN_ARM = Text(
    ru="клиентов в каждой группе законченных проб", en="customers in either group of experiments that are over"
)
_BUYERS = Text(ru="купивших в каждой группе", en="of them who bought, in either group")


class UpliftParams(Params):
    """Within which days a purchase is put down to a campaign."""

    horizon_days: int = parameter(
        30, Text(ru="Купит за столько дней", en="Buys within so many days"), unit=Unit.DAYS, ge=1, le=365
    )
    basis: Basis = BUYING_BASIS


FEATURES = (
    *BUYING,
    Feature(name="customer_kind", title=Text(ru="Вид клиента", en="Customer kind"), unit=Unit.TEXT),
)
_NAMES = tuple(feature.name for feature in BUYING)


def samples(frames: Frames, params: UpliftParams) -> Frame:
    """One row per customer of an experiment whose days are over: what he was the day before, in which arm, whether he bought."""
    began = frames["calendar"].select(nw.col("day").alias("assigned_on"), nw.col("day_number").alias("began"))
    assigned = (
        present_rows(frames["experiments"])
        .join(began, on="assigned_on", how="inner")
        .filter(nw.col("began") + nw.lit(params.horizon_days) <= nw.lit(day_number(params.today) + 1))
        .select(
            "experiment_id",
            nw.concat_str([nw.col("experiment_id"), nw.col(KEY)], separator=APART).alias("taken"),
            KEY,
            nw.when(nw.col("arm") == "treatment").then(nw.lit(1.0)).otherwise(nw.lit(0.0)).alias("treated"),
            "began",
        )
    )
    # A customer of two experiments is two, and each one's days are counted from his experiment's own.
    sales = _sales(frames, params).join(assigned.select(KEY, "taken", "began"), on=KEY, how="inner")
    own = sales.with_columns(
        nw.col("taken").alias(KEY), (nw.col("day_number") - nw.col("began")).alias("day_number")
    ).drop("taken", "began")
    came = bought_between(own, BEFORE, params.horizon_days - 1).filter(nw.col("came") > 0)
    rows = assigned.with_columns(nw.col("taken").alias(KEY)).drop("taken")
    return (
        rows.join(_features(own, BEFORE), on=KEY, how="left")
        .join(came.select(KEY, "came_money"), on=KEY, how="left")
        .with_columns(nw.when(nw.col("came_money").is_null()).then(nw.lit(0.0)).otherwise(nw.lit(1.0)).alias("label"))
        .drop("came_money")
    )


def present(frames: Frames, params: UpliftParams) -> Frame:
    """Whoever ever bought, as of today."""
    return _features(_sales(frames, params), day_number(params.today))


def _features(sales: Frame, until: int) -> Frame:
    known = sales.filter(nw.col("day_number") <= nw.lit(until))
    kinds = known.group_by(KEY).agg(nw.col("customer_kind").max().alias("customer_kind"))
    rows = bought(buying_days(sales, until), until).join(kinds, on=KEY, how="left")
    floats = (*_NAMES, "margin", "revenue_with_margin")
    return rows.select(KEY, "customer_kind", *(nw.col(name).cast(nw.Float64()).alias(name) for name in floats))


def _sales(frames: Frames, params: UpliftParams) -> Frame:
    return numbered(in_basis(frames["sales"], params.basis, preferred=Basis.ORDERS), frames["calendar"])


def fit(rows: pa.Table, params: UpliftParams) -> Fitted:
    """Each half of the customers is told by what the other one taught; where that shows no difference, all get the common effect.

    Raises NotEnough with fewer than 200 customers, or 30 who bought, in either arm.
    """
    _ = params
    _must_hold(rows)
    if rows.num_rows > MOST_ROWS:
        rows = rows.take(pa.array(np.sort(np.random.default_rng(1).choice(rows.num_rows, MOST_ROWS, replace=False))))
    half = _halves(rows)
    chance = _usual(rows, half)
    lot = numbers(rows, "treated") - _share_treated(rows)
    # What each customer says of the effect, whatever his own chance: its mean is the effect.
    said = (numbers(rows, "label") - chance) * lot / _variance(rows)
    told = np.empty(rows.num_rows)
    for judged in (half, ~half):
        grown = _grown(rows.filter(pa.array(~judged)), chance[~judged])
        told[judged] = grown.predicted(rows.filter(pa.array(judged)))
    gain = _gain(told, said, half)
    common = _mean(said)
    is_personal = gain.low is not None and gain.low > 0
    final = _grown(rows, chance) if is_personal else None
    bins = _bins(told if is_personal else np.full(len(said), common.value), said)
    notes = () if is_personal else (_NOT_BETTER,) if _is_sure(common) else (_NOT_BETTER, _NO_EFFECT)
    ended = date(1970, 1, 1) + timedelta(days=int(numbers(rows, "began").max()))
    return Fitted(
        artefact={
            "trees": None if final is None else dict(final.kept()),
            "common": common.value,
            "rate": _margin_rate(rows),
        },
        card=ModelCard(
            grade=_grade(gain, common, bins),
            chosen=_TREES if is_personal else _SAME,
            baseline=_SAME,
            learned_rows=rows.num_rows,
            tested_rows=rows.num_rows,
            learned_until=str(ended),
            tested_until=str(ended),
            measures=(common, gain, _targeted(told, said, common)),
            calibration=bins,
            calibration_unit=Unit.POINTS,
            factors=() if final is None else final.factors(),
            notes=notes,
        ),
    )


def score(artefact: Artefact, rows: pa.Table, params: UpliftParams) -> pa.Table:
    """By how much a campaign raises each one's chance, the margin that this brings, and the reasons."""
    _ = params
    trees = None if artefact["trees"] is None else Trees(artefact["trees"])
    told = np.full(rows.num_rows, artefact["common"]) if trees is None else trees.predicted(rows)
    money = np.maximum(numbers(rows, "average_check"), 0.0) * (np.nan if artefact["rate"] is None else artefact["rate"])
    return scored(rows, KEY, score=told, amount=told * money, reasons=() if trees is None else trees.reasons(rows))


def _must_hold(rows: pa.Table) -> None:
    treated, label = numbers(rows, "treated"), numbers(rows, "label")
    fewest = min(int((treated == arm).sum()) for arm in (0, 1))
    if fewest < LEAST_IN_ARM:
        raise NotEnough((Missing(what=_IN_ARM, at_least=LEAST_IN_ARM, have=fewest),))
    fewest = min(int(label[treated == arm].sum()) for arm in (0, 1))
    if fewest < LEAST_BUYERS:
        raise NotEnough((Missing(what=_BUYERS, at_least=LEAST_BUYERS, have=fewest),))


def _halves(rows: pa.Table) -> NDArray[np.bool_]:
    """One half of the customers: whoever took part twice is in the same half both times."""
    people = np.array([taken.partition(APART)[2] for taken in rows[KEY].to_pylist()])
    _, place = np.unique(people, return_inverse=True)
    drawn = np.random.default_rng(1).permutation(int(place.max()) + 1)
    return np.asarray(drawn[place] % 2 == 0)


def _share_treated(rows: pa.Table) -> Array:
    """Of each row the share of its experiment that was treated."""
    _, place = np.unique(np.array(rows["experiment_id"].to_pylist()), return_inverse=True)
    return (np.bincount(place, weights=numbers(rows, "treated")) / np.bincount(place))[place]


def _variance(rows: pa.Table) -> Array:
    """Of the lot: of an experiment all of whose customers are in one arm nothing is learned."""
    share = _share_treated(rows)
    return np.where((share > 0) & (share < 1), share * (1 - share), np.inf)


def _usual(rows: pa.Table, half: NDArray[np.bool_]) -> Array:
    """Each one's chance to buy whatever the arm, as told by the other half."""
    label = numbers(rows, "label")
    found = np.empty(rows.num_rows)
    for judged in (half, ~half):
        grown = Trees.grown(rows.filter(pa.array(~judged)), FEATURES, label[~judged])
        found[judged] = grown.predicted(rows.filter(pa.array(judged)))
    return found


def _grown(rows: pa.Table, chance: Array) -> Trees:
    """What of the label the chance does not explain, by what of the arm its share does not."""
    lot = numbers(rows, "treated") - _share_treated(rows)
    weight = lot * lot
    target = np.divide(numbers(rows, "label") - chance, lot, out=np.zeros_like(lot), where=weight > 0)
    leaf = max(100, rows.num_rows // 25)
    return Trees.grown(
        rows,
        FEATURES,
        target,
        weight=weight,
        rounds=SHALLOW_ROUNDS,
        objective="regression",
        min_data_in_leaf=leaf,
        **SHALLOW,
    )


def _mean(said: Array) -> Measure:
    """The common effect."""
    value, error = float(said.mean()), float(said.std(ddof=1) / np.sqrt(len(said)))
    return Measure(
        name="effect",
        title=Text(ru="Купивших больше на", en="More bought, by"),
        value=value,
        low=value - Z_95 * error,
        high=value + Z_95 * error,
        unit=Unit.POINTS,
    )


def _gain(told: Array, said: Array, half: NDArray[np.bool_]) -> Measure:
    """The effect on those told to be moved most, less that on the rest: each half of the customers is cut by its own middle."""
    upper = np.empty(len(told), dtype=bool)
    for part in (half, ~half):
        order = np.argsort(np.argsort(told[part], kind="stable"), kind="stable")
        upper[part] = order >= part.sum() // 2
    most, rest = said[upper], said[~upper]
    value = float(most.mean() - rest.mean())
    error = float(np.sqrt(most.var(ddof=1) / len(most) + rest.var(ddof=1) / len(rest)))
    return Measure(
        name="gain",
        title=Text(ru="Половину трогает сильнее другой на", en="One half is moved more than the other, by"),
        value=value,
        low=value - Z_95 * error,
        high=value + Z_95 * error,
        unit=Unit.POINTS,
    )


def _targeted(told: Array, said: Array, common: Measure) -> Measure:
    """The share of the whole effect that is had by writing to the third moved most; beside it, to any third."""
    third = np.argsort(-told, kind="stable")[: max(1, len(told) // 3)]
    whole = common.value * len(said)
    return Measure(
        name="targeted",
        title=Text(ru="Доля результата от лучшей трети", en="Share of the effect had from the best third"),
        value=float(np.clip(said[third].sum() / whole, -9.99, 9.99)) if whole else 0.0,
        baseline=1 / 3,
        unit=Unit.RATIO,
    )


def _bins(told: Array, said: Array) -> tuple[Bin, ...]:
    """Fifths of the customers by what they were told."""
    found: list[Bin] = []
    for part in np.array_split(np.argsort(told, kind="stable"), BINS):
        mean, error = float(said[part].mean()), float(said[part].std(ddof=1) / np.sqrt(len(part)))
        found.append(
            Bin(
                predicted=float(told[part].mean()),
                observed=mean,
                low=mean - Z_95 * error,
                high=mean + Z_95 * error,
                rows=len(part),
            )
        )
    return tuple(found)


def _is_sure(measure: Measure) -> bool:
    return measure.low is not None and measure.low > 0


def _grade(gain: Measure, common: Measure, bins: tuple[Bin, ...]) -> Grade:
    """A: surely moves some more than others, and the fifths hold; B: surely more; C: a common effect only; early: none seen."""
    if _is_sure(gain):
        return "A" if all(found.low <= found.predicted <= found.high for found in bins) and _is_sure(common) else "B"
    return "C" if _is_sure(common) else "early"


def _margin_rate(rows: pa.Table) -> float | None:
    """Which part of the revenue is margin; None where no cost is known."""
    margin = np.nansum(numbers(rows, "margin"))
    revenue = np.nansum(numbers(rows, "revenue_with_margin"))
    return float(np.clip(margin / revenue, 0.0, 1.0)) if revenue > 0 else None


def _controls(frames: Frames, params: UpliftParams) -> Frame:
    return samples(frames, params).filter(nw.col("treated") == 0.0).select(KEY)


MODEL = Model(
    name="uplift",
    entity="customers",
    icon="megaphone",
    title=Text(ru="Отклик на кампании", en="Uplift"),
    question=Text(ru="Кого стоит звать, а кто купит и так?", en="Who is worth approaching, and who buys anyway?"),
    definition=Text(
        ru=(
            "На сколько обращение поднимает вероятность, что клиент купит за horizon_days дней. Учится на законченных пробах с "
            "контрольной группой: признаки клиента взяты на день перед пробой. Из исхода вычтена вероятность купить и без "
            "разбора групп, из группы — доля тех, с кем работали; деревья объясняют одно другим. Каждая половина клиентов "
            "оценена тем, чему научила другая. Если половина, которую кампании должны трогать сильнее, трогается точно не "
            "сильнее, всем назван общий результат. Ожидаемая маржа: прирост вероятности × средний чек клиента × доля маржи в "
            "выручке. Это отклик на такие кампании, какие были."
        ),
        en=(
            "By how much an approach raises the probability that a customer buys within horizon_days days. It learns from "
            "experiments with a control group that are over: a customer's features are of the day before. Off the outcome is "
            "taken the chance to buy whatever the arm, off the arm the share that was treated; trees explain one by the other. "
            "Each half of the customers is judged by what the other one taught. Where the half that campaigns should move more is "
            "not surely moved more, everybody is given the common effect. Expected margin: gain in probability × the customer's "
            "average check × the share of margin in revenue. It is the response to campaigns such as there were."
        ),
    ),
    source="Nie, Wager, Biometrika 108 (2021), 299-319; Radcliffe, Direct Marketing Analytics Journal 1 (2007), 14-21",
    inputs={"experiments": stored(EXPERIMENT_ASSIGNMENTS), "sales": SALES, "calendar": CALENDAR},
    params=UpliftParams,
    features=FEATURES,
    samples=samples,
    present=present,
    fit=fit,
    score=score,
    gate=DataGate(needs=(Need(what=_IN_ARM, at_least=LEAST_IN_ARM, rows=_controls),)),
)
