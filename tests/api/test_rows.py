"""Rows sent while the server is killed: is every answered one there, exactly once, and in the answers within seconds?"""

from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from offices import Office
from processes import Machine, Served
from rakurs.app.home import Home
from rakurs.app.workspace import Workspace


@pytest.fixture
def fresh(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "fresh-home")


def order(number: int, **more: Any) -> dict[str, Any]:
    return {"order_id": f"n{number}", "ordered_at": "2026-03-01T10:00:00", "amount": 10, "customer_id": "c1", **more}


def orders(client: httpx.Client) -> int:
    body = {"params": {"basis": "orders", "as_of": "2026-03-31"}}
    told = client.post("/api/v1/analyses/sales_dynamics/answer", json=body).json()
    return sum(row["sales"] for row in told.get("rows", []))


def until(client: httpx.Client, rows: int, *, seconds: float = 20) -> float:
    began = monotonic()
    while (found := orders(client)) != rows:
        assert monotonic() - began < seconds, found
        sleep(0.05)
    return monotonic() - began


def test_rows_become_numbers_within_seconds_and_a_repeat_changes_nothing(fresh: Machine) -> None:
    with fresh.served() as served, served.local() as client:
        sent = client.post("/api/v1/rows/orders", json=[order(1), order(2)])
        assert (sent.status_code, sent.json()) == (202, {"accepted": 2})
        until(client, 2)
        assert client.post("/api/v1/rows/orders", json=order(2)).status_code == 202
        assert client.post("/api/v1/rows/orders", json=order(3)).status_code == 202
        until(client, 3)
        for body, words in ((b"{", "JSON"), (b"[]", "object"), (b'[{"amount": 1}]', "order_id")):
            refused = client.post("/api/v1/rows/orders", content=body, headers={"Accept-Language": "en"})
            assert refused.status_code == 422, refused.text
            assert words in refused.text
        many = client.post("/api/v1/rows/orders", json=[order(number, status="x" * 200) for number in range(10_000)])
        assert (many.status_code, many.json()) == (202, {"accepted": 10_000})
        until(client, 10_000)
        huge = client.post("/api/v1/rows/orders", json=[order(20_000, status="x" * (6 << 20))])
        assert huge.status_code == 422
        assert "5 MB" in huge.text or "5 МБ" in huge.text
        assert client.post("/api/v1/rows/ordres", json=[order(1)]).status_code == 404


def test_only_who_may_load_hands_rows_over(office: Office) -> None:
    with office.as_("anna") as anna:
        assert anna.post("/api/v1/rows/orders", json=[order(1)]).status_code == 403
    with office.served.client() as nobody:
        assert nobody.post("/api/v1/rows/orders", json=[order(1)]).status_code == 401


def test_every_answered_row_is_there_exactly_once_though_the_server_is_killed_twice(fresh: Machine) -> None:
    answered: set[str] = set()
    for round_number in range(2):
        with fresh.served() as served:
            killed = Event()
            senders = [
                Thread(target=_send, args=(served, killed, 10_000 * round_number + 1_000 * place, answered))
                for place in range(4)
            ]
            for sender in senders:
                sender.start()
            sleep(2.5 + round_number)
            served.kill()
            killed.set()
            for sender in senders:
                sender.join()
    assert len(answered) > 200
    with fresh.served():
        began = monotonic()
        while list((fresh.home / "inbox").iterdir()):
            assert monotonic() - began < 60
            sleep(0.2)
    with Workspace.open(Home(fresh.home)) as workspace, workspace.reading() as reader:
        rows = reader.collect(reader.frame("orders").select("order_id", "amount")).to_pylist()
        sales = reader.collect(reader.frame("sales").select("sale_id", "revenue")).to_pylist()
    ids = [row["order_id"] for row in rows]
    assert len(ids) == len(set(ids)) == len(sales)
    assert answered <= set(ids)
    assert {int(row["revenue"]) for row in sales} == {10}


def _send(served: Served, killed: Event, first: int, answered: set[str]) -> None:
    with served.local() as client:
        for number in range(first, first + 1_000):
            rows = [order(number * 10 + place) for place in range(3)]
            try:
                sent = client.post("/api/v1/rows/orders", json=rows, timeout=10)
            except httpx.TransportError:
                return
            if sent.status_code == 202:
                answered.update(row["order_id"] for row in rows)
            if killed.is_set():
                return
