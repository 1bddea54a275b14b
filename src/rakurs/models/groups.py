"""Groups: into which kinds do clients fall by how they buy, and do those kinds stay when looked at anew?

Each group is named by the one or two traits in which it stands out most: what cannot be told apart in words is one group.
"""

from itertools import permutations
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.core.analysis import DataGate, Frames, Need
from rakurs.core.model import Artefact, Feature, Fitted, Grade, Measure, Model, ModelCard
from rakurs.core.params import Params, parameter
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALES
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.models.history import KEY, bought, buying_days, numbered
from rakurs.models.scored import scored

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

Frame = nw.LazyFrame[Any]
Array = NDArray[np.float64]

LEAST_CUSTOMERS = 200
MOST_TAUGHT, MOST_JUDGED = 20_000, 3_000
"""Customers the centres are found from, and those their distances are weighed on."""
FEWEST, MOST = 3, 8
STABLE = 0.7
SMALLEST_SHARE = 0.01
NOTABLE = 0.35
"""A trait tells a group when its mean lies so many standard deviations from everybody's."""
FARTHEST = 3.0
HIGH, LOW, AND, USUAL = ".high", ".low", ",", "usual"

FEATURES = (
    Feature(
        name="purchases_365",
        title=Text(ru="Покупок за год", en="Purchases in a year"),
        unit=Unit.COUNT,
        high=Text(ru="покупают часто", en="buy often"),
        low=Text(ru="покупают редко", en="buy rarely"),
    ),
    Feature(
        name="recency",
        title=Text(ru="Дней с последней покупки", en="Days since the last purchase"),
        unit=Unit.DAYS,
        high=Text(ru="давно не покупали", en="silent for long"),
        low=Text(ru="покупали недавно", en="bought lately"),
    ),
    Feature(
        name="average_check",
        title=Text(ru="Средний чек", en="Average check"),
        unit=Unit.MONEY,
        high=Text(ru="высокий чек", en="high check"),
        low=Text(ru="низкий чек", en="low check"),
    ),
    Feature(
        name="age",
        title=Text(ru="Дней с первой покупки", en="Days since the first purchase"),
        unit=Unit.DAYS,
        high=Text(ru="давно с нами", en="with us for long"),
        low=Text(ru="недавно с нами", en="with us lately"),
    ),
    Feature(
        name="discount_share",
        title=Text(ru="Доля скидок", en="Share of discounts"),
        unit=Unit.RATIO,
        high=Text(ru="берут со скидкой", en="buy at a discount"),
        low=Text(ru="обходятся без скидок", en="need no discounts"),
    ),
    Feature(
        name="returned_share",
        title=Text(ru="Доля возвратов", en="Share returned"),
        unit=Unit.RATIO,
        high=Text(ru="возвращают", en="return things"),
        low=Text(ru="не возвращают", en="return nothing"),
    ),
)
_NAMES = tuple(feature.name for feature in FEATURES)
_SHARES = ("discount_share", "returned_share")


def _words() -> dict[str, Text]:
    traits = {
        f"{feature.name}{side}": text
        for feature in FEATURES
        for side, text in ((HIGH, feature.high), (LOW, feature.low))
        if text is not None
    }
    alone = {code: _capital(text) for code, text in traits.items()}
    pairs = {
        f"{one}{AND}{other}": Text(ru=f"{alone[one].ru}, {traits[other].ru}", en=f"{alone[one].en}, {traits[other].en}")
        for one, other in permutations(traits, 2)
        if one.split(".")[0] != other.split(".")[0]
    }
    return {USUAL: Text(ru="Обычные", en="The usual ones"), **alone, **pairs}


def _capital(text: Text) -> Text:
    return Text(ru=text.ru[0].upper() + text.ru[1:], en=text.en[0].upper() + text.en[1:])


GROUP_NAMES = _words()
"""What each group may be called, by its code."""

_CHOSEN = Text(ru="k-средних, групп: {count}", en="k-means, groups: {count}")
_BASELINE = Text(ru="Случайное разбиение", en="A split at random")
_UNSTABLE = Text(
    ru="Две половины клиентов дают разные группы (согласие {ari}): группы не стоит называть сегментами.",
    en="Two halves of the customers give different groups (agreement {ari}): better not to call them segments.",
)
_SMALL = Text(
    ru="Групп меньше 1 % клиентов: {count}. Дробить так мелко незачем: решения по ним не окупятся.",
    en="Groups below 1% of customers: {count}. There is no use in splitting so finely: decisions on them will not pay.",
)
_MERGED = Text(
    ru="Из {asked} групп словами различимы {told}: похожие сведены вместе.",
    en="Of {asked} groups {told} can be told apart in words: alike ones are taken together.",
)


class GroupsParams(Params):
    """Into how many groups."""

    count: int = parameter(
        0,
        Text(ru="Сколько групп", en="How many groups"),
        unit=Unit.COUNT,
        help=Text(
            ru="0: столько, сколько устойчиво различимо, от 3 до 8", en="0: as many as can be stably told apart, 3 to 8"
        ),
        ge=0,
        le=30,
    )
    basis: Basis = BUYING_BASIS


def present(frames: Frames, params: GroupsParams) -> Frame:
    """Everybody who ever bought, as of today."""
    sales = numbered(in_basis(frames["sales"], params.basis, preferred=Basis.ORDERS), frames["calendar"])
    until = day_number(params.today)
    rows = bought(buying_days(sales, until), until)
    columns = (*_NAMES, "revenue_365")
    return rows.select(KEY, *(nw.col(name).cast(nw.Float64()).alias(name) for name in columns))


def fit(rows: pa.Table, params: GroupsParams) -> Fitted:
    """Centres over the traits on one scale; their number is the one best told apart among those two halves agree on."""
    from sklearn.metrics import silhouette_score  # noqa: PLC0415 - slow to import, and needed by a fit alone

    plain = _plain(rows)
    scale = {"middle": plain.mean(axis=0), "spread": np.maximum(plain.std(axis=0), 1e-9)}
    points = _scaled(plain, scale["middle"], scale["spread"])
    random = np.random.default_rng(1)
    taught = points[random.permutation(len(points))[:MOST_TAUGHT]]
    judged = taught[:MOST_JUDGED]
    tried: dict[int, tuple[float, float, KMeans]] = {}
    for count in _counts(taught, params):
        whole = _centres(taught, count)
        labels = whole.predict(judged)
        apart = float(silhouette_score(judged, labels)) if len(np.unique(labels)) > 1 else 0.0
        tried[count] = apart, _agreement(taught, count) if count > 1 else 0.0, whole
    count = _chosen(tried)
    apart, agreed, model = tried[count]
    shares = np.bincount(model.predict(points), minlength=count) / len(points)
    names = [_named(centre) for centre in model.cluster_centers_]
    return Fitted(
        artefact={
            "middle": scale["middle"].tolist(),
            "spread": scale["spread"].tolist(),
            "centres": model.cluster_centers_.tolist(),
            "names": names,
        },
        card=ModelCard(
            grade=_grade(agreed, apart),
            chosen=_CHOSEN.filled(count=count),
            baseline=_BASELINE,
            learned_rows=len(taught),
            tested_rows=len(taught),
            learned_until=str(params.today),
            tested_until=str(params.today),
            measures=(
                Measure(
                    name="stability",
                    title=Text(
                        ru="Согласие двух половин клиентов (ARI)", en="Agreement of two halves of customers (ARI)"
                    ),
                    value=agreed,
                    baseline=0.0,
                ),
                Measure(
                    name="silhouette",
                    title=Text(ru="Насколько группы отделены (силуэт)", en="How far groups are apart (silhouette)"),
                    value=apart,
                    baseline=_of_nothing(judged, count),
                ),
            ),
            factors=_factors(model.cluster_centers_, shares),
            notes=tuple(_notes(agreed, shares, names)),
        ),
    )


def _counts(points: Array, params: GroupsParams) -> list[int]:
    """The numbers of groups to try: no more than there are different customers, one where all are alike."""
    asked = (params.count,) if params.count > 1 else range(FEWEST, MOST + 1)
    different = len(np.unique(points, axis=0))
    # Each half has to hold as many that differ.
    return [count for count in asked if 2 * count <= different] or [1]


def _chosen(tried: "dict[int, tuple[float, float, KMeans]]") -> int:
    """The number of groups best told apart among the stable ones; the stablest where none is."""
    steady = [count for count, (_, agreed, _) in tried.items() if agreed >= STABLE]
    if steady:
        return max(steady, key=lambda count: (tried[count][0], -count))
    return max(tried, key=lambda count: (tried[count][1], -count))


def _plain(rows: pa.Table) -> Array:
    """The traits without their long tails: logarithms of counts, days and money; shares as they are, absent ones 0."""
    columns = []
    for name in _NAMES:
        values = np.nan_to_num(rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False))
        columns.append(np.clip(values, 0, 1) if name in _SHARES else np.log1p(np.maximum(values, 0)))
    return np.column_stack(columns)


def _scaled(plain: Array, middle: Array, spread: Array) -> Array:
    return np.clip((plain - middle) / spread, -FARTHEST, FARTHEST)


def _centres(points: Array, count: int) -> "KMeans":
    from sklearn.cluster import KMeans  # noqa: PLC0415 - as above

    return KMeans(n_clusters=count, n_init=4, random_state=1).fit(points)


def _agreement(points: Array, count: int) -> float:
    """Of two fits to halves that share nobody: how alike they split everybody, 1 is the same, 0 is chance (ARI)."""
    from sklearn.metrics import adjusted_rand_score  # noqa: PLC0415 - as above

    found = []
    for start in range(3):
        order = np.random.default_rng(start).permutation(len(points))
        halves = (_centres(points[order[half::2]], count) for half in (0, 1))
        found.append(adjusted_rand_score(*(half.predict(points) for half in halves)))
    return float(np.mean(found))


def _of_nothing(points: Array, count: int) -> float:
    """How far groups of the same traits are apart where no trait goes with another: each is shuffled by itself."""
    from sklearn.metrics import silhouette_score  # noqa: PLC0415 - as above

    random = np.random.default_rng(2)
    shuffled = np.column_stack([random.permutation(column) for column in points.T])
    labels = _centres(shuffled, count).labels_
    return float(silhouette_score(shuffled, labels)) if len(np.unique(labels)) > 1 else 0.0


def _named(centre: Array) -> str:
    """The code of the group: the one or two traits in which it stands out most."""
    order = sorted(range(len(centre)), key=lambda place: (-abs(centre[place]), place))
    telling = [place for place in order if abs(centre[place]) >= NOTABLE][:2]
    return AND.join(f"{_NAMES[place]}{HIGH if centre[place] > 0 else LOW}" for place in telling) or USUAL


def _factors(centres: Array, shares: Array) -> tuple[tuple[str, float], ...]:
    """By which traits the groups differ: each one's share of the spread of the centres."""
    spread = shares @ (centres - shares @ centres) ** 2
    if spread.sum() <= 0:
        return ()
    return tuple((_NAMES[place], float(spread[place] / spread.sum())) for place in np.argsort(-spread, kind="stable"))


def _grade(agreed: float, apart: float) -> Grade:
    """A: halves agree almost wholly on groups well apart; B: they agree; C: mostly; early: they do not."""
    if agreed >= 0.85 and apart >= 0.25:
        return "A"
    if agreed >= STABLE:
        return "B"
    return "C" if agreed >= 0.5 else "early"


def _notes(agreed: float, shares: Array, names: list[str]) -> list[Text]:
    notes: list[Text] = []
    if agreed < STABLE:
        notes.append(_UNSTABLE.filled(ari=f"{agreed:.2f}"))
    small = int((shares < SMALLEST_SHARE).sum())
    if small:
        notes.append(_SMALL.filled(count=small))
    if len(set(names)) < len(names):
        notes.append(_MERGED.filled(asked=len(names), told=len(set(names))))
    return notes


def score(artefact: Artefact, rows: pa.Table, params: GroupsParams) -> pa.Table:
    """The group each belongs to, how much nearer it is than the next of another name, and the customer's revenue of a year."""
    _ = params
    points = _scaled(_plain(rows), np.array(artefact["middle"]), np.array(artefact["spread"]))
    centres, names = np.array(artefact["centres"]), np.array(artefact["names"])
    away = np.sqrt(np.maximum(((points[:, None, :] - centres) ** 2).sum(axis=2), 0.0))
    own = away.argmin(axis=1)
    others = np.where(names[None, :] == names[own][:, None], np.inf, away)
    near, next_one = away.min(axis=1), others.min(axis=1)
    # 1 at the very centre, a half on the border with the next group; of the only group, 1.
    sure = np.ones_like(near)
    np.divide(next_one, near + next_one, out=sure, where=np.isfinite(next_one) & (near + next_one > 0))
    revenue = rows["revenue_365"].cast(pa.float64()).to_numpy(zero_copy_only=False)
    return scored(rows, KEY, score=sure, amount=revenue, reasons=[names[own].tolist()])


MODEL = Model(
    name="groups",
    entity="customers",
    icon="layers",
    title=Text(ru="Группы клиентов", en="Customer groups"),
    question=Text(ru="На какие группы клиенты делятся сами?", en="Into which groups do customers fall by themselves?"),
    definition=Text(
        ru=(
            "Клиенты разделены по тому, как покупают: покупки за год, давность, средний чек, стаж, доля скидок и возвратов, в одном "
            "масштабе (логарифмы, отклонения от среднего не дальше трёх стандартных). Способ: k-средних. Число групп от 3 до 8: то, "
            "где группы лучше всего отделены (силуэт) из тех, на которых сходятся две половины клиентов (индекс Рэнда не ниже "
            "0,7). Название: одна-две черты, в которых группа дальше всего от среднего. Мельче 1 % клиентов: предупреждение."
        ),
        en=(
            "Customers are split by how they buy: purchases in a year, recency, average check, time with us, shares of discounts and "
            "returns, on one scale (logarithms, no farther than three standard deviations from the mean). Way: k-means. The number "
            "of groups, 3 to 8: the one best told apart (silhouette) among those on which two halves of the customers agree "
            "(Rand index of 0.7 or more). Name: the one or two traits in which the group is farthest from the mean. Below 1% of "
            "customers there is a warning."
        ),
    ),
    source="Hubert, Arabie, Journal of Classification 2 (1985), 193-218; Rousseeuw, J. Comput. Appl. Math. 20 (1987), 53-65",
    inputs={"sales": SALES, "calendar": CALENDAR},
    params=GroupsParams,
    features=FEATURES,
    samples=present,
    present=present,
    fit=fit,
    score=score,
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="клиентов с покупками", en="customers with purchases"),
                at_least=LEAST_CUSTOMERS,
                rows=present,
            ),
        )
    ),
)
