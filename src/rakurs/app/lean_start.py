"""Which library should a command not wait for? DuckDB imports pandas at its first query with a parameter, where it finds it.

That takes half a second of every command and is of no use here: only the library of forecasts needs pandas.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

WAITED_FOR = "pandas"
NEEDED_BY = "statsforecast"


class _NotYet(MetaPathFinder):
    """Says that there is no pandas until the library that needs it is being imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        _ = path, target
        if fullname == WAITED_FOR and NEEDED_BY not in sys.modules:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def start_lean() -> None:
    """For a process of ours from its first line on; never for somebody's notebook."""
    sys.meta_path.insert(0, _NotYet())
