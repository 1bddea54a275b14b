"""What is new in this release? The changelog as it was shipped, and who has read it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import rakurs
from rakurs.core.text import Language
from rakurs.state.models import Preference, User

NAME = "news_seen"
_FILES: Mapping[Language, str] = {"ru": "CHANGELOG.ru.md", "en": "CHANGELOG.md"}
_PACKAGE = Path(rakurs.__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release and its lines, as the changelog has them."""

    version: str
    lines: tuple[str, ...]


def has_unread(user: User) -> bool:
    """Whether the changelog says something this person has not opened yet."""
    kept = Preference.objects.filter(user=user, name=NAME).first()
    return kept is None or kept.value != _edition()


def mark_read(user: User) -> None:
    """The person has seen what there is to this day."""
    Preference.objects.update_or_create(user=user, name=NAME, defaults={"value": _edition()})


@cache
def releases(language: Language) -> tuple[Release, ...]:
    """Every release, newest first."""
    found: list[tuple[str, list[str]]] = []
    for line in _text(language).splitlines():
        if line.startswith("## "):
            found.append((line.removeprefix("## ").strip(), []))
        elif line.startswith("- ") and found:
            found[-1][1].append(line.removeprefix("- ").strip())
        elif line.startswith("  ") and found and found[-1][1]:
            found[-1][1][-1] += f" {line.strip()}"
    return tuple(Release(version=version, lines=tuple(lines)) for version, lines in found)


@cache
def _edition() -> str:
    return hashlib.sha256(_text("en").encode()).hexdigest()[:16]


@cache
def _text(language: Language) -> str:
    """The file inside an installed package, or the one beside the sources."""
    places = (_PACKAGE / _FILES[language], _PACKAGE.parents[1] / _FILES[language])
    return next((place.read_text(encoding="utf-8") for place in places if place.exists()), "")
