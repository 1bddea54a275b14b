"""When do models learn, and what if the server is killed meanwhile? Durable fits, one at a time, begun by people, by time
and by new data.
"""

import logging

from dbos import DBOS, SetWorkflowID
from django.db import close_old_connections

from rakurs.app import predictions
from rakurs.app.lean_start import load_pandas
from rakurs.app.looking_back import look_back
from rakurs.app.segments import refresh_living
from rakurs.app.serving import current
from rakurs.app.watching import Watch
from rakurs.core.errors import Cancelled, RakursError
from rakurs.core.model import Model
from rakurs.core.text import Text
from rakurs.models import model_named
from rakurs.state.models import ModelFit, User

QUEUE = "models"
LOOK_SECONDS = 5.0

_log = logging.getLogger(__name__)
_watch = Watch("models", seconds=LOOK_SECONDS)
_UNEXPECTED = Text(
    ru="Обучение прервалось из-за внутренней ошибки; прежние оценки целы. Подробности в журнале сервера.",
    en="The fit failed on an internal error; the scores are as they were. Details are in the server's log.",
)


def start(*, by_themselves: bool) -> None:
    """Go on with unfinished fits; where models work `by_themselves`, begin what is due as time and data go on."""
    DBOS.register_queue(QUEUE, global_concurrency=1, polling_interval_sec=2.0, on_conflict="always_update")
    for fit in ModelFit.objects.filter(status__in=ModelFit.UNDER_WAY):
        workflow = DBOS.get_workflow_status(_workflow_id(fit))
        if workflow is None:
            _enqueue(fit)
        elif workflow.status not in {"PENDING", "ENQUEUED", "DELAYED"}:
            predictions.stopped(fit.id, ModelFit.Status.FAILED, _UNEXPECTED)
    if by_themselves:
        _watch.start(_begin_what_is_due)


def stop() -> None:
    """Nothing more begins by itself."""
    _watch.stop()


def fit_model(model: Model, by: User | None) -> ModelFit:
    """Let a model learn anew. Returns at once; the fit tells how far it is."""
    fit = predictions.begun(current(), model, by)
    if DBOS.get_workflow_status(_workflow_id(fit)) is None:
        _enqueue(fit)
    return fit


def _begin_what_is_due() -> None:
    for deed, known in predictions.due(current()):
        if deed == "fit":
            fit_model(known.model, None)
        elif known.current is not None:
            predictions.begun_again(current(), known.current)
            _enqueue(known.current)


def _enqueue(fit: ModelFit) -> None:
    with SetWorkflowID(_workflow_id(fit)):
        DBOS.enqueue_workflow(QUEUE, _predict, fit.id)


def _workflow_id(fit: ModelFit) -> str:
    """A fit learns once, and scores again on other days and other data."""
    return f"{fit.id}-{fit.scored_on}-{fit.scored_version}" if fit.is_current else fit.id


@DBOS.workflow(name="predict")
def _predict(fit_id: str) -> None:
    _step(fit_id, "learn")
    _step(fit_id, "score")
    _count_segments(fit_id)
    _look_back(fit_id)


@DBOS.step(name="count segments of scores")
def _count_segments(fit_id: str) -> int:
    """Who came into living segments and who left them with these scores."""
    close_old_connections()
    try:
        is_ready = ModelFit.objects.filter(pk=fit_id, status=ModelFit.Status.READY).exists()
        return refresh_living(current(), has_new_scores=True) if is_ready else 0
    finally:
        close_old_connections()


@DBOS.step(name="look back")
def _look_back(fit_id: str) -> int:
    """Which past days can be held against what came by now."""
    close_old_connections()
    try:
        fit = ModelFit.objects.filter(pk=fit_id).first()
        return 0 if fit is None else look_back(current(), model_named(fit.name))
    finally:
        close_old_connections()


@DBOS.step(name="model step")
def _step(fit_id: str, deed: str) -> None:
    """One step of a fit; whatever it meets is kept with it, in words for people."""
    close_old_connections()
    load_pandas()
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
