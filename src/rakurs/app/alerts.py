"""When is a number worth a word? Beyond a threshold, away from what its own past lets expect, or nothing new.

Looked at after every load and once a day. "Once" tells when it becomes so and again only after it was not; "each time"
tells at every look while it is so.

What its past lets expect is one of two. *Unusual*: outside the usual bounds of the same weekday in the eight weeks before; with
fewer than five such days nothing is said. *Forecast*: the last finished day, week or month lies outside the interval of a
forecast made of what was before it; of a past too short for one, outside the usual bounds, and the letter says so.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from rakurs.app.accounts import note, scope_of
from rakurs.app.asked import PivotAsked, kept_asked
from rakurs.app.formats import Format, custom_period
from rakurs.app.schedules import check_recipients
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadParameter, NotAllowed, UnknownName
from rakurs.core.intervals import usual_bounds
from rakurs.core.periods import DAY, Grain, bucket_start
from rakurs.core.text import Text
from rakurs.marts.calendar import calendar
from rakurs.metrics import metric_named
from rakurs.models.forecasting.expected import READ_DAYS, Against, Expected, expected_of, last_finished
from rakurs.state.models import Alert, User

ALERT = Text(ru="Оповещения", en="alert")
CONDITIONS: Mapping[str, Text] = {
    "above": Text(ru="Больше порога", en="Above a threshold"),
    "below": Text(ru="Меньше порога", en="Below a threshold"),
    "unusual": Text(ru="Не как обычно в этот день недели", en="Unusual for this weekday"),
    "forecast": Text(ru="Вне интервала прогноза", en="Outside the forecast's interval"),
    "no_data": Text(ru="Нет новых данных, дней", en="No new data, days"),
}
WITHOUT_THRESHOLD = frozenset({"unusual", "forecast"})
GRAINS: Mapping[str, Text] = {
    Grain.DAY: Text(ru="День", en="Day"),
    Grain.WEEK: Text(ru="Неделя", en="Week"),
    Grain.MONTH: Text(ru="Месяц", en="Month"),
}
LEVELS: Mapping[int, Text] = {80: Text(ru="80 %", en="80%"), 95: Text(ru="95 %", en="95%")}
WEEKS, ENOUGH_DAYS = 8, 5

_NOW = Text(ru="{metric}: {value} за {day}", en="{metric}: {value} on {day}")
_AGAINST = Text(ru="порог {expected}", en="threshold {expected}")
_USUAL = Text(ru="обычно в этот день недели от {low} до {high}", en="usually between {low} and {high} on this weekday")
_FORECAST = Text(
    ru="прогноз по прошлому {expected}, в {level} % случаев от {low} до {high}",
    en="the past let expect {expected}, in {level}% of cases {low} to {high}",
)
_SHORT_PAST = Text(
    ru="прошлого мало для прогноза, обычно от {low} до {high}",
    en="the past is too short for a forecast, usually it is {low} to {high}",
)
_SILENT = Text(ru="Новых данных нет {days} дн.", en="No new data for {days} days.")
_HELD = {"unusual": _USUAL, "forecast": _FORECAST, "usual": _SHORT_PAST}
_NOT_YOURS = Text(
    ru="Оповещение меняет его владелец или администратор.", en="Its owner or an administrator changes it."
)
_NO_FORECAST = Text(
    ru="Прогноз делают для сумм и количеств; для долей и средних выберите «не как обычно».",
    en="Sums and counts are forecast; for shares and averages choose “unusual”.",
)
_NEEDS_THRESHOLD = Text(ru="Нужен порог: число.", en="A threshold is needed: a number.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a look found: whether the condition holds, the value, and what it was held against.

    `day` is the first day of the period, `last` its last one where it has more; `against` is as the alert keeps it.
    """

    is_so: bool
    value: Any
    day: date
    last: date | None = None
    against: Against | None = None
    expected: float | None = None
    low: float | None = None
    high: float | None = None


def keep_alert(
    owner: User,
    *,
    metric: str,
    params: Mapping[str, Any],
    title: str,
    condition: str,
    threshold: float | None,
    is_told_each_time: bool,
    people: Sequence[User],
    chats: Sequence[str],
    grain: str = Grain.DAY,
    level: int = 95,
    known: Alert | None = None,
) -> Alert:
    """A new alert on one metric, or `known` changed. Raises BadParameter, NotAllowed."""
    if condition not in CONDITIONS:
        raise BadParameter("condition", condition, Text(ru="Неизвестное условие.", en="An unknown condition."))
    if condition not in WITHOUT_THRESHOLD and threshold is None:
        raise BadParameter("threshold", "", _NEEDS_THRESHOLD)
    if grain not in GRAINS:
        raise BadParameter("grain", grain, _one_of(GRAINS))
    if level not in LEVELS:
        raise BadParameter("level", level, _one_of(LEVELS))
    check_recipients(owner, people=people, chats=chats)
    named = metric_named(metric)
    if condition == "forecast" and not named.is_additive:
        raise BadParameter("condition", condition, _NO_FORECAST)
    asked = PivotAsked(metrics=(metric,), params=dict(params))
    values: dict[str, Any] = {
        "title": (title.strip() or named.title.ru)[:200],
        "subject": {"asked": kept_asked(asked)},
        "condition": condition,
        "grain": grain,
        "level": level,
        "threshold": threshold,
        "is_told_each_time": is_told_each_time,
        "chats": list(chats),
    }
    with transaction.atomic():
        if known is None:
            kept = Alert.objects.create(owner=owner, **values)
        else:
            if known.owner != owner and not owner.may("administer"):
                raise NotAllowed(_NOT_YOURS)
            Alert.objects.filter(pk=known.pk).update(**values, is_on=False, against="")
            kept = Alert.objects.get(pk=known.pk)
        kept.people.set(people)
        note(owner, "watch number", kept.id, detail={"metric": metric, "condition": condition})
    return kept


def alerts_of(user: User) -> QuerySet[Alert]:
    """Those this person made; an administrator sees everybody's."""
    every = Alert.objects.select_related("owner").prefetch_related("people")
    return every if user.may("administer") else every.filter(owner=user)


def alert_for(user: User, alert_id: str) -> Alert:
    """One of `alerts_of`; otherwise it does not exist for this person."""
    found = alerts_of(user).filter(pk=alert_id).first()
    if found is None:
        raise UnknownName(ALERT, alert_id, ())
    return found


def _one_of(known: Iterable[object]) -> Text:
    names = ", ".join(str(name) for name in known)
    return Text(ru=f"Допустимо: {names}.", en=f"Allowed: {names}.")


def looked(workspace: Workspace, alert: Alert, *, today: date) -> Finding:
    """The number as its owner sees it, yesterday (the last whole day), and whether the condition holds.

    Of the condition "forecast": the last period that is over and that the data have reached the end of.
    """
    yesterday = today - timedelta(days=1)
    if alert.condition == "no_data":
        newest = workspace.state.newest_on
        age = (today - newest).days if newest else None
        return Finding(is_so=age is None or age >= float(alert.threshold or 0), value=age, day=today)
    if alert.condition == "forecast":
        return _beside_forecast(workspace, alert, today=today)
    values = _daily(workspace, alert, first=yesterday - timedelta(weeks=WEEKS), last=yesterday)
    value = values.get(yesterday)
    if alert.condition == "unusual":
        return _unusual(value, yesterday, values)
    if value is None:
        return Finding(is_so=False, value=None, day=yesterday)
    threshold = float(alert.threshold or 0)
    is_so = float(value) > threshold if alert.condition == "above" else float(value) < threshold
    return Finding(is_so=is_so, value=value, day=yesterday, expected=threshold)


def _unusual(value: Any, day: date, values: Mapping[date, Any]) -> Finding:
    earlier = [values.get(day - timedelta(weeks=week)) for week in range(1, WEEKS + 1)]
    known = [float(number) for number in earlier if number is not None]
    if value is None or len(known) < ENOUGH_DAYS:
        return Finding(is_so=False, value=value, day=day)
    low, high = usual_bounds(known)
    return Finding(is_so=not low <= float(value) <= high, value=value, day=day, low=low, high=high)


def _beside_forecast(workspace: Workspace, alert: Alert, *, today: date) -> Finding:
    grain, rules = Grain(alert.grain), workspace.company.mart_settings.calendar
    newest = workspace.state.newest_on
    # A month half loaded on the first of the next one has not fallen.
    first, last = last_finished(today if newest is None else min(today, newest + DAY), grain)

    def found() -> tuple[Any, Expected]:
        begin = bucket_start(first - READ_DAYS[grain], grain)
        values = _daily(workspace, alert, first=begin, last=last)
        known = calendar(begin, last, rules)
        holidays = {row["day"] for row in known.select(["day", "holiday"]).to_pylist() if row["holiday"]}
        numbers = {day: float(value) for day, value in values.items()}
        expected = expected_of(first, numbers, grain=grain, level=alert.level / 100, holidays=holidays)
        return sum(value for day, value in values.items() if day >= first), expected

    # A forecast takes a second, and everybody who is told asks again.
    asked = (json.dumps(alert.subject, sort_keys=True), grain, alert.level, first)
    key = ("expected", *asked, scope_of(alert.owner), workspace.company.revenue_basis, rules)
    value, expected = workspace.kept(key, lambda _: found())
    return Finding(
        is_so=not expected.holds(float(value)),
        value=value,
        day=first,
        last=last,
        against=expected.against,
        expected=expected.value,
        low=expected.low,
        high=expected.high,
    )


def _daily(workspace: Workspace, alert: Alert, *, first: date, last: date) -> dict[date, Any]:
    """The metric by day, both ends included; a day nothing fell on is absent for a rate, zero for a sum."""
    kept = alert.subject["asked"]
    days = {"from_day": first.isoformat(), "to_day": last.isoformat(), "compare": "none"}
    params = {**{name: value for name, value in kept.get("params", {}).items() if name != "period"}, **days}
    (metric,) = kept["metrics"]
    answer = workspace.pivot([metric], ["day"], params=params, scope=scope_of(alert.owner))
    found = {row["day"]: row[metric] for row in answer.table.to_pylist()}
    if metric_named(metric).is_additive:
        return {
            day: found.get(day, 0)
            for day in (first + timedelta(days=shift) for shift in range((last - first).days + 1))
        }
    return found


def noted_look(alert: Alert, finding: Finding, *, now: datetime) -> bool:
    """Keep what the look found; True when it is to be told."""
    was_on = Alert.objects.get(pk=alert.pk).is_on
    Alert.objects.filter(pk=alert.pk).update(is_on=finding.is_so, looked_at=now, against=finding.against or "")
    return finding.is_so and (alert.is_told_each_time or not was_on)


def look_moment(finding: Finding) -> datetime:
    """The moment that names a look, so that the same day is not told twice to the same person."""
    return datetime.combine(finding.day, time(), tzinfo=UTC)


def look_words(alert: Alert, finding: Finding, form: Format) -> str:
    """What a look found as a sentence: the number, its period, and what it was held against."""
    if alert.condition == "no_data":
        return _SILENT.filled(days=finding.value).to(form.language)
    metric = metric_named(alert.subject["asked"]["metrics"][0])
    now = _NOW.filled(
        metric=metric.title.to(form.language),
        value=form.shown(finding.value, metric.unit),
        day=custom_period(finding.day, finding.last or finding.day, form),
    )
    shown = {name: form.shown(getattr(finding, name), metric.unit) for name in ("expected", "low", "high")}
    held = _HELD.get(finding.against or alert.condition, _AGAINST).filled(**shown, level=alert.level)
    return f"{now.to(form.language)}; {held.to(form.language)}."
