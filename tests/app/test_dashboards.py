"""Do tiles stand where they may, and does each question take what is chosen for the whole dashboard?"""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rakurs.analyses import AREAS, analysis_named
from rakurs.app.asked import AnalysisAsked, PivotAsked, Where
from rakurs.app.dashboard_filters import Chosen, DashboardParams, chosen_of, fitted
from rakurs.app.dashboards import (
    COLUMNS,
    Layout,
    NumberTile,
    Place,
    QuestionTile,
    Tile,
    WordsTile,
    free_place,
    kept_tiles,
    layout_of,
    tile_of,
)
from rakurs.app.params import checked_params
from rakurs.app.pivots import pivot_analysis
from rakurs.app.ready_dashboards import HOME_OF, READY
from rakurs.core.errors import BadParameter, UnknownName
from rakurs.metrics import measure_named
from rakurs.state.roles import ROLES

TODAY = date(2026, 3, 20)


def tile(tile_id: str, x: int, y: int, w: int, h: int) -> Tile:
    return Tile(id=tile_id, place=Place(x=x, y=y, w=w, h=h), content=WordsTile(heading=tile_id))


def places(layout: Layout) -> dict[str, tuple[int, int]]:
    return {item.id: (item.place.x, item.place.y) for item in layout.tiles}


@pytest.mark.parametrize(
    "wrong",
    [
        {"x": 12, "y": 0, "w": 1, "h": 1},
        {"x": 6, "y": 0, "w": 7, "h": 1},
        {"x": -1, "y": 0, "w": 1, "h": 1},
        {"x": 0, "y": 0, "w": 0, "h": 1},
        {"x": 0, "y": 0, "w": 1, "h": 21},
    ],
)
def test_a_tile_beyond_the_grid_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(BadParameter):
        tile_of({"place": wrong, "content": {"kind": "number", "metric": "revenue"}})


def test_two_tiles_of_one_id_are_refused() -> None:
    kept = {"id": "a", "place": {"x": 0, "y": 0, "w": 1, "h": 1}, "content": {"kind": "words", "heading": "A"}}
    with pytest.raises(BadParameter):
        layout_of([kept, kept])


def test_a_tile_of_no_known_kind_or_question_is_refused() -> None:
    place = {"x": 0, "y": 0, "w": 1, "h": 1}
    for content in ({"kind": "clock"}, {"kind": "question", "asked": {"kind": "analysis"}}, {"kind": "number"}):
        with pytest.raises(BadParameter):
            tile_of({"place": place, "content": content})


def test_tiles_rise_into_empty_rows_and_make_room_for_each_other() -> None:
    low = Layout(tiles=(tile("a", 0, 3, 6, 2), tile("b", 6, 9, 6, 2), tile("c", 0, 4, 12, 1))).settled
    assert places(low) == {"a": (0, 0), "c": (0, 2), "b": (6, 3)}


@given(
    st.lists(
        st.tuples(st.integers(0, 11), st.integers(0, 20), st.integers(1, 12), st.integers(1, 6)), min_size=1, max_size=9
    )
)
def test_settled_tiles_never_share_a_cell_and_settle_once(drawn: list[tuple[int, int, int, int]]) -> None:
    tiles = tuple(tile(f"t{n}", x, y, min(w, COLUMNS - x), h) for n, (x, y, w, h) in enumerate(drawn))
    layout = Layout(tiles=tiles).settled
    settled = [item.place for item in layout.tiles]
    assert not any(one.meets(other) for n, one in enumerate(settled) for other in settled[n + 1 :])
    assert layout.settled == layout
    assert {item.id: item.place.w for item in layout.tiles} == {item.id: item.place.w for item in tiles}


def test_a_new_tile_stands_beside_the_last_where_there_is_room() -> None:
    layout = Layout(tiles=(tile("a", 0, 0, 3, 2),))
    assert free_place(layout, NumberTile(metric="revenue")) == Place(x=3, y=0, w=3, h=2)
    wide = Layout(tiles=(tile("a", 0, 0, 12, 2),))
    assert free_place(wide, NumberTile(metric="revenue")) == Place(x=0, y=2, w=3, h=2)


# -- ready ones ----------------------------------------------------------------------------------------


def test_ready_dashboards_are_settled_and_survive_being_kept() -> None:
    for ready in READY.values():
        assert ready.layout.settled == ready.layout, ready.name
        assert layout_of(kept_tiles(ready.layout)).tiles == ready.layout.tiles, ready.name


def test_ready_dashboards_ask_what_can_be_asked() -> None:
    for ready in READY.values():
        for item in ready.layout.tiles:
            if isinstance(item.content, NumberTile):
                measure_named(item.content.metric)
            elif isinstance(item.content, QuestionTile):
                asked = item.content.asked
                if isinstance(asked, AnalysisAsked):
                    checked_params(analysis_named(asked.name).params, asked.params)
                else:
                    pivot_analysis(asked, basis="deals")


def test_every_role_has_a_home() -> None:
    assert set(HOME_OF) == set(ROLES)
    assert set(HOME_OF.values()) <= set(READY)


# -- what is chosen for all ----------------------------------------------------------------------------


def chosen(params: dict[str, Any] | None = None, **where: tuple[str | None, ...]) -> Chosen:
    return Chosen(params=checked_params(DashboardParams, params or {}), where=where)


def fit(asked: AnalysisAsked | PivotAsked, what: Chosen, **how: bool) -> Any:
    options = {"own_period": False, "fits_grain": False, **how}
    return fitted(asked, what, today=TODAY, **options)


def test_an_address_says_what_is_chosen_and_back() -> None:
    parts = {"period": ["this_month"], "f.manager": ["m1", "m2"], "f.stage": [""]}
    found = chosen_of(parts)
    assert found.where == {"manager": ("m1", "m2"), "stage": (None,)}
    assert found.address == {"period": "this_month", "f.manager": ["m1", "m2"], "f.stage": [""]}
    assert chosen_of({}).address == {}
    with pytest.raises(UnknownName):
        chosen_of({"f.managre": ["m1"]})
    with pytest.raises(BadParameter):
        chosen_of({"period": ["someday"]})


def test_an_analysis_takes_the_days_and_the_filters_it_has() -> None:
    take = fit(AnalysisAsked(name="funnel"), chosen({"period": "last_7_days"}, manager=("m1",), category=("Tea",)))
    assert take.asked.params == {"period": "last_7_days", "manager": "m1"}
    assert [text.en for text in take.unfit] == ["Product category"]


def test_records_are_chosen_for_a_whole_dashboard_where_a_tile_can_be_asked_so() -> None:
    what = chosen_of({"records": ["trusted"]})
    assert what.address == {"records": "trusted"}
    for asked in (PivotAsked(metrics=("revenue",)), AnalysisAsked(name="funnel")):
        assert fit(asked, what).asked.params["records"] == "trusted"
    assert "Records" in [unfit.en for unfit in fit(AnalysisAsked(name="stock_cover"), what).unfit]


def test_an_analysis_of_one_value_refuses_two_and_the_absent_one() -> None:
    for values in (("m1", "m2"), (None,)):
        take = fit(AnalysisAsked(name="funnel"), chosen(manager=values))
        assert "manager" not in take.asked.params
        assert [text.en for text in take.unfit] == ["Manager"]


def test_custom_days_take_the_place_of_a_named_period() -> None:
    asked = AnalysisAsked(name="funnel", params={"period": "last_365_days"})
    take = fit(asked, chosen({"from_day": "2026-01-01", "to_day": "2026-01-31"}))
    assert take.asked.params == {"from_day": "2026-01-01", "to_day": "2026-01-31"}


def test_a_tile_with_its_own_period_keeps_it() -> None:
    asked = AnalysisAsked(name="funnel", params={"period": "last_365_days"})
    assert fit(asked, chosen({"period": "today"}), own_period=True).asked.params == {"period": "last_365_days"}


def test_an_analysis_without_a_period_says_so() -> None:
    name = next(a.name for area in AREAS for a in area.analyses if "period" not in a.params.model_fields)
    assert "Period" in [text.en for text in fit(AnalysisAsked(name=name), chosen({"period": "today"})).unfit]


def test_a_pivot_takes_filters_its_metrics_have_beside_its_own() -> None:
    own = Where(field="manager", values=("m1",))
    asked = PivotAsked(metrics=("deals_won",), rows=("channel",), where=(own,))
    take = fit(asked, chosen(stage=("s1", None), brand=("Bosch",)))
    assert take.asked.where == (own, Where(field="stage", values=("s1", None)))
    assert [text.en for text in take.unfit] == ["Brand"]


def test_two_filters_that_no_mart_has_together_are_not_both_taken() -> None:
    # Revenue by pipeline is in the sales, by product in their lines; none has both.
    take = fit(PivotAsked(metrics=("revenue",)), chosen(pipeline=("p",), brand=("Bosch",)))
    assert [item.field for item in take.asked.where] == ["pipeline"]
    assert len(take.unfit) == 1


@pytest.mark.parametrize(
    ("period", "bucket"), [("last_30_days", "day"), ("last_90_days", "week"), ("last_365_days", "month")]
)
def test_a_line_is_split_as_suits_the_period(period: str, bucket: str) -> None:
    asked = PivotAsked(metrics=("revenue",), rows=("month", "channel"))
    assert fit(asked, chosen({"period": period}), fits_grain=True).asked.rows == (bucket, "channel")
    assert fit(asked, chosen({"period": period})).asked.rows == ("month", "channel")


def test_a_computed_measure_is_filtered_through_what_it_is_made_of() -> None:
    asked = PivotAsked(metrics=("revenue / deals_created",))
    take = fit(asked, chosen(manager=("m1",), stage=("s1",)))
    assert [item.field for item in take.asked.where] == ["manager"]
    assert [text.en for text in take.unfit] == ["Stage"]
