"""Who am I to this server, and with which keys do my programs come in?"""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from rakurs.api.callers import Session, caller
from rakurs.api.questions import as_json
from rakurs.app.accounts import USUAL_TOKEN_SCOPES, new_token, note
from rakurs.app.answers_json import plain
from rakurs.app.signing import signing_secret
from rakurs.state.models import ApiToken, User

router = Router(tags=["me"])


class TokenWanted(Schema):
    """A new personal token: a name to know it by, what it may do, how long it lives. One that `signs` only hands data over."""

    name: str = Field(min_length=1, max_length=100)
    scopes: list[str] = Field(default_factory=lambda: list[str](USUAL_TOKEN_SCOPES))
    days: int | None = Field(None, ge=1, le=3650)
    signs: bool = False


@router.get("/me", summary="Who I am and what I may do")
def me(request: HttpRequest) -> HttpResponse:
    """The caller's rights as this server sees them."""
    who = caller(request)
    return as_json(
        {
            "login": who.user.login if who.user else "local",
            "name": who.user.name if who.user else "",
            "role": who.user.role if who.user else "owner",
            "scope": who.scope.kind,
            "may": sorted(who.deeds),
        }
    )


# A stolen token must not make itself another: tokens are seen and made only by a person who is logged in.
@router.get("/me/tokens", auth=Session(), summary="My tokens")
def tokens(request: HttpRequest) -> HttpResponse:
    """Everything about them but the text."""
    return as_json([_document(token) for token in ApiToken.objects.filter(owner=_person(request))])


@router.post("/me/tokens", auth=Session(), summary="A new token")
def add_token(request: HttpRequest, wanted: TokenWanted) -> HttpResponse:
    """The answer holds the token's text, and the secret of one that signs: they are shown only this once."""
    person = _person(request)
    expires_at = timezone.now() + timedelta(days=wanted.days) if wanted.days else None
    token, text = new_token(person, name=wanted.name, scopes=wanted.scopes, expires_at=expires_at, signs=wanted.signs)
    note(person, "token", token.prefix, detail={"name": token.name})
    secret = {"signing_secret": signing_secret(token)} if token.signing else {}
    return as_json({**_document(token), "token": text, **secret}, status=201)


@router.delete("/me/tokens/{token_id}", auth=Session(), summary="Close a token")
def close_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """From now on it opens nothing."""
    person = _person(request)
    token = get_object_or_404(ApiToken, pk=token_id, owner=person)
    note(person, "token closed", token.prefix, detail={"name": token.name})
    token.delete()
    return HttpResponse(status=204)


def _person(request: HttpRequest) -> User:
    person = caller(request).user
    if person is None:
        raise TypeError("a session always has a user")
    return person


def _document(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.pk,
        "name": token.name,
        "prefix": token.prefix,
        "scopes": token.scopes,
        "signs": bool(token.signing),
        "created_at": plain(token.created_at, "en"),
        "expires_at": plain(token.expires_at, "en"),
        "last_used_at": plain(token.last_used_at, "en"),
    }
