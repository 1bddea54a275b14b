"""Who may come in, with what key, and what did they see?"""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.functional import cached_property

from rakurs.state.roles import COMPANY_WIDE, DEEDS, EVERYONES, Deed

OWN_ROLE = "own-"
"""How the keys of a company's own roles begin; the number of the role follows."""
ONLY_ADDED = "the audit is only ever added to"


class Users(BaseUserManager["User"]):
    """How users are found and made. A login is one word or an e-mail, whatever its capitals."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(login=normal_login(username or ""))

    def create_user(self, login: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(login=normal_login(login), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


def normal_login(login: str) -> str:
    """`Anna@Firm.RU ` and `anna@firm.ru` are one person."""
    return login.strip().casefold()


class User(AbstractBaseUser):
    """A person who may log in. `role` and `scope_kind` are keys of `state.roles`; an empty language is the page's own."""

    login = models.CharField(max_length=150, unique=True)
    name = models.CharField(max_length=150, blank=True)
    email = models.EmailField(blank=True)
    role = models.CharField(max_length=16, default="manager")
    scope_kind = models.CharField(max_length=16, default="own")
    employee_id = models.CharField(max_length=200, blank=True)
    department = models.CharField(max_length=200, blank=True)
    branch = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=2, blank=True, default="")
    must_change_password = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "login"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = Users()

    def __str__(self) -> str:
        return self.name or self.login

    @cached_property
    def deeds(self) -> frozenset[Deed]:
        """What this person's role allows. A role that is no more allows nothing."""
        return DEEDS[self.role] if self.role in DEEDS else _own_deeds(self.role)

    def may(self, deed: Deed) -> bool:
        """Whether the role allows it; what touches everyone's rows also takes the scope "all"."""
        return deed in self.deeds and (deed not in COMPANY_WIDE or self.scope_kind == "all")


class OwnRole(models.Model):
    """A role a company made for itself: a name and a set of deeds. People hold its `key`."""

    name = models.CharField(max_length=60, unique=True)
    deeds = models.JSONField(default=list)

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """What `User.role` holds."""
        return f"{OWN_ROLE}{self.pk}"


def _own_deeds(role: str) -> frozenset[Deed]:
    number = role.removeprefix(OWN_ROLE)
    found = OwnRole.objects.filter(pk=number).first() if number.isdecimal() else None
    return EVERYONES | frozenset(found.deeds) if found else frozenset()


class Invitation(models.Model):
    """A one-time way in for somebody new. Only the link's SHA-256 is kept; used or expired, it opens nothing."""

    digest = models.CharField(max_length=64, unique=True)
    login = models.CharField(max_length=150)
    name = models.CharField(max_length=150, blank=True)
    role = models.CharField(max_length=16)
    scope_kind = models.CharField(max_length=16)
    employee_id = models.CharField(max_length=200, blank=True)
    department = models.CharField(max_length=200, blank=True)
    branch = models.CharField(max_length=200, blank=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["-id"]

    def __str__(self) -> str:
        return self.login


class RecoveryCode(models.Model):
    """A code that stands in for a lost second factor, once. Only its SHA-256 is kept; a used one is deleted."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return f"{self.user}"


class Session(AbstractBaseSession):
    """A browser that came in: whose, from where, when last. Deleting the row logs that browser out."""

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=300, blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(auto_now=True)

    class Meta(AbstractBaseSession.Meta):  # noqa: D106
        abstract = False

    @classmethod
    def get_session_store_class(cls) -> Any:
        from rakurs.state.sessions import SessionStore  # noqa: PLC0415 - Django's own pattern: each names the other

        return SessionStore


class ApiToken(models.Model):
    """A personal key to the API. Only its SHA-256 is kept; `prefix` lets its owner tell one from another.

    One with a word in `signing` signs what it sends; its secret is made of that word, and is not kept.
    """

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    signing = models.CharField(max_length=32, default="", blank=True)

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["id"]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


class OnlyAdded(models.QuerySet["AuditEvent"]):
    """Rows of the audit: none is changed or deleted, not even many at once."""

    def update(self, **_values: Any) -> int:
        raise TypeError(ONLY_ADDED)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError(ONLY_ADDED)


class AuditEvent(models.Model):
    """Who did what to whose numbers. Rows are only ever added: a kept one can be neither changed nor deleted."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    who = models.CharField(max_length=150)
    deed = models.CharField(max_length=40)
    subject = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)
    rows = models.BigIntegerField(null=True, blank=True)

    objects = OnlyAdded.as_manager()

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.who} {self.deed} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(ONLY_ADDED)
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(ONLY_ADDED)
