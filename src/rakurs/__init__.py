"""Rakurs: an analytical CRM. In a notebook `rakurs.analyses` holds every question as a function."""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    # On first use: commands that ask nothing should not wait for the analyses.
    if name == "analyses":
        return import_module("rakurs.analyses")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
