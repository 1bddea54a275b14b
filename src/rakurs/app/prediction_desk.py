"""What do the terminal and the API say of models? Their standing, card and fits, one document per model."""

from typing import Any

from rakurs.analyses import AREAS
from rakurs.app.answers_json import plain
from rakurs.app.looking_back import records_of, verdict_of
from rakurs.app.offering import Offer
from rakurs.app.predictions import Standing, fits_of, standings
from rakurs.core.analysis import Analysis
from rakurs.core.model import GRADES, Model, ModelCard
from rakurs.core.text import Language, Text
from rakurs.state.models import ModelFit, ModelRecord

Document = dict[str, Any]

STATUSES: dict[str, Text] = {
    "waiting": Text(ru="ждёт очереди", en="waiting"),
    "learning": Text(ru="учится", en="learning"),
    "scoring": Text(ru="оценивает", en="scoring"),
    "ready": Text(ru="готова", en="ready"),
    "not_enough": Text(ru="данных пока мало", en="not enough data yet"),
    "failed": Text(ru="не удалось", en="failed"),
    "cancelled": Text(ru="отменено", en="cancelled"),
    "never": Text(ru="ещё не училась", en="has not learned yet"),
    "off": Text(ru="выключена", en="off"),
}


def readers_of(model: Model) -> list[Analysis]:
    """The questions that show what the model says."""
    return [analysis for area in AREAS for analysis in area.analyses if analysis.model == model.name]


def status_of(known: Standing) -> str:
    """In one word: of the latest fit, or of the model itself."""
    if not known.is_on:
        return "off"
    return "never" if known.latest is None else str(known.latest.status)


def models_document(language: Language) -> list[Document]:
    """Every model in short."""
    return [_line(known, language) for known in standings()]


def model_document(known: Standing, language: Language) -> Document:
    """A model with its card, settings and what it lacks."""
    model = known.model
    return {
        **_line(known, language),
        "question": model.question.to(language),
        "definition": model.definition.to(language),
        "source": model.source,
        "params": {name: plain(value, language) for name, value in known.params.model_dump(exclude={"as_of"}).items()},
        "analyses": [analysis.name for analysis in readers_of(model)],
        "card": None if known.card is None else _card(known.card, model, language),
        "records": [_record(record, language) for record in records_of(model)],
        "fits": [_fit(fit, language) for fit in fits_of(model)],
    }


def offer_document(offer: Offer, language: Language) -> Document:
    """What to offer, how likely it is taken, and why."""
    return {
        "product_id": offer.product_id,
        "product": offer.product,
        "chance": offer.chance,
        "expected_margin": plain(offer.expected_margin, language),
        "reason": offer.reason,
        "because_of_id": offer.because_of_id,
        "because_of": offer.because_of,
        "why": offer.why.to(language),
    }


def _line(known: Standing, language: Language) -> Document:
    status, card = status_of(known), known.card
    return {
        "name": known.model.name,
        "title": known.model.title.to(language),
        "entity": known.model.entity,
        "is_on": known.is_on,
        "status": status,
        "status_words": STATUSES[status].to(language),
        "grade": None if card is None else card.grade,
        "grade_words": None if card is None else GRADES[card.grade].to(language),
        "scored_on": None if known.current is None else plain(known.current.scored_on, language),
        "scored_rows": None if known.current is None else known.current.scored_rows,
        "missing": [item.message.to(language) for item in known.missing],
    }


def _fit(fit: ModelFit, language: Language) -> Document:
    return {
        "id": fit.id,
        "status": fit.status,
        "is_current": fit.is_current,
        "as_of": plain(fit.as_of, language),
        "grade": None if fit.card is None else fit.card["grade"],
        "done": fit.done,
        "total": fit.total,
        "error": fit.error_in(language) or None,
        "created_at": plain(fit.created_at, language),
        "finished_at": plain(fit.finished_at, language),
    }


def _record(record: ModelRecord, language: Language) -> Document:
    return {
        "scored_on": plain(record.scored_on, language),
        "until": plain(record.until, language),
        "rows": record.rows,
        "predicted": record.predicted,
        "came": record.came,
        "low": record.low,
        "high": record.high,
        "auc": record.auc,
        "auc_low": record.auc_low,
        "auc_high": record.auc_high,
        "verdict": verdict_of(record),
    }


def _card(card: ModelCard, model: Model, language: Language) -> Document:
    titles = {feature.name: feature.title for feature in model.features}
    return {
        "grade": card.grade,
        "chosen": card.chosen.to(language),
        "baseline": card.baseline.to(language),
        "learned_rows": card.learned_rows,
        "learned_until": card.learned_until,
        "tested_rows": card.tested_rows,
        "tested_until": card.tested_until,
        "measures": [
            {
                "name": item.name,
                "title": item.title.to(language),
                "unit": item.unit.code,
                "value": item.value,
                "low": item.low,
                "high": item.high,
                "baseline": item.baseline,
            }
            for item in card.measures
        ],
        "calibration": [
            {
                "predicted": item.predicted,
                "observed": item.observed,
                "low": item.low,
                "high": item.high,
                "rows": item.rows,
            }
            for item in card.calibration
        ],
        "factors": [{"name": name, "title": titles[name].to(language), "share": share} for name, share in card.factors],
        "notes": [note.to(language) for note in card.notes],
    }
