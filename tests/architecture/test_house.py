"""Does the house stand as its plan says? Who may name whom, and do folders and catalogues agree?"""

import ast
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest

import rakurs
from rakurs.analyses import AREAS
from rakurs.core.analysis import Analysis, ChartKind
from rakurs.marts import MARTS
from rakurs.metrics import METRICS
from rakurs.schema import TABLES

SOURCE = Path(rakurs.__file__).parent
ROOT = SOURCE.parent.parent
TESTS = Path(__file__).resolve().parents[1]
VENDORS = ("bitrix", "amocrm", "kommo", "commerceml", "calltouch", "comagic", "mango", "metrica")
ANALYSES = {analysis.name for area in AREAS for analysis in area.analyses}
WORDS_OF_OTHERS = {table.name for table in TABLES} | {mart.table.name for mart in MARTS} | set(get_args(ChartKind))
"""An analysis may share its name with a table or a kind of chart; those may be named."""


def modules_outside(folder: str) -> list[Path]:
    return [path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] != folder]


def words_in(path: Path) -> Iterator[tuple[int, str]]:
    """(line, word) for each string constant and each imported name of a module, docstrings left out."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    docstrings = {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, part) for part in node.module.split("."))
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr


def test_the_reader_of_modules_sees_names_in_every_form(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('"""rfm"""\nfrom rakurs.analyses.clients import rfm\nif name == "rfm": rfm.run()\n')
    assert [line for line, word in words_in(module) if word == "rfm"] == [2, 3]


@pytest.mark.parametrize("path", modules_outside("analyses"), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_outside_analyses_names_an_analysis(path: Path) -> None:
    theirs = ANALYSES - WORDS_OF_OTHERS - {"abc"}
    assert not {(line, word) for line, word in words_in(path) if word in theirs or word.startswith("rakurs.analyses.")}


@pytest.mark.parametrize("path", modules_outside("sources"), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_module_outside_sources_names_a_vendor(path: Path) -> None:
    text = path.read_text(encoding="utf-8").lower()
    assert not [vendor for vendor in VENDORS if vendor in text]


def test_each_analysis_module_is_in_the_catalogue_of_its_folder() -> None:
    for area in AREAS:
        folder = SOURCE / "analyses" / area.name
        modules = [import_module(f"rakurs.analyses.{area.name}.{path.stem}") for path in folder.glob("[!_]*.py")]
        found = {module.ANALYSIS.name for module in modules if isinstance(getattr(module, "ANALYSIS", None), Analysis)}
        assert found == {analysis.name for analysis in area.analyses}
        assert {analysis.area for analysis in area.analyses} == {area.name}


def test_each_analysis_lives_in_the_module_that_bears_its_name() -> None:
    for area in AREAS:
        for analysis in area.analyses:
            assert (SOURCE / "analyses" / area.name / f"{analysis.name}.py").exists()


def test_names_are_unique() -> None:
    names = [analysis.name for area in AREAS for analysis in area.analyses]
    assert len(names) == len(set(names))
    tables = [table.name for table in TABLES] + [mart.table.name for mart in MARTS]
    assert len(tables) == len(set(tables))


def test_every_mart_a_metric_reads_has_an_owner() -> None:
    for metric in METRICS:
        for measure in metric.measures:
            assert {"manager_id", "department", "branch"} <= set(measure.mart.names), measure.mart.name


def test_every_input_of_an_analysis_can_be_limited_by_rights() -> None:
    from rakurs.app.rights import HELD_BY, OWNER_COLUMNS, OWNERLESS

    for area in AREAS:
        for analysis in area.analyses:
            for table in analysis.inputs.values():
                known = {*OWNERLESS, *HELD_BY, "customers"}
                assert table.name in known or set(OWNER_COLUMNS) <= set(table.names), (analysis.name, table.name)


def test_every_module_opens_with_a_docstring() -> None:
    for path in SOURCE.rglob("*.py"):
        if "migrations" not in path.parts:
            assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_modules_stay_readable() -> None:
    too_long = {
        str(path.relative_to(ROOT)): length
        for folder in (SOURCE, TESTS)
        for path in folder.rglob("*.py")
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > 600
    }
    assert not too_long


def test_lock_files_name_no_host() -> None:
    locks = [*(ROOT / "requirements").glob("*.txt"), ROOT / "assets" / "package-lock.json"]
    for lock in locks:
        assert "://" not in lock.read_text(encoding="utf-8").replace("https://opencollective.com", ""), lock


def test_the_version_is_said_once() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == rakurs.__version__


def test_decision_records_are_numbered_once_and_say_their_number() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [record.name.partition("-")[0] for record in records]
    assert len({*numbers}) == len(numbers), numbers
    for number, record in zip(numbers, records, strict=True):
        assert record.read_text(encoding="utf-8").startswith(f"# {int(number)}. "), record.name


@pytest.mark.xdist_group("together")
def test_tests_of_one_group_run_in_one_worker(request: pytest.FixtureRequest) -> None:
    """The plugin marks an item's id with its group; what it marked by went unread once, and nothing said so."""
    if getattr(request.config.option, "loadgroup", False):
        assert request.node.nodeid.endswith("@together")


def test_test_modules_are_told_apart_by_their_names() -> None:
    """Folders of tests that are no packages share one space of names: two of one name cannot be collected."""
    lone = [path for path in TESTS.rglob("test_*.py") if not (path.parent / "__init__.py").exists()]
    names = Counter(path.name for path in lone)
    assert [name for name, count in names.items() if count > 1] == []
