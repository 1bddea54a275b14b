"""A terminal reaches what people keep, with the rights of the person it acts for."""

import csv
import io
import json

import pytest

from processes import Machine
from routes import script

ASKED = {"kind": "pivot", "metrics": ["deals_created"], "rows": ["manager"], "params": {"period": "all"}}
_REPORTS = """
import json, sys
from rakurs.state.opening import open_state
open_state()
from rakurs.app.accounts import user_named
from rakurs.app.asked import asked_of
from rakurs.app.saved import create_report, save_version
asked = json.loads(sys.argv[1])
found = {}
for title, login, audience in (("Сделки", "boss", "private"), ("Всем", "boss", "everyone")):
    report = create_report(user_named(login), asked_of(asked), title=title, audience=audience)
    save_version(report, asked_of({**asked, "rows": ["department"]}), by=report.owner)
    found[title] = report.id
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def kept(loaded: Machine) -> dict[str, str]:
    """Two reports of the boss, at their second version: one private, one for the company."""
    loaded.run_all(
        [
            ("user", "create", "boss", "--role", "owner", "--scope", "all"),
            ("user", "create", "anna", "--role", "manager", "--employee", "m1"),
        ]
    )
    return script(loaded, _REPORTS, json.dumps(ASKED))


def test_a_report_is_listed_run_changed_and_copied_where_no_server_runs(loaded: Machine, kept: dict[str, str]) -> None:
    mine, shared = kept["Сделки"], kept["Всем"]
    as_json, as_anna = ("--format", "json"), ("--as", "anna")
    listed, hers, shown, history, table, her_table, said, copied = loaded.run_all(
        [
            ("reports", "list", *as_json),
            ("reports", "list", *as_json, *as_anna),
            ("reports", "show", mine),
            ("reports", "history", mine, *as_json),
            ("reports", "run", shared, "--format", "csv"),
            ("reports", "run", shared, *as_json, *as_anna),
            ("reports", "restore", mine, "1"),
            ("reports", "duplicate", shared, *as_anna),
        ]
    )
    assert {report["id"] for report in json.loads(listed)} == {mine, shared}
    assert [report["id"] for report in json.loads(hers)] == [shared]
    assert "Сделки" in shown
    assert [(one["number"], one["by"]) for one in json.loads(history)] == [(2, "boss"), (1, "boss")]
    assert {row["department"]: int(row["deals_created"]) for row in csv.DictReader(io.StringIO(table))} == {
        "Север": 4,
        "Юг": 2,
    }
    assert [row["deals_created"] for row in json.loads(her_table)["rows"]] == [4]
    assert "version 3" in said
    copy = copied.split()[-1]
    after, gone, left = loaded.run_all(
        [
            ("reports", "run", mine, *as_json),
            ("reports", "delete", copy, "--yes", *as_anna),
            ("reports", "list", *as_json, *as_anna),
        ]
    )
    assert {row["manager_id"] for row in json.loads(after)["rows"]} == {"m1", "m2"}
    assert "is gone" in gone
    assert [report["id"] for report in json.loads(left)] == [shared]


@pytest.mark.parametrize(
    ("command", "exit_code", "said"),
    [
        (("run", "Сделки", "--as", "anna"), 2, "report"),  # a private report of another's does not exist
        (("delete", "Всем", "--yes", "--as", "anna"), 1, "somebody else"),
        (("delete", "Всем"), 1, "--yes"),  # nobody is there to be asked
        (("restore", "Всем", "9"), 2, "version"),
        (("list", "--as", "ann"), 2, "anna"),
    ],
)
def test_nobody_gets_further_in_a_terminal_than_on_a_page(
    loaded: Machine, kept: dict[str, str], command: tuple[str, ...], exit_code: int, said: str
) -> None:
    assert said in loaded.run("reports", *(kept.get(word, word) for word in command), exit_code=exit_code)
