"""How does one command open Rakurs in a browser?"""

import os
import sys
from typing import Annotated

import typer

from rakurs.app.languages import default_language
from rakurs.core.text import Text

LANGUAGE = default_language()
HOST = "127.0.0.1"

serve_app = typer.Typer(add_completion=False)


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


HostOption = Annotated[str, typer.Option(help=_words("Адрес этой машины", "Address of this machine"))]
PortOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65535,
        help=_words("Порт; по умолчанию первый свободный от 8321", "Port; by default the first free one from 8321"),
    ),
]


@serve_app.command(help=_words("Открыть в браузере", "Serve the browser and the API"))
def serve(host: HostOption = HOST, port: PortOption = None) -> None:
    """Until Ctrl-C. The first start makes the owner's account and prints its one-time password."""
    become_server(host, port)


def become_server(host: str, port: int | None) -> None:
    """This process goes on as the server: the same id, the same signals, nothing of the command left in memory."""
    sys.stdout.flush()
    arguments = ["--host", host, *(["--port", str(port)] if port is not None else [])]
    os.execv(  # noqa: S606 - no shell is wanted
        sys.executable, [sys.executable, "-m", "rakurs.config.server", *arguments]
    )
