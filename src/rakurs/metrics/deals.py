"""How much work came in, and how did it end?"""

import narwhals.stable.v2 as nw

from rakurs.core.frames import ratio
from rakurs.core.metric import Measure, Metric, Part
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_OUTCOMES
from rakurs.metrics.sales import alone

_WON, _LOST = nw.col("outcome") == "won", nw.col("outcome") == "lost"


def _count(condition: nw.Expr) -> Part:
    return Part(expression=nw.when(condition).then(nw.lit(1)).count(), unit=Unit.COUNT)


def _created_in(**parts: Part) -> tuple[Measure, ...]:
    return (Measure(mart=DEAL_OUTCOMES, day="created_on", parts=parts, entity="deals", key="deal_id"),)


def _closed_in(counted: nw.Expr, **parts: Part) -> tuple[Measure, ...]:
    return (Measure(mart=DEAL_OUTCOMES, day="closed_on", parts=parts, entity="deals", key="deal_id", counted=counted),)


DEALS_CREATED = Metric(
    name="deals_created",
    title=Text(ru="Созданные сделки", en="Deals created"),
    definition=Text(ru="Сделки, созданные в периоде", en="Deals created in the period"),
    unit=Unit.COUNT,
    measures=_created_in(created=Part(expression=nw.len(), unit=Unit.COUNT)),
    value=alone("created"),
)
DEALS_WON = Metric(
    name="deals_won",
    title=Text(ru="Выигранные сделки", en="Deals won"),
    definition=Text(ru="Сделки, выигранные в периоде, по дню закрытия", en="Deals won in the period, by closing day"),
    unit=Unit.COUNT,
    measures=_closed_in(_WON, won=_count(_WON)),
    value=alone("won"),
)
DEALS_LOST = Metric(
    name="deals_lost",
    title=Text(ru="Проигранные сделки", en="Deals lost"),
    definition=Text(ru="Сделки, проигранные в периоде, по дню закрытия", en="Deals lost in the period, by closing day"),
    unit=Unit.COUNT,
    measures=_closed_in(_LOST, lost=_count(_LOST)),
    value=alone("lost"),
)
WON_AMOUNT = Metric(
    name="won_amount",
    title=Text(ru="Сумма выигранных сделок", en="Won amount"),
    definition=Text(
        ru="Сумма сделок, выигранных в периоде, по дню закрытия",
        en="The amount of deals won in the period, by closing day",
    ),
    unit=Unit.MONEY,
    measures=_closed_in(_WON, won_amount=Part(expression=nw.when(_WON).then(nw.col("amount")).sum(), unit=Unit.MONEY)),
    value=alone("won_amount"),
)
CONVERSION = Metric(
    name="conversion",
    title=Text(ru="Конверсия", en="Conversion"),
    definition=Text(
        ru="Выигранные / созданные среди сделок, созданных в периоде; интервал Уилсона 95 %",
        en="Won / created among the deals created in the period; Wilson 95 % interval",
    ),
    unit=Unit.SHARE,
    measures=_created_in(created=Part(expression=nw.len(), unit=Unit.COUNT), won=_count(_WON)),
    value=lambda parts: ratio(parts["won"], parts["created"]),
    successes="won",
    trials="created",
)
WIN_RATE = Metric(
    name="win_rate",
    title=Text(ru="Доля выигранных", en="Win rate"),
    definition=Text(
        ru="Выигранные / (выигранные + проигранные) среди сделок, закрытых в периоде; интервал Уилсона 95 %",
        en="Won / (won + lost) among the deals closed in the period; Wilson 95 % interval",
    ),
    unit=Unit.SHARE,
    measures=_closed_in(_WON | _LOST, won=_count(_WON), decided=_count(_WON | _LOST)),
    value=lambda parts: ratio(parts["won"], parts["decided"]),
    successes="won",
    trials="decided",
)
CYCLE_DAYS = Metric(
    name="cycle_days",
    title=Text(ru="Цикл сделки, дней", en="Deal cycle, days"),
    definition=Text(
        ru="Медиана дней от создания до закрытия среди сделок, закрытых в периоде",
        en="Median days from creation to closing among the deals closed in the period",
    ),
    unit=Unit.DAYS,
    measures=_closed_in(
        _WON | _LOST,
        cycle_days=Part(
            expression=nw.when(_WON | _LOST).then(nw.col("cycle_days")).median(),
            unit=Unit.DAYS,
            is_additive=False,
            empty=None,
        ),
    ),
    value=alone("cycle_days"),
)
