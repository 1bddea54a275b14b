"""A mapping that turned out wrong is put right: what was read by it is read again from the raw zone."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from rakurs.app.home import Home
from rakurs.app.workspace import Workspace
from rakurs.core.errors import UnreadableFile
from rakurs.core.source import FileMapping, TableMapping, Value
from rakurs.sources.files import profile_of

MAY = "№;Когда;Клиент;Товар;Скидка\n1;01.05.2026;Мак;Роза;100\n2;02.05.2026;Лён;Роза;250\n3;02.05.2026;Мак;Ива;дорого\n"
JUNE = "№;Когда;Клиент;Товар;Скидка\n4;01.06.2026;Мак;Ива;70\n"
OTHER = "order_id,ordered_at,amount\n9,2026-05-05,1\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Generator[Workspace]:
    with Workspace.open(Home(tmp_path / "home")) as workspace:
        yield workspace


def meaning(mapping: FileMapping, **columns: str) -> FileMapping:
    """`mapping` whose orders are made of these columns."""
    values = {"order_id": "№", "ordered_at": "Когда", "customer_id": "Клиент", **columns}
    orders = TableMapping(table="orders", values={name: Value(columns=(made_of,)) for name, made_of in values.items()})
    return replace(mapping, tables=(orders,))


def orders(workspace: Workspace) -> list[tuple[str, float | None, str | None]]:
    with workspace.reading() as reader:
        found = reader.collect(reader.frame("orders").select("order_id", "amount", "custom"))
    rows = ((row["order_id"], row["amount"], row["custom"]) for row in found.to_pylist())
    return sorted((name, None if amount is None else float(amount), custom) for name, amount, custom in rows)


@pytest.fixture
def wrong(workspace: Workspace, tmp_path: Path) -> Workspace:
    """Two files of one shape, loaded with the goods' names as money: all rows but one that is another file's are out."""
    paths = [tmp_path / name for name in ("май.csv", "июнь.csv", "orders.csv")]
    for path, text in zip(paths, (MAY, JUNE, OTHER), strict=True):
        path.write_text(text, encoding="utf-8")
    (part,) = workspace.inspect([paths[0]])
    workspace.remember(profile_of(meaning(part.mapping, amount="Товар"), columns=part.scan.columns))
    for path in paths:
        workspace.load([path])
    assert orders(workspace) == [("9", 1.0, None)]
    return workspace


def corrected(workspace: Workspace) -> tuple[Workspace, list[tuple[str, float | None, str | None]]]:
    part = workspace.loaded_before("май.csv")
    assert part is not None
    assert [guess.column for guess in part.guesses if guess.target == "amount"] == ["Товар"]
    assert part.preview[0] == ("1", "01.05.2026", "Мак", "Роза", "100")
    workspace.remember(profile_of(meaning(part.mapping, amount="Скидка"), columns=part.scan.columns))
    workspace.read_again("май.csv")
    return workspace, orders(workspace)


NOW_RIGHT = [
    ("1", 100.0, '{"Товар":"Роза"}'),
    ("2", 250.0, '{"Товар":"Роза"}'),
    ("4", 70.0, '{"Товар":"Ива"}'),
    ("9", 1.0, None),
]


def test_every_file_read_the_same_way_is_read_again(wrong: Workspace) -> None:
    version = wrong.data_version
    workspace, found = corrected(wrong)
    assert found == NOW_RIGHT
    assert workspace.data_version > version
    assert [row["value"] for row in workspace.quarantine().rows.to_pylist()] == ["дорого"]


def test_reports_of_the_loads_tell_the_new_counts(wrong: Workspace) -> None:
    workspace, _ = corrected(wrong)
    counts = {
        report.files[0].file: [(count.table, count.read, count.inserted, count.quarantined) for count in report.tables]
        for report in workspace.loads()
    }
    assert counts == {
        "май.csv": [("orders", 3, 2, 1)],
        "июнь.csv": [("orders", 1, 1, 0)],
        "orders.csv": [("orders", 1, 1, 0)],
    }


def test_a_correction_outlives_a_rebuild_and_a_lost_database(wrong: Workspace, tmp_path: Path) -> None:
    workspace, _ = corrected(wrong)
    workspace.rebuild()
    assert orders(workspace) == NOW_RIGHT
    workspace.close()
    for path in (tmp_path / "home" / "warehouse").glob("*.duckdb*"):
        path.unlink()
    with Workspace.open(Home(tmp_path / "home")) as workspace:
        workspace.rebuild()
        assert orders(workspace) == NOW_RIGHT


def test_the_same_file_again_is_known(wrong: Workspace, tmp_path: Path) -> None:
    workspace, _ = corrected(wrong)
    assert workspace.load([tmp_path / "май.csv"]).files[0].is_unchanged


def test_a_file_that_never_came_cannot_be_read_again(workspace: Workspace) -> None:
    assert workspace.loaded_before("май.csv") is None
    with pytest.raises(UnreadableFile):
        workspace.read_again("май.csv")
