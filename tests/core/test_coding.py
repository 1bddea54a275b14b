"""Are names numbered in their order, and empty rows kept apart?"""

from datetime import date

import pyarrow as pa
import pytest

from rakurs.core.coding import coded


@pytest.mark.parametrize(
    ("values", "names", "codes"),
    [
        (pa.chunked_array([["b", None], ["a", "b"]]), ["a", "b"], [1, -1, 0, 1]),
        (pa.chunked_array([[date(2026, 2, 1), date(2026, 1, 1)]]), [date(2026, 1, 1), date(2026, 2, 1)], [1, 0]),
        (pa.chunked_array([[None, None]], pa.string()), [], [-1, -1]),
        (pa.chunked_array([], pa.string()), [], []),
    ],
)
def test_names_are_numbered_in_their_order(values: pa.ChunkedArray, names: list[object], codes: list[int]) -> None:
    found, numbers = coded(values)
    assert (found, numbers.tolist()) == (names, codes)
