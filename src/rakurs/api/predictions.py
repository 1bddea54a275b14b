"""How does a program look after models? Their standing and cards, settings, learning anew, stopping it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from rakurs.api.callers import caller
from rakurs.api.problems import language_of
from rakurs.api.questions import as_json
from rakurs.app import prediction_jobs, predictions
from rakurs.app.offering import MOST_OFFERS, offers_for
from rakurs.app.prediction_desk import model_document, models_document, offer_document
from rakurs.app.serving import current
from rakurs.models import model_named

router = Router(tags=["models"])

BOUGHT: Any = Query(default_factory=list)


class ModelChange(Schema):
    """What to change; what is left out stays."""

    params: dict[str, Any] | None = None
    is_on: bool | None = None


@router.get("/models", summary="Every model and how it stands")
def models(request: HttpRequest) -> HttpResponse:
    """Grade, day of the scores, what is lacking."""
    caller(request).must("read")
    return as_json(models_document(language_of(request)))


@router.get("/models/{name}", summary="One model: its card, settings and fits")
def model(request: HttpRequest, name: str) -> HttpResponse:
    """The measures stand beside those of the stated baseline, on days the fit has not seen."""
    caller(request).must("read")
    return as_json(model_document(predictions.standing(model_named(name)), language_of(request)))


@router.get("/customers/{path:customer_id}/offers", summary="What to offer a customer right now")
def offers(
    request: HttpRequest, customer_id: str, bought: list[str] = BOUGHT, limit: int = Query(5, ge=1, le=MOST_OFFERS)
) -> HttpResponse:
    """By what he has bought up to this minute; `bought` names what he takes just now, and may be repeated. Nothing is kept."""
    who = caller(request)
    who.must("read")
    found = offers_for(current(), customer_id, scope=who.scope, taken=bought, limit=limit)
    return as_json([offer_document(offer, language_of(request)) for offer in found])


@router.patch("/models/{name}", summary="Change a model's settings")
def change_model(request: HttpRequest, name: str, change: ModelChange) -> HttpResponse:
    """They hold from the next fit on."""
    who = caller(request)
    who.must("administer")
    known = predictions.standing(model_named(name))
    params = known.params.model_dump(mode="json", exclude={"as_of"}) | (change.params or {})
    is_on = known.is_on if change.is_on is None else change.is_on
    predictions.settle(known.model, who.person(), params=params, is_on=is_on)
    return as_json(model_document(predictions.standing(known.model), language_of(request)))


@router.post("/models/{name}/fit", summary="Let a model learn anew")
def fit_model(request: HttpRequest, name: str) -> HttpResponse:
    """Returns at once; the model's first fit tells how far it is."""
    who = caller(request)
    who.must("load")
    known = model_named(name)
    prediction_jobs.fit_model(known, who.user)
    return as_json(model_document(predictions.standing(known), language_of(request)), status=202)


@router.delete("/models/{name}/fit", summary="Stop the fit under way")
def cancel_fit(request: HttpRequest, name: str) -> HttpResponse:
    """The scores stay those of the fit before."""
    caller(request).must("load")
    known = predictions.standing(model_named(name))
    if known.latest is not None and known.latest.is_under_way:
        predictions.cancel(known.latest)
    return as_json(model_document(predictions.standing(known.model), language_of(request)))
