"""Who should not wait for the first answer? After every load the home pages of a large company are asked beforehand.

Answers are cached until the data changes, so whoever comes first after a load would pay for all. A thread of the server
asks what people see first, the most common rights first, one question at a time, and stops as soon as the data moves on.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from time import monotonic

from rakurs.analyses import AREAS
from rakurs.app.accounts import scope_of
from rakurs.app.asked import AnalysisAsked, PivotAsked
from rakurs.app.dashboard_filters import chosen_of, fitted_tile, plan_question
from rakurs.app.dashboards import NumberTile, Tile
from rakurs.app.kept_dashboards import Shown, home_of, question_of
from rakurs.app.rights import Scope
from rakurs.app.serving import current
from rakurs.app.watching import Watch
from rakurs.app.workspace import Workspace
from rakurs.core.errors import RakursError
from rakurs.state.models import User

LARGE_ROWS = 1_000_000
"""A company with fewer rows answers anything at once."""
LOOK_SECONDS = 1.0
MOST_SCOPES = 6
MOST_SECONDS = 120.0

_watch = Watch("warming", seconds=LOOK_SECONDS)


class _Seen:
    """The data the last look saw."""

    version = -1


def start() -> None:
    """Begin to watch the data."""
    _Seen.version = -1
    _watch.start(_look)


def stop() -> None:
    """No further question is asked."""
    _watch.stop()


def _look() -> None:
    workspace = current()
    version = workspace.data_version
    if version != _Seen.version and sum(table.rows for table in workspace.state.tables.values()) >= LARGE_ROWS:
        warm(workspace, goes_on=partial(_is_still, version))
    _Seen.version = version


def _is_still(version: int) -> bool:
    return _watch.goes_on and current().data_version == version


def warm(workspace: Workspace, *, goes_on: Callable[[], bool] = lambda: True) -> int:
    """Ask what people will ask first; how many questions were asked. Stops when `goes_on` says no more."""
    deadline, asked = monotonic() + MOST_SECONDS, 0
    for question in _first_questions(workspace):
        if not goes_on() or monotonic() > deadline:
            break
        try:
            question()
        except RakursError:
            continue  # told to whoever opens it
        asked += 1
    return asked


def _first_questions(workspace: Workspace) -> Iterator[Callable[[], object]]:
    """Home pages by how many people have them, then every report as it opens."""
    homes = Counter[tuple[Scope, str]]()
    owners: dict[tuple[Scope, str], User] = {}
    scopes = Counter[Scope]()
    for person in User.objects.filter(is_active=True):
        place = (scope_of(person), home_of(person).key)
        homes[place] += 1
        scopes[place[0]] += 1
        owners.setdefault(place, person)
    for place, _ in homes.most_common(MOST_SCOPES):
        person = owners[place]
        shown = home_of(person)
        yield from (partial(_ask_tile, workspace, tile, shown, person) for tile in shown.layout.tiles)
    for scope, _ in scopes.most_common(1):
        names = [analysis.name for area in AREAS for analysis in area.analyses]
        yield from (partial(workspace.ask, AnalysisAsked(name=name), scope=scope, limit=1) for name in names)


def _ask_tile(workspace: Workspace, tile: Tile, shown: Shown, person: User) -> None:
    asked, scope = question_of(tile, shown, person), scope_of(person)
    if asked is None:
        return
    chosen = chosen_of({})
    taken = fitted_tile(tile, asked, chosen, today=workspace.today).asked
    if isinstance(tile.content, NumberTile) and isinstance(taken, PivotAsked):
        workspace.number_tiles(taken, scope=scope)
        plan = plan_question(tile.content.metric, chosen, today=workspace.today) if tile.content.has_plan else None
        if plan is not None:
            workspace.ask(plan, scope=scope)
    else:
        workspace.ask(taken, scope=scope, limit=1)
