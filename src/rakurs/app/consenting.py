"""How does somebody let Rakurs into a system by consent: where are they sent, and what is made of the answer they bring back?"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rakurs.app import syncing
from rakurs.app.connections import TOKENS, connection_named, folder_of, paused, runs_of, settings_of, source_of
from rakurs.app.documents import Document
from rakurs.app.home import Home
from rakurs.core.errors import BadInput, NotAllowed
from rakurs.core.text import Text
from rakurs.sources.consent import Consent, Tokens
from rakurs.sources.live import ConsentSettings, Reached
from rakurs.state.models import Connection, SyncRun, User

GOOD_FOR = timedelta(minutes=15)
"""How long somebody may take at the other side."""
RETURN_PATH = "/data/sources/allowed/"
"""Where every system sends people back to, below the address of this Rakurs."""

_NOT_ASKED = Text(
    ru="Это разрешение здесь не просили, оно уже принято или устарело. Откройте страницу подключения и нажмите «Разрешить» ещё раз.",
    en="This permission was not asked for here, was taken already, or is too old. Open the connection's page and press “Allow” again.",
)
_NO_CONSENT = Text(
    ru="Это подключение открывается ключом: разрешать нечего. Для входа через приложение впишите его код и ключ в настройки.",
    en="This connection is opened by a key: there is nothing to allow. To connect through an application put its id and secret into "
    "the settings.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question under way: of which connection, the one-time word its answer must repeat, where it comes back to, since when."""

    connection: str
    state: str
    back: str
    at: str

    def kept(self) -> dict[str, str]:
        """As a session keeps it."""
        return asdict(self)


def is_by_consent(home: Home, connection: Connection) -> bool:
    """Whether the connection is opened by consent; not where its settings are gone."""
    try:
        return source_of(connection).is_by_consent(settings_of(home, connection))
    except (OSError, ValueError, BadInput):
        return False


def is_allowed(home: Home, connection: Connection) -> bool:
    """Whether somebody agreed already; whether that still holds, only the system knows."""
    return _tokens_file(home, connection).exists()


def consent_document(home: Home, connection: Connection) -> Document | None:
    """Where somebody lets us in, and whether they did; None where only a key opens it."""
    if not is_by_consent(home, connection):
        return None
    return {"allow": f"/data/sources/{connection.pk}/allow", "is_allowed": is_allowed(home, connection)}


def asked(home: Home, connection: Connection, *, back: str, at: datetime) -> tuple[str, Asked]:
    """The address of the system's question, and what must be kept until it is answered. BadInput where only a key opens it."""
    consent, settings = _consent(home, connection)
    question = Asked(connection=connection.pk, state=secrets.token_urlsafe(32), back=back, at=at.isoformat())
    return consent.page(settings, question.back, question.state), question


def answered(
    home: Home, kept: Mapping[str, str] | None, answer: Mapping[str, str], *, at: datetime, by: User | None = None
) -> tuple[Connection, Reached]:
    """Take the answer to a question that was asked, keep the tokens, and see who is there; the connection begins to run.

    NotAllowed where it was not asked or too long ago; SourceRefused where nobody agreed, or the code is not taken.
    """
    question = Asked(**kept) if kept else None
    if (
        question is None
        or not hmac.compare_digest(question.state.encode(), answer.get("state", "").encode())
        or at - datetime.fromisoformat(question.at) > GOOD_FOR
    ):
        raise NotAllowed(_NOT_ASKED)
    connection = connection_named(question.connection)
    consent, settings = _consent(home, connection)
    pair = consent.granted(settings, answer, back=question.back)
    Tokens(_tokens_file(home, connection)).keep(pair)
    paused(connection, is_paused=False)
    latest = runs_of(connection).first()
    if latest is not None and latest.status == SyncRun.Status.FAILED:
        syncing.begun(connection, by=by)
    return connection, source_of(connection).check(settings_of(home, connection))


def _consent(home: Home, connection: Connection) -> tuple[Consent, ConsentSettings]:
    source, settings = source_of(connection), settings_of(home, connection)
    if source.consent is None or not isinstance(settings, ConsentSettings) or not settings.client_id:
        raise BadInput(_NO_CONSENT)
    return source.consent, settings


def _tokens_file(home: Home, connection: Connection) -> Path:
    return folder_of(home, connection) / TOKENS
