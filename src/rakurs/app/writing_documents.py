"""How does a writing look to a program or a command? As plain values in one language, without any secret."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count

from rakurs.app.documents import Document
from rakurs.app.writing import KINDS, Permit
from rakurs.app.writing_drafts import REASONS
from rakurs.app.writing_runs import can_be_undone, kinds_of
from rakurs.app.writing_values import VALUES, value_named
from rakurs.core.text import Language, Text
from rakurs.state.models import WriteDeed, WriteRun

STATUS_WORDS: Mapping[str, Text] = {
    WriteRun.Status.DRAFTING: Text(ru="Готовлю предпросмотр", en="Preparing the preview"),
    WriteRun.Status.READY: Text(ru="Ждёт подтверждения", en="Waits to be confirmed"),
    WriteRun.Status.DROPPED: Text(ru="Отменено", en="Dropped"),
    WriteRun.Status.WAITING: Text(ru="В очереди", en="Waiting"),
    WriteRun.Status.WRITING: Text(ru="Записываю", en="Writing"),
    WriteRun.Status.DONE: Text(ru="Готово", en="Done"),
    WriteRun.Status.FAILED: Text(ru="Не получилось", en="Failed"),
    WriteRun.Status.CANCELLED: Text(ru="Остановлено", en="Stopped"),
}
DEED_WORDS: Mapping[str, Text] = {
    WriteDeed.Status.PLANNED: Text(ru="будет записано", en="to be written"),
    WriteDeed.Status.SENT: Text(ru="отправлено", en="sent"),
    WriteDeed.Status.DONE: Text(ru="записано", en="written"),
    WriteDeed.Status.FAILED: Text(ru="ошибка", en="failed"),
    WriteDeed.Status.SKIPPED: Text(ru="пропущено", en="skipped"),
}


def permit_document(permit: Permit, language: Language) -> Document:
    """What may be written over a connection."""
    return {
        "connection": permit.connection.prefix,
        "title": permit.connection.title,
        "is_on": permit.is_on,
        "kinds": list(permit.kinds),
        "run_limit": permit.run_limit,
        "day_limit": permit.day_limit,
        "needs": permit.writer.needs.to(language),
    }


def values_document(language: Language) -> list[Document]:
    """What can be told of a customer, and how it is named in texts."""
    return [{"name": value.name, "title": value.title.to(language), "field": value.code} for value in VALUES]


def counts_of(run: WriteRun) -> dict[str, int]:
    """How many deeds are in each state."""
    rows = WriteDeed.objects.filter(run=run).order_by().values("status").annotate(count=Count("id"))
    return {**dict.fromkeys(WriteDeed.Status.values, 0), **{row["status"]: row["count"] for row in rows}}


def kinds_counted(run: WriteRun) -> list[dict[str, Any]]:
    """How many deeds of each kind are to be written, and how many customers they are about."""
    rows = WriteDeed.objects.filter(run=run).exclude(status=WriteDeed.Status.SKIPPED).order_by()
    counted = rows.values("kind").annotate(count=Count("id"), customers=Count("customer_id", distinct=True))
    known = {row["kind"]: row for row in counted}
    return [{"kind": kind, "title": title, **known[kind]} for kind, title in KINDS.items() if kind in known]


def reasons_counted(run: WriteRun) -> dict[str, int]:
    """Why deeds are left out, the commonest reason first."""
    rows = WriteDeed.objects.filter(run=run, status=WriteDeed.Status.SKIPPED).order_by().values("reason")
    return {row["reason"]: row["count"] for row in rows.annotate(count=Count("id")).order_by("-count", "reason")}


def run_document(run: WriteRun, language: Language) -> Document:
    """One writing: what was asked, how far it is, what came of it."""
    reasons = reasons_counted(run)
    return {
        "id": run.pk,
        "connection": run.prefix,
        "segment": run.subject,
        "title": run.title,
        "kinds": list(kinds_of(run)),
        "asked": {name: value for name, value in run.asked.items() if name != "language"},
        "undoes": None if run.undoes is None else run.undoes.pk,
        "status": run.status,
        "status_title": STATUS_WORDS[run.status].to(language),
        "step": run.step_ru if language == "ru" else run.step_en,
        "done": run.done,
        "total": run.total,
        "attempt": run.attempt,
        "counts": counts_of(run),
        "skipped": [{"reason": name, "title": REASONS[name].to(language), "deeds": reasons[name]} for name in reasons],
        "new_fields": [{"title": one["title"], "place": one[language]} for one in run.lacking],
        "can_be_undone": can_be_undone(run),
        "error": run.error_ru if language == "ru" else run.error_en,
        "by": None if run.by is None else run.by.login,
        "created_at": _moment(run.created_at),
        "confirmed_at": _moment(run.confirmed_at),
        "finished_at": _moment(run.finished_at),
    }


def deed_document(deed: WriteDeed, language: Language) -> Document:
    """One deed: what exactly, and what came of it."""
    value = value_named(deed.field)
    return {
        "kind": deed.kind,
        "customer_id": deed.customer_id,
        "customer": deed.customer,
        "record": deed.record,
        "field": deed.field,
        "field_title": "" if value is None else value.title.to(language),
        "before": deed.before,
        "value": deed.value,
        "text": deed.text,
        "to": deed.to,
        "due_at": _moment(deed.due_at),
        "status": deed.status,
        "status_title": DEED_WORDS[deed.status].to(language),
        "reason": deed.reason,
        "reason_title": REASONS[deed.reason].to(language) if deed.reason else "",
        "words": deed.words,
        "answer": deed.answer,
        "mark": deed.mark,
        "sent_at": _moment(deed.sent_at),
        "finished_at": _moment(deed.finished_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
