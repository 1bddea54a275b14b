"""How does a statement that runs for minutes stay visible and stoppable?"""

from collections.abc import Callable
from threading import Thread
from typing import Any

from rakurs.warehouse.duckdb_engine import Cursor

TICK_SECONDS = 0.2

Watch = Callable[[float], None]
"""Told the share of a statement that is done, 0..1; raises where the user wants it stopped."""


def watched(cursor: Cursor, sql: str, watch: Watch, *, done: Callable[[], float] | None = None) -> int:
    """Run one statement, telling `watch` how far it is; the number of rows it wrote.

    The statement runs in a thread of its own, so that Ctrl-C and `watch` can stop it at any moment; whatever
    stops it, the statement has ended when this returns. `done` answers the share itself where the engine, fed with
    rows of ours, cannot know it.
    """
    told, furthest = done or (lambda: cursor.query_progress() / 100), 0.0
    outcome: list[Any] = []

    def run() -> None:
        try:
            cursor.execute(sql)
            rows = cursor.fetchall() if cursor.description else []
            outcome.append(rows[0][0] if rows and isinstance(rows[0][0], int) else 0)
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            outcome.append(error)

    worker = Thread(target=run, daemon=True)
    watch(0.0)
    if done is None:
        # Without a bar, which is not drawn, the engine does not count what it has done.
        cursor.execute("set enable_progress_bar = true; set enable_progress_bar_print = false")
    worker.start()
    try:
        worker.join(TICK_SECONDS)
        while worker.is_alive():
            # The engine says -1 before a statement has begun and when it has just ended.
            furthest = max(furthest, min(told(), 1.0))
            watch(furthest)
            worker.join(TICK_SECONDS)
    except BaseException:
        while worker.is_alive():
            cursor.interrupt()
            worker.join(TICK_SECONDS)
        raise
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]
