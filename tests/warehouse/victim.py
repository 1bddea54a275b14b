"""A process that owns a warehouse and does as it is told; the tests kill it."""

from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rakurs.warehouse.warehouse import Warehouse
from warehouse.arriving import delivery
from warehouse.trial_marts import TOTALS_MART


def main(home: Path, size: int, parent: Connection) -> None:
    warehouse = Warehouse.open(home, timezone="UTC", currency="RUB", memory_limit="300MB")
    files = home.parent / "files"
    files.mkdir(exist_ok=True)
    while True:
        version = parent.recv()
        if version is None:
            parent.send(state(warehouse))
            continue
        if version == "rebuild":
            warehouse.rebuild((TOTALS_MART,))
            parent.send("rebuilt")
            continue
        lines = "\n".join(f"o{number},2025-03-01,c{number},{version}" for number in range(size))
        sent = delivery(files, "orders", f"order_id,ordered_at,customer_id,amount\n{lines}\n")
        parent.send("started")
        warehouse.load([sent], marts=(TOTALS_MART,))
        parent.send("done")


def state(warehouse: Warehouse) -> dict[str, Any]:
    """Everything a half-done load would show in."""
    with warehouse.reading() as reader:
        orders = reader.collect(reader.frame("orders").select("order_id", "amount"))
        mart = reader.collect(reader.frame("totals")).to_pylist()
        version = reader.data_version
    return {
        "versions": sorted({int(amount) for amount in orders["amount"].to_pylist()}),
        "rows": orders.num_rows,
        "keys": len(set(orders["order_id"].to_pylist())),
        "mart": [(int(row["amount"]), row["orders"]) for row in mart],
        "loads": len(warehouse.loads(limit=1000)),
        "data_version": version,
    }
