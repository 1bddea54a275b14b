"""What does an event of an exchange tell? A signed form, like those it is asked with; of the events only the end of a call counts."""

import hmac
import json
from collections.abc import Mapping

from rakurs.core.errors import NotAllowed
from rakurs.core.text import Text
from rakurs.sources.live import Change
from rakurs.sources.mango.exchange import signature
from rakurs.sources.mango.settings import MangoSettings

_INSIDE = 0
_WRONG_SIGN = Text(
    ru="Подпись вебхука не совпала: он от другой АТС или ключ для подписи в настройках источника другой.",
    en="The webhook's signature does not fit: it is of another exchange, or the source's settings hold another key.",
)


def told(settings: MangoSettings, form: Mapping[str, str]) -> tuple[Change, ...]:
    """The call that ended, none for other events. Raises NotAllowed where the signature is not the settings'."""
    text = form.get("json", "")
    if not hmac.compare_digest(form.get("sign", "").lower().encode(), signature(settings, text).encode()):
        raise NotAllowed(_WRONG_SIGN)
    try:
        event = json.loads(text)
    except ValueError:
        return ()
    # Events of a call's course name it too; the summary alone says how it ended.
    if not isinstance(event, dict) or "entry_result" not in event or event.get("call_direction") == _INSIDE:
        return ()
    entry = event.get("entry_id")
    return (Change(stream="calls", record_id=entry),) if isinstance(entry, str) and entry else ()
