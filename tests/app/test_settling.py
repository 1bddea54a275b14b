"""Do numbers follow the company's settings, whole, and do the former stand when something goes wrong on the way?"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from processes import small_company
from rakurs.app.asked import PivotAsked
from rakurs.app.company import Company, company_of
from rakurs.app.home import Home
from rakurs.app.rights import EVERYTHING
from rakurs.app.workspace import Workspace
from rakurs.core.text import Text

FROM_DEALS, FROM_ORDERS = 800, 10002
"""Three won deals of 100, 200 and 500; four orders of 1000.50, 2000.50, 3000.50 and 4000.50."""


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Home(tmp_path / "home")) as company:
        company.load([small_company(tmp_path / "files")])
        yield company


def revenue(company: Workspace, **params: str) -> float:
    answer = company.pivot(["revenue"], [], params={"period": "all", **params}, scope=EVERYTHING)
    return float(answer.table.column("revenue")[0].as_py())


def of_the_builder(company: Workspace) -> float:
    asked = PivotAsked(metrics=("revenue",), params={"period": "all"})
    return float(company.ask(asked, scope=EVERYTHING).table.column("revenue")[0].as_py())


@pytest.mark.parametrize(("basis", "expected"), [("deals", FROM_DEALS), ("orders", FROM_ORDERS)])
def test_revenue_follows_the_basis_of_the_company_wherever_it_is_asked(
    company: Workspace, basis: str, expected: float
) -> None:
    company.settle(company.company.model_copy(update={"revenue_basis": basis}))
    assert revenue(company) == expected
    assert of_the_builder(company) == expected
    assert (revenue(company, basis="deals"), revenue(company, basis="orders")) == (FROM_DEALS, FROM_ORDERS)
    assert company_of(company.home).revenue_basis == basis


def fiscal_years(company: Workspace) -> set[int]:
    """The months the fiscal years of the calendar begin with."""
    with company._warehouse.reading() as reader:
        return {day.month for day in reader.collect(reader.frame("calendar")).column("fiscal_year").to_pylist()}


class Stopped(Exception):
    """Somebody pulled the plug."""


def test_settings_that_stop_on_the_way_leave_data_and_settings_as_they_were(company: Workspace) -> None:
    company.settle(Company(name="Ракурс", fiscal_year_start=4))
    kept, version = company.home.company_file.read_text(encoding="utf-8"), company.data_version
    steps: list[Text] = []

    def stop(step: Text, *, done: int, total: int) -> None:
        steps.append(step)
        if len(steps) > 1:
            raise Stopped

    for changed in ({"fiscal_year_start": 7}, {"timezone": "Asia/Vladivostok"}):
        steps.clear()
        with pytest.raises(Stopped):
            company.settle(company.company.model_copy(update=changed), progress=stop)
        assert company.home.company_file.read_text(encoding="utf-8") == kept
        assert company.company == company_of(company.home)
        assert (fiscal_years(company), company.data_version) == ({4}, version)
        assert revenue(company, basis="orders") == FROM_ORDERS
    company.settle(company.company.model_copy(update={"fiscal_year_start": 7}))
    assert fiscal_years(company) == {7}


@pytest.mark.parametrize("zone", ["Mars/Base", "Europe", "../etc"])
def test_a_zone_nobody_knows_is_no_setting(zone: str) -> None:
    with pytest.raises(ValueError, match="timezone"):
        Company(timezone=zone)
