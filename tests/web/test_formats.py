"""Is a number shown by the same rules on the page and on its charts?"""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from browsing import Visitor

from rakurs.app.formats import Format, bucket
from rakurs.core.periods import Grain
from rakurs.core.units import Unit

NBSP = "\u00a0"
RU, EN = Format(language="ru"), Format(language="en", currency="USD", timezone="Europe/London")


@pytest.mark.parametrize(
    ("value", "unit", "ru", "en"),
    [
        (Decimal("1234567.50"), Unit.MONEY, "1 234 567,50 ₽", "$1,234,567.50"),
        (Decimal(-1200), Unit.MONEY, "−1 200 ₽", "−$1,200"),
        (0.12345, Unit.SHARE, "12,3 %", "12.3%"),
        (1.0, Unit.SHARE, "100,0 %", "100.0%"),
        (0.0345, Unit.POINTS, "3,5 п.п.", "3.5 pp"),
        (1234567, Unit.COUNT, "1 234 567", "1,234,567"),
        (Decimal("2.500"), Unit.QUANTITY, "2,5", "2.5"),
        (0.25, Unit.HOURS, "15 мин", "15 min"),
        (47.9, Unit.HOURS, "47,9 ч", "47.9 h"),
        (48.0, Unit.HOURS, "2 дн.", "2 d"),
        (365.4, Unit.DAYS, "365 дн.", "365 d"),
        (95, Unit.SECONDS, "1 мин 35 с", "1 min 35 s"),
        (date(2026, 3, 5), Unit.DAY, "05.03.2026", "5 Mar 2026"),
        (datetime.fromisoformat("2026-03-05T21:30"), Unit.TIME, "06.03.2026 00:30", "5 Mar 2026 21:30"),
        (datetime(2026, 3, 5, 21, 30, tzinfo=UTC), Unit.TIME, "06.03.2026 00:30", "5 Mar 2026 21:30"),
        (True, Unit.FLAG, "да", "yes"),
        (None, Unit.MONEY, "—", "—"),
    ],
)
def test_value_in_full(value: object, unit: Unit, ru: str, en: str) -> None:
    assert RU.shown(value, unit).replace(NBSP, " ") == ru
    assert EN.shown(value, unit).replace(NBSP, " ") == en


@pytest.mark.parametrize(
    ("value", "ru", "en"),
    [
        (999, "999", "999"),
        (1000, "1 тыс.", "1K"),
        (15_249, "15,2 тыс.", "15.2K"),
        (999_960, "1 млн", "1M"),
        (-1_523_000, "−1,5 млн", "−1.5M"),
        (0.25, "0,3", "0.3"),
    ],
)
def test_value_in_short(value: float, ru: str, en: str) -> None:
    assert RU.compact(value, Unit.NUMBER).replace(NBSP, " ") == ru
    assert EN.compact(value, Unit.NUMBER).replace(NBSP, " ") == en


def test_change_of_a_rate_is_told_in_points() -> None:
    assert RU.change(0.034, Unit.POINTS).replace(NBSP, " ") == "+3,4 п.п."
    assert RU.change(-0.198, Unit.RATIO).replace(NBSP, " ") == "−19,8 %"


NUMBERS = [
    0,
    0.04,
    0.25,
    0.999,
    1,
    12.345,
    48,
    99.95,
    100,
    999.9,
    1000,
    15_249,
    999_949,
    999_951,
    1_500_000,
    2.5e9,
    -1.0,
    -1234.5,
]
UNITS = [Unit.MONEY, Unit.PRICE, Unit.COUNT, Unit.NUMBER, Unit.SHARE, Unit.RATIO, Unit.POINTS, Unit.DAYS, Unit.HOURS]


@pytest.mark.browser
@pytest.mark.parametrize("language", ["ru", "en"])
def test_charts_show_numbers_as_pages_do(visitor: Visitor, language: str) -> None:
    page = visitor.page(language=language)
    page.goto("/")
    form = Format(language=language)  # type: ignore[arg-type]
    asked = [[number, unit.code] for unit in UNITS for number in NUMBERS]
    said = page.evaluate(
        """async ([asked, place]) => {
            const formats = await import('/static/rakurs/formats.js');
            return asked.map(([value, unit]) => [formats.shown(value, unit, place), formats.compact(value, unit, place)]);
        }""",
        [asked, {"language": language, "currency": "RUB"}],
    )
    ours = [[form.shown(number, unit), form.compact(number, unit)] for unit in UNITS for number in NUMBERS]
    differ = [(a, b, c) for a, b, c in zip(asked, ours, said, strict=True) if b != c]
    assert differ == [], json.dumps(differ, ensure_ascii=False)


@pytest.mark.browser
def test_charts_name_buckets_as_pages_do(visitor: Visitor) -> None:
    page = visitor.page()
    page.goto("/")
    grains = [Grain.MONTH, Grain.QUARTER, Grain.YEAR]
    days = [date(2026, month, 1) for month in (1, 3, 5, 8, 10, 12)]
    for language in ("ru", "en"):
        said = page.evaluate(
            """async ([grains, days, place]) => {
                const formats = await import('/static/rakurs/formats.js');
                return grains.map((grain) => days.map((day) => formats.bucket(day, grain, place)));
            }""",
            [[grain.value for grain in grains], [day.isoformat() for day in days], {"language": language}],
        )
        assert said == [[bucket(day, grain, language) for day in days] for grain in grains]
