"""Dashboards people keep: which can one open, who may change one, which is whose home?"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from rakurs.app.accounts import note
from rakurs.app.asked import AnalysisAsked, PivotAsked
from rakurs.app.dashboard_filters import Chosen, fitted_tile
from rakurs.app.dashboards import (
    MOST_PRESETS,
    Content,
    FilterPreset,
    Layout,
    NumberTile,
    Place,
    QuestionTile,
    ReportTile,
    Tile,
    WordsTile,
    free_place,
    kept_filters,
    kept_tiles,
    layout_of,
    words_in,
)
from rakurs.app.ready_dashboards import HOME_OF, READY, ReadyDashboard
from rakurs.app.saved import AUDIENCES, asked_in, report_for
from rakurs.core.errors import BadParameter, NotAllowed, UnknownName
from rakurs.core.text import Language, Text
from rakurs.state.models import Audience, Dashboard, Preference, Report, User

DASHBOARD = Text(ru="Дашборда", en="dashboard")
TILE = Text(ru="Плитки", en="tile")
_QUESTION = Text(ru="Вопроса", en="question")
HOME = "home_dashboard"
NOT_YOURS = Text(
    ru="Этот дашборд принадлежит другому человеку. Сделайте себе копию.",
    en="This dashboard belongs to somebody else. Make a copy of your own.",
)
MAY_NOT_SHARE = Text(
    ru="Вашей роли не открыто делиться. Попросите владельца.", en="Your role does not share. Ask the owner."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A dashboard as somebody opens it: a ready one, or one that a person keeps."""

    key: str
    title: Text | str
    about: Text | str
    layout: Layout
    kept: Dashboard | None = None
    is_mine: bool = False

    def name(self, language: Language) -> str:
        """The title as this reader reads it."""
        return words_in(self.title, language)


def dashboard_for(user: User, key: str) -> Shown:
    """The ready dashboard of that name, or a kept one this person may open; otherwise it does not exist for them."""
    ready = READY.get(key)
    if ready is not None:
        return _ready(ready)
    found = Dashboard.objects.select_related("owner").filter(pk=key).first()
    if found is None or (found.owner != user and found.audience == Audience.PRIVATE):
        raise UnknownName(DASHBOARD, key, tuple(READY))
    return _kept(found, user)


def dashboards_of(user: User) -> QuerySet[Dashboard]:
    """What stands in this person's list: their own, and those shown to the whole company."""
    return Dashboard.objects.select_related("owner").filter(Q(owner=user) | Q(audience=Audience.EVERYONE))


def own_dashboards(user: User) -> QuerySet[Dashboard]:
    """Those this person may change."""
    return Dashboard.objects.filter(owner=user)


def home_of(user: User) -> Shown:
    """The dashboard a person sees first: the one they set, else the ready one of their role."""
    kept = Preference.objects.filter(user=user, name=HOME).first()
    usual = HOME_OF.get(user.role, next(iter(READY)))
    try:
        return dashboard_for(user, str(kept.value) if kept else usual)
    except UnknownName:
        # Deleted or no longer shown to them.
        return dashboard_for(user, usual)


def set_home(user: User, key: str) -> None:
    """From now on this dashboard is the first thing the person sees."""
    shown = dashboard_for(user, key)
    Preference.objects.update_or_create(user=user, name=HOME, defaults={"value": shown.key})


def create_dashboard(owner: User, *, title: str, about: str = "", layout: Layout | None = None) -> Shown:
    """A new dashboard, private until it is shared."""
    kept = layout or Layout()
    made = Dashboard.objects.create(
        owner=owner, title=_title(title), about=about.strip(), tiles=kept_tiles(kept), filters=kept_filters(kept)
    )
    note(owner, "save dashboard", made.id)
    return _kept(made, owner)


def copy_dashboard(source: Shown, *, owner: User, language: Language, title: str = "") -> Shown:
    """A copy that belongs to `owner`, private. Words of a ready one stay in both languages."""
    name = title or source.name(language)
    return create_dashboard(owner, title=name, about=words_in(source.about, language), layout=source.layout)


def arrange(shown: Shown, layout: Layout, *, by: User) -> Shown:
    """The dashboard shows these tiles from now on."""
    kept = _owned(shown, by)
    kept.tiles = kept_tiles(layout.settled)
    kept.save(update_fields=["tiles", "updated_at"])
    note(by, "change dashboard", kept.id, detail={"tiles": len(layout.tiles)})
    return _kept(kept, by)


def add_tile(shown: Shown, content: Content, *, by: User, title: str = "", view: Place | None = None) -> Shown:
    """One more tile, below the others."""
    place = view or free_place(shown.layout, content)
    tile = Tile(place=place, content=content, title=title.strip() or None)
    return arrange(shown, shown.layout.model_copy(update={"tiles": (*shown.layout.tiles, tile)}), by=by)


def rename_dashboard(shown: Shown, *, by: User, title: str, about: str) -> None:
    """A new name and description."""
    kept = _owned(shown, by)
    kept.title, kept.about = _title(title), about.strip()
    kept.save(update_fields=["title", "about", "updated_at"])
    note(by, "rename dashboard", kept.id)


def share_dashboard(shown: Shown, audience: str, *, by: User) -> None:
    """Who besides the owner may open it from now on."""
    kept = _owned(shown, by)
    if audience not in AUDIENCES:
        allowed = ", ".join(AUDIENCES)
        raise BadParameter("audience", audience, Text(ru=f"Допустимо: {allowed}.", en=f"Allowed: {allowed}."))
    if audience != Audience.PRIVATE and not by.may("share"):
        raise NotAllowed(MAY_NOT_SHARE)
    kept.audience = audience
    kept.save(update_fields=["audience", "updated_at"])
    note(by, "share dashboard", kept.id, detail={"audience": audience})


def keep_preset(shown: Shown, *, by: User, name: str, state: str) -> None:
    """What is chosen now, under a name; the same name takes the new choice."""
    preset = FilterPreset(name=_title(name)[:60], state=state)
    others = [item for item in shown.layout.presets if item.name != preset.name]
    _keep_presets(shown, (*others, preset)[-MOST_PRESETS:], by=by)


def drop_preset(shown: Shown, *, by: User, name: str) -> None:
    """The preset of that name is gone."""
    _keep_presets(shown, tuple(item for item in shown.layout.presets if item.name != name), by=by)


def delete_dashboard(shown: Shown, *, by: User) -> None:
    """The dashboard is gone; whose home it was see the one of their role again."""
    kept = _owned(shown, by)
    note(by, "delete dashboard", kept.id, detail={"title": kept.title, "tiles": kept.tiles})
    kept.delete()


def question_of(tile: Tile, shown: Shown, user: User) -> AnalysisAsked | PivotAsked | None:
    """What a tile asks; None for words.

    A report of the dashboard's owner is shown to whoever may open the dashboard: the question was shared with it.
    """
    content = tile.content
    if isinstance(content, WordsTile):
        return None
    if isinstance(content, NumberTile):
        return PivotAsked(metrics=(content.metric,))
    if isinstance(content, QuestionTile):
        return content.asked
    return asked_in(_report(content, shown, user))


def tile_in(shown: Shown, tile_id: str) -> Tile:
    """The tile of that id. UnknownName when there is none."""
    found = shown.layout.tile(tile_id)
    if found is None:
        raise UnknownName(TILE, tile_id, [item.id for item in shown.layout.tiles])
    return found


def tile_question(tile: Tile, shown: Shown, chosen: Chosen, *, user: User, today: date) -> AnalysisAsked | PivotAsked:
    """What the tile asks under what is chosen. UnknownName for a tile that asks nothing."""
    asked = question_of(tile, shown, user)
    if asked is None:
        raise UnknownName(_QUESTION, tile.id, ())
    return fitted_tile(tile, asked, chosen, today=today).asked


def report_title(content: ReportTile, shown: Shown, user: User) -> str:
    """What the report of a tile is called."""
    return _report(content, shown, user).title


def dashboard_document(shown: Shown, language: Language) -> dict[str, Any]:
    """A dashboard as a program sees it."""
    kept = shown.kept
    return {
        "id": shown.key,
        "title": shown.name(language),
        "about": words_in(shown.about, language),
        "owner": kept.owner.login if kept else None,
        "is_mine": shown.is_mine,
        "is_ready": kept is None,
        "audience": kept.audience if kept else Audience.EVERYONE.value,
        "updated_at": kept.updated_at.isoformat() if kept else None,
        "tiles": kept_tiles(shown.layout),
        "presets": [preset.model_dump() for preset in shown.layout.presets],
    }


def _report(content: ReportTile, shown: Shown, user: User) -> Report:
    if shown.kept is not None:
        found = Report.objects.filter(pk=content.report, owner=shown.kept.owner).first()
        if found is not None:
            return found
    return report_for(user, content.report)


def _ready(ready: ReadyDashboard) -> Shown:
    return Shown(key=ready.name, title=ready.title, about=ready.about, layout=ready.layout)


def _kept(dashboard: Dashboard, user: User) -> Shown:
    return Shown(
        key=dashboard.id,
        title=dashboard.title,
        about=dashboard.about,
        layout=layout_of(dashboard.tiles, dashboard.filters),
        kept=dashboard,
        is_mine=dashboard.owner == user,
    )


def _keep_presets(shown: Shown, presets: tuple[FilterPreset, ...], *, by: User) -> None:
    kept = _owned(shown, by)
    kept.filters = kept_filters(shown.layout.model_copy(update={"presets": presets}))
    kept.save(update_fields=["filters", "updated_at"])
    note(by, "change dashboard", kept.id, detail={"presets": len(presets)})


def _owned(shown: Shown, by: User) -> Dashboard:
    if shown.kept is None or shown.kept.owner != by:
        raise NotAllowed(NOT_YOURS)
    return shown.kept


def _title(title: str) -> str:
    cleaned = " ".join(title.split())
    if not cleaned or len(cleaned) > 200:
        raise BadParameter("title", title, Text(ru="От 1 до 200 букв.", en="1 to 200 letters."))
    return cleaned
