"""How does a writing go: confirmed, watched, stopped, gone on with, brought back?"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone as clock

from rakurs.app.accounts import note
from rakurs.app.workspace import Workspace
from rakurs.app.writing import GONE, Permit, must_be_allowed, must_permit, permit_of
from rakurs.app.writing_drafts import drafted, must_be_open, pen_of
from rakurs.app.writing_scribe import UNDER_WAY, Breath, Scribe
from rakurs.app.writing_wishes import wish_of
from rakurs.core.errors import BadInput, Cancelled, RakursError
from rakurs.core.loading import Progress
from rakurs.core.text import Text
from rakurs.sources.live import Teller
from rakurs.sources.writing import DeedKind
from rakurs.state.models import User, WriteDeed, WriteRun

PREVIEW_LIVES = timedelta(hours=24)
PROGRESS_EVERY_SECONDS = 0.5
Status = WriteRun.Status
Of = WriteDeed.Status

_NOT_READY = Text(
    ru="Этот предпросмотр уже использован или отменён. Сделайте новый.",
    en="This preview was used or dropped. Make another.",
)
_TOO_OLD = Text(
    ru="Предпросмотру больше суток: в CRM многое могло измениться. Сделайте новый.",
    en="The preview is over a day old: much may have changed in the CRM. Make another.",
)
_NOTHING = Text(ru="Записывать нечего: всё пропущено.", en="There is nothing to write: everything is skipped.")
_NOT_STOPPED = Text(ru="Продолжить можно только остановленную запись.", en="Only a stopped writing can go on.")
_NOT_UNDONE = Text(
    ru="Вернуть можно поля завершённой записи, один раз.", en="Fields of an ended writing can be brought back, once."
)
_STOPPED = Text(
    ru="Остановлено. Что записано, то записано; остальное можно продолжить.",
    en="Stopped. What is written is written; the rest can go on.",
)
_STEP_FIELDS = Text(ru="Завожу поля", en="Making fields")


def confirmed(run: WriteRun, *, by: User | None) -> None:
    """The preview is to be carried out, as it is. BadInput where it is old, used, empty, or another writing is under way."""
    must_be_allowed(by)
    if run.status != Status.READY or run.drafted_at is None:
        raise BadInput(_NOT_READY)
    if clock.now() - run.drafted_at > PREVIEW_LIVES:
        raise BadInput(_TOO_OLD)
    if not run.total:
        raise BadInput(_NOTHING)
    must_permit(_permit(run), kinds_of(run))
    _wait_for_turn(run, Status.READY, confirmed_at=clock.now())
    note(by, "write run", run.pk, detail={"connection": run.prefix, "title": run.title}, rows=run.total)


def gone_on(run: WriteRun, *, by: User | None) -> None:
    """A stopped writing goes on with what it has not done."""
    must_be_allowed(by)
    if run.status not in WriteRun.STOPPED or run.confirmed_at is None:
        raise BadInput(_NOT_STOPPED)
    must_permit(_permit(run), kinds_of(run))
    changes = {
        "is_cancel_asked": False,
        "attempt": run.attempt + 1,
        "error_ru": "",
        "error_en": "",
        "finished_at": None,
    }
    _wait_for_turn(run, run.status, **changes)
    note(by, "write run", run.pk, detail={"connection": run.prefix, "title": run.title, "attempt": run.attempt})


def stopped(run: WriteRun, *, by: User | None) -> None:
    """Nothing more is sent; a preview is dropped."""
    rows = WriteRun.objects.filter(pk=run.pk)
    rows.filter(status__in=[*WriteRun.UNDER_WAY, Status.DRAFTING]).update(is_cancel_asked=True)
    rows.filter(status=Status.WAITING).update(status=Status.CANCELLED, finished_at=clock.now())
    rows.filter(status=Status.READY).update(status=Status.DROPPED, finished_at=clock.now())
    note(by, "write stopped", run.pk, detail={"connection": run.prefix, "title": run.title})
    run.refresh_from_db()


def undo_begun(run: WriteRun, *, by: User | None) -> WriteRun:
    """A preview that waits to be made: what stood in the fields before `run` filled them. BadInput where it cannot be."""
    must_be_allowed(by)
    if not can_be_undone(run):
        raise BadInput(_NOT_UNDONE)
    must_permit(_permit(run), ("field",))
    undo = WriteRun.objects.create(
        connection=run.connection,
        prefix=run.prefix,
        subject=run.subject,
        title=run.title,
        asked=run.asked | {"comment": "", "task": "", "due_on": None, "clears": False},
        undoes=run,
        by=by,
    )
    note(by, "write preview", undo.pk, detail={"connection": run.prefix, "undoes": run.pk})
    return undo


def can_be_undone(run: WriteRun) -> bool:
    """Whether what it filled can be brought back."""
    if run.is_moving or run.confirmed_at is None or run.undoes is not None:
        return False
    others = WriteRun.objects.filter(undoes=run).exclude(
        status__in=[Status.DROPPED, Status.READY, Status.FAILED, Status.CANCELLED]
    )
    return not others.exists() and WriteDeed.objects.filter(run=run, kind="field", status=Of.DONE).exists()


def kinds_of(run: WriteRun) -> tuple[DeedKind, ...]:
    """The kinds of deeds a run takes."""
    return ("field",) if run.undoes else wish_of(run).kinds


def previewed(workspace: Workspace, run: WriteRun, progress: Progress) -> None:
    """Make the preview, here and now. RakursError becomes its end, and is raised too."""
    _ended_by(run, lambda: drafted(workspace, run, progress))


def written(workspace: Workspace, run: WriteRun, progress: Progress) -> None:
    """Carry the preview out, here and now, from where it stopped. RakursError becomes its end, and is raised too."""
    _ended_by(run, lambda: _write(workspace, run, progress))


def ended(run: WriteRun, stop: RakursError) -> None:
    """The run did not come to its end; what it has not done can go on."""
    is_cancelled = isinstance(stop, Cancelled)
    if is_cancelled and run.confirmed_at is None:
        _moved(run, status=Status.DROPPED, finished_at=clock.now())
        return
    words = _STOPPED if is_cancelled else stop.message
    status = Status.CANCELLED if is_cancelled else Status.FAILED
    _moved(run, status=status, error_ru=words.ru, error_en=words.en, finished_at=clock.now())


def watched(run: WriteRun) -> Progress:
    """Keeps the run's progress in its row, not more often than a person can read, and asks whether to stop."""
    told_at = 0.0

    def tell(step: Text, *, done: int, total: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at < PROGRESS_EVERY_SECONDS:
            return
        told_at = time.monotonic()
        row = WriteRun.objects.filter(pk=run.pk)
        row.update(step_ru=step.ru[:300], step_en=step.en[:300], done=done, total=total)
        if row.filter(Q(is_cancel_asked=True) | Q(connection=None)).exists():
            raise Cancelled(_STOPPED)

    return tell


def _write(workspace: Workspace, run: WriteRun, progress: Progress) -> None:
    permit = _permit(run)
    must_permit(permit, kinds_of(run))
    _moved(run, status=Status.WRITING)
    breath = Breath(Teller(progress, _STEP_FIELDS))
    with pen_of(workspace, permit, breath) as pen:
        must_be_open(pen, kinds_of(run))
        scribe = Scribe(workspace=workspace, run=run, permit=permit, pen=pen, breath=breath)
        scribe.count()
        scribe.make_fields()
        scribe.go()
    scribe.count()
    _moved(run, status=Status.DONE, done=breath.done, total=breath.total, finished_at=clock.now())


def _permit(run: WriteRun) -> Permit:
    if run.connection is None:
        raise BadInput(GONE)
    return permit_of(run.connection)


def _ended_by(run: WriteRun, work: Callable[[], None]) -> None:
    try:
        work()
    except RakursError as stop:
        ended(run, stop)
        raise
    run.refresh_from_db()


def _wait_for_turn(run: WriteRun, status: str, **values: Any) -> None:
    """From `status` to waiting; BadInput while another writing of the same system is under way."""
    try:
        with transaction.atomic():
            moved = WriteRun.objects.filter(pk=run.pk, status=status).update(status=Status.WAITING, **values)
    except IntegrityError:
        raise BadInput(UNDER_WAY) from None
    if not moved:
        raise BadInput(_NOT_READY)
    run.refresh_from_db()


def _moved(run: WriteRun, **values: Any) -> None:
    WriteRun.objects.filter(pk=run.pk).update(**values)
    for name, value in values.items():
        setattr(run, name, value)
