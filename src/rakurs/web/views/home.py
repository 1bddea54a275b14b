"""Which questions can be asked? Every report, and the key numbers above them."""

from django.http import HttpRequest, HttpResponse

from rakurs.app.charts.drawing import plain
from rakurs.app.formats import Format
from rakurs.app.tiles import Tile
from rakurs.core.params import PRESET_LABELS
from rakurs.core.periods import Preset
from rakurs.core.units import Unit
from rakurs.web.access import format_of, scope_for, workspace
from rakurs.web.links import query
from rakurs.web.views.pages import page_or_part

PRESETS = (
    Preset.LAST_7_DAYS,
    Preset.LAST_30_DAYS,
    Preset.LAST_90_DAYS,
    Preset.LAST_365_DAYS,
    Preset.THIS_MONTH,
    Preset.THIS_YEAR,
)
DEFAULT = Preset.LAST_30_DAYS


def overview(request: HttpRequest) -> HttpResponse:
    """Key numbers of a period and every report; an invitation while there is no data."""
    company = workspace()
    form = format_of()
    asked = request.GET.get("period", "")
    period = Preset(asked) if asked in PRESETS else DEFAULT
    tiles = company.tiles({"period": period.value}, scope=scope_for(request)) if company.has_data else ()
    context = {
        "has_data": company.has_data,
        "tiles": [shown_tile(tile, form) for tile in tiles],
        "periods": [
            {
                "label": PRESET_LABELS[preset].to(form.language),
                "href": query({"period": preset.value if preset is not DEFAULT else None}) or "?",
                "is_chosen": preset is period,
            }
            for preset in PRESETS
        ],
    }
    return page_or_part(request, whole="rakurs/reports.html", part="rakurs/_reports.html", context=context)


def shown_tile(tile: Tile, form: Format) -> dict[str, object]:
    """A key number as its tile says it."""
    direction = "" if not tile.change else "up" if tile.change > 0 else "down"
    # A count is read to the last one: «2 181», not «2,2 тыс.».
    short = form.shown if tile.unit is Unit.COUNT else form.compact
    return {
        "title": tile.title.to(form.language),
        "value": short(tile.value, tile.unit),
        "exact": form.shown(tile.value, tile.unit),
        "change": form.change(tile.change, tile.change_unit) if tile.change is not None else "",
        "direction": direction,
        # Longer is not better: a change of a time is told without praise or blame.
        "tone": "" if tile.unit in (Unit.DAYS, Unit.HOURS, Unit.SECONDS) else direction,
        "compared": short(tile.compared, tile.unit),
        "points": [[plain(value), is_complete] for _day, value, is_complete in tile.spark],
        "definition": tile.passport.to(form.language),
    }
