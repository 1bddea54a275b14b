"""How does a command end when it cannot go on? With one line in the user's language and an exit code.

0 all went well; 1 what was given cannot be used, or the data is busy; 2 a name or a parameter is wrong;
130 stopped by Ctrl-C.
"""

import signal
import traceback
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import FrameType

import typer

from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.cli.root import STOPPED
from rakurs.core.errors import BadParameter, Cancelled, RakursError, UnknownName
from rakurs.core.text import Text

EXIT_CODES: Mapping[type[RakursError], int] = {UnknownName: 2, BadParameter: 2, Cancelled: STOPPED, RakursError: 1}
REFUSED_CODES: Mapping[str, int] = {"unknown-name": 2, "bad-parameter": 2}

_STOPPED = Text(ru="Остановлено; прежние данные целы.", en="Stopped; the data is as it was.")
_UNEXPECTED = Text(ru="Внутренняя ошибка: {error}. Подробности: {log}", en="Internal error: {error}. Details: {log}")


class _Interrupt:
    """Remembers Ctrl-C: an engine in the middle of a query reports it as an error of its own."""

    happened = False


@contextmanager
def told() -> Generator[None]:
    """Turn whatever a command raises into a line on stderr and an exit code."""
    before = signal.signal(signal.SIGINT, _interrupted)
    try:
        yield
    except KeyboardInterrupt:
        _say(_STOPPED)
        raise typer.Exit(STOPPED) from None
    except RakursError as error:
        _say(error.message)
        raise typer.Exit(_code(error)) from None
    except (typer.Exit, typer.Abort, SystemExit, BrokenPipeError):
        raise
    except Exception as error:
        if type(error).__module__.startswith("typer."):
            raise
        if _Interrupt.happened:
            _say(_STOPPED)
            raise typer.Exit(STOPPED) from None
        _say(_UNEXPECTED.filled(error=f"{type(error).__name__}: {error}", log=_logged()))
        raise typer.Exit(1) from None
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    _Interrupt.happened = True
    raise KeyboardInterrupt


def _code(error: RakursError) -> int:
    kind = getattr(error, "kind", None)
    if kind in REFUSED_CODES:
        return REFUSED_CODES[kind]
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


def _say(message: Text) -> None:
    typer.echo(message.to(default_language()), err=True)


def _logged() -> str:
    """The traceback kept in the home for whoever mends it."""
    log = default_home().ensured().path / "errors.log"
    with log.open("a", encoding="utf-8") as file:
        file.write(traceback.format_exc() + "\n")
    return str(log)
