"""How does a person leave the files of a home beside the warehouse: uploads, spools, logs? And which still hold him?"""

import shutil
import zipfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO

from rakurs.app.connections import folder_of
from rakurs.app.home import Home
from rakurs.app.privacy_texts import Traces
from rakurs.core.text import Text
from rakurs.sources import LIVE_SOURCES
from rakurs.state.models import Connection

_UPLOAD = Text(
    ru="Файл загрузки {name} удалён: в нём были данные стёртого человека. Загрузите его ещё раз, без них.",
    en="The uploaded file {name} is removed: it held data of a person who was erased. Upload it again without them.",
)
_PIECE_BYTES, _OVERLAP_BYTES = 16 << 20, 1 << 10
"""Files are read by pieces: an upload may be larger than the memory."""


def without(home: Home, traces: Traces, *, under_way: Collection[str]) -> list[str]:
    """Take a person out of the home's files; ids of uploads that went, for they held him and cannot be rewritten.

    Half-fetched runs of connections go too: they begin anew, and what comes is washed; what a system that sends by itself has
    told so far is cleaned. Runs and loads that are `under_way`
    are washed when they are taken in, and leave no file then.
    """
    for folder in home.connections.glob("*/runs/*"):
        if folder.name not in under_way:
            shutil.rmtree(folder, ignore_errors=True)
    for connection in Connection.objects.all():
        # A connection of a source that this release does not know any more keeps nothing that could be cleaned.
        source = LIVE_SOURCES.get(connection.source)
        if source is not None and source.exchange is not None:
            source.exchange.clean(folder_of(home, connection) / "received", traces.source_ids, traces.cleaned)
    log = home.path / "errors.log"
    if log.exists():
        _rewrite(log, traces)
    waiting = [folder for folder in sorted(home.uploads.glob("*")) if folder.is_dir() and folder.name not in under_way]
    held = [folder for folder in waiting if _holds_any(folder, traces)]
    for folder in held:
        shutil.rmtree(folder, ignore_errors=True)
    return [folder.name for folder in held]


def message_of_upload(names: Collection[str]) -> Text:
    """What a load is told whose file went."""
    return _UPLOAD.filled(name=", ".join(sorted(names)))


def holding(home: Home, traces: Traces) -> list[str]:
    """Files of the home, beside databases and raw batches, that still hold him."""
    databases = {".parquet", ".duckdb", ".wal", ".sqlite", ".sqlite-wal", ".sqlite-shm"}
    kept = home.path / "erasures"
    files = (path for path in sorted(home.path.rglob("*")) if path.is_file() and path.suffix not in databases)
    return [
        path.relative_to(home.path).as_posix() for path in files if kept not in path.parents and _holds(path, traces)
    ]


def _rewrite(path: Path, traces: Traces) -> None:
    text = path.read_text(encoding="utf-8", errors="replace")
    fresh = traces.struck(text)
    if fresh != text:
        draft = path.with_suffix(".draft")
        draft.write_text(fresh, encoding="utf-8")
        draft.replace(path)


def _holds_any(folder: Path, traces: Traces) -> bool:
    return any(_holds(path, traces) for path in folder.rglob("*") if path.is_file())


def _holds(path: Path, traces: Traces) -> bool:
    return any(traces.struck(text) != text for text in _texts(path))


def _texts(path: Path) -> Iterator[str]:
    """A file as text, piece by piece, in the encodings that tables come in; of an archive or a workbook, what is in it."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                with packed.open(name) as file:
                    yield from _pieces(file, ("utf-8",))
        return
    with path.open("rb") as file:
        yield from _pieces(file, ("utf-8", "cp1251", "utf-16"))


def _pieces(file: IO[bytes], encodings: Sequence[str]) -> Iterator[str]:
    """Pieces that overlap, so that nothing is cut in two."""
    before = b""
    while piece := file.read(_PIECE_BYTES):
        for encoding in encodings:
            yield (before + piece).decode(encoding, errors="replace")
        before = piece[-_OVERLAP_BYTES:]
