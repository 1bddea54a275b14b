"""Does an answer too long to be brought here whole say the same as a short one, page by page?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rakurs.app import asking
from rakurs.app.home import Home
from rakurs.app.rights import EVERYTHING
from rakurs.app.workspace import Workspace
from rakurs.core.answer import Answer
from rakurs.core.errors import UnknownName

NAMES = ("customer_rating", "rfm", "abc", "lifecycle", "profitability")
DRAWN_WHOLE = ("rfm", "lifecycle", "profitability")
PAGES = [
    {"limit": 2, "offset": 0},
    {"limit": 2, "offset": 2},
    {"limit": 3, "offset": 1, "sort": "-revenue"},
    {"limit": 50, "offset": 0, "sort": "customer"},
    {},
]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("long")
    orders = [
        f"{number},2026-03-{1 + number % 9:02},c{number % 6},{100 + 10 * (number % 4)},2026-03-{1 + number % 9:02}"
        for number in range(20)
    ]
    write(folder / "orders.csv", "order_id,ordered_at,customer_id,amount,paid_at", orders)
    lines = [f"{number},1,tea,1,{100 + 10 * (number % 4)},{60 + number}" for number in range(20)]
    write(folder / "order_lines.csv", "order_id,line_no,product_id,quantity,price,cost", lines)
    write(folder / "customers.csv", "customer_id,name", [f"c{number},Client {9 - number}" for number in range(5)])
    with Workspace.open(Home(folder / "home")) as company:
        company.load([folder / f"{name}.csv" for name in ("orders", "order_lines", "customers")])
        yield company


def write(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def asked(company: Workspace, name: str, page: dict[str, Any]) -> Answer:
    sort = str(page.get("sort", ""))
    if name in {"abc", "profitability"} and sort:
        page = {**page, "sort": "name" if sort == "customer" else "-value" if name == "abc" else sort}
    return company.answer(name, {"as_of": "2026-03-31"}, scope=EVERYTHING, **page)


def said(answer: Answer) -> tuple[Any, ...]:
    chart = sorted(answer.chart.to_pylist(), key=repr)
    return answer.table.to_pylist(), answer.total_rows, chart, answer.totals, answer.passport.sql


@pytest.mark.parametrize("page", PAGES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_a_long_answer_says_what_a_short_one_says(
    name: str, page: dict[str, Any], company: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = said(asked(company, name, page))
    assert short[1] == 6
    # A heatmap counts all rows, a curve is spread over all; other charts draw the first ones, here fewer.
    monkeypatch.setattr(asking, "WHOLE_ROWS", 3)
    monkeypatch.setattr(asking, "FIRST_ROWS", 2)
    company._cache._forget_all(-1)
    rows, total, chart, totals, sql = said(asked(company, name, page))
    assert (rows, total, totals, sql) == (short[0], short[1], short[3], short[4])
    assert chart == short[2] if name in DRAWN_WHOLE else len(chart) == 2


def test_a_long_answer_refuses_an_unknown_order(company: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "WHOLE_ROWS", 3)
    company._cache._forget_all(-1)
    with pytest.raises(UnknownName):
        asked(company, "rfm", {"limit": 2, "sort": "nothing"})
