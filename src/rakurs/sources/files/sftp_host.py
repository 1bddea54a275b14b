"""How is an SFTP server asked: who is it, what lies in a folder, and what does a file hold from some place on?"""

from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from stat import S_ISDIR, S_ISLNK, S_ISREG
from types import TracebackType
from typing import Self, TypeVar

import asyncssh

from rakurs.core.errors import SourceRefused
from rakurs.core.text import Text
from rakurs.sources.files.reaching import CHUNK_BYTES, Breathe, Lost, Waiting

_UNKNOWN = Text(
    ru="Сервер {host} показал ключ {shown}. Сверьте отпечаток с владельцем сервера и впишите его в поле «Отпечаток ключа "
    "сервера»: без этого пароль не отправляется.",
    en="The server {host} presented the key {shown}. Compare the fingerprint with the owner of the server and write it into "
    "the field “Fingerprint of the server's key”: until then no password is sent.",
)
_CHANGED = Text(
    ru="Сервер {host} показал другой ключ: {shown} вместо {expected}. Пароль не отправлен. Если ключ сменил владелец сервера, "
    "сверьте отпечаток с ним и впишите новый; если нет, это чужой сервер.",
    en="The server {host} presented another key: {shown} instead of {expected}. No password was sent. If its owner changed the "
    "key, compare the fingerprint and write the new one; if not, this is somebody else's server.",
)
_NO_ENTRY = Text(
    ru="Сервер {host} не принял пользователя «{user}» с этим паролем или ключом. Проверьте их в настройках источника.",
    en="The server {host} did not let in the user “{user}” with this password or key. Check them in the source's settings.",
)
_BAD_KEY = Text(
    ru="Закрытый ключ не читается: {why}. Нужен ключ без парольной фразы целиком; снять фразу: ssh-keygen -p -N ''.",
    en="The private key cannot be read: {why}. A whole key without a passphrase is needed; take it off with ssh-keygen -p -N ''.",
)
_NO_FOLDER = Text(
    ru="На сервере нет папки «{folder}», или она закрыта для этого пользователя. Проверьте путь и права.",
    en="The server has no folder “{folder}”, or it is closed to this user. Check the path and its permissions.",
)
_NO_FILE = Text(
    ru="Файл «{name}» на сервере не читается: {why}. Проверьте права на него.",
    en="The file “{name}” of the server cannot be read: {why}. Check its permissions.",
)
_NO_SFTP = Text(
    ru="Сервер {host} пускает, но не по SFTP: {why}. Попросите владельца включить SFTP для этого пользователя.",
    en="The server {host} lets in, but not over SFTP: {why}. Ask its owner to turn SFTP on for this user.",
)
_NO_CIPHER = Text(
    ru="С сервером {host} не удалось договориться о шифровании: {why}. Скорее всего, он устарел: попросите владельца обновить его.",
    en="There is no cipher that both the server {host} and Rakurs know: {why}. Most likely it is outdated: ask its owner to update it.",
)
_KINDS = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
)
"""A server has a key of each of these kinds, or of some; a person confirmed one of them."""
_Answer = TypeVar("_Answer")
_WAY_CUT = (asyncssh.DisconnectError, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, OSError, EOFError)
_GONE = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file as the server lists it; `changed` is by the server's clock. Its path is in the server's own bytes."""

    path: bytes
    size: int
    changed: int

    @property
    def seen(self) -> str:
        """By this it is known whether the file is another one since."""
        return f"{self.changed}:{self.size}"


class _Judge(asyncssh.SSHClient):
    """Believes the one key that a person confirmed, and remembers which were presented."""

    def __init__(self, expected: str) -> None:
        self._expected = expected
        self.shown: list[str] = []

    def validate_host_public_key(self, _host: str, _addr: str, _port: int, key: asyncssh.SSHKey) -> bool:
        self.shown.append(f"{key.get_algorithm()} {key.get_fingerprint()}")
        return bool(self._expected) and key.get_fingerprint() == self._expected


class Host:
    """One connection to a server, closed at the end. Everything it does raises Lost where the connection goes."""

    def __init__(
        self,
        *,
        address: tuple[str, int],
        user: str,
        password: str,
        key: str,
        fingerprint: str,
        breathe: Breathe,
        is_trial: bool,
    ) -> None:
        self._address, self._user, self._password, self._key = address, user, password, key
        self._fingerprint = fingerprint
        self._waiting = Waiting(breathe, is_trial=is_trial)

    def __enter__(self) -> Self:
        try:
            self._connection, self._client = self._entered()
        except BaseException:
            self._waiting.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.abort()
        self._waiting.close()

    def listed(self, folder: str) -> tuple[dict[str, Listed], list[str]]:
        """Every file under the folder by its way from there, and the folders inside that are closed to us.

        Links to files are followed, links to folders are not. Raises SourceRefused where the folder itself is closed.
        """
        found: dict[str, Listed] = {}
        closed: list[str] = []
        waiting = [(folder.encode(), "")]
        while waiting:
            path, way = waiting.pop()
            try:
                entries = self._told(self._client.readdir(path))
            except asyncssh.SFTPError:
                if not way:
                    raise SourceRefused(_NO_FOLDER.filled(folder=folder)) from None
                closed.append(way)
                continue
            for entry in entries:
                self._sort(entry, path=path, way=way, found=found, waiting=waiting)
        return found, closed

    def _sort(
        self,
        entry: asyncssh.SFTPName,
        *,
        path: bytes,
        way: str,
        found: dict[str, Listed],
        waiting: list[tuple[bytes, str]],
    ) -> None:
        raw = entry.filename if isinstance(entry.filename, bytes) else entry.filename.encode()
        if raw in {b".", b".."} or b"/" in raw or b"\0" in raw:
            return
        inner, name = path.rstrip(b"/") + b"/" + raw, str(PurePosixPath(way) / _decoded(raw))
        mode = entry.attrs.permissions or 0
        if S_ISDIR(mode):
            waiting.append((inner, name))
        elif S_ISREG(mode):
            found[name] = _as_listed(inner, entry.attrs)
        elif S_ISLNK(mode) or not mode:
            attrs = self._attributes(inner)
            if attrs is not None and S_ISREG(attrs.permissions or 0):
                found[name] = _as_listed(inner, attrs)

    def seen(self, path: bytes) -> str:
        """What the file is like now; empty where it is gone."""
        attrs = self._attributes(path)
        return "" if attrs is None else _as_listed(path, attrs).seen

    def copied(self, file: Listed, draft: Path) -> Iterator[int]:
        """Write what the file holds beyond what the draft has; tells how much each part brings.

        Raises SourceRefused where the file may not be read.
        """
        try:
            reading = self._told(self._client.open(file.path, "rb", encoding=None))
            with draft.open("ab") as write:
                have = write.tell()
                while have < file.size and (part := self._told(reading.read(CHUNK_BYTES, have))):
                    write.write(part if isinstance(part, bytes) else part.encode())
                    write.flush()
                    have += len(part)
                    yield len(part)
            self._told(reading.close())
        except _GONE:
            return  # what is here is not the whole of it, and it is left for the next look
        except asyncssh.SFTPError as wrong:
            name = _decoded(file.path.rpartition(b"/")[2])
            raise SourceRefused(_NO_FILE.filled(name=name, why=wrong.reason)) from None

    def _attributes(self, path: bytes) -> asyncssh.SFTPAttrs | None:
        try:
            return self._told(self._client.stat(path))
        except asyncssh.SFTPError:
            return None

    def _entered(self) -> tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]:
        """Come in by the key that was confirmed, of whichever kind it is; the first one is shown where none was."""
        host = self._address[0]
        judge, why = _Judge(self._fingerprint), ""
        for kinds in _KINDS:
            try:
                return self._let_in(judge, kinds)
            except asyncssh.HostKeyNotVerifiable:
                if not self._fingerprint:
                    break
            except asyncssh.KeyExchangeFailed as wrong:
                why = wrong.reason
        if not judge.shown:
            raise SourceRefused(_NO_CIPHER.filled(host=host, why=why))
        words = _CHANGED if self._fingerprint else _UNKNOWN
        raise SourceRefused(words.filled(host=host, shown=", ".join(judge.shown), expected=self._fingerprint))

    def _let_in(self, judge: _Judge, kinds: Sequence[str]) -> tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]:
        host, port = self._address
        try:
            connection = self._told(
                asyncssh.connect(
                    host,
                    port,
                    username=self._user,
                    password=self._password or None,
                    client_keys=[asyncssh.import_private_key(self._key)] if self._key else None,
                    client_factory=lambda: judge,
                    server_host_key_algs=kinds,
                    # Nothing of whoever runs Rakurs counts: no key, agent, file of settings or of known servers.
                    known_hosts=([], [], []),
                    x509_trusted_certs=None,
                    agent_path=None,
                    config=None,
                )
            )
            return connection, self._told(connection.start_sftp_client())
        except asyncssh.PermissionDenied:
            raise SourceRefused(_NO_ENTRY.filled(host=host, user=self._user)) from None
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as wrong:
            raise SourceRefused(_BAD_KEY.filled(why=wrong)) from None
        except (asyncssh.SFTPError, asyncssh.ChannelOpenError) as wrong:
            raise SourceRefused(_NO_SFTP.filled(host=host, why=wrong.reason)) from None

    def _told(self, answer: Awaitable[_Answer]) -> _Answer:
        """The answer; what a cut connection raises, as Lost. What the server says stays what it is."""
        try:
            return self._waiting(answer)
        except (asyncssh.HostKeyNotVerifiable, asyncssh.PermissionDenied, asyncssh.KeyExchangeFailed):
            raise
        except _WAY_CUT:
            raise Lost from None


def _as_listed(path: bytes, attrs: asyncssh.SFTPAttrs) -> Listed:
    return Listed(path=path, size=attrs.size or 0, changed=int(attrs.mtime or 0))


def _decoded(name: bytes) -> str:
    """A name in UTF-8, or as old servers of Windows write it."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("cp1251", "replace")
