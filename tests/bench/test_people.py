"""Is what people wait for measured on a real server, and is every answer one?"""

from pathlib import Path

from bench.company import Place, generated, table_files
from bench.people import FILES, REPORTS, people
from bench.report import markdown

from rakurs.app.home import Home
from rakurs.app.rights import EVERYTHING
from rakurs.app.workspace import Workspace


def test_people_at_work_are_measured(tmp_path: Path) -> None:
    place = Place(tmp_path, Home(tmp_path / "home"))
    with Workspace.open(place.home) as workspace:
        generated(place, customers=300, years=1, seed=3, today=workspace.today)
        workspace.load(table_files(place))
        rated = workspace.answer("customer_rating", {"period": "all"}, scope=EVERYTHING, limit=1).total_rows
    measured = people(place.home, count=4, seconds=2, seed=1)
    assert [view["name"] for view in measured["first"]] == ["home", *REPORTS]
    assert all(0 < view["cold_first"] <= view["cold"] and view["cold_cpu"] > 0 for view in measured["first"])
    crowd = measured["crowd"]
    assert crowd["failed"] == []
    assert crowd["views"] >= crowd["people"] == 4
    assert 0 < crowd["p50"] <= crowd["p95"] <= crowd["longest"]
    assert {file["kind"]: file["rows"] for file in measured["files"]} == dict.fromkeys(FILES, rated)
    table = markdown({"questions": [], "sizes": {}, "people": measured})
    assert table.count("| home |") == 1
