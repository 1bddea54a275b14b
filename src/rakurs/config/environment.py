"""What does the machine around Rakurs say? The environment, read once, in one place.

- RAKURS_HOME: where the company's data lives; default: a `rakurs` folder in the user's data folder
- RAKURS_STATE_URL: postgresql://user:password@host:port/name for users, loads and unfinished work; default: SQLite
  in the home
- RAKURS_PUBLIC_URL: the address people open when a proxy stands in front, as https://rakurs.example.com
- RAKURS_LANGUAGE: ru or en, the language of the command line and of a browser that asks for neither; default: the system's
- RAKURS_MODELS: auto (models learn and score by themselves as data and time go on, the default) or manual (when asked to)
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rakurs.app.home import Home, default_home, state_url
from rakurs.app.languages import default_language
from rakurs.config.databases import jobs_database, state_database
from rakurs.core.text import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Everything that is set from outside."""

    home: Home
    state_url: str | None
    public_url: str | None
    language: Language
    models_learn: bool = True
    """Whether models learn and score by themselves."""

    @property
    def is_https(self) -> bool:
        """Whether cookies may be limited to https."""
        return (self.public_url or "").startswith("https://")

    @property
    def hosts(self) -> list[str]:
        """The names this server answers to; any other is refused, so that a foreign page cannot rebind one."""
        named = urlsplit(self.public_url).hostname if self.public_url else None
        return ["127.0.0.1", "localhost", "[::1]", *([named] if named else [])]

    @property
    def database(self) -> Mapping[str, Any]:
        """Django's description of where the state is kept."""
        return state_database(self.home, self.state_url)

    @property
    def jobs_url(self) -> str:
        """Where durable work is kept."""
        return jobs_database(self.home, self.state_url)


def environment() -> Environment:
    """The environment of this process, with its home made."""
    return Environment(
        home=default_home().ensured(),
        state_url=state_url(),
        public_url=os.environ.get("RAKURS_PUBLIC_URL") or None,
        language=default_language(),
        models_learn=os.environ.get("RAKURS_MODELS", "auto") != "manual",
    )


def secret_key(home: Home) -> str:
    """The key that signs sessions: made at first use, readable by the home's owner only."""
    try:
        handle = os.open(home.secret_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return home.secret_file.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        key = secrets.token_urlsafe(64)
        file.write(key)
    return key
