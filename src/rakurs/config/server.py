"""How does the server of a home come up and go down? One process, which owns the data, on one local address.

    python -m rakurs.config.server [--host 127.0.0.1] [--port 8321]

The process that opens the analytical database is its only owner, so there is exactly one: granian serves Django from
inside it (ASGI: each request runs in a thread of its own, an event stream holds none). Going down means leaving at once: whatever was under way
is either in one transaction or kept as durable work, and goes on at the next start.
"""

import argparse
import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from django.urls import resolve
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from rakurs.app import serving
from rakurs.app.announcement import Announcement, announce, announced, withdraw
from rakurs.app.home import Home, default_home
from rakurs.app.languages import default_language
from rakurs.app.lean_start import start_lean
from rakurs.app.workspace import Workspace
from rakurs.core.errors import RakursError, WarehouseBusy
from rakurs.core.text import Text
from rakurs.state.opening import open_state

DEFAULT_PORT = 8321
PORTS_TRIED = 50

_ALREADY = Text(
    ru="Сервер для этой папки уже работает: {url} (процесс {pid}).",
    en="A server already runs for this folder: {url} (process {pid}).",
)
_TAKEN = Text(ru="Порт {port} занят. Выберите другой: --port.", en="Port {port} is taken. Choose another: --port.")
_ADDRESS = Text(ru="Ракурс открыт: {url}", en="Rakurs is open: {url}")
_FIRST_LOGIN = Text(
    ru="Вход: логин {login}, одноразовый пароль {password} (при входе попросим сменить)",
    en="Log in as {login} with the one-time password {password} (you will be asked to change it)",
)
_LATER_LOGIN = Text(ru="Забыли пароль? rakurs user reset ЛОГИН", en="Forgot the password? rakurs user reset LOGIN")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the home of this process until it is told to stop; 0 when it went down as asked."""
    start_lean()
    options = _options(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rakurs.config.settings")
    home = default_home().ensured()
    try:
        with _owning(home) as workspace:
            _serve(workspace, options)
    except RakursError as error:
        sys.stderr.write(error.message.to(default_language()) + "\n")
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rakurs serve")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=None)
    return parser.parse_args(arguments)


@contextmanager
def _owning(home: Home) -> Generator[Workspace]:
    """The workspace of `home`; says who has it when another process does."""
    other = announced(home)
    if other is not None:
        raise WarehouseBusy(_ALREADY.filled(url=other.url, pid=other.pid))
    workspace = Workspace.open(home)
    try:
        yield workspace
    finally:
        serving.clear()
        withdraw(home)


def _serve(workspace: Workspace, options: argparse.Namespace) -> None:
    open_state()
    # Django and the jobs are only importable once the settings stand.
    from rakurs.app import (  # noqa: PLC0415
        accounts,
        deliveries,
        identity_jobs,
        inbox_jobs,
        jobs,
        prediction_jobs,
        privacy_jobs,
        sync_jobs,
        warming,
        writing_jobs,
    )
    from rakurs.config.asgi import application  # noqa: PLC0415
    from rakurs.config.settings import ENVIRONMENT  # noqa: PLC0415

    # Every page and route is imported now: a broken one stops the start, not the first visitor.
    resolve("/health")
    first = accounts.ensure_owner()
    port = _free_port(options.host, options.port)
    mine = Announcement(host=options.host, port=port, key=secrets.token_urlsafe(32), pid=os.getpid())
    serving.install(workspace, local_key=mine.key)
    jobs.start(ENVIRONMENT.jobs_url)
    deliveries.start(public_url=ENVIRONMENT.public_url or "")
    prediction_jobs.start(by_themselves=ENVIRONMENT.models_learn)
    inbox_jobs.start()
    sync_jobs.start()
    writing_jobs.start()
    identity_jobs.start(by_themselves=ENVIRONMENT.models_learn)
    privacy_jobs.start()
    warming.start()
    announce(workspace.home, mine)
    _greet(mine, _FIRST_LOGIN.filled(login=first.login, password=first.password) if first else _LATER_LOGIN)
    asyncio.run(_until_told(application, mine))
    withdraw(workspace.home)
    deliveries.stop()
    privacy_jobs.stop()
    warming.stop()
    prediction_jobs.stop()
    identity_jobs.stop()
    inbox_jobs.stop()
    sync_jobs.stop()
    writing_jobs.stop()
    if not jobs.stop():
        workspace.close()
    # A load under way is one transaction and durable, and an event stream never ends by itself: leave, wait for none.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


async def _until_told(application: object, mine: Announcement) -> None:
    server = Server(
        application,
        address=mine.host,
        port=mine.port,
        interface=Interfaces.ASGINL,
        websockets=False,
        log_level=LogLevels.error,
    )
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, server.stop)
    await server.serve()


def _greet(mine: Announcement, login: Text) -> None:
    language = default_language()
    sys.stdout.write(f"{_ADDRESS.filled(url=mine.url).to(language)}\n{login.to(language)}\n")
    sys.stdout.flush()


def _free_port(host: str, wanted: int | None) -> int:
    """The wanted port, which must be free; without a wish the default one or the next that is."""
    if wanted is not None:
        if wanted and not _is_free(host, wanted):
            raise WarehouseBusy(_TAKEN.filled(port=wanted))
        return wanted or _any_port(host)
    candidates = range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED)
    return next((port for port in candidates if _is_free(host, port)), None) or _any_port(host)


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _any_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
