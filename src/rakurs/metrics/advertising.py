"""What does advertising cost, and how many leads come?"""

import narwhals.stable.v2 as nw

from rakurs.core.frames import ratio
from rakurs.core.metric import Measure, Metric, Part
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import AD_SPENDING, LEAD_OUTCOMES
from rakurs.metrics.sales import alone


def _of_spending(column: str, unit: Unit) -> tuple[Measure, ...]:
    part = Part(expression=nw.col(column).sum(), unit=unit)
    measure = Measure(mart=AD_SPENDING, day="spent_on", parts={column: part}, entity="ad_spending", key="spending_id")
    return (measure,)


def _of_leads(counted: nw.Expr | None = None, **parts: Part) -> tuple[Measure, ...]:
    measure = Measure(mart=LEAD_OUTCOMES, day="created_on", parts=parts, entity="leads", key="lead_id", counted=counted)
    return (measure,)


_LEADS = Part(expression=nw.len(), unit=Unit.COUNT)
_CONVERTED = Part(expression=nw.when(nw.col("is_converted")).then(nw.lit(1)).count(), unit=Unit.COUNT)

AD_COST = Metric(
    name="ad_cost",
    title=Text(ru="Расход на рекламу", en="Advertising cost"),
    definition=Text(
        ru="Расходы каналов и кампаний за дни периода, в валюте компании",
        en="What channels and campaigns cost on the days of the period, in the company's currency",
    ),
    unit=Unit.MONEY,
    measures=_of_spending("amount", Unit.MONEY),
    value=alone("amount"),
)
AD_CLICKS = Metric(
    name="ad_clicks",
    title=Text(ru="Клики", en="Clicks"),
    definition=Text(ru="Клики по рекламе за дни периода", en="Clicks on advertising on the days of the period"),
    unit=Unit.COUNT,
    measures=_of_spending("clicks", Unit.COUNT),
    value=alone("clicks"),
)
AD_IMPRESSIONS = Metric(
    name="ad_impressions",
    title=Text(ru="Показы", en="Impressions"),
    definition=Text(ru="Показы рекламы за дни периода", en="Impressions of advertising on the days of the period"),
    unit=Unit.COUNT,
    measures=_of_spending("impressions", Unit.COUNT),
    value=alone("impressions"),
)
LEADS = Metric(
    name="leads",
    title=Text(ru="Лиды", en="Leads"),
    definition=Text(ru="Лиды, созданные в периоде", en="Leads created in the period"),
    unit=Unit.COUNT,
    measures=_of_leads(leads=_LEADS),
    value=alone("leads"),
)
LEAD_CONVERSION = Metric(
    name="lead_conversion",
    title=Text(ru="Конверсия лидов", en="Lead conversion"),
    definition=Text(
        ru="Лиды периода, ставшие сделкой / все лиды периода; интервал Уилсона 95 %",
        en="Leads of the period that became a deal / all leads of it; Wilson 95 % interval",
    ),
    unit=Unit.SHARE,
    measures=_of_leads(converted=_CONVERTED, leads=_LEADS),
    value=lambda parts: ratio(parts["converted"], parts["leads"]),
    successes="converted",
    trials="leads",
)
