"""A file of a new shape: what may it mean, and where is what a person confirmed kept?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rakurs.app.home import Home
from rakurs.sources import files

PROPOSED = "proposed"
"""The folder beside the remembered profiles that holds proposals: nothing in it is applied by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the columns of one file may mean, and the profile to correct and confirm."""

    file: str
    guesses: tuple[files.ColumnGuess, ...]
    profile: Path


def proposals(home: Home, paths: Sequence[Path]) -> tuple[Proposal, ...]:
    """A proposal for every file under `paths` whose shape is new, each written as YAML."""
    known = files.remembered(home.profiles)
    inspected = (
        part for path in paths for part in files.inspect(path, profiles=known, scratch=home.scratch / "proposing")
    )
    return tuple(
        Proposal(
            file=part.file,
            guesses=part.guesses,
            profile=files.write_profile(part.profile, home.profiles / PROPOSED),
        )
        for part in inspected
        if part.recognised_by == "proposal"
    )


def remember_profile(home: Home, profile: Path) -> Path:
    """Keep a confirmed profile, so that the next file of its shape loads without asking."""
    return files.write_profile(files.read_profile(profile), home.ensured().profiles)
