"""Files come in through the command, and every row is accounted for."""

import os
import signal
import subprocess
import time
from pathlib import Path

from processes import Machine, write_table
from rakurs.schema import DEALS


def counts(report: dict) -> dict[str, dict]:
    return {table["table"]: table for table in report["tables"]}


def test_a_folder_loads_and_each_row_is_counted(fresh: Machine, files: Path) -> None:
    report = counts(fresh.json("load", str(files)))
    assert report["deals"]["inserted"] == 6
    assert (report["orders"]["read"], report["orders"]["inserted"], report["orders"]["quarantined"]) == (5, 4, 1)
    for count in report.values():
        parts = ("inserted", "updated", "unchanged", "quarantined", "repeated")
        assert count["read"] == sum(count[part] for part in parts)


def test_the_same_folder_again_changes_nothing(fresh: Machine, files: Path) -> None:
    first = fresh.json("load", str(files))
    again = fresh.json("load", str(files))
    assert again["data_version"] == first["data_version"]
    assert all(count["inserted"] == count["updated"] == 0 for count in again["tables"])


def test_the_table_form_shows_the_same_counts(fresh: Machine, files: Path) -> None:
    shown = fresh.run("load", str(files))
    assert "Quarantined" in shown
    assert "rakurs quarantine" in shown


def test_a_broken_row_is_in_quarantine_with_its_place(loaded: Machine) -> None:
    page = loaded.json("quarantine")
    assert page["total"] == 1
    (row,) = page["rows"]
    assert (row["table_name"], row["column_name"], row["value"], row["file"]) == (
        "orders",
        "ordered_at",
        "some day",
        "orders.csv",
    )
    assert row["row_number"] == 6
    assert "some day" in loaded.run("quarantine", "--table", "orders")


def test_a_template_is_the_header_of_its_table(loaded: Machine, tmp_path: Path) -> None:
    target = tmp_path / "deals.csv"
    loaded.run("template", "deals", "--output", str(target))
    header = target.read_text(encoding="utf-8-sig").splitlines()[0].split(",")
    assert header == list(DEALS.names)


def test_a_new_shape_is_proposed_confirmed_and_remembered(fresh: Machine, tmp_path: Path) -> None:
    rows = [{"Заявка": f"Z-{n}", "Покупатель": f"ООО {n}", "Отгрузочный код": "Ж"} for n in range(1, 6)]
    target = write_table(tmp_path, "нечто", rows)
    done = fresh.done("load", str(target))
    assert done.returncode == 1
    assert "нечто.csv" in done.stderr
    profile = next((fresh.home / "profiles" / "proposed").glob("*.yaml"))
    assert f"--profile {profile}" in done.stdout
    assert "customers.customer_id" in done.stdout
    assert fresh.json("loads") == []
    fresh.run("load", str(target), "--profile", str(profile))
    again = fresh.json("load", str(target))
    assert {count["table"]: count["unchanged"] for count in again["tables"]}["customers"] == 5


def test_a_file_that_cannot_be_read_is_refused_in_one_line(fresh: Machine, tmp_path: Path) -> None:
    strange = tmp_path / "broken.xlsx"
    strange.write_bytes(b"PK\x03\x04" + bytes(200))
    said = fresh.run("load", str(strange), exit_code=1)
    assert "broken.xlsx" in said
    assert len(said.strip().splitlines()) == 1


def test_ctrl_c_leaves_the_old_state(fresh: Machine, files: Path, tmp_path: Path) -> None:
    fresh.run("load", str(files))
    before = fresh.json("loads")
    many = [
        {"order_id": f"x{n}", "ordered_at": "2026-03-01T10:00:00", "customer_id": "c1", "amount": n}
        for n in range(200_000)
    ]
    big = write_table(tmp_path / "big", "orders", many)
    process = fresh.start("load", str(big), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    while not any((fresh.home / "warehouse" / "raw").rglob("orders/*.unfinished")):  # the engine begins to write it
        assert process.poll() is None
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    assert fresh.json("loads") == before
    assert "Stopped" in err
