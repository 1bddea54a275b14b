"""What does an outgoing webhook of a portal tell? The name of an event, the id of a record, and a token that proves it."""

import hmac
import re
from collections.abc import Mapping

from rakurs.core.errors import NotAllowed
from rakurs.core.text import Text
from rakurs.sources.bitrix24.settings import Bitrix24Settings
from rakurs.sources.live import Change

_CRM = re.compile(r"ONCRM(DEAL|LEAD|CONTACT|COMPANY|ACTIVITY)(ADD|UPDATE|DELETE|MOVETOCATEGORY)")
_STREAMS = {"DEAL": "deals", "LEAD": "leads", "CONTACT": "contacts", "COMPANY": "companies", "ACTIVITY": "activities"}
_CALL_ENDED = "ONVOXIMPLANTCALLEND"
_WRONG_TOKEN = Text(
    ru="Токен исходящего вебхука не совпал с тем, что в настройках источника.",
    en="The token of the outbound webhook is not the one in the source's settings.",
)


def told(settings: Bitrix24Settings, form: Mapping[str, str]) -> tuple[Change, ...]:
    """The change an event names, none for other events. Raises NotAllowed where its token is not the settings'."""
    token, known = form.get("auth[application_token]", ""), settings.application_token.get_secret_value()
    if not known or not hmac.compare_digest(token.encode(), known.encode()):
        raise NotAllowed(_WRONG_TOKEN)
    event = form.get("event", "").upper()
    if event == _CALL_ENDED and (call := form.get("data[CALL_ID]")):
        return (Change(stream="calls", record_id=call),)
    found, record_id = _CRM.fullmatch(event), form.get("data[FIELDS][ID]", "")
    if found is None or not record_id.isdigit():
        return ()
    return (Change(stream=_STREAMS[found[1]], record_id=record_id, is_deleted=found[2] == "DELETE"),)
