"""Which channels are one? What the systems call them, which are called alike, and what people say."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from rakurs.app import channels
from rakurs.app.channels import COUNTED, Channel
from rakurs.app.formats import Format
from rakurs.core.errors import BadInput
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema import AD_COSTS
from rakurs.web.access import format_of, may, user_of, workspace
from rakurs.web.language import said

_JOINED = Text(ru="Теперь это один канал: все числа уже следуют.", en="They are one channel now: all numbers follow.")
_PARTED = Text(ru="Канал снова сам по себе.", en="The channel is one of its own again.")


@may("load")
def index(request: HttpRequest) -> HttpResponse:
    """Every channel with what it is in numbers; those called alike are offered to be joined."""
    found, form = channels.channels_of(workspace()), format_of()
    names = {one.id: one.name for one in found}
    context = {
        "counted": [said(table.title) for table in COUNTED],
        "cost": said(AD_COSTS.title),
        "channels": [_line(one, names, form) for one in found],
        "suggested": [
            {"name": group[0].name, "channels": [one.id for one in group]} for group in channels.suggested(found)
        ],
    }
    return render(request, "rakurs/channels.html", context)


@require_POST
@may("load")
def settle(request: HttpRequest) -> HttpResponse:
    """Join the chosen channels, or let one be its own again."""
    parted = request.POST.get("part", "")
    try:
        if parted:
            channels.part(workspace(), parted, user_of(request))
        else:
            channels.join(workspace(), request.POST.getlist("channel"), user_of(request))
        messages.success(request, said(_PARTED if parted else _JOINED))
    except BadInput as wrong:
        messages.error(request, said(wrong.message))
    return redirect("channels")


def _line(one: Channel, names: Mapping[str, str], form: Format) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "of": ", ".join(part for part in (one.platform, one.medium) if part),
        "read_as": names.get(one.read_as, one.read_as) if one.is_joined else "",
        "rows": [form.shown(one.rows[table.name], Unit.COUNT) for table in COUNTED],
        "cost": form.shown(one.cost, Unit.MONEY) if one.cost else "",
    }
