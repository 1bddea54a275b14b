"""Did what a program sends really come from it, whole and just now? A signature tells, which only the secret of its key can make.

HMAC-SHA256 over "<seconds since 1970>.<body as it was sent>", in a header as `t=1767225600,v1=<hex>`. Several `v1` may stand there. The
secret is made of the server's own key and a word kept with the token, so it is written down nowhere: a copied database opens nothing.
"""

import base64
import hmac
from datetime import timedelta
from hashlib import sha256

from django.utils.crypto import salted_hmac

from rakurs.core.errors import NotAllowed
from rakurs.core.text import Text
from rakurs.state.models import ApiToken

HEADER = "X-Rakurs-Signature"
GOOD_FOR = timedelta(minutes=5)
"""How far the time of a signature may be from this machine's, either way."""
SECRET_MARK = "rks_"  # noqa: S105 - tells a leaked secret from other text
_MOST_DIGITS = 12

_NONE = Text(
    ru="Этот ключ подписывает свои запросы, а подписи нет. Нужен заголовок {header}: t=…,v1=….",
    en="This key signs what it sends, and there is no signature. The header {header}: t=…,v1=… is needed.",
)
_UNREADABLE = Text(
    ru="Заголовок {header} не разобран. Нужно t=<секунды с 1970 года>,v1=<64 шестнадцатеричные цифры>.",
    en="The header {header} cannot be read. It takes t=<seconds since 1970>,v1=<64 hexadecimal digits>.",
)
_WRONG = Text(
    ru="Подпись не сошлась. Подписывают «время.тело» секретом ключа: время то же, что в заголовке, тело ровно то, что отправлено.",
    en="The signature does not match. What is signed is “time.body” with the key's secret: the time of the header, the body exactly as sent.",
)
_TOO_OLD = Text(
    ru="Подпись верна, но её время отличается от здешнего на {seconds} с, а можно на {most}. Подпишите заново; проверьте часы.",
    en="The signature is right, but its time is {seconds} s off, {most} at most are taken. Sign anew; check the clock.",
)


class BadSignature(NotAllowed):
    """What was sent is not signed as its key has to: nothing of it was taken."""


def signing_secret(token: ApiToken) -> str:
    """The secret that signs for `token`, the same each time; only its owner is ever shown it, once."""
    made = salted_hmac("rakurs.app.signing", f"{token.digest}.{token.signing}", algorithm="sha256").digest()
    return SECRET_MARK + base64.urlsafe_b64encode(made).decode().rstrip("=")


def check_signature(token: ApiToken, header: str | None, body: bytes, *, now: float) -> None:
    """BadSignature unless `header` signs `body` with the secret of `token`, within five minutes of `now` (seconds since 1970)."""
    if not header:
        raise BadSignature(_NONE.filled(header=HEADER))
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == "v1"]
    if (
        len(times) != 1
        or not given
        or not (times[0].isascii() and times[0].isdecimal() and len(times[0]) <= _MOST_DIGITS)
    ):
        raise BadSignature(_UNREADABLE.filled(header=HEADER))
    signed = times[0].encode() + b"." + body
    ours = hmac.new(signing_secret(token).encode(), signed, sha256).hexdigest().encode()
    if not any(hmac.compare_digest(ours, one.lower().encode()) for one in given):
        raise BadSignature(_WRONG)
    off = abs(now - int(times[0]))
    if off > GOOD_FOR.total_seconds():
        raise BadSignature(_TOO_OLD.filled(seconds=round(off), most=round(GOOD_FOR.total_seconds())))
