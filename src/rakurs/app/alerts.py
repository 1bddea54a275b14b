"""When is a number worth a word? Beyond a threshold, away from what its own past lets expect, or nothing new.

Looked at after every load and once a day. "Once" tells when it becomes so and again only after it was not; "each time"
tells at every look while it is so.

What its past lets expect: the usual bounds of the values of the same weekday in the eight weeks before. With fewer than
five such days nothing is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from rakurs.app.accounts import note, scope_of
from rakurs.app.asked import PivotAsked, kept_asked
from rakurs.app.schedules import check_recipients
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadParameter, NotAllowed, UnknownName
from rakurs.core.intervals import usual_bounds
from rakurs.core.text import Text
from rakurs.metrics import metric_named
from rakurs.state.models import Alert, User

ALERT = Text(ru="Оповещения", en="alert")
CONDITIONS: Mapping[str, Text] = {
    "above": Text(ru="Больше порога", en="Above a threshold"),
    "below": Text(ru="Меньше порога", en="Below a threshold"),
    "unusual": Text(ru="Не как обычно в этот день недели", en="Unusual for this weekday"),
    "no_data": Text(ru="Нет новых данных, дней", en="No new data, days"),
}
WEEKS, ENOUGH_DAYS = 8, 5

_NOT_YOURS = Text(
    ru="Оповещение меняет его владелец или администратор.", en="Its owner or an administrator changes it."
)
_NEEDS_THRESHOLD = Text(ru="Нужен порог: число.", en="A threshold is needed: a number.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a look found: whether the condition holds, the value, and what it was held against."""

    is_so: bool
    value: Any
    day: date
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
    known: Alert | None = None,
) -> Alert:
    """A new alert on one metric, or `known` changed. Raises BadParameter, NotAllowed."""
    if condition not in CONDITIONS:
        raise BadParameter("condition", condition, Text(ru="Неизвестное условие.", en="An unknown condition."))
    if condition != "unusual" and threshold is None:
        raise BadParameter("threshold", "", _NEEDS_THRESHOLD)
    check_recipients(owner, people=people, chats=chats)
    named = metric_named(metric)
    asked = PivotAsked(metrics=(metric,), params=dict(params))
    values: dict[str, Any] = {
        "title": (title.strip() or named.title.ru)[:200],
        "subject": {"asked": kept_asked(asked)},
        "condition": condition,
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
            Alert.objects.filter(pk=known.pk).update(**values, is_on=False)
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


def looked(workspace: Workspace, alert: Alert, *, today: date) -> Finding:
    """The number as its owner sees it, yesterday (the last whole day), and whether the condition holds."""
    yesterday = today - timedelta(days=1)
    if alert.condition == "no_data":
        newest = workspace.state.newest_on
        age = (today - newest).days if newest else None
        return Finding(is_so=age is None or age >= float(alert.threshold or 0), value=age, day=today)
    values = _daily(workspace, alert, last=yesterday)
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


def _daily(workspace: Workspace, alert: Alert, *, last: date) -> dict[date, Any]:
    """The metric by day over the last weeks; a day nothing fell on is absent for a rate, zero for a sum."""
    kept = alert.subject["asked"]
    first = last - timedelta(weeks=WEEKS)
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
    Alert.objects.filter(pk=alert.pk).update(is_on=finding.is_so, looked_at=now)
    return finding.is_so and (alert.is_told_each_time or not was_on)


def look_moment(finding: Finding) -> datetime:
    """The moment that names a look, so that the same day is not told twice to the same person."""
    return datetime.combine(finding.day, time(), tzinfo=UTC)
