"""Reports that go out by themselves: on which day and hour, to whom, and when next?

A report that came due while no server ran is told once at the next start, if it is still of that day.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from rakurs.app.accounts import note, scope_of
from rakurs.app.exporting import KINDS
from rakurs.app.serving import current
from rakurs.app.subjects import subject_of
from rakurs.app.timetable import due_after
from rakurs.core.errors import BadParameter, NotAllowed, UnknownName
from rakurs.core.text import Text
from rakurs.state.models import Subscription, User

SUBSCRIPTION = Text(ru="Рассылки", en="scheduled report")
FREQUENCIES: Mapping[str, Text] = {
    "daily": Text(ru="Каждый день", en="Every day"),
    "weekly": Text(ru="Раз в неделю", en="Every week"),
    "monthly": Text(ru="Раз в месяц", en="Every month"),
}
WEEKDAYS = (
    Text(ru="понедельник", en="Monday"),
    Text(ru="вторник", en="Tuesday"),
    Text(ru="среда", en="Wednesday"),
    Text(ru="четверг", en="Thursday"),
    Text(ru="пятница", en="Friday"),
    Text(ru="суббота", en="Saturday"),
    Text(ru="воскресенье", en="Sunday"),
)
FILES = ("pdf", "xlsx", "csv-excel", "png")
LATE = timedelta(days=1)
"""A report this late is of yesterday: it waits for its next turn instead."""

_NOBODY = Text(ru="Выберите хотя бы одного человека или чат.", en="Choose at least one person or chat.")
_NO_ADDRESS = Text(ru="У {name} не указана почта.", en="{name} has no e-mail.")
_NOT_YOURS = Text(ru="Рассылку меняет её владелец или администратор.", en="Its owner or an administrator changes it.")
_OTHERS = Text(
    ru="Отправлять отчёты другим людям и в чаты может тот, кому можно делиться.",
    en="Sending reports to other people and chats takes the right to share.",
)


def keep_subscription(
    owner: User,
    *,
    subject: Mapping[str, Any],
    title: str,
    people: Sequence[User],
    chats: Sequence[str],
    when: Mapping[str, Any],
    files: Sequence[str],
    skips_empty: bool,
    now: datetime,
    timezone: str,
    known: Subscription | None = None,
) -> Subscription:
    """A new scheduled report, or `known` changed. `when` holds frequency, weekday, day, at.

    Raises BadParameter for what does not fit, NotAllowed when somebody else is told without the right to share.
    """
    subject_of(current(), subject, owner=owner if known is None else known.owner, language="ru", scope=scope_of(owner))
    check_recipients(owner, people=people, chats=chats)
    timing = _checked_timing(when)
    for file in files:
        if file not in FILES:
            raise BadParameter("files", file, _one_of(FILES))
    values: dict[str, Any] = {
        "title": title.strip()[:200],
        "subject": dict(subject),
        "chats": list(chats),
        "files": list(files),
        "skips_empty": skips_empty,
        "next_at": due_after(now, **timing, timezone=timezone),
        **timing,
    }
    if not values["title"]:
        raise BadParameter("title", title, Text(ru="Назовите рассылку.", en="Give it a name."))
    with transaction.atomic():
        if known is None:
            kept = Subscription.objects.create(owner=owner, **values)
        else:
            must_change(known, owner)
            Subscription.objects.filter(pk=known.pk).update(**values)
            kept = Subscription.objects.get(pk=known.pk)
        kept.people.set(people)
        note(
            owner,
            "schedule report",
            kept.id,
            detail={"people": [person.login for person in people], "chats": list(chats)},
        )
    return kept


def check_recipients(owner: User, *, people: Sequence[User], chats: Sequence[str]) -> None:
    """Whether `owner` may tell these; people need an e-mail."""
    if not people and not chats:
        raise BadParameter("people", "", _NOBODY)
    if (chats or any(person != owner for person in people)) and not owner.may("share"):
        raise NotAllowed(_OTHERS)
    for person in people:
        if not person.email:
            raise BadParameter("people", person.login, _NO_ADDRESS.filled(name=str(person)))


def _checked_timing(when: Mapping[str, Any]) -> dict[str, Any]:
    frequency = str(when.get("frequency", "weekly"))
    if frequency not in FREQUENCIES:
        raise BadParameter("frequency", frequency, _one_of(FREQUENCIES))
    weekday, day = int(when.get("weekday", 0)), int(when.get("day", 1))
    if not 0 <= weekday <= 6:
        raise BadParameter("weekday", weekday, Text(ru="0 (понедельник) — 6.", en="0 (Monday) to 6."))
    if not 1 <= day <= 31:
        raise BadParameter("day", day, Text(ru="От 1 до 31.", en="From 1 to 31."))
    at = when["at"]
    if isinstance(at, str):
        try:
            at = time.fromisoformat(at)
        except ValueError as error:
            raise BadParameter("at", at, Text(ru="Время вида 09:00.", en="A time like 09:00.")) from error
    return {"frequency": frequency, "weekday": weekday, "day": day, "at": at}


def subscriptions_of(user: User) -> QuerySet[Subscription]:
    """Those this person made; an administrator sees everybody's."""
    every = Subscription.objects.select_related("owner").prefetch_related("people")
    return every if user.may("administer") else every.filter(owner=user)


def subscription_for(user: User, subscription_id: str) -> Subscription:
    """One of `subscriptions_of`; otherwise it does not exist for this person."""
    found = subscriptions_of(user).filter(pk=subscription_id).first()
    if found is None:
        raise UnknownName(SUBSCRIPTION, subscription_id, ())
    return found


def must_change(subscription: Subscription, user: User) -> None:
    """NotAllowed unless it is this person's, or they administer."""
    if subscription.owner != user and not user.may("administer"):
        raise NotAllowed(_NOT_YOURS)


def take_due(now: datetime, *, timezone: str) -> list[tuple[Subscription, datetime]]:
    """The reports due by `now`, each moved on to its next turn; a report that is too late is moved on only."""
    taken: list[tuple[Subscription, datetime]] = []
    for subscription in Subscription.objects.filter(is_active=True, next_at__lte=now, owner__is_active=True):
        due_at = subscription.next_at
        following = due_after(
            now,
            frequency=subscription.frequency,
            weekday=subscription.weekday,
            day=subscription.day,
            at=subscription.at,
            timezone=timezone,
        )
        # Only one of several servers takes it: the one that moves it on.
        moved = Subscription.objects.filter(pk=subscription.pk, next_at=due_at).update(next_at=following)
        if moved and now - due_at < LATE:
            taken.append((subscription, due_at))
    return taken


def when_words(subscription: Subscription) -> Text:
    """«каждый понедельник в 09:00», "on day 1 of the month at 09:00"."""
    at = f"{subscription.at:%H:%M}"
    if subscription.frequency == "weekly":
        weekday = WEEKDAYS[subscription.weekday]
        return Text(ru=f"раз в неделю: {weekday.ru}, {at}", en=f"weekly: {weekday.en}, {at}")
    if subscription.frequency == "monthly":
        return Text(ru=f"раз в месяц: {subscription.day}-го числа, {at}", en=f"monthly: day {subscription.day}, {at}")
    return Text(ru=f"каждый день, {at}", en=f"every day, {at}")


def file_titles() -> tuple[tuple[str, Text], ...]:
    """The files that may go along, in menu order."""
    return tuple((kind, KINDS[kind].title) for kind in FILES)


def _one_of(known: Iterable[str]) -> Text:
    words = ", ".join(known)
    return Text(ru=f"Допустимо: {words}.", en=f"Allowed: {words}.")
