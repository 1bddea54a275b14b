"""How do changed settings reach the data while people go on working? In a thread; anybody may ask how far it is."""

import logging
from dataclasses import dataclass, replace
from threading import Lock, Thread

from django.db import close_old_connections

from rakurs.app.accounts import note
from rakurs.app.company import Company
from rakurs.app.serving import current
from rakurs.core.errors import RakursError
from rakurs.core.text import Text
from rakurs.state.models import User

_log = logging.getLogger(__name__)
_UNEXPECTED = Text(
    ru="Настройки не применились из-за внутренней ошибки; прежние в силе. Подробности в журнале сервера.",
    en="The settings were not applied because of an internal error; the former stand. Details are in the server's log.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the data follows the settings."""

    is_running: bool = False
    step: Text | None = None
    done: int = 0
    total: int = 0
    error: Text | None = None


class _Place:
    """Holds the progress of this process: there is one company and one owner of its data."""

    progress = Progress()
    lock = Lock()


def progress() -> Progress:
    """How far the data follows the last change of settings."""
    return _Place.progress


def begin(by: User | None, company: Company) -> None:
    """Apply `company`; returns at once where data has to be made anew, else when it is done."""
    before = current().company
    if company == before:
        return
    with _Place.lock:
        _Place.progress = Progress(is_running=True)
    worker = Thread(target=_settle, args=(by, before, company), name="settling", daemon=True)
    worker.start()
    worker.join(0.5)  # most changes are over by now, and the page shows them without a wait


def _settle(by: User | None, before: Company, company: Company) -> None:
    error: Text | None = None
    try:
        current().settle(company, progress=_tell)
        old, new = before.model_dump(mode="json"), company.model_dump(mode="json")
        changed = {name: {"before": old[name], "after": new[name]} for name in new if new[name] != old[name]}
        note(by, "company changed", ", ".join(changed), detail=changed)
    except RakursError as stopped:
        error = stopped.message
    except Exception:  # noqa: BLE001 - the last frame of a thread: the log gets the cause, people a sentence
        _log.exception("settings were not applied")
        error = _UNEXPECTED
    finally:
        close_old_connections()
        _Place.progress = Progress(error=error)


def _tell(step: Text, *, done: int, total: int) -> None:
    _Place.progress = replace(_Place.progress, step=step, done=done, total=total)
