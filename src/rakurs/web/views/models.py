"""What do models say of the company, and how far are they to be trusted? The list, one model's card, its settings."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from rakurs.app import prediction_jobs, predictions
from rakurs.app.formats import Format
from rakurs.app.looking_back import next_verdict, records_of, verdict_of
from rakurs.app.prediction_desk import STATUSES, readers_of, status_of
from rakurs.app.predictions import Standing, fits_of, settled_by
from rakurs.core.errors import BadInput
from rakurs.core.model import GRADES, Bin, Measure, ModelCard
from rakurs.core.params import Params
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.models import model_named
from rakurs.state.models import ModelFit, ModelRecord
from rakurs.web.access import format_of, may, user_of, workspace
from rakurs.web.language import said
from rakurs.web.views.pages import page_or_part

GRADE_TONES = {"A": "good", "B": "accent", "C": "warn", "early": ""}
STATUS_TONES = {"ready": "good", "failed": "bad", "not_enough": "warn", "cancelled": "warn"}
VERDICTS = {
    "held": Text(ru="сбылось", en="came true"),
    "high": Text(ru="обещано больше, чем было", en="more was said than came"),
    "low": Text(ru="обещано меньше, чем было", en="less was said than came"),
}
SAVED = Text(
    ru="Настройки сохранены: по ним модель научится в следующий раз.", en="Saved: the model learns by them next time."
)


def models(request: HttpRequest) -> HttpResponse:
    """Every model: what it answers, how good it is, what it lacks."""
    lines = [_line(known, format_of()) for known in predictions.standings()]
    context = {"lines": lines, "is_under_way": any(line["is_under_way"] for line in lines)}
    return page_or_part(request, whole="rakurs/models.html", part="rakurs/_models.html", context=context)


def model(request: HttpRequest, name: str) -> HttpResponse:
    """One model: its card, what decides, how it was tested, its settings and fits."""
    known, form, user = predictions.standing(model_named(name)), format_of(), user_of(request)
    context = {
        **_line(known, form),
        "card": None if known.card is None else _card(known, known.card, form),
        "fields": _fields(known.params, form),
        "fits": [_fit(fit, form) for fit in fits_of(known.model)],
        "records": [_record(record, form) for record in records_of(known.model)],
        "has_records": known.model.held is not None,
        "next_verdict": _shown_day(next_verdict(workspace(), known.model), form),
        "next_fit": _shown_day(known.next_fit_on, form),
        "settled": settled_by(known.model),
        "may_fit": user.may("load"),
        "may_settle": user.may("administer"),
    }
    return page_or_part(request, whole="rakurs/model.html", part="rakurs/_model.html", context=context)


@require_POST
@may("load")
def fit(request: HttpRequest, name: str) -> HttpResponse:
    """Learn anew, or stop learning."""
    known = predictions.standing(model_named(name))
    if request.POST.get("deed") != "cancel":
        prediction_jobs.fit_model(known.model, user_of(request))
    elif known.latest is not None and known.latest.is_under_way:
        predictions.cancel(known.latest)
    return redirect("model", name=name)


@require_POST
@may("administer")
def settle(request: HttpRequest, name: str) -> HttpResponse:
    """The settings as the form gives them."""
    known = model_named(name)
    params = {field: request.POST.get(field, "") for field in known.params.infos() if field != "as_of"}
    try:
        predictions.settle(known, user_of(request), params=params, is_on="is_on" in request.POST)
    except BadInput as wrong:
        messages.error(request, said(wrong.message))
    else:
        messages.success(request, said(SAVED))
    return redirect("model", name=name)


def _line(known: Standing, form: Format) -> dict[str, Any]:
    status, current, card = status_of(known), known.current, known.card
    is_under_way = known.is_under_way
    return {
        "model": known.model,
        "is_on": known.is_on,
        "status": STATUSES[status],
        "status_tone": STATUS_TONES.get(status, "accent" if is_under_way else ""),
        "is_under_way": is_under_way,
        "latest": known.latest,
        "grade": None if card is None else card.grade,
        "grade_words": None if card is None else GRADES[card.grade],
        "grade_tone": None if card is None else GRADE_TONES[card.grade],
        "scored_on": None if current is None else form.shown(current.scored_on, Unit.DAY),
        "scored_rows": None if current is None else current.scored_rows,
        "missing": [item.message for item in known.missing],
        "reports": readers_of(known.model),
        "error": None if known.latest is None else known.latest.error_in(form.language),
    }


def _card(known: Standing, card: ModelCard, form: Format) -> dict[str, Any]:
    titles = {feature.name: feature.title for feature in known.model.features}
    return {
        "card": card,
        "learned_until": _day(card.learned_until, form),
        "tested_until": _day(card.tested_until, form),
        "measures": [
            {
                "title": item.title,
                "value": _shown(item.value, item, form),
                "baseline": _shown(item.baseline, item, form),
                "interval": _interval(item, form),
            }
            for item in card.measures
        ],
        "bins": _bins(card, form),
        "factors": [
            {"title": titles[name], "share": form.shown(share, Unit.SHARE), "width": 100 * share / card.factors[0][1]}
            for name, share in card.factors
        ],
    }


def _interval(item: Measure, form: Format) -> str:
    if item.low is None or item.high is None:
        return ""
    return "–".join(_shown(edge, item, form) for edge in (item.low, item.high))


def _shown(value: float | None, item: Measure, form: Format) -> str:
    return form.shown(value, item.unit, decimals=None if item.unit is Unit.SHARE else 3)


def _bins(card: ModelCard, form: Format) -> list[dict[str, Any]]:
    most = max((max(item.predicted, item.high) for item in card.calibration), default=0.0)
    scale = 100 / most if most else 0.0
    return [_bin(item, card.calibration_unit, scale, form) for item in card.calibration]


def _bin(item: Bin, unit: Unit, scale: float, form: Format) -> dict[str, Any]:
    decimals = 1 if unit is Unit.SHARE else 2
    shown = {
        name: form.shown(getattr(item, name), unit, decimals=decimals)
        for name in ("predicted", "observed", "low", "high")
    }
    return {
        **shown,
        "rows": item.rows,
        "predicted_width": item.predicted * scale,
        "observed_width": item.observed * scale,
        "is_held": item.low <= item.predicted <= item.high,
    }


def _fields(params: Params, form: Format) -> list[dict[str, Any]]:
    """The settings as fields of a form: a list of words, or a number."""
    found: list[dict[str, Any]] = []
    for name, info in type(params).infos().items():
        if name == "as_of":
            continue
        value = getattr(params, name)
        field = {"name": name, "title": said(info.title), "help": said(info.help) if info.help else ""}
        if info.labels:
            choices = [(str(key), said(label), key == value) for key, label in info.labels.items()]
            found.append({**field, "choices": choices, "shown": said(info.labels[value])})
        else:
            found.append({**field, "value": value, "shown": form.shown(value, info.unit)})
    return found


def _fit(fit: ModelFit, form: Format) -> dict[str, Any]:
    return {
        "fit": fit,
        "as_of": form.shown(fit.as_of, Unit.DAY),
        "status": STATUSES[str(fit.status)],
        "tone": STATUS_TONES.get(str(fit.status), "accent"),
        "grade": None if fit.card is None else fit.card["grade"],
        "chosen": None if fit.card is None else Text(**fit.card["chosen"]),
    }


def _record(record: ModelRecord, form: Format) -> dict[str, Any]:
    verdict = verdict_of(record)
    return {
        "scored_on": form.shown(record.scored_on, Unit.DAY),
        "until": form.shown(record.until, Unit.DAY),
        "rows": record.rows,
        **{name: form.shown(getattr(record, name), Unit.SHARE) for name in ("predicted", "came", "low", "high")},
        "auc": form.shown(record.auc, Unit.NUMBER, decimals=3),
        "auc_low": form.shown(record.auc_low, Unit.NUMBER, decimals=3),
        "auc_high": form.shown(record.auc_high, Unit.NUMBER, decimals=3),
        "verdict": VERDICTS[verdict],
        "tone": "good" if verdict == "held" else "warn",
    }


def _shown_day(day: date | None, form: Format) -> str | None:
    return None if day is None else form.shown(day, Unit.DAY)


def _day(day: str, form: Format) -> str:
    return form.shown(date.fromisoformat(day), Unit.DAY)
