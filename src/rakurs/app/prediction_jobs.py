"""When do models learn, and what if the server is killed meanwhile? Durable fits, one at a time, begun by people, by time
and by new data.
"""

import logging
from threading import Event, Thread

from dbos import DBOS, SetWorkflowID
from django.db import close_old_connections

from rakurs.app import predictions
from rakurs.app.segments import refresh_living
from rakurs.app.serving import current
from rakurs.core.errors import Cancelled, RakursError
from rakurs.core.model import Model
from rakurs.core.text import Text
from rakurs.state.models import ModelFit, User, new_id

QUEUE = "models"
LOOK_SECONDS = 5.0

_log = logging.getLogger(__name__)
_stopping = Event()
_UNEXPECTED = Text(
    ru="Обучение прервалось из-за внутренней ошибки; прежние оценки целы. Подробности в журнале сервера.",
    en="The fit failed on an internal error; the scores are as they were. Details are in the server's log.",
)


def start(*, by_themselves: bool) -> None:
    """Go on with unfinished fits; where models work `by_themselves`, begin what is due as time and data go on."""
    DBOS.register_queue(QUEUE, global_concurrency=1, polling_interval_sec=0.5, on_conflict="always_update")
    _stopping.clear()
    for fit in ModelFit.objects.filter(status__in=ModelFit.UNDER_WAY, is_current=False):
        workflow = DBOS.get_workflow_status(fit.id)
        if workflow is None:
            _enqueue(fit)
        elif workflow.status not in {"PENDING", "ENQUEUED", "DELAYED"}:
            predictions.stopped(fit.id, ModelFit.Status.FAILED, _UNEXPECTED)
    if by_themselves:
        Thread(target=_watch, name="models", daemon=True).start()


def stop() -> None:
    """Nothing more begins by itself."""
    _stopping.set()


def fit_model(model: Model, by: User | None) -> ModelFit:
    """Let a model learn anew. Returns at once; the fit tells how far it is."""
    fit = predictions.begun(current(), model, by)
    if DBOS.get_workflow_status(fit.id) is None:
        _enqueue(fit)
    return fit


def _watch() -> None:
    while not _stopping.wait(LOOK_SECONDS):
        try:
            for deed, model in predictions.due(current()):
                if deed == "fit":
                    fit_model(model, None)
                else:
                    _score_again(model)
        except Exception:  # noqa: BLE001 - the thread must go on; the log gets the cause
            _log.exception("models could not be looked at")
        finally:
            close_old_connections()


def _score_again(model: Model) -> None:
    fit = ModelFit.objects.filter(name=model.name, is_current=True).first()
    if fit is not None:
        predictions.begun_again(current(), fit)
        with SetWorkflowID(f"{fit.id}-{new_id()}"):
            DBOS.enqueue_workflow(QUEUE, _predict, fit.id)


def _enqueue(fit: ModelFit) -> None:
    with SetWorkflowID(fit.id):
        DBOS.enqueue_workflow(QUEUE, _predict, fit.id)


@DBOS.workflow(name="predict")
def _predict(fit_id: str) -> None:
    _step(fit_id, "learn")
    _step(fit_id, "score")
    _count_segments(fit_id)


@DBOS.step(name="count segments of scores")
def _count_segments(fit_id: str) -> int:
    """Who came into living segments and who left them with these scores."""
    close_old_connections()
    try:
        is_ready = ModelFit.objects.filter(pk=fit_id, status=ModelFit.Status.READY).exists()
        return refresh_living(current(), has_new_scores=True) if is_ready else 0
    finally:
        close_old_connections()


@DBOS.step(name="model step")
def _step(fit_id: str, deed: str) -> None:
    """One step of a fit; whatever it meets is kept with it, in words for people."""
    close_old_connections()
    try:
        {"learn": predictions.learn, "score": predictions.score}[deed](current(), fit_id)
    except RakursError as refused:
        status = ModelFit.Status.CANCELLED if isinstance(refused, Cancelled) else ModelFit.Status.FAILED
        predictions.stopped(fit_id, status, refused.message)
    except Exception:  # noqa: BLE001 - the last frame of a thread: the log gets the cause, the user a sentence
        _log.exception("model fit %s failed", fit_id)
        predictions.stopped(fit_id, ModelFit.Status.FAILED, _UNEXPECTED)
    finally:
        close_old_connections()
