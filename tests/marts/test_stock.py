"""From when until when is a product there? By hand, with every odd count."""

from datetime import date, datetime
from typing import Any

from marts.test_calls import frame
from rakurs.core.mart import MartSettings
from rakurs.marts.stock import availability
from rakurs.schema import STOCK

FIRST, SECOND, THIRD = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 5)


def count(day: date, quantity: float, *, hour: int = 9, **more: Any) -> dict[str, Any]:
    at = datetime(day.year, day.month, day.day, hour)  # noqa: DTZ001 - as stored
    return {"product_id": "tea", "counted_on": day, "counted_epoch": at.timestamp(), "quantity": quantity, **more}


def test_a_count_holds_until_the_day_of_the_next_in_the_same_place() -> None:
    counts = [
        count(FIRST, 5, place="shop"),
        # Of two counts of a day the later one is believed; what is reserved is not free.
        count(SECOND, 7, place="shop"),
        count(SECOND, 3, hour=18, place="shop", reserved=3),
        count(THIRD, 1, place="shop"),
        count(SECOND, 0),
        count(THIRD, 4, deleted_at=datetime(2026, 3, 6)),  # noqa: DTZ001 - as stored
    ]
    rows = availability(settings=MartSettings(), stock=frame(STOCK, counts)).collect().to_native().to_dicts()
    assert sorted((row["place"], row["from_on"], row["until_on"], row["is_there"]) for row in rows) == [
        ("", SECOND, None, False),
        ("shop", FIRST, SECOND, True),
        ("shop", SECOND, THIRD, False),
        ("shop", THIRD, None, True),
    ]
