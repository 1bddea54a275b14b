"""How does a service account enter? It signs who it is (a JWT), and Google answers with a token for an hour.

Source: Google Identity, "Using OAuth 2.0 for Server to Server Applications".
"""

import base64
import json
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from rakurs.core.errors import SourceRefused
from rakurs.core.text import Text
from rakurs.sources.ga4.settings import Ga4Settings

SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE_SECONDS = 3600
_MARGIN_SECONDS = 60
"""A token is renewed so long before it expires."""

_NO_KEY = Text(
    ru="Это не ключ сервисного аккаунта Google. Создайте ключ в виде JSON (Google Cloud → IAM → Сервисные аккаунты → Ключи) и вставьте "
    "всё содержимое файла.",
    en="This is no key of a Google service account. Make a key as JSON (Google Cloud → IAM → Service accounts → Keys) and paste all "
    "that the file holds.",
)
_REFUSED = Text(
    ru="Google не принимает ключ {email}: {why}. Проверьте часы этого компьютера; если ключ удалён или отключён, создайте новый и "
    "вставьте его в настройки источника.",
    en="Google does not take the key of {email}: {why}. Check this machine's clock; where the key was deleted or disabled, make a new "
    "one and put it into the source's settings.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKey:
    """What a key file says: who the account is, and where its signature is exchanged for a token."""

    email: str
    key_id: str
    token_address: str
    key: RSAPrivateKey = field(repr=False)

    def assertion(self, at: float) -> str:
        """Who we are and what we ask for, signed; good for an hour from `at` (seconds since 1970)."""
        header = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        claims = {
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.token_address,
            "iat": int(at),
            "exp": int(at) + _LIFE_SECONDS,
        }
        signed = b".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
        return b".".join([signed, _encoded(self.key.sign(signed, PKCS1v15(), SHA256()))]).decode()


def key_in(settings: Ga4Settings) -> ServiceKey:
    """The key of the settings. Raises SourceRefused where it is none; nothing of it is in the words."""
    try:
        told = json.loads(settings.key.get_secret_value())
        private = load_pem_private_key(str(told["private_key"]).encode(), password=None)
        if not isinstance(private, RSAPrivateKey):
            raise SourceRefused(_NO_KEY)
        key = ServiceKey(
            email=str(told["client_email"]),
            key_id=str(told.get("private_key_id") or ""),
            token_address=str(told["token_uri"]),
            key=private,
        )
        is_address = urlsplit(key.token_address).scheme in {"http", "https"}
    except (ValueError, LookupError, TypeError, UnsupportedAlgorithm):
        raise SourceRefused(_NO_KEY) from None
    if not is_address:
        raise SourceRefused(_NO_KEY)
    return key


class Entrance(httpx.Auth):
    """Puts a token on every request; gets one where there is none, it is about to expire, or it was refused."""

    requires_response_body = True

    def __init__(self, key: ServiceKey) -> None:
        self._key = key
        self._token = ""
        self._good_until = 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        if time.monotonic() > self._good_until:
            self._enter((yield self._asking()))
        response = yield self._marked(request)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._enter((yield self._asking()))
            yield self._marked(request)

    def _marked(self, request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def _asking(self) -> httpx.Request:
        form = {"grant_type": _GRANT, "assertion": self._key.assertion(time.time())}
        return httpx.Request("POST", self._key.token_address, data=form)

    def _enter(self, response: httpx.Response) -> None:
        """Keep the token that came. Raises SourceRefused; what is no answer is asked again like any other."""
        told = _told(response)
        status = response.status_code
        if (
            HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
            and status != HTTPStatus.TOO_MANY_REQUESTS
        ):
            why = told.get("error_description") or told.get("error") or status
            raise SourceRefused(_REFUSED.filled(email=self._key.email, why=why))
        if not isinstance(told.get("access_token"), str):
            raise httpx.DecodingError("the answer holds no token", request=response.request)
        life = told.get("expires_in")
        self._token = told["access_token"]
        self._good_until = time.monotonic() + (life if isinstance(life, int) else _LIFE_SECONDS) - _MARGIN_SECONDS


def _told(response: httpx.Response) -> Mapping[str, Any]:
    try:
        told = response.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")
