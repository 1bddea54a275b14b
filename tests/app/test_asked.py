"""Is any split of any metrics a question like every other, with totals, members and files that agree?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from test_workspace import OWN, write_exports

from rakurs.app.asked import AnalysisAsked, PivotAsked, asked_of, kept_asked, narrowed
from rakurs.app.home import Home
from rakurs.app.rights import EVERYTHING
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadParameter, UnknownName

ALWAYS = {"period": "all"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    place = tmp_path_factory.mktemp("company")
    with Workspace.open(Home(place / "home")) as company:
        company.load([write_exports(place / "выгрузки")])
        yield company


def asked(*metrics: str, **more: Any) -> PivotAsked:
    return PivotAsked.model_validate({"metrics": metrics, "params": ALWAYS, **more})


def rows(company: Workspace, question: PivotAsked, *names: str) -> list[tuple[Any, ...]]:
    table = company.ask(question, scope=EVERYTHING).table.to_pylist()
    return [tuple(row[name] for name in names) for row in table]


class TestQuestion:
    def test_a_split_has_rows_greatest_first_names_beside_ids_and_totals_of_rates(self, company: Workspace) -> None:
        question = asked("deals_created", "win_rate", rows=["manager"])
        assert rows(company, question, "manager_id", "manager", "deals_created", "win_rate") == [
            ("anna", "Анна Белова", 2, 0.5),
            ("boris", "Борис Чёрный", 2, 1.0),
        ]
        totals = company.ask(question, scope=EVERYTHING).totals
        assert (totals["deals_created"], round(totals["win_rate"], 4)) == (4, 0.6667)

    def test_a_cell_opens_the_deals_its_first_metric_counts(self, company: Workspace) -> None:
        lost = asked("deals_lost", "deals_created", rows=["manager"])
        members = company.ask_members(lost, {"manager_id": "anna"}, scope=EVERYTHING)
        assert (members.entity, members.table["deal_id"].to_pylist()) == ("deals", ["3"])

    def test_two_splits_and_a_custom_field(self, company: Workspace) -> None:
        question = asked("deals_created", rows=["custom.Город доставки"], columns=["outcome"])
        assert set(rows(company, question, "custom_Город_доставки", "outcome", "deals_created")) == {
            ("Омск", "won", 1),
            ("Омск", "lost", 1),
            ("Тверь", "won", 1),
            (None, "open", 1),
        }

    def test_everybody_sees_the_same_question_over_their_own_rows(self, company: Workspace) -> None:
        question = asked("deals_created", rows=["manager"])
        answer = company.ask(question, scope=OWN)
        assert answer.table["manager_id"].to_pylist() == ["anna"]
        assert answer.totals["deals_created"] == 2

    def test_the_same_question_as_files(self, company: Workspace, tmp_path: Path) -> None:
        question = asked("revenue", rows=["manager"])
        target = tmp_path / "a.csv"
        company.ask_export(question, scope=EVERYTHING, kind="csv", language="ru", target=target)
        assert target.read_text().splitlines()[1].startswith('"anna","Анна Белова",1234.50')

    def test_numbers_without_a_split_are_tiles(self, company: Workspace) -> None:
        revenue, won = company.number_tiles(asked("revenue", "deals_won"), scope=EVERYTHING)
        assert (float(revenue.value), won.value) == (2234.5, 2)

    def test_an_analysis_is_asked_the_same_way(self, company: Workspace) -> None:
        by_name = company.answer("loss_reasons", {}, scope=EVERYTHING)
        assert company.ask(AnalysisAsked(name="loss_reasons"), scope=EVERYTHING).table == by_name.table


class TestTop:
    def test_the_rest_is_counted_together_and_stands_last_however_sorted(self, company: Workspace) -> None:
        question = asked("average_check", "revenue", rows=["manager"], top={"count": 1, "metric": "revenue"})
        expected = [("anna", 1234.5), ("__others__", 1000.0)]
        for sort in (None, "revenue", "-manager"):
            answer = company.ask(question, scope=EVERYTHING, sort=sort)
            found = [(row["manager_id"], float(row["revenue"])) for row in answer.table.to_pylist()]
            assert found == expected

    def test_the_rest_opens_its_own_members(self, company: Workspace) -> None:
        question = asked("deals_created", rows=["manager"], top={"count": 1})
        members = company.ask_members(question, {"manager_id": "__others__"}, scope=EVERYTHING)
        assert members.table["deal_id"].to_pylist() == ["2", "4"]


CONDITIONS = [
    ({"field": "manager", "values": ["anna"]}, ["1", "3"]),
    ({"field": "manager", "operator": "not_in", "values": ["anna"]}, ["2", "4"]),
    ({"field": "amount", "operator": "between", "low": "700", "high": "1000"}, ["2", "4"]),
    ({"field": "created", "operator": "between", "high": "2026-03-02"}, ["1", "2"]),
    ({"field": "custom.Город доставки", "operator": "empty"}, ["4"]),
    ({"field": "custom.Город доставки", "operator": "given"}, ["1", "2", "3"]),
    ({"field": "custom.Город доставки", "operator": "contains", "values": ["ОМ"]}, ["1", "3"]),
    ({"field": "custom.Город доставки", "values": ["Тверь", None]}, ["2", "4"]),
    ({"field": "custom.Город доставки", "operator": "not_in", "values": ["Тверь", None]}, ["1", "3"]),
    ({"field": "outcome", "values": ["won", "lost"]}, ["1", "2", "3"]),
]


@pytest.mark.parametrize(("where", "expected"), CONDITIONS, ids=str)
def test_conditions_leave_the_rows_they_name(company: Workspace, where: dict[str, Any], expected: list[str]) -> None:
    question = asked("deals_created", where=[where])
    assert company.ask_members(question, {}, scope=EVERYTHING).table["deal_id"].to_pylist() == expected
    assert rows(company, question, "deals_created") == [(len(expected),)]


class TestKept:
    def test_a_question_is_kept_short_and_read_back(self) -> None:
        question = asked("revenue", rows=["manager"], where=[{"field": "region", "values": ["Сибирь"]}])
        kept = kept_asked(question)
        assert "highlights" not in kept
        assert asked_of(kept) == question
        assert asked_of({"kind": "analysis", "name": "loss_reasons"}) == AnalysisAsked(name="loss_reasons")

    def test_what_is_wrong_is_named(self) -> None:
        with pytest.raises(BadParameter, match="top"):
            asked_of({"kind": "pivot", "metrics": ["revenue"], "rows": ["manager"], "top": {"count": 0}})
        with pytest.raises(ValidationError, match="named twice"):
            asked("revenue", rows=["manager"], columns=["manager"])

    def test_unknown_names_and_wrong_values_are_refused(self, company: Workspace) -> None:
        with pytest.raises(UnknownName, match="revenue"):
            company.ask(asked("revenu"), scope=EVERYTHING)
        where = {"field": "amount", "operator": "between", "low": "abc"}
        with pytest.raises(BadParameter, match="abc"):
            company.ask(asked("revenue", where=[where]), scope=EVERYTHING)
        with pytest.raises(BadParameter, match="amount"):
            company.ask(asked("revenue", rows=["amount"]), scope=EVERYTHING)

    def test_a_frame_of_its_own_narrows_any_question(self, company: Workspace) -> None:
        question = narrowed(asked("deals_created"), {"manager": "boris"})
        assert rows(company, question, "deals_created") == [(2,)]
