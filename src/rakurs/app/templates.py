"""An empty file a person can fill in, for a table named by a person."""

from typing import Literal

from rakurs.core.text import Language
from rakurs.schema import table_named
from rakurs.sources import files


def template_bytes(table: str, kind: Literal["csv", "xlsx"], *, language: Language) -> bytes:
    """The header of `table` as a file; UnknownName says which table is nearest."""
    return files.template(table_named(table), kind, language=language)
