"""Does a command go without pandas, and does whoever needs it get it whole?"""

import subprocess
import sys

TRIED = """
import sys
from rakurs.app.lean_start import load_pandas, start_lean

start_lean()
try:
    import pandas
except ModuleNotFoundError:
    print("hidden")
load_pandas()
import pandas
print(hasattr(sys.modules["pandas"], "DataFrame"))
"""


def test_pandas_is_hidden_until_it_is_asked_for() -> None:
    told = subprocess.run([sys.executable, "-c", TRIED], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["hidden", "True"]
