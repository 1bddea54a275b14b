"""Has the data changed while a page stands open? One stream a page says so, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

from django.http import HttpRequest, StreamingHttpResponse

from rakurs.web.access import workspace

LOOK_EVERY_SECONDS = 0.5
"""A page is to be fresh two seconds after a load, and its tiles need most of that to ask anew."""
LOOKS_BETWEEN_BREATHS = 40
"""A comment now and then, so that a proxy does not take the silence for an end."""


def live(_request: HttpRequest) -> StreamingHttpResponse:
    """Server-sent events: `version` at the start, and whenever a load moved it."""
    response = StreamingHttpResponse(_changes(), content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _changes() -> AsyncIterator[str]:
    known, looks = -1, -1
    while True:
        looks += 1
        version = await _LOOK.version()
        if version != known:
            known = version
            yield f"event: version\ndata: {version}\n\n"
        elif looks % LOOKS_BETWEEN_BREATHS == 0:
            yield ": still here\n\n"
        await asyncio.sleep(LOOK_EVERY_SECONDS)


class _Look:
    """The data version as it was a moment ago: however many pages stand open, it is read twice a second."""

    def __init__(self) -> None:
        self._version, self._read_at = -1, -LOOK_EVERY_SECONDS
        self._reading = asyncio.Lock()

    async def version(self) -> int:
        async with self._reading:
            if monotonic() - self._read_at >= LOOK_EVERY_SECONDS / 2:
                self._version = await asyncio.to_thread(lambda: workspace().data_version)
                self._read_at = monotonic()
            return self._version


_LOOK = _Look()
