"""What does a webhook of an account tell? Bracketed names: leads[update][0][id]=5. It carries no signature.

So the address it is sent to is the secret (the connection's id), the account it names must be ours, and nothing it says is believed: the
records it names are asked for again.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from rakurs.core.errors import NotAllowed
from rakurs.core.text import Text
from rakurs.sources.amocrm.settings import AmoSettings
from rakurs.sources.live import Change

_NAMED = re.compile(r"(leads|contacts|companies)\[(add|update|status|responsible|delete|restore)\]\[\d+\]\[id\]")
_OF_ANOTHER = Text(ru="Вебхук другого аккаунта.", en="The webhook of another account.")


def told(settings: AmoSettings, form: Mapping[str, str]) -> tuple[Change, ...]:
    """The changes a webhook names. Raises NotAllowed where it names another account."""
    host = urlsplit(settings.address).hostname or ""
    if form.get("account[subdomain]", "") != host.partition(".")[0]:
        raise NotAllowed(_OF_ANOTHER)
    found: dict[Change, None] = {}
    for name, value in form.items():
        named = _NAMED.fullmatch(name)
        if named is not None and value.isdigit():
            is_company = form.get(name.replace("[id]", "[type]")) == "company"
            stream = "companies" if named[1] == "contacts" and is_company else named[1]
            found[Change(stream=stream, record_id=value, is_deleted=named[2] == "delete")] = None
    return tuple(found)
