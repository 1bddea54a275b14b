"""Who comes to the site, and who leaves a contact there?"""

import narwhals.stable.v2 as nw

from rakurs.core.frames import count_distinct, ratio
from rakurs.core.metric import Measure, Metric, Part
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import TOUCHPOINTS
from rakurs.metrics.sales import alone


def _of_visits(counted: nw.Expr | None = None, **parts: Part) -> tuple[Measure, ...]:
    return (Measure(mart=TOUCHPOINTS, day="started_on", parts=parts, entity="visits", key="visit_id", counted=counted),)


_VISITS = Part(expression=nw.len(), unit=Unit.COUNT)
_CONTACTS = Part(expression=nw.when(nw.col("is_contact")).then(nw.lit(1)).count(), unit=Unit.COUNT)

VISITS_TOTAL = Metric(
    name="visits",
    title=Text(ru="Посещения сайта", en="Site visits"),
    definition=Text(
        ru="Посещения сайта, начатые в периоде; без роботов и тех, кто просил за ним не следить",
        en="Visits to the site begun in the period; without robots and whoever asked not to be followed",
    ),
    unit=Unit.COUNT,
    measures=_of_visits(visits=_VISITS),
    value=alone("visits"),
)
VISITORS = Metric(
    name="visitors",
    title=Text(ru="Посетители сайта", en="Site visitors"),
    definition=Text(
        ru="Разные браузеры среди посещений периода: один человек с двумя устройствами считается дважды",
        en="Different browsers among the visits of the period: a person with two devices counts twice",
    ),
    unit=Unit.COUNT,
    measures=_of_visits(visitors=Part(expression=count_distinct("visitor_id"), unit=Unit.COUNT, is_additive=False)),
    value=alone("visitors"),
)
VISITS_WITH_CONTACT = Metric(
    name="visits_with_contact",
    title=Text(ru="Посещения с обращением", en="Visits with a contact"),
    definition=Text(
        ru="Посещения, в которых отправили форму или нажали на номер телефона",
        en="Visits in which a form was sent or a phone number tapped",
    ),
    unit=Unit.COUNT,
    measures=_of_visits(nw.col("is_contact"), contacts=_CONTACTS),
    value=alone("contacts"),
)
SITE_CONVERSION = Metric(
    name="site_conversion",
    title=Text(ru="Конверсия сайта", en="Site conversion"),
    definition=Text(
        ru="Посещения с обращением / все посещения периода; интервал Уилсона 95 %",
        en="Visits with a contact / all visits of the period; Wilson 95 % interval",
    ),
    unit=Unit.SHARE,
    measures=_of_visits(contacts=_CONTACTS, visits=_VISITS),
    value=lambda parts: ratio(parts["contacts"], parts["visits"]),
    successes="contacts",
    trials="visits",
)
