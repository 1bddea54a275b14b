"""How does an accounting system hand over its catalogue and documents, as it would to a web shop? By name and password, in plain lines.

The answers are `success`, `progress` or `failure` with the words in the next line, in windows-1251, as such systems read them.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from threading import Lock

from django.http import HttpRequest, HttpResponse
from django.utils import timezone as clock
from ninja import Router

from rakurs.api.connections import HOOKS_A_MINUTE, PerConnection
from rakurs.api.problems import language_of
from rakurs.app import connections
from rakurs.app.exchange import Reception
from rakurs.app.exchange_jobs import reception, signed_in
from rakurs.app.serving import current
from rakurs.core.errors import BadInput, NotAllowed, RakursError
from rakurs.core.text import Text
from rakurs.sources.receiving import MOST_PIECE_MB, ReceivingSettings
from rakurs.state.models import Connection

router = Router(tags=["connections"])

COOKIE = "rakurs_exchange"
KINDS = frozenset({"catalog", "sale", "reference"})
MOST_TRIES = 20
"""Wrong passwords of one connection within a minute, after which none is looked at."""
_MINUTE = timedelta(minutes=1)
_ENCODING = "windows-1251"
_TEXT, _XML = f"text/plain; charset={_ENCODING}", f"application/xml; charset={_ENCODING}"
_WRONG = Text(
    ru="Имя пользователя или пароль не те. Возьмите их в настройках подключения в Ракурсе.",
    en="The user name or the password is wrong. Take them from the connection's settings in Rakurs.",
)
_TOO_OFTEN = Text(ru="Слишком много неверных паролей. Подождите минуту.", en="Too many wrong passwords. Wait a minute.")
_UNKNOWN = Text(
    ru="Ракурс не знает команды «{mode}» обмена «{kind}».",
    en="Rakurs knows no command “{mode}” of the exchange “{kind}”.",
)
_TOO_BIG = Text(
    ru="Часть файла больше {most} МБ. Включите в обмене передачу частями.",
    en="A piece is larger than {most} MB. Turn sending in pieces on.",
)
_CUT_OFF = Text(ru="Часть файла пришла не вся. Повторите.", en="A piece came in part. Repeat it.")


class _Tries:
    """How many wrong passwords each connection has met of late."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._met: dict[str, list[datetime]] = {}

    def are_too_many(self, connection: Connection) -> bool:
        """Whether no more are looked at for now."""
        with self._lock:
            fresh = [at for at in self._met.get(connection.pk, ()) if at > clock.now() - _MINUTE]
            self._met[connection.pk] = fresh
            return len(fresh) >= MOST_TRIES

    def add(self, connection: Connection) -> None:
        """One more."""
        with self._lock:
            self._met.setdefault(connection.pk, []).append(clock.now())


_tries = _Tries()


# No login of ours: the system has no account, it signs in by the name and password of the connection's settings, then by the key it got.
@router.api_operation(
    ["GET", "POST"],
    "/exchange/{connection_id}",
    auth=None,
    throttle=[PerConnection(HOOKS_A_MINUTE)],
    include_in_schema=False,
    url_name="exchange",
)
def exchange(request: HttpRequest, connection_id: str) -> HttpResponse:
    """One command of an exchange: `type` and `mode` say which."""
    connection = Connection.objects.filter(pk=connection_id).first()
    settings = None if connection is None else connections.settings_of(current().home, connection)
    if connection is None or not isinstance(settings, ReceivingSettings):
        return _failure(_WRONG, request, HTTPStatus.UNAUTHORIZED)
    kind, mode = request.GET.get("type", "catalog"), request.GET.get("mode", "")
    if mode == "checkauth" or COOKIE not in request.COOKIES:
        refused = _refused(request, connection, settings)
        if refused is not None:
            return refused
        signed_in(connection)
    if kind not in KINDS or mode not in COMMANDS:
        return _failure(_UNKNOWN.filled(mode=mode, kind=kind), request)
    try:
        return COMMANDS[mode](request, reception(connection), settings)
    except RakursError as wrong:
        return _failure(wrong.message, request)


def _refused(request: HttpRequest, connection: Connection, settings: ReceivingSettings) -> HttpResponse | None:
    """The answer to whoever does not know the password."""
    if _tries.are_too_many(connection):
        return _failure(_TOO_OFTEN, request, HTTPStatus.TOO_MANY_REQUESTS)
    given = _given(request.headers.get("Authorization", ""))
    known = f"{settings.login}:{settings.password.get_secret_value()}".encode()
    if given is None or not any(hmac.compare_digest(one, known) for one in given):
        if given is not None:
            _tries.add(connection)
        return _failure(_WRONG, request, HTTPStatus.UNAUTHORIZED)
    return None


def _given(header: str) -> tuple[bytes, ...] | None:
    """The name and password of a request, read in both encodings that systems write them in; None where there are none."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        given = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return given, given.decode(_ENCODING, errors="replace").encode()


def _login(request: HttpRequest, desk: Reception, _settings: ReceivingSettings) -> HttpResponse:
    key = desk.login(request.GET.get("type", "catalog"))
    now = int(datetime.now(UTC).timestamp())
    return _said("success", COOKIE, key, f"sessid={_sessid(key)}", f"timestamp={now}")


def _begin(request: HttpRequest, desk: Reception, settings: ReceivingSettings) -> HttpResponse:
    key = _key(request)
    desk.must_know(key)
    lines = [f"zip={'yes' if settings.takes_zip else 'no'}", f"file_limit={settings.piece_mb << 20}"]
    if version := request.GET.get("version"):
        lines += [f"sessid={_sessid(key)}", f"version={version[:10]}"]
    return _said(*lines)


def _file(request: HttpRequest, desk: Reception, settings: ReceivingSettings) -> HttpResponse:
    piece = request.read((MOST_PIECE_MB << 20) + 1)
    if len(piece) > MOST_PIECE_MB << 20:
        raise BadInput(_TOO_BIG.filled(most=MOST_PIECE_MB))
    if len(piece) != int(request.headers.get("Content-Length") or len(piece)):
        raise BadInput(_CUT_OFF)
    desk.put(_key(request), request.GET.get("filename", ""), piece, is_last=len(piece) < settings.piece_mb << 20)
    return _said("success")


def _import(request: HttpRequest, desk: Reception, _settings: ReceivingSettings) -> HttpResponse:
    return _said("success" if desk.take(_key(request), request.GET.get("filename", "")) else "progress")


def _query(request: HttpRequest, desk: Reception, _settings: ReceivingSettings) -> HttpResponse:
    desk.must_know(_key(request))
    return HttpResponse(desk.nothing(), content_type=_XML)


def _noted(request: HttpRequest, desk: Reception, _settings: ReceivingSettings) -> HttpResponse:
    desk.must_know(_key(request))
    return _said("success")


def _told(request: HttpRequest, desk: Reception, _settings: ReceivingSettings) -> HttpResponse:
    desk.tell(_key(request))
    return _said("success")


def _complete(request: HttpRequest, desk: Reception, _settings: ReceivingSettings) -> HttpResponse:
    desk.end(_key(request))
    return _said("success")


COMMANDS: Mapping[str, Callable[[HttpRequest, Reception, ReceivingSettings], HttpResponse]] = {
    "checkauth": _login,
    "init": _begin,
    "file": _file,
    "import": _import,
    "query": _query,
    "success": _noted,
    "deactivate": _told,
    "complete": _complete,
}


def _key(request: HttpRequest) -> str:
    """The key of the exchange; NotAllowed where the second key, which the system repeats in every address, is another's."""
    key, said = request.COOKIES.get(COOKIE, ""), request.GET.get("sessid")
    if said is not None and not hmac.compare_digest(said.encode(), _sessid(key).encode()):
        raise NotAllowed(_WRONG)
    return key


def _sessid(key: str) -> str:
    return hashlib.sha256(f"sessid {key}".encode()).hexdigest()[:32]


def _failure(words: Text, request: HttpRequest, status: int = HTTPStatus.OK) -> HttpResponse:
    answer = _said("failure", words.to(language_of(request)), status=status)
    if status == HTTPStatus.UNAUTHORIZED:
        answer["WWW-Authenticate"] = 'Basic realm="rakurs"'
    return answer


def _said(*lines: str, status: int = HTTPStatus.OK) -> HttpResponse:
    text = "\n".join(lines) + "\n"
    return HttpResponse(text.encode(_ENCODING, errors="replace"), status=status, content_type=_TEXT)
