"""A folder or an address that is looked at again and again: new and changed files are loaded as if a person had uploaded them.

A night's export of an accounting system into a shared folder, a spreadsheet published by its address. A file is known by its name: the
same name with other content is loaded again, the same content is not. A file that was changed a moment ago may still be being written, and
is left for the next look.
"""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr, field_validator

from rakurs.core.errors import SourceRefused
from rakurs.core.loading import Progress, silent
from rakurs.core.source import Delivery
from rakurs.core.text import Text
from rakurs.sources.calling import Caller
from rakurs.sources.files.intake import deliveries as intake
from rakurs.sources.files.profiles import remembered
from rakurs.sources.live import Change, Cursor, Landing, LiveSource, Reached, SettingField, SourceSettings, Wanted
from rakurs.sources.spool import Spool

SETTLED_SECONDS = 5.0
"""How long a file must have been left alone before it counts as written."""
_CHUNK = 1 << 20
_FILES = "files"
_KINDS = {
    "text/csv": ".csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "text/plain": ".csv",
}
_NAMED = re.compile(r"filename\*?=(?:UTF-8'')?\"?([^\";]+)", re.IGNORECASE)
_READING = Text(ru="Забираю файлы", en="Taking files")
_FOUND = Text(ru="Файлы", en="Files")
_NO_FOLDER = Text(
    ru="Папки «{place}» нет или она закрыта для Ракурса. Проверьте путь и права.",
    en="There is no folder “{place}”, or it is closed to Rakurs. Check the path and its permissions.",
)


_NO_FILE = Text(
    ru="Файл «{name}» не читается: {why}. Проверьте права на него.",
    en="The file “{name}” cannot be read: {why}. Check its permissions.",
)


class WatchedSettings(SourceSettings):
    """Where the files are, and which of them."""

    place: SecretStr
    pattern: str = ""

    @field_validator("place")
    @classmethod
    def _is_place(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        if not _is_url(text) and not Path(text).is_absolute():
            raise ValueError("a full path or an address that begins with http is needed")
        return SecretStr(text)


FIELDS = (
    SettingField(
        name="place",
        title=Text(ru="Папка на этой машине или адрес файла", en="A folder of this machine, or the address of a file"),
        hint=Text(
            ru="Полный путь, например /srv/1c/exports, или https://…/export.xlsx. Не показывается: в адресе бывает ключ.",
            en="A full path such as /srv/exports, or https://…/export.xlsx. It is not shown: an address may hold a key.",
        ),
        kind="secret",
        is_required=True,
    ),
    SettingField(
        name="pattern",
        title=Text(ru="Какие файлы", en="Which files"),
        hint=Text(
            ru="Образцы через запятую, например продажи*.xlsx, *.csv. Пусто: все.",
            en="Patterns with commas, such as sales*.xlsx, *.csv. Empty: all of them.",
        ),
    ),
)


def check(settings: WatchedSettings) -> Reached:
    """How many files there are."""
    place = settings.place.get_secret_value()
    if not _is_url(place):
        found = _found(settings)
        return Reached(who=Path(place).name, counts=((_FOUND, len(found)),))
    with Caller(rate=2.0, burst=5, is_trial=True) as caller:
        caller.download(place, Path(os.devnull), headers={"Range": "bytes=0-0"})
    return Reached(who=urlsplit(place).hostname or "", counts=((_FOUND, 1),))


def fetch(settings: WatchedSettings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Copy what is new into the spool; the cursor says what each file was like."""
    target = spool.folder / _FILES
    target.mkdir(exist_ok=True)
    if _is_url(settings.place.get_secret_value()):
        return _downloaded(settings, wanted, spool, target, progress)
    return _copied(settings, wanted, spool, target, progress)


def deliveries(_settings: WatchedSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What the files hold, read as a person's own files are. Raises MappingNeeded where every shape of them is new."""
    files = sorted(path for path in (spool.folder / _FILES).rglob("*") if path.is_file())
    if files:
        scratch = spool.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        yield from intake(files, profiles=remembered(landing.profiles), scratch=scratch)


def told(_settings: WatchedSettings, _form: Mapping[str, str]) -> tuple[Change, ...]:
    """A folder tells nothing by itself."""
    return ()


def _copied(settings: WatchedSettings, wanted: Wanted, spool: Spool, target: Path, progress: Progress) -> Cursor:
    root = Path(settings.place.get_secret_value())
    cursor = dict(wanted.cursor)
    fresh: list[tuple[Path, str]] = []
    for path in _found(settings):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue  # it went while we looked
        seen = f"{state.st_mtime_ns}:{state.st_size}"
        is_settled = time.time() - state.st_mtime > SETTLED_SECONDS
        if is_settled and _is_wanted(
            wanted, datetime.fromtimestamp(state.st_mtime, UTC), seen, known=cursor.get(_name(path, root))
        ):
            fresh.append((path, seen))
    total = sum(int(seen.rpartition(":")[2]) for _, seen in fresh)
    done = 0
    for path, seen in fresh:
        name = _name(path, root)
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)

        def tell(size: int, before: int = done) -> None:
            progress(_READING, done=before + size, total=total)

        try:
            _copy(path, copy, tell)
        except FileNotFoundError:
            copy.unlink(missing_ok=True)
            continue
        except OSError as error:
            raise SourceRefused(_NO_FILE.filled(name=name, why=error.strerror or error)) from None
        done += copy.stat().st_size
        spool.append(_FILES, [{"name": name, "size": copy.stat().st_size}])
        cursor[name] = seen
    return cursor


def _is_wanted(wanted: Wanted, changed_at: datetime, seen: str, *, known: str | None) -> bool:
    if wanted.kind == "period":
        day = changed_at.date()
        return (wanted.from_day or day) <= day <= (wanted.to_day or day)
    return wanted.kind == "full" or seen != known


def _downloaded(settings: WatchedSettings, wanted: Wanted, spool: Spool, target: Path, progress: Progress) -> Cursor:
    url = settings.place.get_secret_value()
    headers: dict[str, str] = {}
    if wanted.kind == "changes":
        asked = {"etag": "If-None-Match", "modified": "If-Modified-Since"}
        headers = {header: wanted.cursor[name] for name, header in asked.items() if wanted.cursor.get(name)}
    draft = spool.folder / "download"
    progress(_READING, done=0, total=0)
    with Caller(rate=2.0, burst=5, breathe=lambda: progress(_READING, done=0, total=0)) as caller:
        answer = caller.download(url, draft, headers=headers)
    if answer is None:
        return wanted.cursor
    name = _called(url, answer.get("Content-Disposition", ""), answer.get("Content-Type", ""))
    draft.replace(target / name)
    spool.append(_FILES, [{"name": name, "size": (target / name).stat().st_size}])
    # A cursor that is never empty: an address that gives no tag is read whole each time, and unchanged content changes nothing.
    return {"name": name, "etag": answer.get("ETag", ""), "modified": answer.get("Last-Modified", "")}


def _called(url: str, disposition: str, kind: str) -> str:
    """The name of a downloaded file: what the answer calls it, or the end of its address; with the ending of its kind."""
    named = _NAMED.search(disposition)
    name = PurePosixPath(unquote(named[1]) if named else unquote(urlsplit(url).path)).name.strip(". ") or "download"
    ending = _KINDS.get(kind.partition(";")[0].strip().lower(), "")
    return name if PurePosixPath(name).suffix or not ending else name + ending


def _found(settings: WatchedSettings) -> list[Path]:
    root = Path(settings.place.get_secret_value())
    if not root.is_dir():
        raise SourceRefused(_NO_FOLDER.filled(place=root))
    patterns: Sequence[str] = [part.strip().lower() for part in settings.pattern.split(",") if part.strip()] or ["*"]
    try:
        paths = sorted(path for path in root.rglob("*") if path.is_file())
    except OSError as error:
        raise SourceRefused(_NO_FOLDER.filled(place=root)) from error
    return [
        path
        for path in paths
        if not any(part.startswith((".", "~$")) for part in path.relative_to(root).parts)
        and any(fnmatch(path.name.lower(), pattern) for pattern in patterns)
    ]


def _copy(source: Path, target: Path, tell: Callable[[int], None]) -> None:
    """Copy a file, telling how far it is; a copy that a stopped run left half is begun again."""
    with source.open("rb") as read, target.open("wb") as write:
        while chunk := read.read(_CHUNK):
            write.write(chunk)
            tell(write.tell())
    shutil.copystat(source, target)


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _is_url(place: str) -> bool:
    return place.lower().startswith(("http://", "https://"))


SOURCE = LiveSource(
    name="folder",
    area="data",
    title=Text(ru="Файлы по расписанию", en="Files by a schedule"),
    about=Text(
        ru="Папка или адрес в сети: новые и изменённые файлы загружаются сами, как если бы их загрузил человек.",
        en="A folder or an address: new and changed files are loaded by themselves, as if a person had uploaded them.",
    ),
    unverified=Text(
        ru="SFTP и вложения почты не поддерживаются: смонтируйте папку средствами системы.",
        en="SFTP and mail attachments are not supported: mount the folder by the means of the system.",
    ),
    hooks=None,
    settings=WatchedSettings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=told,
    identity=lambda settings: settings.place.get_secret_value().partition("?")[0],
    reaches_inside=True,
)
