"""When are previews made and carried out? As soon as somebody asks, on the server, and on again after a kill."""

import logging
from collections.abc import Callable

from dbos import DBOS, SetWorkflowID
from django.db import close_old_connections

from rakurs.app import writing_runs
from rakurs.app.serving import current
from rakurs.app.watching import Watch
from rakurs.app.workspace import Workspace
from rakurs.app.writing import runs
from rakurs.core.errors import RakursError
from rakurs.core.loading import Progress
from rakurs.core.text import Text
from rakurs.state.models import WriteRun

QUEUE = "writing"
AT_ONCE = 2
LOOK_SECONDS = 0.5
_UNEXPECTED = Text(
    ru="Запись прервалась из-за внутренней ошибки; её можно продолжить. Подробности в журнале сервера.",
    en="The writing failed on an internal error; it can go on. Details are in the server's log.",
)
_log = logging.getLogger(__name__)
_watch = Watch("writing", seconds=LOOK_SECONDS)
Work = Callable[[Workspace, WriteRun, Progress], None]


def start() -> None:
    """Go on with what a killed server left, and begin what is asked for."""
    DBOS.register_queue(QUEUE, worker_concurrency=AT_ONCE, polling_interval_sec=0.5, on_conflict="always_update")
    _watch.start(_look)


def stop() -> None:
    """Nothing more begins."""
    _watch.stop()


def _look() -> None:
    """Take up what waits; what a command or a killed server left too."""
    for run in runs().filter(status__in=WriteRun.MOVING):
        stage = "preview" if run.status == WriteRun.Status.DRAFTING else f"write-{run.attempt}"
        workflow_id = f"writing-{run.pk}-{stage}"
        workflow = DBOS.get_workflow_status(workflow_id)
        if workflow is None:
            with SetWorkflowID(workflow_id):
                DBOS.enqueue_workflow(QUEUE, _preview if stage == "preview" else _write, run.pk)
        elif workflow.status not in {"PENDING", "ENQUEUED", "DELAYED"}:
            before = run.status
            run.refresh_from_db()
            if run.status == before:
                writing_runs.ended(run, RakursError(_UNEXPECTED))


@DBOS.workflow(name="preview of a writing")
def _preview(run_id: str) -> None:
    _make_preview(run_id)


@DBOS.workflow(name="writing")
def _write(run_id: str) -> None:
    _carry_out(run_id)


@DBOS.step(name="make a preview")
def _make_preview(run_id: str) -> None:
    _guarded(run_id, writing_runs.previewed)


@DBOS.step(name="carry a preview out")
def _carry_out(run_id: str) -> None:
    _guarded(run_id, writing_runs.written)


def _guarded(run_id: str, work: Work) -> None:
    """Run one step; whatever it meets becomes the run's end, in words for people."""
    close_old_connections()
    try:
        run = runs().filter(pk=run_id).first()
        if run is not None and run.is_moving:
            work(current(), run, writing_runs.watched(run))
    except RakursError as stop:
        _log.info("writing %s ended: %s", run_id, stop)
    except Exception:  # noqa: BLE001 - the last frame of a thread: the log gets the cause, the user a sentence
        _log.exception("writing %s failed", run_id)
        left = runs().filter(pk=run_id).first()
        if left is not None:
            writing_runs.ended(left, RakursError(_UNEXPECTED))
    finally:
        close_old_connections()
