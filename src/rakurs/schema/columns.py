"""Shorthands that keep table declarations readable: one line per column."""

from collections.abc import Mapping

from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit


def column(name: str, unit: Unit, ru: str, en: str, *, required: bool = False, low: float | None = None) -> Column:
    """A plain column."""
    return Column(name=name, unit=unit, title=Text(ru=ru, en=en), required=required, low=low)


def reference(name: str, table: str, ru: str, en: str, *, required: bool = False) -> Column:
    """A column that holds the key of `table`."""
    return Column(name=name, unit=Unit.ID, title=Text(ru=ru, en=en), required=required, references=table)


def choice(name: str, ru: str, en: str, choices: Mapping[str, Text], *, required: bool = False) -> Column:
    """A column that holds one of a few words."""
    return Column(name=name, unit=Unit.TEXT, title=Text(ru=ru, en=en), required=required, choices=choices)


def named(name: str, ru: str, en: str, words: Mapping[str, Text]) -> Column:
    """A column of names, some of which are no names of anybody but words: "company" for the whole of it."""
    return Column(name=name, unit=Unit.TEXT, title=Text(ru=ru, en=en), choices=words, is_open=True)


def flag(name: str, ru: str, en: str) -> Column:
    """A yes/no column."""
    return Column(name=name, unit=Unit.FLAG, title=Text(ru=ru, en=en))
