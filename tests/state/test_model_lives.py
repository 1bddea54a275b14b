"""What becomes of a model that is killed while it learns, has nobody to score, or nothing to learn from?"""

import re
import time
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from processes import Machine, write_table

FIRST = date(2024, 1, 1)
PATIENCE = 240
"""Seconds a fit may take on a busy machine."""


def test_a_killed_fit_goes_on_by_itself(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "home")
    machine.run("demo", "--customers", "1000", "--no-serve")
    machine.run("user", "create", "owner", "--role", "owner", "--scope", "all")
    key = re.search(r"rk_\S+", machine.run("token", "create", "owner"))
    assert key is not None
    with machine.served() as served, served.client(Authorization=f"Bearer {key[0]}") as client:
        assert client.post("/api/v1/models/churn/fit").status_code == 202
        begun = _fit_when(client, lambda fit: fit["status"] in {"learning", "scoring"})
        served.kill()
    with machine.served() as served, served.client(Authorization=f"Bearer {key[0]}") as client:
        ended = _fit_when(client, lambda fit: fit["finished_at"] is not None)
        assert (ended["id"], ended["status"]) == (begun["id"], "ready")
        assert len(client.get("/api/v1/models/churn").json()["fits"]) == 1
    assert machine.json("run", "churn_risk", "--limit", "1")["rows"]


def test_nobody_to_score_is_an_empty_answer(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "home")
    machine.run("load", *map(str, _finished_deals(tmp_path / "files")))
    said = machine.run("models", "fit", "win")
    assert "in force" in said or "ready" in said, said
    (standing,) = (line for line in machine.json("models", "list") if line["name"] == "win")
    assert standing["scored_rows"] == 0
    assert machine.json("run", "win_chances")["rows"] == []


def test_what_was_said_is_held_against_what_came(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "home")
    orders = _lives(customers=400, days=700)
    said_on = FIRST + timedelta(days=580)
    machine.run(
        "load", str(write_table(tmp_path / "then", "orders", [o for o in orders if o["ordered_at"] <= said_on]))
    )
    machine.run("models", "fit", "churn")
    scored = {row["customer_id"]: row["risk"] for row in machine.json("run", "churn_risk", "--limit", "1000")["rows"]}
    assert machine.json("models", "show", "churn")["records"] == []
    machine.run("load", str(write_table(tmp_path / "now", "orders", orders)))
    machine.run("models", "fit", "churn")
    (record,) = machine.json("models", "show", "churn")["records"]
    until = said_on + timedelta(days=90)
    assert (record["scored_on"], record["until"], record["rows"]) == (str(said_on), str(until), len(scored))
    bought = {order["customer_id"] for order in orders if said_on < order["ordered_at"] <= until}
    gone = {customer: customer not in bought for customer in scored}
    assert record["came"] == pytest.approx(sum(gone.values()) / len(gone))
    assert record["predicted"] == pytest.approx(sum(scored.values()) / len(scored))
    # To a thousandth of a probability the order is that of the scores.
    pairs = [
        (risk > other) + (risk == other) / 2
        for risk, is_gone in ((scored[one], gone[one]) for one in gone)
        if is_gone
        for other in (scored[two] for two in gone if not gone[two])
    ]
    assert record["auc"] == pytest.approx(sum(pairs) / len(pairs), abs=0.003)
    assert record["low"] < record["came"] < record["high"]


def test_a_company_without_data_is_told_what_is_lacking(tmp_path: Path) -> None:
    names = ("cancelling", "churn", "groups", "leads", "lifetime", "offers", "uplift", "win")
    for name, said in zip(
        names, Machine(tmp_path / "home").run_all([("models", "fit", name) for name in names]), strict=True
    ):
        assert "more needed" in said, name


def _fit_when(client: httpx.Client, is_so: Any) -> dict[str, Any]:
    """The latest fit of churn as soon as it `is_so`."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        fits = client.get("/api/v1/models/churn").json()["fits"]
        if fits and is_so(fits[0]):
            return fits[0]
        time.sleep(0.05)
    raise AssertionError(fits)


def _lives(*, customers: int, days: int) -> list[dict[str, Any]]:
    """Orders of people who come about once a month; a third of them leave for good at some time."""
    random = Random(1)
    orders: list[dict[str, Any]] = []
    for number in range(customers):
        ends = random.randrange(days) if number % 3 == 0 else days
        day = random.randrange(200)
        while day < ends:
            order = {"order_id": f"o{len(orders)}", "customer_id": f"c{number}", "amount": 100}
            orders.append({**order, "ordered_at": FIRST + timedelta(days=day)})
            day += 1 + int(random.expovariate(1 / 30))
    return orders


def _finished_deals(folder: Path) -> list[Path]:
    """Two deals of each of 300 days, one won and one lost within a month; none is open."""
    first = date.today() - timedelta(days=400)  # noqa: DTZ011 - the day of this machine, as the command sees it
    stages = [("new", 1, "open"), ("won", 2, "won"), ("lost", 3, "lost")]
    deals, events = [], []
    for number in range(600):
        created, outcome = first + timedelta(days=number // 2), ("won", "lost")[number % 2]
        closed = created + timedelta(days=20 + number % 10)
        deal = {"deal_id": f"d{number}", "pipeline_id": "p", "stage_id": outcome, "amount": 100 + number}
        deals.append({**deal, "created_at": created, "closed_at": closed})
        event = {"deal_id": f"d{number}", "pipeline_id": "p"}
        events += [
            {**event, "stage_id": "new", "entered_at": created},
            {**event, "stage_id": outcome, "entered_at": closed},
        ]
    return [
        write_table(folder, "pipelines", [{"pipeline_id": "p", "name": "Sales"}]),
        write_table(
            folder,
            "stages",
            [
                {"pipeline_id": "p", "stage_id": stage, "name": stage, "position": place, "outcome": outcome}
                for stage, place, outcome in stages
            ],
        ),
        write_table(folder, "deals", deals),
        write_table(folder, "deal_stage_events", events),
    ]
