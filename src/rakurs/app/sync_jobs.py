"""When are connections followed? By their schedules, at once when their systems tell of a change, and on again after a kill."""

import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from threading import Lock
from time import monotonic

from dbos import DBOS, SetWorkflowID
from django.db import close_old_connections
from django.utils import timezone as clock

from rakurs.app import connections, exchange_jobs, syncing
from rakurs.app.inbox import Inbox
from rakurs.app.segments import refresh_living
from rakurs.app.serving import current
from rakurs.app.watching import Watch
from rakurs.core.errors import RakursError
from rakurs.core.loading import silent
from rakurs.core.text import Text
from rakurs.sources.live import Change
from rakurs.state.models import Connection, SyncRun

QUEUE = "connections"
AT_ONCE = 4
"""Runs of different connections that go on side by side; one connection has one run at a time."""
LOOK_SECONDS = 1.0
EVENTS_SECONDS = 0.5
REST_SECONDS = 30.0
MOST_CHANGES = 500
"""Changes told one by one that are read in one go."""

_log = logging.getLogger(__name__)
_schedules = Watch("connections", seconds=LOOK_SECONDS)
_hooks = Watch("webhooks", seconds=EVENTS_SECONDS)
_boxes: dict[str, Inbox] = {}
_opening = Lock()
_rests: dict[str, float] = {}
"""Until when a connection's webhooks are left alone after they could not be followed."""
_UNEXPECTED = Text(
    ru="Запуск прервался из-за внутренней ошибки; данные целы. Подробности в журнале сервера.",
    en="The run failed on an internal error; the data is as it was. Details are in the server's log.",
)


def start() -> None:
    """Go on with unfinished runs, and begin what is due."""
    DBOS.register_queue(QUEUE, worker_concurrency=AT_ONCE, polling_interval_sec=0.5, on_conflict="always_update")
    _schedules.start(_look)
    _hooks.start(_listen)


def stop() -> None:
    """Nothing more begins by itself."""
    _schedules.stop()
    _hooks.stop()


def hear(connection: Connection, form: Mapping[str, str]) -> None:
    """What a system tells of itself; on the disk when this returns. NotAllowed for a wrong token."""
    source = connections.source_of(connection)
    changes = source.told(connections.settings_of(current().home, connection), form)
    if changes:
        _box(connection).put([json.dumps(asdict(change)).encode() + b"\n" for change in changes])


def _look() -> None:
    """Begin what is due, and what was sent; runs that a command or a killed server left waiting are taken up too."""
    for connection in Connection.objects.all():
        latest = connections.runs_of(connection).first()
        due = connections.due_at(connection, latest)
        if due is not None and (due <= clock.now() or exchange_jobs.has_come(connection, latest)):
            latest = syncing.begun(connection)
        if latest is not None and not latest.is_finished:
            _take_up(latest)


def _take_up(run: SyncRun) -> None:
    workflow = DBOS.get_workflow_status(_workflow_id(run))
    if workflow is None:
        with SetWorkflowID(_workflow_id(run)):
            DBOS.enqueue_workflow(QUEUE, _sync, run.pk, run.attempt)
    elif workflow.status not in {"PENDING", "ENQUEUED", "DELAYED"}:
        run.refresh_from_db()
        if not run.is_finished:
            syncing.ended(run, RakursError(_UNEXPECTED))


def _workflow_id(run: SyncRun) -> str:
    return f"sync-{run.pk}-{run.attempt}"


@DBOS.workflow(name="sync")
def _sync(run_id: str, attempt: int) -> None:
    if _is_of(run_id, attempt) and _fetch(run_id) and _take_in(run_id):
        _count_segments()


@DBOS.step(name="is of this attempt")
def _is_of(run_id: str, attempt: int) -> bool:
    """Whether the run was not stopped and begun again while this waited."""
    close_old_connections()
    try:
        return SyncRun.objects.filter(pk=run_id, attempt=attempt).exists()
    finally:
        close_old_connections()


@DBOS.step(name="fetch")
def _fetch(run_id: str) -> bool:
    return _guarded(run_id, lambda run: syncing.fetched(current(), run, syncing.watched(run)))


@DBOS.step(name="take in records")
def _take_in(run_id: str) -> bool:
    return _guarded(run_id, lambda run: syncing.taken_in(current(), run, syncing.watched(run)))


@DBOS.step(name="count segments after a run")
def _count_segments() -> int:
    close_old_connections()
    try:
        return refresh_living(current())
    finally:
        close_old_connections()


def _guarded(run_id: str, work: Callable[[SyncRun], object]) -> bool:
    """Run one step; whatever it meets becomes the run's end, in words for people. Whether it came through."""
    close_old_connections()
    run = SyncRun.objects.select_related("connection").filter(pk=run_id).first()
    if run is None or run.is_finished:
        return False
    try:
        work(run)
    except RakursError as stopped:
        syncing.ended(run, stopped)
        return False
    except Exception:  # noqa: BLE001 - the last frame of a thread: the log gets the cause, the user a sentence
        _log.exception("run %s of connection %s failed", run_id, run.connection.pk)
        syncing.ended(run, RakursError(_UNEXPECTED))
        return False
    finally:
        if not Connection.objects.filter(pk=run.connection.pk).exists():
            # It was removed meanwhile: nothing of it stays.
            shutil.rmtree(current().home.connections / run.connection.pk, ignore_errors=True)
        close_old_connections()
    return True


def _listen() -> None:
    """Read what the systems told since the last look, unless a whole run brings it anyway."""
    for connection in Connection.objects.filter(is_paused=False):
        latest = connections.runs_of(connection).first()
        is_busy = latest is not None and not latest.is_finished
        if (
            connection.cursor
            and not is_busy
            and _box(connection).waiting_bytes
            and _rests.get(connection.pk, 0.0) < monotonic()
        ):
            try:
                _bring_told(connection)
                _rests.pop(connection.pk, None)
            except Exception as stopped:  # noqa: BLE001 - what one system tells must not silence the others
                # They wait on the disk; a run by schedule says what is wrong.
                _rests[connection.pk] = monotonic() + REST_SECONDS
                _log.warning(
                    "changes of %s wait: %s", connection.prefix, stopped, exc_info=not isinstance(stopped, RakursError)
                )


def _bring_told(connection: Connection) -> None:
    box = _box(connection)
    files = box.close_file()
    told = {line: None for file in files for line in file.read_bytes().splitlines()}
    changes = [Change(**json.loads(line)) for line in told]
    for begin in range(0, len(changes), MOST_CHANGES):
        syncing.changes_brought(current(), connection, changes[begin : begin + MOST_CHANGES], silent)
    box.remove(files)
    refresh_living(current())


def _box(connection: Connection) -> Inbox:
    with _opening:
        if connection.pk not in _boxes:
            _boxes[connection.pk] = Inbox(connections.folder_of(current().home, connection) / "told")
        return _boxes[connection.pk]
