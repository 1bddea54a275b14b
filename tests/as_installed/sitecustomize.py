"""The commands under test run as a user has them: without a library that only development installs.

DuckDB imports pandas where it is installed, at its first query with a parameter: half a second of every command.
"""

import sys
from importlib.abc import MetaPathFinder


class NotInstalled(MetaPathFinder):
    """Says of pandas what a user's machine says."""

    def find_spec(self, name, path=None, target=None):
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, NotInstalled())
