"""Commands and servers as forks of a process that has imported what they import: starting costs more than most of them do.

What they run is what the console script runs, with an environment, arguments and output of their own. That the
script itself starts is shown where it is tried.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing import current_process, get_context
from pathlib import Path

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "rakurs.app.workspace",
        "rakurs.cli.root",
        "apprise",
        "dbos",
        "django.core.handlers.asgi",
        "django.core.management",
        "django.db.migrations.executor",
        "django.template.defaulttags",
        "granian.server.embed",
        "pandas",
        "phonenumbers",
        "polars",
        "psycopg",
        "sqlalchemy",
        "statsforecast.models",
    ]
)
COMMAND = "from rakurs.cli import main; main()"
SERVER = "import sys; from rakurs.config.server import main; sys.exit(main())"


class Fork:
    """A program run in a fork, with what tests ask of a `subprocess.Popen`; both streams go to files."""

    def __init__(
        self,
        code: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        out: Path,
        error: Path | None = None,
    ) -> None:
        given = (code, ["rakurs", *arguments], dict(environment), str(out), str(error or out))
        self._process = _CONTEXT.Process(target=_run, args=given, daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(code: str, argv: list[str], environment: dict[str, str], out: str, error: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    current_process()._config["daemon"] = False  # type: ignore[attr-defined] # it may have children of its own
    for number, path in ((1, out), (2, error)):
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(target, number)
        os.close(target)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    sys.argv = argv
    exec(compile(code, "<program>", "exec"), {"__name__": "__main__"})
