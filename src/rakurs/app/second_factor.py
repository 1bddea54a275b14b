"""Is it really them? Six digits from a telephone beside the password, and codes for the day the telephone is lost."""

import hashlib
from base64 import b32encode

import segno
from django.db import models, transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from rakurs.app.accounts import note, spoken_secret
from rakurs.core.errors import BadInput
from rakurs.core.text import Text
from rakurs.state.models import RecoveryCode, User

RECOVERY_CODES = 10
_WRONG = Text(
    ru="Код не подошёл. Проверьте, что часы телефона идут верно, и введите новый код.",
    en="The code does not match. Check that the phone's clock is right and enter a new code.",
)


def has_one(user: User) -> bool:
    """Whether this person's login asks for a second factor."""
    return _devices(user).filter(confirmed=True).exists()


def proposed(user: User) -> TOTPDevice:
    """The secret being set up; the same one until it is confirmed, so that a reloaded page fits the telephone."""
    found = _devices(user).filter(confirmed=False).first()
    return found or TOTPDevice.objects.create(user=user, name=user.login, confirmed=False)


def picture(device: TOTPDevice) -> str:
    """The secret as an SVG square that an authenticator reads; made here, sent nowhere."""
    return segno.make(device.config_url, error="m").svg_inline(scale=4, border=2, omitsize=True)


def spelled(device: TOTPDevice) -> str:
    """The secret in groups of four letters, for an authenticator without a camera."""
    text = b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def confirm(user: User, code: str) -> list[str]:
    """From now on the login asks for the code; returns recovery codes, shown this once. BadInput for a wrong code."""
    device = proposed(user)
    if not device.verify_token(_digits(code)):
        raise BadInput(_WRONG)
    with transaction.atomic():
        _devices(user).exclude(pk=device.pk).delete()
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        note(user, "second factor on", user.login)
        return _new_codes(user)


def passes(user: User, code: str) -> bool:
    """Whether `code` is the telephone's present one (used once) or an unused recovery code (used up by this)."""
    device = _devices(user).filter(confirmed=True).first()
    digits = _digits(code)
    if device is not None and digits.isdecimal():
        return bool(device.verify_token(digits))
    used, _each = RecoveryCode.objects.filter(user=user, digest=_digest(code)).delete()
    if used:
        note(user, "recovery code used", user.login, detail={"left": codes_left(user)})
    return bool(used)


def codes_left(user: User) -> int:
    """How many unused recovery codes this person has."""
    return RecoveryCode.objects.filter(user=user).count()


def renew_codes(user: User) -> list[str]:
    """New recovery codes in the place of the old; shown this once."""
    with transaction.atomic():
        note(user, "recovery codes renewed", user.login)
        return _new_codes(user)


def switch_off(by: User | None, user: User) -> None:
    """The password alone lets this person in again."""
    with transaction.atomic():
        _devices(user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        note(by, "second factor off", user.login)


def _devices(user: User) -> "models.QuerySet[TOTPDevice]":
    return TOTPDevice.objects.filter(user=user)


def _new_codes(user: User) -> list[str]:
    codes = [spoken_secret() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(code)) for code in codes)
    return codes


def _digits(code: str) -> str:
    return "".join(code.split())


def _digest(code: str) -> str:
    # Some 79 random bits: a plain hash cannot be guessed back.
    return hashlib.sha256(code.strip().casefold().encode()).hexdigest()
