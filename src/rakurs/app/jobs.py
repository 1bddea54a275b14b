"""How does a load go on after the server is killed? As a durable workflow: inspect, then load, each kept when done.

A job's row (`state.LoadJob`) says what to load and how far it is; the workflow behind it lives in a database of its
own, or in PostgreSQL beside the row. Killed at any moment, the workflow starts again at its unfinished step when a server next opens the
home; a load is one transaction and knows what it already took, so a step done twice changes nothing.
"""

import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID
from django.db import close_old_connections
from django.utils import timezone as clock

from rakurs.app import accounts
from rakurs.app.home import Home
from rakurs.app.reports import report_kept, report_read
from rakurs.app.segments import refresh_living
from rakurs.app.serving import current
from rakurs.core.errors import BadInput, Cancelled, MappingNeeded, RakursError
from rakurs.core.loading import LoadReport
from rakurs.core.text import Text
from rakurs.state.models import LoadJob, User, new_id

QUEUE = "loads"
PROGRESS_EVERY_SECONDS = 0.3
Status = LoadJob.Status

_log = logging.getLogger(__name__)
# A recovered workflow comes back on another queue than a new one: the queue alone does not keep them apart.
_one_at_a_time = Lock()

_UNEXPECTED = Text(
    ru="Загрузка прервалась из-за внутренней ошибки; прежние данные целы. Подробности в журнале сервера.",
    en="The load failed on an internal error; the data is as it was. Details are in the server's log.",
)
_LOST = Text(
    ru="Загрузка прервалась и не может быть продолжена; прежние данные целы. Загрузите файлы ещё раз.",
    en="The load was interrupted and cannot go on; the data is as it was. Load the files again.",
)


def start(database_url: str) -> None:
    """Open the durable work kept at `database_url` and go on with what a killed server left unfinished."""
    config: DBOSConfig = {
        "name": "rakurs",
        "system_database_url": database_url,
        # Fixed, so that an upgraded program still finishes what the older one began.
        "application_version": "1",
        "executor_id": "local",
        "log_level": "WARNING",
        "enable_otlp": False,
        "notification_listener_polling_interval_sec": 1.0,
    }
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(QUEUE, global_concurrency=1, polling_interval_sec=0.25, on_conflict="always_update")
    for job in LoadJob.objects.exclude(status__in=[*LoadJob.FINISHED, Status.NEEDS_MAPPING]):
        _take_up(job)


def stop() -> bool:
    """Close the durable work; True when a load was under way and goes on at the next start."""
    DBOS.destroy()
    return _one_at_a_time.locked()


def receive(
    files: Iterable[tuple[str, Iterable[bytes]]], *, home: Home, owner: User | None, profile: str = ""
) -> LoadJob:
    """Keep uploaded `files` (name, chunks) in the home and load them. Returns at once."""
    job_id = new_id()
    folder = home.uploads / job_id
    folder.mkdir()
    paths: list[Path] = []
    for number, (name, chunks) in enumerate(files):
        target = _free_name(folder, Path(name.replace("\\", "/")).name or f"file-{number}")
        with target.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
        paths.append(target)
    if not paths:
        folder.rmdir()
        raise BadInput(Text(ru="Не выбрано ни одного файла.", en="No file was given."))
    return submit(paths, owner=owner, profile=profile, job_id=job_id)


def submit(
    paths: Sequence[Path],
    *,
    owner: User | None,
    profile: str = "",
    timezone: str = "",
    currency: str = "",
    job_id: str | None = None,
) -> LoadJob:
    """Load files that are already on this machine. Returns at once; the job tells how far it is."""
    job = LoadJob.objects.create(
        id=job_id or new_id(),
        owner=owner,
        paths=[str(path) for path in paths],
        profile=profile,
        timezone=timezone,
        currency=currency,
    )
    accounts.note(owner, "load", job.id, detail={"files": [path.name for path in paths]})
    _enqueue(job)
    return job


def go_on(job: LoadJob) -> None:
    """Try a job again, after its mapping was confirmed or its cause of failure was removed."""
    if job.status in {Status.NEEDS_MAPPING, Status.FAILED, Status.CANCELLED}:
        _begin_again(job)


def read_again(job: LoadJob, files: Sequence[str]) -> None:
    """Read `files` of a finished job again from the raw zone, after the profile they were read by was corrected."""
    LoadJob.objects.filter(pk=job.pk).update(unknown_files=list(files))
    _begin_again(job)


def _begin_again(job: LoadJob) -> None:
    LoadJob.objects.filter(pk=job.pk).update(
        status=Status.RECEIVED,
        attempt=job.attempt + 1,
        is_cancel_asked=False,
        error_ru="",
        error_en="",
        step_ru="",
        step_en="",
        done=0,
        total=0,
        finished_at=None,
    )
    job.refresh_from_db()
    _enqueue(job)


def cancel(job: LoadJob) -> None:
    """Stop a job at its next breath; nothing of it remains in the data."""
    LoadJob.objects.filter(pk=job.pk).update(is_cancel_asked=True)
    waiting = {Status.RECEIVED, Status.NEEDS_MAPPING}
    LoadJob.objects.filter(pk=job.pk, status__in=waiting).update(status=Status.CANCELLED, finished_at=clock.now())


def report_of(job: LoadJob) -> LoadReport | None:
    """What the finished job says of itself."""
    return None if job.report is None else report_read(job.report)


@DBOS.workflow(name="load")
def _load(job_id: str) -> str:
    verdict = _inspect(job_id)
    if verdict != Status.LOADING:
        return verdict
    verdict = _take_in(job_id)
    if verdict == Status.DONE:
        _count_segments()
    return verdict


@DBOS.step(name="inspect")
def _inspect(job_id: str) -> str:
    return _guarded(job_id, _inspected)


@DBOS.step(name="take in")
def _take_in(job_id: str) -> str:
    with _one_at_a_time:
        return _guarded(job_id, _loaded)


@DBOS.step(name="count segments")
def _count_segments() -> int:
    """Who came into living segments and who left them with this load."""
    close_old_connections()
    try:
        return refresh_living(current())
    finally:
        close_old_connections()


def _guarded(job_id: str, work: Callable[[LoadJob], str]) -> str:
    """Run one step of a job; whatever it meets becomes the job's status, in words for people."""
    close_old_connections()
    job = LoadJob.objects.get(pk=job_id)
    try:
        if job.is_cancel_asked and not job.is_finished:
            return _ended(job, Status.CANCELLED)
        return job.status if job.is_finished else work(job)
    except MappingNeeded as unknown:
        return _asks_mapping(job, [unknown.file])
    except RakursError as stopped:
        return _ended(job, Status.CANCELLED if isinstance(stopped, Cancelled) else Status.FAILED, stopped.message)
    except Exception:  # noqa: BLE001 - the last frame of a thread: the log gets the cause, the user a sentence
        _log.exception("load %s failed", job_id)
        return _ended(job, Status.FAILED, _UNEXPECTED)
    finally:
        close_old_connections()


def _inspected(job: LoadJob) -> str:
    _moved(job, Status.INSPECTING, started_at=clock.now())
    # A job that has a report already is done: it is here to be read again from the raw zone.
    if not job.profile and job.report is None:
        found = current().inspect([Path(path) for path in job.paths], progress=_Watch(job.id))
        unknown = [part.file for part in found if part.recognised_by == "proposal"]
        if unknown:
            return _asks_mapping(job, unknown)
    return _moved(job, Status.LOADING)


def _loaded(job: LoadJob) -> str:
    if job.report is not None:
        return _read_again(job)
    report = current().load(
        [Path(path) for path in job.paths],
        profile=job.profile or None,
        timezone=job.timezone or None,
        currency=job.currency or None,
        progress=_Watch(job.id),
    )
    shutil.rmtree(current().home.uploads / job.id, ignore_errors=True)
    return _moved(job, Status.DONE, report=report_kept(report), finished_at=clock.now())


def _read_again(job: LoadJob) -> str:
    for file in job.unknown_files:
        for report in current().read_again(file, progress=_Watch(job.id)):
            LoadJob.objects.filter(report__load_id=report.load_id).update(report=report_kept(report))
    return _moved(job, Status.DONE, unknown_files=[], finished_at=clock.now())


class _Watch:
    """Keeps a job's progress in its row, not more often than a person can read, and asks whether to stop."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.told_at = 0.0

    def __call__(self, step: Text, *, done: int, total: int) -> None:
        if monotonic() - self.told_at < PROGRESS_EVERY_SECONDS:
            return
        self.told_at = monotonic()
        row = LoadJob.objects.filter(pk=self.job_id)
        row.update(step_ru=step.ru[:300], step_en=step.en[:300], done=done, total=total)
        if row.filter(is_cancel_asked=True).exists():
            raise Cancelled(Text(ru="Загрузка отменена; прежние данные целы.", en="Cancelled; the data is as it was."))


def _asks_mapping(job: LoadJob, files: list[str]) -> str:
    return _moved(job, Status.NEEDS_MAPPING, unknown_files=files)


def _ended(job: LoadJob, status: str, message: Text | None = None) -> str:
    words = {"error_ru": message.ru, "error_en": message.en} if message else {}
    return _moved(job, status, finished_at=clock.now(), **words)


def _moved(job: LoadJob, status: str, **values: Any) -> str:
    LoadJob.objects.filter(pk=job.pk).update(status=status, **values)
    return str(status)


def _enqueue(job: LoadJob) -> None:
    with SetWorkflowID(_workflow_id(job)):
        DBOS.enqueue_workflow(QUEUE, _load, job.id)


def _take_up(job: LoadJob) -> None:
    """A job whose server died before its workflow was kept starts now; one whose workflow gave up says so."""
    workflow = DBOS.get_workflow_status(_workflow_id(job))
    if workflow is None:
        _enqueue(job)
    elif workflow.status not in {"PENDING", "ENQUEUED", "DELAYED"}:
        _ended(job, Status.FAILED, _LOST)


def _workflow_id(job: LoadJob) -> str:
    return f"{job.id}-{job.attempt}"


def _free_name(folder: Path, name: str) -> Path:
    target, number = folder / name, 1
    while target.exists():
        number += 1
        target = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    return target
