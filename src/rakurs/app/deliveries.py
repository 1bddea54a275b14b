"""Who is told what, now? The clock of scheduled reports and alerts, and one durable workflow per recipient.

A delivery is named by its notice, its due moment and its recipient, so that a killed server goes on with those that
were not told, and tells nobody twice; only a kill between a mail server's "taken" and our note of it may repeat one
letter. People get the numbers of their own scope, a chat those of the notice's owner.
"""

import logging
from datetime import date, datetime, timedelta
from typing import cast

from dbos import DBOS, SetWorkflowID
from django.db import close_old_connections
from django.utils import timezone as clock

from rakurs.app.accounts import note
from rakurs.app.alerts import look_moment, look_words, looked, noted_look
from rakurs.app.exporting import ExportKind
from rakurs.app.letters import message_of
from rakurs.app.outbox import outbox_of
from rakurs.app.schedules import take_due
from rakurs.app.segments import refresh_living
from rakurs.app.serving import current
from rakurs.app.subjects import told_to
from rakurs.app.watching import Watch
from rakurs.core.channel import Message
from rakurs.core.errors import CannotSend, RakursError
from rakurs.core.text import Language, Text
from rakurs.state.models import Alert, Delivery, Subscription, User

QUEUE = "deliveries"
TICK_SECONDS = 5.0
LOOK_EVERY = timedelta(days=1)

_log = logging.getLogger(__name__)
_watch = Watch("deliveries", seconds=TICK_SECONDS)
_site: dict[str, str] = {"url": ""}


class _Seen:
    """What the last look saw."""

    version = 0
    counted_on: date | None = None


_GONE = Text(ru="Получателя больше нет.", en="The recipient is gone.")
_UNEXPECTED = Text(
    ru="Внутренняя ошибка; подробности в журнале сервера.", en="An internal error; see the server's log."
)


def start(*, public_url: str) -> None:
    """Begin to watch the clock and the data. `public_url` is what links in letters start with; empty for none."""
    _site["url"] = public_url.rstrip("/")
    DBOS.register_queue(QUEUE, global_concurrency=2, polling_interval_sec=2.0, on_conflict="always_update")
    _Seen.version, _Seen.counted_on = current().data_version, None
    _watch.start(_look_at_all)


def stop() -> None:
    """No new delivery begins."""
    _watch.stop()


def _look_at_all() -> None:
    # A report sent or asked in the morning is of those who are in the segment today.
    if _Seen.counted_on != current().today:
        _Seen.counted_on = current().today
        refresh_living(current())
    version = current().data_version
    tick(clock.now(), is_new_data=version != _Seen.version)
    _Seen.version = version


def tick(now: datetime, *, is_new_data: bool = False) -> int:
    """Tell what is due by `now`; how many deliveries began."""
    begun = 0
    for subscription, due_at in take_due(now, timezone=current().company.timezone):
        begun += _begin(subscription, due_at)
    return begun + _look(now, is_new_data=is_new_data)


def send_now(subscription: Subscription, *, by: User) -> int:
    """Tell everybody at once, besides the schedule."""
    note(by, "send report now", subscription.id)
    return _begin(subscription, clock.now())


def _begin(notice: Subscription | Alert, due_at: datetime) -> int:
    recipients = [f"person:{person.pk}" for person in notice.people.filter(is_active=True)]
    recipients += [f"chat:{name}" for name in notice.chats]
    kind = "alert" if isinstance(notice, Alert) else "report"
    for recipient in recipients:
        with SetWorkflowID(f"deliver-{notice.pk}-{due_at.isoformat()}-{recipient}"):
            DBOS.enqueue_workflow(QUEUE, _deliver, kind, notice.pk, due_at.isoformat(), recipient)
    return len(recipients)


def _look(now: datetime, *, is_new_data: bool) -> int:
    """Look at the watched numbers: all of them after a load, each at least once a day."""
    begun = 0
    for alert in Alert.objects.filter(is_active=True, owner__is_active=True):
        if not is_new_data and alert.looked_at is not None and now - alert.looked_at < LOOK_EVERY:
            continue
        finding = looked(current(), alert, today=current().clock_today)
        if noted_look(alert, finding, now=now):
            begun += _begin(alert, look_moment(finding))
    return begun


@DBOS.workflow(name="deliver")
def _deliver(kind: str, notice_id: str, due: str, recipient: str) -> str:
    return _told(kind, notice_id, due, recipient)


@DBOS.step(name="tell")
def _told(kind: str, notice_id: str, due: str, recipient: str) -> str:
    close_old_connections()
    try:
        due_at = datetime.fromisoformat(due)
        known = Delivery.objects.filter(notice_id=notice_id, due_at=due_at, recipient=recipient).first()
        if known is not None:
            return str(known.status)
        notice = (Alert if kind == "alert" else Subscription).objects.filter(pk=notice_id).first()
        if notice is None:
            return "gone"
        status, words = _outcome(notice, recipient)
        Delivery.objects.create(
            notice_id=notice_id,
            title=notice.title,
            due_at=due_at,
            recipient=recipient,
            status=status,
            detail_ru=words.ru if words else "",
            detail_en=words.en if words else "",
        )
        return status
    finally:
        close_old_connections()


def _outcome(notice: Subscription | Alert, recipient: str) -> tuple[str, Text | None]:
    """Tell one recipient: what came of it, and why where it failed."""
    try:
        message = _message(notice, recipient)
        if message is None:
            return Delivery.Status.EMPTY, None
        _send(recipient, message)
    except RakursError as refused:
        return Delivery.Status.FAILED, refused.message
    except Exception:  # noqa: BLE001 - the last frame of a thread: the log gets the cause, the history a sentence
        _log.exception("notice %s could not be told", notice.pk)
        return Delivery.Status.FAILED, _UNEXPECTED
    return Delivery.Status.SENT, None


def _viewer(notice: Subscription | Alert, recipient: str) -> User:
    kind, _, name = recipient.partition(":")
    if kind == "chat":
        return cast("User", notice.owner)
    person = User.objects.filter(pk=name, is_active=True).first()
    if person is None:
        raise CannotSend(_GONE)
    return person


def _message(notice: Subscription | Alert, recipient: str) -> Message | None:
    viewer = _viewer(notice, recipient)
    language = cast("Language", viewer.language or "ru")
    if isinstance(notice, Alert):
        return _alert_message(notice, language)
    told = told_to(
        current(), notice.subject, owner=notice.owner, viewer=viewer, language=language, public_url=_site["url"]
    )
    if notice.skips_empty and all(item.is_empty for item in told):
        return None
    files = cast("list[ExportKind]", notice.files if viewer.may("export") else [])
    note(
        viewer,
        "report sent",
        notice.pk,
        detail={"to": recipient, "files": list(files)},
        rows=sum(item.total_rows for item in told),
    )
    return message_of(told, subject=notice.title, form=current().format(language), files=files, at=clock.now())


def _alert_message(alert: Alert, language: Language) -> Message:
    """What was found, in words. The number is the owner's: an alert is one number for everybody who is told."""
    finding = looked(current(), alert, today=current().clock_today)
    return Message(subject=alert.title, text=look_words(alert, finding, current().format(language)))


def _send(recipient: str, message: Message) -> None:
    kind, _, name = recipient.partition(":")
    outbox = outbox_of(current().home)
    if kind == "chat":
        outbox.say(name, message)
        return
    person = User.objects.get(pk=name)
    outbox.post(person.email, message)
