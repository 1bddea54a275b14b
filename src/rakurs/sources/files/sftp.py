"""A folder of an SFTP server that is looked at again and again: new and changed files come as if a person had uploaded them.

The server is known by the fingerprint of its key, which a person confirmed; another key is refused, and no password is sent to it. A file
that is other at the second look than at the first is still being written, and is left for the next run.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from rakurs.core.loading import Progress, silent
from rakurs.core.source import Delivery
from rakurs.core.text import Text
from rakurs.sources.files.gathering import (
    FOUND,
    PATTERN,
    READING,
    Gathered,
    gathered_deliveries,
    is_meant,
    is_wanted,
    tells_nothing,
)
from rakurs.sources.files.reaching import Breathe, rest, tried
from rakurs.sources.live import Cursor, Landing, LiveSource, Reached, SettingField, SourceSettings, Teller, Wanted
from rakurs.sources.spool import Spool

if TYPE_CHECKING:
    from rakurs.sources.files.sftp_host import Host, Listed

SETTLING_SECONDS = 5.0
"""How long after the first look the second is taken, by which a file shows that nobody writes it."""
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.+?)-----END \1-----", re.DOTALL)


class SftpSettings(SourceSettings):
    """A folder of a server, who asks for it, and the key by which the server is known."""

    host: str
    port: int = Field(default=22, ge=1, le=65535)
    user: str
    password: SecretStr = SecretStr("")
    key: SecretStr = Field(default=SecretStr(""), validate_default=True)
    fingerprint: str = ""
    folder: str
    pattern: str = ""

    @field_validator("host")
    @classmethod
    def _is_host(cls, value: str) -> str:
        host = value.strip().removeprefix("sftp://").rstrip("/")
        if not host or re.search(r"[\s/@]", host):
            raise ValueError(
                "the name or number of a server such as sftp.example.com is needed, without user and folder"
            )
        return host

    @field_validator("key")
    @classmethod
    def _is_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        text = value.get_secret_value().strip()
        password = info.data.get("password")
        if not text and password is not None and not password.get_secret_value():
            raise ValueError("a password or a private key is needed")
        if not text:
            return SecretStr("")
        found = _PEM.search(text)
        if found is None:
            raise ValueError("a whole private key is needed, from -----BEGIN to the end of its last line")
        # A form of one line swallows the line ends of what is pasted.
        label, body = found[1], "".join(found[2].split())
        lines = [body[place : place + 64] for place in range(0, len(body), 64)]
        return SecretStr("\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]))

    @field_validator("fingerprint")
    @classmethod
    def _is_fingerprint(cls, value: str) -> str:
        found = _FINGERPRINT.search(value)
        if value.strip() and found is None:
            raise ValueError("a fingerprint such as SHA256:… of 43 letters is needed")
        return found[0] if found else ""


FIELDS = (
    SettingField(
        name="host",
        title=Text(ru="Сервер", en="Server"),
        hint=Text(ru="Например sftp.example.com.", en="Such as sftp.example.com."),
        is_required=True,
    ),
    SettingField(
        name="port", title=Text(ru="Порт", en="Port"), hint=Text(ru="Обычно 22.", en="Usually 22."), kind="text"
    ),
    SettingField(
        name="user",
        title=Text(ru="Пользователь", en="User"),
        hint=Text(ru="Хватит того, кто может только читать.", en="One who may only read is enough."),
        is_required=True,
    ),
    SettingField(
        name="password",
        title=Text(ru="Пароль", en="Password"),
        hint=Text(ru="Или ключ ниже.", en="Or the key below."),
        kind="secret",
    ),
    SettingField(
        name="key",
        title=Text(ru="Закрытый ключ", en="Private key"),
        hint=Text(
            ru="Всё содержимое файла ключа (id_ed25519, id_rsa), без парольной фразы.",
            en="All that the key's file holds (id_ed25519, id_rsa), without a passphrase.",
        ),
        kind="secret",
    ),
    SettingField(
        name="fingerprint",
        title=Text(ru="Отпечаток ключа сервера", en="Fingerprint of the server's key"),
        hint=Text(
            ru="SHA256:…. Оставьте пустым: проверка покажет отпечаток. Сверьте его с владельцем сервера и впишите сюда.",
            en="SHA256:…. Leave it empty: the test shows it. Compare it with the owner of the server and write it here.",
        ),
    ),
    SettingField(
        name="folder",
        title=Text(ru="Папка на сервере", en="Folder of the server"),
        hint=Text(
            ru="Например /exports; точка — папка, в которую попадает пользователь. Вложенные папки просматриваются тоже.",
            en="Such as /exports; a dot is the folder the user comes into. Folders inside are looked through too.",
        ),
        is_required=True,
    ),
    PATTERN,
)


def check(settings: SftpSettings) -> Reached:
    """How many files there are. Raises SourceRefused with the key the server presented where it is not the confirmed one."""

    def attempt() -> Reached:
        with _opened(settings, lambda: None, is_trial=True) as host:
            found, closed = _listed(host, settings)
            return Reached(
                who=settings.host,
                counts=((FOUND, len(found)),),
                closed=tuple(Text(ru=folder, en=folder) for folder in closed),
            )

    return tried(attempt, host=settings.host, breathe=lambda: None, is_trial=True)


def fetch(settings: SftpSettings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Bring what is new into the spool; the cursor says what each file was like, by the server's own words."""
    teller = Teller(progress=progress, step=READING)
    gathered = Gathered(spool)
    run = _Run(settings=settings, wanted=wanted, spool=spool, gathered=gathered, teller=teller)

    def attempt() -> Cursor:
        with _opened(settings, teller.breathe) as host:
            return run.cursor(host)

    return tried(attempt, host=settings.host, breathe=teller.breathe, moved=lambda: (gathered.size,))


def deliveries(_settings: SftpSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What the files hold, read as a person's own files are. Raises MappingNeeded where every shape of them is new."""
    return gathered_deliveries(spool, landing)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What one run is after. It may be tried several times: what a try brought stays."""

    settings: SftpSettings
    wanted: Wanted
    spool: Spool
    gathered: Gathered
    teller: Teller

    def cursor(self, host: "Host") -> Cursor:
        """Bring all that is fresh and settled. What was seen and went stays known, so that its return is no news."""
        found, closed = _listed(host, self.settings)
        for folder in closed:
            self.spool.note_closed(folder)
        fresh = {name: file for name, file in found.items() if self._is_wanted(name, file)}
        here = [name for name, file in fresh.items() if self.gathered.has(name, file.seen)]
        self.gathered.keep_only(here)
        self.teller.total = sum(file.size for file in fresh.values())
        self.teller.done = sum(self._had(name, file) for name, file in fresh.items())
        if len(fresh) > len(here):
            rest(SETTLING_SECONDS, self.teller.breathe)
        brought = {name: file.seen for name, file in fresh.items() if name in here or self._brought(host, name, file)}
        return {**self.wanted.cursor, **brought}

    def _is_wanted(self, name: str, file: "Listed") -> bool:
        changed_at = datetime.fromtimestamp(file.changed, UTC)
        return is_wanted(self.wanted, changed_at, file.seen, known=self.wanted.cursor.get(name))

    def _had(self, name: str, file: "Listed") -> int:
        """How much of the file came in an earlier try."""
        draft = self.gathered.draft(name, file.seen)
        if self.gathered.has(name, file.seen):
            return file.size
        return draft.stat().st_size if draft.exists() else 0

    def _brought(self, host: "Host", name: str, file: "Listed") -> bool:
        """Whether the file is here whole, and was at its end what it was when it was first looked at."""
        draft = self.gathered.draft(name, file.seen)
        if host.seen(file.path) != file.seen:
            return False
        for size in host.copied(file, draft):
            self.teller.came(size)
        if draft.stat().st_size != file.size or host.seen(file.path) != file.seen:
            draft.unlink()
            return False
        self.gathered.put(draft, name, file.seen)
        return True


def _listed(host: "Host", settings: SftpSettings) -> "tuple[dict[str, Listed], list[str]]":
    """The files that are meant by their ways from the folder, and folders inside it that are closed to us."""
    found, closed = host.listed(settings.folder)
    return {name: file for name, file in sorted(found.items()) if is_meant(name, settings.pattern)}, closed


def _opened(settings: SftpSettings, breathe: Breathe, *, is_trial: bool = False) -> "Host":
    from rakurs.sources.files.sftp_host import Host  # noqa: PLC0415 - slow to import

    return Host(
        address=(settings.host, settings.port),
        user=settings.user,
        password=settings.password.get_secret_value(),
        key=settings.key.get_secret_value(),
        fingerprint=settings.fingerprint,
        breathe=breathe,
        is_trial=is_trial,
    )


SOURCE = LiveSource(
    name="sftp",
    area="data",
    title=Text(ru="Файлы по SFTP", en="Files over SFTP"),
    about=Text(
        ru="Папка на сервере: новые и изменённые файлы загружаются сами. Удалённые на сервере остаются загруженными.",
        en="A folder of a server: new and changed files are loaded by themselves. What is deleted there stays loaded.",
    ),
    unverified=Text(
        ru="Проверено на серверах OpenSSH и AsyncSSH; другие серверы не проверялись. Ключи с парольной фразой не поддерживаются.",
        en="Tried with servers of OpenSSH and AsyncSSH; others were not tried. Keys with a passphrase are not supported.",
    ),
    hooks=None,
    settings=SftpSettings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=tells_nothing,
    identity=lambda settings: f"sftp://{settings.user}@{settings.host}:{settings.port}/{settings.folder}",
    reaches_inside=True,
)
