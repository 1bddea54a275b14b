"""The ways one analysis can be asked: every choice of every enumerated parameter, periods, filters."""

from enum import Enum
from itertools import product
from random import Random
from typing import Any

from company import TODAY
from rakurs.core.analysis import Analysis
from rakurs.core.params import Params, PeriodParams

PERIODS: list[dict[str, Any]] = [
    {},
    {"period": "this_month"},
    {"from_day": "2026-01-01", "to_day": "2026-03-31"},
    {"from_day": "2026-02-10", "to_day": "2026-05-20"},
    {"as_of": "2026-02-28"},
    {"from_day": "2027-01-01", "to_day": "2027-01-31"},
]
FILTERS: list[dict[str, Any]] = [
    {},
    {"pipeline": "sales"},
    {"manager": "anna", "channel": "site"},
    {"amount_from": 100, "amount_to": 250.5},
]


def every_choice(model: type[Params]) -> list[dict[str, Any]]:
    """Every combination of the values of the enumerated parameters, but the period."""
    enums = {
        name: list(field.annotation)
        for name, field in model.model_fields.items()
        if name != "period" and isinstance(field.annotation, type) and issubclass(field.annotation, Enum)
    }
    return [dict(zip(enums, values, strict=True)) for values in product(*enums.values())]


def some_variants(analysis: Analysis, seed: int, *, count: int) -> list[Params]:
    """`count` random ways to ask, the plain one first."""
    random = Random(f"{analysis.name} {seed}")
    model = analysis.params
    chosen: list[dict[str, Any]] = [{}]
    for _ in range(count - 1):
        asked = dict(random.choice(every_choice(model)))
        asked |= (
            random.choice(PERIODS) if issubclass(model, PeriodParams) else random.choice([{}, {"as_of": "2026-02-28"}])
        )
        wanted = random.choice(FILTERS)
        asked |= {name: value for name, value in wanted.items() if name in model.model_fields}
        chosen.append(asked)
    return [model.model_validate(asked).bound(TODAY) for asked in chosen]
