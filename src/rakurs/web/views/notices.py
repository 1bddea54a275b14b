"""Which reports go out by themselves, which numbers are watched, and what came of each?"""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from rakurs.analyses import analysis_named
from rakurs.app import alerts, deliveries, outbox, schedules
from rakurs.app.accounts import note
from rakurs.app.asked import AnalysisAsked
from rakurs.app.params import checked_params
from rakurs.app.subjects import kept_subject, subject_of
from rakurs.core.channel import Message
from rakurs.core.errors import BadParameter, CannotSend, RakursError
from rakurs.core.text import Text
from rakurs.metrics import METRICS
from rakurs.state.models import Alert, Delivery, Subscription, User
from rakurs.web.access import may, scope_for, user_of, workspace
from rakurs.web.language import page_language, said

SHOWN_DELIVERIES = 50
SENT_NOW = Text(
    ru="Отправляется: результат появится в истории ниже.", en="Under way: the outcome appears in the history below."
)
KEPT = Text(ru="Сохранено.", en="Saved.")
REMOVED = Text(ru="Удалено.", en="Removed.")
AGAINST = {
    "usual": Text(
        ru="прошлого мало для прогноза, сравнили с обычным",
        en="too short a past for a forecast: held against what is usual",
    ),
    "nothing": Text(ru="прошлого мало, сравнить не с чем", en="too short a past, nothing to hold it against"),
}
TEST_SUBJECT = Text(ru="Проверка связи", en="A test message")
TEST_TEXT = Text(ru="Если вы это читаете, отправка настроена.", en="If you read this, sending works.")
TEST_SENT = Text(ru="Отправлено на {address}.", en="Sent to {address}.")
NO_OWN_MAIL = Text(ru="Укажите свою почту в «Люди», чтобы получить пробное письмо.", en="Set your own e-mail first.")
CHAT_SAVED = Text(ru="Чат «{name}» подключён.", en="The chat “{name}” is connected.")


@never_cache
def notices(request: HttpRequest) -> HttpResponse:
    """What goes out by itself, and the latest deliveries."""
    user = user_of(request)
    subscriptions = [_line(item) for item in schedules.subscriptions_of(user)]
    watched = [_alert_line(item) for item in alerts.alerts_of(user)]
    ids = [item["notice"].pk for item in (*subscriptions, *watched)]
    history = Delivery.objects.filter(notice_id__in=ids)[:SHOWN_DELIVERIES]
    context = {
        "subscriptions": subscriptions,
        "alerts": watched,
        "history": [_delivery_line(delivery) for delivery in history],
        "may_administer": user.may("administer"),
        "can_send": outbox.outbox_of(workspace().home).mail is not None,
    }
    return render(request, "rakurs/notices.html", context)


@never_cache
def schedule(request: HttpRequest, subscription_id: str = "") -> HttpResponse:
    """A scheduled report: new, of the question in the address, or one that is changed."""
    user = user_of(request)
    known = schedules.subscription_for(user, subscription_id) if subscription_id else None
    subject = dict(known.subject) if known else _subject(request)
    problem = ""
    if request.method == "POST":
        try:
            kept = schedules.keep_subscription(user, known=known, subject=subject, **_timing_of(request.POST))
        except RakursError as refused:
            problem = refused.message.to(page_language())
        else:
            messages.success(request, said(KEPT))
            return redirect(f"{reverse('notices')}#{kept.pk}")
    owner, scope = known.owner if known else user, scope_for(request)
    title = subject_of(workspace(), subject, owner=owner, language=page_language(), scope=scope).title
    context = {
        "known": known,
        "form": _schedule_form(request, known, title),
        "about": title,
        "problem": problem,
        **_recipients(request, known),
        "frequencies": _options(schedules.FREQUENCIES),
        "weekdays": list(enumerate(schedules.WEEKDAYS)),
        "files": schedules.file_titles(),
    }
    return render(request, "rakurs/schedule.html", context, status=422 if problem else 200)


@never_cache
def alert(request: HttpRequest, alert_id: str = "") -> HttpResponse:
    """An alert on a number: new or changed."""
    user = user_of(request)
    known = alerts.alert_for(user, alert_id) if alert_id else None
    problem = ""
    if request.method == "POST":
        try:
            alerts.keep_alert(user, known=known, **_alert_of(request.POST))
        except RakursError as refused:
            problem = refused.message.to(page_language())
        else:
            messages.success(request, said(KEPT))
            return redirect("notices")
    chosen = known.subject["asked"]["metrics"][0] if known else request.GET.get("metric", "revenue")
    context = {
        "known": known,
        "problem": problem,
        "metrics": [(metric.name, metric.title, metric.definition) for metric in METRICS],
        "metric": request.POST.get("metric", chosen),
        "form": request.POST if request.method == "POST" else _alert_form(known),
        "conditions": _options(alerts.CONDITIONS),
        "grains": _options(alerts.GRAINS),
        "levels": [(str(level), title) for level, title in alerts.LEVELS.items()],
        **_recipients(request, known),
    }
    return render(request, "rakurs/alert.html", context, status=422 if problem else 200)


@require_POST
def change_notice(request: HttpRequest, notice_id: str, deed: str) -> HttpResponse:
    """Send a report now, pause or resume a notice, or remove it."""
    user = user_of(request)
    found: Subscription | Alert | None = schedules.subscriptions_of(user).filter(pk=notice_id).first()
    found = found or alerts.alert_for(user, notice_id)
    if deed == "send" and isinstance(found, Subscription):
        deliveries.send_now(found, by=user)
        messages.success(request, said(SENT_NOW))
    elif deed == "remove":
        found.delete()
        note(user, "remove notice", notice_id)
        messages.success(request, said(REMOVED))
    elif deed == "pause":
        found.is_active = not found.is_active
        found.save(update_fields=["is_active"])
        note(user, "pause notice", notice_id, detail={"is_active": found.is_active})
    return redirect("notices")


@never_cache
@may("administer")
def sending(request: HttpRequest) -> HttpResponse:
    """The mail server and the chats of the company. Passwords and keys go in and never come out."""
    home = workspace().home
    known = outbox.outbox_of(home)
    problem = ""
    if request.method == "POST":
        try:
            messages.success(request, _sending_changed(request, known))
        except RakursError as refused:
            problem = refused.message.to(page_language())
        else:
            return redirect("sending")
    context = {
        "mail": request.POST if problem and request.POST.get("deed") == "mail" else known.mail,
        "chats": sorted(known.chats),
        "problem": problem,
        "is_set": known.mail is not None,
    }
    return render(request, "rakurs/sending.html", context, status=422 if problem else 200)


def _sending_changed(request: HttpRequest, known: outbox.Outbox) -> str:
    """Do what the form asks; the words that say it is done."""
    home, user, form = workspace().home, user_of(request), request.POST
    deed, name = form.get("deed", ""), form.get("name", "").strip()[:80]
    test = Message(subject=said(TEST_SUBJECT), text=said(TEST_TEXT))
    if deed == "test":
        if not user.email:
            raise CannotSend(NO_OWN_MAIL)
        known.post(user.email, test)
        return TEST_SENT.filled(address=user.email).to(page_language())
    if deed == "test_chat":
        known.say(name, test)
        return TEST_SENT.filled(address=name).to(page_language())
    if deed == "mail":
        raw = {
            field: form.get(field, "")
            for field in ("host", "port", "security", "login", "password", "sender", "sender_name")
        }
        changed = known.model_copy(update={"mail": outbox.checked_mail(raw, known=known.mail)})
    elif deed == "chat":
        if not name:
            raise BadParameter("name", "", Text(ru="Назовите чат.", en="Name the chat."))
        changed = known.model_copy(update={"chats": {**known.chats, name: outbox.checked_chat(form.get("url", ""))}})
    else:
        changed = known.model_copy(update={"chats": {key: chat for key, chat in known.chats.items() if key != name}})
    outbox.keep_outbox(home, changed)
    note(user, "sending settings", deed, detail={"name": name} if name else {})
    return said(KEPT) if deed != "chat" else CHAT_SAVED.filled(name=name).to(page_language())


def _subject(request: HttpRequest) -> dict[str, Any]:
    """What the address wants told: a saved report, a dashboard under what is chosen, an analysis under its filters."""
    if "dashboard" in request.GET:
        chosen = request.GET.copy()
        return kept_subject(dashboard=chosen.pop("dashboard")[-1], state=chosen.urlencode())
    given = {name: value for name, value in request.GET.items() if value and name not in {"report", "analysis"}}
    if "report" in request.GET:
        return kept_subject(report_id=request.GET["report"])
    analysis = analysis_named(request.GET.get("analysis", ""))
    own = {name: value for name, value in given.items() if name in analysis.params.model_fields}
    checked_params(analysis.params, own)
    return kept_subject(asked=AnalysisAsked(name=analysis.name, params=own))


def _chosen(form: QueryDict) -> dict[str, Any]:
    people = list(User.objects.filter(pk__in=[pk for pk in form.getlist("people") if pk.isdecimal()], is_active=True))
    known = outbox.outbox_of(workspace().home).chats
    return {"people": people, "chats": [name for name in form.getlist("chats") if name in known]}


def _timing_of(form: QueryDict) -> dict[str, Any]:
    return {
        "title": form.get("title", ""),
        "when": {
            "frequency": form.get("frequency", "weekly"),
            "weekday": _number(form.get("weekday"), 0),
            "day": _number(form.get("day"), 1),
            "at": form.get("at", ""),
        },
        "files": form.getlist("files"),
        "skips_empty": "skips_empty" in form,
        "now": workspace().now,
        "timezone": workspace().company.timezone,
        **_chosen(form),
    }


def _alert_of(form: QueryDict) -> dict[str, Any]:
    text = form.get("threshold", "").replace("\N{NO-BREAK SPACE}", "").replace(" ", "").replace(",", ".")
    try:
        threshold = float(text) if text else None
    except ValueError as error:
        raise BadParameter("threshold", text, Text(ru="Нужно число.", en="A number is needed.")) from error
    return {
        "metric": form.get("metric", ""),
        "params": {},
        "title": form.get("title", ""),
        "condition": form.get("condition", ""),
        "threshold": threshold,
        "grain": form.get("grain", "day"),
        "level": _number(form.get("level"), 95),
        "is_told_each_time": "is_told_each_time" in form,
        **_chosen(form),
    }


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdecimal() else otherwise


def _recipients(request: HttpRequest, known: Subscription | Alert | None) -> dict[str, Any]:
    """Who may be chosen, and who is. Without the right to share, oneself."""
    user = user_of(request)
    may_share = user.may("share")
    people = User.objects.filter(is_active=True).order_by("name", "login") if may_share else [user]
    if request.method == "POST":
        chosen = {str(person.pk) for person in _chosen(request.POST)["people"]}
        chats = set(_chosen(request.POST)["chats"])
    else:
        chosen = {str(person.pk) for person in known.people.all()} if known else {str(user.pk)}
        chats = set(known.chats) if known else set()
    names = sorted(outbox.outbox_of(workspace().home).chats) if may_share else []
    return {
        "people": [(str(person.pk), str(person), person.email, str(person.pk) in chosen) for person in people],
        "chats": [(name, name in chats) for name in names],
    }


def _schedule_form(request: HttpRequest, known: Subscription | None, title: str) -> Mapping[str, Any]:
    if request.method == "POST":
        return {
            **request.POST.dict(),
            "files": request.POST.getlist("files"),
            "skips_empty": "skips_empty" in request.POST,
        }
    if known is None:
        return {
            "title": title,
            "frequency": "weekly",
            "weekday": "0",
            "day": "1",
            "at": "09:00",
            "files": ["pdf"],
            "skips_empty": True,
        }
    return {
        "title": known.title,
        "frequency": known.frequency,
        "weekday": str(known.weekday),
        "day": str(known.day),
        "at": f"{known.at:%H:%M}",
        "files": known.files,
        "skips_empty": known.skips_empty,
    }


def _alert_form(known: Alert | None) -> Mapping[str, Any]:
    if known is None:
        return {"condition": "unusual", "grain": "day", "level": "95"}
    threshold = "" if known.threshold is None else f"{known.threshold.normalize():f}"
    each = {"is_told_each_time": "1"} if known.is_told_each_time else {}
    period = {"grain": known.grain, "level": str(known.level)}
    return {"title": known.title, "condition": known.condition, "threshold": threshold, **period, **each}


def _options(texts: Mapping[str, Text]) -> list[tuple[str, Text]]:
    return list(texts.items())


def _line(subscription: Subscription) -> dict[str, Any]:
    when = schedules.when_words(subscription)
    return {"notice": subscription, "when": when, "to": _to(subscription)}


def _alert_line(watched: Alert) -> dict[str, Any]:
    metric = watched.subject["asked"]["metrics"][0]
    title = next((known.title for known in METRICS if known.name == metric), Text(ru=metric, en=metric))
    return {
        "notice": watched,
        "metric": title,
        "condition": alerts.CONDITIONS[watched.condition],
        "threshold": "" if watched.threshold is None else f"{watched.threshold.normalize():f}",
        "period": _period_of(watched),
        "against": AGAINST.get(watched.against),
        "to": _to(watched),
    }


def _period_of(watched: Alert) -> Text | None:
    if watched.condition != "forecast":
        return None
    grain, level = alerts.GRAINS[watched.grain], alerts.LEVELS[watched.level]
    return Text(ru=f"{grain.ru.lower()}, {level.ru}", en=f"{grain.en.lower()}, {level.en}")


def _to(notice: Subscription | Alert) -> str:
    return ", ".join([*(str(person) for person in notice.people.all()), *notice.chats])


def _delivery_line(delivery: Delivery) -> dict[str, Any]:
    kind, _, name = delivery.recipient.partition(":")
    person = User.objects.filter(pk=name).first() if kind == "person" else None
    detail = Text(ru=delivery.detail_ru, en=delivery.detail_en) if delivery.detail_ru else None
    return {"delivery": delivery, "to": str(person or name), "detail": detail}
