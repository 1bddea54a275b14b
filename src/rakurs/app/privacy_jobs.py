"""When does an erasure go on, and when does what is past go? The server looks again and again; at night for what is past."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from time import monotonic
from zoneinfo import ZoneInfo

from django.db import close_old_connections

from rakurs.app import privacy, privacy_runs, retention, retention_runs
from rakurs.app.serving import current
from rakurs.app.watching import Watch
from rakurs.app.workspace import Workspace
from rakurs.core.errors import RakursError
from rakurs.core.text import Text

LOOK_SECONDS = 1.0
REST_SECONDS = 60.0
"""How long an erasure that could not go on is left alone."""
NIGHT_HOUR = 3
"""From this hour of the company's clock on, what is past goes once a day."""

_log = logging.getLogger(__name__)
_watch = Watch("privacy", seconds=LOOK_SECONDS)
_rests: dict[str, float] = {}
_UNEXPECTED = Text(
    ru="Стирание прервалось из-за внутренней ошибки и будет продолжено. Подробности в журнале сервера.",
    en="The erasure stopped on an internal error and will go on. Details are in the server's log.",
)


def start() -> None:
    """Go on with erasures that a killed server left, and look for what is past."""
    _rests.clear()
    _watch.start(_look)


def stop() -> None:
    """Nothing more begins; what is under way goes on at the next start."""
    _watch.stop()


def _look() -> None:
    workspace = current()
    close_old_connections()
    privacy.begun_again(workspace)
    for plan in privacy.plans(workspace.home):
        stopped = _tried(plan.erasure, partial(privacy_runs.carried_out, workspace, plan))
        if stopped is not None:
            privacy.stopped(workspace.home, plan.erasure, stopped)
    if _is_time(workspace):
        _tried("retention", partial(retention_runs.applied, workspace))
    _tried("file", partial(_compact, workspace))


def _tried(name: str, work: Callable[[], object]) -> Text | None:
    """Do one thing; what cannot go on is left alone for a while, and says why."""
    if not _watch.goes_on or _rests.get(name, 0.0) > monotonic():
        return None
    try:
        work()
    except RakursError as stopped:
        _rests[name] = monotonic() + REST_SECONDS
        return stopped.message
    except Exception:  # noqa: BLE001 - one that cannot go on must not hold up the others
        _rests[name] = monotonic() + REST_SECONDS
        _log.exception("%s stopped", name)
        return _UNEXPECTED
    return None


def _compact(workspace: Workspace) -> None:
    """What was erased may still lie in the file of the database, where nobody found a moment to exchange it."""
    if not workspace.whole[0].compact(patience=privacy_runs.PATIENCE_SECONDS):
        raise privacy_runs.Later


def _is_time(workspace: Workspace) -> bool:
    settings = retention.retention_of(workspace.home)
    if settings.is_asked:
        return True
    if not any(settings.months(kind) for kind in retention.KINDS) or settings.checked_on == workspace.clock_today:
        return False
    return datetime.now(ZoneInfo(workspace.company.timezone)).hour >= NIGHT_HOUR
