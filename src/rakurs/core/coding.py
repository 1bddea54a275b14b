"""Names as numbers: what counting in arrays needs of a column of ids, kinds or days."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def coded(values: pa.ChunkedArray) -> tuple[list[Any], NDArray[np.int64]]:
    """The different values in order, and of each row the number of its value; -1 of an empty one."""
    encoded = values.combine_chunks().dictionary_encode()
    met = encoded.dictionary.to_pylist()
    different = sorted(met)
    place = {value: number for number, value in enumerate(different)}
    # The last place is that of an empty row, which -1 points at.
    places = np.array([*(place[value] for value in met), -1], dtype=np.int64)
    return different, places[np.asarray(encoded.indices.fill_null(-1), dtype=np.int64)]
