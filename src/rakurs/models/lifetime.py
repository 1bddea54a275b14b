"""Lifetime: how long will a client stay, how often will he buy, and what is that worth today?"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rakurs.core.analysis import DataGate, Frames, Need
from rakurs.core.model import Artefact, Bin, Fitted, Grade, Measure, Model, ModelCard
from rakurs.core.params import Params, parameter
from rakurs.core.periods import day_number
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import CALENDAR, SALES
from rakurs.metrics.basis import BUYING_BASIS, Basis, in_basis
from rakurs.models.history import KEY, bought, bought_between, buying_days, numbered
from rakurs.models.laws import LEAST_RETURNING, WEEK, Customers, Law, Laws, fit_laws
from rakurs.models.scored import scored

Frame = nw.LazyFrame[Any]
Array = NDArray[np.float64]

YEAR = 365.0
DRAWS = 100
ROWS_AT_ONCE = 10_000
BINS = 10

_NUMBERS = ("x", "tx", "age", "purchases", "revenue", "repeat_money", "margin", "revenue_with_margin")
_SCORED = ("score", "expected_count", "amount", "amount_low", "amount_high")
_TOGETHER = Text(ru="{name} и гамма-гамма", en="{name} and gamma-gamma")
_APART = Text(
    ru="{name} и гамма-гамма, отдельно по видам клиентов", en="{name} and gamma-gamma, apart by customer kind"
)
_PAST_RATE = Text(ru="Прежний темп покупок клиента без ухода", en="The client's past rate of buying, nobody leaving")
_NO_MARGIN = Text(
    ru="Себестоимость неизвестна ни для одной продажи: ценность посчитана по выручке, а не по марже.",
    en="The cost of no sale is known: the value is of revenue, not of margin.",
)
_PART_MARGIN = Text(
    ru="Себестоимость известна для {share} % выручки; доля маржи остального принята такой же.",
    en="The cost is known for {share} % of revenue; the margin rate of the rest is taken to be the same.",
)
_TIED = Text(
    ru="Частые покупатели тратят за раз заметно иначе (корреляция {r}): гамма-гамма считает иначе, ценность условна.",
    en="Frequent buyers spend noticeably differently at a time (correlation {r}), which gamma-gamma rules out: take the "
    "value with care.",
)
_LARGEST_CORRELATION = 0.3


class LifetimeParams(Params):
    """Over which time, and at which price of time."""

    years: int = parameter(10, Text(ru="Горизонт, лет", en="Horizon, years"), unit=Unit.COUNT, ge=1, le=30)
    discount: float = parameter(
        0.15, Text(ru="Ставка дисконтирования в год", en="Discount rate a year"), unit=Unit.RATIO, ge=0, le=1
    )
    test_days: int = parameter(
        90,
        Text(ru="Проверять на последних днях", en="Judged on the last days"),
        unit=Unit.DAYS,
        ge=28,
        le=730,
        is_advanced=True,
    )
    basis: Basis = BUYING_BASIS


def samples(frames: Frames, params: LifetimeParams) -> Frame:
    """The customers of the day before the judged days, with what they then bought; and those of today."""
    sales = _sales(frames, params)
    until = day_number(params.today) - params.test_days
    came = bought_between(sales, until, until + params.test_days)
    judged = (
        _summed(sales, until)
        .join(came, on=KEY, how="left")
        .with_columns(
            nw.col("came").fill_null(0).cast(nw.Float64()).alias("came"),
            nw.col("came_money").fill_null(0.0).alias("came_money"),
            nw.lit(1).alias("is_judged"),
        )
    )
    nobody = nw.lit(0.0)
    today = present(frames, params).with_columns(
        nobody.alias("came"), nobody.alias("came_money"), nw.lit(0).alias("is_judged")
    )
    return nw.concat([judged, today])


def present(frames: Frames, params: LifetimeParams) -> Frame:
    """Everybody who ever bought, as of today."""
    return _summed(_sales(frames, params), day_number(params.today))


def _summed(sales: Frame, until: int) -> Frame:
    kinds = sales.group_by(KEY).agg(nw.col("customer_kind").max().alias("kind"))
    rows = bought(buying_days(sales, until), until).join(kinds, on=KEY, how="left")
    return rows.select(KEY, "kind", *(nw.col(name).cast(nw.Float64()).alias(name) for name in _NUMBERS))


def _sales(frames: Frames, params: LifetimeParams) -> Frame:
    return numbered(in_basis(frames["sales"], params.basis, preferred=Basis.ORDERS), frames["calendar"])


def fit(rows: pa.Table, params: LifetimeParams) -> Fitted:
    """Fitted to the past and held against the days after it, then fitted to everything."""
    is_judged = np.asarray(rows["is_judged"]) == 1
    past, now = Customers(rows.filter(pa.array(is_judged))), Customers(rows.filter(pa.array(~is_judged)))
    weeks = params.test_days / WEEK
    expected, money = np.zeros_like(past.x), np.zeros_like(past.x)
    for some, group, law in fit_laws(past).groups(past):
        expected[some] = law.buying.expected(group.x, group.tx, group.age, weeks)
        money[some] = expected[some] * law.spending.mean(group.x_priced, group.mean)
    at_past_rate = past.purchases / np.maximum(past.age, 1 / WEEK) * weeks
    laws = fit_laws(now)
    measures = _measures(past, expected, at_past_rate, money=money)
    return Fitted(
        artefact=laws.kept(),
        card=ModelCard(
            grade=_grade(measures),
            chosen=_chosen(laws),
            baseline=_PAST_RATE,
            learned_rows=len(past.x),
            tested_rows=len(past.x),
            learned_until=str(params.today - timedelta(days=params.test_days)),
            tested_until=str(params.today),
            measures=measures,
            calibration=_bins(expected, past.came),
            calibration_unit=Unit.NUMBER,
            notes=tuple(_said(now, laws)),
        ),
    )


def _chosen(laws: Laws) -> Text:
    names = " / ".join(dict.fromkeys(law.name for law in (laws.rest, *laws.by_kind.values())))
    return (_APART if laws.by_kind else _TOGETHER).filled(name=names)


def score(artefact: Artefact, rows: pa.Table, params: LifetimeParams) -> pa.Table:
    """P(active), purchases of the horizon, and their margin discounted to today with the middle 80 % of its chances."""
    everybody = Customers(rows)
    found = {name: np.zeros_like(everybody.x) for name in _SCORED}
    for some, customers, law in Laws.read(artefact).groups(everybody):
        for name, values in _worth(customers, law, params).items():
            found[name][some] = values
    return scored(rows, KEY, **found)


def _worth(customers: Customers, law: Law, params: LifetimeParams) -> dict[str, Array]:
    alive = law.buying.alive(customers.x, customers.tx, customers.age)
    purchases, discounted = _ahead(law, customers, params)
    rate = customers.margin_rate(law.margin)
    # Of the drawn sums the money of all years is discounted alike: by how much it is on average.
    price_of_time = np.divide(discounted, purchases, out=np.ones_like(purchases), where=purchases > 0) * rate
    edges = [price_of_time * edge for edge in _middle(law, customers, years=params.years)]
    worth = (
        alive,
        alive * purchases,
        alive * discounted * law.spending.mean(customers.x_priced, customers.mean) * rate,
        # Of a client served at a loss the greater sum is the worse.
        np.minimum(*edges),
        np.maximum(*edges),
    )
    return dict(zip(_SCORED, worth, strict=True))


def _said(customers: Customers, laws: Laws) -> list[Text]:
    """What is to be said of the margin, and of how often against for how much."""
    _, known, revenue = customers.margin
    notes: list[Text] = []
    if known <= 0:
        notes.append(_NO_MARGIN)
    elif known / revenue < 0.995:
        notes.append(_PART_MARGIN.filled(share=f"{100 * known / revenue:.0f}"))
    correlation = max((group.correlation for _, group, _ in laws.groups(customers)), key=abs)
    if abs(correlation) > _LARGEST_CORRELATION:
        notes.append(_TIED.filled(r=f"{correlation:.2f}"))
    return notes


def _ahead(law: Law, customers: Customers, params: LifetimeParams) -> tuple[Array, Array]:
    """Purchases in the horizon of a client who is still there, plain and each year's discounted from its middle.

    They depend on the number of purchases and the age alone: every pair is worked out once.
    """
    pairs, place = np.unique(np.column_stack([customers.x, customers.age]), axis=0, return_inverse=True)
    ends = np.arange(1, params.years + 1) * YEAR / WEEK
    until = np.stack([law.buying.expected_alive(pairs[:, 0], pairs[:, 1], end) for end in ends])
    yearly = np.diff(until, axis=0, prepend=0.0)
    prices = (1 + params.discount) ** -(np.arange(params.years) + 0.5)
    return until[-1][place.ravel()], (prices @ yearly)[place.ravel()]


def _middle(law: Law, customers: Customers, *, years: int) -> tuple[Array, Array]:
    """The 10th and 90th percentile of the money each client brings in the horizon."""
    random = np.random.default_rng(1)
    edges: list[Array] = []
    for start in range(0, len(customers.x), ROWS_AT_ONCE):
        some = customers.part(start, min(start + ROWS_AT_ONCE, len(customers.x)))
        purchases = law.buying.simulated(some.x, some.tx, some.age, years * YEAR / WEEK, draws=DRAWS, random=random)
        money = law.spending.simulated(some.x_priced, some.mean, purchases, random=random)
        edges.append(np.quantile(money, [0.1, 0.9], axis=1))
    low, high = np.concatenate(edges, axis=1)
    return low, high


def _measures(past: Customers, expected: Array, at_past_rate: Array, *, money: Array) -> tuple[Measure, ...]:
    came = past.came
    return (
        Measure(
            name="total",
            title=Text(ru="Покупок предсказано к тому, что было", en="Purchases predicted to those that came"),
            value=_over(expected.sum(), came.sum()),
            baseline=_over(at_past_rate.sum(), came.sum()),
            unit=Unit.RATIO,
        ),
        Measure(
            name="mae",
            title=Text(ru="Ошибка на клиента, покупок", en="Error per client, purchases"),
            value=float(np.abs(expected - came).mean()),
            baseline=float(np.abs(at_past_rate - came).mean()),
        ),
        Measure(
            name="money",
            title=Text(ru="Выручки предсказано к той, что была", en="Revenue predicted to what came"),
            value=_over(money.sum(), past.came_money.sum()),
            unit=Unit.RATIO,
        ),
    )


def _over(predicted: float, came: float) -> float:
    return float(predicted / came) if came else float("inf") if predicted else 1.0


def _bins(expected: Array, came: Array) -> tuple[Bin, ...]:
    found: list[Bin] = []
    for part in np.array_split(np.argsort(expected, kind="stable"), BINS):
        if len(part):
            mean, error = float(came[part].mean()), float(came[part].std() / np.sqrt(len(part)))
            bounds = (max(0.0, mean - 1.96 * error), mean + 1.96 * error)
            found.append(
                Bin(
                    predicted=float(expected[part].mean()), observed=mean, low=bounds[0], high=bounds[1], rows=len(part)
                )
            )
    return tuple(found)


def _grade(measures: Sequence[Measure]) -> Grade:
    """A: purchases within a tenth; B: within a fifth; C: within a half, or no better than the past rate per client."""
    total, error = measures[0].value, measures[1]
    is_better = error.baseline is not None and error.value < error.baseline
    off = abs(total - 1)
    if off <= 0.1 and is_better:
        return "A"
    if off <= 0.2 and is_better:
        return "B"
    return "C" if off <= 0.5 else "early"


def _returning(frames: Frames, params: LifetimeParams) -> Frame:
    """Whoever had bought at least twice before the judged days."""
    rows = _summed(_sales(frames, params), day_number(params.today) - params.test_days)
    return rows.filter(nw.col("x") > 0)


MODEL = Model(
    name="lifetime",
    entity="customers",
    icon="coins",
    title=Text(ru="Ценность клиента (CLV)", en="Customer lifetime value"),
    question=Text(
        ru="Чего стоит каждый клиент, и будет ли он ещё покупать?",
        en="What is each client worth, and will he buy again?",
    ),
    definition=Text(
        ru=(
            "CLV = сумма по годам горизонта: ожидаемые покупки года × ожидаемая сумма покупки × доля маржи ÷ (1 + ставка) в "
            "степени времени до середины года. Покупки и уход: вероятнейший из двух законов, MBG/NBD (клиент уходит после покупки, "
            "и после первой тоже) и Pareto/NBD (уходит в любой день); в обоих молчащий разовый покупатель не «жив» вечно. Для "
            "людей и компаний законы свои, если это заметно вероятнее. Несколько продаж одного дня: одна покупка. Сумма покупки: "
            "гамма-гамма по повторным покупкам, возвраты вычтены; у тех, кто не вернулся, как у всех. Доля маржи: своя, "
            "подтянутая к общей. Интервал: средние 80 % из розыгрышей модели. Проверка: подогнано без последних test_days "
            "дней, предсказано то, что в них пришло."
        ),
        en=(
            "CLV = over the years of the horizon: expected purchases of the year × expected money of a purchase × margin "
            "share ÷ (1 + rate) to the time till the middle of the year. Purchases and leaving: the likelier of two laws, MBG/NBD (a "
            "client leaves after a purchase, the first one too) and Pareto/NBD (he leaves on any day); in both a silent one-time "
            "buyer is not alive for ever. People and companies get laws of their own where that is clearly likelier. Several sales "
            "of a day are one purchase. Money: gamma-gamma over repeat purchases, returns taken off; of those who did not come back, as of "
            "everybody. Margin share: own, pulled to the common one. Interval: the middle 80 % of draws of the model. Judged: "
            "fitted without the last test_days days, what came in them predicted."
        ),
    ),
    source=(
        "Batislam et al., IJRM 24 (2007), 201-209; Schmittlein, Morrison, Colombo, Management Science 33 (1987), 1-24; "
        "Fader, Hardie (2013)"
    ),
    inputs={"sales": SALES, "calendar": CALENDAR},
    params=LifetimeParams,
    features=(),
    samples=samples,
    present=present,
    fit=fit,
    score=score,
    gate=DataGate(
        needs=(
            Need(
                what=Text(
                    ru="клиентов с повторной покупкой до проверочных дней",
                    en="customers with a repeat purchase before the judged days",
                ),
                at_least=LEAST_RETURNING,
                rows=_returning,
            ),
        )
    ),
)
