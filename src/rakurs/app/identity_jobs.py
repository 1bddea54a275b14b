"""When are records compared? After every load that brought customers; durable, one at a time."""

from dbos import DBOS, SetWorkflowID
from django.db import close_old_connections

from rakurs.app.serving import current
from rakurs.app.watching import Watch
from rakurs.schema import CUSTOMERS

QUEUE = "identities"
LOOK_SECONDS = 5.0

_watch = Watch("identities", seconds=LOOK_SECONDS)


def start(*, by_themselves: bool) -> None:
    """Where records are compared `by_themselves`, look again and again whether there are new ones."""
    DBOS.register_queue(QUEUE, global_concurrency=1, polling_interval_sec=2.0, on_conflict="always_update")
    if by_themselves:
        _watch.start(_compare_what_is_new)


def stop() -> None:
    """Nothing more begins by itself."""
    _watch.stop()


def _compare_what_is_new() -> None:
    loaded_at = current().state.tables[CUSTOMERS.name].loaded_at
    if loaded_at is None:
        return
    # Named after the customers that are there: compared once, whoever asks and whenever the server is killed.
    workflow_id = f"compare-{loaded_at.isoformat()}"
    if DBOS.get_workflow_status(workflow_id) is None:
        with SetWorkflowID(workflow_id):
            DBOS.enqueue_workflow(QUEUE, _compare)


@DBOS.workflow(name="compare records")
def _compare() -> None:
    _compared()


@DBOS.step(name="compare")
def _compared() -> bool:
    """Whether anybody became one customer; where it fails, who is who stays as it was until customers come again."""
    close_old_connections()
    try:
        return current().compare_records()
    finally:
        close_old_connections()
