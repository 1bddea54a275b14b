"""The commands under test start without pandas, which only forecasts need.

DuckDB imports pandas where it is installed, at its first query with a parameter: half a second of every command.
"""

import sys
from importlib.abc import MetaPathFinder


class NotInstalled(MetaPathFinder):
    """Says that there is no pandas, until the library that needs it is imported."""

    def find_spec(self, name, path=None, target=None):
        if name == "pandas" and "statsforecast" not in sys.modules:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, NotInstalled())
