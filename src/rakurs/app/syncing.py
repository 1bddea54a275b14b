"""How does one run of a connection go, and where does it go on after it was stopped?

What the system answers is kept in the run's folder as it comes; when all is there it is taken in, in one transaction; then the
cursor moves. Killed anywhere in between, the run is done again from its last kept answer, and what was taken in already changes
nothing.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone as clock

from rakurs.app.connections import folder_of, runs_of, settings_of, source_of
from rakurs.app.reports import report_kept
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadInput, Cancelled, RakursError, SourceRefused
from rakurs.core.loading import LoadReport, Progress
from rakurs.core.text import Text
from rakurs.sources.live import Change, Landing, Wanted, WantedKind
from rakurs.sources.rows import LEFT
from rakurs.sources.spool import Spool
from rakurs.state.models import Connection, SyncRun, User

COMPARED_EVERY = timedelta(hours=24)
"""How often what was deleted is looked for, where the system does not tell it by itself."""
PROGRESS_EVERY_SECONDS = 0.5
Status = SyncRun.Status

_STOPPED = Text(
    ru="Остановлено. Подключение на паузе; запущенное снова, оно продолжит с того же места.",
    en="Stopped. The connection is paused; run again, it goes on where it stopped.",
)
_NO_PERIOD = Text(
    ru="Для периода нужны оба дня, первый не позже второго.",
    en="A period takes two days, the first not after the second.",
)
_UNDER_WAY = Text(ru="Загрузка этого подключения уже идёт.", en="A run of this connection is under way already.")


def begun(
    connection: Connection,
    kind: WantedKind | None = None,
    *,
    by: User | None = None,
    from_day: date | None = None,
    to_day: date | None = None,
) -> SyncRun:
    """A run that waits to be done: of changes, or of everything where nothing came yet. BadInput while one is under way.

    The latest run goes on where it failed or was stopped, unless another `kind` is asked for or the settings mean
    other records since.
    """
    latest = runs_of(connection).first()
    if latest is not None and not latest.is_finished:
        raise BadInput(_UNDER_WAY)
    is_ours = latest is not None and latest.wanted.get("version") == connection.version
    if kind is None and is_ours and latest is not None and latest.status != Status.DONE:
        return _again(latest)
    if kind == "period" and (from_day is None or to_day is None or from_day > to_day):
        raise BadInput(_NO_PERIOD)
    kind = kind or ("changes" if connection.cursor else "full")
    is_time = connection.compared_at is None or clock.now() - connection.compared_at > COMPARED_EVERY
    wanted = {
        "kind": kind,
        "version": connection.version,
        "compares": kind == "full" or (kind == "changes" and is_time),
        "from_day": None if from_day is None else from_day.isoformat(),
        "to_day": None if to_day is None else to_day.isoformat(),
    }
    try:
        with transaction.atomic():
            return SyncRun.objects.create(connection=connection, wanted=wanted, by=by)
    except IntegrityError:
        raise BadInput(_UNDER_WAY) from None


def cancelled(run: SyncRun) -> None:
    """Stop a run at its next breath, and begin no other by itself."""
    SyncRun.objects.filter(pk=run.pk).update(is_cancel_asked=True)
    SyncRun.objects.filter(pk=run.pk, status=Status.WAITING).update(status=Status.CANCELLED, finished_at=clock.now())
    Connection.objects.filter(pk=run.connection.pk).update(is_paused=True)


def fetched(workspace: Workspace, run: SyncRun, progress: Progress) -> None:
    """Bring what the run wants into its folder. Raises SourceRefused, SourceUnreachable, Cancelled."""
    connection = run.connection
    _moved(run, Status.FETCHING, started_at=run.started_at or clock.now())
    _clear_others(workspace, run)
    spool = _spool(workspace, run)
    if run.attempt > 1:
        # What was left of the system when the run was stopped says nothing of today.
        spool.forget(LEFT)
    try:
        cursor = source_of(connection).fetch(settings_of(workspace.home, connection), _wanted(run), spool, progress)
        spool.note(cursor=dict(cursor))
    finally:
        _moved(run, Status.FETCHING, fetched=spool.total, closed=spool.noted("closed", []))


def taken_in(workspace: Workspace, run: SyncRun, progress: Progress) -> LoadReport:
    """What the run fetched becomes rows, all or nothing; then the next run begins where this one ended."""
    connection = run.connection
    _moved(run, Status.LOADING, done=0, total=0)
    spool = _spool(workspace, run)
    deliveries = source_of(connection).deliveries(
        settings_of(workspace.home, connection), spool, _landing(workspace, connection)
    )
    report = workspace.take_in(deliveries, progress=progress)
    _remember(workspace, connection, spool)
    told = {"cursor": spool.noted("cursor", {})}
    if spool.noted("compared"):
        told["compared_at"] = clock.now()
    # Settings that mean other records since then have made the cursor empty: it stays so.
    Connection.objects.filter(pk=connection.pk, version=run.wanted["version"]).update(**told)
    _moved(run, Status.DONE, report=report_kept(report), finished_at=clock.now())
    spool.remove()
    return report


def done_whole(workspace: Workspace, run: SyncRun, progress: Progress) -> SyncRun:
    """The whole run here and now, for a command. Its end, good or bad, is kept in the run; RakursError is raised too."""
    try:
        fetched(workspace, run, progress)
        taken_in(workspace, run, progress)
    except RakursError as stopped:
        ended(run, stopped)
        raise
    run.refresh_from_db()
    return run


def ended(run: SyncRun, stopped: RakursError) -> None:
    """The run did not come to its end; it goes on when it is begun again."""
    is_cancelled = isinstance(stopped, Cancelled)
    message = _STOPPED if is_cancelled else stopped.message
    _moved(
        run,
        Status.CANCELLED if is_cancelled else Status.FAILED,
        error_ru=message.ru,
        error_en=message.en,
        is_refused=isinstance(stopped, SourceRefused),
        finished_at=clock.now(),
    )


def watched(run: SyncRun) -> Progress:
    """Keeps the run's progress in its row, not more often than a person can read, and asks whether to stop."""
    told_at = 0.0

    def tell(step: Text, *, done: int, total: int) -> None:
        nonlocal told_at
        if monotonic() - told_at < PROGRESS_EVERY_SECONDS:
            return
        told_at = monotonic()
        row = SyncRun.objects.filter(pk=run.pk)
        is_there = row.update(step_ru=step.ru[:300], step_en=step.en[:300], done=done, total=total)
        if not is_there or row.filter(is_cancel_asked=True).exists():
            raise Cancelled(_STOPPED)

    return tell


def changes_brought(
    workspace: Workspace, connection: Connection, changes: Sequence[Change], progress: Progress
) -> LoadReport:
    """Records that the system itself said are other now, read and taken in at once."""
    settings, source = settings_of(workspace.home, connection), source_of(connection)
    with TemporaryDirectory(dir=workspace.home.scratch) as scratch:
        spool = Spool(Path(scratch) / f"{clock.now():%Y%m%dT%H%M%S%f}")
        spool.note(**_remembered(workspace, connection))
        wanted = Wanted(kind="records", cursor=connection.cursor, changes=tuple(changes))
        source.fetch(settings, wanted, spool, progress)
        report = workspace.take_in(source.deliveries(settings, spool, _landing(workspace, connection)))
    Connection.objects.filter(pk=connection.pk).update(heard_at=clock.now())
    return report


def _again(run: SyncRun) -> SyncRun:
    SyncRun.objects.filter(pk=run.pk).update(
        status=Status.WAITING,
        attempt=run.attempt + 1,
        is_cancel_asked=False,
        is_refused=False,
        error_ru="",
        error_en="",
        finished_at=None,
    )
    run.refresh_from_db()
    return run


def _wanted(run: SyncRun) -> Wanted:
    def day(name: str) -> date | None:
        return date.fromisoformat(run.wanted[name]) if run.wanted[name] else None

    return Wanted(
        kind=run.wanted["kind"],
        cursor=run.connection.cursor,
        from_day=day("from_day"),
        to_day=day("to_day"),
        compares=run.wanted["compares"],
    )


def _landing(workspace: Workspace, connection: Connection) -> Landing:
    return Landing(source=connection.prefix, profiles=workspace.home.profiles)


def _clear_others(workspace: Workspace, run: SyncRun) -> None:
    """What earlier runs left half done is of no use any more."""
    runs = folder_of(workspace.home, run.connection) / "runs"
    for left in runs.iterdir() if runs.exists() else ():
        if left.name != run.pk:
            shutil.rmtree(left, ignore_errors=True)


def _spool(workspace: Workspace, run: SyncRun) -> Spool:
    return Spool(folder_of(workspace.home, run.connection) / "runs" / run.pk)


def _notes_file(workspace: Workspace, connection: Connection) -> Path:
    return folder_of(workspace.home, connection) / "notes.json"


def _remember(workspace: Workspace, connection: Connection, spool: Spool) -> None:
    """What a whole run learned of the system (names of fields, of stages) serves the changes it tells one by one."""
    draft = _notes_file(workspace, connection).with_suffix(".draft")
    draft.write_text(json.dumps(spool.notes, ensure_ascii=False), encoding="utf-8")
    draft.replace(_notes_file(workspace, connection))


def _remembered(workspace: Workspace, connection: Connection) -> Mapping[str, Any]:
    file = _notes_file(workspace, connection)
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _moved(run: SyncRun, status: str, **values: Any) -> None:
    SyncRun.objects.filter(pk=run.pk).update(status=status, **values)
    for name, value in {"status": status, **values}.items():
        setattr(run, name, value)
