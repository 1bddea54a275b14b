"""How does a program schedule reports and watch numbers?"""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone as clock
from ninja import Router, Schema
from pydantic import Field

from rakurs.api.callers import caller
from rakurs.api.questions import as_json
from rakurs.app import alerts, deliveries, schedules
from rakurs.app.accounts import note
from rakurs.app.asked import Asked
from rakurs.app.serving import current
from rakurs.app.subjects import kept_subject
from rakurs.core.errors import BadParameter, UnknownName
from rakurs.core.text import Text
from rakurs.state.models import Alert, Delivery, Subscription, User

router = Router(tags=["notices"])

PERSON = Text(ru="Человека", en="person")
_ONE_SUBJECT = Text(
    ru="Нужно что-то одно: asked, report или dashboard.", en="Give one of the three: asked, report, dashboard."
)


class Schedule(Schema):
    """A scheduled report.

    One of `asked` (any question), `report` (a kept one) and `dashboard` says what goes out; `state` is what is chosen
    on the dashboard, as its address has it. `people` are logins. `weekday` is 0 for Monday; `at` is the company's time.
    """

    title: str
    asked: Asked | None = None
    report: str = ""
    dashboard: str = ""
    state: str = ""
    people: list[str] = Field(default_factory=list[str])
    chats: list[str] = Field(default_factory=list[str])
    frequency: str = "weekly"
    weekday: int = 0
    day: int = 1
    at: str = "09:00"
    files: list[str] = Field(default=["pdf"])
    skips_empty: bool = True


class Watch(Schema):
    """An alert on a metric. `condition` is above, below, unusual, forecast or no_data; `params` narrow the metric.

    `grain` (day, week, month) and `level` (80, 95: how much of what comes the interval holds) are of the condition forecast.
    """

    metric: str
    condition: str
    title: str = ""
    threshold: float | None = None
    params: dict[str, Any] = Field(default_factory=dict[str, Any])
    grain: str = "day"
    level: int = 95
    is_told_each_time: bool = False
    people: list[str] = Field(default_factory=list[str])
    chats: list[str] = Field(default_factory=list[str])


@router.get("/schedules", summary="Scheduled reports one may change")
def subscriptions(request: HttpRequest) -> HttpResponse:
    """Each with when it goes out next."""
    return as_json([_schedule(item) for item in schedules.subscriptions_of(caller(request).person())])


@router.post("/schedules", summary="Schedule a report")
def create_schedule(request: HttpRequest, new: Schedule) -> HttpResponse:
    """It goes out for the first time when its hour comes."""
    user = caller(request).person("keep")
    return as_json(_schedule(_kept(user, new, known=None)), status=201)


@router.get("/schedules/{subscription_id}", summary="One scheduled report and what became of it")
def subscription(request: HttpRequest, subscription_id: str) -> HttpResponse:
    """With its last deliveries."""
    found = schedules.subscription_for(caller(request).person(), subscription_id)
    return as_json({**_schedule(found), "deliveries": _history(found.pk)})


@router.put("/schedules/{subscription_id}", summary="Change a scheduled report")
def change_schedule(request: HttpRequest, subscription_id: str, wanted: Schedule) -> HttpResponse:
    """As a whole."""
    user = caller(request).person("keep")
    found = schedules.subscription_for(user, subscription_id)
    return as_json(_schedule(_kept(user, wanted, known=found)))


@router.post("/schedules/{subscription_id}/send", summary="Send a report now")
def send(request: HttpRequest, subscription_id: str) -> HttpResponse:
    """To everybody it goes to, besides the schedule."""
    user = caller(request).person("keep")
    found = schedules.subscription_for(user, subscription_id)
    return as_json({"recipients": deliveries.send_now(found, by=user)}, status=202)


@router.delete("/schedules/{subscription_id}", summary="Remove a scheduled report")
def delete_schedule(request: HttpRequest, subscription_id: str) -> HttpResponse:
    """What was sent stays in the history."""
    user = caller(request).person("keep")
    return _removed(schedules.subscription_for(user, subscription_id), user)


@router.get("/alerts", summary="Watched numbers one may change")
def watched(request: HttpRequest) -> HttpResponse:
    """Each with whether its condition holds now."""
    return as_json([_alert(item) for item in alerts.alerts_of(caller(request).person())])


@router.post("/alerts", summary="Watch a number")
def create_alert(request: HttpRequest, new: Watch) -> HttpResponse:
    """Looked at after every load, and each day."""
    user = caller(request).person("keep")
    return as_json(_alert(_watched(user, new, known=None)), status=201)


@router.get("/alerts/{alert_id}", summary="One watched number and what was told of it")
def alert(request: HttpRequest, alert_id: str) -> HttpResponse:
    """With its last deliveries."""
    found = alerts.alert_for(caller(request).person(), alert_id)
    return as_json({**_alert(found), "deliveries": _history(found.pk)})


@router.put("/alerts/{alert_id}", summary="Change a watched number")
def change_alert(request: HttpRequest, alert_id: str, wanted: Watch) -> HttpResponse:
    """As a whole."""
    user = caller(request).person("keep")
    return as_json(_alert(_watched(user, wanted, known=alerts.alert_for(user, alert_id))))


@router.delete("/alerts/{alert_id}", summary="Watch a number no longer")
def delete_alert(request: HttpRequest, alert_id: str) -> HttpResponse:
    """What was told stays in the history."""
    user = caller(request).person("keep")
    return _removed(alerts.alert_for(user, alert_id), user)


def _kept(user: User, wanted: Schedule, *, known: Subscription | None) -> Subscription:
    given = [part for part in (wanted.asked, wanted.report, wanted.dashboard) if part]
    if len(given) != 1:
        raise BadParameter("subject", len(given), _ONE_SUBJECT)
    subject = kept_subject(asked=wanted.asked, report_id=wanted.report, dashboard=wanted.dashboard, state=wanted.state)
    return schedules.keep_subscription(
        user,
        known=known,
        subject=subject,
        title=wanted.title,
        people=_people(wanted.people),
        chats=wanted.chats,
        when={"frequency": wanted.frequency, "weekday": wanted.weekday, "day": wanted.day, "at": wanted.at},
        files=wanted.files,
        skips_empty=wanted.skips_empty,
        now=clock.now(),
        timezone=current().company.timezone,
    )


def _watched(user: User, wanted: Watch, *, known: Alert | None) -> Alert:
    return alerts.keep_alert(
        user,
        known=known,
        metric=wanted.metric,
        params=wanted.params,
        title=wanted.title,
        condition=wanted.condition,
        threshold=wanted.threshold,
        grain=wanted.grain,
        level=wanted.level,
        is_told_each_time=wanted.is_told_each_time,
        people=_people(wanted.people),
        chats=wanted.chats,
    )


def _people(logins: list[str]) -> list[User]:
    found = {user.login: user for user in User.objects.filter(login__in=logins, is_active=True)}
    for login in logins:
        if login not in found:
            raise UnknownName(PERSON, login, ())
    return [found[login] for login in logins]


def _removed(found: Subscription | Alert, user: User) -> HttpResponse:
    note(user, "remove notice", found.pk)
    found.delete()
    return HttpResponse(status=204)


def _schedule(found: Subscription) -> dict[str, Any]:
    return {
        **_notice(found),
        "frequency": found.frequency,
        "weekday": found.weekday,
        "day": found.day,
        "at": f"{found.at:%H:%M}",
        "files": found.files,
        "skips_empty": found.skips_empty,
        "next_at": _moment(found.next_at),
    }


def _alert(found: Alert) -> dict[str, Any]:
    return {
        **_notice(found),
        "condition": found.condition,
        "threshold": None if found.threshold is None else float(found.threshold),
        "grain": found.grain,
        "level": found.level,
        "against": found.against or None,
        "is_told_each_time": found.is_told_each_time,
        "holds": found.is_on,
        "looked_at": _moment(found.looked_at),
    }


def _notice(found: Subscription | Alert) -> dict[str, Any]:
    return {
        "id": found.pk,
        "title": found.title,
        "owner": found.owner.login,
        "subject": found.subject,
        "people": sorted(person.login for person in found.people.all()),
        "chats": found.chats,
        "is_active": found.is_active,
    }


def _history(notice_id: str) -> list[dict[str, Any]]:
    told = Delivery.objects.filter(notice_id=notice_id).order_by("-due_at", "recipient")[:100]
    return [
        {
            "due_at": _moment(item.due_at),
            "recipient": item.recipient,
            "status": item.status,
            "detail": {"ru": item.detail_ru, "en": item.detail_en} if item.detail_ru else None,
        }
        for item in told
    ]


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
