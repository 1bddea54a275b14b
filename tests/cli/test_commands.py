"""The command says what it can do, fails in one line, and starts quickly."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from processes import Machine
from rakurs.cli.root import COMMANDS, app

HEAVY = ("django", "pyspark", "scipy", "dbos", "granian", "pandas", "sklearn")


def test_help_lists_every_command(loaded: Machine) -> None:
    shown = loaded.run("--help")
    assert all(name in shown for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"], prog_name="rakurs")
    assert shown.exit_code == 0, shown.output
    assert f"rakurs {name} " in shown.output


def test_help_is_in_the_users_language(loaded: Machine) -> None:
    assert "Загрузить файлы" in Machine(loaded.home).run("--language", "ru", "load", "--help")


def test_help_comes_within_half_a_second_of_work(loaded: Machine) -> None:
    def seconds() -> float:
        """Of the processor, so that a busy machine does not count."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        loaded.run("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) < 0.5


@pytest.mark.parametrize("command", [("quarantine", "--format", "json"), ("run", "rfm", "--limit", "1")])
def test_a_question_imports_nothing_it_does_not_need(loaded: Machine, command: tuple[str, ...]) -> None:
    program = (
        f"import sys; sys.argv = {['rakurs', *command]!r}\n"
        "from rakurs.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=loaded.environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_an_unknown_name_exits_2_and_names_the_nearest(loaded: Machine) -> None:
    assert "deals" in loaded.run("template", "dealz", exit_code=2)


def test_an_unknown_command_exits_2(loaded: Machine) -> None:
    assert "dance" in loaded.run("dance", exit_code=2)


def test_a_missing_path_exits_2(loaded: Machine) -> None:
    assert "does not exist" in loaded.run("load", "/no/such/folder", exit_code=2)


def test_metrics_are_listed_and_pivoted(loaded: Machine) -> None:
    names = [metric["name"] for metric in loaded.json("metrics")]
    assert "revenue" in names
    answer = loaded.json("pivot", "revenue", "--by", "manager", "--period", "all", "--basis", "deals")
    assert {row["manager"]: row["revenue"] for row in answer["rows"]} == {"m1": 300, "m2": 500}


def test_doctor_and_rebuild_agree_before_and_after(loaded: Machine) -> None:
    before = loaded.json("pivot", "revenue", "--by", "manager", "--period", "all", "--basis", "deals")
    findings = loaded.json("doctor")
    loaded.run("rebuild")
    assert loaded.json("pivot", "revenue", "--by", "manager", "--period", "all", "--basis", "deals") == before
    assert loaded.json("doctor") == findings


def test_a_backup_comes_back_in_another_home(loaded: Machine, tmp_path) -> None:
    loaded.run("backup", str(tmp_path / "copy"))
    other = Machine(tmp_path / "other")
    other.run("restore", str(tmp_path / "copy"), "--yes")
    asked = ("pivot", "revenue", "--by", "manager", "--period", "all", "--basis", "deals")
    assert other.json(*asked) == loaded.json(*asked)


def test_the_made_up_company_is_written_the_same_twice(fresh: Machine, tmp_path) -> None:
    for folder in ("a", "b"):
        fresh.run(
            "demo", "--customers", "50", "--years", "1", "--today", "2026-01-01", "--files", str(tmp_path / folder)
        )
    assert json.loads((tmp_path / "a/truth/truth.json").read_text()) == json.loads(
        (tmp_path / "b/truth/truth.json").read_text()
    )


def test_the_made_up_company_never_mixes_with_real_rows(loaded: Machine) -> None:
    said = loaded.run("demo", "--customers", "50", "--years", "1", "--no-serve", exit_code=1)
    assert "other data" in said


def test_a_number_is_held_against_a_list(loaded: Machine, tmp_path: Path) -> None:
    ids = tmp_path / "ids.csv"
    ids.write_bytes("Номер;Сумма\nd1;100\nd2;150\n".encode("cp1251"))
    days = ("--from", "2026-01-01", "--to", "2026-01-31")
    document = loaded.json("reconcile", "won_amount", *days, "--ids", str(ids))
    assert (document["ours"], document["theirs"], document["difference"]) == (800, 250, -550)
    assert {row["deal_id"]: row["reason"] for row in document["rows"]} == {"d2": "amount", "d5": "not_listed"}
    assert "Another amount" in loaded.run("reconcile", "won_amount", *days, "--ids", str(ids))
    assert "list of deals" in loaded.run("reconcile", "won_amount", exit_code=2)


def test_a_segment_that_is_not_there_is_told_where_no_server_runs(loaded: Machine) -> None:
    assert "no-such" in loaded.run("run", "funnel", "--customer-segment", "no-such", exit_code=2)
