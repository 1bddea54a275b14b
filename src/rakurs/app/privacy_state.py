"""How does a person leave what people wrote and keep: notes, segments, reports, what was opened last, the audit?

Every text and every JSON of every table of the state is looked at, so that a table made later is too. Of people who use Rakurs
themselves nothing is touched. The audit keeps who did what and when; only whom it was done to has another id.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.db import OperationalError, connection, models

from rakurs.app.privacy_export import Said
from rakurs.app.privacy_texts import STRUCK, Traces, names_somebody
from rakurs.state.models import (
    ApiToken,
    AuditEvent,
    Delivery,
    Invitation,
    LoadJob,
    Note,
    OwnRole,
    Preference,
    RecoveryCode,
    Segment,
    Session,
    SyncRun,
    User,
)

OURS = (ApiToken, Invitation, OwnRole, RecoveryCode, Session, User)
"""Tables about the people who use Rakurs."""
_ROWS_AT_ONCE = 2_000


def without(traces: Traces) -> dict[str, int]:
    """Take a person out of the state; how many rows of each table changed. Notes on him and on his deals go."""
    _scrub()
    changed = {"notes": _without_notes(traces), "opened last": _without_recent(traces)}
    for model in apps.get_app_config("state").get_models():
        if model not in OURS:
            changed[_options(model).db_table] = sum(_cleaned(model, row, traces) for row in _rows(model))
    return {table: rows for table, rows in changed.items() if rows}


def emptied() -> bool:
    """Whether deleted texts are gone from the file of the state too. PostgreSQL does so by itself, some time later."""
    if connection.vendor != "sqlite":
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute("vacuum")
            cursor.execute("pragma wal_checkpoint(truncate)")
            return cursor.fetchone()[0] == 0
    except OperationalError:
        # Somebody reads or writes just now.
        return False


def _scrub() -> None:
    """From here on what is deleted is written over."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("pragma secure_delete = on")


def _without_notes(traces: Traces) -> int:
    about = models.Q(card="customers", subject__in=list(traces.ids))
    about |= models.Q(card="deals", subject__in=list(traces.deals))
    return Note.objects.filter(about).delete()[0]


def _without_recent(traces: Traces) -> int:
    """Pages of his that people opened last."""
    addresses = {f"/customers/{quote(record, safe=safe)}/" for record in traces.ids for safe in ("/", "/:")}
    changed = 0
    for kept in Preference.objects.filter(name="recent"):
        left = [item for item in kept.value if item.get("href") not in addresses]
        if left != kept.value:
            Preference.objects.filter(pk=kept.pk).update(value=left)
            changed += 1
    return changed


def _rows(model: type[models.Model]) -> Iterator[dict[str, Any]]:
    names = [field.name for field in _fields(model)]
    yield from _every(model).values("pk", *names).iterator(chunk_size=_ROWS_AT_ONCE) if names else ()


def _options(model: type[models.Model]) -> Any:
    return model._meta  # noqa: SLF001 - what Django calls the description of a model


def _every(model: type[models.Model]) -> "models.QuerySet[Any]":
    # Not the model's own way in: the audit lets nobody change a line.
    return models.QuerySet(model)


def _fields(model: type[models.Model]) -> list[Any]:
    kinds = (models.CharField, models.TextField, models.JSONField)
    return [field for field in _options(model).concrete_fields if isinstance(field, kinds) and not field.primary_key]


def _cleaned(model: type[models.Model], row: dict[str, Any], traces: Traces) -> bool:
    is_his = any(traces.is_about_him(name, value) for name, value in row.items())
    fresh = {field.name: _value(field, row[field.name], traces, is_his=is_his) for field in _fields(model)}
    differs = {name: value for name, value in fresh.items() if value != row[name]}
    if differs:
        _every(model).filter(pk=row["pk"]).update(**differs)
    return bool(differs)


def _value(field: "models.Field[Any, Any]", value: Any, traces: Traces, *, is_his: bool) -> Any:
    if isinstance(field, models.JSONField):
        return traces.cleaned(value, key=field.name, is_his=is_his)
    if not isinstance(value, str):
        return value
    if is_his and isinstance(field, models.TextField) and value:
        return STRUCK
    if is_his and value in traces.source_ids:
        return traces.source_ids[value]
    return traces.struck(traces.other_id(value) if names_somebody(field.name) else value, is_his=is_his)


def notes_about(records: Collection[str], deals: Collection[str]) -> list[Said]:
    """What people wrote about somebody and his deals, the oldest first."""
    about = models.Q(card="customers", subject__in=list(records)) | models.Q(card="deals", subject__in=list(deals))
    found = Note.objects.select_related("author").filter(about).order_by("created_at", "pk")
    return [
        Said(at=item.created_at, author=str(item.author or "—"), about=f"{item.card}/{item.subject}", text=item.text)
        for item in found
    ]


def segment_titles() -> dict[str, str]:
    """What segments are called, by id."""
    return dict(Segment.objects.values_list("pk", "title"))


def forget_before(day: datetime) -> dict[str, int]:
    """Remove what the state keeps of each day and nobody needs for ever: the audit, deliveries, loads and runs that ended."""
    _scrub()
    return {name: rows.delete()[0] for name, rows in _dated(day).items()}


def before(day: datetime) -> dict[str, int]:
    """How many rows `forget_before` would remove."""
    return {name: rows.count() for name, rows in _dated(day).items()}


def _dated(day: datetime) -> "dict[str, models.QuerySet[Any]]":
    return {
        "audit": _every(AuditEvent).filter(at__lt=day),
        "deliveries": _every(Delivery).filter(at__lt=day),
        "loads": _every(LoadJob).filter(finished_at__lt=day),
        "runs": _every(SyncRun).filter(finished_at__lt=day),
    }
