"""A process that owns a warehouse and erases who is in its list; the tests kill it."""

from multiprocessing.connection import Connection
from pathlib import Path

from rakurs.marts import MARTS
from rakurs.warehouse.warehouse import Warehouse

FEW = tuple(mart for mart in MARTS if mart.table.name in {"phone_calls", "touchpoints"})


def main(home: Path, names: str | None, parent: Connection) -> None:
    warehouse = Warehouse.open(home, timezone="Europe/Moscow", currency="RUB", memory_limit="300MB")
    parent.send("ready")
    parent.recv()
    warehouse.erase(names=names, marts=FEW)
    parent.send("erased")
    warehouse.compact()
    parent.send("done")
