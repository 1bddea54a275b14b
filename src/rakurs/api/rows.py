"""How does a till, a shop or any program hand over rows as they happen? One JSON per call, or many."""

import json

from django.http import HttpRequest, HttpResponse
from ninja import Router

from rakurs.api.bodies import body_of
from rakurs.api.callers import caller
from rakurs.api.questions import as_json
from rakurs.app.inbox_jobs import inbox
from rakurs.core.errors import BadInput
from rakurs.core.text import Text
from rakurs.sources import events

router = Router(tags=["data"])

_NOT_JSON = Text(ru="Тело запроса не JSON: {reason}.", en="The body is not JSON: {reason}.")


@router.post("/rows/{table}", summary="Hand over rows of a canonical table")
def take_rows(request: HttpRequest, table: str) -> HttpResponse:
    """An object, or a list of them, with the table's columns; others become custom fields. 202 once they lie on the disk.

    A row is known by its key: sent again it changes what differs and nothing else, so a call without an answer is simply
    repeated. 429 asks to wait: nothing of that call was taken. A key that signs must have signed it.
    """
    caller(request).must("load")
    try:
        body = json.loads(body_of(request))
    except ValueError as wrong:
        raise BadInput(_NOT_JSON.filled(reason=wrong)) from wrong
    rows = events.checked(table, body)
    inbox().put([events.line_of(table, row) for row in rows])
    return as_json({"accepted": len(rows)}, status=202)
