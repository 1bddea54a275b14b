"""How is nothing lost or doubled of what a system sends by itself, in pieces, over many calls?

An exchange begins with a login and lasts until the system says that it is complete, begins another, or falls silent. A piece counts once it
lies synced on the disk together with the size of its file: a server killed in between cuts the file back to that size, and a piece that is
sent again, because its answer was lost, is known by its content. Documents are seen to be whole before the system is told so. What is over
moves to where runs read it.
"""

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any

from rakurs.app.unpacking import ARCHIVE, DOCUMENT, documents_in, is_archive
from rakurs.core.errors import BadInput, NotAllowed, UnreadableFile
from rakurs.core.text import Text
from rakurs.sources.live import Exchange
from rakurs.sources.receiving import DONE, OPEN, RECORD, Received, ReceivedFile, Unfinished, numbered, record_of

QUIET = timedelta(minutes=3)
"""Without a call for so long an exchange is taken for over, where its system does not say so."""
LOGIN_LASTS = timedelta(hours=24)
RESERVE_BYTES = 256 << 20
"""Of the disk, which no sender may fill."""
MOST_FILES = 10_000
_KEYS, _LAST = "keys.json", "last.json"
_AT_ONCE = "sale"
"""The kind of exchange whose documents are taken as soon as they are whole: older systems do not ask for it."""

_NO_LOGIN = Text(ru="Сначала нужен вход: mode=checkauth.", en="A login is needed first: mode=checkauth.")
_BAD_NAME = Text(
    ru="Имя файла «{name}» ведёт за пределы обмена. Проверьте каталог выгрузки.",
    en="The file's name “{name}” leads out of the exchange. See the folder of the export.",
)
_NO_FILE = Text(ru="Файла «{name}» в этом обмене не было.", en="There was no file “{name}” in this exchange.")
_NO_ROOM = Text(
    ru="На диске Ракурса не хватает места. Освободите его и повторите обмен.",
    en="The disk of Rakurs is full. Make room and repeat the exchange.",
)
_TOO_MANY = Text(ru="Файлов в одном обмене больше {most}.", en="There are more than {most} files in one exchange.")


class Reception:
    """Where one connection's system hands over what it sends. Thread-safe; one process owns it."""

    def __init__(self, folder: Path, exchange: Exchange) -> None:
        self._folder, self._exchange, self._lock = folder, exchange, RLock()
        for stage in (OPEN, DONE):
            (folder / stage).mkdir(parents=True, exist_ok=True)
        # A folder without a record is one that a killed server was just making.
        begun = [(number, path) for number, path in numbered(folder, OPEN) if (path / RECORD).exists()]
        self._open = {number: record_of(path) for number, path in begun}
        for going_on in self._open.values():
            going_on.heard_at = _now()
            for file in going_on.files:
                if file.state == "coming":
                    os.truncate(self._path(going_on, file), file.size)
        over = [number for number, _ in numbered(folder, DONE)]
        self._last = max([_kept(folder / _LAST).get("number", 0), *over, *self._open])
        self.over = max(over, default=0)
        """The newest exchange that is over and was not read when the server started, or came since."""
        self.over_at = _now()

    def login(self, kind: str) -> str:
        """The key of a new exchange. Those of its kind that went on until now are over: their system has begun anew."""
        with self._lock:
            for going_on in [one for one in self._open.values() if one.kind == kind]:
                self._finish(going_on)
            key, now = secrets.token_urlsafe(32), _now()
            kept = _kept(self._folder / _KEYS)
            fresh = {one: told for one, told in kept.items() if datetime.fromisoformat(told["at"]) > now - LOGIN_LASTS}
            told = {"kind": kind, "at": now.isoformat(), "since": 0}
            _keep(self._folder / _KEYS, {**fresh, _digest(key.encode()): told})
            return key

    def must_know(self, key: str) -> None:
        """NotAllowed for a key that was not given out, or long ago."""
        told = _kept(self._folder / _KEYS).get(_digest(key.encode()))
        if told is None or datetime.fromisoformat(told["at"]) < _now() - LOGIN_LASTS:
            raise NotAllowed(_NO_LOGIN)

    def put(self, key: str, written: str, piece: bytes, *, is_last: bool) -> None:
        """Keep a piece of a file; on the disk when this returns. BadInput for a name that leads away, or where there is no room.

        `is_last` is a guess: a piece smaller than what we ask for. UnreadableFile where the file is broken by then.
        """
        self.must_know(key)
        name = plain_name(written)
        if not name.lower().endswith((DOCUMENT, ARCHIVE)):
            return  # a picture: nothing is made of it
        if shutil.disk_usage(self._folder).free < len(piece) + RESERVE_BYTES:
            raise BadInput(_NO_ROOM)
        with self._lock:
            exchange, digest = self._of(key), _digest(piece)
            file = next((one for one in reversed(exchange.files) if one.name == name), None)
            if file is not None and file.size and digest == file.last:
                self._save(exchange)
                return  # it was kept before, and the answer was lost
            if file is None or file.state != "coming":
                file = self._added(exchange, name)
            if digest == file.first:
                file.size = 0  # the whole file is being sent again
            self._write(self._path(exchange, file), piece, at=file.size)
            file.first = file.first if file.size else digest
            file.last, file.size = digest, file.size + len(piece)
            self._save(exchange)
            if is_last and exchange.kind == _AT_ONCE:
                self._take_at_once(exchange, file)

    def take(self, key: str, written: str) -> bool:
        """See that a file is whole and take it: True when it is done, False when there is more to do. UnreadableFile where it is broken."""
        self.must_know(key)
        name = plain_name(written).rpartition("/")[2].lower()
        with self._lock:
            exchange = self._of(key)
            if any(
                self._unpacked(exchange, file)
                for file in list(exchange.files)
                if file.state == "coming" and is_archive(file.name)
            ):
                return False
            file = next((one for one in reversed(exchange.files) if one.name.rpartition("/")[2].lower() == name), None)
            if file is None:
                raise BadInput(_NO_FILE.filled(name=written))
            self._taken(exchange, file)
            return True

    def tell(self, key: str) -> None:
        """Its system says that what it has sent is all there is."""
        self.must_know(key)
        with self._lock:
            for exchange in self._all_of(key):
                exchange.is_told = True
                self._save(exchange)

    def end(self, key: str) -> None:
        """Its system says that the exchange is complete."""
        with self._lock:
            self.tell(key)
            for exchange in self._all_of(key):
                self._finish(exchange)

    def nothing(self) -> bytes:
        """What its system is given when it asks for ours."""
        return self._exchange.nothing(_now())

    def settle(self) -> None:
        """What has fallen silent is over. Not waited for while a document is being looked at."""
        if self._lock.acquire(blocking=False):
            try:
                for exchange in [one for one in self._open.values() if one.heard_at < _now() - QUIET]:
                    self._finish(exchange)
            finally:
                self._lock.release()

    def _all_of(self, key: str) -> list[Received]:
        digest = _digest(key.encode())
        return [one for one in self._open.values() if one.key == digest]

    def _of(self, key: str) -> Received:
        """The exchange of a key, begun with the first file."""
        digest, now = _digest(key.encode()), _now()
        for found in self._all_of(key):
            found.heard_at = now
            return found
        kept = _kept(self._folder / _KEYS)
        self._last += 1
        _keep(self._folder / _LAST, {"number": self._last})
        told = kept[digest]
        since = told["since"] or self._last
        begun = Received(number=self._last, since=since, kind=told["kind"], key=digest, begun_at=now, heard_at=now)
        self._home(begun).mkdir(exist_ok=True)
        self._save(begun)
        self._open[begun.number] = begun
        _keep(self._folder / _KEYS, {**kept, digest: {**told, "since": since}})
        return begun

    def _added(self, exchange: Received, name: str) -> ReceivedFile:
        if len(exchange.files) >= MOST_FILES:
            raise BadInput(_TOO_MANY.filled(most=MOST_FILES))
        file = ReceivedFile(name=name, stored=f"{len(exchange.files) + 1:05d}")
        exchange.files.append(file)
        return file

    def _write(self, path: Path, piece: bytes, *, at: int) -> None:
        try:
            with path.open("r+b" if at else "wb") as target:
                target.truncate(at)
                target.seek(at)
                target.write(piece)
                target.flush()
                os.fsync(target.fileno())
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise BadInput(_NO_ROOM) from error
            raise

    def _take_at_once(self, exchange: Received, file: ReceivedFile) -> None:
        """Take what is whole already; more pieces may come of what is not."""
        try:
            if not is_archive(file.name):
                self._taken(exchange, file)
                return
            self._unpacked(exchange, file)
        except Unfinished:
            file.state = "coming"
            self._save(exchange)
            return
        for one in [one for one in exchange.files if one.state == "unpacked"]:
            self._taken(exchange, one)

    def _unpacked(self, exchange: Received, file: ReceivedFile) -> bool:
        """Put the documents of an archive in its place."""
        home = self._home(exchange)
        try:
            for name, packed in documents_in(self._path(exchange, file), name=file.name, scratch=home):
                added = self._added(exchange, name)
                packed.replace(home / added.stored)
                added.state, added.size = "unpacked", (home / added.stored).stat().st_size
        except Unfinished:
            raise
        except UnreadableFile as broken:
            self._refuse(exchange, file, broken)
            raise
        file.state = "opened"
        self._save(exchange)
        self._path(exchange, file).unlink()
        return True

    def _taken(self, exchange: Received, file: ReceivedFile) -> None:
        if file.state == "taken":
            return
        try:
            self._exchange.inspect(self._path(exchange, file), file.name)
        except UnreadableFile as broken:
            self._refuse(exchange, file, broken)
            raise
        file.state, file.trouble_ru, file.trouble_en = "taken", "", ""
        self._save(exchange)

    def _refuse(self, exchange: Received, file: ReceivedFile, broken: UnreadableFile) -> None:
        file.state, file.trouble_ru, file.trouble_en = "refused", broken.message.ru, broken.message.en
        self._save(exchange)

    def _finish(self, exchange: Received) -> None:
        """An exchange is over: what came to its end in it goes to the runs, what did not is left out."""
        if exchange.kind == _AT_ONCE:
            for file in [one for one in exchange.files if one.state in {"coming", "unpacked"}]:
                try:
                    self._take_at_once(exchange, file)
                except UnreadableFile:
                    continue  # it is kept in the record
        # A file that was sent again, and well, stands for the one that was refused.
        last = {file.name: file for file in exchange.files if file.state != "opened"}
        kept = [
            file
            for file in exchange.files
            if file.state == "taken" or (file.state == "refused" and last[file.name] is file)
        ]
        exchange.is_whole = all(file.state == "taken" for file in last.values())
        for file in exchange.files:
            if file not in kept:
                self._path(exchange, file).unlink(missing_ok=True)
        exchange.files = kept
        home = self._home(exchange)
        self._save(exchange)
        del self._open[exchange.number]
        if not kept:
            shutil.rmtree(home)
            return
        home.replace(self._folder / DONE / home.name)
        for stage in (OPEN, DONE):
            _sync(self._folder / stage)
        self.over, self.over_at = exchange.number, _now()

    def _save(self, exchange: Received) -> None:
        _keep(self._home(exchange) / RECORD, exchange.model_dump(mode="json"))

    def _home(self, exchange: Received) -> Path:
        return self._folder / OPEN / f"{exchange.number:012d}"

    def _path(self, exchange: Received, file: ReceivedFile) -> Path:
        return self._home(exchange) / file.stored


def plain_name(written: str) -> str:
    """A file's name as a label: no path of this machine is ever made of it. BadInput for one that climbs."""
    text = written.replace("\\", "/").strip()
    steps = [step for step in text.split("/") if step not in {"", "."}]
    if not steps or ".." in steps or any(ord(sign) < 32 for sign in text) or len(text) > 1000:
        raise BadInput(_BAD_NAME.filled(name=written[:200]))
    # A path of the sender's own machine: /tmp/v8_1.zip, C:\v8_1.xml.
    return steps[-1] if text.startswith("/") or steps[0].endswith(":") else "/".join(steps)


def _now() -> datetime:
    return datetime.now(UTC)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _kept(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _keep(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` durably; a crash leaves the old or the new file, never a half."""
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
