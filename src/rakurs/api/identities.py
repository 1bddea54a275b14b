"""How does a program see and say which records are one customer?"""

from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from rakurs.api.callers import Caller, caller
from rakurs.api.problems import language_of
from rakurs.api.questions import as_json
from rakurs.app.accounts import note
from rakurs.app.identities import PAGE_SIZE, decide, pair_document, pairs_to_judge, state_document, state_of
from rakurs.app.serving import current

router = Router(tags=["identities"])


class IdentityDecision(Schema):
    """Two records, and what they are: one customer, never one, or left to the rules again."""

    left_id: str
    right_id: str
    kind: Literal["merge", "never", "forget"]


@router.get("/identities", summary="How many customers the records are, and pairs that wait for people")
def identities(
    request: HttpRequest, limit: int = Query(PAGE_SIZE, ge=1, le=1000), offset: int = Query(0, ge=0)
) -> HttpResponse:
    """The likeliest pairs first, each with what both records say and what speaks for it."""
    _keeper(request)
    language = language_of(request)
    found, total = pairs_to_judge(current(), limit=limit, offset=offset)
    document = state_document(state_of(current()), language)
    return as_json(document | {"pairs": [pair_document(pair, language) for pair in found], "total": total})


@router.post("/identities/decisions", summary="Say of two records whether they are one customer")
def decide_identity(request: HttpRequest, decision: IdentityDecision) -> HttpResponse:
    """Every number that depends on it has followed when this answers. Kept through every rebuild."""
    who = _keeper(request)
    by = "" if who.user is None else who.user.login
    changed = decide(current(), decision.left_id, decision.right_id, decision.kind, by=by)
    if who.user is not None:
        note(who.user, f"identity {decision.kind}", f"{decision.left_id} {decision.right_id}")
    return as_json({"changed": changed} | state_document(state_of(current()), language_of(request)))


@router.post("/identities/comparison", summary="Look for records that are alike though no key joins them")
def compare(request: HttpRequest) -> HttpResponse:
    """Happens by itself after every load that brings customers; answers when it is done."""
    _keeper(request)
    changed = current().compare_records()
    return as_json({"changed": changed} | state_document(state_of(current()), language_of(request)))


def _keeper(request: HttpRequest) -> Caller:
    """Records of everybody, with their phones: for who may load and see personal data."""
    who = caller(request)
    who.must("load")
    who.must("personal_data")
    return who
