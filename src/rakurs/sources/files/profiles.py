"""Profiles: which YAML says what the columns of a file mean, so that it is asked once and remembered?"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from rakurs.core.errors import UnreadableFile
from rakurs.core.source import FileMapping
from rakurs.core.text import Text
from rakurs.sources.files.profile_yaml import parsed_profile, profile_text
from rakurs.sources.files.synonyms import plain

_UNREADABLE = Text(
    ru="профиль не читается ({reason}). Исправьте его или сохраните в UTF-8.",
    en="the profile cannot be read ({reason}). Correct it or save it as UTF-8.",
)
_NO_PROFILE = Text(ru="такого профиля нет. Проверьте имя или путь.", en="no such profile. Check its name or path.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFile:
    """One file shape: it fits a header that has all columns of `match`, in a file whose name is like `file`."""

    match: tuple[str, ...]
    mapping: FileMapping
    file: str | None = None

    def fits(self, columns: Iterable[str], *, stem: str) -> bool:
        """Whether a file with these columns and this name is of this shape."""
        present = {plain(column) for column in columns}
        is_named = self.file is None or fnmatch(stem.casefold(), self.file.casefold())
        return is_named and all(plain(name) in present for name in self.match)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Mappings saved under a name: for one export that comes as several files, one per file."""

    name: str
    files: tuple[ProfileFile, ...]

    def fitting(self, columns: Sequence[str], *, stem: str) -> ProfileFile | None:
        """The shape that fits these columns, the one that asks for most of them first."""
        fitting = [shape for shape in self.files if shape.fits(columns, stem=stem)]
        return max(fitting, key=lambda shape: (shape.file is not None, len(shape.match)), default=None)


def read_profile(path: Path) -> Profile:
    """The profile in a YAML file; UnreadableFile names the key that is wrong."""
    if not path.is_file():
        raise UnreadableFile(str(path), _NO_PROFILE)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(path.name, _UNREADABLE.filled(reason=error)) from error
    return profile_from(text, file=path.name)


def profile_from(text: str, *, file: str) -> Profile:
    """The profile that YAML says; UnreadableFile names the key of `file` that is wrong."""
    name, shapes = parsed_profile(text, file=file)
    return Profile(
        name=name,
        files=tuple(ProfileFile(match=shape.match, file=shape.file, mapping=shape.mapping) for shape in shapes),
    )


def write_profile(profile: Profile, folder: Path) -> Path:
    """Saves the profile as `folder`/<name>.yaml, replacing one of the same name, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{_file_name(profile.name)}.yaml"
    partial = target.with_suffix(".partial")
    partial.write_text(profile_yaml(profile), encoding="utf-8")
    partial.replace(target)
    return target


def profile_yaml(profile: Profile) -> str:
    """The profile as YAML, as it is saved."""
    return profile_text(profile.name, profile.files)


def remembered(folder: Path) -> tuple[Profile, ...]:
    """The profiles saved in `folder`, in name order; none where there is no folder."""
    return tuple(read_profile(path) for path in sorted(folder.glob("*.yaml"))) if folder.is_dir() else ()


def profile_of(mapping: FileMapping, *, columns: Sequence[str]) -> Profile:
    """A profile that fits files with exactly this header or a wider one."""
    named = tuple(column for column in columns if not re.fullmatch(r"column_\d+", column)) or tuple(columns)
    return Profile(name=mapping.name, files=(ProfileFile(match=named, mapping=mapping),))


def best_fit(profiles: Iterable[Profile], columns: Sequence[str], *, stem: str) -> tuple[Profile, ProfileFile] | None:
    """The profile whose shape asks for most of these columns."""
    fitting = [(profile, shape) for profile in profiles if (shape := profile.fitting(columns, stem=stem))]
    return max(fitting, key=lambda pair: (pair[1].file is not None, len(pair[1].match)), default=None)


def _file_name(name: str) -> str:
    safe = re.sub(r"[^\w.-]+", "-", name, flags=re.UNICODE).strip("-.")
    return safe or "profile-" + hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
