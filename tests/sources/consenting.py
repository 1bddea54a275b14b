"""A portal and an account that let an application in: somebody agrees, a code becomes tokens, tokens end and are renewed."""

import json
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from rakurs.sources.consent import Tokens
from rakurs.sources.live import SourceSettings
from sources.amocrm_writable import WritableAccount, WritingVisitor
from sources.bitrix24_php import Params
from sources.bitrix24_writable import WritablePortal
from sources.writable import OfAmo, OfBitrix24

BACK = "https://rakurs.example.com/data/sources/allowed/"


def asked_on(page: str) -> dict[str, str]:
    """What stands in the address of a page where people are asked."""
    return {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}


class ConsentingPortal(WritablePortal):
    """Knows codes too, each good once. Its tokens end by its own clock."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.codes: set[str] = set()

    def agreed(self, page: str) -> dict[str, str]:
        """What the browser brings back once its person has agreed on `page`."""
        assert page.startswith(f"{self.origin}/oauth/authorize/?")
        asked = asked_on(page)
        assert asked["client_id"] == self.client_id
        self.codes.add(code := secrets.token_hex(16))
        domain = urlsplit(self.origin).netloc
        return {
            "code": code,
            "state": asked["state"],
            "domain": domain,
            "member_id": self.member_id,
            "scope": "crm",
            "server_domain": "oauth.bitrix.info",
        }

    def refreshed(self, params: Params) -> tuple[int, Params]:
        """Tokens for a code as well."""
        if params.get("grant_type") != "authorization_code":
            return super().refreshed(params)
        if params.get("code") not in self.codes:
            return 400, {"error": "invalid_grant", "error_description": "Invalid code"}
        self.codes.remove(params["code"])
        renewed, early = self.refreshes, self.early_refreshes
        told = super().refreshed({**params, "grant_type": "refresh_token", "refresh_token": self.refresh_token})
        self.refreshes, self.early_refreshes = renewed, early
        return told

    def expire(self) -> None:
        self.advance(timedelta(hours=2))

    @property
    def access(self) -> str:
        return self.access_token

    @property
    def renewals(self) -> int:
        assert not self.early_refreshes
        return self.refreshes


class ConsentingAccount(WritableAccount):
    """Gives tokens for a code, and a new pair for each refresh token, once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.client_id, self.client_secret = "6a2d4741-0000-4000-8000-92277723dcea", secrets.token_hex(32)
        self.codes: set[str] = set()
        self.refresh_token = ""
        self.back = BACK
        self.renewals = 0

    def __enter__(self) -> Self:
        super().__enter__()
        assert self._server is not None
        self._server.RequestHandlerClass = _ConsentingVisitor
        return self

    def agreed(self, page: str) -> dict[str, str]:
        """What the browser brings back once its person has agreed on `page`."""
        assert page.startswith("https://www.amocrm.ru/oauth?")
        asked = asked_on(page)
        assert asked["client_id"] == self.client_id
        self.codes.add(code := secrets.token_hex(16))
        return {
            "code": code,
            "state": asked["state"],
            "referer": urlsplit(self.url).netloc,
            "client_id": self.client_id,
        }

    def expire(self) -> None:
        self.token = secrets.token_hex(16)

    @property
    def access(self) -> str:
        return self.token

    def given_for(self, body: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and answer of the token endpoint."""
        ours = (self.client_id, self.client_secret, self.back)
        if (body.get("client_id"), body.get("client_secret"), body.get("redirect_uri")) != ours or self.faults.revoked:
            return 401, {"hint": "Client authentication failed", "status": 401, "title": "Unauthorized"}
        if body["grant_type"] == "authorization_code" and body["code"] in self.codes:
            self.codes.remove(body["code"])
        elif body["grant_type"] == "refresh_token" and body["refresh_token"] == self.refresh_token:
            self.renewals += 1
        else:
            return 400, {"hint": "Token has been revoked", "status": 400, "title": "Bad Request"}
        self.token, self.refresh_token = secrets.token_hex(16), secrets.token_hex(16)
        pair = {"access_token": self.token, "refresh_token": self.refresh_token}
        return 200, {"token_type": "Bearer", "expires_in": 86400, **pair}


class _ConsentingVisitor(WritingVisitor):
    def do_POST(self) -> None:
        if self.path != "/oauth2/access_token":
            super().do_POST()
            return
        account: Any = self.server.account
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with account.lock:
            status, told = account.given_for(body)
        self._send(status, json.dumps(told).encode(), "application/json")


class _ByConsent:
    """What both have: settings of an application, and somebody who agrees."""

    server: Any
    source: Any
    tokens: Path

    @property
    def settings(self) -> SourceSettings:
        settings: SourceSettings = self.source.settings(**self.given)
        return settings.model_copy(update={"tokens": self.tokens})

    @property
    def given(self) -> Mapping[str, str]:
        own = {"client_id": self.server.client_id, "client_secret": self.server.client_secret}
        return {self.address: getattr(self.server, self.own_address), **own}

    def allow(self) -> None:
        """Somebody agrees, and the tokens are kept."""
        page = self.source.consent.page(self.settings, BACK, "word")
        pair = self.source.consent.granted(self.settings, self.server.agreed(page), back=BACK)
        Tokens(self.tokens).keep(pair)


class AppOfBitrix24(_ByConsent, OfBitrix24):
    """A portal opened by consent."""

    address, own_address = "portal", "origin"

    def __init__(self, portal: ConsentingPortal, tokens: Path) -> None:
        OfBitrix24.__init__(self, portal)
        self.tokens = tokens


class AppOfAmo(_ByConsent, OfAmo):
    """An account opened by consent."""

    address, own_address = "address", "url"

    def __init__(self, account: ConsentingAccount, tokens: Path) -> None:
        OfAmo.__init__(self, account)
        self.tokens = tokens


@contextmanager
def bitrix24(tokens: Path) -> Generator[AppOfBitrix24]:
    few = {"deals": 12, "contacts": 8, "companies": 3, "leads": 4, "activities": 5, "calls": 3, "products": 3}
    with ConsentingPortal(**few) as portal:
        yield AppOfBitrix24(portal, tokens)


@contextmanager
def amocrm(tokens: Path) -> Generator[AppOfAmo]:
    with ConsentingAccount(leads=12, contacts=8, companies=3, calls=3, tasks=3) as account:
        yield AppOfAmo(account, tokens)


APPS = {"bitrix24": bitrix24, "amocrm": amocrm}
