"""A folder or an address that is looked at again and again: new and changed files are loaded as if a person had uploaded them.

A night's export of an accounting system into a shared folder, a spreadsheet published by its address. A file is known by its name: the
same name with other content is loaded again, the same content is not. A file that was changed a moment ago may still be being written, and
is left for the next look.
"""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
from pydantic import SecretStr, field_validator

from rakurs.core.errors import SourceRefused
from rakurs.core.loading import Progress, silent
from rakurs.core.source import Delivery
from rakurs.core.text import Text
from rakurs.sources.calling import Caller
from rakurs.sources.files.gathering import (
    FOUND,
    PATTERN,
    READING,
    Gathered,
    gathered_deliveries,
    is_meant,
    is_wanted,
    safe_name,
    tells_nothing,
    told_name,
)
from rakurs.sources.live import Cursor, Landing, LiveSource, Reached, SettingField, SourceSettings, Wanted
from rakurs.sources.spool import Spool

SETTLED_SECONDS = 5.0
"""How long a file must have been left alone before it counts as written."""
_CHUNK = 1 << 20
_KINDS = {
    "text/csv": ".csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "text/plain": ".csv",
}
_SHEET = re.compile(r"^(?P<sheet>/spreadsheets/(?:u/\d+/)?d/(?:e/)?[\w-]+)/?(?:edit|view|htmlview|pubhtml)?$")
"""Where a person looks at a spreadsheet; its file lies beside."""
_NO_FOLDER = Text(
    ru="Папки «{place}» нет или она закрыта для Ракурса. Проверьте путь и права.",
    en="There is no folder “{place}”, or it is closed to Rakurs. Check the path and its permissions.",
)
_NO_FILE = Text(
    ru="Файл «{name}» не читается: {why}. Проверьте права на него.",
    en="The file “{name}” cannot be read: {why}. Check its permissions.",
)
_IS_PAGE = Text(
    ru="{host} по этому адресу отдаёт страницу, а не файл: скорее всего, просит войти. Google Таблице откройте доступ «Все, у кого "
    "есть ссылка», у другого сайта возьмите прямую ссылку на файл.",
    en="{host} answers with a page, not with a file: most likely it asks to sign in. Share a Google sheet with “Anyone with the "
    "link”; of another site take the direct link of the file.",
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
            ru="Полный путь, например /srv/1c/exports, или https://…/export.xlsx, или адрес Google Таблицы, открытой по ссылке. Не "
            "показывается: в адресе бывает ключ.",
            en="A full path such as /srv/exports, or https://…/export.xlsx, or the address of a Google sheet shared by link. It is not "
            "shown: an address may hold a key.",
        ),
        kind="secret",
        is_required=True,
    ),
    PATTERN,
)


def check(settings: WatchedSettings) -> Reached:
    """How many files there are."""
    place = settings.place.get_secret_value()
    if not _is_url(place):
        return Reached(who=Path(place).name, counts=((FOUND, len(_found(settings))),))
    with Caller(rate=2.0, burst=5, is_trial=True) as caller:
        _download(caller, place, Path(os.devnull), {"Range": "bytes=0-0"})
    return Reached(who=urlsplit(place).hostname or "", counts=((FOUND, 1),))


def fetch(settings: WatchedSettings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Copy what is new into the spool; the cursor says what each file was like."""
    if _is_url(settings.place.get_secret_value()):
        return _downloaded(settings, wanted, Gathered(spool), progress)
    return _copied(settings, wanted, Gathered(spool), progress)


def deliveries(_settings: WatchedSettings, spool: Spool, landing: Landing) -> Iterator[Delivery]:
    """What the files hold, read as a person's own files are. Raises MappingNeeded where every shape of them is new."""
    return gathered_deliveries(spool, landing)


def _copied(settings: WatchedSettings, wanted: Wanted, gathered: Gathered, progress: Progress) -> Cursor:
    root = Path(settings.place.get_secret_value())
    cursor = dict(wanted.cursor)
    fresh: dict[str, tuple[str, int]] = {}
    for path in _found(settings):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue  # it went while we looked
        name, seen = _name(path, root), f"{state.st_mtime_ns}:{state.st_size}"
        changed_at = datetime.fromtimestamp(state.st_mtime, UTC)
        is_settled = time.time() - state.st_mtime > SETTLED_SECONDS
        if is_settled and is_wanted(wanted, changed_at, seen, known=cursor.get(name)):
            fresh[name] = seen, state.st_size
    gathered.keep_only(fresh)
    total, done = sum(size for _, size in fresh.values()), 0
    for name, (seen, size) in fresh.items():

        def tell(copied: int, before: int = done) -> None:
            progress(READING, done=before + copied, total=total)

        draft = gathered.draft(name, seen)
        if gathered.has(name, seen):
            cursor[name] = seen
        elif _copy(root / name, draft, tell):
            gathered.put(draft, name, seen)
            cursor[name] = seen
        done += size
    return cursor


def _downloaded(settings: WatchedSettings, wanted: Wanted, gathered: Gathered, progress: Progress) -> Cursor:
    url = settings.place.get_secret_value()
    headers: dict[str, str] = {}
    if wanted.kind == "changes":
        asked = {"etag": "If-None-Match", "modified": "If-Modified-Since"}
        headers = {header: wanted.cursor[name] for name, header in asked.items() if wanted.cursor.get(name)}
    gathered.keep_only(())
    draft = gathered.draft(url, "")
    progress(READING, done=0, total=0)
    with Caller(rate=2.0, burst=5, breathe=lambda: progress(READING, done=0, total=0)) as caller:
        answer = _download(caller, url, draft, headers)
    if answer is None:
        return wanted.cursor
    name = _called(url, answer)
    gathered.put(draft, name, "")
    # A cursor that is never empty: an address that gives no tag is read whole each time, and unchanged content changes nothing.
    return {"name": name, "etag": answer.get("ETag", ""), "modified": answer.get("Last-Modified", "")}


def _download(caller: Caller, url: str, target: Path, headers: dict[str, str]) -> httpx.Headers | None:
    """Write what the address holds to `target`. Raises SourceRefused where it is a page for people."""
    parts = urlsplit(url)
    is_page = SourceRefused(_IS_PAGE.filled(host=parts.hostname))
    try:
        answer = caller.download(_file_of(url), target, headers=headers)
    except SourceRefused:
        if "/spreadsheets/" in parts.path:
            raise is_page from None
        raise
    if answer is not None and _kind(answer) == "text/html":
        raise is_page
    return answer


def _file_of(url: str) -> str:
    """Where the file of a spreadsheet lies that a person looks at in a browser; any other address as it is.

    One sheet where the address names it, else the whole book.
    """
    parts = urlsplit(url)
    looked_at = _SHEET.match(parts.path)
    if looked_at is None:
        return url
    named = parse_qs(parts.fragment).get("gid") or parse_qs(parts.query).get("gid")
    one = f"csv&gid={named[0]}" if named else "xlsx"
    is_published = "/d/e/" in looked_at["sheet"]
    way = f"pub?output={one}{'&single=true' if named else ''}" if is_published else f"export?format={one}"
    return f"{parts.scheme}://{parts.netloc}{looked_at['sheet']}/{way}"


def _called(url: str, answer: httpx.Headers) -> str:
    """The name of a downloaded file: what the answer calls it, or the end of its address; with the ending of its kind."""
    headers = Message()
    headers["Content-Disposition"] = answer.get("Content-Disposition", "")
    name = told_name(headers) or safe_name(unquote(urlsplit(url).path)) or "download"
    ending = _KINDS.get(_kind(answer), "")
    return name if PurePosixPath(name).suffix or not ending else name + ending


def _kind(answer: httpx.Headers) -> str:
    return answer.get("Content-Type", "").partition(";")[0].strip().lower()


def _found(settings: WatchedSettings) -> list[Path]:
    root = Path(settings.place.get_secret_value())
    if not root.is_dir():
        raise SourceRefused(_NO_FOLDER.filled(place=root))
    try:
        paths = sorted(path for path in root.rglob("*") if path.is_file())
    except OSError as error:
        raise SourceRefused(_NO_FOLDER.filled(place=root)) from error
    return [path for path in paths if is_meant(_name(path, root), settings.pattern)]


def _copy(source: Path, draft: Path, tell: Callable[[int], None]) -> bool:
    """Whether the file was there to be copied. A copy that a stopped run left half is begun again."""
    try:
        with source.open("rb") as read, draft.open("wb") as write:
            while chunk := read.read(_CHUNK):
                write.write(chunk)
                tell(write.tell())
        shutil.copystat(source, draft)
    except FileNotFoundError:
        draft.unlink(missing_ok=True)
        return False
    except OSError as error:
        raise SourceRefused(_NO_FILE.filled(name=source.name, why=error.strerror or error)) from None
    return True


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
        ru="Google Таблицы проверены на локальном сервере по описанию адресов, не на живом сервисе.",
        en="Google sheets were tried against a server on the same machine that follows their addresses, not against the live service.",
    ),
    hooks=None,
    settings=WatchedSettings,
    fields=FIELDS,
    check=check,
    fetch=fetch,
    deliveries=deliveries,
    told=tells_nothing,
    identity=lambda settings: settings.place.get_secret_value().partition("?")[0],
    reaches_inside=True,
)
