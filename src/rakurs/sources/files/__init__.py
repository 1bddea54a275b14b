"""Files: everything that turns a file, a folder or an archive into deliveries for the warehouse."""

from rakurs.sources.files.guessing import ColumnGuess
from rakurs.sources.files.intake import (
    RAW_ONLY,
    Inspected,
    deliveries,
    delivery_of,
    inspect,
    loaded_before,
    meaning_in,
    words_of,
)
from rakurs.sources.files.profiles import (
    Profile,
    ProfileFile,
    profile_from,
    profile_of,
    profile_yaml,
    read_profile,
    remembered,
    write_profile,
)
from rakurs.sources.files.recognition import lacking_columns
from rakurs.sources.files.shapes import RECKONINGS
from rakurs.sources.files.shapes.stages import outcome_of
from rakurs.sources.files.templates import template

__all__ = [
    "RAW_ONLY",
    "RECKONINGS",
    "ColumnGuess",
    "Inspected",
    "Profile",
    "ProfileFile",
    "deliveries",
    "delivery_of",
    "inspect",
    "lacking_columns",
    "loaded_before",
    "meaning_in",
    "outcome_of",
    "profile_from",
    "profile_of",
    "profile_yaml",
    "read_profile",
    "remembered",
    "template",
    "words_of",
    "write_profile",
]
