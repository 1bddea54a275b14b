"""Who is in the company's Rakurs, who was invited, and what may each role do?"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from rakurs.app.accounts import checked_scope, note
from rakurs.app.rights import Scope
from rakurs.core.errors import BadInput, BadParameter
from rakurs.core.text import Text
from rakurs.state.models import Invitation, OwnRole, Session, User, normal_login
from rakurs.state.roles import DEED_TITLES, ROLES, Deed

INVITED_FOR = timedelta(days=7)
_LAST = Text(
    ru="Кто-то должен управлять доступом: это последний такой человек.",
    en="Somebody must manage access: this is the last such person.",
)
_TAKEN = Text(ru="Такой логин уже занят.", en="This login is taken.")
_NO_ADDRESS = Text(
    ru="Это не похоже на адрес почты. Пример: anna@firm.ru.",
    en="This does not look like an e-mail address. Example: anna@firm.ru.",
)
_NOT_VALID = Text(
    ru="Приглашение уже использовано, отозвано или просрочено. Попросите новое.",
    en="The invitation was used, withdrawn or has expired. Ask for a new one.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a person is given: a role, and how far they see."""

    role: str
    scope: Scope

    @property
    def fields(self) -> dict[str, str]:
        """As `User` and `Invitation` keep it; only the scope's own value is kept."""
        kind = self.scope.kind
        return {
            "role": self.role,
            "scope_kind": kind,
            "employee_id": self.scope.employee_id or "",
            "department": (self.scope.department or "") if kind == "department" else "",
            "branch": (self.scope.branch or "") if kind == "branch" else "",
        }


def role_titles() -> dict[str, Text]:
    """Every role a person may be given, the ready-made first."""
    own = {role.key: Text(ru=role.name, en=role.name) for role in OwnRole.objects.all()}
    return {**ROLES, **own}


def invite(by: User | None, login: str, rights: Rights, *, name: str = "") -> tuple[Invitation, str]:
    """An invitation and the text its link ends in, which is shown now and never again. BadInput for a taken login."""
    _check(rights)
    login = normal_login(login)
    if not login:
        raise BadParameter("login", login, Text(ru="Логин не может быть пустым.", en="A login cannot be empty."))
    if User.objects.filter(login=login).exists():
        raise BadInput(_TAKEN)
    text = secrets.token_urlsafe(32)
    with transaction.atomic():
        Invitation.objects.filter(login=login).delete()
        invitation = Invitation.objects.create(
            digest=_digest(text),
            login=login,
            name=name.strip(),
            invited_by=by,
            expires_at=timezone.now() + INVITED_FOR,
            **rights.fields,
        )
        note(by, "invited", login, detail=rights.fields)
    return invitation, text


def invitation_behind(text: str) -> Invitation | None:
    """The invitation that waits under this link; None for a wrong, used or expired one."""
    return Invitation.objects.filter(digest=_digest(text), expires_at__gt=timezone.now()).first()


def accept(text: str, *, name: str, password: str, language: str) -> User:
    """The account an invitation promised; the link opens nothing afterwards. BadInput when it no longer stands."""
    with transaction.atomic():
        found = Invitation.objects.filter(digest=_digest(text), expires_at__gt=timezone.now()).first()
        # Deleted first: of two who open one link at once, one finds nothing to delete.
        if found is None or not Invitation.objects.filter(pk=found.pk).delete()[0]:
            raise BadInput(_NOT_VALID)
        if User.objects.filter(login=found.login).exists():
            raise BadInput(_TAKEN)
        kept = {field: getattr(found, field) for field in ("role", "scope_kind", "employee_id", "department", "branch")}
        email = found.login if "@" in found.login else ""
        user = User(login=found.login, name=name.strip() or found.name, language=language, email=email, **kept)
        try:
            validate_password(password, user)
        except ValidationError as weak:
            words = " ".join(weak.messages)
            raise BadInput(Text(ru=words, en=words)) from weak
        user.set_password(password)
        user.save()
        note(user, "joined", user.login)
    return user


def withdraw(by: User | None, invitation: Invitation) -> None:
    """From now on the invitation's link opens nothing."""
    note(by, "invitation withdrawn", invitation.login)
    invitation.delete()


def change(by: User | None, user: User, rights: Rights, *, name: str) -> None:
    """Another role, scope or name; what was and what is stays in the audit. BadInput leaves the last administrator."""
    _check(rights)
    before = _rights_of(user)
    with transaction.atomic():
        for field, value in {**rights.fields, "name": name.strip()}.items():
            setattr(user, field, value)
        user.save()
        _somebody_administers()
        after = _rights_of(user)
        if after != before:
            note(by, "user changed", user.login, detail={"before": before, "after": after})


def change_profile(user: User, *, name: str, email: str) -> None:
    """How others see this person, and where reports are sent to them; an empty address sends nothing."""
    email = email.strip()
    try:
        validate_email(email or "nobody@example.com")
    except ValidationError as wrong:
        raise BadInput(_NO_ADDRESS) from wrong
    fields = {"name": " ".join(name.split())[:150], "email": email}
    before = {field: getattr(user, field) for field in fields}
    if fields == before:
        return
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(**fields)
        note(user, "profile changed", user.login, detail={"before": before, "after": fields})


def close(by: User | None, user: User) -> None:
    """The account lets nobody in: sessions end and keys stop. What the person made stays."""
    with transaction.atomic():
        user.is_active = False
        user.save(update_fields=["is_active"])
        Session.objects.filter(user=user).delete()
        _somebody_administers()
        note(by, "user closed", user.login)


def reopen(by: User | None, user: User) -> None:
    """The account lets its person in again, with the password and keys it had."""
    user.is_active = True
    user.save(update_fields=["is_active"])
    note(by, "user reopened", user.login)


def end_sessions(by: User | None, user: User, *, but: str | None = None) -> int:
    """Log `user` out of every browser, except the session whose key is `but`; how many ended."""
    ended, _each = Session.objects.filter(user=user).exclude(session_key=but or "").delete()
    note(by, "sessions ended", user.login, rows=ended)
    return ended


def keep_role(by: User | None, *, name: str, deeds: Iterable[str], role: OwnRole | None = None) -> OwnRole:
    """A new role of the company's own, or `role` with other deeds. Reading is always among them."""
    wanted = {"read", *deeds}
    for deed in wanted - set(DEED_TITLES):
        raise BadParameter("deeds", deed, Text(ru="Такого права нет.", en="There is no such right."))
    if not name.strip():
        raise BadInput(Text(ru="У роли должно быть название.", en="A role needs a name."))
    if OwnRole.objects.filter(name=name.strip()).exclude(pk=role.pk if role else None).exists():
        raise BadInput(Text(ru="Роль с таким названием уже есть.", en="There is a role of this name already."))
    kept = role or OwnRole()
    before = {"name": kept.name, "deeds": kept.deeds}
    kept.name, kept.deeds = name.strip(), [deed for deed in DEED_TITLES if deed in wanted]
    with transaction.atomic():
        kept.save()
        _somebody_administers()
        after = {"name": kept.name, "deeds": kept.deeds}
        note(by, "role changed" if role else "role made", kept.name, detail={"before": before, "after": after})
    return kept


def drop_role(by: User | None, role: OwnRole) -> None:
    """The role is no more. BadInput while somebody holds it or was invited with it."""
    if User.objects.filter(role=role.key).exists() or Invitation.objects.filter(role=role.key).exists():
        raise BadInput(
            Text(ru="Сначала дайте другую роль тем, у кого эта.", en="First give another role to those who have this.")
        )
    note(by, "role dropped", role.name, detail={"deeds": role.deeds})
    role.delete()


def deeds_of(role: str) -> frozenset[Deed]:
    """What a role allows, by its key."""
    return User(role=role).deeds


def _check(rights: Rights) -> None:
    known = role_titles()
    if rights.role not in known:
        words = ", ".join(known)
        raise BadParameter("role", rights.role, Text(ru=f"Допустимо: {words}.", en=f"Allowed: {words}."))
    checked_scope(rights.scope)


def _somebody_administers() -> None:
    people = User.objects.filter(is_active=True, scope_kind="all")
    if not any(user.may("administer") for user in people):
        raise BadInput(_LAST)


def _rights_of(user: User) -> Mapping[str, Any]:
    names = ("name", "role", "scope_kind", "employee_id", "department", "branch")
    return {name: getattr(user, name) for name in names}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
