"""Do hand-written SQL and polars, made from the definitions alone, give the same ten answers as we do?"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from bench.agreement import agree, disagreements
from bench.company import Place, copied_for_peers, fill_peer_database, generated, table_files
from bench.peers import polars_answer, sql_answer
from bench.questions import QUESTIONS, WITHOUT_PEERS, Question, asked, peer_values

from rakurs.analyses import AREAS, analysis_named
from rakurs.app.home import Home
from rakurs.app.rights import EVERYTHING
from rakurs.app.workspace import Workspace

CUSTOMERS = 2_000
CASES = [
    pytest.param(question, params, id=f"{question.name}-{'-'.join(map(str, params.values())) or 'default'}")
    for question in QUESTIONS
    for params in (question.measured, *question.variants)
]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("bench")
    place = Place(folder, Home(folder / "home"))
    with Workspace.open(place.home) as workspace:
        generated(place, customers=CUSTOMERS, years=2, seed=3, today=workspace.today)
        workspace.load(table_files(place))
    copied_for_peers(place, tell=lambda _: None)
    return place


@pytest.fixture(scope="session")
def company(place: Place) -> Iterator[Workspace]:
    with Workspace.open(place.home) as workspace:
        yield workspace


@pytest.fixture(scope="session")
def bare_database(place: Place) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        fill_peer_database(connection, place.parquet)
        yield connection


@pytest.mark.parametrize(("question", "params"), CASES)
def test_sql_and_polars_agree_with_us(
    question: Question,
    params: Mapping[str, Any],
    company: Workspace,
    place: Place,
    bare_database: duckdb.DuckDBPyConnection,
) -> None:
    ours = company.answer(question.name, params, scope=EVERYTHING).table
    assert ours.num_rows > 0
    values = peer_values(question, asked(analysis_named(question.name), params, today=company.today))
    wanted = {"key": question.key, "compared": question.compared}
    assert disagreements(ours, sql_answer(bare_database, question.name, values), **wanted) == []
    assert disagreements(ours, polars_answer(place.parquet, question.name, values), **wanted) == []


def test_every_analysis_is_measured() -> None:
    known = {analysis.name for area in AREAS for analysis in area.analyses}
    assert {question.name for question in QUESTIONS} | WITHOUT_PEERS == known


def test_a_difference_is_named() -> None:
    ours = pa.table({"day": [date(2026, 1, 1), date(2026, 1, 2)], "sales": [1, 2]})
    theirs = pa.table({"day": [date(2026, 1, 1), date(2026, 1, 3)], "sales": [1.5, 2]})
    found = disagreements(ours, theirs, key=["day"], compared=["sales"])
    assert len(found) == 3
    assert any("sales" in sentence and "1.5" in sentence for sentence in found)


def test_absent_agrees_only_with_absent() -> None:
    assert agree(None, None)
    assert not agree(0, None)
    assert agree(1, 1.0)
    assert not agree(1, 1.000001)


def test_a_place_is_used_again(place: Place, tmp_path: Path) -> None:
    before = place.peers.stat().st_mtime_ns
    copied_for_peers(place, tell=lambda _: None)
    assert place.peers.stat().st_mtime_ns == before
    assert not (tmp_path / "peers.duckdb").exists()
