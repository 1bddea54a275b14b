"""Which language does this machine's user read? Russian where the system says so, else English."""

import os

from rakurs.core.text import Language


def default_language() -> Language:
    """`RAKURS_LANGUAGE`, else the language of the system's locale."""
    named = os.environ.get("RAKURS_LANGUAGE") or _locale()
    return "ru" if named.casefold().startswith("ru") else "en"


def _locale() -> str:
    return next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
