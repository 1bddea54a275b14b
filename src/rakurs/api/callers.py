"""On whose behalf does a request come? A personal token, a browser session, or a command of this machine."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from django.http import HttpRequest
from ninja.security import APIKeyHeader, HttpBearer, SessionAuth
from ninja.throttling import SimpleRateThrottle

from rakurs.api.bodies import body_of
from rakurs.app.accounts import acting_user, scope_of, token_behind
from rakurs.app.announcement import FOR_HEADER
from rakurs.app.rights import EVERYTHING, Scope
from rakurs.app.serving import is_local_key
from rakurs.app.signing import HEADER, check_signature
from rakurs.core.errors import NotAllowed
from rakurs.core.text import Text
from rakurs.state.models import User
from rakurs.state.roles import DEEDS, Deed

EVERY_DEED = DEEDS["owner"]

_NOT_ALLOWED: Mapping[Deed, Text] = {
    "read": Text(ru="Этому ключу не дано читать.", en="This key may not read."),
    "keep": Text(ru="Этому ключу не дано сохранять и менять.", en="This key may not keep or change anything."),
    "load": Text(
        ru="Загружать данные и видеть карантин может тот, чья роль это позволяет и кто видит всю компанию.",
        en="Loading and quarantine need a role that allows it and the scope of the whole company.",
    ),
    "export": Text(ru="Выгружать файлы этому ключу или роли не дано.", en="This key or role may not take files out."),
    "share": Text(ru="Делиться сохранённым этому ключу или роли не дано.", en="This key or role may not share."),
    "personal_data": Text(
        ru="Личные данные клиентов этой роли не открыты.", en="This role may not see customers' personal data."
    ),
    "administer": Text(
        ru="Управлять доступом и настройками может тот, чья роль это позволяет и кто видит всю компанию.",
        en="Access and settings need a role that allows it and the scope of the whole company.",
    ),
}


_NOBODY = Text(
    ru="Сохранённое принадлежит людям: нужен личный ключ или вход, а не ключ этой машины.",
    en="What is kept belongs to people: a personal token or a session is needed, not this machine's key.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, whose rows they see, what they may do. `user` is None for a command of this machine."""

    user: User | None
    scope: Scope
    deeds: frozenset[Deed]
    throttle_key: str | None

    def must(self, deed: Deed) -> None:
        """Raise NotAllowed unless the caller may do this."""
        if deed not in self.deeds:
            raise NotAllowed(_NOT_ALLOWED[deed])

    def person(self, deed: Deed = "read") -> User:
        """Who it is that keeps or opens what people keep; this machine's key is nobody."""
        self.must(deed)
        if self.user is None:
            raise NotAllowed(_NOBODY)
        return self.user


def caller(request: HttpRequest) -> Caller:
    """Who was recognised by one of the keys below."""
    found: Caller = request.auth  # type: ignore[attr-defined]
    return found


class LocalKey(APIKeyHeader):
    """The key in the home's server file: whoever can read that file owns the data anyway.

    A command that acts for a person says so in the header `X-Rakurs-For`, and has that person's rights and rows.
    """

    param_name = "X-Rakurs-Key"

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        if key is None or not is_local_key(key):
            return None
        login = request.headers.get(FOR_HEADER)
        if login is not None:
            return _person(acting_user(unquote(login)), throttle_key=None)
        return Caller(user=None, scope=EVERYTHING, deeds=EVERY_DEED, throttle_key=None)


class PersonalToken(HttpBearer):
    """`Authorization: Bearer rk_...`: its owner's rights, no more than the token's own scopes; signed, where it is one that signs."""

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        found = token_behind(token)
        if found is None:
            return None
        if found.signing:
            check_signature(found, request.headers.get(HEADER), body_of(request), now=time.time())
        # What the owner sees of a customer is no matter of the key: it asks on the owner's behalf.
        deeds = {deed for deed in _deeds(found.owner) if deed == "personal_data" or deed in found.scopes}
        return Caller(
            user=found.owner, scope=scope_of(found.owner), deeds=frozenset(deeds), throttle_key=f"token-{found.pk}"
        )


class Session(SessionAuth):
    """The login of the browser; anything that changes something also needs the CSRF token."""

    def _get_key(self, request: HttpRequest) -> str | None:
        # Without a session there is nothing to forge: the answer is "who are you?", not "no CSRF token".
        return super()._get_key(request) if self.param_name in request.COOKIES else None

    def authenticate(self, request: HttpRequest, _key: str | None) -> Caller | None:
        user: Any = request.user
        if not user.is_authenticated:
            return None
        return _person(user, throttle_key=f"user-{user.pk}")


def _person(user: User, *, throttle_key: str | None) -> Caller:
    return Caller(user=user, scope=scope_of(user), deeds=frozenset(_deeds(user)), throttle_key=throttle_key)


def _deeds(user: User) -> set[Deed]:
    return {deed for deed in EVERY_DEED if user.may(deed)}


class PerCaller(SimpleRateThrottle):
    """So many requests a minute for each user or token; commands of this machine are not counted."""

    def get_cache_key(self, request: HttpRequest) -> str | None:
        return caller(request).throttle_key
