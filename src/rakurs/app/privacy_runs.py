"""How does an erasure go through every place, and where does it go on after it was stopped?

First the tables and raw batches, in one transaction; then the file of the database, which still holds what was deleted; then what
people wrote, files of the home, and the note in the audit. Each step may be done twice. The plan says which is next and goes last.
"""

from collections.abc import Mapping
from pathlib import Path

from django.db import connection as state
from django.utils import timezone as clock

from rakurs.app import privacy, privacy_files, privacy_state
from rakurs.app.accounts import note
from rakurs.app.privacy import Plan
from rakurs.app.privacy_texts import Traces
from rakurs.app.workspace import Workspace
from rakurs.core.errors import RakursError
from rakurs.core.loading import Progress, silent
from rakurs.core.text import Text
from rakurs.state.models import LoadJob, SyncRun, User
from rakurs.warehouse import forgotten

PATIENCE_SECONDS = 30.0
"""How long the database waits for a moment when nobody reads; then it tries again later."""
_TRIES = 3
_AT_SOURCE = Text(
    ru="В самих системах ({names}) этот человек ещё есть: сотрите его и там. Всё, что они пришлют о нём, Ракурс отсеет.",
    en="The systems themselves ({names}) still have this person: erase them there too. What they send of this person is left out here.",
)
_BACKUPS = Text(
    ru="В прежних копиях он остался: Ракурс до них не дотягивается. Если такую копию вернут, он будет стёрт в ней снова.",
    en="Earlier backups still hold this person: Rakurs cannot reach them. If one is brought back, the person is erased in it again.",
)
_FILES = Text(
    ru="Эти файлы в папке данных ещё держат его: {names}",
    en="These files in the data folder still hold this person: {names}",
)
_UPLOADS = Text(
    ru="Удалены незагруженные файлы с его данными: {names}",
    en="Uploads that were not loaded yet and held this person were removed: {names}",
)
_UNDER_WAY = Text(
    ru="Идут загрузки; из того, что они несут, он будет отсеян, а их файлы удалятся по окончании.",
    en="Loads are under way: the person is left out of what they bring, and their files go when they end.",
)
_DATABASE = Text(
    ru="База пользователей ещё хранит удалённые строки на диске; PostgreSQL очистит их сам (VACUUM).",
    en="The database of users still has deleted rows on its disk; PostgreSQL clears them by itself (VACUUM).",
)
_BUSY = Text(
    ru="Файл базы пользователей не удалось сжать: она занята. Повторите: rakurs person resume.",
    en="The file of the database of users could not be compacted: it is busy. Try again: rakurs person resume.",
)


class Later(RakursError):
    """The erasure cannot go on just now; it goes on by itself."""

    def __init__(self) -> None:
        super().__init__(
            Text(
                ru="Базу сейчас читают: стирание закончится чуть позже само.",
                en="The database is being read: the erasure ends a little later by itself.",
            )
        )


def carried_out(workspace: Workspace, plan: Plan, *, progress: Progress = silent) -> None:
    """All that is left to do of the plan. Raises Later where readers leave no moment for it; done again it goes on."""
    salt = _salt(workspace, plan)
    if plan.step == "tables":
        plan = _tables(workspace, plan, progress)
    if plan.step == "file":
        if not workspace.whole[0].compact(patience=PATIENCE_SECONDS):
            raise Later
        plan = _moved(workspace, plan.model_copy(update={"step": "rest"}))
    _rest(workspace, plan, privacy.traces_of(plan, salt))


def _salt(workspace: Workspace, plan: Plan) -> str:
    """Put the person into the list first of all: from here on nothing brings him in."""
    item = forgotten.begun(
        workspace.home.warehouse,
        erasure=plan.erasure,
        known_by=plan.known_by,
        with_deals=plan.with_deals,
        main_id=None if plan.with_deals else plan.customer_id,
        only_past=plan.only_past,
        sources=plan.sources,
        by=plan.by,
    )
    return item.salt


def _tables(workspace: Workspace, plan: Plan, progress: Progress) -> Plan:
    warehouse, rules = workspace.whole
    changed: Mapping[Path, int] = {}
    if not privacy.is_applied(workspace, plan):
        # Whoever waits is put into the list now: what is done for one of them is done for all.
        waiting = privacy.plans(workspace.home)
        for other in waiting:
            _salt(workspace, other)
        changed = warehouse.erase(names=privacy.pattern_of(waiting), progress=progress, **rules)
    counted = {"step": "file", "raw_files": len(changed), "raw_rows": sum(changed.values())}
    return _moved(workspace, plan.model_copy(update=counted))


def _moved(workspace: Workspace, plan: Plan) -> Plan:
    privacy.keep(workspace.home, plan)
    return plan


def _rest(workspace: Workspace, plan: Plan, traces: Traces) -> None:
    changed = privacy_state.without(traces)
    under_way = _under_way()
    uploads = privacy_files.without(workspace.home, traces, under_way=under_way)
    names = [traces.struck(name) for name in _end_loads(uploads)]
    left = [*_told_of_state(), *_told_of_files(workspace, traces)]
    left += [_UPLOADS.filled(names=", ".join(names))] if names else []
    left += [_UNDER_WAY] if under_way else []
    systems = privacy.sources_of(plan)
    left += [_AT_SOURCE.filled(names=", ".join(systems))] if systems else []
    left.append(_BACKUPS)
    told = {
        "counts": plan.counts,
        "raw_files": plan.raw_files,
        "raw_rows": plan.raw_rows,
        "state_rows": sum(changed.values()),
        "sources": systems,
        "left": [{"ru": text.ru, "en": text.en} for text in left],
    }
    if plan.counts or not plan.is_again:
        forgotten.ended(workspace.home.warehouse, plan.erasure, told)
        by = User.objects.filter(login=plan.by).first()
        counted = {"tables": plan.counts, "raw_rows": plan.raw_rows, "with_deals": plan.with_deals}
        note(by, "person erased", plan.erasure, detail=counted, rows=sum(plan.counts.values()), who=plan.by or "local")
    privacy.dropped(workspace.home, plan)


def _under_way() -> set[str]:
    """The ids of runs and loads that are being done, whose files nobody may take away."""
    runs = SyncRun.objects.exclude(status__in=SyncRun.FINISHED).values_list("pk", flat=True)
    waiting = [*LoadJob.FINISHED, LoadJob.Status.NEEDS_MAPPING]
    return {*runs, *LoadJob.objects.exclude(status__in=waiting).values_list("pk", flat=True)}


def _end_loads(uploads: list[str]) -> list[str]:
    """Loads whose files went say so and begin no more; the names of these files."""
    names: list[str] = []
    for job in LoadJob.objects.filter(pk__in=uploads):
        own = [Path(path).name for path in job.paths]
        words = privacy_files.message_of_upload(own)
        LoadJob.objects.filter(pk=job.pk).update(
            status=LoadJob.Status.FAILED, error_ru=words.ru, error_en=words.en, finished_at=clock.now()
        )
        names += own
    return names


def _told_of_state() -> list[Text]:
    if state.vendor != "sqlite":
        return [_DATABASE]
    return [] if any(privacy_state.emptied() for _ in range(_TRIES)) else [_BUSY]


def _told_of_files(workspace: Workspace, traces: Traces) -> list[Text]:
    found = [traces.struck(path) for path in privacy_files.holding(workspace.home, traces)]
    return [_FILES.filled(names=", ".join(found))] if found else []
