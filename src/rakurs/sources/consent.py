"""How does a person let us into a system without handing over a key? By consent (OAuth 2.0): a code, a pair of tokens, a new pair when told.

The pair lies in a file of its own that only the owner of the home reads. A pair is renewed within a transaction of that file: who comes
meanwhile, a thread or another process, waits and finds the new one; a process that is killed leaves the old one and no lock.
Source: RFC 6749, sections 4.1 and 6.
"""

import os
import sqlite3
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources.calling import Pause

_LIMIT_PAUSE_SECONDS = 1.0
WAIT_SECONDS = 60.0
"""How long somebody waits while another renews the same pair."""
_MADE = (
    "create table if not exists pair (one integer primary key check (one = 1), access text, refresh text, back text)"
)

_NOT_YET = Text(
    ru="Доступ ещё не разрешён: откройте страницу подключения и нажмите «Разрешить».",
    en="Access was not allowed yet: open the connection's page and press “Allow”.",
)
_NOT_KEPT = Text(
    ru="Токены сейчас обновляет другой процесс, или их файл не открывается. Попробуйте через минуту.",
    en="Another process renews the tokens now, or their file does not open. Try again in a minute.",
)
_DENIED = Text(
    ru="Разрешение не дано ({code}). Нажмите «Разрешить» ещё раз и согласитесь.",
    en="Access was not allowed ({code}). Press “Allow” again and agree.",
)
_OF_ANOTHER = Text(
    ru="Разрешение дано для {who}, а в настройках {ours}. Исправьте адрес или войдите в нужную систему.",
    en="Access was allowed to {who}, while the settings name {ours}. Mend the address, or log in to the right system.",
)
_NO_GRANT = Text(
    ru="{host} не принял разрешение ({code}): оно отозвано, устарело или им уже воспользовались, либо код и ключ приложения не те. "
    "Проверьте их, откройте страницу подключения и нажмите «Разрешить» ещё раз.",
    en="{host} did not take the permission ({code}): it was withdrawn, is too old or was used already, or the application's id and "
    "secret are wrong. Check them, open the connection's page and press “Allow” again.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What consent gives: a token for calls, one for the next pair, and the return address the consent came back to."""

    access: str
    refresh: str
    back: str = ""

    def __repr__(self) -> str:
        return "Pair(…)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """How one system asks its people whether we may come in.

    `page` is the address of its question, for settings, return address and state. `who` is the system that an answer says it is of,
    empty where it does not. `host` is the one the settings name. `pair` turns a grant (`grant_type` and what belongs to it) into
    tokens: SourceRefused where it is not taken.
    """

    page: Callable[[Any, str, str], str]
    who: Callable[[Mapping[str, str]], str]
    host: Callable[[Any], str]
    pair: Callable[[Any, Mapping[str, str]], Pair]
    steps: Text
    """How the application is registered there."""

    def granted(self, settings: Any, answer: Mapping[str, str], *, back: str) -> Pair:
        """The pair for the code in an answer. SourceRefused where nobody agreed, or of another system than the settings'."""
        code, who, ours = answer.get("code", ""), self.who(answer).lower(), self.host(settings)
        if not code:
            # What stands in an address may have been put there by anybody: a word of the protocol is shown, nothing else.
            said = answer.get("error", "")
            raise SourceRefused(_DENIED.filled(code=said if said.isidentifier() and len(said) < 40 else "?"))
        if who and who != ours:
            raise SourceRefused(_OF_ANOTHER.filled(who=who, ours=ours))
        return self.pair(settings, {"grant_type": "authorization_code", "code": code, "redirect_uri": back})


def renewal(pair: Pair) -> dict[str, str]:
    """The grant that a pair gives for the next one."""
    return {"grant_type": "refresh_token", "refresh_token": pair.refresh, "redirect_uri": pair.back}


class Tokens:
    """The pair of one connection, shared by threads and processes."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    @property
    def pair(self) -> Pair:
        """The pair as it is now. SourceRefused where nobody agreed yet."""
        with self._open(self._there()) as database:
            return self._read(database)

    def keep(self, pair: Pair) -> None:
        """Keep a pair that consent gave; on the disk when this returns."""
        if self._file is None:
            raise SourceRefused(_NOT_YET)
        os.close(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600))
        with self._open(self._file) as database:
            database.execute("begin immediate")
            database.execute(_MADE)
            self._write(database, pair)

    def renewed(self, stale: str, renew: Callable[[Pair], Pair]) -> str:
        """The access token that takes the place of `stale`: that of another who was quicker, else of the pair that `renew` makes.

        The old pair is given up in the same commit that keeps the new one. Raises what `renew` does, SourceUnreachable where the
        file stays locked.
        """
        with self._open(self._there()) as database:
            database.execute("begin immediate")
            pair = self._read(database)
            if pair.access == stale:
                pair = renew(pair)
                self._write(database, pair)
            return pair.access

    def _there(self) -> Path:
        if self._file is None or not self._file.exists() or not self._file.stat().st_size:
            raise SourceRefused(_NOT_YET)
        return self._file

    @staticmethod
    @contextmanager
    def _open(file: Path) -> Generator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(file, timeout=WAIT_SECONDS, isolation_level=None)) as database:
                database.execute("pragma synchronous = full")
                yield database
                if database.in_transaction:
                    database.execute("commit")
        except sqlite3.Error:
            raise SourceUnreachable(_NOT_KEPT) from None

    @staticmethod
    def _read(database: sqlite3.Connection) -> Pair:
        access, refresh, back = database.execute("select access, refresh, back from pair").fetchone() or ("", "", "")
        if not access:
            raise SourceRefused(_NOT_YET)
        return Pair(access=access, refresh=refresh, back=back)

    @staticmethod
    def _write(database: sqlite3.Connection, pair: Pair) -> None:
        database.execute("replace into pair values (1, ?, ?, ?)", (pair.access, pair.refresh, pair.back))


def pair_told(told: Any, *, back: str) -> Pair:
    """The pair in the answer of a token endpoint."""
    return Pair(access=str(told["access_token"]), refresh=str(told["refresh_token"]), back=back)


def taken(host: str) -> Callable[[int, Any], None]:
    """Judges the answer of a token endpoint: SourceRefused with its code, and never its words, which may repeat what was sent."""

    def judge(status: int, answer: Any) -> None:
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Pause(_LIMIT_PAUSE_SECONDS)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return
        said = answer if isinstance(answer, dict) else {}
        if status >= HTTPStatus.BAD_REQUEST or "error" in said:
            raise SourceRefused(_NO_GRANT.filled(host=host, code=said.get("error") or said.get("hint") or status))
        if answer is not None and not (said.get("access_token") and said.get("refresh_token")):
            raise SourceRefused(_NO_GRANT.filled(host=host, code=status))

    return judge
