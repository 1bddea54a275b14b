"""Do numbers with and without suspect records differ exactly by these, within everybody's rights, and is it told?"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from rakurs.analyses import AREAS
from rakurs.app.asked import AnalysisAsked, PivotAsked
from rakurs.app.asked_rows import OF_DEALS, OF_SALES
from rakurs.app.company import Company
from rakurs.app.documents import pivot_document
from rakurs.app.home import Home
from rakurs.app.rights import EVERYTHING, Scope
from rakurs.app.workspace import Workspace

STAGES = """pipeline_id,stage_id,name,position,outcome
b2b,new,New,1,open
b2b,won,Won,2,won
b2b,lost,Lost,3,lost
"""
DEALS = """deal_id,pipeline_id,created_at,closed_at,stage_id,customer_id,manager_id,channel_id,amount
good,b2b,2026-03-01,2026-03-04,won,c1,anna,site,100
again,b2b,2026-03-01 10:00,2026-03-05,won,c1,anna,site,100
other,b2b,2026-03-02,2026-03-05,won,c2,boris,,200
twin,b2b,2026-03-02,2026-03-06,won,c2,boris,site,200
empty,b2b,2026-03-03,,new,c3,anna,site,
earlier,b2b,2026-02-01,2026-02-03,won,c4,anna,site,50
earlier too,b2b,2026-02-01,2026-02-03,won,c4,anna,site,50
"""
ORDERS = """order_id,ordered_at,customer_id,deal_id,amount
o1,2026-03-04,c1,again,1000
"""
ACTIVITIES = """activity_id,at,kind,deal_id,employee_id
a1,2026-03-04,call,good,anna
a2,2026-03-04,call,never heard of,anna
"""
MARCH = {"from_day": "2026-03-01", "to_day": "2026-03-31"}
OWN = Scope(kind="own", employee_id="anna")
SUSPECT_IN_MARCH = {"again", "twin", "empty"}
ANALYSES = [analysis for area in AREAS for analysis in area.analyses]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("suspects")
    for name, text in {"stages": STAGES, "deals": DEALS, "orders": ORDERS, "activities": ACTIVITIES}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    with Workspace.open(Home(folder / "home")) as opened:
        opened.load(sorted(folder.glob("*.csv")))
        yield opened


def metrics(company: Workspace, scope: Scope = EVERYTHING, **params: str) -> tuple[dict[str, Any], list[Any]]:
    names = ["deals_created", "won_amount", "revenue"]
    answer = company.pivot(names, [], params={**MARCH, "basis": "deals", **params}, scope=scope)
    return answer.table.to_pylist()[0], list(answer.left_out)


def test_metrics_differ_exactly_by_the_suspect_deals_and_say_how_many(company: Workspace) -> None:
    everything, nothing_left_out = metrics(company)
    trusted, [left_out] = metrics(company, records="trusted")
    assert nothing_left_out == []
    assert (everything["deals_created"], trusted["deals_created"]) == (5, 5 - len(SUSPECT_IN_MARCH))
    assert everything["won_amount"] - trusted["won_amount"] == left_out.amount == Decimal(300)
    assert everything["revenue"] - trusted["revenue"] == Decimal(300)
    assert left_out.rows == len(SUSPECT_IN_MARCH)


def test_a_limited_user_is_told_of_suspect_deals_of_his_own_only(company: Workspace) -> None:
    trusted, [left_out] = metrics(company, OWN, records="trusted")
    assert (trusted["deals_created"], trusted["won_amount"]) == (1, Decimal(100))
    assert (left_out.rows, left_out.amount) == (2, Decimal(100))


def test_a_sale_that_is_an_order_is_a_record_of_its_own(company: Workspace) -> None:
    answer = company.pivot(["revenue"], [], params={**MARCH, "basis": "orders", "records": "trusted"}, scope=EVERYTHING)
    assert (answer.table["revenue"][0].as_py(), answer.left_out) == (Decimal(1000), ())


def test_a_report_and_its_deals_leave_the_same_records_out(company: Workspace) -> None:
    asked = PivotAsked(metrics=("deals_created",), rows=("manager",), params={**MARCH, "records": "trusted"})
    answer = company.ask(asked, scope=EVERYTHING)
    assert {row["manager_id"]: row["deals_created"] for row in answer.table.to_pylist()} == {"anna": 1, "boris": 1}
    [left_out] = answer.passport.left_out
    assert (left_out.rows, left_out.amount) == (3, Decimal(300))
    members = company.ask_members(asked, {}, scope=EVERYTHING)
    assert set(members.table["deal_id"].to_pylist()) == {"good", "other"}


@pytest.mark.parametrize(
    ("name", "rows", "amount"),
    [
        ("managers", 3, 300),
        ("customer_rating", 2, 300),
        ("pipeline_as_of", 1, 0),
        ("pipeline_changes", 3, 300),
        ("why_changed", 4, 350),
    ],
)
def test_the_passport_of_an_analysis_counts_those_of_its_question(
    company: Workspace, name: str, rows: int, amount: int
) -> None:
    days = {"as_of": "2026-03-31"} if name == "pipeline_as_of" else MARCH
    answer = company.ask(AnalysisAsked(name=name, params={**days, "records": "trusted"}), scope=EVERYTHING)
    left_out = answer.passport.left_out[0]
    assert (left_out.rows, left_out.amount) == (rows, Decimal(amount))


def test_the_company_chooses_what_is_suspect(company: Workspace) -> None:
    before = company.company
    try:
        company.settle(before.model_copy(update={"suspect_rules": ("no_source",)}))
        trusted, [left_out] = metrics(company, records="trusted")
        assert (trusted["deals_created"], left_out.rows, left_out.amount) == (4, 1, Decimal(200))
        company.settle(before.model_copy(update={"suspect_rules": ()}))
        assert metrics(company, records="trusted") == metrics(company)
    finally:
        company.settle(before)
    with pytest.raises(ValueError, match="no_such is none of"):
        Company(suspect_rules=("no_such",))


def test_the_doctor_tells_of_rows_that_refer_to_what_is_not_there(company: Workspace) -> None:
    [finding] = company.doctor()
    assert finding.what.en == "1 rows of activities refer (deal_id) to what is not in deals"


def test_what_is_left_out_is_told_in_documents_too(company: Workspace) -> None:
    answer = company.pivot(["deals_created"], [], params={**MARCH, "records": "trusted"}, scope=EVERYTHING)
    document = pivot_document(["deals_created"], [], answer, "en")
    assert document["left_out"] == [{"reason": "Suspect deals", "rows": 3, "amount": 300.0}]


def test_whatever_can_be_asked_without_suspect_records_reads_some() -> None:
    asked = [analysis for analysis in ANALYSES if "records" in analysis.params.model_fields]
    assert len(asked) > 10
    blind = [a.name for a in asked if not {table.name for table in a.inputs.values()} & (OF_DEALS | OF_SALES)]
    assert blind == []
