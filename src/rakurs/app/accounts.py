"""Who may come in, with what key, and how far do they see? Users, one-time passwords, personal tokens, audit."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone

from rakurs.app.rights import EVERYTHING, Scope, ScopeKind
from rakurs.core.errors import BadInput, BadParameter, UnknownName
from rakurs.core.text import Text
from rakurs.state.models import ApiToken, AuditEvent, Session, User, normal_login
from rakurs.state.roles import ROLES, SCOPES, Deed

USER = Text(ru="Пользователя", en="user")
TOKEN = Text(ru="Ключа", en="token")
FIRST_LOGIN, FIRST_ROLE = "owner", "owner"
TOKEN_SCOPES: tuple[Deed, ...] = ("read", "keep", "export", "load", "administer")
"""What a key may be given; it never does more than its owner's role."""
USUAL_TOKEN_SCOPES: tuple[Deed, ...] = ("read", "keep", "export", "load")
SIGNING_SCOPES: tuple[Deed, ...] = ("load",)
"""What a key that signs may do: a signature that other calls go without would protect nothing."""
TOKEN_MARK = "rk_"  # noqa: S105 - tells a leaked token from other text
_PASSWORD_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # noqa: S105 - an alphabet without look-alikes
_PREFIX_LETTERS = 6
_USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimePassword:
    """What is shown once: who logs in and with what; the first login replaces it."""

    login: str
    password: str


def scope_of(user: AbstractBaseUser | AnonymousUser) -> Scope:
    """The rows `user` may see; somebody who is not logged in sees none."""
    if not isinstance(user, User):
        return Scope(kind="own", sees_personal_data=False)
    kind = cast("ScopeKind", user.scope_kind)
    if kind == "all":
        return Scope(kind="all", sees_personal_data=user.may("personal_data"))
    return Scope(
        kind=kind,
        employee_id=user.employee_id or None,
        department=user.department or None,
        branch=user.branch or None,
        sees_personal_data=user.may("personal_data"),
    )


def ensure_owner() -> OneTimePassword | None:
    """Make the first account when there is none; None when somebody can already log in."""
    with transaction.atomic():
        if User.objects.exists():
            return None
        return new_user(FIRST_LOGIN, role=FIRST_ROLE, scope=EVERYTHING)


def new_user(login: str, *, role: str, scope: Scope, name: str = "", language: str = "") -> OneTimePassword:
    """A new account with a one-time password; BadInput when the login is taken, BadParameter for an unknown role."""
    if role not in ROLES and not User(role=role).deeds:
        raise BadParameter("role", role, _one_of(ROLES))
    if not normal_login(login):
        raise BadParameter("login", login, Text(ru="Логин не может быть пустым.", en="A login cannot be empty."))
    if User.objects.filter(login=normal_login(login)).exists():
        raise BadInput(
            Text(
                ru=f"Пользователь «{login}» уже есть. Новый пароль: rakurs user reset {login}",
                en=f"User “{login}” already exists. For a new password: rakurs user reset {login}",
            )
        )
    checked_scope(scope)
    password = spoken_secret()
    User.objects.create_user(
        login,
        password,
        role=role,
        name=name,
        language=language,
        scope_kind=scope.kind,
        employee_id=scope.employee_id or "",
        department=scope.department or "",
        branch=scope.branch or "",
        must_change_password=True,
    )
    return OneTimePassword(login=normal_login(login), password=password)


def reset_password(login: str) -> OneTimePassword:
    """A new one-time password for somebody who lost theirs; their open sessions end."""
    user = user_named(login)
    password = spoken_secret()
    user.set_password(password)
    user.must_change_password = True
    user.is_active = True
    user.save(update_fields=["password", "must_change_password", "is_active"])
    Session.objects.filter(user=user).delete()
    return OneTimePassword(login=user.login, password=password)


def keep_own_password(user: User, password: str) -> None:
    """The password a person chose themselves takes the place of the one-time one."""
    user.set_password(password)
    user.must_change_password = False
    user.save(update_fields=["password", "must_change_password"])


def attempted_login(_request: object, credentials: Mapping[str, Any] | None = None) -> str:
    """Whose password was tried, whatever the capitals: all spellings share one count of failures."""
    return normal_login(str((credentials or {}).get("username") or ""))


def user_named(login: str) -> User:
    """The user who logs in as `login`; UnknownName says who is nearest."""
    user = User.objects.filter(login=normal_login(login)).first()
    if user is None:
        raise UnknownName(USER, login, User.objects.values_list("login", flat=True))
    return user


def acting_user(login: str) -> User:
    """For whom a command of this machine acts: `login`, or the first owner where none is named. UnknownName says who is nearest."""
    known = User.objects.filter(is_active=True).order_by("pk")
    found = known.filter(login=normal_login(login)) if login else known.filter(role=FIRST_ROLE)
    user = found.first()
    if user is None:
        raise UnknownName(USER, login or FIRST_LOGIN, known.values_list("login", flat=True))
    return user


def new_token(
    owner: User,
    *,
    name: str,
    scopes: Iterable[str] = USUAL_TOKEN_SCOPES,
    expires_at: datetime | None = None,
    signs: bool = False,
) -> tuple[ApiToken, str]:
    """A personal key and its text, which is shown now and never again. One that `signs` hands data over and does nothing else."""
    wanted = sorted(SIGNING_SCOPES if signs else set(scopes))
    for scope in wanted:
        if scope not in set[str](TOKEN_SCOPES):
            raise BadParameter("scopes", scope, _one_of(TOKEN_SCOPES))
    text = TOKEN_MARK + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        owner=owner,
        name=name.strip() or "token",
        prefix=text[: len(TOKEN_MARK) + _PREFIX_LETTERS],
        digest=_digest(text),
        scopes=wanted,
        expires_at=expires_at,
        signing=secrets.token_hex(16) if signs else "",
    )
    return token, text


def token_behind(text: str) -> ApiToken | None:
    """The valid token whose text this is, its use noted; None for a wrong, expired or closed one."""
    token = ApiToken.objects.select_related("owner").filter(digest=_digest(text)).first()
    now = timezone.now()
    if token is None or not token.owner.is_active or (token.expires_at is not None and token.expires_at <= now):
        return None
    if token.last_used_at is None or now - token.last_used_at > _USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def close_token(prefix: str) -> None:
    """End the one token that starts with `prefix` (its first letters, as lists show them)."""
    found = ApiToken.objects.filter(prefix=prefix[: len(TOKEN_MARK) + _PREFIX_LETTERS])
    if found.count() != 1:
        raise UnknownName(TOKEN, prefix, ApiToken.objects.values_list("prefix", flat=True))
    found.delete()


def note(
    user: User | None,
    deed: str,
    subject: str = "",
    *,
    detail: Mapping[str, Any] | None = None,
    rows: int | None = None,
    who: str = "local",
) -> None:
    """One line of the audit: who saw, exported, loaded or changed what. `who` names somebody without an account."""
    AuditEvent.objects.create(
        user=user,
        who=user.login if user is not None else who[:150],
        deed=deed,
        subject=subject,
        detail=dict(detail or {}),
        rows=rows,
    )


def checked_scope(scope: Scope) -> None:
    """BadParameter unless the scope says whose rows it means."""
    if scope.kind not in SCOPES:
        raise BadParameter("scope", scope.kind, _one_of(SCOPES))
    needed = {"own": scope.employee_id, "department": scope.department, "branch": scope.branch}
    if scope.kind in needed and not needed[scope.kind]:
        raise BadParameter(
            "scope",
            scope.kind,
            Text(
                ru="Укажите, чьи записи: сотрудника, отдел или филиал.", en="Say whose: employee, department, branch."
            ),
        )


def _one_of(known: Iterable[str]) -> Text:
    words = ", ".join(known)
    return Text(ru=f"Допустимо: {words}.", en=f"Allowed: {words}.")


def _digest(text: str) -> str:
    # A token has 256 random bits, so a plain hash cannot be guessed back; a password hash would only be slow.
    return hashlib.sha256(text.encode()).hexdigest()


def spoken_secret() -> str:
    """Sixteen letters and digits without look-alikes, in groups of four: about 79 random bits."""
    groups = ("".join(secrets.choice(_PASSWORD_LETTERS) for _ in range(4)) for _ in range(4))
    return "-".join(groups)
