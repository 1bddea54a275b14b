"""The semantic layer: one number = one definition, split, filtered and compared the same way everywhere."""

from rakurs.metrics.catalogue import DIMENSIONS, FIELDS, METRICS, dimension_named, metric_named
from rakurs.metrics.computed import measure_named
from rakurs.metrics.cut import Cut
from rakurs.metrics.pivot import pivot
from rakurs.metrics.series import series, series_columns

__all__ = [
    "DIMENSIONS",
    "FIELDS",
    "METRICS",
    "Cut",
    "dimension_named",
    "measure_named",
    "metric_named",
    "pivot",
    "series",
    "series_columns",
]
