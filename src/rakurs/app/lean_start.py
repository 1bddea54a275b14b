"""Which library should a command not wait for? DuckDB imports pandas at its first query with a parameter, where it finds it.

That takes half a second of every command and is of no use here: only the library of forecasts needs pandas.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

WAITED_FOR = "pandas"
NEEDED_BY = "statsforecast"


class _NotYet(MetaPathFinder):
    """Says that there is no pandas until the library that needs it is being imported, or until it is asked for."""

    is_over = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        _ = path, target
        if fullname == WAITED_FOR and NEEDED_BY not in sys.modules and not _NotYet.is_over:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def load_pandas() -> None:
    """Load it now, or wait until whoever is loading it is done.

    scikit-learn looks for it among the loaded modules, and falls over one that another thread is just loading.
    """
    _NotYet.is_over = True
    import_module(WAITED_FOR)


def start_lean() -> None:
    """For a process of ours from its first line on; never for somebody's notebook."""
    sys.meta_path.insert(0, _NotYet())
