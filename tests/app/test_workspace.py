"""From the files a company has to answers: is the whole path right, and does it stay right?"""

import csv
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from rakurs.analyses import AREAS
from rakurs.app.home import Home
from rakurs.app.rights import EVERYTHING, Scope
from rakurs.app.upkeep import restored
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadInput, UnknownName, WarehouseBusy

STAGES = """pipeline_id;stage_id;name;position;outcome
b2b;new;Новая;1;open
b2b;offer;Предложение;2;open
b2b;won;Успех;3;won
b2b;lost;Отказ;4;lost
"""
EMPLOYEES = """employee_id;name;department;branch
anna;Анна Белова;Опт;Север
boris;Борис Чёрный;Розница;Юг
"""
DEALS = """deal_id;pipeline_id;created_at;closed_at;stage_id;customer_id;manager_id;amount;Город доставки
1;b2b;01.03.2026;04.03.2026;won;c1;anna;1 234,50;Омск
2;b2b;02.03.2026;05.03.2026;won;c2;boris;1000;Тверь
3;b2b;03.03.2026;06.03.2026;lost;c1;anna;500;Омск
4;b2b;04.03.2026;;offer;c3;boris;700;
5;b2b;31.02.2026;;new;c3;boris;900;
"""
ALL_NAMES = [analysis.name for area in AREAS for analysis in area.analyses]
OWN = Scope(kind="own", employee_id="anna")


def write_exports(folder: Path) -> Path:
    """The company's exports: Windows-1251, semicolons, decimal commas, one impossible date."""
    folder.mkdir()
    for name, text in (("stages", STAGES), ("employees", EMPLOYEES), ("deals", DEALS)):
        (folder / f"{name}.csv").write_bytes(text.encode("cp1251"))
    return folder


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The company as loaded, for tests that only ask."""
    place = tmp_path_factory.mktemp("company")
    with Workspace.open(Home(place / "home")) as company:
        company.load([write_exports(place / "выгрузки")])
        yield company


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_exports(tmp_path / "выгрузки")


@pytest.fixture
def workspace(tmp_path: Path, folder: Path) -> Iterator[Workspace]:
    """The company in a home of its own, for tests that change it."""
    with Workspace.open(Home(tmp_path / "home")) as workspace:
        workspace.load([folder])
        yield workspace


def revenue(workspace: Workspace, scope: Scope = EVERYTHING) -> list[tuple[str, float]]:
    rows = workspace.answer("customer_rating", {}, scope=scope).table.to_pylist()
    return [(row["customer_id"], float(row["revenue"])) for row in rows if row["sales"]]


def test_files_become_answers(company: Workspace) -> None:
    assert revenue(company) == [("c1", 1234.5), ("c2", 1000.0)]


def test_the_impossible_date_is_in_quarantine_with_its_place(company: Workspace) -> None:
    page = company.quarantine()
    (row,) = page.rows.to_pylist()
    assert (row["file"], row["row_number"], row["column_name"], row["value"]) == (
        "deals.csv",
        6,
        "created_at",
        "31.02.2026",
    )
    assert page.total == 1
    assert page.by_rule[0][:2] == ("deals", "not_a_time")


def test_a_corrected_file_answers_the_quarantine(workspace: Workspace, folder: Path) -> None:
    (folder / "deals.csv").write_bytes(DEALS.replace("31.02.2026", "28.02.2026").encode("cp1251"))
    report = workspace.load([folder / "deals.csv"])
    (deals,) = [count for count in report.tables if count.table == "deals"]
    assert (deals.read, deals.inserted, deals.unchanged, deals.quarantined) == (5, 1, 4, 0)
    assert workspace.quarantine().total == 0


def test_loading_the_same_again_changes_nothing(workspace: Workspace, folder: Path) -> None:
    before = workspace.data_version
    report = workspace.load([folder])
    assert workspace.data_version == before
    assert all(file.is_unchanged for file in report.files)
    assert sum(count.inserted + count.updated for count in report.tables) == 0


def test_an_unknown_column_becomes_a_custom_field_one_can_split_by(company: Workspace) -> None:
    answer = company.pivot(["won_amount"], ["custom.Город доставки"], params={"period": "all"}, scope=EVERYTHING)
    first, *values = answer.table.column_names
    found = {row[first]: float(row[values[0]]) for row in answer.table.to_pylist()}
    assert found["Омск"] == 1234.5
    assert found["Тверь"] == 1000.0


@pytest.mark.parametrize("name", ALL_NAMES)
def test_every_question_has_an_answer_and_a_passport(company: Workspace, name: str) -> None:
    answer = company.answer(name, {}, scope=EVERYTHING)
    assert answer.table.column_names == [column.name for column in answer.columns]
    assert answer.passport.data_version == company.data_version
    assert answer.passport.inputs
    if answer.status == "ok":
        assert answer.passport.sql.lower().startswith(("select", "with"))
    else:
        assert answer.missing
        assert answer.table.num_rows == 0


@pytest.mark.parametrize("name", ALL_NAMES)
def test_an_empty_home_says_what_is_missing(tmp_path: Path, name: str) -> None:
    with Workspace.open(Home(tmp_path / "empty")) as workspace:
        answer = workspace.answer(name, {}, scope=EVERYTHING)
    assert answer.status == "not_enough_data"
    assert answer.missing[0].have == 0


def test_a_limited_user_sees_own_rows_in_answers_members_and_exports(company: Workspace, tmp_path: Path) -> None:
    assert revenue(company) == [("c1", 1234.5), ("c2", 1000.0)]
    assert revenue(company, OWN) == [("c1", 1234.5)]
    members = company.members("funnel", {}, {}, scope=OWN)
    assert members.table["deal_id"].to_pylist() == ["1", "3"]
    target = company.export("managers", {}, scope=OWN, kind="csv", language="ru", target=tmp_path / "own.csv")
    with target.open(encoding="utf-8") as file:
        assert [row["manager_id"] for row in csv.DictReader(file)] == ["anna"]


@pytest.mark.parametrize("name", ALL_NAMES)
@pytest.mark.parametrize(
    "scope", [Scope(kind="own"), Scope(kind="department", department="Опт'--"), Scope(kind="branch", branch="Запад")]
)
def test_a_scope_that_reaches_nobody_gets_no_number(company: Workspace, name: str, scope: Scope) -> None:
    answer = company.answer(name, {}, scope=scope)
    assert answer.status == "not_enough_data" or answer.table.num_rows == 0


def test_options_name_only_what_a_user_may_see(company: Workspace) -> None:
    assert company.options("manager", scope=EVERYTHING) == (("anna", "Анна Белова"), ("boris", "Борис Чёрный"))
    assert company.options("manager", scope=OWN) == (("anna", "Анна Белова"),)


def test_members_come_in_pages_with_what_identifies_them(company: Workspace) -> None:
    first = company.members("funnel", {}, {}, scope=EVERYTHING, limit=3)
    rest = company.members("funnel", {}, {}, scope=EVERYTHING, limit=3, offset=3)
    assert first.total_rows == rest.total_rows == 4
    assert first.table["deal_id"].to_pylist() + rest.table["deal_id"].to_pylist() == ["1", "2", "3", "4"]
    assert first.table["manager"].to_pylist() == ["Анна Белова", "Борис Чёрный", "Анна Белова"]


def test_a_cell_names_only_columns_of_the_answer(company: Workspace) -> None:
    with pytest.raises(UnknownName) as caught:
        company.members("funnel", {}, {"stage": "won"}, scope=EVERYTHING)
    assert caught.value.did_you_mean == "stage_id"


def test_paging_and_sorting_of_an_answer(company: Workspace) -> None:
    by_revenue = company.answer("customer_rating", {}, scope=EVERYTHING, sort="revenue", limit=2)
    assert by_revenue.total_rows == 3
    assert by_revenue.table["customer_id"].to_pylist() == ["c3", "c2"]
    with pytest.raises(UnknownName):
        company.answer("customer_rating", {}, scope=EVERYTHING, sort="revenu")


def test_exports_keep_types(company: Workspace, tmp_path: Path) -> None:
    paths = {
        kind: company.export(
            "customer_rating", {}, scope=EVERYTHING, kind=kind, language="ru", target=tmp_path / f"rating.{kind}"
        )
        for kind in ("xlsx", "csv", "parquet", "json")
    }
    book = CalamineWorkbook.from_path(paths["xlsx"])
    head, first, *_ = book.get_sheet_by_name("Данные").to_python()
    cells = dict(zip(head, first, strict=True))
    assert cells["Выручка"] == 1234.5
    assert date(2026, 3, 4) in cells.values()
    assert any("Что это за число" in row for row in book.get_sheet_by_name("Паспорт").to_python())
    assert str(pq.read_table(paths["parquet"]).schema.field("revenue").type) == "decimal128(38, 2)"
    assert json.loads(paths["json"].read_text())["rows"][0]["revenue"] == 1234.5
    assert pl.read_csv(paths["csv"])["revenue"][0] == 1234.5


def test_an_archive_is_asked_as_of_its_own_last_day(company: Workspace) -> None:
    assert company.today == date(2026, 3, 6)
    assert company.answer("customer_rating", {}, scope=EVERYTHING).params["as_of"] == "2026-03-06"


def test_tiles_of_a_period_against_the_one_before(company: Workspace) -> None:
    tiles = {tile.metric: tile for tile in company.tiles({"period": "last_7_days"}, scope=EVERYTHING)}
    assert float(tiles["revenue"].value) == 2234.5
    assert tiles["deals_won"].value == 2
    assert tiles["win_rate"].value == pytest.approx(2 / 3)
    assert [day for day, _, _ in tiles["revenue"].spark][-1] == date(2026, 3, 6)


def test_another_time_zone_is_another_business_day(workspace: Workspace, folder: Path) -> None:
    late = "order_id,ordered_at,customer_id,amount\n1,2026-03-10T22:30:00Z,c1,10\n"
    (folder / "orders.csv").write_text(late)
    workspace.load([folder / "orders.csv"])
    assert workspace.today == date(2026, 3, 11)
    workspace.load([folder / "orders.csv"], timezone="UTC")
    assert workspace.today == date(2026, 3, 10)


def test_rebuild_gives_the_same_answers(workspace: Workspace) -> None:
    before = {name: workspace.answer(name, {}, scope=EVERYTHING).table for name in ALL_NAMES}
    workspace.rebuild()
    for name, table in before.items():
        assert workspace.answer(name, {}, scope=EVERYTHING).table.equals(table), name


def test_a_backup_comes_back_whole(workspace: Workspace, folder: Path, tmp_path: Path) -> None:
    copy = workspace.backup(tmp_path / "copy")
    before = revenue(workspace)
    (folder / "deals.csv").write_bytes(DEALS.replace("1 234,50", "9").encode("cp1251"))
    workspace.load([folder])
    assert revenue(workspace) != before
    with pytest.raises(BadInput):
        workspace.backup(tmp_path / "copy")
    workspace.close()
    restored(workspace.home, copy)
    with Workspace.open(workspace.home) as again:
        assert revenue(again) == before


def test_a_backup_holds_what_was_set_up_and_what_waits(workspace: Workspace, tmp_path: Path) -> None:
    home = workspace.home
    kept = {
        home.outbox_file: "{}",
        home.connections / "c1" / "settings.json": '{"webhook": "…"}',
        home.connections / "prefixes.json": "{}",
        home.connections / "c1" / "told" / "000000000001.events": "line\n",
        home.inbox / "000000000001.events": "line\n",
    }
    half = home.connections / "c1" / "runs" / "r1" / "deals.jsonl"
    for path, text in {**kept, half: "half"}.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
    copy = workspace.backup(tmp_path / "copy")
    workspace.close()
    other = Home(tmp_path / "other")
    restored(other, copy)
    for path, text in kept.items():
        there = other.path / path.relative_to(home.path)
        assert there.read_text(encoding="utf-8") == text
        assert there.stat().st_mode & 0o077 == 0
    assert not (other.path / half.relative_to(home.path)).exists()


def test_a_home_has_one_owner(company: Workspace) -> None:
    import subprocess
    import sys

    script = (
        "import sys; from pathlib import Path; from rakurs.app.home import Home;"
        "from rakurs.app.workspace import Workspace; Workspace.open(Home(Path(sys.argv[1])))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(company.home.path)], capture_output=True, text=True, check=False
    )
    assert run.returncode != 0
    assert WarehouseBusy.__name__ in run.stderr


def test_the_doctor_names_what_waits_and_the_next_step(company: Workspace) -> None:
    (finding,) = [item for item in company.doctor() if item.level == "warning"]
    assert "quarantine" in finding.what.en
    assert finding.next_step is not None


def test_a_profile_confirmed_once_is_remembered(workspace: Workspace, folder: Path) -> None:
    path = folder / "касса.csv"
    path.write_text("opportunity_id,account,engage_date,close_value\nA,Isdom,2026-04-05,100\nB,Isdom,2026-04-06,50\n")
    (inspected,) = workspace.inspect([path])
    assert inspected.recognised_by == "proposal"
    workspace.remember(inspected.profile)
    (inspected,) = workspace.inspect([path])
    assert inspected.recognised_by == "profile"
    workspace.load([path])
    members = workspace.members("managers", {}, {"manager_id": ""}, scope=EVERYTHING)
    assert [(row["deal_id"], row["customer_id"]) for row in members.table.to_pylist()] == [
        ("A", "Isdom"),
        ("B", "Isdom"),
    ]


@pytest.mark.parametrize(
    ("currencies", "company", "revenue_of_first"),
    [(("USD", "USD"), "USD", 1234.5), (("USD", ""), "RUB", None), (("USD", "EUR"), "RUB", None)],
)
def test_the_only_currency_of_the_first_load_is_the_companys(
    tmp_path: Path, currencies: tuple[str, str], company: str, revenue_of_first: float | None
) -> None:
    path = tmp_path / "orders.csv"
    rows = (f"{number},2026-03-0{number + 1},c{number},1234.5,{code}" for number, code in enumerate(currencies))
    path.write_text("\n".join(["order_id,ordered_at,customer_id,amount,currency", *rows]))
    with Workspace.open(Home(tmp_path / "home")) as workspace:
        workspace.load([path])
        assert workspace.company.currency == company
        rating = workspace.answer("customer_rating", {}, scope=EVERYTHING).table.to_pylist()
        first = next(row for row in rating if row["customer_id"] == "c0")
        assert float(first["revenue"] or 0) == (revenue_of_first or 0)
