"""Is the phone answered, how soon, and are missed callers called back?"""

import narwhals.stable.v2 as nw

from rakurs.core.frames import ratio
from rakurs.core.metric import Measure, Metric, Part
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import PHONE_CALLS
from rakurs.metrics.sales import alone

_INCOMING = nw.col("direction") == "in"
_ANSWERED = _INCOMING & ~nw.col("is_missed")
_MISSED = _INCOMING & nw.col("is_missed")
_TALKED = ~nw.col("is_missed")


def _count(condition: nw.Expr) -> Part:
    return Part(expression=nw.when(condition).then(nw.lit(1)).count(), unit=Unit.COUNT)


def _median(condition: nw.Expr, column: str) -> Part:
    value = nw.when(condition).then(nw.col(column)).median()
    return Part(expression=value, unit=Unit.SECONDS, is_additive=False, empty=None)


def _of_calls(counted: nw.Expr | None = None, **parts: Part) -> tuple[Measure, ...]:
    return (Measure(mart=PHONE_CALLS, day="started_on", parts=parts, entity="calls", key="call_id", counted=counted),)


CALLS_TOTAL = Metric(
    name="calls",
    title=Text(ru="Звонки", en="Calls"),
    definition=Text(ru="Звонки, начатые в периоде, в обе стороны", en="Calls begun in the period, both ways"),
    unit=Unit.COUNT,
    measures=_of_calls(calls=Part(expression=nw.len(), unit=Unit.COUNT)),
    value=alone("calls"),
)
CALLS_ANSWERED = Metric(
    name="calls_answered",
    title=Text(ru="Принятые звонки", en="Calls answered"),
    definition=Text(ru="Входящие звонки, на которые ответили", en="Incoming calls that were answered"),
    unit=Unit.COUNT,
    measures=_of_calls(_ANSWERED, answered=_count(_ANSWERED)),
    value=alone("answered"),
)
CALLS_MISSED = Metric(
    name="calls_missed",
    title=Text(ru="Пропущенные звонки", en="Calls missed"),
    definition=Text(ru="Входящие звонки, на которые не ответили", en="Incoming calls that nobody answered"),
    unit=Unit.COUNT,
    measures=_of_calls(_MISSED, missed=_count(_MISSED)),
    value=alone("missed"),
)
ANSWER_RATE = Metric(
    name="answer_rate",
    title=Text(ru="Доля принятых", en="Answer rate"),
    definition=Text(
        ru="Принятые / входящие звонки; интервал Уилсона 95 %", en="Answered / incoming calls; Wilson 95 % interval"
    ),
    unit=Unit.SHARE,
    measures=_of_calls(_INCOMING, answered=_count(_ANSWERED), incoming=_count(_INCOMING)),
    value=lambda parts: ratio(parts["answered"], parts["incoming"]),
    successes="answered",
    trials="incoming",
)
CALLBACK_RATE = Metric(
    name="callback_rate",
    title=Text(ru="Перезвонили за час", en="Called back within an hour"),
    definition=Text(
        ru="Пропущенные входящие, на которые перезвонили не позже чем через час / все пропущенные; интервал Уилсона 95 %",
        en="Missed incoming calls called back within an hour / all missed ones; Wilson 95 % interval",
    ),
    unit=Unit.SHARE,
    measures=_of_calls(_MISSED, returned=_count(_MISSED & nw.col("is_called_back")), missed=_count(_MISSED)),
    value=lambda parts: ratio(parts["returned"], parts["missed"]),
    successes="returned",
    trials="missed",
)
WAIT_SECONDS = Metric(
    name="wait_seconds",
    title=Text(ru="Ожидание ответа", en="Wait for an answer"),
    definition=Text(
        ru="Медиана ожидания принятых входящих звонков", en="Median wait of incoming calls that were answered"
    ),
    unit=Unit.SECONDS,
    measures=_of_calls(_ANSWERED, wait=_median(_ANSWERED, "wait_seconds")),
    value=alone("wait"),
)
TALK_SECONDS = Metric(
    name="talk_seconds",
    title=Text(ru="Длительность разговора", en="Talk time"),
    definition=Text(ru="Медиана разговора в состоявшихся звонках", en="Median talk of calls that took place"),
    unit=Unit.SECONDS,
    measures=_of_calls(_TALKED, talk=_median(_TALKED, "talk_seconds")),
    value=alone("talk"),
)
