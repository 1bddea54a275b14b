"""How does a program ask why two numbers differ?"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from rakurs.api.callers import caller
from rakurs.api.problems import language_of
from rakurs.api.questions import as_json
from rakurs.app.accounts import note
from rakurs.app.id_lists import id_list
from rakurs.app.reconciled import reconciliation_document
from rakurs.app.serving import current

router = Router()


class Reconcile(Schema):
    """`params`: metric, period or days, and either `system` or `ids`, one id a line with an amount after a tab or semicolon."""

    params: dict[str, Any] = Field(default_factory=dict)
    ids: str | None = None


@router.post("/reconcile", summary="Why our number is not theirs", tags=["metrics"])
def reconcile(request: HttpRequest, body: Reconcile) -> HttpResponse:
    """Both numbers and every deal that counts differently, each with its reason."""
    who = caller(request)
    who.must("read")
    listed = None if body.ids is None else id_list(body.ids)
    found = current().reconcile(body.params, listed, scope=who.scope)
    note(who.user, "reconcile", found.metric, detail=body.params, rows=found.table.num_rows)
    return as_json(reconciliation_document(found, language_of(request)))
