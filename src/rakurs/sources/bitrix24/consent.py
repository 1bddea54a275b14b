"""How does a portal let an application of its own in? Its people agree on the portal, the vendor's server gives the tokens.

Source: settings/oauth of the vendor's REST documentation. The portal sends people back to the address written in the application, with a
code that is good for 30 seconds. The application's secret goes to the vendor's server only, never to a portal.
"""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from rakurs.core.text import Text
from rakurs.sources.bitrix24.settings import Bitrix24Settings
from rakurs.sources.calling import Caller
from rakurs.sources.consent import Consent, Pair, pair_told, taken

TOKEN_ADDRESS = "https://oauth.bitrix.info/oauth/token/"  # noqa: S105 - an address, no secret


def page(settings: Bitrix24Settings, back: str, state: str) -> str:
    """Where the portal asks its person; `back` is what is written in the application."""
    _ = back
    return f"{settings.address}/oauth/authorize/?{urlencode({'client_id': settings.client_id, 'state': state})}"


def pair(settings: Bitrix24Settings, grant: Mapping[str, str]) -> Pair:
    """The tokens for a code, or the next ones. Raises SourceRefused, SourceUnreachable."""
    ours = {"client_id": settings.client_id, "client_secret": settings.client_secret.get_secret_value()}
    asked = {name: value for name, value in grant.items() if name != "redirect_uri"} | ours
    with Caller(rate=1.0, burst=5, is_trial=True) as caller:
        told = caller.get(TOKEN_ADDRESS, list(asked.items()), judge=taken(urlsplit(TOKEN_ADDRESS).hostname or ""))
    return pair_told(told, back=grant["redirect_uri"])


CONSENT = Consent(
    page=page,
    who=lambda answer: answer.get("domain", ""),
    host=lambda settings: urlsplit(settings.address).netloc,
    pair=pair,
    steps=Text(
        ru="Разработчикам → Другое → Локальное приложение: отметьте «Использует только API», обработчик — адрес ниже, права crm, user, "
        "department, telephony, catalog (чтобы записывать задачи — task). Код и ключ приложения вставьте сюда.",
        en="Developer resources → Other → Local application: tick “Uses API only”, the handler is the address below, permissions crm, user, "
        "department, telephony, catalog (to write tasks back: task). Put the application's id and secret in here.",
    ),
)
