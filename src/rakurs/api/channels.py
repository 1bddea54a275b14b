"""How does a program see which channels are one, and say so?"""

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from rakurs.api.callers import caller
from rakurs.api.questions import as_json
from rakurs.app.channels import Channel, channels_of, join, part
from rakurs.app.serving import current

router = Router(tags=["data"])


class Joined(Schema):
    """Channels that are one; the one with the most rows gives the id."""

    channels: list[str]


@router.get("/channels", summary="Every channel, how much it is, and which one it is read as")
def channels(request: HttpRequest) -> HttpResponse:
    """As the systems write them: `read_as` is the channel's own id where it stands for itself."""
    caller(request).must("load")
    return _all()


@router.post("/channels/joined", summary="Say that channels of different systems are one")
def join_channels(request: HttpRequest, said: Joined) -> HttpResponse:
    """Every number by channel has followed when this answers. 422 names a channel that is not there."""
    who = caller(request)
    who.must("load")
    join(current(), said.channels, who.user)
    return _all()


@router.delete("/channels/{channel_id}/joined", summary="Let a channel be one of its own again")
def part_channel(request: HttpRequest, channel_id: str) -> HttpResponse:
    """So are those that were read as it."""
    who = caller(request)
    who.must("load")
    part(current(), channel_id, who.user)
    return _all()


def _all() -> HttpResponse:
    return as_json({"channels": [_document(one) for one in channels_of(current())]})


def _document(one: Channel) -> dict[str, object]:
    return {
        "channel_id": one.id,
        "name": one.name,
        "medium": one.medium,
        "platform": one.platform,
        "read_as": one.read_as,
        "rows": dict(one.rows),
        "cost": str(one.cost),
    }
