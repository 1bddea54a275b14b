"""Where does each followed system hand over what it sends, and has anything come that no run has read?"""

from threading import Lock

from django.utils import timezone as clock

from rakurs.app.connections import folder_of, source_of
from rakurs.app.exchange import Reception
from rakurs.app.serving import current
from rakurs.sources import LIVE_SOURCES
from rakurs.sources.receiving import CURSOR
from rakurs.state.models import Connection, SyncRun

_receptions: dict[str, Reception] = {}
_opening = Lock()


def reception(connection: Connection) -> Reception:
    """Where a connection's system hands over its documents."""
    exchange = source_of(connection).exchange
    assert exchange is not None, connection.source
    with _opening:
        if connection.pk not in _receptions:
            folder = folder_of(current().home, connection) / "received"
            _receptions[connection.pk] = Reception(folder, exchange)
        return _receptions[connection.pk]


def signed_in(connection: Connection) -> None:
    """The system has just come in."""
    Connection.objects.filter(pk=connection.pk).update(heard_at=clock.now())


def has_come(connection: Connection, latest: SyncRun | None) -> bool:
    """Whether an exchange is over that no run has read. A run that failed is begun again by what came after it."""
    source = LIVE_SOURCES.get(connection.source)
    if source is None or source.exchange is None:
        return False
    desk = reception(connection)
    desk.settle()
    if desk.over <= int(connection.cursor.get(CURSOR, 0)):
        return False
    has_failed = latest is not None and latest.status != SyncRun.Status.DONE
    return not has_failed or latest is None or latest.finished_at is None or latest.finished_at < desk.over_at
