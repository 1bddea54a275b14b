"""How does an account let an integration of its own in? Its people agree, and the account gives the tokens.

Source: developers/content/oauth of the vendor's documentation. A code is good for 20 minutes, an access token for a day; a refresh token
for three months, and once: the pair it brings takes its place.
"""

from collections.abc import Generator, Mapping
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

import httpx

from rakurs.core.text import Text
from rakurs.sources.amocrm.settings import AmoSettings
from rakurs.sources.calling import Caller
from rakurs.sources.consent import Consent, Pair, Tokens, pair_told, renewal, taken

PAGES: Mapping[str, str] = {"kommo.com": "https://www.kommo.com/oauth", "amocrm.com": "https://www.amocrm.com/oauth"}
"""Where people are asked, by the end of their account's address."""
USUAL_PAGE = "https://www.amocrm.ru/oauth"


def page(settings: AmoSettings, back: str, state: str) -> str:
    """Where the person is asked, and chooses the account; `back` is what is written in the integration."""
    _ = back
    host = urlsplit(settings.address).hostname or ""
    address = next((where for end, where in PAGES.items() if host.endswith(f".{end}")), USUAL_PAGE)
    return f"{address}?{urlencode({'client_id': settings.client_id, 'state': state, 'mode': 'popup'})}"


def pair(settings: AmoSettings, grant: Mapping[str, str]) -> Pair:
    """The tokens for a code, or the next ones. Raises SourceRefused, SourceUnreachable."""
    ours = {"client_id": settings.client_id, "client_secret": settings.client_secret.get_secret_value()}
    with Caller(rate=1.0, burst=5, is_trial=True) as caller:
        judge = taken(urlsplit(settings.address).hostname or "")
        told = caller.post(f"{settings.address}/oauth2/access_token", {**grant, **ours}, judge=judge)
    return pair_told(told, back=grant["redirect_uri"])


CONSENT = Consent(
    page=page,
    who=lambda answer: answer.get("referer", ""),
    host=lambda settings: urlsplit(settings.address).netloc.lower(),
    pair=pair,
    steps=Text(
        ru="amoМаркет → Создать интеграцию → внешняя: ссылка для перенаправления — адрес ниже, доступ к данным аккаунта. ID интеграции и "
        "секретный ключ (Ключи и доступы) вставьте сюда.",
        en="Marketplace → Create integration → external: the redirect URL is the address below, access to the account's data. Put the "
        "integration's id and secret key (Keys and scopes) in here.",
    ),
)


class ByConsent(httpx.Auth):
    """Puts the access token on each call; refused, the next one is taken, once."""

    def __init__(self, settings: AmoSettings) -> None:
        self._settings, self._tokens = settings, Tokens(settings.tokens)
        self._access = self._tokens.pair.access

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """The call, and once more where its token was good no longer: such a call did nothing."""
        request.headers["Authorization"] = f"Bearer {self._access}"
        answer = yield request
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            self._access = self._tokens.renewed(self._access, lambda old: pair(self._settings, renewal(old)))
            request.headers["Authorization"] = f"Bearer {self._access}"
            yield request
