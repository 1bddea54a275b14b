"""Offers: what will a client buy that he does not have yet? Popularity, clients alike, products that go together, blended."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.core.analysis import DataGate, Frames, Need
from rakurs.core.answer import Missing
from rakurs.core.frames import count_where, sum_where
from rakurs.core.intervals import Interval, bootstrap, wilson
from rakurs.core.model import Artefact, Bin, Feature, Fitted, Grade, Measure, Model, ModelCard, NotEnough
from rakurs.core.params import Params, parameter
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALE_LINES
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.models.history import KEY, numbered
from rakurs.models.offer_ways import BASELINE, WAYS, Way, best, corrected, judged_by, learned, offerable, round_of
from rakurs.models.ownership import MOST_NEIGHBOURS, History, Owners, Shelf
from rakurs.models.scored import scored, with_came

Frame = nw.LazyFrame[Any]
Array = NDArray[np.float64]
Codes = NDArray[np.int64]

PRODUCT = "product_id"
YEAR = 365
LEAST_BUYERS = 100
LEAST_NEW = 50
"""Customers who bought something new to them within the horizon that teaches, and within the one that judges."""
KEPT = 10
"""Kept are so many of the likeliest offers, and as many of those with the greatest expected margin."""
BINS = 10
AT_ONCE = 2_000_000
"""Pairs of customer and product looked at together."""
_WAY_TITLES = {
    "popular": Text(ru="Популярное: всем одно и то же", en="What is popular: the same for everybody"),
    "similar": Text(ru="Что берут похожие клиенты", en="What customers alike take"),
    "together": Text(ru="Совместные покупки (косинусы)", en="Collaborative filtering (cosines)"),
    "rules": Text(ru="Правила по купленному", en="Rules by what is owned"),
    "blend": Text(ru="Смесь всех способов", en="A blend of all ways"),
}
REASONS = {
    "together": Text(ru="Идёт вместе с купленным", en="Goes with what he has"),
    "similar": Text(ru="Берут похожие клиенты", en="Customers alike take it"),
    "popular": Text(ru="Сейчас берут многие", en="Many take it now"),
}
_NEW_TO_THEM = Text(ru="клиентов, купивших новое для себя за горизонт", en="customers who bought something new to them")
_NOT_BETTER = Text(
    ru="Личный подбор на более поздних днях не лучше популярного: предлагается популярное.",
    en="On later days choosing for each is no better than what is popular: that is offered.",
)
_PRUNED = Text(
    ru="Товаров больше {count}: у каждого учтены столько же самых близких.",
    en="More than {count} products: of each as many of the closest are used.",
)


class OffersParams(Params):
    """Within which time, and what may be offered."""

    horizon_days: int = parameter(
        90, Text(ru="Купит за столько дней", en="Buys within so many days"), unit=Unit.DAYS, ge=7, le=365
    )
    offered_days: int = parameter(
        180,
        Text(
            ru="Предлагать то, что впервые брали за столько дней",
            en="Offer what somebody newly took within so many days",
        ),
        unit=Unit.DAYS,
        help=Text(
            ru="Чего никто новый давно не брал, то распродано или снято с продажи",
            en="What nobody new has taken for long is sold out or no longer made",
        ),
        ge=7,
        le=3650,
        is_advanced=True,
    )
    basis: Basis = BUYING_BASIS


FEATURES = (
    Feature(name="popular", title=Text(ru="Популярность", en="Popularity")),
    Feature(name="similar", title=Text(ru="Покупки похожих клиентов", en="Purchases of customers alike")),
    Feature(name="together", title=Text(ru="Близость к купленному", en="Closeness to what is owned")),
    Feature(name="rules", title=Text(ru="Правила по купленному", en="Rules by what is owned")),
    Feature(name="breadth", title=Text(ru="Сколько разного уже взял", en="How many things he has")),
    Feature(name="pace", title=Text(ru="Сколько нового взял недавно", en="New things he took lately")),
    Feature(name="silence", title=Text(ru="Давно ли брал новое", en="Since he took something new")),
)


def samples(frames: Frames, params: OffersParams) -> Frame:
    """One row per customer and product with the day of the first purchase, and what it brought in the last year.

    What was owned and what came on a past day follow from the first days alone.
    """
    return _pairs(frames, params)


def present(frames: Frames, params: OffersParams) -> Frame:
    """The same: what each has today."""
    return _pairs(frames, params)


def _pairs(frames: Frames, params: OffersParams) -> Frame:
    until = day_number(params.today)
    lines = numbered(in_basis(frames["lines"], params.basis, preferred=Basis.ORDERS), frames["calendar"])
    sold = lines.filter(~nw.col("is_return"), ~nw.col(PRODUCT).is_null(), nw.col("day_number") <= nw.lit(until))
    lately = (nw.col("day_number") > nw.lit(until - YEAR)) & ~nw.col("margin").is_null()
    return (
        sold.group_by(KEY, PRODUCT)
        .agg(
            nw.col("customer_kind").max().alias("customer_kind"),
            nw.col("region").max().alias("region"),
            nw.col("day_number").min().alias("first_day"),
            count_where(lately).alias("times"),
            sum_where("margin", lately).alias("margin"),
        )
        .with_columns(nw.col("margin").cast(nw.Float64()).alias("margin"))
    )


def fit(rows: pa.Table, params: OffersParams) -> Fitted:
    """The way is chosen a horizon before the days it is judged on; then everything up to today teaches.

    Raises NotEnough where too few bought something new to them.
    """
    history = History(rows)
    today, horizon = day_number(params.today), params.horizon_days
    taught, judged = (
        round_of(history, today - horizon * back, horizon=horizon, offered_days=params.offered_days) for back in (2, 1)
    )
    for found in (taught, judged):
        have = int((found.came_count > 0).sum())
        if have < LEAST_NEW:
            raise NotEnough((Missing(what=_NEW_TO_THEM, at_least=LEAST_NEW, have=have),))
    to_learn, to_choose = taught.halves()
    ways = {name: learned(to_learn, names) for name, names in WAYS.items()}
    chosen = max(WAYS, key=lambda name: float(judged_by(to_choose, ways[name])[0].mean()))
    plain = judged_by(judged, ways[BASELINE])[0]
    shares, promised, taken = judged_by(judged, corrected(ways[chosen], to_choose))
    gain = _mean(shares - plain)
    notes: list[Text] = []
    if chosen != BASELINE and gain.low <= 0:
        chosen = BASELINE
        shares, promised, taken = judged_by(judged, corrected(ways[chosen], to_choose))
        notes.append(_NOT_BETTER)
    if len(history.products) > MOST_NEIGHBOURS:
        notes.append(_PRUNED.filled(count=MOST_NEIGHBOURS))
    to_learn, to_correct = judged.halves()
    final = corrected(learned(to_learn, WAYS[chosen]), to_correct)
    shelf = Shelf.learned(history, today, lately=horizon, offered_days=params.offered_days)
    bins = _bins(promised, taken)
    return Fitted(
        artefact={
            "shelf": shelf.kept(),
            "way": asdict(final),
            "plain": asdict(corrected(learned(to_learn, WAYS[BASELINE]), to_correct)),
            "margins": _margins(rows, history),
        },
        card=ModelCard(
            grade=_grade(
                bins,
                is_personal=chosen != BASELINE,
                judged=len(shares),
                relative=gain.low / max(float(plain.mean()), 1e-9),
            ),
            chosen=_WAY_TITLES[chosen],
            baseline=_WAY_TITLES[BASELINE],
            learned_rows=len(taught.rows),
            tested_rows=len(judged.rows),
            learned_until=str(params.today - timedelta(days=horizon)),
            tested_until=str(params.today),
            measures=_measures(shares, plain, promised, taken),
            calibration=bins,
            factors=_factors(final, judged.spreads()),
            notes=tuple(notes),
        ),
    )


def score(artefact: Artefact, rows: pa.Table, params: OffersParams) -> pa.Table:
    """Up to twenty offers to each customer: the chance, the expected margin, the reason and the product it comes from."""
    shelf = Shelf(artefact["shelf"])
    personal, plain = Way(**artefact["way"]), Way(**artefact["plain"])
    margins = np.array([np.nan if known is None else known for known in artefact["margins"]])
    history = History(rows, shelf.products, shelf.groups)
    owners = history.by(day_number(params.today), lately=params.horizon_days)
    at_once = max(1, AT_ONCE // max(1, len(shelf.products)))
    # Of whoever has nothing yet nothing personal is known.
    has_any = np.asarray(owners.owned.sum(axis=1)).ravel() > 0
    parts = [
        _offers(shelf, way, margins, owners, rows[begin : begin + at_once])
        for way, rows in ((personal, np.flatnonzero(has_any)), (plain, np.flatnonzero(~has_any)))
        for begin in range(0, len(rows), at_once)
    ]
    who, what, chance, reason, cause = (np.concatenate(column) for column in zip(*parts, strict=True))
    products = np.asarray(shelf.products, dtype=object)
    said = pa.table(
        {
            KEY: pa.array(history.customers[who], pa.string()),
            PRODUCT: pa.array(products[what], pa.string()),
        }
    )
    causes = pa.array([None if place < 0 else products[place] for place in cause], pa.string())
    return scored(
        said, KEY, PRODUCT, score=chance, amount=chance * margins[what], reasons=[reason.tolist(), causes.to_pylist()]
    )


def held(said: Frame, frames: Frames, params: OffersParams, day: int) -> Frame:
    """Whether what was offered was taken within the horizon."""
    firsts = _pairs(frames, params).filter(
        nw.col("first_day") > nw.lit(day), nw.col("first_day") <= nw.lit(day + params.horizon_days)
    )
    return with_came(said, firsts, KEY, PRODUCT)


def _offers(
    shelf: Shelf, way: Way, margins: Array, owners: Owners, rows: Codes
) -> tuple[Codes, Codes, Array, NDArray[np.str_], Codes]:
    """Of some customers: who, which product, the chance, the code of the reason, and the product behind it or -1."""
    may_be = offerable(shelf, owners, rows) & ~(margins <= 0)[None, :]
    curve = np.broadcast_to(way.curve(shelf.features(owners, rows, way.names)), may_be.shape)
    chances = way.chances(curve)
    likely, _ = best(curve, may_be, KEPT)
    gainful, _ = best((chances * np.nan_to_num(margins)[None, :]).astype(np.float32), may_be, KEPT)
    is_again = (gainful[:, :, None] == likely[:, None, :]).any(axis=2) | ~(np.nan_to_num(margins)[gainful] > 0)
    places = np.concatenate([likely, gainful], axis=1)
    is_kept = np.concatenate([np.ones_like(likely, dtype=bool), ~is_again], axis=1)
    is_kept &= np.take_along_axis(may_be, places, axis=1)
    row, column = np.nonzero(is_kept)
    what = places[row, column]
    reason, cause = _reasons(shelf, owners, rows[row], what)
    return rows[row], what, chances[row, what], reason, cause


def _reasons(shelf: Shelf, owners: Owners, who: Codes, what: Codes) -> tuple[NDArray[np.str_], Codes]:
    """Why each product is offered: the owned one it goes with best, or customers alike, or everybody."""
    cause = shelf.closest_owned(owners, who, what)
    is_of_alike = shelf.is_of_alike(owners.group[who], what)
    return np.where(cause >= 0, "together", np.where(is_of_alike, "similar", "popular")), cause


def _margins(rows: pa.Table, history: History) -> list[float | None]:
    """What one purchase of each product brought over the last year; None where no cost is known."""
    size = len(history.products)
    margin = np.nan_to_num(rows["margin"].cast(pa.float64()).to_numpy(zero_copy_only=False))
    times = rows["times"].cast(pa.float64()).to_numpy(zero_copy_only=False)
    total = np.bincount(history.product, weights=margin, minlength=size)
    count = np.bincount(history.product, weights=times, minlength=size)
    return [float(sum_ / sold) if sold else None for sum_, sold in zip(total, count, strict=True)]


def _bins(promised: Array, taken: Array) -> tuple[Bin, ...]:
    """Tenths of the offers by their chance."""
    found: list[Bin] = []
    for part in np.array_split(np.argsort(promised, kind="stable"), BINS):
        interval = wilson(int(taken[part].sum()), len(part))
        if interval is not None:
            predicted, observed = float(promised[part].mean()), float(taken[part].mean())
            found.append(
                Bin(predicted=predicted, observed=observed, low=interval.low, high=interval.high, rows=len(part))
            )
    return tuple(found)


def _measures(shares: Array, plain: Array, promised: Array, taken: Array) -> tuple[Measure, ...]:
    interval, gain = _mean(shares), _mean(shares - plain)
    return (
        Measure(
            name="recall",
            title=Text(ru="Recall@10: доля нового, что было среди десяти", en="Recall@10: of the new, among the ten"),
            value=float(shares.mean()),
            baseline=float(plain.mean()),
            low=interval.low,
            high=interval.high,
            unit=Unit.SHARE,
        ),
        Measure(
            name="gain",
            title=Text(ru="Больше, чем у популярного, на", en="More than by what is popular, by"),
            value=float((shares - plain).mean()),
            low=gain.low,
            high=gain.high,
            unit=Unit.SHARE,
        ),
        Measure(
            name="hit",
            title=Text(ru="Взяли хоть одно из десяти", en="Took at least one of the ten"),
            value=float((shares > 0).mean()),
            baseline=float((plain > 0).mean()),
            unit=Unit.SHARE,
        ),
        Measure(
            name="rate",
            title=Text(ru="Предсказано в среднем, рядом: было", en="Predicted on average, beside: came"),
            value=float(promised.mean()),
            baseline=float(taken.mean()),
            unit=Unit.SHARE,
        ),
    )


def _mean(values: Array) -> Interval:
    """Of a mean, by bootstrap."""
    return bootstrap(values.tolist()) or Interval(float(values.mean()), float(values.mean()))


def _grade(bins: Sequence[Bin], *, is_personal: bool, judged: int, relative: float) -> Grade:
    """A: surely a quarter better than what is popular and the chances hold; B: surely better; C: no better; early: few."""
    rows = sum(found.rows for found in bins)
    promised = sum(found.predicted * found.rows for found in bins) / rows
    error = sum(abs(found.predicted - found.observed) * found.rows for found in bins) / rows
    if judged < LEAST_BUYERS:
        return "early"
    if not is_personal:
        return "C"
    return "A" if relative >= 0.25 and error <= promised / 4 else "B"


def _factors(way: Way, spreads: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """By how much each feature moves the chance, as shares."""
    moved = {name: abs(weight) * spreads[name] for name, weight in zip(way.names, way.weights, strict=True)}
    total = sum(moved.values()) or 1.0
    return tuple(sorted(((name, push / total) for name, push in moved.items()), key=lambda item: (-item[1], item[0])))


def _buyers(frames: Frames, params: OffersParams) -> Frame:
    return _pairs(frames, params).group_by(KEY).agg()


MODEL = Model(
    name="offers",
    entity="offers",
    icon="shopping-bag",
    title=Text(ru="Что предложить", en="What to offer"),
    question=Text(
        ru="Что клиент купит из того, чего у него ещё нет?", en="What will a customer buy that he does not have yet?"
    ),
    definition=Text(
        ru=(
            "Вероятность, что клиент за horizon_days дней купит товар, которого раньше не брал. О паре клиента и товара "
            "известно: сколько людей впервые взяли товар за последний горизонт; сколько среди похожих клиентов (тот же вид и "
            "регион); близок ли он к купленному (косинус по общим покупателям); какая доля владельцев купленного его имеет; "
            "сколько разного клиент уже взял, сколько нового недавно и давно ли. Способ (популярное, похожие, совместные покупки, правила "
            "или их смесь) выбран два горизонта назад, проверен на последнем горизонте рядом с популярным и взят, только если "
            "он там точно лучше. Купленное не предлагается, как и то, чего offered_days дней никто впервые не брал, и то, что "
            "продаётся в убыток. Ожидаемая маржа: вероятность × средняя маржа одной покупки товара за год."
        ),
        en=(
            "The probability that a customer buys within horizon_days days a product he has not bought before. Of a customer "
            "and a product it is known: how many took the product for the first time over the last horizon; how many of the "
            "customers alike (same kind and region); how close it is to what he has (cosine over common buyers); which share "
            "of the owners of what he has also has it; how many things he has, how many new ones he took lately, and how long ago. The way "
            "(what is popular, customers alike, collaborative filtering, rules, or their blend) is chosen two horizons ago, "
            "judged on the last one beside what is popular, and used only where it is surely better there. What is owned is "
            "not offered, nor what nobody newly took for offered_days days, nor what sells at a loss. Expected margin: "
            "probability × the mean margin of one purchase of the product over a year."
        ),
    ),
    source="Deshpande and Karypis, ACM Transactions on Information Systems 22 (2004), 143-177; King and Zeng, Political Analysis 9 (2001), 137-163",
    inputs={"lines": SALE_LINES, "calendar": CALENDAR},
    params=OffersParams,
    features=FEATURES,
    samples=samples,
    present=present,
    fit=fit,
    score=score,
    held=held,
    retrain_days=7,
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="клиентов с товарами в покупках", en="customers whose purchases name products"),
                at_least=LEAST_BUYERS,
                rows=_buyers,
            ),
        )
    ),
)
