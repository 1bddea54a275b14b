"""Lifetime: how long will a client stay, how often will he buy, and what is that worth today?"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

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
from rakurs.models.scored import scored

if TYPE_CHECKING:
    from rakurs.models.purchases import BuyingModel, SpendingModel

Frame = nw.LazyFrame[Any]
Array = NDArray[np.float64]

WEEK = 7.0
YEAR = 365.0
LEAST_RETURNING = 50
DRAWS = 100
ROWS_AT_ONCE = 10_000
PRIOR_CHECKS = 3.0
"""A client's own margin rate counts as his purchases, the company's as so many more."""
BINS = 10

_NUMBERS = ("x", "tx", "age", "purchases", "revenue", "repeat_money", "margin", "revenue_with_margin")
_MODEL = Text(ru="MBG/NBD и гамма-гамма", en="MBG/NBD and gamma-gamma")
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
    rows = bought(buying_days(sales, until), until)
    return rows.select(KEY, *(nw.col(name).cast(nw.Float64()).alias(name) for name in _NUMBERS))


def _sales(frames: Frames, params: LifetimeParams) -> Frame:
    return numbered(in_basis(frames["sales"], params.basis, preferred=Basis.ORDERS), frames["calendar"])


def fit(rows: pa.Table, params: LifetimeParams) -> Fitted:
    """Fitted to the past and held against the days after it, then fitted to everything."""
    is_judged = np.asarray(rows["is_judged"]) == 1
    past, now = _Customers(rows.filter(pa.array(is_judged))), _Customers(rows.filter(pa.array(~is_judged)))
    buying, spending = _fitted(past)
    weeks = params.test_days / WEEK
    expected = buying.expected(past.x, past.tx, past.age, weeks)
    at_past_rate = past.purchases / np.maximum(past.age, 1 / WEEK) * weeks
    buying_now, spending_now = _fitted(now)
    margin, notes = _margin(now)
    correlation = now.correlation
    if abs(correlation) > _LARGEST_CORRELATION:
        notes.append(_TIED.filled(r=f"{correlation:.2f}"))
    measures = _measures(past, expected, at_past_rate, money=expected * spending.mean(past.x_priced, past.mean))
    return Fitted(
        artefact={"buying": buying_now.kept(), "spending": spending_now.kept(), "margin": margin},
        card=ModelCard(
            grade=_grade(measures),
            chosen=_MODEL,
            baseline=_PAST_RATE,
            learned_rows=len(past.x),
            tested_rows=len(past.x),
            learned_until=str(params.today - timedelta(days=params.test_days)),
            tested_until=str(params.today),
            measures=measures,
            calibration=_bins(expected, past.came),
            calibration_unit=Unit.NUMBER,
            notes=tuple(notes),
        ),
    )


def score(artefact: Artefact, rows: pa.Table, params: LifetimeParams) -> pa.Table:
    """P(active), purchases of the horizon, and their margin discounted to today with the middle 80 % of its chances."""
    from rakurs.models.purchases import BuyingModel, SpendingModel  # noqa: PLC0415 - scipy is slow to import

    buying, spending = BuyingModel(**artefact["buying"]), SpendingModel(**artefact["spending"])
    customers = _Customers(rows)
    alive = buying.alive(customers.x, customers.tx, customers.age)
    purchases, discounted = _ahead(buying, customers, params)
    rate = customers.margin_rate(artefact["margin"])
    value = alive * discounted * spending.mean(customers.x_priced, customers.mean) * rate
    # Of the drawn sums the money of all years is discounted alike: by how much it is on average.
    price_of_time = np.divide(discounted, purchases, out=np.ones_like(purchases), where=purchases > 0) * rate
    edges = [price_of_time * edge for edge in _middle(buying, spending, customers, years=params.years)]
    return scored(
        rows,
        KEY,
        score=alive,
        expected_count=alive * purchases,
        amount=value,
        # Of a client served at a loss the greater sum is the worse.
        amount_low=np.minimum(*edges),
        amount_high=np.maximum(*edges),
    )


class _Customers:
    """The numbers of many customers; times in weeks, never rounded to whole ones."""

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows
        self.x, self.purchases = self._column("x"), self._column("purchases")
        self.tx, self.age = self._column("tx") / WEEK, self._column("age") / WEEK
        repeat = self._column("repeat_money")
        # Returns may outweigh the repeat purchases; such a client is as anybody.
        self.mean = np.divide(repeat, self.x, out=np.zeros_like(repeat), where=self.x > 0)
        self.has_mean = (self.x > 0) & (self.mean > 0)
        self.x_priced = np.where(self.has_mean, self.x, 0.0)

    @property
    def came(self) -> Array:
        return self._column("came")

    @property
    def came_money(self) -> Array:
        return self._column("came_money")

    @property
    def average(self) -> float:
        """What a purchase is worth on average."""
        return float(self._column("revenue").sum() / max(self.purchases.sum(), 1.0))

    @property
    def correlation(self) -> float:
        """Of how often and for how much repeat buyers buy; gamma-gamma takes it to be 0."""
        x, mean = self.x[self.has_mean], self.mean[self.has_mean]
        return float(np.corrcoef(x, np.log(mean))[0, 1]) if x.std() > 0 and mean.std() > 0 else 0.0

    @property
    def margin(self) -> tuple[float, float, float]:
        """Margin, the revenue it is known for, and all revenue."""
        names = ("margin", "revenue_with_margin", "revenue")
        margin, known, revenue = (float(np.nansum(self._column(name))) for name in names)
        return margin, known, revenue

    def margin_rate(self, common: float | None) -> Array:
        """The share of a client's revenue that is margin: his own, pulled to the company's; 1 where no cost is known."""
        if common is None:
            return np.ones_like(self.x)
        margin, known = np.nan_to_num(self._column("margin")), np.nan_to_num(self._column("revenue_with_margin"))
        prior = PRIOR_CHECKS * max(self.average, 0.01)
        return (margin + prior * common) / (np.maximum(known, 0.0) + prior)

    def part(self, start: int, stop: int) -> "_Customers":
        return _Customers(self._rows.slice(start, stop - start))

    def _column(self, name: str) -> Array:
        return self._rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False)


def _fitted(customers: _Customers) -> "tuple[BuyingModel, SpendingModel]":
    from rakurs.models.purchases import SpendingModel, fit_buying, fit_spending  # noqa: PLC0415 - as above

    buying = fit_buying(customers.x, customers.tx, customers.age)
    known = customers.has_mean
    if int(known.sum()) < LEAST_RETURNING:
        return buying, SpendingModel.of_everybody(customers.average)
    return buying, fit_spending(customers.x[known], customers.mean[known])


def _margin(customers: _Customers) -> tuple[float | None, list[Text]]:
    """The share of revenue that is margin, None where no cost is known, and what is to be said of it."""
    margin, known, revenue = customers.margin
    if known <= 0:
        return None, [_NO_MARGIN]
    share = known / revenue
    told = [_PART_MARGIN.filled(share=f"{100 * share:.0f}")] if share < 0.995 else []
    return margin / known, told


def _ahead(buying: "BuyingModel", customers: _Customers, params: LifetimeParams) -> tuple[Array, Array]:
    """Purchases in the horizon of a client who is still there, plain and each year's discounted from its middle.

    They depend on the number of purchases and the age alone: every pair is worked out once.
    """
    pairs, place = np.unique(np.column_stack([customers.x, customers.age]), axis=0, return_inverse=True)
    ends = np.arange(1, params.years + 1) * YEAR / WEEK
    until = np.stack([buying.expected_alive(pairs[:, 0], pairs[:, 1], end) for end in ends])
    yearly = np.diff(until, axis=0, prepend=0.0)
    prices = (1 + params.discount) ** -(np.arange(params.years) + 0.5)
    return until[-1][place.ravel()], (prices @ yearly)[place.ravel()]


def _middle(
    buying: "BuyingModel", spending: "SpendingModel", customers: _Customers, *, years: int
) -> tuple[Array, Array]:
    """The 10th and 90th percentile of the money each client brings in the horizon."""
    random = np.random.default_rng(1)
    edges: list[Array] = []
    for start in range(0, len(customers.x), ROWS_AT_ONCE):
        some = customers.part(start, min(start + ROWS_AT_ONCE, len(customers.x)))
        purchases = buying.simulated(some.x, some.tx, some.age, years * YEAR / WEEK, draws=DRAWS, random=random)
        money = spending.simulated(some.x_priced, some.mean, purchases, random=random)
        edges.append(np.quantile(money, [0.1, 0.9], axis=1))
    low, high = np.concatenate(edges, axis=1)
    return low, high


def _measures(past: _Customers, expected: Array, at_past_rate: Array, *, money: Array) -> tuple[Measure, ...]:
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
            "степени времени до середины года. Покупки и уход: MBG/NBD, где клиент может уйти и после первой покупки, "
            "поэтому молчащий разовый покупатель не «жив» вечно; несколько продаж одного дня: одна покупка. Сумма покупки: "
            "гамма-гамма по повторным покупкам, возвраты вычтены; у тех, кто не вернулся, как у всех. Доля маржи: своя, "
            "подтянутая к общей. Интервал: средние 80 % из розыгрышей модели. Проверка: подогнано без последних test_days "
            "дней, предсказано то, что в них пришло."
        ),
        en=(
            "CLV = over the years of the horizon: expected purchases of the year × expected money of a purchase × margin "
            "share ÷ (1 + rate) to the time till the middle of the year. Purchases and leaving: MBG/NBD, where a client may "
            "leave after the first purchase too, so a silent one-time buyer is not alive for ever; several sales of a day are one "
            "purchase. Money: gamma-gamma over repeat purchases, returns taken off; of those who did not come back, as of "
            "everybody. Margin share: own, pulled to the common one. Interval: the middle 80 % of draws of the model. Judged: "
            "fitted without the last test_days days, what came in them predicted."
        ),
    ),
    source="Fader, Hardie, Lee, Marketing Science 24 (2005), 275-284; Batislam et al., IJRM 24 (2007), 201-209; Fader, Hardie (2013)",
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
