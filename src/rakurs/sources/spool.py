"""What a run has fetched so far: a folder of JSON lines that a killed process leaves usable.

Each stream is one file. What is appended counts from the moment `state.json` says so, and that file is replaced whole:
lines that a killed process wrote without saying so are cut off when the spool is opened again.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rakurs.core.source import Delivery, FileMapping, Scan

_STATE = "state.json"


@dataclass(slots=True)
class _Stream:
    size: int = 0
    rows: int = 0
    place: str = ""
    is_done: bool = False
    columns: dict[str, None] = field(default_factory=dict[str, None])


class Spool:
    """The folder of one run. One process writes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._streams: dict[str, _Stream] = {}
        self._notes: dict[str, Any] = {}
        if (folder / _STATE).exists():
            self._read()

    def append(
        self, stream: str, records: Iterable[Mapping[str, Any]], *, place: str = "", is_done: bool = False
    ) -> None:
        """Keep `records`, and where the stream goes on (`place`) or that it ended; all of it or nothing."""
        kept = self._streams.setdefault(stream, _Stream())
        lines: list[str] = []
        for record in records:
            kept.columns.update(dict.fromkeys(record))
            lines.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
        if lines:
            content = ("\n".join(lines) + "\n").encode()
            with self.path(stream).open("ab") as file:
                file.write(content)
            kept.size += len(content)
            kept.rows += len(lines)
        kept.place, kept.is_done = place or kept.place, is_done
        self._write()

    def forget(self, prefix: str) -> None:
        """Take back the streams whose names begin so."""
        for name in [name for name in self._streams if name.startswith(prefix)]:
            del self._streams[name]
            self.path(name).unlink(missing_ok=True)
        self._write()

    def note(self, **values: Any) -> None:
        """Keep what the run must remember besides records."""
        self._notes.update(values)
        self._write()

    def note_closed(self, what: str) -> None:
        """Keep that a part of the system is closed to us: the run says so and brings the rest."""
        self.note(closed=sorted({*self.noted("closed", []), what}))

    def noted(self, name: str, default: Any = None) -> Any:
        """What `note` kept."""
        return self._notes.get(name, default)

    @property
    def notes(self) -> Mapping[str, Any]:
        """All that `note` kept."""
        return dict(self._notes)

    def place(self, stream: str) -> str:
        """Where the stream goes on; empty at its beginning."""
        return self._streams[stream].place if stream in self._streams else ""

    def is_done(self, stream: str) -> bool:
        """Whether all of the stream is here."""
        return stream in self._streams and self._streams[stream].is_done

    def rows(self, stream: str) -> int:
        """How many records of it are here."""
        return self._streams[stream].rows if stream in self._streams else 0

    def columns(self, stream: str) -> tuple[str, ...]:
        """Every field its records have, in the order they were met."""
        return tuple(self._streams[stream].columns) if stream in self._streams else ()

    @property
    def total(self) -> int:
        """How many records are here."""
        return sum(stream.rows for stream in self._streams.values())

    def path(self, stream: str) -> Path:
        """The file of the stream."""
        return self.folder / f"{stream}.jsonl"

    def records(self, stream: str) -> Iterable[dict[str, Any]]:
        """The records of a small stream, read again one by one."""
        if self.rows(stream):
            with self.path(stream).open(encoding="utf-8") as file:
                yield from map(json.loads, file)

    def delivery(self, stream: str, mapping: FileMapping, *, entity: str, slot: str) -> Delivery | None:
        """The stream as the warehouse takes it; None where nothing came."""
        if not self.rows(stream):
            return None
        path = self.path(stream)
        with path.open("rb") as file:
            content_hash = hashlib.file_digest(file, "sha256").hexdigest()
        return Delivery(
            entity=entity,
            slot=slot,
            scan=Scan(kind="jsonl", path=path, columns=self.columns(stream), first_row=1),
            mapping=mapping,
            content_hash=content_hash,
            size_bytes=self._streams[stream].size,
        )

    def remove(self) -> None:
        """The run is loaded: nothing of the folder is needed any more."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self) -> None:
        state = json.loads((self.folder / _STATE).read_text(encoding="utf-8"))
        self._notes = state["notes"]
        for name, kept in state["streams"].items():
            self._streams[name] = _Stream(**{**kept, "columns": dict.fromkeys(kept["columns"])})
        for path in self.folder.glob("*.jsonl"):
            known = self._streams.get(path.stem)
            with path.open("r+b") as file:
                file.truncate(known.size if known else 0)

    def _write(self) -> None:
        streams = {
            name: {
                "size": kept.size,
                "rows": kept.rows,
                "place": kept.place,
                "is_done": kept.is_done,
                "columns": list(kept.columns),
            }
            for name, kept in self._streams.items()
        }
        draft = self.folder / f"{_STATE}.draft"
        draft.write_text(json.dumps({"notes": self._notes, "streams": streams}, ensure_ascii=False), encoding="utf-8")
        draft.replace(self.folder / _STATE)
