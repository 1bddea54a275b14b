"""Runs of a source that are killed in the middle, and gone on with by the next process of their kind.

One process imports everything and forks for each try, so that a try costs what it does, not what Python costs. A try is what a run is: fetch into
the spool, load, move the cursor, forget the spool; after a kill it begins with what the disk holds.
"""

import json
import os
import signal
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rakurs.core.loading import silent
from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.schema import TABLES
from rakurs.sources.live import Wanted
from rakurs.sources.rows import LEFT
from rakurs.sources.spool import Spool
from sources.following import Following

_OF_LOADS = ("batch_id", "loaded_", "seen_")
_IMPORTED_BEFOREHAND = ("pandas", "phonenumbers", "rakurs.sources.files.sftp_host")
"""What a run imports in its middle."""
PAUSE_SECONDS = 0.004
"""How long a moment lasts that is over too soon for a kill to fall into it."""


@dataclass(frozen=True, kw_only=True)
class Errand:
    """What a process is sent for: a full load of one system, gone on with where the last process was killed."""

    module: str
    settings: Mapping[str, Any]
    prefix: str
    timezone: str = "Europe/Moscow"
    marts: Sequence[str] = ()
    patches: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Places of modules that are other in the process, and `$NAME`s of its environment."""


class Processes:
    """One process that waits, and forks whenever it is told to."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_wait, args=(theirs,), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        assert self._pipe.recv() == "ready"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()

    def sent(self, errand: Errand, folder: Path, *, killed_after: float | None = None) -> bool:
        """Whether the process came to its end before it was killed (-9)."""
        self._pipe.send((errand, folder))
        number = self._pipe.recv()
        if not self._pipe.poll(killed_after):
            os.kill(number, signal.SIGKILL)
        status = self._pipe.recv()
        assert status in {0, -signal.SIGKILL}, "the process failed: its traceback stands above"
        return status == 0

    def seconds_of(self, errand: Errand, folder: Path) -> float:
        """How long the errand takes where nobody disturbs it."""
        began = time.monotonic()
        assert self.sent(errand, folder)
        return time.monotonic() - began


def contents(following: Following) -> dict[str, list[str]]:
    """Every row of every table, but for which load brought it and when; each key stands there once."""
    found: dict[str, list[str]] = {}
    with following.warehouse.reading() as reader:
        for table in TABLES:
            rows = reader.collect(
                reader.records(table.name) if table.name == "customers" else reader.frame(table.name)
            ).to_pylist()
            keys = {tuple(str(row[name]) for name in table.key) for row in rows}
            assert len(keys) == len(rows), f"rows of {table.name} stand there twice"
            found[table.name] = sorted(
                str({k: v for k, v in row.items() if not k.startswith(_OF_LOADS)}) for row in rows
            )
    assert following.warehouse.quarantine_counts() == []
    return {name: rows for name, rows in found.items() if rows}


def cursor_of(folder: Path) -> Mapping[str, str]:
    """Where the run that was done says the next one begins; but for the other side's clock, which goes on."""
    kept = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert kept["is_done"]
    return {name: value for name, value in kept["cursor"].items() if name != "since"}


def _wait(parent: Connection) -> None:
    for name in _IMPORTED_BEFOREHAND:
        import_module(name)
    parent.send("ready")
    while True:
        errand, folder = parent.recv()
        number = os.fork()
        if number == 0:
            _done_by_a_child(errand, folder)
        parent.send(number)
        parent.send(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]))


def _done_by_a_child(errand: Errand, folder: Path) -> None:
    status = 1
    try:
        _try(errand, folder)
        status = 0
    except BaseException:  # noqa: BLE001 - a child tells what it met and never returns
        traceback.print_exc()
    finally:
        os._exit(status)


def _try(errand: Errand, folder: Path) -> None:
    for place, value in errand.patches.items():
        if place.startswith("$"):
            os.environ[place[1:]] = value
        else:
            module, _, name = place.rpartition(".")
            setattr(import_module(module), name, value)
    _linger()
    source = import_module(errand.module).SOURCE
    following = Following(folder, source, source.settings.model_validate(errand.settings), prefix=errand.prefix)
    following.timezone = errand.timezone
    following.marts = [mart for mart in (CALENDAR_MART, *MARTS) if mart.table.name in errand.marts]
    folder.mkdir(exist_ok=True)
    is_another_try = (folder / "run.json").exists()
    _keep(folder, is_done=False)
    spool = Spool(folder / "run-1")
    if is_another_try:
        spool.forget(LEFT)
    wanted = Wanted(kind="full", compares=True)
    cursor = source.fetch(following.settings, wanted, spool, silent)
    following.taken(spool, cursor)
    time.sleep(PAUSE_SECONDS)
    _keep(folder, is_done=True, cursor=dict(cursor))
    time.sleep(PAUSE_SECONDS)
    spool.remove()
    following.close()


def _linger() -> None:
    """About the word that something came there are moments in which a kill is worst: they last longer here."""
    write = Spool._write

    def written(spool: Spool) -> None:
        time.sleep(PAUSE_SECONDS)
        write(spool)
        time.sleep(PAUSE_SECONDS)

    Spool._write = written  # type: ignore[method-assign]


def _keep(folder: Path, **values: Any) -> None:
    draft = folder / "run.draft"
    draft.write_text(json.dumps(values), encoding="utf-8")
    draft.replace(folder / "run.json")
