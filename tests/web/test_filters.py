"""Do pills and addresses say what the parameters declare?"""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from rakurs.app.formats import Format
from rakurs.core.params import PeriodParams, parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.web.filters import Filters, filters_of, short_params
from rakurs.web.links import cell_of, members_query, query


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"


def words(text: str) -> Text:
    return Text(ru=text, en=text)


class Params(PeriodParams):
    side: Side = parameter(Side.LEFT, words("Сторона"), labels={Side.LEFT: words("слева"), Side.RIGHT: words("справа")})
    who: tuple[str, ...] = parameter((), words("Кто"), options="people")
    where: str | None = parameter(None, words("Где"), options="places")
    least: Decimal | None = parameter(None, words("Не меньше"), unit=Unit.MONEY, is_advanced=True)
    is_new: bool = parameter(False, words("Новые"))


PEOPLE = tuple((str(number), f"Имя {number}") for number in range(40))


def filters(**given: object) -> Filters:
    options = {"people": PEOPLE, "places": (("n", "Север"), ("s", "Юг"))}
    return filters_of(Params(**given), options=lambda name: options[name], form=Format(language="ru"))  # type: ignore[arg-type]


def test_period_comes_first_and_advanced_ones_hide() -> None:
    shown = filters()
    assert shown.primary[0].kind == "period"
    assert {pill.name for pill in shown.more} >= {"least", "as_of"}
    assert not shown.given


def test_kinds_follow_types() -> None:
    shown = filters()
    kinds = {pill.name: pill.kind for pill in (*shown.primary, *shown.more)}
    assert kinds == {
        "period": "period",
        "side": "select",
        "who": "search",
        "where": "select",
        "is_new": "select",
        "least": "number",
        "as_of": "day",
    }


def test_values_are_said_in_words() -> None:
    shown = filters(side="right", who=("3", "4"), where="s", least="1500", from_day=date(2026, 1, 1))
    said = {pill.name: pill.shown for pill in (*shown.primary, *shown.more)}
    assert said["period"] == "с 01.01.2026"
    assert said["side"] == "справа"
    assert said["who"] == "Имя 3 +1"
    assert said["where"] == "Юг"
    assert said["least"] == "1500"
    assert {pill.name for pill in (*shown.primary, *shown.more) if pill.is_active} == {
        "period",
        "side",
        "who",
        "where",
        "least",
    }


def test_address_leaves_defaults_out() -> None:
    assert short_params(Params()) == {}
    assert short_params(Params(from_day=date(2026, 1, 1))) == {"from_day": "2026-01-01"}
    assert query(short_params(Params(side=Side.RIGHT, who=("3", "4")))) == "?side=right&who=3&who=4"


def test_cell_survives_the_way_through_an_address() -> None:
    assert (
        members_query({"side": "right"}, {"stage": "a b", "reason": None}) == "?side=right&cell.stage=a+b&cell.reason="
    )
    assert cell_of({"side": "right", "cell.stage": "a b", "cell.reason": ""}) == {"stage": "a b", "reason": None}
