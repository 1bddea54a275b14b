"""Where do users, loads and unfinished work live? In the home's SQLite files, or in one PostgreSQL database.

`postgresql://user:password@host:port/name`, with libpq's own options after a question mark, as `?sslmode=require` or
`?host=/run/postgresql`. One database belongs to one home: its unfinished loads are files of that home's machine.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from rakurs.app.home import Home
from rakurs.core.errors import BadInput
from rakurs.core.text import Text

SCHEMES = ("postgresql", "postgres")
SQLITE_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
KEPT_OPEN_SECONDS = 60

# The address may hold a password: it is never repeated.
_NOT_AN_ADDRESS = Text(
    ru="RAKURS_STATE_URL: ожидается postgresql://пользователь:пароль@сервер:порт/база.",
    en="RAKURS_STATE_URL: postgresql://user:password@host:port/name is expected.",
)


def state_database(home: Home, url: str | None) -> Mapping[str, Any]:
    """Django's description of the database of users, loads and audit. Raises BadInput."""
    return _sqlite(home) if url is None else _postgresql(_parts(url))


def jobs_database(home: Home, url: str | None) -> str:
    """The address of the database of durable work, beside the state. Raises BadInput."""
    return f"sqlite:///{home.jobs_file}" if url is None else _parts(url)._replace(scheme="postgresql").geturl()


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in SCHEMES and len(parts.path) > 1 and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number, brackets that do not close
        is_one = False
    if not is_one:
        raise BadInput(_NOT_AN_ADDRESS)
    return parts


def _sqlite(home: Home) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(home.state_file),
        "OPTIONS": {"init_command": SQLITE_PRAGMAS, "transaction_mode": "IMMEDIATE", "timeout": 20},
    }


def _postgresql(parts: SplitResult) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
        "CONN_MAX_AGE": KEPT_OPEN_SECONDS,
        "CONN_HEALTH_CHECKS": True,
    }
