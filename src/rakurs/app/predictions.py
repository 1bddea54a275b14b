"""How do models learn from a company's data, and how is what they say kept? Fits, their cards, scores, and when anew.

A model learns from all rows of the company, whoever asked: what a person then sees of its scores is limited as any table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from django.db.models import QuerySet
from django.utils import timezone as clock
from pydantic import TypeAdapter

from rakurs.app.accounts import note
from rakurs.app.params import checked_params
from rakurs.app.segments import refresh_living
from rakurs.app.workspace import Workspace
from rakurs.core.answer import Missing
from rakurs.core.errors import Cancelled, RakursError
from rakurs.core.model import Model, ModelCard, NotEnough
from rakurs.core.params import Params
from rakurs.core.text import Text
from rakurs.models import MODELS, model_named
from rakurs.models.scored import nobody
from rakurs.state.models import AuditEvent, ModelFit, ModelSettings, User
from rakurs.warehouse.reading import Reader, uncut

Status = ModelFit.Status
Deed = Literal["fit", "score"]
Told = Callable[[int, int], None]
"""How far a scoring is, in rows of all; may raise Cancelled."""

SETTLED = "model settings"
"""What the audit calls a change of a model's settings."""
ROWS_AT_ONCE = 50_000
KEPT_FITS = 12
LARGE_ROWS = 1_000_000
"""A company with fewer scored rows is scored after every load, a larger one once a day."""

_CARD = TypeAdapter(ModelCard)
_MISSING = TypeAdapter(tuple[Missing, ...])
_FAILED = Text(ru="Обучение не удалось; прежние оценки целы.", en="The fit failed; the scores are as they were.")
_CANCELLED = Text(ru="Обучение отменено; прежние оценки целы.", en="Cancelled; the scores are as they were.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a model stands: its settings, the fit that scores, and the latest one, under way or stopped."""

    model: Model
    is_on: bool
    params: Params
    current: ModelFit | None
    latest: ModelFit | None

    @property
    def card(self) -> ModelCard | None:
        """What the scoring fit says of itself."""
        return None if self.current is None else card_of(self.current)

    @property
    def is_under_way(self) -> bool:
        """Whether it learns or scores right now, or waits to."""
        return any(fit is not None and fit.is_under_way for fit in (self.latest, self.current))

    @property
    def next_fit_on(self) -> date | None:
        """From which day on it learns anew by itself, when there is other data by then."""
        learned = None if self.current is None else self.current.as_of
        return None if learned is None else learned + timedelta(days=self.model.retrain_days)

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What the latest fit lacked."""
        return () if self.latest is None else _MISSING.validate_python(self.latest.missing)


def standings() -> list[Standing]:
    """Every model, in menu order."""
    return [standing(model) for model in MODELS]


def standing(model: Model) -> Standing:
    """How this model stands."""
    kept = ModelSettings.objects.filter(pk=model.name).first()
    fits = fits_of(model)
    return Standing(
        model=model,
        is_on=kept is None or kept.is_on,
        params=checked_params(model.params, kept.params if kept else {}),
        current=fits.filter(is_current=True).first(),
        latest=fits.first(),
    )


def fits_of(model: Model) -> QuerySet[ModelFit]:
    """Its fits, the latest first; what they learned is long, and read only where it is used."""
    return ModelFit.objects.filter(name=model.name).defer("artefact")


def card_of(fit: ModelFit) -> ModelCard | None:
    """The card of a fit that has learned."""
    return None if fit.card is None else _CARD.validate_python(fit.card)


def settle(model: Model, by: User, *, params: Mapping[str, Any], is_on: bool) -> None:
    """Change what people set of a model. Raises BadParameter."""
    checked = checked_params(model.params, params)
    kept = checked.model_dump(mode="json", exclude={"as_of"})
    ModelSettings.objects.update_or_create(name=model.name, defaults={"params": kept, "is_on": is_on})
    note(by, SETTLED, model.name, detail={"params": kept, "is_on": is_on})


def settled_by(model: Model) -> AuditEvent | None:
    """Who changed its settings last, and when."""
    return AuditEvent.objects.filter(deed=SETTLED, subject=model.name).first()


def begun(workspace: Workspace, model: Model, by: User | None) -> ModelFit:
    """A new fit to be made of the present data; the one already under way where there is one."""
    waiting = ModelFit.objects.filter(name=model.name, status__in=ModelFit.UNDER_WAY).first()
    if waiting is not None:
        return waiting
    if by is not None:
        note(by, "fit model", model.name)
    return ModelFit.objects.create(name=model.name, asked_by=by, data_version=workspace.data_version)


def begun_again(workspace: Workspace, fit: ModelFit) -> None:
    """The current fit is about to score again. Noted beforehand, so that what fails is not tried at every look."""
    seen = {"scored_on": workspace.today, "scored_version": workspace.data_version}
    _moved(fit, Status.SCORING, **seen, done=0, total=0, is_cancel_asked=False, error_ru="", error_en="")


def cancel(fit: ModelFit) -> None:
    """Stop a fit at its next breath."""
    ModelFit.objects.filter(pk=fit.pk).update(is_cancel_asked=True)


def learn(workspace: Workspace, fit_id: str) -> None:
    """Fit the model to the present data; what came of it is kept with the fit. Done already, it does nothing."""
    fit = ModelFit.objects.get(pk=fit_id)
    if fit.artefact is not None or not fit.is_under_way:
        return
    model = model_named(fit.name)
    params = standing(model).params.bound(workspace.today)
    try:
        with workspace.reading() as reader:
            _moved(fit, Status.LEARNING, data_version=reader.data_version)
            samples = _samples(reader, model, params)
        _breathe(fit)
        found = model.fit(samples, params)
    except NotEnough as too_little:
        missing = _MISSING.dump_python(too_little.missing, mode="json")
        _moved(fit, Status.NOT_ENOUGH, missing=missing, finished_at=clock.now())
        return
    _moved(
        fit,
        Status.SCORING,
        params=params.model_dump(mode="json"),
        as_of=params.today,
        artefact=dict(found.artefact),
        card=_CARD.dump_python(found.card, mode="json"),
    )


def score(workspace: Workspace, fit_id: str) -> None:
    """Let a fit that has learned score whoever is there today; from now on it is the current one."""
    fit = ModelFit.objects.get(pk=fit_id)
    if fit.artefact is None:
        return
    model = model_named(fit.name)
    given = {name: value for name, value in fit.params.items() if name != "as_of"}
    params = checked_params(model.params, given).bound(workspace.today)

    def told(done: int, total: int) -> None:
        ModelFit.objects.filter(pk=fit.pk).update(done=done, total=total)
        _breathe(fit)

    with TemporaryDirectory(dir=workspace.home.scratch) as scratch:
        file = Path(scratch) / "scores.parquet"
        version, rows = _scored(workspace, model, fit, params, file, told=told)
        workspace.keep_scores(model.name, fit.id, file, on=params.today)
    ModelFit.objects.filter(name=model.name, is_current=True).exclude(pk=fit.pk).update(is_current=False)
    _moved(
        fit,
        Status.READY,
        is_current=True,
        scored_on=params.today,
        scored_version=version,
        scored_rows=rows,
        finished_at=fit.finished_at or clock.now(),
    )
    _forget_old(model)


def fit_now(workspace: Workspace, model: Model) -> None:
    """Learn and score at once, in a process that has no jobs. What stops it is raised; the old scores then stand."""
    fit = begun(workspace, model, None)
    try:
        learn(workspace, fit.id)
        score(workspace, fit.id)
    except (Cancelled, KeyboardInterrupt):
        stopped(fit.id, Status.CANCELLED, _CANCELLED)
        raise
    except BaseException as failed:
        stopped(fit.id, Status.FAILED, failed.message if isinstance(failed, RakursError) else _FAILED)
        raise
    refresh_living(workspace, has_new_scores=True)


def stopped(fit_id: str, status: str, message: Text) -> None:
    """A fit ended before its time; the scores are those of the one before it."""
    ModelFit.objects.filter(pk=fit_id).update(
        status=status, error_ru=message.ru, error_en=message.en, finished_at=clock.now()
    )


def due(workspace: Workspace) -> list[tuple[Deed, Standing]]:
    """What is to be done by itself now, of the models that are on and not under way."""
    if not workspace.has_data:
        return []
    idle = [known for known in standings() if known.is_on and not known.is_under_way]
    return [(deed, known) for known in idle if (deed := _due(workspace, known)) is not None]


def _due(workspace: Workspace, known: Standing) -> Deed | None:
    latest, current = known.latest, known.current
    has_news = latest is None or latest.data_version != workspace.data_version
    if current is None:
        # What failed or lacked data is tried again when there is other data.
        return "fit" if has_news else None
    if known.next_fit_on is None or workspace.today >= known.next_fit_on:
        return "fit" if has_news else None
    is_another_day = current.scored_on != workspace.today
    is_other_data = current.scored_version != workspace.data_version
    if is_another_day or (is_other_data and current.scored_rows < LARGE_ROWS):
        return "score"
    return None


def _samples(reader: Reader, model: Model, params: Params) -> pa.Table:
    frames = {name: reader.frame(table.name) for name, table in model.inputs.items()}
    missing: list[Missing] = []
    for need in model.gate.needs:
        have = reader.count(need.rows(frames, params).head(need.at_least))
        if have < need.at_least:
            missing.append(Missing(what=need.what, at_least=need.at_least, have=have))
    if missing:
        raise NotEnough(tuple(missing))
    samples = reader.collect(model.samples(frames, params))
    # In one order, so that the same rows make the same fit.
    names = [model.key, *(name for name in samples.column_names if name != model.key)]
    return samples.sort_by([(name, "ascending") for name in names])


def _scored(
    workspace: Workspace, model: Model, fit: ModelFit, params: Params, file: Path, *, told: Told
) -> tuple[int, int]:
    """Write what the fit says of everybody to `file`; of which data version, and how many rows it says."""
    with workspace.reading() as reader:
        frames = {name: reader.frame(table.name) for name, table in model.inputs.items()}
        present = model.present(frames, params).sort(model.key)
        writer: pq.ParquetWriter | None = None
        done = said = 0
        with reader.kept(present) as (kept, total):
            for rows in uncut(reader.batches(kept.sort(model.key), size=ROWS_AT_ONCE), model.key):
                part = model.score(fit.artefact, rows, params)
                writer = writer or pq.ParquetWriter(file, part.schema, compression="zstd")
                writer.write_table(part)
                done, said = done + rows.num_rows, said + part.num_rows
                told(done, total)
            if writer is None:
                writer = pq.ParquetWriter(file, nobody().schema)
            writer.close()
        return reader.data_version, said


def _breathe(fit: ModelFit) -> None:
    if ModelFit.objects.filter(pk=fit.pk, is_cancel_asked=True).exists():
        raise Cancelled(_CANCELLED)


def _moved(fit: ModelFit, status: str, **values: Any) -> None:
    ModelFit.objects.filter(pk=fit.pk).update(status=status, **values)
    fit.refresh_from_db()


def _forget_old(model: Model) -> None:
    kept = ModelFit.objects.filter(name=model.name).values_list("pk", flat=True)[:KEPT_FITS]
    ModelFit.objects.filter(name=model.name, is_current=False).exclude(pk__in=list(kept)).delete()
